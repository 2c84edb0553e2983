//! Results do not depend on segments, windows, cached visibility sets or dropped matches.

use std::sync::Arc;

use tantivy::Searcher;
use tempfile::TempDir;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::projections::search::index::document::{DocumentBatch, DocumentBuilder};
use crate::projections::search::index::files::IndexFiles;
use crate::projections::search::index::folder::IndexPosition;
use crate::projections::search::index::schema::{IndexFields, schema};
use crate::projections::search::query::accumulator::Scratch;
use crate::projections::search::query::execute;
use crate::projections::search::query::execute::{SearchPage, SearchRequest};
use crate::projections::search::query::facets::Filter;
use crate::projections::search::query::page::PreviousPage;
use crate::projections::search::query::plan::{QueryPlan, TermGroup};
use crate::projections::search::query::scorer::{MAX_TITLE_CANDIDATES, MatchSelection, RERANKED, Scorer};
use crate::projections::search::reader::term::ScoredTerm;
use crate::projections::search::reader::terms::TermTable;
use crate::projections::search::reader::view::{Match, View};
use crate::projections::search::reader::visibility::SegmentData;
use crate::store::documents::{DocumentRow, DocumentRows, LinkRow};
use crate::store::json_column::Json;

const NOW: Timestamp = Timestamp(1_750_000_000_000);
const HOUR: i64 = 3_600_000;
const CHAINS: [&[&str]; 3] = [&["en"], &["it", "en"], &["de"]];

fn id(number: u32) -> Uuid {
    Uuid::from_u128(u128::from(number) + 1)
}

/// Texts in two locales and of different lengths, some scheduled and some expired, with common, less common and rare words.
fn rows(numbers: std::ops::Range<u32>) -> DocumentRows {
    let mut rows = DocumentRows::default();
    for number in numbers {
        let hours = i64::from(number % 40);
        // One in three is in Italian, and one in three of those is a translation from English.
        let (locales, source) = match (number % 3, number % 9) {
            (_, 0) => (&["en", "it"][..], "en"),
            (0, _) => (&["it"][..], "it"),
            _ => (&["en"][..], "en"),
        };
        rows.texts.extend(locales.iter().map(|locale| DocumentRow {
            id: id(number),
            revision: 1,
            pointer_version: 1,
            published_at: NOW.0 + 5 * HOUR - hours * 1_000 * HOUR,
            unpublish_at: (number % 11 == 0).then_some(NOW.0 + (hours - 20) * HOUR),
            category_id: id(number % 5),
            reading_minutes: i64::from(number % 300),
            source_locale: source.to_owned(),
            locales: Json(locales.iter().map(|locale| (*locale).to_owned()).collect()),
            locale: (*locale).to_owned(),
            title: format!("{} number{}", if *locale == "en" { "Queue" } else { "Coda queue" }, number % 1_000),
            excerpt: String::new(),
            excerpt_source: "derived".to_owned(),
            plain: format!("locks wait {}", "for a worker that is busy ".repeat(number as usize % 4)),
            toc: Json(Vec::new()),
        }));
        rows.tags.extend((0..number % 4).map(|tag| LinkRow { insight_id: id(number), term_id: id(tag) }));
        rows.authors.push(LinkRow { insight_id: id(number), term_id: id(number % 300) });
    }
    rows
}

struct Index {
    _folder: TempDir,
    files: IndexFiles,
    /// The data of every segment that a view has read.
    segments: Vec<(tantivy::index::SegmentId, Arc<SegmentData>)>,
}

impl Index {
    fn with(texts: u32, segments: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut files = IndexFiles::create(folder.path()).unwrap();
        let builder = DocumentBuilder::new();
        let part = texts.div_ceil(segments);
        for segment in 0..segments {
            let all = segment * part..texts.min((segment + 1) * part);
            for first in all.clone().step_by(1_000) {
                files.add(builder.build(&rows(first..all.end.min(first + 1_000)))).unwrap();
            }
            files.commit(IndexPosition::default(), 0).unwrap();
        }
        assert_eq!(files.searcher().segment_readers().len(), segments as usize);
        Self { _folder: folder, files, segments: Vec::new() }
    }

    fn remove(&mut self, number: u32) {
        self.files.replace(&[id(number)], DocumentBatch::default()).unwrap();
    }

