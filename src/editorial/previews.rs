//! Preview tokens: the holder of one reads one revision of one insight until the token expires.

use uuid::Uuid;

use super::error::EditorialError;
use super::pending::PendingWrite;
use crate::domain::authority::Editor;
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::field_errors::FieldErrors;
use crate::domain::fields::FieldReader;
use crate::domain::secret::{self, PREVIEW};
use crate::domain::text::Refused;
use crate::domain::user::moment;
use crate::store::audit::AuditEvent;
use crate::store::previews::Preview;
use crate::store::{self, Store};

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// A forgotten preview should not outlive its draft by much.
pub const MAX_LIFETIME_SECONDS: i64 = 30 * DAY_SECONDS;
const MIN_LIFETIME_SECONDS: i64 = 60;

/// The input for a preview token. The default is the newest revision for a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreviewDraft {
    pub revision: Option<i64>,
    pub expires_in: Option<i64>,
    pub expires_at: Option<Timestamp>,
}

impl PreviewDraft {
    /// # Errors
    /// Every fault of the input at once.
    pub fn parse(input: serde_json::Value) -> Result<Self, FieldErrors> {
        let mut fields = FieldReader::new(input, "")?;
        let draft = Self {
            revision: fields.integer("revision", 1, i64::from(i32::MAX)),
            expires_in: fields.integer("expires_in", MIN_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS),
            expires_at: fields.text("expires_at", moment),
        };
        if draft.expires_in.is_some() && draft.expires_at.is_some() {
            fields.fault("expires_at", Refused::new("conflicting", "give expires_in or expires_at, not both"));
        }
        fields.finish(draft)
    }
}

/// Creates a preview token; its secret is returned once.
///
/// # Errors
/// When the insight or the revision is unknown, or the end is in the past or too far away.
pub async fn create(
    store: &Store,
    editor: &Editor,
    insight: Uuid,
    draft: PreviewDraft,
    now: Timestamp,
) -> Result<PendingWrite<(Preview, String)>, EditorialError> {
    let PreviewDraft { revision, expires_in, expires_at } = draft;
    let expires_at = expires_at.unwrap_or_else(|| now.plus_seconds(expires_in.unwrap_or(DAY_SECONDS)));
    if expires_at <= now {
        return Err(EditorialError::field("/expires_at", "in-the-past", "must be in the future"));
    }
    if expires_at > now.plus_seconds(MAX_LIFETIME_SECONDS) {
        return Err(EditorialError::field("/expires_at", "too-far", "must be within 30 days"));
    }
    let token = secret::new_secret(PREVIEW).ok_or(EditorialError::Internal("no randomness"))?;
    let txn = store.begin().await?;
    let row = store::insights::lock(&txn, insight).await?.filter(|insight| insight.deleted_at.is_none());
    let row = row.ok_or(EditorialError::NotFound)?;
    let number = revision.unwrap_or(row.head_revision);
    if store::revisions::find(&txn, insight, number).await?.is_none() {
        return Err(EditorialError::field("/revision", "unknown-revision", "there is no revision with this number"));
    }
    let preview = Preview::new(new_id(now), (insight, number), editor.principal(), now, expires_at);
    store::previews::insert(&txn, &preview, secret::digest(&token)).await?;
    let event = audit_event("created", preview.id, row.slug);
    Ok(PendingWrite::audited(txn, editor.principal(), event, (preview, token)))
}

/// Revokes a preview token.
///
/// # Errors
/// When the insight has no such token.
pub async fn revoke(store: &Store, editor: &Editor, insight: Uuid, id: Uuid, now: Timestamp) -> Result<PendingWrite<()>, EditorialError> {
    let txn = store.begin().await?;
    let row = store::insights::lock(&txn, insight).await?.ok_or(EditorialError::NotFound)?;
    if !store::previews::revoke(&txn, insight, id, now).await? {
        return Err(EditorialError::NotFound);
    }
    Ok(PendingWrite::audited(txn, editor.principal(), audit_event("revoked", id, row.slug), ()))
}

fn audit_event(action: &'static str, id: Uuid, slug: String) -> AuditEvent {
    AuditEvent { action, resource: "preview_token", resource_id: Some(id), label: Some(slug) }
}
