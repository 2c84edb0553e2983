//! Numbers in as few bytes each as the largest of them needs: what is kept for every insight there is has to be small.

/// How many lists have one beginning that is written out.
const BLOCK: usize = 32;

/// A number for each document.
pub(crate) enum PackedColumn {
    Bytes(Vec<u8>),
    Shorts(Vec<u16>),
    Words(Vec<u32>),
}

impl PackedColumn {
    /// None may be above `most`.
    #[expect(clippy::cast_possible_truncation, reason = "no number is above the most there are")]
    pub(crate) fn up_to(most: u32, numbers: impl Iterator<Item = u32>) -> Self {
        match most {
            0..=0xff => Self::Bytes(exact(numbers.map(|number| number as u8))),
            0x100..=0xffff => Self::Shorts(exact(numbers.map(|number| number as u16))),
            _ => Self::Words(exact(numbers)),
        }
    }

    #[inline]
    pub(crate) fn at(&self, place: usize) -> u32 {
        match self {
            Self::Bytes(numbers) => u32::from(numbers[place]),
            Self::Shorts(numbers) => u32::from(numbers[place]),
            Self::Words(numbers) => numbers[place],
        }
    }
}

/// Growing doubles, and this stays.
fn exact<T>(numbers: impl Iterator<Item = T>) -> Vec<T> {
    let mut list: Vec<T> = numbers.collect();
    list.shrink_to_fit();
    list
}

/// A list of numbers for each document, all of them one after the other.
pub(crate) struct PackedLists {
    /// Where each block of lists begins, and how far behind that each list does. There is one more, behind the last.
    blocks: Vec<u32>,
    starts: PackedColumn,
    values: PackedColumn,
}

impl PackedLists {
    /// No number may be above `most`.
    pub(crate) fn up_to<L: Iterator<Item = u32>>(most: u32, lists: impl Iterator<Item = L> + Clone) -> Self {
        let (mut blocks, mut starts, mut end, mut furthest) = (Vec::new(), Vec::new(), 0, 0);
        for list in lists.clone().map(Some).chain([None]) {
            if starts.len() % BLOCK == 0 {
                blocks.push(end);
            }
            let start = end - blocks.last().copied().unwrap_or(0);
            starts.push(start);
            furthest = start.max(furthest);
            end += list.map_or(0, |list| u32::try_from(list.count()).unwrap_or(u32::MAX));
        }
        blocks.shrink_to_fit();
        Self { blocks, starts: PackedColumn::up_to(furthest, starts.into_iter()), values: PackedColumn::up_to(most, lists.flatten()) }
    }

    #[inline]
    pub(crate) fn of(&self, doc: u32) -> impl Iterator<Item = u32> + Clone + '_ {
        let at = doc as usize;
        (self.start(at)..self.start(at + 1)).map(|place| self.values.at(place))
    }

    #[inline]
    fn start(&self, at: usize) -> usize {
        (self.blocks[at / BLOCK] + self.starts.at(at)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{PackedColumn, PackedLists};

    #[test]
    fn numbers_are_kept_in_what_the_largest_needs() {
        for (most, width) in [(0, 1), (255, 1), (256, 2), (65_535, 2), (65_536, 4), (u32::MAX, 4)] {
            let numbers = PackedColumn::up_to(most, [0, most / 2, most].into_iter());
            let kept = match &numbers {
                PackedColumn::Bytes(_) => 1,
                PackedColumn::Shorts(_) => 2,
                PackedColumn::Words(_) => 4,
            };
            assert_eq!((width, [0, most / 2, most]), (kept, [0, 1, 2].map(|place| numbers.at(place))), "up to {most}");
        }
    }

    #[test]
    fn lists_come_back_as_they_were() {
        // None, few, and more in one block than a byte tells places of.
        for longest in [1, 3, 40, 3_000] {
            let lists: Vec<Vec<u32>> = (0..200_u32).map(|doc| (0..doc % longest).map(|value| value + doc).collect()).collect();
            let kept = PackedLists::up_to(5_000, lists.iter().map(|list| list.iter().copied()));
            for (doc, list) in (0_u32..).zip(&lists) {
                assert_eq!(&kept.of(doc).collect::<Vec<_>>(), list, "list {doc} of those up to {longest}");
            }
        }
        let none = PackedLists::up_to(0, std::iter::empty::<std::iter::Empty<u32>>());
        assert_eq!((none.blocks.len(), none.starts.at(0)), (1, 0));
    }
}
