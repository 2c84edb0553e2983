//! Converts `_index.md` files: the name and description of a category, a tag or an author.

use serde_json::{Map, Value};

use crate::domain::slug::Slug;
use crate::domain::term::TermKind;
use crate::domain::text::{MAX_DESCRIPTION, MAX_NAME};
use crate::exchange::parsed::ParsedFile;
use crate::exchange::plan::{Unit, UnitPart};
use crate::exchange::{ConversionNote, is_blank, set, truncate_with_note};

/// Converts the files of a term's folder: the title is the name, and the body the description.
pub(crate) fn convert_term(unit: &Unit, kind: TermKind, files: Vec<ParsedFile>, notes: &mut Vec<ConversionNote>) -> Map<String, Value> {
    convert(unit, kind, files, notes, |file, notes| {
        let body = file.file.body.as_str();
        let written = take_text(&mut file.file.fields, "description");
        match body.strip_suffix("\r\n").or_else(|| body.strip_suffix('\n')).unwrap_or(body) {
            "" => written.unwrap_or_default(),
            text => {
                if written.is_some_and(|written| written.trim() != text.trim()) {
                    notes.push(ConversionNote::new("description-lost", format!("{}: the body was used as the description", file.path)));
                }
                text.to_owned()
            }
        }
    })
}

/// Converts a top-level section: a category whose description is in the front matter.
pub(crate) fn convert_section(unit: &Unit, files: Vec<ParsedFile>, notes: &mut Vec<ConversionNote>) -> Map<String, Value> {
    convert(unit, TermKind::Category, files, notes, |file, notes| {
        if !is_blank(&file.file.body) {
            let size = file.file.body.len();
            notes.push(ConversionNote::new(
                "section-body-lost",
                format!("{}: a category has no text of its own; {size} bytes left out", file.path),
            ));
        }
        take_text(&mut file.file.fields, "description").unwrap_or_default()
    })
}

type TermDescription = fn(&mut ParsedFile, &mut Vec<ConversionNote>) -> String;

fn convert(
    unit: &Unit,
    kind: TermKind,
    files: Vec<ParsedFile>,
    notes: &mut Vec<ConversionNote>,
    describe: TermDescription,
) -> Map<String, Value> {
    let mut item = Map::from_iter([("kind".to_owned(), Value::from(kind.resource().as_str())), ("slug".to_owned(), Value::Null)]);
    let mut translations = Map::new();
    for mut file in files {
        let slug = take_text(&mut file.file.fields, "slug").filter(|slug| Slug::parse(slug).is_some());
        let name = take_text(&mut file.file.fields, "title").or_else(|| take_text(&mut file.file.fields, "name"));
        let description = truncate_with_note(&describe(&mut file, notes), MAX_DESCRIPTION, "description-cut", notes);
        let lost: Vec<String> = file.file.fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.clone()).collect();
        if !lost.is_empty() {
            notes.push(ConversionNote::new("term-keys-lost", format!("{}: {}", file.path, lost.join(", "))));
        }
        let text = |name: String, notes: &mut Vec<ConversionNote>| {
            let mut text = Map::new();
            set(&mut text, "name", Value::from(truncate_with_note(&name, MAX_NAME, "name-cut", notes)));
            set(&mut text, "description", Value::from(description));
            text
        };
        if let UnitPart::Translation(locale) = &file.part {
            let main = item.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
            translations.insert(locale.to_string(), text(name.unwrap_or(main), notes).into());
        } else {
            item.insert("slug".to_owned(), Value::from(slug.unwrap_or_else(|| unit.slug.clone())));
            let folder = file.path.rsplit('/').nth(1).unwrap_or("");
            item.extend(text(name.unwrap_or_else(|| folder.to_owned()), notes));
        }
    }
    set(&mut item, "translations", translations.into());
    notes.extend(unit.slug_notes.iter().cloned());
    item
}

fn take_text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    let text = fields.get(name)?.as_str().filter(|text| !is_blank(text))?.to_owned();
    fields.shift_remove(name);
    Some(text)
}
