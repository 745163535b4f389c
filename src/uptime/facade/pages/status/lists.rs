//! Pages where people see status pages, change them, and tell something on them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::{PageState, shell_at, work};
use crate::access::Role;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::pages::status::edit::{self, EditInput, draft_of, fresh};
use crate::uptime::pages::status::list::{self, ListInput, Listed};
use crate::uptime::pages::status::posts::{self, PostsInput};
use crate::uptime::pages::status::words;
use crate::uptime::status::keeper::Known;

/// How often the list refreshes.
const SELDOM: &str = "30s";

/// What is said of a page that is not there.
pub(super) const LOST: &str = key("There is no such status page.");

/// Names of all checks, in order.
pub(super) fn names(state: &PageState) -> Vec<String> {
    let mut names: Vec<String> = state.desk.views().values().map(|view| view.check.name.clone()).collect();
    names.sort_unstable();
    names
}

/// `GET /uptime/status-pages`: `done`.
pub(super) async fn list(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show_list(&state, asked, StatusCode::OK, String::new()).await
}

pub(super) async fn show_list(state: &Arc<PageState>, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Status pages"), links::UPTIME_STATUS).with_refresh(SELDOM);
        let listed = |known: &Known| {
            let ready = state.keeper.ready(&known.page.slug);
            Listed {
                page: state.keeper.written(known),
                shown: state.keeper.shown(&known.page).len(),
                active: state.keeper.posts(known.id).iter().filter(|post| post.resolved_at().is_none()).count(),
                changed_at: known.changed_at,
                said: ready.map(|ready| (words::sentence(&ready.picture.sentence, shell.lang()).0, ready.picture.sentence.level())),
            }
        };
        let pages = state.keeper.pages().iter().map(listed).collect();
        let problem = shell.t(&problem).to_owned();
        let input = ListInput { pages, done: asked.param("done"), problem, may_change: shell.has_role(Role::Editor) };
        asked.page(status, list::render(&input, &shell))
    })
    .await
}

/// `GET /uptime/status-pages/edit`: `id`, the slug of one that is changed.
pub(super) async fn edit(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let slug = asked.param("id");
    if slug.is_empty() {
        let draft = fresh(&names(&state));
        return show_edit(&state, asked, draft, slug, (StatusCode::OK, String::new())).await;
    }
    match state.keeper.page(&slug) {
        Some(known) => {
            let draft = draft_of(&state.keeper.written(&known));
            show_edit(&state, asked, draft, slug, (StatusCode::OK, String::new())).await
        }
        None => show_list(&state, asked, StatusCode::NOT_FOUND, LOST.to_owned()).await,
    }
}

pub(super) async fn show_edit(
    state: &Arc<PageState>,
    asked: Asked,
    draft: Draft,
    existing: String,
    (status, problem): (StatusCode, String),
) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Status pages"), links::UPTIME_STATUS_EDIT);
        let problem = shell.t(&problem).to_owned();
        let logo =
            state.keeper.page(&existing).and_then(|known| state.keeper.logo(known.id)).map(|logo| logo.tag.clone()).unwrap_or_default();
        asked.page(
            status,
            edit::render(&EditInput { logo, draft, existing, checks: names(state), lacks: state.mail_lacks(), problem }, &shell),
        )
    })
    .await
}

/// `GET /uptime/status-pages/posts`: `slug`, `page`, `done`.
pub(super) async fn posts(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let slug = asked.param("slug");
    show_posts(&state, asked, slug, Draft::default(), (StatusCode::OK, String::new())).await
}

pub(super) async fn show_posts(
    state: &Arc<PageState>,
    asked: Asked,
    slug: String,
    draft: Draft,
    (status, problem): (StatusCode, String),
) -> Result<Response, Problem> {
    let Some(known) = state.keeper.page(&slug) else {
        return show_list(state, asked, StatusCode::NOT_FOUND, LOST.to_owned()).await;
    };
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Status pages"), links::UPTIME_STATUS_POSTS);
        let name = |id: &i64| state.desk.view(*id).map(|view| view.check.name.clone());
        let posts = state.keeper.posts(known.id).into_iter().map(|post| {
            let names = post.checks.iter().filter_map(name).collect();
            (post, names)
        });
        let mut checks: Vec<String> = state.keeper.shown(&known.page).iter().filter_map(name).collect();
        checks.sort_unstable();
        let input = PostsInput {
            page: state.keeper.written(&known),
            posts: posts.collect(),
            checks,
            draft,
            done: asked.param("done"),
            problem: shell.t(&problem).to_owned(),
            may_change: shell.has_role(Role::Editor),
        };
        asked.page(status, posts::render(&input, &shell))
    })
    .await
}
