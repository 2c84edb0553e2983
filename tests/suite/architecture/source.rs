//! Reads Rust sources as the architecture tests need them: files as modules, code without comments and strings, and the paths that it uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use regex::Regex;

/// A path of modules, without `crate`.
pub(super) type ModulePath = Vec<String>;

/// One file.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// The text with comments and the contents of strings replaced by spaces.
    pub(super) code: String,
}

impl Source {
    /// The path inside `src`, for messages and lists of exceptions.
    pub(super) fn name(&self) -> String {
        self.path.strip_prefix(root("src")).unwrap_or(&self.path).to_str().unwrap().to_owned()
    }

    /// The first part of the module path: the room.
    pub(super) fn room(&self) -> String {
        self.name().split('/').next().unwrap().trim_end_matches(".rs").to_owned()
    }

    /// The code before the tests in the file, if there are any.
    pub(super) fn production_code(&self) -> &str {
        let tests = Regex::new(r"#\[cfg\(test\)\]\s*mod \w+ \{").unwrap().find(&self.code).map(|tests| tests.start());
        &self.code[..tests.unwrap_or(self.code.len())]
    }
}

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Every Rust file in a folder.
pub(super) fn sources(folder: &str) -> Vec<Source> {
    let mut files = Vec::new();
    let mut folders = vec![root(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = blank_comments_and_strings(&text);
                files.push(Source { path, text, code });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// Replaces comments and the contents of string and character literals by spaces; lines stay where they are.
fn blank_comments_and_strings(text: &str) -> String {
    let literals = r##"//[^\n]*|/\*(?s:.*?)\*/|r#"(?s:.*?)"#|\br"[^"]*"|"(?s:\\.|[^"\\])*"|'(?:\\u\{[0-9a-fA-F]+\}|\\.|[^\\'\n])'"##;
    let blank = |literal: &regex::Captures<'_>| literal[0].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect::<String>();
    Regex::new(literals).unwrap().replace_all(text, blank).into_owned()
}

/// The files of `src` by module path.
pub(super) struct ModuleTree {
    pub(super) modules: BTreeMap<ModulePath, Source>,
}

impl ModuleTree {
    pub(super) fn of_src() -> Self {
        Self { modules: sources("src").into_iter().map(|source| (module_path(&source.name()), source)).collect() }
    }

    /// The module of a path: the longest prefix that is a file.
    pub(super) fn module_of<'p>(&self, path: &'p [String]) -> Option<&'p [String]> {
        (1..=path.len()).rev().map(|length| &path[..length]).find(|prefix| self.modules.contains_key(*prefix))
    }

    /// Every path of this crate that a piece of a file's code uses, absolute.
    pub(super) fn used_paths(&self, here: &[String], code: &str) -> BTreeSet<ModulePath> {
        let imports = Regex::new(r"(?m)^[ \t]*(?:pub(?:\([^)]*\))? )?use ([^;]+);").unwrap();
        let qualified = Regex::new(r"\b(?:crate|super|self|[a-z_]\w*)(?:::[A-Za-z_]\w*)+").unwrap();
        let inline = inline_modules(code);
        let mut used = BTreeSet::new();
        let mut add = |at: usize, path: &[String]| {
            // Inside an inline module, `super` is the file.
            let mut from = here.to_vec();
            from.extend(inline.iter().filter(|module| module.contains(&at)).map(|_| "{inline}".to_owned()));
            used.extend(self.absolute(&from, path));
        };
        let mut spans = Vec::new();
        for import in imports.captures_iter(code) {
            let mut paths = Vec::new();
            flatten(&import[1], &[], &mut paths);
            let span = import.get(0).unwrap().range();
            for path in &paths {
                add(span.start, path);
            }
            spans.push(span);
        }
        let is_in_import = |at: usize| spans.iter().any(|span| span.contains(&at));
        for found in qualified.find_iter(code).filter(|found| !is_in_import(found.start()) && !code[..found.start()].ends_with(':')) {
            add(found.start(), &split(found.as_str()));
        }
        used
    }

    fn absolute(&self, here: &[String], path: &[String]) -> Option<ModulePath> {
        let mut parent = here.to_vec();
        let (first, rest) = path.split_first()?;
        let mut rest = rest;
        match first.as_str() {
            "crate" => return Some(rest.to_vec()),
            "self" => {}
            "super" => {
                parent.pop();
                while rest.first().is_some_and(|segment| segment == "super") {
                    parent.pop();
                    rest = &rest[1..];
                }
            }
            child => {
                parent.push(child.to_owned());
                if !self.modules.contains_key(&parent) {
                    return None;
                }
            }
        }
        parent.extend_from_slice(rest);
        Some(parent)
    }
}

/// The spans of `mod name { … }`.
fn inline_modules(code: &str) -> Vec<Range<usize>> {
    let header = Regex::new(r"\bmod \$?\w+ \{").unwrap();
    let closing = |start: usize| {
        let mut depth = 1;
        code[start..].char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            (depth == 0).then_some(start + at)
        })
    };
    header.find_iter(code).map(|found| found.end()..closing(found.end()).unwrap_or(code.len())).collect()
}

fn split(path: &str) -> Vec<String> {
    path.split("::").map(|segment| segment.trim().to_owned()).collect()
}

fn module_path(name: &str) -> ModulePath {
    let mut path: ModulePath = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod" || last == "lib") {
        path.pop();
    }
    path
}

/// The paths of a `use` tree; `self` at the end of a group is the group, and aliases are dropped.
fn flatten(tree: &str, prefix: &[String], paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let Some((before, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let segments = split(path).into_iter().filter(|segment| !segment.is_empty());
        let mut full: Vec<String> = prefix.iter().cloned().chain(segments).collect();
        if full.len() > 1 && full.last().is_some_and(|last| last == "self" || last == "*") {
            full.pop();
        }
        if !full.is_empty() {
            paths.push(full);
        }
        return;
    };
    let prefix: Vec<String> =
        prefix.iter().cloned().chain(split(before.trim_end_matches(':')).into_iter().filter(|s| !s.is_empty())).collect();
    let group = &group[..group.rfind('}').unwrap_or(group.len())];
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&group[start..at], &prefix, paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !group[start..].trim().is_empty() {
        flatten(&group[start..], &prefix, paths);
    }
}

#[test]
fn use_trees_are_flattened() {
    let mut paths = Vec::new();
    flatten("crate::a::{self, b::{C, D as E}, f::*}", &[], &mut paths);
    assert_eq!(
        paths.iter().map(|path| path.join("::")).collect::<Vec<_>>(),
        ["crate::a", "crate::a::b::C", "crate::a::b::D", "crate::a::f"]
    );
}

#[test]
fn comments_and_strings_are_no_code() {
    let code = blank_comments_and_strings("a // b::c\n\"d::e\" 'f' r#\"g \"h\" i\"# j /* k\nl */ 'm: n");
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "j", "'m:", "n"]);
    assert_eq!(code.lines().count(), 3);
}
