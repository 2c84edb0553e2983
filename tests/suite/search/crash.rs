//! After a kill or damage to the index folder, the next start serves exactly the content of the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::generate::Random;
use crate::cli::{Serving, client, insights, make_token, said, serve};
use crate::support::{Client, database};

const ROUNDS: u64 = 20;

/// All visible insights: id, and the word that only its live revision has.
async fn visible(anyone: &Client) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut path = "/v1/insights?limit=100&fields=id,title".to_owned();
    loop {
        let page = anyone.get(&path).await.expect(200).json();
        for item in page["data"].as_array().unwrap() {
            let word = item["title"].as_str().unwrap().split(' ').next_back().unwrap().to_owned();
            all.insert(item["id"].as_str().unwrap().to_owned(), word);
        }
        match page["page"]["next_cursor"].as_str() {
            Some(next) => path = format!("/v1/insights?limit=100&fields=id,title&cursor={next}"),
            None => return all,
        }
    }
}

/// The ids of all hits; `None` while search is not ready.
async fn hits(anyone: &Client, query: &str) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    let mut path = format!("/v1/search?limit=100&q={query}");
    loop {
        let answer = anyone.get(&path).await;
        if answer.status == 503 {
            return None;
        }
        let page = answer.expect(200).json();
        all.extend(page["data"].as_array().unwrap().iter().map(|hit| hit["insight"]["id"].as_str().unwrap().to_owned()));
        match page["page"]["next_cursor"].as_str() {
            Some(next) => path = format!("/v1/search?limit=100&q={query}&cursor={next}"),
            None => return Some(all),
        }
    }
}

/// Search has exactly the visible insights in their live revisions, within two seconds of the first response of the service.
async fn assert_in_sync(serving: &Serving, what: &str) {
    let anyone = client(serving, None);
    let started = Instant::now();
    let everywhere = loop {
        if let Some(hits) = hits(&anyone, "everywhere").await {
            break hits;
        }
        assert!(started.elapsed() < Duration::from_secs(2), "{what}: search is not ready after two seconds");
        tokio::task::yield_now().await;
    };
    let visible = visible(&anyone).await;
    assert_eq!(everywhere, visible.keys().cloned().collect(), "{what}: the sets differ");
    for (id, word) in visible.iter().take(40) {
        assert_eq!(hits(&anyone, word).await, Some([id.clone()].into()), "{what}: not the live revision");
    }
}

