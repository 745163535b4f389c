//! Fonts: read from WOFF, as they are built in, into what shapes and what is embedded.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// Bytes of a font at most.
const FONT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Tables of a font at most.
const TABLES_MAX: usize = 64;

/// A font.
#[derive(Debug, Clone)]
pub struct Font {
    /// As TrueType.
    pub bytes: Vec<u8>,
}

/// Fonts by weight: of each the first that has a letter sets it.
#[derive(Debug, Clone, Default)]
pub struct Fonts {
    /// For text.
    pub regular: Vec<Font>,
    /// For headings.
    pub bold: Vec<Font>,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()
}

/// The TrueType in a WOFF of version 1: its tables, each packed by itself.
fn unpacked(woff: &[u8]) -> Option<Vec<u8>> {
    if woff.get(..4)? != b"wOFF" {
        return None;
    }
    let flavour = woff.get(4..8)?;
    let count = u16_at(woff, 12).filter(|count| (1..=TABLES_MAX).contains(count))?;
    let mut tables = Vec::with_capacity(count);
    let mut total = 12 + 16 * count;
    for place in 0..count {
        let entry = 44 + 20 * place;
        let (from, packed, length) = (u32_at(woff, entry + 4)?, u32_at(woff, entry + 8)?, u32_at(woff, entry + 12)?);
        total = total.checked_add(length)?.checked_add(3)?;
        if total > FONT_BYTES_MAX {
            return None;
        }
        let data = woff.get(from..from.checked_add(packed)?)?;
        let mut plain = Vec::with_capacity(length);
        if packed < length {
            ZlibDecoder::new(data).take(length as u64 + 1).read_to_end(&mut plain).ok()?;
        } else {
            plain.extend_from_slice(data);
        }
        if plain.len() != length {
            return None;
        }
        tables.push((woff.get(entry..entry + 4)?, woff.get(entry + 16..entry + 20)?, plain));
    }
    let log = count.ilog2();
    let range = 16_usize << log;
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(flavour);
    for number in [count, range, log as usize, 16 * count - range] {
        out.extend_from_slice(&u16::try_from(number).ok()?.to_be_bytes());
    }
    let mut at = 12 + 16 * count;
    for (tag, checksum, plain) in &tables {
        out.extend_from_slice(tag);
        out.extend_from_slice(checksum);
        out.extend_from_slice(&u32::try_from(at).ok()?.to_be_bytes());
        out.extend_from_slice(&u32::try_from(plain.len()).ok()?.to_be_bytes());
        at += plain.len().next_multiple_of(4);
    }
    for (_, _, plain) in &tables {
        out.extend_from_slice(plain);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    Some(out)
}

impl Font {
    /// Of a WOFF; none where that is none, or has no letters.
    pub fn of_woff(woff: &[u8]) -> Option<Self> {
        let bytes = unpacked(woff)?;
        rustybuzz::Face::from_slice(&bytes, 0)?;
        Some(Self { bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_font_is_refused() {
        assert!(Font::of_woff(b"").is_none() && Font::of_woff(b"wOFF").is_none() && Font::of_woff(&[0xff; 400]).is_none());
        let mut odd = b"wOFF\0\x01\0\0\0\0\0\0\0\x01".to_vec();
        odd.resize(44, 0);
        odd.extend_from_slice(b"glyf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0");
        assert!(Font::of_woff(&odd).is_none());
    }
}
