//! What was refused of a request, in the words that senders of Loki know.

use std::fmt::Write;

use crate::base::time::format_rfc3339;
use crate::logs::model::write::RefusedLine;
use crate::series::labels::Labels;

/// Sentences told of one request; more are only counted.
const SENTENCES_MAX: usize = 20;
/// Longest piece of a client's own text in a sentence, in bytes.
const QUOTED_BYTES_MAX: usize = 1024;

/// Why a line was refused, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Older than what is taken.
    TooOld,
    /// Too far in the future.
    TooNew,
    /// Too far behind its stream.
    TooFarBehind,
    /// Longer than a line may be.
    LineTooLong,
    /// No label set, or one beyond a limit.
    InvalidLabels,
    /// Fields beyond a limit.
    InvalidFields,
    /// The stream's rate is used up.
    StreamRate,
    /// The rate of the whole server is used up.
    Rate,
    /// Not of the form that the door takes.
    Malformed,
}

impl Reason {
    /// All, in the order in which they are counted.
    pub const ALL: [Self; 9] = [
        Self::TooOld,
        Self::TooNew,
        Self::TooFarBehind,
        Self::LineTooLong,
        Self::InvalidLabels,
        Self::InvalidFields,
        Self::StreamRate,
        Self::Rate,
        Self::Malformed,
    ];

    /// Its word, as Loki's `reason` label has it where Loki has one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooOld => "greater_than_max_sample_age",
            Self::TooNew => "too_far_in_future",
            Self::TooFarBehind => "too_far_behind",
            Self::LineTooLong => "line_too_long",
            Self::InvalidLabels => "invalid_labels",
            Self::InvalidFields => "invalid_structured_metadata",
            Self::StreamRate => "per_stream_rate_limit",
            Self::Rate => "rate_limited",
            Self::Malformed => "malformed",
        }
    }
}

/// Refusals of one request.
#[derive(Debug, Default)]
pub struct Refusals {
    sentences: Vec<(String, usize)>,
    left_out: usize,
    /// Lines by reason.
    counts: [u64; Reason::ALL.len()],
}

