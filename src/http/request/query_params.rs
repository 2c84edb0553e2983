//! Query strings, read as strictly as bodies: an unknown parameter is refused with the list of those that exist.

use actix_web::HttpRequest;

use uuid::Uuid;

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::domain::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::domain::slug::Slug;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;

const MAX_SLUGS: usize = 1_000;

/// A query string being read; each accessor names a parameter that exists.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    problem: Option<Problem>,
}

impl Query {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        Self { pairs: pairs(request.query_string()), known: Vec::new(), problem: None }
    }

    /// For operations without parameters.
    pub(crate) fn none(request: &HttpRequest) -> Result<(), Problem> {
        Self::of(request).finish()
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let mut values = self.pairs.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone());
        let value = values.next();
        if values.next().is_some() {
            self.fault(name, "is given more than once; separate several values by commas");
        }
        value
    }

    pub(crate) fn short_text(&mut self, name: &'static str, longest: usize) -> Option<String> {
        let fits = |text: &str| Some(text.to_owned()).filter(|text| text.chars().count() <= longest && !text.contains('\0'));
        self.parsed(name, fits, &format!("must be at most {longest} characters long"))
    }

    pub(crate) fn id(&mut self, name: &'static str) -> Option<Uuid> {
        self.parsed(name, |text| Uuid::parse_str(text).ok(), "must be a UUID")
    }

    /// A parameter that has to be there.
    pub(crate) fn required_text(&mut self, name: &'static str, longest: usize) -> String {
        let text = self.text(name);
        match &text {
            None => self.fault(name, "is required"),
            Some(text) if text.chars().count() > longest => self.fault(name, &format!("must be at most {longest} characters long")),
            Some(_) => {}
        }
        text.unwrap_or_default()
    }

    fn parsed<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>, expects: &str) -> Option<T> {
        let value = self.text(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.fault(name, expects);
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

    /// The number of the last change that a follower has.
    pub(crate) fn since(&mut self) -> Option<PublicSequence> {
        self.integer("since", 0, 9_007_199_254_740_991).map(PublicSequence)
    }

    pub(crate) fn one_of(&mut self, name: &'static str, allowed: &[&'static str]) -> Option<&'static str> {
        let expects = format!("must be one of {}", allowed.join(", "));
        self.parsed(name, |text| allowed.iter().copied().find(|value| *value == text), &expects)
    }

    /// Several different values of a fixed set.
    pub(crate) fn some_of(&mut self, name: &'static str, allowed: &[&'static str]) -> Vec<&'static str> {
        let expects = format!("must be a comma-separated list of different values out of {}", allowed.join(", "));
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

    /// Slugs, each counted once however often it is given.
    pub(crate) fn slugs(&mut self, name: &'static str) -> Vec<String> {
        let parse = |text: &str| {
            let mut list: Vec<String> = text.split(',').map(str::to_owned).collect();
            list.sort();
            list.dedup();
            Some(list).filter(|list| text.len() <= MAX_SLUGS && list.iter().all(|slug| Slug::is_words(slug)))
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

    fn fault(&mut self, name: &str, expects: &str) {
        let problem = Problem::new(ProblemCode::InvalidParameter, format!("the parameter {name} {expects}")).with("parameter", name);
        self.problem.get_or_insert(problem);
    }

    /// # Errors
    /// The first parameter that does not exist or has a value that is not allowed.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if let Some((name, _)) = self.pairs.iter().find(|(name, _)| !self.known.contains(&name.as_str())) {
            let known = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
            return Err(Problem::new(
                ProblemCode::UnknownParameter,
                format!("the parameter {name} is not known here; known parameters: {known}"),
            )
            .with("parameter", name.as_str())
            .with("allowed", self.known.clone()));
        }
        self.problem.map_or(Ok(()), Err)
    }
}

/// The decoded pairs of a query string or a form (the WHATWG URL standard, section 5.1).
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The same query string with one parameter set to a value, for links to other pages.
pub(crate) fn replaced(query: &str, name: &str, value: &str) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (key, old) in form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != name) {
        out.append_pair(&key, &old);
    }
    out.append_pair(name, value).finish()
}
