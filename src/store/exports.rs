//! Insights as they are exported: a page at a time, each with what its live and its newest revision say.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::drafts;
use super::error::StoreError;
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::draft::Draft;

/// An insight with its texts.
#[derive(Clone, Debug)]
pub struct Exported {
    pub id: Uuid,
    pub source_locale: String,
    /// What is public, now or from a moment on.
    pub live: Option<Draft>,
    /// What was written last, when that is something else.
    pub newer: Option<Draft>,
    pub published_at: Option<i64>,
    pub unpublish_at: Option<i64>,
    /// Slugs that led to it before.
    pub aliases: Vec<String>,
}

#[derive(FromQueryResult)]
struct PointerRow {
    id: Uuid,
    slug: String,
    head_revision: i64,
    live_revision: Option<i64>,
    published_at: Option<i64>,
    unpublish_at: Option<i64>,
}

#[derive(FromQueryResult)]
struct AliasRow {
    public_id: Uuid,
    slug: String,
}

/// The insights behind one, in the order of their ids; those in the trash are not among them.
pub async fn page(
    db: &impl ConnectionTrait,
    (behind, own): (Option<Uuid>, Option<Uuid>),
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Exported>, StoreError> {
    let text = "SELECT id, slug, head_revision, live_revision, published_at, unpublish_at FROM insights WHERE deleted_at IS NULL";
    let mut sql = Sql::new(db.get_database_backend(), text);
    if let Some(behind) = behind {
        sql.push(" AND id > ").bind(behind);
    }
    if let Some(own) = own {
        sql.push(" AND created_by = ").bind(own);
    }
    let rows: Vec<PointerRow> = sql.push(" ORDER BY id").limit(limit).all(db).await?;
    let wanted =
        rows.iter().flat_map(|row| [Some(row.head_revision), row.live_revision].into_iter().flatten().map(|number| (row.id, number)));
    let mut texts: HashMap<(Uuid, i64), (String, Draft)> = drafts::find_all(db, &wanted.collect::<Vec<_>>()).await?;
    let mut aliases = aliases(db, &rows, now).await?;
    let mut page = Vec::with_capacity(rows.len());
    for row in rows {
        let PointerRow { id, slug: _, head_revision, live_revision, published_at, unpublish_at } = row;
        let live = live_revision.and_then(|number| texts.get(&(id, number)).cloned());
        let (source_locale, head) =
            texts.remove(&(id, head_revision)).ok_or(StoreError::Corrupt("an insight without its newest revision"))?;
        let live = live.map(|(_, draft)| draft);
        let newer = Some(head).filter(|head| live.as_ref() != Some(head));
        page.push(Exported {
            id,
            source_locale,
            live,
            newer,
            published_at,
            unpublish_at,
            aliases: aliases.remove(&id).unwrap_or_default(),
        });
    }
    Ok(page)
}

async fn aliases(db: &impl ConnectionTrait, rows: &[PointerRow], now: Timestamp) -> Result<BTreeMap<Uuid, Vec<String>>, StoreError> {
    let mut aliases: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    if rows.is_empty() {
        return Ok(aliases);
    }
    let mut sql = Sql::new(db.get_database_backend(), "SELECT s.public_id, s.slug FROM slugs s WHERE s.public_id IN (");
    sql.bind_all(rows.iter().map(|row| row.id));
    // Where another insight is public under the slug by now, it leads there; what is only scheduled takes nothing away yet.
    sql.push(") AND NOT EXISTS (SELECT 1 FROM insights o WHERE o.slug = s.slug AND o.live_revision IS NOT NULL AND o.deleted_at IS NULL ");
    sql.push("AND o.id <> s.public_id AND o.position_at <= ").bind(now.0).push(") ORDER BY s.slug");
    for AliasRow { public_id, slug } in sql.all(db).await? {
        if rows.iter().all(|row| row.id != public_id || row.slug != slug) {
            aliases.entry(public_id).or_default().push(slug);
        }
    }
    Ok(aliases)
}
