//! What came in with each token since the start: for whoever connects a program and waits to see it arrive.

use hashbrown::HashMap;
use parking_lot::Mutex;

/// How many samples a request brought. Handlers of doors for samples put it into their answer's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplesTaken(pub u64);

/// What is known of a token's use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenActivity {
    /// Requests that showed it.
    pub requests: u64,
    /// Status of the newest answer; 0 before the first.
    pub status: u16,
    /// Samples that were taken with it.
    pub samples: u64,
}

/// By key of the token. There are as many entries as tokens at most, since only known tokens are counted.
#[derive(Debug, Default)]
pub(super) struct Activities(Mutex<HashMap<i64, TokenActivity>>);

impl Activities {
    /// Counts an answer.
    pub(super) fn answered(&self, token_id: i64, status: u16, samples: u64) {
        let mut all = self.0.lock();
        let entry = all.entry(token_id).or_default();
        entry.requests += 1;
        entry.status = status;
        entry.samples = entry.samples.saturating_add(samples);
    }

    /// What is known; nothing yet is a fresh count.
    pub(super) fn of(&self, token_id: i64) -> TokenActivity {
        self.0.lock().get(&token_id).copied().unwrap_or_default()
    }

    /// Forgets a token that has ended.
    pub(super) fn forget(&self, token_id: i64) {
        self.0.lock().remove(&token_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_add_up_by_token() {
        let all = Activities::default();
        all.answered(1, 204, 5);
        all.answered(1, 400, 0);
        all.answered(2, 200, 1);
        assert_eq!(all.of(1), TokenActivity { requests: 2, status: 400, samples: 5 });
        all.forget(1);
        assert_eq!((all.of(1), all.of(2).samples), (TokenActivity::default(), 1));
    }
}
