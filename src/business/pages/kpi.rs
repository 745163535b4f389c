//! The page of one KPI: what it is, how it went, what explains a change, where its numbers come from.

mod about;
mod chart;
mod now;
mod public;
mod segments;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::figure::Figures;
use super::retention::{HeatMap, heat_map};
use super::words::{self, ChangeView};
use crate::base::period::{Grain, Period};
use crate::business::collect::Trouble;
use crate::business::collect::backfill::{Ended, Progress};
use crate::business::collect::desk::Known;
use crate::business::config::kpi::{Source, Target};
use crate::business::model::comparison;
use crate::business::model::share::Share;
use crate::business::model::value::{Standing, Value};
use crate::business::outlook::{Page, Shown, Table};
use crate::ui::format::{self, Moment};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

use about::{curl, facts, formula, help};
use chart::{Chart, charted};
use now::Now;
use segments::{SEGMENTS_MAX, SegmentRow, against, segments, told};

pub use public::render_shared;

/// How many periods the chart shows: choices.
pub const COUNTS: [i64; 4] = [12, 30, 60, 120];
/// Values in the table at most; the file has all.
const ROWS_MAX: usize = 40;
/// Cohorts that are shown, the newest, and for how many periods; the page of the retention has all.
const COHORTS_MAX: usize = 8;
const AGES_MAX: usize = 12;
/// Marks in the list at most.
const MARKS_MAX: usize = 20;

/// Something that was marked in time.
#[derive(Debug, Clone, Default)]
pub struct Marked {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// In which period of the chart; none where it is outside.
    pub period: Option<Period>,
    /// What it says.
    pub text: String,
    /// Who marked it.
    pub by: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where it has a page; empty for nowhere.
    pub href: String,
    /// Whether it is a note on this KPI.
    pub is_note: bool,
}

/// A retention that explains a KPI.
#[derive(Debug, Clone)]
pub struct CohortsOf {
    /// Its name.
    pub name: String,
    /// Its last answer; none before the first.
    pub table: Option<Table>,
}

/// What of a KPI is looked at.
#[derive(Debug, Clone)]
pub struct View {
    /// The first period...
    pub from: Period,
    /// ...and the last.
    pub until: Period,
    /// The period that goes on.
    pub current: Period,
    /// How many there are.
    pub count: i64,
    /// The label by which it is split; empty for none.
    pub label: String,
    /// The segment that the chart shows; empty for all of it.
    pub segment: String,
}

/// What the page is made of.
#[derive(Debug)]
pub struct KpiInput {
    /// Which.
    pub known: Arc<Known>,
    /// How it stands.
    pub shown: Option<Shown>,
    /// What is looked at.
    pub view: View,
    /// The lengths of time of which there are values.
    pub grains: Vec<Grain>,
    /// Its history, from before the first period that is looked at.
    pub history: Page,
    /// Its values a year before, by the period a year later.
    pub year_before: BTreeMap<Period, f64>,
    /// What was marked, the newest first.
    pub marks: Vec<Marked>,
    /// Why it has no newest value.
    pub trouble: Option<Trouble>,
    /// How far filling in its past is.
    pub backfill: Option<Progress>,
    /// By whose clock its days begin.
    pub zone: String,
    /// The day that it is by that.
    pub today: String,
    /// The shortest period of which there are values, as it is written: `2026-11-22`.
    pub example: String,
    /// Who comes back, by the retentions that explain it.
    pub cohorts: Vec<CohortsOf>,
    /// Addresses for people without an account, the newest first; only for those who may change it.
    pub shares: Vec<Share>,
    /// This server's address.
    pub base_url: String,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change it.
    pub may_change: bool,
}

struct Choice {
    href: String,
    words: String,
    is_on: bool,
}

struct ValueRow {
    period: String,
    exact: String,
    value: String,
    change: Option<ChangeView>,
    target: String,
    origin: &'static str,
    at: Moment,
    standing: (&'static str, &'static str),
    complete: String,
    first: String,
}

