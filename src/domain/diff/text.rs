//! The difference of two texts: as a unified diff, and hunk by hunk down to the words.

use std::fmt::Write as _;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::edits::{Edit, edits};

/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// The maximum of words that are compared one by one; later changes are shown as whole lines.
const MAX_WORDS: usize = 50_000;

pub(super) fn diff(old: &str, new: &str) -> TextDiff {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let edits = edits(&old, &new);
    let mut unified = String::from("--- before\n+++ after\n");
    let mut words_left = MAX_WORDS;
    let mut hunks = Vec::new();
    for group in edits.chunk_by(|one, next| next.old.start - one.old.end <= 2 * CONTEXT) {
        let lines = HunkLines::around(group, &old, &new);
        lines.write(&mut unified);
        hunks.push(lines.hunk(&mut words_left));
    }
    TextDiff { unified, hunks }
}

/// A group of edits with the lines around it.
struct HunkLines<'a> {
    edits: &'a [Edit],
    old: &'a [&'a str],
    new: &'a [&'a str],
    old_range: Range<usize>,
    new_range: Range<usize>,
}

impl<'a> HunkLines<'a> {
    fn around(edits: &'a [Edit], old: &'a [&'a str], new: &'a [&'a str]) -> Self {
        let bounds = |of: fn(&Edit) -> &Range<usize>, len: usize| {
            let begin = edits.first().map_or(0, |edit| of(edit).start).saturating_sub(CONTEXT);
            let end = edits.last().map_or(0, |edit| of(edit).end);
            begin..(end + CONTEXT).min(len)
        };
        let (old_range, new_range) = (bounds(|edit| &edit.old, old.len()), bounds(|edit| &edit.new, new.len()));
        Self { edits, old, new, old_range, new_range }
    }

    /// Every run of lines in order: unchanged, deleted, inserted. Runs may be empty.
    fn runs(&self) -> impl Iterator<Item = (&'a [&'a str], &'a [&'a str], &'a [&'a str])> {
        let (old, new, edits, end) = (self.old, self.new, self.edits, self.old_range.end);
        let mut at = self.old_range.start;
        let last_context = &old[edits.last().map_or(at, |edit| edit.old.end)..end];
        let runs = edits.iter().map(move |edit| {
            let context = &old[at..edit.old.start];
            at = edit.old.end;
            (context, &old[edit.old.clone()], &new[edit.new.clone()])
        });
        runs.chain(std::iter::once((last_context, &old[..0], &new[..0])))
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "@@ -");
        write_range(out, &self.old_range);
        let _ = write!(out, " +");
        write_range(out, &self.new_range);
        out.push_str(" @@\n");
        for (context, deleted, inserted) in self.runs() {
            for (sign, lines) in [(' ', context), ('-', deleted), ('+', inserted)] {
                for line in lines {
                    out.push(sign);
                    out.push_str(line);
                    if !line.ends_with('\n') {
                        out.push_str("\n\\ No newline at end of file\n");
                    }
                }
            }
        }
    }

    fn hunk(&self, words_left: &mut usize) -> Hunk {
        let mut parts = DiffParts::default();
        for (context, deleted, inserted) in self.runs() {
            parts.push(Op::Equal, context);
            parts.push_words(&deleted.concat(), &inserted.concat(), words_left);
        }
        Hunk {
            old_line: first_line(&self.old_range),
            new_line: first_line(&self.new_range),
            old_lines: self.old_range.len(),
            new_lines: self.new_range.len(),
            parts: parts.0,
        }
    }
}

/// A range as a unified diff counts it: from 1, and an empty range by the line before it.
fn first_line(range: &Range<usize>) -> usize {
    range.start + usize::from(!range.is_empty())
}

fn write_range(out: &mut String, range: &Range<usize>) {
    let _ = write!(out, "{}", first_line(range));
    if range.len() != 1 {
        let _ = write!(out, ",{}", range.len());
    }
}

#[derive(Default)]
struct DiffParts(Vec<DiffPart>);

impl DiffParts {
    fn push(&mut self, op: Op, pieces: &[&str]) {
        match self.0.last_mut() {
            _ if pieces.iter().all(|piece| piece.is_empty()) => {}
            Some(last) if last.op == op => last.text.extend(pieces.iter().copied()),
            _ => self.0.push(DiffPart { op, text: pieces.concat() }),
        }
    }

    fn push_words(&mut self, old: &str, new: &str, words_left: &mut usize) {
        // One word more than allowed is enough to know that there are too many.
        let max = words_left.saturating_add(1);
        let old_words: Vec<&str> = old.split_word_bounds().take(max).collect();
        let new_words: Vec<&str> = new.split_word_bounds().take(max).collect();
        let count = old_words.len() + new_words.len();
        if old.is_empty() || new.is_empty() || count > *words_left {
            self.push(Op::Delete, &[old]);
            self.push(Op::Insert, &[new]);
            return;
        }
        *words_left -= count;
        let mut at = 0;
        for edit in phrases(&old_words, edits(&old_words, &new_words)) {
            self.push(Op::Equal, &old_words[at..edit.old.start]);
            self.push(Op::Delete, &old_words[edit.old.clone()]);
            self.push(Op::Insert, &new_words[edit.new]);
            at = edit.old.end;
        }
        self.push(Op::Equal, &old_words[at..]);
    }
}

/// Joins edits with nothing but spaces between them: two new words read better as one change than as two around a space that was kept.
fn phrases(old: &[&str], edits: Vec<Edit>) -> Vec<Edit> {
    let mut joined: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match joined.last_mut() {
            Some(last) if old[last.old.end..edit.old.start].iter().all(|word| is_space(word)) => {
                last.old.end = edit.old.end;
                last.new.end = edit.new.end;
            }
            _ => joined.push(edit),
        }
    }
    joined
}

fn is_space(word: &str) -> bool {
    word.chars().all(|c| c.is_whitespace() && c != '\n')
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextDiff {
    /// As `diff -u` writes it, with three lines of context.
    pub unified: String,
    pub hunks: Vec<Hunk>,
}

/// A run of changed lines with the lines around it; line numbers as in the unified diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    pub old_line: usize,
    pub new_line: usize,
    pub old_lines: usize,
    pub new_lines: usize,
    /// `Equal` and `Delete` together are the old lines, `Equal` and `Insert` the new ones, byte for byte.
    pub parts: Vec<DiffPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffPart {
    pub op: Op,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Equal,
    Delete,
    Insert,
}
