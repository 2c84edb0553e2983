//! The rules of query parameters. A rule reads a value and describes it, so that a bound is written once.
//!
//! [`query_params!`] declares the parameters of an operation: the struct that is read is the struct that the document describes.

use std::marker::PhantomData;

use serde_json::Value;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr, Required};
use uuid::Uuid;

use super::query_params::{Query, QueryParams};
use crate::domain::clock::Timestamp;
use crate::domain::locale::{LOCALE_PATTERN, Locale};
use crate::domain::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::domain::slug::Slug;

const MAX_SLUGS_LENGTH: usize = 1_000;
const SLUGS_PATTERN: &str = "^[a-z0-9]+(-[a-z0-9]+)*(,[a-z0-9]+(-[a-z0-9]+)*)*$";

/// The size of a page.
pub(crate) const PAGE_LIMIT: WithDefault<Integer, i64> = Integer { min: 1, max: MAX_LIMIT }.or(DEFAULT_LIMIT);
/// A cursor as it was sent: [`crate::http::response::pagination`] checks it against its list.
pub(crate) const CURSOR: Unchecked = Unchecked { max_length: Some(1_000), pattern: None };

/// The name of a parameter, and the lines of its description.
pub(crate) struct ParamName {
    pub(crate) name: &'static str,
    pub(crate) description: &'static [&'static str],
}

impl ParamName {
    fn parameter(&self, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
        let lines: Vec<&str> = self.description.iter().map(|line| line.trim()).collect();
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(lines.join(" ")))
            .schema(Some(schema))
    }
}

/// How a parameter is read, and what the document says of it.
pub(crate) trait ParamRule {
    type Value;

