//! One group of alerts with everything around it on one timeline: its alerts, messages, silences, changes; then charts of
//! what the rules ask, and the lines of the same labels.

use super::bars::{self, Bar, Lane, Spell, Tick};
use super::history::{TellingRow, group_of, row};
use super::known::{Known, is_held};
use super::now::{Chip, chip};
use super::ways;
use crate::alerts::dispatch::{GroupView, Telling};
use crate::alerts::model::Language;
use crate::alerts::model::matcher::{MatchOp, Syntax, parse_matchers};
use crate::alerts::model::silence::Silence;
use crate::base::time::TimeRange;
use crate::series::labels::{Labels, quote};
use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::{Severity, Shell};

/// Alerts drawn.
const LANES_MAX: usize = 25;
/// Alerts listed.
const ALERTS_MAX: usize = 50;
/// Charts of rules.
const CHARTS_MAX: usize = 3;
/// Messages listed.
const TELLINGS_MAX: usize = 20;

/// Something that happened at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The server took over its configuration.
    Reload,
    /// What this names was started again, most often by a deploy.
    Restart(String),
}

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct GroupInput {
    /// The group's name everywhere.
    pub key: String,
    /// Who is told.
    pub receiver: String,
    /// The group as it stands, if it is still there.
    pub group: Option<GroupView>,
    /// Its alerts with everything that is known of them.
    pub alerts: Vec<Known>,
    /// What is shown.
    pub range: TimeRange,
    /// When its alerts were on.
    pub spells: Vec<Spell>,
    /// Why that is not known, if so.
    pub problem: String,
    /// What was told of it, newest first.
    pub tellings: Vec<Telling>,
    /// Every silence.
    pub silences: Vec<Silence>,
    /// What else happened, with when.
    pub events: Vec<(i64, Event)>,
}

/// The labels of a group by its key, also of one that is gone.
pub fn labels_of(key: &str) -> Labels {
    let matchers = parse_matchers(group_of(key), Syntax::Both).map(|parsed| parsed.value).unwrap_or_default();
    let equal = matchers.iter().filter(|matcher| matcher.op == MatchOp::Equal);
    Labels::from_pairs(equal.map(|matcher| (&*matcher.name, &*matcher.value)))
}

struct AlertView {
    name: String,
    summary: String,
    description: String,
    chips: Vec<Chip>,
    severity: Severity,
    tag: &'static str,
    words: &'static str,
    value: String,
    since: Moment,
    silence: String,
    rule: String,
    runbook: String,
}

struct Chart {
    title: String,
    src: String,
    explore: String,
}

#[derive(askama::Template)]
#[template(path = "alerts/group.html")]
struct GroupPage<'a> {
    shell: &'a Shell,
    input: &'a GroupInput,
    title: String,
    severity: Severity,
    state: String,
    tag: &'static str,
    chips: Vec<Chip>,
    due: Option<Moment>,
    muted: String,
    silence: String,
    lines: Option<String>,
    lines_src: String,
    lines_query: String,
    lanes: Vec<Lane>,
    more: usize,
    ticks: Vec<Tick>,
    alerts: Vec<AlertView>,
    alerts_more: usize,
    charts: Vec<Chart>,
    rows: Vec<TellingRow>,
    around: String,
}

