//! Rules by group: state, health, expression, alerts; what is broken or fires comes first.

use std::sync::Arc;

use super::expr::coloured;
use super::known::rule_ids;
use super::ways;
use crate::alerts::evaluate::{HealthState, Running, RunningRule};
use crate::alerts::model::{Alert, Alerting, Kind, Language, State};
use crate::alerts::rules::own::PREFIX;
use crate::base::time::Duration;
use crate::series::labels::Labels;
use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Rules on one page.
const PAGE_RULES: usize = 150;
/// Alerts shown of a rule in the list; its own page has more.
const ALERTS_MAX: usize = 10;

/// What the page is made of.
#[derive(Clone, Default)]
pub struct RulesInput {
    /// Groups as they run.
    pub groups: Arc<Vec<Arc<Running>>>,
    /// What the reader asked for.
    pub filter: Filter,
}

/// What the reader asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that name, group, file, expression or labels must hold.
    pub text: String,
    /// Only alerting rules in this state.
    pub state: Option<State>,
    /// Only rules of this health.
    pub health: Option<HealthState>,
    /// Only recording rules.
    pub is_recording: bool,
    /// Page, from 0.
    pub page: usize,
}

impl Filter {
    /// From a query string: `text`, `state`, `health`, `kind=record`, `page`.
    pub fn from_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, value.trim()) {
                ("text", text) => filter.text = text.to_lowercase(),
                ("state", word) => {
                    filter.state = [State::Firing, State::Pending, State::Inactive].into_iter().find(|state| state.as_str() == word);
                }
                ("health", word) => {
                    filter.health =
                        [HealthState::Ok, HealthState::Err, HealthState::Unknown].into_iter().find(|health| health.as_str() == word);
                }
                ("kind", "record") => filter.is_recording = true,
                ("page", number) => filter.page = number.parse().unwrap_or(0),
                _ => {}
            }
        }
        filter
    }

    fn takes(&self, group: &Running, rule: &RuleView) -> bool {
        let has = |word: &str| {
            let within = |text: &str| text.to_lowercase().contains(word);
            within(&rule.name)
                || within(&rule.expr)
                || within(&group.group.name)
                || within(&group.group.file)
                || rule.labels.iter().any(|(name, value)| within(&format!("{name}={value}")))
        };
        self.state.is_none_or(|state| rule.state == Some(state))
            && self.health.is_none_or(|health| rule.health == health)
            && (!self.is_recording || rule.state.is_none())
            && self.text.split_whitespace().all(has)
    }
}

/// An alert of a rule.
pub(super) struct AlertRow {
    pub(super) labels: Labels,
    pub(super) tag: &'static str,
    pub(super) state: &'static str,
    pub(super) value: String,
    pub(super) since: Moment,
    pub(super) silence: String,
}

/// A rule as it is shown.
pub(super) struct RuleView {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) expr: String,
    pub(super) labels: Labels,
    pub(super) annotations: Vec<(String, String)>,
    /// None of recording rules.
    pub(super) state: Option<State>,
    pub(super) dot: &'static str,
    pub(super) words: &'static str,
    pub(super) tag: &'static str,
    pub(super) hold: String,
    pub(super) keep: String,
    pub(super) health: HealthState,
    pub(super) error: String,
    pub(super) took: String,
    pub(super) last: Option<Moment>,
    pub(super) alerts: Vec<AlertRow>,
    pub(super) alerts_total: usize,
    pub(super) line: u32,
    pub(super) explore: String,
}

impl RuleView {
    pub(super) fn parts(&self) -> Vec<(&'static str, &str)> {
        coloured(&self.expr)
    }
}

struct GroupView {
    name: String,
    file: String,
    /// Where its file is edited; empty for files of the disk.
    edit: String,
    tag: &'static str,
    words: String,
    interval: String,
    took: String,
    last: Option<Moment>,
    missed: String,
    is_logs: bool,
    rules: Vec<RuleView>,
}

#[derive(askama::Template)]
#[template(path = "alerts/rules.html")]
struct RulesPage<'a> {
    shell: &'a Shell,
    filter: &'a Filter,
    counts: [usize; 6],
    groups: Vec<GroupView>,
    page: usize,
    pages: usize,
    found_words: String,
}

impl RulesPage<'_> {
    fn shows(&self, word: &str) -> bool {
        let filter = self.filter;
        let now = match (filter.is_recording, filter.health, filter.state) {
            (true, ..) => "record",
            (false, Some(health), _) => health.as_str(),
            (false, None, Some(state)) => state.as_str(),
            (false, None, None) => "",
        };
        now == word
    }

    const fn has_none(&self) -> bool {
        self.counts[0] == 0
    }

    const fn has_broken(&self) -> bool {
        self.counts[4] > 0
    }

    fn href(&self, state: &str, health: &str, kind: &str) -> String {
        self.shell.href_with(&[("state", state), ("health", health), ("kind", kind), ("page", "")])
    }
}

