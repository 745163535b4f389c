//! Sloth's files (`version: prometheus/v1`, or the same as a resource of Kubernetes): each of their SLOs becomes one here,
//! named by its service and its own name as Sloth's `sloth_id` is.

use super::{Brought, at, either, is_true, items, labels, map, named, pairs, text_at, text_of};
use crate::platform::config::yaml::{MapWriter, Node};

/// Reads a document.
pub fn read(root: &Node, brought: &mut Brought) {
    // A resource of Kubernetes has everything below `spec`.
    let spec = at(root, &["spec"]).unwrap_or(root);
    let service = text_at(spec, &["service"]);
    if either(spec, &["slo_plugins", "sloPlugins"]).is_some() {
        brought.note(&service, "plugins of SLOs are not taken over");
    }
    for slo in items(at(spec, &["slos"])) {
        one(&service, spec, slo, brought);
    }
}

fn one(service: &str, spec: &Node, slo: &Node, brought: &mut Brought) {
    let own = text_at(slo, &["name"]);
    let name = named(&if service.is_empty() { own } else { format!("{service}-{own}") });
    let mut draft = MapWriter::default();
    draft.text("name", &name).text_if("description", &text_at(slo, &["description"]));
    let mut lists = vec![pairs(at(spec, &["labels"])), pairs(at(slo, &["labels"]))];
    if !service.is_empty() {
        lists.insert(0, vec![("service".to_owned(), service.to_owned())]);
    }
    draft.map_if("labels", map(&labels(brought, &name, &lists)));
    draft.text("objective", &text_at(slo, &["objective"])).bare("window", "30d");
    if either(slo, &["plugins"]).is_some() {
        brought.note(&name, "plugins of SLOs are not taken over");
    }
    let Some(events) = indicator(&name, slo, brought) else { return };
    draft.map_if("ratio", events);
    draft.map_if("alerts", alerts(&name, slo, brought));
    brought.take(&name, draft);
}

fn indicator(name: &str, slo: &Node, brought: &mut Brought) -> Option<MapWriter> {
    let sli = at(slo, &["sli"]);
    let mut out = MapWriter::default();
    if let Some(events) = sli.and_then(|sli| at(sli, &["events"])) {
        let query = |keys: &[&str]| either(events, keys).map(text_of).unwrap_or_default();
        out.text("bad", &query(&["error_query", "errorQuery"])).text("total", &query(&["total_query", "totalQuery"]));
        return Some(out);
    }
    if let Some(raw) = sli.and_then(|sli| at(sli, &["raw"])) {
        let query = either(raw, &["error_ratio_query", "errorRatioQuery"]).map(text_of).unwrap_or_default();
        brought.note(name, "it gives a ratio and no events, so every 5 minutes count the same here");
        // Where there is a ratio there is one event, so that gaps do not count as good.
        out.text("bad", &query).text("total", &format!("({query}) * 0 + 1"));
        return Some(out);
    }
    let plugin = sli.map(|sli| text_at(sli, &["plugin", "id"])).unwrap_or_default();
    let why = if plugin.is_empty() { "it has no indicator".to_owned() } else { format!("its indicator is made by the plugin {plugin:?}") };
    brought.note(name, &format!("it is left out: {why}"));
    None
}

fn alerts(name: &str, slo: &Node, brought: &mut Brought) -> MapWriter {
    let mut out = MapWriter::default();
    // Sloth has no such alerts.
    let mut absent = MapWriter::default();
    absent.bare("off", true);
    out.bare("budget_low", 0).map_if("absent", absent);
    let Some(alerting) = at(slo, &["alerting"]) else { return out };
    out.text_if("name", &text_at(alerting, &["name"]));
    out.map_if("labels", map(&labels(brought, name, &[pairs(at(alerting, &["labels"]))])));
    out.map_if("annotations", map(&pairs(at(alerting, &["annotations"]))));
    for (key, names) in [("page", ["page_alert", "pageAlert"]), ("ticket", ["ticket_alert", "ticketAlert"])] {
        let Some(told) = either(alerting, &names) else { continue };
        let mut below = MapWriter::default();
        below.bare_unless("off", is_true(at(told, &["disable"])), false);
        below.map_if("labels", map(&labels(brought, name, &[pairs(at(told, &["labels"]))])));
        below.map_if("annotations", map(&pairs(at(told, &["annotations"]))));
        out.map_if(key, below);
    }
    out
}