struct CohortsView<'a> {
    name: &'a str,
    href: String,
    /// Its newest cohorts; none where none are known.
    map: Option<HeatMap>,
    /// Why there are none; empty where they are on their way.
    problem: &'a str,
}

struct ShareRow<'a> {
    share: &'a Share,
    title: &'a str,
    href: String,
    made: Moment,
    /// When it ends; none for never.
    ends: Option<Moment>,
    has_ended: bool,
    /// The colour and the word of how it stands.
    state: (&'static str, &'static str),
}

struct MarkRow<'a> {
    mark: &'a Marked,
    at: Moment,
}

struct TargetRow {
    by: &'static str,
    value: String,
    from: String,
}

struct Filling {
    words: String,
    percent: String,
    is_on: bool,
    is_bad: bool,
}

#[derive(askama::Template)]
#[template(path = "business/kpi.html")]
struct KpiPage<'a> {
    shell: &'a Shell,
    input: &'a KpiInput,
    said: &'static str,
    now: Now,
    chart: Chart,
    grains: Vec<Choice>,
    counts: Vec<Choice>,
    earlier: String,
    later: String,
    labels: Vec<Choice>,
    segments: Vec<SegmentRow<'a>>,
    segments_more: usize,
    cohorts: Vec<CohortsView<'a>>,
    told: Vec<String>,
    against: String,
    rows: Vec<ValueRow>,
    marks: Vec<MarkRow<'a>>,
    targets: Vec<TargetRow>,
    facts: Vec<(&'static str, String)>,
    source: &'static str,
    formula: Vec<String>,
    parts: Vec<&'a str>,
    explore: String,
    help: &'static str,
    since: Option<Moment>,
    filling: Option<Filling>,
    shares: Vec<ShareRow<'a>>,
    can_fill: bool,
    is_pushed: bool,
    curl: String,
    csv: String,
    here: String,
}

impl KpiPage<'_> {
    fn of(&self, pattern: &str) -> String {
        links::of_kpi(pattern, self.input.known.id)
    }

    fn edit(&self) -> String {
        links::with(links::KPI_EDIT, &[("id", &self.input.known.id.to_string())])
    }
}

fn said(done: &str) -> &'static str {
    match done {
        "made" => key("It counts from now on. Set what it should be, fill in its past, or send numbers."),
        "saved" => key("The KPI is saved."),
        "paused" => key("Nobody asks for it until it goes on."),
        "goes-on" => key("It is asked for again."),
        "filling" => key("Its past is being filled in."),
        "stopped" => key("Filling in ends; what is filled in stays."),
        "corrected" => key("The value is corrected."),
        "noted" => key("The note is kept. It is on dashboards too."),
        "shared" => key("It is shared. Whoever has the link sees it, until it ends or you switch it off."),
        "share-on" => key("The link works again."),
        "share-off" => key("The link is switched off."),
        "share-deleted" => key("The link is deleted."),
        "note-deleted" => key("The note is deleted."),
        _ => "",
    }
}

