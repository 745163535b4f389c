//! Rules as a rule file, which Prometheus takes too where no logs are counted.

use super::{Group, Rule};
use crate::base::time::Duration;
use crate::platform::config::yaml::{self, Kind, MapWriter, Node};

/// The text of a file of groups.
pub fn print(groups: &[Group]) -> String {
    let mut out = MapWriter::default();
    out.list_if("groups", groups.iter().map(group).collect());
    yaml::print(&out.finish())
}

fn group(group: &Group) -> Node {
    let mut out = MapWriter::default();
    out.text("name", &group.name).bare("interval", group.interval);
    if group.is_logs {
        out.text("type", "logs");
    }
    out.put("rules", Node::new(Kind::List(group.rules.iter().map(rule).collect())));
    out.finish()
}

fn rule(rule: &Rule) -> Node {
    let mut out = MapWriter::default();
    out.text(if rule.alert.is_some() { "alert" } else { "record" }, &rule.name).text("expr", &rule.expr);
    if let Some(alert) = rule.alert.as_ref().filter(|alert| alert.hold > Duration::default()) {
        out.bare("for", alert.hold);
    }
    out.text_map_if("labels", &rule.labels);
    if let Some(alert) = &rule.alert {
        out.text_map_if("annotations", &alert.annotations);
    }
    out.finish()
}
