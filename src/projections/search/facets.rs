//! Filters, and how many matches there are of each category, tag and year. A facet respects all filters but the one on itself, so that it
//! shows what choosing something else would give.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use tantivy::DocId;
use tantivy::columnar::{Column, StrColumn};

use super::view::Segment;

/// Which documents a search is about, in keys of the index. `None` is no restriction; an empty list lets nothing through.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) categories: Option<Vec<String>>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) authors: Option<Vec<String>>,
    pub(super) published_after: Option<i64>,
    pub(super) published_before: Option<i64>,
    pub(super) min_minutes: Option<i64>,
    pub(super) max_minutes: Option<i64>,
}

/// How many matches have each value.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) total: u64,
    pub(super) categories: HashMap<String, u64>,
    pub(super) tags: HashMap<String, u64>,
    pub(super) years: BTreeMap<i32, u64>,
}

/// Counts the matches of one segment.
pub(super) struct Counter<'s> {
    segment: &'s Segment,
    filter: &'s Filter,
    categories: Option<Vec<u64>>,
    tags: Option<Vec<u64>>,
    authors: Option<Vec<u64>>,
    total: u64,
    by_category: Vec<u64>,
    by_tag: Vec<u64>,
    years: [u64; YEARS],
}

const FIRST_YEAR: i32 = 1970;
const YEARS: usize = 131;

/// When each year begins, in milliseconds since 1970.
static YEAR_STARTS: LazyLock<Vec<i64>> = LazyLock::new(|| {
    let start = |year| time::Date::from_ordinal_date(year, 1).map_or(i64::MAX, |day| day.midnight().assume_utc().unix_timestamp() * 1000);
    (FIRST_YEAR..).take(YEARS).map(start).collect()
});

impl<'s> Counter<'s> {
    pub(super) fn new(segment: &'s Segment, filter: &'s Filter) -> Self {
        Self {
            segment,
            filter,
            categories: filter.categories.as_deref().map(|keys| ordinals(&segment.category, keys)),
            tags: filter.tags.as_deref().map(|keys| ordinals(&segment.tags, keys)),
            authors: filter.authors.as_deref().map(|keys| ordinals(&segment.authors, keys)),
            total: 0,
            by_category: vec![0; segment.category.num_terms()],
            by_tag: vec![0; segment.tags.num_terms()],
            years: [0; YEARS],
        }
    }

    /// Counts a document where it belongs; answers whether it passes every filter.
    pub(super) fn take(&mut self, doc: DocId) -> bool {
        let Self { segment, filter, .. } = *self;
        let within = |value: Option<i64>, above: Option<i64>, below: Option<i64>| {
            let value = value.unwrap_or(0);
            above.is_none_or(|bound| value > bound) && below.is_none_or(|bound| value < bound)
        };
        let minutes = segment.minutes.first(doc).unwrap_or(0);
        let fits = filter.min_minutes.is_none_or(|min| minutes >= min)
            && filter.max_minutes.is_none_or(|max| minutes <= max)
            && any(segment.authors.ords(), doc, self.authors.as_deref());
        if !fits {
            return false;
        }
        let published = segment.published.first(doc);
        let in_category = any(segment.category.ords(), doc, self.categories.as_deref());
        let in_tags = any(segment.tags.ords(), doc, self.tags.as_deref());
        let in_time = within(published, filter.published_after, filter.published_before);
        if in_tags && in_time {
            count(segment.category.ords(), doc, &mut self.by_category);
        }
        if in_category && in_time {
            count(segment.tags.ords(), doc, &mut self.by_tag);
        }
        if in_category && in_tags {
            let place = YEAR_STARTS.partition_point(|start| *start <= published.unwrap_or(0)).saturating_sub(1);
            self.years[place] += 1;
        }
        let passes = in_category && in_tags && in_time;
        self.total += u64::from(passes);
        passes
    }

    pub(super) fn finish(self, counts: &mut Counts) {
        counts.total += self.total;
        named(&self.segment.category, &self.by_category, &mut counts.categories);
        named(&self.segment.tags, &self.by_tag, &mut counts.tags);
        for (year, count) in (FIRST_YEAR..).zip(self.years).filter(|(_, count)| *count > 0) {
            *counts.years.entry(year).or_default() += count;
        }
    }
}

fn ordinals(column: &StrColumn, keys: &[String]) -> Vec<u64> {
    keys.iter().filter_map(|key| column.dictionary().term_ord(key.as_bytes()).ok().flatten()).collect()
}

fn any(column: &Column<u64>, doc: DocId, wanted: Option<&[u64]>) -> bool {
    wanted.is_none_or(|wanted| column.values_for_doc(doc).any(|value| wanted.contains(&value)))
}

fn count(column: &Column<u64>, doc: DocId, counts: &mut [u64]) {
    for value in column.values_for_doc(doc) {
        if let Some(count) = usize::try_from(value).ok().and_then(|place| counts.get_mut(place)) {
            *count += 1;
        }
    }
}

fn named(column: &StrColumn, counts: &[u64], sums: &mut HashMap<String, u64>) {
    for (ord, count) in (0_u64..).zip(counts).filter(|(_, count)| **count > 0) {
        let mut key = String::new();
        if column.ord_to_str(ord, &mut key).unwrap_or(false) {
            *sums.entry(key).or_default() += count;
        }
    }
}
