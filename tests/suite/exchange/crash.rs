//! Imports survive kills at any moment: nothing is applied twice, nothing is lost, and a poison item does not block the others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{client, insights, make_token, said, serve};
use crate::search::generate::Random;
use crate::support::{TestApp, database};

const FILES: usize = 1_200;
const KILLS: usize = 20;
/// Kills during writes with keys, and keys for each.
const ROUNDS: usize = 10;
const KEYS: usize = 16;

fn write_folder(root: &Path) {
    fs::create_dir_all(root.join("posts")).unwrap();
    for number in 0..FILES {
        let path = root.join(format!("posts/post-{number:04}.md"));
        // The first and every hundredth file is invalid.
        let text = match number {
            0 => "---\ntitle: [broken\n---\nText.\n".to_owned(),
            _ if number % 100 == 0 => format!("---\ntitle: Blank {number}\n---\n"),
            _ => format!("---\ntitle: Post {number}\ndate: 2024-01-01\ntags: [t{}]\n---\nWord{number} and more.\n", number % 7),
        };
        fs::write(path, text).unwrap();
    }
    fs::write(root.join("posts/post-0001.it.md"), "---\ntitle: Uno\n---\nUno.\n").unwrap();
    fs::write(root.join("posts/picture.png"), [0_u8; 10]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_on_the_command_line_survives_twenty_kills() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let data = folder.path().join("data");
    let url = database::fresh(&folder).await;
    let root = folder.path().join("content");
    write_folder(&root);
    let path = root.to_str().unwrap();
    let mut random = Random::new(11);
    let mut killed = 0;
    while killed < KILLS {
        let mut child = insights(&data, &url).args(["import", path]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let millis = 100 + random.below(3_000);
        tokio::time::sleep(Duration::from_millis(u64::try_from(millis).unwrap())).await;
        if child.try_wait().unwrap().is_some() {
            // It finished first: the next run finds unchanged items, and is killed then.
            killed += 1;
            continue;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
    let first = said(&insights(&data, &url).args(["import", path]).output().unwrap());
    let again = said(&insights(&data, &url).args(["import", path]).output().unwrap());
    let good = FILES - FILES / 100;
    assert!(again.contains(&format!("0 created, 0 updated, {good} unchanged, {} failed", FILES / 100)), "{first}\n{again}");
    assert!(again.contains("1202 file(s): 1200 item(s), 1 file(s) skipped"), "{again}");
    let exported = insights(&data, &url).args(["export", "-", "--format", "ndjson"]).output().unwrap();
    let lines: Vec<Value> = String::from_utf8(exported.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let slugs: BTreeSet<&str> = lines.iter().map(|line| line["slug"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), slugs.len()), (good, good));
    for line in &lines {
        let number: usize = line["slug"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
        assert_eq!(line["body_markdown"], format!("Word{number} and more.\n"));
    }
    let check = said(&insights(&data, &url).arg("check").output().unwrap());
    assert!(check.contains("the database is sound"), "{check}");
}

/// The service is killed during an import; the next process resumes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_received_import_finishes_after_repeated_kills() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let token = make_token(folder.path(), &url);
    let mut serving = serve(folder.path(), &url, &[]);
    let admin = client(&serving, Some(token.clone()));
    admin.post("/v1/categories", json!({ "name": "Debugging" })).await.expect(201);
    let lines: Vec<String> = (0..600)
        .map(|n| json!({ "slug": format!("item-{n}"), "title": format!("Item {n}"), "body_markdown": format!("Everywhere w{n}"), "category": "debugging", "status": "published" }).to_string())
        .collect();
    let sent = admin
        .send("POST", "/v1/imports", Some(("application/x-ndjson", lines.join("\n"))), &[("idempotency-key", "\"import\"")])
        .await
        .expect(202);
    let mut random = Random::new(5);
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(u64::try_from(20 + random.below(250)).unwrap())).await;
        drop(serving);
        serving = serve(folder.path(), &url, &[]);
    }
    let admin = client(&serving, Some(token.clone()));
    let again = admin
        .send("POST", "/v1/imports", Some(("application/x-ndjson", String::new())), &[("idempotency-key", "\"import\"")])
        .await
        .expect(202);
    assert_eq!((again.id(), again.header("idempotency-replayed")), (sent.id(), "true".to_owned()));
    let import = super::finished(&admin, &sent.id()).await;
    assert_eq!(import["counts"], json!({ "total": 600, "waiting": 0, "created": 600, "updated": 0, "unchanged": 0, "failed": 0 }));
    assert_eq!(admin.get("/v1/insights?count=exact&limit=1").await.expect(200).json()["meta"]["total"], 600);
    assert_eq!(admin.get("/v1/search?q=everywhere&limit=1").await.expect(200).json()["meta"]["total"], 600);
}

/// Kills during writes with keys: each key creates exactly one insight.
#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_creates_one_insight_across_kills() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let token = make_token(folder.path(), &url);
    let mut serving = serve(folder.path(), &url, &[]);
    client(&serving, Some(token.clone())).post("/v1/categories", json!({ "name": "Debugging" })).await.expect(201);
    let mut random = Random::new(3);
    let http = reqwest::Client::new();
    let send = async |base: &str, key: usize| -> Option<(u16, Value)> {
        let body = json!({ "title": format!("Keyed {key}"), "body_markdown": "B", "category": "debugging" }).to_string();
        let request = http.post(format!("{base}/v1/insights")).bearer_auth(&token).header("content-type", "application/json");
        let answer = request.header("idempotency-key", format!("\"key-{key}\"")).body(body).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    };
    for round in 0..ROUNDS {
        let base = serving.url.clone();
        let requests = (0..KEYS * 4).map(|n| send(&base, round * KEYS + n % KEYS));
        let sending = futures_util::future::join_all(requests);
        let millis = u64::try_from(random.below(120)).unwrap();
        let killing = async {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            drop(serving);
        };
        let (before, ()) = futures_util::future::join(sending, killing).await;
        serving = serve(folder.path(), &url, &[]);
        for (n, earlier) in before.into_iter().enumerate() {
            let (status, now) = send(&serving.url, round * KEYS + n % KEYS).await.expect("the service answers");
            assert_eq!(status, 201, "{now}");
            if let Some((201, earlier)) = earlier {
                assert_eq!(earlier, now, "the response is the same after the kill");
            }
        }
    }
    let admin = client(&serving, Some(token));
    let total = admin.get("/v1/insights?status=any&count=exact&limit=1").await.expect(200).json()["meta"]["total"].clone();
    assert_eq!(total, ROUNDS * KEYS);
}

/// An item that has stopped the service three times fails; the items after it are applied.
#[tokio::test]
async fn a_poison_item_does_not_block_the_others() {
    use insights::domain::authority::{Editor, Origin};
    use insights::editorial::imports::{self, ImportMode, ReceivedLine};
    let app = TestApp::with_terms().await;
    let (store, now, editor) = (app.store(), app.now(), Editor::system(Origin::Cli));
    for (atomic, outcome) in [(false, ["failed", "created", "created"]), (true, ["waiting"; 3])] {
        let mode = ImportMode { source: "a test".to_owned(), atomic, validate_only: false };
        let mut receiver = imports::begin(store, &editor, mode, now).await.unwrap();
        let line = |n: usize| super::line(&format!("item-{atomic}-{n}")).to_string();
        let lines = (0..3).map(|n| ReceivedLine { name: format!("line {n}"), input: line(n), notes: Vec::new(), refused: None });
        receiver.add(store, lines.collect(), now).await.unwrap();
        // Another worker has died of the first item three times.
        let pending = receiver.complete(store, &editor, Some(uuid::Uuid::from_u128(1)), app.now()).await.unwrap();
        let import = pending.commit(store, now).await.unwrap();
        insights::store::imports::record_retry(store.writer(), import.id, 1, 3).await.unwrap();
        app.advance(10_000);
        let admin = app.admin().await;
        let done = super::finished(&admin, &import.id.to_string()).await;
        let items = super::items(&admin, &done["id"], "").await;
        let states: Vec<&str> = items.iter().map(|item| item["state"].as_str().unwrap()).collect();
        assert_eq!(states, outcome);
        assert_eq!(done["state"], if atomic { "failed" } else { "done" });
    }
}
