//! From numbers to a level. Between going up and going down lies some room, so that nothing flutters.

use crate::base::pressure::Level;

/// Percent of the budget from which on a level holds.
const UP: [u64; 3] = [80, 90, 95];
/// Percent by which less must be used before it ends: below 75 everything is as always.
const ROOM: u64 = 5;

/// The level after `now` when so much of the budget is used; without a budget there is no pressure.
pub(super) fn next(now: Level, used: u64, budget: u64) -> Level {
    if budget == 0 {
        return Level::Normal;
    }
    let percent = |at: u64| u128::from(used) * 100 >= u128::from(budget) * u128::from(at);
    let mut level = Level::Normal;
    for (up, reached) in UP.into_iter().zip([Level::Tight, Level::Scarce, Level::Critical]) {
        let from = if now >= reached { up - ROOM } else { up };
        if percent(from) {
            level = reached;
        }
    }
    level
}

/// Percent below which writes are taken again after it was used up.
const AGAIN: u64 = 97;

/// Whether writes are refused for want of disk.
pub(super) fn is_full(now: bool, used: u64, budget: u64) -> bool {
    let limit = if now { u128::from(budget) * u128::from(AGAIN) / 100 } else { u128::from(budget) };
    budget > 0 && u128::from(used) >= limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_rise_and_fall_with_room_between() {
        use Level::{Critical, Normal, Scarce, Tight};
        let mut level = Normal;
        for (used, expected) in [
            (0, Normal),
            (79, Normal),
            (80, Tight),
            (76, Tight),
            (75, Tight),
            (74, Normal),
            (79, Normal),
            (91, Scarce),
            (86, Scarce),
            (84, Tight),
            (89, Tight),
            (96, Critical),
            (91, Critical),
            (89, Scarce),
            (200, Critical),
            (10, Normal),
        ] {
            level = next(level, used, 100);
            assert_eq!(level, expected, "{used}");
        }
        assert_eq!(next(Critical, u64::MAX, 0), Normal);
        assert_eq!(next(Normal, u64::MAX, u64::MAX), Critical);
    }

    #[test]
    fn a_full_disk_stays_full_until_something_went() {
        let states: Vec<bool> = [99, 100, 98, 97, 96, 99]
            .into_iter()
            .scan(false, |full, used| {
                *full = is_full(*full, used, 100);
                Some(*full)
            })
            .collect();
        assert_eq!(states, [false, true, true, true, false, false]);
        assert!(!is_full(true, u64::MAX, 0));
    }
}
