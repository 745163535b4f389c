//! `| json name="path"`: labels from chosen places of a JSON line.

use std::sync::Arc;

use super::json::{self, Kind, Members, push_value, skip_space, unescaped, value};
use super::row::{DUPLICATE, Origin, Row};
use crate::logs::query::ast::{Extraction, PathStep};

/// Extracts what its paths lead to.
#[derive(Debug, Clone)]
pub(crate) struct JsonPaths {
    paths: Vec<(Arc<str>, Vec<PathStep>)>,
    value: String,
}

impl JsonPaths {
    /// For these expressions.
    pub(crate) fn new(expressions: &[Extraction]) -> Self {
        Self { paths: expressions.iter().map(|one| (Arc::clone(&one.label), one.path.clone())).collect(), value: String::new() }
    }

    /// Reads a line.
    pub(crate) fn run(&mut self, line: &[u8], row: &mut Row) {
        if line.is_empty() || row.is_complete() {
            return;
        }
        if !matches!(line[0], b'"' | b'{' | b'[') {
            return row.set_parser_error(json::ERROR, "");
        }
        for (label, path) in &self.paths {
            match find(line, path) {
                Some((kind, found)) => {
                    self.value.clear();
                    push_value(&mut self.value, if kind == Kind::Number { Kind::Text } else { kind }, found);
                    if row.clashes(label) {
                        row.set(Origin::Parsed, &format!("{label}{DUPLICATE}"), &self.value);
                    } else {
                        row.set(Origin::Parsed, label, &self.value);
                    }
                }
                // Every expression makes a label.
                None if row.get(label).is_none() => row.set(Origin::Parsed, label, ""),
                None => {}
            }
        }
    }
}

/// What a path leads to.
fn find<'a>(line: &'a [u8], path: &[PathStep]) -> Option<(Kind, &'a [u8])> {
    let mut at = 0;
    skip_space(line, &mut at);
    for step in path {
        match step {
            PathStep::Field(name) => to_member(line, &mut at, name)?,
            PathStep::Index(index) => to_element(line, &mut at, *index)?,
        }
    }
    let (kind, range) = value(line, &mut at).ok()?;
    Some((kind, line.get(range.0..range.1)?))
}

fn to_member(line: &[u8], at: &mut usize, name: &str) -> Option<()> {
    let mut members = Members::begin(line, at).ok()?;
    loop {
        let (key, escaped) = members.key().ok()??;
        let is_it = if escaped { unescaped(key)? == name } else { key == name.as_bytes() };
        if is_it {
            return Some(());
        }
        members.value().ok()?;
        members.end_of_member().ok()?;
    }
}

fn to_element(line: &[u8], at: &mut usize, index: u64) -> Option<()> {
    if line.get(*at) != Some(&b'[') {
        return None;
    }
    *at += 1;
    skip_space(line, at);
    for _ in 0..index {
        value(line, at).ok()?;
        skip_space(line, at);
        if line.get(*at) != Some(&b',') {
            return None;
        }
        *at += 1;
        skip_space(line, at);
    }
    (line.get(*at) != Some(&b']')).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    fn run(line: &str) -> String {
        let field = |name: &str| PathStep::Field(name.into());
        let one = |label: &str, path: Vec<PathStep>| Extraction { label: label.into(), expression: "".into(), path };
        let mut stage = JsonPaths::new(&[
            one("x", vec![field("a"), field("b c")]),
            one("y", vec![field("l"), PathStep::Index(1)]),
            one("app", vec![field("a")]),
        ]);
        let mut row = Row::default();
        row.set_stream(&Labels::from_pairs([("app", "s")]));
        row.begin(b"");
        stage.run(line.as_bytes(), &mut row);
        row.labels().to_string()
    }

    #[test]
    fn paths_lead_to_values() {
        for (line, labels) in [
            (
                r#"{"l":[1, {"z":"q"}],"a":{"k":0,"b c":"v\n"}}"#,
                r#"{app="s", app_extracted="{\"k\":0,\"b c\":\"v\n\"}", x="v\n", y="{\"z\":\"q\"}"}"#,
            ),
            (r#"{"l":[1],"a":null}"#, r#"{app="s", app_extracted="", x="", y=""}"#),
            ("[1,2]", r#"{app="s", x="", y=""}"#),
            (r#"{"l":[0,1.5]"#, r#"{app="s", x="", y="1.5"}"#),
            ("plain", r#"{__error__="JSONParserErr", app="s"}"#),
            ("", r#"{app="s"}"#),
        ] {
            assert_eq!(run(line), labels.replace("\\\"b c\\\":\\\"v\\n\\\"", "\\\"b c\\\":\\\"v\\\\n\\\""), "{line}");
        }
    }
}
