//! `${1}_total`: texts with places for what a pattern caught.

/// A text with places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Capture(usize),
}

impl Template {
    /// Reads `$1` and `${1}`. A name that is no number, and a number of nothing, stand for nothing, as in Go.
    pub(super) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            pieces.push(Piece::Text(rest[..at].to_owned()));
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('$') {
                pieces.push(Piece::Text("$".to_owned()));
                rest = after;
                continue;
            }
            let (inside, left) = match after.strip_prefix('{') {
                Some(braced) => braced.split_once('}').unwrap_or(("", after)),
                None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
            };
            if inside.is_empty() {
                pieces.push(Piece::Text("$".to_owned()));
            }
            pieces.extend(inside.parse().ok().map(Piece::Capture));
            rest = left;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Self(pieces)
    }

    /// The text with what was caught.
    pub(super) fn fill<'a>(&self, capture: &dyn Fn(usize) -> Option<&'a str>) -> String {
        let text = |piece| match piece {
            &Piece::Capture(number) => capture(number).unwrap_or_default().to_owned(),
            Piece::Text(text) => text.clone(),
        };
        self.0.iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled() {
        let caught = ["whole", "a", "b"];
        for (text, filled) in [
            ("", ""),
            ("x", "x"),
            ("$1", "a"),
            ("${1}_total", "a_total"),
            ("$1_total", ""),
            ("$1.$2", "a.b"),
            ("$0$9x$", "whole$"),
            ("$$1", "$1"),
            ("${1", "${1"),
        ] {
            assert_eq!(Template::new(text).fill(&|at| caught.get(at).copied()), filled, "{text}");
        }
    }
}
