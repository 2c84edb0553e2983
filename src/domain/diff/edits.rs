//! The edits between two sequences of lines or words, in bounded time for any input: the search is heuristic where the
//! shortest edit script is expensive, and too many items become one edit.

use std::collections::HashMap;
use std::iter;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The maximum of items in both sequences together that are compared one by one: two bodies of 25 000 lines each.
const MAX_ITEMS: usize = 50_000;

/// A range of the old sequence and its replacement in the new one. At least one equal item lies between two edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct Edit {
    pub(in crate::domain) old: Range<usize>,
    pub(in crate::domain) new: Range<usize>,
}

pub(in crate::domain) fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Edit> {
    let same = |(one, other): &(&&str, &&str)| one == other;
    let before = old.iter().zip(new).take_while(same).count();
    let after = old[before..].iter().rev().zip(new[before..].iter().rev()).take_while(same).count();
    let (old, new) = (&old[before..old.len() - after], &new[before..new.len() - after]);
    let mut edits =
        if old.len() + new.len() <= MAX_ITEMS { compare(old, new) } else { vec![Edit { old: 0..old.len(), new: 0..new.len() }] };
    for range in edits.iter_mut().flat_map(|edit| [&mut edit.old, &mut edit.new]) {
        *range = range.start + before..range.end + before;
    }
    edits
}

fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Edit> {
    // Interned items compare in constant time, however long the lines are.
    let mut numbers = HashMap::new();
    let mut numbered = |items: &[&'a str]| -> Vec<usize> {
        items
            .iter()
            .map(|item| {
                let next = numbers.len();
                *numbers.entry(*item).or_insert(next)
            })
            .collect()
    };
    let operations = capture_diff_slices(Algorithm::Myers, &numbered(old), &numbered(new));
    let equal_runs = operations.into_iter().filter_map(|operation| match operation {
        DiffOp::Equal { old_index, new_index, len } => Some((old_index, new_index, len)),
        _ => None,
    });
    let mut edits = Vec::new();
    let (mut old_at, mut new_at) = (0, 0);
    for (old_index, new_index, len) in equal_runs.chain(iter::once((old.len(), new.len(), 0))) {
        if old_at < old_index || new_at < new_index {
            edits.push(Edit { old: old_at..old_index, new: new_at..new_index });
        }
        (old_at, new_at) = (old_index + len, new_index + len);
    }
    edits
}
