//! Pages about status pages, and status pages themselves.

mod public;

use std::sync::Arc;

use axum::routing::{MethodRouter, get};

use super::PageState;
use crate::access::{Policy, Routes};
use crate::ui::links;

/// Every page with who may look at it.
pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let with = |handler: MethodRouter<Arc<PageState>>| handler.with_state(Arc::clone(state));
    Routes::new().route("GET", links::STATUS_PAGE, Policy::Public, with(get(public::page)))
}
