//! Slugs and their redirects. A slug has one owner at a time (`insight_id`), old slugs included: the primary key
//! ensures it. An archived slug redirects the public to the insight that was last public under it (`public_id`).

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

/// The insight that owns a slug.
pub async fn find_owner(db: &impl ConnectionTrait, slug: &str) -> Result<Option<Uuid>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT insight_id FROM slugs WHERE slug = ");
    Ok(sql.bind(slug).one::<OwnerRow>(db).await?.map(|row| row.insight_id))
}

/// The target of a slug, for the check of links.
#[derive(Clone, Debug, FromQueryResult)]
pub struct SlugTarget {
    pub slug: String,
    pub visible: bool,
}

/// The targets of these slugs, old ones included. With `own`: only insights that are visible or belong to this user.
pub async fn find_targets(
    db: &impl ConnectionTrait,
    slugs: &[&str],
    own: Option<Uuid>,
    now: Timestamp,
) -> Result<Vec<SlugTarget>, StoreError> {
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
    // One slug can lead the public to one insight and editors to another: the one for the public comes first.
    sql.push(" ORDER BY 2 DESC").all(db).await
}

/// Claims exactly this slug. False when another insight uses it, live or in its newest draft. An archived slug of another insight can be
/// claimed; it redirects the public to the old insight until the new one is published.
pub async fn claim(txn: &DatabaseTransaction, slug: &Slug, insight: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    if insert(txn, slug, insight, now).await? {
        return Ok(true);
    }
    // Locked before it is judged: a concurrent claim has committed when the next statement reads.
    let backend = txn.get_database_backend();
    let mut locked = Sql::new(backend, "SELECT insight_id FROM slugs WHERE slug = ");
    locked.bind(slug.as_str()).push(if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" });
    let owner = locked.one::<OwnerRow>(txn).await?.map(|row| row.insight_id);
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

/// The outcome of [`set_redirect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectOutcome {
    Set,
    Unchanged,
    /// The slug redirects to another insight, which was public under it; it keeps it.
    Taken,
}

/// Redirects a slug to an insight that was public under it elsewhere, unless it redirects to another one.
pub async fn set_redirect(txn: &DatabaseTransaction, slug: &str, insight: Uuid) -> Result<RedirectOutcome, StoreError> {
    #[derive(FromQueryResult)]
    struct RedirectRow {
        public_id: Option<Uuid>,
    }
    let mut sql = Sql::new(txn.get_database_backend(), "SELECT public_id FROM slugs WHERE slug = ");
    match sql.bind(slug).one::<RedirectRow>(txn).await?.and_then(|row| row.public_id) {
        Some(target) if target == insight => Ok(RedirectOutcome::Unchanged),
        Some(_) => Ok(RedirectOutcome::Taken),
        None => archive(txn, slug, insight).await.map(|_| RedirectOutcome::Set),
    }
}

/// Those of these slugs that have an owner.
pub async fn find_taken(db: &impl ConnectionTrait, slugs: &[&str]) -> Result<HashSet<String>, StoreError> {
    if slugs.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sql = Sql::new(db.get_database_backend(), "SELECT slug FROM slugs WHERE slug IN (");
    let rows: Vec<TakenRow> = sql.bind_all(slugs.iter().copied()).push(")").all(db).await?;
    Ok(rows.into_iter().map(|row| row.slug).collect())
}

/// Claims this slug if it never had an owner.
pub async fn claim_available(txn: &DatabaseTransaction, slug: &Slug, insight: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    insert(txn, slug, insight, now).await
}

/// Claims the base, or the first available of `base-2`, `base-3`, ….
pub async fn claim_derived(txn: &DatabaseTransaction, base: &Slug, insight: Uuid, now: Timestamp) -> Result<Slug, StoreError> {
    if txn.get_database_backend() == DbBackend::Postgres {
        // Transactions that derive from the same title wait for each other, instead of each trying every number.
        Sql::new(DbBackend::Postgres, "SELECT pg_advisory_xact_lock(hashtextextended(").bind(base.as_str()).push(", 0))").run(txn).await?;
    }
    // Most titles are new.
    if insert(txn, base, insight, now).await? {
        return Ok(base.clone());
    }
    loop {
        let taken = find_numbered(txn, base).await?;
        for candidate in candidates(base).filter(|slug| !taken.contains(slug.as_str())).take(1) {
            if insert(txn, &candidate, insight, now).await? {
                return Ok(candidate);
            }
        }
    }
}

/// Available slugs that are similar to a taken one.
pub async fn suggest(db: &impl ConnectionTrait, base: &Slug) -> Result<Vec<String>, StoreError> {
    let taken = find_numbered(db, base).await?;
    Ok(candidates(base).map(Slug::into_string).filter(|slug| !taken.contains(slug)).take(3).collect())
}

/// Archives a slug that an insight was public under: the slug redirects to it for ever, unless another insight is
/// published under it. False if it did already.
pub async fn archive(txn: &DatabaseTransaction, slug: &str, insight: Uuid) -> Result<bool, StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE slugs SET public_id = ");
    sql.bind(insight).push(" WHERE slug = ").bind(slug).push(" AND (public_id IS NULL OR public_id <> ").bind(insight).push(")");
    Ok(sql.run(txn).await? == 1)
}

/// Releases slugs that an insight has claimed only in drafts, or one of them: they belong again to the insights to which they redirect.
pub async fn release(txn: &DatabaseTransaction, insight: Uuid, slug: Option<&str>) -> Result<(), StoreError> {
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

/// The taken ones of the base and `base-<number>`. The range from `base-0` to `base-:` holds them all.
async fn find_numbered(db: &impl ConnectionTrait, base: &Slug) -> Result<HashSet<String>, StoreError> {
    let stem = base.numbered(1);
    let stem = stem.as_str().trim_end_matches('1');
    let mut sql = Sql::new(db.get_database_backend(), "SELECT slug FROM slugs WHERE slug = ");
    sql.bind(base.as_str()).push(" OR (slug >= ").bind(format!("{stem}0")).push(" AND slug < ").bind(format!("{stem}:")).push(")");
    Ok(sql.all::<TakenRow>(db).await?.into_iter().map(|row| row.slug).collect())
}

fn candidates(base: &Slug) -> impl Iterator<Item = Slug> + '_ {
    std::iter::once(base.clone()).chain((2..).map(|n| base.numbered(n)))
}
