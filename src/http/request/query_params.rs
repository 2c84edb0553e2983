//! Query strings, read as strictly as bodies: an unknown parameter is refused with the list of those that exist.
//!
//! A handler declares its parameters with [`super::param_rules::query_params!`] and calls [`QueryParams::parse`].

use actix_web::HttpRequest;
use utoipa::openapi::path::Parameter;

use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;

/// The parameters of an operation, or a group that several operations share.
pub(crate) trait QueryParams: Sized {
    /// Reads the parameters. Faults stay in the query until [`Query::finish`].
    fn read(query: &mut Query) -> Self;

    /// What the document says of them.
    fn describe() -> Vec<Parameter>;

    /// Reads a query string that has these parameters and no others.
    fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        let mut query = Query::from_request(request);
        let params = Self::read(&mut query);
        query.finish()?;
        Ok(params)
    }
}

/// A query string that is being read. Each accessor declares a parameter that exists.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    allowed: Vec<&'static str>,
    problem: Option<Problem>,
}

impl Query {
    pub(crate) fn from_request(request: &HttpRequest) -> Self {
        Self { pairs: pairs(request.query_string()), allowed: Vec::new(), problem: None }
    }

    /// For operations without parameters.
    pub(crate) fn require_empty(request: &HttpRequest) -> Result<(), Problem> {
        Self::from_request(request).finish()
    }

    /// The value of a parameter, as it was sent.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.allowed.push(name);
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
        let value = values.next();
        if values.next().is_some() {
            self.record_problem(name, "is repeated; separate several values by commas");
        }
        value
    }

    /// The value of a parameter, parsed; a fault when it does not parse.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
        expectation: impl FnOnce() -> String,
    ) -> Option<T> {
        let value = self.text(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.record_problem(name, &expectation());
        }
        parsed
    }

    /// Notes that a parameter is wrong; the first fault is reported.
    pub(super) fn record_problem(&mut self, name: &str, expectation: &str) {
        let problem = Problem::new(ProblemCode::InvalidParameter, format!("the parameter {name} {expectation}")).with("parameter", name);
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

/// The same query string with one parameter set to a value, for links to other pages.
pub(crate) fn with_parameter(query: &str, name: &str, value: &str) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (key, value_of_key) in form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != name) {
        out.append_pair(&key, &value_of_key);
    }
    out.append_pair(name, value).finish()
}
