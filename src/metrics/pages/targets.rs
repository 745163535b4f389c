//! What is scraped: targets by job, worst first, with the last error in words and what relabelling did.

use super::words;
use crate::series::labels::Labels;
use crate::ui::format::{self, Moment, Unit};
use crate::ui::page;
use crate::ui::shell::Shell;

/// Targets on one page.
const PAGE_TARGETS: usize = 100;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct TargetsInput {
    /// Active targets, in any order.
    pub targets: Vec<Target>,
    /// Targets that relabelling dropped, in any order; a sample is enough.
    pub dropped: Vec<Dropped>,
    /// How many were dropped in all.
    pub dropped_total: usize,
    /// What the reader asked for.
    pub filter: Filter,
}

/// Whether a target answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Health {
    /// The last scrape failed.
    Down,
    /// Not scraped yet.
    #[default]
    Unknown,
    /// The last scrape was good.
    Up,
}

/// One target.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its job.
    pub job: String,
    /// What is fetched.
    pub url: String,
    /// Whether it answers.
    pub health: Health,
    /// Why not, as the scrape said it; empty when it does.
    pub error: String,
    /// Start of the last scrape, in milliseconds.
    pub last_scrape_ms: Option<i64>,
    /// How long it took, in seconds.
    pub duration_s: Option<f64>,
    /// Time between scrapes, in milliseconds.
    pub interval_ms: i64,
    /// Time a scrape may take, in milliseconds.
    pub timeout_ms: i64,
    /// Samples of the last scrape.
    pub samples: Option<u64>,
    /// Labels put on every sample.
    pub labels: Labels,
    /// Labels before relabelling.
    pub discovered: Labels,
    /// What each relabelling rule did, in order.
    pub steps: Vec<Step>,
}

/// What one relabelling rule did.
#[derive(Debug, Clone)]
pub struct Step {
    /// The rule in one line, such as `replace source=[__address__] regex=(.*):.* target=host`.
    pub rule: String,
    /// Labels after it; `None` when the target was dropped here.
    pub after: Option<Labels>,
}

/// A target that relabelling dropped.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// Its job.
    pub job: String,
    /// Labels it came with.
    pub discovered: Labels,
    /// What each rule did, up to the one that dropped it.
    pub steps: Vec<Step>,
}

/// What the reader asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this health.
    pub state: Option<Health>,
    /// Only this job; empty = all.
    pub job: String,
    /// Words that URL, labels or error must contain.
    pub text: String,
    /// Page, from 0.
    pub page: usize,
}

impl Filter {
    /// From a query string: `state` (`up`, `down`, `unknown`), `job`, `text`, `page`.
    pub fn from_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "state" => {
                    filter.state = [("up", Health::Up), ("down", Health::Down), ("unknown", Health::Unknown)]
                        .into_iter()
                        .find(|(word, _)| *word == value)
                        .map(|(_, health)| health)
                }
                "job" => filter.job = value.into_owned(),
                "text" => filter.text = value.trim().to_owned(),
                "page" => filter.page = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        filter
    }

    fn takes(&self, target: &Target) -> bool {
        if !self.job.is_empty() && target.job != self.job {
            return false;
        }
        let has = |word: &str| {
            let within = |text: &str| text.to_lowercase().contains(word);
            within(&target.url)
                || within(&target.error)
                || target.labels.iter().any(|(name, value)| within(value) || within(&format!("{name}={value}")))
        };
        self.text.to_lowercase().split_whitespace().all(has)
    }
}

/// How a label changed in a step.
struct Change {
    name: String,
    value: String,
    class: &'static str,
}

struct StepView {
    rule: String,
    changes: Vec<Change>,
    dropped: bool,
}

struct TargetView {
    dot: &'static str,
    word: String,
    url: String,
    error: String,
    raw_error: String,
    labels: Labels,
    discovered: Labels,
    steps: Vec<StepView>,
    last: Option<Moment>,
    duration: String,
    slow: bool,
    samples: String,
    timing: String,
}

struct GroupView {
    job: String,
    tag: &'static str,
    words: String,
    targets: Vec<TargetView>,
}

struct DroppedView {
    job: String,
    discovered: Labels,
    steps: Vec<StepView>,
}

