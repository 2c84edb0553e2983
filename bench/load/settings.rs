//! The options of the command line.

use std::time::Duration;

use crate::measure::Effort;

const LARGE: usize = 1_000_000;
/// Addresses of the scan, unless the run is large.
const SCANNED: usize = 100_000;

pub(crate) struct Settings {
    /// The sizes of the databases, ascending.
    pub(crate) rows: Vec<usize>,
    pub(crate) effort: Effort,
    pub(crate) scanned: usize,
    /// A server on which a database can be created.
    pub(crate) postgres: Option<String>,
}

impl Settings {
    pub(crate) fn read(arguments: &[String]) -> Result<Self, Box<dyn std::error::Error>> {
        let effort = Effort { rounds: 5, window: Duration::from_millis(1_500) };
        let mut settings = Self { rows: vec![1_000, 10_000, 100_000], effort, scanned: SCANNED, postgres: None };
        let mut large = false;
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument {
                "--rows" => settings.rows = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--rounds" => settings.effort.rounds = value()?.parse::<usize>()?.max(1),
                "--seconds" => settings.effort.window = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--postgres" => settings.postgres = Some(value()?.to_owned()),
                "--large" => large = true,
                // Cargo passes it to every benchmark.
                "--bench" => {}
                _ => return Err(format!("unknown argument: {argument}").into()),
            }
        }
        settings.rows.extend(large.then_some(LARGE));
        if large {
            settings.scanned = LARGE;
        }
        settings.rows.sort_unstable();
        settings.rows.dedup();
        Ok(settings)
    }
}
