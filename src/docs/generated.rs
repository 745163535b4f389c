//! Parts that no hand writes: each comes from the table that the server itself runs on.

use super::markdown::{Heading, Rendered, anchor};
use crate::access::{Policy, Role, RouteInfo};
use crate::platform::config::settings::{SPECS, Spec};
use crate::ui::page;

/// A section of Prometheus' configuration file with the keys that are read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySection {
    /// Its name, as `scrape_configs`.
    pub name: String,
    /// Its keys in order of reading, each with what there is to know about it.
    pub keys: Vec<(&'static str, Option<&'static str>)>,
}

impl KeySection {
    /// What there is to know about some of its keys.
    fn notes(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.keys.iter().filter_map(|(key, note)| note.map(|note| (*key, note)))
    }
}

/// Settings under one heading.
struct SettingGroup {
    id: String,
    title: &'static str,
    specs: Vec<&'static Spec>,
}

/// A group of routes.
struct RouteGroup<'a> {
    id: String,
    title: &'static str,
    routes: Vec<&'a RouteInfo>,
}

/// A metric of the server's own.
#[derive(Debug, PartialEq, Eq)]
struct OwnMetric {
    name: String,
    kind: String,
    help: String,
}

#[derive(askama::Template)]
#[template(path = "docs/settings.html")]
struct SettingsPart {
    groups: Vec<SettingGroup>,
}

#[derive(askama::Template)]
#[template(path = "docs/keys.html")]
struct KeysPart<'a> {
    sections: &'a [KeySection],
}

#[derive(askama::Template)]
#[template(path = "docs/routes.html")]
struct RoutesPart<'a> {
    groups: Vec<RouteGroup<'a>>,
}

#[derive(askama::Template)]
#[template(path = "docs/metrics.html")]
struct MetricsPart {
    metrics: Vec<OwnMetric>,
}

fn heading(level: u8, id: &str, text: &str) -> Heading {
    Heading { level, id: id.to_owned(), text: text.to_owned() }
}

/// Every setting of the appliance, by section.
pub(super) fn settings() -> Rendered {
    let mut groups: Vec<SettingGroup> = Vec::new();
    for spec in SPECS {
        match groups.last_mut() {
            Some(group) if group.specs[0].group == spec.group => group.specs.push(spec),
            _ => groups.push(SettingGroup { id: spec.group.to_owned(), title: spec.title, specs: vec![spec] }),
        }
    }
    let mut headings = Vec::new();
    for group in &groups {
        headings.push(heading(2, &group.id, group.title));
        headings.extend(group.specs.iter().map(|spec| heading(3, spec.name, spec.name)));
    }
    Rendered { html: page::html(&SettingsPart { groups }), headings }
}

/// Every section of Prometheus' configuration that is read.
pub(super) fn keys(sections: &[KeySection]) -> Rendered {
    let headings = sections.iter().map(|section| heading(3, &key_id(section), &section.name)).collect();
    Rendered { html: page::html(&KeysPart { sections }), headings }
}

/// The anchor of a section; settings of ours have the plain names.
fn key_id(section: &KeySection) -> String {
    format!("keys-{}", anchor(&section.name))
}

/// Every route with who may use it.
pub(super) fn routes(table: &[RouteInfo]) -> Rendered {
    let titles = ["Query and look", "Send", "Change the server", "Health", "Pages and forms"];
    let mut groups: Vec<RouteGroup<'_>> =
        titles.into_iter().map(|title| RouteGroup { id: format!("routes-{}", anchor(title)), title, routes: Vec::new() }).collect();
    for route in table {
        groups[group_of(route)].routes.push(route);
    }
    groups.retain(|group| !group.routes.is_empty());
    let headings = groups.iter().map(|group| heading(3, &group.id, group.title)).collect();
    Rendered { html: page::html(&RoutesPart { groups }), headings }
}

/// Under which of the five titles a route stands.
fn group_of(route: &RouteInfo) -> usize {
    let starts =
        ["/api/", "/loki/", "/prometheus/", "/elasticsearch", "/_bulk", "/{index}/", "/-/", "/ready", "/metrics", "/federate", "/version"];
    let is_api = starts.iter().any(|start| route.path.starts_with(start));
    match route.policy {
        Policy::Public if route.path.starts_with("/-/") || route.path == "/ready" => 3,
        _ if !is_api => 4,
        Policy::Needs(..) if [Policy::WRITE_METRICS, Policy::WRITE_LOGS].contains(&route.policy) => 1,
        Policy::ADMIN => 2,
        _ => 0,
    }
}

/// Who may use a route, in words.
fn who(policy: &Policy) -> String {
    match policy {
        Policy::Public => "anyone".to_owned(),
        Policy::Person(Role::Viewer) => "people who are signed in".to_owned(),
        Policy::Person(role) => format!("people with the role {role}"),
        Policy::Needs(role, scope) => format!("role {role}, or a token with {scope}"),
    }
}

/// The server's own metrics, from the page that it shows to scrapers.
pub(super) fn metrics(exposition: &str) -> Rendered {
    Rendered { html: page::html(&MetricsPart { metrics: own_metrics(exposition) }), headings: Vec::new() }
}

fn own_metrics(exposition: &str) -> Vec<OwnMetric> {
    let mut metrics: Vec<OwnMetric> = Vec::new();
    for line in exposition.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), help) => {
                let help = help.unwrap_or("").replace("\\n", " ").replace("\\\\", "\\");
                metrics.push(OwnMetric { name: name.to_owned(), kind: String::new(), help });
            }
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                if let Some(metric) = metrics.iter_mut().rev().find(|metric| metric.name == name) {
                    kind.clone_into(&mut metric.kind);
                }
            }
            _ => {}
        }
    }
    metrics.sort_by(|a, b| a.name.cmp(&b.name));
    metrics.dedup_by(|a, b| a.name == b.name);
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Role, Scope};

    #[test]
    fn own_metrics_come_from_the_exposition() {
        let found = own_metrics("# HELP b_total Two\\nlines.\n# TYPE b_total counter\nb_total 1\n# HELP a Of a.\n# TYPE a gauge\na 2\n");
        let names: Vec<(&str, &str, &str)> = found.iter().map(|m| (m.name.as_str(), m.kind.as_str(), m.help.as_str())).collect();
        assert_eq!(names, [("a", "gauge", "Of a."), ("b_total", "counter", "Two lines.")]);
    }

    #[test]
    fn every_route_says_who_may_use_it() {
        let table = [
            RouteInfo { methods: "GET", path: "/api/v1/query", policy: Policy::READ, operation: None },
            RouteInfo { methods: "POST", path: "/api/v1/write", policy: Policy::WRITE_METRICS, operation: None },
            RouteInfo { methods: "GET", path: "/-/healthy", policy: Policy::Public, operation: None },
            RouteInfo { methods: "POST", path: "/logout", policy: Policy::OWN, operation: None },
            RouteInfo { methods: "PUT", path: "/-/<x>", policy: Policy::Needs(Role::Admin, Scope::Admin), operation: None },
        ];
        let part = routes(&table);
        for said in
            ["role viewer, or a token with read", "token with metrics:write", "anyone", "people who are signed in", "/-/&#60;x&#62;"]
        {
            assert!(part.html.contains(said), "{said}: {}", part.html);
        }
        assert_eq!(part.headings.len(), 5);
    }
}
