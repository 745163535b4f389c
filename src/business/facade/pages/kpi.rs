//! The page of one KPI, and what is done with it there.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use super::{PageState, field, status_of, unread, with};
use crate::access::{Change, Policy, Role, Routes};
use crate::base::period::{Grain, Period};
use crate::base::time::TimeRange;
use crate::business::collect::backfill::Ended;
use crate::business::collect::desk::Known;
use crate::business::collect::plan::grains;
use crate::business::collect::push::{At, Sent};
use crate::business::config::file::Retention;
use crate::business::config::kpi::{Kpi, Source};
use crate::business::model::value::Value;
use crate::business::outlook::{self, PageWanted, shown_grain};
use crate::business::pages::kpi::{self, COUNTS, CohortsOf, KpiInput, Marked, View};
use crate::platform::http::problem::Problem;
use crate::series::ports::Happening;
use crate::ui::asked::{Asked, shell_at, work};
use crate::ui::lang::key;
use crate::ui::shell::Shell;
use crate::ui::{links, problem};

/// How often the page refreshes.
const OFTEN: &str = "30s";
/// Marks that are looked at.
const MARKS_MAX: usize = 300;
/// Retentions on the page of a KPI at most.
const RETENTIONS_MAX: usize = 3;
/// Tag of every note on a KPI; the other names which.
const TAG: &str = "kpi";
/// Characters of a note at most.
const NOTE_CHARS_MAX: usize = 400;
/// Times that the page of a KPI can be turned back, in periods: nobody has more.
const BACK_MAX: i64 = 20_000;

pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let edit = Policy::EDIT;
    Routes::new()
        .route("GET", links::KPI, Policy::READ, with(get(kpi_route), state))
        .route("POST", links::KPI_PAUSE, edit, with(post(pause), state))
        .route("POST", links::KPI_DELETE, edit, with(post(delete), state))
        .route("POST", links::KPI_BACKFILL, edit, with(post(backfill), state))
        .route("POST", links::KPI_CORRECT, edit, with(post(correct), state))
        .route("POST", links::KPI_NOTE, edit, with(post(note), state))
}

pub(super) type Shared = State<Arc<PageState>>;

pub(super) fn found(state: &PageState, id: &str) -> Option<Arc<Known>> {
    state.wing.desk.get(id.parse().ok()?)
}

pub(super) fn missing(asked: &Asked, state: &PageState, id: &str) -> Response {
    let shell = shell_at(asked, state, key("Business"), links::BUSINESS);
    let (headline, text) =
        (shell.t("There is no such KPI"), shell.t("It was deleted, or never was. The page of the business has those of now."));
    asked.page(StatusCode::NOT_FOUND, problem::problem(&shell, 404, headline, text, id))
}

pub(super) fn back(id: i64, done: &str) -> Response {
    Redirect::to(&links::with(&links::kpi(id), &[("done", done)])).into_response()
}

async fn kpi_route(State(state): Shared, Path(id): Path<String>, asked: Asked) -> Result<Response, Problem> {
    show(&state, asked, &id, StatusCode::OK, String::new()).await
}

pub(super) async fn show(state: &Arc<PageState>, asked: Asked, id: &str, status: StatusCode, problem: String) -> Result<Response, Problem> {
    let id = id.to_owned();
    work(state, move |state, _| {
        let Some(known) = found(state, &id) else { return Ok(missing(&asked, state, &id)) };
        let running = state.wing.collector.backfilled(known.id).is_some_and(|progress| progress.ended.is_none());
        // What is being filled in is watched closely.
        let often = if running { "5s" } else { OFTEN };
        let shell = shell_at(&asked, state, &known.kpi.name, &links::kpi(known.id)).with_refresh(often);
        let input = input(state, &asked, &shell, known, problem)?;
        Ok(asked.page(status, kpi::render(&input, &shell)))
    })
    .await?
}

