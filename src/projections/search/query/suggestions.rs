//! Titles and headings as one types: those that begin with what was typed, those that hold it, and, when there are none, those that would
//! but for one typo behind the first letters.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::markdown::TocEntry;
use crate::projections::search::analysis::tokenizer::{TokenKind, pieces};
use crate::projections::search::index::schema;
use crate::projections::search::query::expansion;
use crate::projections::search::query::title_match;
use crate::projections::search::query::title_match::TitleMatch;
use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::top_k::TopK;
use crate::projections::search::reader::view::View;

/// Insights whose titles and headings are looked at for one answer.
const LOOKED_AT: usize = 100;

/// What was typed, and what its last word may become.
#[derive(Clone, Debug, Default)]
pub struct TypedPrefix {
    words: Vec<String>,
    endings: HashSet<String>,
    /// Insights that have all the words in title and headings, the newest first.
    pub insights: Vec<Uuid>,
    /// Nothing begins like this: the endings are near it.
    pub fuzzy: bool,
}

/// A text to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub text: String,
    /// The anchor, if it is a heading.
    pub anchor: Option<String>,
    rank: u8,
}

pub(crate) fn beginning(view: &View, query: &str) -> TypedPrefix {
    let mut words = words_of(query);
    words.truncate(12);
    let Some(last) = words.last().cloned() else { return TypedPrefix::default() };
    let exact = expansion::beginnings(view, |segment| &segment.headings, &last);
    let mut beginning = TypedPrefix { words, endings: exact.into_iter().collect(), ..TypedPrefix::default() };
    beginning.insights = insights(view, &beginning);
    if beginning.insights.is_empty() {
        let near = expansion::near_beginnings(view, |segment| &segment.headings, &last);
        beginning.endings.extend(near);
        beginning.insights = insights(view, &beginning);
        beginning.fuzzy = !beginning.insights.is_empty();
    }
    beginning
}

fn insights(view: &View, beginning: &TypedPrefix) -> Vec<Uuid> {
    let Some((_, first)) = beginning.words.split_last() else { return Vec::new() };
    // What a title that begins with what was typed begins with.
    let beginnings: HashSet<u32> = match first.first() {
        Some(word) => [schema::key(word)].into(),
        None => beginning.endings.iter().map(|ending| schema::key(ending)).collect(),
    };
    let mut found = TopK::new(LOOKED_AT, |a: &(u8, i64, Uuid), b| b.cmp(a));
    for segment in &view.segments {
        let mut having = DocSet::none(segment.size);
        let mut titled = DocSet::none(segment.size);
        for ending in &beginning.endings {
            segment.mark(&segment.headings, ending, &mut having);
            segment.mark(&segment.title, ending, &mut titled);
        }
        for word in first {
            let mut with = DocSet::none(segment.size);
            segment.mark(&segment.headings, word, &mut with);
            having.keep(&with);
        }
        for doc in having.iter() {
            let begins = || segment.data.columns.title(doc).next().is_some_and(|(word, _)| beginnings.contains(&word));
            let rank = if titled.has(doc) { 1 + u8::from(begins()) } else { 0 };
            found.push((rank, segment.data.columns.published(doc), segment.id(doc)));
        }
    }
    let mut found = found.finish();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, _, id)| id).collect()
}

impl TypedPrefix {
    /// The title and the headings of one insight that answer, best first.
    #[must_use]
    pub fn answers(&self, title: &str, headings: &[TocEntry]) -> Vec<Suggestion> {
        let mut list = Vec::new();
        if let Some(rank) = self.rank(title) {
            list.push(Suggestion { text: title.to_owned(), anchor: None, rank: rank + 1 });
        }
        for heading in headings {
            if let Some(rank) = self.rank(&heading.text) {
                list.push(Suggestion { text: heading.text.clone(), anchor: Some(heading.id.clone()), rank });
            }
        }
        list
    }

    /// 4 for a text that begins with what was typed, 2 for one that holds it word for word, 0 for one that has all the words.
    fn rank(&self, text: &str) -> Option<u8> {
        let words = words_of(text);
        let (_, first) = self.words.split_last()?;
        let ends = |word: &String| self.endings.contains(word);
        if !words.iter().any(ends) || !first.iter().all(|word| words.contains(word)) {
            return None;
        }
        Some(match title_match::answer(&words, &self.words, &self.endings) {
            TitleMatch::Begins => 4,
            TitleMatch::Holds => 2,
            TitleMatch::Otherwise => 0,
        })
    }
}

impl Suggestion {
    /// Best first; the order of equals stays.
    pub fn sort<T>(list: &mut [(Self, T)]) {
        list.sort_by_key(|(suggestion, _)| std::cmp::Reverse(suggestion.rank));
    }
}

fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    pieces(text, |piece| {
        if piece.kind == TokenKind::Word {
            words.push(piece.text.into_owned());
        }
    });
    words
}
