//! One group of alerts with everything around it on one timeline: its alerts, messages, silences, changes, failed checks,
//! marks, and what people did; then charts of what the rules ask, and the lines of the same labels.

use super::bars::{self, Lane, Spell, Tick};
use super::care::{self, Said};
use super::history::{TellingRow, group_of, row};
use super::known::{Known, is_held};
use super::now::{Chip, chip};
use super::story::{self, Entry};
use super::ways;
use crate::alerts::calm::{Deed, Note};
use crate::alerts::dispatch::{GroupView, Telling};
use crate::alerts::model::Language;
use crate::alerts::model::matcher::{MatchOp, Syntax, parse_matchers};
use crate::alerts::model::silence::Silence;
use crate::base::time::TimeRange;
use crate::series::labels::{Labels, quote};
use crate::series::ports::{Happening, Line, Missed};
use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::{Severity, Shell};

/// Alerts listed.
const ALERTS_MAX: usize = 50;
/// Charts of rules.
const CHARTS_MAX: usize = 3;
/// Messages listed.
const TELLINGS_MAX: usize = 20;
/// Comments and other deeds listed.
const NOTES_MAX: usize = 100;
/// Lines shown.
pub const LINES_MAX: usize = 20;

/// Something that happened at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The server took over its configuration.
    Reload,
    /// What this names was started again, most often by a deploy.
    Restart(String),
}

/// A time during which a check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whether it was a scrape; else it was a probe.
    pub is_scrape: bool,
    /// What was checked.
    pub of: String,
    /// When, in milliseconds since the Unix epoch, to the precision of a step.
    pub range: TimeRange,
    /// Whether it fails still.
    pub is_open: bool,
}

/// Lines of what a group is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LinesFound {
    /// No label of it says which they are.
    #[default]
    NotKnown,
    /// The newest first.
    Lines(Vec<Line>),
    /// Why they are not there, in words.
    Problem(String),
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
    /// Checks that failed, by what was checked.
    pub failures: Vec<Failure>,
    /// What people and programs marked, the newest first.
    pub happenings: Vec<Happening>,
    /// What the business missed while it fired; empty where nobody counts.
    pub costs: Result<Vec<Missed>, String>,
    /// What people did about its alerts, the newest first.
    pub notes: Vec<Note>,
    /// Lines of the same labels.
    pub lines: LinesFound,
    /// Who looks, as deeds are taken down.
    pub me: String,
    /// Names on offer when an alert is to be somebody's.
    pub people: Vec<String>,
    /// Whether whoever looks may do something about alerts.
    pub may_change: bool,
    /// What was done.
    pub done: String,
    /// What of that went wrong.
    pub refused: String,
}

impl GroupInput {
    /// Labels of the lines that belong to it with their values, as far as they can be told.
    pub fn line_labels(&self) -> Vec<(String, Vec<String>)> {
        let alerts: Vec<&Labels> = self.alerts.iter().map(|alert| &alert.labels).collect();
        ways::line_labels_of(&common(self, &labels_of(&self.key)), &alerts)
    }
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
    /// Its name in forms; empty where nobody can take care of it.
    id: String,
    said: Vec<Said>,
    is_acknowledged: bool,
}

/// Something that somebody said or did.
struct NoteRow {
    by: String,
    at: Moment,
    words: String,
    /// The comment, if it is one.
    text: String,
    /// Which alert it is about, where there are several.
    of: String,
}

struct LineRow {
    class: String,
    at: Moment,
    href: String,
    text: String,
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
    has_costs: bool,
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
    selector: String,
    lines_shown: Vec<LineRow>,
    lines_words: &'a str,
    lines_problem: String,
    lanes: Vec<Lane>,
    more: usize,
    ticks: Vec<Tick>,
    story: Vec<Entry>,
    story_more: usize,
    notes: Vec<NoteRow>,
    said: &'static str,
    back: String,
    open: usize,
    alerts: Vec<AlertView>,
    alerts_more: usize,
    charts: Vec<Chart>,
    rows: Vec<TellingRow>,
    around: String,
}

impl GroupPage<'_> {
    fn snoozes(&self) -> &'static [(&'static str, &'static str)] {
        &care::SNOOZES
    }

    /// Whether whoever looks has a name that an alert can be assigned to.
    fn has_name(&self) -> bool {
        care::person(&self.input.me).is_some()
    }
}

