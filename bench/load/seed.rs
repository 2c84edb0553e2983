//! A database of published insights: realistic texts for up to 10 000, short ones generated in SQL for more.

use std::path::Path;

use insights::domain::authority::{Admin, Origin, Scope};
use insights::domain::clock::{Clock, Timestamp, new_id};
use insights::domain::user::TokenDraft;
use insights::editorial::{accounts, site};
use insights::store::{Store, summaries};
use sea_orm::{ConnectionTrait as _, Statement};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

use crate::{corpus, generate};

/// For more insights, a statement each takes too long.
const MAX_REALISTIC: usize = 10_000;
const WORDS: usize = 400;
const CATEGORIES: [&str; 4] = ["Debugging", "Infrastructure", "Data Engineering", "Distributed Systems"];

type BenchResult<T> = Result<T, Box<dyn std::error::Error>>;

/// A filled database, and what the loads need to know about it.
pub(crate) struct Content {
    /// Has the search index, and the database if it is `SQLite`.
    pub(crate) folder: TempDir,
    pub(crate) url: String,
    pub(crate) token: String,
    /// The slug of one insight.
    pub(crate) slug: String,
    /// Two words of its title, encoded for a query string.
    pub(crate) words: String,
}

/// Fills a new database in a folder, or the empty one at the URL.
pub(crate) async fn fill(rows: usize, postgres: Option<&str>) -> BenchResult<Content> {
    let folder = tempfile::tempdir()?;
    let url = postgres.map_or_else(|| sqlite_url(folder.path()), str::to_owned);
    let store = Store::open(&url, 10).await?;
    store.migrate().await?;
    let now = Clock::System.now();
    site::ensure(&store, now).await?;
    let (slug, words) =
        if rows <= MAX_REALISTIC { insert_realistic(&store, rows, now).await } else { insert_in_sql(&store, rows, now).await? };
    run(&store, "ANALYZE").await?;
    let draft = TokenDraft { name: "bench".to_owned(), scopes: vec![Scope::Admin], expires_at: None };
    let pending = accounts::create_token(&store, &Admin::system(Origin::Cli), draft, now).await?;
    let (_, token) = pending.commit(&store, now).await?;
    store.close().await?;
    Ok(Content { folder, url, token, slug, words })
}

fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}/insights.db", folder.display())
}

async fn insert_realistic(store: &Store, rows: usize, now: Timestamp) -> (String, String) {
    let corpus = generate::corpus(rows, WORDS, now.0);
    let tags: Vec<&str> = corpus.tags.iter().map(String::as_str).collect();
    corpus::fill(store, &corpus.entries, &CATEGORIES, &tags).await;
    let title = &corpus.entries[rows / 2].title;
    let words: Vec<&str> = title.split([' ', ':']).take(2).collect();
    (format!("entry-{}", rows / 2), words.join("+"))
}

async fn insert_in_sql(store: &Store, rows: usize, now: Timestamp) -> BenchResult<(String, String)> {
    let terms = CATEGORIES.map(|name| ("categories", name)).into_iter();
    let terms = terms.chain([("tags", "Rust"), ("tags", "SQL"), ("tags", "Ops"), ("authors", "Ada"), ("authors", "Grace")]);
    for (table, name) in terms {
        let (id, slug) = (new_id(now).simple(), name.replace(' ', "-").to_lowercase());
        let sql = format!(
            "INSERT INTO {table} (id, slug, name, description, translations, version, created_at, updated_at) \
             VALUES (x'{id}', '{slug}', '{name}', '', '{{}}', 1, {now}, {now})",
            now = now.0
        );
        run(store, &sql).await?;
    }
    for sql in statements(rows, now.0) {
        run(store, &sql).await?;
    }
    summaries::renew(store).await?;
    let middle = rows / 2;
    Ok((format!("seeded-{middle:07}"), format!("t{}+p{}", middle % 997, middle % 89)))
}

