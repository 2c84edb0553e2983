//! An export that is imported and exported again has the same bytes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::{create_every_kind, finished, run, send};
use crate::cli::{insights, said};
use crate::support::{TestApp, database};

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

async fn round_trip(app: &TestApp, url: &str, insights: usize) {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let [one, two] = [first.to_str().unwrap(), second.to_str().unwrap()];
    run(folder.path(), url, &["export", one]);
    let written = files(&first);
    let data = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let other = database::fresh(&data).await;
    let output = run(data.path(), &other, &["import", one]);
    assert!(output.contains(" 0 updated, 0 unchanged, 0 failed"), "{output}");
    run(data.path(), &other, &["export", two]);
    let again = files(&second);
    assert_eq!(written.keys().collect::<Vec<_>>(), again.keys().collect::<Vec<_>>());
    for (path, bytes) in &written {
        assert!(bytes == &again[path], "{path}:\n{}\nis not\n{}", String::from_utf8_lossy(bytes), String::from_utf8_lossy(&again[path]));
    }
    // Importing an own export changes nothing in either database.
    for (data, url) in [(folder.path(), url), (data.path(), other.as_str())] {
        let output = run(data, url, &["import", one]);
        assert!(output.contains("0 created, 0 updated") && output.contains(" 0 failed"), "{output}");
    }
    // Editing one file updates one insight; the others keep their revisions.
    let path = first.join("insights").join("plain.md");
    if path.exists() {
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("One.", "Edited in git.")).unwrap();
        let output = run(data.path(), &other, &["import", one]);
        assert!(output.contains("0 created, 1 updated") && output.contains(" 0 failed"), "{output}");
        let output = run(data.path(), &other, &["export", two, "--replace"]);
        assert!(output.contains("1 written, 0 removed"), "{output}");
        assert_eq!(files(&first), files(&second));
    }
    // The same round trip as NDJSON.
    let lines = run(folder.path(), url, &["export", "-", "--format", "ndjson"]);
    let (terms, count) = (lines.lines().filter(|line| line.starts_with("{\"kind\"")).count(), lines.lines().count());
    assert_eq!(
        (count - terms, lines.contains("2024-01-05-launch")),
        (insights, insights == 8),
        "terms that no insight carries are exported too"
    );
    let third = TestApp::start().await;
    let admin = third.admin().await;
    let sent = send(&admin, "", lines.clone()).await.expect(202);
    let import = finished(&admin, &sent.id()).await;
    assert_eq!((&import["counts"]["created"], &import["counts"]["failed"]), (&json!(count), &json!(0)), "{import}");
    let exported = admin.get("/v1/exports/insights").await.expect(200);
    assert_eq!(exported.header("content-type"), "application/x-ndjson");
    assert_eq!(exported.text(), lines);
    assert_eq!(app.admin().await.get("/v1/exports/insights").await.expect(200).text(), lines);
    assert!(std::fs::read_dir(&first).unwrap().count() > 0);
    let refused = insights_into(folder.path(), url, one);
    assert!(refused.contains("is not empty"), "{refused}");
}

fn insights_into(folder: &Path, url: &str, path: &str) -> String {
    said(&insights(folder, url).args(["export", path]).output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn content_of_every_kind_round_trips() {
    let (app, url) = TestApp::with_terms_at().await;
    create_every_kind(&app).await;
    round_trip(&app, &url, 8).await;
}

/// A copy redirects from the same old slugs.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_slug_that_a_draft_has_claimed_is_exported() {
    let (app, url) = TestApp::with_terms_at().await;
    create_every_kind(&app).await;
    let copy = TestApp::start().await;
    let admin = copy.admin().await;
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let lines = run(folder.path(), &url, &["export", "-", "--format", "ndjson"]);
    finished(&admin, &send(&admin, "", lines).await.expect(202).id()).await;
    for app in [app, copy] {
        assert_eq!(app.anonymous().get("/v1/insights/old-name").await.expect(200).slug(), "new-name");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_round_trip() {
    let (app, url) = TestApp::demo_at().await;
    round_trip(&app, &url, 6).await;
}

/// The deepest `extra` that is accepted round-trips.
#[tokio::test(flavor = "multi_thread")]
async fn the_deepest_extra_round_trips() {
    let (app, url) = TestApp::with_terms_at().await;
    let admin = app.admin().await;
    let nested = |levels: usize| {
        (1..levels).fold(json!({ "end": 1 }), |inner, level| if level % 2 == 0 { json!({ "a": inner }) } else { json!([inner]) })
    };
    let extra = |levels: usize| json!({ "a": nested(levels - 1) });
    let input = |levels: usize| json!({ "title": "Deep", "body_markdown": "x", "category": "debugging", "extra": extra(levels) });
    let refused = admin.post("/v1/insights", input(101)).await.expect(422).text();
    assert!(refused.contains("too-deep"), "{refused}");
    let path = format!("/v1/insights/{}", admin.post("/v1/insights", input(100)).await.expect(201).id());
    admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
    admin.patch(&path, "*", json!({ "title": "Deep, newer" })).await.expect(200);
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let (lines, files) = (folder.path().join("all.ndjson"), folder.path().join("files"));
    let [lines, files] = [lines.to_str().unwrap(), files.to_str().unwrap()];
    run(folder.path(), &url, &["export", lines, "--format", "ndjson"]);
    run(folder.path(), &url, &["export", files]);
    for source in [lines, files] {
        let output = run(folder.path(), &url, &["import", source]);
        assert!(output.contains("0 created, 0 updated") && output.contains(" 0 failed"), "{output}");
    }
}
