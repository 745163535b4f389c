//! `level`: finds out how severe a line is and sets a label to it, by the rules that go for all lines. Not one of Promtail's.

use super::{Entry, Moment, plain_stage};
use crate::logs::model::level::LineLevel;

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Level {
    /// The label that is set.
    pub(super) label: String,
    /// A value found before that says it; `None` to look at the line.
    pub(super) source: Option<String>,
}

impl Level {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let found = match &self.source {
            Some(name) => entry.value(name).and_then(|value| LineLevel::from_value(value.trim().as_bytes())).unwrap_or_default(),
            None => LineLevel::of_line(entry.text.as_bytes()),
        };
        if found != LineLevel::Unknown {
            entry.labels.set(&self.label, found.as_str());
            entry.extract("level", found.as_str());
        }
        true
    }
}

plain_stage!(Level);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_of_a_level_gets_no_label() {
        let moment = Moment { now_ns: 0, last_ts: 0 };
        for (source, text, level) in [
            (None, "2024-05-01 12:00:00 ERROR boom", Some("error")),
            (None, "nothing of the kind", None),
            (Some("word"), "WARNING", Some("warn")),
            (Some("word"), " 50 ", Some("error")),
            (Some("word"), "odd", None),
            (Some("none"), "ERROR", None),
        ] {
            let mut entry = Entry { text: text.to_owned(), ..Entry::default() };
            entry.extract("word", text);
            let mut stage = Level { label: "severity".to_owned(), source: source.map(str::to_owned) };
            assert!(stage.apply(&mut entry, &moment));
            assert_eq!((entry.labels.get("severity"), entry.extracted.get("level").map(String::as_str)), (level, level), "{text}");
        }
    }
}
