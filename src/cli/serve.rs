//! `insights serve`: starts the service, prints where it is, and stops it on SIGINT or SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::cli::output::print;
use crate::config::ServeSettings;
use crate::domain::clock::Clock;

pub(super) async fn serve(settings: &ServeSettings) -> anyhow::Result<()> {
    crate::telemetry::start(&settings.log).map_err(|error| anyhow::anyhow!(error))?;
    let app = App::start(settings, Clock::System).await?;
    // Before the banner: a script that reads it may stop the service at once.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    print(&banner(&app.base_url))?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    app.stop().await
}

fn banner(url: &str) -> String {
    format!(
        "Insights API      {url}\n  \
         insights        {url}/v1/insights\n  \
         reference       {url}/docs\n  \
         editor token    insights tokens create --name me --scopes insights:write,insights:publish\n                  \
         (same INSIGHTS_DATA_DIR or INSIGHTS_DATABASE_URL; with cargo: cargo run --release -- tokens create …)\n"
    )
}
