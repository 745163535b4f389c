//! Sign-ins under way: what was promised to which browser, until it comes back from the provider.
//!
//! Kept in memory, at most ten minutes each, at most so many in all and from one place. A restart forgets them, and
//! people begin again.

use std::net::IpAddr;
use std::time::Duration;

use hashbrown::HashMap;
use subtle::ConstantTimeEq;

use crate::access::key::{self, KeyHash};
use crate::access::throttle::network;
use crate::base::secret::Secret;

/// How long the provider and the person may take.
pub(super) const LIFE: Duration = Duration::from_secs(600);
/// Most sign-ins under way; each takes up to 3 KiB.
const ATTEMPTS_MAX: usize = 5_000;
/// Most of them from one place; an office behind one address has tens.
const PER_PLACE_MAX: usize = 200;

/// One sign-in under way. Times are of the monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The hash of the cookie of the browser that began.
    pub(super) browser: KeyHash,
    /// What the ID token must repeat.
    pub(super) nonce: Secret,
    /// What proves to the provider that who exchanges the code is who began.
    pub(super) verifier: Secret,
    /// Where the provider was told to send the browser.
    pub(super) redirect_uri: String,
    /// Where the person wanted to go, on this server.
    pub(super) next: String,
    /// From where it began.
    pub(super) from: IpAddr,
    /// When.
    pub(super) begun: Duration,
}

/// All of them, by the hash of the state that the provider sends back.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<KeyHash, Attempt>);

impl Attempts {
    /// Remembers one; where there are too many the oldest is forgotten, first of the same place.
    pub(super) fn put(&mut self, state: &str, attempt: Attempt) {
        let now = attempt.begun;
        self.0.retain(|_, kept| now.saturating_sub(kept.begun) < LIFE);
        let place = network(attempt.from);
        if self.0.values().filter(|kept| network(kept.from) == place).count() >= PER_PLACE_MAX {
            self.forget_oldest(|kept| network(kept.from) == place);
        }
        if self.0.len() >= ATTEMPTS_MAX {
            self.forget_oldest(|_| true);
        }
        self.0.insert(key::hash(state), attempt);
    }

    fn forget_oldest(&mut self, of: impl Fn(&Attempt) -> bool) {
        let oldest = self.0.iter().filter(|(_, kept)| of(kept)).min_by_key(|(_, kept)| kept.begun).map(|(state, _)| *state);
        if let Some(oldest) = oldest {
            self.0.remove(&oldest);
        }
    }

    /// Takes the one that this browser comes back from. Each can be taken once.
    pub(super) fn take(&mut self, state: &str, browser: &str, now: Duration) -> Option<Attempt> {
        let (state, browser) = (key::hash(state), key::hash(browser));
        let kept = self.0.get(&state)?;
        let is_theirs = bool::from(kept.browser[..].ct_eq(&browser[..]));
        if !is_theirs || now.saturating_sub(kept.begun) >= LIFE {
            return None;
        }
        self.0.remove(&state)
    }

    /// Whether a browser has one under way, in another tab.
    pub(super) fn knows(&self, browser: &str, now: Duration) -> bool {
        let browser = key::hash(browser);
        self.0.values().any(|kept| now.saturating_sub(kept.begun) < LIFE && bool::from(kept.browser[..].ct_eq(&browser[..])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(browser: &str, from: u32, begun_s: u64) -> Attempt {
        Attempt {
            browser: key::hash(browser),
            nonce: Secret::new("n"),
            verifier: Secret::new("v"),
            redirect_uri: String::new(),
            next: "/".to_owned(),
            from: IpAddr::V4(from.into()),
            begun: Duration::from_secs(begun_s),
        }
    }

    #[test]
    fn only_the_browser_that_began_comes_back_once_and_in_time() {
        let mut attempts = Attempts::default();
        attempts.put("one", attempt("firefox", 1, 100));
        attempts.put("two", attempt("firefox", 1, 200));
        let at = Duration::from_secs;
        assert!(attempts.take("one", "chrome", at(101)).is_none(), "another browser");
        assert!(attempts.take("three", "firefox", at(101)).is_none(), "another state");
        assert!(attempts.take("one", "", at(101)).is_none());
        assert!(attempts.take("one", "firefox", at(699)).is_some());
        assert!(attempts.take("one", "firefox", at(699)).is_none(), "used up");
        assert!(attempts.knows("firefox", at(799)) && !attempts.knows("chrome", at(799)));
        assert!(attempts.take("two", "firefox", at(800)).is_none() && !attempts.knows("firefox", at(800)), "too late");
    }

    #[test]
    fn memory_is_bounded_and_one_place_cannot_push_others_out() {
        let mut attempts = Attempts::default();
        attempts.put("mine", attempt("mine", 7, 0));
        for number in 0..3 * PER_PLACE_MAX as u32 {
            attempts.put(&format!("evil {number}"), attempt("evil", 66, 1));
        }
        assert_eq!(attempts.0.len(), PER_PLACE_MAX + 1);
        assert!(attempts.take("mine", "mine", Duration::from_secs(2)).is_some());
        for number in 0..ATTEMPTS_MAX as u32 + 50 {
            attempts.put(&format!("many {number}"), attempt("many", 1000 + number, 2));
        }
        assert_eq!(attempts.0.len(), ATTEMPTS_MAX);
        attempts.put("late", attempt("late", 1, 2 + LIFE.as_secs()));
        assert_eq!(attempts.0.len(), 1, "what is over is forgotten");
    }
}
