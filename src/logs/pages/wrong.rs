//! What is wrong with the text of the bar, and where: cut for pages, counted for scripts.

use super::search::QueryProblem;

/// A problem with a text, and the text cut where it is.
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) before: String,
    pub(super) wrong: String,
    pub(super) after: String,
    pub(super) start: Option<usize>,
    pub(super) end: Option<usize>,
}

/// A place in a text as scripts count it, in units of UTF-16, from one in bytes. Offsets come from a parser: they are moved
/// to where characters begin rather than trusted.
pub fn units(text: &str, at: usize) -> usize {
    text[..floor(text, at)].encode_utf16().count()
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The text of the bar cut where it is wrong.
pub(super) fn wrong(text: &str, problem: &QueryProblem) -> Wrong {
    let span = problem.span.map(|(from, to)| {
        let from = floor(text, from);
        (from, floor(text, to).max(from))
    });
    let (before, within, after) = span.map_or(("", "", ""), |(from, to)| (&text[..from], &text[from..to], &text[to..]));
    Wrong {
        message: problem.message.clone(),
        before: before.to_owned(),
        // A problem at the very end has nothing to underline: show where something is missing.
        wrong: if span.is_some() && within.is_empty() { "…".to_owned() } else { within.to_owned() },
        after: after.to_owned(),
        start: span.map(|(from, _)| units(text, from)),
        end: span.map(|(_, to)| units(text, to)),
    }
}
