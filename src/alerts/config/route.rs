//! Routes and inhibition, read from the file.

use std::collections::BTreeMap;

use crate::alerts::model::matcher::{MatchOp, Matcher, Matchers, Syntax, parse_matchers};
use crate::alerts::model::routing::{GroupBy, InhibitRule, RouteConfig, WrittenMatchers};
use crate::platform::config::diagnostic::Report;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{Kind, MapWriter, Node};
use crate::series::labels::{is_legacy_label_name, quote};

/// Reads a route and all below it.
pub(super) fn read(node: &Node, report: &mut Report) -> Option<RouteConfig> {
    let mut section = Section::open(node, "route", report)?;
    let (matchers, written) = matchers(&mut section, "match", "match_re", "matchers");
    let mut route = RouteConfig {
        receiver: section.text_or_empty("receiver"),
        group_by: group_by(&mut section),
        matchers,
        written,
        mute_time_intervals: section.texts("mute_time_intervals"),
        active_time_intervals: section.texts("active_time_intervals"),
        goes_on: section.truth_or("continue", false),
        routes: Vec::new(),
        group_wait: section.duration("group_wait"),
        group_interval: section.duration("group_interval"),
        repeat_interval: section.duration("repeat_interval"),
        labels: section.text_map("labels"),
    };
    for (key, interval) in [("group_interval", route.group_interval), ("repeat_interval", route.repeat_interval)] {
        if interval.is_some_and(|interval| interval.ms() == 0) {
            let at = section.value_place(key);
            section.report.error(at, format!("{key} cannot be zero"));
        }
    }
    for name in route.labels.keys() {
        if !is_label_name(name) {
            let at = section.value_place("labels");
            section.report.error(at, format!("invalid label name {} in route labels", quote(name)));
        }
    }
    for node in section.list("routes") {
        route.routes.extend(read(node, section.report));
    }
    section.finish_exactly();
    Some(route)
}

fn group_by(section: &mut Section<'_, '_>) -> Option<GroupBy> {
    let node = section.node("group_by")?;
    let names = section.texts("group_by");
    let has_all = names.iter().any(|name| name == "...");
    if has_all && names.iter().any(|name| name != "...") {
        section.report.error(node.at, "cannot have wildcard group_by (`...`) and other labels at the same time");
    }
    let items = if let Kind::List(items) = &node.kind { items.as_slice() } else { &[] };
    for (index, name) in names.iter().enumerate().filter(|(_, name)| *name != "...") {
        let at = items.get(index).map_or(node.at, |item| item.at);
        if !is_label_name(name) {
            section.report.error(at, format!("invalid label name {} in group_by list", quote(name)));
        }
        if names[..index].contains(name) {
            section.report.error(at, format!("duplicated label {} in group_by", quote(name)));
        }
    }
    Some(if has_all { GroupBy::All } else { GroupBy::Labels(names) })
}

/// Names that alerts may have. Upstream takes any text, unless it is told to keep to the classic rule; a name that
/// begins with `-` is refused here too, as it is most likely a list written wrongly.
fn is_label_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-')
}

