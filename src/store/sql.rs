//! Builds a statement from parts, and holds the few differences between the two databases.
//!
//! The text of a statement is `&'static str` and vetted identifiers; a value is always bound. `SQLite` looks every `$1`
//! up by its name, which is quadratic in their number: there a parameter is `?`.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, IdenStatic as _, Iterable as _, Statement, Value};

use super::error::StoreError;
use crate::domain::term::TermKind;

pub struct Sql {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
}

/// A table, column or index. There is no way to make one of text that was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ident(&'static str);

impl Ident {
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }
}

/// The table of a kind.
impl From<TermKind> for Ident {
    fn from(kind: TermKind) -> Self {
        Self(kind.plural())
    }
}

impl From<&'static str> for Ident {
    fn from(name: &'static str) -> Self {
        Self(name)
    }
}

impl Sql {
    #[must_use]
    pub fn new(backend: DbBackend, text: &'static str) -> Self {
        Self { backend, text: text.to_owned(), values: Vec::new() }
    }

    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub fn push_ident(&mut self, name: impl Into<Ident>) -> &mut Self {
        self.push(name.into().0)
    }

    /// A number as a literal, where the plan depends on it.
    pub fn push_number(&mut self, number: i64) -> &mut Self {
        let _ = write!(self.text, "{number}");
        self
    }

    /// Every column of an entity: `alias.a, alias.b, …`.
    pub fn push_columns<E: EntityTrait>(&mut self, alias: &'static str) -> &mut Self {
        for (index, column) in E::Column::iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " }).push(alias).push(".").push(column.as_str());
        }
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
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self
    }

    /// A limit as a literal: the planner uses its value.
    pub fn limit(&mut self, rows: i64) -> &mut Self {
        self.push(" LIMIT ").push_number(rows)
    }

    /// Names the index by which `SQLite` walks the table before it. Of two indexes in the same order, its planner
    /// sometimes takes the one that walks past every draft.
    pub fn indexed_by(&mut self, index: impl Into<Ident>) -> &mut Self {
        if self.backend == DbBackend::Sqlite {
            self.push(" INDEXED BY ").push_ident(index);
        }
        self
    }

    /// A subselect of the terms of revision `r` as a JSON array, in the author's order.
    pub fn push_terms_json(&mut self, links: &'static str, terms: &'static str) -> &mut Self {
        let on_sqlite = self.backend == DbBackend::Sqlite;
        self.push(if on_sqlite {
            "(SELECT json_group_array(json_object('slug', slug, 'name', name, 'translations', json(translations))) \
             FROM (SELECT x.slug, x.name, x.translations "
        } else {
            "(SELECT coalesce(json_agg(json_build_object('slug', x.slug, 'name', x.name, 'translations', x.translations::json) \
             ORDER BY l.place), '[]')::text "
        });
        self.push("FROM ").push_ident(links).push(" l JOIN ").push_ident(terms);
        self.push(" x ON x.id = l.term_id WHERE l.insight_id = r.insight_id AND l.number = r.number");
        self.push(if on_sqlite { " ORDER BY l.place))" } else { ")" })
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
        rows.iter().map(|row| T::from_query_result(row, "")).collect::<Result<_, _>>().map_err(|error| self.locate(error))
    }

    /// Reads each row as two types that divide its columns between them.
    pub async fn all_pairs<A: FromQueryResult, B: FromQueryResult>(&self, db: &impl ConnectionTrait) -> Result<Vec<(A, B)>, StoreError> {
        let rows = db.query_all_raw(self.statement()).await?;
        let pairs = rows.iter().map(|row| Ok((A::from_query_result(row, "")?, B::from_query_result(row, "")?)));
        pairs.collect::<Result<_, _>>().map_err(|error| self.locate(error))
    }

    pub async fn one<T: FromQueryResult>(&self, db: &impl ConnectionTrait) -> Result<Option<T>, StoreError> {
        let row = db.query_one_raw(self.statement()).await?;
        row.map(|row| T::from_query_result(&row, "")).transpose().map_err(|error| self.locate(error))
    }

    /// As [`Sql::all_pairs`], for at most one row.
    pub async fn one_pair<A: FromQueryResult, B: FromQueryResult>(&self, db: &impl ConnectionTrait) -> Result<Option<(A, B)>, StoreError> {
        let Some(row) = db.query_one_raw(self.statement()).await? else { return Ok(None) };
        let pair = A::from_query_result(&row, "").and_then(|a| Ok((a, B::from_query_result(&row, "")?)));
        pair.map(Some).map_err(|error| self.locate(error))
    }

    /// The number of rows that were changed.
    pub async fn run(&self, db: &impl ConnectionTrait) -> Result<u64, StoreError> {
        Ok(db.execute_raw(self.statement()).await?.rows_affected())
    }

    fn locate(&self, error: sea_orm::DbErr) -> StoreError {
        StoreError::from(error).in_table(|column| table_of(&self.text, column))
    }
}

/// The table that a statement selects a column from: the one whose alias qualifies it, else the first.
fn table_of<'t>(text: &'t str, column: &str) -> Option<&'t str> {
    let words: Vec<&str> = text.split([' ', ',', '(', ')']).filter(|word| !word.is_empty()).collect();
    let alias = words.iter().find_map(|word| word.strip_suffix(column)?.strip_suffix('.'));
    let tables = || words.windows(3).filter(|three| matches!(three[0], "FROM" | "JOIN") && three[1] != "SELECT");
    let qualified = alias.and_then(|alias| tables().find(|three| three[2] == alias));
    qualified.or_else(|| tables().next()).map(|three| three[1])
}

/// One number, for counts and the like.
#[derive(FromQueryResult)]
pub struct Number {
    pub number: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_column_is_found_by_its_alias() {
        let text = "SELECT l.toc, r.seo FROM (SELECT i.* FROM insights i) i JOIN revisions r ON r.number = 1 JOIN \
            revision_bodies l ON l.number = 1";
        assert_eq!(table_of(text, "seo"), Some("revisions"));
        assert_eq!(table_of(text, "toc"), Some("revision_bodies"));
        assert_eq!(table_of("SELECT sequence, cache_tags FROM changes WHERE sequence > ?", "cache_tags"), Some("changes"));
    }
}
