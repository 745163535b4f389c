//! One dashboard: `GET /d/{uid}`, `GET /d/{uid}/{slug}`, and its JSON.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};

use super::{PageState, beside, failed, may_edit, shell_of, shown, user};
use crate::base::cancel::{Cancel, Stop};
use crate::base::time::TimeRange;
use crate::boards::model::{About, Board, Link, Search, slug};
use crate::boards::pages::board::{BoardInput, render};
use crate::boards::pages::tile::Linked;
use crate::boards::query::{AdHoc, Choices, Resolved};
use crate::boards::serve::Reader;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::look::Zone;
use crate::ui::range::{PageRange, REFRESH};
use crate::ui::shell::Shell;

/// Most dashboards that a link by tags lists.
const TAGGED_MAX: usize = 100;
/// Most of them beside each other; more are a menu.
const BESIDE_MAX: usize = 4;
/// Time to find the variables of a page, which waits for them.
const VARIABLES_WITHIN: std::time::Duration = std::time::Duration::from_secs(15);
/// The range of a dashboard whose own cannot be read.
const RANGE_MS: i64 = 6 * 3_600_000;

/// The parameter of a URL that says that a dashboard is edited.
const EDIT: &str = "edit";

/// Menus of links, each with its title.
type Menus = Vec<(String, Vec<Linked>)>;

/// The parts of a path: a uid, and a title that says nothing to us.
#[derive(serde::Deserialize)]
pub(super) struct Named {
    pub(super) uid: String,
    #[serde(default)]
    slug: Option<String>,
}

/// A dashboard that is kept or built in, with what is known of it.
pub(super) async fn found(state: &PageState, uid: &str) -> Result<Option<(Arc<Board>, About)>, Problem> {
    let Some(kept) = state.library.board(uid.to_owned()).await.map_err(failed)? else { return Ok(None) };
    let read = beside(move || Board::read(&kept.json).map(|(board, _)| (Arc::new(board), kept.about))).await?;
    read.map(Some).map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("this dashboard cannot be read: {error}")))
}

pub(super) fn unknown(uid: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no dashboard with the uid {uid:?}"))
}

/// `GET /d/{uid}` and `GET /d/{uid}/{slug}`.
pub(super) async fn page(State(state): State<Arc<PageState>>, Path(named): Path<Named>, asked: Asked) -> Result<Response, Problem> {
    let (board, about) = found(&state, &named.uid).await?.ok_or_else(|| unknown(&named.uid))?;
    if let Some(to) = with_condition(&asked, &named) {
        return Ok(Redirect::to(&to).into_response());
    }
    let is_edited = may_edit(&asked) && asked.has_param(EDIT);
    show(&state, &asked, &board, Seen { is_edited, is_changed_here: about.is_changed_here() }).await
}

/// How a dashboard is seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// By whoever edits it: each panel once.
    pub(super) is_edited: bool,
    /// With a mark that it is not as its file has it any more.
    pub(super) is_changed_here: bool,
}

/// The page of a dashboard.
pub(super) async fn show(state: &PageState, asked: &Asked, board: &Arc<Board>, seen: Seen) -> Result<Response, Problem> {
    let is_edited = seen.is_edited;
    let shell = ranged(shell_of(asked, state, key("Dashboards")), board);
    let (resolved, problem) = resolved(state, asked, board, &shell).await?;
    let mut input = BoardInput { problem, ..shown::input(board, &resolved, &shell, is_edited) };
    (input.links, input.menus) = board_links(state, board, &resolved, &shell).await?;
    input.switches = shown::switches(board, asked.query());
    input.may_edit = may_edit(asked);
    input.is_edited = is_edited;
    input.is_changed_here = seen.is_changed_here;
    if let Some(user) = user(asked)
        && !board.uid.is_empty()
    {
        input.is_starred = Some(state.library.stars(user).await.map_err(failed)?.contains(&board.uid));
    }
    let mut shell = shell;
    shell.title = board.title.clone();
    Ok(asked.page(StatusCode::OK, render(&input, &shell)))
}

/// The variables as the URL and the reader have them, and what is wrong with the range in words.
pub(super) async fn resolved(
    state: &PageState,
    asked: &Asked,
    board: &Arc<Board>,
    shell: &Shell,
) -> Result<(Resolved, Option<String>), Problem> {
    let (range, problem) = range_of(shell);
    let reader =
        Reader { name: asked.caller.person().map(|one| one.name.clone()).unwrap_or_default(), lang: shell.lang(), is_outside: false };
    let scene = (Choices::from_query(asked.query()), range, reader, zone(shell));
    Ok((variables(state, board, scene).await?, problem))
}

