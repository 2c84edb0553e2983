//! Prints the result of an import: each failure, the notes by their kind, the counts.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;
use uuid::Uuid;

use crate::cli::output::print;
use crate::domain::import_state::{ImportItemState, ImportNote, ImportState};
use crate::domain::page::Cursor;
use crate::exchange::truncate;
use crate::store::imports::{Import, ImportItem};
use crate::store::{self, Store};

const PAGE_ITEMS: i64 = 500;
/// Characters of an item's name in a note.
const MAX_NAME_CHARS: usize = 120;
/// How many examples a line lists.
const EXAMPLES: usize = 2;

/// Prints the report, and fails if the import or an item has failed.
pub(super) async fn print_report(store: &Store, id: Uuid) -> anyhow::Result<()> {
    let import = store::imports::find(store.reader(), id).await?.context("the import has been deleted")?;
    let mut notes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = store::imports::list_items(store.reader(), id, None, cursor.as_ref(), PAGE_ITEMS).await?;
        for item in &page.rows {
            for ImportNote { code, detail } in &item.notes.0 {
                notes.entry(code.clone()).or_default().push(format!("{} ({detail})", short_name(&item.name)));
            }
            if item.state == ImportItemState::Failed {
                print(&format!("  failed: {}\n", format_failure(item)))?;
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    for (code, examples) in notes {
        print(&format!("  note {code}: {} time(s), such as {}\n", examples.len(), first_examples(&examples)))?;
    }
    let Import { state, created, updated, unchanged, failed, validate_only, problem, .. } = import;
    let would = if validate_only { "would be " } else { "" };
    print(&format!("{created} {would}created, {updated} {would}updated, {unchanged} unchanged, {failed} failed\n"))?;
    anyhow::ensure!(state == ImportState::Done, problem.unwrap_or_else(|| "the import is not finished".to_owned()));
    anyhow::ensure!(failed == 0, "{failed} item(s) failed: correct them and import again, the others stay as they are");
    Ok(())
}

fn format_failure(item: &ImportItem) -> String {
    let problem = item.problem.as_ref().map_or(Value::Null, |problem| Value::Object(problem.0.clone()));
    let errors: Vec<String> = problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| format!("{} {}", error["pointer"].as_str().unwrap_or_default(), error["detail"].as_str().unwrap_or_default()))
        .collect();
    let reason = if errors.is_empty() { problem["detail"].as_str().unwrap_or_default().to_owned() } else { errors.join("; ") };
    format!("{}: {reason}", item.name)
}

/// The name of an item that consists of many files is long.
fn short_name(name: &str) -> String {
    let (start, is_truncated) = truncate(name, MAX_NAME_CHARS);
    if is_truncated { format!("{start}…") } else { start }
}

/// The first few of a list.
pub(super) fn first_examples(list: &[String]) -> String {
    let first: Vec<&str> = list.iter().take(EXAMPLES).map(String::as_str).collect();
    format!("{}{}", first.join(", "), if list.len() > EXAMPLES { ", …" } else { "" })
}