/// Renders the page.
pub fn render(input: &KpiInput, shell: &Shell) -> String {
    let kpi = &input.known.kpi;
    let figures = Figures::of(kpi);
    let source = kpi.source().map(Source::key).unwrap_or_default();
    let (formula, explore) = formula(kpi.source());
    page::html(&KpiPage {
        said: said(&input.done),
        now: Now::of(input, tags, shell),
        chart: Chart::of(input, &kpi.name, shell),
        grains: grains(input, shell),
        counts: counts(input),
        earlier: at(input, &[("until", &input.view.from.before().to_string())]),
        later: later(input),
        labels: labels(input, shell),
        segments: segments(input, &figures),
        segments_more: input.history.segments.len().saturating_sub(SEGMENTS_MAX),
        shares: input.shares.iter().map(|share| share_row(share, input, shell)).collect(),
        cohorts: input.cohorts.iter().map(|one| cohorts(one, shell)).collect(),
        told: told(input, &figures, shell),
        against: against(input, shell),
        rows: rows(input, &figures, shell),
        marks: input.marks.iter().take(MARKS_MAX).map(|mark| MarkRow { at: shell.moment(mark.at), mark }).collect(),
        targets: targets(input, &figures, shell),
        facts: facts(input, shell),
        source: words::named(&words::SOURCES, &source),
        formula,
        parts: kpi.source().map(Source::parts).unwrap_or_default(),
        explore,
        help: help(source),
        since: input.trouble.as_ref().map(|trouble| shell.moment(trouble.since)),
        filling: input.backfill.as_ref().map(|progress| filling(progress, shell)),
        can_fill: source != "pushed",
        is_pushed: source == "pushed",
        curl: curl(input),
        csv: csv(input),
        here: format!("{}{}", input.base_url, at(input, &[])),
        shell,
        input,
    })
}

/// What is to be known of the newest value.
fn tags(value: &Value) -> Vec<(&'static str, &'static str)> {
    let restated = value.is_restated().then_some(("info", key("re-stated")));
    std::iter::once(words::standing(value.standing)).chain(restated).collect()
}

/// The address of this page with other choices.
fn at(input: &KpiInput, changed: &[(&str, &str)]) -> String {
    let view = &input.view;
    let (count, until) = (view.count.to_string(), view.until.to_string());
    let mut params = vec![
        ("grain", view.from.grain().as_str()),
        ("count", count.as_str()),
        ("until", if view.until == view.current { "" } else { until.as_str() }),
        ("label", view.label.as_str()),
        ("segment", view.segment.as_str()),
    ];
    for (name, value) in changed {
        params.retain(|(known, _)| known != name);
        params.push((name, value));
    }
    links::with(&links::kpi(input.known.id), &params)
}

fn later(input: &KpiInput) -> String {
    let view = &input.view;
    if view.until >= view.current {
        return String::new();
    }
    at(input, &[("until", &view.until.shifted(view.count).min(view.current).to_string())])
}

fn grains(input: &KpiInput, shell: &Shell) -> Vec<Choice> {
    let one = |grain: &Grain| Choice {
        href: at(input, &[("grain", grain.as_str()), ("until", "")]),
        words: shell.t(words::grain(*grain)).to_owned(),
        is_on: *grain == input.view.from.grain(),
    };
    input.grains.iter().map(one).collect()
}

fn counts(input: &KpiInput) -> Vec<Choice> {
    let one = |count: i64| Choice {
        href: at(input, &[("count", &count.to_string())]),
        words: format::count(count.unsigned_abs()),
        is_on: count == input.view.count,
    };
    COUNTS.into_iter().map(one).collect()
}

fn labels(input: &KpiInput, shell: &Shell) -> Vec<Choice> {
    let whole = Choice {
        href: at(input, &[("label", ""), ("segment", "")]),
        words: shell.t("All of it").to_owned(),
        is_on: input.view.label.is_empty(),
    };
    let one = |label: &String| Choice {
        href: at(input, &[("label", label), ("segment", "")]),
        words: label.clone(),
        is_on: *label == input.view.label,
    };
    std::iter::once(whole).chain(input.known.kpi.segments.iter().map(one)).collect()
}

fn share_row<'a>(share: &'a Share, input: &'a KpiInput, shell: &Shell) -> ShareRow<'a> {
    let has_ended = share.has_ended(shell.now_ms);
    ShareRow {
        title: if share.title.is_empty() { &input.known.kpi.name } else { &share.title },
        href: format!("{}{}", input.base_url, links::kpi_shared(&share.token)),
        made: shell.moment(share.made_at),
        ends: (share.expires_at > 0).then(|| shell.moment(share.expires_at)),
        state: match (has_ended, share.is_on) {
            (true, _) => ("", key("ended")),
            (false, true) => ("ok", key("on")),
            (false, false) => ("", key("off")),
        },
        has_ended,
        share,
    }
}

