//! Insights that are similar to one: rare words, tags and the category in common.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::domain::term::TermKind;
use crate::projections::search::analysis::language::Language;
use crate::projections::search::analysis::tokenizer::{BorrowedToken, TokenKind, tokenize};
use crate::projections::search::query::accumulator::Scratch;
use crate::projections::search::query::bm25::{as_float, idf};
use crate::projections::search::query::facets::{Filter, ordinals_of};
use crate::projections::search::query::plan::{QueryPlan, TermGroup};
use crate::projections::search::query::postings::for_each_term_freq;
use crate::projections::search::query::rerank::round_score;
use crate::projections::search::query::scorer::{MatchSelection, Scorer};
use crate::projections::search::reader::segment::Segment;
use crate::projections::search::reader::term::ScoredTerm;
use crate::projections::search::reader::terms::TermTable;
use crate::projections::search::reader::top_k::TopK;
use crate::projections::search::reader::view::{Match, View, ratio};

/// The terms of the subject with the highest tf-idf, by which similar texts are searched.
const MAX_SIGNIFICANT_TERMS: usize = 24;
const MAX_SHARED_WORDS: usize = 5;
const TAGS_WEIGHT: f32 = 0.5;
const CATEGORY_WEIGHT: f32 = 0.1;
const TITLE_BOOST: u32 = 3;
/// How much of the subject's body is read.
const MAX_BODY_BYTES: usize = 65_536;

/// The insight that others are compared with.
#[derive(Clone, Debug)]
pub struct Subject {
    pub id: Uuid,
    pub locale: String,
    pub title: String,
    pub excerpt: String,
    pub plain: String,
    /// A slug.
    pub category: String,
    /// Slugs.
    pub tags: Vec<String>,
}

/// What a similar insight has most in common with the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Text,
    Tags,
    Category,
}

#[derive(Clone, Debug)]
pub struct Similar {
    pub id: Uuid,
    /// The text contributes up to 1, the share of the score of the best match; tags and category add to it.
    pub score: f32,
    pub reason: Reason,
    /// Significant words of the subject that it has too, most significant first.
    pub shared_words: Vec<String>,
    /// Slugs.
    pub shared_tags: Vec<String>,
    pub same_category: bool,
}

pub(crate) fn related(view: &View, terms: &TermTable, subject: &Subject, limit: usize, scratch: &mut Scratch) -> Vec<Similar> {
    let significant = significant_terms(view, subject);
    let (matches, _) = Scorer::new(view).collect_matches(&plan_of(&significant), &Filter::default(), MatchSelection::All, scratch);
    // Usually the score of the subject itself.
    let max_score = matches.iter().map(|matched| matched.score).fold(f32::EPSILON, f32::max);
    let keys = SubjectKeys {
        tags: terms.keys_of(TermKind::Tag, &subject.tags),
        category: terms.keys_of(TermKind::Category, std::slice::from_ref(&subject.category)),
    };
    let subjects: Vec<SegmentSubject> = view.segments.iter().map(|segment| keys.in_segment(segment)).collect();
    let by_similarity = |(a, x): &(Similarity, Match), (b, y): &(Similarity, Match)| {
        b.total.total_cmp(&a.total).then_with(|| view.id_of(y).cmp(&view.id_of(x)))
    };
    // One more than the limit, because the subject itself is the most similar.
    let mut top = TopK::new(limit + 1, by_similarity);
    let mut compare = |matched: Match| {
        let subject = &subjects[matched.segment as usize];
        if let Some(similarity) = subject.compare(view.segment_of(&matched), matched.doc, matched.score / max_score) {
            top.push((similarity, matched));
        }
    };
    matches.iter().copied().for_each(&mut compare);
    if matches.len() <= limit {
        let matched_docs: HashSet<(u32, u32)> = matches.iter().map(|matched| (matched.segment, matched.doc)).collect();
        for (index, segment) in (0..).zip(&view.segments) {
            for doc in segment.visible.docs.iter().filter(|doc| !matched_docs.contains(&(index, *doc))) {
                compare(Match { score: 0.0, segment: index, doc, is_title_candidate: false });
            }
        }
    }
    let mut similar = top.into_vec();
    similar.retain(|(_, matched)| view.id_of(matched) != subject.id);
    similar.sort_unstable_by(by_similarity);
    similar.truncate(limit);
    let explain = |(similarity, matched): (Similarity, Match)| {
        let segment = view.segment_of(&matched);
        Similar {
            id: view.id_of(&matched),
            score: similarity.total,
            reason: similarity.reason(),
            shared_words: shared_words(segment, matched.doc, &significant),
            shared_tags: subjects[matched.segment as usize].shared_tags(segment, matched.doc, terms),
            same_category: similarity.category > 0.0,
        }
    };
    similar.into_iter().map(explain).collect()
}

