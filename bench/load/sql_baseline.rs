//! The baseline of an uncached list: the same rows by one hand-written SQL statement through the same driver.

use std::str::FromStr as _;
use std::time::{Duration, Instant};

use insights::domain::clock::Clock;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::process::Cpu;
use crate::report::as_float;

const NEWEST: &str = "
SELECT i.id, r.slug, r.locales, t.locale, t.title, t.excerpt, i.position_at, i.live_updated_at, i.reading_minutes, t.word_count,
       r.canonical_url, r.seo, r.extra,
       json_object('slug', c.slug, 'name', c.name, 'translations', json(c.translations)),
       (SELECT json_group_array(json_object('slug', x.slug, 'name', x.name, 'translations', json(x.translations)) ORDER BY l.place)
        FROM revision_tags l JOIN tags x ON x.id = l.term_id WHERE l.insight_id = r.insight_id AND l.number = r.number),
       (SELECT json_group_array(json_object('slug', x.slug, 'name', x.name, 'translations', json(x.translations)) ORDER BY l.place)
        FROM revision_authors l JOIN authors x ON x.id = l.term_id WHERE l.insight_id = r.insight_id AND l.number = r.number)
FROM (SELECT * FROM insights
      WHERE live_revision IS NOT NULL AND deleted_at IS NULL AND position_at <= ? AND (unpublish_at IS NULL OR +unpublish_at > ?)
      ORDER BY position_at DESC, id DESC LIMIT 20) i
JOIN revisions r ON r.insight_id = i.id AND r.number = i.live_revision
JOIN revision_texts t ON t.insight_id = r.insight_id AND t.number = r.number AND t.is_source
JOIN categories c ON c.id = r.category_id
ORDER BY i.position_at DESC, i.id DESC";

type Row = (Vec<u8>, String, String, String, String, String, i64, i64, i64, i64, Option<String>, String, String, String, String, String);

/// The cost of one execution in milliseconds: processor time of this process, which does nothing else, and wall time.
pub(crate) struct StatementCost {
    pub(crate) cpu_millis: f64,
    pub(crate) wall_millis: f64,
}

/// Runs the statement for this duration, on a connection with the settings of the service.
pub(crate) async fn measure(url: &str, duration: Duration) -> Result<StatementCost, sqlx::Error> {
    let options = SqliteConnectOptions::from_str(url)?.read_only(true).pragma("cache_size", "-2048");
    let mut connection = options.disable_statement_logging().connect().await?;
    run(&mut connection, duration / 5).await?;
    let (started, before) = (Instant::now(), Cpu::read(std::process::id()));
    let count = as_float(run(&mut connection, duration).await?);
    let cpu = Cpu::read(std::process::id()).since(&before);
    Ok(StatementCost { cpu_millis: cpu.as_secs_f64() * 1_000.0 / count, wall_millis: started.elapsed().as_secs_f64() * 1_000.0 / count })
}

/// Returns the number of executions.
async fn run(connection: &mut SqliteConnection, duration: Duration) -> Result<usize, sqlx::Error> {
    let (started, now) = (Instant::now(), Clock::System.now().0);
    let mut executions = 0;
    while started.elapsed() < duration {
        let rows: Vec<Row> = sqlx::query_as(NEWEST).bind(now).bind(now).fetch_all(&mut *connection).await?;
        assert_eq!(rows.len(), 20, "a page of the newest insights");
        executions += 1;
    }
    Ok(executions)
}
