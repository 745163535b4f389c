//! The routing configuration, `alertmanager.yml`: reading, checking, printing back.
//!
//! The format is Alertmanager's (its documentation, "Configuration"), every key of it. Keys that nobody knows are
//! errors, as there; all mistakes of a file are told at once, each with its place.

pub mod channel;
pub mod global;
pub mod http;
mod receiver;
mod route;
mod times;

use std::collections::{BTreeMap, BTreeSet};

pub use global::Global;
pub use receiver::{Integration, Receiver};

use crate::alerts::model::interval::NamedIntervals;
use crate::alerts::model::routing::{InhibitRule, RouteConfig};
use crate::platform::config::diagnostic::Report;
use crate::platform::config::path;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, MapWriter, Node, Position, print};
use crate::series::labels::quote;

use crate::platform::config::keys::{read_map, to_node};

/// Most bytes of the keys of all routes together: each holds its parents' conditions, so that they can grow much faster
/// than the file.
const ROUTE_KEYS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The whole file, everything inherited filled in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoutingConfig {
    /// What receivers use where they do not say otherwise.
    pub global: Global,
    /// The root of the routes.
    pub route: RouteConfig,
    /// Who inhibits whom.
    pub inhibit_rules: Vec<InhibitRule>,
    /// Where alerts go, in order of the file.
    pub receivers: Vec<Receiver>,
    /// Patterns of files with templates; relative ones stand below the file's folder.
    pub templates: Vec<String>,
    /// The older form of `time_intervals`.
    pub mute_time_intervals: Vec<NamedIntervals>,
    /// Named times of the calendar.
    pub time_intervals: Vec<NamedIntervals>,
}

/// Reads the text of a file, named in the report. What is wrong goes there; the configuration is then not to be used.
pub fn read(text: &str, report: &mut Report) -> RoutingConfig {
    let document = match yaml::parse(text) {
        Ok(document) => document,
        Err(error) => {
            report.error(error.at, error.message);
            return RoutingConfig::default();
        }
    };
    if let Some(at) = document.second {
        report.warn(at, "a second document begins here, which is not read");
    }
    let Some(mut section) = Section::open(&document.root, "configuration", report) else { return RoutingConfig::default() };
    let mut config = RoutingConfig::default();
    if let Some(node) = section.node("global")
        && let Some(global) = read_map::<Global>(node, &mut section)
    {
        config.global = global;
    }
    receivers(&mut section, &mut config);
    for node in section.list("inhibit_rules") {
        config.inhibit_rules.extend(route::read_inhibit(node, section.report));
    }
    config.templates = section.texts("templates").iter().map(|pattern| path::join(section.report.dir(), pattern)).collect();
    let names = intervals(&mut section, &mut config);
    match section.node("route") {
        Some(node) => {
            if let Some(read) = route::read(node, section.report) {
                config.route = read;
                check_root(node, &config, section.report);
                let bytes = key_bytes(&config.route, 0);
                if bytes > ROUTE_KEYS_BYTES_MAX {
                    let message =
                        format!("the routes' conditions, parents' included, take {bytes} bytes, more than {ROUTE_KEYS_BYTES_MAX}");
                    section.report.error(node.at, message);
                }
                let receivers: BTreeSet<&str> = config.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
                check_names(node, &config.route, &receivers, &names, section.report);
            }
        }
        None => {
            let at = section.place("route");
            let is_empty = section.raw("route").is_some();
            section.report.error(at, if is_empty { "root route must specify a default receiver" } else { "no routes provided" });
        }
    }
    for key in ["tracing", "event_recorder"] {
        section.knows(&[key]);
        section.warn_if_set(key, "read, but has no effect here");
    }
    section.finish_exactly();
    config
}

fn receivers(section: &mut Section<'_, '_>, config: &mut RoutingConfig) {
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    for node in section.list("receivers") {
        let Some(receiver) = Receiver::read(node, &config.global, section.report) else { continue };
        let at = node.get("name").map_or(node.at, |name| name.at);
        if let Some(line) = names.insert(receiver.name.clone(), at.line) {
            let message = format!("notification config name {} is not unique, first in line {line}", quote(&receiver.name));
            section.report.error(at, message);
        }
        config.receivers.push(receiver);
    }
}

