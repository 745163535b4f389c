//! Writing rules: a file of rules that the server keeps, what is wrong with it, what its rules give now, and what its
//! alerts would have done.

use super::bars::{self, Lane, Spell, Tick};
use super::picture;
use super::rules::span;
use crate::alerts::model::Language;
use crate::alerts::replay::{Preview, Replay};
use crate::alerts::rules::own::{NAME_CHARS_MAX, OwnFile};
use crate::base::time::{Duration, TimeRange};
use crate::platform::config::diagnostic::Diagnostic;
use crate::series::labels::Labels;
use crate::series::ports::Compared;
use crate::series::value::RangeSeries;
use crate::ui::format::{self, Unit};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Lanes of a replay.
const LANES_MAX: usize = 12;
/// Series shown of what a rule gives now.
const SERIES_MAX: usize = 8;
/// How far back a replay looks, in days, and its words.
pub const RANGES: [(i64, &str); 3] = [(1, key("1 day")), (7, key("7 days")), (30, key("30 days"))];

/// What a new file holds.
const NEW: &str = "groups:\n- name: example\n  rules:\n  - alert: TargetDown\n    expr: up == 0\n    for: 5m\n    labels:\n      severity: warning\n    annotations:\n      summary: '{{ $labels.instance }} of {{ $labels.job }} cannot be scraped'\n";

/// What the page is made of.
#[derive(Default)]
pub struct EditInput {
    /// The file's name, as it was written.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Every file that is kept.
    pub files: Vec<OwnFile>,
    /// What was tried.
    pub tried: Tried,
    /// How far back the replay looks, in days.
    pub days: i64,
    /// Why something was not done, if so.
    pub problem: String,
    /// What was done: `saved` or `deleted`.
    pub done: String,
    /// Whether the reader may save.
    pub may_change: bool,
}

/// What was tried with the text.
#[derive(Debug, Clone, Default)]
pub enum Tried {
    /// Nothing yet.
    #[default]
    Nothing,
    /// It is wrong.
    Wrong(Vec<Diagnostic>),
    /// Its rules were asked.
    Given(Vec<Given>),
    /// Its alerts were replayed.
    Replayed(Vec<Replayed>),
}

/// What a rule gives now.
#[derive(Debug, Clone)]
pub struct Given {
    /// The rule's name.
    pub rule: String,
    /// What its expression gives, or why it gives nothing.
    pub outcome: Result<Preview, String>,
}

/// What an alert would have done.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The rule's name.
    pub rule: String,
    /// Its expression and language.
    pub expr: (String, Language),
    /// What its expression compares, if it does.
    pub compared: Option<Compared>,
    /// What is compared, over the range, and the distance of its points in milliseconds.
    pub series: (Vec<RangeSeries>, i64),
    /// What it would have done, or why that is not known.
    pub outcome: Result<Replay, String>,
}

/// A text for a new file, about an expression if one is given.
pub fn new_text(expr: &str, language: Language) -> String {
    if expr.is_empty() {
        return NEW.to_owned();
    }
    // A block keeps every character of the expression as it is.
    let lines: Vec<&str> = expr.lines().collect();
    let block = format!("|-\n      {}", lines.join("\n      "));
    let kind = if language == Language::LogQl { "  type: logs\n" } else { "" };
    format!(
        "groups:\n- name: example\n{kind}  rules:\n  - alert: Example\n    expr: {block}\n    for: 5m\n    labels:\n      severity: warning\n"
    )
}

struct GivenView {
    rule: String,
    words: String,
    error: String,
    series: Vec<(Labels, String)>,
    more: usize,
}

struct ReplayView {
    rule: String,
    error: String,
    numbers: Vec<(&'static str, String)>,
    verdict: &'static str,
    tag: &'static str,
    failure: String,
    picture: String,
    left: String,
    bound: String,
    explore: String,
    lanes: Vec<Lane>,
    more: usize,
    ticks: Vec<Tick>,
}

#[derive(askama::Template)]
#[template(path = "alerts/edit.html")]
struct EditPage<'a> {
    shell: &'a Shell,
    input: &'a EditInput,
    name_max: usize,
    is_kept: bool,
    rows: usize,
    files: Vec<(&'a str, String, bool, bool)>,
    wrong: Vec<(String, &'a str)>,
    given: Vec<GivenView>,
    replays: Vec<ReplayView>,
    is_tried: bool,
}

impl EditPage<'_> {
    fn done_words(&self) -> &'static str {
        match self.input.done.as_str() {
            "saved" => key("The rules are saved, and evaluated from now on."),
            "deleted" => key("The rules are deleted."),
            _ => "",
        }
    }
}

