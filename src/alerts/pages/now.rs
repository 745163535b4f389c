//! What fires now: alerts by group, worst first, with filters, and the ways from each to its graph, lines and silence.

use std::collections::{BTreeMap, HashMap};

use super::care::{self, Said};
use super::known::{self, Known, is_held};
use super::ways;
use crate::alerts::dispatch::GroupView;
use crate::alerts::model::matcher::{MatchOp, Matcher, Syntax, parse_matcher, parse_matchers};
use crate::alerts::model::silence::Silence;
use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::{Severity, Shell};

/// Alerts on one page.
const PAGE_ALERTS: usize = 100;
/// Filters of one address; more are left out.
const FILTERS_MAX: usize = 20;
/// Labels to group by that are on offer.
const LABELS_MAX: usize = 12;
/// Labels shown of an alert; the rest is counted.
const CHIPS_MAX: usize = 10;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct NowInput {
    /// Alerts that fire or are about to.
    pub alerts: Vec<Known>,
    /// Groups as they are told.
    pub groups: Vec<GroupView>,
    /// Silences, to say until when and by whom.
    pub silences: Vec<Silence>,
    /// Alerting rules.
    pub rules: usize,
    /// Of those, how many have no alert.
    pub quiet: usize,
    /// Whether alerts of any sort have somewhere to go.
    pub has_receivers: bool,
    /// What the reader asked for.
    pub filter: Filter,
    /// Who looks, as deeds are taken down.
    pub me: String,
    /// Names on offer when an alert is to be somebody's.
    pub people: Vec<String>,
    /// Whether whoever looks may do something about alerts.
    pub may_change: bool,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
}

/// Whose alerts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Care {
    /// Everybody's.
    #[default]
    Any,
    /// Those of whoever looks: assigned to them, or acknowledged by them.
    Mine,
    /// Those that nobody acknowledged.
    Open,
}

impl Care {
    fn takes(self, alert: &Known, me: &str) -> bool {
        let handling = &alert.handling;
        match self {
            Self::Any => true,
            Self::Mine => handling.assignee.as_deref() == Some(me) || handling.acknowledged.as_ref().is_some_and(|ack| ack.by == me),
            Self::Open => handling.acknowledged.is_none(),
        }
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On, and told.
    Firing,
    /// Waits for its time.
    Pending,
    /// On, and kept back.
    Held,
}

impl Stage {
    const ALL: [(Self, &'static str); 3] = [(Self::Firing, "firing"), (Self::Pending, "pending"), (Self::Held, "held")];

    fn of(alert: &Known) -> Self {
        match (alert.is_pending, alert.is_held()) {
            (true, _) => Self::Pending,
            (false, true) => Self::Held,
            (false, false) => Self::Firing,
        }
    }
}

/// What alerts are shown by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The label of this name; `alertname` is what the page begins with.
    Label(String),
    /// Who is told.
    Receiver,
    /// The groups that are told together.
    Group,
}

/// What the reader asked for.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Only these.
    pub stage: Option<Stage>,
    /// Words and matchers that must fit.
    pub text: String,
    /// Matchers as they stand in the address, or what is wrong with one.
    pub matchers: Vec<(String, Result<Matcher, String>)>,
    /// Whose.
    pub care: Care,
    /// Only what this receiver is told.
    pub receiver: String,
    /// How they are grouped.
    pub by: By,
    /// Page, from 0.
    pub page: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            stage: None,
            text: String::new(),
            matchers: Vec::new(),
            care: Care::Any,
            receiver: String::new(),
            by: By::Label("alertname".to_owned()),
            page: 0,
        }
    }
}

