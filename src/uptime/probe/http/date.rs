//! Dates as they stand in headers.

use chrono::{DateTime, NaiveDateTime};

/// Seconds since the Unix epoch of a date in one of HTTP's three forms.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(found) = DateTime::parse_from_rfc2822(text) {
        return Some(found.timestamp());
    }
    let forms = ["%a, %d-%b-%Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()).map(|found| found.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_forms_are_read() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(super::parse(text), Some(784_111_777), "{text}");
        }
        assert_eq!(super::parse("tomorrow"), None);
    }
}
