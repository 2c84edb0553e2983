//! Who owns which slug. A slug has one owner at a time, old slugs included; the database's primary key holds it.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::insight_rows;
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::slug::Slug;

#[derive(FromQueryResult)]
struct OwnerRow {
    insight_id: Uuid,
}

#[derive(FromQueryResult)]
struct TakenRow {
    slug: String,
}

/// The insight that a slug names or once named.
pub async fn owner(db: &impl ConnectionTrait, slug: &str) -> Result<Option<Uuid>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT insight_id FROM slugs WHERE slug = ");
    Ok(sql.bind(slug).one::<OwnerRow>(db).await?.map(|owned| owned.insight_id))
}

/// An insight that a slug leads to, for whoever writes a link to it.
#[derive(Clone, Debug, FromQueryResult)]
pub struct SlugTarget {
    pub slug: String,
    pub visible: bool,
}

/// Where some slugs lead, old ones included. Of insights that are neither visible nor, if it is given, this user's, nothing is told.
pub async fn targets(db: &impl ConnectionTrait, slugs: &[&str], own: Option<Uuid>, now: Timestamp) -> Result<Vec<SlugTarget>, StoreError> {
    if slugs.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend(), "SELECT s.slug, (CASE WHEN ");
    insight_rows::visible(&mut sql, now, "").push(" THEN true ELSE false END) AS visible FROM slugs s JOIN insights i ON ");
    sql.push("(i.id = s.insight_id OR i.id = s.public_id) AND i.deleted_at IS NULL WHERE s.slug IN (");
    sql.bind_all(slugs.iter().copied()).push(")");
    if let Some(own) = own {
        sql.push(" AND (i.created_by = ").bind(own).push(" OR (");
        insight_rows::visible(&mut sql, now, "").push("))");
    }
    // One slug can lead the public to one insight and editors to another: what readers get counts.
    sql.push(" ORDER BY 2 DESC").all(db).await
}

/// Takes exactly this slug. False when another insight uses it, or drafts to. One that another only used to have may be taken; the public is
/// still led to the old insight until the new one is published.
pub async fn claim(txn: &DatabaseTransaction, slug: &Slug, insight: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    if insert(txn, slug, insight, now).await? {
        return Ok(true);
    }
    // Held before it is judged: a rival that was first has committed by the time the next statement looks.
    let backend = txn.get_database_backend();
    let mut held = Sql::new(backend, "SELECT insight_id FROM slugs WHERE slug = ");
    held.bind(slug.as_str()).push(if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" });
    let owner = held.one::<OwnerRow>(txn).await?.map(|owned| owned.insight_id);
    if owner == Some(insight) {
        return Ok(true);
    }
    let mut sql = Sql::new(backend, "UPDATE slugs SET insight_id = ");
    sql.bind(insight).push(" WHERE slug = ").bind(slug.as_str());
    sql.push(
        " AND NOT EXISTS (SELECT 1 FROM insights i JOIN revisions r ON r.insight_id = i.id AND r.number = i.head_revision \
         WHERE i.id = slugs.insight_id AND (i.slug = slugs.slug OR r.slug = slugs.slug))",
    );
    Ok(sql.run(txn).await? == 1)
}

/// Where a slug leads that was to lead to an insight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectOutcome {
    Now,
    Already,
    /// To another insight, which had it in public: that is for ever.
    Elsewhere,
}

/// Lets a slug lead to an insight that never had it here, unless it leads to another.
pub async fn lead(txn: &DatabaseTransaction, slug: &str, insight: Uuid) -> Result<RedirectOutcome, StoreError> {
    #[derive(FromQueryResult)]
    struct RedirectRow {
        public_id: Option<Uuid>,
    }
    let mut sql = Sql::new(txn.get_database_backend(), "SELECT public_id FROM slugs WHERE slug = ");
    match sql.bind(slug).one::<RedirectRow>(txn).await?.and_then(|row| row.public_id) {
        Some(there) if there == insight => Ok(RedirectOutcome::Already),
        Some(_) => Ok(RedirectOutcome::Elsewhere),
        None => leave(txn, slug, insight).await.map(|_| RedirectOutcome::Now),
    }
}

