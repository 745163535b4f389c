//! Pages where people see status pages, change them, and tell something on them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::{PageState, shell_at, work};
use crate::access::Role;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::pages::status::edit::{self, EditInput, draft_of, fresh};
use crate::uptime::pages::status::list::{self, ListInput, Listed};
use crate::uptime::pages::status::posts::{self, Aim, PostsInput};
use crate::uptime::pages::status::templates::{self, TemplatesInput, Text};
use crate::uptime::pages::status::words;
use crate::uptime::status::keeper::Known;
use crate::uptime::status::page::StatusPage;

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
        let known = state.keeper.page(&existing);
        let logo = known.as_ref().and_then(|known| state.keeper.logo(known.id)).map(|logo| logo.tag.clone()).unwrap_or_default();
        let lacks = state.mail_lacks(known.as_ref().map(|known| &*known.page));
        asked.page(status, edit::render(&EditInput { logo, draft, existing, checks: names(state), lacks, problem }, &shell))
    })
    .await
}

/// `GET /uptime/status-pages/posts`: `slug`, `page`, `done`; `draft`, or `post` and `update`, for what the form is about.
pub(super) async fn posts(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let slug = asked.param("slug");
    let asked_for = Draft::from_form(asked.query().as_bytes());
    let form = chosen(&state, &slug, &asked_for);
    show_posts(&state, asked, slug, form.unwrap_or_default(), (StatusCode::OK, String::new())).await
}

/// The form about what was asked for, if that is there.
fn chosen(state: &PageState, slug: &str, asked_for: &Draft) -> Option<Draft> {
    let page = state.keeper.page(slug)?.id;
    let post = |id: i64| state.keeper.post(id).filter(|post| post.page == page);
    match Aim::read(asked_for) {
        Aim::New => None,
        Aim::Draft(id) => {
            let draft = state.keeper.drafts(page).into_iter().find(|draft| draft.id == id)?;
            Some(posts::draft_of(&draft, &names_of(state, &draft.checks)))
        }
        Aim::More(id) => Some(posts::update_of(&post(id)?, None)),
        Aim::Edit(id, update) => {
            let post = post(id)?;
            Some(posts::update_of(&post, Some(post.updates.iter().find(|known| known.id == update)?)))
        }
    }
}

/// Names of checks, of those that are there.
pub(super) fn names_of(state: &PageState, checks: &[i64]) -> Vec<String> {
    checks.iter().filter_map(|id| Some(state.desk.view(*id)?.check.name.clone())).collect()
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
        let may_change = shell.has_role(Role::Editor);
        let posts = state.keeper.posts(known.id).into_iter().map(|post| {
            let names = names_of(state, &post.checks);
            (post, names)
        });
        let drafts = state.keeper.drafts(known.id).into_iter().filter(|_| may_change).map(|draft| {
            let names = names_of(state, &draft.checks);
            (draft, names)
        });
        let mut checks = names_of(state, &state.keeper.shown(&known.page));
        checks.sort_unstable();
        let input = PostsInput {
            page: state.keeper.written(&known),
            posts: posts.collect(),
            drafts: drafts.collect(),
            texts: texts_of(state, &known.page),
            checks,
            draft,
            done: asked.param("done"),
            problem: shell.t(&problem).to_owned(),
            may_change,
        };
        asked.page(status, posts::render(&input, &shell))
    })
    .await
}

/// The texts that a page offers.
pub(super) fn texts_of(state: &PageState, page: &StatusPage) -> Vec<Text> {
    templates::texts(&state.keeper.templates(), Lang::parse(&page.language).unwrap_or_default())
}

/// `GET /uptime/status-pages/templates`: `language`, `key` of one that is changed, `slug` of the page they came from, `done`.
pub(super) async fn templates(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let lang = Lang::parse(&asked.param("language")).unwrap_or_default();
    let wanted = asked.param("key");
    let texts = templates::texts(&state.keeper.templates(), lang);
    let draft = texts.iter().find(|text| text.key == wanted).map(|text| templates::draft_of(text, lang)).unwrap_or_default();
    let slug = asked.param("slug");
    show_templates(&state, asked, (lang, slug), draft, (StatusCode::OK, String::new())).await
}

pub(super) async fn show_templates(
    state: &Arc<PageState>,
    asked: Asked,
    (lang, slug): (Lang, String),
    draft: Draft,
    (status, problem): (StatusCode, String),
) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Templates"), links::UPTIME_STATUS_TEMPLATES);
        let texts = templates::texts(&state.keeper.templates(), lang);
        let slug = state.keeper.page(&slug).map(|known| known.page.slug.clone()).unwrap_or_default();
        let input = TemplatesInput { lang, texts, draft, slug, done: asked.param("done"), problem: shell.t(&problem).to_owned() };
        asked.page(status, templates::render(&input, &shell))
    })
    .await
}
