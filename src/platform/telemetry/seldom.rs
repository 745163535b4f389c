//! Lines of the log that somebody outside can cause, said seldom: what comes between is counted.

use parking_lot::Mutex;

/// Between two lines there is at least so much time.
const APART_MS: i64 = 10_000;

/// Lets one message through every ten seconds, and counts those between.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    said_ms: Option<i64>,
    kept_back: u64,
}

impl Seldom {
    /// Whether a message about so many things may be said at `now_ms`: then with how many others there were since the one
    /// before.
    pub fn may_say(&self, now_ms: i64, things: u64) -> Option<u64> {
        let mut state = self.0.lock();
        // A clock that was set back does not make it silent.
        if state.said_ms.is_some_and(|said| (said..said.saturating_add(APART_MS)).contains(&now_ms)) {
            state.kept_back += things;
            return None;
        }
        state.said_ms = Some(now_ms);
        Some(std::mem::take(&mut state.kept_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_while_is_said() {
        let seldom = Seldom::default();
        let said: Vec<_> = [(0, 1), (1, 5), (9_999, 2), (10_000, 1), (10_001, 1), (5, 1), (20_000, 1)]
            .map(|(at, things)| seldom.may_say(at, things))
            .into();
        assert_eq!(said, [Some(0), None, None, Some(7), None, Some(1), Some(0)]);
    }
}
