//! Database rows as documents of the index. One document is one text: an insight in three locales is three documents.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tantivy::TantivyDocument;
use uuid::Uuid;

use crate::domain::markdown::TocEntry;
use crate::projections::search::analysis::language::Language;
use crate::projections::search::analysis::tokenizer;
use crate::projections::search::analysis::tokenizer::TokenKind;
use crate::projections::search::index::inverter::{InvertedDocuments, InvertedFields, Inverter};
use crate::projections::search::index::schema;
use crate::projections::search::index::schema::IndexFields;
use crate::store::documents::{DocumentRow, DocumentRows, LinkRow};

/// How often a token of the title counts as a stem.
const TITLE_BOOST: usize = 3;
/// The expiry of a text that has none.
pub(crate) const NEVER: i64 = i64::MAX;

/// A document without its inverted fields and its delete key.
pub(crate) struct IndexedText {
    pub(crate) insight_id: Uuid,
    /// The fast fields.
    pub(crate) columns: TantivyDocument,
}

/// Documents that are added together, and the inverted fields of all of them.
#[derive(Default)]
pub(crate) struct DocumentBatch {
    pub(crate) texts: Vec<IndexedText>,
    pub(crate) inverted: InvertedFields,
}

/// Builds documents from rows. Share one: it caches stems.
pub(crate) struct DocumentBuilder {
    fields: IndexFields,
    inverter: Mutex<Inverter>,
}

impl DocumentBuilder {
    pub(crate) fn new() -> Self {
        Self { fields: schema::schema().1, inverter: Mutex::default() }
    }

    pub(crate) fn build(&self, rows: &DocumentRows) -> DocumentBatch {
        let (tags, authors) = (group_by_insight(&rows.tags), group_by_insight(&rows.authors));
        let mut texts = Vec::with_capacity(rows.texts.len());
        for row in &rows.texts {
            let terms = [&tags, &authors].map(|terms| terms.get(&row.id).map_or(&[][..], Vec::as_slice));
            texts.push(IndexedText { insight_id: row.id, columns: columns(&self.fields, row, terms) });
        }
        let mut inverter = self.inverter.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = inverter.start_batch(rows.texts.iter().map(|row| row.plain.len()).sum());
        for row in &rows.texts {
            invert(&mut batch, row, &row.toc.0);
        }
        DocumentBatch { texts, inverted: batch.into_sorted_runs() }
    }
}

/// The key by which all texts of an insight are deleted from the index. Each replacement gets the next generation, so a deletion that
/// Tantivy applies late cannot hit the texts of a later one.
pub(crate) fn delete_key(insight_id: Uuid, generation: u64) -> Vec<u8> {
    [insight_id.as_bytes().as_slice(), &generation.to_be_bytes()].concat()
}

/// The generation in a delete key.
pub(crate) fn generation_of(delete_key: &[u8]) -> u64 {
    delete_key.last_chunk().map_or(0, |generation| u64::from_be_bytes(*generation))
}

/// A category, tag or author in the index.
pub(crate) fn term_key(id: Uuid) -> String {
    id.simple().to_string()
}

/// The two numeric columns of an id.
pub(crate) fn id_columns(id: Uuid) -> (u64, u64) {
    id.as_u64_pair()
}

fn invert<'t>(batch: &mut InvertedDocuments<'_, 't>, row: &'t DocumentRow, headings: &'t [TocEntry]) {
    let language = Language::from_tag(&row.locale);
    batch.add_text(language, &row.title, TITLE_BOOST);
    // A derived excerpt is the first paragraph of the body, which is indexed there.
    if row.excerpt_source == "author" {
        batch.add_text(language, &row.excerpt, 1);
    }
    batch.add_text(language, &row.plain, 1);
    batch.add_title(&row.title);
    for heading in headings {
        batch.add_heading(&heading.text);
    }
    batch.end_document();
}

fn columns(fields: &IndexFields, row: &DocumentRow, [tags, authors]: [&[Uuid]; 2]) -> TantivyDocument {
    let mut columns = TantivyDocument::default();
    let (high, low) = id_columns(row.id);
    columns.add_u64(fields.id_high, high);
    columns.add_u64(fields.id_low, low);
    columns.add_u64(fields.revision, row.revision.unsigned_abs());
    columns.add_u64(fields.pointer_version, row.pointer_version.unsigned_abs());
    columns.add_i64(fields.published_at, row.published_at);
    columns.add_i64(fields.unpublish_at, row.unpublish_at.unwrap_or(NEVER));
    columns.add_i64(fields.minutes, row.reading_minutes);
    columns.add_text(fields.variant, variant_key(row));
    columns.add_text(fields.category, term_key(row.category_id));
    for (field, terms) in [(fields.tags, tags), (fields.authors, authors)] {
        for term in terms {
            columns.add_text(field, term_key(*term));
        }
    }
    let language = Language::from_tag(&row.locale);
    tokenizer::tokenize(&row.title, |token| {
        if token.kind == TokenKind::Word {
            columns.add_u64(fields.title_keys, schema::title_key(&token.text, &language.stem(&token.text)));
        }
    });
    columns
}

/// The locale variant of a text, `it|en|de,en,it`: its locale, the source locale, and all locales of its insight.
fn variant_key(row: &DocumentRow) -> String {
    format!("{}|{}|{}", row.locale, row.source_locale, row.locales.0.join(","))
}

/// Whether readers with this fallback chain are shown the text of this locale variant.
pub(crate) fn is_variant_shown(variant_key: &str, chain: &[String]) -> bool {
    let mut parts = variant_key.split('|');
    let (Some(locale), Some(source), Some(locales)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let best = chain.iter().map(String::as_str).find(|wanted| locales.split(',').any(|available| available == *wanted));
    best.unwrap_or(source) == locale
}

/// The text's own locale in a locale variant key.
pub(crate) fn locale_of(variant_key: &str) -> &str {
    variant_key.split('|').next().unwrap_or_default()
}

fn group_by_insight(links: &[LinkRow]) -> HashMap<Uuid, Vec<Uuid>> {
    let mut terms: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for link in links {
        terms.entry(link.insight_id).or_default().push(link.term_id);
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fallback_chain_selects_one_locale_variant() {
        let chain = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        for (wanted, shown) in [(["it-CH", "it", "en"], "it"), (["fr", "en", "xx"], "en"), (["fr", "xx", "yy"], "en")] {
            let variants = ["de|en|de,en,it", "en|en|de,en,it", "it|en|de,en,it"];
            let selected: Vec<&str> =
                variants.into_iter().filter(|variant| is_variant_shown(variant, &chain(&wanted))).map(locale_of).collect();
            assert_eq!(selected, [shown], "{wanted:?}");
        }
    }
}
