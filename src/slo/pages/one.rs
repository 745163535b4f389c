//! One objective: in words, as figures, over time, and what spent its budget.

use std::sync::Arc;

use super::words::{self, Bar};
use crate::base::float;
use crate::base::human;
use crate::base::quote::quote;
use crate::series::ports::Happening;
use crate::slo::config::Slo;
use crate::slo::model::burn::{State, WINDOWS};
use crate::slo::model::period::window;
use crate::slo::rules::BUDGET_LEFT;
use crate::slo::watch::desk::{Day, Kept, named};
use crate::slo::watch::past::Stretch;
use crate::slo::watch::standing::Standing;
use crate::ui::format::Moment;
use crate::ui::lang::key;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::ui::{links, spark};

/// Days of the history below the chart.
pub const DAYS: i64 = 366;

/// What the page is made of.
#[derive(Debug)]
pub struct OneInput {
    /// The objective.
    pub kept: Arc<Kept>,
    /// Its label sets, the worst first.
    pub standings: Vec<Standing>,
    /// What spent its budget, with what was marked then.
    pub spent: Vec<(Stretch, Vec<Happening>)>,
    /// What was left at the ends of the last [`DAYS`].
    pub days: Vec<Day>,
    /// Its rules.
    pub rules: String,
    /// The label set that is looked at; empty for the worst.
    pub group: String,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change objectives.
    pub may_change: bool,
}

struct Tile {
    name: &'static str,
    class: &'static str,
    value: String,
    more: String,
}

struct GroupRow {
    href: String,
    name: String,
    is_chosen: bool,
    class: &'static str,
    word: &'static str,
    left: String,
    bar: Bar,
    rate: String,
}

struct BurnRow {
    window: String,
    rate: String,
    class: &'static str,
    events: String,
    told: String,
}

struct StretchRow {
    class: &'static str,
    spent: String,
    from: Moment,
    length: String,
    more: String,
    labels: String,
    /// What was marked then: when, its text, where it is read about.
    marked: Vec<(Moment, String, String)>,
    alerts: String,
}

#[derive(askama::Template)]
#[template(path = "slo/one.html")]
struct OnePage<'a> {
    shell: &'a Shell,
    input: &'a OneInput,
    class: &'static str,
    word: &'static str,
    sentence: String,
    said: &'static str,
    description: &'a str,
    deaf: Vec<String>,
    tiles: Vec<Tile>,
    bar: Bar,
    groups: Vec<GroupRow>,
    burns: Vec<BurnRow>,
    stretches: Vec<StretchRow>,
    history: String,
    explore: String,
    year: String,
    year_words: String,
    yaml: String,
    rules: &'a str,
    edit: String,
    delete: String,
}

fn said(done: &str) -> &'static str {
    match done {
        "made" => key("It counts from now on; figures come within some minutes."),
        "saved" => key("The SLO is saved."),
        _ => "",
    }
}

/// Renders the page. The shell has a range and refreshes by itself.
pub fn render(input: &OneInput, shell: &Shell) -> String {
    let slo = &input.kept.slo;
    let chosen = input.standings.iter().find(|standing| named(&standing.labels) == input.group).or_else(|| input.standings.first());
    let budget = chosen.map(|standing| &standing.budget);
    let state = chosen.map_or(State::Unknown, |standing| standing.state);
    let group = chosen.map(|standing| named(&standing.labels)).unwrap_or_default();
    let own: Vec<&Day> = input.days.iter().filter(|day| day.labels == group).collect();
    let matchers = if group.is_empty() { String::new() } else { format!(",{group}") };
    let query = format!("{BUDGET_LEFT}{{slo={}{matchers}}}", quote(&slo.name));
    let lowest = own.iter().map(|day| day.left).fold(f64::INFINITY, f64::min);
    page::html(&OnePage {
        class: words::class(state),
        word: words::word(state),
        sentence: words::sentence(slo, chosen, shell),
        said: said(&input.done),
        description: &slo.description,
        deaf: words::deaf(slo, shell),
        tiles: tiles(chosen, slo, shell),
        bar: words::bar(budget, shell),
        groups: input.standings.iter().map(|standing| group_row(standing, slo, &group, shell)).collect(),
        burns: burns(slo, chosen),
        stretches: input.spent.iter().map(|(stretch, marked)| stretch_row(stretch, marked, shell)).collect(),
        history: links::chart(&[&query], &[""], ""),
        explore: links::explore(&query),
        year: spark::svg(&own.iter().map(|day| day.left).collect::<Vec<_>>()),
        year_words: shell.f2("The last {} days that were written down; the least was {}.", own.len(), words::percent(lowest)),
        yaml: slo.definition(),
        rules: &input.rules,
        edit: links::slo_edit(&slo.name),
        delete: links::slo_delete(&slo.name),
        shell,
        input,
    })
}

