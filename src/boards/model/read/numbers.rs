//! Numbers of panels: each its own. Where one is missing or stands twice, the next free one is given, as in Grafana.

use std::collections::HashSet;

use serde_json::Value;

use crate::boards::model::board::Object;

/// Gives every panel of a dashboard a number of its own; the first with a number keeps it.
pub(super) fn unique(board: &mut Object) {
    let mut next = 1 + every(board).filter_map(number).max().unwrap_or(0).max(0);
    let mut taken = HashSet::new();
    for panel in panels_mut(board) {
        give(panel, &mut taken, &mut next);
        for inner in panels_mut(panel) {
            give(inner, &mut taken, &mut next);
        }
    }
}

fn give(panel: &mut Object, taken: &mut HashSet<i64>, next: &mut i64) {
    if number(panel).is_some_and(|id| taken.insert(id)) {
        return;
    }
    panel.insert("id".to_owned(), Value::from(*next));
    taken.insert(*next);
    *next += 1;
}

/// A number of a panel: positive, and small enough to count on from.
fn number(panel: &Object) -> Option<i64> {
    panel.get("id").and_then(super::json::number_of).map(|id| id as i64).filter(|id| (1..i64::from(i32::MAX)).contains(id))
}

fn every(board: &Object) -> impl Iterator<Item = &Object> {
    super::json::objects(board, "panels")
        .flat_map(|(_, panel)| std::iter::once(panel).chain(super::json::objects(panel, "panels").map(|(_, inner)| inner)))
}

fn panels_mut(parent: &mut Object) -> impl Iterator<Item = &mut Object> {
    parent.get_mut("panels").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_double_and_odd_numbers_are_replaced() {
        let mut board = json!({"panels": [{"id": 7}, {"id": 7, "panels": [{"id": null}, {"id": "3"}, 5]}, {}, {"id": -4}, {"id": 1e300}]});
        unique(board.as_object_mut().unwrap());
        let expected = json!({"panels": [{"id": 7}, {"id": 8, "panels": [{"id": 9}, {"id": "3"}, 5]}, {"id": 10}, {"id": 11}, {"id": 12}]});
        assert_eq!(board, expected);
    }
}
