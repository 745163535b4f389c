//! Units: what a number measures, and how it is written. The ids are Grafana's.

mod custom;
mod form;
mod listed;
mod shape;
mod time;

pub use form::{Form, Kind};
pub use listed::{CATEGORIES, Listed};

use self::custom::Custom;
use crate::ui::format;
use crate::ui::lang::Lang;

/// What a number measures. The named ones are those that pages of our own use; all others come from [`Unit::from_id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// A plain number with SI prefixes.
    #[default]
    Short,
    /// A plain number without prefixes.
    None,
    /// 0 to 100.
    Percent,
    /// 0 to 1, shown as percent.
    Ratio,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Bytes with binary prefixes.
    Bytes,
    /// Bytes with decimal prefixes.
    DecimalBytes,
    /// Bytes a second, binary prefixes.
    BytesPerSecond,
    /// Bits a second.
    BitsPerSecond,
    /// Things a second.
    PerSecond,
    /// Hertz.
    Hertz,
    /// Degrees.
    Celsius,
    /// 0 = no, 1 = yes.
    Bool,
    /// Another one of [`CATEGORIES`], by its id.
    Other(&'static str),
    /// One that a dashboard made for itself.
    Own(Custom),
}

/// The named units with their ids.
const IDS: [(Unit, &str); 14] = [
    (Unit::Short, "short"),
    (Unit::None, "none"),
    (Unit::Percent, "percent"),
    (Unit::Ratio, "percentunit"),
    (Unit::Seconds, "s"),
    (Unit::Millis, "ms"),
    (Unit::Bytes, "bytes"),
    (Unit::DecimalBytes, "decbytes"),
    (Unit::BytesPerSecond, "binBps"),
    (Unit::BitsPerSecond, "bps"),
    (Unit::PerSecond, "ops"),
    (Unit::Hertz, "hertz"),
    (Unit::Celsius, "celsius"),
    (Unit::Bool, "bool_yes_no"),
];

impl Unit {
    /// The id that charts take.
    pub fn id(&self) -> &str {
        match self {
            Self::Own(custom) => custom.id(),
            listed => listed.listed_id(),
        }
    }

    /// The id of a unit that is listed; `short` for one that a dashboard made for itself.
    pub fn listed_id(self) -> &'static str {
        match self {
            Self::Other(id) => id,
            named => IDS.iter().find(|(unit, _)| *unit == named).map_or("short", |(_, id)| id),
        }
    }

    /// The unit of an id: one of Grafana's, one of its forms (`suffix:`, `prefix:`, `si:`, `time:`, `count:`,
    /// `currency:`, `bool:`), or what is to stand behind numbers. Nothing is [`Unit::None`].
    pub fn from_id(id: &str) -> Self {
        if id.is_empty() {
            return Self::None;
        }
        if let Some((unit, _)) = IDS.iter().find(|(_, known)| *known == id) {
            return *unit;
        }
        listed::find(id).map_or_else(|| Custom::read(id).map_or(Self::None, Self::Own), |listed| Self::Other(listed.id))
    }

    /// How numbers are written, as data.
    pub fn form(&self) -> Form {
        match self {
            Self::Own(custom) => custom.form(),
            known => listed::find(known.id()).map_or_else(|| Form::times(1.0, ""), |listed| listed.shape.form()),
        }
    }

    /// A number: three significant digits, or as many after the point as are asked for. Moments are in UTC.
    pub fn show(&self, value: f64, decimals: Option<u32>) -> String {
        match self {
            Self::Own(custom) => custom.show(value, decimals),
            known => known.form().show(value, decimals),
        }
    }

    /// The same where now is known, in milliseconds since the Unix epoch: `6 min ago`, times of today without a date.
    pub fn show_at(&self, value: f64, decimals: Option<u32>, now: i64, lang: Lang) -> String {
        match self.form() {
            Form::Kind { k: Kind::FromNow } if value.is_finite() => format::moment(value as i64, now, lang).words,
            Form::Kind { k } if k.is_moment() => time::moment_today(k, value, now),
            _ => self.show(value, decimals),
        }
    }

    /// Whether numbers are moments, in milliseconds since the Unix epoch.
    pub fn is_moment(&self) -> bool {
        matches!(self.form(), Form::Kind { k } if k.is_moment())
    }

    /// A text of [`Unit::show`] in number and unit (`38.2`, `MiB/s`), which are set in two sizes.
    pub fn split<'a>(&self, text: &'a str) -> (&'a str, &'a str) {
        if self.form().is_whole() {
            return (text, "");
        }
        let Some(first) = text.find(|c: char| c.is_ascii_digit()) else { return (text, "") };
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e');
        let mut at = text[first..].find(|c: char| !is_number(c)).map_or(text.len(), |end| first + end);
        // A bare prefix belongs to the number: `18.4k` `/s`.
        if text[at..].starts_with(['k', 'M', 'G', 'T', 'P', 'B']) {
            at += 1;
        }
        (&text[..at], text[at..].trim_start())
    }
}

#[cfg(test)]
mod tests;
