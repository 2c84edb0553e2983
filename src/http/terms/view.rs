//! Categories, tags and authors in the API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::term::TermText;
use crate::http::request::input_schema::{self, derived_schema};
use crate::http::request::viewer::Viewer;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::store::terms::TermRow;

/// A name and a description in one more locale.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TermTranslation)]
pub(in crate::http) struct TermTranslationView {
    name: String,
    description: String,
}

/// A category, tag or author.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Term)]
pub(in crate::http) struct TermView {
    id: Uuid,
    #[schema(max_length = 100)]
    slug: String,
    name: String,
    description: String,
    /// The number of visible insights that have it.
    #[schema(minimum = 0)]
    insight_count: i64,
    /// The texts in more locales; only for editors.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    translations: Option<BTreeMap<String, TermTranslationView>>,
}

/// A page of categories, tags or authors.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TermList)]
pub(in crate::http) struct TermListView {
    pub data: Vec<TermView>,
    pub page: PageInfo,
    pub meta: ListMeta,
}

/// A name and a description in one more locale, as an editor writes them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(in crate::http) struct TermTranslationInput {
    #[schema(max_length = 100, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    name: String,
    #[schema(max_length = 2000, pattern = "^[^\\u0000]*$")]
    description: Option<String>,
}

/// A category, tag or author as an editor writes it. Unknown fields are refused; null is the same as absent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(in crate::http) struct TermInput {
    /// Derived from the name if not set.
    #[schema(max_length = 100, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    slug: Option<String>,
    #[schema(max_length = 100, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "Observability")]
    name: String,
    #[schema(max_length = 2000, pattern = "^[^\\u0000]*$")]
    description: Option<String>,
    translations: Option<BTreeMap<String, TermTranslationInput>>,
}

derived_schema! {
    /// A merge patch (RFC 7396) of a category, tag or author.
    pub(in crate::http) TermPatch = input_schema::patch, TermInput
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::http) struct TermPath {
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 100)]
    pub(super) slug: String,
}

pub(super) fn view(row: &TermRow, chain: &[String], viewer: Viewer) -> TermView {
    let translations = &row.translations.0;
    // The row's own texts are in the default locale, which ends the chain.
    let local = chain.iter().find_map(|locale| translations.get(locale));
    TermView {
        id: row.id,
        slug: row.slug.clone(),
        name: local.map_or(&row.name, |local| &local.name).clone(),
        description: local.map_or(&row.description, |local| &local.description).clone(),
        insight_count: row.insight_count,
        translations: (viewer == Viewer::Editor).then(|| {
            let view = |local: &TermText| {
                let TermText { name, description } = local.clone();
                TermTranslationView { name, description }
            };
            translations.iter().map(|(locale, local)| (locale.clone(), view(local))).collect()
        }),
    }
}
