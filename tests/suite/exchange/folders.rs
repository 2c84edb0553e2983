//! `insights import` and `insights export` on folders with symbolic links, and with files that claim the same slug.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use super::run;
use crate::cli::{insights, said};
use crate::support::TestApp;

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap()
}

/// An export writes only into its folder, wherever links in it point.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_follows_no_symbolic_link() {
    let (app, url) = TestApp::with_terms_at().await;
    app.admin().await.publish("Plain").await;
    let folder = folder();
    let (root, outside) = (folder.path().join("out"), folder.path().join("outside"));
    let out = root.to_str().unwrap();
    run(folder.path(), &url, &["export", out]);
    fs::create_dir(&outside).unwrap();
    for name in ["kept.md", "target.md"] {
        fs::write(outside.join(name), "theirs").unwrap();
    }
    let plain = root.join("insights/plain.md");
    let text = fs::read(&plain).unwrap();
    symlink(&outside, root.join("insights/away")).unwrap();
    symlink(".", root.join("insights/circle")).unwrap();
    symlink(outside.join("kept.md"), root.join("insights/link.md")).unwrap();
    fs::remove_file(&plain).unwrap();
    symlink(outside.join("target.md"), &plain).unwrap();
    fs::write(root.join("insights/stale.md"), "old").unwrap();
    fs::write(root.join("insights/plain.md.unfinished"), "broken off").unwrap();
    let output = run(folder.path(), &url, &["export", out, "--replace"]);
    assert!(output.contains("1 written, 1 removed"), "{output}");
    assert!(fs::symlink_metadata(&plain).unwrap().is_file() && fs::read(&plain).unwrap() == text, "the link is replaced");
    for name in ["kept.md", "target.md"] {
        assert_eq!(fs::read_to_string(outside.join(name)).unwrap(), "theirs");
    }
    assert!(!root.join("insights/stale.md").exists() && !root.join("insights/plain.md.unfinished").exists());
    // A folder that is a link could point anywhere.
    fs::remove_dir_all(root.join("insights")).unwrap();
    symlink(&outside, root.join("insights")).unwrap();
    let output = insights(folder.path(), &url).args(["export", out, "--replace"]).output().unwrap();
    assert!(!output.status.success() && said(&output).contains("is a link"), "{}", said(&output));
    assert_eq!(names(&outside), ["kept.md", "target.md"]);
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
}

/// The output of `insights import`, with any exit code.
fn import(data: &Path, url: &str, path: &Path) -> String {
    said(&insights(data, url).arg("import").arg(path).output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_with_one_slug_become_two_insights() {
    let (app, url) = TestApp::with_terms_at().await;
    let admin = app.admin().await;
    let kept = admin.publish("Kept").await.id();
    let folder = folder();
    let root = folder.path().join("in");
    let exported = format!("---\nid: {kept}\nslug: kept\ntitle: Kept\ncategory: debugging\n---\n\nExported.\n");
    write(
        &root,
        &[
            ("a/one.md", "---\nslug: clash\n---\nFirst article\n"),
            ("b/two.md", "---\nslug: clash\n---\nSecond article\n"),
            ("b/clash.md", "Third article\n"),
            ("a/other.md", "---\nslug: kept\n---\nNot that one.\n"),
            ("insights/kept.md", &exported),
            ("z/copy.md", &exported),
        ],
    );
    let output = import(folder.path(), &url, &root);
    assert!(output.contains("4 created, 1 updated, 0 unchanged, 1 failed"), "{output}");
    assert!(output.contains("failed: z/copy.md: has the same id as insights/kept.md"), "{output}");
    assert!(output.contains("note slug-shared: 3 time(s)"), "{output}");
    for (slug, text) in [("clash", "First"), ("two", "Second"), ("other", "Not that one."), ("kept", "Exported.")] {
        let body = admin.get(&format!("/v1/insights/{slug}")).await.expect(200).json()["body"]["markdown"].to_string();
        assert!(body.contains(text), "{slug}: {body}");
    }
    for _ in 0..2 {
        let output = import(folder.path(), &url, &root);
        assert!(output.contains("0 created, 0 updated, 5 unchanged, 1 failed"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_items_of_a_foreign_export_with_one_slug_become_two_insights() {
    let (app, url) = TestApp::with_terms_at().await;
    let folder = folder();
    let item = |id: u8, kind: &str| {
        format!(
            "<item><title>T{id}</title><content:encoded>Text {id}</content:encoded><wp:post_id>{id}</wp:post_id><wp:post_name>dup</wp:post_name>\
             <wp:post_type>{kind}</wp:post_type><wp:status>publish</wp:status></item>"
        )
    };
    let wordpress = format!("<rss><channel>{}{}{}</channel></rss>", item(1, "post"), item(2, "page"), item(3, "post"));
    let post = |id: &str, kind: &str| json!({ "id": id, "title": id, "slug": "twin", "html": format!("<p>{id}</p>"), "type": kind, "status": "published" });
    let ghost = json!({ "data": { "posts": [post("g1", "post"), post("g2", "page"), post("g3", "post")] } });
    write(folder.path(), &[("wp.xml", &wordpress), ("ghost.json", &format!("\u{feff}{ghost}"))]);
    for file in ["wp.xml", "ghost.json"] {
        let output = import(folder.path(), &url, &folder.path().join(file));
        assert!(output.contains("3 created, 0 updated, 0 unchanged, 0 failed") && output.contains("slug-shared: 2"), "{output}");
        let output = import(folder.path(), &url, &folder.path().join(file));
        assert!(output.contains("0 created, 0 updated, 3 unchanged, 0 failed"), "{output}");
    }
    for (slug, title) in [("dup", "T1"), ("dup-page", "T2"), ("dup-3", "T3"), ("twin", "g1"), ("twin-page", "g2"), ("twin-g3", "g3")] {
        assert_eq!(app.admin().await.get(&format!("/v1/insights/{slug}")).await.expect(200).json()["title"], title);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
