//! Pages of checks: the list, one check, its form, what is tried before it is kept, what is brought in.

mod bring;
mod forms;
mod tries;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use http::StatusCode;

use self::tries::Tries;
use super::{PageState, shell_at, work};
use crate::access::{Policy, Role, Routes};
use crate::base::location::Location;
use crate::platform::db::DbError;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::shell::Shell;
use crate::ui::{links, problem};
use crate::uptime::model::incident::IncidentOf;
use crate::uptime::model::window::Window;
use crate::uptime::pages::check::{self, BARS_DAYS, CheckInput, INCIDENTS_MAX, RANGES};
use crate::uptime::pages::draft::Draft;
use crate::uptime::pages::edit::{self, EditInput, NAMES_MAX, Tried};
use crate::uptime::pages::list::{self, Filter, ListInput, Past};
use crate::uptime::pages::strip::{self, Reach};
use crate::uptime::report::period;
use crate::uptime::watch::desk::Desk;

/// How often pages refresh.
const OFTEN: &str = "5s";
const DAY: i64 = 86_400_000;
/// Hours from which on they tell how fast a check answers.
const HOURS_LEAST: usize = 4;

/// What the pages of checks work with.
pub(super) struct Checks {
    pages: Arc<PageState>,
    tries: Tries,
}

/// Every page with who may look at it.
pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    let state = Arc::new(Checks { pages: Arc::clone(state), tries: Tries::default() });
    let with = |method: MethodRouter<Arc<Checks>>| method.with_state(Arc::clone(&state));
    Routes::new()
        .route("GET", links::UPTIME, read, with(get(list_route)))
        .route("POST", links::UPTIME, edit, with(post(forms::act)))
        .route("GET", links::UPTIME_NEW, read, with(get(new_route)))
        .route("POST", links::UPTIME_SAVE, edit, with(post(forms::save)))
        .route("POST", links::UPTIME_TRY, edit, with(post(tries::route)))
        .route("GET", links::UPTIME_IMPORT, edit, with(get(bring::page)))
        .route("POST", links::UPTIME_IMPORT, edit, with(post(bring::route)))
        .route("GET", links::UPTIME_CHECK, read, with(get(check_route)))
        .route("GET", links::UPTIME_EDIT, read, with(get(edit_route)))
        .route("POST", links::UPTIME_NOTE, edit, with(post(forms::note)))
}

fn unavailable(error: &DbError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(5)
}

/// The number in an address, if there is such a check.
fn known(desk: &Desk, id: &str) -> Option<i64> {
    id.parse().ok().filter(|id| desk.view(*id).is_some())
}

/// What the list says beside itself.
#[derive(Default)]
struct Told {
    status: StatusCode,
    problem: String,
    url: String,
    doomed: Vec<i64>,
    /// Whether those are all that match.
    is_every: bool,
}

async fn list_route(State(state): State<Arc<Checks>>, asked: Asked) -> Result<Response, Problem> {
    show_list(&state, asked, Told::default()).await
}

async fn show_list(state: &Arc<Checks>, asked: Asked, told: Told) -> Result<Response, Problem> {
    work(&state.pages, move |state, _| {
        let shell = shell_at(&asked, state, key("Uptime"), links::UPTIME).with_refresh(OFTEN);
        let filter = Filter::from_query(asked.query());
        let views = state.desk.views();
        let chosen = list::choose(&views, &filter);
        let windows = filter.reach.windows(shell.now_ms);
        let mut past = HashMap::new();
        for id in chosen.ids() {
            past.insert(id, past_of(&state.desk, id, &windows, filter.reach).map_err(|error| unavailable(&error))?);
        }
        let input = ListInput {
            views,
            chosen,
            filter,
            windows,
            past,
            doomed: told.doomed,
            is_every: told.is_every,
            done: asked.param("done"),
            problem: told.problem,
            url: told.url,
            may_change: shell.has_role(Role::Editor),
        };
        Ok(asked.page(told.status, list::render(&input, &shell)))
    })
    .await?
}

/// The past of a check that is on the page. How fast it answered is told by its newest results where bars are short, and
/// by hours where they are long.
fn past_of(desk: &Desk, id: i64, windows: &[Window], reach: Reach) -> Result<Past, DbError> {
    let (Some(first), Some(last)) = (windows.first(), windows.last()) else { return Ok(Past::default()) };
    let whole = Window::new(first.from, last.until);
    let mut took: Vec<f64> = Vec::new();
    if reach != Reach::Hours4 {
        let hours = desk.hours(id, Window::new(whole.from.max(last.until - 30 * DAY), whole.until))?;
        took.extend(hours.iter().filter_map(|hour| hour.latencies.mean()).map(|mean| mean.as_secs_f64()));
    }
    // A check that was just made has no hours yet.
    if took.len() < HOURS_LEAST {
        let beats = desk.beats(id);
        took = beats.iter().filter(|beat| beat.is_up && beat.at >= whole.from).map(|beat| beat.took.as_secs_f64()).collect();
    }
    Ok(Past { tallies: desk.tallies(id, windows)?, took, is_maintained: desk.is_maintained(id) })
}

