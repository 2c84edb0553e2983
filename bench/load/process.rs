//! The measured processes: the service, and this program as the floor. Each is killed, by its id, when its value is dropped.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::{self, Connection};
use crate::seed::Content;

type StartResult = Result<Process, Box<dyn std::error::Error>>;

pub(crate) struct Process {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    pub(crate) fn service(content: &Content) -> StartResult {
        Self::start(
            Command::new(env!("CARGO_BIN_EXE_insights"))
                .args(["serve", "--bind", "127.0.0.1:0", "--log", "error"])
                .env("INSIGHTS_DATA_DIR", content.folder.path())
                .env("INSIGHTS_DATABASE_URL", &content.url),
        )
    }

    /// This program as a server of the response that is saved in the folder.
    pub(crate) fn floor(folder: &Path, path: &str) -> StartResult {
        Self::start(Command::new(std::env::current_exe()?).arg("floor").arg(folder).arg(path))
    }

    /// The first line that a server prints ends in its address.
    fn start(command: &mut Command) -> StartResult {
        let mut process = Self { child: command.stdout(Stdio::piped()).spawn()?, address: String::new() };
        let output = process.child.stdout.take().ok_or("no output")?;
        let first = BufReader::new(output).lines().next().ok_or("a server exited before it printed its address")??;
        first.split_whitespace().last().unwrap_or_default().trim_start_matches("http://").clone_into(&mut process.address);
        Ok(process)
    }

    /// Starts the service, and returns the milliseconds until it has served its first list.
    pub(crate) fn timed_service(content: &Content) -> Result<(Self, f64), Box<dyn std::error::Error>> {
        let started = Instant::now();
        let process = Self::service(content)?;
        process.request(&client::get("/v1/insights", ""))?.expect(200);
        Ok((process, started.elapsed().as_secs_f64() * 1_000.0))
    }

    /// Waits for the search index, which the first start builds while serving: the build would count as load.
    pub(crate) fn wait_for_search(self) -> StartResult {
        while self.request(&client::get("/v1/search?q=x", ""))?.status == 503 {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(self)
    }

    pub(crate) fn request(&self, request: &[u8]) -> std::io::Result<client::Response> {
        Ok(Connection::open(&self.address)?.request(request))
    }

    /// Stops the service gracefully, as an operator would.
    pub(crate) fn stop(mut self) -> std::io::Result<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.child.try_wait()?.is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub(crate) fn cpu(&self) -> Cpu {
        Cpu::read(self.child.id())
    }

    /// Seconds of processor time of all threads, including exited ones: Tantivy's threads exit with each commit. In ticks of 10 ms, so only
    /// for loads that take seconds.
    pub(crate) fn cpu_seconds_with_exited_threads(&self) -> f64 {
        let statistics = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The name of the program, in parentheses, is the second field; the times are the 14th and the 15th (proc_pid_stat(5)).
        let after_name = statistics.rsplit(')').next().unwrap_or_default();
        after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    /// The value of a metric of the service.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let response = self.request(&client::get("/metrics", "")).expect("metrics").expect(200);
        let text = String::from_utf8_lossy(&response.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("no metric {name}"))
    }

    /// One line of the status of the process, such as `VmRSS`, in MiB.
    pub(crate) fn memory_mib(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches(':').split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
    }
}

/// The processor time of each thread in nanoseconds, from the scheduler: ticks (`/proc/PID/stat`) are too coarse.
pub(crate) struct Cpu(HashMap<String, u64>);

impl Cpu {
    pub(crate) fn read(process: u32) -> Self {
        let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        Self(
            tasks
                .filter_map(|task| {
                    let statistics = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
                    Some((task.file_name().into_string().ok()?, statistics.split(' ').next()?.parse().ok()?))
                })
                .collect(),
        )
    }

    /// Compared thread by thread: a thread that has exited would reduce a sum by its whole past.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let spent = self.0.iter().map(|(thread, now)| now.saturating_sub(earlier.0.get(thread).copied().unwrap_or(0)));
        Duration::from_nanos(spent.sum())
    }
}
