//! Pages of what was down and of what is planned: incidents, maintenance, reports.

use std::sync::Arc;

use super::PageState;
use crate::access::Routes;

/// Every page with who may look at it.
pub(super) fn routes(_state: &Arc<PageState>) -> Routes {
    Routes::new()
}
