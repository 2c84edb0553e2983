//! Suggestions while typing: titles and headings that start with the query, then those that contain it. If there are none, one typo after
//! the first two letters of the last word is tolerated.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::markdown::TocEntry;
use crate::projections::search::analysis::tokenizer::{TokenKind, tokenize};
use crate::projections::search::index::schema;
use crate::projections::search::query::expansion;
use crate::projections::search::query::title_match;
use crate::projections::search::query::title_match::TitleMatch;
use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::top_k::TopK;
use crate::projections::search::reader::view::View;

/// Insights whose titles and headings are matched for one response.
const MAX_INSIGHTS: usize = 100;

/// Further words of the query are ignored.
const MAX_WORDS: usize = 12;

/// A query being typed, and the completions of its last word.
#[derive(Clone, Debug, Default)]
pub struct TypedPrefix {
    words: Vec<String>,
    last_expansions: HashSet<String>,
    /// Insights whose title and headings have all the words, best first.
    pub insights: Vec<Uuid>,
    /// There is no exact completion: the expansions have one typo.
    pub fuzzy: bool,
}

/// A title or heading to suggest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub text: String,
    /// The anchor of a heading.
    pub anchor: Option<String>,
    rank: u8,
}

pub(crate) fn complete(view: &View, query: &str) -> TypedPrefix {
    let mut words = words_of(query);
    words.truncate(MAX_WORDS);
    let Some(last) = words.last().cloned() else { return TypedPrefix::default() };
    let exact = expansion::prefixed_words(view, |segment| &segment.headings, &last);
    let mut prefix = TypedPrefix { words, last_expansions: exact.into_iter().collect(), ..TypedPrefix::default() };
    prefix.insights = matching_insights(view, &prefix);
    if prefix.insights.is_empty() {
        let fuzzy = expansion::fuzzy_prefixed_words(view, |segment| &segment.headings, &last);
        prefix.last_expansions.extend(fuzzy);
        prefix.insights = matching_insights(view, &prefix);
        prefix.fuzzy = !prefix.insights.is_empty();
    }
    prefix
}

/// The order of suggested insights: by rank, then the newest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RankedInsight {
    /// 2 if the title starts with the first word, 1 if it has the last one, 0 if only headings match.
    rank: u8,
    published_at: i64,
    id: Uuid,
}

fn matching_insights(view: &View, prefix: &TypedPrefix) -> Vec<Uuid> {
    let Some((_, first_words)) = prefix.words.split_last() else { return Vec::new() };
    let first_word_hashes: HashSet<u32> = match first_words.first() {
        Some(word) => [schema::word_hash(word)].into(),
        None => prefix.last_expansions.iter().map(|expansion| schema::word_hash(expansion)).collect(),
    };
    let mut top = TopK::new(MAX_INSIGHTS, |a: &RankedInsight, b| b.cmp(a));
    for segment in &view.segments {
        let mut matches = DocSet::empty(segment.max_doc);
        let mut in_title = DocSet::empty(segment.max_doc);
        for expansion in &prefix.last_expansions {
            segment.insert_docs(&segment.headings, expansion, &mut matches);
            segment.insert_docs(&segment.title, expansion, &mut in_title);
        }
        for word in first_words {
            let mut with_word = DocSet::empty(segment.max_doc);
            segment.insert_docs(&segment.headings, word, &mut with_word);
            matches.intersect_with(&with_word);
        }
        let columns = &segment.data.columns;
        for doc in matches.iter() {
            let is_title_prefix = || columns.title_hashes(doc).next().is_some_and(|(word, _)| first_word_hashes.contains(&word));
            let rank = if in_title.contains(doc) { 1 + u8::from(is_title_prefix()) } else { 0 };
            top.push(RankedInsight { rank, published_at: columns.published_at(doc), id: segment.id(doc) });
        }
    }
    let mut insights = top.into_vec();
    insights.sort_unstable_by(|a, b| b.cmp(a));
    insights.into_iter().map(|insight| insight.id).collect()
}

impl TypedPrefix {
    /// The title and the headings of one insight that match.
    #[must_use]
    pub fn matching_texts(&self, title: &str, headings: &[TocEntry]) -> Vec<Suggestion> {
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

    /// 4 for a text that starts with the query, 2 for one that contains it word for word, 0 for one that has all its words.
    fn rank(&self, text: &str) -> Option<u8> {
        let words = words_of(text);
        let (_, first_words) = self.words.split_last()?;
        let is_expansion = |word: &String| self.last_expansions.contains(word);
        if !words.iter().any(is_expansion) || !first_words.iter().all(|word| words.contains(word)) {
            return None;
        }
        Some(match title_match::match_words(&words, &self.words, &self.last_expansions) {
            TitleMatch::Prefix => 4,
            TitleMatch::Contains => 2,
            TitleMatch::None => 0,
        })
    }
}

impl Suggestion {
    /// Best first. The sort is stable.
    pub fn sort<T>(list: &mut [(Self, T)]) {
        list.sort_by_key(|(suggestion, _)| std::cmp::Reverse(suggestion.rank));
    }
}

fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    tokenize(text, |token| {
        if token.kind == TokenKind::Word {
            words.push(token.text.into_owned());
        }
    });
    words
}