impl Filter {
    /// From a query string: `state`, `text`, `severity`, `f` (a matcher, as often as wanted), `filter` (many in braces),
    /// `receiver`, `care`, `by`, `page`.
    pub fn from_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, value.trim()) {
                ("state", word) => filter.stage = Stage::ALL.iter().find(|(_, known)| *known == word).map(|(stage, _)| *stage),
                ("text", text) => filter.text = text.to_owned(),
                ("severity", word) if !word.is_empty() => {
                    filter
                        .matchers
                        .push((String::new(), Matcher::new("severity", MatchOp::Equal, word).map_err(|error| error.to_string())));
                }
                ("f", text) if !text.is_empty() && filter.matchers.len() < FILTERS_MAX => {
                    let read = parse_matcher(text, Syntax::Both).map(|parsed| parsed.value).map_err(|error| error.to_string());
                    filter.matchers.push((text.to_owned(), read));
                }
                // As Alertmanager writes its links.
                ("filter", text) if !text.is_empty() => filter.read_all(text),
                ("receiver", name) => filter.receiver = name.to_owned(),
                ("care", "mine") => filter.care = Care::Mine,
                ("care", "open") => filter.care = Care::Open,
                ("by", "receiver") => filter.by = By::Receiver,
                ("by", "group") => filter.by = By::Group,
                ("by", label) => {
                    if let Some(label) = label.strip_prefix("label:").filter(|label| !label.is_empty()) {
                        filter.by = By::Label(label.to_owned());
                    }
                }
                ("page", number) => filter.page = number.parse().unwrap_or(0),
                _ => {}
            }
        }
        filter
    }

    fn read_all(&mut self, text: &str) {
        match parse_matchers(text, Syntax::Both) {
            Ok(parsed) => {
                let room = FILTERS_MAX.saturating_sub(self.matchers.len());
                self.matchers.extend(parsed.value.into_iter().take(room).map(|matcher| (matcher.to_string(), Ok(matcher))));
            }
            Err(error) => self.matchers.push((text.to_owned(), Err(error.to_string()))),
        }
    }

    /// Whether a matcher of the address cannot be read.
    pub fn has_mistake(&self) -> bool {
        self.matchers.iter().any(|(_, matcher)| matcher.is_err())
    }

    /// Whether an alert passes everything but its stage.
    fn takes(&self, alert: &Known, me: &str) -> bool {
        let passes = |matcher: &Matcher| matcher.matches(alert.labels.get(&matcher.name).unwrap_or(""));
        let is_told = self.receiver.is_empty() || alert.receivers.iter().any(|receiver| **receiver == *self.receiver);
        if !is_told || !self.care.takes(alert, me) || !self.matchers.iter().all(|(_, matcher)| matcher.as_ref().is_ok_and(passes)) {
            return false;
        }
        self.text.split_whitespace().all(|word| {
            if word.contains('=')
                && let Ok(parsed) = parse_matcher(word, Syntax::Both)
            {
                return passes(&parsed.value);
            }
            let word = word.to_lowercase();
            let within = |text: &str| text.to_lowercase().contains(&word);
            alert.labels.iter().any(|(name, value)| within(value) || within(name)) || alert.annotations.iter().any(|(_, text)| within(text))
        })
    }
}

/// A label of an alert, and the way to those that have it too.
pub(super) struct Chip {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) href: String,
}

/// Why an alert is not told.
pub(super) struct Mark {
    pub(super) words: String,
    pub(super) href: String,
}

struct Row {
    severity: Severity,
    class: &'static str,
    name: String,
    /// The name, or the summary under a heading that is the name.
    title: String,
    href: String,
    summary: String,
    chips: Vec<Chip>,
    more: usize,
    marks: Vec<Mark>,
    /// Its name in forms; empty where nobody can take care of it.
    id: String,
    said: Vec<Said>,
    is_acknowledged: bool,
    is_mine: bool,
    is_assigned: bool,
    state: &'static str,
    tag: &'static str,
    value: String,
    exact: String,
    since: Moment,
    spark: Option<String>,
    graph: Option<String>,
    lines: Option<String>,
    silence: String,
    runbook: String,
    receivers: String,
}

struct Section {
    title: String,
    href: Option<String>,
    words: String,
    tag: &'static str,
    rows: Vec<Row>,
}