impl Refusals {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.sentences.clear();
        self.left_out = 0;
        self.counts = Default::default();
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }

    /// How many lines were, for a reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize]
    }

    /// How many lines were.
    pub fn lines(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds so many lines. The sentence is made only if it is told.
    pub fn add(&mut self, reason: Reason, lines: usize, sentence: impl FnOnce() -> String) {
        self.counts[reason as usize] += lines as u64;
        if self.sentences.len() < SENTENCES_MAX {
            let sentence = sentence();
            match self.sentences.iter_mut().find(|(known, _)| *known == sentence) {
                Some((_, count)) => *count += lines,
                None => self.sentences.push((sentence, lines)),
            }
        } else {
            self.left_out += lines;
        }
    }

    /// Adds all of others.
    pub(super) fn join(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.left_out += other.left_out;
        for (sentence, lines) in &other.sentences {
            if self.sentences.len() < SENTENCES_MAX {
                self.sentences.push((sentence.clone(), *lines));
            } else {
                self.left_out += lines;
            }
        }
    }

    /// Adds lines that storage refused.
    pub fn add_stored(&mut self, stream: &Labels, refused: RefusedLine, lines: usize, bytes: usize, first_ts: i64) {
        let (first, about) = (rfc3339(first_ts), || shortened(&stream.to_string()));
        match refused {
            RefusedLine::TooOld { oldest } => {
                self.add(Reason::TooOld, lines, || too_old(&about(), first_ts, oldest));
            }
            RefusedLine::TooNew { .. } => {
                self.add(Reason::TooNew, lines, || format!("entry for stream '{}' has timestamp too new: {first}", about()));
            }
            RefusedLine::TooFarBehind { oldest } => self.add(Reason::TooFarBehind, lines, || {
                let oldest = rfc3339(oldest);
                let why = format!("entry too far behind, entry timestamp is: {first}, oldest acceptable timestamp is: {oldest}");
                format!("entry with timestamp {first} ignored, reason: '{why}' for stream: {}", about())
            }),
            RefusedLine::TooLong { max } => self.add(Reason::LineTooLong, lines, || too_long(&about(), max, bytes)),
            RefusedLine::InvalidLabels => {
                self.add(Reason::InvalidLabels, lines, || format!("stream '{}' has too many labels, or labels that are too long", about()));
            }
            RefusedLine::InvalidFields => self.add(Reason::InvalidFields, lines, || {
                format!("stream '{}' has structured metadata that is too large or has too many labels", about())
            }),
            RefusedLine::StreamRate { bytes_per_s } => self.add(Reason::StreamRate, lines, || {
                format!(
                    "Per stream rate limit exceeded (limit: {bytes_per_s} bytes/sec) while attempting to ingest for stream '{}' totaling \
                     {bytes} bytes, consider splitting a stream via additional labels or raise logs.per_stream_rate_limit",
                    about()
                )
            }),
        }
    }

    /// The first one.
    pub fn first(&self) -> &str {
        self.sentences.first().map(|(sentence, _)| sentence.as_str()).unwrap_or_default()
    }

    /// All as one text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let is_one = self.sentences.len() == 1 && self.left_out == 0;
        for (at, (sentence, lines)) in self.sentences.iter().enumerate() {
            let before = if at > 0 { "; " } else { "" };
            let written = match (is_one, lines) {
                (true, 0 | 1) => write!(text, "{sentence}"),
                _ => write!(text, "{before}{} errors like: {sentence}", (*lines).max(1)),
            };
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
        if self.left_out > 0 {
            let written = write!(text, "; and {} more", self.left_out);
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
        text
    }
}

/// Whether a line of a stream is among those that storage refused for a reason.
pub(super) const fn is_refused(reason: RefusedLine, ts: i64, bytes: usize) -> bool {
    match reason {
        RefusedLine::TooOld { oldest } | RefusedLine::TooFarBehind { oldest } => ts < oldest,
        RefusedLine::TooNew { newest } => ts > newest,
        RefusedLine::TooLong { max } => bytes > max,
        RefusedLine::InvalidLabels | RefusedLine::InvalidFields | RefusedLine::StreamRate { .. } => true,
    }
}

/// A line that is older than what is taken.
pub(super) fn too_old(stream: &str, ts: i64, oldest: i64) -> String {
    format!("entry for stream '{stream}' has timestamp too old: {}, oldest acceptable timestamp is: {}", rfc3339(ts), rfc3339(oldest))
}

/// A line that is longer than lines may be.
pub(super) fn too_long(stream: &str, max: usize, bytes: usize) -> String {
    format!("Max entry size '{max}' bytes exceeded for stream '{stream}' while adding an entry with length '{bytes}' bytes")
}

/// A client's own text, so short that it can stand in a sentence.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= QUOTED_BYTES_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A time (ns) in whole seconds, as Loki names times of lines.
fn rfc3339(ts: i64) -> String {
    format_rfc3339(ts.div_euclid(1_000_000_000).saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_senders_know() {
        let stream = Labels::from_pairs([("app", "a"), ("env", "b")]);
        let mut refusals = Refusals::default();
        refusals.add_stored(&stream, RefusedLine::TooOld { oldest: 1_700_000_000_000_000_000 }, 1, 5, 1_600_000_000_500_000_000);
        assert_eq!(
            refusals.text(),
            "entry for stream '{app=\"a\", env=\"b\"}' has timestamp too old: 2020-09-13T12:26:40Z, oldest acceptable timestamp is: \
             2023-11-14T22:13:20Z"
        );
        refusals.add_stored(&stream, RefusedLine::TooLong { max: 10 }, 3, 11, 0);
        assert_eq!((refusals.lines(), refusals.count(Reason::LineTooLong)), (4, 3));
        assert!(refusals.text().starts_with("1 errors like: entry for stream "), "{}", refusals.text());
        assert!(refusals.text().ends_with(
            "; 3 errors like: Max entry size '10' bytes exceeded for stream '{app=\"a\", env=\"b\"}' while adding an entry with length '11' bytes"
        ));
    }

    #[test]
    fn endless_refusals_stay_short() {
        let mut refusals = Refusals::default();
        for number in 0..10_000 {
            refusals.add(Reason::InvalidLabels, 1, || format!("stream {number}"));
        }
        assert!(refusals.text().len() < 2000 && refusals.text().ends_with("; and 9980 more"), "{}", refusals.text());
        assert_eq!(refusals.lines(), 10_000);
        assert!(shortened(&"é".repeat(5000)).len() < QUOTED_BYTES_MAX + 8);
    }
}
