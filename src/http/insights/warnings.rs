//! The warnings of a dry run: what a text may contain, but probably by mistake.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::domain::authority::Principal;
use crate::domain::clock::Timestamp;
use crate::domain::lint::{self, Lint, Warning};
use crate::domain::slug::Slug;
use crate::editorial::offload;
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WarningView;
use crate::http::state::app_state::AppState;
use crate::store::revisions::WrittenText;
use crate::store::{self, Transaction};

const MAX_WARNINGS: usize = 100;
/// The most links that are looked up in one text.
const MAX_LINKS: usize = 100;

/// The parts of a written draft that are checked.
pub(super) struct WrittenDraft {
    id: Uuid,
    slugs: Vec<String>,
    sort_title: String,
    /// The addresses of this service and its site.
    base_urls: Vec<String>,
    texts: Vec<WrittenText>,
}

/// Reads the newest revision of an insight from a transaction that is about to be rolled back.
pub(super) async fn read_draft(app: &AppState, txn: &Transaction, id: Uuid) -> Result<WrittenDraft, Problem> {
    let insight = store::insights::find(txn, &store::insights::InsightName::Id(id)).await?.ok_or_else(Problem::not_found)?;
    let head = store::revisions::find(txn, id, insight.head_revision).await?.ok_or_else(Problem::not_found)?;
    let site = store::site::find(txn).await?.and_then(|site| site.base_url);
    let texts = store::revisions::list_texts(txn, id, insight.head_revision).await?;
    let base_urls = [Some(app.base_url.clone()), site].into_iter().flatten().collect();
    Ok(WrittenDraft { id, slugs: vec![insight.slug, head.slug], sort_title: insight.sort_title, base_urls, texts })
}

/// Checks the texts, off the reactor. No warning reveals an insight that the caller may not see.
pub(super) async fn find(app: &AppState, draft: WrittenDraft, caller: &Principal, now: Timestamp) -> Result<Vec<WarningView>, Problem> {
    let WrittenDraft { id, slugs, sort_title, base_urls, texts } = draft;
    let lint_all = move || texts.into_iter().map(|text| (field_pointer(&text), lint_text(&text))).collect::<Vec<_>>();
    let lints = offload::render(&app.store, lint_all).await?;
    let own = caller.limited_to_own();
    let db = app.store.reader();
    let mut warnings = Vec::new();
    for (pointer, Lint { warnings: of_text, links }) in lints {
        warnings.extend(of_text.into_iter().map(|Warning { code, line, detail }| WarningView {
            pointer: pointer.clone(),
            code: code.to_owned(),
            detail,
            line: Some(line),
        }));
        let to_slug = |link: String| linked_slug(&link, &base_urls).map(|slug| (slug, link));
        let linked: Vec<(String, String)> = links.into_iter().filter_map(to_slug).take(MAX_LINKS).collect();
        let distinct: BTreeSet<&str> = linked.iter().map(|(slug, _)| slug.as_str()).collect();
        let targets = store::slugs::find_targets(db, &distinct.into_iter().collect::<Vec<_>>(), own, now).await?;
        for (slug, link) in linked.iter().filter(|(slug, _)| !slugs.contains(slug)) {
            let (code, detail) = match targets.iter().find(|target| target.slug == *slug) {
                Some(target) if target.visible => continue,
                Some(_) => ("unpublished-link", format!("{link} links to an insight that is not public")),
                None => ("dead-link", format!("{link} links to no insight: none has the slug \"{slug}\"")),
            };
            warnings.push(WarningView { pointer: pointer.clone(), code: code.to_owned(), detail, line: None });
        }
    }
    warnings.truncate(MAX_WARNINGS);
    if let Some(other) = store::insights::find_same_title(db, id, &sort_title, own, now).await? {
        let detail = format!("another insight has this title: {}", other.slug);
        warnings.push(WarningView { pointer: "/title".to_owned(), code: "duplicate-title".to_owned(), detail, line: None });
    }
    Ok(warnings)
}

fn field_pointer(text: &WrittenText) -> String {
    if text.is_source { "/body_markdown".to_owned() } else { format!("/translations/{}/body_markdown", text.locale) }
}

fn lint_text(text: &WrittenText) -> Lint {
    lint::lint(&text.markdown, &text.toc.0)
}

/// The slug of the insight that a link addresses: a URL of this service or its site, or a relative one, that ends in `insights/<slug>`.
fn linked_slug(link: &str, base_urls: &[String]) -> Option<String> {
    let path = base_urls.iter().find_map(|base| link.strip_prefix(base.as_str())).filter(|rest| rest.starts_with('/'));
    let path = match path {
        Some(path) => path,
        None if link.contains("://") || link.starts_with("//") || link.starts_with("mailto:") => return None,
        None => link,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let (folder, last) = path.rsplit_once('/')?;
    let last = last.trim_end_matches(".md").trim_end_matches(".html");
    (folder == "insights" || folder.ends_with("/insights")).then(|| Slug::parse(last)).flatten().map(Slug::into_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_segment_of_a_link_is_the_slug() {
        let base_urls = ["https://insights.example".to_owned()];
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
            assert_eq!(linked_slug(link, &base_urls).as_deref(), slug, "{link}");
        }
    }
}
