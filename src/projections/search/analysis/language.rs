//! What a language adds to its words: light stemming, and words too common to look for.
//!
//! Stemmers are Snowball's, fed with folded words, so that a query without accents finds what was written with them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};

/// The primary language of a locale, or none that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Language(Option<Algorithm>);

impl Language {
    /// Of a language tag (BCP 47): `it-CH` is Italian.
    pub(crate) fn of(locale: &str) -> Self {
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

    /// The stem of a folded word. What has digits or joins in it is an identifier, and its own stem.
    pub(crate) fn stem(self, word: &str) -> Cow<'_, str> {
        match self.0 {
            Some(algorithm) if word.len() > 2 && word.chars().all(char::is_alphabetic) => Stemmer::new(algorithm).stem(word),
            _ => Cow::Borrowed(word),
        }
    }

    /// Whether a stem begins with the letters its word begins with: not where prefixes are taken off.
    pub(crate) fn keeps_beginnings(self) -> bool {
        !matches!(self.0, Some(Algorithm::Arabic | Algorithm::Tamil))
    }

    /// Whether a folded word is too common to look for, unless nothing else is left.
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

fn words(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}

// Function words only: articles, pronouns, prepositions, conjunctions, auxiliaries, question words. Words that name something, such as
// `down`, `off` or `not` in a title of an outage, stay out of these lists where they can decide.
static ENGLISH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    words(
        "a about above after again all also am an and any are as at be because been before being between both but by can could did do does doing don \
         for from further had has have having he her here hers him his how i if in into is it its itself just ll may me might more most must my \
         of on once only or other our ours out over own re same shall she should so some such than that the their theirs them then there these they \
         this those through to too under until up upon ve very was we were what when where whether which while who whom whose why will with would you your \
         yours",
    )
});
static GERMAN: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    words(
        "aber alle als also am an auch auf aus bei beim bin bis da damit dann das dass dem den denn der des die dies diese diesem diesen dieser dieses \
         doch du durch ein eine einem einen einer eines er es fur hat hatte hier ich ihm ihn ihr ihre im in ist ja jede jeder kann man mehr mein mit \
         nach noch nun nur ob oder ohne sehr sein seine sich sie sind so uber um und uns unter vom von vor wann war waren warum was weil welche welcher \
         wenn wer werden wie wieder wir wird wo wurde wurden zu zum zur zwischen",
    )
});
static ITALIAN: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    words(
        "a agli ai al alla alle allo anche c che chi ci come con cosa cui d da dagli dai dal dalla dalle dallo degli dei del della delle dello di dove e \
         ed era gli ha hanno ho i il in io l la le lei li lo loro ma mi ne negli nei nel nella nelle nello noi non o per perche piu quale quali quando \
         quanto quella quelle quelli quello questa queste questi questo se sei si sia sono su sua sue sugli sui sul sulla sulle sullo suo suoi tra un una \
         uno vi voi",
    )
});
static FRENCH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    words(
        "a au aux avec c ce ces cet cette comme comment d dans de des du elle elles en est et etait ete etre eu il ils j je l la le les leur leurs lui \
         ma mais me mes mon n ne nos notre nous on ou par pas plus pour pourquoi qu quand que quel quelle qui s sa sans se ses si son sont sur ta te tes \
         ton tu un une vos votre vous y",
    )
});
static SPANISH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    words(
        "a al algo ante antes como con contra cual cuando de del desde donde e el ella ellas ellos en entre era es esa ese eso esta este esto estos fue \
         ha hasta hay la las le les lo los mas me mi muy no nos o os para pero por porque que quien se ser si sin sobre son su sus te tu un una uno unos \
         y ya yo",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_singulars_share_a_stem() {
        for (locale, one, many) in [
            ("en", "index", "indexes"),
            ("en-GB", "retry", "retries"),
            ("de", "datenbank", "datenbanken"),
            ("it", "indice", "indici"),
            ("fr", "requete", "requetes"),
        ] {
            let language = Language::of(locale);
            assert_eq!(language.stem(one), language.stem(many), "{locale}");
        }
        assert_eq!(Language::of("xx").stem("words"), "words");
        assert_eq!(Language::of("en").stem("e0502"), "e0502");
    }
}
