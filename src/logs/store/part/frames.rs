//! zstd frames of known length.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

/// Nothing that is unpacked is larger.
pub(super) const UNPACKED_MAX: usize = 1 << 30;

/// Memory for unpacking that a thread keeps, at most.
const KEPT_BYTES_MAX: usize = 4 << 20;

thread_local! {
    static UNPACKED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Packs frames at one level.
pub(super) struct Packer {
    context: Option<Compressor<'static>>,
    level: i32,
}

impl Packer {
    pub(super) const fn new(level: i32) -> Self {
        Self { context: None, level }
    }

    /// Appends a frame.
    pub(super) fn pack(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
        let context = match &mut self.context {
            Some(context) => context,
            none => none.insert(Compressor::new(self.level)?),
        };
        let from = out.len();
        out.resize(from + zstd::zstd_safe::compress_bound(bytes.len()), 0);
        let packed = context.compress_to_buffer(bytes, &mut out[from..]);
        out.truncate(from + packed.as_ref().map_or(0, |len| *len));
        packed.map(drop)
    }
}

/// Unpacks a frame in place of what `out` held; false unless it has exactly `len` bytes.
pub(super) fn unpack(frame: &[u8], len: usize, out: &mut Vec<u8>) -> bool {
    out.clear();
    if len > UNPACKED_MAX {
        return false;
    }
    out.reserve(len);
    UNPACKER.with_borrow_mut(|unpacker| {
        let unpacker = match unpacker {
            Some(unpacker) => unpacker,
            none => match Decompressor::new() {
                Ok(new) => none.insert(new),
                Err(_) => return false,
            },
        };
        unpacker.decompress_to_buffer(frame, out).is_ok_and(|unpacked| unpacked == len && out.len() == len)
    })
}

/// Unpacks a frame of `len` bytes into memory that the thread keeps, and looks at it.
pub(super) fn with_unpacked<T>(frame: &[u8], len: usize, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
    UNPACKED.with_borrow_mut(|unpacked| {
        let seen = unpack(frame, len, unpacked).then(|| look(unpacked));
        if unpacked.capacity() > KEPT_BYTES_MAX {
            *unpacked = Vec::new();
        }
        seen
    })
}