    /// A view with the cached data of earlier segments.
    fn cached_view(&mut self, searcher: &Searcher, chain: &[&str], now: Timestamp) -> View {
        for reader in searcher.segment_readers() {
            if !self.segments.iter().any(|(segment, _)| *segment == reader.segment_id()) {
                self.segments.push((reader.segment_id(), Arc::new(SegmentData::read(reader).unwrap())));
            }
        }
        let data_of = |segment| self.segments.iter().find(|(id, _)| *id == segment).map(|(_, data)| data.clone()).unwrap();
        let data: Vec<Arc<SegmentData>> = searcher.segment_readers().iter().map(|reader| data_of(reader.segment_id())).collect();
        view(searcher, &data, chain, now)
    }
}

fn fresh_view(searcher: &Searcher, chain: &[&str], now: Timestamp) -> View {
    let data: Vec<Arc<SegmentData>> =
        searcher.segment_readers().iter().map(|reader| Arc::new(SegmentData::read(reader).unwrap())).collect();
    view(searcher, &data, chain, now)
}

fn view(searcher: &Searcher, data: &[Arc<SegmentData>], chain: &[&str], now: Timestamp) -> View {
    let fields: IndexFields = schema().1;
    let chain: Vec<String> = chain.iter().map(|tag| (*tag).to_owned()).collect();
    View::new(searcher, data, &fields, &chain, now).unwrap()
}

fn search(view: &View, query: &str) -> SearchPage {
    let request = SearchRequest { query: query.to_owned(), limit: 50, ..SearchRequest::default() };
    execute::search(view, &TermTable::default(), &request, NOW, &mut Scratch::default())
}

#[test]
fn results_do_not_depend_on_windows_and_segments() {
    let texts = 3_000;
    let [one, three] = [1, 3].map(|segments| fresh_view(&Index::with(texts, segments).files.searcher(), &["en"], NOW));
    assert!(one.doc_count > 1_000 && one.doc_count < texts, "some texts are visible and some are not: {}", one.doc_count);
    for query in ["queue", "worker locks", "number7 busy", "\"number7\"", "queue -worker", "\"busy for a\" wait", "-worker", "number98"] {
        let (one, three) = (search(&one, query), search(&three, query));
        assert!(one.total > 0, "{query} finds nothing");
        assert_eq!(one.total, three.total, "{query}");
        let [one, three] =
            [one, three].map(|page| page.hits.into_iter().map(|hit| (hit.id, hit.score.to_bits(), hit.explanation)).collect::<Vec<_>>());
        assert_eq!(one, three, "{query}");
    }
    let term = |text: &str| ScoredTerm { text: text.to_owned(), exact: false, weight: 1.0 };
    let group = |terms| TermGroup { terms, ..TermGroup::default() };
    let plan = QueryPlan { groups: vec![group(vec![term("busi"), term("number7")]), group(vec![term("lock")])], ..QueryPlan::default() };
    let filter = Filter { min_minutes: Some(100), published_after: Some(NOW.0 - 20_000 * HOUR), ..Filter::default() };
    for filter in [Filter::default(), filter] {
        let [one, three] = [&one, &three].map(|view| {
            let (matches, counts) = Scorer::new(view).collect_matches(&plan, &filter, MatchSelection::All, &mut Scratch::default());
            let score_of = |matched: &Match| (view.id_of(matched), matched.score.to_bits());
            let mut scores: Vec<(Uuid, u32)> = matches.iter().map(score_of).collect();
            scores.sort_unstable();
            (scores, counts.total, counts.categories, counts.tags, counts.years)
        });
        assert!(one.1 > 300 && one.2.len() == 5 && one.3.len() == 3 && one.4.len() > 3, "{} {:?} {:?} {:?}", one.1, one.2, one.3, one.4);
        assert_eq!(one, three);
    }
}

#[test]
fn dropped_matches_do_not_change_the_first_page() {
    let view = fresh_view(&Index::with(3_000, 2).files.searcher(), &["en"], NOW);
    // More title candidates than are compared, most of them with equal titles and scores.
    for query in ["queue", "queue number", "worker", "-worker"] {
        let page = |limit| {
            let request = SearchRequest { query: query.to_owned(), limit, ..SearchRequest::default() };
            let page = execute::search(&view, &TermTable::default(), &request, NOW, &mut Scratch::default());
            (page.total, page.hits.into_iter().map(|hit| (hit.id, hit.score.to_bits(), hit.explanation)).collect::<Vec<_>>())
        };
        // A limit for which only the top matches are returned, and one for which all are.
        let ((total, first), (total_of_all, mut all)) = (page(RERANKED - 1), page(RERANKED));
        all.truncate(RERANKED - 1);
        assert!(total > 2 * MAX_TITLE_CANDIDATES as u64 && first.len() == RERANKED - 1, "{query}: {total}");
        assert_eq!((total, first), (total_of_all, all), "{query}");
    }
}

