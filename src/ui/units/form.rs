//! Forms: how a unit is written, as data, so that scripts show the same text without a table of every unit.
//! `web/lib/format.ts` reads them; `web/test/units.json` holds both sides to the same texts.

use serde::Serialize;

use super::time;
use crate::ui::format::digits;

/// Most digits after the point.
const DECIMALS_MAX: usize = 20;

/// How numbers are written. The names of fields are as short as what goes to the browser.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Form {
    /// Divided or multiplied by a base until it is legible.
    Scaled {
        /// The base.
        b: f64,
        /// What stands behind, smallest first.
        n: Vec<String>,
        /// Which of them is the one of the number as given.
        #[serde(skip_serializing_if = "is_zero")]
        o: usize,
        /// What stands before.
        #[serde(skip_serializing_if = "String::is_empty")]
        p: String,
    },
    /// Times a number.
    Times {
        /// The number.
        x: f64,
        /// What stands behind.
        s: String,
        /// What stands before.
        #[serde(skip_serializing_if = "String::is_empty")]
        p: String,
    },
    /// A length of time.
    Time {
        /// Seconds of 1.
        t: f64,
    },
    /// A word for 0 and one for 1.
    Words {
        /// The words.
        w: [String; 2],
    },
    /// In a way of its own.
    Kind {
        /// Which.
        k: Kind,
    },
}

/// Ways of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the texts beside say it")]
pub enum Kind {
    /// `1F`
    Hex,
    /// `0x1F`
    Hex0x,
    /// `1.23e5`
    Sci,
    /// `1,234.5`
    Locale,
    /// `42 days 3 h`, of seconds
    Duration,
    DurationMs,
    /// `01:02:03`
    Hms,
    /// `4 d 01:02:03`
    Dhms,
    /// `12h:05m:06s`, of seconds
    Clock,
    ClockMs,
    /// `2026-11-22 05:12:00`, of milliseconds since the Unix epoch
    DateIso,
    DateIsoToday,
    /// `11/22/2026 5:12:00 am`
    DateUs,
    DateUsToday,
    Date,
    DateToday,
    /// `6 min ago`
    FromNow,
}

impl Kind {
    /// Whether numbers are moments, in milliseconds since the Unix epoch.
    pub const fn is_moment(self) -> bool {
        matches!(self, Self::DateIso | Self::DateIsoToday | Self::DateUs | Self::DateUsToday | Self::Date | Self::DateToday | Self::FromNow)
    }
}

const fn is_zero(value: &usize) -> bool {
    *value == 0
}

impl Form {
    /// Divided or multiplied by a base.
    pub(super) fn scaled(base: f64, ends: impl Iterator<Item = String>, from: usize) -> Self {
        Self::Scaled { b: base, n: ends.collect(), o: from, p: String::new() }
    }

    /// Times a number, with this behind.
    pub(super) fn times(by: f64, end: &str) -> Self {
        Self::Times { x: by, s: end.to_owned(), p: String::new() }
    }

    /// A number in this form: three significant digits, or as many after the point as are asked for.
    pub fn show(&self, value: f64, decimals: Option<u32>) -> String {
        if !value.is_finite() {
            return crate::base::float::plain(value);
        }
        match self {
            Self::Scaled { b, n, o, p } => {
                let (number, end) = scale(value, *b, n, *o);
                signed(p, number, decimals) + end
            }
            Self::Times { x, s, p } => signed(p, value * x, decimals) + s,
            Self::Time { t } => {
                let (number, end) = time::length(value * t);
                places(number, decimals) + end
            }
            Self::Words { w } if value == 0.0 => w[0].clone(),
            Self::Words { w } if value == 1.0 => w[1].clone(),
            Self::Words { .. } => places(value, decimals),
            Self::Kind { k } => of_kind(*k, value, decimals),
        }
    }

    /// Whether the text is words that have no unit behind a number.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self, Self::Words { .. } | Self::Kind { .. })
    }
}

/// What stands before a number comes after its minus: `-$5`.
fn signed(before: &str, value: f64, decimals: Option<u32>) -> String {
    let text = places(value, decimals);
    match text.strip_prefix('-') {
        Some(rest) if !before.is_empty() => format!("-{before}{rest}"),
        _ => format!("{before}{text}"),
    }
}

/// Three significant digits, or so many digits after the point.
pub(super) fn places(value: f64, decimals: Option<u32>) -> String {
    match decimals {
        None => digits(value),
        // What is too long to be read is not made longer.
        Some(_) if value.abs() >= 1e21 => digits(value),
        Some(count) => {
            let text = format!("{value:.*}", DECIMALS_MAX.min(count as usize));
            // No minus before what is rounded to nothing.
            if text.starts_with('-') && text.chars().all(|c| matches!(c, '-' | '0' | '.')) { text[1..].to_owned() } else { text }
        }
    }
}

/// A number in the unit that makes it legible, and what stands behind it.
fn scale(mut value: f64, base: f64, ends: &[String], from: usize) -> (f64, &str) {
    let mut at = from.min(ends.len().saturating_sub(1));
    while value.abs() >= base - 0.5 && at + 1 < ends.len() {
        value /= base;
        at += 1;
    }
    // Downwards only where there are such units, and not for nothing.
    while value != 0.0 && value.abs() < 0.9995 && at > 0 {
        value *= base;
        at -= 1;
    }
    (value, ends.get(at).map_or("", String::as_str))
}

fn of_kind(kind: Kind, value: f64, decimals: Option<u32>) -> String {
    match kind {
        Kind::Hex => hex(value, ""),
        Kind::Hex0x => hex(value, "0x"),
        Kind::Sci => {
            let text = format!("{value:.*e}", decimals.map_or(2, |count| DECIMALS_MAX.min(count as usize)));
            match (decimals, text.split_once('e')) {
                (None, Some((mantissa, power))) => format!("{}e{power}", crate::ui::format::trimmed(mantissa)),
                _ => text,
            }
        }
        Kind::Locale => grouped(value, decimals),
        Kind::Duration => time::duration(value, decimals),
        Kind::DurationMs => time::duration(value / 1000.0, decimals),
        Kind::Hms => time::hms(value),
        Kind::Dhms => time::dhms(value),
        Kind::Clock => time::clock(value * 1000.0, decimals),
        Kind::ClockMs => time::clock(value, decimals),
        _ => time::moment(kind, value),
    }
}

fn hex(value: f64, before: &str) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    // A float holds no more whole digits than fit; beyond them the largest is shown.
    format!("{sign}{before}{:X}", value.abs().min(u64::MAX as f64) as u64)
}

/// Groups of three digits: `1,234,567.25`.
fn grouped(value: f64, decimals: Option<u32>) -> String {
    if value.abs() >= 1e21 {
        return digits(value);
    }
    let text = match decimals {
        Some(_) => places(value, decimals),
        None => crate::ui::format::trimmed(&format!("{value:.3}")).to_owned(),
    };
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, part) = rest.split_once('.').map_or((rest, None), |(whole, part)| (whole, Some(part)));
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(part) = part {
        out.push('.');
        out.push_str(part);
    }
    if out == "-0" { "0".to_owned() } else { out }
}
