//! One measurement: the processor time of a server under load, divided by the number of requests.

use std::time::Duration;

use crate::client::{Fleet, NextRequest, Window};
use crate::process::Process;
use crate::report::as_float;

/// The number and length of measurement windows.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) window: Duration,
}

/// A server and the connections that load it.
pub(crate) struct LoadedServer<'p> {
    process: &'p Process,
    fleet: Fleet,
    /// The expected status of every response.
    status: u16,
}

impl<'p> LoadedServer<'p> {
    /// Connects and warms up: fills caches and touches pages before the first measurement.
    pub(crate) fn warm_up(process: &'p Process, status: u16, next_request: &NextRequest<'_>) -> std::io::Result<Self> {
        let mut fleet = Fleet::connect(&process.address)?;
        fleet.drive(Duration::from_millis(300), status, next_request);
        Ok(Self { process, fleet, status })
    }

    pub(crate) fn measure(&mut self, window: Duration, next_request: &NextRequest<'_>) -> Measurement {
        let before = self.process.cpu();
        let Window { times, elapsed } = self.fleet.drive(window, self.status, next_request);
        let cpu = self.process.cpu().since(&before);
        let count = as_float(times.len());
        Measurement { cpu_millis: cpu.as_secs_f64() * 1_000.0 / count, rate: count / elapsed.as_secs_f64(), times }
    }
}

/// The result of one window.
pub(crate) struct Measurement {
    /// Processor time for each request.
    pub(crate) cpu_millis: f64,
    /// Requests per second.
    pub(crate) rate: f64,
    /// The latency of each request in microseconds.
    pub(crate) times: Vec<u32>,
}

/// The windows of one load.
#[derive(Default)]
pub(crate) struct Rounds(pub(crate) Vec<Measurement>);

impl Rounds {
    pub(crate) fn cpu_millis(&self) -> f64 {
        median(self.0.iter().map(|measurement| measurement.cpu_millis))
    }

    pub(crate) fn rate(&self) -> f64 {
        median(self.0.iter().map(|measurement| measurement.rate))
    }

    /// A percentile of the latency in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        percentile(self.0.iter().flat_map(|measurement| &measurement.times).copied().collect(), percent)
    }
}

/// A percentile, in milliseconds, of times in microseconds.
pub(crate) fn percentile(mut times: Vec<u32>, percent: usize) -> f64 {
    times.sort_unstable();
    f64::from(times[(times.len() - 1) * percent / 100]) / 1_000.0
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = values[values.len() / 2];
    if values.len() % 2 == 1 { upper } else { f64::midpoint(values[values.len() / 2 - 1], upper) }
}
