//! `POST /v1/imports`: the outcome of every item, and repeated imports.

use insights::domain::authority::Scope;
use serde_json::{Value, json};

use super::{finished, import, items, line, send};
use crate::support::TestApp;

fn counts(import: &Value) -> [i64; 5] {
    ["total", "created", "updated", "unchanged", "failed"].map(|name| import["counts"][name].as_i64().unwrap())
}

#[tokio::test]
async fn every_item_has_an_outcome_and_a_repeated_import_changes_nothing() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let published = json!({ "slug": "b", "title": "B", "body_markdown": "zebra words", "category": "debugging", "published_at": "2026-01-01T00:00:00Z", "aliases": ["b-before"] });
    let made = json!({ "slug": "c", "title": "C", "body_markdown": "C.", "category": "field-notes", "tags": ["new-tag"], "status": "draft",
        "terms": { "category": { "slug": "field-notes", "name": "Field Notes" }, "tags": [{ "slug": "new-tag", "name": "New" }] } });
    let text = format!(
        "\u{feff}not json\n\n{}\r\n{published}\n{made}\n{}\n{}\n{}\n{}",
        line("a"),
        json!({ "slug": "d", "title": "", "body_markdown": "x", "category": "nothing", "boddy": 1 }),
        json!({ "title": "Nameless", "body_markdown": "x", "category": "debugging" }),
        json!({ "kind": "tag", "slug": "rust", "name": "Rust 2" }),
        json!({ "slug": "e", "title": "E", "body_markdown": "x".repeat(1_100_000), "category": "debugging" }),
    );
    let sent = send(&admin, "", text.clone()).await.expect(202);
    assert_eq!(sent.header("location"), format!("/v1/imports/{}", sent.id()));
    let first = finished(&admin, &sent.id()).await;
    assert_eq!(first["state"], "done");
    assert_eq!(counts(&first), [8, 3, 1, 0, 4], "{first}");
    let all = items(&admin, &first["id"], "").await;
    let outcomes: Vec<(&str, &str)> = all.iter().map(|item| (item["name"].as_str().unwrap(), item["state"].as_str().unwrap())).collect();
    let expected = [
        ("line 1", "failed"),
        ("line 3", "created"),
        ("line 4", "created"),
        ("line 5", "created"),
        ("line 6", "failed"),
        ("line 7", "failed"),
        ("line 8", "updated"),
        ("line 9", "failed"),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(all[0]["problem"]["code"], "malformed-body");
    let pointers: Vec<&Value> = all[4]["problem"]["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, [&json!("/title"), &json!("/boddy")]);
    assert_eq!((&all[4]["problem"]["status"], &all[7]["problem"]["code"]), (&json!(422), &json!("payload-too-large")));
    // Search shows the items when the import is finished.
    assert_eq!(app.anonymous().get("/v1/search?q=zebra").await.expect(200).json()["data"][0]["insight"]["slug"], "b");
    assert_eq!(app.anonymous().get("/v1/insights/b-before?resolve=false").await.expect(200).json()["current_slug"], "b");
    assert_eq!(admin.get("/v1/categories/field-notes").await.expect(200).json()["name"], "Field Notes");
    assert_eq!(items(&admin, &first["id"], "&state=failed").await.len(), 4);
    let newest = insights::store::changes::newest(app.store().reader()).await.unwrap();
    let again = send(&admin, "", text).await.expect(202).id();
    assert_eq!(counts(&finished(&admin, &again).await), [8, 0, 0, 4, 4]);
    assert_eq!(insights::store::changes::newest(app.store().reader()).await.unwrap(), newest);
    // Only the edited item is updated.
    let mut edited = line("a");
    edited["body_markdown"] = json!("Other words.");
    let third = import(&admin, "", &[edited, published]).await;
    assert_eq!(counts(&third), [2, 0, 1, 1, 0]);
    let revisions = admin.get("/v1/insights/a/revisions").await.expect(200).json();
    assert_eq!((&revisions["data"][0]["number"], &revisions["data"][0]["origin"]), (&json!(2), &json!("import")));
    send(&admin, "?atomic=perhaps", String::new()).await.problem(400, "invalid-parameter");
    admin.post("/v1/imports", json!({})).await.problem(415, "unsupported-media-type");
    app.anonymous().get(&format!("/v1/imports/{again}")).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_atomic_import_applies_all_items_or_none() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let wrong = json!({ "slug": "w", "title": "W", "body_markdown": "x", "category": "nothing" });
    let refused = import(&admin, "?atomic=true", &[line("a"), wrong, line("b")]).await;
    assert_eq!((&refused["state"], counts(&refused)), (&json!("failed"), [3, 0, 0, 0, 1]));
    assert!(refused["problem"].as_str().unwrap().contains("nothing was changed"));
    admin.get("/v1/insights/a").await.expect(404);
    let done = import(&admin, "?atomic=true", &[line("a"), line("b"), line("a")]).await;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [3, 2, 0, 1, 0]));
    admin.get("/v1/insights/b").await.expect(200);
}

