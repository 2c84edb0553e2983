//! The three-way merge of texts, line by line. A change of one side is taken; different changes of both are put between conflict markers.
//!
//! Line endings are merged separately, so that an editor that writes CRLF does not turn every line into a conflict.

use std::iter::Peekable;
use std::vec;

use crate::domain::diff::{Edit, edits};

/// The minimum length of a conflict marker, as in git.
const MIN_MARKER: usize = 7;
/// The maximum of bytes of all markers: a text with very long rules and many conflicts becomes one conflict.
const MAX_MARKERS: usize = 1_000_000;

pub(super) struct MergedText {
    pub(super) text: String,
    pub(super) clean: bool,
}

pub(super) fn merge(base: &str, yours: &str, theirs: &str) -> MergedText {
    let texts = [base, yours, theirs];
    let layouts = texts.map(MergeLayout::detect);
    let mixed = layouts.iter().any(|layout| layout.mixed);
    let end = if !mixed && agreed(layouts.map(|layout| layout.crlf)) { "\r\n" } else { "\n" };
    let last_end = agreed(layouts.map(|layout| layout.last_end));
    // If a text has line endings of both kinds, the carriage return is part of the line.
    let strip = |line| if mixed { line } else { str::strip_suffix(line, '\r').unwrap_or(line) };
    let lines =
        texts.map(|text| split(text).map(|line: MergeLine<'_>| if line.ended { strip(line.text) } else { line.text }).collect::<Vec<_>>());
    let [base, yours, theirs] = lines.each_ref().map(Vec::as_slice);

    let mut regions = regions(base, yours, theirs);
    let conflicts = regions.iter().filter(|region| matches!(region, MergeRegion::Conflict(..))).count();
    let marker = texts.iter().map(|text| longest_marker(text) + 1).fold(MIN_MARKER, usize::max);
    if conflicts.saturating_mul(4 * marker) > MAX_MARKERS {
        regions = vec![MergeRegion::Conflict(base, yours, theirs)];
    }
    let mut text = to_text(&regions, end, marker);
    if !last_end && matches!(regions.last(), Some(MergeRegion::Settled(_))) {
        text.truncate(text.len() - end.len());
    }
    MergedText { text, clean: conflicts == 0 }
}

struct MergeLine<'a> {
    text: &'a str,
    ended: bool,
}

/// The lines of a text without their line feeds.
fn split(text: &str) -> impl Iterator<Item = MergeLine<'_>> {
    text.split_inclusive('\n').map(|line| match line.strip_suffix('\n') {
        Some(text) => MergeLine { text, ended: true },
        None => MergeLine { text: line, ended: false },
    })
}

/// The line endings of a text; `None` where it has none.
#[derive(Clone, Copy)]
struct MergeLayout {
    crlf: Option<bool>,
    mixed: bool,
    last_end: Option<bool>,
}

impl MergeLayout {
    fn detect(text: &str) -> Self {
        let (all, crlf) = (text.matches('\n').count(), text.matches("\r\n").count());
        Self {
            crlf: (all > 0).then_some(crlf > 0),
            mixed: crlf > 0 && crlf < all,
            last_end: (!text.is_empty()).then(|| text.ends_with('\n')),
        }
    }
}

/// The three-way merge of booleans, which never conflicts. An undefined side agrees with the base; without a base, either side's true wins.
fn agreed([base, yours, theirs]: [Option<bool>; 3]) -> bool {
    let Some(base) = base else { return yours == Some(true) || theirs == Some(true) };
    let (yours, theirs) = (yours.unwrap_or(base), theirs.unwrap_or(base));
    if yours == base { theirs } else { yours }
}

type LineSlice<'a> = &'a [&'a str];

enum MergeRegion<'a> {
    Settled(LineSlice<'a>),
    /// The base's lines, yours and theirs.
    Conflict(LineSlice<'a>, LineSlice<'a>, LineSlice<'a>),
}

/// One side, and the position of its reader.
struct MergeSide<'a> {
    lines: LineSlice<'a>,
    edits: Peekable<vec::IntoIter<Edit>>,
    base_at: usize,
    at: usize,
}

impl<'a> MergeSide<'a> {
    fn new(base: LineSlice<'a>, lines: LineSlice<'a>) -> Self {
        Self { lines, edits: edits(base, lines).into_iter().peekable(), base_at: 0, at: 0 }
    }

    /// Consumes the edits that touch the base up to its line `end`; returns where they end.
    fn absorb(&mut self, end: usize) -> Option<usize> {
        let mut reach = None;
        while let Some(edit) = self.edits.next_if(|edit| edit.old.start <= reach.unwrap_or(end)) {
            (self.base_at, self.at) = (edit.old.end, edit.new.end);
            reach = Some(edit.old.end.max(end));
        }
        reach
    }

    /// Skips equal lines up to the base's line `base_to`.
    fn advance(&mut self, base_to: usize) -> usize {
        self.at += base_to - self.base_at;
        self.base_at = base_to;
        self.at
    }
}

fn regions<'a>(base: LineSlice<'a>, yours: LineSlice<'a>, theirs: LineSlice<'a>) -> Vec<MergeRegion<'a>> {
    let (mut your_side, mut their_side) = (MergeSide::new(base, yours), MergeSide::new(base, theirs));
    let mut regions = Vec::new();
    let mut at = 0;
    while at < base.len() || your_side.edits.peek().is_some() || their_side.edits.peek().is_some() {
        let next = [your_side.edits.peek(), their_side.edits.peek()];
        let start = next.into_iter().flatten().map(|edit| edit.old.start).min().unwrap_or(base.len());
        if at < start {
            regions.push(MergeRegion::Settled(&base[at..start]));
        }
        let (your_start, their_start) = (your_side.advance(start), their_side.advance(start));
        let mut end = start;
        // Adjacent edits belong together: no unchanged line lies between them.
        while let Some(reach) = your_side.absorb(end).into_iter().chain(their_side.absorb(end)).max() {
            end = reach;
        }
        let yours = &your_side.lines[your_start..your_side.advance(end)];
        let theirs = &their_side.lines[their_start..their_side.advance(end)];
        let base = &base[start..end];
        regions.push(if yours == theirs || theirs == base {
            MergeRegion::Settled(yours)
        } else if yours == base {
            MergeRegion::Settled(theirs)
        } else {
            MergeRegion::Conflict(base, yours, theirs)
        });
        at = end;
    }
    regions.retain(|region| !matches!(region, MergeRegion::Settled([])));
    regions
}

fn to_text(regions: &[MergeRegion<'_>], end: &str, marker: usize) -> String {
    let mut text = String::new();
    let mut push = |lines: LineSlice<'_>| lines.iter().for_each(|line| text.extend([*line, end]));
    let [open, middle, split, close] = ["<", "|", "=", ">"].map(|sign| sign.repeat(marker));
    for region in regions {
        match region {
            MergeRegion::Settled(lines) => push(lines),
            MergeRegion::Conflict(base, yours, theirs) => {
                push(&[&format!("{open} yours")]);
                push(yours);
                push(&[&format!("{middle} base")]);
                push(base);
                push(&[&split]);
                push(theirs);
                push(&[&format!("{close} theirs")]);
            }
        }
    }
    text
}

/// The longest run of a marker's character at the beginning of a line: no line of the text may look like a marker.
fn longest_marker(text: &str) -> usize {
    let run = |line: &str| match line.bytes().next() {
        Some(first @ (b'<' | b'|' | b'=' | b'>')) => line.bytes().take_while(|byte| *byte == first).count(),
        _ => 0,
    };
    text.split(['\n', '\r']).map(run).max().unwrap_or(0)
}
