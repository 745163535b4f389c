//! ID tokens of sessions that began with the provider: shown to it when they end, so that it knows who signs out.
//!
//! Kept in memory, so many bytes at most. Where one is missing, as after a restart, the provider asks the person.

use std::collections::VecDeque;

use crate::base::secret::Secret;

/// Longest token that is kept: it has to fit into an address.
const TOKEN_BYTES_MAX: usize = 6 * 1024;
/// Most bytes of all of them; thousands of sessions.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Tokens by the key of the session, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Hints {
    by_session: VecDeque<(i64, Secret)>,
    bytes: usize,
}

impl Hints {
    /// Remembers one, and forgets the oldest where there are too many.
    pub(super) fn put(&mut self, session: i64, token: Secret) {
        let size = token.expose().len();
        if size > TOKEN_BYTES_MAX {
            return;
        }
        self.bytes += size;
        self.by_session.push_back((session, token));
        while self.bytes > BYTES_MAX {
            let Some((_, oldest)) = self.by_session.pop_front() else { break };
            self.bytes -= oldest.expose().len();
        }
    }

    /// Takes that of a session.
    pub(super) fn take(&mut self, session: i64) -> Option<Secret> {
        let at = self.by_session.iter().position(|(known, _)| *known == session)?;
        let (_, token) = self.by_session.remove(at)?;
        self.bytes -= token.expose().len();
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_given_once_and_memory_is_bounded() {
        let mut hints = Hints::default();
        hints.put(1, Secret::new("one"));
        hints.put(2, Secret::new("x".repeat(TOKEN_BYTES_MAX + 1)));
        assert_eq!(hints.take(1).as_ref().map(Secret::expose), Some("one"));
        assert!(hints.take(1).is_none() && hints.take(2).is_none());
        assert_eq!(hints.bytes, 0);
        for session in 0..3000 {
            hints.put(session, Secret::new("x".repeat(TOKEN_BYTES_MAX)));
        }
        assert!(hints.bytes <= BYTES_MAX && hints.take(0).is_none() && hints.take(2999).is_some());
    }
}
