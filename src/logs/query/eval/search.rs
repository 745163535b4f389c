//! Finds the lines of a chunk that may be wanted, by a search over all their text at once.

use std::ops::Range;

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

use crate::logs::model::needs::Needs;
use crate::logs::model::read::LineBuf;
use crate::logs::query::ast::{LogExpr, StageKind};
use crate::logs::query::needs::needs;
use crate::logs::query::stage::row::DUPLICATE;
use crate::logs::query::stage::wanted::filter_labels;
use crate::series::labels::{Labels, LabelsIter};

/// How candidates are found in the lines of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Searches {
    general: Search,
    /// For streams without any of `labels`, and lines without such fields: there a label that is asked for is in the text.
    strict: Search,
    /// Labels that filters look at.
    labels: Vec<String>,
    /// Whether the strict search tells more than the general one.
    differs: bool,
}

impl Searches {
    /// For the lines of a query.
    pub(crate) fn new(log: &LogExpr) -> Self {
        let mut labels = Vec::new();
        for stage in &log.stages {
            if let StageKind::LabelFilter(filter) = &stage.kind {
                filter_labels(filter, &mut labels);
            }
        }
        let needs = needs(log, &|_| true);
        let (general, strict) = (needs.settled(&|_| true), needs.settled(&|_| false));
        Self {
            general: Search::new(&general),
            strict: Search::new(&strict),
            labels: labels.into_iter().map(str::to_owned).collect(),
            differs: general != strict,
        }
    }

    /// Whether a line of a chunk has a field that filters look at.
    pub(crate) fn looks_at_fields(&self, buf: &LineBuf) -> bool {
        let is_asked = |name: &str| {
            // A field is told apart from a label of the stream by its name.
            self.labels.iter().any(|label| label == name || label.strip_suffix(DUPLICATE) == Some(name))
        };
        let names = |set: &Range<u32>| {
            let packed = buf.field_bytes.get(set.start as usize..set.end as usize).unwrap_or_default();
            LabelsIter::over_checked(packed).any(|(name, _)| is_asked(name))
        };
        self.differs && buf.field_sets.iter().any(names)
    }

    /// Puts the candidates among some lines of a stream into `found`, in order. `by_fields` is what
    /// [`Self::looks_at_fields`] says of their chunk.
    pub(crate) fn run(&self, stream: &Labels, by_fields: bool, buf: &LineBuf, lines: Range<usize>, found: &mut Vec<u32>) {
        if !self.differs || by_fields || self.labels.iter().any(|label| stream.contains(label)) {
            return self.general.run(buf, lines, found);
        }
        self.strict.run(buf, lines, found);
    }
}

/// How candidates are found.
#[derive(Debug, Clone)]
pub(crate) enum Search {
    /// Every line is one.
    Every,
    /// No line is one.
    None,
    /// Lines with this text.
    Text(Box<Finder<'static>>),
    /// Lines with one of some texts, or one in any case.
    Regex(Regex),
}

impl Search {
    /// From what every wanted line contains: the most telling part of it.
    pub(crate) fn new(needs: &Needs) -> Self {
        match best(needs) {
            Best::Nothing => Self::None,
            Best::Anything => Self::Every,
            Best::Texts { texts, any_case: false } if texts.len() == 1 => Self::Text(Box::new(Finder::new(&texts[0]).into_owned())),
            Best::Texts { texts, any_case } => {
                let choices: Vec<String> = texts.iter().map(|text| escape(text)).collect();
                let built = RegexBuilder::new(&choices.join("|")).unicode(false).case_insensitive(any_case).build();
                built.map_or(Self::Every, Self::Regex)
            }
        }
    }