/// What of a KPI is looked at, as the address says; what is none is what is usual.
fn view(state: &PageState, asked: &Asked, kpi: &Kpi) -> Option<View> {
    let calendar = state.wing.desk.calendar_of(kpi);
    let known = grains(kpi);
    let grain = Grain::parse(&asked.param("grain")).filter(|grain| known.contains(grain)).unwrap_or_else(|| usual_grain(kpi));
    let count = asked.param("count").parse().ok().filter(|count| COUNTS.contains(count)).unwrap_or(COUNTS[1]);
    let current = calendar.period(grain, state.wing.clock.now_ms())?;
    let fits = |until: &Period| until.grain() == grain && *until <= current && current.number() - until.number() < BACK_MAX;
    let until = Period::parse(&asked.param("until")).filter(fits).unwrap_or(current);
    let label = asked.param("label");
    let label = if kpi.segments.contains(&label) { label } else { String::new() };
    let segment = if label.is_empty() { String::new() } else { asked.param("segment") };
    Some(View { from: until.shifted(1 - count), until, current, count, label, segment })
}

/// Where months are the target, days say more of how it goes; all else is shown as on the front page.
pub(super) fn usual_grain(kpi: &Kpi) -> Grain {
    shown_grain(kpi).min(Grain::Month).max(kpi.collected.grain())
}

/// Periods that are foretold.
const fn ahead(grain: Grain) -> usize {
    match grain {
        Grain::Hour => 24,
        Grain::Day => 14,
        Grain::Week => 8,
        Grain::Month => 6,
        Grain::Quarter => 4,
        Grain::Year => 2,
    }
}

/// Periods that are read before the first that is shown: two of its seasons.
const fn before(grain: Grain) -> i64 {
    match grain {
        Grain::Hour => 48,
        Grain::Day => 56,
        Grain::Week => 104,
        Grain::Month => 24,
        Grain::Quarter => 8,
        Grain::Year => 4,
    }
}

fn input(state: &PageState, asked: &Asked, shell: &Shell, known: Arc<Known>, problem: String) -> Result<KpiInput, Problem> {
    let (wing, calendar, now) = (&state.wing, state.wing.desk.calendar_of(&known.kpi), state.wing.clock.now_ms());
    let view = view(state, asked, &known.kpi).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "the calendar ends before"))?;
    let (grain, from, until, id) = (view.from.grain(), view.from, view.until, known.id);
    let window = |period: Period| calendar.window(period);
    let range = window(from).map_or(now, |first| first.start)..window(until).map_or(now, |last| last.end.min(now));
    Ok(KpiInput {
        marks: marked(state, id, range, |at| calendar.period(grain, at)),
        cohorts: cohorts(state, &known.kpi)?,
        shares: if shell.has_role(Role::Editor) { wing.store.shares(id).map_err(|error| unread(&error))? } else { Vec::new() },
        trouble: wing.collector.trouble(id),
        backfill: wing.collector.backfilled(id).filter(|run| run.ended != Some(Ended::Whole) || now - run.began < 3_600_000),
        done: asked.param("done"),
        may_change: shell.has_role(Role::Editor),
        problem,
        ..read(state, asked, known, view)?
    })
}

/// A KPI by itself: what anybody may know who sees it.
pub(super) fn read(state: &PageState, asked: &Asked, known: Arc<Known>, view: View) -> Result<KpiInput, Problem> {
    let (wing, kpi) = (&state.wing, &known.kpi);
    let now = wing.clock.now_ms();
    let (calendar, grain) = (wing.desk.calendar_of(kpi), view.from.grain());
    let ahead = if view.until == view.current { ahead(grain) } else { 0 };
    let label = Some(view.label.as_str()).filter(|label| !label.is_empty());
    let wanted = PageWanted { known: &known, from: view.from.shifted(-before(grain)), until: view.until, label, ahead };
    let mut history = outlook::page(&wing.store, &wing.desk, &wanted, now).map_err(|error| unread(&error))?;
    let is_shown = |value: &Value| value.period >= view.from;
    // A period more, so that the first that is shown has something to be compared with.
    history.values.retain(|value| value.period >= view.from.before());
    history.segments.values_mut().for_each(|values| values.retain(is_shown));
    history.segments.retain(|_, values| !values.is_empty());
    let years = view.until.shifted(i64::try_from(ahead).unwrap_or(0));
    let year_ago = wing.store.values(known.id, view.from.year_before(), years.year_before()).map_err(|error| unread(&error))?;
    let later = view.from.number() - view.from.year_before().number();
    let grains = grains(kpi);
    let today = calendar.period(Grain::Day, now).map_or_else(String::new, |day| day.to_string());
    let example = calendar.period(kpi.collected.grain(), now).map_or_else(String::new, |period| period.to_string());
    Ok(KpiInput {
        shown: outlook::one(&wing.store, &wing.desk, &known, now).map_err(|error| unread(&error))?,
        year_before: year_ago.iter().map(|value| (value.period.shifted(later), value.value)).collect(),
        zone: calendar.location.as_str().to_owned(),
        base_url: asked.base_url(&state.external_url),
        trouble: None,
        backfill: None,
        done: String::new(),
        may_change: false,
        marks: Vec::new(),
        cohorts: Vec::new(),
        shares: Vec::new(),
        problem: String::new(),
        history,
        view,
        grains,
        today,
        example,
        known,
    })
}

