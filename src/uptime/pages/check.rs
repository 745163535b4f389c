//! One check: how it stands and why, what was found last, how fast it answers, figures, incidents, certificates, notes.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::found::{self, Found, found};
use super::incidents::upkeep_words;
use super::kinds;
use super::list::Views;
use super::standing::{self, Standing, length};
use super::strip::{Strip, percent, strip};
use crate::base::quote::quote;
use crate::base::time::Duration;
use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::config::goal::Goal;
use crate::uptime::config::{Check, file};
use crate::uptime::model::beat::Beat;
use crate::uptime::model::figures::Tally;
use crate::uptime::model::incident::{Incident, Overlap};
use crate::uptime::model::window::Window;
use crate::uptime::watch::desk::Figures;
use crate::uptime::watch::watcher::View;

/// Lengths of time for which figures are shown, in days, with their words.
pub const RANGES: [(i64, &str); 5] =
    [(1, key("24 hours")), (7, key("7 days")), (30, key("30 days")), (90, key("90 days")), (365, key("1 year"))];
/// Days of the bars.
pub const BARS_DAYS: i64 = 90;
/// Incidents shown.
pub const INCIDENTS_MAX: i64 = 20;
/// Newest results shown.
const RESULTS_MAX: usize = 20;
/// Characters of a note.
pub const NOTE_CHARS_MAX: usize = 10_000;
/// The longest interval whose samples a query finds without looking further back.
const LOOKBACK: Duration = Duration::from_secs(120);

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct CheckInput {
    /// Its number.
    pub id: i64,
    /// The check as it is now.
    pub view: View,
    /// Every check, for its parent, its children, its members.
    pub views: Views,
    /// What became of it in each of [`RANGES`].
    pub figures: Vec<Figures>,
    /// For how long it was down in this month so far, and how long that month is; by UTC, in milliseconds.
    pub month: (i64, i64),
    /// The windows of its bars, and what it was in each.
    pub bars: (Vec<Window>, Vec<Tally>),
    /// Its incidents, the newest first, and how much of each was in maintenance.
    pub incidents: Vec<(Incident, Overlap)>,
    /// Its newest results, ascending.
    pub beats: Vec<Beat>,
    /// Whether there is maintenance of it now.
    pub is_maintained: bool,
    /// Where its job says that it ran; empty where there is none, or nobody may know.
    pub heartbeat: String,
    /// The file that it stands in; empty for none.
    pub file: String,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change checks.
    pub may_change: bool,
}

struct FiguresRow {
    words: &'static str,
    available: String,
    is_low: bool,
    down: String,
    outages: u32,
    mttr: String,
    mtbf: String,
    mean: String,
    p50: String,
    p95: String,
    unknown: String,
}

struct IncidentRow {
    from: Moment,
    length: String,
    is_open: bool,
    cause: String,
    excerpt: String,
    upkeep: &'static str,
}

struct ResultRow {
    at: Moment,
    is_up: bool,
    took: String,
    why: String,
}

struct Relation {
    href: String,
    name: String,
    class: &'static str,
    word: &'static str,
}

#[derive(askama::Template)]
#[template(path = "uptime/check.html")]
struct CheckPage<'a> {
    shell: &'a Shell,
    input: &'a CheckInput,
    check: &'a Check,
    standing: Standing,
    sentence: String,
    said: &'static str,
    kind: &'static str,
    target: String,
    found: Option<Found>,
    figures: Vec<FiguresRow>,
    goal: String,
    is_goal_missed: bool,
    strip: Strip,
    incidents: Vec<IncidentRow>,
    results: Vec<ResultRow>,
    parent: Option<Relation>,
    children: Vec<Relation>,
    members: Vec<Relation>,
    chart: String,
    explore: String,
    yaml: String,
    yaml_file: String,
    edit: String,
    copy: String,
    maintenance: String,
    note_to: String,
    all_incidents: String,
    labels: Vec<(&'a str, &'a str, String)>,
    curl: String,
    crontab: String,
}

