use serde_json::{Value, json};

use crate::support::{Client, TestApp};

/// Five insights, published a day apart, with different categories, tags, authors and lengths.
async fn publish_five(app: &TestApp) -> Client {
    let admin = app.admin().await;
    let rows = [
        ("Alpha", "debugging", json!(["rust"]), json!(["ada"]), 9, "2026-01-01T00:00:00Z"),
        ("beta", "debugging", json!(["rust", "sql"]), json!(["grace"]), 7, "2026-01-02T00:00:00Z"),
        ("Ébène", "infrastructure", json!(["sql"]), json!(["ada", "grace"]), 5, "2026-01-03T00:00:00Z"),
        ("delta", "data-engineering", json!([]), json!([]), 3, "2026-01-04T00:00:00Z"),
        ("“Echo”", "infrastructure", json!(["ops"]), json!(["ada"]), 1, "2026-01-05T00:00:00Z"),
    ];
    for (title, category, tags, authors, minutes, at) in rows {
        let draft = json!({
            "title": title, "body_markdown": "Body", "category": category, "tags": tags, "authors": authors, "reading_minutes": minutes
        });
        let created = admin.post("/v1/insights", draft).await.expect(201);
        admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", json!({ "publish_at": at })).await.expect(200);
        app.advance(1_000);
    }
    admin
}

#[tokio::test]
async fn filters_and_sorts_select_and_order_the_list() {
    let app = TestApp::with_terms().await;
    publish_five(&app).await;
    for (query, titles) in [
        ("", vec!["“Echo”", "delta", "Ébène", "beta", "Alpha"]),
        ("sort=published_at", vec!["Alpha", "beta", "Ébène", "delta", "“Echo”"]),
        ("sort=title", vec!["Alpha", "beta", "delta", "Ébène", "“Echo”"]),
        ("sort=-title", vec!["“Echo”", "Ébène", "delta", "beta", "Alpha"]),
        ("sort=-updated_at", vec!["“Echo”", "delta", "Ébène", "beta", "Alpha"]),
        ("sort=reading_minutes", vec!["“Echo”", "delta", "Ébène", "beta", "Alpha"]),
        ("category=debugging", vec!["beta", "Alpha"]),
        ("category=debugging,infrastructure&sort=title", vec!["Alpha", "beta", "Ébène", "“Echo”"]),
        ("tag=sql", vec!["Ébène", "beta"]),
        ("tag=sql,rust", vec!["Ébène", "beta", "Alpha"]),
        ("tag=sql&author=ada", vec!["Ébène"]),
        ("tag=sql&sort=title", vec!["beta", "Ébène"]),
        ("author=ada&category=infrastructure", vec!["“Echo”", "Ébène"]),
        ("author=ada,grace&sort=published_at", vec!["Alpha", "beta", "Ébène", "“Echo”"]),
        ("published_after=2026-01-03", vec!["“Echo”", "delta"]),
        ("published_after=2026-01-02T23:59:59Z&published_before=2026-01-04", vec!["Ébène"]),
        ("min_minutes=5", vec!["Ébène", "beta", "Alpha"]),
        ("min_minutes=3&max_minutes=5", vec!["delta", "Ébène"]),
        ("category=no-such-category", vec![]),
        ("tag=no-such-tag", vec![]),
    ] {
        let list = app.anonymous().get(&format!("/v1/insights?count=exact&{query}")).await.expect(200);
        assert_eq!(list.titles(), titles, "{query}");
        assert_eq!(list.json()["meta"]["total"], titles.len(), "{query}");
        // The same rows one by one, forwards and then backwards.
        let forwards = walk(&app, query, "next_cursor", None).await;
        assert_eq!(forwards.0, titles, "{query}, page by page");
        let mut backwards = walk(&app, query, "prev_cursor", forwards.1).await.0;
        backwards.reverse();
        assert_eq!(backwards, titles[..titles.len().saturating_sub(1)], "{query}, backwards");
    }
}

/// Follows a list with pages of one row; returns the titles, and the last page's cursor for the way back.
async fn walk(app: &TestApp, query: &str, direction: &str, mut cursor: Option<String>) -> (Vec<String>, Option<String>) {
    let mut titles = Vec::new();
    if direction == "prev_cursor" && cursor.is_none() {
        return (titles, None);
    }
    loop {
        let at = cursor.as_ref().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = app.anonymous().get(&format!("/v1/insights?{query}&limit=1{at}").replace("?&", "?")).await.expect(200);
        titles.extend(page.titles());
        let links = page.header("link");
        let info = page.json()["page"].clone();
        assert_eq!(links.contains("rel=\"next\""), !info["next_cursor"].is_null(), "{links}");
        match info[direction].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return (titles, info["prev_cursor"].as_str().map(str::to_owned)),
        }
    }
}

#[tokio::test]
async fn link_headers_are_absolute_urls_of_the_neighbouring_pages() {
    let app = TestApp::with_terms().await;
    publish_five(&app).await;
    let first = app.anonymous().get("/v1/insights?limit=2&category=debugging,infrastructure").await.expect(200);
    let link = first.header("link");
    let next = link.split(['<', '>']).nth(1).unwrap();
    let second = app.anonymous().get(next.strip_prefix(&app.url).unwrap()).await.expect(200);
    assert_eq!(second.titles(), ["beta", "Alpha"]);
    let back = second.header("link");
    assert!(back.contains("rel=\"prev\"") && !back.contains("rel=\"next\""), "{back}");
    let previous = back.split(['<', '>']).nth(1).unwrap();
    assert_eq!(app.anonymous().get(previous.strip_prefix(&app.url).unwrap()).await.titles(), first.titles());
}

