//! Step 7: summaries of live revisions in the rows that public lists walk, and an index of the log's rows about terms.
//!
//! A missing or stale summary is no fault: the list reads the revision's own rows.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::dialect;

const STEP: &str = r"

ALTER TABLE insights ADD COLUMN live_summary TEXT;

CREATE INDEX changes_terms ON changes (sequence) WHERE resource IN ('category', 'tag', 'author')
";

const FILL_SQLITE: &str = "
UPDATE insights SET live_summary = (SELECT json_array(
  r.number, r.slug, insights.sort_title, r.source_locale, json(r.locales), r.reading_minutes, r.canonical_url,
  json(r.seo), json(r.extra), hex(r.category_id),
  json((SELECT json_group_array(hex(l.term_id) ORDER BY l.place) FROM revision_tags l WHERE l.insight_id = r.insight_id AND l.number = r.number)),
  json((SELECT json_group_array(hex(l.term_id) ORDER BY l.place) FROM revision_authors l WHERE l.insight_id = r.insight_id AND l.number = r.number)),
  json((SELECT json_group_object(t.locale, json_array(t.title, t.excerpt, t.excerpt_source, t.word_count, t.derived_minutes))
        FROM revision_texts t WHERE t.insight_id = r.insight_id AND t.number = r.number)))
FROM revisions r WHERE r.insight_id = insights.id AND r.number = insights.live_revision)
WHERE live_revision IS NOT NULL";

const FILL_POSTGRES: &str = "
UPDATE insights SET live_summary = (SELECT json_build_array(
  r.number, r.slug, insights.sort_title, r.source_locale, r.locales::json, r.reading_minutes, r.canonical_url,
  r.seo::json, r.extra::json, r.category_id,
  (SELECT coalesce(json_agg(l.term_id ORDER BY l.place), '[]') FROM revision_tags l WHERE l.insight_id = r.insight_id AND l.number = r.number),
  (SELECT coalesce(json_agg(l.term_id ORDER BY l.place), '[]') FROM revision_authors l WHERE l.insight_id = r.insight_id AND l.number = r.number),
  (SELECT json_object_agg(t.locale, json_build_array(t.title, t.excerpt, t.excerpt_source, t.word_count, t.derived_minutes))
   FROM revision_texts t WHERE t.insight_id = r.insight_id AND t.number = r.number))::text
FROM revisions r WHERE r.insight_id = insights.id AND r.number = insights.live_revision)
WHERE live_revision IS NOT NULL";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, STEP).await?;
        let fill = if manager.get_database_backend() == DbBackend::Sqlite { FILL_SQLITE } else { FILL_POSTGRES };
        manager.get_connection().execute_unprepared(fill).await?;
        Ok(())
    }
}