#[tokio::test]
async fn a_dry_run_of_an_import_changes_nothing_and_counts_what_it_would() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    import(&admin, "", &[line("a")]).await;
    let newest = insights::store::changes::newest(app.store().reader()).await.unwrap();
    let mut edited = line("a");
    edited["title"] = json!("Edited");
    let would = import(&admin, "?validate_only=true", &[edited, line("b"), json!({ "slug": "c" })]).await;
    assert_eq!((&would["validate_only"], counts(&would)), (&json!(true), [3, 1, 1, 0, 1]));
    admin.get("/v1/insights/b").await.expect(404);
    assert_eq!(admin.get("/v1/insights/a").await.expect(200).json()["title"], "Title of a");
    assert_eq!(insights::store::changes::newest(app.store().reader()).await.unwrap(), newest);
}

/// An import has the scopes of its sender.
#[tokio::test]
async fn an_import_needs_the_scopes_of_its_items() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.publish("Others").await;
    let writer = app.with_token(&app.machine_token(&[Scope::InsightsWrite]).await);
    let mut live = line("live");
    live["status"] = json!("published");
    let mut makes = line("makes");
    makes["category"] = json!("made-up");
    makes["terms"] = json!({ "category": { "slug": "made-up", "name": "Made up" } });
    let done = import(&writer, "", &[line("draft"), live, makes, json!({ "kind": "tag", "slug": "t", "name": "T" })]).await;
    assert_eq!(counts(&done), [4, 1, 0, 0, 3]);
    for item in items(&writer, &done["id"], "&state=failed").await {
        assert_eq!(item["problem"]["code"], "insufficient-scope", "{item}");
    }
    app.anonymous().get("/v1/insights/live").await.expect(404);
    app.anonymous().get("/v1/categories/made-up").await.expect(404);
    let (author, _) = app.signed_in("author@example.org", "author").await;
    let theirs = import(&author, "", &[line("others"), line("draft"), line("mine")]).await;
    assert_eq!(counts(&theirs), [3, 1, 0, 0, 2]);
    author.get(&format!("/v1/imports/{}", done["id"].as_str().unwrap())).await.problem(404, "not-found");
    let export = author.get("/v1/exports/insights").await.expect(200).text();
    assert_eq!(export.lines().count(), 1, "no terms, which authors cannot make: {export}");
    app.anonymous().get("/v1/exports/insights").await.problem(401, "unauthenticated");
}

/// A newer draft survives an edit of the published text, also when the line does not contain it.
#[tokio::test]
async fn a_newer_draft_stays_the_newest() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.post("/v1/categories", json!({ "name": "Elsewhere" })).await.expect(201);
    let both = |live: &str| {
        json!({ "slug": "both", "title": "T", "body_markdown": live, "category": "debugging", "status": "published",
            "draft": { "title": "Newer", "body_markdown": "Newer.", "category": "elsewhere" } })
    };
    assert_eq!(counts(&import(&admin, "", &[both("One.")]).await), [1, 1, 0, 0, 0]);
    assert_eq!(counts(&import(&admin, "", &[both("Two.")]).await), [1, 0, 1, 0, 0]);
    assert_eq!(counts(&import(&admin, "", &[both("Two.")]).await), [1, 0, 0, 1, 0]);
    let head = || async { admin.get("/v1/insights/both").await.expect(200).json() };
    assert_eq!(head().await["title"], "Newer");
    assert_eq!(app.anonymous().get("/v1/insights/both").await.expect(200).json()["body"]["markdown"], "Two.");
    let mut without = both("Three.");
    without.as_object_mut().unwrap().remove("draft");
    let done = import(&admin, "", &[without]).await;
    assert_eq!(items(&admin, &done["id"], "").await[0]["notes"][0]["code"], "draft-kept");
    assert_eq!(head().await["title"], "Newer");
    assert_eq!(app.anonymous().get("/v1/insights/both").await.expect(200).json()["body"]["markdown"], "Three.");
    // A draft part without a slug has that of its insight; both categories come along.
    let lines = admin.get("/v1/exports/insights").await.expect(200).text();
    let other = TestApp::start().await;
    let there = other.admin().await;
    let sent = send(&there, "", lines.clone()).await.expect(202);
    let [total, created, ..] = counts(&finished(&there, &sent.id()).await);
    assert_eq!((usize::try_from(total).unwrap(), created), (lines.lines().count(), total), "{lines}");
    assert_eq!(there.get("/v1/exports/insights").await.expect(200).text(), lines);
    let refused = import(
        &admin,
        "",
        &[json!({ "slug": "x", "title": "T", "body_markdown": "B", "category": "debugging", "status": "draft",
        "draft": { "title": "N", "body_markdown": "B", "category": "debugging" } })],
    )
    .await;
    assert_eq!(items(&admin, &refused["id"], "").await[0]["problem"]["errors"][0]["pointer"], "/draft");
}