#[derive(askama::Template)]
#[template(path = "alerts/now.html")]
struct NowPage<'a> {
    shell: &'a Shell,
    input: &'a NowInput,
    firing: usize,
    pending: usize,
    held: usize,
    sections: Vec<Section>,
    filters: Vec<(String, String, String)>,
    severities: Vec<String>,
    labels: Vec<String>,
    page: usize,
    pages: usize,
    found_words: String,
    quiet_words: String,
    has_filter: bool,
    said: &'static str,
    back: String,
}

impl NowPage<'_> {
    fn care_is(&self, word: &str) -> bool {
        matches!((self.input.filter.care, word), (Care::Any, "") | (Care::Mine, "mine") | (Care::Open, "open"))
    }

    fn snoozes(&self) -> &'static [(&'static str, &'static str)] {
        &care::SNOOZES
    }

    /// Whether whoever looks has a name that an alert can be assigned to.
    fn has_name(&self) -> bool {
        care::person(&self.input.me).is_some()
    }

    fn stage_is(&self, word: &str) -> bool {
        let stage = self.input.filter.stage;
        Stage::ALL.iter().find(|(known, _)| Some(*known) == stage).map_or(word.is_empty(), |(_, known)| *known == word)
    }

    fn by_is(&self, word: &str) -> bool {
        match &self.input.filter.by {
            By::Receiver => word == "receiver",
            By::Group => word == "group",
            By::Label(label) => word.strip_prefix("label:") == Some(label),
        }
    }

    fn severity_is(&self, word: &str) -> bool {
        self.shell.param("severity").unwrap_or("") == word
    }
}

/// Alerts and groups by fingerprint, so that finding one does not look at all.
struct Places<'a> {
    input: &'a NowInput,
    alerts: HashMap<u64, &'a Known>,
    groups: HashMap<u64, Vec<&'a GroupView>>,
}

impl<'a> Places<'a> {
    fn of(input: &'a NowInput) -> Self {
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

/// Renders the page. The shell refreshes by itself.
pub fn render(input: &NowInput, shell: &Shell) -> String {
    let filter = &input.filter;
    let taken: Vec<&Known> = input.alerts.iter().filter(|alert| filter.takes(alert, &input.me)).collect();
    let number = |stage| taken.iter().filter(|alert| Stage::of(alert) == stage).count();
    let (firing, pending, held) = (number(Stage::Firing), number(Stage::Pending), number(Stage::Held));
    let mut shown: Vec<&Known> = taken.into_iter().filter(|alert| filter.stage.is_none_or(|stage| Stage::of(alert) == stage)).collect();
    shown.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.labels.cmp(&b.labels)));
    let found = shown.len();
    let pages = found.div_ceil(PAGE_ALERTS).max(1);
    let page = filter.page.min(pages - 1);
    let sections = sections(&shown, page, &Places::of(input), shell);
    let quiet = input.quiet as u64;
    let filters = filters(filter, shell);
    let has_words = !filter.text.is_empty() || !filters.is_empty() || !filter.matchers.is_empty();
    let has_filter = filter.stage.is_some() || has_words || filter.care != Care::Any;
    page::html(&NowPage {
        firing,
        pending,
        held,
        sections,
        filters,
        severities: values(&input.alerts, "severity"),
        labels: labels(&input.alerts, &filter.by),
        page,
        pages,
        found_words: shell.lang().n(found as u64, "{} alert", "{} alerts"),
        quiet_words: shell.lang().n(quiet, "{} rule watches, and none has an alert.", "{} rules watch, and none has an alert."),
        has_filter,
        said: care::said(&input.done),
        back: shell.href("done", ""),
        input,
        shell,
    })
}

/// Worst first: what is told before what is kept back, firing before pending, then the newest.
fn order(alert: &Known) -> (bool, bool, Severity, std::cmp::Reverse<i64>) {
    (alert.is_held(), alert.is_pending, alert.severity(), std::cmp::Reverse(alert.since_ms))
}

