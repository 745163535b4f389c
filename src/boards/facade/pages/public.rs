//! Dashboards for people without an account: `GET /p/{token}` and `POST /p/{token}/panels`.
//!
//! Whoever asks is nobody here, whatever cookie they bring. What is not there, what ended and what is switched off is
//! answered alike.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::{Request, StatusCode, header};
use parking_lot::Mutex;

use super::board::{found, ranged, variables, zone};
use super::{PageState, beside, failed, shell_of, shown};
use crate::boards::facade::snapshot;
use crate::boards::model::Share;
use crate::boards::pages::board::BoardInput;
use crate::boards::pages::choose::Way;
use crate::boards::pages::public::{PublicInput, render};
use crate::boards::pages::tile::Tile;
use crate::boards::query::Choices;
use crate::boards::serve::{Batch, Reader};
use crate::platform::http::extract::read_body;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::links;
use crate::ui::look::Look;
use crate::ui::page::respond_shared;
use crate::ui::problem::lost;
use crate::ui::range::PageRange;
use crate::ui::shell::{RangeControl, Shell};

/// Largest body: keys of panels, and what is chosen.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Most batches of one share that are answered at once.
const AT_ONCE: usize = 32;
/// What is said of a share that is not there, whatever the reason.
const LOST: &str = "there is nothing at this address (any more)";

/// Batches that are being answered, by token.
#[derive(Debug, Clone, Default)]
pub(in crate::boards::facade) struct Turns(Arc<Mutex<HashMap<String, usize>>>);

/// One of the batches of a share; the next may come when it is dropped.
struct Turn {
    token: String,
    turns: Turns,
}

impl Turns {
    /// A turn; none where as many as may be are under way.
    fn take(&self, token: &str) -> Option<Turn> {
        let mut running = self.0.lock();
        let count = running.entry(token.to_owned()).or_default();
        if *count >= AT_ONCE {
            return None;
        }
        *count += 1;
        Some(Turn { token: token.to_owned(), turns: self.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.turns.0.lock();
        if let Some(count) = running.get_mut(&self.token) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.token);
            }
        }
    }
}

/// A share that readers see.
async fn seen(state: &PageState, token: &str) -> Result<Option<Share>, Problem> {
    let share = state.store.share(token.to_owned()).await.map_err(failed)?;
    Ok(share.filter(|share| share.is_seen(state.clock.now_ms())))
}

/// The shell of a page that stands alone: how it looks is the reader's, who they are is not asked.
fn shell(state: &PageState, asked: &Asked, title: &str) -> Shell {
    let mut shell = shell_of(&asked.as_nobody(), state, "");
    shell.title = title.to_owned();
    shell.is_alone = true;
    shell.choose_theme();
    shell
}

/// `GET /p/{token}`.
pub(super) async fn page(State(state): State<Arc<PageState>>, Path(token): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let share = seen(&state, &token).await?;
    let shown = match &share {
        Some(share) if share.is_snapshot() => pictured(&state, &asked, share).await?,
        Some(share) => live(&state, &asked, share).await?,
        None => None,
    };
    let ancestors = share.as_ref().map_or_else(|| "'none'".to_owned(), Share::ancestors);
    Ok(match shown {
        Some((input, shell)) => respond_shared(StatusCode::OK, render(&input, &shell), &asked.nonce, &ancestors),
        None => {
            let shell = shell(&state, &asked, "");
            respond_shared(StatusCode::NOT_FOUND, lost(&shell), &asked.nonce, "'none'")
        }
    })
}

/// The only panel that is shown.
fn viewed(shell: &Shell) -> Option<String> {
    shell.param("panel").or_else(|| shell.param("viewPanel")).map(str::to_owned)
}

