//! Texts, lists of alerts and lists of dashboards whose options stood in the panel itself.

use serde_json::{Value, json};

use super::{Old, part};
use crate::boards::model::read::json::{flag, number, text};
use crate::boards::model::report::Level;

pub(super) fn text_panel(old: &mut Old<'_>) {
    if part(old, "options").contains_key("content") || !old.panel.contains_key("content") {
        return;
    }
    let mode = text(old.panel, "mode");
    // Plain text was its own mode; as Markdown it has to be escaped.
    let (mode, content) = match mode.as_str() {
        "html" => ("html", text(old.panel, "content")),
        "text" => ("code", text(old.panel, "content")),
        _ => ("markdown", text(old.panel, "content")),
    };
    old.set("options.mode", mode);
    old.set("options.content", content);
    if mode == "code" {
        old.set("options.code", json!({"language": "plaintext", "showLineNumbers": false}));
    }
}

pub(super) fn alerts(old: &mut Old<'_>) {
    if !["show", "stateFilter", "onlyAlertsOnDashboard", "sortOrder"].iter().any(|name| old.panel.contains_key(*name)) {
        return;
    }
    for (new, name) in [("alertName", "nameFilter"), ("dashboardTitle", "dashboardFilter")] {
        let given = text(old.panel, name);
        if !given.is_empty() {
            old.set(&format!("options.{new}"), given);
        }
    }
    if let Some(most) = number(old.panel, "limit") {
        old.set("options.maxItems", most.clamp(1.0, 1_000.0));
    }
    if let Some(order) = number(old.panel, "sortOrder") {
        old.set("options.sortOrder", order);
    }
    let states = old.panel.get("stateFilter").and_then(Value::as_array).cloned().unwrap_or_default();
    let has = |words: &[&str]| states.iter().any(|state| state.as_str().is_some_and(|state| words.contains(&state)));
    if !states.is_empty() {
        let filter = json!({
            "firing": has(&["alerting"]), "pending": has(&["pending"]), "noData": has(&["no_data"]),
            "normal": has(&["ok"]), "error": has(&["execution_error"]),
        });
        old.set("options.stateFilter", filter);
    }
    if flag(old.panel, "onlyAlertsOnDashboard") {
        old.set("options.dashboardAlerts", true);
    }
    if text(old.panel, "show") == "changes" {
        old.say(Level::Adapted, "show", "recent changes of alerts: the alerts of now are shown");
    }
}

pub(super) fn boards(old: &mut Old<'_>) {
    let names = [("showStarred", "starred"), ("showRecentlyViewed", "recent"), ("showSearch", "search"), ("showHeadings", "headings")];
    if !names.iter().any(|(_, name)| old.panel.contains_key(*name)) {
        return;
    }
    for (new, name) in names {
        let is_on = flag(old.panel, name);
        old.set(&format!("options.{new}"), is_on);
    }
    if let Some(most) = number(old.panel, "limit") {
        old.set("options.maxItems", most.clamp(1.0, 1_000.0));
    }
    let query = text(old.panel, "query");
    old.set("options.query", query);
    let tags = old.panel.get("tags").cloned().unwrap_or_else(|| json!([]));
    old.set("options.tags", tags);
    if old.panel.get("folderId").is_some_and(|id| !id.is_null()) {
        old.say(Level::Ignored, "folderId", "folders by number are not known here: dashboards of every folder are listed");
    }
}
