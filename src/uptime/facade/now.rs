//! How checks do, for the front page.

use std::sync::Arc;

use crate::series::ports::{CheckNow, ChecksInAll, ChecksNow};
use crate::ui::links;
use crate::uptime::model::track::State;
use crate::uptime::watch::desk::Desk;
use crate::uptime::watch::watcher::View;

/// Newest results of each.
const RECENT: usize = 30;

/// Says it.
pub(super) struct Now(pub(super) Arc<Desk>);

impl ChecksNow for Now {
    fn checks(&self, limit: usize) -> ChecksInAll {
        let views = self.0.views();
        let number = |state| views.values().filter(|view| view.span.state == state).count();
        let rank = |state| match state {
            State::Down => 0,
            State::Unknown => 2,
            State::Up => 3,
            State::Paused => 4,
        };
        // What is in doubt comes behind what is down.
        let rank_of = |view: &View| if view.span.state == State::Up && view.in_doubt_since.is_some() { 1 } else { rank(view.span.state) };
        let worst = worst_of(views.iter().map(|(id, view)| ((rank_of(view), view.check.name.to_lowercase(), *id), view)), limit);
        let worst = worst.into_iter().map(|((_, _, id), view)| {
            let beats = self.0.beats(id);
            CheckNow {
                name: view.check.name.clone(),
                href: links::check(id),
                is_up: match view.span.state {
                    State::Up => Some(true),
                    State::Down => Some(false),
                    State::Unknown | State::Paused => None,
                },
                cause: view.incident.as_ref().map(|incident| incident.cause.clone()).unwrap_or_default(),
                recent: beats.iter().skip(beats.len().saturating_sub(RECENT)).map(|beat| beat.is_up).collect(),
                took_s: view.newest.as_ref().map(|outcome| outcome.took.as_secs_f64()),
            }
        });
        ChecksInAll { worst: worst.collect(), up: number(State::Up), down: number(State::Down), all: views.len() }
    }
}

/// Those of the smallest keys, ascending, at most so many; only so many are held at a time.
fn worst_of<K: Ord, V>(all: impl Iterator<Item = (K, V)>, limit: usize) -> Vec<(K, V)> {
    let mut kept: Vec<(K, V)> = Vec::with_capacity(limit.min(64));
    for (key, value) in all {
        if kept.len() == limit && kept.last().is_none_or(|(last, _)| key >= *last) {
            continue;
        }
        kept.truncate(limit.saturating_sub(1));
        let place = kept.partition_point(|(known, _)| *known <= key);
        kept.insert(place, (key, value));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_few_of_many_in_order() {
        let all = || (0..1_000_u32).map(|at| (at.wrapping_mul(7_919) % 1_000, at));
        let mut sorted: Vec<_> = all().collect();
        sorted.sort_unstable();
        for limit in [0, 1, 7, 999, 1_000, 2_000] {
            assert_eq!(worst_of(all(), limit), sorted[..limit.min(1_000)], "{limit}");
        }
    }
}
