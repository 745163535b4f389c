//! Bloom filters over hashes of tokens: with 12 bits a token, six of them set, about 1 false answer in 270, with 16 in 1,000.
//!
//! A filter is a whole number of eight-byte words, bit `i` in word `i / 64`, little endian. Bit positions of a hash:
//! six times, the upper half of `state * bits` (128 bits wide), then `state = state * 0x9e3779b97f4a7c15 + step`, where
//! the state starts as the hash and the step is the hash rotated by 32 bits, made odd.

/// Bits for each token: of lines as they come, and of old ones, whose blocks take longer to read.
pub(super) const BITS_FRESH: usize = 12;
pub(super) const BITS_DENSE: usize = 16;
const PROBES: usize = 6;

/// Fills `out` with the filter over some hashes; without any it stays empty.
pub(super) fn build(hashes: &[u64], bits_a_token: usize, words: &mut Vec<u64>, out: &mut Vec<u8>) {
    out.clear();
    words.clear();
    words.resize((hashes.len() * bits_a_token).div_ceil(64), 0);
    let bits = words.len() as u64 * 64;
    for &hash in hashes {
        for_each_bit(hash, bits, |bit| {
            if let Some(word) = words.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
            true
        });
    }
    out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

/// Whether a hash may be among those of a filter.
pub(super) fn may_have(filter: &[u8], hash: u64) -> bool {
    !filter.is_empty()
        && for_each_bit(hash, filter.len() as u64 / 8 * 64, |bit| filter.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1))
}

/// Goes on while `each` says so; whether all were seen.
#[inline]
fn for_each_bit(hash: u64, bits: u64, mut each: impl FnMut(usize) -> bool) -> bool {
    let step = hash.rotate_left(32) | 1;
    let mut state = hash;
    for _ in 0..PROBES {
        if !each(((u128::from(state) * u128::from(bits)) >> 64) as usize) {
            return false;
        }
        state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(step);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::store::part::tokens::hash;

    #[test]
    fn what_is_in_is_found_and_little_else() {
        let hashes: Vec<u64> = (0..5000).map(|i| hash(format!("{i:05}").as_bytes())).collect();
        let (mut words, mut filter) = (Vec::new(), Vec::new());
        for (bits, most) in [(BITS_FRESH, 160), (BITS_DENSE, 40)] {
            build(&hashes, bits, &mut words, &mut filter);
            assert!(hashes.iter().all(|hash| may_have(&filter, *hash)));
            let wrong = (0..20_000).filter(|i| may_have(&filter, hash(format!("x{i:05}").as_bytes()))).count();
            assert!(wrong < most, "{wrong} of 20000 with {bits} bits");
        }
        build(&[], BITS_FRESH, &mut words, &mut filter);
        assert!(!may_have(&filter, 7));
    }
}
