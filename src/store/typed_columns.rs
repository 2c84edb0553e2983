//! Columns that are read and bound as types of the domain: words as enums, numbers of the log as [`Sequence`] and [`PublicSequence`].
//!
//! A word that an enum does not have is [`StoreError::Corrupt`](super::error::StoreError::Corrupt): code that does not
//! know it never ignores it.

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable, Value};

use super::json_column::corrupt;
use crate::domain::change::{ChangeKind, PublicSequence, Resource, Sequence};
use crate::domain::import_state::{ImportItemState, ImportState};

/// Reads and binds an enum by its `parse` and `as_str`.
macro_rules! text_column {
    ($($name:ident),+) => { $(
        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                let text = String::try_get_by(row, index)?;
                Self::parse(&text).ok_or_else(|| corrupt(row, index, &format!("unknown {} {text:?}", stringify!($name))))
            }
        }

        impl From<$name> for Value {
            fn from(word: $name) -> Self {
                Self::String(Some(word.as_str().to_owned()))
            }
        }

        impl ValueType for $name {
            fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
                let Value::String(Some(text)) = value else { return Err(ValueTypeErr) };
                Self::parse(&text).ok_or(ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> ArrayType {
                ArrayType::String
            }

            fn column_type() -> ColumnType {
                ColumnType::Text
            }
        }

        impl Nullable for $name {
            fn null() -> Value {
                Value::String(None)
            }
        }
    )+ };
}

text_column!(ChangeKind, Resource, ImportState, ImportItemState);

/// Reads and binds a number of the log.
macro_rules! number_column {
    ($($name:ident),+) => { $(
        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                i64::try_get_by(row, index).map(Self)
            }
        }

        impl From<$name> for Value {
            fn from(number: $name) -> Self {
                number.0.into()
            }
        }
    )+ };
}

number_column!(Sequence, PublicSequence);
