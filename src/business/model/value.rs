//! What is kept of a KPI in a period.

use crate::base::period::Period;

/// Characters of the name of a segment at most; longer ones are cut.
pub const SEGMENT_CHARS_MAX: usize = 120;
/// Segments of one label at most; what is smaller is added up, or left out where that means nothing.
pub const SEGMENTS_MAX: usize = 200;
/// The segment in which those are added up that are too many.
pub const OTHER: &str = "other";

/// A part of a KPI: all of it, or that of one value of a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Segment {
    /// The label by which the KPI is split; empty for all of it.
    pub label: String,
    /// The value of that label.
    pub value: String,
}

impl Segment {
    /// All of a KPI.
    pub fn all() -> Self {
        Self::default()
    }

    /// Whether it is all of a KPI.
    pub fn is_all(&self) -> bool {
        self.label.is_empty()
    }
}

/// The greatest segments of a label, as many as may be. The others are added up where values are (`adds`).
pub fn narrowed(mut values: Vec<(String, f64)>, adds: bool) -> Vec<(String, f64)> {
    for (name, _) in &mut values {
        if let Some((cut, _)) = name.char_indices().nth(SEGMENT_CHARS_MAX) {
            name.truncate(cut);
        }
    }
    if values.len() <= SEGMENTS_MAX {
        return values;
    }
    values.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()).then_with(|| one.0.cmp(&other.0)));
    let rest = values.split_off(SEGMENTS_MAX - 1);
    if adds {
        let sum = rest.iter().map(|(_, value)| value).sum::<f64>();
        match values.iter_mut().find(|(name, _)| name == OTHER) {
            Some((_, value)) => *value += sum,
            None => values.push((OTHER.to_owned(), sum)),
        }
    }
    values
}

/// How certain a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its period is not over.
    Running,
    /// Its period is over, and it may still change.
    Ended,
    /// It does not change any more.
    Settled,
}

impl Standing {
    const ALL: [Self; 3] = [Self::Running, Self::Ended, Self::Settled];

    /// Its number where it is kept.
    pub const fn number(self) -> i64 {
        match self {
            Self::Running => 0,
            Self::Ended => 1,
            Self::Settled => 2,
        }
    }

    /// From its number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.number() == number)
    }

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Settled => "settled",
        }
    }

    /// That of a period: it goes on until `end`, and may change for `settles` more (milliseconds).
    pub const fn of(end: i64, settles: i64, now: i64) -> Self {
        if now < end {
            Self::Running
        } else if now < end.saturating_add(settles) {
            Self::Ended
        } else {
            Self::Settled
        }
    }
}

/// How a value came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Asked for when its period was over, or while it ran.
    Collected,
    /// Asked for later, of the past.
    Backfilled,
    /// Sent by a program.
    Pushed,
    /// Made of values of shorter periods.
    Combined,
    /// Made of other KPIs.
    Derived,
}

impl Origin {
    const ALL: [Self; 5] = [Self::Collected, Self::Backfilled, Self::Pushed, Self::Combined, Self::Derived];

    /// Its number where it is kept.
    pub const fn number(self) -> i64 {
        match self {
            Self::Collected => 0,
            Self::Backfilled => 1,
            Self::Pushed => 2,
            Self::Combined => 3,
            Self::Derived => 4,
        }
    }

    /// From its number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.number() == number)
    }

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collected => "collected",
            Self::Backfilled => "backfilled",
            Self::Pushed => "pushed",
            Self::Combined => "combined",
            Self::Derived => "derived",
        }
    }
}

/// A value of one segment of a KPI in a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// When.
    pub period: Period,
    /// How much.
    pub value: f64,
    /// How certain.
    pub standing: Standing,
    /// How it came about.
    pub origin: Origin,
    /// When that was, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Of how much of its period there are values, of what is over of it: 0 to 1.
    pub complete: f64,
    /// What it was when its period was over, where it was re-stated since.
    pub first: Option<f64>,
}

impl Value {
    /// Whether it was re-stated.
    pub fn is_restated(&self) -> bool {
        self.first.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_segments_are_added_up() {
        let values: Vec<(String, f64)> = (0..500).map(|place| (format!("c{place}"), f64::from(place))).collect();
        let sums = narrowed(values.clone(), true);
        assert_eq!((sums.len(), sums[0].0.as_str(), sums[199].0.as_str()), (200, "c499", OTHER));
        assert_eq!(sums.iter().map(|(_, value)| value).sum::<f64>(), 499.0 * 250.0);
        assert_eq!(narrowed(values, false).len(), 199, "what cannot be added up is left out");
        assert_eq!(narrowed(vec![("é".repeat(300), 1.0)], true)[0].0.chars().count(), SEGMENT_CHARS_MAX);
    }

    #[test]
    fn a_period_goes_on_is_over_and_settles() {
        let at = |now| Standing::of(100, 50, now);
        assert_eq!((at(99), at(100), at(149), at(150)), (Standing::Running, Standing::Ended, Standing::Ended, Standing::Settled));
        for one in Standing::ALL {
            assert_eq!(Standing::from_number(one.number()), Some(one));
        }
        assert_eq!(Origin::from_number(9), None);
    }
}
