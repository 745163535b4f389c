//! What happened around a group of alerts: on lanes over the same time, and in words, the newest first.

use super::bars::{self, Bar, Lane};
use super::care::person;
use super::group::{Event, Failure, GroupInput};
use crate::alerts::calm::{Deed, Note};
use crate::alerts::model::silence::Silence;
use crate::base::time::TimeRange;
use crate::series::labels::Labels;
use crate::series::ports::Happening;
use crate::ui::assets::icon;
use crate::ui::format::{self, Moment, Unit};
use crate::ui::links;
use crate::ui::shell::Shell;

/// Alerts drawn.
const LANES_MAX: usize = 25;
/// Checks drawn.
const CHECKS_MAX: usize = 8;
/// Entries in words.
const ENTRIES_MAX: usize = 60;
/// Characters of a text that stands among others.
const CHARS_MAX: usize = 200;
/// Deeds of one person at once are one entry.
const AT_ONCE_MS: i64 = 5_000;

/// Something that happened, in words.
pub(super) struct Entry {
    pub(super) at_ms: i64,
    pub(super) at: Moment,
    pub(super) icon: &'static str,
    pub(super) class: &'static str,
    pub(super) words: String,
    pub(super) tags: Vec<String>,
    pub(super) href: String,
}

/// Somebody's deed about one or more alerts at once.
pub(super) struct Told<'a> {
    pub(super) at: i64,
    pub(super) by: &'a str,
    pub(super) deed: &'a Deed,
    pub(super) alerts: Vec<&'a Labels>,
}

/// Deeds of one person at once as one, the newest first.
pub(super) fn told(notes: &[Note]) -> Vec<Told<'_>> {
    let mut found: Vec<Told<'_>> = Vec::new();
    for note in notes {
        let same = found
            .iter_mut()
            .rev()
            .take(3)
            .find(|one| one.by == note.by && *one.deed == note.deed && one.at.saturating_sub(note.at).abs() <= AT_ONCE_MS);
        match same {
            Some(one) if one.alerts.contains(&&note.labels) => {}
            Some(one) => one.alerts.push(&note.labels),
            None => found.push(Told { at: note.at, by: &note.by, deed: &note.deed, alerts: vec![&note.labels] }),
        }
    }
    found
}

/// Who, in words.
pub(super) fn who(by: &str, shell: &Shell) -> String {
    person(by).unwrap_or_else(|| shell.t("Somebody")).to_owned()
}

/// A deed in words.
pub(super) fn deed_words(one: &Told<'_>, shell: &Shell) -> String {
    let by = who(one.by, shell);
    let what = match one.alerts.as_slice() {
        [only] => bars::name(only),
        many => shell.lang().n(many.len() as u64, "{} alert", "{} alerts"),
    };
    match one.deed {
        Deed::Acknowledge => shell.f2("{} acknowledged {}", by, what),
        Deed::Release => shell.f2("{} released {}", by, what),
        Deed::Assign(None) => shell.f2("{} gave {} to nobody", by, what),
        Deed::Assign(Some(to)) => {
            let to = who(to, shell);
            shell.lang().fill("{} gave {} to {}", &[&by, &what, &to])
        }
        Deed::Comment(text) => format!("{by}: {}", short(text)),
    }
}

/// The first line of a text, as much of it as stands among others.
fn short(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
    let mut chars = line.chars();
    let begin: String = chars.by_ref().take(CHARS_MAX).collect();
    if chars.next().is_some() || text.trim().lines().count() > 1 { format!("{begin}…") } else { begin }
}

/// What failed, in words.
fn failure_words(failure: &Failure, shell: &Shell) -> String {
    if failure.is_scrape { shell.f1("the scrape of {} failed", &failure.of) } else { shell.f1("the check of {} failed", &failure.of) }
}

fn event_words(event: &Event, shell: &Shell) -> String {
    match event {
        Event::Reload => shell.t("configuration taken over").to_owned(),
        Event::Restart(what) => shell.f1("{} was started", what),
    }
}

/// A mark in words, with its tags.
fn happening_words(one: &Happening) -> String {
    let tags = if one.tags.is_empty() { String::new() } else { format!(" ({})", one.tags.join(", ")) };
    format!("{}{tags}", short(&one.text))
}

