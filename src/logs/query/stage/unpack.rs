//! `| unpack`: undoes Promtail's `pack`: the texts of a JSON object become labels, its `_entry` becomes the line.

use super::json::{self, Kind, Members, push_value, unescaped};
use super::row::{Row, push_name};

/// The member that holds the line.
const ENTRY: &[u8] = b"_entry";

/// Unpacks lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unpack {
    /// Labels found; they count only if there is a line too.
    found: Vec<(String, String)>,
}

impl Unpack {
    /// Reads a line; true when `out` has the line to go on with.
    pub(crate) fn run(&mut self, line: &[u8], row: &mut Row, out: &mut Vec<u8>) -> bool {
        if line.is_empty() || row.is_complete() {
            return false;
        }
        if line[0] != b'{' {
            row.set_parser_error(json::ERROR, "expecting json object(6), but it is not");
            return false;
        }
        self.found.clear();
        match self.read(line, out) {
            Ok(true) => {
                for (name, value) in &self.found {
                    row.offer(name, |text| text.push_str(value));
                }
                true
            }
            Ok(false) => false,
            Err(details) => {
                row.set_parser_error(json::ERROR, details);
                false
            }
        }
    }

    fn read(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<bool, &'static str> {
        let mut at = 0;
        let mut is_packed = false;
        let mut members = Members::begin(line, &mut at)?;
        while let Some((key, _)) = members.key()? {
            let (kind, range) = members.value()?;
            let value = line.get(range.0..range.1).unwrap_or_default();
            if kind == Kind::Text && key == ENTRY {
                out.clear();
                out.extend_from_slice(unescaped(value).ok_or(json::wrong::ESCAPE)?.as_bytes());
                is_packed = true;
            } else if kind == Kind::Text {
                let mut name = String::new();
                push_name(&mut name, &unescaped(key).ok_or(json::wrong::ESCAPE)?);
                if !name.is_empty() {
                    let mut text = String::new();
                    push_value(&mut text, kind, value);
                    self.found.push((name, text));
                }
            }
            members.end_of_member()?;
        }
        Ok(is_packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    #[test]
    fn packed_lines_come_out() {
        for (line, expected, labels) in [
            (
                r#"{"lvl":"info","num":5,"app":"x","_entry":"real\nline"}"#,
                Some("real\nline"),
                r#"{app="a", app_extracted="x", lvl="info"}"#,
            ),
            (r#"{"lvl":"info"}"#, None, r#"{app="a"}"#),
            ("plain", None, r#"{__error__="JSONParserErr", __error_details__="expecting json object(6), but it is not", app="a"}"#),
            (r#"{"a":"#, None, r#"{__error__="JSONParserErr", __error_details__="Malformed JSON error", app="a"}"#),
        ] {
            let mut row = Row::default();
            row.set_stream(&Labels::from_pairs([("app", "a")]));
            row.begin(b"");
            let mut out = Vec::new();
            let rewrote = Unpack::default().run(line.as_bytes(), &mut row, &mut out);
            assert_eq!((rewrote.then_some(&out[..]), row.labels().to_string()), (expected.map(str::as_bytes), labels.to_owned()), "{line}");
        }
    }
}
