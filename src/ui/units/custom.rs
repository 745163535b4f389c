//! Units that a dashboard makes for itself: a word before or behind numbers, a currency, two words for yes and no.

use super::form::Form;
use super::shape::{count, fixed, money, power_of, si};
use super::time;

/// Most bytes of such an id; what is longer is cut.
const BYTES_MAX: usize = 60;

/// An id of a unit of its own; short enough to be handed about by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Custom {
    bytes: [u8; BYTES_MAX],
    len: u8,
}

impl Custom {
    /// From an id; none if nothing is left of it.
    pub(super) fn read(id: &str) -> Option<Self> {
        let mut end = id.len().min(BYTES_MAX);
        while !id.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = [0; BYTES_MAX];
        bytes[..end].copy_from_slice(&id.as_bytes()[..end]);
        (end > 0).then_some(Self { bytes, len: u8::try_from(end).ok()? })
    }

    /// The id.
    pub(super) fn id(&self) -> &str {
        // Cut at the boundary of a character: always valid.
        str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }

    /// How numbers are written, as data.
    pub(super) fn form(&self) -> Form {
        let Some((kind, rest)) = self.id().split_once(':') else { return fixed(self.id()) };
        match kind {
            "suffix" => fixed(rest),
            "prefix" => Form::Times { x: 1.0, s: String::new(), p: rest.to_owned() },
            "count" => count(rest),
            "si" => {
                let first = rest.chars().next().map_or(0, char::len_utf8);
                match power_of(&rest[..first]) {
                    0 => si(rest, 0),
                    power => si(&rest[first..], power),
                }
            }
            "currency" => match rest.strip_prefix("financial:") {
                Some(sign) => money(sign.trim_end_matches(":suffix"), sign.ends_with(":suffix")),
                None => money(rest, false),
            },
            "bool" => {
                let (yes, no) = rest.split_once('/').unwrap_or((rest, "0"));
                Form::Words { w: [no.to_owned(), yes.to_owned()] }
            }
            "time" => Form::Kind { k: super::Kind::DateIso },
            _ => fixed(self.id()),
        }
    }

    /// A number.
    pub(super) fn show(&self, value: f64, decimals: Option<u32>) -> String {
        match self.id().strip_prefix("time:") {
            Some(pattern) if value.is_finite() => time::by_pattern(pattern, value),
            _ => self.form().show(value, decimals),
        }
    }
}
