//! Panels that several dashboards share. A dashboard names them; what they are stands in `__elements` of a file that was
//! exported for others.

use serde_json::Value;

use super::json::{object, text};
use crate::boards::model::board::Object;

/// What a panel keeps of its own, whatever the shared one says.
const OWN: [&str; 3] = ["id", "gridPos", "libraryPanel"];

/// Puts the shared panels of a file where they are named.
pub(super) fn fill(board: &mut Object) {
    let elements = object(board, "__elements");
    if !elements.is_empty()
        && let Some(panels) = board.get_mut("panels").and_then(Value::as_array_mut)
    {
        panels.iter_mut().for_each(|panel| filled(panel, &elements));
    }
}

fn filled(panel: &mut Value, elements: &Object) {
    let Some(panel) = panel.as_object_mut() else { return };
    if let Some(inner) = panel.get_mut("panels").and_then(Value::as_array_mut) {
        inner.iter_mut().for_each(|panel| filled(panel, elements));
    }
    let uid = text(&object(panel, "libraryPanel"), "uid");
    let model = object(&object(elements, &uid), "model");
    for (name, value) in model {
        if !OWN.contains(&name.as_str()) {
            panel.entry(name).or_insert(value);
        }
    }
}

/// What is said of a panel that names a shared one which is not in the file; none where it names none.
pub(super) fn lost(panel: &Object) -> Option<String> {
    let named = panel.get("libraryPanel")?.as_object()?;
    let name = ["name", "uid"].iter().map(|name| text(named, name)).find(|text| !text.is_empty())?;
    Some(format!("it is the library panel \"{name}\", which is not in this file: export the dashboard for sharing with others, then it is"))
}