    fn read(&self, query: &mut Query, name: &'static str) -> Self::Value;

    fn describe(&self, name: &ParamName) -> Vec<Parameter>;

    /// The same rule with an example in the document.
    fn example(self, example: &'static str) -> WithExample<Self>
    where
        Self: Sized,
    {
        WithExample { rule: self, example }
    }
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn one_of(names: &[&str]) -> Object {
    string().enum_values(Some(names.iter().copied())).build()
}

pub(crate) struct WithExample<R> {
    rule: R,
    example: &'static str,
}

impl<R: ParamRule> ParamRule for WithExample<R> {
    type Value = R::Value;

    fn read(&self, query: &mut Query, name: &'static str) -> R::Value {
        self.rule.read(query, name)
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        let with_example = |parameter| ParameterBuilder::from(parameter).example(Some(Value::from(self.example))).build();
        self.rule.describe(name).into_iter().map(with_example).collect()
    }
}

/// A rule with a value for when the parameter is absent.
pub(crate) struct WithDefault<R, T> {
    rule: R,
    default: T,
}

impl<T: Copy + Into<Value>, R: ParamRule<Value = Option<T>>> ParamRule for WithDefault<R, T> {
    type Value = T;

    fn read(&self, query: &mut Query, name: &'static str) -> T {
        self.rule.read(query, name).unwrap_or(self.default)
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        let mut parameters = self.rule.describe(name);
        for parameter in &mut parameters {
            if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema {
                schema.default = Some(self.default.into());
            }
        }
        parameters
    }
}

/// The parameters of a group, as one field.
pub(crate) struct Group<P>(PhantomData<P>);

impl<P> Group<P> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: QueryParams> ParamRule for Group<P> {
    type Value = P;

    fn read(&self, query: &mut Query, _: &'static str) -> P {
        P::read(query)
    }

    fn describe(&self, _: &ParamName) -> Vec<Parameter> {
        P::describe()
    }
}

/// A whole number.
pub(crate) struct Integer {
    pub(crate) min: i64,
    pub(crate) max: i64,
}

impl Integer {
    pub(crate) const fn or(self, default: i64) -> WithDefault<Self, i64> {
        WithDefault { rule: self, default }
    }
}

impl ParamRule for Integer {
    type Value = Option<i64>;

    fn read(&self, query: &mut Query, name: &'static str) -> Option<i64> {
        let Self { min, max } = *self;
        let in_range = |number: &i64| (min..=max).contains(number);
        query.parsed(name, |text| text.parse().ok().filter(in_range), || format!("must be a whole number from {min} to {max}"))
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        let integer = ObjectBuilder::new().schema_type(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
        vec![name.parameter(integer.minimum(Some(self.min)).maximum(Some(self.max))).build()]
    }
}

/// `true` or `false`.
pub(crate) struct Flag;

impl Flag {
    pub(crate) const fn or(self, default: bool) -> WithDefault<Self, bool> {
        WithDefault { rule: self, default }
    }
}

impl ParamRule for Flag {
    type Value = Option<bool>;

    fn read(&self, query: &mut Query, name: &'static str) -> Option<bool> {
        query.parsed(name, |text| text.parse().ok(), || "must be true or false".to_owned())
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        vec![name.parameter(ObjectBuilder::new().schema_type(Type::Boolean)).build()]
    }
}

/// A text that is short enough to be stored and compared.
pub(crate) struct Text {
    pub(crate) max_length: usize,
}

impl ParamRule for Text {
    type Value = Option<String>;

    fn read(&self, query: &mut Query, name: &'static str) -> Option<String> {
        let fits = |text: &str| Some(text.to_owned()).filter(|text| text.chars().count() <= self.max_length && !text.contains('\0'));
        query.parsed(name, fits, || format!("must be at most {} characters long", self.max_length))
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        vec![name.parameter(string().max_length(Some(self.max_length))).build()]
    }
}

/// A text that must be present.
pub(crate) struct RequiredText {
    pub(crate) max_length: usize,
}

impl ParamRule for RequiredText {
    type Value = String;

    fn read(&self, query: &mut Query, name: &'static str) -> String {
        let text = query.text(name);
        match &text {
            None => query.record_problem(name, "is required"),
            Some(text) if text.chars().count() > self.max_length => {
                query.record_problem(name, &format!("must be at most {} characters long", self.max_length));
            }
            Some(_) => {}
        }
        text.unwrap_or_default()
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        vec![name.parameter(string().max_length(Some(self.max_length))).required(Required::True).build()]
    }
}

/// A text that the operation checks itself; the document says what is accepted.
pub(crate) struct Unchecked {
    pub(crate) max_length: Option<usize>,
    pub(crate) pattern: Option<&'static str>,
}

impl ParamRule for Unchecked {
    type Value = Option<String>;

    fn read(&self, query: &mut Query, name: &'static str) -> Option<String> {
        query.text(name)
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        vec![name.parameter(string().max_length(self.max_length).pattern(self.pattern)).build()]
    }
}

/// An id.
pub(crate) struct Id;

impl ParamRule for Id {
    type Value = Option<Uuid>;

    fn read(&self, query: &mut Query, name: &'static str) -> Option<Uuid> {
        query.parsed(name, |text| Uuid::parse_str(text).ok(), || "must be a UUID".to_owned())
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        vec![name.parameter(string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))).build()]
    }
}

/// One of several names.
pub(crate) struct OneOf(pub(crate) &'static [&'static str]);

impl ParamRule for OneOf {
    type Value = Option<&'static str>;

    fn read(&self, query: &mut Query, name: &'static str) -> Option<&'static str> {
        let find = |text: &str| self.0.iter().copied().find(|value| *value == text);
        query.parsed(name, find, || format!("must be one of {}", self.0.join(", ")))
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        vec![name.parameter(one_of(self.0)).build()]
    }
}

/// Several different names, separated by commas.
pub(crate) struct SomeOf(pub(crate) &'static [&'static str]);

impl ParamRule for SomeOf {
    type Value = Vec<&'static str>;

