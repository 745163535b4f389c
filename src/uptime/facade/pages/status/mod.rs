//! Pages about status pages, and status pages themselves.

mod forms;
mod lists;
mod public;

use std::sync::Arc;

use axum::routing::{MethodRouter, get, post};

use super::{PageState, shell_at, work};
use crate::access::{Policy, Routes};
use crate::ui::links;

/// Every page with who may look at it.
pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    let with = |handler: MethodRouter<Arc<PageState>>| handler.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", links::STATUS_PAGE, Policy::Public, with(get(public::page)))
        .route("GET", links::UPTIME_STATUS, read, with(get(lists::list)))
        .route("GET", links::UPTIME_STATUS_EDIT, edit, with(get(lists::edit)))
        .route("GET", links::UPTIME_STATUS_POSTS, read, with(get(lists::posts)))
        .route("POST", links::UPTIME_STATUS_SAVE, edit, with(post(forms::save)))
        .route("POST", links::UPTIME_STATUS_PREVIEW, edit, with(post(forms::preview)))
        .route("POST", links::UPTIME_STATUS_DELETE, edit, with(post(forms::delete)))
        .route("POST", links::UPTIME_STATUS_POSTS, edit, with(post(forms::posts)))
}
