//! Sets of small numbers: blocks of a part, or its streams.

/// A set of numbers below a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// None of the numbers below `len`.
    pub(super) fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// All numbers below `len`.
    pub(super) fn all(len: usize) -> Self {
        let mut bits = Self { words: vec![u64::MAX; len.div_ceil(64)], len };
        bits.trim();
        bits
    }

    fn trim(&mut self) {
        let used = self.len % 64;
        if used != 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << used) - 1;
        }
    }

    #[inline]
    pub(super) fn insert(&mut self, at: usize) {
        if at < self.len
            && let Some(word) = self.words.get_mut(at / 64)
        {
            *word |= 1 << (at % 64);
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, at: usize) {
        if let Some(word) = self.words.get_mut(at / 64) {
            *word &= !(1 << (at % 64));
        }
    }

    #[inline]
    pub(super) fn contains(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Adds `count` numbers from `first` on; what lies above the limit is left out.
    pub(super) fn insert_run(&mut self, first: usize, count: usize) {
        let end = first.saturating_add(count).min(self.len);
        let mut at = first;
        while at < end {
            if at.is_multiple_of(64) && end - at >= 64 {
                self.words[at / 64] = u64::MAX;
                at += 64;
            } else {
                self.words[at / 64] |= 1 << (at % 64);
                at += 1;
            }
        }
    }

    /// Whether one of `count` numbers from `first` on is in.
    pub(super) fn any_in(&self, first: usize, count: usize) -> bool {
        let end = first.saturating_add(count).min(self.len);
        let mut at = first;
        while at < end {
            if at.is_multiple_of(64) && end - at >= 64 {
                if self.words[at / 64] != 0 {
                    return true;
                }
                at += 64;
            } else {
                if self.contains(at) {
                    return true;
                }
                at += 1;
            }
        }
        false
    }

    pub(super) fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub(super) fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// What is not in.
    pub(super) fn invert(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.trim();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many are in.
    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// What is in, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                if left == 0 {
                    return None;
                }
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                Some(index * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_as_lists() {
        let mut bits = Bits::none(200);
        bits.insert_run(3, 130);
        bits.insert_run(190, 50);
        bits.remove(5);
        let list: Vec<usize> = (3..133).filter(|at| *at != 5).chain(190..200).collect();
        assert_eq!(bits.iter().collect::<Vec<_>>(), list);
        assert_eq!(bits.count(), list.len());
        assert!(bits.any_in(0, 4) && !bits.any_in(0, 3) && !bits.any_in(133, 57) && bits.any_in(133, 58) && bits.any_in(60, 70));
        bits.invert();
        assert_eq!(bits.count(), 200 - list.len());
        assert!(bits.contains(5) && !bits.contains(4) && !bits.contains(1000));
        bits.and(&Bits::none(200));
        assert!(bits.is_empty());
        bits.or(&Bits::all(200));
        assert_eq!(bits, Bits::all(200));
        bits.insert(5000);
        assert_eq!(bits.count(), 200);
    }
}