#[derive(askama::Template)]
#[template(path = "metrics/targets.html")]
struct TargetsPage<'a> {
    shell: &'a Shell,
    filter: &'a Filter,
    total: usize,
    up: usize,
    down: usize,
    unknown: usize,
    jobs: Vec<&'a str>,
    groups: Vec<GroupView>,
    found_words: String,
    page: usize,
    pages: usize,
    dropped: Vec<DroppedView>,
    dropped_total: usize,
}

impl TargetsPage<'_> {
    fn state_is(&self, word: &str) -> bool {
        let state = match self.filter.state {
            None => "",
            Some(Health::Up) => "up",
            Some(Health::Down) => "down",
            Some(Health::Unknown) => "unknown",
        };
        state == word
    }
}

/// Renders the page. The shell refreshes by itself (`30s`).
pub fn render(input: &TargetsInput, shell: &Shell) -> String {
    let filter = &input.filter;
    let taken: Vec<&Target> = input.targets.iter().filter(|target| filter.takes(target)).collect();
    let number = |health| taken.iter().filter(|target| target.health == health).count();
    let (up, down, unknown) = (number(Health::Up), number(Health::Down), number(Health::Unknown));
    let total = taken.len();
    let mut shown: Vec<&Target> = taken.into_iter().filter(|target| filter.state.is_none_or(|state| target.health == state)).collect();
    let mut worst: std::collections::HashMap<&str, Health> = std::collections::HashMap::new();
    for target in &shown {
        let health = worst.entry(&target.job).or_insert(target.health);
        *health = (*health).min(target.health);
    }
    shown.sort_by(|a, b| (worst.get(&*a.job), &a.job, a.health, &a.url).cmp(&(worst.get(&*b.job), &b.job, b.health, &b.url)));
    let found = shown.len();
    let pages = found.div_ceil(PAGE_TARGETS).max(1);
    let page = filter.page.min(pages - 1);
    let mut jobs: Vec<&str> = input.targets.iter().map(|target| target.job.as_str()).collect();
    jobs.sort_unstable();
    jobs.dedup();
    let groups = groups(&shown, page, shell);
    let dropped = input.dropped.iter().take(PAGE_TARGETS).map(|dropped| DroppedView {
        job: dropped.job.clone(),
        discovered: dropped.discovered.clone(),
        steps: steps(&dropped.discovered, &dropped.steps),
    });
    page::html(&TargetsPage {
        shell,
        filter,
        total,
        up,
        down,
        unknown,
        jobs,
        groups,
        found_words: shell.lang().n(found as u64, "{} target", "{} targets"),
        page,
        pages,
        dropped: dropped.collect(),
        dropped_total: input.dropped_total.max(input.dropped.len()),
    })
}

fn groups(shown: &[&Target], page: usize, shell: &Shell) -> Vec<GroupView> {
    let slice = shown.iter().skip(page * PAGE_TARGETS).take(PAGE_TARGETS);
    let mut groups: Vec<GroupView> = Vec::new();
    for target in slice {
        if groups.last().is_none_or(|group| group.job != target.job) {
            let all: Vec<&&Target> = shown.iter().filter(|other| other.job == target.job).collect();
            let down = all.iter().filter(|other| other.health == Health::Down).count();
            let up = all.iter().filter(|other| other.health == Health::Up).count();
            let (tag, words) = match (down, up) {
                (0, 0) => ("", shell.f1("{} waiting", all.len())),
                (0, up) => ("ok", shell.f2("{} of {} up", up, all.len())),
                (down, _) => ("crit", shell.f2("{} of {} down", down, all.len())),
            };
            groups.push(GroupView { job: target.job.clone(), tag, words, targets: Vec::new() });
        }
        if let Some(group) = groups.last_mut() {
            group.targets.push(view(target, shell));
        }
    }
    groups
}

fn view(target: &Target, shell: &Shell) -> TargetView {
    let (dot, word) = match target.health {
        Health::Up => ("ok", shell.t("up")),
        Health::Down => ("crit", shell.t("down")),
        Health::Unknown => ("", shell.t("waiting")),
    };
    let error = if target.error.is_empty() { String::new() } else { words::scrape_error(&target.error).text(shell.lang()) };
    let span = |ms: i64| format::number(ms as f64 / 1000.0, Unit::Seconds);
    TargetView {
        dot,
        word: word.to_owned(),
        url: target.url.clone(),
        raw_error: if error == target.error { String::new() } else { target.error.clone() },
        error,
        labels: target.labels.clone(),
        discovered: target.discovered.clone(),
        steps: steps(&target.discovered, &target.steps),
        last: target.last_scrape_ms.map(|at| shell.moment(at)),
        duration: target.duration_s.map_or_else(|| "–".to_owned(), |secs| format::number(secs, Unit::Seconds)),
        slow: target.duration_s.is_some_and(|secs| secs * 1000.0 > 0.8 * target.timeout_ms as f64),
        samples: target.samples.map_or_else(|| "–".to_owned(), |n| format::number(n as f64, Unit::Short)),
        timing: shell.f2("every {}, timeout {}", span(target.interval_ms), span(target.timeout_ms)),
    }
}

