//! What one reader may find at one moment: of each insight the text that is shown in the reader's locale, if the insight is visible now.
//!
//! Every number that ranks or counts is made of the documents of a view and of nothing else. What is scheduled, expired, replaced or deleted
//! moves no score, completes no word and corrects no typo, although it may still lie in the index; and the same content gives the same
//! scores on every node, however its index came to be.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::{InvertedIndexReader, SegmentReader};
use tantivy::postings::{BlockSegmentPostings, SegmentPostings};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, Searcher, TERMINATED};
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::projections::search::index::document::{NEVER, is_shown, locale_of};
use crate::projections::search::index::schema::IndexFields;
use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::term::ScoredTerm;
use crate::projections::search::reader::visibility::{SegmentData, SegmentState, VisibleSet};

/// An inverted field of a segment with the lengths of its documents.
pub(crate) struct TextField {
    pub(crate) index: Arc<InvertedIndexReader>,
    pub(crate) lengths: FieldNormReader,
    field: Field,
}

/// One segment of the index, as far as it is in the view.
pub(crate) struct Segment {
    pub(crate) stems: TextField,
    pub(crate) words: TextField,
    pub(crate) title: TextField,
    pub(crate) headings: TextField,
    pub(crate) size: u32,
    pub(crate) data: Arc<SegmentData>,
    pub(crate) seen: Arc<VisibleSet>,
    /// Every document of the segment is in the view: postings need not be counted one by one.
    whole: bool,
}

/// How far the postings of a term have been read.
pub(crate) struct PostingsCursor<'s> {
    block: BlockSegmentPostings,
    place: usize,
    /// What counts; none is all.
    among: Option<&'s DocSet>,
}

/// A document that matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Match {
    pub(crate) score: f32,
    pub(crate) segment: u32,
    pub(crate) doc: DocId,
    /// Its title has all words that were typed.
    pub(crate) titled: bool,
}

pub(crate) struct View {
    pub(crate) segments: Vec<Segment>,
    /// How many documents there are, and how long they are on average.
    pub(crate) documents: u32,
    pub(crate) stems_length: f32,
    pub(crate) words_length: f32,
    /// The languages of the texts: a query is stemmed in each.
    pub(crate) locales: Vec<String>,
    /// The clock changed the view last then, and does so next.
    since: i64,
    until: i64,
}

impl View {
    pub(crate) fn of(
        searcher: &Searcher,
        data: &[Arc<SegmentData>],
        fields: &IndexFields,
        chain: &[String],
        now: Timestamp,
    ) -> tantivy::Result<Self> {
        let mut gathered = ViewBuilder { since: i64::MIN, until: NEVER, ..ViewBuilder::default() };
        let mut segments = Vec::new();
        for (reader, data) in searcher.segment_readers().iter().zip(data) {
            segments.push(gathered.segment(reader, data, fields, chain, now)?);
        }
        let mut locales: Vec<String> = gathered.locales.into_iter().collect();
        locales.sort();
        let average = |sum: u64| if gathered.documents == 0 { 1.0 } else { (ratio(sum, u64::from(gathered.documents))).max(1.0) };
        Ok(Self {
            segments,
            documents: gathered.documents,
            stems_length: average(gathered.stems_length),
            words_length: average(gathered.words_length),
            locales,
            since: gathered.since,
            until: gathered.until,
        })
    }

    pub(crate) fn is_good_at(&self, now: Timestamp) -> bool {
        (self.since..self.until).contains(&now.0)
    }

    pub(crate) fn segment(&self, found: &Match) -> &Segment {
        &self.segments[found.segment as usize]
    }

    pub(crate) fn id(&self, found: &Match) -> Uuid {
        self.segment(found).id(found.doc)
    }

    /// The better match first; the newer id on a tie, so that the order is total.
    pub(crate) fn by_score(&self, a: &Match, b: &Match) -> Ordering {
        b.score.total_cmp(&a.score).then_with(|| self.id(b).cmp(&self.id(a)))
    }