/// Which of some slugs anybody has or had.
pub async fn known(db: &impl ConnectionTrait, slugs: &[&str]) -> Result<HashSet<String>, StoreError> {
    if slugs.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sql = Sql::new(db.get_database_backend(), "SELECT slug FROM slugs WHERE slug IN (");
    let rows: Vec<TakenRow> = sql.bind_all(slugs.iter().copied()).push(")").all(db).await?;
    Ok(rows.into_iter().map(|row| row.slug).collect())
}

/// Takes this slug if nobody ever had it.
pub async fn claim_free(txn: &DatabaseTransaction, slug: &Slug, insight: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    insert(txn, slug, insight, now).await
}

/// Takes the base, or the next free of `base-2`, `base-3`, ….
pub async fn claim_derived(txn: &DatabaseTransaction, base: &Slug, insight: Uuid, now: Timestamp) -> Result<Slug, StoreError> {
    if txn.get_database_backend() == DbBackend::Postgres {
        // Those who derive from the same title go one after the other, instead of each trying every number.
        Sql::new(DbBackend::Postgres, "SELECT pg_advisory_xact_lock(hashtextextended(").bind(base.as_str()).push(", 0))").run(txn).await?;
    }
    // Most titles are new.
    if insert(txn, base, insight, now).await? {
        return Ok(base.clone());
    }
    loop {
        let taken = taken(txn, base).await?;
        for candidate in candidates(base).filter(|slug| !taken.contains(slug.as_str())).take(1) {
            if insert(txn, &candidate, insight, now).await? {
                return Ok(candidate);
            }
        }
    }
}

/// Free slugs near one that is taken.
pub async fn suggestions(db: &impl ConnectionTrait, base: &Slug) -> Result<Vec<String>, StoreError> {
    let taken = taken(db, base).await?;
    Ok(candidates(base).map(Slug::into_string).filter(|slug| !taken.contains(slug)).take(3).collect())
}

/// Remembers that an insight was public under a slug which it leaves now: the slug leads to it from now on, for ever, unless another insight
/// is published under it. Answers whether it did not before.
pub async fn leave(txn: &DatabaseTransaction, slug: &str, insight: Uuid) -> Result<bool, StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE slugs SET public_id = ");
    sql.bind(insight).push(" WHERE slug = ").bind(slug).push(" AND (public_id IS NULL OR public_id <> ").bind(insight).push(")");
    Ok(sql.run(txn).await? == 1)
}

/// Gives slugs that an insight only drafted to have, or one of them, back to those whom the public knows by them.
pub async fn give_back(txn: &DatabaseTransaction, insight: Uuid, slug: Option<&str>) -> Result<(), StoreError> {
    let mut sql =
        Sql::new(txn.get_database_backend(), "UPDATE slugs SET insight_id = public_id WHERE public_id IS NOT NULL AND insight_id = ");
    sql.bind(insight).push(" AND public_id <> ").bind(insight);
    if let Some(slug) = slug {
        sql.push(" AND slug = ").bind(slug);
    }
    sql.run(txn).await?;
    Ok(())
}

async fn insert(txn: &DatabaseTransaction, slug: &Slug, insight: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "INSERT INTO slugs (slug, insight_id, created_at) VALUES (");
    sql.bind(slug.as_str()).push(", ").bind(insight).push(", ").bind(now.0);
    Ok(sql.push(") ON CONFLICT (slug) DO NOTHING").run(txn).await? == 1)
}

/// The slugs from `base-0` to `base-:`, a range that holds every `base-<number>`, and the base itself.
async fn taken(db: &impl ConnectionTrait, base: &Slug) -> Result<HashSet<String>, StoreError> {
    let stem = base.numbered(1);
    let stem = stem.as_str().trim_end_matches('1');
    let mut sql = Sql::new(db.get_database_backend(), "SELECT slug FROM slugs WHERE slug = ");
    sql.bind(base.as_str()).push(" OR (slug >= ").bind(format!("{stem}0")).push(" AND slug < ").bind(format!("{stem}:")).push(")");
    Ok(sql.all::<TakenRow>(db).await?.into_iter().map(|taken| taken.slug).collect())
}

fn candidates(base: &Slug) -> impl Iterator<Item = Slug> + '_ {
    std::iter::once(base.clone()).chain((2..).map(|n| base.numbered(n)))
}
