//! The best of many: the others are forgotten on the way, so that what is held does not grow with what there is.

use std::cmp::Ordering;

/// At least so many are forgotten at a time: to part them from the best takes a look at each.
const AT_A_TIME: usize = if cfg!(test) { 50 } else { 4_000 };

pub(crate) struct TopK<T, F> {
    most: usize,
    /// The better one first.
    order: F,
    list: Vec<T>,
    /// The last of the best stands behind all others of them.
    parted: bool,
}

impl<T, F: Fn(&T, &T) -> Ordering> TopK<T, F> {
    pub(crate) fn new(most: usize, order: F) -> Self {
        Self { most: most.max(1), order, list: Vec::new(), parted: false }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.parted && (self.order)(&item, &self.list[self.most - 1]).is_ge() {
            return;
        }
        self.list.push(item);
        if self.list.len() >= self.most.saturating_add(self.most.max(AT_A_TIME)) {
            self.part();
        }
    }

    fn part(&mut self) {
        self.list.select_nth_unstable_by(self.most - 1, &self.order);
        self.list.truncate(self.most);
        self.parted = true;
    }

    /// The best, in no order.
    pub(crate) fn finish(mut self) -> Vec<T> {
        if self.list.len() > self.most {
            self.part();
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_are_kept_that_come_first() {
        // Rising, falling, and mixed.
        let runs: [fn(u32) -> u32; 3] = [|at| at, |at| 20_000 - at, |at| at * 7_919 % 20_011];
        for of in runs {
            for most in [1, 200, 19_999, 30_000] {
                let mut best = TopK::new(most, |a: &u32, b: &u32| b.cmp(a));
                let mut all: Vec<u32> = (0..20_000).map(of).collect();
                for item in &all {
                    best.push(*item);
                    assert!(best.list.len() < most + most.max(AT_A_TIME));
                }
                all.sort_unstable_by(|a, b| b.cmp(a));
                all.truncate(most);
                let mut kept = best.finish();
                kept.sort_unstable_by(|a, b| b.cmp(a));
                assert_eq!(kept, all, "the first {most}");
            }
        }
    }
}