/// An old slug leads where it leads for ever; that it leads to a draft is nobody's business.
#[tokio::test]
async fn an_old_slug_is_not_taken_from_another_insight() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let with = |slug: &str, status: &str| json!({ "slug": slug, "title": slug, "body_markdown": "B", "category": "debugging", "status": status, "aliases": ["shared"] });
    let lines = [with("one", "published"), with("two", "published")];
    let first = import(&admin, "", &lines).await;
    assert_eq!(items(&admin, &first["id"], "").await[1]["notes"][0]["code"], "alias-taken");
    assert_eq!(counts(&import(&admin, "", &lines).await), [2, 0, 0, 2, 0]);
    assert_eq!(app.anonymous().get("/v1/insights/shared?resolve=false").await.expect(200).json()["current_slug"], "one");
    let mut hidden = with("hidden", "draft");
    hidden.as_object_mut().unwrap().remove("aliases");
    import(&admin, "", &[hidden.clone()]).await;
    let before = app.anonymous().get("/v1/changes?since=0").await.expect(200);
    hidden["aliases"] = json!(["hidden-before"]);
    assert_eq!(counts(&import(&admin, "", &[hidden.clone()]).await), [1, 0, 1, 0, 0]);
    assert_eq!(counts(&import(&admin, "", &[hidden]).await), [1, 0, 0, 1, 0]);
    let after = app.anonymous().get("/v1/changes?since=0").await.expect(200);
    assert_eq!((before.text(), before.header("content-sequence")), (after.text(), after.header("content-sequence")));
    app.anonymous().get("/v1/insights/hidden-before").await.expect(404);
}

/// Terms that one line creates exist for the next one, also in a dry run.
#[tokio::test]
async fn a_rehearsal_knows_what_it_would_have_made() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut lines = vec![json!({ "kind": "category", "slug": "debugging", "name": "Debugging" })];
    lines.extend((0..150).map(|n| line(&format!("n{n}"))));
    for query in ["?validate_only=true", "?validate_only=true&atomic=true", "?atomic=true"] {
        let done = import(&admin, query, &lines).await;
        assert_eq!((&done["state"], counts(&done)), (&json!("done"), [151, 151, 0, 0, 0]), "{query}");
    }
}

#[tokio::test]
async fn a_line_that_is_not_utf8_fails_alone() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut body = b"{\"slug\":\"caf\xe9\"}\n".to_vec();
    body.extend(line("good").to_string().into_bytes());
    let token = app.machine_token(&[Scope::Admin]).await;
    let ask = |encoding: &'static str| {
        reqwest::Client::new()
            .post(format!("{}/v1/imports", app.url))
            .bearer_auth(&token)
            .header("content-type", "application/x-ndjson")
            .header("content-encoding", encoding)
            .body(body.clone())
    };
    let sent: Value = ask("identity").send().await.unwrap().json().await.unwrap();
    let done = finished(&admin, sent["id"].as_str().unwrap()).await;
    assert_eq!(counts(&done), [2, 1, 0, 0, 1]);
    assert_eq!(items(&admin, &done["id"], "&state=failed").await[0]["problem"]["detail"], "the line is not UTF-8");
    assert_eq!(ask("gzip").send().await.unwrap().status(), 415);
}