/// Renders the page.
pub fn render(input: &EditInput, shell: &Shell) -> String {
    let file =
        |file: &OwnFile| (links::with(links::ALERTS_EDIT, &[("file", &file.name)]), file.name == input.name, !file.problems.is_empty());
    let (mut wrong, mut given, mut replays) = (Vec::new(), Vec::new(), Vec::new());
    match &input.tried {
        Tried::Nothing => {}
        Tried::Wrong(problems) => wrong = problems.iter().map(|problem| (place(problem, shell), problem.message.as_str())).collect(),
        Tried::Given(all) => given = all.iter().map(|one| given_view(one, shell)).collect(),
        Tried::Replayed(all) => replays = all.iter().map(|one| replay_view(one, shell)).collect(),
    }
    page::html(&EditPage {
        shell,
        name_max: NAME_CHARS_MAX,
        is_kept: input.files.iter().any(|file| file.name == input.name),
        rows: input.text.lines().count().clamp(14, 34) + 1,
        files: input.files.iter().map(|one| (one.name.as_str(), file(one))).map(|(name, (href, on, odd))| (name, href, on, odd)).collect(),
        is_tried: !matches!(input.tried, Tried::Nothing),
        input,
        wrong,
        given,
        replays,
    })
}

fn place(problem: &Diagnostic, shell: &Shell) -> String {
    if problem.line == 0 { String::new() } else { shell.f2("line {}, column {}", problem.line, problem.column) }
}

fn given_view(given: &Given, shell: &Shell) -> GivenView {
    let rule = given.rule.clone();
    match &given.outcome {
        Err(error) => GivenView { rule, words: String::new(), error: error.clone(), series: Vec::new(), more: 0 },
        Ok(preview) => GivenView {
            rule,
            words: shell.lang().n(preview.count as u64, "{} series", "{} series"),
            error: String::new(),
            series: preview
                .series
                .iter()
                .take(SERIES_MAX)
                .map(|(labels, value)| (labels.clone(), format::number(*value, Unit::Short)))
                .collect(),
            more: preview.count.saturating_sub(preview.series.len().min(SERIES_MAX)),
        },
    }
}

fn replay_view(one: &Replayed, shell: &Shell) -> ReplayView {
    let (expr, language) = &one.expr;
    let left = one.compared.as_ref().map_or(expr.as_str(), |compared| compared.left.as_str());
    let mut view = ReplayView {
        rule: one.rule.clone(),
        error: String::new(),
        numbers: Vec::new(),
        verdict: "",
        tag: "",
        failure: String::new(),
        picture: String::new(),
        left: left.to_owned(),
        bound: one.compared.as_ref().map_or_else(String::new, |compared| format!("{} {}", compared.operator, compared.bound)),
        explore: match language {
            Language::PromQl => links::explore(left),
            Language::LogQl => links::with(links::LOGS, &[("q", left)]),
        },
        lanes: Vec::new(),
        more: 0,
        ticks: Vec::new(),
    };
    let replay = match &one.outcome {
        Ok(replay) => replay,
        Err(error) => {
            view.error.clone_from(error);
            return view;
        }
    };
    let range = TimeRange::new(replay.range.0, replay.range.1);
    let spell = |episode: &crate::alerts::replay::Episode| Spell {
        labels: episode.labels.clone(),
        is_firing: true,
        range: TimeRange::new(episode.fired_at.max(range.start), episode.ended_at.unwrap_or(range.end)),
        is_open: episode.ended_at.is_none(),
    };
    let spells: Vec<Spell> = replay.episodes.iter().map(spell).collect();
    (view.lanes, view.more) = bars::lanes(&spells, range, LANES_MAX, shell);
    view.ticks = bars::ticks(range, shell.lang());
    view.picture = picture::svg(&one.series.0, one.series.1, range, one.compared.as_ref().map(|compared| compared.bound));
    view.numbers = numbers(replay, shell);
    (view.tag, view.verdict) = verdict(replay);
    if let Some(failure) = &replay.failure {
        view.failure = shell.f2("{} evaluations failed: {}", replay.failed, failure);
    }
    view
}

fn numbers(replay: &Replay, shell: &Shell) -> Vec<(&'static str, String)> {
    let count = |number: u64| format::number(number as f64, Unit::Short);
    vec![
        (key("Fired"), shell.lang().n(replay.fired, "{} time", "{} times")),
        (key("Time firing"), span(Duration::from_ms(replay.firing_ms / 1000 * 1000))),
        (key("Most at once"), count(replay.at_once_max as u64)),
        (key("Came back within 10 minutes"), count(replay.flaps)),
        (key("Over before it fired"), count(replay.averted)),
    ]
}

