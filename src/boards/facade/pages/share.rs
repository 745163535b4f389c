//! Sharing a dashboard: `GET` and `POST /d/{uid}/{slug}/share`, and every share: `GET` and `POST /d/shares`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::StreamExt;
use http::StatusCode;
use serde_json::{Value, json};

use super::board::{Named, found, range_of, ranged, unknown, variables, zone};
use super::{Form, PageState, beside, failed, may_edit, shell_of, shown};
use crate::access::Change;
use crate::base::time::TimeRange;
use crate::boards::facade::snapshot::{Head, pack};
use crate::boards::model::{
    ANYWHERE, Board, FIXED_BYTES_MAX, NotSaved, SHARE_TITLE_BYTES_MAX, SNAPSHOT_BYTES_MAX, Search, Share, VariableKind, origins, slug,
};
use crate::boards::pages::share::{Choosable, ShareInput, SharesInput, render, render_all};
use crate::boards::query::{Choices, Resolved};
use crate::boards::serve::{Batch, Reader, Wanted};
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::look::local;
use crate::ui::shell::Shell;

const DAY_MS: i64 = 86_400_000;
/// Days after which a share ends, on offer; none is never.
const DAYS: [&str; 5] = ["1", "7", "30", "365", ""];
/// Time to make the panels of a snapshot.
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(90);
/// Most panels of a snapshot.
const SNAPSHOT_PANELS_MAX: usize = 300;
/// The grid of a window that is 1440 pixels wide: its width, the height of a unit, the gap, and the head of a panel.
const GRID: (f32, f32, f32, f32) = (1192.0, 26.0, 12.0, 36.0);

/// A dashboard as the page that it is shared from shows it.
struct Scene {
    board: Arc<Board>,
    shell: Shell,
    range: TimeRange,
    problem: Option<String>,
    resolved: Resolved,
}

/// `query` says what is chosen; `is_outside`: as people without an account see it.
async fn scene(state: &PageState, asked: &Asked, uid: &str, query: &str, is_outside: bool) -> Result<Scene, Problem> {
    let (board, _) = found(state, uid).await?.ok_or_else(|| unknown(uid))?;
    let mut asked = asked.clone();
    asked.uri = format!("{}?{query}", asked.uri.path()).parse().map_err(|_| Problem::bad_request("what is chosen cannot be read"))?;
    let shell = ranged(shell_of(&asked, state, key("Sharing")), &board);
    let (range, problem) = range_of(&shell);
    let name = asked.caller.person().filter(|_| !is_outside).map(|one| one.name.clone()).unwrap_or_default();
    let reader = Reader { name, lang: shell.lang(), is_outside };
    let resolved = variables(state, &board, (Choices::from_query(query), range, reader, zone(&shell))).await?;
    Ok(Scene { board, shell, range, problem, resolved })
}

/// `GET /d/{uid}/{slug}/share`.
pub(super) async fn page(State(state): State<Arc<PageState>>, Path(named): Path<Named>, asked: Asked) -> Result<Response, Problem> {
    show(&state, &asked, &named.uid, asked.query(), StatusCode::OK, None).await
}

async fn show(
    state: &PageState,
    asked: &Asked,
    uid: &str,
    query: &str,
    status: StatusCode,
    problem: Option<String>,
) -> Result<Response, Problem> {
    let mut scene = scene(state, asked, uid, query, false).await?;
    let shares = if may_edit(asked) { state.store.shares(uid.to_owned()).await.map_err(failed)? } else { Vec::new() };
    let choosable = scene.resolved.variables.iter().filter(|one| one.variable.kind != VariableKind::Constant).map(|one| Choosable {
        name: one.variable.name.clone(),
        label: if one.variable.label.is_empty() { one.variable.name.clone() } else { one.variable.label.clone() },
        shown: if one.is_all {
            scene.shell.t("All").to_owned()
        } else {
            one.chosen.iter().map(|choice| choice.text.as_str()).collect::<Vec<_>>().join(", ")
        },
        may_be_open: may_be_open(one.variable.kind),
    });
    let (from, to) =
        scene.shell.range.as_ref().map_or_else(Default::default, |control| (control.range.from.clone(), control.range.to.clone()));
    let input = ShareInput {
        uid: uid.to_owned(),
        slug: slug(&scene.board.title),
        title: scene.board.title.clone(),
        variables: choosable.collect(),
        vars: scene.resolved.url(),
        range: (from, to),
        range_words: scene.shell.range.as_ref().map(|control| control.label.clone()).unwrap_or_default(),
        shares,
        host: asked.base_url(&state.external_url),
        may_edit: may_edit(asked),
        problem: problem.or(scene.problem),
        now: state.clock.now_ms(),
    };
    scene.shell.title = format!("{} · {}", scene.board.title, scene.shell.t("Sharing"));
    scene.shell.range = None;
    scene.shell.live = false;
    Ok(asked.page(status, render(&input, &scene.shell)))
}

