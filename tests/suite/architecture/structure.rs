//! No circles between files, no import of a feature by the kernel of `http` or by another feature.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{ModulePath, ModuleTree};

/// The folders of `src/http` that know no feature.
const KERNEL: [&str; 5] = ["state", "request", "response", "middleware", "openapi"];

/// What a feature may import of another feature.
const SHARED: [&str; 3] = ["http", "insights", "view"];

type Imports = BTreeMap<ModulePath, BTreeSet<ModulePath>>;

fn imports(tree: &ModuleTree) -> Imports {
    let targets = |here: &ModulePath, code: &str| {
        let paths = tree.used_paths(here, code);
        paths.iter().filter_map(|path| tree.module_of(path)).filter(|to| *to != here.as_slice()).map(<[String]>::to_vec).collect()
    };
    tree.modules.iter().map(|(here, source)| (here.clone(), targets(here, source.production_code()))).collect()
}

/// Every file that a file imports, directly or not.
fn reachable(from: &ModulePath, imports: &Imports) -> BTreeSet<ModulePath> {
    let mut reached = BTreeSet::new();
    let mut pending: Vec<&ModulePath> = imports.get(from).into_iter().flatten().collect();
    while let Some(file) = pending.pop() {
        if reached.insert(file.clone()) {
            pending.extend(imports.get(file).into_iter().flatten());
        }
    }
    reached
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let tree = ModuleTree::of_src();
    let imports = imports(&tree);
    assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 500, "the imports were not found");
    let in_circles: Vec<String> =
        imports.keys().filter(|file| reachable(file, &imports).contains(*file)).map(|file| file.join("/")).collect();
    assert!(in_circles.is_empty(), "files that import themselves in a circle:\n{}", in_circles.join("\n"));
}

#[test]
fn the_kernel_of_http_imports_no_feature_and_no_feature_another() {
    let tree = ModuleTree::of_src();
    let mut violations = Vec::new();
    for (here, source) in tree.modules.iter().filter(|(here, _)| here.len() > 1 && here[0] == "http") {
        let own = here[1].as_str();
        if matches!(own, "routes" | "server") {
            continue;
        }
        for path in tree.used_paths(here, &source.code) {
            let Some(to) = path.get(1).filter(|_| path[0] == "http") else { continue };
            let is_allowed =
                to == own || KERNEL.contains(&to.as_str()) || !KERNEL.contains(&own) && path.iter().zip(SHARED).all(|(a, b)| a == b);
            if !is_allowed {
                violations.push(format!("{} imports {}", source.name(), path.join("::")));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}
