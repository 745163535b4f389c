//! Pages of checks: the list, one check, its form, what is tried before it is kept, what is brought in.

use std::sync::Arc;

use super::PageState;
use crate::access::Routes;

/// Every page with who may look at it.
pub(super) fn routes(_state: &Arc<PageState>) -> Routes {
    Routes::new()
}