    /// Puts the candidates among `lines` into `found`, in order.
    pub(crate) fn run(&self, buf: &LineBuf, lines: Range<usize>, found: &mut Vec<u32>) {
        found.clear();
        match self {
            Self::None => {}
            Self::Every => found.extend(lines.start as u32..lines.end as u32),
            Self::Text(finder) => collect(buf, lines, found, |text| finder.find(text)),
            Self::Regex(regex) => collect(buf, lines, found, |text| regex.find(text).map(|found| found.start())),
        }
    }
}

fn collect(buf: &LineBuf, lines: Range<usize>, found: &mut Vec<u32>, find: impl Fn(&[u8]) -> Option<usize>) {
    let (Some(&start), Some(&end)) = (buf.starts.get(lines.start), buf.starts.get(lines.end)) else { return };
    let Some(text) = buf.text.get(..end as usize) else { return };
    let mut at = start as usize;
    let mut line = lines.start;
    while let Some(hit) = text.get(at..).and_then(&find) {
        let position = (at + hit) as u32;
        // Hits lie close together or far apart: look near first.
        let mut step = 1;
        while line + step < lines.end && buf.starts[line + step] <= position {
            line += step;
            step *= 2;
        }
        let upto = (line + step).min(lines.end);
        line += buf.starts.get(line + 1..=upto).unwrap_or_default().partition_point(|start| *start <= position);
        if line >= lines.end {
            return;
        }
        found.push(line as u32);
        line += 1;
        at = buf.starts[line] as usize;
    }
}

fn escape(text: &[u8]) -> String {
    text.iter().map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("\\x{byte:02x}") }).collect()
}

enum Best {
    Anything,
    Nothing,
    Texts { texts: Vec<Vec<u8>>, any_case: bool },
}

impl Best {
    /// How much it tells: the length of the shortest text, and fewer texts first.
    fn worth(&self) -> (usize, usize) {
        match self {
            Self::Anything => (0, 0),
            Self::Nothing => (usize::MAX, 0),
            Self::Texts { texts, any_case } => {
                let shortest = texts.iter().map(Vec::len).min().unwrap_or(0);
                (if *any_case || texts.len() > 1 { shortest.div_ceil(2) } else { shortest }, usize::MAX - texts.len())
            }
        }
    }
}

/// More texts than this are not searched for at once.
const TEXTS_MAX: usize = 32;

fn best(needs: &Needs) -> Best {
    match needs {
        Needs::Anything | Needs::Unless { .. } => Best::Anything,
        Needs::Nothing => Best::Nothing,
        Needs::Text { bytes, any_case, .. } => {
            // Text without letters is the same in any case.
            let any_case = *any_case && bytes.iter().any(u8::is_ascii_alphabetic);
            Best::Texts { texts: vec![bytes.clone()], any_case }
        }
        Needs::All(all) => all.iter().map(best).max_by_key(Best::worth).unwrap_or(Best::Anything),
        Needs::Any(any) => {
            let (mut texts, mut in_any_case) = (Vec::new(), false);
            for one in any {
                match best(one) {
                    Best::Anything => return Best::Anything,
                    Best::Nothing => {}
                    Best::Texts { texts: more, any_case } => {
                        texts.extend(more);
                        in_any_case |= any_case;
                    }
                }
            }
            if texts.is_empty() {
                Best::Nothing
            } else if texts.len() > TEXTS_MAX {
                Best::Anything
            } else {
                Best::Texts { texts, any_case: in_any_case }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buf(lines: &[&str]) -> LineBuf {
        let mut buf = LineBuf::default();
        for line in lines {
            buf.starts.push(buf.text.len() as u32);
            buf.text.extend_from_slice(line.as_bytes());
            buf.text.push(b'\n');
        }
        buf.starts.push(buf.text.len() as u32);
        buf
    }

    fn check(needs: &Needs, range: Range<usize>, expected: &[u32]) {
        let buf = buf(&["an error", "", "ok", "errorerror", "Error x", "a\u{e9}b", "last error"]);
        let mut found = Vec::new();
        Search::new(needs).run(&buf, range, &mut found);
        assert_eq!(found, expected, "{needs:?}");
    }

    #[test]
    fn candidates_are_the_lines_with_hits() {
        check(&Needs::text("error"), 0..7, &[0, 3, 6]);
        check(&Needs::text("error"), 1..4, &[3]);
        check(&Needs::text_any_case(b"ERROR"), 0..7, &[0, 3, 4, 6]);
        check(&Needs::text("\u{e9}"), 0..7, &[5]);
        check(&Needs::text("nowhere"), 0..7, &[]);
        check(&Needs::text("ok").or(Needs::text("last")), 0..7, &[2, 6]);
        check(&Needs::text("r").and(Needs::text("error")).and(Needs::Anything), 0..7, &[0, 3, 6]);
        check(&Needs::text("\u{e9}").or(Needs::text_any_case(b"OK")), 0..7, &[2, 5]);
        check(&Needs::Nothing, 0..7, &[]);
        check(&Needs::Anything, 2..4, &[2, 3]);
        check(&Needs::text("ok").or(Needs::Anything), 0..2, &[0, 1]);
    }
}
