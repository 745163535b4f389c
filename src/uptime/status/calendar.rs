//! Maintenance of a page as a calendar (RFC 5545), which people's own calendars fetch again and again.

use super::picture::Coming;
use crate::base::time::format_rfc3339;

/// Bytes of a line at most, without its end.
const LINE_BYTES_MAX: usize = 75;

/// An instant as calendars write it: `20261120T140000Z`.
fn instant(at: i64) -> String {
    let text = format_rfc3339(at.div_euclid(1_000) * 1_000);
    text.chars().filter(|c| c.is_ascii_digit() || *c == 'T').take(15).chain(['Z']).collect()
}

/// A text as a value.
fn value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Adds a line, broken where it is too long.
fn line(out: &mut String, name: &str, value: &str) {
    let mut room = LINE_BYTES_MAX;
    for c in name.chars().chain([':']).chain(value.chars()) {
        if c.len_utf8() > room {
            out.push_str("\r\n ");
            room = LINE_BYTES_MAX - 1;
        }
        out.push(c);
        room -= c.len_utf8();
    }
    out.push_str("\r\n");
}

/// Writes the calendar of a page. `slug` and `host` name its events for good; `since` is when they became what they are, so
/// that the same events are the same bytes.
pub fn ics(title: &str, slug: &str, host: &str, coming: &[Coming], since: i64) -> String {
    let mut out = String::new();
    for (name, text) in [("BEGIN", "VCALENDAR"), ("VERSION", "2.0"), ("PRODID", "-//pharos//status page//EN"), ("METHOD", "PUBLISH")] {
        line(&mut out, name, text);
    }
    line(&mut out, "X-WR-CALNAME", &value(title));
    for one in coming {
        line(&mut out, "BEGIN", "VEVENT");
        line(&mut out, "UID", &value(&format!("maintenance-{}-{}-{slug}@{host}", one.id, one.window.from)));
        line(&mut out, "DTSTAMP", &instant(since));
        line(&mut out, "DTSTART", &instant(one.window.from));
        line(&mut out, "DTEND", &instant(one.window.until));
        line(&mut out, "SUMMARY", &value(&one.title));
        let about = [one.note.as_str(), &one.of.join(", ")].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
        if !about.is_empty() {
            line(&mut out, "DESCRIPTION", &value(&about));
        }
        line(&mut out, "END", "VEVENT");
    }
    line(&mut out, "END", "VCALENDAR");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::model::window::Window;

    #[test]
    fn events_are_written_as_calendars_read_them() {
        let coming = Coming {
            id: 7,
            title: "Disks; new, \\ faster\r\nEND:VEVENT".to_owned(),
            note: "ü".repeat(90),
            window: Window::new(1_763_647_200_500, 1_763_654_400_000),
            of: vec!["Shop".to_owned()],
            since: 0,
        };
        let text = ics("Shop", "shop", "status.example", &[coming], 0);
        assert!(text.contains("\r\nDTSTART:20251120T140000Z\r\nDTEND:20251120T160000Z\r\n"), "{text}");
        assert!(text.contains("SUMMARY:Disks\\; new\\, \\\\ faster\\nEND:VEVENT\r\n"), "{text}");
        assert_eq!(text.matches("\r\nEND:VEVENT").count(), 1);
        assert!(text.split("\r\n").all(|line| line.len() <= 75) && !text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
        assert!(text.replace("\r\n ", "").contains(&format!("DESCRIPTION:{}\\nShop", "ü".repeat(90))));
    }
}
