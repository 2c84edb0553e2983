//! The site's settings: name, texts, locales. There is always exactly one row.

use crate::domain::authority::Admin;
use crate::domain::change::{ChangeKind, NewChange, Resource};
use crate::domain::clock::Timestamp;
use crate::domain::etag::{Expected, version_state};
use crate::domain::site::SiteDraft;
use crate::store::json_column::Json;
use crate::store::rows::site;
use crate::store::{self, Store};

use super::error::EditorialError;
use super::pending::PendingWrite;

/// Inserts the initial settings, unless there are settings already.
pub async fn ensure(store: &Store, now: Timestamp) -> Result<(), EditorialError> {
    if store::site::find(store.reader()).await?.is_some() {
        return Ok(());
    }
    let draft = SiteDraft {
        name: "Insights".to_owned(),
        text: crate::domain::site::SiteText { title: "Insights".to_owned(), ..Default::default() },
        default_locale: "en".to_owned(),
        locales: vec!["en".to_owned()],
        ..SiteDraft::default()
    };
    let txn = store.begin().await?;
    if store::site::lock(&txn).await?.is_none() {
        store::site::insert(&txn, to_row(draft, 1, now)).await?;
    }
    Ok(store.commit_quietly(txn).await?)
}

/// Replaces the settings.
///
/// # Errors
/// When the precondition does not match.
pub async fn replace(
    store: &Store,
    admin: &Admin,
    expected: &Expected,
    draft: SiteDraft,
    now: Timestamp,
) -> Result<PendingWrite<()>, EditorialError> {
    let txn = store.begin().await?;
    let version = store::site::lock(&txn).await?.map_or(0, |site| site.version);
    let state = version_state(version);
    if !expected.allows(&state) {
        return Err(EditorialError::stale(state));
    }
    store::site::save(&txn, to_row(draft, version + 1, now)).await?;
    let change = NewChange {
        kind: ChangeKind::Updated,
        resource: Resource::Site,
        resource_id: None,
        slug: None,
        public: true,
        cache_tags: vec!["site".to_owned(), "insights".to_owned()],
    };
    Ok(PendingWrite::logged(txn, admin.principal(), change, ()))
}

fn to_row(draft: SiteDraft, version: i64, now: Timestamp) -> site::Model {
    let SiteDraft { name, text, base_url, default_locale, locales, translations } = draft;
    site::Model {
        id: 1,
        name,
        title: text.title,
        headline: text.headline,
        intro: text.intro,
        base_url,
        default_locale,
        locales: Json(locales),
        translations: Json(translations),
        version,
        updated_at: now.0,
    }
}
