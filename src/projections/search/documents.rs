//! Rows of the database as documents of the index.

use std::collections::HashMap;

use tantivy::TantivyDocument;
use uuid::Uuid;

use super::analysis::{self, Kind};
use super::language::Language;
use super::schema::{Fields, key, marked};
use crate::domain::markdown::TocEntry;
use crate::store::documents::{DocumentRow, Documents, LinkRow};

/// How often a word of the title counts.
const TITLE_COUNTS: usize = 3;
/// What has no end ends then.
pub(super) const NEVER: i64 = i64::MAX;

pub(super) fn documents(fields: &Fields, rows: &Documents) -> Vec<TantivyDocument> {
    let (tags, authors) = (by_insight(&rows.tags), by_insight(&rows.authors));
    let none = Vec::new();
    let links = |links: &HashMap<Uuid, Vec<Uuid>>, id: &Uuid| links.get(id).unwrap_or(&none).clone();
    rows.texts.iter().map(|row| document(fields, row, &links(&tags, &row.id), &links(&authors, &row.id))).collect()
}

/// The name of a term in the index.
pub(super) fn term_key(id: Uuid) -> String {
    id.simple().to_string()
}

/// The halves of an id, as columns hold them.
pub(super) fn halves(id: Uuid) -> (u64, u64) {
    id.as_u64_pair()
}

fn document(fields: &Fields, row: &DocumentRow, tags: &[Uuid], authors: &[Uuid]) -> TantivyDocument {
    let mut document = TantivyDocument::default();
    document.add_bytes(fields.insight, row.id.as_bytes());
    let language = Language::of(&row.locale);
    let (high, low) = halves(row.id);
    document.add_u64(fields.id_high, high);
    document.add_u64(fields.id_low, low);
    document.add_u64(fields.revision, row.revision.unsigned_abs());
    document.add_u64(fields.pointer, row.pointer_version.unsigned_abs());
    document.add_i64(fields.published, row.published_at);
    document.add_i64(fields.ends, row.unpublish_at.unwrap_or(NEVER));
    document.add_i64(fields.minutes, row.reading_minutes);
    document.add_text(fields.edition, edition(row));
    document.add_text(fields.category, term_key(row.category_id));
    for (field, terms) in [(fields.tags, tags), (fields.authors, authors)] {
        for term in terms {
            document.add_text(field, term_key(*term));
        }
    }
    for _ in 0..TITLE_COUNTS {
        document.add_text(fields.stems, marked(&row.locale, &row.title));
    }
    document.add_text(fields.words, &row.title);
    // A derived excerpt is the body's first paragraph, which is counted there.
    if row.excerpt_source == "author" {
        document.add_text(fields.stems, marked(&row.locale, &row.excerpt));
        document.add_text(fields.words, &row.excerpt);
    }
    document.add_text(fields.stems, marked(&row.locale, &row.plain));
    document.add_text(fields.words, &row.plain);
    document.add_text(fields.title, &row.title);
    document.add_text(fields.headings, &row.title);
    let toc: Vec<TocEntry> = serde_json::from_str(&row.toc).unwrap_or_default();
    for heading in toc {
        document.add_text(fields.headings, &heading.text);
    }
    analysis::pieces(&row.title, |piece| {
        if piece.kind == Kind::Word {
            document.add_u64(fields.title_words, key(&piece.text));
            document.add_u64(fields.title_stems, key(&language.stem(&piece.text)));
        }
    });
    document
}

/// `it|en|de,en,it`: the text's locale, that of the original, and all there are.
fn edition(row: &DocumentRow) -> String {
    let locales: Vec<String> = serde_json::from_str(&row.locales).unwrap_or_default();
    format!("{}|{}|{}", row.locale, row.source_locale, locales.join(","))
}

/// Whether readers whose texts are looked for along this chain are shown the text of this edition.
pub(super) fn is_shown(edition: &str, chain: &[String]) -> bool {
    let mut parts = edition.split('|');
    let (Some(locale), Some(source), Some(locales)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let best = chain.iter().map(String::as_str).find(|wanted| locales.split(',').any(|there| there == *wanted));
    best.unwrap_or(source) == locale
}

/// The locale of an edition.
pub(super) fn locale_of(edition: &str) -> &str {
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