#[test]
fn pages_of_hits_are_one_list() {
    let view = fresh_view(&Index::with(1_500, 3).files.searcher(), &["en"], NOW);
    for query in ["queue", "worker", "number7 locks", "-worker"] {
        let all = search(&view, query).total;
        for limit in [50, 97] {
            let mut request = SearchRequest { query: query.to_owned(), limit, ..SearchRequest::default() };
            let (mut hits, mut starts) = (Vec::new(), Vec::new());
            loop {
                let page = execute::search(&view, &TermTable::default(), &request, NOW, &mut Scratch::default());
                // The previous page starts where it did.
                match page.previous {
                    PreviousPage::None => assert!(hits.is_empty()),
                    PreviousPage::First => assert_eq!(hits.len(), limit),
                    PreviousPage::After(position) => assert_eq!(Some(&position), starts.get(starts.len() - 2), "{query} by {limit}"),
                }
                hits.extend(page.hits.into_iter().map(|hit| (hit.score, hit.id)));
                let Some(next) = page.next else { break };
                starts.push(next.clone());
                request.after = Some(next);
            }
            assert_eq!(hits.len() as u64, all, "{query} by {limit}");
            let mut ids: Vec<Uuid> = hits.iter().map(|(_, id)| *id).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len() as u64, all, "{query} by {limit} repeats hits");
            assert!(hits.iter().skip(2 * RERANKED).is_sorted_by(|(a, x), (b, y)| (a, x) >= (b, y)), "{query} by {limit}");
        }
    }
}

#[test]
fn cached_visibility_follows_deletions_and_the_clock() {
    let mut index = Index::with(600, 2);
    let mut sizes = Vec::new();
    for step in 0..60_u32 {
        let older = index.files.searcher();
        // In some steps nothing is deleted, the clock does not move, or it is set back.
        for number in (0..step % 4).map(|nth| (step * 37 + nth * 101) % 600) {
            index.remove(number);
        }
        index.files.commit(IndexPosition::default(), 1).unwrap();
        let hours = i64::from(if step % 7 == 6 { step / 2 } else { step / 3 });
        let now = Timestamp(NOW.0 + (hours - 10) * HOUR);
        // A search may still read the previous commit.
        for searcher in [index.files.searcher(), older] {
            let by_chain = CHAINS.map(|chain| {
                let views = [index.cached_view(&searcher, chain, now), fresh_view(&searcher, chain, now)];
                assert!(views.iter().all(|view| view.is_valid_at(now)));
                let [cached, fresh] = views.map(|view| {
                    let docs: Vec<Vec<u32>> = view.segments.iter().map(|segment| segment.visible.docs.iter().collect()).collect();
                    (docs, view.doc_count, view.avg_stems.to_bits(), view.avg_words.to_bits(), view.locales)
                });
                assert_eq!(cached, fresh, "step {step}, {chain:?}");
                fresh
            });
            assert_ne!(by_chain[0].0, by_chain[1].0, "readers of different locales are shown different texts");
            sizes.push(by_chain[0].1);
        }
    }
    sizes.sort_unstable();
    sizes.dedup();
    assert!(sizes.len() > 30, "the clock and the deletions change what is visible: {sizes:?}");
}

#[test]
fn a_view_is_valid_between_two_changes_by_the_clock() {
    let mut index = Index::with(600, 1);
    let searcher = index.files.searcher();
    let mut held: Option<View> = None;
    for quarter in (0..120).chain((0..120).rev()) {
        let now = Timestamp(NOW.0 + quarter * HOUR / 4);
        let fresh = index.cached_view(&searcher, &["en"], now);
        if let Some(view) = held.take_if(|view| view.is_valid_at(now)) {
            assert_eq!(view.doc_count, fresh.doc_count, "the view is not valid at {quarter}");
            held = Some(view);
        } else {
            held = Some(fresh);
        }
    }
}