impl CheckPage<'_> {
    /// What stands in a file is changed there.
    const fn may_change(&self) -> bool {
        self.input.may_change && self.input.file.is_empty()
    }

    const fn is_paused(&self) -> bool {
        self.check.paused
    }

    fn has_certificates(&self) -> bool {
        self.found.as_ref().is_some_and(|found| !found.certificates.is_empty())
    }
}

/// Renders the page. The shell has a range and refreshes by itself.
pub fn render(input: &CheckInput, shell: &Shell) -> String {
    let (view, id) = (&input.view, input.id.to_string());
    let check = &*view.check;
    let by_name: BTreeMap<&str, i64> = input.views.iter().map(|(id, view)| (view.check.name.as_str(), *id)).collect();
    let related = |name: &str| by_name.get(name).and_then(|id| relation(*id, &input.views));
    let below = |(id, other): (&i64, &View)| (other.check.parent == check.name).then(|| relation(*id, &input.views)).flatten();
    let query = query(check);
    let (down, month) = input.month;
    let left = check.goal.allowance(month).map(|allowance| allowance - down);
    page::html(&CheckPage {
        standing: Standing::of(view),
        sentence: standing::sentence(view, shell),
        said: said(&input.done),
        kind: kinds::name_of(check.kind()),
        target: check.target(),
        found: view.newest.as_ref().map(|outcome| found(outcome, check.upside_down, shell)),
        figures: RANGES.iter().zip(&input.figures).map(|((_, words), figures)| figures_row(words, figures, check.goal)).collect(),
        goal: goal_words(check.goal, input.month, shell),
        is_goal_missed: left.is_some_and(|left| left < 0),
        strip: strip(&input.bars.0, &input.bars.1, shell.lang()),
        incidents: input.incidents.iter().map(|(incident, overlap)| incident_row(incident, *overlap, shell)).collect(),
        results: input.beats.iter().rev().take(RESULTS_MAX).map(|beat| result_row(beat, shell)).collect(),
        parent: related(&check.parent),
        children: input.views.iter().filter_map(below).collect(),
        members: check.members().iter().filter_map(|name| related(name)).collect(),
        chart: links::chart(&[&query], &["{{phase}}"], ""),
        explore: links::explore(&query),
        yaml: file::print([check]),
        yaml_file: links::check_yaml(input.id),
        edit: links::check_edit(input.id),
        copy: links::with(links::UPTIME_NEW, &[("from", &id)]),
        maintenance: links::with(links::UPTIME_MAINTENANCE_EDIT, &[("check", &id)]),
        all_incidents: links::with(links::UPTIME_INCIDENTS, &[("check", &id)]),
        labels: check.labels.iter().map(|(name, value)| (name.as_str(), value.as_str(), labelled(name, value))).collect(),
        note_to: links::UPTIME_NOTE.replace("{id}", &id),
        curl: format!("curl -fsS -m 10 --retry 3 {}", input.heartbeat),
        crontab: crontab(check, &input.heartbeat),
        shell,
        input,
        check,
    })
}

/// The checks that have a label.
fn labelled(name: &str, value: &str) -> String {
    links::with(links::UPTIME, &[("label", &format!("{name}={value}"))])
}

fn said(done: &str) -> &'static str {
    match done {
        "made" => key("It is watched from now on."),
        "saved" => key("The check is saved."),
        "noted" => key("The note is saved."),
        done if done.starts_with("paused") => key("It is paused."),
        done if done.starts_with("resumed") => key("It is watched again."),
        done if done.starts_with("probed") => key("It is probed now."),
        _ => "",
    }
}

fn relation(id: i64, views: &Views) -> Option<Relation> {
    let view = views.get(&id)?;
    let standing = Standing::of(view);
    Some(Relation { href: links::check(id), name: view.check.name.clone(), class: standing.class(), word: standing.word() })
}

