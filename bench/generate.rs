//! A synthetic corpus with the statistics of a real one: Zipfian word frequencies, topics that share words, titles from the topic of the
//! text, code-like tokens, headings. The same seed gives the same corpus.

use super::corpus::Entry;

const NOUNS: &str = "index cache queue lock thread worker pool connection transaction query table row column planner statistic \
    buffer page disk network packet socket timeout retry deadline circuit breaker balancer proxy gateway cluster \
    node replica leader follower election quorum snapshot journal checkpoint backup restore migration schema \
    constraint trigger view cursor batch stream partition offset consumer producer topic broker message event \
    handler scheduler job task container image registry volume mount kernel process signal memory heap stack \
    allocator garbage collector latency throughput percentile metric trace span log alert dashboard incident \
    outage postmortem rollout rollback deployment pipeline build artifact dependency library compiler linker \
    parser lexer token grammar regex string encoding locale timezone calendar invoice payment customer session \
    credential certificate key secret vault policy role permission audit header cookie redirect endpoint route \
    middleware template renderer browser";
const VERBS: &str = "ignored doubled starved blocked leaked vanished drifted exploded froze recovered diverged restarted collided expired";
const GLUE: &str =
    "the a of to in and that it was for on with as at by this from we had not but were which when our one all there what after";

/// A small, fast and repeatable pseudorandom generator (xorshift64*, Vigna 2016).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap_or(0) % bound.max(1)
    }

    /// A number r with a probability proportional to 1 / (r + 1), as words have (Zipf 1949).
    fn zipf(&mut self, bound: usize) -> usize {
        let magnitude = self.below(usize::BITS as usize - bound.leading_zeros() as usize);
        let from = 1 << magnitude;
        (from + self.below(from)).min(bound) - 1
    }
}

pub(crate) struct Corpus {
    pub(crate) entries: Vec<Entry>,
    /// The tags' names.
    pub(crate) tags: Vec<String>,
}

/// Insights of about `words` words each, the newest one a day before `now`.
pub(crate) fn corpus(count: usize, words: usize, now: i64) -> Corpus {
    let mut random = Random::new(20_261_123);
    let (nouns, verbs, glue): (Vec<&str>, Vec<&str>, Vec<&str>) =
        (NOUNS.split_whitespace().collect(), VERBS.split_whitespace().collect(), GLUE.split_whitespace().collect());
    let rare = rare_words(&mut random, 40_000);
    let tags: Vec<String> = nouns.iter().take(60).map(|noun| (*noun).to_owned()).collect();
    let mut entries = Vec::with_capacity(count);
    for number in 0..count {
        // Common words for the topic, and rare words of its own.
        let topic: Vec<&str> = (0..8).map(|_| nouns[random.zipf(nouns.len())]).collect();
        let mut own: Vec<&str> = (0..40).map(|_| rare[random.zipf(rare.len())].as_str()).collect();
        own[..2].fill_with(|| rare[random.below(rare.len())].as_str());
        let title = format!(
            "{} {} {}: why the {} {} the {}",
            capital(topic[0]),
            own[0],
            topic[1],
            own[1],
            verbs[random.below(verbs.len())],
            topic[2]
        );
        let length = words / 2 + random.below(words);
        let mut text = String::with_capacity(length * 7);
        let mut headings = Vec::new();
        for at in 0..length {
            if at % 120 == 119 {
                let heading = format!("{} and {}", capital(topic[random.below(8)]), own[random.below(40)]);
                text.extend(["\n\n", &heading, "\n\n"]);
                headings.push(heading);
            }
            let word = match random.below(100) {
                0..45 => glue[random.zipf(glue.len())],
                45..65 => topic[random.below(8)],
                _ => own[random.below(40)],
            };
            text.push_str(word);
            text.push_str(if at % 13 == 12 { ". " } else { " " });
        }
        text.push_str(&tokens(number));
        let age = i64::try_from(number).unwrap_or(0) * 86_400_000 * 3_000 / i64::try_from(count.max(1)).unwrap_or(1);
        entries.push(Entry {
            title,
            text,
            headings,
            category: random.below(4),
            tags: (0..random.below(4)).map(|nth| nth * 20 + random.below(20)).collect(),
            published_at: now - 86_400_000 - age,
        });
    }
    Corpus { entries, tags }
}

/// Code-like tokens that only this insight has.
pub(crate) fn tokens(number: usize) -> String {
    format!("The error was E{:05} in worker_{number}::drain, set by Pool-Limit-{number} and seen by NodeWatch{number}.", number + 10_000)
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Pronounceable words without a meaning.
fn rare_words(random: &mut Random, count: usize) -> Vec<String> {
    const ONSETS: [&str; 18] = ["b", "br", "c", "d", "dr", "f", "g", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v"];
    const RHYMES: [&str; 14] = ["a", "an", "ar", "e", "el", "en", "i", "in", "o", "ol", "or", "u", "um", "us"];
    let syllable = |random: &mut Random| format!("{}{}", ONSETS[random.below(18)], RHYMES[random.below(14)]);
    let mut words: Vec<String> = Vec::with_capacity(count);
    for _ in 0..count {
        let syllables = 2 + random.below(3);
        words.push((0..syllables).map(|_| syllable(random)).collect());
    }
    words
}
