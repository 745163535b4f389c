//! Bits on their way into a chunk, most significant first, with the codes that Prometheus' chunks are made of.

/// A growing string of bits.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits still free in the last byte.
    free: u32,
}

/// The window of the bits that changed, as the value before left it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct XorWindow {
    leading: u32,
    trailing: u32,
    is_set: bool,
}

impl BitWriter {
    /// Begins behind some whole bytes.
    pub(super) fn after(bytes: Vec<u8>) -> Self {
        Self { bytes, free: 0 }
    }

    /// The bytes; the last one is filled up with zeros.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The lowest `count` bits of `value`, at most 64.
    pub(super) fn bits(&mut self, value: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let now = left.min(self.free);
            let part = (value >> (left - now)) & ((1 << now) - 1);
            if let Some(last) = self.bytes.last_mut() {
                *last |= (part as u8) << (self.free - now);
            }
            self.free -= now;
            left -= now;
        }
    }

    /// Eight bits.
    pub(super) fn byte(&mut self, value: u8) {
        self.bits(u64::from(value), 8);
    }

    /// The number of the first time in a chunk of floats.
    pub(super) fn varint(&mut self, value: i64) {
        let mut bytes = Vec::with_capacity(10);
        crate::base::bytes::put_varint(&mut bytes, value);
        bytes.into_iter().for_each(|byte| self.byte(byte));
    }

    /// The number of the second time in a chunk of floats.
    pub(super) fn uvarint(&mut self, value: u64) {
        let mut bytes = Vec::with_capacity(10);
        crate::base::bytes::put_uvarint(&mut bytes, value);
        bytes.into_iter().for_each(|byte| self.byte(byte));
    }

    /// A difference of differences of times in a chunk of floats.
    pub(super) fn delta_of_delta(&mut self, value: i64) {
        self.prefixed(value, &[(0b10, 2, 14), (0b110, 3, 17), (0b1110, 4, 20)], 4);
    }

    /// A signed number in a chunk of histograms.
    pub(super) fn varbit_int(&mut self, value: i64) {
        const CLASSES: [(u64, u32, u32); 7] =
            [(0b10, 2, 3), (0b110, 3, 6), (0b1110, 4, 9), (0b1_1110, 5, 12), (0b11_1110, 6, 18), (0b111_1110, 7, 25), (0b1111_1110, 8, 56)];
        self.prefixed(value, &CLASSES, 8);
    }

    /// An unsigned number in a chunk of histograms: the same classes, each from zero on.
    pub(super) fn varbit_uint(&mut self, value: u64) {
        let classes =
            [(0b10, 2, 3), (0b110, 3, 6), (0b1110, 4, 9), (0b1_1110, 5, 12), (0b11_1110, 6, 18), (0b111_1110, 7, 25), (0b1111_1110, 8, 56)];
        if value == 0 {
            return self.bits(0, 1);
        }
        match classes.iter().find(|(_, _, width)| value < 1 << width) {
            Some(&(prefix, prefix_width, width)) => {
                self.bits(prefix, prefix_width);
                self.bits(value, width);
            }
            None => {
                self.bits(0xff, 8);
                self.bits(value, 64);
            }
        }
    }

    /// A float as the bits in which it differs from the one before.
    pub(super) fn xor(&mut self, value: f64, before: f64, window: &mut XorWindow) {
        let delta = value.to_bits() ^ before.to_bits();
        if delta == 0 {
            return self.bits(0, 1);
        }
        self.bits(1, 1);
        // Five bits hold it.
        let (leading, trailing) = (delta.leading_zeros().min(31), delta.trailing_zeros());
        if window.is_set && leading >= window.leading && trailing >= window.trailing {
            self.bits(0, 1);
            return self.bits(delta >> window.trailing, 64 - window.leading - window.trailing);
        }
        *window = XorWindow { leading, trailing, is_set: true };
        let width = 64 - leading - trailing;
        self.bits(1, 1);
        self.bits(u64::from(leading), 5);
        // Six bits; 64 of them stand as 0, which cannot be otherwise.
        self.bits(u64::from(width), 6);
        self.bits(delta >> trailing, width);
    }

    /// A prefix says how many bits follow; what fits no class has 64 behind a prefix of `ones` ones.
    fn prefixed(&mut self, value: i64, classes: &[(u64, u32, u32)], ones: u32) {
        if value == 0 {
            return self.bits(0, 1);
        }
        let fits = |width: u32| (-(1i64 << (width - 1)) < value) && (value <= 1i64 << (width - 1));
        match classes.iter().find(|(_, _, width)| fits(*width)) {
            Some(&(prefix, prefix_width, width)) => {
                self.bits(prefix, prefix_width);
                self.bits(value.cast_unsigned(), width);
            }
            None => {
                self.bits((1 << ones) - 1, ones);
                self.bits(value.cast_unsigned(), 64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_packed_from_the_left() {
        let mut out = BitWriter::after(vec![0xaa]);
        out.bits(0b1, 1);
        out.bits(0b01, 2);
        out.bits(0x1ff, 9);
        assert_eq!(out.finish(), [0xaa, 0b1011_1111, 0b1111_0000]);
        let mut out = BitWriter::default();
        out.bits(u64::MAX, 64);
        assert_eq!(out.finish(), [0xff; 8]);
    }

    #[test]
    fn numbers_take_the_width_of_their_class() {
        for (value, bits) in [
            (0, 1),
            (4, 5),
            (-3, 5),
            (-4, 9),
            (32, 9),
            (256, 13),
            (2048, 17),
            (131_072, 24),
            (1 << 24, 32),
            (1 << 55, 64),
            (i64::MIN, 72),
            (i64::MAX, 72),
        ] {
            let mut out = BitWriter::default();
            out.varbit_int(value);
            assert_eq!(out.len() * 8 - out.free as usize, bits, "{value}");
        }
        for (value, bits) in [(0, 1), (7, 5), (8, 9), (63, 9), (511, 13), (4095, 17), (1 << 18, 32), ((1 << 56) - 1, 64), (u64::MAX, 72)] {
            let mut out = BitWriter::default();
            out.varbit_uint(value);
            assert_eq!(out.len() * 8 - out.free as usize, bits, "{value}");
        }
    }
}
