//! Where journals and containers were read to: one small file, written anew when lines are stored.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::clock::SharedClock;

/// How long a change waits for others. What was stored and not noted is read again, and the store knows it again.
const WAIT: Duration = Duration::from_secs(1);
/// Most that are remembered.
const CURSORS_MAX: usize = 10_000;

/// Cursors by name.
pub(crate) struct Cursors {
    path: PathBuf,
    clock: SharedClock,
    state: Mutex<State>,
}

struct State {
    known: BTreeMap<String, String>,
    written: Duration,
    is_changed: bool,
}

impl Cursors {
    /// Reads the file. One that cannot be read counts as none.
    pub(crate) fn open(path: &Path, clock: &SharedClock) -> Self {
        let known = std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let state = State { known, written: Duration::ZERO, is_changed: false };
        Self { path: path.to_owned(), clock: clock.clone(), state: Mutex::new(state) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.state.lock().known.get(name).cloned()
    }

    /// Remembers one; written at once or a little later.
    pub(crate) fn set(&self, name: &str, cursor: &str) {
        let mut state = self.state.lock();
        if state.known.len() >= CURSORS_MAX && !state.known.contains_key(name) {
            return;
        }
        state.known.insert(name.to_owned(), cursor.to_owned());
        state.is_changed = true;
        if self.clock.monotonic().saturating_sub(state.written) >= WAIT {
            self.write(&mut state);
        }
    }

    /// Forgets those of this beginning that are not among the named.
    pub(crate) fn keep(&self, prefix: &str, named: &[String]) {
        let mut state = self.state.lock();
        let before = state.known.len();
        state.known.retain(|name, _| !name.starts_with(prefix) || named.contains(name));
        state.is_changed |= state.known.len() != before;
    }

    /// Writes what is not written yet.
    pub(crate) fn flush(&self) {
        let mut state = self.state.lock();
        if state.is_changed {
            self.write(&mut state);
        }
    }

    fn write(&self, state: &mut State) {
        state.written = self.clock.monotonic();
        let written = serde_json::to_vec(&state.known).map_err(io::Error::other).and_then(|text| {
            let new = self.path.with_extension("new");
            std::fs::write(&new, text)?;
            std::fs::rename(new, &self.path)
        });
        match written {
            Ok(()) => state.is_changed = false,
            Err(error) => tracing::warn!(%error, file = %self.path.display(), "positions of containers and journals cannot be written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    #[test]
    fn cursors_are_there_after_a_new_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cursors.json");
        let manual = ManualClock::at(0);
        let clock: SharedClock = manual.clone();
        let cursors = Cursors::open(&path, &clock);
        manual.advance(Duration::from_secs(2));
        cursors.set("a", "1");
        cursors.set("a", "2");
        assert_eq!(Cursors::open(&path, &clock).get("a").as_deref(), Some("1"));
        cursors.set("docker/b", "3");
        cursors.keep("docker/", &[]);
        cursors.flush();
        let again = Cursors::open(&path, &clock);
        assert_eq!((again.get("a").as_deref(), again.get("docker/b")), (Some("2"), None));
    }
}
