//! Starts the log: one line for each event on standard error, as text for people or as JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::LogSettings;

/// Starts the log. A second call changes nothing.
///
/// # Errors
/// When the filter cannot be parsed.
pub fn start(settings: &LogSettings) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| format!("INSIGHTS_LOG: {error}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    let result = if settings.log_format == "json" { builder.json().try_init() } else { builder.try_init() };
    // It fails only when a log has been started before.
    drop(result);
    Ok(())
}
