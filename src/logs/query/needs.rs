//! From a pipeline to what every line it passes contains, so that the store can leave out the rest.
//!
//! Needs are about the line as it was stored, so they end where a stage changes it:
//!
//! - Positive line filters need their text, the literals of their pattern, or those of their regular expression.
//! - A label filter on text needs its value, which is one of the line's fields, or was taken by a parser out of the line as
//!   it stood there. That is so unless the parser met a line that had been changed, or the label was set by
//!   `label_format`, or is one of those the pipeline sets by itself (`__error__`). It holds
//!   only for streams that have no such label ([`Needs::Unless`]); a line's fields are looked for as its text is. Negative
//!   and empty conditions need nothing, numbers neither: 500 may be written 5e2.
//! - A whole value stands alone: JSON and logfmt have signs around it, and so is what was sent as a field. What regular
//!   expressions and patterns take out may be a piece of a word.
//! - Within the quotes of JSON and logfmt, a character may stand for itself or be escaped. Only characters that no encoder
//!   escapes count ([`is_plain`]); a value is cut into runs of them. Any letter may be written `\u0041`, so lines with
//!   `\u00` are never left out there.
//! - What is no UTF-8 becomes a space in a label, so spaces are nothing to look for.

mod regex;

use std::collections::HashSet;

use super::ast::{LabelFilter, LabelFilterKind, LineFilter, LineMatch, LineOp, LogExpr, MatchOp, Matcher, PatternPart, Stage, StageKind};
use crate::logs::model::needs::Needs;

/// What every line that passes the pipeline contains, or a value of its fields. `is_outside` says whether streams may have a
/// label of that name; where that is not known, `&|_| true`: what hangs on it is told apart in the answer.
pub fn needs(log: &LogExpr, is_outside: &dyn Fn(&str) -> bool) -> Needs {
    let mut walk = Walk { is_outside, set_by: HashSet::new(), parsed: Parsed::default(), line_is_intact: true };
    log.stages.iter().fold(Needs::Anything, |needs, stage| needs.and(walk.stage(stage)))
}

/// How the labels taken out of the line so far stand in it.
#[derive(Debug, Clone, Copy, Default)]
struct Parsed {
    /// By some parser.
    any: bool,
    /// Where characters may be escaped.
    escaped: bool,
    /// Also out of the middle of words.
    torn: bool,
    /// Out of a line that had been changed.
    changed: bool,
}

struct Walk<'a> {
    is_outside: &'a dyn Fn(&str) -> bool,
    /// Labels that `label_format` set.
    set_by: HashSet<&'a str>,
    parsed: Parsed,
    line_is_intact: bool,
}

impl<'a> Walk<'a> {
    fn stage(&mut self, stage: &'a Stage) -> Needs {
        match &stage.kind {
            StageKind::LineFilter(filter) if self.line_is_intact => return line_filter(filter),
            StageKind::LabelFilter(filter) => return self.label_filter(filter),
            StageKind::Json { .. } | StageKind::Logfmt { .. } => self.parser(true),
            StageKind::Auto => self.parser(true),
            StageKind::Regexp(_) | StageKind::Pattern(_) => {
                self.parser(false);
                self.parsed.torn = true;
            }
            StageKind::Unpack => {
                self.parser(true);
                self.line_is_intact = false;
            }
            StageKind::LineFormat(_) | StageKind::Decolorize => self.line_is_intact = false,
            StageKind::LabelFormat(formats) => self.set_by.extend(formats.iter().map(|format| &*format.label)),
            StageKind::LineFilter(_) | StageKind::Drop(_) | StageKind::Keep(_) => {}
        }
        Needs::Anything
    }

    fn parser(&mut self, escaped: bool) {
        self.parsed.any = true;
        self.parsed.escaped |= escaped;
        self.parsed.changed |= !self.line_is_intact;
    }

