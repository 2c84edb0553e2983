//! The documents keep their bounds, every link in them leads somewhere, and the words that were given up stay away.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use regex::Regex;

/// Documents that somebody reads from top to bottom, and how many lines they may have.
const BOUNDED: [(&str, usize); 2] = [("README.md", 160), ("ARCHITECTURE.md", 250)];
const MAX_COLUMNS: usize = 140;
/// Folders whose Markdown is documentation; the samples in `content` are not.
const FOLDERS: [&str; 5] = ["docs", "bench", "migrations", "assets", ".github"];
/// What must not say the banned words. Decisions in `docs/adr` may quote them.
const PLAIN_SPOKEN: [&str; 5] = ["src", "docs", "README.md", "ARCHITECTURE.md", "openapi"];
const BANNED: &str = r"(?i)\b(rehears|made anew|makes? anew|deeds?\b|stands? back|gives? out|whoever)";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file at or below a path of the project, in order.
fn files(below: &str) -> Vec<PathBuf> {
    let (mut files, mut left) = (Vec::new(), vec![root().join(below)]);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.exists() {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Every document of the project: those beside `Cargo.toml`, and those in the folders.
fn documents() -> Vec<PathBuf> {
    let beside = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let inside = FOLDERS.iter().flat_map(|folder| files(folder));
    let mut documents: Vec<PathBuf> =
        beside.chain(inside).filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    documents.sort();
    documents
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The text without its fenced blocks, line for line.
fn prose(text: &str) -> String {
    let mut fence: Option<&str> = None;
    let mut prose = String::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => prose.push_str(line),
            _ => {}
        }
        prose.push('\n');
    }
    prose
}

/// The link targets of a document: inline links, and definitions of references.
fn links(text: &str) -> Vec<String> {
    let code = Regex::new("`+[^`]*`+").unwrap();
    let inline = Regex::new(r#"\]\(<?([^()\s>]+)>?(?:\s+"[^"]*")?\)"#).unwrap();
    let definition = Regex::new(r"(?m)^\[[^\]]+\]:\s+(\S+)").unwrap();
    let text = prose(text);
    let text = code.replace_all(&text, "");
    inline.captures_iter(&text).chain(definition.captures_iter(&text)).map(|found| found[1].to_owned()).collect()
}

/// The anchors of a document: the headings as GitHub names them, and those that are written as HTML.
fn anchors(text: &str) -> HashSet<String> {
    let link = Regex::new(r"\[([^\]]*)\]\([^)]*\)").unwrap();
    let explicit = Regex::new(r#"<a (?:id|name)="([^"]+)""#).unwrap();
    let text = prose(text);
    let mut anchors: HashSet<String> = explicit.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let heading = link.replace_all(line.trim_start_matches('#').trim(), "$1").to_lowercase();
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let slug: String = heading.chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = counts.entry(slug.clone()).or_default();
        anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
        *count += 1;
    }
    anchors
}

/// The path that a link of a document leads to, without `.` and `..`; the document itself for a bare anchor.
fn target(document: &Path, path: &str) -> PathBuf {
    if path.is_empty() {
        return document.to_owned();
    }
    let mut target = document.parent().unwrap().to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                target.pop();
            }
            Component::Normal(name) => target.push(name),
            _ => {}
        }
    }
    target
}

/// Links that lead out of the project: with a scheme, or to another host.
fn is_external(link: &str) -> bool {
    let scheme = link.split(['/', '#', '?']).next().is_some_and(|start| start.contains(':'));
    scheme || link.starts_with("//")
}

/// What is wrong with a link of a document, if anything is.
fn fault(document: &Path, link: &str) -> Option<&'static str> {
    if link.starts_with('/') {
        return Some("is not relative");
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = target(document, path);
    if !target.exists() {
        return Some("leads to no file");
    }
    let is_document = target.extension().is_some_and(|extension| extension == "md");
    let anchor = anchor.filter(|_| is_document)?;
    let text = fs::read_to_string(&target).unwrap();
    (!anchors(&text).contains(anchor)).then_some("leads to no heading")
}

#[test]
fn what_is_read_from_top_to_bottom_is_short() {
    for (name, most) in BOUNDED {
        let text = fs::read_to_string(root().join(name)).unwrap();
        let lines = text.lines().count();
        assert!(lines <= most, "{name} has {lines} lines, more than {most}");
        for (number, line) in (1..).zip(text.lines()) {
            assert!(line.chars().count() <= MAX_COLUMNS, "{name}:{number} is longer than {MAX_COLUMNS} characters");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text).iter().filter(|link| !is_external(link)) {
            wrong.extend(fault(&document, link).map(|fault| format!("{}: {link} {fault}", shown(&document))));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No page of `docs` is known only to who wrote it.
#[test]
fn every_page_can_be_reached_from_the_readme() {
    let (mut reached, mut left) = (BTreeSet::new(), vec![root().join("README.md")]);
    while let Some(document) = left.pop() {
        let is_document = document.extension().is_some_and(|extension| extension == "md");
        if !is_document || !document.exists() || !reached.insert(document.clone()) {
            continue;
        }
        let text = fs::read_to_string(&document).unwrap();
        let inside = links(&text).into_iter().filter(|link| !is_external(link));
        left.extend(inside.map(|link| target(&document, link.split('#').next().unwrap_or_default())));
    }
    let orphans: Vec<String> = documents()
        .iter()
        .filter(|path| path.starts_with(root().join("docs")) && !reached.contains(*path))
        .map(|path| shown(path))
        .collect();
    assert!(orphans.is_empty(), "no link leads to {}", orphans.join(", "));
}

#[test]
fn nothing_says_the_banned_words() {
    let banned = Regex::new(BANNED).unwrap();
    let mut wrong = Vec::new();
    for path in PLAIN_SPOKEN.iter().flat_map(|place| files(place)).filter(|path| !path.starts_with(root().join("docs/adr"))) {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            wrong.extend(banned.find(line).map(|found| format!("{}:{number}: {}", shown(&path), found.as_str())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn headings_are_named_as_github_names_them() {
    let text =
        "# One `two`: three\n\n## What's [in it](x.md#y)?\n\n```sh\n# no heading\n```\n\n## Caching\n\n## Caching\n\n## PUT /v1/site_map\n";
    let expected = ["one-two-three", "whats-in-it", "caching", "caching-1", "put-v1site_map"];
    assert_eq!(anchors(text), expected.map(str::to_owned).into());
    assert_eq!(links("See [a\nb](c.md), `[d](e)` and\n\n[f]: g.md#h\n"), ["c.md", "g.md#h"]);
}
