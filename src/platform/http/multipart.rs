//! Forms with files, as browsers send them: `multipart/form-data` (RFC 7578), of a body that was read already.

use bytes::Bytes;
use memchr::memmem;

/// Parts of one form that are looked at.
const PARTS_MAX: usize = 64;
/// Bytes of the headers of a part.
const HEAD_BYTES_MAX: usize = 4 * 1024;

/// A part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The name of its field.
    pub name: String,
    /// Whether it is a file; one that nobody chose is there too, without a byte.
    pub is_file: bool,
    /// What it holds.
    pub bytes: Bytes,
}

/// Whether a content type says that a body is such a form.
pub fn is_form(kind: &str) -> bool {
    kind.trim_start().get(..19).is_some_and(|begin| begin.eq_ignore_ascii_case("multipart/form-data"))
}

/// The parts of a form, in order; none where it is no such form. A part that has no end is left out.
pub fn parts(kind: &str, body: &Bytes) -> Vec<Part> {
    read(kind, body).unwrap_or_default()
}

fn read(kind: &str, body: &Bytes) -> Option<Vec<Part>> {
    let boundary = Some(kind).filter(|kind| is_form(kind))?.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let mark = format!("--{}", boundary.trim_matches('"'));
    let end = format!("\r\n{mark}");
    let find = |from: usize, what: &[u8]| memmem::find(body.get(from..)?, what).map(|at| from + at);
    let (mut all, mut at) = (Vec::new(), find(0, mark.as_bytes())?);
    while all.len() < PARTS_MAX {
        let head = at + mark.len();
        let Some(content) = find(head, b"\r\n\r\n").map(|at| at + 4).filter(|at| at - head <= HEAD_BYTES_MAX) else { break };
        let Some(until) = find(content, end.as_bytes()) else { break };
        let said = String::from_utf8_lossy(&body[head..content]).into_owned();
        let named = |key: &str| said.split([';', '\r', '\n']).find_map(|part| part.trim().strip_prefix(key)?.strip_prefix("=\""));
        let name = named("name").and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
        all.push(Part { name, is_file: said.contains("filename="), bytes: body.slice(content..until) });
        at = until + 2;
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"l;name=.svg\"\r\nContent-Type: image/svg+xml\r\n\r\n<svg/>\r\n\r\n--x--\r\n";

    fn names(kind: &str, body: &str) -> Vec<(String, bool, String)> {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        parts(kind, &Bytes::from(body.to_owned())).iter().map(|part| (part.name.clone(), part.is_file, text(&part.bytes))).collect()
    }

    #[test]
    fn fields_and_files_are_told_apart_and_whole() {
        let all = [("a".to_owned(), false, "1".to_owned()), ("file".to_owned(), true, "<svg/>\r\n".to_owned())];
        assert_eq!(names("multipart/form-data; boundary=x", BODY), all);
        assert_eq!(names("Multipart/Form-Data; charset=utf-8; boundary=\"x\"", BODY), all);
    }

    #[test]
    fn what_is_no_form_has_no_parts() {
        for (kind, body) in [
            ("multipart/form-data; boundary=y", BODY),
            ("multipart/form-data", BODY),
            ("text/plain; boundary=x", BODY),
            ("multipart/form-data; boundary=x", "--x--"),
            ("multipart/form-data; boundary=x", ""),
            ("multipart/form-data; boundary=x", &BODY[..40]),
        ] {
            assert_eq!(names(kind, body), [], "{kind} {body}");
        }
        assert_eq!(names("multipart/form-data; boundary=x", &BODY[..BODY.len() - 12]).len(), 1, "a part without an end is left out");
        let many = format!("{}--x--", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n".repeat(200));
        assert_eq!(names("multipart/form-data; boundary=x", &many).len(), PARTS_MAX);
    }
}
