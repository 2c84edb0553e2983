//! The processes that are measured: the service, and the bench itself as the floor. Each ends, by its own id, with the value that holds it.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::{self, Connection};
use crate::seed::Content;

type Started = Result<Process, Box<dyn std::error::Error>>;

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
    pub(crate) fn service(content: &Content) -> Started {
        Self::start(
            Command::new(env!("CARGO_BIN_EXE_insights"))
                .args(["serve", "--bind", "127.0.0.1:0", "--log", "error"])
                .env("INSIGHTS_DATA_DIR", content.folder.path())
                .env("INSIGHTS_DATABASE_URL", &content.url),
        )
    }

    /// This program again, answering `path` with what lies in the folder.
    pub(crate) fn floor(folder: &Path, path: &str) -> Started {
        Self::start(Command::new(std::env::current_exe()?).arg("floor").arg(folder).arg(path))
    }

    /// The first line that a server prints ends in its address.
    fn start(command: &mut Command) -> Started {
        let mut process = Self { child: command.stdout(Stdio::piped()).spawn()?, address: String::new() };
        let output = process.child.stdout.take().ok_or("no output")?;
        let first = BufReader::new(output).lines().next().ok_or("a server ended before it gave its address")??;
        first.split_whitespace().last().unwrap_or_default().trim_start_matches("http://").clone_into(&mut process.address);
        Ok(process)
    }

    /// Milliseconds from the start of the process to its first list.
    pub(crate) fn started(content: &Content) -> Result<(Self, f64), Box<dyn std::error::Error>> {
        let began = Instant::now();
        let process = Self::service(content)?;
        process.ask(&client::get("/v1/insights", ""))?.expect(200);
        Ok((process, began.elapsed().as_secs_f64() * 1_000.0))
    }

    /// Waits for the search index, which a first start makes beside serving: it would count as load.
    pub(crate) fn settled(self) -> Started {
        while self.ask(&client::get("/v1/search?q=x", ""))?.status == 503 {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(self)
    }

    pub(crate) fn ask(&self, request: &[u8]) -> std::io::Result<client::Answer> {
        Ok(Connection::open(&self.address)?.ask(request))
    }

    /// Asks it to end as an operator would, so that the next start finds everything in order.
    pub(crate) fn stop(mut self) -> std::io::Result<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.child.try_wait()?.is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub(crate) fn cpu(&self) -> Cpu {
        Cpu::of(self.child.id())
    }

    /// Seconds of processor time of all its threads, those that have ended too: the engine's indexers end with each commit. In ticks of 10 ms, so for
    /// loads that take seconds.
    pub(crate) fn cpu_with_ended(&self) -> f64 {
        let statistics = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The name of the program, in brackets, is the second field; the times are the 14th and the 15th (proc_pid_stat(5)).
        let behind_name = statistics.rsplit(')').next().unwrap_or_default();
        behind_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    /// One of the figures that the service tells about itself.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        let answer = self.ask(&client::get("/metrics", "")).expect("figures").expect(200);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("no figure {name}"))
    }

    /// MiB of one line of the process's status, such as `VmRSS`.
    pub(crate) fn memory(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches(':').split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
    }
}

/// Nanoseconds of processor time of each thread, as the scheduler counted them: ticks (`/proc/PID/stat`) are too coarse.
pub(crate) struct Cpu(HashMap<String, u64>);

impl Cpu {
    pub(crate) fn of(process: u32) -> Self {
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

    /// Thread by thread, because one that ended meanwhile would take all its past out of a sum.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let spent = self.0.iter().map(|(thread, now)| now.saturating_sub(earlier.0.get(thread).copied().unwrap_or(0)));
        Duration::from_nanos(spent.sum())
    }
}
