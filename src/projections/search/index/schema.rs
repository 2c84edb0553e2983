//! The fields of the index.
//!
//! Nothing is stored for display: hits are read from the database, which checks their visibility again. Raise [`VERSION`] whenever the
//! meaning of a field changes.

use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};

/// An index of another version is rebuilt at the next start.
pub(crate) const VERSION: u32 = 5;

/// The fields of a document. One document is one text of an insight: an insight in three locales is three documents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexFields {
    /// The insight and its generation: the key to delete by.
    pub(crate) delete_key: Field,
    /// The words, subwords and compounds of title, author's excerpt and body.
    pub(crate) words: Field,
    /// The stems of the same words and subwords, those of the title three times. BM25 ranks by this field.
    pub(crate) stems: Field,
    /// The words of the title, for completion.
    pub(crate) title: Field,
    /// The words of the title and of the headings, for suggestions.
    pub(crate) headings: Field,
    /// The words of the title in order, each hashed with its stem, for reranking.
    pub(crate) title_keys: Field,
    /// The locale variant key: the locale of the text, the source locale, all locales of its insight.
    pub(crate) variant: Field,
    pub(crate) id_high: Field,
    pub(crate) id_low: Field,
    pub(crate) revision: Field,
    pub(crate) pointer_version: Field,
    pub(crate) published_at: Field,
    pub(crate) unpublish_at: Field,
    pub(crate) minutes: Field,
    pub(crate) category: Field,
    pub(crate) tags: Field,
    pub(crate) authors: Field,
}

impl IndexFields {
    /// The text fields in the order of the schema and of [`crate::projections::search::index::inverter::InvertedFields`].
    pub(crate) fn inverted(&self) -> [Field; 4] {
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
        delete_key: builder.add_bytes_field("delete_key", INDEXED),
        words: builder.add_text_field("words", text(positions)),
        stems: builder.add_text_field("stems", text(positions)),
        title: builder.add_text_field("title", text(IndexRecordOption::Basic)),
        headings: builder.add_text_field("headings", text(IndexRecordOption::Basic)),
        title_keys: builder.add_u64_field("title_keys", FAST),
        variant: builder.add_text_field("variant", keys.clone()),
        id_high: builder.add_u64_field("id_high", FAST),
        id_low: builder.add_u64_field("id_low", FAST),
        revision: builder.add_u64_field("revision", FAST),
        pointer_version: builder.add_u64_field("pointer_version", FAST),
        published_at: builder.add_i64_field("published_at", FAST),
        unpublish_at: builder.add_i64_field("unpublish_at", FAST),
        minutes: builder.add_i64_field("minutes", FAST),
        category: builder.add_text_field("category", keys.clone()),
        tags: builder.add_text_field("tags", keys.clone()),
        authors: builder.add_text_field("authors", keys),
    };
    (builder.build(), fields)
}

/// The hash of a word where only equality matters: FNV-1a with 32 bits, the same in every process.
pub(crate) fn word_hash(word: &str) -> u32 {
    crate::domain::fnv::fnv1a(word)
}

/// The hashes of a title's word and of its stem, in one number.
pub(crate) fn title_key(word: &str, stem: &str) -> u64 {
    u64::from(word_hash(word)) << 32 | u64::from(word_hash(stem))
}

/// The hashes of word and stem in a title key.
pub(crate) fn split_title_key(title_key: u64) -> (u32, u32) {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
    let halves = ((title_key >> 32) as u32, title_key as u32);
    halves
}