    /// How many documents have a term.
    pub(crate) fn frequency(&self, text: impl Fn(&Segment) -> &TextField, term: &str) -> u32 {
        self.segments.iter().map(|segment| segment.frequency(text(segment), term)).sum()
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an average needs no more digits")]
pub(crate) fn ratio(a: u64, b: u64) -> f32 {
    (a as f64 / b as f64) as f32
}

#[derive(Default)]
struct ViewBuilder {
    documents: u32,
    stems_length: u64,
    words_length: u64,
    locales: HashSet<String>,
    since: i64,
    until: i64,
}

impl ViewBuilder {
    fn segment(
        &mut self,
        reader: &SegmentReader,
        data: &Arc<SegmentData>,
        fields: &IndexFields,
        chain: &[String],
        now: Timestamp,
    ) -> tantivy::Result<Segment> {
        let text = |field: Field| -> tantivy::Result<TextField> {
            Ok(TextField { index: reader.inverted_index(field)?, lengths: reader.get_fieldnorms_reader(field)?, field })
        };
        let (stems, words) = (text(fields.stems)?, text(fields.words)?);
        let columns = &data.columns;
        let shown = columns.editions.iter().map(|edition| is_shown(edition, chain)).collect();
        let seen = data.seen.at(&SegmentState { reader, columns, stems: &stems.lengths, words: &words.lengths }, shown, now);
        self.documents += seen.count;
        self.stems_length += seen.stems_length;
        self.words_length += seen.words_length;
        self.since = self.since.max(seen.since);
        self.until = self.until.min(seen.until());
        self.locales.extend(seen.editions().map(|number| locale_of(&columns.editions[number]).to_owned()));
        let (title, headings, data) = (text(fields.title)?, text(fields.headings)?, data.clone());
        Ok(Segment { stems, words, title, headings, size: reader.max_doc(), data, whole: seen.count == reader.max_doc(), seen })
    }
}

impl Segment {
    pub(crate) fn frequency(&self, text: &TextField, term: &str) -> u32 {
        if self.whole {
            return text.index.doc_freq(&text.term(term)).unwrap_or(0);
        }
        let mut count = 0;
        self.each(text, term, |_, _| count += 1);
        count
    }

    /// As [`Segment::frequency`], for a term whose documents were counted when the segment was made.
    pub(crate) fn frequency_of(&self, text: &TextField, term: &str, made: u32) -> u32 {
        if self.whole { made } else { self.frequency(text, term) }
    }

    /// Calls back with each document of the view that has the term, and how often.
    pub(crate) fn each(&self, text: &TextField, term: &str, mut take: impl FnMut(DocId, u32)) {
        if let Some(mut walk) = self.walk(text, term) {
            walk.until(TERMINATED, &mut take);
        }
    }

    /// The documents of the view that have the term, to be called up part by part.
    pub(crate) fn walk(&self, text: &TextField, term: &str) -> Option<PostingsCursor<'_>> {
        let block = text.blocks(term).ok().flatten()?;
        Some(PostingsCursor { block, place: 0, among: (!self.whole).then_some(&self.seen.docs) })
    }

    /// Puts each document of the view that has the term into a set.
    pub(crate) fn mark(&self, text: &TextField, term: &str, into: &mut DocSet) {
        self.each(text, term, |doc, _| {
            into.insert(doc);
        });
    }

    /// The field in which a term of a plan is looked for.
    pub(crate) fn text_of(&self, term: &ScoredTerm) -> &TextField {
        if term.exactly { &self.words } else { &self.stems }
    }

    pub(crate) fn id(&self, doc: DocId) -> Uuid {
        self.data.columns.id(doc)
    }
}

impl PostingsCursor<'_> {
    /// Calls back with each document before this one that was not called up yet, and how often it has the term.
    pub(crate) fn until(&mut self, end: DocId, mut take: impl FnMut(DocId, u32)) {
        loop {
            let (docs, counts) = (self.block.docs(), self.block.freqs());
            let here = docs.partition_point(|doc| *doc < end);
            // Counts are kept for what is ranked; elsewhere being there is all.
            for (place, doc) in docs.iter().enumerate().take(here).skip(self.place) {
                if self.among.is_none_or(|among| among.has(*doc)) {
                    take(*doc, counts.get(place).copied().unwrap_or(1));
                }
            }
            self.place = here;
            if docs.is_empty() || here < docs.len() {
                return;
            }
            self.block.advance();
            self.place = 0;
        }
    }
}

impl TextField {
    fn term(&self, text: &str) -> tantivy::Term {
        tantivy::Term::from_field_text(self.field, text)
    }

    fn blocks(&self, term: &str) -> std::io::Result<Option<BlockSegmentPostings>> {
        self.index.read_block_postings(&self.term(term), IndexRecordOption::WithFreqs)
    }

    /// The postings of a term, with how often each document has it.
    pub(crate) fn counted_postings(&self, term: &str) -> Option<SegmentPostings> {
        self.index.read_postings(&self.term(term), IndexRecordOption::WithFreqs).ok().flatten()
    }

    /// The postings of a term, with the places in each document.
    pub(crate) fn postings(&self, term: &str) -> Option<SegmentPostings> {
        self.index.read_postings(&self.term(term), IndexRecordOption::WithFreqsAndPositions).ok().flatten()
    }
}
