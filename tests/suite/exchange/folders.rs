//! `insights import` and `insights export` on folders that people keep: links, files that want to be the same insight.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::run;
use crate::cli::{insights, said};
use crate::support::TestApp;

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap()
}

/// An export writes into its folder and nowhere else, wherever links in it lead.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_follows_no_link() {
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
    let told = run(folder.path(), &url, &["export", out, "--replace"]);
    assert!(told.contains("1 written, 1 removed"), "{told}");
    assert!(fs::symlink_metadata(&plain).unwrap().is_file() && fs::read(&plain).unwrap() == text, "the link is replaced");
    for name in ["kept.md", "target.md"] {
        assert_eq!(fs::read_to_string(outside.join(name)).unwrap(), "theirs");
    }
    assert!(!root.join("insights/stale.md").exists() && !root.join("insights/plain.md.unfinished").exists());
    // A folder that is a link could lead anywhere.
    fs::remove_dir_all(root.join("insights")).unwrap();
    symlink(&outside, root.join("insights")).unwrap();
    let output = insights(folder.path(), &url).args(["export", out, "--replace"]).output().unwrap();
    assert!(!output.status.success() && said(&output).contains("is a link"), "{}", said(&output));
    assert_eq!(names(&outside), ["kept.md", "target.md"]);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