/// Matchers of the address, what is wrong with each, and the address without it.
fn filters(filter: &Filter, shell: &Shell) -> Vec<(String, String, String)> {
    let all: Vec<&(String, Result<Matcher, String>)> = filter.matchers.iter().filter(|(text, _)| !text.is_empty()).collect();
    let without = |place: usize| {
        let left = all.iter().enumerate().filter(|(other, _)| *other != place);
        let mut params: Vec<(&str, &str)> = left.map(|(_, (text, _))| ("f", text.as_str())).collect();
        // What is left of Alertmanager's many in braces stands by itself from here on.
        params.extend([("page", ""), ("filter", "")]);
        if all.len() == 1 {
            params.push(("f", ""));
        }
        shell.href_with(&params)
    };
    let receiver = (!filter.receiver.is_empty())
        .then(|| (shell.f1("told: {}", &filter.receiver), String::new(), shell.href_with(&[("receiver", ""), ("page", "")])));
    receiver
        .into_iter()
        .chain(
            all.iter()
                .enumerate()
                .map(|(place, (text, matcher))| (text.clone(), matcher.as_ref().err().cloned().unwrap_or_default(), without(place))),
        )
        .collect()
}

fn values(alerts: &[Known], label: &str) -> Vec<String> {
    let mut found: Vec<String> = alerts.iter().filter_map(|alert| alert.labels.get(label)).map(str::to_owned).collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(LABELS_MAX);
    found
}

/// Labels that most alerts have, and the one that is chosen.
fn labels(alerts: &[Known], by: &By) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in alerts.iter().flat_map(|alert| alert.labels.iter()).filter(|(name, _)| *name != "alertname") {
        *counts.entry(name).or_default() += 1;
    }
    let mut most: Vec<(&str, usize)> = counts.into_iter().collect();
    most.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut found: Vec<String> = most.into_iter().take(LABELS_MAX).map(|(name, _)| name.to_owned()).collect();
    if let By::Label(label) = by
        && label != "alertname"
        && !found.contains(label)
    {
        found.push(label.clone());
    }
    found
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
                (format!("{words} → {}", group.receiver), Some(links::alerts_group(&group.key, &group.receiver)))
            };
            let found: Vec<_> = places.groups_of(alert).iter().copied().map(title).collect();
            if found.is_empty() { vec![(shell.t("in no group yet").to_owned(), None)] } else { found }
        }
    }
}

