//! The pages' routes: takes what a page needs from the rooms, hands it to the page.

use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;

use super::look::usual_span;
use super::{Metrics, home, page_inputs};
use crate::access::{Change, Policy, Routes};
use crate::base::cancel::Cancel;
use crate::metrics::pages::chart::{ChartFrame, ChartRequest};
use crate::metrics::pages::{cardinality, catalogue, explore, home as home_page, pushed, status, targets};
use crate::metrics::query::parse::parse;
use crate::platform::http::problem::Problem;
use crate::series::ports::{Answer, EvaluateError, Question, When};
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::nav::Page;
use crate::ui::shell::{Banner, Shell};
use crate::ui::{assets, links, look};

/// Every page with who may look at it.
pub(super) fn routes(metrics: &Arc<Metrics>) -> Routes {
    let with = |handler: axum::routing::MethodRouter<Arc<Metrics>>| handler.with_state(Arc::clone(metrics));
    Routes::new()
        .route("GET", links::HOME, Policy::READ, with(get(home_route)))
        .route("GET", links::EXPLORE, Policy::READ, with(get(explore_route)))
        .route("GET", links::TARGETS, Policy::READ, with(get(targets_route)))
        .route("GET", links::CATALOGUE, Policy::READ, with(get(catalogue_route)))
        .route("GET", links::CARDINALITY, Policy::READ, with(get(cardinality_route)))
        .route("GET", links::PUSHED, Policy::READ, with(get(pushed_route)))
        .route("POST", links::PUSHED_DELETE, Policy::EDIT, with(post(pushed_delete)))
        .route("GET", links::STATUS, Policy::READ, with(get(status_route)))
        .route("GET", "/graph", Policy::READ, get(graph_route))
        .route("GET", links::CHART, Policy::READ, with(get(chart_route)))
        .route("POST", links::LOOK, Policy::Public, post(look::choose))
        .route("GET", links::ASSETS, Policy::Public, get(assets::handler))
}

fn shell_of(asked: &Asked, metrics: &Metrics, current: Page, title: &str) -> Shell {
    let mut visit = asked.visit(metrics.clock.now_ms());
    visit.banners = metrics.server.runtime().reload.error.iter().map(|error| Banner::reload_failed(error)).collect();
    visit.targets_down = page_inputs::targets_down(metrics);
    Shell::new(current, title, visit)
}

/// Makes a page on a blocking thread, since filling it asks storage.
async fn make(metrics: Arc<Metrics>, asked: Asked, work: impl FnOnce(&Metrics, &Asked) -> String + Send + 'static) -> Response {
    let made = tokio::task::spawn_blocking(move || {
        let body = work(&metrics, &asked);
        asked.page(StatusCode::OK, body)
    });
    made.await.unwrap_or_else(|error| Problem::internal(&error).into_response())
}

async fn home_route(State(metrics): State<Arc<Metrics>>, asked: Asked) -> Response {
    make(metrics, asked, |metrics, asked| {
        let (from, _) = usual_span(metrics.storage.as_ref(), metrics.clock.now_ms());
        let shell = shell_of(asked, metrics, Page::Home, key("Home")).with_range(from).with_refresh("5s");
        home_page::render(&home::input(metrics, asked.counts.clone()), &shell)
    })
    .await
}

async fn targets_route(State(metrics): State<Arc<Metrics>>, asked: Asked) -> Response {
    make(metrics, asked, |metrics, asked| {
        let shell = shell_of(asked, metrics, Page::Targets, key("Targets")).with_refresh("5s");
        targets::render(&page_inputs::targets(metrics, asked.query()), &shell)
    })
    .await
}

async fn catalogue_route(State(metrics): State<Arc<Metrics>>, asked: Asked) -> Response {
    make(metrics, asked, |metrics, asked| {
        let shell = shell_of(asked, metrics, Page::Metrics, key("Metrics"));
        catalogue::render(&page_inputs::catalogue(metrics, asked.query()), &shell)
    })
    .await
}

async fn cardinality_route(State(metrics): State<Arc<Metrics>>, asked: Asked) -> Response {
    make(metrics, asked, |metrics, asked| {
        let shell = shell_of(asked, metrics, Page::Cardinality, key("Cardinality"));
        cardinality::render(&page_inputs::cardinality(metrics, shell.lang()), &shell)
    })
    .await
}

async fn pushed_route(State(metrics): State<Arc<Metrics>>, asked: Asked) -> Response {
    make(metrics, asked, |metrics, asked| {
        let shell = shell_of(asked, metrics, Page::Pushed, key("Pushed groups"));
        let filter = shell.param("text").unwrap_or("").to_owned();
        pushed::render(&page_inputs::pushed(metrics, filter), &shell)
    })
    .await
}