/// A dashboard as it is now; none where it is gone.
async fn live(state: &PageState, asked: &Asked, share: &Share) -> Result<Option<(PublicInput, Shell)>, Problem> {
    let Some((board, _)) = found(state, &share.board_uid).await? else { return Ok(None) };
    let mut kept = (*board).clone();
    (kept.from, kept.to) = share.range.clone();
    let mut shell = ranged(shell(state, asked, &share.title), &kept);
    let own = PageRange { from: kept.from.clone(), to: kept.to.clone() };
    let (range, span, problem) = match share.range((&asked.param("from"), &asked.param("to")), shell.now_ms) {
        Ok((range, span)) => (range, span, None),
        Err(problem) => (own.clone(), own.resolve(shell.now_ms).map_err(|_| Problem::new(StatusCode::NOT_FOUND, LOST))?, Some(problem)),
    };
    shell.is_range_fixed = !share.is_range_free;
    shell.range = Some(RangeControl { label: range.label(shell.now_ms, shell.look.lang), live: range.to.starts_with("now"), range });
    let choices = Choices::from_query(&share.variables(asked.query())).bounded(&share.open);
    let reader = Reader { name: String::new(), lang: shell.lang(), is_outside: true };
    let zone = if zone(&shell) == "utc" { "utc" } else { "" };
    let resolved = variables(state, &board, (choices, span, reader, zone)).await?;
    let mut input = shown::input(&board, &resolved, &shell, false);
    input.variables.retain(|one| share.open.contains(&one.name) && matches!(one.way, Way::One | Way::Many | Way::Switch));
    input.variables.iter_mut().for_each(|one| one.error = None);
    input.tiles.iter_mut().for_each(shut);
    input.title.clone_from(&share.title);
    input.viewed = viewed(&shell);
    input.problem = problem;
    Ok(Some((PublicInput { board: input, panels: links::shared_panels(&share.token), ..PublicInput::default() }, shell)))
}

/// Leaves nothing on a tile that leads into the server.
fn shut(tile: &mut Tile) {
    tile.explore.clear();
    tile.links.retain(|link| ["https://", "http://", "mailto:"].iter().any(|start| link.href.starts_with(start)));
}

/// A dashboard as it was.
async fn pictured(state: &PageState, asked: &Asked, share: &Share) -> Result<Option<(PublicInput, Shell)>, Problem> {
    let Some(packed) = state.store.snapshot(share.token.clone()).await.map_err(failed)? else { return Ok(None) };
    let head = beside(move || snapshot::head(&packed)).await?.map_err(failed)?;
    let mut shell = shell(state, asked, &share.title);
    let range = PageRange { from: head.range.0.to_string(), to: head.range.1.to_string() };
    shell.is_range_fixed = true;
    shell.range = Some(RangeControl { label: range.label(shell.now_ms, shell.look.lang), live: false, range });
    let board = BoardInput {
        title: share.title.clone(),
        description: head.description,
        tiles: head.tiles,
        viewed: viewed(&shell),
        ..BoardInput::default()
    };
    let taken = Some(crate::ui::format::exactly(share.taken_at, shell.lang()));
    Ok(Some((PublicInput { board, panels: links::shared_panels(&share.token), taken, chosen: head.chosen }, shell)))
}

fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, LOST)
}

/// `POST /p/{token}/panels`.
pub(super) async fn panels(
    State(state): State<Arc<PageState>>,
    Path(token): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let share = seen(&state, &token).await?.ok_or_else(nothing_here)?;
    let batch = Batch::read(&read_body(body, BODY_BYTES_MAX).await?).map_err(Problem::bad_request)?;
    let busy = || Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many look at this at the same time: try again soon").retry_after_s(5);
    let turn = state.turns.take(&token).ok_or_else(busy)?;
    let body = if share.is_snapshot() {
        let packed = state.store.snapshot(token).await.map_err(failed)?.ok_or_else(nothing_here)?;
        let keys: Vec<String> = batch.panels.into_iter().map(|wanted| wanted.key).collect();
        Body::from(beside(move || snapshot::lines(&packed, &keys)).await?.map_err(failed)?)
    } else {
        let batch = batch.of_share(&share, state.clock.now_ms()).map_err(Problem::bad_request)?;
        let text = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let lang = Look::new(text(header::COOKIE), text(header::ACCEPT_LANGUAGE)).lang;
        let reader = Reader { name: String::new(), lang, is_outside: true };
        let lines = state.server.batch(&share.board_uid, batch, reader).await;
        let lines = lines.map_err(|error| {
            tracing::debug!(%error, "a shared dashboard is not shown");
            nothing_here()
        })?;
        Body::from_stream(lines.map(move |line| {
            let _held_to_the_end = &turn;
            Ok::<_, Infallible>(line)
        }))
    };
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    let mut response = (headers, body).into_response();
    response.headers_mut().insert("x-robots-tag", http::HeaderValue::from_static("noindex, nofollow"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_batches_at_once() {
        let turns = Turns::default();
        let all: Vec<Turn> = std::iter::from_fn(|| turns.take("one")).collect();
        assert_eq!(all.len(), AT_ONCE);
        assert!(turns.take("two").is_some());
        drop(all);
        assert!(turns.take("one").is_some());
        assert!(turns.0.lock().is_empty());
    }
}
