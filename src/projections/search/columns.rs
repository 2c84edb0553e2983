//! What is looked up for every document that matches, unpacked into plain arrays: once for each segment, since segments never change.

use tantivy::DocId;
use tantivy::columnar::{BytesColumn, Column, StrColumn};
use tantivy::index::SegmentReader;
use uuid::Uuid;

use super::documents::NEVER;
use super::facets::year_of;

pub(super) struct Columns {
    pub(super) published: Vec<i64>,
    pub(super) ends: Vec<i64>,
    /// The number of each document's year of publication, and what the years are.
    pub(super) year: Vec<u32>,
    pub(super) years: Vec<i32>,
    pub(super) minutes: Vec<u32>,
    pub(super) category: Vec<u32>,
    pub(super) tags: Lists,
    pub(super) authors: Lists,
    /// The number of each document's edition, and what the editions are.
    pub(super) edition: Vec<u32>,
    pub(super) editions: Vec<String>,
    /// The keys behind the numbers of categories, tags and authors.
    pub(super) categories: Vec<String>,
    pub(super) tag_keys: Vec<String>,
    pub(super) author_keys: Vec<String>,
    pub(super) title_words: Column<u64>,
    pub(super) title_stems: Column<u64>,
    id_high: Column<u64>,
    id_low: Column<u64>,
}

/// A list of numbers for each document, in one array.
pub(super) struct Lists {
    starts: Vec<u32>,
    values: Vec<u32>,
}

impl Lists {
    pub(super) fn of(&self, doc: DocId) -> &[u32] {
        let at = doc as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(from), Some(to)) => &self.values[*from as usize..*to as usize],
            _ => &[],
        }
    }
}

impl Columns {
    pub(super) fn read(reader: &SegmentReader) -> tantivy::Result<Self> {
        let fast = reader.fast_fields();
        let size = reader.max_doc();
        let text =
            |name: &str| -> tantivy::Result<StrColumn> { Ok(fast.str(name)?.unwrap_or_else(|| StrColumn::wrap(BytesColumn::empty(size)))) };
        let numbers =
            |name: &str| -> tantivy::Result<Column<u64>> { Ok(fast.column_opt(name)?.unwrap_or_else(|| Column::build_empty_column(size))) };
        let moments = |name: &str, missing: i64| -> tantivy::Result<Vec<i64>> {
            let column = fast.i64(name)?;
            Ok((0..size).map(|doc| column.first(doc).unwrap_or(missing)).collect())
        };
        let (category, tags, authors, edition) = (text("category")?, text("tags")?, text("authors")?, text("edition")?);
        let published = moments("published", NEVER)?;
        let minutes = moments("minutes", 0)?;
        let all: Vec<i32> = published.iter().map(|at| year_of(*at)).collect();
        let mut years = all.clone();
        years.sort_unstable();
        years.dedup();
        let year = all.iter().map(|year| u32::try_from(years.partition_point(|there| there < year)).unwrap_or(0)).collect();
        Ok(Self {
            year,
            years,
            ends: moments("ends", NEVER)?,
            minutes: minutes.into_iter().map(|minutes| u32::try_from(minutes).unwrap_or(u32::MAX)).collect(),
            published,
            category: firsts(&category, size),
            tags: lists(&tags, size),
            authors: lists(&authors, size),
            edition: firsts(&edition, size),
            editions: keys(&edition)?,
            categories: keys(&category)?,
            tag_keys: keys(&tags)?,
            author_keys: keys(&authors)?,
            title_words: numbers("title_words")?,
            title_stems: numbers("title_stems")?,
            id_high: fast.u64("id_high")?,
            id_low: fast.u64("id_low")?,
        })
    }

    pub(super) fn id(&self, doc: DocId) -> Uuid {
        Uuid::from_u64_pair(self.id_high.first(doc).unwrap_or(0), self.id_low.first(doc).unwrap_or(0))
    }
}

fn firsts(column: &StrColumn, size: u32) -> Vec<u32> {
    (0..size).map(|doc| column.ords().first(doc).and_then(|ord| u32::try_from(ord).ok()).unwrap_or(u32::MAX)).collect()
}

fn lists(column: &StrColumn, size: u32) -> Lists {
    let mut lists = Lists { starts: vec![0], values: Vec::new() };
    for doc in 0..size {
        lists.values.extend(column.ords().values_for_doc(doc).filter_map(|ord| u32::try_from(ord).ok()));
        lists.starts.push(u32::try_from(lists.values.len()).unwrap_or(u32::MAX));
    }
    lists
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
