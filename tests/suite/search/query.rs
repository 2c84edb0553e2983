//! Query language, corrections, facets, pages, highlights, suggestions.

use serde_json::json;

use super::{facet, search, titles};
use crate::support::{Client, TestApp};

/// Publishes an insight and returns its id.
async fn publish(client: &Client, title: &str, body: &str, category: &str, tags: &[&str]) -> String {
    let input = json!({ "title": title, "body_markdown": body, "category": category, "tags": tags });
    let created = client.post("/v1/insights", input).await.expect(201);
    client.act(&format!("/v1/insights/{}/publish", created.id()), "*", json!({})).await.expect(200);
    created.id()
}

#[tokio::test]
async fn queries_have_words_phrases_exclusions_and_a_prefix() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    publish(&admin, "Slow queries", "The planner ignored an index on the orders table.", "debugging", &[]).await;
    publish(&admin, "Fast queries", "An index was built; then the orders came in any order by chance.", "debugging", &[]).await;
    publish(&admin, "Caching", "Nothing about databases at all.", "debugging", &[]).await;
    let anyone = app.anonymous();
    for (query, expected) in [
        ("q=orders+index", vec!["Fast queries", "Slow queries"]),
        ("q=%22ignored+an+index%22", vec!["Slow queries"]),
        ("q=%22index+an%22", vec![]),
        ("q=index+-planner", vec!["Fast queries"]),
        ("q=index+-%22built+then%22", vec!["Slow queries"]),
        ("q=-index", vec!["Caching"]),
        ("q=indexes", vec!["Fast queries", "Slow queries"]),
        ("q=databas", vec!["Caching"]),
        ("q=cach", vec!["Caching"]),
        ("q=nowhere", vec![]),
        ("q=", vec![]),
        ("q=%3F%3F", vec![]),
    ] {
        let answer = search(&anyone, query).await;
        let mut results = titles(&answer);
        results.sort();
        assert_eq!(results, expected, "{query}");
        assert_eq!(answer.json()["meta"]["total"], expected.len(), "{query}");
        assert_eq!(answer.json()["meta"]["fuzzy"], false, "{query}");
    }
}

#[tokio::test]
async fn technical_tokens_match_whole_and_split() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let body = "We moved to `io_uring`, wrote C++ and C#, met E0502, sent Content-Type, called `foo::bar`, ran PgBouncer 1.23.0 on .NET.";
    publish(&admin, "Everything technical", body, "debugging", &[]).await;
    publish(&admin, "The letter", "A plain letter c, a bar, a type, a number 23 and io.", "debugging", &[]).await;
    let anyone = app.anonymous();
    for query in [
        "io_uring",
        "uring",
        "C%2B%2B",
        "C%23",
        "E0502",
        "0502",
        "Content-Type",
        "content+type",
        "foo::bar",
        "PgBouncer",
        "pgbouncer",
        "bouncer",
        "1.23.0",
        ".NET",
    ] {
        let results = titles(&search(&anyone, &format!("q={query}")).await);
        assert_eq!(results.first().map(String::as_str), Some("Everything technical"), "{query}: {results:?}");
    }
    // An indexed identifier does not match its letters.
    assert_eq!(titles(&search(&anyone, "q=C%2B%2B").await), ["Everything technical"]);
    let marked = search(&anyone, "q=io_uring").await.json()["data"][0]["highlights"]["body"].as_str().unwrap().to_owned();
    assert!(marked.contains("<mark>io_uring</mark>"), "{marked}");
}

/// Regressions.
#[tokio::test]
async fn queries_with_symbols_match_literally() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    publish(&admin, "C# tips for beginners", "About c sharp.", "debugging", &[]).await;
    publish(&admin, "Modern C++ containers", "Vectors and maps, l'index of 数据库索引.", "debugging", &[]).await;
    publish(&admin, "Net income of a company", "Money, arbre, and we've 数学 in the pool.", "debugging", &[]).await;
    publish(&admin, "Why .NET is fast", "See https://example.com/docs/search/query.rs and qostgresx.", "debugging", &[]).await;
    publish(&admin, "A qost", "Qost itself.", "debugging", &[]).await;
    let anyone = app.anonymous();
    for (query, expected) in [
        ("C++", &["Modern C++ containers"][..]),
        ("C#", &["C# tips for beginners"]),
        ("arbre -l'index", &["Net income of a company"]),
        ("数学 -数据库", &["Net income of a company"]),
        ("数据库", &["Modern C++ containers", "Net income of a company"]),
        ("zzzzqqq -docker", &[]),
        ("foo::quux -docker", &[]),
        ("-#income qost", &["A qost", "Why .NET is fast"]),
        ("\"example.com\"", &["Why .NET is fast"]),
        ("\"docs/search\"", &["Why .NET is fast"]),
        ("l'income ", &["Net income of a company"]),
        ("we've ", &["Net income of a company"]),
        // The last word matches as a prefix while it is typed.
        ("qost", &["A qost", "Why .NET is fast"]),
        ("qostgres", &["Why .NET is fast"]),
    ] {
        let text: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let mut results = titles(&search(&anyone, &format!("q={text}")).await);
        let first = results.first().cloned();
        results.sort();
        assert_eq!(results, expected, "{query}");
        assert_eq!(first.as_deref(), expected.first().copied(), "{query}");
    }
    let dotnet = titles(&search(&anyone, "q=.NET").await);
    assert_eq!(dotnet.first().map(String::as_str), Some("Why .NET is fast"));
    let marked =
        search(&anyone, "q=%E6%95%B0%E6%8D%AE%E5%BA%93").await.json()["data"][0]["highlights"]["body"].as_str().unwrap().to_owned();
    assert!(marked.contains("<mark>数</mark><mark>据</mark><mark>库</mark>"), "{marked}");
}

