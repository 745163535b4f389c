//! What a status page shows: components with their state and their days, what is told, what is planned, what was.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::page::{COMPONENTS_MAX, Part, StatusPage};
use super::post::{Post, Severity};
use super::sentence::Sentence;
use crate::base::location::Location;
use crate::uptime::model::figures::Tally;
use crate::uptime::model::planned::Planned;
use crate::uptime::model::track::State;
use crate::uptime::model::window::Window;

/// Days that bars reach back, today included.
pub const DAYS: i64 = 90;
/// Days of what was, today included.
pub const PAST_DAYS: i64 = 14;
/// Days for which maintenance is announced.
const AHEAD_MS: i64 = 14 * 86_400_000;
/// Announced maintenance at most.
const COMING_MAX: usize = 10;
/// Outages of one check in the past at most.
pub const OUTAGES_MAX: i64 = 50;
/// Entries of the past on one page at most.
pub const ENTRIES_MAX: usize = 500;

/// A check as it is seen now, with its past.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its name with us.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its state.
    pub state: State,
    /// Whether there is maintenance of it now.
    pub is_maintained: bool,
    /// What it was on each of the days of [`days`].
    pub days: Vec<Tally>,
    /// How fast it answered within a day, in the middle.
    pub latency: Option<Duration>,
    /// How long answers took in the hours of a day, the oldest first; none of an hour without one.
    pub pace: Vec<Option<Duration>>,
    /// When it was down within the days of the past; without an end where it still is.
    pub outages: Vec<(i64, Option<i64>)>,
}

/// How a component does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// As it should.
    Up,
    /// Less than usual, people say.
    Degraded,
    /// Not at all.
    Down,
    /// It is worked on, as was announced.
    Maintenance,
    /// Nothing is known.
    Unknown,
    /// Nobody looks.
    Paused,
}

impl Condition {
    /// The word for it in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "operational",
            Self::Degraded => "degraded",
            Self::Down => "outage",
            Self::Maintenance => "maintenance",
            Self::Unknown => "unknown",
            Self::Paused => "paused",
        }
    }
}

/// One day of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970-01-01, by the clock of the page.
    pub day: i64,
    /// What was measured.
    pub tally: Tally,
    /// For how long people told of trouble with it, in milliseconds.
    pub troubled: i64,
}

/// A check as customers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// The number of the check.
    pub check: i64,
    /// Its name on the page.
    pub name: String,
    /// More about it.
    pub description: String,
    /// How it does.
    pub condition: Condition,
    /// Its days, ascending.
    pub days: Vec<Day>,
    /// How fast it answers, where the page says so.
    pub latency: Option<Duration>,
    /// The same by hours of a day, the oldest first.
    pub pace: Vec<Option<Duration>>,
}

impl Component {
    /// What the newest days were made of.
    pub fn total(&self, days: usize) -> Tally {
        let mut total = Tally::default();
        for day in self.days.iter().rev().take(days) {
            total.add_times(&day.tally);
            total.outages += day.tally.outages;
        }
        total
    }
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its heading; may be empty.
    pub title: String,
    /// What is in it.
    pub components: Vec<Component>,
}

/// Maintenance that goes on or will be.
#[derive(Debug, Clone, PartialEq)]
pub struct Coming {
    /// Names it.
    pub id: i64,
    /// What.
    pub title: String,
    /// More.
    pub note: String,
    /// When.
    pub window: Window,
    /// Names of components; empty for all.
    pub of: Vec<String>,
    /// When it was announced, or became what it is.
    pub since: i64,
}

/// Something that was.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// What people told.
    Told(Post),
    /// What was measured and nobody told of.
    Outage {
        /// Of which component.
        name: String,
        /// From when until when.
        window: Window,
    },
}

impl Entry {
    fn at(&self) -> i64 {
        match self {
            Self::Told(post) => post.made_at,
            Self::Outage { window, .. } => window.from,
        }
    }
}

/// What a page shows.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The page.
    pub page: Arc<StatusPage>,
    /// Now, in milliseconds since the Unix epoch.
    pub at: i64,
    /// By whose clock.
    pub zone: Location,
    /// The sentence on top.
    pub sentence: Sentence,
    /// What is on it.
    pub sections: Vec<Section>,
    /// Posts that are not solved, the newest first.
    pub active: Vec<Post>,
    /// Maintenance, the next first.
    pub coming: Vec<Coming>,
    /// What was, by day (days since 1970-01-01), the newest first.
    pub past: Vec<(i64, Vec<Entry>)>,
    /// Whether there was more than is shown.
    pub is_cut: bool,
    /// Names the logo; empty where there is none.
    pub logo: String,
    /// When what is announced became what it is.
    pub announced_at: i64,
}

/// The days of bars at an instant, ascending and beside each other; the last ends now. A day begins when the clock of the
/// place says so, and is 23 or 25 hours long where that clock is changed.
pub fn days(zone: Location, now: i64) -> Vec<(i64, Window)> {
    let Some(today) = zone.day(now) else { return Vec::new() };
    let begins = |day| zone.instant(day, 0).unwrap_or(day * 86_400_000);
    let window = |day| Window::new(begins(day), if day == today { now } else { begins(day + 1) });
    (today - DAYS + 1..=today).map(|day| (day, window(day))).collect()
}