fn cohorts<'a>(of: &'a CohortsOf, shell: &Shell) -> CohortsView<'a> {
    let known = of.table.as_ref().and_then(|table| table.as_ref().ok()).filter(|table| !table.is_empty());
    CohortsView {
        name: &of.name,
        href: links::retention(&of.name),
        map: known.map(|table| heat_map(table, COHORTS_MAX, AGES_MAX, shell.lang())),
        problem: match &of.table {
            Some(Err(why)) => why,
            Some(Ok(_)) => shell.lang().t("Its query gives no cohorts."),
            None => "",
        },
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

fn rows(input: &KpiInput, figures: &Figures, shell: &Shell) -> Vec<ValueRow> {
    let values: Vec<&Value> = charted(input).iter().filter(|value| (input.view.from..=input.view.until).contains(&value.period)).collect();
    let better = input.known.kpi.better;
    let row = |(at, value): (usize, &&Value)| {
        let before = at.checked_sub(1).map(|at| values[at]).filter(|before| before.period == value.period.before());
        let is_over = value.standing != Standing::Running;
        ValueRow {
            period: format::period(value.period, shell.lang()),
            exact: value.period.to_string(),
            value: figures.show(value.value),
            change: before
                .filter(|_| is_over)
                .map(|before| words::change(comparison::change(before.value, value.value, better), "", figures)),
            target: input
                .known
                .kpi
                .target(value.period)
                .filter(|_| input.view.segment.is_empty())
                .map_or_else(String::new, |t| figures.show(t)),
            origin: words::origin(value.origin),
            at: shell.moment(value.at),
            standing: words::standing(value.standing),
            complete: if value.complete < 0.999 { percent(value.complete) } else { String::new() },
            first: value.first.map_or_else(String::new, |first| shell.f1("was {}", figures.show(first))),
        }
    };
    values.iter().enumerate().rev().take(ROWS_MAX).map(row).collect()
}

fn targets(input: &KpiInput, figures: &Figures, shell: &Shell) -> Vec<TargetRow> {
    let kpi = &input.known.kpi;
    let row = |target: &Target| TargetRow {
        by: words::grain(target.by.grain()),
        value: target.value.map_or_else(String::new, |value| figures.show(value)),
        from: Period::parse(&target.from)
            .map_or_else(|| shell.t("ever since").to_owned(), |from| shell.f1("from {} on", format::period(from, shell.lang()))),
    };
    kpi.targets.iter().map(row).collect()
}

fn filling(progress: &Progress, shell: &Shell) -> Filling {
    let done = shell.f2("{} of {} periods", progress.done, progress.all);
    let (words, is_bad) = match &progress.ended {
        None if progress.is_waiting => (shell.t("Waits until others are filled in").to_owned(), false),
        None => (shell.f1("Filling in: {}", &done), false),
        Some(Ended::Whole) => (shell.f1("Filled in: {}", &done), false),
        Some(Ended::Cancelled) => (shell.f1("Ended early: {}", &done), false),
        Some(Ended::Failed(why)) => (format!("{} · {why}", shell.f1("Ended early: {}", &done)), true),
    };
    let part = progress.done as f64 / progress.all.max(1) as f64;
    Filling { words, percent: format!("{:.0}", part.clamp(0.0, 1.0) * 100.0), is_on: progress.ended.is_none(), is_bad }
}

fn csv(input: &KpiInput) -> String {
    let view = &input.view;
    let path = format!("/api/v1/kpis/{}/values", links::encode(&input.known.kpi.name));
    let (from, until) = (view.from.to_string(), view.until.to_string());
    let params = [
        ("format", "csv"),
        ("grain", view.from.grain().as_str()),
        ("from", from.as_str()),
        ("until", until.as_str()),
        ("segment", view.label.as_str()),
    ];
    links::with(&path, &params)
}