fn sections(shown: &[&Known], page: usize, places: &Places<'_>, shell: &Shell) -> Vec<Section> {
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

pub(super) fn chip(name: &str, value: &str) -> Chip {
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
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &NowInput, query: &str) -> String {
        let input = NowInput { filter: Filter::from_query(query), ..input.clone() };
        render(&input, &shell(Page::Alerts, "Alerts", links::ALERTS, query).with_refresh("10s"))
    }

    fn rows(text: &str) -> usize {
        text.matches("<li class=\"al ").count()
    }

    #[test]
    fn nothing_yet_and_everything_quiet() {
        assert!(html(&NowInput::default(), "").contains("No alerting rules yet"));
        let quiet = html(&NowInput { rules: 12, quiet: 12, has_receivers: true, ..NowInput::default() }, "");
        assert!(quiet.contains("Everything is quiet") && quiet.contains("12 rules"), "{quiet}");
    }

    #[test]
    fn filters_by_state_words_and_matchers() {
        let input = sample::now();
        sample::check(&html(&input, ""));
        for (query, expected) in [
            ("", 4),
            ("state=firing", 2),
            ("state=pending", 1),
            ("state=held", 1),
            ("severity=critical", 2),
            ("f=job%3D~%22a.*%22", 2),
            ("f=job%3D%22api%22&f=severity%3Dwarning", 1),
            ("f=((", 0),
            ("text=instance%3Da", 1),
            ("text=DISKFULL+somewhere", 1),
            ("text=nowhere", 0),
            ("filter=%7Bjob%3D~%22a.*%22%2Cseverity%3Dwarning%7D&receiver=pager", 1),
            ("receiver=nobody", 0),
            ("care=mine", 1),
            ("care=open", 3),
            ("care=nonsense", 4),
        ] {
            assert_eq!(rows(&html(&input, query)), expected, "{query}");
        }
        assert!(html(&input, "text=nowhere").contains("No alert matches"));
        let wrong = html(&input, "f=((&f=a%3Db");
        assert!(wrong.contains("class=\"notice crit\"") && Filter::from_query("f=((").has_mistake(), "{wrong}");
        assert!(!Filter::from_query("f=a%3Db&text=((").has_mistake());
    }

    #[test]
    fn who_takes_care_is_said_and_can_be_changed() {
        let input = sample::now();
        let text = html(&input, "care=mine");
        for part in ["acknowledged by you", "assigned to bob", "comes and goes", "value=\"release:", "value=\"mine:", "value=\"monday:"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(html(&input, "").contains("value=\"acknowledge:"));
        // Who may only look is offered nothing, and what waits cannot be taken yet.
        let viewer = html(&NowInput { may_change: false, ..input.clone() }, "");
        assert!(!viewer.contains(links::ALERTS_CARE) && !viewer.contains("type=\"checkbox\""), "{viewer}");
        assert!(!html(&input, "state=pending").contains("value=\"acknowledge:"));
        let done = html(&NowInput { done: "snoozed".into(), ..input.clone() }, "");
        assert!(done.contains("Snoozed") && html(&NowInput { problem: "no <b>".into(), ..input }, "").contains("no &#60;b&#62;"));
    }

    #[test]
    fn grouped_as_asked_worst_first() {
        let input = sample::now();
        let text = html(&input, "");
        assert!(text.find(">Down<") < text.find(">DiskFull<"), "critical ones come first");
        assert!(html(&input, "by=receiver").contains("<h2>pager</h2>") || html(&input, "by=receiver").contains(">pager</a>"));
        assert!(html(&input, "by=label%3Anothing").contains("without nothing"));
        let groups = html(&input, "by=group");
        assert!(groups.contains("/alerts/group?key=") && groups.contains("in no group yet"), "{groups}");
        assert!(text.contains("silenced by ann"), "{text}");
    }

    #[test]
    fn many_alerts_have_pages() {
        let one = sample::now().alerts[0].clone();
        let many = (0..250).map(|n| Known { labels: sample::labels(&[("alertname", &format!("A{n}"))]), ..one.clone() });
        let input = NowInput { alerts: many.collect(), rules: 250, ..NowInput::default() };
        assert_eq!(rows(&html(&input, "")), PAGE_ALERTS);
        assert_eq!(rows(&html(&input, "page=2")), 50);
        assert_eq!(rows(&html(&input, "page=99")), 50);
    }

    #[test]
    fn hostile_values_are_text() {
        let mut input = sample::now();
        for alert in &mut input.alerts {
            alert.labels = sample::labels(&[("alertname", HOSTILE), (HOSTILE, HOSTILE), ("severity", HOSTILE)]);
            alert.annotations = vec![("summary".into(), HOSTILE.into()), ("runbook_url".into(), "javascript:alert(1)".into())];
            alert.receivers = vec![HOSTILE.into()];
            alert.handling.assignee = Some(HOSTILE.into());
            alert.value = Some(f64::NAN);
            alert.since_ms = i64::MIN;
        }
        (input.people, input.me, input.problem) = (vec![HOSTILE.into()], HOSTILE.into(), HOSTILE.into());
        for query in ["", "by=receiver", "by=group", &links::with("", &[("text", HOSTILE), ("f", HOSTILE)])[1..]] {
            let text = html(&input, query);
            sample::check(&text);
            assert!(!text.contains("javascript:"), "{text}");
        }
    }
}