/// Silences that held alerts of the group back within the range.
fn silences<'a>(input: &'a GroupInput, labels: &'a Labels) -> impl Iterator<Item = &'a Silence> {
    let over = |silence: &&Silence| input.range.overlaps(&TimeRange::new(silence.starts_at, silence.ends_at));
    let hits = |silence: &&Silence| {
        input.alerts.iter().any(|alert| silence.matchers.matches(&alert.labels)) || (!labels.is_empty() && silence.matchers.matches(labels))
    };
    input.silences.iter().filter(over).filter(hits)
}

/// Alerts, failed checks, marks, changes, messages, silences and people over the same time; and how many alerts more.
pub(super) fn lanes(input: &GroupInput, labels: &Labels, shell: &Shell) -> (Vec<Lane>, usize) {
    let (range, lang) = (input.range, shell.lang());
    let (mut lanes, more) = bars::lanes(&input.spells, range, LANES_MAX, shell);
    let mut put = |name: String, href: String, bars: Vec<Bar>| {
        if !bars.is_empty() {
            lanes.push(Lane { said: format!("{name}: {}", bars.len()), name, href, bars });
        }
    };
    let mut checks: Vec<(bool, &str)> = input.failures.iter().map(|one| (one.is_scrape, one.of.as_str())).collect();
    checks.dedup();
    for (is_scrape, of) in checks.into_iter().take(CHECKS_MAX) {
        let own = input.failures.iter().filter(|one| one.is_scrape == is_scrape && one.of == of);
        let bars = own.map(|one| bars::bar("x", &failure_words(one, shell), one.range.start, one.range.end, range, lang));
        let name = if is_scrape { shell.f1("Scrape of {}", of) } else { shell.f1("Check of {}", of) };
        put(name, links::TARGETS.to_owned(), bars.collect());
    }
    let marks = input.happenings.iter().map(|one| bars::bar("d", &happening_words(one), one.at, one.until, range, lang));
    put(shell.t("Markers").to_owned(), String::new(), marks.collect());
    let events = input.events.iter().filter(|(at, _)| range.contains(*at));
    let events = events.map(|(at, event)| bars::bar("c", &event_words(event, shell), *at, *at, range, lang));
    put(shell.t("Changes").to_owned(), String::new(), events.collect());
    let messages = input.tellings.iter().filter(|one| range.contains(one.at));
    let messages = messages.map(|one| {
        let class = if one.error.is_some() { "m bad" } else { "m" };
        let words = format!("{} {}: {}", one.receiver, one.channel, one.error.as_deref().unwrap_or(&one.reason));
        bars::bar(class, &words, one.at, one.at, range, lang)
    });
    put(shell.t("Messages").to_owned(), links::with(links::ALERTS_HISTORY, &[("view", "tellings")]), messages.collect());
    let quiet = silences(input, labels)
        .map(|one| bars::bar("s", &format!("{}: {}", one.created_by, one.comment), one.starts_at, one.ends_at, range, lang));
    put(shell.t("Silences").to_owned(), links::ALERTS_SILENCES.to_owned(), quiet.collect());
    let people = told(&input.notes);
    let people = people.iter().filter(|one| range.contains(one.at));
    let people = people.map(|one| bars::bar("n", &deed_words(one, shell), one.at, one.at, range, lang));
    put(shell.t("People").to_owned(), "#notes".to_owned(), people.collect());
    (lanes, more)
}