/// What is known of those who come back; what is not is asked for meanwhile, and is on the page when it refreshes.
fn cohorts(state: &PageState, kpi: &Kpi) -> Result<Vec<CohortsOf>, Problem> {
    let all = state.wing.desk.retentions_of(kpi).map_err(|error| unread(&error))?;
    let one = |retention: Retention| CohortsOf { table: state.cohorts.look(&retention), name: retention.name };
    Ok(all.into_iter().take(RETENTIONS_MAX).map(one).collect())
}

fn own_tag(id: i64) -> String {
    format!("{TAG}-{id}")
}

/// What was marked in a range: notes on this KPI, and everything that is no note on another.
fn marked(state: &PageState, id: i64, range: std::ops::Range<i64>, period: impl Fn(i64) -> Option<Period>) -> Vec<Marked> {
    let own = own_tag(id);
    let found = state.happenings.within(TimeRange::new(range.start, range.end), MARKS_MAX).unwrap_or_else(|why| {
        tracing::warn!(why, "what was marked while a KPI changed is not known");
        Vec::new()
    });
    let one = |found: Happening| {
        let is_note = found.tags.contains(&own);
        let is_others = !is_note && found.tags.iter().any(|tag| tag == TAG);
        let mark =
            Marked { at: found.at, period: period(found.at), text: found.text, by: found.by, tags: found.tags, href: found.path, is_note };
        (!is_others).then_some(mark)
    };
    found.into_iter().filter_map(one).collect()
}

fn logged(kpi: &Kpi) -> serde_json::Value {
    json!({ "source": kpi.source().map(Source::key), "definition": kpi.text() })
}

/// `POST /business/{id}/pause`: `paused`.
async fn pause(State(state): Shared, Path(id): Path<String>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let Some(known) = found(&state, &id) else { return Ok(missing(&asked, &state, &id)) };
    let kpi = Kpi { paused: field(&body, "paused") == "true", ..known.kpi.clone() };
    match state.wing.desk.put(Some(known.id), &kpi.text()).await {
        Ok(_) => {
            let change = Change::new("kpis.save", &kpi.name).before(logged(&known.kpi)).after(logged(&kpi));
            Ok(change.in_answer(back(known.id, if kpi.paused { "paused" } else { "goes-on" })))
        }
        Err(error) => show(&state, asked, &id, status_of(&error), error.to_string()).await,
    }
}

/// `POST /business/{id}/delete`.
async fn delete(State(state): Shared, Path(id): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let Some(known) = found(&state, &id) else { return Ok(missing(&asked, &state, &id)) };
    match state.wing.desk.delete(known.id).await {
        Ok(()) => {
            state.wing.collector.cancel_backfill(known.id);
            let answer = Redirect::to(&links::with(links::BUSINESS, &[("done", "deleted")])).into_response();
            Ok(Change::new("kpis.delete", &known.kpi.name).before(logged(&known.kpi)).in_answer(answer))
        }
        Err(error) => show(&state, asked, &id, status_of(&error), error.to_string()).await,
    }
}