/// Renders the page. The shell has a range and refreshes by itself.
pub fn render(input: &GroupInput, shell: &Shell) -> String {
    let labels = labels_of(&input.key);
    let common = common(input, &labels);
    let (from, to) = (input.range.start.to_string(), input.range.end.to_string());
    let (lanes, more) = lanes(input, &labels, shell);
    let firing = input.alerts.iter().filter(|alert| !alert.is_pending).count();
    let held = input.alerts.iter().filter(|alert| is_held(&alert.marks)).count();
    let severity = input.alerts.iter().map(Known::severity).min().unwrap_or(Severity::Info);
    let selector: Vec<String> = ways::line_labels(&common).iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
    let lines_query = if selector.is_empty() { String::new() } else { format!("sum(count_over_time({{{}}}[1m]))", selector.join(", ")) };
    let began = input.alerts.iter().map(|alert| alert.since_ms).min();
    page::html(&GroupPage {
        title: title(&labels, input, shell),
        severity,
        tag: if firing == 0 || held == input.alerts.len() { "" } else { severity.class() },
        state: if input.alerts.is_empty() {
            shell.t("over").to_owned()
        } else if held > 0 {
            shell.f2("{} firing, {} of them kept back", firing, held)
        } else {
            shell.f1("{} firing", firing)
        },
        chips: common.iter().filter(|(name, _)| *name != "alertname").map(|(name, value)| chip(name, value)).collect(),
        due: input.group.as_ref().map(|group| shell.moment(group.due_at)),
        muted: input.group.as_ref().map_or_else(String::new, |group| group.muted_by.join(shell.lang().comma())),
        silence: ways::silence(&labels),
        lines: ways::lines(&common, &from, &to),
        lines_src: if lines_query.is_empty() { String::new() } else { links::with(links::LOGS_CHART, &[("q", &lines_query)]) },
        lines_query,
        lanes,
        more,
        ticks: bars::ticks(input.range, shell.lang()),
        alerts: input.alerts.iter().take(ALERTS_MAX).map(|alert| alert_view(alert, shell)).collect(),
        alerts_more: input.alerts.len().saturating_sub(ALERTS_MAX),
        charts: charts(input, &from, &to),
        rows: input.tellings.iter().take(TELLINGS_MAX).map(|one| row(one, shell)).collect(),
        around: began.map_or_else(String::new, |at| {
            shell.href_with(&[("from", &at.saturating_sub(3_600_000).to_string()), ("to", &at.saturating_add(3_600_000).min(shell.now_ms).to_string())])
        }),
        shell,
        input,
    })
}

/// The name of the group for people: that of its alerts where it is one, else its labels.
fn title(labels: &Labels, input: &GroupInput, shell: &Shell) -> String {
    if let Some(name) = labels.get("alertname") {
        return name.to_owned();
    }
    let mut names: Vec<&str> = input.alerts.iter().map(Known::name).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [only] => (*only).to_owned(),
        [] if labels.is_empty() => shell.t("All alerts").to_owned(),
        _ => labels.iter().map(|(_, value)| value).collect::<Vec<_>>().join(" · "),
    }
}

/// Labels that all alerts of the group have, those of the group among them.
fn common(input: &GroupInput, labels: &Labels) -> Labels {
    let Some((first, rest)) = input.alerts.split_first() else { return labels.clone() };
    first.labels.without(|name| rest.iter().any(|other| other.labels.get(name) != first.labels.get(name)))
}

fn alert_view(alert: &Known, shell: &Shell) -> AlertView {
    let (tag, words) = match (alert.is_pending, is_held(&alert.marks)) {
        (true, _) => ("info", key("pending")),
        (false, true) => ("", key("kept back")),
        (false, false) => (if alert.severity() == Severity::Critical { "crit" } else { "warn" }, key("firing")),
    };
    AlertView {
        name: alert.name().to_owned(),
        summary: alert.annotation("summary").trim().to_owned(),
        description: alert.annotation("description").trim().to_owned(),
        chips: alert.labels.iter().filter(|(name, _)| *name != "alertname").map(|(name, value)| chip(name, value)).collect(),
        severity: alert.severity(),
        tag,
        words,
        value: alert.value.map_or_else(String::new, |value| format::number(value, Unit::Short)),
        since: shell.moment(alert.since_ms),
        silence: ways::silence(&alert.labels),
        rule: alert.rule.as_ref().map_or_else(String::new, |rule| links::alerts_rule(&rule.id)),
        runbook: ways::outside(alert.annotation("runbook_url")).unwrap_or("").to_owned(),
    }
}

fn charts(input: &GroupInput, from: &str, to: &str) -> Vec<Chart> {
    let mut found: Vec<Chart> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for rule in input.alerts.iter().filter_map(|alert| alert.rule.as_ref()) {
        if seen.contains(&rule.id.as_str()) || found.len() == CHARTS_MAX {
            continue;
        }
        seen.push(&rule.id);
        let asked = super::expr::compared(&rule.expr).map_or(rule.expr.as_str(), |(value, _)| value);
        found.push(Chart {
            title: rule.name.clone(),
            src: match rule.language {
                Language::PromQl => links::chart(&[asked], &[], ""),
                Language::LogQl => links::with(links::LOGS_CHART, &[("q", asked)]),
            },
            explore: ways::graph(asked, rule.language, from, to),
        });
    }
    found
}

