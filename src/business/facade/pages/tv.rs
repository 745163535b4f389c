//! Every KPI for a wall.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::home::tile;
use super::{OFTEN, PageState, unread, with};
use crate::access::{Policy, Routes};
use crate::business::outlook;
use crate::business::pages::tv::{self, TvInput};
use crate::platform::http::problem::Problem;
use crate::ui::asked::{Asked, shell_at, work};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::look::Theme;

pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    Routes::new().route("GET", links::BUSINESS_TV, Policy::READ, with(get(tv_route), state))
}

/// `GET /business/tv?theme=`: dark unless it says otherwise.
async fn tv_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, _| {
        let mut shell = shell_at(&asked, state, key("Business"), links::BUSINESS_TV).with_refresh(OFTEN);
        shell.is_alone = true;
        shell.look.theme = shell.param("theme").map_or(Theme::Dark, Theme::parse);
        let wing = &state.wing;
        let shown = outlook::home(&wing.store, &wing.desk, wing.clock.now_ms()).map_err(|error| unread(&error))?;
        let kpis = shown.iter().filter(|shown| !shown.known.kpi.paused).map(|shown| tile(state, shown, shell.lang())).collect();
        Ok(asked.page(StatusCode::OK, tv::render(&TvInput { kpis }, &shell)))
    })
    .await?
}
