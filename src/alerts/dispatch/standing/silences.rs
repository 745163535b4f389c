//! Silences as they are made, changed and ended.

use std::fmt::Write;

use super::{Standing, recurring};
use crate::alerts::dispatch::DispatchError;
use crate::alerts::model::silence::{Silence, SilenceState};
use crate::alerts::store::Changes;

/// Most silences, those that are over lately included.
const SILENCES_MAX: usize = 10_000;
/// How long a silence is shown that is over, as upstream.
const KEPT: i64 = 120 * 3_600_000;

impl Standing {
    /// Every silence, by name.
    pub(in crate::alerts::dispatch) fn silences(&self) -> &[Silence] {
        &self.silences
    }

    /// Makes a silence or changes one; gives its name.
    pub(in crate::alerts::dispatch) fn put_silence(
        &mut self,
        mut silence: Silence,
        now: i64,
        changes: &mut Changes,
    ) -> Result<String, DispatchError> {
        silence.updated_at = now;
        let mut replaced = None;
        if !silence.id.is_empty() {
            let at = self.place(&silence.id)?;
            let old = &self.silences[at];
            if silence.may_replace(old, now) {
                recurring::inherit(&mut silence, old);
                silence.check(now)?;
                return Ok(self.store_silence(at, silence, changes));
            }
            replaced = (old.state(now) != SilenceState::Expired).then(|| old.id.clone());
        }
        silence.starts_at = silence.starts_at.max(now);
        silence.check(now)?;
        if self.silences.len() >= SILENCES_MAX {
            return Err(DispatchError::TooMany(format!("there are {SILENCES_MAX} silences already, which is the limit")));
        }
        if let Some(id) = replaced {
            self.expire_silence(&id, now, changes)?;
        }
        silence.id = new_id()?;
        let at = self.silences.partition_point(|known| known.id < silence.id);
        self.silences.insert(at, silence.clone());
        Ok(self.store_silence(at, silence, changes))
    }

    /// Ends a silence now; one that is over stays as it is.
    pub(in crate::alerts::dispatch) fn expire_silence(&mut self, id: &str, now: i64, changes: &mut Changes) -> Result<(), DispatchError> {
        let at = self.place(id)?;
        let mut silence = self.silences[at].clone();
        match silence.state(now) {
            SilenceState::Expired => return Ok(()),
            SilenceState::Active => silence.ends_at = now,
            SilenceState::Pending => (silence.starts_at, silence.ends_at) = (now, now),
        }
        silence.updated_at = now;
        self.store_silence(at, silence, changes);
        Ok(())
    }

    pub(super) fn sweep_silences(&mut self, now: i64, changes: &mut Changes) {
        self.silences.retain(|silence| {
            let stays = recurring::window_end(silence).saturating_add(KEPT) > now;
            if !stays {
                changes.silences.insert(silence.id.clone(), None);
            }
            stays
        });
    }

    fn place(&self, id: &str) -> Result<usize, DispatchError> {
        self.silences.iter().position(|silence| silence.id == id).ok_or_else(|| DispatchError::NoSilence(id.to_owned()))
    }

    fn store_silence(&mut self, at: usize, silence: Silence, changes: &mut Changes) -> String {
        let id = silence.id.clone();
        changes.silences.insert(id.clone(), Some(silence.clone()));
        self.silences[at] = silence;
        id
    }
}

/// A random name in the form of RFC 9562, version 4.
pub(super) fn new_id() -> Result<String, DispatchError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| DispatchError::Store(format!("there is no randomness for a name: {error}")))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut id = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            id.push('-');
        }
        let written = write!(id, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }
    Ok(id)
}
