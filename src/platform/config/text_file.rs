//! Text files of which no more is read than may be.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The text of a file that has no more than `bytes_max` bytes. Blocking.
///
/// # Errors
/// Why there is none, in words without the path.
pub fn read(path: &Path, bytes_max: usize) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > bytes_max {
        return Err(format!("more than {bytes_max} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        format!("not UTF-8 text, line {line}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_texts_or_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yml");
        for (bytes, expected) in [
            (&b""[..], Ok("")),
            (b"a: 1\n", Ok("a: 1\n")),
            (b"a: 12\n", Err("more than 5 bytes")),
            (b"a\nb\xff", Err("not UTF-8 text, line 2")),
            // What is too long is not looked at.
            (b"\xff12345", Err("more than 5 bytes")),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(read(&path, 5).as_deref().map_err(String::as_str), expected);
        }
        assert!(read(folder.path(), 5).is_err() && read(&folder.path().join("none"), 5).is_err());
        // One that never ends is not waited for.
        assert_eq!(read(Path::new("/dev/zero"), 5).unwrap_err(), "more than 5 bytes");
    }
}
