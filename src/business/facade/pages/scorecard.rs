//! The scorecard, as a page and as files.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::{PageState, unread, with};
use crate::access::{Policy, Role, Routes};
use crate::base::period::{Grain, Period};
use crate::business::model::value::Standing;
use crate::business::outlook::{self, Past};
use crate::business::pages::figure::Figures;
use crate::business::pages::scorecard::{self, Cell, GRAINS, Row, ScorecardInput};
use crate::platform::db::DbError;
use crate::platform::http::download::file;
use crate::platform::http::problem::Problem;
use crate::platform::pdf;
use crate::ui::asked::{Asked, Pages, shell_at, work};
use crate::ui::lang::key;
use crate::ui::{links, print};

type Shared = State<Arc<PageState>>;

pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    Routes::new()
        .route("GET", links::SCORECARD, Policy::READ, with(get(page), state))
        .route("GET", links::SCORECARD_CSV, Policy::READ, with(get(csv), state))
        .route("GET", links::SCORECARD_PDF, Policy::READ, with(get(print_out), state))
}

/// What was asked for: periods of a length (`by`), the last of which is `until`; what cannot be read is said.
fn wanted(state: &PageState, asked: &Asked) -> Result<(Period, i64, bool), &'static str> {
    let (by, until) = (asked.param("by"), asked.param("until"));
    let (grain, _, count) = GRAINS.iter().find(|(grain, ..)| grain.as_str() == by).unwrap_or(&GRAINS[0]);
    let current = state.wing.desk.calendar().period(*grain, state.now_ms()).ok_or("the calendar ends before")?;
    let until = if until.is_empty() { Some(current) } else { Period::parse(&until).filter(|until| until.grain() == *grain) };
    let until = until.ok_or(key("Expected a period such as 2026-11, 2026-W47, 2026-Q4 or 2026."))?.min(current);
    Ok((until, *count, until == current))
}

/// Blocking.
fn input(state: &PageState, (until, count, is_running): (Period, i64, bool)) -> Result<ScorecardInput, DbError> {
    let periods: Vec<Period> = (0..count).rev().map(|back| until.shifted(-back)).collect();
    let wing = &state.wing;
    let all = outlook::past(&wing.store, &wing.desk, until, count)?;
    let over = if is_running { until.before() } else { until };
    let rows = all.iter().filter(|past| !past.known.kpi.paused).map(|past| row(past, &periods, over)).collect();
    Ok(ScorecardInput { periods, is_running, rows, has_pdf: print::fonts().is_some(), problem: String::new(), may_change: false })
}

fn row(past: &Past, periods: &[Period], over: Period) -> Row {
    let kpi = &past.known.kpi;
    let cell = |period: &Period| {
        let value = past.value(*period);
        Cell {
            value: value.map(|value| value.value),
            progress: past.progress(*period),
            is_running: value.is_some_and(|value| value.standing == Standing::Running),
            is_restated: value.is_some_and(|value| value.first.is_some()),
        }
    };
    let collected = kpi.collected.grain();
    Row {
        id: past.known.id,
        name: kpi.name.clone(),
        group: kpi.group.clone(),
        owner: kpi.owner.clone(),
        unit: if kpi.currency.is_empty() { kpi.unit.as_str().to_owned() } else { kpi.currency.clone() },
        figures: Figures::of(kpi),
        cells: periods.iter().map(cell).collect(),
        before: past.change(over.before(), over),
        year_before: past.change(over.year_before(), over),
        counted_by: Some(collected).filter(|grain| *grain > over.grain().max(Grain::Day)),
    }
}

async fn page(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, _| {
        let shell = shell_at(&asked, state, key("Scorecard"), links::SCORECARD);
        let (status, problem, wanted) = match wanted(state, &asked) {
            Ok(wanted) => (StatusCode::OK, "", wanted),
            Err(why) => {
                let current = state.wing.desk.calendar().period(Grain::Month, state.now_ms());
                let current = current.ok_or_else(|| Problem::bad_request(why.to_owned()))?;
                (StatusCode::BAD_REQUEST, why, (current, GRAINS[0].2, true))
            }
        };
        let mut input = input(state, wanted).map_err(|error| unread(&error))?;
        input.problem = shell.t(problem).to_owned();
        input.may_change = shell.has_role(Role::Editor);
        Ok(asked.page(status, scorecard::render(&input, &shell)))
    })
    .await?
}

/// What files are made of. Blocking.
fn file_input(state: &PageState, asked: &Asked) -> Result<ScorecardInput, Problem> {
    let wanted = wanted(state, asked).map_err(|why| Problem::bad_request(why.to_owned()))?;
    input(state, wanted).map_err(|error| unread(&error))
}

async fn csv(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, _| {
        let input = file_input(state, &asked)?;
        let name = format!("{}.csv", scorecard::file_name(&input));
        Ok(file(scorecard::table(&input), "text/csv; charset=utf-8", &name))
    })
    .await?
}

async fn print_out(State(state): Shared, asked: Asked) -> Result<Response, Problem> {
    let Some(fonts) = print::fonts() else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "this program was built without its web interface, and has no fonts to print with",
        ));
    };
    work(&state, move |state, _| {
        let lang = shell_at(&asked, state, key("Scorecard"), links::SCORECARD).lang();
        let input = file_input(state, &asked)?;
        let name = format!("{}.pdf", scorecard::file_name(&input));
        Ok(file(pdf::write(&scorecard::sheet(&input, lang), fonts), "application/pdf", &name))
    })
    .await?
}