/// How long each phase took: by phase where there are some, as a whole otherwise.
fn query(check: &Check) -> String {
    let has_phases = !matches!(check.kind(), "heartbeat" | "query" | "ping" | "docker" | "domain" | "group");
    let phases = if has_phases { "phase!=\"total\"" } else { "phase=\"total\"" };
    let series = format!("pharos_check_duration_seconds{{check={},{phases}}}", quote(&check.name));
    // What comes seldom would be forgotten between two results.
    let series = if check.interval > LOOKBACK { format!("last_over_time({series}[{}s])", check.interval.ms() / 500) } else { series };
    format!("max by (phase) ({series})")
}

fn time(ms: Option<i64>) -> String {
    ms.filter(|ms| *ms > 0).map_or_else(|| "–".to_owned(), length)
}

/// What it promises, and how much longer it may be down in this month; empty where it promises nothing.
fn goal_words(goal: Goal, (down, month): (i64, i64), shell: &Shell) -> String {
    let Some(allowance) = goal.allowance(month) else { return String::new() };
    let words = if down > allowance {
        shell.f2("{} over the {} of this month", length(down - allowance), length(allowance))
    } else {
        shell.f2("{} left of {} this month", length(allowance - down), length(allowance))
    };
    format!("{}: {words}", shell.f1("Goal {}", goal))
}

fn figures_row(words: &'static str, figures: &Figures, goal: Goal) -> FiguresRow {
    let Figures { tally, results } = figures;
    let took = |took: Option<std::time::Duration>| took.map_or_else(|| "–".to_owned(), found::took);
    let share = tally.availability();
    FiguresRow {
        words,
        available: share.map_or_else(|| "–".to_owned(), percent),
        is_low: share.is_some_and(|share| if goal.percent().is_some() { goal.is_missed_by(share) } else { share < 0.99 }),
        down: if tally.down == 0 { "–".to_owned() } else { format::number(tally.down as f64 / 1000.0, Unit::Seconds) },
        outages: tally.outages,
        mttr: time(tally.mean_time_to_recovery()),
        mtbf: time(tally.mean_time_between_failures()),
        mean: took(results.latencies.mean()),
        p50: took(results.latencies.quantile(0.5)),
        p95: took(results.latencies.quantile(0.95)),
        unknown: time(Some(tally.unknown)),
    }
}

fn incident_row(incident: &Incident, overlap: Overlap, shell: &Shell) -> IncidentRow {
    IncidentRow {
        from: shell.moment(incident.from),
        length: length(incident.length(shell.now_ms)),
        is_open: incident.until.is_none(),
        cause: incident.cause.clone(),
        excerpt: incident.excerpt.clone(),
        upkeep: upkeep_words(overlap),
    }
}

fn result_row(beat: &Beat, shell: &Shell) -> ResultRow {
    ResultRow { at: shell.moment(beat.at), is_up: beat.is_up, took: found::took(beat.took), why: beat.why.clone() }
}

/// A line of a crontab for the job.
fn crontab(check: &Check, address: &str) -> String {
    let times = check.heartbeat.as_ref().map(|heartbeat| heartbeat.cron.as_str()).filter(|cron| !cron.is_empty()).unwrap_or("0 3 * * *");
    format!("{times} /usr/local/bin/backup && curl -fsS -m 10 --retry 3 {address} >/dev/null")
}

