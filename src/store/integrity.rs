//! The rules of `insights check`: what constraints cannot express, or a broken disk could damage.

use super::error::StoreError;
use super::sql::{Number, Sql};
use super::{Store, summaries};
use sea_orm::FromQueryResult;

/// Each fault, and the query that counts the rows that have it.
const RULES: [(&str, &str); 7] = [
    (
        "insights whose newest revision is missing",
        "SELECT count(*) AS number FROM insights i WHERE NOT EXISTS (SELECT 1 FROM revisions r WHERE r.insight_id = i.id AND \
            r.number = i.head_revision)",
    ),
    (
        "insights whose live revision is missing",
        "SELECT count(*) AS number FROM insights i WHERE i.live_revision IS NOT NULL AND NOT EXISTS (SELECT 1 FROM revisions r \
            WHERE r.insight_id = i.id AND r.number = i.live_revision)",
    ),
    (
        "insights whose slug is not their own",
        "SELECT count(*) AS number FROM insights i WHERE NOT EXISTS (SELECT 1 FROM slugs s WHERE s.slug = i.slug AND s.insight_id = i.id)",
    ),
    (
        "revisions without a text in their own locale",
        "SELECT count(*) AS number FROM revisions r WHERE NOT EXISTS (SELECT 1 FROM revision_texts t WHERE t.insight_id = \
            r.insight_id AND t.number = r.number AND t.locale = r.source_locale)",
    ),
    (
        "texts without a body",
        "SELECT count(*) AS number FROM revision_texts t WHERE NOT EXISTS (SELECT 1 FROM revision_bodies b WHERE b.insight_id = \
            t.insight_id AND b.number = t.number AND b.locale = t.locale)",
    ),
    (
        "published insights whose position in lists is not their date",
        "SELECT count(*) AS number FROM insights WHERE published_at IS NOT NULL AND published_at <> position_at",
    ),
    (
        "published insights whose first publication is unknown (a running service corrects them hourly)",
        "SELECT count(*) AS number FROM insights WHERE live_revision IS NOT NULL AND first_published_at IS NULL",
    ),
];

/// Descriptions of all faults; empty for a sound database.
pub async fn faults(store: &Store) -> Result<Vec<String>, StoreError> {
    #[derive(FromQueryResult)]
    struct QuickCheckRow {
        quick_check: String,
    }
    let db = store.reader();
    let mut faults = Vec::new();
    if !store.is_postgres() {
        let verdicts: Vec<QuickCheckRow> =
            Sql::new(db.get_database_backend(), "SELECT quick_check FROM pragma_quick_check").all(db).await?;
        faults.extend(verdicts.into_iter().map(|verdict| verdict.quick_check).filter(|verdict| verdict != "ok"));
    }
    for (what, query) in RULES {
        let count = Sql::new(db.get_database_backend(), query).one::<Number>(db).await?.map_or(0, |row| row.number);
        if count > 0 {
            faults.push(format!("{count} {what}"));
        }
    }
    let stale = summaries::count_stale(db).await?;
    if stale > 0 {
        faults.push(format!(
            "{stale} summaries of another revision than the live one (lists are right, and slower): a running service renews them hourly"
        ));
    }
    Ok(faults)
}

/// Sets the first publication of insights that a node of an older version has published. Returns how many.
pub async fn renew_first_publications(store: &Store) -> Result<u64, StoreError> {
    const WRONG: &str = " WHERE live_revision IS NOT NULL AND first_published_at IS NULL";
    let db = store.reader();
    let mut sql = Sql::new(db.get_database_backend(), "SELECT count(*) AS number FROM insights");
    if sql.push(WRONG).one::<Number>(db).await?.is_none_or(|wrong| wrong.number == 0) {
        return Ok(0);
    }
    let txn = store.begin().await?;
    let mut sql = Sql::new(db.get_database_backend(), "UPDATE insights SET first_published_at = published_at");
    let renewed = sql.push(WRONG).run(&txn).await?;
    store.commit_quietly(txn).await?;
    Ok(renewed)
}
