//! `insights migrate`, `check`, `reindex` and `health`: tasks of an operator.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::database;
use crate::cli::output::print;
use crate::config::DataSettings;
use crate::projections::search::SearchProjection;
use crate::projections::search::integrity::{self, IndexVerdict};
use crate::store;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// `reindex` prints its progress once in so many insights.
const PROGRESS_STEP: usize = 1_000;

pub(super) async fn migrate(data: &DataSettings) -> anyhow::Result<()> {
    let steps = database::migrate(&database::open(data).await?).await?;
    if steps.is_empty() {
        return print("the schema is up to date already\n");
    }
    print(&format!("migrated: {}\n", steps.join(", ")))
}

/// Prints every fault of the database and of the search index, and fails if there is one.
pub(super) async fn check(data: &DataSettings) -> anyhow::Result<()> {
    let store = database::open_current(data).await?;
    let mut faults = store::integrity::faults(&store).await?;
    let search = match integrity::compare(&store, &data.search_dir()).await? {
        IndexVerdict::Agrees => "the search index agrees with it".to_owned(),
        IndexVerdict::Missing => "there is no search index here: the next start builds it".to_owned(),
        IndexVerdict::Foreign => "the search index belongs to another database: the next start rebuilds it".to_owned(),
        IndexVerdict::Lags(rows) => format!("the search index lacks {rows} change(s), which the next start applies"),
        IndexVerdict::InUse => "the search index is in use and was not checked".to_owned(),
        IndexVerdict::Differs(differences) => {
            faults.extend(differences);
            String::new()
        }
    };
    for fault in &faults {
        print(&format!("wrong: {fault}\n"))?;
    }
    anyhow::ensure!(faults.is_empty(), "{} fault(s) found", faults.len());
    print(&format!("the database is sound and its schema up to date; {search}\n"))
}

/// Rebuilds the search index from the database.
pub(super) async fn reindex(data: &DataSettings) -> anyhow::Result<()> {
    let store = database::open_current(data).await?;
    let (projection, _, _) = SearchProjection::new(data.search_dir(), tokio::runtime::Handle::current());
    let mut indexed = 0;
    let on_progress = |insights| {
        if insights / PROGRESS_STEP > indexed / PROGRESS_STEP {
            let _ = print(&format!("{insights} insights\n"));
        }
        indexed = insights;
    };
    projection.rebuild(&store, on_progress).await?;
    print(&format!("the search index holds {indexed} insight(s)\n"))
}

/// Asks the service's port whether it is ready, without an HTTP client: for health checks in images that have none.
pub(super) fn check_health(mut bind: SocketAddr) -> anyhow::Result<()> {
    if bind.ip().is_unspecified() {
        bind.set_ip(if bind.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    let mut stream = TcpStream::connect_timeout(&bind, CONNECT_TIMEOUT).context("nothing listens there")?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status_line = [0_u8; 12];
    stream.read_exact(&mut status_line).context("no answer")?;
    anyhow::ensure!(&status_line == b"HTTP/1.1 200", "not ready");
    print("ready\n")
}