fn plan_of(significant: &[SignificantTerm]) -> QueryPlan {
    let group = |term: &SignificantTerm| TermGroup {
        word: term.stem.clone(),
        terms: vec![ScoredTerm { text: term.stem.clone(), exact: false, weight: term.saturation }],
        ..TermGroup::default()
    };
    QueryPlan { groups: significant.iter().map(group).collect(), ..QueryPlan::default() }
}

/// The subject's category and tags in index keys.
struct SubjectKeys {
    tags: Vec<String>,
    category: Vec<String>,
}

/// The same in the ordinals of one segment.
struct SegmentSubject {
    tag_ords: Vec<u32>,
    /// The number of the subject's tags, whether this segment has them or not.
    tag_count: usize,
    category_ord: Option<u32>,
}

/// How similar a document is, and the parts of that.
struct Similarity {
    total: f32,
    text: f32,
    tags: f32,
    category: f32,
}

impl SubjectKeys {
    fn in_segment(&self, segment: &Segment) -> SegmentSubject {
        let columns = &segment.data.columns;
        SegmentSubject {
            tag_ords: ordinals_of(&columns.tags, &self.tags),
            tag_count: self.tags.len(),
            category_ord: ordinals_of(&columns.categories, &self.category).pop(),
        }
    }
}

impl SegmentSubject {
    /// `None` if they have nothing in common. The tags are compared by their Jaccard index.
    fn compare(&self, segment: &Segment, doc: u32, text: f32) -> Option<Similarity> {
        let columns = &segment.data.columns;
        let doc_tags = columns.tag_ords.get(doc);
        let shared = doc_tags.clone().filter(|tag| self.tag_ords.contains(tag)).count();
        let union = self.tag_count + doc_tags.count() - shared;
        let tags = if union == 0 { 0.0 } else { TAGS_WEIGHT * ratio(shared as u64, union as u64) };
        let category = if self.category_ord == Some(columns.category_ords.get(doc as usize)) { CATEGORY_WEIGHT } else { 0.0 };
        let total = round_score(text + tags + category);
        (total > 0.0).then_some(Similarity { total, text, tags, category })
    }

    /// The slugs of the tags in common.
    fn shared_tags(&self, segment: &Segment, doc: u32, terms: &TermTable) -> Vec<String> {
        let columns = &segment.data.columns;
        let shared = columns.tag_ords.get(doc).filter(|tag| self.tag_ords.contains(tag));
        shared.filter_map(|tag| terms.get(&columns.tags[tag as usize])).map(|term| term.slug.clone()).collect()
    }
}

impl Similarity {
    fn reason(&self) -> Reason {
        if self.tags > self.text && self.tags >= self.category {
            Reason::Tags
        } else if self.category > self.text {
            Reason::Category
        } else {
            Reason::Text
        }
    }
}

/// A stem of the subject that few other documents have.
struct SignificantTerm {
    stem: String,
    /// The first word with this stem, for display.
    word: String,
    /// The saturated term frequency in the subject.
    saturation: f32,
    tf_idf: f32,
}

fn significant_terms(view: &View, subject: &Subject) -> Vec<SignificantTerm> {
    let language = Language::from_tag(&subject.locale);
    let mut counts: HashMap<String, (String, u32)> = HashMap::new();
    let body = &subject.plain[..subject.plain.floor_char_boundary(MAX_BODY_BYTES)];
    for (text, boost) in [(subject.title.as_str(), TITLE_BOOST), (subject.excerpt.as_str(), 1), (body, 1)] {
        tokenize(text, |token| {
            if can_be_significant(&token, language) {
                let stem = language.stem(&token.text).into_owned();
                counts.entry(stem).or_insert_with(|| (token.text.into_owned(), 0)).1 += boost;
            }
        });
    }
    let mut terms: Vec<SignificantTerm> = Vec::new();
    for (stem, (word, term_freq)) in counts {
        let doc_freq = view.doc_freq(|segment| &segment.stems, &stem);
        // A term that only the subject has finds nothing else.
        if doc_freq > 1 {
            let saturation = as_float(term_freq) / (as_float(term_freq) + 1.2);
            terms.push(SignificantTerm { stem, word, saturation, tf_idf: saturation * idf(view.doc_count, doc_freq) });
        }
    }
    terms.sort_by(|a, b| b.tf_idf.total_cmp(&a.tf_idf).then_with(|| a.stem.cmp(&b.stem)));
    terms.truncate(MAX_SIGNIFICANT_TERMS);
    terms
}

fn can_be_significant(token: &BorrowedToken<'_>, language: Language) -> bool {
    token.kind == TokenKind::Word
        && token.text.len() > 2
        && !language.is_stop_word(&token.text)
        && token.text.chars().any(char::is_alphabetic)
}

fn shared_words(segment: &Segment, doc: u32, significant: &[SignificantTerm]) -> Vec<String> {
    let mut words = Vec::new();
    for term in significant {
        for_each_term_freq(&segment.stems, &term.stem, &[doc], |_, _| words.push(term.word.clone()));
        if words.len() == MAX_SHARED_WORDS {
            break;
        }
    }
    words
}
