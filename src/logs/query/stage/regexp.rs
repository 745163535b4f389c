//! `| regexp "(?P<name>re)"`: named groups become labels. A line that does not match stays as it is.

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

use super::row::{Row, push_bytes, push_name};
use crate::base::limits::REGEX_BYTES_MAX;
use crate::series::{go_regex, re2};

/// A regular expression over the bytes of lines: RE2 syntax, not anchored, `.` is no line break.
pub(crate) fn line_regex(pattern: &str) -> Result<Regex, String> {
    let invalid = |reason: String| go_regex::message(pattern, &reason);
    let text = re2::translate(pattern).map_err(invalid)?;
    RegexBuilder::new(&text).size_limit(REGEX_BYTES_MAX).nest_limit(200).build().map_err(|error| {
        let text = error.to_string();
        invalid(text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })
}

/// Extracts named groups.
#[derive(Debug, Clone)]
pub(crate) struct Regexp {
    regex: Regex,
    /// Group and label.
    groups: Vec<(usize, String)>,
    places: CaptureLocations,
}

impl Regexp {
    /// For a pattern that was checked.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let regex = line_regex(pattern)?;
        let mut groups = Vec::new();
        for (group, name) in regex.capture_names().enumerate() {
            let mut label = String::new();
            push_name(&mut label, name.unwrap_or_default());
            if !label.is_empty() {
                groups.push((group, label));
            }
        }
        if groups.is_empty() {
            return Err("at least one named capture must be supplied".to_owned());
        }
        let places = regex.capture_locations();
        Ok(Self { regex, groups, places })
    }

    /// Reads a line.
    pub(crate) fn run(&mut self, line: &[u8], row: &mut Row) {
        if self.regex.captures_read(&mut self.places, line).is_none() {
            return;
        }
        for (group, label) in &self.groups {
            let (start, end) = self.places.get(*group).unwrap_or_default();
            row.offer(label, |out| push_bytes(out, line.get(start..end).unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    #[test]
    fn groups_become_labels() {
        let mut stage = Regexp::new(r"^(?P<method>\w+) (?P<path>\S+)( (?P<status>\d+))?").unwrap();
        for (line, labels) in [
            ("GET /x 200", r#"{method="stream", method_extracted="GET", path="/x", status="200"}"#),
            ("PUT /y", r#"{method="stream", method_extracted="PUT", path="/y", status=""}"#),
            ("nothing", r#"{method="stream"}"#),
        ] {
            let mut row = Row::default();
            row.set_stream(&Labels::from_pairs([("method", "stream")]));
            row.begin(b"");
            stage.run(line.as_bytes(), &mut row);
            assert_eq!(row.labels().to_string(), labels, "{line}");
        }
        assert!(Regexp::new("nogroup").is_err() && Regexp::new("(").is_err());
    }
}
