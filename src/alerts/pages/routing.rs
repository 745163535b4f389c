//! Who is told of what: the tree of routes, drawn, and where an alert with given labels would go right now.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use super::known::Known;
use crate::alerts::config::RoutingConfig;
use crate::alerts::dispatch::InForce;
use crate::alerts::model::matcher::{MatchOp, Matcher, Syntax, parse_matchers};
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::silence::Silence;
use crate::alerts::route::inhibit::Inhibitor;
use crate::alerts::route::mute::Muting;
use crate::alerts::route::tree::{Grouping, Route};
use crate::base::time::Duration;
use crate::series::labels::Labels;
use crate::ui::lang::Words;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Routes drawn.
const ROUTES_MAX: usize = 2_000;
/// Labels of a tried alert.
const LABELS_MAX: usize = 100;

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct RoutingInput {
    /// The configuration in force.
    pub in_force: Arc<InForce>,
    /// Every silence.
    pub silences: Vec<Silence>,
    /// Alerts of now, as they are routed.
    pub alerts: Vec<RoutedAlert>,
    /// The same with everything that is known, for examples.
    pub known: Vec<Known>,
}

struct Node {
    depth: usize,
    receiver: String,
    matchers: Vec<String>,
    goes_on: bool,
    grouping: String,
    times: String,
    muted: Vec<String>,
    active: Vec<String>,
    is_hit: bool,
    is_on_way: bool,
    has_children: bool,
    closes: usize,
}

struct Stop {
    receiver: String,
    key: String,
    wait: String,
    repeat: String,
    muted: String,
    channels: usize,
}

struct Inhibits {
    source: String,
    target: String,
    equal: String,
    name: String,
}

struct Times {
    name: String,
    is_now: bool,
}

struct Tried {
    stops: Vec<Stop>,
    silenced: Vec<(String, String)>,
    inhibited: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "alerts/routing.html")]
struct RoutingPage<'a> {
    shell: &'a Shell,
    path: &'a str,
    printed: &'a str,
    labels: &'a str,
    wrong: String,
    tried: Option<Tried>,
    nodes: Vec<Node>,
    more: usize,
    inhibits: Vec<Inhibits>,
    times: Vec<Times>,
    examples: Vec<(String, String)>,
}

/// Renders the page: `labels` of the URL are tried.
pub fn render(input: &RoutingInput, shell: &Shell) -> String {
    let text = shell.param("labels").unwrap_or("");
    let (labels, wrong) = match read_labels(text) {
        Ok(labels) => (labels, String::new()),
        Err(words) => (None, words.text(shell.lang())),
    };
    let tree = &input.in_force.tree;
    let hit: BTreeSet<usize> =
        labels.as_ref().map_or_else(BTreeSet::new, |labels| tree.matching(labels).iter().map(|route| route.index).collect());
    let config = &input.in_force.config;
    page::html(&RoutingPage {
        shell,
        path: &input.in_force.path,
        printed: &input.in_force.printed,
        labels: text,
        wrong,
        tried: labels.as_ref().map(|labels| tried(labels, input, shell)),
        nodes: nodes(tree.routes(), &hit, shell),
        more: tree.routes().len().saturating_sub(ROUTES_MAX),
        inhibits: config.inhibit_rules.iter().map(|rule| Inhibits {
            source: rule.source.to_string(),
            target: rule.target.to_string(),
            equal: rule.equal.join(shell.lang().comma()),
            name: rule.name.clone(),
        }).collect(),
        times: config.intervals().map(|named| Times { name: named.name.clone(), is_now: named.contains(shell.now_ms) }).collect(),
        examples: examples(&input.known),
    })
}

/// Alerts of now to try: one of each name.
fn examples(known: &[Known]) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let first = known.iter().filter(|alert| seen.insert(alert.name().to_owned())).take(6);
    first
        .map(|alert| {
            let text = alert.labels.iter().map(|(name, value)| super::ways::equal(name, value)).collect::<Vec<_>>().join(", ");
            (alert.name().to_owned(), links::with(links::ALERTS_ROUTING, &[("labels", &text)]))
        })
        .collect()
}