/// Renders the page. The shell has a range and refreshes by itself.
pub fn render(input: &GroupInput, shell: &Shell) -> String {
    let labels = labels_of(&input.key);
    let common = common(input, &labels);
    let (from, to) = (input.range.start.to_string(), input.range.end.to_string());
    let (lanes, more) = story::lanes(input, &labels, shell);
    let (story, story_more) = story::entries(input, &labels, shell);
    let firing = input.alerts.iter().filter(|alert| !alert.is_pending).count();
    let held = input.alerts.iter().filter(|alert| is_held(&alert.marks)).count();
    let severity = input.alerts.iter().map(Known::severity).min().unwrap_or(Severity::Info);
    let line_labels = input.line_labels();
    let selector: Vec<String> = line_labels
        .iter()
        .map(|(name, values)| match values.as_slice() {
            [only] => format!("{name}={}", quote(only)),
            many => format!("{name}=~{}", quote(&many.iter().map(|value| regex::escape(value)).collect::<Vec<_>>().join("|"))),
        })
        .collect();
    let selector = if selector.is_empty() { String::new() } else { format!("{{{}}}", selector.join(", ")) };
    let lines_query = if selector.is_empty() { String::new() } else { format!("sum(count_over_time({selector}[1m]))") };
    let began = input.alerts.iter().map(|alert| alert.since_ms).min();
    page::html(&GroupPage {
        has_costs: input.costs.as_ref().map_or(true, |costs| !costs.is_empty()),
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
        lines: ways::lines_of(&line_labels, &from, &to),
        lines_src: if lines_query.is_empty() { String::new() } else { links::with(links::LOGS_CHART, &[("q", &lines_query)]) },
        lines_query,
        selector,
        lines_shown: match &input.lines {
            LinesFound::Lines(lines) => lines.iter().map(|line| line_row(line, shell)).collect(),
            LinesFound::NotKnown | LinesFound::Problem(_) => Vec::new(),
        },
        lines_words: shell.t(match &input.lines {
            LinesFound::NotKnown => key("No label of these alerts says which lines belong to them: job, service, pod, host or the like."),
            LinesFound::Lines(_) => key("No lines with these labels in this range."),
            LinesFound::Problem(_) => key("The lines could not be read."),
        }),
        lines_problem: if let LinesFound::Problem(why) = &input.lines { why.clone() } else { String::new() },
        lanes,
        more,
        ticks: bars::ticks(input.range, shell.lang()),
        story,
        story_more,
        notes: notes(input, shell),
        said: care::said(&input.done),
        back: shell.href("done", ""),
        open: input.alerts.iter().filter(|alert| alert.is_routed && alert.handling.acknowledged.is_none()).count(),
        alerts: input.alerts.iter().take(ALERTS_MAX).map(|alert| alert_view(alert, input, shell)).collect(),
        alerts_more: input.alerts.len().saturating_sub(ALERTS_MAX),
        charts: charts(input, &from, &to),
        rows: input.tellings.iter().take(TELLINGS_MAX).map(|one| row(one, shell)).collect(),
        around: began.map_or_else(String::new, |at| {
            shell.href_with(&[
                ("from", &at.saturating_sub(3_600_000).to_string()),
                ("to", &at.saturating_add(3_600_000).min(shell.now_ms).to_string()),
            ])
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

/// What people said and did, the oldest first, as in a talk.
fn notes(input: &GroupInput, shell: &Shell) -> Vec<NoteRow> {
    let mut found: Vec<NoteRow> = story::told(&input.notes)
        .iter()
        .take(NOTES_MAX)
        .map(|one| {
            let (words, text) = match one.deed {
                Deed::Comment(text) => (String::new(), text.clone()),
                _ => (story::deed_words(one, shell), String::new()),
            };
            let of = match one.alerts.as_slice() {
                [only] if input.alerts.len() > 1 => bars::name(only),
                _ => String::new(),
            };
            NoteRow { by: story::who(one.by, shell), at: shell.moment(one.at), words, text, of }
        })
        .collect();
    found.reverse();
    found
}

fn line_row(line: &Line, shell: &Shell) -> LineRow {
    let selector: Vec<String> = line.labels.iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
    let (selector, at) = (format!("{{{}}}", selector.join(", ")), line.at_ns.to_string());
    LineRow {
        class: line.level.clone(),
        at: story::clock(line.at_ns.div_euclid(1_000_000), shell),
        href: links::with(links::LOGS_LINE, &[("s", &selector), ("t", &at)]),
        text: line.text.clone(),
    }
}

fn alert_view(alert: &Known, input: &GroupInput, shell: &Shell) -> AlertView {
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
        id: if alert.is_routed { format!("{:016x}", alert.fingerprint()) } else { String::new() },
        said: care::words(alert, &input.me, shell),
        is_acknowledged: alert.handling.is_acknowledged(),
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
            failures: vec![
                failure(true, "api:9100", 1_763_711_000_000, 1_763_711_240_000, false),
                failure(false, "https://shop", 1_763_713_000_000, 1_763_714_000_000, true),
            ],
            happenings: vec![Happening {
                at: 1_763_711_500_000,
                until: 1_763_711_500_000,
                text: "shop 1.2.3 deployed\nby the pipeline".into(),
                tags: vec!["deploy".into(), "env:prod".into()],
                by: "ci".into(),
                path: String::new(),
            }],
            costs: Ok(vec![Missed { name: "Orders".into(), lost: "43".into(), expected: "120".into(), ..Missed::default() }]),
            notes: sample::notes(),
            lines: LinesFound::Lines(vec![Line {
                at_ns: 1_763_713_999_000_000_000,
                text: "connection refused".into(),
                level: "error".into(),
                labels: sample::labels(&[("job", "db")]),
            }]),
            me: "ann".into(),
            people: vec!["ann".into()],
            may_change: true,
            done: String::new(),
            refused: String::new(),
        }
    }

    fn failure(is_scrape: bool, of: &str, from: i64, to: i64, is_open: bool) -> Failure {
        Failure { is_scrape, of: of.into(), range: TimeRange::new(from, to), is_open }
    }

    fn html(input: &GroupInput) -> String {
        let query = &links::alerts_group(&input.key, &input.receiver)[links::ALERTS_GROUP.len() + 1..];
        render(input, &shell(Page::Alerts, "Group", links::ALERTS_GROUP, query).with_range("now-6h").with_refresh("30s"))
    }

    #[test]
    fn everything_around_it_is_on_one_timeline() {
        let text = html(&input());
        sample::check(&text);
        for part in
            ["class=\"f\"", "class=\"m bad\"", "class=\"s\"", "class=\"c\"", "db was started", "/ui/chart?q=up", "first notification"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn what_happened_stands_in_words_as_well() {
        let text = html(&input());
        for part in [
            "the scrape of api:9100 failed for 4 min",
            "the check of https://shop failed, and fails still",
            "ci: shop 1.2.3 deployed…",
            "env:prod",
            "bob gave Down · a db to ann",
            "It is the &#60;disk&#62;.",
            "connection refused",
            "/logs/line?s=",
            "class=\"x\"",
            "class=\"d\"",
            "class=\"n\"",
            "value=\"acknowledge\"",
            "name=\"key\"",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let viewer = html(&GroupInput { may_change: false, ..input() });
        assert!(!viewer.contains(links::ALERTS_CARE) && viewer.contains("It is the"), "{viewer}");
        let without = html(&GroupInput { lines: LinesFound::Problem("too <slow>".into()), notes: Vec::new(), ..input() });
        assert!(without.contains("too &#60;slow&#62;") && without.contains("Nobody said anything yet."), "{without}");
        assert_eq!(input().line_labels(), [("job".to_owned(), vec!["db".to_owned(), "web".to_owned()])]);
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
        input.failures = vec![failure(true, HOSTILE, 1_763_712_500_000, 1_763_712_600_000, false)];
        for one in &mut input.happenings {
            (one.text, one.tags, one.by) = (HOSTILE.into(), vec![HOSTILE.into()], HOSTILE.into());
        }
        for note in &mut input.notes {
            (note.by, note.deed, note.labels) = (HOSTILE.into(), Deed::Comment(HOSTILE.into()), sample::labels(&[("alertname", HOSTILE)]));
        }
        if let LinesFound::Lines(lines) = &mut input.lines {
            (lines[0].text, lines[0].level, lines[0].labels) = (HOSTILE.into(), HOSTILE.into(), sample::labels(&[("job", HOSTILE)]));
        }
        (input.me, input.people, input.refused) = (HOSTILE.into(), vec![HOSTILE.into()], HOSTILE.into());
        sample::check(&html(&input));
    }
}
