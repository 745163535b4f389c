//! KPIs that are ready to be made, by theme: what each needs, whether that is there, and how to send it.

use std::collections::BTreeSet;

use crate::business::config::kpi::Source;
use crate::business::ready::Ready;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Default)]
pub struct ReadyInput {
    /// Every one.
    pub ready: Vec<Ready>,
    /// Names of those that are made already, in lower case, with their addresses.
    pub made: Vec<(String, i64)>,
    /// Metrics that were seen lately; none where that is not known.
    pub seen: Option<BTreeSet<String>>,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may make KPIs.
    pub may_change: bool,
}

/// What themes are called; each ready KPI has one of them.
#[cfg(test)]
const THEMES: [&str; 6] = [key("Usage"), key("Performance"), key("Reliability"), key("Money"), key("Sales"), key("Tasks")];

/// How what it needs stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Made,
    Seen,
    Partly,
    Missing,
    Unknown,
}

impl State {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Made => ("info", key("is there")),
            Self::Seen => ("ok", key("its data is here")),
            Self::Partly => ("warn", key("a part of its data is here")),
            Self::Missing => ("", key("its data is not sent yet")),
            Self::Unknown => ("", key("you say where its data is")),
        }
    }
}

struct Row<'a> {
    ready: &'a Ready,
    class: &'static str,
    words: &'static str,
    needs: Vec<(&'a str, &'static str)>,
    href: String,
    edit: String,
    can_take: bool,
}

struct Theme<'a> {
    title: &'a str,
    rows: Vec<Row<'a>>,
}

#[derive(askama::Template)]
#[template(path = "business/ready.html")]
struct ReadyPage<'a> {
    shell: &'a Shell,
    input: &'a ReadyInput,
    themes: Vec<Theme<'a>>,
}

/// Whether something that is needed is the name of a metric, not a sentence.
pub fn is_metric(need: &str) -> bool {
    !need.is_empty() && need.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

fn state(ready: &Ready, input: &ReadyInput) -> State {
    if made(ready, input).is_some() {
        return State::Made;
    }
    let metrics: Vec<&String> = ready.needs.iter().filter(|need| is_metric(need)).collect();
    let Some(seen) = input.seen.as_ref().filter(|_| metrics.len() == ready.needs.len()) else { return State::Unknown };
    match metrics.iter().filter(|need| seen.contains(need.as_str())).count() {
        0 => State::Missing,
        all if all == metrics.len() => State::Seen,
        _ => State::Partly,
    }
}

fn made(ready: &Ready, input: &ReadyInput) -> Option<i64> {
    let name = ready.kpi.name.to_lowercase();
    input.made.iter().find(|(known, _)| *known == name).map(|(_, id)| *id)
}

/// Renders the page.
pub fn render(input: &ReadyInput, shell: &Shell) -> String {
    let mut themes: Vec<Theme<'_>> = Vec::new();
    for ready in &input.ready {
        let row = row(ready, input);
        match themes.iter_mut().find(|theme| theme.title == ready.kpi.group) {
            Some(theme) => theme.rows.push(row),
            None => themes.push(Theme { title: &ready.kpi.group, rows: vec![row] }),
        }
    }
    page::html(&ReadyPage { shell, input, themes })
}

fn row<'a>(ready: &'a Ready, input: &ReadyInput) -> Row<'a> {
    let state = state(ready, input);
    let (class, words) = state.words();
    let dot = |need: &String| match &input.seen {
        Some(seen) if is_metric(need) => {
            if seen.contains(need.as_str()) {
                "ok"
            } else {
                "none"
            }
        }
        _ => "",
    };
    Row {
        class,
        words,
        needs: ready.needs.iter().map(|need| (need.as_str(), dot(need))).collect(),
        href: made(ready, input).map_or_else(String::new, links::kpi),
        edit: links::with(links::KPI_EDIT, &[("ready", &ready.kpi.name)]),
        // A database is named first.
        can_take: state != State::Made && !matches!(ready.kpi.source(), Some(Source::Sql(_))),
        ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::ready::all;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn each_says_whether_its_data_is_here() {
        let input = ReadyInput {
            ready: all().unwrap(),
            made: vec![("mrr".into(), 7)],
            seen: Some(BTreeSet::from(["user_logins_total".to_owned()])),
            may_change: true,
            ..ReadyInput::default()
        };
        assert!(input.ready.iter().all(|ready| THEMES.contains(&ready.kpi.group.as_str())), "each theme has its words");
        let of = |name: &str| state(input.ready.iter().find(|ready| ready.kpi.name == name).unwrap(), &input);
        assert_eq!((of("MRR"), of("Logins"), of("Feature usage")), (State::Made, State::Seen, State::Missing));
        assert_eq!(of("Weekly active users"), State::Unknown, "a table is no metric");
        let html = render(&input, &shell(Page::Business, "Ready KPIs", links::KPI_READY, ""));
        assert!(html.contains("href=\"/business/7\"") && html.contains("ready=Weekly%20active%20users"), "{html}");
        assert!(
            !render(&ReadyInput { may_change: false, ..input }, &shell(Page::Business, "", links::KPI_READY, ""))
                .contains("<form method=\"post\" action=\"/business/ready\"")
        );
    }
}
