//! No response reveals an invisible insight. Every GET of the document is requested with every parameter before and after invisible
//! insights of every kind are created: each response must be the same to the byte, headers included, and contain none of their words.

use insights::http::routes::document;
use regex::Regex;
use serde_json::{Value, json};

use crate::openapi::operations;
use crate::support::{Client, TestApp};

const SECRET: &str = "zqxsecret";
/// Words that only invisible insights have: complete, as a prefix, misspelt, as a phrase; and words that they share with visible ones.
const SEARCHES: [&str; 14] = [
    "public",
    "two",
    "publ",
    "pubilc",
    "body",
    "zqxsecret",
    "zqxsecr",
    "zqxsecrte",
    "zq",
    "\"zqxsecret draft\"",
    "one -zqxsecret",
    "translated",
    "excerpt",
    "tow zqxsecret",
];

/// Every GET of the document with every value of every parameter, alone.
fn read_requests(public_slug: &str, public_id: &str) -> Vec<String> {
    let mut list = Vec::new();
    for (method, path, operation) in operations(&document()) {
        if method != "GET"
            || path.starts_with("/v1/users")
            || path.starts_with("/v1/tokens")
            || path == "/v1/auth/me"
            || needs_token(&operation)
        {
            continue;
        }
        let slug = if path.contains("insights") { public_slug } else { "debugging" };
        let kind_slug = if path.contains("/tags/") {
            "rust"
        } else if path.contains("/authors/") {
            "ada"
        } else {
            slug
        };
        let path =
            path.replace("{id_or_slug}", slug).replace("{slug}", kind_slug).replace("{code}", "internal").replace("{asset}", "init.js");
        list.push(path.clone());
        list.push(path.replace(public_slug, public_id));
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let path =
            if parameters.iter().any(|parameter| parameter["name"] == "q") { format!("{path}?q=public&") } else { format!("{path}?") };
        for parameter in parameters {
            if parameter["in"] == "query" {
                let path = if parameter["name"] == "q" { path.replace("q=public&", "") } else { path.clone() };
                list.extend(
                    parameter_values(&parameter).iter().map(|value| format!("{path}{}={value}", parameter["name"].as_str().unwrap())),
                );
            }
        }
    }
    for suffix in [".md", ".html", ".txt", ".json"] {
        list.push(format!("/v1/insights/{public_slug}{suffix}"));
    }
    for combination in
        ["sort=title&count=exact&limit=2", "category=debugging&count=exact&include=body", "tag=rust&count=exact", "author=ada&count=exact"]
    {
        list.push(format!("/v1/insights?{combination}"));
    }
    list
}

/// Operations that anonymous readers cannot use.
fn needs_token(operation: &Value) -> bool {
    operation["security"].as_array().unwrap().iter().all(|entry| !entry.as_object().unwrap().is_empty())
}

fn parameter_values(parameter: &Value) -> Vec<String> {
    let enumerated = |schema: &Value| schema["enum"].as_array().cloned();
    let schema = &parameter["schema"];
    if let Some(values) = enumerated(schema).or_else(|| enumerated(&schema["items"])) {
        return values.iter().map(|value| value.as_str().unwrap().to_owned()).collect();
    }
    match parameter["name"].as_str().unwrap() {
        "limit" => vec!["1".to_owned(), "100".to_owned()],
        "category" => vec!["debugging".to_owned(), "infrastructure".to_owned(), "debugging,infrastructure".to_owned()],
        "tag" => vec!["rust".to_owned(), "rust,sql".to_owned()],
        "author" => vec!["ada".to_owned(), "ada,grace".to_owned()],
        "published_after" | "published_before" => vec!["2020-01-01T00:00:00Z".to_owned(), "2030-01-01T00:00:00Z".to_owned()],
        "min_minutes" | "max_minutes" => vec!["1".to_owned(), "90".to_owned()],
        "locale" => vec!["en".to_owned(), "de".to_owned(), "it-CH".to_owned()],
        "cursor" => vec!["x".to_owned()],
        "since" => vec!["0".to_owned(), "3".to_owned(), "100000".to_owned()],
        "preview" => vec!["x".to_owned(), format!("insp_{}", "0".repeat(56))],
        "explain" | "resolve" => vec!["true".to_owned(), "false".to_owned()],
        "q" => SEARCHES.map(|query| query.replace(' ', "%20").replace('"', "%22")).to_vec(),
        other => panic!("add values for the parameter {other}"),
    }
}

/// Everything that a reader can see of the responses, except the id of the request.
async fn responses(client: &Client, requests: &[String]) -> Vec<String> {
    let mut list = Vec::new();
    let took = Regex::new("\"took_ms\":[0-9]+").unwrap();
    for request in requests {
        let response = client.get(request).await;
        // The duration of a search reveals nothing, and its digits change the length.
        let timed = response.text().contains("\"took_ms\"");
        let mut text = took.replace(&response.text(), "").into_owned();
        if response.status >= 400 {
            let mut problem = response.json();
            problem["request_id"] = json!(null);
            text = problem.to_string();
        }
        let mut headers: Vec<String> = response
            .headers
            .iter()
            .filter(|(name, _)| !(matches!(name.as_str(), "date" | "x-request-id") || timed && *name == "content-length"))
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        list.push(format!("{request}\n{}\n{}\n{text}", response.status, headers.join("\n")));
    }
    list
}

