//! Integer arrays that use one, two or four bytes a number, as the largest one needs: columns are held in memory for every document.

/// The number of lists that share an absolute offset; the offset of each list is relative to it.
const BLOCK: usize = 32;

/// A number for each document.
pub(crate) enum PackedColumn {
    Bytes(Vec<u8>),
    Shorts(Vec<u16>),
    Words(Vec<u32>),
}

impl PackedColumn {
    /// No number may exceed `max`.
    #[expect(clippy::cast_possible_truncation, reason = "no number exceeds the maximum")]
    pub(crate) fn pack(max: u32, numbers: impl Iterator<Item = u32>) -> Self {
        match max {
            0..=0xff => Self::Bytes(collect_exact(numbers.map(|number| number as u8))),
            0x100..=0xffff => Self::Shorts(collect_exact(numbers.map(|number| number as u16))),
            _ => Self::Words(collect_exact(numbers)),
        }
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> u32 {
        match self {
            Self::Bytes(numbers) => u32::from(numbers[index]),
            Self::Shorts(numbers) => u32::from(numbers[index]),
            Self::Words(numbers) => numbers[index],
        }
    }
}

/// Without spare capacity, because the array is kept as long as its segment.
fn collect_exact<T>(numbers: impl Iterator<Item = T>) -> Vec<T> {
    let mut list: Vec<T> = numbers.collect();
    list.shrink_to_fit();
    list
}

/// A list of numbers for each document, all lists concatenated.
pub(crate) struct PackedLists {
    /// The absolute offset of each block of lists.
    blocks: Vec<u32>,
    /// The offset of each list relative to its block, and the end of the last list.
    offsets: PackedColumn,
    values: PackedColumn,
}

impl PackedLists {
    /// No number may exceed `max`.
    pub(crate) fn pack<L: Iterator<Item = u32>>(max: u32, lists: impl Iterator<Item = L> + Clone) -> Self {
        let (mut blocks, mut offsets, mut end, mut max_offset) = (Vec::new(), Vec::new(), 0, 0);
        for list in lists.clone().map(Some).chain([None]) {
            if offsets.len() % BLOCK == 0 {
                blocks.push(end);
            }
            let offset = end - blocks.last().copied().unwrap_or(0);
            offsets.push(offset);
            max_offset = offset.max(max_offset);
            end += list.map_or(0, |list| u32::try_from(list.count()).unwrap_or(u32::MAX));
        }
        blocks.shrink_to_fit();
        Self { blocks, offsets: PackedColumn::pack(max_offset, offsets.into_iter()), values: PackedColumn::pack(max, lists.flatten()) }
    }

    #[inline]
    pub(crate) fn get(&self, doc: u32) -> impl Iterator<Item = u32> + Clone + '_ {
        let index = doc as usize;
        (self.offset(index)..self.offset(index + 1)).map(|index| self.values.get(index))
    }

    #[inline]
    fn offset(&self, index: usize) -> usize {
        (self.blocks[index / BLOCK] + self.offsets.get(index)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{PackedColumn, PackedLists};

    #[test]
    fn the_width_is_that_of_the_largest_number() {
        for (max, width) in [(0, 1), (255, 1), (256, 2), (65_535, 2), (65_536, 4), (u32::MAX, 4)] {
            let column = PackedColumn::pack(max, [0, max / 2, max].into_iter());
            let actual = match &column {
                PackedColumn::Bytes(_) => 1,
                PackedColumn::Shorts(_) => 2,
                PackedColumn::Words(_) => 4,
            };
            assert_eq!((width, [0, max / 2, max]), (actual, [0, 1, 2].map(|index| column.get(index))), "up to {max}");
        }
    }

    #[test]
    fn lists_round_trip() {
        // Empty lists, short ones, and more values in a block than one byte can offset.
        for longest in [1, 3, 40, 3_000] {
            let lists: Vec<Vec<u32>> = (0..200_u32).map(|doc| (0..doc % longest).map(|value| value + doc).collect()).collect();
            let packed = PackedLists::pack(5_000, lists.iter().map(|list| list.iter().copied()));
            for (doc, list) in (0_u32..).zip(&lists) {
                assert_eq!(&packed.get(doc).collect::<Vec<_>>(), list, "list {doc} of those up to {longest}");
            }
        }
        let empty = PackedLists::pack(0, std::iter::empty::<std::iter::Empty<u32>>());
        assert_eq!((empty.blocks.len(), empty.offsets.get(0)), (1, 0));
    }
}