fn tiles(standing: Option<&Standing>, slo: &Slo, shell: &Shell) -> Vec<Tile> {
    let budget = standing.map(|standing| &standing.budget);
    let dash = || "–".to_owned();
    let is_spent = budget.and_then(|budget| budget.left()).is_some_and(|left| left <= 0.0);
    let class = if is_spent { "crit" } else { "" };
    let span = |ms: i64| human::length(u64::try_from(ms).unwrap_or(0));
    let reached = budget.and_then(|budget| budget.counted.good_ratio()).map_or_else(dash, words::percent);
    let counted = budget.map(|budget| budget.counted).unwrap_or_default();
    vec![
        Tile { name: key("Budget left"), class, value: words::left(budget), more: words::period(slo.period(), shell) },
        Tile {
            name: key("Time left"),
            class,
            value: budget.and_then(|budget| budget.time_left()).map_or_else(dash, |left| span(left.ms())),
            more: shell.t("in which everything may fail").to_owned(),
        },
        Tile {
            name: key("Events left"),
            class,
            value: budget.and_then(|budget| budget.events_left()).map_or_else(dash, words::events),
            more: shell.t("that may be bad, if as many come as came").to_owned(),
        },
        Tile {
            name: key("Reached"),
            class: "",
            value: reached,
            more: shell.f2("{} bad of {} events", words::events(counted.bad), words::events(counted.events)),
        },
    ]
}

fn group_row(standing: &Standing, slo: &Slo, chosen: &str, shell: &Shell) -> GroupRow {
    let name = named(&standing.labels);
    let [_, _, hour, ..] = WINDOWS;
    GroupRow {
        href: links::with(&links::slo(&slo.name), &[("group", &name)]),
        is_chosen: name == chosen,
        name,
        class: words::class(standing.state),
        word: words::word(standing.state),
        left: words::left(Some(&standing.budget)),
        bar: words::bar(Some(&standing.budget), shell),
        rate: words::rate(standing.rate(hour)),
    }
}

fn burns(slo: &Slo, standing: Option<&Standing>) -> Vec<BurnRow> {
    let pairs = slo.pairs();
    let one = |length: crate::base::time::Duration| {
        let rate = standing.and_then(|standing| standing.rate(length));
        // Of several pairs that share a window the most sensitive one speaks.
        let of = pairs.iter().filter(|pair| pair.long == length || pair.short == length);
        let bound = of.map(|pair| pair.rate).fold(f64::INFINITY, f64::min);
        let events = standing.and_then(|standing| standing.events.iter().find(|(known, _)| *known == length)).map(|(_, events)| *events);
        BurnRow {
            window: window(length),
            class: if rate.is_some_and(|rate| rate > bound) { "crit" } else { "" },
            rate: words::rate(rate),
            events: events.map_or_else(|| "–".to_owned(), words::events),
            told: if bound.is_finite() { float::plain(bound) } else { "–".to_owned() },
        }
    };
    crate::slo::rules::windows(slo).into_iter().map(one).collect()
}

fn stretch_row(stretch: &Stretch, marked: &[Happening], shell: &Shell) -> StretchRow {
    let length = human::span(u64::try_from(stretch.until - stretch.from).unwrap_or(0));
    StretchRow {
        class: if stretch.spent >= 0.1 { "crit" } else { "warn" },
        spent: shell.f1("{} of the budget", words::percent(stretch.spent)),
        from: shell.moment(stretch.from),
        more: shell.f2("{} bad events, at worst {} times too fast", words::events(stretch.counted.bad), words::rate(Some(stretch.worst))),
        length,
        labels: named(&stretch.labels),
        marked: marked.iter().map(|one| (shell.moment(one.at), one.text.clone(), one.path.clone())).collect(),
        alerts: links::with(
            links::ALERTS_HISTORY,
            &[("from", &(stretch.from / 1000).to_string()), ("to", &(stretch.until / 1000).to_string())],
        ),
    }
}
