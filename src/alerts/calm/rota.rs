//! Whose turn it is: hand-overs by the clock of the rota's place, and who stands in.

use super::rule::{Member, Override, Rota};

/// Most turns of one answer.
pub const TURNS_MAX: usize = 1_000;

/// Somebody's turn, as far as nobody else stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'r> {
    /// Whose.
    pub member: &'r Member,
    /// When it begins, in milliseconds since the Unix epoch.
    pub starts_at: i64,
    /// When it ends: somebody else's begins, or nobody's.
    pub ends_at: i64,
    /// Whether they stand in for whose turn it would be.
    pub is_override: bool,
}

impl Rota {
    /// Whose turn it is at an instant (milliseconds since the Unix epoch). Nobody's before the first day, unless somebody
    /// stands in.
    pub fn turn_at(&self, at: i64) -> Option<Turn<'_>> {
        if let Some((place, stand_in)) = self.stand_ins().rfind(|(_, stand_in)| holds(stand_in, at)) {
            let later = || self.stand_ins().filter(|(other, _)| *other > place).map(|(_, other)| other);
            let starts_at = later().map(|other| other.ends_at).filter(|end| *end <= at).fold(stand_in.starts_at, i64::max);
            let ends_at = later().map(|other| other.starts_at).filter(|start| *start > at).fold(stand_in.ends_at, i64::min);
            return Some(Turn { member: &stand_in.member, starts_at, ends_at, is_override: true });
        }
        let (number, starts_at, ends_at) = self.plain_turn(at)?;
        let count = i64::try_from(self.members.len()).ok().filter(|count| *count > 0)?;
        let member = self.members.get(usize::try_from(number % count).ok()?)?;
        let starts_at = self.stand_ins().map(|(_, other)| other.ends_at).filter(|end| *end <= at).fold(starts_at, i64::max);
        let ends_at = self.stand_ins().map(|(_, other)| other.starts_at).filter(|start| *start > at).fold(ends_at, i64::min);
        Some(Turn { member, starts_at, ends_at, is_override: false })
    }

    /// The turns that are at least partly between two instants, in order; at most [`TURNS_MAX`].
    pub fn turns(&self, from: i64, to: i64) -> Vec<Turn<'_>> {
        let mut turns = Vec::new();
        let mut at = from;
        while at < to && turns.len() < TURNS_MAX {
            if let Some(turn) = self.turn_at(at) {
                at = turn.ends_at;
                turns.push(turn);
                continue;
            }
            let first = if self.members.is_empty() { None } else { self.hand_over_at(0) };
            let next = self.stand_ins().map(|(_, stand_in)| stand_in.starts_at).chain(first).filter(|next| *next > at).min();
            let Some(next) = next else { break };
            at = next;
        }
        turns
    }

    /// Those who stand in for any time at all, with their place.
    fn stand_ins(&self) -> impl DoubleEndedIterator<Item = (usize, &Override)> {
        self.overrides.iter().enumerate().filter(|(_, stand_in)| stand_in.starts_at < stand_in.ends_at)
    }

    /// The number of the turn at an instant from 0 on, its beginning and its end, as if nobody stood in.
    fn plain_turn(&self, at: i64) -> Option<(i64, i64, i64)> {
        let days = self.location.day(at)?.checked_sub(i64::from(self.first_day))?;
        // By the day alone it may be off by one: before the hour of the hand-over, or where the clock left out a day.
        let mut number = days.div_euclid(i64::from(self.turn_days.max(1))) + 1;
        let mut ends_at = self.hand_over_at(number + 1)?;
        while number >= 0 {
            let starts_at = self.hand_over_at(number)?;
            if starts_at <= at {
                return Some((number, starts_at, ends_at));
            }
            (number, ends_at) = (number - 1, starts_at);
        }
        None
    }

    /// When the turn of this number begins.
    fn hand_over_at(&self, number: i64) -> Option<i64> {
        let days = number.checked_mul(i64::from(self.turn_days.max(1)))?;
        self.location.instant(i64::from(self.first_day).checked_add(days)?, self.hand_over)
    }
}

const fn holds(stand_in: &Override, at: i64) -> bool {
    stand_in.starts_at <= at && at < stand_in.ends_at
}

#[cfg(test)]
mod tests;