/// An item with an id, with an old slug, or with the slug of an insight in the trash never changes another insight.
#[tokio::test]
async fn an_item_never_changes_another_insight() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut first = line("first");
    first["aliases"] = json!(["second"]);
    first["status"] = json!("published");
    let mut second = line("second");
    second["status"] = json!("published");
    let lines = [first, second];
    assert_eq!(counts(&import(&admin, "", &lines).await), [2, 2, 0, 0, 0]);
    assert_eq!(counts(&import(&admin, "", &lines).await), [2, 0, 0, 2, 0]);
    assert_eq!(app.anonymous().get("/v1/insights/second").await.expect(200).json()["title"], "Title of second");
    let mut other = line("first");
    other["id"] = json!("01a2074d-74b5-753d-bf53-d2dad79ec7e6");
    let refused = import(&admin, "", &[other]).await;
    let item = &items(&admin, &refused["id"], "").await[0];
    assert_eq!((&item["state"], &item["problem"]["code"]), (&json!("failed"), &json!("slug-taken")));
    let trashed = admin.create("Gone").await;
    admin.delete(&format!("/v1/insights/{}", trashed.id()), "*").await.expect(204);
    let refused = import(&admin, "", &[line("gone"), line("kept")]).await;
    assert_eq!(counts(&refused), [2, 1, 0, 0, 1]);
    // The same slug twice in one import is one insight, and the last line wins.
    let mut late = line("twice");
    late["title"] = json!("Last word");
    assert_eq!(counts(&import(&admin, "", &[line("twice"), late]).await), [2, 1, 1, 0, 0]);
    assert_eq!(admin.get("/v1/insights/twice").await.expect(200).json()["title"], "Last word");
}

/// Lines about the same insight are applied in their order, also in groups.
#[tokio::test]
async fn of_two_lines_about_one_insight_the_later_wins() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let titled = |slug: &str, title: &str| {
        let mut line = line(slug);
        line["title"] = json!(title);
        line
    };
    let mut with_alias = titled("a", "first");
    with_alias["aliases"] = json!(["a-before"]);
    let done = import(&admin, "", &[with_alias, titled("a", "second"), titled("b", "B"), titled("c", "C")]).await;
    assert_eq!(counts(&done), [4, 3, 1, 0, 0]);
    assert_eq!(admin.get("/v1/insights/a").await.expect(200).json()["title"], "second");
    // Of two lines with the same slug, the earlier one gets it.
    let with_id = |id: u128, slug: &str| {
        let mut line = titled(slug, slug);
        line["id"] = json!(uuid::Uuid::from_u128(id));
        line
    };
    let mut scheduled = with_id(1, "wanted");
    scheduled["published_at"] = json!("2030-01-01T00:00:00Z");
    let lines = [scheduled, with_id(2, "wanted"), with_id(3, "d")];
    let done = import(&admin, "", &lines).await;
    assert_eq!(counts(&done), [3, 2, 0, 0, 1]);
    assert_eq!(items(&admin, &done["id"], "&state=failed").await[0]["name"], "line 2");
}

/// A dry run counts slugs that earlier lines would have claimed.
#[tokio::test]
async fn a_dry_run_knows_the_slugs_of_earlier_lines() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let numbered = |number: u128, slug: &str| {
        let mut line = line(slug);
        line["id"] = json!(uuid::Uuid::from_u128(number));
        line
    };
    let mut lines: Vec<Value> = (0..300).map(|n| numbered(n, &format!("n{n}"))).collect();
    lines.push(numbered(1_000, "n7"));
    lines.push(line("n8"));
    // A slug that only redirects can be claimed.
    lines[0]["aliases"] = json!(["before"]);
    lines.push(numbered(1_001, "before"));
    let keyed = |query: &'static str| {
        let text = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let admin = admin.clone();
        async move {
            let headers = [("idempotency-key", "once")];
            let sent = admin.send("POST", &format!("/v1/imports{query}"), Some(("application/x-ndjson", text)), &headers).await.expect(202);
            finished(&admin, &sent.id()).await
        }
    };
    let would = keyed("?validate_only=true").await;
    // The key of a dry run can be used again.
    let does = keyed("").await;
    assert_eq!((counts(&would)[1], counts(&would)[4]), (301, 1));
    assert_eq!((counts(&does)[1], counts(&does)[4]), (301, 1));
}
