//! `logfmt`: values of `key=value` pairs into the extracted map.

use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Logfmt {
    /// Under which name the value of which key is remembered.
    pub(super) mapping: Vec<(String, String)>,
    /// What to read; `None` for the line.
    pub(super) source: Option<String>,
}

impl Logfmt {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let Some(text) = entry.source(self.source.as_deref()) else { return true };
        let mut found = Vec::new();
        for (key, value) in Pairs(text) {
            for (name, wanted) in &self.mapping {
                if wanted == key {
                    found.push((name.clone(), value.clone()));
                }
            }
        }
        for (name, value) in found {
            entry.extract(&name, value);
        }
        true
    }
}

plain_stage!(Logfmt);

/// Keys and values of a line, in order.
pub(super) struct Pairs<'t>(pub(super) &'t str);

impl<'t> Iterator for Pairs<'t> {
    type Item = (&'t str, String);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.trim_start_matches(|c: char| c.is_whitespace() || c == '=' || c == '"');
        if rest.is_empty() {
            self.0 = "";
            return None;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '"').unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let Some(value) = after.strip_prefix('=') else {
            self.0 = after;
            return Some((key, String::new()));
        };
        let Some(quoted) = value.strip_prefix('"') else {
            let end = value.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(value.len());
            self.0 = &value[end..];
            return Some((key, value[..end].to_owned()));
        };
        let (text, used) = unquote(quoted);
        self.0 = &quoted[used..];
        Some((key, text))
    }
}

/// Text up to the closing quote, and how many bytes that took.
fn unquote(text: &str) -> (String, usize) {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (out, at + 1),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('u') => {
                    let digits: String = chars.clone().take(4).map(|(_, c)| c).collect();
                    match u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).filter(|_| digits.len() == 4) {
                        Some(c) => {
                            out.push(c);
                            chars.by_ref().take(4).for_each(drop);
                        }
                        None => out.push('u'),
                    }
                }
                Some(c) => out.push(c),
                None => {}
            },
            c => out.push(c),
        }
    }
    (out, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read() {
        for (line, pairs) in [
            ("", &[][..]),
            ("a=1 b=two", &[("a", "1"), ("b", "two")]),
            ("a=\"x y\" b=\"q\\\"z\\n\" c", &[("a", "x y"), ("b", "q\"z\n"), ("c", "")]),
            ("  = a= b=\"open", &[("a", ""), ("b", "open")]),
            ("a=\"\\u00e9\\uzz\"", &[("a", "éuzz")]),
            ("msg=a\"b\"c", &[("msg", "a"), ("b", ""), ("c", "")]),
        ] {
            let read: Vec<(&str, String)> = Pairs(line).collect();
            let read: Vec<(&str, &str)> = read.iter().map(|(key, value)| (*key, value.as_str())).collect();
            assert_eq!(read, pairs, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_line_comes_to_an_end(line in "[a-z=\"\\\\ u0-9é]{0,60}") {
            assert!(Pairs(&line).count() <= line.len());
        }
    }
}
