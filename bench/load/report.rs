//! The report: one line for each load, with its target and whether it was met.

use crate::measure::{Rounds, median};

/// The bound of a figure.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    /// `target >= 0.95: ok`
    pub(crate) fn judge(self, figure: f64) -> String {
        let (is_met, sign, bound) = match self {
            Self::AtLeast(bound) => (figure >= bound, ">=", bound),
            Self::AtMost(bound) => (figure <= bound, "<=", bound),
        };
        format!("target {sign} {bound}: {}", if is_met { "ok" } else { "MISSED" })
    }
}

/// A load of the service compared with the same load of the floor.
pub(crate) fn compared(name: &str, service: &Rounds, floor: &Rounds, target: Target) {
    let pairs = || service.0.iter().zip(&floor.0);
    let cpu = median(pairs().map(|(service, floor)| floor.cpu_millis / service.cpu_millis));
    let rate = median(pairs().map(|(service, floor)| service.rate / floor.rate));
    println!(
        "{name:<18} {cpu:>5.2} x floor by CPU   {rate:>5.2} by rate   {}   floor {:.4} ms CPU each   {}",
        figures(service),
        floor.cpu_millis(),
        target.judge(cpu)
    );
}

/// A load of the service alone.
pub(crate) fn alone(name: &str, service: &Rounds, target: Target) {
    println!("{name:<18} {}   {}", figures(service), target.judge(service.cpu_millis()));
}

/// A single figure with its unit.
pub(crate) fn figure(name: &str, figure: f64, unit: &str, target: Option<Target>) {
    println!("{name:<18} {figure:.2} {unit}   {}", target.map_or_else(String::new, |target| target.judge(figure)));
}

fn figures(service: &Rounds) -> String {
    format!(
        "p50 {:>7.3} ms   p99 {:>7.3} ms   {:>7.0}/s   {:.4} ms CPU each",
        service.percentile(50),
        service.percentile(99),
        service.rate(),
        service.cpu_millis()
    )
}

pub(crate) fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default().trim_start_matches(['\t', ':', ' ']);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{model}, {cores} cores, load {}", load.split_whitespace().next().unwrap_or_default())
}

pub(crate) fn as_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
