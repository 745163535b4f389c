//! How a value stands: against the one before, against what it should be, and where it will be when the period is over.

use super::kind::Better;
use super::kind::Longer;
use super::longer::combine;
use crate::base::period::{Calendar, Grain, Period};

/// Weeks of days from which the shape of a week is taken.
pub const SHAPE_WEEKS: i64 = 8;
/// Values of each weekday that it takes.
const SHAPE_MIN: usize = 2;
const DAYS_OF_WEEK: usize = 7;

/// How much a value changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// From what.
    pub from: f64,
    /// To what.
    pub to: f64,
    /// By how much.
    pub by: f64,
    /// That as a share of what it was; none where that was nothing or less.
    pub share: Option<f64>,
    /// Whether that is good; none where nothing changed.
    pub is_good: Option<bool>,
}

/// What became of one value.
pub fn change(from: f64, to: f64, better: Better) -> Change {
    let by = to - from;
    let is_good = (by != 0.0).then_some((by > 0.0) == (better == Better::Up));
    Change { from, to, by, share: (from > 0.0).then(|| by / from), is_good }
}

/// How far it is to what it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What it should be.
    pub target: f64,
    /// The value by the target; none where that is nothing or less.
    pub share: Option<f64>,
    /// Whether it is reached: at least that much, or at most where less is good.
    pub is_met: bool,
    /// What it will be when the period is over, as it goes; of a period that is over what it is.
    pub pace: Option<f64>,
    /// Whether that reaches it.
    pub is_on_pace: Option<bool>,
}

/// How a value stands to its target.
pub fn progress(value: f64, pace: Option<f64>, target: f64, better: Better) -> Progress {
    let reaches = |value: f64| match better {
        Better::Up => value >= target,
        Better::Down => value <= target,
    };
    Progress { target, share: (target > 0.0).then(|| value / target), is_met: reaches(value), pace, is_on_pace: pace.map(reaches) }
}

/// How much of a week falls on each of its days, Monday first, out of values of days: 1 is a usual day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeekShape([f64; DAYS_OF_WEEK]);

impl WeekShape {
    /// Every day alike.
    pub const FLAT: Self = Self([1.0; DAYS_OF_WEEK]);

    /// Out of values of days; those too few, or not above nothing, give every day alike.
    pub fn of(days: &[(Period, f64)]) -> Self {
        let mut by_day: [Vec<Option<f64>>; DAYS_OF_WEEK] = Default::default();
        for (day, value) in days.iter().filter(|(day, _)| day.grain() == Grain::Day) {
            by_day[weekday(*day)].push(Some(*value));
        }
        if by_day.iter().any(|values| values.len() < SHAPE_MIN) {
            return Self::FLAT;
        }
        let mean = |values: &Vec<Option<f64>>| combine(Longer::Average, values).map_or(0.0, |mean| mean.value.max(0.0));
        let means = by_day.each_ref().map(mean);
        let usual = means.iter().sum::<f64>() / DAYS_OF_WEEK as f64;
        if usual > 0.0 { Self(means.map(|mean| mean / usual)) } else { Self::FLAT }
    }

    /// The weight of a day.
    pub fn weight(&self, day: Period) -> f64 {
        self.0[weekday(day)]
    }
}

/// 0 for Monday to 6 for Sunday.
fn weekday(day: Period) -> usize {
    // 1970-01-01 was a Thursday.
    usize::try_from((day.number() + 3).rem_euclid(7)).unwrap_or(0)
}

/// How much of a period is over at `now` (milliseconds since the Unix epoch), 0 to 1: its days count as the week's shape
/// says, the one that goes on by the time of it that is over.
pub fn elapsed(calendar: Calendar, period: Period, now: i64, shape: &WeekShape) -> Option<f64> {
    let window = calendar.window(period)?;
    let over = |window: &std::ops::Range<i64>| ((now - window.start) as f64 / (window.end - window.start) as f64).clamp(0.0, 1.0);
    if period.grain() <= Grain::Day || now <= window.start || now >= window.end {
        return Some(over(&window));
    }
    let (mut done, mut all) = (0.0, 0.0);
    for day in calendar.parts(period, Grain::Day) {
        let weight = shape.weight(day);
        done += weight * over(&calendar.window(day)?);
        all += weight;
    }
    (all > 0.0).then(|| done / all).or_else(|| Some(over(&window)))
}

