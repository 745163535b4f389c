//! KPIs for people without an account: `GET /k/{token}`, and what makes and ends such addresses.
//!
//! Whoever asks is nobody here, whatever cookie they bring. What is not there, what ended and what is switched off is
//! answered alike.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value as Json, json};

use super::kpi::{self, Shared};
use super::{OFTEN, PageState, field, unread, with};
use crate::access::{Change, Policy, Routes, address};
use crate::base::period::Grain;
use crate::business::collect::desk::Known;
use crate::business::collect::plan::grains;
use crate::business::model::share::Share;
use crate::business::pages::kpi::{View, render_shared};
use crate::platform::http::problem::Problem;
use crate::platform::work::WorkPool;
use crate::ui::asked::{Asked, Pages, shell_at, work};
use crate::ui::links;
use crate::ui::nav::Page;
use crate::ui::page::respond_shared;
use crate::ui::problem::lost;
use crate::ui::shell::Shell;

/// Pages for strangers that are made at once: they have places of their own, so that they keep nobody who is signed in waiting.
const PLACES: usize = 2;
/// How long such a page may take to be made.
const WITHIN: Duration = Duration::from_secs(10);
/// Periods that are shown.
const PERIODS: i64 = 30;
/// Characters of a title at most.
const TITLE_CHARS_MAX: usize = 120;
/// After how many days one may end; 0 for never.
const DAYS: [i64; 4] = [0, 7, 30, 90];
const DAY_MS: i64 = 86_400_000;

/// The pages with places of their own.
struct Strangers {
    pages: Arc<PageState>,
    work: WorkPool,
}

impl Pages for Strangers {
    const PLACE: Page = Page::Business;

    fn pool(&self) -> (&WorkPool, Duration) {
        (&self.work, WITHIN)
    }

    fn now_ms(&self) -> i64 {
        self.pages.now_ms()
    }
}

pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let strangers = Arc::new(Strangers { pages: Arc::clone(state), work: WorkPool::new(PLACES) });
    Routes::new().route("POST", links::KPI_SHARE, Policy::EDIT, with(post(share), state)).route(
        "GET",
        links::KPI_SHARED,
        Policy::Public,
        get(shared).with_state(strangers),
    )
}

/// `GET /k/{token}`.
async fn shared(State(strangers): State<Arc<Strangers>>, Path(token): Path<String>, asked: Asked) -> Result<Response, Problem> {
    work(&strangers, move |strangers, _| {
        let asked = asked.as_nobody();
        let mut shell = shell_at(&asked, strangers, "", asked.uri.path()).with_refresh(OFTEN);
        shell.is_alone = true;
        shell.choose_theme();
        let found = seen(&strangers.pages, &token)?;
        let page = match found {
            Some((share, known)) => shown(&strangers.pages, &asked, &mut shell, &share, known)?,
            None => None,
        };
        Ok(match page {
            Some(html) => respond_shared(StatusCode::OK, html, &asked.nonce, "'none'"),
            None => respond_shared(StatusCode::NOT_FOUND, lost(&shell), &asked.nonce, "'none'"),
        })
    })
    .await?
}

/// A share that readers see, with its KPI.
fn seen(state: &PageState, token: &str) -> Result<Option<(Share, Arc<Known>)>, Problem> {
    let found = state.wing.store.share(token).map_err(|error| unread(&error))?;
    let found = found.filter(|share| share.is_on && !share.has_ended(state.now_ms()));
    Ok(found.and_then(|share| Some((state.wing.desk.get(share.kpi)?, share))).map(|(known, share)| (share, known)))
}

