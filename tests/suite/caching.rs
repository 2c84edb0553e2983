//! Caching headers, conditional requests and content encodings.

use serde_json::json;

use crate::support::app::draft;
use crate::support::{Answer, Client, TestApp};

#[tokio::test]
async fn public_responses_have_cache_control_and_cache_tags() {
    let app = TestApp::with_terms().await;
    let insight = app.admin().await.publish("Kept").await;
    for (path, tags) in [
        ("/v1/insights?category=debugging".to_owned(), "insights,category:debugging".to_owned()),
        ("/v1/insights/kept".to_owned(), format!("insight:{},category:debugging", insight.id())),
        ("/v1/insights/kept?include=related".to_owned(), format!("insight:{},category:debugging,insights", insight.id())),
        ("/v1/categories".to_owned(), "categories,insights".to_owned()),
        ("/v1/site".to_owned(), "site,insights".to_owned()),
    ] {
        let answer = app.anonymous().get(&path).await.expect(200);
        assert_eq!(answer.header("cache-tag"), tags);
        assert_eq!(answer.header("surrogate-key"), tags.replace(',', " "));
        assert!(answer.header("cache-control").starts_with("public, max-age=60, s-maxage=300, stale-while-revalidate=3600"));
        assert!(!answer.header("content-sequence").is_empty() && !answer.header("last-modified").is_empty());
    }
    let private = app.admin().await.get("/v1/insights/kept").await;
    assert_eq!((private.header("cache-control").as_str(), private.header("cache-tag").as_str()), ("private, no-store", ""));
    assert_eq!(app.anonymous().get("/v1/insights/none").await.header("cache-control"), "private, no-store");
}

#[tokio::test]
async fn a_list_has_a_new_validator_when_and_only_when_something_public_changed() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let live = admin.publish("Listed").await;
    let path = format!("/v1/insights/{}", live.id());
    let first = app.anonymous().get("/v1/insights").await;
    app.advance(5_000);
    admin.create("Nobody knows").await;
    admin.patch(&path, "*", json!({ "title": "Listed, revised" })).await.expect(200);
    let same = app.anonymous().get_with("/v1/insights", &[("if-none-match", &first.etag())]).await.expect(304);
    assert_eq!(same.header("last-modified"), first.header("last-modified"));
    admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
    let second = app.anonymous().get_with("/v1/insights", &[("if-none-match", &first.etag())]).await.expect(200);
    assert_ne!(second.etag(), first.etag());
    assert_eq!(second.titles(), ["Listed, revised"]);
    assert!(second.header("content-sequence").parse::<i64>().unwrap() > first.header("content-sequence").parse().unwrap());
    assert_eq!(second.json()["meta"]["sequence"].to_string(), second.header("content-sequence"));
}

#[tokio::test]
async fn responses_have_the_preferred_encoding() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    let path = "/v1/insights";
    let plain = app.anonymous().get(path).await;
    for (accepted, used) in [
        ("br", "br"),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.1, gzip", "gzip"),
        ("identity", ""),
        ("zstd", ""),
    ] {
        let answer = app.anonymous().get_with(path, &[("accept-encoding", accepted)]).await.expect(200);
        assert_eq!(answer.header("content-encoding"), used, "{accepted}");
        assert_eq!(answer.header("vary"), "Accept-Encoding, Authorization");
        let unpacked = match used {
            "br" => unpack(brotli::Decompressor::new(&answer.bytes[..], 4096)),
            "gzip" => unpack(flate2::read::GzDecoder::new(&answer.bytes[..])),
            _ => answer.bytes.clone(),
        };
        assert_eq!(unpacked, plain.bytes, "{accepted}");
        assert_eq!(answer.etag() == plain.etag(), used.is_empty(), "two encodings share a strong validator");
        for etag in [answer.etag(), plain.etag()] {
            app.anonymous().get_with(path, &[("accept-encoding", accepted), ("if-none-match", &etag)]).await.expect(304);
        }
    }
}

#[tokio::test]
async fn a_second_change_within_a_second_is_not_hidden_by_if_modified_since() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let live = admin.publish("Once").await;
    let path = format!("/v1/insights/{}", live.id());
    app.advance(10);
    let dates = [app.anonymous().get(&path).await, app.anonymous().get("/v1/insights").await].map(|answer| answer.header("last-modified"));
    for (path, date) in [(path.as_str(), &dates[0]), ("/v1/insights", &dates[1])] {
        app.anonymous().get_with(path, &[("if-modified-since", date)]).await.expect(304);
    }
    app.advance(20);
    admin.patch(&path, "*", json!({ "title": "Twice" })).await.expect(200);
    admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
    for wait in [0, 5_000] {
        app.advance(wait);
        for (path, date) in [(path.as_str(), &dates[0]), ("/v1/insights", &dates[1])] {
            let answer = app.anonymous().get_with(path, &[("if-modified-since", date)]).await.expect(200);
            assert!(answer.text().contains("Twice"));
            app.anonymous().get_with(path, &[("if-unmodified-since", date)]).await.problem(412, "stale-revision");
        }
    }
}

