//! Every objective: the one whose budget burns worst first.

use std::sync::Arc;

use super::words::{self, Bar};
use crate::slo::model::burn::{State, WINDOWS};
use crate::slo::watch::desk::Kept;
use crate::slo::watch::standing::Standing;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Default)]
pub struct ListInput {
    /// Every objective, and how it stands.
    pub all: Vec<(Arc<Kept>, Vec<Standing>)>,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change objectives.
    pub may_change: bool,
}

struct Row<'a> {
    href: String,
    name: &'a str,
    class: &'static str,
    word: &'static str,
    sentence: String,
    objective: String,
    reached: String,
    left: String,
    bar: Bar,
    rate: String,
}

#[derive(askama::Template)]
#[template(path = "slo/list.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    input: &'a ListInput,
    rows: Vec<Row<'a>>,
    summary: String,
    said: &'static str,
}

fn said(done: &str) -> &'static str {
    match done {
        "deleted" => key("The SLO is deleted."),
        "brought" => key("The SLOs are brought in; figures come within some minutes."),
        _ => "",
    }
}

/// Renders the page.
pub fn render(input: &ListInput, shell: &Shell) -> String {
    let state = |standings: &[Standing]| standings.first().map_or(State::Unknown, |worst| worst.state);
    let mut order: Vec<&(Arc<Kept>, Vec<Standing>)> = input.all.iter().collect();
    let left = |standings: &[Standing]| standings.first().and_then(|worst| worst.budget.left()).unwrap_or(f64::INFINITY);
    order.sort_by(|(_, a), (_, b)| state(a).cmp(&state(b)).then(left(a).total_cmp(&left(b))));
    let rows = order.iter().map(|(kept, standings)| row(kept, standings, state(standings), shell)).collect();
    let burning = input.all.iter().filter(|(_, standings)| state(standings) <= State::Rising).count();
    let count = shell.lang().n(input.all.len() as u64, "{} SLO", "{} SLOs");
    let summary = if burning == 0 {
        shell.f1("{}, and none burns too fast.", count)
    } else {
        shell.f2("{}, of which {} burn too fast.", count, burning)
    };
    page::html(&ListPage { shell, input, rows, summary, said: said(&input.done) })
}

fn row<'a>(kept: &'a Kept, standings: &[Standing], state: State, shell: &Shell) -> Row<'a> {
    let worst = standings.first();
    let budget = worst.map(|worst| &worst.budget);
    let [_, _, hour, ..] = WINDOWS;
    Row {
        href: links::slo(&kept.slo.name),
        name: &kept.slo.name,
        class: words::class(state),
        word: words::word(state),
        sentence: words::budget(worst, shell),
        objective: format!("{} %", kept.slo.objective),
        reached: budget.and_then(|budget| budget.counted.good_ratio()).map_or_else(|| "–".to_owned(), words::percent),
        left: words::left(budget),
        bar: words::bar(budget, shell),
        rate: words::rate(worst.and_then(|worst| worst.rate(hour))),
    }
}