fn shown(state: &PageState, asked: &Asked, shell: &mut Shell, share: &Share, known: Arc<Known>) -> Result<Option<String>, Problem> {
    shell.title = if share.title.is_empty() { known.kpi.name.clone() } else { share.title.clone() };
    let calendar = state.wing.desk.calendar_of(&known.kpi);
    // A KPI that is counted less often by now has no such periods any more.
    let grain = Some(share.grain).filter(|grain| grains(&known.kpi).contains(grain)).unwrap_or_else(|| kpi::usual_grain(&known.kpi));
    let Some(current) = calendar.period(grain, state.now_ms()) else { return Ok(None) };
    let label = if known.kpi.segments.contains(&share.label) { share.label.clone() } else { String::new() };
    let (from, until) = (current.shifted(1 - PERIODS), current);
    let view = View { from, until, current, count: PERIODS, label, segment: String::new() };
    let input = kpi::read(state, asked, known, view)?;
    Ok(Some(render_shared(&input, shell)))
}

fn logged(share: &Share) -> Json {
    // Its address is a key.
    json!({ "title": share.title, "label": share.label, "grain": share.grain.as_str(), "expires_ms": share.expires_at, "on": share.is_on })
}

/// What a form wants shared.
fn wanted(state: &PageState, known: &Known, body: &[u8], by: String) -> Result<Share, String> {
    let (title, label, now) = (field(body, "title"), field(body, "label"), state.now_ms());
    if title.chars().count() > TITLE_CHARS_MAX {
        return Err(format!("title: {TITLE_CHARS_MAX} characters at most"));
    }
    let days = field(body, "days").parse().ok().filter(|days| DAYS.contains(days));
    let days = days.ok_or_else(|| format!("days: expected one of {DAYS:?}"))?;
    let grain = Grain::parse(&field(body, "grain")).filter(|grain| grains(&known.kpi).contains(grain));
    let grain = grain.ok_or_else(|| "grain: the KPI has no such periods".to_owned())?;
    if !label.is_empty() && !known.kpi.segments.contains(&label) {
        return Err(format!("label: the KPI is not split by {label:?}"));
    }
    Ok(Share {
        id: 0,
        kpi: known.id,
        token: address().map_err(|error| error.to_string())?,
        title,
        grain,
        label,
        made_at: now,
        made_by: by,
        expires_at: if days == 0 { 0 } else { now + days * DAY_MS },
        is_on: true,
    })
}

/// `POST /business/{id}/share`: `step` (`make` with `title`, `days`, `grain`, `label`; or `on`, `off`, `delete` with `share`).
async fn share(State(state): Shared, Path(id): Path<String>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let Some(known) = kpi::found(&state, &id) else { return Ok(kpi::missing(&asked, &state, &id)) };
    let store = &state.wing.store;
    let step = field(&body, "step");
    if step == "make" {
        let made = match wanted(&state, &known, &body, asked.caller.actor()) {
            Ok(made) => made,
            Err(why) => return kpi::show(&state, asked, &id, StatusCode::BAD_REQUEST, why).await,
        };
        let after = logged(&made);
        if !store.add_share(made).await.map_err(|error| unread(&error))? {
            let why = "there are as many shared links as may be: delete some".to_owned();
            return kpi::show(&state, asked, &id, StatusCode::BAD_REQUEST, why).await;
        }
        return Ok(Change::new("kpis.share", &known.kpi.name).after(after).in_answer(kpi::back(known.id, "shared")));
    }
    let share = field(&body, "share").parse().unwrap_or(0);
    let (was, word, done) = match step.as_str() {
        "on" => (store.switch_share(known.id, share, true).await, "kpis.share.on", "share-on"),
        "off" => (store.switch_share(known.id, share, false).await, "kpis.share.off", "share-off"),
        "delete" => (store.delete_share(known.id, share).await, "kpis.share.delete", "share-deleted"),
        _ => return kpi::show(&state, asked, &id, StatusCode::BAD_REQUEST, "step: expected make, on, off or delete".to_owned()).await,
    };
    match was.map_err(|error| unread(&error))? {
        Some(was) => Ok(Change::new(word, &known.kpi.name).before(logged(&was)).in_answer(kpi::back(known.id, done))),
        None => kpi::show(&state, asked, &id, StatusCode::NOT_FOUND, "there is no such shared link any more".to_owned()).await,
    }
}
