//! Ambiguous front matter and file names with dots: a draft rather than something public, an insight rather than a translation.

use serde_json::json;

use crate::exchange::tests::{assert_valid, codes, lines, plan};

#[test]
fn anything_that_may_mean_draft_is_a_draft() {
    for (front, status, noted) in [
        ("draft: yes", "draft", ""),
        ("draft: On", "draft", ""),
        ("draft: \"true\"", "draft", ""),
        ("draft: 1", "draft", ""),
        ("draft: No\npublished: Y", "published", ""),
        ("draft:\npublished: ''", "published", ""),
        ("draft: maybe", "draft", "status-unknown"),
        ("draft: [true]", "draft", "status-unknown"),
        ("published: no", "draft", ""),
        ("published: OFF", "draft", ""),
        ("published: 0", "draft", ""),
        ("published: \"false\"", "draft", ""),
        ("published: 2020-01-01", "published", ""),
        ("published: soon", "draft", "status-unknown"),
        ("status: ' Draft '", "draft", ""),
        ("status: Published", "published", ""),
        ("status: publish\ndraft: true", "draft", ""),
        ("status: private", "draft", "status-unknown"),
        ("status: pending", "draft", "status-unknown"),
        ("draft: true\ndate: 2024-01-05", "draft", "date-of-draft"),
        ("draft: true\nexpiryDate: 2024-01-05", "draft", "date-of-draft"),
        ("date: soon", "published", "date-unreadable"),
    ] {
        let line = &lines(&[("x.md", &format!("---\ntitle: T\ncategory: c\n{front}\n---\nText\n"))])[0];
        assert_eq!((line.item["status"].as_str().unwrap(), codes(line).join(" ").as_str()), (status, noted), "{front}");
        assert_valid(&line.item);
    }
    let toml = &lines(&[("x.md", "+++\ntitle = 'T'\ncategory = 'c'\ndraft = 'Yes'\n+++\nText\n")])[0];
    assert_eq!((&toml.item["status"], codes(toml).len()), (&json!("draft"), 0));
    let kept = &lines(&[("x.md", "---\nstatus: private\n---\nText\n")])[0];
    assert_eq!(kept.item["extra"], json!({ "status": "private" }));
}

#[test]
fn a_draft_translation_of_a_published_file_is_left_out() {
    let main = |draft: &str| format!("---\ntitle: T\ncategory: c\n{draft}---\nText\n");
    let translation = "---\ntitle: U\ndraft: yes\n---\nTesto\n";
    let public = &lines(&[("x.md", &main("")), ("x.it.md", translation)])[0];
    assert_eq!((public.item.get("translations"), codes(public)), (None, vec!["translation-draft"]));
    let hidden = &lines(&[("x.md", &main("draft: true\n")), ("x.it.md", translation)])[0];
    assert_eq!((&hidden.item["translations"]["it"]["title"], codes(hidden).len()), (&json!("U"), 0));
}

#[test]
fn only_existing_languages_are_translations() {
    let paths = [
        "p/faq.md",
        "p/faq.old.md",
        "p/faq.de.md",
        "p/faq.gsw.md",
        "p/node.md",
        "p/node.js.md",
        "asp.net.md",
        "asp.md",
        "p/post.bak.md",
        "p/post.md",
    ];
    let units = plan(&paths.map(str::to_owned), "en").units;
    let found: Vec<(&str, usize)> = units.iter().map(|unit| (unit.slug.as_str(), unit.files.len())).collect();
    let expected = [("asp", 1), ("asp-net", 1), ("faq", 3), ("faq-old", 1), ("node-js", 1), ("node", 1), ("post-bak", 1), ("post", 1)];
    assert_eq!(found, expected);
    let exported = ["insights/x.md", "insights/x.qaa.md", "tags/t/_index.md", "tags/t/_index.qaa.md"];
    assert_eq!(plan(&exported.map(str::to_owned), "en").units.iter().map(|unit| unit.files.len()).collect::<Vec<_>>(), [2, 2]);
}
