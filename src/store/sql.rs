//! A statement being written piece by piece, and the few words in which the two databases differ.
//!
//! A value never enters the text: `bind` is the only way to put one in. `SQLite` looks every `$1` up by its name, which costs the square of their
//! number: there it is a `?`.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};

use super::error::StoreError;

pub struct Sql {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
}

impl Sql {
    #[must_use]
    pub fn new(backend: DbBackend, text: &str) -> Self {
        Self { backend, text: text.to_owned(), values: Vec::new() }
    }

    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        if self.backend == DbBackend::Sqlite {
            return self.push("?");
        }
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// `$1, $2, …`
    pub fn bind_all<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self
    }

    /// A limit as a literal: the plan is made for it.
    pub fn limit(&mut self, rows: i64) -> &mut Self {
        let _ = write!(self.text, " LIMIT {rows}");
        self
    }

    /// Names the index by which `SQLite` walks the table just named. Left to itself it takes, of two indexes in the same order, now and then the one
    /// that leads past every draft.
    pub fn walk(&mut self, index: &str) -> &mut Self {
        if self.backend == DbBackend::Sqlite {
            self.push(" INDEXED BY ").push(index);
        }
        self
    }

    /// A subselect that gives the terms of revision `r` as a JSON array, in the author's order.
    pub fn push_terms_json(&mut self, links: &str, terms: &str) -> &mut Self {
        let joined = format!("FROM {links} l JOIN {terms} x ON x.id = l.term_id WHERE l.insight_id = r.insight_id AND l.number = r.number");
        let text = if self.backend == DbBackend::Sqlite {
            format!(
                "(SELECT json_group_array(json_object('slug', slug, 'name', name, 'translations', json(translations))) \
                 FROM (SELECT x.slug, x.name, x.translations {joined} ORDER BY l.place))"
            )
        } else {
            format!(
                "(SELECT coalesce(json_agg(json_build_object('slug', x.slug, 'name', x.name, 'translations', x.translations::json) \
                 ORDER BY l.place), '[]')::text {joined})"
            )
        };
        self.push(&text)
    }

    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.backend
    }

    #[must_use]
    pub fn statement(&self) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text.clone(), self.values.clone())
    }

    pub async fn all<T: FromQueryResult>(&self, db: &impl ConnectionTrait) -> Result<Vec<T>, StoreError> {
        let rows = db.query_all_raw(self.statement()).await?;
        Ok(rows.iter().map(|row| T::from_query_result(row, "")).collect::<Result<_, _>>()?)
    }

    pub async fn one<T: FromQueryResult>(&self, db: &impl ConnectionTrait) -> Result<Option<T>, StoreError> {
        let row = db.query_one_raw(self.statement()).await?;
        Ok(row.map(|row| T::from_query_result(&row, "")).transpose()?)
    }

    /// The number of rows that were changed.
    pub async fn run(&self, db: &impl ConnectionTrait) -> Result<u64, StoreError> {
        Ok(db.execute_raw(self.statement()).await?.rows_affected())
    }
}

/// One number, for counts and the like.
#[derive(FromQueryResult)]
pub struct Number {
    pub number: i64,
}
