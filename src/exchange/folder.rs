//! Converts the files of one unit of a Markdown folder into one import line.

use crate::exchange::parsed::IdAndFields;
use crate::exchange::parsed::ParsedFile;
use serde_json::{Map, Value};

use crate::domain::publication_times::PublicationTimes;
use crate::domain::slug::Slug;
use crate::exchange::fields::ArticleFields;
use crate::exchange::front_matter;
use crate::exchange::names::TermReferences;
use crate::exchange::plan::{Unit, UnitKind, UnitPart};
use crate::exchange::{ConversionNote, ConvertedLine, is_blank, remove_nul, set, syntax, term_files};

pub use crate::exchange::plan::{FolderPlan, plan};

/// The result of a unit.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadResult {
    Line(ConvertedLine),
    /// Why there is nothing to import.
    Skipped(String),
}

/// Converts a unit from the contents of its files, in the order of `unit.paths()`.
///
/// # Errors
/// A sentence that names the file and says what is wrong with it.
pub fn read(unit: &Unit, contents: Vec<String>, default_category: &Slug) -> Result<ReadResult, String> {
    if contents.len() != unit.files.len() {
        return Err(format!("{} files were planned and {} were passed", unit.files.len(), contents.len()));
    }
    let mut notes = Vec::new();
    let mut files = Vec::new();
    for (source, text) in unit.files.iter().zip(contents) {
        let text = remove_nul(text, &mut notes);
        let file = front_matter::split(&text).map_err(|e| format!("{}: {e}", source.path))?;
        files.push(ParsedFile { path: source.path.clone(), part: source.part.clone(), file });
    }
    let item = match unit.kind {
        UnitKind::Term(kind) => term_files::convert_term(unit, kind, files, &mut notes),
        UnitKind::Section => term_files::convert_section(unit, files, &mut notes),
        UnitKind::Index if files.iter().all(|file| is_blank(&file.file.body)) => {
            return Ok(ReadResult::Skipped("is a section page without text".to_owned()));
        }
        UnitKind::Insight | UnitKind::Index => convert_insight(unit, files, default_category.as_str(), &mut notes)?,
    };
    let name = unit.paths().collect::<Vec<_>>().join(", ");
    Ok(ReadResult::Line(ConvertedLine { name, own_slug: unit.slug.clone(), item: item.into(), notes }))
}

fn convert_insight(
    unit: &Unit,
    files: Vec<ParsedFile>,
    default_category: &str,
    notes: &mut Vec<ConversionNote>,
) -> Result<Map<String, Value>, String> {
    let (drafts, published): (Vec<ParsedFile>, Vec<ParsedFile>) =
        files.into_iter().partition(|file| matches!(file.part, UnitPart::Draft | UnitPart::DraftTranslation(_)));
    let mut terms = TermReferences::default();
    let (id, mut item) = convert_version(unit, published, Some(unit.slug.as_str()), default_category, &mut terms, notes)?;
    if !drafts.is_empty() {
        if item.get("status").and_then(Value::as_str) == Some("draft") {
            return Err(format!("{} and {} are both drafts of one insight", unit.files[0].path, drafts[0].path));
        }
        let path = drafts[0].path.clone();
        let (draft_id, mut draft) = convert_version(unit, drafts, None, default_category, &mut terms, notes)?;
        if draft_id.is_some() && draft_id != id {
            return Err(format!("{} and {path} are versions of one insight and have different ids", unit.files[0].path));
        }
        for name in PUBLICATION_FIELDS.into_iter().chain(PublicationTimes::NAMES) {
            draft.shift_remove(name);
        }
        item.insert("draft".to_owned(), draft.into());
    }
    set(&mut item, "terms", terms.into_value());
    let Some(id) = id else { return Ok(item) };
    Ok([("id".to_owned(), Value::from(id))].into_iter().chain(item).collect())
}

/// Fields of a line that its draft does not repeat, beside the times.
const PUBLICATION_FIELDS: [&str; 3] = ["locale", "status", "aliases"];