/// Reads `alertname="Down", severity=critical`, also with blanks or line ends in place of commas. None if nothing is there.
fn read_labels(text: &str) -> Result<Option<Labels>, Words> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let whole = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(",");
    let read = |text: &str| parse_matchers(text, Syntax::Both).map(|parsed| parsed.value);
    let matchers = match read(&whole) {
        Ok(matchers) => matchers,
        Err(error) => {
            let words: Result<Vec<Vec<Matcher>>, _> = text.split_whitespace().map(|word| read(word.trim_end_matches(','))).collect();
            words.map_err(|_| Words::plain(error.to_string()))?.concat()
        }
    };
    if matchers.len() > LABELS_MAX {
        return Err(Words::new("More than {} labels.", [LABELS_MAX.to_string()]));
    }
    if let Some(other) = matchers.iter().find(|matcher| matcher.op != MatchOp::Equal) {
        return Err(Words::new("{} is no label: an alert has values, so write name=value.", [other.to_string()]));
    }
    Ok(Some(Labels::from_pairs(matchers.iter().map(|matcher| (&*matcher.name, &*matcher.value)))))
}

fn tried(labels: &Labels, input: &RoutingInput, shell: &Shell) -> Tried {
    let InForce { config, tree, .. } = input.in_force.as_ref();
    let now = shell.now_ms;
    let mut inhibitor = Inhibitor::new(&config.inhibit_rules);
    for alert in &input.alerts {
        inhibitor.observe(alert);
    }
    let intervals = config.intervals().map(|named| (named.name.clone(), named.clone())).collect();
    let muting = Muting { inhibitor: &inhibitor, silences: &input.silences, intervals: &intervals };
    let inhibited = muting.inhibitor.inhibits(labels, now).map_or_else(Vec::new, |inhibition| inhibition.by);
    Tried {
        stops: tree.matching(labels).into_iter().map(|route| stop(route, labels, &muting, config, now, shell)).collect(),
        silenced: input
            .silences
            .iter()
            .filter(|silence| silence.silences(labels, now))
            .map(|silence| {
                let words = shell.f2("silenced by {}, ends {}", &silence.created_by, shell.moment(silence.ends_at).words);
                (words, links::with(links::ALERTS_SILENCE, &[("id", &silence.id)]))
            })
            .collect(),
        inhibited: inhibited
            .iter()
            .map(|by| {
                let other = input.alerts.iter().find(|alert| alert.fingerprint() == *by);
                other.map_or_else(|| format!("{by:016x}"), |alert| super::bars::name(&alert.labels))
            })
            .collect(),
    }
}

fn stop(route: &Route, labels: &Labels, muting: &Muting<'_>, config: &RoutingConfig, now: i64, shell: &Shell) -> Stop {
    Stop {
        receiver: route.receiver.to_string(),
        key: route.group_key(&route.group_labels(labels)),
        wait: route.group_wait.to_string(),
        repeat: route.repeat_interval.to_string(),
        muted: muting.muted_by(&route.mute_time_intervals, &route.active_time_intervals, now).join(shell.lang().comma()),
        channels: config.receiver(&route.receiver).map_or(0, |receiver| receiver.integrations().len()),
    }
}

