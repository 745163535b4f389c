//! Why a panel has no data, in words: which metrics there are none of, and how to send them.

use serde_json::Value;

use super::Server;
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::boards::query::{Lead, Plan};
use crate::series::labels::METRIC_NAME;
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::ports::IndexQuery;

/// Most names of metrics that are looked for.
const NAMES_MAX: usize = 8;
/// Longest hint, in characters.
const HINT_CHARS_MAX: usize = 600;

impl Server {
    /// What is missing for a plan's queries; empty where everything is there and only fits nothing. Blocking.
    pub(super) fn missing(&self, plan: &Plan, range: TimeRange, cancel: &Cancel) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for query in plan.queries.iter().filter(|query| query.lead == Lead::Metrics) {
            let Ok(shape) = (self.ports.read)(&query.expr) else { continue };
            let named = shape.selectors.iter().flatten().filter(|one| &*one.name == METRIC_NAME && one.op == MatchOp::Equal);
            for name in named.map(|one| one.value.to_string()) {
                if !names.contains(&name) && names.len() < NAMES_MAX {
                    names.push(name);
                }
            }
        }
        names.retain(|name| {
            let any_of = [vec![Matcher::equal(METRIC_NAME, name)]];
            let found = self.ports.select.series(&IndexQuery { any_of: &any_of, range, limit: 1 }, cancel);
            found.is_ok_and(|found| found.is_empty())
        });
        names
    }
}

/// How to send what is missing, as the dashboard says of its panel (`"pharos": {"howToSend": "…"}`); empty where it does not.
pub(super) fn hint(board: &Value, panel: i64) -> String {
    let found = panels(board).find(|one| one.get("id").and_then(Value::as_i64) == Some(panel));
    let text = found.and_then(|one| one.get("pharos")?.get("howToSend")?.as_str()).unwrap_or_default();
    text.chars().take(HINT_CHARS_MAX).collect()
}

/// Panels of a dashboard, those in rows included.
fn panels(board: &Value) -> impl Iterator<Item = &Value> {
    let direct = board.get("panels").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    direct.iter().flat_map(|one| std::iter::once(one).chain(one.get("panels").and_then(Value::as_array).map_or(&[][..], Vec::as_slice)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_stand_beside_panels() {
        let board = serde_json::json!({"panels": [{"id": 1}, {"id": 2, "panels": [{"id": 3, "pharos": {"howToSend": "Send it."}}]}]});
        assert_eq!((hint(&board, 3).as_str(), hint(&board, 1).as_str(), hint(&board, 9).as_str()), ("Send it.", "", ""));
    }
}