fn missing(asked: &Asked, state: &PageState, id: &str) -> Response {
    let shell = shell_at(asked, state, key("Uptime"), links::UPTIME);
    let (headline, text) = (shell.t("There is no such check"), shell.t("It was deleted, or never was. The list has those of now."));
    asked.page(StatusCode::NOT_FOUND, problem::problem(&shell, 404, headline, text, id))
}

async fn check_route(State(state): State<Arc<Checks>>, Path(id): Path<String>, asked: Asked) -> Result<Response, Problem> {
    show_check(&state, id, asked, StatusCode::OK, String::new()).await
}

async fn show_check(state: &Arc<Checks>, id: String, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(&state.pages, move |state, _| {
        let desk = &state.desk;
        let Some((id, view)) = known(desk, &id).and_then(|id| Some((id, desk.view(id)?))) else { return Ok(missing(&asked, state, &id)) };
        let shell = shell_at(&asked, state, &view.check.name, &links::check(id)).with_range("now-6h").with_refresh(OFTEN);
        let input = check_input(state, &asked, (id, view), &shell, problem).map_err(|error| unavailable(&error))?;
        Ok(asked.page(status, check::render(&input, &shell)))
    })
    .await?
}

/// For how long a check was down in the month of now, and how long that is.
fn month_of(desk: &Desk, id: i64, now: i64) -> Result<(i64, i64), DbError> {
    let month = period::month_of(now, Location::Utc).and_then(|month| period::window(month, Location::Utc));
    let month = month.unwrap_or_else(|| Window::new(now, now));
    let so_far = desk.tallies(id, &[Window::new(month.from, now)])?;
    Ok((so_far.first().map_or(0, |tally| tally.down), month.length()))
}

fn check_input(
    state: &PageState,
    asked: &Asked,
    (id, view): (i64, crate::uptime::watch::watcher::View),
    shell: &Shell,
    problem: String,
) -> Result<CheckInput, DbError> {
    let (desk, now) = (&state.desk, shell.now_ms);
    let figures = RANGES.iter().map(|(days, _)| desk.figures(id, Window::new(now - days * DAY, now))).collect::<Result<_, _>>()?;
    let month = month_of(desk, id, now)?;
    let windows = strip::days(BARS_DAYS, now);
    let tallies = desk.tallies(id, &windows)?;
    let incidents = desk.incidents(Some(id), Window::new(now - 365 * DAY, now + 1), INCIDENTS_MAX)?;
    let with_overlap = |IncidentOf { incident, .. }: IncidentOf| {
        let overlap = desk.in_maintenance(id, &incident);
        (incident, overlap)
    };
    let may_change = shell.has_role(Role::Editor);
    let heartbeat = match &view.check.heartbeat {
        Some(heartbeat) if may_change && !heartbeat.token.is_empty() => {
            format!("{}/api/v1/heartbeats/{}", asked.base_url(&state.external_url), heartbeat.token.expose())
        }
        _ => String::new(),
    };
    Ok(CheckInput {
        id,
        view,
        views: desk.views(),
        figures,
        month,
        bars: (windows, tallies),
        incidents: incidents.into_iter().map(with_overlap).collect(),
        beats: desk.beats(id),
        is_maintained: desk.is_maintained(id),
        heartbeat,
        file: desk.file_of(id).unwrap_or_default(),
        done: asked.param("done"),
        problem,
        may_change,
    })
}

async fn new_route(State(state): State<Arc<Checks>>, asked: Asked) -> Result<Response, Problem> {
    let from = asked.param("from");
    let now = state.pages.clock.now_ms();
    let draft = match known(&state.pages.desk, &from).and_then(|id| Some((id, state.pages.desk.view(id)?))) {
        Some((id, view)) => check::copied(&view.check, id, &Shell::new(crate::ui::nav::Page::Uptime, "", asked.visit(now))),
        None => Draft::new(&asked.param("kind")),
    };
    show_form(&state, asked, draft, Tried::Nothing, StatusCode::OK, String::new()).await
}

async fn edit_route(State(state): State<Arc<Checks>>, Path(id): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let found = known(&state.pages.desk, &id).and_then(|id| Some((id, state.pages.desk.view(id)?)));
    let Some((id, view)) = found else { return Ok(missing(&asked, &state.pages, &id)) };
    let mut draft = Draft::of(&view.check);
    draft.id = Some(id);
    show_form(&state, asked, draft, Tried::Nothing, StatusCode::OK, String::new()).await
}

async fn show_form(
    state: &Arc<Checks>,
    asked: Asked,
    draft: Draft,
    tried: Tried,
    status: StatusCode,
    problem: String,
) -> Result<Response, Problem> {
    work(&state.pages, move |state, _| {
        let existing = draft.id.and_then(|id| state.desk.view(id)).map(|view| view.check.name.clone()).unwrap_or_default();
        let path = draft.id.map_or_else(|| links::UPTIME_NEW.to_owned(), links::check_edit);
        let title = if existing.is_empty() { key("New check") } else { existing.as_str() };
        let shell = shell_at(&asked, state, title, &path);
        let views = state.desk.views();
        let others = views.iter().filter(|(id, _)| Some(**id) != draft.id).map(|(_, view)| view.check.name.clone());
        let names = others.take(NAMES_MAX).collect();
        let input = EditInput { names, existing, draft, tried, problem, may_change: shell.has_role(Role::Editor) };
        asked.page(status, edit::render(&input, &shell))
    })
    .await
}
