//! The first k of many items in an order, in memory that grows with k and not with the number of items.
//!
//! The same algorithm as `tantivy::collector::TopNComputer`, which cannot serve here: its comparator must be `Default`, so it cannot borrow
//! the view that breaks ties by id; it breaks ties by ascending document; and it allocates 2 k entries before the first push (k is up to
//! 20 200 for each search and 10 001 for each segment of a view).

use std::cmp::Ordering;

/// The least number of items that one pruning removes: pruning compares every item.
const MIN_PRUNED: usize = if cfg!(test) { 50 } else { 4_000 };

pub(crate) struct TopK<T, F> {
    k: usize,
    /// `Less` means better.
    compare: F,
    items: Vec<T>,
    /// The k-th best item is at index k - 1, the better ones before it.
    is_partitioned: bool,
}

impl<T, F: Fn(&T, &T) -> Ordering> TopK<T, F> {
    pub(crate) fn new(k: usize, compare: F) -> Self {
        Self { k: k.max(1), compare, items: Vec::new(), is_partitioned: false }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.is_partitioned && (self.compare)(&item, &self.items[self.k - 1]).is_ge() {
            return;
        }
        self.items.push(item);
        if self.items.len() >= self.k.saturating_add(self.k.max(MIN_PRUNED)) {
            self.prune();
        }
    }

    fn prune(&mut self) {
        self.items.select_nth_unstable_by(self.k - 1, &self.compare);
        self.items.truncate(self.k);
        self.is_partitioned = true;
    }

    /// The first k items, in no order.
    pub(crate) fn into_vec(mut self) -> Vec<T> {
        if self.items.len() > self.k {
            self.prune();
        }
        self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_k_items_remain_in_bounded_memory() {
        // Ascending, descending, and mixed.
        let sequences: [fn(u32) -> u32; 3] = [|at| at, |at| 20_000 - at, |at| at * 7_919 % 20_011];
        for sequence in sequences {
            for k in [1, 200, 19_999, 30_000] {
                let mut top = TopK::new(k, |a: &u32, b: &u32| b.cmp(a));
                let mut all: Vec<u32> = (0..20_000).map(sequence).collect();
                for item in &all {
                    top.push(*item);
                    assert!(top.items.len() < k + k.max(MIN_PRUNED));
                }
                all.sort_unstable_by(|a, b| b.cmp(a));
                all.truncate(k);
                let mut first = top.into_vec();
                first.sort_unstable_by(|a, b| b.cmp(a));
                assert_eq!(first, all, "the first {k}");
            }
        }
    }
}
