//! Parts of dates, in UTC.

use crate::base::time::{civil_from_days, days_from_civil, days_in_month};

use super::Function;

const DAY_SECS: i64 = 86_400;

/// The function from Unix seconds to a part of the date, if it is one.
pub(crate) fn date_function(function: Function) -> Option<fn(f64) -> f64> {
    use Function as F;
    Some(match function {
        F::Minute => |secs| whole(secs).rem_euclid(3600).div_euclid(60) as f64,
        F::Hour => |secs| whole(secs).rem_euclid(DAY_SECS).div_euclid(3600) as f64,
        F::DayOfWeek => |secs| (whole(secs).div_euclid(DAY_SECS) + 4).rem_euclid(7) as f64,
        F::DayOfMonth => |secs| date(secs).2 as f64,
        F::DayOfYear => |secs| {
            let (year, _, _) = date(secs);
            (whole(secs).div_euclid(DAY_SECS) - days_from_civil(year, 1, 1) + 1) as f64
        },
        F::DaysInMonth => |secs| {
            let (year, month, _) = date(secs);
            days_in_month(year, month) as f64
        },
        F::Month => |secs| date(secs).1 as f64,
        F::Year => |secs| date(secs).0 as f64,
        _ => return None,
    })
}

/// Whole seconds, within what the calendar can count.
fn whole(secs: f64) -> i64 {
    // Truncation towards zero, as Go converts; NaN becomes 0. The limit keeps the day count far from overflow.
    (secs as i64).clamp(i64::MIN / 4, i64::MAX / 4)
}

fn date(secs: f64) -> (i64, i64, i64) {
    civil_from_days(whole(secs).div_euclid(DAY_SECS))
}
