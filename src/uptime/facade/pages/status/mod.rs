//! Pages about status pages, and status pages themselves.

pub(in crate::uptime::facade) mod follow;
mod forms;
pub(in crate::uptime::facade) mod history;
mod lists;
pub(in crate::uptime::facade) mod lock;
mod logo;
pub(in crate::uptime::facade) mod own_hosts;
mod posts;
mod public;

use std::sync::Arc;

use axum::routing::{MethodRouter, delete, get, post, put};

use super::{PageState, shell_at, work};
use crate::access::{Policy, Routes};
use crate::ui::links;

/// Every page with who may look at it.
pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    let with = |handler: MethodRouter<Arc<PageState>>| handler.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", links::STATUS_PAGE, Policy::Public, with(get(public::page)))
        .route("GET", links::STATUS_HISTORY, Policy::Public, with(get(history::page)))
        .route("POST", links::STATUS_UNLOCK, Policy::Public, with(post(lock::unlock)))
        .route("GET", links::STATUS_ROBOTS, Policy::Public, with(get(own_hosts::robots)))
        .route("GET", links::STATUS_LOGO, Policy::Public, with(get(logo::public)))
        .route("GET", links::STATUS_LOGO_API, read, with(get(logo::show)))
        .route("PUT", links::STATUS_LOGO_API, edit, with(put(logo::change)))
        .route("DELETE", links::STATUS_LOGO_API, edit, with(delete(logo::remove)))
        .route("POST", links::UPTIME_STATUS_LOGO, edit, with(post(logo::form)))
        .route("GET", links::STATUS_FEED, Policy::Public, with(get(public::atom)))
        .route("GET", links::STATUS_RSS, Policy::Public, with(get(public::rss)))
        .route("GET", links::STATUS_JSON, Policy::Public, with(get(public::json)))
        .route("GET", links::STATUS_CALENDAR, Policy::Public, with(get(public::calendar)))
        .route("GET", links::STATUS_BADGE, Policy::Public, with(get(public::badge)))
        .route("GET", links::CHECK_BADGE, Policy::Public, with(get(public::check_badge)))
        .route("GET, POST", links::STATUS_FOLLOW, Policy::Public, with(get(follow::page).post(follow::ask)))
        .route("GET, POST", links::STATUS_CONFIRM, Policy::Public, with(get(follow::may_confirm).post(follow::confirm)))
        .route("GET, POST", links::STATUS_UNFOLLOW, Policy::Public, with(get(follow::may_end).post(follow::end)))
        .route("GET", links::STATUS_FOLLOWERS, Policy::EDIT, with(get(follow::list)))
        .route("POST", links::STATUS_FOLLOWERS, Policy::EDIT, with(post(follow::add)))
        .route("DELETE", links::STATUS_FOLLOWER, Policy::EDIT, with(delete(follow::remove)))
        .route("GET", links::UPTIME_STATUS, read, with(get(lists::list)))
        .route("GET", links::UPTIME_STATUS_EDIT, edit, with(get(lists::edit)))
        .route("GET", links::UPTIME_STATUS_POSTS, read, with(get(lists::posts)))
        .route("POST", links::UPTIME_STATUS_SAVE, edit, with(post(forms::save)))
        .route("POST", links::UPTIME_STATUS_PREVIEW, edit, with(post(forms::preview)))
        .route("POST", links::UPTIME_STATUS_DELETE, edit, with(post(forms::delete)))
        .route("GET", links::UPTIME_STATUS_FOLLOWERS, edit, with(get(follow::look)))
        .route("POST", links::UPTIME_STATUS_FOLLOWERS, edit, with(post(follow::change)))
        .route("POST", links::UPTIME_STATUS_POSTS, edit, with(post(posts::posts)))
        .route("GET", links::UPTIME_STATUS_TEMPLATES, edit, with(get(lists::templates)))
        .route("POST", links::UPTIME_STATUS_TEMPLATES, edit, with(post(posts::templates)))
}