/// Renders the page. The shell refreshes by itself.
pub fn render(input: &RulesInput, shell: &Shell) -> String {
    let filter = &input.filter;
    let mut counts = [0; 6];
    let mut found: Vec<(&Running, Vec<RuleView>)> = Vec::new();
    for group in input.groups.iter() {
        let views = group.rules.iter().zip(rule_ids(group)).map(|(rule, id)| view(group, rule, &id, ALERTS_MAX, shell));
        let mut kept = Vec::new();
        for rule in views {
            count(&rule, &mut counts);
            if filter.takes(group, &rule) {
                kept.push(rule);
            }
        }
        if !kept.is_empty() {
            found.push((group, kept));
        }
    }
    let urgency = |rules: &[RuleView]| {
        let has = |test: &dyn Fn(&RuleView) -> bool| rules.iter().any(test);
        let broken = has(&|rule| rule.health == HealthState::Err);
        (!broken, !has(&|rule| rule.state == Some(State::Firing)), !has(&|rule| rule.state == Some(State::Pending)))
    };
    found.sort_by(|(a, a_rules), (b, b_rules)| {
        (urgency(a_rules), &a.group.file, &a.group.name).cmp(&(urgency(b_rules), &b.group.file, &b.group.name))
    });
    let total: usize = found.iter().map(|(_, rules)| rules.len()).sum();
    let pages = total.div_ceil(PAGE_RULES).max(1);
    let page = filter.page.min(pages - 1);
    let groups = slice(found, page * PAGE_RULES, shell);
    page::html(&RulesPage { shell, filter, counts, groups, page, pages, found_words: shell.lang().n(total as u64, "{} rule", "{} rules") })
}

/// All, firing, pending, quiet, broken, recording.
fn count(rule: &RuleView, counts: &mut [usize; 6]) {
    counts[0] += 1;
    match rule.state {
        Some(State::Firing) => counts[1] += 1,
        Some(State::Pending) => counts[2] += 1,
        Some(State::Inactive) => counts[3] += 1,
        None => counts[5] += 1,
    }
    counts[4] += usize::from(rule.health == HealthState::Err);
}

fn slice(found: Vec<(&Running, Vec<RuleView>)>, mut skip: usize, shell: &Shell) -> Vec<GroupView> {
    let mut left = PAGE_RULES;
    let mut groups = Vec::new();
    for (group, rules) in found {
        let total = rules.len();
        let here: Vec<RuleView> = rules.into_iter().skip(skip).take(left).collect();
        skip = skip.saturating_sub(total);
        left -= here.len();
        if !here.is_empty() {
            groups.push(group_view(group, here, shell));
        }
        if left == 0 {
            break;
        }
    }
    groups
}

fn group_view(group: &Running, rules: Vec<RuleView>, shell: &Shell) -> GroupView {
    let number = |test: &dyn Fn(&RuleView) -> bool| rules.iter().filter(|rule| test(rule)).count();
    let broken = number(&|rule| rule.health == HealthState::Err);
    let firing = number(&|rule| rule.state == Some(State::Firing));
    let (tag, words) = match (broken, firing) {
        (0, 0) => ("ok", shell.t("quiet").to_owned()),
        (0, firing) => ("crit", shell.f1("{} firing", firing)),
        (broken, _) => ("crit", shell.f1("{} broken", broken)),
    };
    let last = group.last();
    let missed = group.missed.load(std::sync::atomic::Ordering::Relaxed);
    GroupView {
        name: group.group.name.clone(),
        file: group.group.file.to_string(),
        edit: group.group.file.strip_prefix(PREFIX).map_or_else(String::new, |name| links::with(links::ALERTS_EDIT, &[("file", name)])),
        tag,
        words,
        interval: span(group.interval()),
        took: last.map_or_else(|| "–".to_owned(), |last| format::number(last.took.as_secs_f64(), Unit::Seconds)),
        last: last.map(|last| shell.moment(last.at)),
        missed: if missed == 0 { String::new() } else { shell.lang().n(missed, "{} evaluation missed", "{} evaluations missed") },
        is_logs: group.group.language == Language::LogQl,
        rules,
    }
}

/// A duration as files write it.
pub(super) fn span(duration: Duration) -> String {
    duration.to_string()
}

