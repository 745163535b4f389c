//! Trying a check that is not kept: what it would find right now, or what is wrong with it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{Checks, show_form};
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::nav::Page;
use crate::ui::shell::Shell;
use crate::uptime::model::outcome::{Failure, FailureKind, Outcome};
use crate::uptime::pages::draft::{self, Draft};
use crate::uptime::pages::edit::Tried;
use crate::uptime::pages::found;
use crate::uptime::watch::desk::PutError;
use crate::uptime::watch::watcher::judge;

/// Tries at once.
const PLACES: usize = 4;
/// Tries within [`PER`].
const TRIES_MAX: u32 = 60;
const PER: Duration = Duration::from_secs(60);
/// How long one may take.
const WITHIN: Duration = Duration::from_secs(12);

/// How much is tried.
pub(super) struct Tries {
    places: Semaphore,
    /// Since when it is counted, and how many there were.
    counted: Mutex<(Duration, u32)>,
}

impl Default for Tries {
    fn default() -> Self {
        Self { places: Semaphore::new(PLACES), counted: Mutex::default() }
    }
}

impl Tries {
    /// Whether one more is right at a time.
    fn has_room(&self, now: Duration) -> bool {
        let mut counted = self.counted.lock();
        if now.saturating_sub(counted.0) >= PER {
            *counted = (now, 0);
        }
        counted.1 += 1;
        counted.1 <= TRIES_MAX
    }
}

/// `POST /ui/uptime/try`: the form as it is, with what it finds.
pub(super) async fn route(State(state): State<Arc<Checks>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let draft = Draft::from_form(&body);
    let shell = Shell::new(Page::Uptime, "", asked.visit(state.pages.clock.now_ms()));
    let tried = try_out(&state, &draft, &shell).await;
    show_form(&state, asked, draft, tried, StatusCode::OK, String::new()).await
}

async fn try_out(state: &Checks, form: &Draft, shell: &Shell) -> Tried {
    if !form.is_begun() {
        return Tried::Nothing;
    }
    let desk = &state.pages.desk;
    let like = form.from.or(form.id);
    let before = like.and_then(|id| desk.view(id));
    let mut named = form.clone();
    named.name_it(|_| false);
    let written = named.text(before.as_ref().map(|view| &*view.check));
    let check = match desk.look(form.id, form.from, &written.text) {
        Ok(defined) => defined.check,
        Err(PutError::Wrong(told)) => return Tried::Wrong(written.mistakes(&told, &form.kind)),
        Err(other) => return Tried::Wrong(vec![draft::mistake(&other.to_string(), &named.kind)]),
    };
    if check.heartbeat.is_some() {
        return Tried::Waits;
    }
    let Ok(_place) = state.tries.places.try_acquire() else { return Tried::Busy };
    if !state.tries.has_room(state.pages.clock.monotonic()) {
        return Tried::Busy;
    }
    let mut outcome = match tokio::time::timeout(WITHIN, state.pages.probe.probe(&check)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let text = format!("nothing came of it within {} s", WITHIN.as_secs());
            Outcome { failure: Some(Failure { kind: FailureKind::Timeout, text }), took: WITHIN, ..Outcome::default() }
        }
    };
    judge(&check, &mut outcome, state.pages.clock.now_ms());
    Tried::Found(Box::new(found::found(&outcome, check.upside_down, shell)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_bounded() {
        let tries = Tries::default();
        let at = Duration::from_secs(100);
        let taken = (0..100).filter(|_| tries.has_room(at)).count();
        assert_eq!(taken, 60);
        assert!(tries.has_room(at + PER));
    }
}