/// Finds the variables for what is chosen, a range, a reader and a zone; those that take too long say so.
pub(super) async fn variables(
    state: &PageState,
    board: &Arc<Board>,
    (chosen, range, reader, zone): (Choices, TimeRange, Reader, &'static str),
) -> Result<Resolved, Problem> {
    let (server, board, cancel) = (Arc::clone(&state.server), Arc::clone(board), Cancel::new());
    let told = cancel.clone();
    let work = beside(move || server.resolve(&board, &chosen, range, &reader, zone, &told));
    tokio::pin!(work);
    tokio::select! {
        found = &mut work => found,
        () = tokio::time::sleep(VARIABLES_WITHIN) => {
            cancel.raise(Stop::TimedOut);
            work.await
        }
    }
}

/// `GET /d/{uid}/{slug}/json`: the dashboard as it was given, as a file; `version` asks for an older one.
pub(super) async fn json(State(state): State<Arc<PageState>>, Path(named): Path<Named>, asked: Asked) -> Result<Response, Problem> {
    let kept = state.library.board(named.uid.clone()).await.map_err(failed)?.ok_or_else(|| unknown(&named.uid))?;
    let json = match asked.param("version").as_str() {
        "" => kept.json,
        text => {
            let number = text.parse().map_err(|_| Problem::bad_request(format!("{text:?} is no number of a version")))?;
            let found = state.library.version(named.uid, number).await.map_err(failed)?;
            let none = || Problem::new(StatusCode::NOT_FOUND, format!("there is no version {number} of this dashboard any more"));
            found.ok_or_else(none)?.1
        }
    };
    let text = serde_json::to_string_pretty(&json).map_err(|error| failed(error.to_string()))?;
    let mut response = ([(header::CONTENT_TYPE, "application/json")], text).into_response();
    attached(&mut response, &kept.about.title, "json");
    Ok(response)
}

/// Makes an answer a file that is named by a title.
pub(super) fn attached(response: &mut Response, title: &str, end: &str) {
    let name: String = slug(title).chars().filter(char::is_ascii).collect();
    let name = if name.is_empty() { "dashboard" } else { &name };
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{end}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
}

/// The page with one condition more, where a form without script asks for one: `cond`, `key`, `op`, `value`.
fn with_condition(asked: &Asked, named: &Named) -> Option<String> {
    let variable = asked.param("cond");
    if variable.is_empty() {
        return None;
    }
    let added = AdHoc::new(&asked.param("key"), &asked.param("op"), asked.param("value"));
    let mut params: Vec<(String, String)> = form_urlencoded::parse(asked.query().as_bytes())
        .filter(|(name, _)| !["cond", "key", "op", "value"].contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    params.extend(added.map(|condition| (format!("var-{variable}"), condition.text())));
    let pairs: Vec<(&str, &str)> = params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Some(links::with(&links::board(&named.uid, named.slug.as_deref().unwrap_or("-")), &pairs))
}

/// Range and refreshing as the dashboard says, unless the URL does.
pub(super) fn ranged(shell: Shell, board: &Board) -> Shell {
    let mut shell = shell.with_range(&board.from).with_refresh(refresh(&board.refresh));
    if shell.param("to").is_none()
        && shell.param("from").is_none()
        && let Some(control) = &mut shell.range
    {
        control.range = PageRange { from: board.from.clone(), to: board.to.clone() };
        control.label = control.range.label(shell.now_ms, shell.look.lang);
        control.live = control.range.to.starts_with("now");
    }
    shell
}

/// The interval on offer that is next to what a dashboard says.
fn refresh(said: &str) -> &'static str {
    let seconds = |text: &str| crate::base::time::Duration::parse(text).map_or(0, |length| length.ms() / 1_000);
    let wanted = seconds(said);
    if wanted <= 0 {
        return "off";
    }
    let offered = REFRESH.iter().map(|(id, _)| *id).filter(|id| *id != "off");
    offered.min_by_key(|id| (seconds(id) - wanted).abs()).unwrap_or("off")
}

/// What the page shows, and what is wrong with it in words.
pub(super) fn range_of(shell: &Shell) -> (TimeRange, Option<String>) {
    let usual = TimeRange::new(shell.now_ms - RANGE_MS, shell.now_ms);
    match shell.range.as_ref().map(|control| control.range.resolve(shell.now_ms)) {
        Some(Ok(range)) => (range, None),
        Some(Err(error)) => (usual, Some(error)),
        None => (usual, None),
    }
}

pub(super) const fn zone(shell: &Shell) -> &'static str {
    match shell.look.zone {
        Zone::Utc => "utc",
        Zone::Local => "browser",
    }
}

/// Links beside the variables: as they are, and the dashboards with some tags, in a menu where they are many.
async fn board_links(state: &PageState, board: &Board, resolved: &Resolved, shell: &Shell) -> Result<(Vec<Linked>, Menus), Problem> {
    let (mut plain, mut menus) = (Vec::new(), Vec::new());
    for link in &board.links {
        if !link.url.is_empty() {
            plain.push(shown::linked(link, resolved, &[], shell));
        } else if !link.tags.is_empty() {
            let search = Search { tags: link.tags.clone(), ..Search::default() };
            let others = state.library.find_boards(search).await.map_err(failed)?;
            let others = others.into_iter().filter(|other| other.uid != board.uid).take(TAGGED_MAX);
            let tagged: Vec<Linked> = others
                .map(|other| {
                    let one = Link { title: String::new(), url: links::board(&other.uid, &other.slug()), ..link.clone() };
                    Linked { text: other.title, ..shown::linked(&one, resolved, &[], shell) }
                })
                .collect();
            if link.is_menu || tagged.len() > BESIDE_MAX {
                menus.push((resolved.fill(&link.title, &[], &[]), tagged));
            } else {
                plain.extend(tagged);
            }
        }
    }
    Ok((plain, menus))
}