/// Random writes until the service does not respond.
async fn write_until_killed(url: String, token: String, seed: u64) {
    let mut random = Random::new(seed);
    let http = reqwest::Client::new();
    let ask = async |method: reqwest::Method, path: String, body: Value| -> Option<Value> {
        let kind = if method == reqwest::Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let request = http.request(method, format!("{url}{path}")).bearer_auth(&token).header("if-match", "*").header("content-type", kind);
        let response = request.body(body.to_string()).send().await.ok()?;
        let text = response.text().await.ok()?;
        Some(serde_json::from_str(&text).unwrap_or(Value::Null))
    };
    let mut ids: Vec<String> = Vec::new();
    for number in 0.. {
        // The `x` ends the word: the last word of a query also matches as a prefix.
        let title = format!("Everywhere w{seed}n{number}x");
        let input = json!({ "title": title, "body_markdown": "text", "category": "debugging" });
        let existing = ids.get(random.below(ids.len().max(1))).cloned();
        let done = match (random.below(6), existing) {
            (0 | 1, _) | (_, None) => {
                let Some(created) = ask(reqwest::Method::POST, "/v1/insights".to_owned(), input).await else { return };
                let id = created["id"].as_str().unwrap_or_default().to_owned();
                ids.push(id.clone());
                ask(reqwest::Method::POST, format!("/v1/insights/{id}/publish"), json!({})).await
            }
            (2 | 3, Some(id)) => {
                if ask(reqwest::Method::PATCH, format!("/v1/insights/{id}"), json!({ "title": title })).await.is_none() {
                    return;
                }
                ask(reqwest::Method::POST, format!("/v1/insights/{id}/publish"), json!({})).await
            }
            (4, Some(id)) => ask(reqwest::Method::POST, format!("/v1/insights/{id}/unpublish"), json!({})).await,
            (_, Some(id)) => ask(reqwest::Method::DELETE, format!("/v1/insights/{id}"), json!({})).await,
        };
        if done.is_none() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn search_matches_the_database_after_kills() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let token = make_token(folder.path(), &url);
    let mut serving = serve(folder.path(), &url, &[]);
    client(&serving, Some(token.clone())).post("/v1/categories", json!({ "name": "Debugging" })).await.expect(201);
    let mut random = Random::new(7);
    for round in 0..ROUNDS {
        assert_in_sync(&serving, &format!("round {round}")).await;
        let writers = (0..3).map(|writer| write_until_killed(serving.url.clone(), token.clone(), round * 10 + writer));
        let writing = futures_util::future::join_all(writers);
        let millis = 50 + random.below(500);
        let killing = async {
            tokio::time::sleep(Duration::from_millis(u64::try_from(millis).unwrap())).await;
            drop(serving);
        };
        futures_util::future::join(writing, killing).await;
        serving = serve(folder.path(), &url, &[]);
    }
    assert_in_sync(&serving, "at the end").await;
    drop(serving);
    let said = said(&insights(folder.path(), &url).arg("check").output().unwrap());
    assert!(said.contains("agrees") || said.contains("lacks"), "{said}");
    damage_is_repaired(folder.path(), &url).await;
}

/// A kill during a commit leaves files with the names that a repetition of the commit needs.
#[tokio::test]
async fn files_of_an_interrupted_commit_do_not_block_the_next_one() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let token = make_token(folder.path(), &url);
    let serving = serve(folder.path(), &url, &[]);
    let admin = client(&serving, Some(token.clone()));
    admin.post("/v1/categories", json!({ "name": "Debugging" })).await.expect(201);
    let mut ids = Vec::new();
    for number in 0..3 {
        let created = admin.create(&format!("Everywhere w{number}x")).await;
        admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", json!({})).await.expect(200);
        ids.push(created.id());
    }
    drop(serving);
    // A rebuild leaves one segment.
    assert!(insights(folder.path(), &url).arg("reindex").status().unwrap().success());
    let search = folder.path().join("search");
    let all = files(&search);
    let build = all.iter().find(|file| file.ends_with("meta.json")).unwrap().parent().unwrap();
    let meta: Value = serde_json::from_slice(&std::fs::read(build.join("meta.json")).unwrap()).unwrap();
    let mut managed: Vec<String> = serde_json::from_slice(&std::fs::read(build.join(".managed.json")).unwrap()).unwrap();
    for segment in meta["segments"].as_array().unwrap() {
        let id = segment["segment_id"].as_str().unwrap().replace('-', "");
        let next = meta["opstamp"].as_u64().unwrap();
        managed.extend((next..next + 20).map(|stamp| format!("{id}.{stamp}.del")));
    }
    for name in managed.iter().filter(|name| !build.join(name).exists()) {
        std::fs::write(build.join(name), "incomplete").unwrap();
    }
    std::fs::write(build.join(".managed.json"), json!(managed).to_string()).unwrap();
    let serving = serve(folder.path(), &url, &[]);
    assert_in_sync(&serving, "after a restart").await;
    let admin = client(&serving, Some(token));
    admin.act(&format!("/v1/insights/{}/unpublish", ids[0]), "*", json!({})).await.expect(200);
    assert_in_sync(&serving, "after an unpublication").await;
}

type Damage = fn(&Path);

async fn damage_is_repaired(folder: &Path, url: &str) {
    let search = folder.join("search");
    let damages: [(&str, Damage); 6] = [
        ("deleted", |search| std::fs::remove_dir_all(search).unwrap()),
        ("emptied", |search| files(search).iter().for_each(|file| std::fs::remove_file(file).unwrap())),
        ("truncated", |search| files(search).iter().for_each(|file| truncate(file))),
        ("one file truncated", |search| truncate(files(search).iter().find(|file| file.extension().is_some_and(|e| e == "idx")).unwrap())),
        ("filled with garbage", |search| files(search).iter().for_each(|file| std::fs::write(file, vec![0xA5; 5_000]).unwrap())),
        ("one bit changed", |search| flip_bit(files(search).iter().find(|file| file.extension().is_some_and(|e| e == "term")).unwrap())),
    ];
    for (what, damage) in damages {
        damage(&search);
        let serving = serve(folder, url, &[]);
        assert_in_sync(&serving, what).await;
        drop(serving);
    }
    let said = said(&insights(folder, url).arg("reindex").output().unwrap());
    assert!(said.contains("the search index holds"), "{said}");
    let said = crate::cli::said(&insights(folder, url).arg("check").output().unwrap());
    assert!(said.contains("agrees"), "{said}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut list = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != "lock") {
            list.push(path);
        }
    }
    list
}

fn truncate(file: &Path) {
    let length = std::fs::metadata(file).unwrap().len();
    OpenOptions::new().write(true).open(file).unwrap().set_len(length / 2).unwrap();
}

fn flip_bit(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 0x40;
    OpenOptions::new().write(true).truncate(true).open(file).unwrap().write_all(&bytes).unwrap();
}
