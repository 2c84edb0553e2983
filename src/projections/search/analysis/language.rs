//! Stemming and stop words for each language.
//!
//! The stemmers are Snowball's. They get folded words, so a query without accents matches a text with accents.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};

/// The primary language of a locale; `None` has neither stemmer nor stop words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Language(Option<Algorithm>);

impl Language {
    /// From a language tag (BCP 47): `it-CH` is Italian.
    pub(crate) fn from_tag(locale: &str) -> Self {
        Self(match locale.split('-').next().unwrap_or_default() {
            "ar" => Some(Algorithm::Arabic),
            "da" => Some(Algorithm::Danish),
            "de" => Some(Algorithm::German),
            "el" => Some(Algorithm::Greek),
            "en" => Some(Algorithm::English),
            "es" => Some(Algorithm::Spanish),
            "fi" => Some(Algorithm::Finnish),
            "fr" => Some(Algorithm::French),
            "hu" => Some(Algorithm::Hungarian),
            "it" => Some(Algorithm::Italian),
            "nb" | "nn" | "no" => Some(Algorithm::Norwegian),
            "nl" => Some(Algorithm::Dutch),
            "pt" => Some(Algorithm::Portuguese),
            "ro" => Some(Algorithm::Romanian),
            "ru" => Some(Algorithm::Russian),
            "sv" => Some(Algorithm::Swedish),
            "ta" => Some(Algorithm::Tamil),
            "tr" => Some(Algorithm::Turkish),
            _ => None,
        })
    }

    /// The stem of a folded word. A word with digits or connectors is an identifier and its own stem.
    pub(crate) fn stem(self, word: &str) -> Cow<'_, str> {
        match self.0 {
            Some(algorithm) if word.len() > 2 && word.chars().all(char::is_alphabetic) => Stemmer::new(algorithm).stem(word),
            _ => Cow::Borrowed(word),
        }
    }

    /// Whether a stem always has the prefix of its word. False for stemmers that strip prefixes.
    pub(crate) fn preserves_prefixes(self) -> bool {
        !matches!(self.0, Some(Algorithm::Arabic | Algorithm::Tamil))
    }

    /// Whether a folded word is too common to search for, unless the query has no other words.
    pub(crate) fn is_stop_word(self, word: &str) -> bool {
        let list = match self.0 {
            Some(Algorithm::English) => &*ENGLISH,
            Some(Algorithm::German) => &*GERMAN,
            Some(Algorithm::Italian) => &*ITALIAN,
            Some(Algorithm::French) => &*FRENCH,
            Some(Algorithm::Spanish) => &*SPANISH,
            _ => return false,
        };
        list.contains(word)
    }
}

fn word_set(words: &'static str) -> HashSet<&'static str> {
    words.split_whitespace().collect()
}

// Function words only: articles, pronouns, prepositions, conjunctions, auxiliaries, question words. Words that can distinguish texts, such
// as `down`, `off` or `not` in the title of an outage, are not in these lists.
static ENGLISH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    word_set(
        "a about above after again all also am an and any are as at be because been before being between both \
         but by can could did do does doing don for from further had has have having he her here hers him his \
         how i if in into is it its itself just ll may me might more most must my of on once only or other \
         our ours out over own re same shall she should so some such than that the their theirs them then \
         there these they this those through to too under until up upon ve very was we were what when where \
         whether which while who whom whose why will with would you your yours",
    )
});
static GERMAN: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    word_set(
        "aber alle als also am an auch auf aus bei beim bin bis da damit dann das dass dem den denn der des \
         die dies diese diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er es fur \
         hat hatte hier ich ihm ihn ihr ihre im in ist ja jede jeder kann man mehr mein mit nach noch nun nur \
         ob oder ohne sehr sein seine sich sie sind so uber um und uns unter vom von vor wann war waren warum \
         was weil welche welcher wenn wer werden wie wieder wir wird wo wurde wurden zu zum zur zwischen",
    )
});
static ITALIAN: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    word_set(
        "a agli ai al alla alle allo anche c che chi ci come con cosa cui d da dagli dai dal dalla dalle \
         dallo degli dei del della delle dello di dove e ed era gli ha hanno ho i il in io l la le lei li lo \
         loro ma mi ne negli nei nel nella nelle nello noi non o per perche piu quale quali quando quanto \
         quella quelle quelli quello questa queste questi questo se sei si sia sono su sua sue sugli sui sul \
         sulla sulle sullo suo suoi tra un una uno vi voi",
    )
});
static FRENCH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    word_set(
        "a au aux avec c ce ces cet cette comme comment d dans de des du elle elles en est et etait ete etre \
         eu il ils j je l la le les leur leurs lui ma mais me mes mon n ne nos notre nous on ou par pas plus \
         pour pourquoi qu quand que quel quelle qui s sa sans se ses si son sont sur ta te tes ton tu un une \
         vos votre vous y",
    )
});
static SPANISH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    word_set(
        "a al algo ante antes como con contra cual cuando de del desde donde e el ella ellas ellos en entre \
         era es esa ese eso esta este esto estos fue ha hasta hay la las le les lo los mas me mi muy no nos o \
         os para pero por porque que quien se ser si sin sobre son su sus te tu un una uno unos y ya yo",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_and_plural_have_the_same_stem() {
        for (locale, singular, plural) in [
            ("en", "index", "indexes"),
            ("en-GB", "retry", "retries"),
            ("de", "datenbank", "datenbanken"),
            ("it", "indice", "indici"),
            ("fr", "requete", "requetes"),
        ] {
            let language = Language::from_tag(locale);
            assert_eq!(language.stem(singular), language.stem(plural), "{locale}");
        }
        assert_eq!(Language::from_tag("xx").stem("words"), "words");
        assert_eq!(Language::from_tag("en").stem("e0502"), "e0502");
    }
}
