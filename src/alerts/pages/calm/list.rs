//! What keeps alerts calm: dependencies, damping of those that come and go, caps on messages.

use std::sync::Arc;

use super::{edit, form_of};
use crate::alerts::calm::{Calm, CalmKind};
use crate::alerts::model::matcher::Matchers;
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::pages::known::Known;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Rules of a kind on the page.
const LIST_MAX: usize = 200;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct CalmInput {
    /// What is set.
    pub calm: Arc<Calm>,
    /// The receivers of the configuration in force.
    pub receivers: Vec<String>,
    /// Alerts of now.
    pub alerts: Vec<Known>,
    /// The same as routing has them.
    pub routed: Vec<RoutedAlert>,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change rules.
    pub may_change: bool,
}

struct Row {
    id: String,
    title: String,
    said: String,
    first: Vec<String>,
    second: Vec<String>,
    equal: Vec<String>,
    count: String,
    is_busy: bool,
    is_lost: bool,
    href: String,
}

struct Part {
    title: &'static str,
    lead: &'static str,
    add: &'static str,
    new: String,
    is_two: bool,
    loses: &'static str,
    rows: Vec<Row>,
}

#[derive(askama::Template)]
#[template(path = "alerts/calm/list.html")]
struct CalmPage<'a> {
    shell: &'a Shell,
    input: &'a CalmInput,
    said: &'static str,
    parts: Vec<Part>,
}

fn texts(matchers: &Matchers) -> Vec<String> {
    matchers.iter().map(ToString::to_string).collect()
}

/// Renders the page.
pub fn render(input: &CalmInput, shell: &Shell) -> String {
    let parts = vec![dependencies(input, shell), flapping(input, shell), caps(input, shell)];
    page::html(&CalmPage { said: super::done_words(&input.done), parts, input, shell })
}

fn part(kind: CalmKind, texts: [&'static str; 3], rows: Vec<Row>) -> Part {
    let [title, lead, add] = texts;
    Part { title, lead, add, new: form_of(kind, ""), is_two: kind == CalmKind::Dependency, loses: edit::loses(kind), rows }
}

fn dependencies(input: &CalmInput, shell: &Shell) -> Part {
    use crate::ui::lang::key;
    let rows = input.calm.dependencies().take(LIST_MAX).map(|(named, rule)| {
        let held = edit::held(rule, &input.alerts, &input.routed).len();
        Row {
            id: named.id.clone(),
            title: rule.title.clone(),
            said: edit::sentence(&named.rule, shell.lang()),
            first: texts(&rule.source),
            second: texts(&rule.target),
            equal: rule.equal.clone(),
            count: shell.f1("{} held back now", held),
            is_busy: held > 0,
            is_lost: false,
            href: form_of(CalmKind::Dependency, &named.id),
        }
    });
    let texts = [
        key("Dependencies"),
        key("While some alerts fire, others that only follow from them are not told: a host that is down explains every service on it."),
        key("New dependency"),
    ];
    part(CalmKind::Dependency, texts, rows.collect())
}

fn flapping(input: &CalmInput, shell: &Shell) -> Part {
    use crate::ui::lang::key;
    let rows = input.calm.flapping().take(LIST_MAX).map(|(named, rule)| {
        let now = input.alerts.iter().filter(|alert| alert.marks.is_flapping && rule.matchers.matches(&alert.labels)).count();
        Row {
            id: named.id.clone(),
            title: rule.title.clone(),
            said: edit::sentence(&named.rule, shell.lang()),
            first: texts(&rule.matchers),
            second: Vec::new(),
            equal: Vec::new(),
            count: shell.f1("{} flapping now", now),
            is_busy: now > 0,
            is_lost: false,
            href: form_of(CalmKind::Flapping, &named.id),
        }
    });
    let texts = [
        key("Damping of alerts that come and go"),
        key("An alert that flaps is told once and counts as firing until it is quiet, instead of waking people at each turn."),
        key("New damping"),
    ];
    part(CalmKind::Flapping, texts, rows.collect())
}

fn caps(input: &CalmInput, shell: &Shell) -> Part {
    use crate::ui::lang::key;
    let rows = input.calm.caps().take(LIST_MAX).map(|(named, cap)| Row {
        id: named.id.clone(),
        title: cap.receiver.clone(),
        said: edit::sentence(&named.rule, shell.lang()),
        first: Vec::new(),
        second: Vec::new(),
        equal: Vec::new(),
        count: String::new(),
        is_busy: false,
        is_lost: !input.receivers.contains(&cap.receiver),
        href: form_of(CalmKind::Cap, &named.id),
    });
    let texts = [
        key("Caps on messages"),
        key(
            "A storm of alerts reaches people as a few messages and one digest of the rest, so that the phone stays usable and nothing is lost.",
        ),
        key("New cap"),
    ];
    part(CalmKind::Cap, texts, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::links;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &CalmInput) -> String {
        let text = render(input, &shell(Page::Alerts, "Calm", links::ALERTS_CALM, "").with_refresh("30s"));
        sample::check(&text);
        text
    }

    #[test]
    fn each_kind_has_its_part() {
        let empty = html(&CalmInput { may_change: true, ..CalmInput::default() });
        for kind in ["dependencies", "flapping", "caps"] {
            assert!(empty.contains(&format!("kind={kind}")), "{kind}: {empty}");
        }
        let receivers = vec!["pager".to_owned()];
        let now = sample::now();
        let input = CalmInput {
            calm: Arc::new(sample::calm()),
            receivers,
            alerts: now.alerts,
            routed: sample::routed(),
            may_change: true,
            ..CalmInput::default()
        };
        let text = html(&input);
        for part in ["20 messages", "4 times", "2 held back now", "1 flapping now", "severity=&#34;critical&#34;"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("not there any more"));
        assert!(html(&CalmInput { receivers: Vec::new(), ..input.clone() }).contains("not there any more"));
        assert!(!html(&CalmInput { may_change: false, ..input.clone() }).contains(links::ALERTS_CALM_DELETE));
        html(&CalmInput { calm: Arc::new(sample::hostile_calm()), problem: HOSTILE.into(), done: HOSTILE.into(), ..input });
    }
}