/// Unusual characters in texts and queries cause no error.
#[tokio::test]
async fn unusual_characters_cause_no_error() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    for (number, space) in ["\u{a0}", "\u{3000}", "\u{2009}", "\u{1F600}", "\u{200b}"].into_iter().enumerate() {
        let body = format!("{}{space}{}{space}{}{space}zebrafish and more", "a".repeat(31), "c".repeat(20), "d".repeat(22));
        publish(&admin, &format!("Odd space {number}"), &body, "debugging", &[]).await;
    }
    let anyone = app.anonymous();
    for query in ["zebrafish%20", "zebra", "%22zebrafish+and%22", "odd+space", "%F0%9F%98%80", "-", "%00", "%22", "a%CC%81"] {
        anyone.get(&format!("/v1/search?q={query}")).await.expect(200);
        anyone.get(&format!("/v1/search/suggestions?q={query}")).await.expect(200);
    }
    assert_eq!(titles(&search(&anyone, "q=zebrafish%20").await).len(), 5);
}

#[tokio::test]
async fn typos_are_corrected_and_reported_except_in_identifiers() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    publish(&admin, "Thundering herd", "A herd of requests met E0502 and 4711 and `max_connections`.", "debugging", &[]).await;
    let anyone = app.anonymous();
    for (query, corrected) in [("thundring+herd", "thundring herd"), ("requsets", "requsets"), ("thudnering ", "thudnering")] {
        let answer = search(&anyone, &format!("q={}", query.replace(' ', "%20"))).await;
        assert_eq!(titles(&answer), ["Thundering herd"], "{query}");
        let meta = &answer.json()["meta"];
        assert_eq!(meta["fuzzy"], true, "{query}");
        assert_ne!(meta["corrected_query"], corrected);
    }
    assert_eq!(search(&anyone, "q=thundring+herd").await.json()["meta"]["corrected_query"], "thundering herd");
    for (query, fuzzy, hits) in [("E0503", false, 0), ("4712", false, 0), ("mxa_connectoins", false, 0), ("hred", true, 1)] {
        let answer = search(&anyone, &format!("q={query}")).await;
        assert_eq!(answer.json()["meta"]["fuzzy"], fuzzy, "{query}");
        assert_eq!(titles(&answer).len(), hits, "{query}: {}", answer.text());
    }
    // An indexed word is never corrected, however rare it is.
    publish(&admin, "Heard", "heard once", "debugging", &[]).await;
    let answer = search(&anyone, "q=heard%20").await;
    assert_eq!((titles(&answer), answer.json()["meta"]["fuzzy"].clone()), (vec!["Heard".to_owned()], json!(false)));
}

#[tokio::test]
async fn accents_and_plurals_are_ignored_in_every_language() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin
        .put("/v1/site", "*", json!({ "name": "S", "title": "T", "default_locale": "en", "locales": ["en", "de", "it"] }))
        .await
        .expect(200);
    let input = json!({
        "title": "A café in Zürich", "body_markdown": "The naïve façade.", "category": "debugging",
        "translations": {
            "de": { "title": "Die Datenbanken", "body_markdown": "Über Schlösser und Straßen." },
            "it": { "title": "Perché gli indici", "body_markdown": "La città è già qui." },
        },
    });
    let created = admin.post("/v1/insights", input).await.expect(201);
    admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", json!({})).await.expect(200);
    publish(&admin, "English only", "Untranslated words about databases.", "debugging", &[]).await;
    let anyone = app.anonymous();
    for (query, title) in [
        ("q=cafe+zurich", "A café in Zürich"),
        ("q=CAFÉS", "A café in Zürich"),
        ("q=naive", "A café in Zürich"),
        ("q=datenbank&locale=de", "Die Datenbanken"),
        ("q=strasse&locale=de-CH", "Die Datenbanken"),
        ("q=schloss&locale=de", "Die Datenbanken"),
        ("q=indice&locale=it", "Perché gli indici"),
        ("q=citta&locale=it-CH", "Perché gli indici"),
        // An insight without a text in the locale is found by its fallback text.
        ("q=untranslated&locale=it", "English only"),
        ("q=database&locale=de", "English only"),
    ] {
        assert_eq!(titles(&search(&anyone, query).await), [title], "{query}");
    }
    // Each insight matches only by the text that the reader is shown.
    for query in ["q=datenbank", "q=cafe&locale=de", "q=zurich&locale=it"] {
        assert!(titles(&search(&anyone, query).await).is_empty(), "{query}");
    }
}

