//! What one reader may find at one moment: of each insight the text that is shown in the reader's locale, if the insight is visible now.
//!
//! Every number that ranks or counts is made of the documents of a view and of nothing else. What is scheduled, expired, replaced or deleted
//! moves no score, completes no word and corrects no typo, although it may still lie in the index; and the same content gives the same
//! scores on every node, however its index came to be.

use std::collections::HashSet;
use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::{InvertedIndexReader, SegmentReader};
use tantivy::postings::{BlockSegmentPostings, SegmentPostings};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, Searcher};

use super::columns::Columns;
use super::documents::{NEVER, is_shown, locale_of};
use super::plan::Term;
use super::schema::Fields;
use crate::domain::clock::Timestamp;

/// An inverted field of a segment with the lengths of its documents.
pub(super) struct Text {
    pub(super) index: Arc<InvertedIndexReader>,
    pub(super) lengths: FieldNormReader,
    field: Field,
}

/// One segment of the index, as far as it is in the view.
pub(super) struct Segment {
    pub(super) stems: Text,
    pub(super) words: Text,
    pub(super) title: Text,
    pub(super) headings: Text,
    pub(super) size: u32,
    pub(super) columns: Arc<Columns>,
    pub(super) seen: Bits,
    /// Every document of the segment is in the view: postings need not be counted one by one.
    whole: bool,
}