/// Dates have whole seconds, so a service remembers when it first dated a response with the current second. That memory belongs to one
/// service: another one in the same process, with a clock of its own, must not overwrite it.
#[tokio::test]
async fn a_second_service_in_the_process_hides_no_change_of_the_first() {
    let [first, second] = [TestApp::with_terms().await, TestApp::with_terms().await];
    let admin = first.admin().await;
    let path = format!("/v1/insights/{}", admin.publish("Once").await.id());
    first.advance(10);
    let date = first.anonymous().get(&path).await.expect(200).header("last-modified");
    second.advance(5_000);
    let later = second.admin().await.publish("Later").await;
    second.anonymous().get(&format!("/v1/insights/{}", later.id())).await.expect(200);
    first.advance(20);
    admin.patch(&path, "*", json!({ "title": "Twice" })).await.expect(200);
    admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
    let response = first.anonymous().get_with(&path, &[("if-modified-since", &date)]).await.expect(200);
    assert!(response.text().contains("Twice"));
}

#[tokio::test]
async fn responses_to_editors_are_dated_by_the_last_change_of_a_draft() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let draft = admin.create("Unseen").await;
    let path = format!("/v1/insights/{}", draft.id());
    let preview = admin.post(&format!("{path}/preview-tokens"), json!({})).await.expect(201).json();
    let preview = format!("{path}?preview={}", preview["token"].as_str().unwrap());
    app.advance(5_000);
    let paths = ["/v1/insights?status=draft", "/v1/insights?status=any", path.as_str(), preview.as_str()];
    let mut dates = Vec::new();
    for path in paths {
        let date = admin.get(path).await.expect(200).header("last-modified");
        admin.get_with(path, &[("if-modified-since", &date)]).await.expect(304);
        dates.push(date);
    }
    app.advance(5_000);
    admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": "2030-01-01T00:00:00Z" })).await.expect(200);
    admin.create("Another").await;
    for (path, date) in paths.iter().zip(dates) {
        admin.get_with(path, &[("if-modified-since", &date)]).await.expect(200);
    }
}

#[tokio::test]
async fn if_match_on_a_read_returns_that_state_or_412() {
    let app = TestApp::with_terms().await;
    app.admin().await.publish("Kept").await;
    for path in ["/v1/insights/kept", "/v1/insights"] {
        let etag = app.anonymous().get(path).await.etag();
        for (wanted, status) in [(etag.as_str(), 200), ("*", 200), (&format!("\"other\", {etag}"), 200), ("\"other\"", 412)] {
            app.anonymous().get_with(path, &[("if-match", wanted)]).await.expect(status);
        }
        let refused = app.anonymous().get_with(path, &[("if-match", "\"other\"")]).await.problem(412, "stale-revision");
        assert_eq!(refused["current_etag"], etag);
        app.anonymous().get_with(path, &[("if-unmodified-since", "Thu, 01 Jan 2026 00:00:00 GMT")]).await.expect(412);
        app.anonymous().get_with(path, &[("if-unmodified-since", "Thu, 01 Jan 2099 00:00:00 GMT")]).await.expect(200);
    }
}

#[tokio::test]
async fn repeated_header_lines_are_combined() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    let path = "/v1/insights/expression-index-ignored";
    for _ in 0..2 {
        let markdown = app.anonymous().get_with(path, &[("accept", "image/png"), ("accept", "text/markdown")]).await.expect(200);
        assert_eq!(markdown.header("content-type"), "text/markdown; charset=utf-8");
        let packed = app.anonymous().get_with(path, &[("accept-encoding", "deflate"), ("accept-encoding", "gzip")]).await.expect(200);
        assert_eq!(packed.header("content-encoding"), "gzip");
    }
}

fn unpack(mut reader: impl std::io::Read) -> Vec<u8> {
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    out
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

/// Asks until the service has compressed the body, and returns that answer.
async fn compressed(client: &Client, path: &str) -> Answer {
    for _ in 0..300 {
        let answer = client.get_with(path, &[("accept-encoding", "gzip")]).await.expect(200);
        if answer.header("content-encoding") == "gzip" {
            return answer;
        }
        assert_eq!(answer.header("content-encoding"), "", "{path}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{path} is never compressed");
}

/// What is sent more than once is compressed once, beside the requests: until then it is sent as it is.
#[tokio::test]
async fn long_bodies_are_compressed_in_the_background() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut input = draft("Long");
    input["body_markdown"] = json!("A long text. ".repeat(10_000));
    let created = admin.post("/v1/insights", input).await.expect(201);
    admin.act(&format!("/v1/insights/{}/publish", created.id()), &created.etag(), json!({})).await.expect(200);
    for path in ["/docs/scalar.js", "/openapi.json", "/openapi.yaml", "/v1/insights/long"] {
        let plain = app.anonymous().get(path).await.expect(200);
        assert!(plain.bytes.len() > 65_536, "{path}");
        let first = app.anonymous().get_with(path, &[("accept-encoding", "gzip")]).await.expect(200);
        assert_eq!((first.header("content-encoding"), first.etag()), (String::new(), plain.etag()), "{path}");
        let packed = compressed(&app.anonymous(), path).await;
        assert!(gunzip(&packed.bytes) == plain.bytes, "{path}");
        assert_eq!(packed.etag(), plain.etag().trim_end_matches('"').to_owned() + "-gzip\"", "{path}");
        assert_eq!(compressed(&app.anonymous(), path).await.bytes, packed.bytes, "{path}");
        for etag in [plain.etag(), packed.etag()] {
            let known = [("accept-encoding", "gzip"), ("if-none-match", &etag)];
            app.anonymous().get_with(path, &known).await.expect(304);
        }
        app.anonymous().get_with(path, &[("if-match", "\"other\"")]).await.expect(412);
    }
    // An editor's answer is sent once: compressing it would serve one request.
    for _ in 0..3 {
        let own = admin.get_with("/v1/insights/long", &[("accept-encoding", "gzip")]).await.expect(200);
        assert_eq!(own.header("content-encoding"), "");
    }
}