pub(super) fn view(group: &Running, rule: &RunningRule, id: &str, alerts_max: usize, shell: &Shell) -> RuleView {
    let declared = &rule.prepared.rule;
    let health = rule.health.lock().clone();
    let (state, alerts) = match &declared.kind {
        Kind::Recording => (None, Vec::new()),
        Kind::Alerting(_) => {
            let alerts = rule.alerts.lock();
            let on: Vec<Alert> = alerts.iter().filter(|alert| alert.state != State::Inactive).cloned().collect();
            (Some(alerts.state()), on)
        }
    };
    let (hold, keep, annotations) = match &declared.kind {
        Kind::Recording => (Duration::default(), Duration::default(), Vec::new()),
        Kind::Alerting(Alerting { hold, keep_firing, annotations }) => (*hold, *keep_firing, annotations.clone()),
    };
    let (dot, words, tag) = match (health.state, state) {
        (HealthState::Err, _) => ("crit", key("broken"), "crit"),
        (_, Some(State::Firing)) => ("crit", key("firing"), "crit"),
        (_, Some(State::Pending)) => ("warn", key("pending"), "warn"),
        (HealthState::Unknown, _) => ("", key("not evaluated yet"), ""),
        (HealthState::Ok, Some(State::Inactive)) => ("ok", key("quiet"), "ok"),
        (HealthState::Ok, None) => ("ok", key("records"), "ok"),
    };
    RuleView {
        href: links::alerts_rule(id),
        name: declared.name.clone(),
        expr: declared.expr.trim().to_owned(),
        labels: Labels::from_pairs(declared.labels.iter().map(|(name, value)| (name, value))),
        annotations,
        state,
        dot,
        words,
        tag,
        hold: if hold.ms() == 0 { String::new() } else { span(hold) },
        keep: if keep.ms() == 0 { String::new() } else { span(keep) },
        health: health.state,
        error: health.error.unwrap_or_default(),
        took: health.at.map_or_else(|| "–".to_owned(), |_| format::number(health.took.as_secs_f64(), Unit::Seconds)),
        last: health.at.map(|at| shell.moment(at)),
        alerts_total: alerts.len(),
        alerts: worst_first(alerts).into_iter().take(alerts_max).map(|alert| alert_row(&alert, shell)).collect(),
        line: declared.place.line,
        explore: ways::graph(declared.expr.trim(), group.group.language, "", ""),
    }
}

fn worst_first(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort_by(|a, b| b.state.cmp(&a.state).then(b.active_at.cmp(&a.active_at)));
    alerts
}

fn alert_row(alert: &Alert, shell: &Shell) -> AlertRow {
    let (tag, state) = if alert.state == State::Firing { ("crit", key("firing")) } else { ("warn", key("pending")) };
    AlertRow {
        labels: alert.labels.without(|name| name == "alertname"),
        tag,
        state,
        value: format::number(alert.value, Unit::Short),
        since: shell.moment(alert.active_at),
        silence: ways::silence(&alert.labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(groups: Vec<Arc<Running>>, query: &str) -> String {
        let input = RulesInput { groups: Arc::new(groups), filter: Filter::from_query(query) };
        render(&input, &shell(Page::Alerts, "Rules", links::ALERTS_RULES, query).with_refresh("10s"))
    }

    fn rows(text: &str) -> usize {
        text.matches("<details class=\"tg rl\"").count()
    }

    #[test]
    fn none_and_some_and_what_is_wrong_first() {
        assert!(html(Vec::new(), "").contains("No rules yet"));
        let text = html(sample::groups(), "");
        sample::check(&text);
        assert_eq!(rows(&text), 4);
        assert!(text.find(">broken-group<") < text.find(">calm-group<"), "{text}");
        assert!(text.contains("vector cannot contain metrics") && text.contains("class=\"kw\""), "{text}");
    }

    #[test]
    fn filters_by_state_health_kind_and_words() {
        for (query, expected) in [
            ("state=firing", 1),
            ("state=inactive", 1),
            ("health=err", 1),
            ("kind=record", 1),
            ("text=CALM", 2),
            ("text=severity%3Dcritical", 1),
            ("text=nowhere", 0),
        ] {
            assert_eq!(rows(&html(sample::groups(), query)), expected, "{query}");
        }
        assert!(html(sample::groups(), "text=nowhere").contains("No rule matches"));
    }

    #[test]
    fn hostile_values_are_text() {
        sample::check(&html(sample::hostile_groups(), &links::with("", &[("text", HOSTILE)])[1..]));
        sample::check(&html(sample::hostile_groups(), ""));
    }
}
