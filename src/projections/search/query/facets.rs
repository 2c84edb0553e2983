//! Filters, and how many matches there are of each category, tag and year. A facet respects all filters but the one on itself, so that it
//! shows what choosing something else would give.

use std::collections::{BTreeMap, HashMap};

use tantivy::DocId;

use crate::projections::search::reader::columns::Columns;
use crate::projections::search::reader::view::Segment;

/// Which documents a search is about, in keys of the index. `None` is no restriction; an empty list lets nothing through.
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

/// How many matches have each value.
#[derive(Debug, Default)]
pub(crate) struct FacetCounts {
    pub(crate) total: u64,
    pub(crate) categories: HashMap<String, u64>,
    pub(crate) tags: HashMap<String, u64>,
    pub(crate) years: BTreeMap<i32, u64>,
}

/// Counts the matches of one segment.
pub(crate) struct FacetCounter<'s> {
    columns: &'s Columns,
    filter: &'s Filter,
    unfiltered: bool,
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
            unfiltered: *filter == Filter::default(),
            categories: filter.categories.as_deref().map(|wanted| numbers(&columns.categories, wanted)),
            tags: filter.tags.as_deref().map(|wanted| numbers(&columns.tag_keys, wanted)),
            authors: filter.authors.as_deref().map(|wanted| numbers(&columns.author_keys, wanted)),
            total: 0,
            by_category: vec![0; columns.categories.len()],
            by_tag: vec![0; columns.tag_keys.len()],
            by_year: vec![0; columns.years.len()],
        }
    }

    /// Counts a document where it belongs; answers whether it passes every filter.
    pub(crate) fn take(&mut self, doc: DocId) -> bool {
        let Self { columns, filter, .. } = *self;
        let at = doc as usize;
        if self.unfiltered {
            count([columns.category.at(at)], &mut self.by_category);
            count(columns.tags.of(doc), &mut self.by_tag);
            count([columns.year.at(at)], &mut self.by_year);
            self.total += 1;
            return true;
        }
        let minutes = i64::from(columns.minutes.at(at));
        let fits = filter.min_minutes.is_none_or(|min| minutes >= min)
            && filter.max_minutes.is_none_or(|max| minutes <= max)
            && any(columns.authors.of(doc), self.authors.as_deref());
        if !fits {
            return false;
        }
        let (category, tags) = (columns.category.at(at), columns.tags.of(doc));
        let in_category = any([category], self.categories.as_deref());
        let in_tags = any(tags.clone(), self.tags.as_deref());
        let in_time = filter.published_after.is_none_or(|bound| columns.published(doc) > bound)
            && filter.published_before.is_none_or(|bound| columns.published(doc) < bound);
        if in_tags && in_time {
            count([category], &mut self.by_category);
        }
        if in_category && in_time {
            count(tags, &mut self.by_tag);
        }
        if in_category && in_tags {
            count([columns.year.at(at)], &mut self.by_year);
        }
        let passes = in_category && in_tags && in_time;
        self.total += u64::from(passes);
        passes
    }

    pub(crate) fn finish(self, counts: &mut FacetCounts) {
        counts.total += self.total;
        for (keys, by_number, sums) in
            [(&self.columns.categories, self.by_category, &mut counts.categories), (&self.columns.tag_keys, self.by_tag, &mut counts.tags)]
        {
            for (key, count) in keys.iter().zip(by_number).filter(|(_, count)| *count > 0) {
                *sums.entry(key.clone()).or_default() += count;
            }
        }
        for (year, count) in self.columns.years.iter().zip(self.by_year).filter(|(_, count)| *count > 0) {
            *counts.years.entry(*year).or_default() += count;
        }
    }
}

pub(crate) fn numbers(keys: &[String], wanted: &[String]) -> Vec<u32> {
    (0_u32..).zip(keys).filter(|(_, key)| wanted.contains(key)).map(|(number, _)| number).collect()
}

fn any(values: impl IntoIterator<Item = u32>, wanted: Option<&[u32]>) -> bool {
    wanted.is_none_or(|wanted| values.into_iter().any(|value| wanted.contains(&value)))
}

fn count(values: impl IntoIterator<Item = u32>, counts: &mut [u64]) {
    for value in values {
        if let Some(count) = counts.get_mut(value as usize) {
            *count += 1;
        }
    }
}
