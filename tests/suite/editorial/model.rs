//! Compares the editorial API with a simple model: random sequences of every operation, each answer and what editors
//! and readers then see.

mod play;
mod state;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::TestApp;
use play::play;

const WORKERS: u8 = 4;
const LENGTH: usize = 50;

/// The precondition of a write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Precondition {
    Fresh,
    Stale,
    Any,
    Missing,
}

/// How a write is sent: once; twice with one key; as a dry run first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manner {
    Once,
    Twice,
    DryRunFirst,
}

/// One of a few slugs for which the insights of a sequence compete; `None` is derived from the title.
pub(super) type PoolSlug = Option<u8>;

#[derive(Clone, Debug)]
pub(super) enum Act {
    Create {
        slug: PoolSlug,
        tagged: bool,
        italian: bool,
    },
    CreateAt {
        slug: u8,
    },
    Put {
        slug: PoolSlug,
        tagged: bool,
        italian: bool,
    },
    PatchTitle,
    PatchSlug {
        slug: u8,
    },
    PatchItalian {
        gone: bool,
    },
    PatchNothing,
    Publish {
        at: Option<i32>,
        until: Until,
        revision: Option<u8>,
    },
    Unpublish,
    Delete,
    Restore,
    RestoreRevision {
        number: u8,
    },
    Purge,
    /// Advances the clock.
    Wait {
        seconds: u16,
    },
}

/// The end of a publication, in seconds from now.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    Omitted,
    Never,
    In(i32),
}

#[derive(Clone, Debug)]
pub(super) struct Op {
    pub(super) act: Act,
    /// The index of an insight of the sequence.
    pub(super) target: u8,
    pub(super) precondition: Precondition,
    pub(super) manner: Manner,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let pool = || proptest::option::of(0..4_u8);
    let until = prop_oneof![3 => Just(Until::Omitted), 1 => Just(Until::Never), 2 => (-500..3_000_i32).prop_map(Until::In)];
    let act = prop_oneof![
        3 => (pool(), any::<bool>(), any::<bool>()).prop_map(|(slug, tagged, italian)| Act::Create { slug, tagged, italian }),
        1 => (0..4_u8).prop_map(|slug| Act::CreateAt { slug }),
        3 => (pool(), any::<bool>(), any::<bool>()).prop_map(|(slug, tagged, italian)| Act::Put { slug, tagged, italian }),
        3 => Just(Act::PatchTitle),
        2 => (0..4_u8).prop_map(|slug| Act::PatchSlug { slug }),
        2 => any::<bool>().prop_map(|gone| Act::PatchItalian { gone }),
        1 => Just(Act::PatchNothing),
        7 => (proptest::option::weighted(0.4, -2_000..2_000_i32), until, proptest::option::weighted(0.2, 1..6_u8))
            .prop_map(|(at, until, revision)| Act::Publish { at, until, revision }),
        2 => Just(Act::Unpublish),
        2 => Just(Act::Delete),
        3 => Just(Act::Restore),
        2 => (1..7_u8).prop_map(|number| Act::RestoreRevision { number }),
        1 => Just(Act::Purge),
        3 => (1..1_500_u16).prop_map(|seconds| Act::Wait { seconds }),
    ];
    let precondition = prop_oneof![
        8 => Just(Precondition::Fresh), 1 => Just(Precondition::Stale), 2 => Just(Precondition::Any), 1 => Just(Precondition::Missing)
    ];
    let manner = prop_oneof![6 => Just(Manner::Once), 1 => Just(Manner::Twice), 1 => Just(Manner::DryRunFirst)];
    let op = (act, 0..4_u8, precondition, manner).prop_map(|(act, target, precondition, manner)| Op { act, target, precondition, manner });
    vec(op, LENGTH)
}

/// How many sequences to run; a quick run sets fewer.
#[expect(clippy::disallowed_methods, reason = "the environment says how many sequences to run")]
fn sequence_count() -> usize {
    std::env::var("MODEL_SEQUENCES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

async fn run_worker(number: u8) {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[number; 32]));
    let mut played = 0;
    for _ in 0..sequence_count().div_ceil(usize::from(WORKERS)) {
        let mut tree = ops().new_tree(&mut runner).unwrap();
        played += 1;
        let Err(mut difference) = play(&app, &admin, &tree.current(), played).await else { continue };
        // Shrink to a shorter sequence that fails too.
        let mut smallest = tree.current();
        for _ in 0..300 {
            if !tree.simplify() {
                break;
            }
            played += 1;
            match play(&app, &admin, &tree.current(), played).await {
                Err(smaller) => (smallest, difference) = (tree.current(), smaller),
                Ok(()) if !tree.complicate() => break,
                Ok(()) => {}
            }
        }
        panic!("{difference}\nafter {smallest:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editorial_api_behaves_like_the_model() {
    futures_util::future::join_all((0..WORKERS).map(run_worker)).await;
}
