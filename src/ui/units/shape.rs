//! How numbers of a unit are written, in as few words as a table needs.

use super::form::{Form, Kind};

/// Prefixes of SI, from 10^-15 on; the sixth is none.
const SI: [&str; 14] = ["f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"];
/// Where in [`SI`] there is no prefix.
const SI_NONE: usize = 5;
/// Prefixes of IEC.
const IEC: [&str; 9] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
/// How money is counted.
const MONEY: [&str; 5] = ["", "k", "M", "B", "T"];

/// How numbers of a unit are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// As they are.
    Plain,
    /// With `k`, `M`, `G` ... behind.
    Short,
    /// Times something, with `%` behind.
    Percent(f64),
    /// As they are, with this behind.
    Fixed(&'static str),
    /// With prefixes of SI upwards and downwards; the number given is in 1000 to this power of it.
    Si(&'static str, i32),
    /// The same, upwards only: there is no thousandth of a byte.
    Up(&'static str, i32),
    /// With prefixes of IEC.
    Binary(&'static str, i32),
    /// `1.2k req/s`.
    Count(&'static str),
    /// `1.2k/s`.
    PerSecond,
    /// `$1.2k`; or behind the number.
    Money(&'static str, bool),
    /// Lengths of time; the number given is in so many seconds.
    Time(f64),
    /// A word for 1 and one for 0.
    Words(&'static str, &'static str),
    /// In a way of its own.
    Kind(Kind),
}

impl Shape {
    /// The form of it.
    pub(super) fn form(self) -> Form {
        match self {
            Self::Plain => Form::times(1.0, ""),
            Self::Short => Form::scaled(1000.0, SI[SI_NONE..=SI_NONE + 5].iter().map(|prefix| (*prefix).to_owned()), 0),
            Self::Percent(by) => Form::times(by, "%"),
            Self::Fixed(end) => fixed(end),
            Self::Si(unit, power) => si(unit, power),
            Self::Up(unit, power) => {
                let from = usize::try_from(power).unwrap_or(0);
                Form::scaled(1000.0, SI[SI_NONE..].iter().map(|prefix| format!(" {prefix}{unit}")), from)
            }
            Self::Binary(unit, power) => {
                let from = usize::try_from(power).unwrap_or(0);
                Form::scaled(1024.0, IEC.iter().map(|prefix| format!(" {prefix}{unit}")), from)
            }
            Self::Count(unit) => count(unit),
            Self::PerSecond => Form::scaled(1000.0, SI[SI_NONE..=SI_NONE + 5].iter().map(|prefix| format!("{prefix}/s")), 0),
            Self::Money(sign, is_after) => money(sign, is_after),
            Self::Time(seconds) => Form::Time { t: seconds },
            Self::Words(yes, no) => Form::Words { w: [no.to_owned(), yes.to_owned()] },
            Self::Kind(kind) => Form::Kind { k: kind },
        }
    }
}

/// The number, a space unless the unit begins with `%` or `°` alone, and the unit.
pub(super) fn fixed(unit: &str) -> Form {
    let joined = unit.starts_with('%') || unit == "°" || unit.is_empty();
    Form::times(1.0, &if joined { unit.to_owned() } else { format!(" {unit}") })
}

/// With prefixes of SI upwards and downwards.
pub(super) fn si(unit: &str, power: i32) -> Form {
    let from = usize::try_from(SI_NONE as i32 + power).unwrap_or(0);
    let gap = if unit.is_empty() { "" } else { " " };
    Form::scaled(1000.0, SI.iter().map(|prefix| format!("{gap}{prefix}{unit}")), from)
}

/// `1.2k req/s`.
pub(super) fn count(unit: &str) -> Form {
    Form::scaled(1000.0, SI[SI_NONE..=SI_NONE + 5].iter().map(|prefix| format!("{prefix} {unit}").trim_end().to_owned()), 0)
}

/// `$1.2k`, `1.2k kr`.
pub(super) fn money(sign: &str, is_after: bool) -> Form {
    let ends = MONEY.iter().map(|prefix| if is_after { format!("{prefix} {sign}") } else { (*prefix).to_owned() });
    match Form::scaled(1000.0, ends, 0) {
        Form::Scaled { b, n, o, .. } if !is_after => {
            // Letters stand apart from the number: `CHF 12`.
            let gap = if sign.chars().all(char::is_alphabetic) { " " } else { "" };
            Form::Scaled { b, n, o, p: format!("{sign}{gap}") }
        }
        form => form,
    }
}

/// The power of 1000 of a prefix of SI, 0 if it is none.
pub(super) fn power_of(prefix: &str) -> i32 {
    SI.iter().position(|known| *known == prefix && !prefix.is_empty()).map_or(0, |at| at as i32 - SI_NONE as i32)
}