/// Reads the three forms of conditions.
fn matchers(section: &mut Section<'_, '_>, equal: &'static str, regex: &'static str, list: &'static str) -> (Matchers, WrittenMatchers) {
    let mut all = Vec::new();
    let mut written = WrittenMatchers::default();
    for (key, op) in [(equal, MatchOp::Equal), (regex, MatchOp::Regex)] {
        let mut map = BTreeMap::new();
        if let Some(below) = section.open_below(key) {
            for (name, node) in below.pairs() {
                if !is_legacy_label_name(&name.text) {
                    below.report.error(name.at, format!("invalid label name {}", quote(&name.text)));
                }
                let value = match &node.kind {
                    Kind::Scalar { text, .. } => &**text,
                    Kind::Null if op == MatchOp::Equal => "",
                    Kind::Null => {
                        below.report.error(name.at, format!("invalid regexp value for {}", quote(&name.text)));
                        continue;
                    }
                    _ => {
                        below.report.error(node.at, format!("{}: read {}, expected text", name.text, node.describe()));
                        continue;
                    }
                };
                // As upstream, a regular expression stands anchored in the keys of groups.
                let matcher = Matcher::new(&name.text, op, value).and_then(|matcher| match op {
                    MatchOp::Regex => Matcher::new(&name.text, op, &format!("^(?:{value})$")),
                    _ => Ok(matcher),
                });
                match matcher {
                    Ok(matcher) => all.push(matcher),
                    Err(error) => below.report.error(node.at, format!("{key}: {error}")),
                }
                map.insert(name.text.to_string(), value.to_owned());
            }
        }
        if op == MatchOp::Equal { written.equal = map } else { written.regex = map }
    }
    let mut newer = Vec::new();
    for node in section.list(list) {
        let Kind::Scalar { text, .. } = &node.kind else {
            section.report.error(node.at, format!("{list}: read {}, expected a text such as severity=\"critical\"", node.describe()));
            continue;
        };
        match parse_matchers(text, Syntax::Both) {
            Ok(parsed) => {
                newer.extend(parsed.value);
                if let Some(warning) = parsed.warning {
                    section.report.warn(node.at, format!("{list}: {warning}"));
                }
            }
            Err(error) => section.report.error(node.at, format!("{list}: {error}")),
        }
    }
    all.extend(newer.iter().cloned());
    written.matchers = Matchers::new(newer);
    (Matchers::new(all), written)
}

/// Reads an inhibition rule.
pub(super) fn read_inhibit(node: &Node, report: &mut Report) -> Option<InhibitRule> {
    let mut section = Section::open(node, "inhibit_rules", report)?;
    let (source, written_source) = matchers(&mut section, "source_match", "source_match_re", "source_matchers");
    let (target, written_target) = matchers(&mut section, "target_match", "target_match_re", "target_matchers");
    let equal = section.texts("equal");
    for name in &equal {
        if !is_label_name(name) {
            let at = section.value_place("equal");
            section.report.error(at, format!("invalid label name {} in equal list", quote(name)));
        }
    }
    let rule = InhibitRule { name: section.text_or_empty("name"), source, target, equal, written_source, written_target };
    section.finish_exactly();
    Some(rule)
}

/// A route as it is printed.
pub(super) fn to_node(route: &RouteConfig) -> Node {
    let mut out = MapWriter::default();
    out.text_if("receiver", &route.receiver);
    match &route.group_by {
        None => {}
        Some(GroupBy::All) => {
            out.texts_if("group_by", &["..."]);
        }
        Some(GroupBy::Labels(names)) if names.is_empty() => {
            out.put("group_by", Node::new(Kind::List(Vec::new())));
        }
        Some(GroupBy::Labels(names)) => {
            out.texts_if("group_by", names);
        }
    }
    write_matchers(&mut out, &route.written, ["match", "match_re", "matchers"]);
    out.texts_if("mute_time_intervals", &route.mute_time_intervals);
    out.texts_if("active_time_intervals", &route.active_time_intervals);
    out.bare("continue", route.goes_on);
    out.list_if("routes", route.routes.iter().map(to_node).collect());
    for (key, value) in
        [("group_wait", route.group_wait), ("group_interval", route.group_interval), ("repeat_interval", route.repeat_interval)]
    {
        if let Some(value) = value {
            out.bare(key, value);
        }
    }
    out.text_map_if("labels", &route.labels);
    out.finish()
}

/// An inhibition rule as it is printed.
pub(super) fn inhibit_to_node(rule: &InhibitRule) -> Node {
    let mut out = MapWriter::default();
    out.text_if("name", &rule.name);
    write_matchers(&mut out, &rule.written_source, ["source_match", "source_match_re", "source_matchers"]);
    write_matchers(&mut out, &rule.written_target, ["target_match", "target_match_re", "target_matchers"]);
    out.texts_if("equal", &rule.equal);
    out.finish()
}

fn write_matchers(out: &mut MapWriter, written: &WrittenMatchers, [equal, regex, list]: [&str; 3]) {
    out.text_map_if(equal, &written.equal).text_map_if(regex, &written.regex);
    out.list_if(list, written.matchers.iter().map(|matcher| Node::text(matcher.to_string())).collect());
}
