//! The architecture as ARCHITECTURE.md draws it: imports only go down, files form no circles, and names are unique.

use regex::Regex;

mod rules;
mod source;
mod structure;

use source::sources;

/// Rooms, highest first. A room may import itself and what is listed for it, nothing else.
const MAY_IMPORT: [(&str, &[&str]); 10] = [
    ("main", &["cli"]),
    ("cli", &["app", "config", "domain", "editorial", "exchange", "http", "projections", "store", "telemetry"]),
    ("app", &["config", "domain", "editorial", "http", "projections", "store"]),
    ("telemetry", &["config"]),
    ("config", &["domain"]),
    ("http", &["domain", "editorial", "exchange", "projections", "store"]),
    ("editorial", &["domain", "store"]),
    ("projections", &["domain", "store"]),
    ("store", &["domain"]),
    ("exchange", &["domain"]),
];

/// The one file of `http` that imports `exchange`: the front matter of `.md` responses is quoted as in exports.
const FRONT_MATTER: &str = "http/insights/represent.rs";

#[test]
fn imports_only_go_down() {
    let (import, by_name) = (Regex::new(r"\bcrate::([a-z_]+)").unwrap(), Regex::new(r"use insights::([a-z_]+)").unwrap());
    let mut violations = Vec::new();
    for source in sources("src") {
        let (room, name) = (source.room(), source.name());
        let allowed = MAY_IMPORT.iter().find(|(from, _)| *from == room).map_or(&[][..], |(_, rooms)| rooms);
        for found in import.captures_iter(&source.text).chain(by_name.captures_iter(&source.text)) {
            let target = &found[1];
            let is_exception = room == "http" && target == "exchange" && name != FRONT_MATTER;
            if target != room && (!allowed.contains(&target) || is_exception) {
                violations.push(format!("{name}: {room} imports {target}"));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
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
        for source in sources("src") {
            let uses = source.text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("{word}::")));
            assert!(!uses || homes.contains(&source.room().as_str()), "{} uses {word}", source.name());
        }
    }
}

#[test]
fn no_file_is_longer_than_400_lines_and_half_of_them_than_130() {
    for source in sources("src").into_iter().chain(sources("tests")).chain(sources("migrations")) {
        let lines = source.text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", source.path.display());
    }
    let mut lengths: Vec<usize> = sources("src").iter().map(|source| source.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= 130, "the median file has {median} lines");
}

#[test]
fn every_module_says_what_it_is_for() {
    for source in sources("src") {
        let is_documented = source.text.starts_with("//!") || source.path.ends_with("tests.rs");
        assert!(is_documented, "{} has no module documentation", source.name());
    }
}