    fn read(&self, query: &mut Query, name: &'static str) -> Vec<&'static str> {
        let parse = |text: &str| {
            let mut list = Vec::new();
            for part in text.split(',') {
                let value = self.0.iter().copied().find(|value| *value == part).filter(|value| !list.contains(value))?;
                list.push(value);
            }
            Some(list)
        };
        let expectation = || format!("must be a comma-separated list of different values out of {}", self.0.join(", "));
        query.parsed(name, parse, expectation).unwrap_or_default()
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        let list = ArrayBuilder::new().items(one_of(self.0)).min_items(Some(1)).unique_items(true);
        vec![name.parameter(list).style(Some(ParameterStyle::Form)).explode(Some(false)).build()]
    }
}

/// Slugs, separated by commas, sorted; each once however often it is sent.
pub(crate) struct Slugs;

impl ParamRule for Slugs {
    type Value = Vec<String>;

    fn read(&self, query: &mut Query, name: &'static str) -> Vec<String> {
        let parse = |text: &str| {
            let mut list: Vec<String> = text.split(',').map(str::to_owned).collect();
            list.sort();
            list.dedup();
            Some(list).filter(|list| text.len() <= MAX_SLUGS_LENGTH && list.iter().all(|slug| Slug::is_words(slug)))
        };
        let expectation = || format!("must be a slug, or several separated by commas, at most {MAX_SLUGS_LENGTH} characters");
        query.parsed(name, parse, expectation).unwrap_or_default()
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        vec![name.parameter(string().max_length(Some(MAX_SLUGS_LENGTH)).pattern(Some(SLUGS_PATTERN))).build()]
    }
}

/// A moment, or the beginning of a day.
pub(crate) struct Moment;

impl ParamRule for Moment {
    type Value = Option<Timestamp>;

    fn read(&self, query: &mut Query, name: &'static str) -> Option<Timestamp> {
        query.parsed(name, Timestamp::parse_day_or_moment, || {
            "must be a date such as 2026-04-18 or an RFC 3339 time such as 2026-04-18T09:00:00Z".to_owned()
        })
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        let formatted = |format| string().format(Some(SchemaFormat::KnownFormat(format)));
        let either = AnyOfBuilder::new().item(formatted(KnownFormat::DateTime)).item(formatted(KnownFormat::Date));
        vec![name.parameter(Schema::AnyOf(either.build())).build()]
    }
}

/// A language tag.
pub(crate) struct LanguageTag;

impl ParamRule for LanguageTag {
    type Value = Option<Locale>;

    fn read(&self, query: &mut Query, name: &'static str) -> Option<Locale> {
        query.parsed(name, Locale::parse, || "must be a language tag such as de or it-CH (BCP 47)".to_owned())
    }

    fn describe(&self, name: &ParamName) -> Vec<Parameter> {
        vec![name.parameter(string().pattern(Some(LOCALE_PATTERN))).build()]
    }
}

/// Declares a struct of query parameters: `name: Type = rule`, with the parameter's description as doc comment. The struct implements
/// [`QueryParams`] and `utoipa::IntoParams`.
macro_rules! query_params {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[doc = $doc:literal])* $field:ident: $type:ty = $rule:expr),* $(,)? }) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[doc = $doc])* $vis $field: $type,)*
        }

        impl $crate::http::request::query_params::QueryParams for $name {
            fn read(query: &mut $crate::http::request::query_params::Query) -> Self {
                use $crate::http::request::param_rules::ParamRule as _;
                Self { $($field: $rule.read(query, stringify!($field)),)* }
            }

            fn describe() -> Vec<utoipa::openapi::path::Parameter> {
                use $crate::http::request::param_rules::{ParamName, ParamRule as _};
                [$($rule.describe(&ParamName { name: stringify!($field), description: &[$($doc),*] }),)*].concat()
            }
        }

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                <Self as $crate::http::request::query_params::QueryParams>::describe()
            }
        }
    };
}
pub(crate) use query_params;
