//! Where old panels stand where nothing says it.

use serde_json::json;

use super::Old;
use crate::boards::model::read::json::number;

/// Columns that a panel had when there were twelve.
const MIN_SPAN_COLUMNS: f64 = 24.0;

/// `minSpan` became the most copies beside each other.
pub(super) fn place(old: &mut Old<'_>) {
    if let Some(least) = number(old.panel, "minSpan").filter(|least| *least >= 1.0)
        && !old.panel.contains_key("maxPerRow")
    {
        let most = (MIN_SPAN_COLUMNS / least.min(MIN_SPAN_COLUMNS)).floor();
        old.panel.insert("maxPerRow".to_owned(), json!(most));
    }
}