fn secret_draft(which: &str, translated: bool) -> Value {
    let text = json!({ "title": format!("{SECRET} {which} translated"), "body_markdown": format!("{SECRET} {which}") });
    json!({
        "slug": format!("{SECRET}-{which}"), "title": format!("{SECRET} {which}"), "excerpt": format!("{SECRET} excerpt"),
        "body_markdown": format!("## {SECRET}\n\nbody"), "category": "debugging", "tags": ["rust", "sql"], "authors": ["ada", "grace"],
        "canonical_url": format!("https://example.org/{SECRET}"), "seo": { "title": SECRET }, "extra": { "note": SECRET },
        "translations": if translated { json!({ "de": text, "it": text }) } else { json!({}) }, "reading_minutes": 90,
    })
}

/// Invisible insights of every kind, and a draft revision of the public one.
async fn create_invisible(app: &TestApp, public: &str) -> Vec<String> {
    let admin = app.admin().await;
    let mut ids = Vec::new();
    for (which, publication) in [
        ("draft", None),
        ("scheduled", Some(json!({ "publish_at": "2027-01-01T00:00:00Z" }))),
        ("expired", Some(json!({ "publish_at": "2019-01-01T00:00:00Z", "unpublish_at": "2019-06-01T00:00:00Z" }))),
        ("deleted", Some(json!({ "publish_at": "2027-02-01T00:00:00Z" }))),
        ("trashed-draft", None),
    ] {
        let created = admin.post("/v1/insights", secret_draft(which, true)).await.expect(201);
        let path = format!("/v1/insights/{}", created.id());
        if let Some(publication) = publication {
            admin.act(&format!("{path}/publish"), "*", publication).await.expect(200);
        }
        if which.contains("deleted") || which.contains("trashed") {
            admin.delete(&path, "*").await.expect(204);
        }
        ids.push(created.id());
    }
    admin.patch(&format!("/v1/insights/{public}"), "*", secret_draft("revision", true)).await.expect(200);
    // Neither may a preview, a dry run or a restored revision.
    admin.post(&format!("/v1/insights/{public}/preview-tokens"), json!({})).await.expect(201);
    admin.post("/v1/insights?validate_only=true", secret_draft("dry-run", true)).await.expect(200);
    admin.act(&format!("/v1/insights/{public}/revisions/1/restore"), "*", json!({})).await.expect(200);
    ids
}

#[tokio::test]
async fn no_response_reveals_an_invisible_insight() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.publish("Public one").await;
    let second = admin
        .post(
            "/v1/insights",
            json!({ "title": "Public two", "body_markdown": "B", "category": "debugging", "tags": ["rust"], "authors": ["ada"] }),
        )
        .await
        .expect(201);
    admin.act(&format!("/v1/insights/{}/publish", second.id()), "*", json!({})).await.expect(200);
    app.advance(60_000);
    let requests = read_requests(&second.slug(), &second.id());
    assert!(requests.len() > 100, "only {} requests", requests.len());
    let before = responses(&app.anonymous(), &requests).await;
    let ids = create_invisible(&app, &second.id()).await;
    let after = responses(&app.anonymous(), &requests).await;
    for (before, after) in before.iter().zip(&after) {
        let (request, response) = after.split_once('\n').unwrap();
        // The metrics count requests; they must not contain words of invisible insights.
        if request != "/metrics" {
            assert_eq!(before, after, "a response changed");
        }
        assert!(request.contains(SECRET) || !response.contains(SECRET), "{after}");
    }
    let unknown = app.anonymous().get("/v1/insights/there-is-none").await.problem(404, "not-found");
    let mut hidden: Vec<String> = ids;
    hidden.extend(["draft", "scheduled", "expired", "deleted", "trashed-draft", "revision"].map(|which| format!("{SECRET}-{which}")));
    for name in hidden {
        for suffix in ["", ".md", "?locale=de"] {
            let problem = app.anonymous().get(&format!("/v1/insights/{name}{suffix}")).await.problem(404, "not-found");
            assert_eq!(problem["detail"], unknown["detail"]);
        }
    }
}

/// A token without write scope reads the public content, and no response to a token may be cached.
#[tokio::test]
async fn tokens_without_write_scope_read_the_public_content() {
    use insights::domain::authority::Scope;
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let public = admin.publish("Public").await;
    create_invisible(&app, &public.id()).await;
    let other = app.with_token(&app.machine_token(&[Scope::WebhooksManage]).await);
    for path in ["/v1/insights?count=exact".to_owned(), format!("/v1/insights/{}", public.id()), "/v1/categories".to_owned()] {
        let (with_token, anonymous) = (other.get(&path).await.expect(200), app.anonymous().get(&path).await.expect(200));
        assert_eq!(with_token.text(), anonymous.text());
        assert_eq!(with_token.etag(), anonymous.etag());
        assert_eq!(with_token.header("cache-control"), "private, no-store");
        assert!(with_token.header("cache-tag").is_empty());
    }
    other.get("/v1/insights?status=draft").await.problem(403, "insufficient-scope");
    app.anonymous().get("/v1/insights?status=draft").await.problem(401, "unauthenticated");
}