/// `POST /business/{id}/backfill`: `step` (`fill` or `stop`), `from`, `again`.
async fn backfill(State(state): Shared, Path(id): Path<String>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let Some(known) = found(&state, &id) else { return Ok(missing(&asked, &state, &id)) };
    let (wing, name) = (&state.wing, known.kpi.name.clone());
    if field(&body, "step") == "stop" {
        wing.collector.cancel_backfill(known.id);
        return Ok(Change::new("kpis.backfill.cancel", name).in_answer(back(known.id, "stopped")));
    }
    let (from, again, now) = (field(&body, "from"), field(&body, "again") == "true", wing.clock.now_ms());
    let day = Period::parse(&from).filter(|day| day.grain() == Grain::Day);
    let begun = day.and_then(|day| wing.desk.calendar_of(&known.kpi).window(day));
    let begun = begun.ok_or_else(|| format!("from: read {from:?}, expected a day such as 2026-01-31"));
    let begun = match begun {
        Ok(window) => wing.collector.backfill(&known, window.start, now, again).await.map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    match begun {
        Ok(_) => Ok(Change::new("kpis.backfill", name).after(json!({ "from": from, "again": again })).in_answer(back(known.id, "filling"))),
        Err(why) => show(&state, asked, &id, StatusCode::BAD_REQUEST, why).await,
    }
}

/// A number that somebody wrote: `10,000.5`.
fn number(text: &str) -> Option<f64> {
    text.replace([',', ' ', '\u{a0}'], "").parse().ok().filter(|value: &f64| value.is_finite())
}

fn correction(body: &[u8]) -> Result<Sent, String> {
    let (period, value, segment) = (field(body, "period"), field(body, "value"), field(body, "segment"));
    let at = Period::parse(&period).ok_or_else(|| format!("period: read {period:?}, expected one such as 2026-11-22"))?;
    let number = number(&value).ok_or_else(|| format!("value: read {value:?}, expected a number"))?;
    let segment = match segment.as_str() {
        "" => None,
        text => {
            let (label, value) = text.split_once('=').ok_or_else(|| format!("segment: read {text:?}, expected one such as plan=pro"))?;
            Some((label.trim().to_owned(), value.trim().to_owned()))
        }
    };
    Ok(Sent { value: number, at: At::In(at), segment })
}

/// `POST /business/{id}/correct`: `period`, `value`, `segment`.
async fn correct(State(state): Shared, Path(id): Path<String>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let Some(known) = found(&state, &id) else { return Ok(missing(&asked, &state, &id)) };
    let done = match correction(&body) {
        Ok(sent) => state.wing.collector.correct(&known, sent).await.map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    match done {
        Ok(before) => {
            let after = json!({ "period": field(&body, "period"), "value": field(&body, "value"), "segment": field(&body, "segment") });
            let change = Change::new("kpis.correct", &known.kpi.name).before(json!({ "value": before })).after(after);
            Ok(change.in_answer(back(known.id, "corrected")))
        }
        Err(why) => show(&state, asked, &id, StatusCode::BAD_REQUEST, why).await,
    }
}

/// `POST /business/{id}/note`: `day` and `text` of a new one, or `drop` (when it was) and `text` of one to be deleted.
async fn note(State(state): Shared, Path(id): Path<String>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let Some(known) = found(&state, &id) else { return Ok(missing(&asked, &state, &id)) };
    let (text, tags) = (field(&body, "text"), vec![TAG.to_owned(), own_tag(known.id)]);
    let of = |at: i64| Happening { at, until: at, text: text.clone(), tags, by: asked.caller.actor(), path: String::new() };
    if let Ok(at) = field(&body, "drop").parse() {
        return match state.marks.forget(of(at)).await {
            Ok(_) => Ok(Change::new("kpis.note.delete", &known.kpi.name)
                .before(json!({ "text": text }))
                .in_answer(back(known.id, "note-deleted"))),
            Err(why) => show(&state, asked, &id, StatusCode::SERVICE_UNAVAILABLE, why).await,
        };
    }
    let (wing, now) = (&state.wing, state.wing.clock.now_ms());
    let day = Period::parse(&field(&body, "day")).filter(|day| day.grain() == Grain::Day);
    let window = day.and_then(|day| wing.desk.calendar_of(&known.kpi).window(day)).filter(|window| window.start <= now);
    let wrong = match &window {
        None => "day: expected one that has begun, such as 2026-01-31".to_owned(),
        Some(_) if text.is_empty() || text.chars().count() > NOTE_CHARS_MAX => format!("note: expected 1 to {NOTE_CHARS_MAX} characters"),
        Some(_) => String::new(),
    };
    let Some(window) = window.filter(|_| wrong.is_empty()) else { return show(&state, asked, &id, StatusCode::BAD_REQUEST, wrong).await };
    // Today's is of now, others of the noon of their day.
    let at = if window.contains(&now) { now } else { window.start + (window.end - window.start) / 2 };
    match state.marks.mark(of(at)).await {
        Ok(()) => Ok(Change::new("kpis.note", &known.kpi.name)
            .after(json!({ "text": text, "day": field(&body, "day") }))
            .in_answer(back(known.id, "noted"))),
        Err(why) => show(&state, asked, &id, StatusCode::BAD_REQUEST, why).await,
    }
}
