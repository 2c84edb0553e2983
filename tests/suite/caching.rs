//! Headers that caches live by, and encodings.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn public_answers_say_who_may_keep_them_and_under_which_names() {
    let app = TestApp::with_terms().await;
    let insight = app.admin().await.publish("Kept").await;
    for (path, tags) in [
        ("/v1/insights?category=debugging".to_owned(), "insights,category:debugging".to_owned()),
        ("/v1/insights/kept".to_owned(), format!("insight:{},category:debugging", insight.id())),
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
async fn answers_are_encoded_as_the_reader_likes() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    let path = "/v1/insights";
    let plain = app.anonymous().get(path).await;
    for (accepted, used) in [("br", "br"), ("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0, gzip", "gzip"), ("identity", ""), ("zstd", "")] {
        let answer = app.anonymous().get_with(path, &[("accept-encoding", accepted)]).await.expect(200);
        assert_eq!(answer.header("content-encoding"), used, "{accepted}");
        assert_eq!(answer.header("vary"), "Accept-Encoding");
        let unpacked = match used {
            "br" => unpack(brotli::Decompressor::new(&answer.bytes[..], 4096)),
            "gzip" => unpack(flate2::read::GzDecoder::new(&answer.bytes[..])),
            _ => answer.bytes.clone(),
        };
        assert_eq!(unpacked, plain.bytes, "{accepted}");
        assert_eq!(answer.etag() == plain.etag(), used.is_empty(), "one strong validator for two encodings");
        for held in [answer.etag(), plain.etag()] {
            app.anonymous().get_with(path, &[("accept-encoding", accepted), ("if-none-match", &held)]).await.expect(304);
        }
    }
}

fn unpack(mut reader: impl std::io::Read) -> Vec<u8> {
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    out
}
