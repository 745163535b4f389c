//! The past of status pages by month: a few months lie ready, others are drawn one at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;

use super::PageState;
use super::lock::{kept, may_see};
use super::own_hosts::home_of;
use super::public::{nowhere, packed};
use crate::base::cancel::Cancel;
use crate::platform::http::problem::Problem;
use crate::platform::work::WorkPool;
use crate::ui::asked::Asked;
use crate::uptime::pages::status::place::Place;
use crate::uptime::pages::status::public::history;
use crate::uptime::report::period::{self, Grain, Period};
use crate::uptime::status::copies::Copies;
use crate::uptime::status::months::Months;

/// Months that may be looked back: as far as incidents are kept.
const MONTHS_BACK: i64 = 60;
/// Readers who wait for a month to be drawn at most.
const WAITING_MAX: usize = 50;
/// How long they wait.
const WITHIN: Duration = Duration::from_secs(10);

/// Months that lie ready, and who draws others.
pub(in crate::uptime::facade) struct Drawing {
    ready: Months,
    /// One place: whoever asks for many months waits for them alone.
    work: WorkPool,
}

impl Default for Drawing {
    fn default() -> Self {
        Self { ready: Months::default(), work: WorkPool::new(1) }
    }
}

const fn count(month: Period) -> i64 {
    month.year() * 12 + month.first_month()
}

fn busy(why: impl Into<String>) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).retry_after_s(5)
}

/// `GET /status/{slug}/history?month=2026-10`; this month where none is asked for.
pub(super) async fn page(State(state): State<Arc<PageState>>, Path(slug): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let Some(known) = state.published(&slug) else { return Ok(nowhere()) };
    if !may_see(&known.page, &asked.headers) {
        return Ok(Redirect::to(&home_of(&known.page, &asked)).into_response());
    }
    let (zone, now) = (known.page.zone(), state.clock.now_ms());
    let this = period::month_of(now, zone).unwrap_or(Period::EPOCH);
    let month = if asked.has_param("month") { period::parse(&asked.param("month")) } else { Some(this) };
    let month = month.filter(|month| month.grain() == Grain::Month);
    let month = month.ok_or_else(|| Problem::bad_request("month: expected a month such as 2026-10"))?;
    let back = count(this) - count(month);
    let window = period::window(month, zone).filter(|_| (0..=MONTHS_BACK).contains(&back));
    let window = window.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "nothing is kept of this month"))?;
    let of = (known.id, window.from);
    if let Some(copies) = state.history.ready.get(of, state.keeper.version(), now) {
        return Ok(kept(&known.page, packed(&copies, &asked.headers, HTML)));
    }
    if state.history.work.waiting() >= WAITING_MAX {
        return Err(busy("too many look at past months at this moment; try again in a few seconds"));
    }
    let (inner, page) = (Arc::clone(&state), Arc::clone(&known.page));
    let draw = move || {
        // Somebody who waited before may have had it drawn, and the page may have been changed meanwhile.
        let (version, now) = (inner.keeper.version(), inner.clock.now_ms());
        if let Some(copies) = inner.history.ready.get(of, version, now) {
            return Ok(copies);
        }
        let (picture, is_more) = inner.keeper.within(&known, window)?;
        let place = Place::seen(&picture.page, &inner.external_url);
        let copies = Arc::new(Copies::new(history::render(&picture, &place, month, [is_more && back < MONTHS_BACK, back > 0])));
        inner.history.ready.keep(of, version, now, &copies);
        Ok(copies)
    };
    let drawn = state.history.work.run(WITHIN, &Cancel::new(), draw).await.map_err(|error| busy(error.to_string()))?;
    let copies = drawn.map_err(|error: crate::platform::db::DbError| busy(error.to_string()))?;
    Ok(kept(&page, packed(&copies, &asked.headers, HTML)))
}

const HTML: &str = "text/html; charset=utf-8";
