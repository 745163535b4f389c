//! `| line_format` and `| label_format`: Go templates over the labels of a line.

use std::sync::Arc;

use super::row::{Origin, Row};
use crate::base::cancel::Cancel;
use crate::logs::query::ast::{LabelFormat, LabelFormatValue};
use crate::logs::query::template::{Data, Template};

/// What is set when a template fails. The line, or the label, stays as it was.
pub(crate) const ERROR: &str = "TemplateFormatErr";

/// The moment at hand, for templates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    /// The line's time (ns).
    pub(crate) ts: i64,
    /// The time of the query (ns).
    pub(crate) now: i64,
    /// Raised when nobody waits any more.
    pub(crate) cancel: &'a Cancel,
}

/// Makes the line anew.
#[derive(Debug, Clone)]
pub(crate) struct LineFormat {
    template: Template,
    text: String,
}

impl LineFormat {
    /// With a template.
    pub(crate) fn new(template: &str) -> Result<Self, String> {
        let template = Template::new(template).map_err(|error| format!("invalid line template: {error}"))?;
        Ok(Self { template, text: String::new() })
    }

    /// Labels that the template looks at; none if it may look at any.
    pub(crate) fn labels(&self) -> Option<Vec<String>> {
        self.template.labels().map(|labels| labels.iter().cloned().collect())
    }

    /// Puts the new line into `out`; false when the template failed.
    pub(crate) fn run(&mut self, moment: Moment<'_>, line: &[u8], row: &mut Row, out: &mut Vec<u8>) -> bool {
        self.text.clear();
        let data = Data { row, line, ts: moment.ts, now: moment.now, cancel: moment.cancel };
        match self.template.run(data, &mut self.text) {
            Ok(()) => {
                out.clear();
                out.extend_from_slice(self.text.as_bytes());
                true
            }
            Err(details) => {
                row.set_error(ERROR, &details);
                false
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Change {
    Rename { to: Arc<str>, from: Arc<str> },
    Set { label: Arc<str>, template: Template },
}

/// Sets and renames labels.
#[derive(Debug, Clone)]
pub(crate) struct LabelFormats {
    changes: Vec<Change>,
}

impl LabelFormats {
    /// With these changes, in order.
    pub(crate) fn new(formats: &[LabelFormat]) -> Result<Self, String> {
        let change = |format: &LabelFormat| match &format.value {
            LabelFormatValue::Rename(from) => Ok(Change::Rename { to: Arc::clone(&format.label), from: Arc::clone(from) }),
            LabelFormatValue::Template(text) => {
                let template = Template::new(text).map_err(|error| format!("invalid template for label '{}': {error}", format.label))?;
                Ok(Change::Set { label: Arc::clone(&format.label), template })
            }
        };
        Ok(Self { changes: formats.iter().map(change).collect::<Result<_, String>>()? })
    }

    /// Labels that it looks at; none if it may look at any.
    pub(crate) fn labels(&self) -> Option<Vec<String>> {
        let mut labels = Vec::new();
        for change in &self.changes {
            match change {
                Change::Rename { from, .. } => labels.push(from.to_string()),
                Change::Set { template, .. } => labels.extend(template.labels()?.iter().cloned()),
            }
        }
        Some(labels)
    }

    /// Changes the labels of a line.
    pub(crate) fn run(&self, moment: Moment<'_>, line: &[u8], row: &mut Row) {
        // All templates see the labels as they are before the first of them, whatever the others set.
        let mut made: Option<std::vec::IntoIter<Result<String, String>>> = None;
        for change in &self.changes {
            match change {
                Change::Rename { to, from } => {
                    if let Some(value) = row.get(from).map(str::to_owned) {
                        row.set(Origin::Parsed, to, &value);
                        row.remove(from);
                    }
                }
                Change::Set { label, .. } => {
                    let values = made.get_or_insert_with(|| self.values(moment, line, row).into_iter());
                    match values.next() {
                        Some(Ok(value)) => row.set(Origin::Parsed, label, &value),
                        Some(Err(details)) => row.set_error(ERROR, &details),
                        None => {}
                    }
                }
            }
        }
    }

    fn values(&self, moment: Moment<'_>, line: &[u8], row: &Row) -> Vec<Result<String, String>> {
        let value = |template: &Template| {
            let mut text = String::new();
            template.run(Data { row, line, ts: moment.ts, now: moment.now, cancel: moment.cancel }, &mut text).map(|()| text)
        };
        self.changes
            .iter()
            .filter_map(|change| if let Change::Set { template, .. } = change { Some(value(template)) } else { None })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    fn at(cancel: &Cancel) -> Moment<'_> {
        Moment { ts: 1, now: 2, cancel }
    }

    fn row() -> Row {
        let mut row = Row::default();
        row.set_stream(&Labels::from_pairs([("a", "1"), ("b", "2")]));
        row.begin(b"");
        row
    }

    #[test]
    fn lines_are_made_anew() {
        let mut out = Vec::new();
        let mut row = row();
        assert!(LineFormat::new("{{.a}}:{{__line__}}").unwrap().run(at(&Cancel::new()), b"x", &mut row, &mut out));
        assert_eq!(out, b"1:x");
        assert!(!LineFormat::new("{{.a}}{{div 1 0}}").unwrap().run(at(&Cancel::new()), b"x", &mut row, &mut out));
        assert_eq!((row.error(), row.details()), (ERROR, "error calling div: integer divide by zero"));
        assert!(LineFormat::new("{{").is_err_and(|error| error.starts_with("invalid line template: ")));
    }

    #[test]
    fn labels_change() {
        let set = |label: &str, text: &str| LabelFormat { label: label.into(), value: LabelFormatValue::Template(text.into()) };
        let rename = |to: &str, from: &str| LabelFormat { label: to.into(), value: LabelFormatValue::Rename(from.into()) };
        for (formats, expected) in [
            (vec![rename("c", "a")], r#"{b="2", c="1"}"#),
            (vec![rename("c", "none")], r#"{a="1", b="2"}"#),
            (vec![set("a", "{{.b}}"), set("b", "{{.a}}")], r#"{a="2", b="1"}"#),
            (vec![set("c", "{{.a}}-{{.b}}"), rename("d", "b")], r#"{a="1", c="1-2", d="2"}"#),
            (vec![rename("c", "a"), set("d", "{{.c}}{{.a}}")], r#"{b="2", c="1", d="1"}"#),
        ] {
            let mut row = row();
            LabelFormats::new(&formats).unwrap().run(at(&Cancel::new()), b"", &mut row);
            assert_eq!(row.labels().to_string(), expected);
        }
        assert_eq!(LabelFormats::new(&[set("x", "{{.q}}"), rename("y", "z")]).unwrap().labels(), Some(vec!["q".into(), "z".into()]));
    }
}
