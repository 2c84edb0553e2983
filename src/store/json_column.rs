//! Columns whose text is JSON. [`Json`] is the only type that reads one: text that is not a `T` is [`StoreError::Corrupt`], never an empty
//! value.
//!
//! [`StoreError::Corrupt`]: super::error::StoreError::Corrupt

use std::sync::Arc;

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryGetError, TryGetable, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::CorruptValue;

/// The value of a JSON column. Binding one writes it as JSON text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> TryGetable for Json<T> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let text = String::try_get_by(row, index)?;
        serde_json::from_str(&text).map(Self).map_err(|error| corrupt(row, index, &error.to_string()))
    }
}

impl<T: Serialize> From<Json<T>> for Value {
    fn from(json: Json<T>) -> Self {
        Self::String(Some(serde_json::json!(json.0).to_string()))
    }
}

impl<T: DeserializeOwned> ValueType for Json<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        let Value::String(Some(text)) = value else { return Err(ValueTypeErr) };
        serde_json::from_str(&text).map(Self).map_err(|_shape| ValueTypeErr)
    }

    fn type_name() -> String {
        "Json".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::String
    }

    fn column_type() -> ColumnType {
        ColumnType::Text
    }
}

impl<T> Nullable for Json<T> {
    fn null() -> Value {
        Value::String(None)
    }
}

/// A column's type, and the value of the domain that it stores.
pub trait Column {
    type Value;

    fn from_value(value: Self::Value) -> Self;

    fn into_value(self) -> Self::Value;
}

impl<T> Column for Json<T> {
    type Value = T;

    fn from_value(value: T) -> Self {
        Self(value)
    }

    fn into_value(self) -> T {
        self.0
    }
}

impl<T> Column for Option<T> {
    type Value = Self;

    fn from_value(value: Self) -> Self {
        value
    }

    fn into_value(self) -> Self {
        self
    }
}

/// The columns that identify a row, for the operator who has to repair it.
const KEYS: [&str; 6] = ["id", "insight_id", "number", "revision", "sequence", "locale"];

/// The error of a value that was read from this column and means nothing.
pub(super) fn corrupt(row: &QueryResult, column: impl ColIdx, reason: &str) -> TryGetError {
    let key = |name: &str| {
        let text = row.try_get::<Uuid>("", name).map(|id| id.to_string());
        let text = text.or_else(|_other| row.try_get::<i64>("", name).map(|number| number.to_string()));
        text.or_else(|_other| row.try_get::<String>("", name)).ok().map(|value| format!("{name} {value}"))
    };
    let column = column.as_str().map_or_else(|| format!("{column:?}"), str::to_owned);
    let keys: Vec<String> = KEYS.iter().filter_map(|name| key(name)).collect();
    let source = Arc::new(CorruptValue { table: None, column, row: keys.join(", "), reason: reason.to_owned() });
    TryGetError::DbErr(DbErr::TryIntoErr { from: "a stored value", into: "its type", source })
}
