//! What fires now: alerts by group, worst first, with filters, and the ways from each to its graph, lines and silence.

mod filter;
mod rows;

use std::collections::BTreeMap;

pub use self::filter::{By, Care, Filter, Stage};
pub(super) use self::rows::{Chip, chip};
use self::rows::{PAGE_ALERTS, Places, Section, sections};
use super::care;
use super::known::Known;
use crate::alerts::dispatch::GroupView;
use crate::alerts::model::matcher::Matcher;
use crate::alerts::model::silence::Silence;
use crate::ui::page;
use crate::ui::shell::{Severity, Shell};

/// Labels to group by that are on offer.
const LABELS_MAX: usize = 12;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::links;
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