async fn pushed_delete(State(metrics): State<Arc<Metrics>>, body: axum::body::Bytes) -> Response {
    let id = form_urlencoded::parse(&body).find(|(name, _)| name == "group").map(|(_, value)| value.into_owned()).unwrap_or_default();
    let group = id.clone();
    let deleted = tokio::task::spawn_blocking(move || page_inputs::delete_group(&metrics, &id)).await;
    match deleted {
        Ok(Ok(series)) => {
            let before = serde_json::json!({ "series": series });
            Change::new("push.delete", group).before(before).in_answer(Redirect::to(links::PUSHED).into_response())
        }
        Ok(Err(why)) => Problem::new(StatusCode::NOT_FOUND, why).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

async fn status_route(State(metrics): State<Arc<Metrics>>, asked: Asked) -> Response {
    make(metrics, asked, |metrics, asked| {
        let shell = shell_of(asked, metrics, Page::Status, key("Status"));
        status::render(&page_inputs::status(metrics), &shell)
    })
    .await
}

async fn explore_route(State(metrics): State<Arc<Metrics>>, asked: Asked) -> Response {
    let asked_query = explore::ExploreQuery::from_query(asked.query());
    let now_ms = metrics.clock.now_ms();
    let (from, _) = usual_span(metrics.storage.as_ref(), now_ms);
    let range = crate::ui::range::PageRange::from_query(asked.query(), from);
    let at_ms = range.resolve(now_ms).map_or(now_ms, |range| range.end);
    let started = metrics.clock.monotonic();
    // Tables are made here. Graphs ask for their own data: their queries are only read, to say what is wrong with them.
    let answers = match asked_query.view {
        explore::View::Table => answer_all(&metrics, asked_query.queries.clone(), When::Instant(at_ms)).await,
        explore::View::Graph | explore::View::Stacked => Vec::new(),
    };
    let took = metrics.clock.monotonic().saturating_sub(started);
    make(metrics, asked, move |metrics, asked| {
        let shell = shell_of(asked, metrics, Page::Metrics, key("Metrics")).with_range(from).with_refresh("off");
        let suggestions = if asked_query.queries.is_empty() { page_inputs::suggestions(metrics) } else { Vec::new() };
        let errors = match asked_query.view {
            explore::View::Table => Vec::new(),
            explore::View::Graph | explore::View::Stacked => asked_query.queries.iter().map(|query| refused(metrics, query)).collect(),
        };
        let took_ms = u64::try_from(took.as_millis()).ok();
        let input = explore::ExploreInput { asked: asked_query, answers, errors, at_ms, took_ms, suggestions };
        explore::render(&input, &shell)
    })
    .await
}

async fn chart_route(State(metrics): State<Arc<Metrics>>, OriginalUri(uri): OriginalUri) -> Response {
    let request = match ChartRequest::parse(uri.query().unwrap_or(""), metrics.clock.now_ms()) {
        Ok(request) => request,
        Err(why) => return (StatusCode::BAD_REQUEST, Json(ChartFrame::refused(why))).into_response(),
    };
    let answers = answer_all(&metrics, request.queries.clone(), request.when()).await;
    Json(ChartFrame::new(&request, &answers)).into_response()
}

/// Why a query cannot be read, if so.
fn refused(metrics: &Metrics, query: &str) -> Option<EvaluateError> {
    if query.len() > crate::base::limits::QUERY_BYTES_MAX {
        let message = format!("the query is longer than {} bytes", crate::base::limits::QUERY_BYTES_MAX);
        return Some(EvaluateError::Invalid { message, span: None });
    }
    let errors = parse(query, &metrics.api.engine.options().parse).err()?;
    let span = errors.first().span;
    Some(EvaluateError::Invalid { message: errors.to_string(), span: Some((span.start as usize, span.end as usize)) })
}

/// Evaluates queries one after the other, off the reactor, each within the server's time.
async fn answer_all(metrics: &Arc<Metrics>, queries: Vec<String>, when: When) -> Vec<Result<Answer, EvaluateError>> {
    let mut answers = Vec::with_capacity(queries.len());
    for query in queries {
        let (evaluate, cancel) = (Arc::clone(&metrics.evaluate), Cancel::new());
        let inner = cancel.clone();
        let work = move || evaluate.evaluate(&Question { query: &query, when, cancel: inner });
        let answer = metrics.api.work.run(metrics.api.query_timeout, &cancel, work).await;
        answers.push(answer.unwrap_or_else(|error| Err(EvaluateError::Execution(error.to_string()))));
    }
    answers
}

/// Links that Prometheus and its alerts carry (`/graph?g0.expr=…`) open the explorer.
async fn graph_route(OriginalUri(uri): OriginalUri) -> Redirect {
    let params: Vec<(String, String)> = form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    let value = |name: &str| params.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let queries =
        params.iter().filter(|(name, _)| name.starts_with('g') && name.ends_with(".expr")).map(|(_, query)| ("q", query.as_str()));
    let mut asked: Vec<(&str, &str)> = queries.collect();
    let from = value("g0.range_input").map(|range| format!("now-{range}"));
    asked.extend(from.as_deref().map(|from| ("from", from)));
    if value("g0.tab") == Some("1") || value("g0.tab") == Some("table") {
        asked.push(("view", "table"));
    }
    Redirect::to(&links::with(links::EXPLORE, &asked))
}