/// Insights that are a minute apart, the newest an hour old, inserted oldest first, with `UUIDv7` ids and one category, tag and
/// author each.
fn statements(rows: usize, now: i64) -> Vec<String> {
    let nth = |terms: &str| format!("(SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS all_of FROM {terms}) c");
    let series = format!("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s)");
    let at = format!("{now} - 3600000 - ({rows} - n) * 60000");
    let body = "i.sort_title || '. ' || replace(hex(zeroblob(60)), '00', 'word ')";
    let mut list = vec![
        format!(
            "INSERT INTO insights (id, slug, head_revision, live_revision, pointer_version, published_at, position_at, category_id, \
             sort_title, reading_minutes, created_at, updated_at, live_updated_at) \
             SELECT unhex(printf('%012x70008%015x', s.at, s.n)), printf('seeded-%07d', s.n), 1, 1, 1, s.at, s.at, c.id, \
             printf('note %d about t%d and p%d', s.n, s.n % 997, s.n % 89), 1 + s.n % 9, s.at, s.at, s.at \
             FROM (SELECT n, {at} AS at FROM {series}) s CROSS JOIN {} WHERE c.place = s.n % c.all_of",
            nth("categories")
        ),
        "INSERT INTO slugs (slug, insight_id, created_at) SELECT slug, id, created_at FROM insights".to_owned(),
        "INSERT INTO revisions (insight_id, number, slug, source_locale, locales, category_id, seo, extra, origin, created_at) \
         SELECT id, 1, slug, 'en', '[\"en\"]', category_id, '{}', '{}', 'bench', created_at FROM insights"
            .to_owned(),
        // Excerpts of the usual length, so that pages can be compared with those of realistic texts.
        "INSERT INTO revision_texts (insight_id, number, locale, title, excerpt, excerpt_source, word_count, derived_minutes, is_source) \
         SELECT id, 1, 'en', sort_title, replace(hex(zeroblob(25)), '00', 'excerpt '), 'derived', 66, reading_minutes, 1 FROM insights"
            .to_owned(),
        format!(
            "INSERT INTO revision_bodies (insight_id, number, locale, markdown, html, plain, toc) \
             SELECT i.id, 1, 'en', {body}, '<p>' || {body} || '</p>', {body}, '[]' FROM insights i"
        ),
    ];
    for (links, terms, live_links) in [("revision_tags", "tags", "live_tags"), ("revision_authors", "authors", "live_authors")] {
        list.push(format!(
            "INSERT INTO {links} (insight_id, number, term_id, place) \
             SELECT i.id, 1, c.id, 0 FROM insights i CROSS JOIN {} WHERE c.place = i.rowid % c.all_of",
            nth(terms)
        ));
        list.push(format!(
            "INSERT INTO {live_links} (term_id, position_at, insight_id) \
             SELECT l.term_id, i.position_at, i.id FROM {links} l CROSS JOIN insights i WHERE i.id = l.insight_id"
        ));
    }
    list
}

async fn run(store: &Store, sql: &str) -> Result<(), sea_orm::DbErr> {
    let writer = store.writer();
    writer.execute_raw(Statement::from_string(writer.get_database_backend(), sql)).await.map(|_| ())
}

/// A new database on a `PostgreSQL` server.
pub(crate) struct PostgresDatabase {
    server: String,
    name: String,
}

impl PostgresDatabase {
    pub(crate) async fn create(server: &str) -> BenchResult<Self> {
        let database = Self { server: server.to_owned(), name: format!("insights_bench_{}", std::process::id()) };
        database.execute(format!("CREATE DATABASE {}", database.name)).await?;
        Ok(database)
    }

    pub(crate) fn url(&self) -> BenchResult<String> {
        let (base, _) = self.server.rsplit_once('/').ok_or("the URL of a PostgreSQL ends in /DATABASE")?;
        Ok(format!("{base}/{}", self.name))
    }

    pub(crate) async fn drop(self) -> BenchResult<()> {
        self.execute(format!("DROP DATABASE {} WITH (FORCE)", self.name)).await
    }

    async fn execute(&self, sql: String) -> BenchResult<()> {
        let mut connection = PgConnection::connect(&self.server).await?;
        connection.execute(sqlx::AssertSqlSafe(sql)).await?;
        Ok(connection.close().await?)
    }
}
