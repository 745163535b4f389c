//! What storage refuses of a target's scrapes, said once in the log when it begins and once when it ends.
//!
//! A scrape of which samples are refused is still a good one (`up` is 1), as upstream has it. Without a word in the
//! log, a target whose clock went ahead and back would fall silent unseen.

use crate::series::ports::RefusedReason;

/// Refusals of one target.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Samples by reason, of the scrape being stored.
    now: Vec<(RefusedReason, usize)>,
    /// Whether the last scrape had some.
    is_known: bool,
}

impl Refusals {
    /// Counts samples of the scrape being stored.
    pub fn count(&mut self, reason: RefusedReason, samples: usize) {
        match self.now.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += samples,
            None => self.now.push((reason, samples)),
        }
    }

    /// The scrape is stored. Gives what is to be said, if something changed.
    pub fn end_of_scrape(&mut self) -> Option<Change> {
        let counts = std::mem::take(&mut self.now);
        let was_known = std::mem::replace(&mut self.is_known, !counts.is_empty());
        match (was_known, counts.is_empty()) {
            (false, false) => Some(Change::Begins(in_words(&counts))),
            (true, true) => Some(Change::Ends),
            (true, false) | (false, true) => None,
        }
    }
}

/// What changed with a scrape.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Samples are refused; why, in words.
    Begins(String),
    /// All samples are taken again.
    Ends,
}

fn in_words(counts: &[(RefusedReason, usize)]) -> String {
    let mut words: Vec<String> = counts.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
    if counts.iter().any(|(reason, _)| *reason == RefusedReason::TooOld) {
        words.push("older than what is stored by more than the out-of-order window, as after a clock went ahead and back".to_owned());
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_said_once() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.end_of_scrape(), None);
        for _ in 0..3 {
            refusals.count(RefusedReason::TooOld, 5);
        }
        refusals.count(RefusedReason::InvalidLabels, 1);
        let Some(Change::Begins(words)) = refusals.end_of_scrape() else { panic!("said") };
        assert!(words.starts_with("too old sample: 15, invalid labels: 1, older than"), "{words}");
        refusals.count(RefusedReason::TooOld, 5);
        assert_eq!(refusals.end_of_scrape(), None, "known");
        assert_eq!(refusals.end_of_scrape(), Some(Change::Ends));
        assert_eq!(refusals.end_of_scrape(), None);
    }
}
