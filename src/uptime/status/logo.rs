//! The logo of a status page: a picture that is recognised by what is in it, whatever its sender calls it.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// Bytes of a logo at most.
pub const LOGO_BYTES_MAX: usize = 100_000;
/// Bytes at the beginning of an SVG in which its root must stand.
const ROOT_WITHIN: usize = 4_096;

/// A logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// As it was sent.
    pub bytes: Bytes,
    /// The value of `Content-Type`.
    pub kind: &'static str,
    /// Differs where its bytes do.
    pub tag: String,
}

/// Why something is no logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLogo {
    /// Too many bytes.
    #[error("a logo has {} bytes at most", LOGO_BYTES_MAX)]
    TooBig,
    /// Nothing that is known.
    #[error("a logo is a picture: SVG, PNG, WebP or JPEG")]
    NoPicture,
}

/// The root of an SVG comes first, but for a declaration, comments and a document type.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while text.len() - rest.len() < ROOT_WITHIN {
        if let Some(after) = rest.strip_prefix("<svg") {
            return after.starts_with(|c: char| c.is_whitespace() || c == '>' || c == '/');
        }
        let end = [("<?xml", "?>"), ("<!--", "-->"), ("<!DOCTYPE svg", ">")].into_iter().find(|(begin, _)| rest.starts_with(begin));
        let Some((_, after)) = end.and_then(|(_, end)| rest.split_once(end)) else { return false };
        rest = after.trim_start();
    }
    false
}

fn kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        svg if is_svg(svg) => Some("image/svg+xml"),
        _ => None,
    }
}

impl Logo {
    /// Recognises a picture.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn read(bytes: impl Into<Bytes>) -> Result<Self, NoLogo> {
        let bytes = bytes.into();
        if bytes.len() > LOGO_BYTES_MAX {
            return Err(NoLogo::TooBig);
        }
        let kind = kind(&bytes).ok_or(NoLogo::NoPicture)?;
        let tag = Sha256::digest(&bytes).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { bytes, kind, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_what_is_in_them() {
        let svg = "<?xml version='1.0'?>\n<!-- a --><!DOCTYPE svg PUBLIC 'x'>\n<svg xmlns='http://www.w3.org/2000/svg'/>";
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"<svg/>", "image/svg+xml"),
            (svg.as_bytes(), "image/svg+xml"),
        ] {
            assert_eq!(Logo::read(bytes.to_vec()).unwrap().kind, kind);
        }
        let late = format!("<!--{}--><svg/>", "x".repeat(ROOT_WITHIN));
        for bad in ["", "<html><svg/></html>", "<svgx>", "<?xml <svg>", "GIF89a", "<!doctype html><svg/>", late.as_str()] {
            assert!(Logo::read(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(Logo::read(format!("<svg>{}</svg>", "x".repeat(LOGO_BYTES_MAX)).into_bytes()).is_err());
    }
}