/// What a value will be when its period is over: what is added up grows with the time, all else stays as it is. None while
/// too little of the period is over to tell.
pub fn pace(longer: Longer, value: f64, elapsed: f64) -> Option<f64> {
    /// Below, a single sale would be a record.
    const TELLS_FROM: f64 = 0.02;
    match longer {
        Longer::Sum if elapsed < TELLS_FROM => None,
        Longer::Sum => Some(value / elapsed.min(1.0)),
        _ => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::location::Location;

    fn berlin() -> Calendar {
        Calendar::of(Location::parse("Europe/Berlin").unwrap())
    }

    #[test]
    fn changes_are_good_or_bad_by_what_is_better() {
        let up = change(80.0, 100.0, Better::Up);
        assert_eq!((up.by, up.share, up.is_good), (20.0, Some(0.25), Some(true)));
        assert_eq!(change(80.0, 100.0, Better::Down).is_good, Some(false));
        assert_eq!(change(0.0, 5.0, Better::Up).share, None, "growth of nothing is no share");
        assert_eq!(change(-5.0, 5.0, Better::Up).share, None);
        assert_eq!(change(5.0, 5.0, Better::Up).is_good, None);
    }

    #[test]
    fn targets_are_reached_from_either_side() {
        let sales = progress(8.0, Some(10.5), 10.0, Better::Up);
        assert_eq!((sales.share, sales.is_met, sales.is_on_pace), (Some(0.8), false, Some(true)));
        let churn = progress(3.0, Some(3.0), 2.0, Better::Down);
        assert_eq!((churn.is_met, churn.is_on_pace), (false, Some(false)));
        assert!(progress(2.0, None, 2.0, Better::Down).is_met && progress(0.0, None, 0.0, Better::Up).share.is_none());
    }

    #[test]
    fn the_pace_knows_days_of_the_week_and_clocks_that_change() {
        let calendar = berlin();
        // March 2026 in Berlin has an hour less; its 15th day ends before that.
        let march = Period::parse("2026-03").unwrap();
        let at = calendar.window(Period::parse("2026-03-16").unwrap()).unwrap().start;
        assert_eq!(elapsed(calendar, march, at, &WeekShape::FLAT), Some(15.0 / 31.0), "days count, not hours");
        let noon = calendar.window(Period::parse("2026-03-29").unwrap()).unwrap();
        let share = elapsed(calendar, Period::parse("2026-03-29").unwrap(), noon.start + 11 * 3_600_000, &WeekShape::FLAT);
        assert_eq!(share, Some(11.0 / 23.0));
        // A shop that sells ten a day, and nothing on weekends.
        let days: Vec<(Period, f64)> = (0..56)
            .map(|back| Period::parse("2026-02-28").unwrap().shifted(-back))
            .map(|day| (day, if weekday(day) < 5 { 10.0 } else { 0.0 }))
            .collect();
        let shape = WeekShape::of(&days);
        // Friday evening of the first week: 5 of 22 working days are over.
        let at = calendar.window(Period::parse("2026-03-07").unwrap()).unwrap().start;
        let share = elapsed(calendar, march, at, &shape).unwrap();
        assert!((share - 5.0 / 22.0).abs() < 1e-9, "{share}");
        assert!((pace(Longer::Sum, 50.0, share).unwrap() - 220.0).abs() < 1e-9);
        assert_eq!(WeekShape::of(&days[..9]), WeekShape::FLAT, "two weeks are the least");
        assert_eq!((pace(Longer::Last, 50.0, share), pace(Longer::Sum, 1.0, 0.01)), (Some(50.0), None));
        assert_eq!(elapsed(calendar, march, i64::MAX, &shape), Some(1.0));
    }
}