/// The form of a copy of a check.
pub fn copied(check: &Check, from: i64, shell: &Shell) -> Draft {
    let mut draft = Draft::of(check);
    draft.from = Some(from);
    draft.name = shell.f1("{} (copy)", &check.name).chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect();
    draft
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::uptime::model::beat::Hour;
    use crate::uptime::model::track::State;
    use crate::uptime::pages::sample::{self, HOSTILE, NOW, down, view};
    use crate::uptime::pages::strip::days;

    fn input(view: View) -> CheckInput {
        let windows = days(BARS_DAYS, NOW);
        let tally = Tally { up: 99_000, down: 1_000, outages: 1, ..Tally::default() };
        CheckInput {
            id: 1,
            views: Views::from([(1, view.clone())]),
            incidents: view.incident.iter().map(|incident| (incident.clone(), Overlap::Whole)).collect(),
            view,
            figures: vec![Figures { tally, results: Hour::default() }; RANGES.len()],
            month: (31 * 60_000, 30 * 86_400_000),
            bars: (windows.clone(), vec![tally; windows.len()]),
            beats: vec![Beat { at: NOW - 1_000, is_up: false, took: std::time::Duration::from_millis(7), why: HOSTILE.into() }],
            is_maintained: false,
            heartbeat: String::new(),
            file: String::new(),
            done: String::new(),
            problem: String::new(),
            may_change: true,
        }
    }

    fn html(input: &CheckInput) -> String {
        render(input, &shell(Page::Uptime, "x", "/uptime/1", "").with_range("now-6h").with_refresh("5s"))
    }

    #[test]
    fn a_check_that_is_down_says_why_and_where_the_time_went() {
        let mut of = input(down(
            "{name: Shop, note: call Ann, labels: {team: web}, http: {url: 'https://ann:pw@shop.example/', bearer_token: hunter2hunter2}}",
            "answered 503",
        ));
        let text = html(&of);
        sample::check(&text);
        for part in [
            "Down for 10 min: answered 503",
            "Waiting for the answer",
            "99.00 %",
            "5 days left",
            "in maintenance",
            "call Ann",
            "/uptime/new?from=1",
            "uptime/maintenance/edit?check=1",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("hunter2") && !text.contains("pw@"), "{text}");
        (of.may_change, of.file) = (false, "checks.yml".to_owned());
        let text = html(&of);
        assert!(!text.contains("/uptime/1/edit") && text.contains("stands in the file"), "{text}");
    }

    #[test]
    fn each_state_has_its_sentence() {
        for (yaml, state, expected) in [
            ("{name: a, ping: {host: h}}", State::Up, "Up for 10 min."),
            ("{name: a, paused: true, ping: {host: h}}", State::Paused, "Paused for 10 min"),
            ("{name: a, ping: {host: h}}", State::Unknown, "the first result is on its way"),
            ("{name: a, heartbeat: {every: 1h}}", State::Unknown, "Nothing was heard of it yet."),
        ] {
            let text = html(&input(view(yaml, state)));
            sample::check(&text);
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }

    #[test]
    fn a_goal_says_what_is_left_of_the_month() {
        let of = |goal: &str| html(&input(view(&format!("{{name: a, goal: {goal}, ping: {{host: h}}}}"), State::Up)));
        let text = of("99.9");
        sample::check(&text);
        assert!(text.contains("Goal 99.9 %: 12 min left of 43 min this month"), "{text}");
        assert!(of("99.95").contains("9 min over the 21 min of this month"), "{}", of("99.95"));
        assert!(!of("").contains("Goal"));
    }

    #[test]
    fn heartbeats_say_how_to_beat() {
        let mut of = input(view("{name: Job, heartbeat: {cron: '5 4 * * *', token: 0123456789abcdef}}", State::Up));
        of.heartbeat = "https://a.example/api/v1/heartbeats/0123456789abcdef".into();
        let text = html(&of);
        assert!(
            text.contains("curl -fsS -m 10 --retry 3 https://a.example/api/v1/heartbeats/0123456789abcdef") && text.contains("5 4 * * * "),
            "{text}"
        );
        of.heartbeat.clear();
        assert!(!html(&of).contains("0123456789abcdef"));
    }

    #[test]
    fn seldom_results_are_looked_for_further_back() {
        let of =
            |interval: &str| query(&view(&format!("{{name: 'a\"b', interval: {interval}, tcp: {{address: 'a:1'}}}}"), State::Up).check);
        assert_eq!(of("30s"), "max by (phase) (pharos_check_duration_seconds{check=\"a\\\"b\",phase!=\"total\"})");
        assert!(of("1h").contains("last_over_time(") && of("1h").ends_with("[7200s]))"), "{}", of("1h"));
    }

    #[test]
    fn hostile_values_are_text() {
        let yaml = format!("{{name: {0}, note: {0}, labels: {{a: {0}}}, query: {{expr: {0}}}}}", serde_json::to_string(HOSTILE).unwrap());
        let mut of = input(down(&yaml, HOSTILE));
        (of.problem, of.done, of.heartbeat, of.file) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
        sample::check(&html(&of));
    }
}