#[tokio::test]
async fn a_facet_applies_all_filters_but_its_own() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    for (title, category, tags) in [
        ("One", "debugging", &["rust", "sql"][..]),
        ("Two", "debugging", &["rust"]),
        ("Three", "infrastructure", &["sql"]),
        ("Four", "infrastructure", &[]),
    ] {
        publish(&admin, title, "common word", category, tags).await;
    }
    let old = admin.create("Old common word").await;
    admin.act(&format!("/v1/insights/{}/publish", old.id()), "*", json!({ "publish_at": "2024-05-01T00:00:00Z" })).await.expect(200);
    let anyone = app.anonymous();
    let pairs = |list: &[(&str, u64)]| list.iter().map(|(a, b)| ((*a).to_owned(), *b)).collect::<Vec<_>>();
    let all = search(&anyone, "q=common").await;
    assert_eq!(facet(&all, "category"), pairs(&[("debugging", 3), ("infrastructure", 2)]));
    assert_eq!(facet(&all, "tag"), pairs(&[("rust", 2), ("sql", 2)]));
    assert_eq!(facet(&all, "year"), pairs(&[("2026", 4), ("2024", 1)]));
    let narrowed = search(&anyone, "q=common&category=debugging").await;
    assert_eq!(facet(&narrowed, "category"), facet(&all, "category"), "a facet ignores its own filter");
    assert_eq!(facet(&narrowed, "tag"), pairs(&[("rust", 2), ("sql", 1)]));
    assert_eq!(narrowed.json()["meta"]["total"], 3);
    let both = search(&anyone, "q=common&category=debugging&tag=sql&published_after=2026-01-01").await;
    assert_eq!((titles(&both), facet(&both, "category")), (vec!["One".to_owned()], pairs(&[("debugging", 1), ("infrastructure", 1)])));
    assert_eq!(facet(&both, "year"), pairs(&[("2026", 1)]));
    for filter in ["author=ada", "tag=nothing", "min_minutes=50", "published_before=2020-01-01"] {
        assert_eq!(search(&anyone, &format!("q=common&{filter}")).await.json()["meta"]["total"], 0, "{filter}");
    }
    // Facets show the new name of a category at once.
    admin.patch("/v1/categories/debugging", "*", json!({ "name": "Bug hunting", "slug": "bug-hunting" })).await.expect(200);
    let renamed = search(&anyone, "q=common").await;
    assert_eq!(facet(&renamed, "category")[0].0, "bug-hunting");
    assert_eq!(search(&anyone, "q=common&category=bug-hunting").await.json()["meta"]["total"], 3);
}