/// Checks of a part: those that are named in their order, then those with its labels by name.
fn of_part(part: &Part, seen: &BTreeMap<i64, Seen>) -> Vec<i64> {
    let mut chosen: Vec<i64> = part.checks.iter().filter_map(|number| number.parse().ok()).filter(|id| seen.contains_key(id)).collect();
    if !part.labels.is_empty() {
        let has_all = |one: &Seen| part.labels.iter().all(|(name, value)| one.labels.get(name) == Some(value));
        let mut more: Vec<(&str, i64)> = seen.iter().filter(|(_, one)| has_all(one)).map(|(id, one)| (one.name.as_str(), *id)).collect();
        more.sort_unstable();
        chosen.extend(more.into_iter().map(|(_, id)| id));
    }
    let mut known = HashSet::new();
    chosen.retain(|id| known.insert(*id));
    chosen
}

/// Every check that a page shows, of those that there are. `labels` are those of each check.
pub fn shown_checks(page: &StatusPage, all: &BTreeMap<i64, Seen>) -> Vec<i64> {
    let mut known = HashSet::new();
    let every = page.sections.iter().flat_map(|part| of_part(part, all));
    every.filter(|id| known.insert(*id)).take(COMPONENTS_MAX).collect()
}

fn condition(id: i64, seen: &Seen, active: &[Post]) -> Condition {
    // The server's own posts are of checks that are down; one that is up again is not held down by its post.
    let told = active.iter().filter(|post| post.is_about(id) && post.of.is_none());
    match (seen.state, told.map(|post| post.severity).max()) {
        _ if seen.is_maintained => Condition::Maintenance,
        (State::Down, _) | (_, Some(Severity::Outage)) => Condition::Down,
        (_, Some(Severity::Degraded)) => Condition::Degraded,
        (_, Some(Severity::Maintenance)) => Condition::Maintenance,
        (State::Up, _) => Condition::Up,
        (State::Unknown, _) => Condition::Unknown,
        (State::Paused, _) => Condition::Paused,
    }
}

/// For how long within a window people told of trouble with a check.
fn troubled(id: i64, window: Window, posts: &[Post], now: i64) -> i64 {
    let is_trouble = |post: &&Post| post.is_about(id) && post.of.is_none() && post.severity >= Severity::Degraded;
    let told = posts.iter().filter(is_trouble).map(|post| Window::new(post.made_at, post.resolved_at().unwrap_or(now)));
    crate::uptime::model::window::joined(told.collect()).into_iter().map(|told| window.common(told).length()).sum()
}

impl Picture {
    /// Puts it together. `posts` are those of the page.
    pub fn new(page: &Arc<StatusPage>, seen: &BTreeMap<i64, Seen>, posts: &[Post], planned: &[Planned], now: i64) -> Self {
        let zone = page.zone();
        let days = days(zone, now);
        let (solved, mut active): (Vec<Post>, Vec<Post>) = posts.iter().cloned().partition(|post| post.resolved_at().is_some());
        active.sort_by_key(|post| std::cmp::Reverse(post.made_at));
        let mut left = COMPONENTS_MAX;
        let mut sections = Vec::with_capacity(page.sections.len());
        for part in &page.sections {
            let ids: Vec<i64> = of_part(part, seen).into_iter().take(left).collect();
            left -= ids.len();
            let component = |id: i64| {
                let one = seen.get(&id)?;
                let own = part.components.iter().find(|named| named.check.parse() == Ok(id));
                let day = |((day, window), tally): (&(i64, Window), &Tally)| Day {
                    day: *day,
                    tally: *tally,
                    troubled: troubled(id, *window, posts, now),
                };
                Some(Component {
                    check: id,
                    name: own.map(|named| named.name.clone()).filter(|name| !name.is_empty()).unwrap_or_else(|| one.name.clone()),
                    description: own.map(|named| named.description.clone()).unwrap_or_default(),
                    condition: condition(id, one, &active),
                    days: days.iter().zip(&one.days).map(day).collect(),
                    latency: one.latency.filter(|_| page.show_latency),
                    pace: if page.show_latency { one.pace.clone() } else { Vec::new() },
                })
            };
            sections.push(Section { title: part.title.clone(), components: ids.into_iter().filter_map(component).collect() });
        }
        let names = names(&sections);
        let coming = coming(planned, seen, &names, now);
        let first = days.len().saturating_sub(usize::try_from(PAST_DAYS).unwrap_or(0));
        let since = days.get(first).map_or(now, |(_, window)| window.from);
        let solved = solved.into_iter().filter(|post| post.resolved_at().is_some_and(|at| at >= since)).collect();
        let (past, is_cut) = past(solved, posts, seen, &names, (Window::new(since, i64::MAX), now), zone);
        let sentence = Sentence::new(&sections, &active);
        let (page, logo) = (Arc::clone(page), String::new());
        let announced_at = coming.iter().map(|one| one.since).max().unwrap_or(0);
        Self { page, at: now, zone, sentence, sections, active, coming, past, is_cut, logo, announced_at }
    }

