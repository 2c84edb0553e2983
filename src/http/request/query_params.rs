//! Query strings. Each accessor of [`Query`] reads one parameter; [`Query::finish`] refuses parameters that no accessor has read.
//!
//! Invariant: a handler calls `finish` before it uses a value, so that a typing error is a 400.

use actix_web::HttpRequest;
use uuid::Uuid;

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::domain::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::domain::slug::Slug;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;

/// The maximum length of a list of slugs, in bytes.
const MAX_SLUGS_LENGTH: usize = 1_000;

/// A query string whose parameters are being read.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    /// The parameters that accessors have read.
    allowed: Vec<&'static str>,
    /// The first invalid value.
    problem: Option<Problem>,
}

impl Query {
    pub(crate) fn from_request(request: &HttpRequest) -> Self {
        Self { pairs: pairs(request.query_string()), allowed: Vec::new(), problem: None }
    }

    /// Refuses any parameter.
    pub(crate) fn require_empty(request: &HttpRequest) -> Result<(), Problem> {
        Self::from_request(request).finish()
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.allowed.push(name);
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
        let value = values.next();
        if values.next().is_some() {
            self.record_problem(name, "is repeated; separate several values by commas");
        }
        value
    }

    pub(crate) fn short_text(&mut self, name: &'static str, max_length: usize) -> Option<String> {
        let fits = |text: &str| Some(text.to_owned()).filter(|text| text.chars().count() <= max_length && !text.contains('\0'));
        self.parsed(name, fits, &format!("must be at most {max_length} characters long"))
    }

    pub(crate) fn id(&mut self, name: &'static str) -> Option<Uuid> {
        self.parsed(name, |text| Uuid::parse_str(text).ok(), "must be a UUID")
    }

    /// A required parameter.
    pub(crate) fn required_text(&mut self, name: &'static str, max_length: usize) -> String {
        let text = self.text(name);
        match &text {
            None => self.record_problem(name, "is required"),
            Some(text) if text.chars().count() > max_length => {
                self.record_problem(name, &format!("must be at most {max_length} characters long"));
            }
            Some(_) => {}
        }
        text.unwrap_or_default()
    }

    fn parsed<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>, expects: &str) -> Option<T> {
        let value = self.text(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.record_problem(name, expects);
        }
        parsed
    }

    pub(crate) fn integer(&mut self, name: &'static str, min: i64, max: i64) -> Option<i64> {
        let expects = format!("must be a whole number from {min} to {max}");
        self.parsed(name, |text| text.parse().ok().filter(|n| (min..=max).contains(n)), &expects)
    }

    pub(crate) fn limit(&mut self) -> i64 {
        self.integer("limit", 1, MAX_LIMIT).unwrap_or(DEFAULT_LIMIT)
    }

    /// The sequence of the last change that a follower has applied.
    pub(crate) fn since(&mut self) -> Option<PublicSequence> {
        self.integer("since", 0, 9_007_199_254_740_991).map(PublicSequence)
    }

    pub(crate) fn one_of(&mut self, name: &'static str, allowed: &[&'static str]) -> Option<&'static str> {
        let expects = format!("must be one of {}", allowed.join(", "));
        self.parsed(name, |text| allowed.iter().copied().find(|value| *value == text), &expects)
    }

    /// Several distinct values of a fixed set.
    pub(crate) fn some_of(&mut self, name: &'static str, allowed: &[&'static str]) -> Vec<&'static str> {
        let expects = format!("must be a comma-separated list of distinct values out of {}", allowed.join(", "));
        let parse = |text: &str| {
            let mut list = Vec::new();
            for part in text.split(',') {
                let value = allowed.iter().copied().find(|value| *value == part).filter(|value| !list.contains(value))?;
                list.push(value);
            }
            Some(list)
        };
        self.parsed(name, parse, &expects).unwrap_or_default()
    }

    /// Slugs, sorted and without duplicates.
    pub(crate) fn slugs(&mut self, name: &'static str) -> Vec<String> {
        let parse = |text: &str| {
            let mut list: Vec<String> = text.split(',').map(str::to_owned).collect();
            list.sort();
            list.dedup();
            Some(list).filter(|list| text.len() <= MAX_SLUGS_LENGTH && list.iter().all(|slug| Slug::is_words(slug)))
        };
        self.parsed(name, parse, "must be a slug, or several separated by commas, at most 1000 characters").unwrap_or_default()
    }

    pub(crate) fn moment(&mut self, name: &'static str) -> Option<Timestamp> {
        self.parsed(
            name,
            Timestamp::parse_day_or_moment,
            "must be a date such as 2026-04-18 or an RFC 3339 time such as 2026-04-18T09:00:00Z",
        )
    }

    pub(crate) fn locale(&mut self) -> Option<Locale> {
        self.parsed("locale", Locale::parse, "must be a language tag such as de or it-CH (BCP 47)")
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        self.parsed(name, |text| text.parse().ok(), "must be true or false").unwrap_or(false)
    }

    fn record_problem(&mut self, name: &str, expects: &str) {
        let problem = Problem::new(ProblemCode::InvalidParameter, format!("the parameter {name} {expects}")).with("parameter", name);
        self.problem.get_or_insert(problem);
    }

    /// The problem of the first parameter that does not exist or has an invalid value, if there is one.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if let Some((name, _)) = self.pairs.iter().find(|(name, _)| !self.allowed.contains(&name.as_str())) {
            let allowed = if self.allowed.is_empty() { "none".to_owned() } else { self.allowed.join(", ") };
            return Err(Problem::new(
                ProblemCode::UnknownParameter,
                format!("this operation has no parameter {name}; its parameters: {allowed}"),
            )
            .with("parameter", name.as_str())
            .with("allowed", self.allowed.clone()));
        }
        self.problem.map_or(Ok(()), Err)
    }
}

/// The decoded pairs of a query string or a form (the WHATWG URL standard, section 5.1).
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The query string with one parameter set to a value, for links to other pages.
pub(crate) fn with_parameter(query: &str, name: &str, value: &str) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (key, value_of_key) in form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != name) {
        out.append_pair(&key, &value_of_key);
    }
    out.append_pair(name, value).finish()
}
