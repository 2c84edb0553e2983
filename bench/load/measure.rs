//! One measurement: a server under load for some seconds, its processor time divided by what it answered.

use std::time::Duration;

use crate::client::{Asking, Fleet, Window};
use crate::process::Process;
use crate::report::as_float;

/// How long everything is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) window: Duration,
}

/// A server with the connections that load it.
pub(crate) struct Loaded<'p> {
    process: &'p Process,
    fleet: Fleet,
    /// The status of every answer.
    status: u16,
}

impl<'p> Loaded<'p> {
    /// Connects, and asks a while for nothing: connections are accepted, caches filled and pages touched before the first measurement.
    pub(crate) fn warm(process: &'p Process, status: u16, asking: &Asking<'_>) -> std::io::Result<Self> {
        let mut fleet = Fleet::connect(&process.address)?;
        fleet.drive(Duration::from_millis(300), status, asking);
        Ok(Self { process, fleet, status })
    }

    pub(crate) fn measure(&mut self, window: Duration, asking: &Asking<'_>) -> Measured {
        let before = self.process.cpu();
        let Window { times, elapsed } = self.fleet.drive(window, self.status, asking);
        let cpu = self.process.cpu().since(&before);
        let count = as_float(times.len());
        Measured { cpu_millis: cpu.as_secs_f64() * 1_000.0 / count, rate: count / elapsed.as_secs_f64(), times }
    }
}

/// What one window showed.
pub(crate) struct Measured {
    /// Milliseconds of processor time of a request.
    pub(crate) cpu_millis: f64,
    /// Requests in a second.
    pub(crate) rate: f64,
    /// Microseconds from each request to its answer.
    pub(crate) times: Vec<u32>,
}

/// Several windows of one load.
#[derive(Default)]
pub(crate) struct Rounds(pub(crate) Vec<Measured>);

impl Rounds {
    pub(crate) fn cpu_millis(&self) -> f64 {
        median(self.0.iter().map(|measured| measured.cpu_millis))
    }

    pub(crate) fn rate(&self) -> f64 {
        median(self.0.iter().map(|measured| measured.rate))
    }

    /// Milliseconds that so many in a hundred requests did not exceed.
    pub(crate) fn percentile(&self, hundredths: usize) -> f64 {
        percentile(self.0.iter().flat_map(|measured| &measured.times).copied().collect(), hundredths)
    }
}

/// Milliseconds that so many in a hundred of some microseconds do not exceed.
pub(crate) fn percentile(mut times: Vec<u32>, hundredths: usize) -> f64 {
    times.sort_unstable();
    f64::from(times[(times.len() - 1) * hundredths / 100]) / 1_000.0
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = values[values.len() / 2];
    if values.len() % 2 == 1 { upper } else { f64::midpoint(values[values.len() / 2 - 1], upper) }
}