/// Both lists of named times; gives their names.
fn intervals(section: &mut Section<'_, '_>, config: &mut RoutingConfig) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (key, what) in [("mute_time_intervals", "mute time interval"), ("time_intervals", "time interval")] {
        for node in section.list(key) {
            let Some(named) = times::read(node, what, section.report) else { continue };
            if !names.insert(named.name.clone()) {
                let at = node.get("name").map_or(node.at, |name| name.at);
                section.report.error(at, format!("{what} {} is not unique", quote(&named.name)));
            }
            if key == "time_intervals" { config.time_intervals.push(named) } else { config.mute_time_intervals.push(named) }
        }
    }
    names
}

/// What only the root route must and must not have.
fn check_root(node: &Node, config: &RoutingConfig, report: &mut Report) {
    let place = |key: &str| node.get(key).map_or(node.at, |below| below.at);
    let root = &config.route;
    for (is_wrong, key, message) in [
        (root.receiver.is_empty(), "receiver", "root route must specify a default receiver"),
        (!root.matchers.is_empty(), "matchers", "root route must not have any matchers"),
        (!root.mute_time_intervals.is_empty(), "mute_time_intervals", "root route must not have any mute time intervals"),
        (!root.active_time_intervals.is_empty(), "active_time_intervals", "root route must not have any active time intervals"),
        (root.goes_on, "continue", "cannot have continue in root route"),
    ] {
        if is_wrong {
            report.error(place(key), message);
        }
    }
}

/// How long the keys of a route and all below it are together, if those above it take `above` bytes.
fn key_bytes(route: &RouteConfig, above: usize) -> usize {
    let own = route.matchers.iter().fold(above, |bytes, matcher| bytes.saturating_add(matcher.name.len() + matcher.value.len() + 5));
    route.routes.iter().fold(own, |bytes, route| bytes.saturating_add(key_bytes(route, own)))
}

/// Whether what routes name exists.
fn check_names(node: &Node, route: &RouteConfig, receivers: &BTreeSet<&str>, intervals: &BTreeSet<String>, report: &mut Report) {
    let place = |key: &str| node.get(key).map_or(node.at, |below| below.at);
    if !route.receiver.is_empty() && !receivers.contains(&*route.receiver) {
        report.error(place("receiver"), format!("undefined receiver {} used in route", quote(&route.receiver)));
    }
    for (key, names) in [("mute_time_intervals", &route.mute_time_intervals), ("active_time_intervals", &route.active_time_intervals)] {
        for name in names.iter().filter(|name| !intervals.contains(*name)) {
            report.error(place(key), format!("undefined time interval {} used in route", quote(name)));
        }
    }
    let nodes = match node.get("routes").map(|routes| &routes.kind) {
        Some(yaml::Kind::List(nodes)) => nodes.as_slice(),
        _ => &[],
    };
    // An item that is no map was reported and left out, and the places of those behind it are then of little use.
    let elsewhere = Node { at: Position::default(), kind: yaml::Kind::Null };
    for (index, route) in route.routes.iter().enumerate() {
        let node = nodes.get(index).filter(|_| nodes.len() > index).unwrap_or(&elsewhere);
        check_names(node, route, receivers, intervals, report);
    }
}

impl RoutingConfig {
    /// The named times, of both forms.
    pub fn intervals(&self) -> impl Iterator<Item = &NamedIntervals> {
        self.mute_time_intervals.iter().chain(&self.time_intervals)
    }

    /// The receiver of a name.
    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| receiver.name == name)
    }

    /// The file as YAML, everything inherited filled in, secrets hidden.
    pub fn to_yaml(&self) -> String {
        let mut out = MapWriter::default();
        out.put("global", to_node(&self.global));
        out.put("route", route::to_node(&self.route));
        out.list_if("inhibit_rules", self.inhibit_rules.iter().map(route::inhibit_to_node).collect());
        out.list_if("receivers", self.receivers.iter().map(Receiver::to_node).collect());
        out.put("templates", Node::new(yaml::Kind::List(self.templates.iter().map(|pattern| Node::text(pattern.as_str())).collect())));
        out.list_if("mute_time_intervals", self.mute_time_intervals.iter().map(times::to_node).collect());
        out.list_if("time_intervals", self.time_intervals.iter().map(times::to_node).collect());
        print(&out.finish())
    }
}

#[cfg(test)]
mod tests;
