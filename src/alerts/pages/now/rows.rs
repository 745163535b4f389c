//! Alerts as they stand on the page: under their headings, a row each, with labels and why somebody is not told.

use std::collections::{BTreeMap, HashMap};

use super::NowInput;
use super::filter::{By, Stage};
use crate::alerts::dispatch::GroupView;
use crate::alerts::pages::care::{self, Said};
use crate::alerts::pages::known::{self, Known, is_held};
use crate::alerts::pages::ways;
use crate::series::ports::Hush;
use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::shell::{Severity, Shell};

/// Alerts on one page.
pub(super) const PAGE_ALERTS: usize = 100;
/// Labels shown of an alert; the rest is counted.
const CHIPS_MAX: usize = 10;

/// A label of an alert, and the way to those that have it too.
pub(in crate::alerts::pages) struct Chip {
    pub(in crate::alerts::pages) name: String,
    pub(in crate::alerts::pages) value: String,
    pub(in crate::alerts::pages) href: String,
}

/// Why an alert is not told.
pub(super) struct Mark {
    pub(super) words: String,
    pub(super) href: String,
}

/// An alert.
pub(super) struct Row {
    pub(super) severity: Severity,
    pub(super) class: &'static str,
    pub(super) name: String,
    /// The name, or the summary under a heading that is the name.
    pub(super) title: String,
    pub(super) href: String,
    pub(super) summary: String,
    pub(super) chips: Vec<Chip>,
    pub(super) more: usize,
    pub(super) marks: Vec<Mark>,
    /// Its name in forms; empty where nobody can take care of it.
    pub(super) id: String,
    pub(super) said: Vec<Said>,
    pub(super) is_acknowledged: bool,
    pub(super) is_mine: bool,
    pub(super) is_assigned: bool,
    pub(super) state: &'static str,
    pub(super) tag: &'static str,
    pub(super) value: String,
    pub(super) exact: String,
    pub(super) since: Moment,
    pub(super) spark: Option<String>,
    pub(super) graph: Option<String>,
    pub(super) lines: Option<String>,
    pub(super) silence: String,
    pub(super) runbook: String,
    pub(super) receivers: String,
}

/// Alerts under one heading.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) href: Option<String>,
    pub(super) words: String,
    pub(super) tag: &'static str,
    pub(super) rows: Vec<Row>,
}

/// Alerts and groups by fingerprint, so that finding one does not look at all.
pub(super) struct Places<'a> {
    input: &'a NowInput,
    alerts: HashMap<u64, &'a Known>,
    groups: HashMap<u64, Vec<&'a GroupView>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(input: &'a NowInput) -> Self {
        let mut groups: HashMap<u64, Vec<&GroupView>> = HashMap::new();
        for group in &input.groups {
            for view in &group.alerts {
                groups.entry(view.alert.fingerprint()).or_default().push(group);
            }
        }
        Self { input, alerts: input.alerts.iter().map(|alert| (alert.fingerprint(), alert)).collect(), groups }
    }

    fn groups_of(&self, alert: &Known) -> &[&'a GroupView] {
        self.groups.get(&alert.fingerprint()).map_or(&[], Vec::as_slice)
    }
}

/// The headings under which an alert stands, each with where it leads.
fn headings(alert: &Known, places: &Places<'_>, shell: &Shell) -> Vec<(String, Option<String>)> {
    match &places.input.filter.by {
        By::Label(label) => {
            let value = alert.labels.get(label).unwrap_or("");
            let rule = alert.rule.as_ref().filter(|_| label == "alertname").map(|rule| links::alerts_rule(&rule.id));
            vec![(if value.is_empty() { shell.f1("without {}", label) } else { value.to_owned() }, rule)]
        }
        By::Receiver if alert.receivers.is_empty() => vec![(shell.t("told nobody").to_owned(), None)],
        By::Receiver => alert.receivers.iter().map(|receiver| (receiver.to_string(), Some(links::ALERTS_CHANNELS.to_owned()))).collect(),
        By::Group => {
            let title = |group: &GroupView| {
                let words = ways::label_words(&group.labels);
                let words = if words.is_empty() { shell.t("one group for all").to_owned() } else { words };
                let title = shell.lang().ltr(format!("{words} → {}", group.receiver));
                (title, Some(links::alerts_group(&group.key, &group.receiver)))
            };
            let found: Vec<_> = places.groups_of(alert).iter().copied().map(title).collect();
            if found.is_empty() { vec![(shell.t("in no group yet").to_owned(), None)] } else { found }
        }
    }
}

/// The sections of a page, each with its alerts.
pub(super) fn sections(shown: &[&Known], page: usize, places: &Places<'_>, shell: &Shell) -> Vec<Section> {
    let mut order: Vec<(String, Option<String>)> = Vec::new();
    let mut by_heading: BTreeMap<(String, Option<String>), Vec<&Known>> = BTreeMap::new();
    for alert in shown {
        for heading in headings(alert, places, shell) {
            let list = by_heading.entry(heading.clone()).or_default();
            if list.is_empty() {
                order.push(heading);
            }
            list.push(alert);
        }
    }
    // Sections stand in the order of their worst alert, and a page holds so many alerts, wherever a section begins.
    let mut skip = page * PAGE_ALERTS;
    let mut left = PAGE_ALERTS;
    let mut sections = Vec::new();
    for heading in order {
        let alerts = by_heading.remove(&heading).unwrap_or_default();
        let here: Vec<&Known> = alerts.iter().skip(skip).take(left).copied().collect();
        skip = skip.saturating_sub(alerts.len());
        left -= here.len();
        if here.is_empty() {
            continue;
        }
        let firing = alerts.iter().filter(|alert| Stage::of(alert) == Stage::Firing).count();
        let worst = alerts.iter().filter(|alert| Stage::of(alert) == Stage::Firing).map(|alert| alert.severity()).min();
        sections.push(Section {
            title: heading.0,
            href: heading.1,
            words: if firing == alerts.len() { shell.f1("{} firing", firing) } else { shell.f2("{} of {} firing", firing, alerts.len()) },
            tag: worst.map_or("", Severity::class),
            rows: here.into_iter().map(|alert| row(alert, places, shell)).collect(),
        });
        if left == 0 {
            break;
        }
    }
    sections
}

