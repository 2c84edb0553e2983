//! Filters and facet counts. A facet ignores the filter on itself, so it shows the counts of the alternatives.

use std::collections::{BTreeMap, HashMap};

use tantivy::DocId;

use crate::projections::search::reader::columns::Columns;
use crate::projections::search::reader::segment::Segment;

/// The filters of a search in index keys. `None` does not restrict; an empty list matches nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    pub(crate) categories: Option<Vec<String>>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) authors: Option<Vec<String>>,
    pub(crate) published_after: Option<i64>,
    pub(crate) published_before: Option<i64>,
    pub(crate) min_minutes: Option<i64>,
    pub(crate) max_minutes: Option<i64>,
}

/// The number of matches for each value.
#[derive(Debug, Default)]
pub(crate) struct FacetCounts {
    pub(crate) total: u64,
    pub(crate) categories: HashMap<String, u64>,
    pub(crate) tags: HashMap<String, u64>,
    pub(crate) years: BTreeMap<i32, u64>,
}

/// Filters and counts the matches of one segment.
pub(crate) struct FacetCounter<'s> {
    columns: &'s Columns,
    filter: &'s Filter,
    is_unfiltered: bool,
    categories: Option<Vec<u32>>,
    tags: Option<Vec<u32>>,
    authors: Option<Vec<u32>>,
    total: u64,
    by_category: Vec<u64>,
    by_tag: Vec<u64>,
    by_year: Vec<u64>,
}

impl<'s> FacetCounter<'s> {
    pub(crate) fn new(segment: &'s Segment, filter: &'s Filter) -> Self {
        let columns = &segment.data.columns;
        Self {
            columns,
            filter,
            is_unfiltered: *filter == Filter::default(),
            categories: filter.categories.as_deref().map(|wanted| ordinals_of(&columns.categories, wanted)),
            tags: filter.tags.as_deref().map(|wanted| ordinals_of(&columns.tags, wanted)),
            authors: filter.authors.as_deref().map(|wanted| ordinals_of(&columns.authors, wanted)),
            total: 0,
            by_category: vec![0; columns.categories.len()],
            by_tag: vec![0; columns.tags.len()],
            by_year: vec![0; columns.years.len()],
        }
    }

    /// Counts a document in every facet whose other filters it passes. Returns whether it passes all filters.
    pub(crate) fn count(&mut self, doc: DocId) -> bool {
        let Self { columns, filter, .. } = *self;
        let index = doc as usize;
        if self.is_unfiltered {
            increment([columns.category_ords.get(index)], &mut self.by_category);
            increment(columns.tag_ords.get(doc), &mut self.by_tag);
            increment([columns.year_ords.get(index)], &mut self.by_year);
            self.total += 1;
            return true;
        }
        let minutes = i64::from(columns.minutes.get(index));
        let passes_others = filter.min_minutes.is_none_or(|min| minutes >= min)
            && filter.max_minutes.is_none_or(|max| minutes <= max)
            && matches_any(columns.author_ords.get(doc), self.authors.as_deref());
        if !passes_others {
            return false;
        }
        let (category, tags) = (columns.category_ords.get(index), columns.tag_ords.get(doc));
        let in_category = matches_any([category], self.categories.as_deref());
        let in_tags = matches_any(tags.clone(), self.tags.as_deref());
        let in_time = filter.published_after.is_none_or(|bound| columns.published_at(doc) > bound)
            && filter.published_before.is_none_or(|bound| columns.published_at(doc) < bound);
        if in_tags && in_time {
            increment([category], &mut self.by_category);
        }
        if in_category && in_time {
            increment(tags, &mut self.by_tag);
        }
        if in_category && in_tags {
            increment([columns.year_ords.get(index)], &mut self.by_year);
        }
        let passes = in_category && in_tags && in_time;
        self.total += u64::from(passes);
        passes
    }

    pub(crate) fn finish(self, counts: &mut FacetCounts) {
        counts.total += self.total;
        for (keys, by_ord, sums) in
            [(&self.columns.categories, self.by_category, &mut counts.categories), (&self.columns.tags, self.by_tag, &mut counts.tags)]
        {
            for (key, count) in keys.iter().zip(by_ord).filter(|(_, count)| *count > 0) {
                *sums.entry(key.clone()).or_default() += count;
            }
        }
        for (year, count) in self.columns.years.iter().zip(self.by_year).filter(|(_, count)| *count > 0) {
            *counts.years.entry(*year).or_default() += count;
        }
    }
}

/// The ordinals of the wanted keys in a segment.
pub(crate) fn ordinals_of(keys: &[String], wanted: &[String]) -> Vec<u32> {
    (0_u32..).zip(keys).filter(|(_, key)| wanted.contains(key)).map(|(ord, _)| ord).collect()
}

fn matches_any(values: impl IntoIterator<Item = u32>, wanted: Option<&[u32]>) -> bool {
    wanted.is_none_or(|wanted| values.into_iter().any(|value| wanted.contains(&value)))
}

fn increment(values: impl IntoIterator<Item = u32>, counts: &mut [u64]) {
    for value in values {
        if let Some(count) = counts.get_mut(value as usize) {
            *count += 1;
        }
    }
}
