//! What else a reader of one insight may want: the same rare words, the same tags, the same category.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::analysis::{Kind, pieces};
use super::facets::Filter;
use super::language::Language;
use super::plan::{Group, Plan, Term};
use super::ranking::rounded;
use super::scoring::{Scorer, Scratch, count, rarity};
use super::terms::Terms;
use super::view::{Segment, View};
use crate::domain::term::TermKind;

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

pub(super) fn related(view: &View, terms: &Terms, subject: &Subject, limit: usize, scratch: &mut Scratch) -> Vec<Similar> {
    let words = telling_words(view, subject);
    let groups = words
        .iter()
        .map(|(stem, _, weight)| {
            let term = Term { text: stem.clone(), exactly: false, weight: *weight };
            Group { word: stem.clone(), terms: vec![term], ..Group::default() }
        })
        .collect();
    let plan = Plan { groups, ..Plan::default() };
    let scorer = Scorer::new(view);
    let (matches, _) = scorer.matches(&plan, &Filter::default(), scratch);
    let mut scores: HashMap<(usize, u32), f32> = matches.iter().map(|found| ((found.segment, found.doc), found.score)).collect();
    let few = scores.len() <= limit;
    for (place, segment) in view.segments.iter().enumerate().filter(|_| few) {
        for doc in segment.seen.iter() {
            scores.entry((place, doc)).or_insert(0.0);
        }
    }
    let best_possible = scores.iter().filter(|((segment, doc), _)| view.segments[*segment].id(*doc) == subject.id);
    let most = best_possible.map(|(_, score)| *score).fold(f32::EPSILON, f32::max).max(matches.iter().map(|m| m.score).fold(0.0, f32::max));
    let taste = Taste {
        terms,
        tags: terms.keys(TermKind::Tag, &subject.tags).into_iter().collect(),
        category: terms.keys(TermKind::Category, std::slice::from_ref(&subject.category)).pop().unwrap_or_default(),
    };
    let mut list: Vec<(Similar, (usize, u32))> = Vec::new();
    for ((place, doc), score) in scores {
        let segment = &view.segments[place];
        let id = segment.id(doc);
        if id != subject.id {
            list.extend(taste.compare(segment, doc, score / most).map(|similar| (Similar { id, ..similar }, (place, doc))));
        }
    }
    list.sort_by(|(a, _), (b, _)| b.score.total_cmp(&a.score).then_with(|| b.id.cmp(&a.id)));
    list.truncate(limit);
    list.into_iter()
        .map(|(similar, (place, doc))| {
            let shared_words = shared(&view.segments[place], doc, &words);
            Similar { shared_words, ..similar }
        })
        .collect()
}

struct Taste<'t> {
    terms: &'t Terms,
    tags: HashSet<String>,
    category: String,
}

impl Taste<'_> {
    /// How similar a document is, if it is at all.
    fn compare(&self, segment: &Segment, doc: u32, text: f32) -> Option<Similar> {
        let columns = &*segment.columns;
        let tags = columns.tags.of(doc);
        let keys = tags.iter().filter_map(|number| columns.tag_keys.get(*number as usize));
        let shared = keys.filter(|key| self.tags.contains(*key)).filter_map(|key| self.terms.name(key));
        let shared: Vec<String> = shared.map(|term| term.slug.clone()).collect();
        let all = self.tags.len() + tags.len() - shared.len();
        let by_tags = if all == 0 { 0.0 } else { TAGS_COUNT * super::view::ratio(shared.len() as u64, all as u64) };
        let same_category = columns.categories.get(columns.category[doc as usize] as usize) == Some(&self.category);
        let by_category = if same_category { CATEGORY_COUNTS } else { 0.0 };
        let score = rounded(text + by_tags + by_category);
        let reason = if by_tags > text && by_tags >= by_category {
            Reason::Tags
        } else if by_category > text {
            Reason::Category
        } else {
            Reason::Text
        };
        (score > 0.0).then(|| Similar {
            id: Uuid::nil(),
            score,
            reason,
            shared_words: Vec::new(),
            shared_tags: shared,
            same_category,
        })
    }
}

/// Stems of the subject that other texts have too but few have, each with a spelling and its weight.
fn telling_words(view: &View, subject: &Subject) -> Vec<(String, String, f32)> {
    let language = Language::of(&subject.locale);
    let mut counts: HashMap<String, (String, u32)> = HashMap::new();
    let plain = &subject.plain[..subject.plain.floor_char_boundary(READ)];
    for (text, times) in [(subject.title.as_str(), 3), (subject.excerpt.as_str(), 1), (plain, 1)] {
        pieces(text, |piece| {
            if piece.kind == Kind::Word && piece.text.len() > 2 && !language.is_stop_word(&piece.text) && piece.text.chars().any(char::is_alphabetic) {
                let stem = language.stem(&piece.text).into_owned();
                counts.entry(stem).or_insert((piece.text, 0)).1 += times;
            }
        });
    }
    let mut words: Vec<(String, String, f32)> = Vec::new();
    for (stem, (word, times)) in counts {
        let frequency = view.frequency(|segment| &segment.stems, &stem);
        // A word that nobody else uses leads nowhere.
        if frequency > 1 {
            let often = count(times) / (count(times) + 1.2);
            words.push((stem, word, often * rarity(view.documents, frequency)));
        }
    }
    words.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    words.truncate(TELLING_WORDS);
    for word in &mut words {
        let often = word.2 / rarity(view.documents, view.frequency(|segment| &segment.stems, &word.0)).max(f32::EPSILON);
        word.2 = often;
    }
    words
}

fn shared(segment: &Segment, doc: u32, words: &[(String, String, f32)]) -> Vec<String> {
    let mut list = Vec::new();
    for (stem, word, _) in words {
        super::scoring::places(&segment.stems, stem, &[doc], |_, _| list.push(word.clone()));
        if list.len() == 5 {
            break;
        }
    }
    list
}
