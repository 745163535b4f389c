//! The pages' routes: takes what a page needs from the rooms, hands it to the page.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};

use super::look::usual_span;
use super::{Metrics, home, page_inputs};
use crate::access::{Change, Policy, Role, Routes};
use crate::base::cancel::Cancel;
use crate::base::limits::BODY_BYTES_MAX;
use crate::metrics::api::catalogue::{change, own_of};
use crate::metrics::model::catalogue::{Catalogue, NotDescribed};
use crate::metrics::pages::chart::{ChartFrame, ChartRequest};
use crate::metrics::pages::metric::MetricInput;
use crate::metrics::pages::send::{Answer as SendAnswer, Fields, SendInput};
use crate::metrics::pages::{cardinality, catalogue, explore, home as home_page, metric, pushed, send, status, targets, vitals};
use crate::metrics::query::parse::parse;
use crate::platform::http::extract::{field, read_body};
use crate::platform::http::problem::Problem;
use crate::series::ports::{Answer, EvaluateError, Question, When};
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::nav::Page;
use crate::ui::shell::{Banner, Shell};
use crate::ui::{assets, links, look, problem};

/// Every page with who may look at it.
pub(super) fn routes(metrics: &Arc<Metrics>) -> Routes {
    let with = |handler: axum::routing::MethodRouter<Arc<Metrics>>| handler.with_state(Arc::clone(metrics));
    Routes::new()
        .route("GET", links::HOME, Policy::READ, with(get(home_route)))
        .route("GET", links::EXPLORE, Policy::READ, with(get(explore_route)))
        .route("GET", links::TARGETS, Policy::READ, with(get(targets_route)))
        .route("GET", links::CATALOGUE, Policy::READ, with(get(catalogue_route)))
        .route("GET", links::METRIC, Policy::READ, with(get(metric_route)))
        .route("POST", links::METRIC_DESCRIBE, Policy::EDIT, with(post(describe_metric)))
        .route("GET", links::SEND, Policy::READ, with(get(send_route)))
        .route("POST", links::SEND, Policy::WRITE_METRICS, with(post(send_one)))
        .route("GET", links::VITALS, Policy::READ, with(get(vitals_route)))
        .route("GET", links::VITALS_SCRIPT, Policy::Public, get(vitals_script))
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
        catalogue::render(&page_inputs::catalogue(metrics, asked.query()), &shell, &|name| metrics.labels(name))
    })
    .await
}

/// A metric's page, as it is or after a form was refused.
async fn show_metric(metrics: Arc<Metrics>, asked: Asked, name: String, refused: Option<(StatusCode, Refused)>) -> Response {
    let made = tokio::task::spawn_blocking(move || {
        let mut visit = asked.visit(metrics.clock.now_ms());
        let path = links::metric(&name);
        visit.path = &path;
        visit.targets_down = page_inputs::targets_down(&metrics);
        let Some(detail) = metrics.detail(&name) else {
            let shell = Shell::new(Page::Metrics, key("Metrics"), visit);
            let (headline, text) =
                (shell.t("There is no such metric"), shell.t("Nothing of that name is stored. The list has those that are."));
            return asked.page(StatusCode::NOT_FOUND, problem::problem(&shell, 404, headline, text, &name));
        };
        let (from, _) = usual_span(metrics.storage.as_ref(), metrics.clock.now_ms());
        let shell = Shell::new(Page::Metrics, &name, visit).with_range(from).with_refresh("off");
        let may_change = shell.has_role(Role::Editor);
        let (status, sent, problem) = match refused {
            Some((status, Refused { sent, why })) => (status, Some(sent), why),
            None => (StatusCode::OK, None, String::new()),
        };
        let input = MetricInput { detail, sent, problem, done: asked.param("done"), may_change };
        asked.page(status, metric::render(&input, &shell))
    });
    made.await.unwrap_or_else(|error| Problem::internal(&error).into_response())
}

async fn metric_route(State(metrics): State<Arc<Metrics>>, Path(name): Path<String>, asked: Asked) -> Response {
    show_metric(metrics, asked, name, None).await
}

/// A description that was refused: description, unit, category; and why.
struct Refused {
    sent: (String, String, String),
    why: String,
}