fn row(alert: &Known, places: &Places<'_>, shell: &Shell) -> Row {
    let stage = Stage::of(alert);
    let group = places.groups_of(alert).first();
    let rule = alert.rule.as_ref().map(|rule| links::alerts_rule(&rule.id));
    let href = group.map(|group| links::alerts_group(&group.key, &group.receiver)).or(rule);
    let (from, to) = ways::range_around(alert.since_ms, shell.now_ms);
    let graph = match &alert.rule {
        Some(rule) => Some(ways::graph_of(rule, alert.since_ms, shell.now_ms)),
        None => ways::outside(&alert.source_url).map(str::to_owned),
    };
    let summary = known::summary(&alert.annotations);
    let is_grouping = |name: &str| matches!(&places.input.filter.by, By::Label(label) if label == name);
    let title = if is_grouping("alertname") && !summary.is_empty() { summary } else { alert.name() };
    let chips: Vec<(&str, &str)> = alert.labels.iter().filter(|(name, _)| *name != "alertname" && !is_grouping(name)).collect();
    Row {
        severity: alert.severity(),
        class: match stage {
            Stage::Firing => alert.severity().class(),
            Stage::Pending => "pend",
            Stage::Held => "held",
        },
        name: alert.name().to_owned(),
        title: title.to_owned(),
        href: href.unwrap_or_else(|| ways::silence(&alert.labels)),
        summary: if title == summary { String::new() } else { summary.to_owned() },
        more: chips.len().saturating_sub(CHIPS_MAX),
        chips: chips.into_iter().take(CHIPS_MAX).map(|(name, value)| chip(name, value)).collect(),
        marks: marks(alert, places, shell),
        id: if alert.is_routed { format!("{:016x}", alert.fingerprint()) } else { String::new() },
        said: care::words(alert, &places.input.me, shell),
        is_acknowledged: alert.handling.is_acknowledged(),
        is_assigned: alert.handling.assignee.is_some(),
        is_mine: alert.handling.assignee.as_ref() == Some(&places.input.me),
        state: match stage {
            Stage::Firing => key("firing"),
            Stage::Pending => key("pending"),
            Stage::Held => key("kept back"),
        },
        tag: match stage {
            Stage::Firing if alert.severity() == Severity::Critical => "crit",
            Stage::Firing => "warn",
            Stage::Pending => "info",
            Stage::Held => "",
        },
        value: alert.value.map_or_else(String::new, |value| format::number(value, Unit::Short)),
        exact: alert.value.map_or_else(String::new, crate::base::float::plain),
        since: shell.moment(alert.since_ms),
        spark: ways::spark(alert, shell.now_ms),
        graph,
        lines: ways::lines(&alert.labels, &from, to),
        silence: ways::silence(&alert.labels),
        runbook: ways::outside(alert.annotation("runbook_url")).unwrap_or("").to_owned(),
        receivers: alert.receivers.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(shell.lang().comma()),
    }
}

pub(in crate::alerts::pages) fn chip(name: &str, value: &str) -> Chip {
    Chip { name: name.to_owned(), value: value.to_owned(), href: ways::with_label(name, value) }
}

/// Why an alert is not told, each with who did that.
fn marks(alert: &Known, places: &Places<'_>, shell: &Shell) -> Vec<Mark> {
    let mut found = Vec::new();
    if !is_held(&alert.marks) {
        return found;
    }
    for id in &alert.marks.silenced_by {
        let words = match places.input.silences.iter().find(|silence| silence.id == *id) {
            Some(silence) => shell.f2("silenced by {}, ends {}", &silence.created_by, shell.moment(silence.ends_at).words),
            None => shell.t("silenced").to_owned(),
        };
        found.push(Mark { words, href: links::with(links::ALERTS_SILENCE, &[("id", id)]) });
    }
    for by in &alert.marks.inhibited_by {
        let other = places.alerts.get(by);
        let href = other.map_or_else(|| links::ALERTS_ROUTING.to_owned(), |other| ways::with_label("alertname", other.name()));
        found.push(Mark { words: shell.f1("inhibited by {}", other.map_or("?", |other| other.name())), href });
    }
    for name in &alert.marks.muted_by {
        found.push(Mark { words: shell.f1("muted by the times {}", name), href: links::ALERTS_ROUTING.to_owned() });
    }
    found.extend(alert.marks.hush.as_ref().map(|hush| match hush {
        Hush::Maintenance(title) => {
            Mark { words: shell.f1("muted by the maintenance {}", title), href: links::UPTIME_MAINTENANCE.to_owned() }
        }
        Hush::Parent(name) => Mark { words: shell.f1("muted while {} is down", name), href: links::UPTIME.to_owned() },
    }));
    found
}
