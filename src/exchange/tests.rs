//! Front matter of real sites, and round trips from lines to files and back.

mod guesses;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::domain::draft::Draft;
use crate::domain::slug::Slug;
use crate::exchange::folder::{ReadResult, plan, read};
use crate::exchange::{ConvertedLine, write};

fn default_category() -> Slug {
    Slug::parse("general").unwrap()
}

/// Plans and reads every unit of a folder.
fn read_all(files: &[(String, String)]) -> Vec<Result<ReadResult, String>> {
    let paths: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
    let text = |path: &str| files.iter().find(|(p, _)| p == path).map(|(_, text)| text.clone()).unwrap();
    plan(&paths, "en").units.iter().map(|unit| read(unit, unit.paths().map(text).collect(), &default_category())).collect()
}

fn lines(files: &[(&str, &str)]) -> Vec<ConvertedLine> {
    let files: Vec<(String, String)> = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    read_all(&files)
        .into_iter()
        .map(|read| match read {
            Ok(ReadResult::Line(line)) => line,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn codes(line: &ConvertedLine) -> Vec<&str> {
    line.notes.iter().map(|note| note.code).collect()
}

/// The writable fields of a line pass the validation of a draft.
fn assert_valid(item: &Value) {
    let writable: Map<String, Value> = item
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| crate::domain::draft::FIELDS.contains(&name.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    Draft::parse(writable.into()).unwrap_or_else(|e| panic!("{item}: {e:?}"));
}

#[test]
fn a_jekyll_post() {
    let text = "---\nlayout: post\ntitle:  \"Welcome to Jekyll!\"\ndate:   2015-11-17 16:16:01 -0600\ncategories: jekyll update\ntags: [Ruby, web]\nauthor: Jane Doe\nredirect_from:\n  - /old/welcome.html\n---\nYou'll find this post in `_posts`.\n\n{% highlight ruby %}\nputs 1\n{% endhighlight %}\n";
    let line = &lines(&[("_posts/2015-11-17-welcome-to-jekyll.markdown", text)])[0];
    let expected = json!({
        "slug": "welcome-to-jekyll", "title": "Welcome to Jekyll!",
        "body_markdown": "You'll find this post in `_posts`.\n\n{% highlight ruby %}\nputs 1\n{% endhighlight %}\n",
        "category": "jekyll", "tags": ["ruby", "web", "update"], "authors": ["jane-doe"], "extra": { "layout": "post" },
        "status": "published", "published_at": "2015-11-17T22:16:01Z", "aliases": ["welcome"],
        "terms": { "tags": [{ "slug": "ruby", "name": "Ruby" }], "authors": [{ "slug": "jane-doe", "name": "Jane Doe" }] }
    });
    assert_eq!(line.item, expected);
    assert_eq!(codes(line), ["categories-to-tags", "alias-path-lost", "liquid-tags"]);
    assert_valid(&line.item);
}

#[test]
fn a_hugo_bundle_with_a_translation() {
    let main = "+++\ntitle = 'Ship It'\ndate = 2023-03-01\npublishDate = 2023-03-02T08:00:00+01:00\ndraft = false\ndescription = \" Short. \"\naliases = ['/posts/ship/']\ncategories = ['Dev Ops']\nweight = 10\n[cover]\nimage = 'a.png'\n+++\n\n{{< figure src=\"a.png\" >}}\n";
    let it = "+++\ntitle = 'Spediscilo'\ndate = 2023-03-01\nweight = 11\n+++\nCiao\n";
    let line = &lines(&[("blog/ship-it/index.md", main), ("blog/ship-it/index.it.md", it)])[0];
    let expected = json!({
        "slug": "ship-it", "title": "Ship It", "excerpt": "Short.", "body_markdown": "{{< figure src=\"a.png\" >}}\n", "category": "dev-ops",
        "extra": { "cover": { "image": "a.png" }, "date": "2023-03-01", "weight": 10 },
        "translations": { "it": { "title": "Spediscilo", "body_markdown": "Ciao\n" } },
        "status": "published", "published_at": "2023-03-02T08:00:00+01:00", "aliases": ["ship"],
        "terms": { "category": { "slug": "dev-ops", "name": "Dev Ops" } }
    });
    assert_eq!(line.item, expected);
    assert_eq!(codes(line), ["alias-path-lost", "hugo-shortcodes", "translation-keys-lost"]);
    assert_valid(&line.item);
}

#[test]
fn a_site_in_language_folders() {
    let found = lines(&[
        ("en/guides/cache.md", "---\ntitle: Caches\n---\nOne.\n"),
        ("en/guides/_index.md", "---\ntitle: Guides\n---\n"),
        ("en/index.md", "---\ntitle: Start\n---\nHello.\n"),
        ("it/guides/cache.md", "---\ntitle: Cache\n---\nUno.\n"),
        ("it/guides/_index.md", "---\ntitle: Guide\n---\n"),
        ("it/guides/only.md", "---\ntitle: Solo\n---\nSolo qui.\n"),
    ]);
    let items: Vec<&Value> = found.iter().map(|line| &line.item).collect();
    let [section, cache, start, only] = items[..] else { panic!("{items:#?}") };
    assert_eq!((&section["name"], &section["translations"]["it"]["name"]), (&json!("Guides"), &json!("Guide")));
    assert_eq!((&cache["slug"], &cache["category"], &cache["locale"]), (&json!("cache"), &json!("guides"), &json!("en")));
    assert_eq!(cache["translations"], json!({ "it": { "title": "Cache", "body_markdown": "Uno.\n" } }));
    assert_eq!((&start["slug"], &start["category"]), (&json!("index"), &json!("general")));
    assert_eq!((&only["slug"], &only["locale"], &only["body_markdown"]), (&json!("only"), &json!("it"), &json!("Solo qui.\n")));
}

#[test]
fn pictures_with_the_same_paths_are_no_evidence_of_languages() {
    let paths = ["it/servers.md", "it/a.png", "it/b.png", "hr/people.md", "hr/a.png", "hr/b.png"].map(str::to_owned);
    let found = plan(&paths, "en").units;
    assert_eq!(found.iter().map(|unit| unit.folder.as_deref().unwrap()).collect::<Vec<_>>(), ["hr", "it"]);
}

#[test]
fn an_astro_post_with_little_front_matter() {
    let text = "---\npubDate: 'Jul 08 2022'\nheroImage: '/x.jpg'\ndraft: true\n---\nimport A from '../A.astro';\n\n# First post\n\n<A />\n";
    let line = &lines(&[("src/First Post.mdx", text)])[0];
    assert_eq!(
        (&line.item["slug"], &line.item["title"], &line.item["category"]),
        (&json!("first-post"), &json!("First post"), &json!("src"))
    );
    assert_eq!((&line.item["status"], &line.item["published_at"]), (&json!("draft"), &json!("2022-07-08T00:00:00Z")));
    assert_eq!(
        codes(line),
        ["slug-derived", "title-from-heading", "category-from-folder", "date-of-draft", "mdx-modules", "jsx-components"]
    );
    assert_valid(&line.item);
}

#[test]
fn single_fields_of_front_matter() {
    for (path, front, field, expected) in [
        ("a/x.md", "published: false", "status", json!("draft")),
        ("a/_drafts/x.md", "", "status", json!("draft")),
        ("x.md", "", "category", json!("general")),
        ("x.md", "title: 2024", "title", json!("2024")),
        ("my-post.md", "", "title", json!("My post")),
        ("x.md", "id: hello", "extra", json!({ "id": "hello" })),
        ("x.md", "lang: de-at", "locale", json!("de-AT")),
        ("x.md", "status: new", "extra", json!({ "status": "new" })),
        ("x.md", "keywords: a b, c", "tags", json!(["a-b", "c"])),
        ("x.md", "taxonomies: {tags: [q]}", "tags", json!(["q"])),
        ("x.md", "author: {name: Ada L, email: a@b}", "extra", json!({ "author": { "name": "Ada L", "email": "a@b" } })),
        ("x.md", "slug: /2020/My_Post/", "slug", json!("my-post")),
        ("x.md", "expiryDate: 2030-01-01", "unpublish_at", json!("2030-01-01T00:00:00Z")),
        ("x.md", "canonical: https://a.example/x", "canonical_url", json!("https://a.example/x")),
        ("x.md", "canonical_url: /x", "extra", json!({ "canonical_url": "/x" })),
        ("x.md", "seo: {title: S, robots: no}", "seo", json!({ "title": "S" })),
        ("x.md", "extra: [1]", "extra", json!({ "extra": [1] })),
    ] {
        let line = &lines(&[(path, &format!("---\n{front}\n---\nText\n"))])[0];
        assert_eq!(line.item[field], expected, "{path} {front}: {line:?}");
        assert_valid(&line.item);
    }
    let long = format!("---\ntitle: {}\ndescription: {}\n---\nText", "word ".repeat(60), "long ".repeat(200));
    let line = &lines(&[("x.md", &long)])[0];
    assert_eq!(codes(line)[..2], ["title-cut", "excerpt-cut"]);
    assert_valid(&line.item);
}

#[test]
fn every_path_is_in_a_unit_or_skipped() {
    let paths = [
        "a/x.md",
        "a/x.it.md",
        "a/x.IT.md",
        "b/x.md",
        "vue.js.md",
        "only.de.md",
        "only.it.md",
        ".git/a.md",
        "a.txt",
        "b/index.md",
        "tags/rust/_index.md",
        "a/_index.md",
        "_index.md",
        "c/d/_index.md",
        "insights/k.md",
        "_drafts/k.md",
        "_drafts/k.it.md",
        "_drafts/l.md",
        "a/x.md",
    ];
    let paths: Vec<String> = paths.map(str::to_owned).to_vec();
    let plan = plan(&paths, "en");
    let units: Vec<(String, usize)> = plan.units.iter().map(|unit| (unit.slug.clone(), unit.files.len())).collect();
    let expected =
        [("l", 1), ("index", 1), ("a", 1), ("a-x", 2), ("b", 1), ("b-x", 1), ("c-d", 1), ("k", 3), ("only", 2), ("rust", 1), ("vue-js", 1)];
    assert_eq!(units, expected.map(|(slug, n)| (slug.to_owned(), n)));
    let skipped: Vec<&str> = plan.skipped.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(skipped, [".git/a.md", "a.txt", "a/x.it.md", "a/x.md"]);
    assert_eq!(plan.units.iter().map(|unit| unit.files.len()).sum::<usize>() + skipped.len(), paths.len());
}

#[test]
fn index_files_are_terms_or_insights_or_skipped() {
    let all = lines(&[
        ("blog/_index.md", "---\ntitle: The Blog\ndescription: About.\n---\nlost\n"),
        ("x/tags/rust/_index.md", "---\ntitle: Rust\n---\n\nA language.\n"),
        ("x/tags/rust/_index.it.md", "---\ntitle: Rust!\n---\n\nUna lingua.\n"),
        ("docs/deep/_index.md", "---\ntitle: Deep\n---\nText\n"),
    ]);
    assert_eq!(all[0].item, json!({ "kind": "category", "slug": "blog", "name": "The Blog", "description": "About." }));
    assert_eq!(codes(&all[0]), ["section-body-lost"]);
    assert_eq!(all[1].item["slug"], json!("docs-deep"));
    let rust = json!({ "kind": "tag", "slug": "rust", "name": "Rust", "description": "A language.", "translations": { "it": { "name": "Rust!", "description": "Una lingua." } } });
    assert_eq!(all[2].item, rust);
    let skipped = read_all(&[("a/b/_index.md".to_owned(), "---\ntitle: x\n---\n".to_owned())]);
    assert!(matches!(skipped[0], Ok(ReadResult::Skipped(_))));
}

#[test]
fn an_error_names_the_file() {
    for (path, text, says) in [
        ("a.md", "---\ntitle: x\n---\n \n", "a.md: there is no text"),
        ("a.md", "---\ntitle: [\n---\nx", "a.md: the YAML"),
        ("a.md", "", "no text"),
    ] {
        let error = read_all(&[(path.to_owned(), text.to_owned())]).remove(0).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

fn slugs(max: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("[a-z0-9]{1,8}(-[a-z0-9]{1,4}){0,2}", 0..max).prop_map(|set| set.into_iter().collect())
}

fn some_text(max: usize) -> impl Strategy<Value = String> {
    let texts = prop_oneof![
        "\\PC{1,40}",
        prop::collection::vec(any::<char>(), 1..60).prop_map(|c| c.into_iter().collect::<String>()),
        "(\r?\n|---|\\+\\+\\+|[a-z# \t]){1,30}"
    ];
    let texts = texts.prop_map(|text| text.replace('\0', ""));
    texts.prop_filter("a text must not be blank", move |text| !crate::exchange::is_blank(text) && text.chars().count() <= max)
}

fn some_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        "\\PC{0,10}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,8}", inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
        ]
    })
}

fn some_extra() -> impl Strategy<Value = Value> {
    let key = prop_oneof!["\\PC{1,8}".prop_map(|k| k), Just("title".to_owned()), Just("date".to_owned()), Just("<<".to_owned())];
    prop::collection::vec((key, some_json()), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
}

/// An object of the fields that are not empty.
fn object(fields: Vec<(&str, Value)>) -> Value {
    let mut item = Map::new();
    for (name, value) in fields {
        crate::exchange::set(&mut item, name, value);
    }
    item.into()
}

fn option<T: Into<Value> + std::fmt::Debug>(some: impl Strategy<Value = T>) -> impl Strategy<Value = Value> {
    prop::option::of(some).prop_map(|value| value.map_or(Value::Null, Into::into))
}

fn local_text() -> impl Strategy<Value = Value> {
    (some_text(200), option(some_text(600)), some_text(5_000))
        .prop_map(|(title, excerpt, body)| object(vec![("title", title.into()), ("excerpt", excerpt), ("body_markdown", body.into())]))
}

fn some_locale() -> impl Strategy<Value = String> {
    prop_oneof!["it|it-CH|de|zh-Hant-TW", "[a-z]{2,3}"].prop_filter("a tag", |tag| crate::domain::locale::Locale::parse(tag).is_some())
}

fn writable() -> impl Strategy<Value = Value> {
    let url = || option("https://[a-z]{1,9}\\.example/[a-z?=&%20-]{0,3}".prop_filter("a URL", |u| crate::domain::text::url(u).is_ok()));
    let seo = (option(some_text(200)), option(some_text(600)), url())
        .prop_map(|(t, d, i)| object(vec![("title", t), ("description", d), ("image_url", i)]));
    let translations =
        prop::collection::btree_map(some_locale(), local_text(), 0..3).prop_map(|map| Value::Object(map.into_iter().collect()));
    let slug = "[a-z]{1,8}(-[a-z0-9]{1,4}){0,2}";
    (local_text(), slug, slugs(4), slugs(3), option(1_i64..600), url(), seo, some_extra(), translations).prop_map(
        |(text, category, tags, authors, minutes, url, seo, extra, translations)| {
            let mut item = text;
            for (name, value) in [
                ("category", category.into()),
                ("tags", tags.into()),
                ("authors", authors.into()),
                ("reading_minutes", minutes),
                ("canonical_url", url),
                ("seo", seo),
                ("extra", extra),
                ("translations", translations),
            ] {
                crate::exchange::set(item.as_object_mut().unwrap(), name, value);
            }
            item
        },
    )
}

fn some_line() -> impl Strategy<Value = Value> {
    let slug = || {
        prop_oneof![
            "[a-z]{1,8}(-[a-z0-9]{1,4}){0,2}",
            Just("index".to_owned()),
            Just("2024-01-05-x".to_owned()),
            Just("untitled".to_owned())
        ]
    };
    let moment = || option((0_i64..4_000_000_000_000).prop_map(|ms| crate::domain::clock::Timestamp(ms).rfc3339()));
    let id = option(any::<u128>().prop_map(|n| uuid::Uuid::from_u128(n).to_string()));
    let draft = prop::option::of((writable(), prop::option::of(slug())));
    let times = (moment(), moment(), moment());
    (writable(), slug(), id, any::<bool>(), option(some_locale()), times, slugs(3), draft).prop_map(
        |(mut item, slug, id, published, locale, (published_at, unpublish_at, first_published_at), aliases, draft)| {
            let fields = item.as_object_mut().unwrap();
            let aliases: Vec<String> = aliases.into_iter().filter(|alias| *alias != slug).collect();
            for (name, value) in [
                ("id", id),
                ("slug", slug.into()),
                ("locale", locale),
                ("published_at", published_at),
                ("unpublish_at", unpublish_at),
                ("first_published_at", first_published_at),
                ("aliases", aliases.into()),
            ] {
                crate::exchange::set(fields, name, value);
            }
            fields.insert("status".to_owned(), if published { "published" } else { "draft" }.into());
            if let Some((mut draft, slug)) = draft.filter(|_| published) {
                crate::exchange::set(draft.as_object_mut().unwrap(), "slug", slug.into());
                fields.insert("draft".to_owned(), draft);
            }
            item
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_line_round_trips_through_its_files(line in some_line()) {
        let files = write::files(&line);
        let read = read_all(&files);
        prop_assert_eq!(read.len(), 1, "{:?}", files);
        let Ok(ReadResult::Line(back)) = &read[0] else { return Err(TestCaseError::fail(format!("{:?}", read[0]))) };
        prop_assert_eq!(&back.item, &line);
        prop_assert_eq!(write::files(&back.item), files);
    }

    #[test]
    fn a_term_round_trips_through_its_files(
        kind in "category|tag|author", slug in "[a-z]{1,8}(-[a-z0-9]{1,4}){0,2}", name in some_text(100), description in option(some_text(2_000)),
        translations in prop::collection::btree_map(some_locale(), (some_text(100), option(some_text(2_000))), 0..3),
    ) {
        let texts: Map<String, Value> = translations.into_iter().map(|(l, (n, d))| (l, object(vec![("name", n.into()), ("description", d)]))).collect();
        let line = object(vec![("kind", kind.into()), ("slug", slug.into()), ("name", name.into()), ("description", description), ("translations", texts.into())]);
        let files = write::term_file(&line);
        let read = read_all(&files);
        let Ok(ReadResult::Line(back)) = &read[0] else { return Err(TestCaseError::fail(format!("{:?}", read[0]))) };
        prop_assert_eq!(&back.item, &line);
        prop_assert_eq!(write::term_file(&back.item), files);
    }

    #[test]
    fn no_folder_causes_a_panic(files in prop::collection::vec(("[a-z_./-]{0,12}\\.(md|mdx|it\\.md|txt)", "(---|\\+\\+\\+|\\{|\n|[a-z]+: |\\PC){0,60}"), 0..6)) {
        let mut files = files;
        files.sort();
        files.dedup_by(|a, b| a.0 == b.0);
        let paths: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
        let plan = plan(&paths, "en");
        prop_assert_eq!(plan.units.iter().map(|unit| unit.files.len()).sum::<usize>() + plan.skipped.len(), paths.len());
        read_all(&files);
    }
}
