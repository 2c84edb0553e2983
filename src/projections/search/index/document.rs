//! Rows of the database as documents of the index.

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

/// How often a word of the title counts.
const TITLE_COUNTS: usize = 3;
/// What has no end ends then.
pub(crate) const NEVER: i64 = i64::MAX;

/// A text of an insight as the index takes it, but for its words and its name.
pub(crate) struct IndexedText {
    pub(crate) insight: Uuid,
    /// What is looked up by the document.
    pub(crate) columns: TantivyDocument,
}

/// Texts that are put in together, with the words of all.
#[derive(Default)]
pub(crate) struct DocumentBatch {
    pub(crate) texts: Vec<IndexedText>,
    pub(crate) cut: InvertedFields,
}

/// Makes documents of rows, and remembers the stems of one for the next.
pub(crate) struct Inverters {
    fields: IndexFields,
    cutter: Mutex<Inverter>,
}

impl Inverters {
    pub(crate) fn new() -> Self {
        Self { fields: schema::schema().1, cutter: Mutex::default() }
    }

    pub(crate) fn documents(&self, rows: &DocumentRows) -> DocumentBatch {
        let mut cutter = self.cutter.lock().unwrap_or_else(PoisonError::into_inner);
        let (tags, authors) = (by_insight(&rows.tags), by_insight(&rows.authors));
        let mut cuts = cutter.begin(rows.texts.iter().map(|row| row.plain.len()).sum());
        let mut texts = Vec::with_capacity(rows.texts.len());
        for row in &rows.texts {
            cut(&mut cuts, row, &row.toc.0);
            let links = [&tags, &authors].map(|links| links.get(&row.id).map_or(&[][..], Vec::as_slice));
            texts.push(IndexedText { insight: row.id, columns: columns(&self.fields, row, links) });
        }
        DocumentBatch { texts, cut: cuts.sorted() }
    }
}

/// What an insight's texts are removed by. Each time they are put in they have another number: a removal that the engine comes to late is not one of
/// the texts that came instead.
pub(crate) fn name(insight: Uuid, number: u64) -> Vec<u8> {
    [insight.as_bytes().as_slice(), &number.to_be_bytes()].concat()
}

/// The number in a name.
pub(crate) fn number(name: &[u8]) -> u64 {
    name.last_chunk().map_or(0, |number| u64::from_be_bytes(*number))
}

/// The name of a term in the index.
pub(crate) fn term_key(id: Uuid) -> String {
    id.simple().to_string()
}

/// The halves of an id, as columns hold them.
pub(crate) fn halves(id: Uuid) -> (u64, u64) {
    id.as_u64_pair()
}

fn cut<'t>(cuts: &mut InvertedDocuments<'_, 't>, row: &'t DocumentRow, headings: &'t [TocEntry]) {
    let language = Language::of(&row.locale);
    cuts.text(language, &row.title, TITLE_COUNTS);
    // A derived excerpt is the body's first paragraph, which is counted there.
    if row.excerpt_source == "author" {
        cuts.text(language, &row.excerpt, 1);
    }
    cuts.text(language, &row.plain, 1);
    cuts.title(&row.title);
    for heading in headings {
        cuts.heading(&heading.text);
    }
    cuts.end_document();
}

fn columns(fields: &IndexFields, row: &DocumentRow, [tags, authors]: [&[Uuid]; 2]) -> TantivyDocument {
    let mut columns = TantivyDocument::default();
    let (high, low) = halves(row.id);
    columns.add_u64(fields.id_high, high);
    columns.add_u64(fields.id_low, low);
    columns.add_u64(fields.revision, row.revision.unsigned_abs());
    columns.add_u64(fields.pointer, row.pointer_version.unsigned_abs());
    columns.add_i64(fields.published, row.published_at);
    columns.add_i64(fields.ends, row.unpublish_at.unwrap_or(NEVER));
    columns.add_i64(fields.minutes, row.reading_minutes);
    columns.add_text(fields.edition, edition(row));
    columns.add_text(fields.category, term_key(row.category_id));
    for (field, terms) in [(fields.tags, tags), (fields.authors, authors)] {
        for term in terms {
            columns.add_text(field, term_key(*term));
        }
    }
    let language = Language::of(&row.locale);
    tokenizer::pieces(&row.title, |piece| {
        if piece.kind == TokenKind::Word {
            columns.add_u64(fields.title_keys, schema::pair(&piece.text, &language.stem(&piece.text)));
        }
    });
    columns
}

/// `it|en|de,en,it`: the text's locale, that of the original, and all there are.
fn edition(row: &DocumentRow) -> String {
    format!("{}|{}|{}", row.locale, row.source_locale, row.locales.0.join(","))
}

/// Whether readers whose texts are looked for along this chain are shown the text of this edition.
pub(crate) fn is_shown(edition: &str, chain: &[String]) -> bool {
    let mut parts = edition.split('|');
    let (Some(locale), Some(source), Some(locales)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let best = chain.iter().map(String::as_str).find(|wanted| locales.split(',').any(|there| there == *wanted));
    best.unwrap_or(source) == locale
}

/// The locale of an edition.
pub(crate) fn locale_of(edition: &str) -> &str {
    edition.split('|').next().unwrap_or_default()
}

fn by_insight(links: &[LinkRow]) -> HashMap<Uuid, Vec<Uuid>> {
    let mut map: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for link in links {
        map.entry(link.insight_id).or_default().push(link.term_id);
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_is_shown_one_text_of_an_insight() {
        let chain = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        for (wanted, shown) in [(["it-CH", "it", "en"], "it"), (["fr", "en", "xx"], "en"), (["fr", "xx", "yy"], "en")] {
            let editions = ["de|en|de,en,it", "en|en|de,en,it", "it|en|de,en,it"];
            let seen: Vec<&str> = editions.into_iter().filter(|edition| is_shown(edition, &chain(&wanted))).map(locale_of).collect();
            assert_eq!(seen, [shown], "{wanted:?}");
        }
    }
}