/// Whether readers may choose a variable: only where what may be chosen is known.
const fn may_be_open(kind: VariableKind) -> bool {
    matches!(kind, VariableKind::Query | VariableKind::Custom | VariableKind::Interval | VariableKind::Source | VariableKind::Switch)
}

/// `POST /d/{uid}/{slug}/share`: `do` is `make` or `snapshot`; `vars`, `from`, `to`, `title`, `open`, `free`, `days`,
/// `embed`, `origins`.
pub(super) async fn make(
    State(state): State<Arc<PageState>>,
    Path(named): Path<Named>,
    asked: Asked,
    body: Bytes,
) -> Result<Response, Problem> {
    let form = Form::read(&body);
    let (board, _) = found(&state, &named.uid).await?.ok_or_else(|| unknown(&named.uid))?;
    let query = links::with("", &[("from", form.text("from")), ("to", form.text("to"))]).trim_start_matches('?').to_owned();
    let query = format!("{query}&{}", form.text("vars")).trim_matches('&').to_owned();
    let made = match wanted(&state, &asked, &board, &form) {
        Ok(share) if form.text("do") == "snapshot" => snapshot(&state, &asked, share, &query).await?,
        Ok(share) => state.store.add_share(share, None).await.map_err(failed)?.map_err(|why| why.to_string()),
        Err(problem) => Err(problem),
    };
    let share = match made {
        Ok(share) => share,
        Err(problem) => return show(&state, &asked, &named.uid, &query, StatusCode::BAD_REQUEST, Some(problem)).await,
    };
    let done = if share.is_snapshot() { "snapshot" } else { "made" };
    let at = links::board_share(&named.uid, &slug(&board.title));
    let to = format!("{}#shares", links::with(&format!("{at}?{query}"), &[("done", done)]));
    let action = if share.is_snapshot() { "dashboard.snapshot" } else { "dashboard.share" };
    Ok(Change::new(action, share.board_uid.clone()).after(told(&share)).in_answer(Redirect::to(&to).into_response()))
}

/// What the audit log has of a share; its address is a secret.
fn told(share: &Share) -> Value {
    json!({
        "title": share.title, "open": share.open, "range_is_free": share.is_range_free, "embedded_by": share.framed_by,
        "expires_ms": share.expires_at, "is_on": share.is_on, "begins_with": share.token.get(..4).unwrap_or_default(),
    })
}

/// The share that a form asks for. An error is what is wrong with it, in words.
fn wanted(state: &PageState, asked: &Asked, board: &Board, form: &Form) -> Result<Share, String> {
    let now = state.clock.now_ms();
    let title = Some(form.text("title").trim()).filter(|title| !title.is_empty()).unwrap_or(&board.title).to_owned();
    if title.len() > SHARE_TITLE_BYTES_MAX {
        return Err(format!("the title has {} bytes, at most {SHARE_TITLE_BYTES_MAX} are allowed", title.len()));
    }
    let fixed =
        Share { open: board.variables.iter().map(|one| one.name.clone()).collect(), ..Share::default() }.variables(form.text("vars"));
    if fixed.len() > FIXED_BYTES_MAX {
        return Err(format!("what is chosen has {} bytes, at most {FIXED_BYTES_MAX} are allowed", fixed.len()));
    }
    let days = form.text("days");
    if !DAYS.contains(&days) {
        return Err(format!("{days:?} is no number of days on offer"));
    }
    let is_open = |name: &&str| board.variables.iter().any(|one| one.name == **name && may_be_open(one.kind));
    let or =
        |given: &str, own: &str, usual: &str| [given, own, usual].into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned();
    let share = Share {
        board_uid: board.uid.clone(),
        title,
        open: form.all("open").filter(is_open).map(str::to_owned).collect(),
        fixed,
        range: (or(form.text("from"), &board.from, "now-6h"), or(form.text("to"), &board.to, "now")),
        is_range_free: form.text("free") == "yes",
        framed_by: match form.text("embed") {
            "some" => origins(form.text("origins"))?,
            "any" => vec![ANYWHERE.to_owned()],
            _ => Vec::new(),
        },
        made_at: now,
        made_by: asked.caller.actor(),
        expires_at: days.parse::<i64>().map_or(0, |days| now + days * DAY_MS),
        is_on: true,
        ..Share::default()
    };
    let own = Share { is_range_free: false, ..share.clone() };
    own.range(("", ""), now)?;
    Ok(share)
}

