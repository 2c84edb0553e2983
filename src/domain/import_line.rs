//! A line of an import: the wanted state of an insight, or a category, tag or author. Exports write the same shape.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::draft::Draft;
use super::field_errors::FieldErrors;
use super::fields::{self, FieldReader};
use super::locale::Locale;
use super::publication_times::PublicationTimes;
use super::slug::Slug;
use super::term::{TermDraft, TermKind};
use super::text::Refused;
use super::user::moment;

/// High enough that an import accepts every export.
const MAX_ALIASES: usize = 10_000;
/// Far more descriptions of tags or authors than an insight and its newer draft can name.
const MAX_TERMS: usize = 1_000;
/// The fields of a line beside those of a draft and the times.
const OWN: [&str; 7] = ["id", "locale", "status", "aliases", "draft", "terms", "kind"];

/// The content of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportLine {
    Insight(Box<InsightLine>),
    Term(TermKind, TermDraft),
}

/// The wanted state of an insight.
#[derive(Clone, Debug, PartialEq)]
pub struct InsightLine {
    pub id: Option<Uuid>,
    /// The source locale, if it is not the site's default.
    pub locale: Option<String>,
    pub text: Draft,
    /// A newer draft that is not public yet.
    pub newer: Option<Draft>,
    pub wanted: WantedState,
    pub times: PublicationTimes,
    /// Old slugs that redirect to it.
    pub aliases: Vec<Slug>,
    /// Descriptions of its category, tags and authors, for those that do not exist.
    pub terms: Vec<(TermKind, TermDraft)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WantedState {
    /// As it is; a draft if it is new.
    #[default]
    Unchanged,
    Draft,
    Published,
}

impl ImportLine {
    /// # Errors
    /// Every fault of the line at once.
    pub fn parse(input: Value) -> Result<Self, FieldErrors> {
        let Value::Object(mut object) = input else { return Err(FieldReader::new(input, "").err().unwrap_or_default()) };
        fields::require_few_members(&object, "")?;
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or("insight").to_owned();
        if let Some(term) = TermKind::ALL.into_iter().find(|k| k.resource().as_str() == kind) {
            object.remove("kind");
            return TermDraft::parse(Value::Object(object)).map(|draft| Self::Term(term, draft));
        }
        let own = OWN.into_iter().chain(PublicationTimes::NAMES);
        let own: Map<String, Value> = own.filter_map(|name| Some((name.to_owned(), object.shift_remove(name)?))).collect();
        let text = Draft::parse(Value::Object(object));
        let line = InsightLine::read(own);
        match (text, line) {
            (Ok(text), Ok(line)) => Ok(Self::Insight(Box::new(InsightLine { text, ..line }))),
            (text, line) => {
                let mut errors = text.err().unwrap_or_default();
                errors.append(line.err().unwrap_or_default());
                Err(errors)
            }
        }
    }
}

impl InsightLine {
    fn read(own: Map<String, Value>) -> Result<Self, FieldErrors> {
        let newer = own.get("draft").filter(|value| !value.is_null()).cloned();
        let mut fields = FieldReader::new(Value::Object(own), "")?;
        fields.take("draft");
        fields.text("kind", |kind| if kind == "insight" { Ok(()) } else { Err(Refused::new("invalid-value", KINDS)) });
        let line = Self {
            id: fields.text("id", |id| Uuid::parse_str(id).map_err(|_e| Refused::new("invalid-id", "must be a UUID"))),
            locale: fields.text("locale", locale),
            text: Draft::default(),
            newer: None,
            wanted: fields.text("status", wanted).unwrap_or_default(),
            times: PublicationTimes::from_fn(|name| fields.text(name, moment)),
            aliases: fields.list("aliases", MAX_ALIASES, fields::slug),
            terms: fields.nested("terms", terms),
        };
        if line.wanted == WantedState::Draft && newer.is_some() {
            fields.fault(
                "draft",
                Refused::new("conflicting", "is only for a published insight: write the text of a draft in the line itself"),
            );
        }
        let line = fields.finish(line);
        match (line, newer.map(Draft::parse).transpose()) {
            (Ok(line), Ok(newer)) => Ok(Self { newer, wanted: line.wanted_with_date(), ..line }),
            (line, newer) => {
                let mut errors = line.err().unwrap_or_default();
                errors.append(newer.err().unwrap_or_default().inside("/draft"));
                Err(errors)
            }
        }
    }

