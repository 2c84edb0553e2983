//! What the index holds of a text.
//!
//! Nothing is stored to be shown: hits are read from the database, which decides once more what is visible.

use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};

/// Raise it whenever what is indexed changes: an index of another version is made anew.
pub(crate) const VERSION: u32 = 4;

/// The fields of a document. One document is one text of an insight: an insight in three languages is three.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexFields {
    /// The insight and a number, to replace it by.
    pub(crate) insight: Field,
    /// Title (three times), the author's excerpt and body, as stems: what is ranked.
    pub(crate) stems: Field,
    /// The same words as they are written, and compounds whole.
    pub(crate) words: Field,
    /// The words of the title: what typing completes first.
    pub(crate) title: Field,
    /// The words of the title and of the headings.
    pub(crate) headings: Field,
    /// The words of the title in their order, each with its stem: what the best hits are compared with.
    pub(crate) title_keys: Field,
    /// The locale of the text, and all locales of its insight.
    pub(crate) edition: Field,
    pub(crate) id_high: Field,
    pub(crate) id_low: Field,
    pub(crate) revision: Field,
    pub(crate) pointer: Field,
    pub(crate) published: Field,
    pub(crate) ends: Field,
    pub(crate) minutes: Field,
    pub(crate) category: Field,
    pub(crate) tags: Field,
    pub(crate) authors: Field,
}

impl IndexFields {
    /// Those that hold words, in the order of [`crate::projections::search::index::inverter::Cut`].
    pub(crate) fn of_words(&self) -> [Field; 4] {
        [self.words, self.stems, self.title, self.headings]
    }
}

pub(crate) fn schema() -> (Schema, IndexFields) {
    let mut builder = Schema::builder();
    let text = |record: IndexRecordOption| {
        TextOptions::default().set_indexing_options(TextFieldIndexing::default().set_tokenizer("raw").set_index_option(record))
    };
    let positions = IndexRecordOption::WithFreqsAndPositions;
    let keys = TextOptions::default().set_fast("raw");
    let fields = IndexFields {
        insight: builder.add_bytes_field("insight", INDEXED),
        stems: builder.add_text_field("stems", text(positions)),
        words: builder.add_text_field("words", text(positions)),
        title: builder.add_text_field("title", text(IndexRecordOption::Basic)),
        headings: builder.add_text_field("headings", text(IndexRecordOption::Basic)),
        title_keys: builder.add_u64_field("title_keys", FAST),
        edition: builder.add_text_field("edition", keys.clone()),
        id_high: builder.add_u64_field("id_high", FAST),
        id_low: builder.add_u64_field("id_low", FAST),
        revision: builder.add_u64_field("revision", FAST),
        pointer: builder.add_u64_field("pointer", FAST),
        published: builder.add_i64_field("published", FAST),
        ends: builder.add_i64_field("ends", FAST),
        minutes: builder.add_i64_field("minutes", FAST),
        category: builder.add_text_field("category", keys.clone()),
        tags: builder.add_text_field("tags", keys.clone()),
        authors: builder.add_text_field("authors", keys),
    };
    (builder.build(), fields)
}

/// The number a word is known by where only equality matters (FNV-1a with 32 bits, which is the same in every process).
pub(crate) fn key(word: &str) -> u32 {
    crate::domain::fnv::fnv1a(word)
}

/// A word of a title and its stem, in one number.
pub(crate) fn pair(word: &str, stem: &str) -> u64 {
    u64::from(key(word)) << 32 | u64::from(key(stem))
}

/// The keys in a pair.
pub(crate) fn keys(pair: u64) -> (u32, u32) {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
    let halves = ((pair >> 32) as u32, pair as u32);
    halves
}