/// Converts one version of a unit, published or draft: a main file and its translations.
fn convert_version(
    unit: &Unit,
    files: Vec<ParsedFile>,
    slug: Option<&str>,
    default_category: &str,
    terms: &mut TermReferences,
    notes: &mut Vec<ConversionNote>,
) -> Result<IdAndFields, String> {
    let mut files = files.into_iter();
    let Some(main) = files.next() else { return Err("a unit has no main file".to_owned()) };
    if is_blank(&main.file.body) {
        return Err(format!("{}: there is no text below the front matter", main.path));
    }
    let locale = match &main.part {
        UnitPart::Main(locale) => locale.clone(),
        _ => None,
    };
    let front_matter = main.file.fields.clone();
    let mut article =
        ArticleFields { unit, fields: main.file.fields, body: main.file.body, notes: std::mem::take(notes), terms: std::mem::take(terms) };
    let id = article.take_id();
    let mut item = article.take_writable(slug, default_category);
    let mut publication = Map::new();
    let own_slug = item.get("slug").and_then(Value::as_str).unwrap_or("").to_owned();
    article.take_publication(locale.as_ref(), &own_slug, &mut publication);
    let extra = article.take_extra();
    set(&mut item, "extra", extra);
    article.notes.extend(syntax::syntax_notes(&article.body, is_mdx(&main.path)));
    *notes = article.notes;
    *terms = article.terms;
    let title = item.get("title").and_then(Value::as_str).unwrap_or("").to_owned();
    let is_public = publication.get("status").and_then(Value::as_str) == Some("published");
    let main = MainFile { title: &title, front_matter: &front_matter, is_public };
    let translations: Map<String, Value> = files.filter_map(|file| convert_translation(unit, file, &main, notes)).collect();
    set(&mut item, "translations", translations.into());
    item.extend(publication);
    Ok((id, item))
}

/// The main file that a translation belongs to.
struct MainFile<'m> {
    title: &'m str,
    front_matter: &'m Map<String, Value>,
    is_public: bool,
}

/// A translation has a title, an excerpt and a body. Other fields that differ from the main file are lost, with a note.
/// A draft translation of a public main file is left out.
fn convert_translation(unit: &Unit, file: ParsedFile, main: &MainFile, notes: &mut Vec<ConversionNote>) -> Option<(String, Value)> {
    let (UnitPart::Translation(locale) | UnitPart::DraftTranslation(locale)) = &file.part else { return None };
    if is_blank(&file.file.body) {
        notes.push(ConversionNote::new("translation-blank", format!("{} has no text and was left out", file.path)));
        return None;
    }
    let mut article = ArticleFields {
        unit,
        fields: file.file.fields,
        body: file.file.body,
        notes: std::mem::take(notes),
        terms: TermReferences::default(),
    };
    let is_draft = article.take_status() == "draft";
    if is_draft && main.is_public {
        *notes = article.notes;
        notes.push(ConversionNote::new(
            "translation-draft",
            format!("{} is a draft, while the main file is published, and was left out", file.path),
        ));
        return None;
    }
    let mut item = Map::new();
    let title = article.take_title(Some(main.title));
    set(&mut item, "title", Value::from(title));
    let excerpt = article.take_excerpt();
    set(&mut item, "excerpt", Value::from(excerpt.unwrap_or_default()));
    article.notes.extend(syntax::syntax_notes(&article.body, is_mdx(&file.path)));
    *notes = article.notes;
    item.insert("body_markdown".to_owned(), Value::from(article.body));
    article.fields.retain(|name, value| !value.is_null() && main.front_matter.get(name) != Some(value));
    if !article.fields.is_empty() {
        let names = article.fields.keys().cloned().collect::<Vec<_>>().join(", ");
        notes.push(ConversionNote::new("translation-keys-lost", format!("{}: {names}", file.path)));
    }
    Some((locale.to_string(), item.into()))
}

fn is_mdx(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("mdx"))
}
