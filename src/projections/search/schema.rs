//! What the index holds of a text, and how it is cut into terms.
//!
//! Nothing is stored to be shown: hits are read from the database, which decides once more what is visible.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::HashMap as FastMap;
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer};

use super::analysis::{self, Kind};
use super::language::Language;

/// Raise it whenever what is indexed changes: an index of another version is made anew.
pub(super) const VERSION: u32 = 1;

/// The fields of a document. One document is one text of an insight: an insight in three languages is three.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// The insight, to replace it by.
    pub(super) insight: Field,
    /// Title (three times), the author's excerpt and body, as stems: what is ranked.
    pub(super) stems: Field,
    /// The same words as they are written, and compounds whole.
    pub(super) words: Field,
    /// The words of the title: what typing completes first.
    pub(super) title: Field,
    /// The words of the title and of the headings.
    pub(super) headings: Field,
    pub(super) title_words: Field,
    pub(super) title_stems: Field,
    /// The locale of the text, and all locales of its insight.
    pub(super) edition: Field,
    pub(super) id_high: Field,
    pub(super) id_low: Field,
    pub(super) revision: Field,
    pub(super) pointer: Field,
    pub(super) published: Field,
    pub(super) ends: Field,
    pub(super) minutes: Field,
    pub(super) category: Field,
    pub(super) tags: Field,
    pub(super) authors: Field,
}

pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let text = |tokenizer: &str, record: IndexRecordOption| {
        TextOptions::default().set_indexing_options(TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(record))
    };
    let positions = IndexRecordOption::WithFreqsAndPositions;
    let keys = TextOptions::default().set_fast("raw");
    let fields = Fields {
        insight: builder.add_bytes_field("insight", INDEXED),
        stems: builder.add_text_field("stems", text("stems", positions)),
        words: builder.add_text_field("words", text("words", positions)),
        title: builder.add_text_field("title", text("plain", IndexRecordOption::Basic)),
        headings: builder.add_text_field("headings", text("plain", IndexRecordOption::Basic)),
        title_words: builder.add_u64_field("title_words", FAST),
        title_stems: builder.add_u64_field("title_stems", FAST),
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

pub(super) fn register_tokenizers(index: &tantivy::Index) {
    for (name, keep) in [("stems", Keep::Stems), ("words", Keep::Words), ("plain", Keep::Plain)] {
        let analyzer = TextAnalyzer::builder(Cutter::new(keep)).build();
        index.tokenizers().register(name, analyzer);
    }
}

/// A text as the field of stems takes it: with its locale in front.
pub(super) fn marked(locale: &str, text: &str) -> String {
    format!("{locale}{MARK}{text}")
}

const MARK: char = '\u{1F}';

/// The number a word is known by where only equality matters (FNV-1a, which is the same in every process).
pub(super) fn key(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[derive(Clone, Copy)]
enum Keep {
    Stems,
    Words,
    Plain,
}

#[derive(Clone)]
struct Cutter {
    keep: Keep,
    stems: Stems,
    places: Vec<Place>,
    /// The texts of the tokens, one behind the other.
    texts: String,
    token: Token,
}

/// A token: where it is in the text, and where its own text is among those of all.
#[derive(Clone)]
struct Place {
    position: usize,
    from: usize,
    to: usize,
    text: Range<usize>,
}

impl Cutter {
    fn new(keep: Keep) -> Self {
        Self { keep, stems: Stems::default(), places: Vec::new(), texts: String::new(), token: Token::default() }
    }
}

/// The stems that were found last: a text repeats its words, and other texts repeat them too.
#[derive(Clone, Default)]
struct Stems(HashMap<Language, FastMap<Box<str>, Box<str>>>);

/// Words of one language; then it is begun anew.
const MOST_STEMS: usize = 20_000;

impl Stems {
    fn of(&mut self, language: Language) -> StemsOf<'_> {
        StemsOf { language, known: self.0.entry(language).or_default() }
    }
}

struct StemsOf<'s> {
    language: Language,
    known: &'s mut FastMap<Box<str>, Box<str>>,
}

impl StemsOf<'_> {
    /// Writes the stem of a word behind what is there.
    fn write(&mut self, word: &str, to: &mut String) {
        if self.language == Language::NONE {
            return to.push_str(word);
        }
        if let Some(stem) = self.known.get(word) {
            return to.push_str(stem);
        }
        let stem = self.language.stem(word);
        to.push_str(&stem);
        if self.known.len() >= MOST_STEMS {
            self.known.clear();
        }
        let stem: Box<str> = (*stem).into();
        self.known.insert(word.into(), stem);
    }
}

impl Tokenizer for Cutter {
    type TokenStream<'a> = Cut<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Cut<'a> {
        self.places.clear();
        self.texts.clear();
        let (language, text) = match (self.keep, text.split_once(MARK)) {
            (Keep::Stems, Some((locale, text))) => (Language::of(locale), text),
            _ => (Language::NONE, text),
        };
        let Self { keep, stems, places, texts, token } = self;
        let mut stems = stems.of(language);
        analysis::pieces(text, |piece| {
            let kept = match keep {
                Keep::Stems => piece.kind != Kind::Whole,
                Keep::Words => true,
                Keep::Plain => piece.kind == Kind::Word,
            };
            if kept {
                let start = texts.len();
                stems.write(&piece.text, texts);
                places.push(Place { position: piece.position, from: piece.from, to: piece.to, text: start..texts.len() });
                let before = places.iter().rev().skip(1).take_while(|place| place.position > piece.position).count();
                // Compounds are found when they end; the index wants positions that never go back.
                let place = places.len() - 1 - before;
                places[place..].rotate_right(1);
            }
        });
        Cut { places, texts, token }
    }
}

struct Cut<'a> {
    places: &'a [Place],
    texts: &'a str,
    token: &'a mut Token,
}

impl TokenStream for Cut<'_> {
    fn advance(&mut self) -> bool {
        let Some((place, others)) = self.places.split_first() else { return false };
        self.places = others;
        self.token.position = place.position;
        self.token.offset_from = place.from;
        self.token.offset_to = place.to;
        self.token.text.clear();
        self.token.text.push_str(&self.texts[place.text.clone()]);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
