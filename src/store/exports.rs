//! Insights for exports: a page at a time, each with its live and its newest draft.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::drafts::{self, SourcedDraft};
use super::error::StoreError;
use super::rows::insight::TimeColumns;
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::draft::Draft;
use crate::domain::publication_times::PublicationTimes;

/// An insight with its texts.
#[derive(Clone, Debug)]
pub struct Exported {
    pub id: Uuid,
    pub source_locale: String,
    /// The live draft: public now or from its date on.
    pub live: Option<Draft>,
    /// The newest draft, if it differs from the live one.
    pub newer: Option<Draft>,
    pub times: PublicationTimes,
    /// Old slugs that redirect to it.
    pub aliases: Vec<String>,
}

#[derive(FromQueryResult)]
struct PointerRow {
    id: Uuid,
    slug: String,
    head_revision: i64,
    live_revision: Option<i64>,
    #[sea_orm(nested)]
    times: TimeColumns,
}

#[derive(FromQueryResult)]
struct AliasRow {
    public_id: Uuid,
    slug: String,
}

/// Which insights an export reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportRange {
    /// Only those after this id.
    pub after: Option<Uuid>,
    /// Only those that this user created.
    pub own: Option<Uuid>,
}

/// The insights of a range in the order of their ids, without the trash.
pub async fn page(db: &impl ConnectionTrait, range: ExportRange, limit: i64, now: Timestamp) -> Result<Vec<Exported>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT id, slug, head_revision, live_revision");
    for time in PublicationTimes::NAMES {
        sql.push(", ").push_ident(time);
    }
    sql.push(" FROM insights WHERE deleted_at IS NULL");
    if let Some(after) = range.after {
        sql.push(" AND id > ").bind(after);
    }
    if let Some(own) = range.own {
        sql.push(" AND created_by = ").bind(own);
    }
    let rows: Vec<PointerRow> = sql.push(" ORDER BY id").limit(limit).all(db).await?;
    let wanted =
        rows.iter().flat_map(|row| [Some(row.head_revision), row.live_revision].into_iter().flatten().map(|number| (row.id, number)));
    let mut drafts: HashMap<(Uuid, i64), SourcedDraft> = drafts::find_all(db, &wanted.collect::<Vec<_>>()).await?;
    let mut aliases = aliases(db, &rows, now).await?;
    let mut page = Vec::with_capacity(rows.len());
    for row in rows {
        let PointerRow { id, slug: _, head_revision, live_revision, times } = row;
        let live = live_revision.and_then(|number| drafts.get(&(id, number)).map(|sourced| sourced.draft.clone()));
        let SourcedDraft { source_locale, draft: head } =
            drafts.remove(&(id, head_revision)).ok_or(StoreError::Inconsistent("an insight has no newest revision"))?;
        let newer = Some(head).filter(|head| live.as_ref() != Some(head));
        page.push(Exported {
            id,
            source_locale,
            live,
            newer,
            times: times.to_times().as_of(now),
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
    // A slug under which another insight is public belongs to that one; one that is only scheduled does not take it yet.
    sql.push(") AND NOT EXISTS (SELECT 1 FROM insights o WHERE o.slug = s.slug AND o.live_revision IS NOT NULL AND o.deleted_at IS NULL ");
    sql.push("AND o.id <> s.public_id AND o.position_at <= ").bind(now.0).push(") ORDER BY s.slug");
    for AliasRow { public_id, slug } in sql.all(db).await? {
        if rows.iter().all(|row| row.id != public_id || row.slug != slug) {
            aliases.entry(public_id).or_default().push(slug);
        }
    }
    Ok(aliases)
}
