//! What else a reader of one insight may want: the same rare words, the same tags, the same category.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::domain::term::TermKind;
use crate::projections::search::analysis::language::Language;
use crate::projections::search::analysis::tokenizer::{TokenKind, pieces};
use crate::projections::search::query::bm25;
use crate::projections::search::query::bm25::{Scorer, Scratch, count, rarity};
use crate::projections::search::query::facets::{Filter, numbers};
use crate::projections::search::query::plan::{QueryPlan, TermGroup};
use crate::projections::search::query::rerank::rounded;
use crate::projections::search::reader::term::ScoredTerm;
use crate::projections::search::reader::terms::TermTable;
use crate::projections::search::reader::top_k::TopK;
use crate::projections::search::reader::view::{Match, Segment, View};

/// The words that say most about a text.
const TELLING_WORDS: usize = 24;
const TAGS_COUNT: f32 = 0.5;
const CATEGORY_COUNTS: f32 = 0.1;
/// Only this much of a body is read, in bytes.
const READ: usize = 65_536;

/// The insight that others are compared with.
#[derive(Clone, Debug)]
pub struct Subject {
    pub id: Uuid,
    pub locale: String,
    pub title: String,
    pub excerpt: String,
    pub plain: String,
    /// Slugs.
    pub category: String,
    pub tags: Vec<String>,
}

/// What a similar insight has in common with the subject most of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Text,
    Tags,
    Category,
}

#[derive(Clone, Debug)]
pub struct Similar {
    pub id: Uuid,
    /// 1 for a text that says all that the subject says.
    pub score: f32,
    pub reason: Reason,
    /// The telling words of the subject that it has too, most telling first.
    pub shared_words: Vec<String>,
    /// Slugs.
    pub shared_tags: Vec<String>,
    pub same_category: bool,
}

pub(crate) fn related(view: &View, terms: &TermTable, subject: &Subject, limit: usize, scratch: &mut Scratch) -> Vec<Similar> {
    let words = telling_words(view, subject);
    let groups = words
        .iter()
        .map(|(stem, _, weight)| {
            let term = ScoredTerm { text: stem.clone(), exactly: false, weight: *weight };
            TermGroup { word: stem.clone(), terms: vec![term], ..TermGroup::default() }
        })
        .collect();
    let plan = QueryPlan { groups, ..QueryPlan::default() };
    let (matches, _) = Scorer::new(view).matches(&plan, &Filter::default(), bm25::MatchSelection::All, scratch);
    // The subject says all that it says, if it is in the view; else the best match stands for that.
    let most = matches.iter().map(|found| found.score).fold(f32::EPSILON, f32::max);
    let taste = SubjectKeys {
        tags: terms.keys(TermKind::Tag, &subject.tags),
        category: terms.keys(TermKind::Category, std::slice::from_ref(&subject.category)),
    };
    let taste: Vec<SegmentSubject> = view.segments.iter().map(|segment| taste.in_segment(segment)).collect();
    let closer =
        |(a, x): &(Similarity, Match), (b, y): &(Similarity, Match)| b.all.total_cmp(&a.all).then_with(|| view.id(y).cmp(&view.id(x)));
    // One more than is wanted: the subject is the closest of all.
    let mut closest = TopK::new(limit + 1, closer);
    let mut compare = |found: Match| {
        if let Some(closeness) = taste[found.segment as usize].compare(view.segment(&found), found.doc, found.score / most) {
            closest.push((closeness, found));
        }
    };
    matches.iter().copied().for_each(&mut compare);
    if matches.len() <= limit {
        let there: HashSet<(u32, u32)> = matches.iter().map(|found| (found.segment, found.doc)).collect();
        for (segment, of) in (0..).zip(&view.segments) {
            for doc in of.seen.docs.iter().filter(|doc| !there.contains(&(segment, *doc))) {
                compare(Match { score: 0.0, segment, doc, titled: false });
            }
        }
    }
    let mut list = closest.finish();
    list.retain(|(_, found)| view.id(found) != subject.id);
    list.sort_unstable_by(closer);
    list.truncate(limit);
    list.into_iter().map(|(closeness, found)| similar(view, terms, &closeness, &found, (&taste[found.segment as usize], &words))).collect()
}

/// The subject's terms, in keys of the index.
struct SubjectKeys {
    tags: Vec<String>,
    category: Vec<String>,
}

