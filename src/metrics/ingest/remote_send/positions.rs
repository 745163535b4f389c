//! Up to when each endpoint has been sent everything, in a small file: `<milliseconds> <endpoint>` a line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::backlog::Backlog;
use crate::platform::disk::replace_file;

/// The file.
#[derive(Debug)]
pub(super) struct Positions {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    positions: BTreeMap<String, i64>,
    /// Not what the file says.
    changed: bool,
}

impl Positions {
    /// Reads the file; without one, or where it is damaged, endpoints begin anew.
    pub fn open(path: PathBuf) -> Self {
        let positions = match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text),
            Err(error) => {
                if error.kind() != std::io::ErrorKind::NotFound {
                    tracing::error!(path = %path.display(), %error, "positions of remote write cannot be read, starting from now");
                }
                BTreeMap::new()
            }
        };
        Self { path, state: Mutex::new(State { positions, changed: false }) }
    }

    /// Where an endpoint was.
    pub fn get(&self, key: &str) -> Option<i64> {
        self.state.lock().positions.get(key).copied()
    }

    /// Forgets endpoints that are not configured any more.
    pub fn retain(&self, configured: impl Fn(&str) -> bool) {
        let mut state = self.state.lock();
        let before = state.positions.len();
        state.positions.retain(|key, _| configured(key));
        state.changed |= state.positions.len() != before;
    }

    /// Writes the positions as they are now, if any has changed; of endpoints that do not run they stay.
    pub fn write(&self, backlogs: &[Arc<Backlog>]) {
        // Read under the lock: whoever writes last writes the newest.
        let mut state = self.state.lock();
        for backlog in backlogs {
            let floor = backlog.floor();
            if state.positions.insert(backlog.key.clone(), floor) != Some(floor) {
                state.changed = true;
            }
        }
        if !state.changed {
            return;
        }
        let text: String = state.positions.iter().map(|(key, position)| format!("{position} {key}\n")).collect();
        match replace_file(&self.path, text.as_bytes()) {
            Ok(()) => state.changed = false,
            Err(error) => tracing::error!(path = %self.path.display(), %error, "positions of remote write cannot be written"),
        }
    }
}

fn parse(text: &str) -> BTreeMap<String, i64> {
    let entry = |line: &str| {
        let (position, key) = line.split_once(' ')?;
        Some((key.to_owned(), position.parse().ok()?))
    };
    text.lines().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_and_absent_endpoints_keep_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("positions");
        std::fs::write(&path, "5 a b\nnonsense\nx y\n-7 c\n").unwrap();
        let positions = Positions::open(path.clone());
        assert_eq!((positions.get("a b"), positions.get("c"), positions.get("y")), (Some(5), Some(-7), None));
        let backlog = Arc::new(Backlog::new("c".into(), 0, (true, true), Arc::default()));
        backlog.begin(9, None);
        positions.write(std::slice::from_ref(&backlog));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "5 a b\n9 c\n");
        positions.retain(|key| key == "c");
        backlog.begin(10, None);
        positions.write(&[backlog]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "10 c\n");
        assert_eq!(Positions::open(folder.path().join("absent")).get("c"), None);
    }
}
