//! The house stands as it is drawn: imports only go down, and no file or room outgrows its reader.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Rooms, highest first. A room may import itself and what is listed for it, nothing else.
const MAY_IMPORT: [(&str, &[&str]); 9] = [
    ("main", &["cli"]),
    ("cli", &["app", "config", "domain", "editorial", "http", "projections", "store", "telemetry"]),
    ("app", &["config", "domain", "editorial", "http", "projections", "store"]),
    ("telemetry", &["config"]),
    ("config", &["domain"]),
    ("http", &["domain", "editorial", "projections", "store"]),
    ("editorial", &["domain", "store"]),
    ("projections", &["domain", "store"]),
    ("store", &["domain"]),
];

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

fn room(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

#[test]
fn imports_only_go_down() {
    let (import, by_name) = (Regex::new(r"\bcrate::([a-z_]+)").unwrap(), Regex::new(r"use insights::([a-z_]+)").unwrap());
    let mut wrong = Vec::new();
    for path in sources("src") {
        let room = room(&path);
        let allowed = MAY_IMPORT.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, rooms)| rooms);
        let text = fs::read_to_string(&path).unwrap();
        for found in import.captures_iter(&text).chain(by_name.captures_iter(&text)) {
            let target = &found[1];
            if target != room && !allowed.contains(&target) {
                wrong.push(format!("{}: {room} imports {target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_store_knows_the_database_and_only_http_knows_the_web() {
    for (word, homes) in [
        ("sea_orm", &["store"][..]),
        ("sqlx", &["store"]),
        ("actix_web", &["http", "app", "main"]),
        ("utoipa", &["http"]),
        ("tantivy", &["projections"]),
    ] {
        for path in sources("src") {
            let text = fs::read_to_string(&path).unwrap();
            let uses = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("{word}::")));
            assert!(!uses || homes.contains(&room(&path).as_str()), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn no_file_outgrows_its_reader() {
    for path in sources("src").into_iter().chain(sources("tests")).chain(sources("migrations")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for path in sources("src") {
        let text = fs::read_to_string(&path).unwrap();
        let opens = text.starts_with("//!") || path.ends_with("tests.rs");
        assert!(opens, "{} does not open with what it is for", path.display());
    }
}
