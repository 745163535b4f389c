//! `eventlogmessage`: `Key: value` lines of a message of Windows' event log become values found.

use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct EventLog {
    /// The value that is read.
    pub(super) source: String,
    /// Whether keys that are no names of labels are left out, rather than written with underscores.
    pub(super) drops_odd: bool,
    /// Whether values that are there already are replaced.
    pub(super) overwrites: bool,
}

impl EventLog {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let Some(message) = entry.value(&self.source).map(str::to_owned) else { return true };
        for line in message.split("\r\n") {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.strip_prefix(' ').unwrap_or(value);
            let name: String = key.chars().enumerate().map(|(at, c)| if is_of_name(c, at) { c } else { '_' }).collect();
            let is_odd = key.is_empty() || name != key;
            let name = if key.is_empty() { "_".to_owned() } else { name };
            if (is_odd && self.drops_odd) || (!self.overwrites && entry.value(&name).is_some()) {
                continue;
            }
            entry.extract(&name, value);
        }
        true
    }
}

plain_stage!(EventLog);

const fn is_of_name(c: char, at: usize) -> bool {
    c.is_ascii_alphabetic() || c == '_' || (c.is_ascii_digit() && at > 0)
}