/// `POST /catalogue/{name}/describe`: keeps what somebody says of a metric, or takes it back; `from` is the metric whose page
/// was looked at.
async fn describe_metric(State(metrics): State<Arc<Metrics>>, Path(name): Path<String>, asked: Asked, body: Bytes) -> Response {
    let sent = (field(&body, "description"), field(&body, "unit"), field(&body, "category"));
    let from = Some(field(&body, "from")).filter(|from| !from.is_empty()).unwrap_or_else(|| name.clone());
    let to = |done: &str| Redirect::to(&links::with(&links::metric(&from), &[("done", done)])).into_response();
    let is_forget = !field(&body, "forget").is_empty();
    let changed = if is_forget {
        metrics.forget(name.clone()).await.map(|before| change(&name, before.as_ref(), None).in_answer(to("forgotten")))
    } else {
        match own_of(&sent.0, &sent.1, &sent.2, asked.caller.actor(), metrics.clock.now_ms()) {
            Ok(own) => {
                let described = metrics.describe(name.clone(), own.clone()).await;
                described.map(|before| change(&name, before.as_ref(), Some(&own)).in_answer(to("described")))
            }
            Err(why) => Err(why),
        }
    };
    match changed {
        Ok(answer) => answer,
        Err(error) => {
            let status = match &error {
                NotDescribed::Wrong(_) => StatusCode::BAD_REQUEST,
                NotDescribed::Missing(_) => StatusCode::NOT_FOUND,
                NotDescribed::Database(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            show_metric(metrics, asked, from, Some((status, Refused { sent, why: error.to_string() }))).await
        }
    }
}

/// The page where metrics are sent as JSON, with what became of one that was.
async fn show_send(metrics: Arc<Metrics>, asked: Asked, status: StatusCode, fields: Fields, answer: Option<SendAnswer>) -> Response {
    let may_send = asked.may(Policy::WRITE_METRICS);
    let url = asked.base_url(&metrics.settings.server.external_url);
    let made = tokio::task::spawn_blocking(move || {
        let shell = shell_of(&asked, &metrics, Page::Send, key("Send metrics"));
        let input = SendInput { fields, answer, may_send, url };
        asked.page(status, send::render(&input, &shell))
    });
    made.await.unwrap_or_else(|error| Problem::internal(&error).into_response())
}

async fn send_route(State(metrics): State<Arc<Metrics>>, asked: Asked) -> Response {
    show_send(metrics, asked, StatusCode::OK, Fields::default(), None).await
}

/// `POST /send`: hands what the form says to the very endpoint that programs use, and shows request and answer.
async fn send_one(State(metrics): State<Arc<Metrics>>, asked: Asked, body: Bytes) -> Response {
    let fields = Fields::from_form(&body);
    let sent = match fields.body() {
        Ok(sent) => sent,
        Err(why) => {
            let answer = SendAnswer { problem: why, ..SendAnswer::default() };
            return show_send(metrics, asked, StatusCode::BAD_REQUEST, fields, Some(answer)).await;
        }
    };
    let request = Request::new(Body::from(sent.clone()));
    let response = crate::metrics::api::custom::one(State(Arc::clone(&metrics.api)), request).await;
    let status = response.status();
    let text = read_body(response.into_body(), BODY_BYTES_MAX).await.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let answer = SendAnswer { request: sent, status: status.as_u16(), answer: text.unwrap_or_default(), problem: String::new() };
    show_send(metrics, asked, status, fields, Some(answer)).await
}

async fn vitals_route(State(metrics): State<Arc<Metrics>>, asked: Asked) -> Response {
    make(metrics, asked, |metrics, asked| {
        let shell = shell_of(asked, metrics, Page::Vitals, key("Web vitals"));
        vitals::render(&page_inputs::vitals(metrics, asked.query()), &shell)
    })
    .await
}

/// `GET /vitals.js`: what pages elsewhere load, so its address does not change when it does.
async fn vitals_script(headers: HeaderMap) -> Response {
    let mut response = assets::serve(assets::asset::VITALS_JS.trim_start_matches("/assets/"), &headers);
    for (name, value) in [
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
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

async fn pushed_delete(State(metrics): State<Arc<Metrics>>, body: Bytes) -> Response {
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