#[tokio::test]
async fn fields_and_include_select_the_members_of_items() {
    let app = TestApp::with_terms().await;
    publish_five(&app).await;
    let keys = |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let plain = app.anonymous().get("/v1/insights?limit=1").await.json();
    assert!(plain["data"][0].get("body").is_none());
    assert!(plain["meta"].get("total").is_none(), "lists are not counted by default");
    let chosen = app.anonymous().get("/v1/insights?limit=1&fields=title,slug").await.json();
    assert_eq!(keys(&chosen["data"][0]), ["slug", "title"]);
    let with_body = app.anonymous().get("/v1/insights?limit=1&include=body").await.json();
    assert_eq!(with_body["data"][0]["body"]["markdown"], "Body");
    let detail = app.anonymous().get(&format!("/v1/insights/{}", with_body["data"][0]["slug"].as_str().unwrap())).await.json();
    assert_eq!(with_body["data"][0], detail, "an item is the insight");
}

#[tokio::test]
async fn invalid_parameters_are_refused_by_name() {
    let app = TestApp::with_terms().await;
    publish_five(&app).await;
    for (query, code, parameter) in [
        ("page=2", "unknown-parameter", "page"),
        ("limit=0", "invalid-parameter", "limit"),
        ("limit=101", "invalid-parameter", "limit"),
        ("limit=1&limit=2", "invalid-parameter", "limit"),
        ("sort=random", "invalid-parameter", "sort"),
        ("fields=title,secret", "invalid-parameter", "fields"),
        ("include=drafts", "invalid-parameter", "include"),
        ("category=No%20Slug", "invalid-parameter", "category"),
        ("published_after=yesterday", "invalid-parameter", "published_after"),
        ("count=planned", "invalid-parameter", "count"),
    ] {
        let problem = app.anonymous().get(&format!("/v1/insights?{query}")).await.problem(400, code);
        assert_eq!(problem["parameter"], parameter);
    }
    let cursor = app.anonymous().get("/v1/insights?limit=1").await.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
    app.anonymous().get(&format!("/v1/insights?limit=2&locale=de&cursor={cursor}")).await.expect(200);
    for changed in ["sort=title", "category=debugging", "tag=rust", "min_minutes=1"] {
        app.anonymous().get(&format!("/v1/insights?{changed}&cursor={cursor}")).await.problem(400, "invalid-cursor");
    }
}

#[tokio::test]
async fn editors_list_by_status() {
    let app = TestApp::with_terms().await;
    let admin = publish_five(&app).await;
    admin.create("A draft").await;
    for (title, publication) in [
        ("Later", json!({ "publish_at": "2027-01-01T00:00:00Z" })),
        ("Over", json!({ "publish_at": "2025-01-01T00:00:00Z", "unpublish_at": "2025-02-01T00:00:00Z" })),
    ] {
        let created = admin.create(title).await;
        admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", publication).await.expect(200);
    }
    let gone = admin.create("Gone").await;
    admin.delete(&format!("/v1/insights/{}", gone.id()), "*").await.expect(204);
    for (status, titles) in [("draft", vec!["A draft"]), ("scheduled", vec!["Later"]), ("expired", vec!["Over"]), ("deleted", vec!["Gone"])]
    {
        let list = admin.get(&format!("/v1/insights?status={status}&count=exact")).await.expect(200);
        assert_eq!(list.titles(), titles);
        assert_eq!(list.each("status"), [status]);
        assert_eq!(list.header("cache-control"), "private, no-store");
    }
    assert_eq!(admin.get("/v1/insights?status=published").await.titles().len(), 5);
    assert_eq!(admin.get("/v1/insights?status=any&count=exact").await.json()["meta"]["total"], 8);
    assert_eq!(admin.get("/v1/insights").await.titles().len(), 5, "without status, editors get the public list");
    let (author, _) = app.signed_in("author@example.org", "author").await;
    author.create("Own draft").await;
    assert_eq!(author.get("/v1/insights?status=draft").await.titles(), ["Own draft"], "authors see their own drafts only");
}

/// After all rows of the next page were deleted, its empty page links back to the same rows.
#[tokio::test]
async fn an_emptied_page_links_back_to_the_page_before() {
    let app = TestApp::with_terms().await;
    let admin = publish_five(&app).await;
    for sort in ["-published_at", "title", "-title"] {
        let all = app.anonymous().get(&format!("/v1/insights?sort={sort}")).await.expect(200).titles();
        let first = app.anonymous().get(&format!("/v1/insights?sort={sort}&limit=2")).await.expect(200);
        let next = first.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
        let ids: Vec<String> = app.anonymous().get(&format!("/v1/insights?sort={sort}")).await.each("id")[2..]
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect();
        for id in &ids {
            admin.delete(&format!("/v1/insights/{id}"), "*").await.expect(204);
        }
        let empty = app.anonymous().get(&format!("/v1/insights?sort={sort}&limit=2&cursor={next}")).await.expect(200).json();
        assert_eq!((&empty["data"], &empty["page"]["next_cursor"]), (&json!([]), &json!(null)));
        let back = empty["page"]["prev_cursor"].as_str().unwrap();
        let again = app.anonymous().get(&format!("/v1/insights?sort={sort}&limit=2&cursor={back}")).await.expect(200);
        assert_eq!(again.titles(), all[..2]);
        for id in &ids {
            admin.act(&format!("/v1/insights/{id}/restore"), "*", json!({})).await.expect(200);
        }
    }
}
