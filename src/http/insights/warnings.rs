//! What a rehearsal warns of: things that are allowed in a text, and probably not meant.

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

/// Nobody mends more at once.
const MOST: usize = 100;

/// What a write would leave, as far as it is looked at.
pub(super) struct WrittenDraft {
    id: Uuid,
    slugs: Vec<String>,
    sort_title: String,
    homes: Vec<String>,
    texts: Vec<WrittenText>,
}

/// Takes the newest revision of an insight out of a transaction that is about to be let go.
pub(super) async fn written(app: &AppState, txn: &Transaction, id: Uuid) -> Result<WrittenDraft, Problem> {
    let insight = store::insights::find(txn, &store::insights::InsightName::Id(id)).await?.ok_or_else(Problem::not_found)?;
    let head = store::revisions::find(txn, id, insight.head_revision).await?.ok_or_else(Problem::not_found)?;
    let site = store::site::find(txn).await?.and_then(|site| site.base_url);
    let texts = store::revisions::list_texts(txn, id, insight.head_revision).await?;
    let homes = [Some(app.base_url.clone()), site].into_iter().flatten().collect();
    Ok(WrittenDraft { id, slugs: vec![insight.slug, head.slug], sort_title: insight.sort_title, homes, texts })
}

/// Looks at texts, away from the threads that answer others; says nothing of what the caller may not know of.
pub(super) async fn of(app: &AppState, written: WrittenDraft, caller: &Principal, now: Timestamp) -> Result<Vec<WarningView>, Problem> {
    let WrittenDraft { id, slugs, sort_title, homes, texts } = written;
    let looked =
        offload::render(&app.store, move || texts.into_iter().map(|text| (field(&text), linted(&text))).collect::<Vec<_>>()).await?;
    let own = caller.limited_to_own();
    let db = app.store.reader();
    let mut warnings = Vec::new();
    for (pointer, Lint { warnings: seen, links }) in looked {
        warnings.extend(seen.into_iter().map(|Warning { code, line, detail }| WarningView {
            pointer: pointer.clone(),
            code: code.to_owned(),
            detail,
            line: Some(line),
        }));
        let named: Vec<(String, String)> = links.into_iter().filter_map(|link| named(&link, &homes).map(|slug| (slug, link))).collect();
        let wanted: BTreeSet<&str> = named.iter().map(|(slug, _)| slug.as_str()).take(MOST).collect();
        let targets = store::slugs::find_targets(db, &wanted.into_iter().collect::<Vec<_>>(), own, now).await?;
        for (slug, link) in named.iter().take(MOST).filter(|(slug, _)| !slugs.contains(slug)) {
            let (code, detail) = match targets.iter().find(|target| target.slug == *slug) {
                Some(target) if target.visible => continue,
                Some(_) => ("unpublished-link", format!("{link} leads to an insight that is not public")),
                None => ("dead-link", format!("{link} leads to no insight: there is none with the slug \"{slug}\"")),
            };
            warnings.push(WarningView { pointer: pointer.clone(), code: code.to_owned(), detail, line: None });
        }
    }
    warnings.truncate(MOST);
    if let Some(other) = store::insights::find_same_title(db, id, &sort_title, own, now).await? {
        let detail = format!("another insight has this title: {}", other.slug);
        warnings.push(WarningView { pointer: "/title".to_owned(), code: "duplicate-title".to_owned(), detail, line: None });
    }
    Ok(warnings)
}

fn field(text: &WrittenText) -> String {
    if text.is_source { "/body_markdown".to_owned() } else { format!("/translations/{}/body_markdown", text.locale) }
}

fn linted(text: &WrittenText) -> Lint {
    lint::lint(&text.markdown, &text.toc.0)
}

/// The slug of the insight that a link means: an address of this service or its site, or a relative one, with `insights/<slug>` at its end.
fn named(link: &str, homes: &[String]) -> Option<String> {
    let home = homes.iter().find_map(|home| link.strip_prefix(home.as_str())).filter(|rest| rest.starts_with('/'));
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
        let homes = ["https://insights.example".to_owned()];
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
