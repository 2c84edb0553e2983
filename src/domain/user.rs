//! The writable fields of users and machine tokens.

use serde_json::{Value, json};

use super::authority::{Role, Scope};
use super::clock::Timestamp;
use super::field_errors::FieldErrors;
use super::fields::FieldReader;
use super::text::{self, MAX_NAME, Refused};

/// A user to be created, or a user's new state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserDraft {
    pub email: String,
    pub name: String,
    pub role: Role,
    /// None: an update keeps the password.
    pub password: Option<String>,
    pub disabled: bool,
}

impl UserDraft {
    /// # Errors
    /// Every fault of the input at once.
    pub fn parse(input: Value) -> Result<Self, FieldErrors> {
        let mut fields = FieldReader::new(input, "")?;
        let user = Self {
            email: fields.required_text("email", text::email),
            name: fields.required_text("name", |name| text::present(name, MAX_NAME)),
            role: fields.required_text("role", role),
            password: fields.text("password", text::new_password),
            disabled: fields.boolean("disabled").unwrap_or_default(),
        };
        fields.finish(user)
    }

    /// The input that keeps this user as it is: a merge patch is applied to it.
    #[must_use]
    pub fn to_input(&self) -> Value {
        let Self { email, name, role, password: _, disabled } = self;
        json!({ "email": email, "name": name, "role": role.as_str(), "password": null, "disabled": disabled })
    }
}

fn role(text: &str) -> Result<Role, Refused> {
    Role::parse(text).ok_or_else(|| Refused::new("invalid-value", "must be author, editor or admin"))
}

/// A machine token to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenDraft {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub expires_at: Option<Timestamp>,
}

impl TokenDraft {
    /// # Errors
    /// Every fault of the input at once.
    pub fn parse(input: Value) -> Result<Self, FieldErrors> {
        let mut fields = FieldReader::new(input, "")?;
        let token = Self {
            name: fields.required_text("name", |name| text::present(name, MAX_NAME)),
            scopes: fields.list("scopes", Scope::ALL.len(), scope),
            expires_at: fields.text("expires_at", moment),
        };
        if token.scopes.is_empty() {
            fields.fault("scopes", Refused::new("required", "must name at least one scope"));
        }
        fields.finish(token)
    }
}

pub fn scope(text: &str) -> Result<Scope, Refused> {
    Scope::parse(text).ok_or_else(|| {
        let known: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
        Refused::new("invalid-value", format!("must be one of {}", known.join(", ")))
    })
}

pub fn moment(text: &str) -> Result<Timestamp, Refused> {
    Timestamp::parse(text).ok_or_else(|| Refused::new("invalid-time", "must be an RFC 3339 time such as 2026-04-18T09:00:00Z"))
}