/// Takes a snapshot: every panel is made as people without an account see it, and kept.
async fn snapshot(state: &PageState, asked: &Asked, share: Share, query: &str) -> Result<Result<Share, String>, Problem> {
    let scene = scene(state, asked, &share.board_uid, query, true).await?;
    let tiles = shown::every_tile(&scene.board, &scene.resolved, &scene.shell);
    let wanted: Vec<Wanted> = tiles
        .iter()
        .filter(|tile| tile.row.is_none())
        .take(SNAPSHOT_PANELS_MAX)
        .map(|tile| {
            let (width, unit, gap, head) = GRID;
            let w = (width + gap) / 24.0 * tile.place.w as f32 - gap;
            let h = (unit + gap) * tile.place.h as f32 - gap - if tile.title.is_empty() { 8.0 } else { head };
            Wanted { key: tile.key.clone(), w, h: h.max(20.0), have: String::new() }
        })
        .collect();
    let batch = Batch {
        from: scene.range.start.to_string(),
        to: scene.range.end.to_string(),
        vars: share.fixed.clone(),
        zone: String::new(),
        marks: String::new(),
        refresh: false,
        draft: None,
        panels: wanted,
        bounded: Vec::new(),
    };
    let reader = Reader { name: String::new(), lang: scene.shell.lang(), is_outside: true };
    let lines = match state.server.batch(&share.board_uid, batch, reader).await {
        Ok(lines) => lines,
        Err(problem) => return Ok(Err(problem)),
    };
    let Ok(lines) = tokio::time::timeout(SNAPSHOT_WITHIN, gathered(lines)).await else {
        return Ok(Err(format!("the panels took longer than {} s: choose a shorter range", SNAPSHOT_WITHIN.as_secs())));
    };
    let chosen = scene.resolved.variables.iter().filter(|one| one.variable.kind != VariableKind::Constant);
    let head = Head {
        title: scene.board.title.clone(),
        description: scene.board.description.clone(),
        chosen: chosen
            .map(|one| (one.variable.name.clone(), scene.resolved.fill(&format!("${{{}:text}}", one.variable.name), &[], &[])))
            .collect(),
        range: (scene.range.start, scene.range.end),
        tiles,
    };
    let packed = match lines {
        Ok(lines) => beside(move || pack(&head, &lines)).await?,
        Err(problem) => Err(problem),
    };
    match packed {
        Ok(packed) => {
            let share = Share { taken_at: share.made_at, open: Vec::new(), is_range_free: false, ..share };
            Ok(state.store.add_share(share, Some(packed)).await.map_err(failed)?.map_err(|why: NotSaved| why.to_string()))
        }
        Err(problem) => Ok(Err(problem)),
    }
}

/// All lines of a batch, as far as they may be kept.
async fn gathered(mut lines: crate::boards::serve::Lines) -> Result<String, String> {
    let mut out = String::new();
    while let Some(line) = lines.next().await {
        out.push_str(&line);
        if out.len() > SNAPSHOT_BYTES_MAX {
            return Err(format!("the snapshot has more than {SNAPSHOT_BYTES_MAX} bytes: choose a shorter range"));
        }
    }
    Ok(out)
}

/// `GET /d/shares`: every link and snapshot.
pub(super) async fn all(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let shares = state.store.shares(String::new()).await.map_err(failed)?;
    let boards = state.library.find_boards(Search::default()).await.map_err(failed)?;
    let boards = boards.into_iter().map(|about| (about.uid.clone(), about.slug(), about.title)).collect();
    let shell = shell_of(&asked, &state, key("Shared links and snapshots"));
    let input = SharesInput { shares, boards, host: asked.base_url(&state.external_url), now: state.clock.now_ms() };
    Ok(asked.page(StatusCode::OK, render_all(&input, &shell)))
}

/// `POST /d/shares`: `token`; `do` is `on`, `off` or `delete`; `next` is where to go then.
pub(super) async fn change(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::read(&body);
    let token = form.text("token").to_owned();
    let (share, action) = match form.text("do") {
        "on" => (state.store.turn_share(token, true).await.map_err(failed)?, "dashboard.share_on"),
        "off" => (state.store.turn_share(token, false).await.map_err(failed)?, "dashboard.share_off"),
        "delete" => (state.store.delete_share(token).await.map_err(failed)?, "dashboard.share_delete"),
        other => return Err(Problem::bad_request(format!("\"do\" is on, off or delete, not {other:?}"))),
    };
    let share = share.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such share"))?;
    tracing::debug!(by = %asked.caller.actor(), action, "a share is changed");
    let next = if form.text("next").is_empty() { links::BOARDS_SHARES } else { local(form.text("next")) };
    Ok(Change::new(action, share.board_uid.clone()).after(told(&share)).in_answer(Redirect::to(next).into_response()))
}
