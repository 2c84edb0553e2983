//! What a rehearsal warns of: things that are allowed in a text, and probably not meant.

use uuid::Uuid;

use crate::domain::lint::{self, Warning};
use crate::domain::markdown::TocEntry;
use crate::domain::slug::Slug;
use crate::http::api::Api;
use crate::http::problem::Problem;
use crate::http::writes::WarningView;
use crate::store::{self, Transaction};

/// Looks at the newest revision of an insight as it would be.
pub(super) async fn of(api: &Api, txn: &Transaction, id: Uuid) -> Result<Vec<WarningView>, Problem> {
    let insight = store::insights::find(txn, &store::insights::Name::Id(id)).await?.ok_or_else(Problem::not_found)?;
    let site = store::site::find(txn).await?.and_then(|site| site.base_url);
    let homes: Vec<&str> = [Some(api.base_url.as_str()), site.as_deref()].into_iter().flatten().collect();
    let mut warnings = Vec::new();
    for text in store::revisions::list_texts(txn, id, insight.head_revision).await? {
        let field = |name: &str| if text.is_source { format!("/{name}") } else { format!("/translations/{}/{name}", text.locale) };
        let toc: Vec<TocEntry> = serde_json::from_str(&text.toc).unwrap_or_default();
        let lint = lint::lint(&text.markdown, &toc);
        let seen = |Warning { code, line, detail }| WarningView {
            pointer: field("body_markdown"),
            code: code.to_owned(),
            detail,
            line: Some(line),
        };
        warnings.extend(lint.warnings.into_iter().map(seen));
        for link in lint.links {
            let Some(slug) = named(&link, &homes) else { continue };
            let target = store::insights::find(txn, &store::insights::Name::Slug(slug.clone())).await?;
            if target.is_none_or(|target| target.deleted_at.is_some()) {
                let detail = format!("{link} leads to no insight: there is none with the slug \"{slug}\"");
                let code = "dead-link".to_owned();
                warnings.push(WarningView { pointer: field("body_markdown"), code, detail, line: None });
            }
        }
    }
    if let Some(other) = store::insights::find_same_title(txn, id, &insight.sort_title).await? {
        let detail = format!("another insight has this title: {}", other.slug);
        warnings.push(WarningView { pointer: "/title".to_owned(), code: "duplicate-title".to_owned(), detail, line: None });
    }
    Ok(warnings)
}

/// The slug of the insight that a link means: an address of this service or its site, or a relative one, with `insights/<slug>` at its end.
fn named(link: &str, homes: &[&str]) -> Option<String> {
    let home = homes.iter().find_map(|home| link.strip_prefix(*home)).filter(|rest| rest.starts_with('/'));
    let path = match home {
        Some(path) => path,
        None if link.contains("://") || link.starts_with("//") || link.starts_with("mailto:") => return None,
        None => link,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let (before, last) = path.rsplit_once('/')?;
    let last = last.trim_end_matches(".md").trim_end_matches(".html");
    (before == "insights" || before.ends_with("/insights")).then(|| Slug::parse(last)).flatten().map(Slug::into_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_insights_by_their_last_segment() {
        let homes = ["https://insights.example"];
        for (link, slug) in [
            ("/insights/a-b", Some("a-b")),
            ("/en/insights/a-b/#part", Some("a-b")),
            ("https://insights.example/v1/insights/a-b.md?x=1", Some("a-b")),
            ("insights/a", Some("a")),
            ("https://elsewhere.example/insights/a", None),
            ("//elsewhere.example/insights/a", None),
            ("/about", None),
            ("#part", None),
            ("mailto:a@example.org", None),
            ("https://insights.example.evil/insights/a", None),
        ] {
            assert_eq!(named(link, &homes).as_deref(), slug, "{link}");
        }
    }
}
