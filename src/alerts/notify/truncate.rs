//! Texts cut to what a service takes, as upstream cuts them.

/// What stands where something was cut off.
const MARK: char = '…';

/// At most so many characters.
pub(super) fn to_chars(text: String, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text;
    }
    if chars_max <= 3 {
        return text.chars().take(chars_max).collect();
    }
    text.chars().take(chars_max - 1).chain([MARK]).collect()
}

/// At most so many bytes.
pub(super) fn to_bytes(text: String, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text;
    }
    if bytes_max < MARK.len_utf8() {
        return ".".repeat(bytes_max);
    }
    let mut end = bytes_max - MARK.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut cut = text;
    cut.truncate(end);
    cut.push(MARK);
    cut
}

/// Cuts what is shown to people.
pub(super) fn shown(text: &str, chars_max: usize) -> String {
    to_chars(text.trim().to_owned(), chars_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_as_upstream() {
        for (text, max, chars, bytes) in [
            ("a", 5, "a", "a"),
            ("abcdef", 5, "abcd…", "ab…"),
            ("ab", 1, "a", "."),
            ("abcde", 3, "abc", "…"),
            ("éééé", 4, "éééé", "…"),
            ("éééééé", 6, "éééééé", "é…"),
            ("日本語日本", 4, "日本語…", "…"),
        ] {
            assert_eq!((&*to_chars(text.to_owned(), max), &*to_bytes(text.to_owned(), max)), (chars, bytes), "{text} {max}");
        }
    }
}