#[tokio::test]
async fn pages_contain_every_hit_once() {
    let app = TestApp::with_terms().await;
    let corpus = super::generate::corpus(700, 40, app.now().0);
    let tags: Vec<String> = corpus.tags.iter().map(|tag| format!("t-{tag}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let mut entries = corpus.entries;
    for entry in &mut entries {
        entry.text.push_str(" everywhere");
    }
    super::corpus::fill(app.store(), &entries, &["Seeded"], &tags).await;
    // Written without log rows: only a rebuild indexes them.
    let restarted = app.restart_without_index().await;
    let anyone = restarted.anonymous();
    let (mut ids, mut scores) = (Vec::new(), Vec::new());
    let mut path = "/v1/search?q=everywhere&limit=37".to_owned();
    loop {
        let answer = anyone.get(&path).await.expect(200);
        ids.extend(answer.each("insight").iter().map(|insight| insight["id"].as_str().unwrap().to_owned()));
        scores.extend(answer.each("score").iter().map(|score| score.as_f64().unwrap()));
        assert_eq!(answer.json()["meta"]["total"], 700);
        match answer.json()["page"]["next_cursor"].as_str() {
            Some(next) => path = format!("/v1/search?q=everywhere&limit=37&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids.len(), 700);
    assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "scores rise");
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 700, "a page repeats a row");
    // The previous page.
    let second = anyone.get("/v1/search?q=everywhere&limit=100").await.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
    let page = anyone.get(&format!("/v1/search?q=everywhere&limit=100&cursor={second}")).await.expect(200);
    let previous = page.json()["page"]["prev_cursor"].as_str().unwrap().to_owned();
    assert_eq!(page.each("insight")[0]["id"], ids[100]);
    let first = anyone.get(&format!("/v1/search?q=everywhere&limit=100&cursor={previous}")).await.expect(200);
    assert_eq!(first.each("insight")[0]["id"], ids[0]);
    anyone.get(&format!("/v1/search?q=other&limit=100&cursor={second}")).await.problem(400, "invalid-cursor");
    anyone.get(&format!("/v1/search?q=everywhere&limit=37&tag=x&cursor={second}")).await.problem(400, "invalid-cursor");
}

#[tokio::test]
async fn highlights_are_escaped_and_explanations_need_a_scope() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let body = "First some words.\n\n```\n<script>alert('needle')</script>\n```\n\nAnd & more.";
    publish(&admin, "A <b>needle</b> & \"thread\"", body, "debugging", &[]).await;
    let anyone = app.anonymous();
    let answer = search(&anyone, "q=needle").await;
    let highlights = answer.json()["data"][0]["highlights"].clone();
    assert_eq!(highlights["title"], "A &lt;b&gt;<mark>needle</mark>&lt;/b&gt; &amp; &quot;thread&quot;");
    let body = highlights["body"].as_str().unwrap();
    assert!(body.contains("&lt;script&gt;alert(&#39;<mark>needle</mark>&#39;)&lt;/script&gt;"), "{body}");
    anyone.get("/v1/search?q=needle&explain=true").await.problem(401, "unauthenticated");
    let other = app.with_token(&app.machine_token(&[insights::domain::authority::Scope::WebhooksManage]).await);
    other.get("/v1/search?q=needle&explain=true").await.problem(403, "insufficient-scope");
    let explained = admin.get("/v1/search?q=needle&explain=true").await.expect(200).json();
    let explanation = &explained["data"][0]["explanation"];
    let part = |name: &str| explanation[name].as_f64().unwrap();
    let score = (part("stems") + part("spellings") + part("neighbours")) * (1.0 + part("title")) * (1.0 + part("recency"));
    assert!((score - explained["data"][0]["score"].as_f64().unwrap()).abs() < 0.001, "{explained}");
}

#[tokio::test]
async fn the_etag_does_not_depend_on_the_time_taken() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    publish(&admin, "Validated", "a text", "debugging", &[]).await;
    let anyone = app.anonymous();
    let first = search(&anyone, "q=validated").await;
    assert_eq!(search(&anyone, "q=validated").await.etag(), first.etag());
    anyone.get_with("/v1/search?q=validated", &[("if-none-match", &first.etag())]).await.expect(304);
    publish(&admin, "Validated again", "a text", "debugging", &[]).await;
    assert_ne!(search(&anyone, "q=validated").await.etag(), first.etag());
    anyone.get("/v1/search").await.problem(400, "invalid-parameter");
    anyone.get(&format!("/v1/search?q={}", "ä".repeat(2_001))).await.problem(400, "invalid-parameter");
    anyone.get("/v1/search?q=x&sort=title").await.problem(400, "unknown-parameter");
}

#[tokio::test]
async fn suggestions_complete_titles_and_headings() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    publish(&admin, "Cache without a lock", "Text.\n\n## Thundering herds\n\nMore.\n\n## Cache keys\n\nEnd.", "debugging", &[]).await;
    publish(&admin, "Why the cache was cold", "Text.", "debugging", &[]).await;
    let anyone = app.anonymous();
    let texts = |query: &'static str| {
        let anyone = anyone.clone();
        async move {
            let answer = anyone.get(&format!("/v1/search/suggestions?q={query}")).await.expect(200);
            let fuzzy = answer.json()["meta"]["fuzzy"].as_bool().unwrap();
            (answer.each("text").iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>(), fuzzy)
        }
    };
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(texts("cac").await, (list(&["Cache without a lock", "Cache keys", "Why the cache was cold"]), false));
    assert_eq!(texts("cache+wi").await, (list(&["Cache without a lock"]), false));
    assert_eq!(texts("herd").await, (list(&["Thundering herds"]), false));
    assert_eq!(texts("thunedr").await, (list(&["Thundering herds"]), true));
    assert_eq!(texts("").await, (vec![], false));
    assert_eq!(texts("xyz").await, (vec![], false));
    let heading = anyone.get("/v1/search/suggestions?q=thund").await.json()["data"][0].clone();
    assert_eq!((heading["kind"].as_str(), heading["anchor"].as_str()), (Some("heading"), Some("thundering-herds")));
}
