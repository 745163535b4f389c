//! The page of the morning.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::{OFTEN, PageState, unread, with};
use crate::access::{Policy, Role, Routes};
use crate::base::time::TimeRange;
use crate::business::facade::costs::ByKpis;
use crate::business::model::value::Standing;
use crate::business::outlook::{self, Shown};
use crate::business::pages::figure::Figures;
use crate::business::pages::home::{self, HomeInput, Incident, Tile};
use crate::platform::http::problem::Problem;
use crate::series::ports::{Costs, IncidentThen};
use crate::ui::asked::{Asked, shell_at, work};
use crate::ui::lang::{Lang, key};
use crate::ui::{format, links};

/// For how long what was down is shown.
const LATELY_MS: i64 = 86_400_000;
/// What was down at most: who has more looks at the page of incidents.
const INCIDENTS_MAX: usize = 3;

pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    Routes::new().route("GET", links::BUSINESS, Policy::READ, with(get(home_route), state))
}

async fn home_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, _| {
        let shell = shell_at(&asked, state, key("Business"), links::BUSINESS).with_refresh(OFTEN);
        let wing = &state.wing;
        let shown = outlook::home(&wing.store, &wing.desk, wing.clock.now_ms()).map_err(|error| unread(&error))?;
        let kpis = shown.iter().map(|shown| tile(state, shown, shell.lang())).collect();
        let incidents = if shown.is_empty() { Vec::new() } else { incidents(state) };
        let input = HomeInput { incidents, kpis, done: asked.param("done"), may_change: shell.has_role(Role::Editor) };
        Ok(asked.page(StatusCode::OK, home::render(&input, &shell)))
    })
    .await?
}

/// What is down, and what was until a day ago, with what it cost.
fn incidents(state: &PageState) -> Vec<Incident> {
    let now = state.wing.clock.now_ms();
    let found = state.incidents.within(TimeRange::new(now - LATELY_MS, now), INCIDENTS_MAX).unwrap_or_else(|why| {
        tracing::warn!(why, "what was down lately is not known");
        Vec::new()
    });
    let costs = ByKpis(Arc::clone(&state.wing));
    let one = |then: IncidentThen| Incident { costs: costs.within(TimeRange::new(then.from, then.until.unwrap_or(now))), then };
    found.into_iter().map(one).collect()
}

/// A KPI as the page shows it.
pub(super) fn tile(state: &PageState, shown: &Shown, lang: Lang) -> Tile {
    let Shown { known, period, value, .. } = shown;
    let ended = shown.line.iter().rev().find(|value| value.standing != Standing::Running);
    let last = ended.filter(|ended| value.as_ref().is_some_and(|value| value.period != ended.period));
    // Where this period has no value yet, the newest there is stands for it, and says so.
    let period = value.as_ref().map_or(*period, |value| value.period);
    let figures = Figures::of(&known.kpi);
    Tile {
        id: known.id,
        name: known.kpi.name.clone(),
        group: known.kpi.group.clone(),
        period: format::period(period, lang),
        is_running: value.as_ref().is_some_and(|value| value.standing == Standing::Running),
        value: value.as_ref().map(|value| value.value),
        last: last.map(|last| (format::period(last.period, lang), last.value)),
        before: shown.before,
        year_before: shown.year_before,
        progress: shown.progress,
        spark: shown.line.iter().map(|value| value.value).collect(),
        why: shown.why.as_ref().map(|why| (format!("{} = {}", why.segment.label, why.segment.value), why.by)),
        better: known.kpi.better,
        is_paused: known.kpi.paused,
        is_restated: value.as_ref().is_some_and(|value| value.first.is_some()),
        problem: state.wing.collector.trouble(known.id).map(|trouble| trouble.why).unwrap_or_default(),
        figures,
    }
}