/// The same in the numbers of one segment.
struct SegmentSubject {
    tags: Vec<u32>,
    /// How many tags the subject has, here or not.
    all_tags: usize,
    category: Option<u32>,
}

/// How similar a document is, and by what.
struct Similarity {
    all: f32,
    text: f32,
    tags: f32,
    category: f32,
}

impl SubjectKeys {
    fn in_segment(&self, segment: &Segment) -> SegmentSubject {
        let columns = &segment.data.columns;
        SegmentSubject {
            tags: numbers(&columns.tag_keys, &self.tags),
            all_tags: self.tags.len(),
            category: numbers(&columns.categories, &self.category).pop(),
        }
    }
}

impl SegmentSubject {
    fn compare(&self, segment: &Segment, doc: u32, text: f32) -> Option<Similarity> {
        let theirs = segment.data.columns.tags.of(doc);
        let shared = theirs.clone().filter(|tag| self.tags.contains(tag)).count();
        let all = self.all_tags + theirs.count() - shared;
        let tags = if all == 0 { 0.0 } else { TAGS_COUNT * crate::projections::search::reader::view::ratio(shared as u64, all as u64) };
        let category = if self.category == Some(segment.data.columns.category.at(doc as usize)) { CATEGORY_COUNTS } else { 0.0 };
        let all = rounded(text + tags + category);
        (all > 0.0).then_some(Similarity { all, text, tags, category })
    }
}

fn similar(
    view: &View,
    terms: &TermTable,
    closeness: &Similarity,
    found: &Match,
    (taste, words): (&SegmentSubject, &[(String, String, f32)]),
) -> Similar {
    let (segment, doc) = (view.segment(found), found.doc);
    let columns = &segment.data.columns;
    let shared_tags = columns.tags.of(doc).filter(|tag| taste.tags.contains(tag));
    let Similarity { all, text, tags, category } = *closeness;
    Similar {
        id: view.id(found),
        score: all,
        reason: if tags > text && tags >= category {
            Reason::Tags
        } else if category > text {
            Reason::Category
        } else {
            Reason::Text
        },
        shared_words: shared(segment, doc, words),
        shared_tags: shared_tags.filter_map(|tag| terms.name(&columns.tag_keys[tag as usize])).map(|term| term.slug.clone()).collect(),
        same_category: category > 0.0,
    }
}

/// Stems of the subject that other texts have too but few have, each with a spelling and its weight.
fn telling_words(view: &View, subject: &Subject) -> Vec<(String, String, f32)> {
    let language = Language::of(&subject.locale);
    let mut counts: HashMap<String, (String, u32)> = HashMap::new();
    let plain = &subject.plain[..subject.plain.floor_char_boundary(READ)];
    for (text, times) in [(subject.title.as_str(), 3), (subject.excerpt.as_str(), 1), (plain, 1)] {
        pieces(text, |piece| {
            if piece.kind == TokenKind::Word
                && piece.text.len() > 2
                && !language.is_stop_word(&piece.text)
                && piece.text.chars().any(char::is_alphabetic)
            {
                let stem = language.stem(&piece.text).into_owned();
                counts.entry(stem).or_insert_with(|| (piece.text.into_owned(), 0)).1 += times;
            }
        });
    }
    let mut words: Vec<(f32, (String, String, f32))> = Vec::new();
    for (stem, (word, times)) in counts {
        let frequency = view.frequency(|segment| &segment.stems, &stem);
        // A word that nobody else uses leads nowhere.
        if frequency > 1 {
            let often = count(times) / (count(times) + 1.2);
            words.push((often * rarity(view.documents, frequency), (stem, word, often)));
        }
    }
    words.sort_by(|(a, (x, ..)), (b, (y, ..))| b.total_cmp(a).then_with(|| x.cmp(y)));
    words.truncate(TELLING_WORDS);
    words.into_iter().map(|(_, word)| word).collect()
}

fn shared(segment: &Segment, doc: u32, words: &[(String, String, f32)]) -> Vec<String> {
    let mut list = Vec::new();
    for (stem, word, _) in words {
        crate::projections::search::query::bm25::places(&segment.stems, stem, &[doc], |_, _| list.push(word.clone()));
        if list.len() == 5 {
            break;
        }
    }
    list
}