    /// The same with what was within a window as its past: everything that began then, also what goes on.
    pub fn of_window(page: &Arc<StatusPage>, seen: &BTreeMap<i64, Seen>, posts: &[Post], window: Window, now: i64) -> Self {
        let picture = Self::new(page, seen, posts, &[], now);
        let told = posts.iter().filter(|post| window.contains(post.made_at)).cloned().collect();
        let (past, is_cut) = past(told, posts, seen, &names(&picture.sections), (window, now), picture.zone);
        Self { past, is_cut, ..picture }
    }

    /// The same, where it was drawn before: what is announced became what it is then, unless it differs. After a start
    /// that is when the page or a plan was made last.
    #[must_use]
    pub fn after(self, before: Option<&Self>, changed_at: i64) -> Self {
        let is_same = |before: &&Self| before.coming == self.coming && before.page.title == self.page.title;
        let announced_at = match before {
            None => self.announced_at.max(changed_at),
            Some(_) => before.filter(is_same).map_or(self.at, |before| before.announced_at),
        };
        Self { announced_at, ..self }
    }

    /// Every component, each once.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        let mut known = HashSet::new();
        self.sections.iter().flat_map(|section| &section.components).filter(move |component| known.insert(component.check))
    }

    /// What customers call a check.
    pub fn name_of(&self, check: i64) -> Option<&str> {
        self.components().find(|component| component.check == check).map(|component| component.name.as_str())
    }

    /// What customers call the checks of a post.
    pub fn names_of(&self, post: &Post) -> Vec<&str> {
        post.checks.iter().filter_map(|check| self.name_of(*check)).collect()
    }
}

fn names(sections: &[Section]) -> BTreeMap<i64, String> {
    let mut names = BTreeMap::new();
    for component in sections.iter().flat_map(|section| &section.components) {
        names.entry(component.check).or_insert_with(|| component.name.clone());
    }
    names
}

fn coming(planned: &[Planned], seen: &BTreeMap<i64, Seen>, names: &BTreeMap<i64, String>, now: i64) -> Vec<Coming> {
    let one = |plan: &Planned| {
        let window = plan.maintenance.at(now).or_else(|| plan.maintenance.next_after(now)).filter(|window| window.from < now + AHEAD_MS)?;
        let covers = |id: &i64| seen.get(id).is_some_and(|one| plan.covers.holds(*id, &one.labels));
        let of: Vec<String> = names.iter().filter(|(id, _)| covers(id)).map(|(_, name)| name.clone()).collect();
        let is_all = of.len() == names.len();
        let (id, title, note, since) = (plan.id, plan.title.clone(), plan.note.clone(), plan.maintenance.in_force.from);
        (!of.is_empty()).then(|| Coming { id, title, note, window, of: if is_all { Vec::new() } else { of }, since })
    };
    let mut coming: Vec<Coming> = planned.iter().filter_map(one).collect();
    coming.sort_by_key(|one| (one.window.from, one.id));
    coming.truncate(COMING_MAX);
    coming
}

/// What was by day, the newest first, and whether there was more. `told` are the posts of it, `posts` are all of the page;
/// of what was measured it is that which began within the window.
fn past(
    told: Vec<Post>,
    posts: &[Post],
    seen: &BTreeMap<i64, Seen>,
    names: &BTreeMap<i64, String>,
    (within, now): (Window, i64),
    zone: Location,
) -> (Vec<(i64, Vec<Entry>)>, bool) {
    let mut entries: Vec<Entry> = told.into_iter().map(Entry::Told).collect();
    for (id, name) in names {
        let outages = seen.get(id).map_or(&[][..], |one| &one.outages);
        // What somebody told of is not said twice.
        let is_told = |window: Window| {
            let of_it = |post: &&Post| post.is_about(*id) && post.severity >= Severity::Degraded;
            posts
                .iter()
                .filter(of_it)
                .any(|post| Window::new(post.of.unwrap_or(post.made_at), post.resolved_at().unwrap_or(now)).common(window).length() > 0)
        };
        let windows = outages.iter().filter_map(|(from, until)| until.map(|until| Window::new(*from, until)));
        let untold = windows.filter(|window| within.contains(window.from) && !is_told(*window));
        entries.extend(untold.map(|window| Entry::Outage { name: name.clone(), window }));
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at()));
    let is_cut = entries.len() > ENTRIES_MAX;
    entries.truncate(ENTRIES_MAX);
    let mut days: Vec<(i64, Vec<Entry>)> = Vec::new();
    for entry in entries {
        let day = zone.day(entry.at()).unwrap_or_default();
        match days.last_mut() {
            Some((known, entries)) if *known == day => entries.push(entry),
            _ => days.push((day, vec![entry])),
        }
    }
    (days, is_cut)
}

#[cfg(test)]
pub(crate) mod tests;