/// What happened in words, the newest first; and how much more there is.
pub(super) fn entries(input: &GroupInput, labels: &Labels, shell: &Shell) -> (Vec<Entry>, usize) {
    let range = input.range;
    let step = bars::step_ms(range);
    let mut found: Vec<Entry> = Vec::new();
    let mut add = |at: i64, icon: &'static str, class: &'static str, words: String, tags: &[String], href: String| {
        if range.contains(at) {
            found.push(Entry { at_ms: at, at: moment(at, range, shell), icon, class, words, tags: tags.to_vec(), href });
        }
    };
    for spell in input.spells.iter().filter(|spell| spell.is_firing) {
        let name = bars::name(&spell.labels);
        // What was on when the range began had begun before.
        if spell.range.start > range.start.saturating_add(step) {
            add(spell.range.start, icon::BELL_RING, "crit", shell.f1("{} began to fire", &name), &[], String::new());
        }
        if !spell.is_open {
            add(spell.range.end, icon::CIRCLE_CHECK, "ok", shell.f1("{} was over", &name), &[], String::new());
        }
    }
    for one in &input.failures {
        let words = failure_words(one, shell);
        let lasted = format::number(one.range.end.saturating_sub(one.range.start) as f64 / 1000.0, Unit::Seconds);
        let words = if one.is_open { shell.f1("{}, and fails still", words) } else { shell.f2("{} for {}", words, lasted) };
        add(one.range.start.max(range.start), icon::CIRCLE_X, "crit", words, &[], links::TARGETS.to_owned());
    }
    for one in &input.happenings {
        let words = match person(&one.by) {
            Some(by) => format!("{by}: {}", short(&one.text)),
            None => short(&one.text),
        };
        add(one.at.max(range.start), icon::FLAG, "mark", words, &one.tags, String::new());
    }
    for (at, event) in &input.events {
        add(*at, icon::REFRESH_CW, "", event_words(event, shell), &[], String::new());
    }
    for one in &input.tellings {
        let (class, words) = match &one.error {
            Some(error) => ("crit", shell.f2("{} could not be told: {}", &one.receiver, short(error))),
            None => ("", shell.f2("{} was told: {}", &one.receiver, &one.reason)),
        };
        add(one.at, icon::SEND, class, words, &[], "#told".to_owned());
    }
    for one in silences(input, labels) {
        let words = shell.f2("{} silenced: {}", who(&one.created_by, shell), short(&one.comment));
        add(one.starts_at, icon::BELL_OFF, "", words, &[], links::with(links::ALERTS_SILENCE, &[("id", &one.id)]));
    }
    for one in told(&input.notes) {
        let (icon, href) = match one.deed {
            Deed::Comment(_) => (icon::MESSAGE_SQUARE, "#notes"),
            Deed::Assign(_) => (icon::USER, ""),
            Deed::Acknowledge | Deed::Release => (icon::CIRCLE_CHECK, ""),
        };
        add(one.at, icon, "who", deed_words(&one, shell), &[], href.to_owned());
    }
    found.sort_by_key(|entry| std::cmp::Reverse(entry.at_ms));
    let more = found.len().saturating_sub(ENTRIES_MAX);
    found.truncate(ENTRIES_MAX);
    (found, more)
}

/// A moment among others of a range: its time of day where the range is short.
fn moment(at: i64, range: TimeRange, shell: &Shell) -> Moment {
    if range.end.saturating_sub(range.start) <= 86_400_000 { clock(at, shell) } else { format::exactly(at, shell.lang()) }
}

/// The time of day to the second, in UTC until a script knows better.
pub(super) fn clock(at_ms: i64, shell: &Shell) -> Moment {
    let exact = format::exactly(at_ms, shell.lang());
    let seconds = at_ms.div_euclid(1000).rem_euclid(86_400);
    let words = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    Moment { words, form: "clock", ..exact }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_at_once_are_one() {
        let note = |at, by: &str, deed, name: &str| Note { at, labels: Labels::from_pairs([("alertname", name)]), by: by.into(), deed };
        let notes = [
            note(20_000, "ann", Deed::Acknowledge, "A"),
            note(19_990, "ann", Deed::Acknowledge, "B"),
            note(19_980, "bob", Deed::Acknowledge, "A"),
            note(19_970, "ann", Deed::Acknowledge, "B"),
            note(10_000, "ann", Deed::Acknowledge, "A"),
        ];
        let seen: Vec<(i64, usize)> = told(&notes).iter().map(|one| (one.at, one.alerts.len())).collect();
        assert_eq!(seen, [(20_000, 2), (19_980, 1), (10_000, 1)]);
    }

    #[test]
    fn texts_among_others_are_one_short_line() {
        assert_eq!((short("\n a \n b"), short("a"), short("")), (" a…".trim_start().to_owned(), "a".to_owned(), String::new()));
        assert_eq!(short(&"é".repeat(300)).chars().count(), CHARS_MAX + 1);
    }
}
