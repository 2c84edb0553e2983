//! Rules about single words of the code: unique type names, who may write, who may act as the system, which statics exist.

use std::collections::BTreeMap;

use regex::Regex;

use super::source::{ModuleTree, Source, sources};

/// SeaORM's names for the parts of an entity.
const ENTITY_PARTS: [&str; 4] = ["Model", "Relation", "Entity", "ActiveModel"];

#[test]
fn no_two_types_share_a_name() {
    let definition = Regex::new(r"(?m)^(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|union|type) (\w+)").unwrap();
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources("src") {
        for found in definition.captures_iter(source.production_code()) {
            files.entry(found[1].to_owned()).or_default().push(source.name());
        }
    }
    assert!(files.len() > 300, "the types were not found");
    files.retain(|name, files| files.len() > 1 && !ENTITY_PARTS.contains(&name.as_str()));
    assert!(files.is_empty(), "{files:#?}");
}

#[test]
fn no_request_acts_as_the_system() {
    for source in sources("src").iter().filter(|source| source.room() == "http") {
        assert!(!source.code.contains("::system("), "{} calls system()", source.name());
    }
}

/// Writes outside `editorial` and `store`, none of which is content: the file, and what it calls.
const WRITES_ELSEWHERE: [(&str, &str); 8] = [
    // The last use of a token.
    ("http/request/auth.rs", "writer()"),
    // The response to a request with a key, in the transaction of its write.
    ("http/response/idempotency.rs", "idempotency::insert"),
    // What the clock has changed.
    ("http/state/transition_recorder.rs", "transitions::record"),
    ("projections/follower.rs", "transitions::record"),
    // What has expired, and what the clock has changed.
    ("app/maintenance.rs", "writer()"),
    ("app/mod.rs", "transitions::record"),
    // An import that its command could not finish receiving.
    ("cli/import/mod.rs", "writer()"),
    ("cli/import/mod.rs", "imports::delete"),
];

/// The functions of `store` that write: those that take a transaction, and those that commit one of their own.
fn store_writers() -> Vec<String> {
    let function = Regex::new(r"pub (?:async )?fn (\w+)(?:<[^>]*>)?\(\s*(?:store: &Store,\s*)?txn: ").unwrap();
    let mut writers = vec!["transitions::record".to_owned()];
    for source in sources("src/store") {
        let name = source.name();
        let module = name.trim_end_matches("/mod.rs").trim_end_matches(".rs").rsplit('/').next().unwrap();
        writers.extend(function.captures_iter(&source.code).map(|found| format!("{module}::{}", &found[1])));
    }
    writers
}

#[test]
fn only_editorial_and_the_store_write() {
    let writers = store_writers();
    for known in ["insights::insert", "insights::save", "changes::commit", "audit::append", "idempotency::insert", "insights::purge"] {
        assert!(writers.iter().any(|writer| writer == known), "{known} was not found among {writers:?}");
    }
    let call = Regex::new(r"\b((?:\w+::)*)(\w+)::(\w+)\(|\.(writer\(\)|begin\(\))").unwrap();
    let tree = ModuleTree::of_src();
    let mut violations = Vec::new();
    for (here, source) in &tree.modules {
        let (name, code) = (source.name(), source.production_code());
        if matches!(source.room().as_str(), "editorial" | "store") {
            continue;
        }
        let used = tree.used_paths(here, code);
        for found in call.captures_iter(code) {
            let (callee, is_write) = if let Some(method) = found.get(4) {
                (method.as_str().to_owned(), true)
            } else {
                let (qualifier, callee) = (&found[1], format!("{}::{}", &found[2], &found[3]));
                let is_imported = used.contains(&["store".to_owned(), found[2].to_owned()][..]);
                let is_store = qualifier.ends_with("store::") || qualifier.is_empty() && is_imported;
                let is_write = is_store && writers.contains(&callee);
                (callee, is_write)
            };
            if is_write && !WRITES_ELSEWHERE.contains(&(name.as_str(), callee.as_str())) {
                violations.push(format!("{name}: {callee}"));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// Statics that are no constant table behind a `LazyLock`: the file, and the name.
const STATICS: [(&str, &str); 4] = [
    ("memory.rs", "ALLOCATOR"),
    // Caches of one thread, whose loss changes nothing.
    ("http/request/request_id.rs", "STATE"),
    ("http/response/encoding.rs", "LAST_NEGOTIATED"),
    // Ids of one process increase.
    ("domain/clock.rs", "ORDER"),
];

#[test]
fn no_static_has_state() {
    let definition = Regex::new(r"\bstatic (?:mut )?(\w+): ([^=;]+)").unwrap();
    let mutable = Regex::new(r"\b(Mutex|RwLock|Atomic\w+|OnceLock|OnceCell|Cell|RefCell|Notify|Semaphore)\b").unwrap();
    let is_table = |type_name: &str| type_name.starts_with("LazyLock<") && !mutable.is_match(type_name);
    let violations = |source: &Source| -> Vec<String> {
        let found = definition.captures_iter(source.production_code()).filter(|found| !is_table(found[2].trim()));
        let name = source.name();
        found.filter(|found| !STATICS.contains(&(name.as_str(), &found[1]))).map(|found| format!("{name}: {}", &found[0])).collect()
    };
    let violations: Vec<String> = sources("src").iter().flat_map(violations).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}
