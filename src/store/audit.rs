//! The audit log: who did what, when, through which request. A row is appended in the transaction of the event that it
//! records; the database refuses to change or remove one.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::sql::Sql;
use crate::domain::authority::Principal;
use crate::domain::change::NewChange;
use crate::domain::clock::Timestamp;
use crate::domain::page::{Cursor, KeyValue, Page};

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    pub action: &'static str,
    pub resource: &'static str,
    pub resource_id: Option<Uuid>,
    /// How a reader of the log recognises the resource: its slug, its address.
    pub label: Option<String>,
}

impl AuditEvent {
    /// The event of a change of content.
    #[must_use]
    pub fn from_change(change: &NewChange) -> Self {
        Self {
            action: change.kind.as_str(),
            resource: change.resource.as_str(),
            resource_id: change.resource_id,
            label: change.slug.clone(),
        }
    }
}

pub async fn append(txn: &DatabaseTransaction, event: &AuditEvent, by: &Principal, now: Timestamp) -> Result<(), StoreError> {
    append_all(txn, std::slice::from_ref(event), by, now).await
}

/// The events of one transaction, in their order.
pub async fn append_all(txn: &DatabaseTransaction, events: &[AuditEvent], by: &Principal, now: Timestamp) -> Result<(), StoreError> {
    for events in events.chunks(500) {
        let text =
            "INSERT INTO audit_log (at, action, resource, resource_id, label, made_by, user_id, token_id, origin, request_id) VALUES ";
        let mut sql = Sql::new(txn.get_database_backend(), text);
        for (index, AuditEvent { action, resource, resource_id, label }) in events.iter().enumerate() {
            sql.push(if index == 0 { "(" } else { ", (" }).bind(now.0).push(", ").bind(*action).push(", ").bind(*resource);
            sql.push(", ").bind(*resource_id).push(", ").bind(label.clone());
            sql.push(", ").bind(by.name.as_str()).push(", ").bind(by.user_id).push(", ").bind(by.token_id);
            sql.push(", ").bind(by.origin.as_str()).push(", ").bind(by.request_id.as_str()).push(")");
        }
        sql.run(txn).await?;
    }
    Ok(())
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct AuditEntry {
    pub sequence: i64,
    pub at: i64,
    pub action: String,
    pub resource: String,
    pub resource_id: Option<Uuid>,
    pub label: Option<String>,
    pub made_by: String,
    pub user_id: Option<Uuid>,
    pub token_id: Option<Uuid>,
    pub origin: String,
    pub request_id: String,
}

/// The last publications and withdrawals of an insight, oldest first.
pub async fn list_moves(db: &impl ConnectionTrait, insight: Uuid, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), COLUMNS);
    sql.push(" WHERE action IN ('published', 'unpublished') AND resource_id = ").bind(insight);
    let mut moves: Vec<AuditEntry> = sql.push(" ORDER BY sequence DESC").limit(limit).all(db).await?;
    moves.reverse();
    Ok(moves)
}

const COLUMNS: &str =
    "SELECT sequence, at, action, resource, resource_id, label, made_by, user_id, token_id, origin, request_id FROM audit_log";

/// Filters of the log; the default matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilters {
    pub action: Option<String>,
    pub resource: Option<String>,
    pub resource_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    pub token_id: Option<Uuid>,
    pub request_id: Option<String>,
    pub after: Option<Timestamp>,
    pub before: Option<Timestamp>,
}

/// Newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    filters: &AuditFilters,
    cursor: Option<&Cursor>,
    limit: i64,
    identity: &str,
) -> Result<Page<AuditEntry>, StoreError> {
    let AuditFilters { action, resource, resource_id, user_id, token_id, request_id, after, before } = filters;
    let mut sql = Sql::new(db.get_database_backend(), COLUMNS);
    sql.push(" WHERE sequence > 0");
    for (column, value) in [("action", action), ("resource", resource), ("request_id", request_id)] {
        if let Some(value) = value {
            sql.push(" AND ").push_ident(column).push(" = ").bind(value.as_str());
        }
    }
    for (column, value) in [("resource_id", resource_id), ("user_id", user_id), ("token_id", token_id)] {
        if let Some(value) = value {
            sql.push(" AND ").push_ident(column).push(" = ").bind(*value);
        }
    }
    for (comparison, at) in [(" AND at > ", after), (" AND at < ", before)] {
        if let Some(at) = at {
            sql.push(comparison).bind(at.0);
        }
    }
    let backward = cursor.is_some_and(|cursor| cursor.backward);
    if let Some(Cursor { key: KeyValue::Number(sequence), .. }) = cursor {
        sql.push(if backward { " AND sequence > " } else { " AND sequence < " }).bind(*sequence);
    }
    sql.push(if backward { " ORDER BY sequence" } else { " ORDER BY sequence DESC" }).limit(limit + 1);
    let rows = sql.all::<AuditEntry>(db).await?;
    Ok(Page::from_rows(rows, usize::try_from(limit).unwrap_or(0), cursor, (identity, true), |row| {
        (KeyValue::Number(row.sequence), Uuid::nil())
    }))
}