/// How calm it would have been, as a tag and in words.
fn verdict(replay: &Replay) -> (&'static str, &'static str) {
    let days = (replay.range.1.saturating_sub(replay.range.0)).max(1) as f64 / 86_400_000.0;
    let share = replay.firing_ms as f64 / (days * 86_400_000.0);
    if replay.fired == 0 && replay.firing_ms == 0 {
        ("ok", key("It would not have fired."))
    } else if share > 0.5 {
        ("warn", key("It would have fired most of the time: people stop looking at such alerts."))
    } else if replay.flaps * 3 > replay.fired.max(1) {
        ("warn", key("It comes and goes: a longer for, or keep_firing_for, makes it calmer."))
    } else if replay.fired as f64 / days.max(1.0) > 5.0 {
        ("warn", key("Noisy: more than five times a day."))
    } else {
        ("ok", key("Calm enough to act on each time."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::replay::Episode;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    const DAY: i64 = 86_400_000;

    fn html(input: &EditInput) -> String {
        render(input, &shell(Page::Alerts, "x", links::ALERTS_EDIT, ""))
    }

    fn replayed(replay: Replay) -> Replayed {
        let labels = Labels::from_pairs([("alertname", "A<b>")]);
        let series = RangeSeries { labels, floats: vec![(0, 1.0), (DAY, 3.0)], histograms: Vec::new() };
        Replayed {
            rule: "A<b>".into(),
            expr: ("a > 2".into(), Language::PromQl),
            compared: Some(Compared { left: "a".into(), operator: ">", bound: 2.0 }),
            series: (vec![series], DAY),
            outcome: Ok(replay),
        }
    }

    #[test]
    fn every_outcome_is_shown() {
        let problem = Diagnostic { file: "x".into(), line: 3, column: 5, message: "no <such> key".into() };
        let file =
            OwnFile { name: "mine".into(), text: String::new(), changed_by: "ann".into(), changed_at: 0, problems: vec![problem.clone()] };
        let input =
            EditInput { files: vec![file], name: "mine".into(), text: "groups: <x>".into(), may_change: true, ..EditInput::default() };
        let text = html(&input);
        for part in ["groups: &#60;x&#62;", "/alerts/rules/edit?file=mine", "Save rules", "Delete"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let text = html(&EditInput { tried: Tried::Wrong(vec![problem]), ..EditInput::default() });
        assert!(text.contains("line 3, column 5") && text.contains("no &#60;such&#62; key") && !text.contains("Save rules"), "{text}");
        let series = vec![(Labels::from_pairs([("job", "<a>")]), 2.5)];
        let given = Given { rule: "r".into(), outcome: Ok(Preview { series, count: 20 }) };
        let text = html(&EditInput { tried: Tried::Given(vec![given]), ..EditInput::default() });
        assert!(text.contains("20 series") && text.contains("&#60;a&#62;") && text.contains("And 19 more."), "{text}");
    }

    #[test]
    fn a_replay_has_its_past_and_a_verdict() {
        let episode =
            Episode { labels: Labels::from_pairs([("alertname", "A")]), active_at: 0, fired_at: DAY, ended_at: Some(2 * DAY), value: 3.0 };
        let replay =
            Replay { range: (0, 30 * DAY), fired: 1, firing_ms: DAY, episodes: vec![episode], at_once_max: 1, ..Replay::default() };
        let text = html(&EditInput { tried: Tried::Replayed(vec![replayed(replay.clone())]), ..EditInput::default() });
        for part in ["A&#60;b&#62;", "1 time", "class=\"past\"", "class=\"bound\"", "class=\"f\"", "Calm enough"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for (fired, firing, flaps, words) in
            [(0, 0, 0, "would not have fired"), (1, 20 * DAY, 0, "most of the time"), (9, DAY, 8, "comes and goes"), (900, DAY, 0, "Noisy")]
        {
            let replay = Replay { fired, firing_ms: firing, flaps, ..replay.clone() };
            assert!(verdict(&replay).1.contains(words), "{words}: {:?}", verdict(&replay));
        }
    }

    #[test]
    fn drafts_begin_as_files_that_can_be_read() {
        use crate::alerts::rules::{Options, read};
        use crate::platform::config::diagnostic::Report;
        for (expr, language) in [("", Language::PromQl), ("up == 0\n  or b", Language::PromQl), ("{a=\"b\"} |= \"x: #\"", Language::LogQl)]
        {
            let options = Options { check: &|_, _| None, language: Language::PromQl, ignore_unknown: false };
            let mut report = Report::new(std::path::Path::new("x"));
            let groups = read("x", &new_text(expr, language), &options, &mut report);
            assert!(report.finish().is_ok(), "{}", new_text(expr, language));
            assert_eq!(groups[0].language, language);
            if !expr.is_empty() {
                assert_eq!(groups[0].rules[0].expr, expr);
            }
        }
    }
}
