//! Every dashboard, and the stars of people.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;

use super::{Form, PageState, failed, may_edit, shell_of, user};
use crate::access::Change;
use crate::boards::model::{About, Search};
use crate::boards::pages::add::Added;
use crate::boards::pages::list::{ListInput, Listed, render};
use crate::boards::ready;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::shell::Shell;

/// `GET /d`.
pub(super) async fn page(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let shell = shell_of(&asked, &state, key("Dashboards"));
    list(&state, &asked, &shell, None).await
}

/// `GET /d/add`: which dashboard a query becomes a panel of.
pub(super) async fn choose(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let added = Added::from_query(asked.query()).map_err(Problem::bad_request)?;
    let shell = shell_of(&asked, &state, key("Add to dashboard"));
    list(&state, &asked, &shell, Some(added)).await
}

async fn list(state: &PageState, asked: &Asked, shell: &Shell, added: Option<Added>) -> Result<Response, Problem> {
    let stars = match user(asked) {
        Some(user) => state.library.stars(user).await.map_err(failed)?,
        None => Vec::new(),
    };
    let (query, tag, folder) = (asked.param("query"), asked.param("tag"), asked.param("folder"));
    let only_starred = !asked.param("starred").is_empty();
    let given = |text: &String| if text.is_empty() { Vec::new() } else { vec![text.clone()] };
    let search = Search { query, tags: given(&tag), folder_uids: given(&folder), ..Search::default() };
    let kept = state.library.find_boards(search).await.map_err(failed)?;
    let mut boards: Vec<Listed> = kept.iter().map(|about| listed(about, &stars)).collect();
    boards.retain(|one| !only_starred || one.is_starred);
    let folders = state.library.folders().await.map_err(failed)?;
    let input = ListInput {
        boards,
        has_any: true,
        folders: folders.into_iter().map(|folder| (folder.uid, folder.title)).collect(),
        tags: state.library.board_tags().await.map_err(failed)?,
        has_stars: user(asked).is_some(),
        may_edit: may_edit(asked),
        done: asked.param("done"),
        added,
    };
    Ok(asked.page(StatusCode::OK, render(&input, shell)))
}

/// `GET /dashboards`: where Grafana has its list.
pub(super) async fn moved() -> Redirect {
    Redirect::to(links::BOARDS)
}

fn listed(about: &About, stars: &[String]) -> Listed {
    Listed {
        uid: about.uid.clone(),
        slug: about.slug(),
        title: about.title.clone(),
        description: about.description.clone(),
        tags: about.tags.clone(),
        folder_uid: about.folder_uid.clone(),
        changed_ms: about.changed_at,
        changed_by: about.changed_by.clone(),
        is_of_file: about.file.is_some(),
        is_ready_made: about.folder_uid == ready::FOLDER_UID,
        is_starred: stars.contains(&about.uid),
    }
}

/// `POST /d/star`: `uid`, `on` (`true` or `false`), `next` (where to go then).
pub(super) async fn star(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::read(&body);
    let Some(user) = user(&asked) else {
        return Err(Problem::new(StatusCode::FORBIDDEN, "stars belong to people: sign in to give one"));
    };
    let (uid, is_on) = (form.text("uid").to_owned(), form.text("on") == "true");
    if !state.library.star(user, uid.clone(), is_on).await.map_err(failed)? {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("there is no dashboard with the uid {uid:?}")));
    }
    let next = form.text("next");
    // Only to pages of this server.
    let next = if next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') { next } else { links::BOARDS };
    let change = Change::new(if is_on { "board.star" } else { "board.unstar" }, uid);
    Ok(change.in_answer(Redirect::to(next).into_response()))
}
