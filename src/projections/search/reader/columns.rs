//! Values of documents. What every match needs is unpacked into small arrays, once for each segment, because segments are immutable; what
//! few matches need (times, title words, ids) is read from the fast fields.

use std::collections::BTreeSet;

use tantivy::DocId;
use tantivy::columnar::{BytesColumn, Column, StrColumn};
use tantivy::index::SegmentReader;
use uuid::Uuid;

use crate::projections::search::index::document::NEVER;
use crate::projections::search::index::schema;
use crate::projections::search::reader::packed::{PackedColumn, PackedLists};

/// The columns of a segment. Keys are stored as ordinals of the segment's dictionary; a document without a key has the ordinal after the
/// last one.
pub(crate) struct Columns {
    published_at: Column<i64>,
    unpublish_at: Column<i64>,
    /// The ordinal of each document's year of publication.
    pub(crate) year_ords: PackedColumn,
    pub(crate) years: Vec<i32>,
    pub(crate) minutes: PackedColumn,
    pub(crate) category_ords: PackedColumn,
    pub(crate) categories: Vec<String>,
    pub(crate) tag_ords: PackedLists,
    pub(crate) tags: Vec<String>,
    pub(crate) author_ords: PackedLists,
    pub(crate) authors: Vec<String>,
    pub(crate) variant_ords: PackedColumn,
    pub(crate) variants: Vec<String>,
    title_keys: Column<u64>,
    id_high: Column<u64>,
    id_low: Column<u64>,
}

impl Columns {
    pub(crate) fn read(reader: &SegmentReader) -> tantivy::Result<Self> {
        let fast = reader.fast_fields();
        let max_doc = reader.max_doc();
        let text = |name: &str| -> tantivy::Result<StrColumn> {
            Ok(fast.str(name)?.unwrap_or_else(|| StrColumn::wrap(BytesColumn::empty(max_doc))))
        };
        let (category, tags, authors, variant) = (text("category")?, text("tags")?, text("authors")?, text("variant")?);
        let (published_at, minutes) = (fast.i64("published_at")?, fast.i64("minutes")?);
        let (year_ords, years) = year_column(&published_at, max_doc);
        let minutes_of = |doc| minutes.first(doc).and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or(0);
        Ok(Self {
            year_ords,
            years,
            unpublish_at: fast.i64("unpublish_at")?,
            minutes: PackedColumn::pack((0..max_doc).map(minutes_of).max().unwrap_or(0), (0..max_doc).map(minutes_of)),
            published_at,
            category_ords: ordinals(&category, max_doc),
            categories: dictionary(&category)?,
            tag_ords: ordinal_lists(&tags, max_doc),
            tags: dictionary(&tags)?,
            author_ords: ordinal_lists(&authors, max_doc),
            authors: dictionary(&authors)?,
            variant_ords: ordinals(&variant, max_doc),
            variants: dictionary(&variant)?,
            title_keys: fast.column_opt("title_keys")?.unwrap_or_else(|| Column::build_empty_column(max_doc)),
            id_high: fast.u64("id_high")?,
            id_low: fast.u64("id_low")?,
        })
    }

    pub(crate) fn id(&self, doc: DocId) -> Uuid {
        Uuid::from_u64_pair(self.id_high.first(doc).unwrap_or(0), self.id_low.first(doc).unwrap_or(0))
    }

    /// The hashes of the words of a document's title in order, each with the hash of its stem.
    pub(crate) fn title_hashes(&self, doc: DocId) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.title_keys.values_for_doc(doc).map(schema::split_title_key)
    }

    /// When a document becomes visible, in Unix milliseconds.
    pub(crate) fn published_at(&self, doc: DocId) -> i64 {
        self.published_at.first(doc).unwrap_or(NEVER)
    }

    /// When a document stops being visible, in Unix milliseconds.
    pub(crate) fn unpublish_at(&self, doc: DocId) -> i64 {
        self.unpublish_at.first(doc).unwrap_or(NEVER)
    }
}

fn year_column(published_at: &Column<i64>, max_doc: u32) -> (PackedColumn, Vec<i32>) {
    let year_of_doc: Vec<i32> = (0..max_doc).map(|doc| year_of(published_at.first(doc).unwrap_or(NEVER))).collect();
    let years: Vec<i32> = year_of_doc.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let ordinal = |year: &i32| saturating_u32(years.partition_point(|other| other < year) as u64);
    (PackedColumn::pack(saturating_u32(years.len() as u64), year_of_doc.iter().map(ordinal)), years)
}

fn ordinals(column: &StrColumn, max_doc: u32) -> PackedColumn {
    let missing = column.num_terms() as u64;
    PackedColumn::pack(saturating_u32(missing), (0..max_doc).map(|doc| saturating_u32(column.ords().first(doc).unwrap_or(missing))))
}

fn ordinal_lists(column: &StrColumn, max_doc: u32) -> PackedLists {
    let lists = (0..max_doc).map(|doc| column.ords().values_for_doc(doc).map(saturating_u32));
    PackedLists::pack(saturating_u32(column.num_terms() as u64), lists)
}

fn saturating_u32(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn dictionary(column: &StrColumn) -> tantivy::Result<Vec<String>> {
    let mut keys = Vec::new();
    for ord in 0..column.num_terms() as u64 {
        let mut key = String::new();
        column.ord_to_str(ord, &mut key)?;
        keys.push(key);
    }
    Ok(keys)
}

/// The UTC year of a Unix time in milliseconds.
fn year_of(millis: i64) -> i32 {
    time::OffsetDateTime::from_unix_timestamp(millis.div_euclid(1_000)).map_or(i32::MAX, time::OffsetDateTime::year)
}