/// What each step added, changed and removed.
fn steps(discovered: &Labels, steps: &[Step]) -> Vec<StepView> {
    let mut before = discovered.clone();
    let view = |step: &Step| {
        let Some(after) = &step.after else { return StepView { rule: step.rule.clone(), changes: Vec::new(), dropped: true } };
        let change = |name: &str, value: &str, class| Change { name: name.to_owned(), value: value.to_owned(), class };
        let mut changes: Vec<Change> = after
            .iter()
            .filter_map(|(name, value)| match before.get(name) {
                None => Some(change(name, value, "add")),
                Some(old) if old != value => Some(change(name, value, "chg")),
                Some(_) => None,
            })
            .collect();
        changes.extend(before.iter().filter(|(name, _)| !after.contains(name)).map(|(name, value)| change(name, value, "del")));
        before = after.clone();
        StepView { rule: step.rule.clone(), changes, dropped: false }
    };
    steps.iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &TargetsInput) -> String {
        render(input, &shell(Page::Targets, "Targets", "/targets", "").with_refresh("30s"))
    }

    #[test]
    fn none_one_and_many_targets() {
        assert!(html(&TargetsInput::default()).contains("No targets yet"));
        let mut input = sample::targets();
        (input.dropped, input.dropped_total) = (Vec::new(), 0);
        let text = html(&input);
        assert!(text.find(">api<") < text.find(">host<"), "jobs with problems come first");
        assert!(text.contains("Nothing listens at this address") && text.contains("1 of 3 down"));
        let one = input.targets[0].clone();
        input.targets = (0..1000).map(|n| Target { url: format!("http://h{n}/metrics"), ..one.clone() }).collect();
        let many = html(&input);
        assert_eq!(many.matches("class=\"tg\"").count(), PAGE_TARGETS);
        assert!(many.contains("page=1") && many.contains("Page 1 of 10, 1,000 targets"));
    }

    #[test]
    fn filters_apply_to_health_job_and_words() {
        let mut input = sample::targets();
        assert!(html(&input).contains("dropped here"));
        (input.dropped, input.dropped_total) = (Vec::new(), 0);
        input.filter = Filter::from_query("state=down");
        assert_eq!(html(&input).matches("class=\"tg\"").count(), 1);
        input.filter = Filter::from_query("text=10.0.3+env%3Dprod&job=api");
        assert_eq!(html(&input).matches("class=\"tg\"").count(), 3);
        input.filter = Filter::from_query("text=nowhere&page=99999999999");
        assert!(html(&input).contains("No target matches"));
    }

    #[test]
    fn steps_tell_what_changed() {
        let before = Labels::from_pairs([("a", "1"), ("b", "2")]);
        let after = Labels::from_pairs([("a", "9"), ("c", "3")]);
        let view = steps(&before, &[Step { rule: "r".into(), after: Some(after) }, Step { rule: "drop".into(), after: None }]);
        let classes: Vec<(&str, &str)> = view[0].changes.iter().map(|change| (change.name.as_str(), change.class)).collect();
        assert_eq!(classes, [("a", "chg"), ("c", "add"), ("b", "del")]);
        assert!(view[1].dropped);
    }

    #[test]
    fn hostile_values_are_text() {
        let mut input = sample::targets();
        let evil = format!("{HOSTILE}{}", "y".repeat(10_000));
        for target in &mut input.targets {
            target.job.clone_from(&evil);
            target.url.clone_from(&evil);
            target.error.clone_from(&evil);
            target.labels = Labels::from_pairs([(evil.as_str(), evil.as_str())]);
            target.duration_s = Some(f64::NAN);
            target.last_scrape_ms = Some(i64::MAX);
        }
        input.filter.text = HOSTILE.to_owned();
        sample::check(&html(&input));
    }
}
