//! What is looked up for documents that match. What every match is asked for is unpacked into small arrays, once for each segment, since segments
//! never change; what few are asked for (moments, the words of titles, ids) is read where it lies.

use std::collections::BTreeSet;

use tantivy::DocId;
use tantivy::columnar::{BytesColumn, Column, StrColumn};
use tantivy::index::SegmentReader;
use uuid::Uuid;

use crate::projections::search::index::document::NEVER;
use crate::projections::search::index::schema;

use crate::projections::search::reader::packed::{PackedColumn, PackedLists};

/// Documents have numbers of keys. One that has no key has the number behind the last.
pub(crate) struct Columns {
    published: Column<i64>,
    ends: Column<i64>,
    /// The number of each document's year of publication, and what the years are.
    pub(crate) year: PackedColumn,
    pub(crate) years: Vec<i32>,
    pub(crate) minutes: PackedColumn,
    pub(crate) category: PackedColumn,
    pub(crate) tags: PackedLists,
    pub(crate) authors: PackedLists,
    /// The number of each document's edition, and what the editions are.
    pub(crate) edition: PackedColumn,
    pub(crate) editions: Vec<String>,
    /// The keys behind the numbers of categories, tags and authors.
    pub(crate) categories: Vec<String>,
    pub(crate) tag_keys: Vec<String>,
    pub(crate) author_keys: Vec<String>,
    title_keys: Column<u64>,
    id_high: Column<u64>,
    id_low: Column<u64>,
}

impl Columns {
    pub(crate) fn read(reader: &SegmentReader) -> tantivy::Result<Self> {
        let fast = reader.fast_fields();
        let size = reader.max_doc();
        let text =
            |name: &str| -> tantivy::Result<StrColumn> { Ok(fast.str(name)?.unwrap_or_else(|| StrColumn::wrap(BytesColumn::empty(size)))) };
        let (category, tags, authors, edition) = (text("category")?, text("tags")?, text("authors")?, text("edition")?);
        let (published, minutes) = (fast.i64("published")?, fast.i64("minutes")?);
        let (year, years) = years(&published, size);
        let minutes_of = |doc| minutes.first(doc).and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or(0);
        Ok(Self {
            year,
            years,
            ends: fast.i64("ends")?,
            minutes: PackedColumn::up_to((0..size).map(minutes_of).max().unwrap_or(0), (0..size).map(minutes_of)),
            published,
            category: firsts(&category, size),
            tags: lists(&tags, size),
            authors: lists(&authors, size),
            edition: firsts(&edition, size),
            editions: keys(&edition)?,
            categories: keys(&category)?,
            tag_keys: keys(&tags)?,
            author_keys: keys(&authors)?,
            title_keys: fast.column_opt("title_keys")?.unwrap_or_else(|| Column::build_empty_column(size)),
            id_high: fast.u64("id_high")?,
            id_low: fast.u64("id_low")?,
        })
    }

    pub(crate) fn id(&self, doc: DocId) -> Uuid {
        Uuid::from_u64_pair(self.id_high.first(doc).unwrap_or(0), self.id_low.first(doc).unwrap_or(0))
    }

    /// The keys of the words of a document's title, each with that of its stem.
    pub(crate) fn title(&self, doc: DocId) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.title_keys.values_for_doc(doc).map(schema::keys)
    }

    /// When a document begins to be visible, in milliseconds.
    pub(crate) fn published(&self, doc: DocId) -> i64 {
        self.published.first(doc).unwrap_or(NEVER)
    }

    /// When it ceases to be.
    pub(crate) fn ends(&self, doc: DocId) -> i64 {
        self.ends.first(doc).unwrap_or(NEVER)
    }
}

fn years(published: &Column<i64>, size: u32) -> (PackedColumn, Vec<i32>) {
    let of_each: Vec<i32> = (0..size).map(|doc| year_of(published.first(doc).unwrap_or(NEVER))).collect();
    let years: Vec<i32> = of_each.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let number = |its: &i32| small(years.partition_point(|year| year < its) as u64);
    (PackedColumn::up_to(small(years.len() as u64), of_each.iter().map(number)), years)
}

fn firsts(column: &StrColumn, size: u32) -> PackedColumn {
    let none = column.num_terms() as u64;
    PackedColumn::up_to(small(none), (0..size).map(|doc| small(column.ords().first(doc).unwrap_or(none))))
}

fn lists(column: &StrColumn, size: u32) -> PackedLists {
    PackedLists::up_to(small(column.num_terms() as u64), (0..size).map(|doc| column.ords().values_for_doc(doc).map(small)))
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn keys(column: &StrColumn) -> tantivy::Result<Vec<String>> {
    let mut list = Vec::new();
    for ord in 0..column.num_terms() as u64 {
        let mut key = String::new();
        column.ord_to_str(ord, &mut key)?;
        list.push(key);
    }
    Ok(list)
}

/// The year of a moment, UTC.
pub(crate) fn year_of(millis: i64) -> i32 {
    time::OffsetDateTime::from_unix_timestamp(millis.div_euclid(1_000)).map_or(i32::MAX, time::OffsetDateTime::year)
}