/// Routes as they are drawn, parents before children; each says how many lists end behind it.
fn nodes(routes: &[Route], hit: &BTreeSet<usize>, shell: &Shell) -> Vec<Node> {
    let mut on_way = BTreeSet::new();
    for index in hit {
        let mut next = Some(*index);
        while let Some(route) = next.and_then(|index| routes.get(index)) {
            on_way.insert(route.index);
            next = route.parent;
        }
    }
    let depths = depths(routes);
    let shown = routes.len().min(ROUTES_MAX);
    let mut nodes = Vec::with_capacity(shown);
    for (place, (route, depth)) in routes.iter().zip(&depths).take(shown).enumerate() {
        // The next route that is drawn says where lists end; behind the last one, all do.
        let next = if place + 1 < shown { depths[place + 1] } else { 0 };
        let parent = route.parent.and_then(|parent| routes.get(parent));
        nodes.push(Node {
            depth: *depth,
            receiver: route.receiver.to_string(),
            matchers: route.matchers.iter().map(ToString::to_string).collect(),
            goes_on: route.goes_on,
            grouping: grouping(&route.group_by, shell),
            times: times(route, parent, shell),
            muted: route.mute_time_intervals.clone(),
            active: route.active_time_intervals.clone(),
            is_hit: hit.contains(&route.index),
            is_on_way: on_way.contains(&route.index),
            has_children: next > *depth,
            closes: depth.saturating_sub(next),
        });
    }
    nodes
}

fn depths(routes: &[Route]) -> Vec<usize> {
    let mut depths: Vec<usize> = Vec::with_capacity(routes.len());
    for route in routes {
        let depth = route.parent.and_then(|parent| depths.get(parent)).map_or(0, |above| above + 1);
        depths.push(depth);
    }
    depths
}

fn grouping(grouping: &Grouping, shell: &Shell) -> String {
    match grouping {
        Grouping::All => shell.t("each alert by itself").to_owned(),
        Grouping::Labels(names) if names.is_empty() => shell.t("all alerts together").to_owned(),
        Grouping::Labels(names) => {
            shell.f1("grouped by {}", names.iter().map(String::as_str).collect::<Vec<_>>().join(shell.lang().comma()))
        }
    }
}

/// The times of a route, those that differ from its parent's.
fn times(route: &Route, parent: Option<&Route>, shell: &Shell) -> String {
    let mut out = String::new();
    let mut put = |words: &str, own: Duration, above: Option<Duration>| {
        if above != Some(own) {
            let comma = if out.is_empty() { "" } else { shell.lang().comma() };
            // Writing to a String cannot fail.
            let _infallible = write!(out, "{comma}{words} {own}");
        }
    };
    put(shell.t("waits"), route.group_wait, parent.map(|above| above.group_wait));
    put(shell.t("changes after"), route.group_interval, parent.map(|above| above.group_interval));
    put(shell.t("repeats after"), route.repeat_interval, parent.map(|above| above.repeat_interval));
    out
}


#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(query: &str) -> String {
        let input = RoutingInput {
            in_force: sample::in_force(),
            silences: sample::silences(),
            alerts: sample::routed(),
            known: sample::now().alerts,
        };
        render(&input, &shell(Page::Alerts, "Routing", links::ALERTS_ROUTING, query))
    }

    #[test]
    fn the_tree_is_drawn_whole() {
        let text = html("");
        sample::check(&text);
        assert_eq!(text.matches("<ul").count(), text.matches("</ul>").count(), "lists end");
        assert_eq!(text.matches("class=\"rt").count(), 4, "{text}");
        assert!(!text.contains("rt hit"));
    }

    #[test]
    fn a_tried_alert_lights_its_way() {
        let text = html("labels=alertname%3DDown%2C+severity%3Dcritical%2C+job%3Ddb");
        assert_eq!(text.matches("rt hit").count(), 2, "{text}");
        for part in ["pager", "team-db", "{}/{severity=&#34;critical&#34;}:{alertname=&#34;Down&#34;}", "silenced by ann"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(html("labels=alertname%3DOther+severity%3Dinfo").contains("rt hit"), "blanks do as well");
        assert!(html("labels=alertname%3DDown%2Cseverity%3Dwarning%2Cjob%3Dapi").contains("Down · "), "says who inhibits");
    }

    #[test]
    fn what_cannot_be_an_alert_is_said() {
        assert!(html("labels=a%21%3Db").contains("is no label"));
        assert!(html("labels=%28%28").contains("role=\"alert\""));
        sample::check(&html(&links::with("", &[("labels", HOSTILE)])[1..]));
    }
}
