//! The documents that one reader can find at one moment: for each visible insight, the text that its locale fallback chain selects.
//!
//! All statistics that rank or count come from the documents of the view. Scheduled, expired, replaced and deleted texts change no score,
//! complete no word and correct no typo, even while they are still in the index; and every node computes the same scores for the same
//! content, whatever the history of its index.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use tantivy::index::SegmentReader;
use tantivy::schema::Field;
use tantivy::{DocId, Searcher};
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::projections::search::index::document::{NEVER, is_variant_shown, locale_of};
use crate::projections::search::index::schema::IndexFields;
use crate::projections::search::reader::segment::{Segment, TextField};
use crate::projections::search::reader::visibility::{SegmentData, SegmentState};

/// A document that matches a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Match {
    pub(crate) score: f32,
    pub(crate) segment: u32,
    pub(crate) doc: DocId,
    /// Its title has all words of the query.
    pub(crate) is_title_candidate: bool,
}

pub(crate) struct View {
    pub(crate) segments: Vec<Segment>,
    pub(crate) doc_count: u32,
    /// The average number of tokens of a document, for BM25.
    pub(crate) avg_stems: f32,
    pub(crate) avg_words: f32,
    /// The locales of the documents: a query is stemmed in the language of each.
    pub(crate) locales: Vec<String>,
    /// The clock does not change the view in this range of Unix milliseconds.
    valid_from: i64,
    valid_until: i64,
}

impl View {
    pub(crate) fn new(
        searcher: &Searcher,
        data: &[Arc<SegmentData>],
        fields: &IndexFields,
        chain: &[String],
        now: Timestamp,
    ) -> tantivy::Result<Self> {
        let mut builder = ViewBuilder { valid_from: i64::MIN, valid_until: NEVER, ..ViewBuilder::default() };
        let mut segments = Vec::new();
        for (reader, data) in searcher.segment_readers().iter().zip(data) {
            segments.push(builder.add_segment(reader, data, fields, chain, now)?);
        }
        let mut locales: Vec<String> = builder.locales.into_iter().collect();
        locales.sort();
        let average = |sum: u64| if builder.doc_count == 0 { 1.0 } else { (ratio(sum, u64::from(builder.doc_count))).max(1.0) };
        Ok(Self {
            segments,
            doc_count: builder.doc_count,
            avg_stems: average(builder.total_stems),
            avg_words: average(builder.total_words),
            locales,
            valid_from: builder.valid_from,
            valid_until: builder.valid_until,
        })
    }

    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        (self.valid_from..self.valid_until).contains(&now.0)
    }

    pub(crate) fn segment_of(&self, matched: &Match) -> &Segment {
        &self.segments[matched.segment as usize]
    }

    pub(crate) fn id_of(&self, matched: &Match) -> Uuid {
        self.segment_of(matched).id(matched.doc)
    }

    /// Descending by score; the newer id first on a tie, so that the order is total.
    pub(crate) fn compare_by_score(&self, a: &Match, b: &Match) -> Ordering {
        b.score.total_cmp(&a.score).then_with(|| self.id_of(b).cmp(&self.id_of(a)))
    }

    /// The number of documents that have a term.
    pub(crate) fn doc_freq(&self, text: impl Fn(&Segment) -> &TextField, term: &str) -> u32 {
        self.segments.iter().map(|segment| segment.doc_freq(text(segment), term)).sum()
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an average needs no more digits")]
pub(crate) fn ratio(a: u64, b: u64) -> f32 {
    (a as f64 / b as f64) as f32
}

#[derive(Default)]
struct ViewBuilder {
    doc_count: u32,
    total_stems: u64,
    total_words: u64,
    locales: HashSet<String>,
    valid_from: i64,
    valid_until: i64,
}

impl ViewBuilder {
    fn add_segment(
        &mut self,
        reader: &SegmentReader,
        data: &Arc<SegmentData>,
        fields: &IndexFields,
        chain: &[String],
        now: Timestamp,
    ) -> tantivy::Result<Segment> {
        let text = |field: Field| -> tantivy::Result<TextField> {
            Ok(TextField { index: reader.inverted_index(field)?, norms: reader.get_fieldnorms_reader(field)?, field })
        };
        let (stems, words) = (text(fields.stems)?, text(fields.words)?);
        let columns = &data.columns;
        let shown_variants = columns.variants.iter().map(|variant| is_variant_shown(variant, chain)).collect();
        let state = SegmentState { reader, columns, stem_norms: &stems.norms, word_norms: &words.norms };
        let visible = data.visibility.get(&state, shown_variants, now);
        self.doc_count += visible.count;
        self.total_stems += visible.total_stems;
        self.total_words += visible.total_words;
        self.valid_from = self.valid_from.max(visible.valid_from);
        self.valid_until = self.valid_until.min(visible.valid_until());
        self.locales.extend(visible.variant_ords().map(|ord| locale_of(&columns.variants[ord]).to_owned()));
        let (title, headings, data) = (text(fields.title)?, text(fields.headings)?, data.clone());
        let (max_doc, all_visible) = (reader.max_doc(), visible.count == reader.max_doc());
        Ok(Segment { stems, words, title, headings, max_doc, data, visible, all_visible })
    }
}
