//! A client whose answers print themselves when they are not what a test expects.

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::app::draft;

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    what: String,
}

impl Client {
    pub(crate) fn new(http: reqwest::Client, url: String, token: Option<String>) -> Self {
        Self { http, url, token }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, None, headers).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(("application/json", body.to_string())), &[]).await
    }

    /// A POST with `If-Match`.
    pub(crate) async fn act(&self, path: &str, etag: &str, body: Value) -> Answer {
        self.send("POST", path, Some(("application/json", body.to_string())), &[("if-match", etag)]).await
    }

    pub(crate) async fn put(&self, path: &str, etag: &str, body: Value) -> Answer {
        self.send("PUT", path, Some(("application/json", body.to_string())), &[("if-match", etag)]).await
    }

    pub(crate) async fn patch(&self, path: &str, etag: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(("application/merge-patch+json", body.to_string())), &[("if-match", etag)]).await
    }

    pub(crate) async fn delete(&self, path: &str, etag: &str) -> Answer {
        self.send("DELETE", path, None, &[("if-match", etag)]).await
    }

    pub(crate) async fn create(&self, title: &str) -> Answer {
        self.post("/v1/insights", draft(title)).await.expect(201)
    }

    /// Creates and publishes an insight; returns the response of the publication.
    pub(crate) async fn publish(&self, title: &str) -> Answer {
        let created = self.create(title).await;
        self.act(&format!("/v1/insights/{}/publish", created.id()), &created.etag(), json!({})).await.expect(200)
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<(&str, String)>, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        if let Some((content_type, body)) = body {
            request = request.header("content-type", content_type).body(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec(), what: format!("{method} {path}") }
    }
}

impl Answer {
    /// An answer that was not received by the client.
    pub(crate) fn of(status: u16, bytes: Vec<u8>) -> Self {
        Self { status, headers: HeaderMap::new(), bytes, what: "a raw request".to_owned() }
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        self
    }

    /// A problem with this status and code.
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.what);
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        problem
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{}: {error}: {}", self.what, self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    pub(crate) fn etag(&self) -> String {
        let etag = self.header("etag");
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{} has no strong ETag: {etag:?}", self.what);
        etag
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn slug(&self) -> String {
        self.json()["slug"].as_str().unwrap().to_owned()
    }

    /// The values at a key of each item of a list.
    pub(crate) fn each(&self, key: &str) -> Vec<Value> {
        self.json()["data"].as_array().unwrap().iter().map(|item| item[key].clone()).collect()
    }

    pub(crate) fn titles(&self) -> Vec<String> {
        self.each("title").iter().map(|title| title.as_str().unwrap().to_owned()).collect()
    }
}

/// The pointers of a validation problem.
pub(crate) fn pointers(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}
