//! The six sample insights, embedded in the binary. `serve --demo` loads them into an empty database.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::EditorialError;
use super::lifecycle::{self, Publication};
use super::{insights, site, terms};
use crate::domain::authority::{Admin, Editor, Origin, Publisher};
use crate::domain::clock::Timestamp;
use crate::domain::draft::Draft;
use crate::domain::etag::Expected;
use crate::domain::site::SiteDraft;
use crate::domain::term::{TermDraft, TermKind};
use crate::store::{self, Store};

macro_rules! sample {
    ($slug:literal $(, $locale:literal)*) => {
        Sample {
            source: include_str!(concat!("../../content/insights/", $slug, ".md")),
            translations: &[$(($locale, include_str!(concat!("../../content/insights/", $slug, ".", $locale, ".md")))),*],
        }
    };
}

const SITE: &str = include_str!("../../content/site.json");
/// Oldest first: they get their ids in this order.
const SAMPLES: [Sample; 6] = [
    sample!("batch-finalisation-per-container"),
    sample!("commit-before-async-io", "de", "it"),
    sample!("update-with-subquery-and-limit"),
    sample!("expression-index-ignored"),
    sample!("cache-without-a-lock-is-thundering-herd", "de", "it"),
    sample!("symptom-is-not-root-cause"),
];

struct Sample {
    source: &'static str,
    translations: &'static [(&'static str, &'static str)],
}

#[derive(Deserialize)]
struct SiteFile {
    site: Value,
    categories: Vec<Value>,
    tags: Vec<Value>,
    authors: Vec<Value>,
}

/// Loads the samples, unless the database has categories already; returns whether it did.
///
/// # Errors
/// The database's. A sample that cannot be parsed is a defect of the build, and reported as internal.
pub async fn load(store: &Store, now: Timestamp) -> Result<bool, EditorialError> {
    if store::terms::count(store.reader(), TermKind::Category).await? > 0 {
        return Ok(false);
    }
    let (admin, editor, publisher) = (Admin::system(Origin::Demo), Editor::system(Origin::Demo), Publisher::system(Origin::Demo));
    let file: SiteFile = serde_json::from_str(SITE).map_err(|_e| EditorialError::Internal("content/site.json"))?;
    let settings = SiteDraft::parse(file.site).map_err(EditorialError::Invalid)?;
    site::replace(store, &admin, &Expected::Any, settings, now).await?.commit(store, now).await?;
    for (kind, list) in [(TermKind::Category, file.categories), (TermKind::Tag, file.tags), (TermKind::Author, file.authors)] {
        for term in list {
            let draft = TermDraft::parse(term).map_err(EditorialError::Invalid)?;
            terms::create(store, &publisher, kind, draft, now).await?.commit(store, now).await?;
        }
    }
    for sample in SAMPLES {
        let (draft, publication) = parse_sample(&sample)?;
        let id = insights::create(store, &editor, draft, now).await?.commit(store, now).await?;
        lifecycle::publish(store, &publisher, id, &Expected::Any, publication, now).await?.commit(store, now).await?;
    }
    Ok(true)
}

fn parse_sample(sample: &Sample) -> Result<(Draft, Publication), EditorialError> {
    let mut input = parse_front_matter(sample.source)?;
    let published_at = input.as_object_mut().and_then(|fields| fields.remove("published_at"));
    let mut translations = json!({});
    for (locale, text) in sample.translations {
        translations[*locale] = parse_front_matter(text)?;
    }
    input["translations"] = translations;
    let draft = Draft::parse(input).map_err(EditorialError::Invalid)?;
    let publish_at = published_at.as_ref().and_then(Value::as_str).and_then(Timestamp::parse);
    Ok((draft, Publication { publish_at, ..Publication::default() }))
}

/// The YAML between the two `---` as fields, and the rest as `body_markdown`.
fn parse_front_matter(text: &str) -> Result<Value, EditorialError> {
    let invalid = || EditorialError::Internal("a sample's front matter");
    let (yaml, body) = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).ok_or_else(invalid)?;
    let mut fields: Value = yaml_serde::from_str(yaml).map_err(|_e| invalid())?;
    fields["body_markdown"] = Value::from(body.trim_start_matches('\n'));
    Ok(fields)
}