/// A set of documents of one segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn none(size: u32) -> Self {
        Self(vec![0; size as usize / 64 + 1])
    }

    pub(super) fn clear(&mut self, size: u32) {
        self.0.clear();
        self.0.resize(size as usize / 64 + 1, 0);
    }

    pub(super) fn has(&self, doc: DocId) -> bool {
        self.0.get(doc as usize / 64).is_some_and(|word| word >> (doc % 64) & 1 == 1)
    }

    /// Puts a document in; answers whether it was not there.
    pub(super) fn insert(&mut self, doc: DocId) -> bool {
        let Some(word) = self.0.get_mut(doc as usize / 64) else { return false };
        let bit = 1 << (doc % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    pub(super) fn keep(&mut self, other: &Self) {
        for (mine, other) in self.0.iter_mut().zip(&other.0) {
            *mine &= other;
        }
    }

    pub(super) fn remove(&mut self, other: &Self) {
        for (mine, other) in self.0.iter_mut().zip(&other.0) {
            *mine &= !other;
        }
    }

    /// In rising order.
    pub(super) fn iter(&self) -> impl Iterator<Item = DocId> + '_ {
        (0_u32..).step_by(64).zip(&self.0).flat_map(|(base, word)| {
            std::iter::successors(Some(*word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|rest| *rest != 0)
                .map(move |rest| base + rest.trailing_zeros())
        })
    }
}

pub(super) struct View {
    pub(super) segments: Vec<Segment>,
    /// How many documents there are, and how long they are on average.
    pub(super) documents: u32,
    pub(super) stems_length: f32,
    pub(super) words_length: f32,
    /// The languages of the texts: a query is stemmed in each.
    pub(super) locales: Vec<String>,
    /// The clock changes the view then.
    until: i64,
}

impl View {
    pub(super) fn of(
        searcher: &Searcher,
        columns: &[Arc<Columns>],
        fields: &Fields,
        chain: &[String],
        now: Timestamp,
    ) -> tantivy::Result<Self> {
        let mut gathered = Gathered { until: NEVER, ..Gathered::default() };
        let mut segments = Vec::new();
        for (reader, columns) in searcher.segment_readers().iter().zip(columns) {
            segments.push(gathered.segment(reader, columns, fields, chain, now)?);
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
            until: gathered.until,
        })
    }

    pub(super) fn is_good_at(&self, now: Timestamp) -> bool {
        now.0 < self.until
    }

    /// How many documents have a term.
    pub(super) fn frequency(&self, text: impl Fn(&Segment) -> &Text, term: &str) -> u32 {
        self.segments.iter().map(|segment| segment.frequency(text(segment), term)).sum()
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an average needs no more digits")]
pub(super) fn ratio(a: u64, b: u64) -> f32 {
    (a as f64 / b as f64) as f32
}

#[derive(Default)]
struct Gathered {
    documents: u32,
    stems_length: u64,
    words_length: u64,
    locales: HashSet<String>,
    until: i64,
}

impl Gathered {
    fn segment(
        &mut self,
        reader: &SegmentReader,
        columns: &Arc<Columns>,
        fields: &Fields,
        chain: &[String],
        now: Timestamp,
    ) -> tantivy::Result<Segment> {
        let text = |field: Field| -> tantivy::Result<Text> {
            Ok(Text { index: reader.inverted_index(field)?, lengths: reader.get_fieldnorms_reader(field)?, field })
        };
        let mut segment = Segment {
            stems: text(fields.stems)?,
            words: text(fields.words)?,
            title: text(fields.title)?,
            headings: text(fields.headings)?,
            size: reader.max_doc(),
            seen: Bits::none(reader.max_doc()),
            whole: false,
            columns: columns.clone(),
        };
        let shown: Vec<bool> = columns.editions.iter().map(|edition| is_shown(edition, chain)).collect();
        let mut used = vec![false; shown.len()];
        let mut seen = 0;
        for doc in 0..reader.max_doc() {
            let at = doc as usize;
            let edition = columns.edition[at] as usize;
            if !shown.get(edition).copied().unwrap_or(false) || reader.is_deleted(doc) {
                continue;
            }
            let (from, to) = (columns.published[at], columns.ends[at]);
            // What is over does not come back, whenever it began.
            for change in [from, to] {
                if change > now.0 && to > now.0 {
                    self.until = self.until.min(change);
                }
            }
            if from <= now.0 && now.0 < to {
                segment.seen.insert(doc);
                used[edition] = true;
                seen += 1;
                self.stems_length += u64::from(segment.stems.lengths.fieldnorm(doc));
                self.words_length += u64::from(segment.words.lengths.fieldnorm(doc));
            }
        }
        self.documents += seen;
        segment.whole = seen == reader.max_doc();
        let editions = columns.editions.iter().zip(used).filter(|(_, used)| *used);
        self.locales.extend(editions.map(|(edition, _)| locale_of(edition).to_owned()));
        Ok(segment)
    }
}

impl Segment {
    pub(super) fn frequency(&self, text: &Text, term: &str) -> u32 {
        if self.whole {
            return text.index.doc_freq(&text.term(term)).unwrap_or(0);
        }
        let mut count = 0;
        self.each(text, term, |_, _| count += 1);
        count
    }

    /// As [`Segment::frequency`], for a term whose documents were counted when the segment was made.
    pub(super) fn frequency_of(&self, text: &Text, term: &str, made: u32) -> u32 {
        if self.whole { made } else { self.frequency(text, term) }
    }

    /// Calls back with each document of the view that has the term, and how often.
    pub(super) fn each(&self, text: &Text, term: &str, mut take: impl FnMut(DocId, u32)) {
        let Ok(Some(mut block)) = text.blocks(term) else { return };
        loop {
            let (docs, counts) = (block.docs(), block.freqs());
            if docs.is_empty() {
                return;
            }
            // Counts are kept for what is ranked; elsewhere being there is all.
            for (place, doc) in docs.iter().enumerate() {
                if self.whole || self.seen.has(*doc) {
                    take(*doc, counts.get(place).copied().unwrap_or(1));
                }
            }
            block.advance();
        }
    }

    /// Puts each document of the view that has the term into a set.
    pub(super) fn mark(&self, text: &Text, term: &str, into: &mut Bits) {
        self.each(text, term, |doc, _| {
            into.insert(doc);
        });
    }

    /// The field in which a term of a plan is looked for.
    pub(super) fn text_of(&self, term: &Term) -> &Text {
        if term.exactly { &self.words } else { &self.stems }
    }

    pub(super) fn id(&self, doc: DocId) -> uuid::Uuid {
        self.columns.id(doc)
    }
}

impl Text {
    fn term(&self, text: &str) -> tantivy::Term {
        tantivy::Term::from_field_text(self.field, text)
    }

    fn blocks(&self, term: &str) -> std::io::Result<Option<BlockSegmentPostings>> {
        self.index.read_block_postings(&self.term(term), IndexRecordOption::WithFreqs)
    }

    /// The postings of a term, with how often each document has it.
    pub(super) fn counted_postings(&self, term: &str) -> Option<SegmentPostings> {
        self.index.read_postings(&self.term(term), IndexRecordOption::WithFreqs).ok().flatten()
    }

    /// The postings of a term, with the places in each document.
    pub(super) fn postings(&self, term: &str) -> Option<SegmentPostings> {
        self.index.read_postings(&self.term(term), IndexRecordOption::WithFreqsAndPositions).ok().flatten()
    }
}
