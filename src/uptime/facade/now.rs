//! How checks do, for the front page.

use std::sync::Arc;

use crate::series::ports::{CheckNow, ChecksInAll, ChecksNow};
use crate::ui::links;
use crate::uptime::model::track::State;
use crate::uptime::watch::desk::Desk;

/// Newest results of each.
const RECENT: usize = 30;

/// Says it.
pub(super) struct Now(pub(super) Arc<Desk>);

impl ChecksNow for Now {
    fn checks(&self, limit: usize) -> ChecksInAll {
        let views = self.0.views();
        let number = |state| views.values().filter(|view| view.span.state == state).count();
        let mut order: Vec<_> = views.iter().collect();
        let rank = |state| match state {
            State::Down => 0,
            State::Unknown => 2,
            State::Up => 3,
            State::Paused => 4,
        };
        // What is in doubt comes behind what is down.
        order.sort_by_cached_key(|(_, view)| {
            let rank = if view.span.state == State::Up && view.in_doubt_since.is_some() { 1 } else { rank(view.span.state) };
            (rank, view.check.name.to_lowercase())
        });
        let worst = order.into_iter().take(limit).map(|(id, view)| {
            let beats = self.0.beats(*id);
            CheckNow {
                name: view.check.name.clone(),
                href: links::check(*id),
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
