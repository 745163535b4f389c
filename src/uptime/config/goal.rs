//! What a check promises: the share of a month in which it is up.

use std::fmt;

use crate::base::quote::quote;
use crate::platform::config::section::Section;
use crate::platform::config::shape::Shape;
use crate::platform::config::value::Value;
use crate::platform::config::yaml::MapWriter;

/// A share in percent, above 0 and up to 100; or none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Goal(Option<f64>);

impl Goal {
    /// Reads `99.9`, `99,9` and `99.9 %`; nothing is no goal.
    ///
    /// # Errors
    /// The text is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let plain = text.strip_suffix('%').unwrap_or(text).trim_end().replace(',', ".");
        if plain.is_empty() {
            return Ok(Self(None));
        }
        let read = plain.parse::<f64>().ok().filter(|percent| *percent > 0.0 && *percent <= 100.0);
        read.map(|percent| Self(Some(percent))).ok_or_else(|| format!("read {}, expected a share in percent such as 99.9", quote(text)))
    }

    /// The share in percent, if there is a goal.
    pub const fn percent(self) -> Option<f64> {
        self.0
    }

    /// Whether there is a goal, and a share from 0 to 1 is below it.
    pub fn is_missed_by(self, share: f64) -> bool {
        // As people count: 99.9 % is reached by 0.999, whatever its binary digits.
        self.0.is_some_and(|percent| share * 100.0 < percent - 1e-9)
    }

    /// How long something may be down in a length of time, if there is a goal; both in milliseconds.
    pub fn allowance(self, length: i64) -> Option<i64> {
        self.0.map(|percent| (length as f64 * (100.0 - percent) / 100.0).round() as i64)
    }
}

/// `99.9 %`; nothing where there is no goal.
impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |percent| write!(f, "{percent} %"))
    }
}

impl Value for Goal {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let text = section.text_or_nothing(key)?;
        match Self::parse(&text) {
            Ok(goal) => Some(goal),
            Err(why) => {
                let at = section.value_place(key);
                section.report.error(at, format!("{key}: {why}"));
                None
            }
        }
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if let Some(percent) = self.0 {
            out.bare(key, percent);
        }
    }

    fn shape() -> Shape {
        Shape::Decimal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_printed() {
        for (text, expected) in [("99.9", "99.9 %"), (" 99,95 % ", "99.95 %"), ("100", "100 %"), ("0.001", "0.001 %"), ("", "")] {
            assert_eq!(Goal::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for odd in ["0", "-1", "100.01", "NaN", "inf", "x", "%%", "99.9%%"] {
            assert!(Goal::parse(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_goal_is_reached_or_missed_and_leaves_some_time() {
        let goal = Goal::parse("99.9").unwrap();
        assert!(!goal.is_missed_by(0.999) && goal.is_missed_by(0.998_999) && !Goal::default().is_missed_by(0.0));
        assert_eq!((goal.allowance(30 * 86_400_000), Goal::default().allowance(1)), (Some(2_592_000), None));
        assert_eq!(Goal::parse("100").unwrap().allowance(86_400_000), Some(0));
    }
}
