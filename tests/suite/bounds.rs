//! What a request can make the service send: an answer is at most ten times as long as its request, and 64 kB.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::support::{Answer, TestApp};

const BODY: usize = 4 * 1_024 * 1_024;

/// An object of about `bytes` bytes with as many members as possible.
fn many_members(bytes: usize, value: &str) -> String {
    let mut text = String::with_capacity(bytes + 64);
    text.push('{');
    for n in 0.. {
        write!(text, "\"{n}\":{value}").unwrap();
        if text.len() > bytes {
            break;
        }
        text.push(',');
    }
    text.push('}');
    text
}

fn members(count: usize) -> Value {
    (0..count).map(|n| (n.to_string(), json!(1))).collect::<Map<_, _>>().into()
}

fn assert_bounded(answer: &Answer, request: usize) {
    let bound = 10 * request + 65_536;
    assert!(answer.bytes.len() <= bound, "{} bytes for a request of {request}", answer.bytes.len());
}

fn codes(problem: &Value) -> Vec<String> {
    problem["errors"].as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap().to_owned()).collect()
}

async fn app_for_large_bodies() -> TestApp {
    TestApp::start_with(|settings| {
        settings.max_body_bytes = BODY + 1_024;
        settings.body_timeout = 30;
    })
    .await
}

#[tokio::test]
async fn an_object_of_too_many_members_is_refused_with_one_fault() {
    let app = app_for_large_bodies().await;
    let admin = app.admin().await;
    let large = many_members(BODY - 64, "1");
    let translations = format!("{{\"translations\":{}}}", many_members(BODY - 64, "1"));
    let seo = format!("{{\"seo\":{}}}", many_members(BODY - 64, "{}"));
    for (method, path, body, pointer) in [
        ("POST", "/v1/insights", &large, ""),
        ("POST", "/v1/insights", &translations, "/translations"),
        ("POST", "/v1/insights", &seo, "/seo"),
        ("POST", "/v1/tags", &translations, "/translations"),
        ("PUT", "/v1/site", &large, ""),
        ("POST", "/v1/users", &large, ""),
        ("POST", "/v1/tokens", &large, ""),
    ] {
        let answer = admin.send(method, path, Some(("application/json", body.clone())), &[("if-match", "*")]).await;
        assert!(answer.bytes.len() < 65_536, "{path}: {} bytes", answer.bytes.len());
        let problem = answer.problem(422, "validation-failed");
        let errors = problem["errors"].as_array().unwrap();
        let refused: Vec<&Value> = errors.iter().filter(|fault| fault["code"] == "too-many-members").collect();
        assert!(refused.len() == 1 && refused[0]["pointer"] == pointer, "{path}: {problem}");
    }
    // A merge patch is one too, and locales that are valid are no way around.
    let created = admin.post("/v1/categories", json!({ "name": "One" })).await.expect(201);
    let path = format!("/v1/categories/{}", created.slug());
    let locales: Map<String, Value> =
        (0..20_000).map(|n| (format!("de-x-{:04}-{:04}", n / 10_000, n % 10_000), json!({ "name": "N" }))).collect();
    let changes = json!({ "translations": locales });
    let problem = admin.patch(&path, &created.etag(), changes).await.problem(422, "validation-failed");
    assert_eq!(codes(&problem), ["too-many-members"]);
}

#[tokio::test]
async fn faults_are_listed_up_to_a_bound() {
    let app = app_for_large_bodies().await;
    let admin = app.admin().await;
    let mut input = members(900);
    input["title"] = json!("T");
    let problem = admin.post("/v1/insights", input.clone()).await.problem(422, "validation-failed");
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 101, "{problem}");
    assert_eq!(errors[100], json!({ "pointer": "", "code": "more-faults", "detail": "and 802 more" }));
    assert_eq!(problem.to_string().matches("known fields:").count(), 1);
    // Without a token, as JSON and as a form.
    let form = (0..900).map(|n| format!("{n}=1")).collect::<Vec<_>>().join("&");
    for path in ["/v1/auth/token", "/v1/auth/revoke"] {
        for (media_type, body) in [("application/json", members(900).to_string()), ("application/x-www-form-urlencoded", form.clone())] {
            let answer = app.anonymous().send("POST", path, Some((media_type, body.clone())), &[]).await;
            assert_bounded(&answer, body.len());
            let problem = answer.problem(422, "validation-failed");
            assert_eq!(codes(&problem).len(), 101, "{path}: {problem}");
            assert_eq!(codes(&problem)[100], "more-faults");
        }
    }
}

#[tokio::test]
async fn the_items_of_an_import_are_not_much_longer_than_its_lines() {
    let app = app_for_large_bodies().await;
    let admin = app.admin().await;
    let large = many_members(BODY - 64, "1");
    let translations = format!("{{\"translations\":{}}}", many_members(BODY - 64, "{}"));
    let terms = format!("{{\"terms\":{{\"tags\":[{}]}}}}", vec!["{}"; 100_000].join(","));
    let lines = [large, translations, terms, members(900).to_string()].join("\n");
    let sent = admin.send("POST", "/v1/imports", Some(("application/x-ndjson", lines.clone())), &[]).await.expect(202);
    let path = format!("/v1/imports/{}", sent.id());
    for _ in 0..600 {
        if admin.get(&path).await.json()["state"] == "done" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let items = admin.get(&format!("{path}/items")).await.expect(200);
    assert!(items.bytes.len() < 65_536, "{} bytes for {}", items.bytes.len(), lines.len());
    let problems: Vec<Value> = items.each("problem");
    let codes: Vec<Vec<String>> = problems.iter().map(codes).collect();
    assert_eq!(codes[0], ["too-many-members"]);
    assert!(codes[1].contains(&"too-many-members".to_owned()), "{codes:?}");
    assert!(codes[2].contains(&"too-many".to_owned()), "{codes:?}");
    assert_eq!((codes[3].len(), codes[3][100].as_str()), (101, "more-faults"));
}