/// Alerts, messages, silences and changes over the same time.
fn lanes(input: &GroupInput, labels: &Labels, shell: &Shell) -> (Vec<Lane>, usize) {
    let (range, lang) = (input.range, shell.lang());
    let (mut lanes, more) = bars::lanes(&input.spells, range, LANES_MAX, shell);
    let mut put = |name: &'static str, href: String, bars: Vec<Bar>| {
        let name = shell.t(name).to_owned();
        if !bars.is_empty() {
            lanes.push(Lane { said: format!("{name}: {}", bars.len()), name, href, bars });
        }
    };
    let told = input.tellings.iter().filter(|one| range.contains(one.at));
    let told = told.map(|one| {
        let class = if one.error.is_some() { "m bad" } else { "m" };
        let words = format!("{} {}: {}", one.receiver, one.channel, one.error.as_deref().unwrap_or(&one.reason));
        bars::bar(class, &words, one.at, one.at, range, lang)
    });
    put(key("Messages"), links::with(links::ALERTS_HISTORY, &[("view", "tellings")]), told.collect());
    let over = |silence: &&Silence| range.overlaps(&TimeRange::new(silence.starts_at, silence.ends_at));
    let hits = |silence: &&Silence| {
        input.alerts.iter().any(|alert| silence.matchers.matches(&alert.labels)) || (!labels.is_empty() && silence.matchers.matches(labels))
    };
    let silences = input.silences.iter().filter(over).filter(hits);
    let silences = silences.map(|one| bars::bar("s", &format!("{}: {}", one.created_by, one.comment), one.starts_at, one.ends_at, range, lang));
    put(key("Silences"), links::ALERTS_SILENCES.to_owned(), silences.collect());
    let events = input.events.iter().filter(|(at, _)| range.contains(*at)).map(|(at, event)| {
        let words = match event {
            Event::Reload => shell.t("configuration taken over").to_owned(),
            Event::Restart(what) => shell.f1("{} was started", what),
        };
        bars::bar("c", &words, *at, *at, range, lang)
    });
    put(key("Changes"), String::new(), events.collect());
    (lanes, more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    const KEY: &str = "{}/{severity=\"critical\"}:{alertname=\"Down\"}";

    fn input() -> GroupInput {
        let now = sample::now();
        GroupInput {
            key: KEY.into(),
            receiver: "pager".into(),
            group: now.groups.first().cloned(),
            alerts: now.alerts.into_iter().filter(|alert| alert.name() == "Down").collect(),
            range: TimeRange::new(1_763_710_000_000, 1_763_714_000_000),
            spells: sample::spells(),
            problem: String::new(),
            tellings: sample::tellings(),
            silences: sample::silences(),
            events: vec![(1_763_712_000_000, Event::Reload), (1_763_712_500_000, Event::Restart("db".into()))],
        }
    }

    fn html(input: &GroupInput) -> String {
        let query = &links::alerts_group(&input.key, &input.receiver)[links::ALERTS_GROUP.len() + 1..];
        render(input, &shell(Page::Alerts, "Group", links::ALERTS_GROUP, query).with_range("now-6h").with_refresh("30s"))
    }

    #[test]
    fn everything_around_it_is_on_one_timeline() {
        let text = html(&input());
        sample::check(&text);
        for part in ["class=\"f\"", "class=\"m bad\"", "class=\"s\"", "class=\"c\"", "db was started", "/ui/chart?q=up", "first notification"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_group_that_is_gone_still_has_its_past() {
        let gone = html(&GroupInput { group: None, alerts: Vec::new(), spells: Vec::new(), problem: "no".into(), ..input() });
        assert!(gone.contains("<h2>Down</h2>") && gone.contains("over"), "{gone}");
        assert_eq!(labels_of("{}/{a=\"b\"}:{c=\"d\", e=\"f,g\"}"), Labels::from_pairs([("c", "d"), ("e", "f,g")]));
        assert!(labels_of("odd").is_empty() && labels_of("").is_empty());
    }

    #[test]
    fn hostile_values_are_text() {
        let mut input = input();
        (input.key, input.receiver, input.problem) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
        for alert in &mut input.alerts {
            alert.labels = sample::labels(&[("alertname", HOSTILE), ("job", HOSTILE)]);
            alert.annotations = vec![("summary".into(), HOSTILE.into()), ("description".into(), HOSTILE.into())];
        }
        input.events = vec![(1_763_712_500_000, Event::Restart(HOSTILE.into()))];
        sample::check(&html(&input));
    }
}