    fn label_filter(&self, filter: &LabelFilter) -> Needs {
        match &filter.kind {
            LabelFilterKind::Text(matcher) => self.text(matcher),
            LabelFilterKind::All(parts) => parts.iter().fold(Needs::Anything, |needs, part| needs.and(self.label_filter(part))),
            LabelFilterKind::Any(parts) => parts.iter().map(|part| self.label_filter(part)).reduce(Needs::or).unwrap_or_default(),
            LabelFilterKind::Number { .. }
            | LabelFilterKind::Duration { .. }
            | LabelFilterKind::Bytes { .. }
            | LabelFilterKind::Ip { .. } => Needs::Anything,
        }
    }

    fn text(&self, matcher: &Matcher) -> Needs {
        let name = &*matcher.name;
        if self.parsed.changed || name.starts_with("__") || self.set_by.contains(name) {
            return Needs::Anything;
        }
        let whole = match matcher.op {
            MatchOp::Equal => Needs::text(matcher.value.as_bytes()).alone(),
            MatchOp::Regex => regex::whole(&matcher.value).map_or_else(|| regex::needs(&matcher.value), Needs::alone),
            MatchOp::NotEqual | MatchOp::NotRegex => return Needs::Anything,
        };
        let needs = match self.parsed {
            // Without a parser, only a field can have it, as it stands.
            Parsed { any: false, .. } => whole,
            Parsed { escaped: true, torn, .. } => runs(whole, is_plain, torn).or(Needs::text("\\u00")),
            Parsed { torn, .. } => runs(whole, |byte| byte != b' ', torn),
        };
        if (self.is_outside)(name) { needs.unless(name) } else { needs }
    }
}

fn line_filter(filter: &LineFilter) -> Needs {
    let term = |term: &LineMatch| match (filter.op, term) {
        (LineOp::Contains, LineMatch::Text(text)) => Needs::text(text.as_bytes()),
        (LineOp::Regex, LineMatch::Text(pattern)) => regex::needs(pattern),
        (LineOp::Pattern, LineMatch::Pattern(pattern)) => pattern.parts.iter().fold(Needs::Anything, |needs, part| match part {
            PatternPart::Literal(text) => needs.and(Needs::text(text.as_bytes())),
            PatternPart::Capture(_) | PatternPart::Skip => needs,
        }),
        _ => Needs::Anything,
    };
    filter.terms.iter().map(term).reduce(Needs::or).unwrap_or_default()
}

/// Whether a character of a value stands as itself in quoted JSON and logfmt, whoever wrote it. Encoders escape quotes,
/// backslashes, control characters and what is not ASCII, some also `/ < > & ' = +` and the backquote.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b',' | b';' | b'@' | b'#' | b'(' | b')' | b'[' | b']')
}

/// The same needs with texts cut where a character may be written otherwise. Next to a cut something else may stand, and
/// everywhere where values are `torn` out of words.
fn runs(needs: Needs, is_plain: fn(u8) -> bool, torn: bool) -> Needs {
    match needs {
        Needs::Text { bytes, any_case, alone } => {
            let alone = alone && !torn && bytes.iter().copied().all(is_plain);
            let run = |run: &[u8]| if any_case { Needs::text_any_case(run) } else { Needs::text(run) };
            let needs = bytes.split(|&byte| !is_plain(byte)).fold(Needs::Anything, |needs, part| needs.and(run(part)));
            if alone { needs.alone() } else { needs }
        }
        Needs::All(parts) => parts.into_iter().map(|part| runs(part, is_plain, torn)).fold(Needs::Anything, Needs::and),
        Needs::Any(parts) => parts.into_iter().map(|part| runs(part, is_plain, torn)).reduce(Needs::or).unwrap_or_default(),
        Needs::Unless { label, needs } => runs(*needs, is_plain, torn).unless(&label),
        Needs::Anything => Needs::Anything,
        Needs::Nothing => Needs::Nothing,
    }
}

#[cfg(test)]
mod tests;