    /// The names that no other insight can have: its id, and the slugs of its drafts.
    #[must_use]
    pub fn own_names(&self) -> Vec<String> {
        let slug = self.text.slug.clone().unwrap_or_else(|| Slug::derive(&self.text.text.title));
        let newer = self.newer.as_ref().and_then(|newer| newer.slug.clone());
        let slugs = [slug].into_iter().chain(newer).map(Slug::into_string);
        self.id.map(|id| id.to_string()).into_iter().chain(slugs).collect()
    }

    /// All names by which it finds or claims an insight, each once.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = self.own_names();
        names.extend(self.aliases.iter().map(ToString::to_string));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// A publication date without a status means published.
    fn wanted_with_date(&self) -> WantedState {
        if self.wanted == WantedState::Unchanged && self.times.published_at.is_some() { WantedState::Published } else { self.wanted }
    }
}

const KINDS: &str = "must be insight, category, tag or author";

fn locale(text: &str) -> Result<String, Refused> {
    let locale = Locale::parse(text).map(|locale| locale.to_string());
    locale.ok_or_else(|| Refused::new("invalid-locale", "must be a language tag such as de or it-CH (BCP 47)"))
}

fn wanted(text: &str) -> Result<WantedState, Refused> {
    match text {
        "draft" => Ok(WantedState::Draft),
        "published" | "scheduled" | "expired" => Ok(WantedState::Published),
        _ => Err(Refused::new("invalid-value", "must be draft or published")),
    }
}

fn terms(mut fields: FieldReader) -> Result<Vec<(TermKind, TermDraft)>, FieldErrors> {
    let mut list = Vec::new();
    let mut errors = FieldErrors::default();
    let mut read = |kind: TermKind, value: Value, at: String| match TermDraft::parse(value) {
        Ok(draft) => list.push((kind, draft)),
        Err(faults) => errors.append(faults.inside(&format!("/terms{at}"))),
    };
    for (name, kind) in [("category", TermKind::Category), ("tags", TermKind::Tag), ("authors", TermKind::Author)] {
        match fields.take(name) {
            Some(Value::Array(values)) if values.len() > MAX_TERMS => {
                fields.fault(name, Refused::new("too-many", format!("must have at most {MAX_TERMS} items")));
            }
            // Also of categories: a newer draft may be in another one.
            Some(Value::Array(values)) => {
                for (index, value) in values.into_iter().enumerate() {
                    read(kind, value, format!("/{name}/{index}"));
                }
            }
            Some(value) if kind == TermKind::Category => read(kind, value, format!("/{name}")),
            _ => {}
        }
    }
    fields.add_errors(errors);
    fields.finish(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_a_draft_with_a_publication() {
        let input = json!({
            "id": "01a2074d-74b5-753d-bf53-d2dad79ec7e6", "slug": "a", "title": "A", "body_markdown": "text", "category": "c",
            "published_at": "2026-01-01T00:00:00Z", "aliases": ["old"], "draft": { "title": "B", "body_markdown": "newer", "category": "c" },
            "terms": { "category": { "slug": "c", "name": "C" }, "tags": [{ "slug": "t", "name": "T" }] },
        });
        let Ok(ImportLine::Insight(line)) = ImportLine::parse(input) else { panic!("an insight") };
        assert_eq!((line.wanted, line.aliases.len(), line.terms.len()), (WantedState::Published, 1, 2));
        assert_eq!(line.newer.unwrap().text.title, "B");
        let term = ImportLine::parse(json!({ "kind": "tag", "slug": "t", "name": "T" }));
        assert!(matches!(term, Ok(ImportLine::Term(TermKind::Tag, _))));
    }

    #[test]
    fn the_faults_of_every_part_are_reported_together() {
        let input = json!({
            "id": "x", "title": "", "body_markdown": "b", "category": "c", "status": "gone", "draft": { "title": 1 }, "boddy": 1,
            "terms": { "tags": [{ "slug": "T" }] },
        });
        let pointers: Vec<String> = ImportLine::parse(input).unwrap_err().into_iter().map(|error| error.pointer).collect();
        for pointer in
            ["/title", "/boddy", "/id", "/status", "/draft/title", "/draft/body_markdown", "/terms/tags/0/slug", "/terms/tags/0/name"]
        {
            assert!(pointers.contains(&pointer.to_owned()), "{pointer} in {pointers:?}");
        }
        assert!(ImportLine::parse(json!([1])).is_err());
        assert!(ImportLine::parse(json!({ "kind": "page", "title": "T", "body_markdown": "b", "category": "c" })).is_err());
    }
}
