//! A check in the making: keys are put in, and it is vetted as if somebody had written it.

use std::collections::{HashMap, HashSet};

use crate::platform::config::yaml::{self, MapWriter, Node};
use crate::uptime::config::check::NAME_CHARS_MAX;
use crate::uptime::config::file::{CHECKS_MAX, read_one};

/// Notes at most; more are counted.
const NOTES_MAX: usize = 2_000;
/// Characters of a note at most.
const NOTE_CHARS_MAX: usize = 500;
/// Seconds of a day.
const DAY_S: f64 = 86_400.0;
/// Longest that a probe may take, in seconds.
const TIMEOUT_MAX_S: f64 = 300.0;
/// Labels of a check at most.
const LABELS_MAX: usize = 20;
/// Labels that every series of a check has already.
const LABELS_TAKEN: [&str; 6] = ["check", "kind", "job", "instance", "alertname", "cause"];

/// A check in the making.
#[derive(Default)]
pub(super) struct Draft {
    /// Its name, as no other has it.
    pub(super) name: String,
    top: MapWriter,
    labels: MapWriter,
    labelled: HashSet<String>,
    kind: &'static str,
    below: MapWriter,
}

impl Draft {
    /// A check of this name and kind, of which nothing more is known.
    pub(super) fn new(name: &str, kind: &'static str) -> Self {
        let mut draft = Self { name: name.to_owned(), kind, ..Self::default() };
        draft.top.text("name", name);
        draft
    }

    /// Keys of its kind.
    pub(super) fn of_kind(&mut self) -> &mut MapWriter {
        &mut self.below
    }

    /// A text of its kind, unless it is empty.
    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.below.text_if(key, text);
    }

    /// A list of texts of its kind, unless it is empty.
    pub(super) fn texts(&mut self, key: &str, texts: &[String]) {
        self.below.list_if(key, texts.iter().map(|text| Node::text(text.as_str())).collect());
    }

    /// Whether something holds; not written where it does not.
    pub(super) fn flag(&mut self, key: &str, truth: bool) {
        if truth {
            self.below.bare(key, true);
        }
    }

    /// Names and values of its kind.
    pub(super) fn pairs(&mut self, key: &str, pairs: &[(String, String)]) {
        let mut map = MapWriter::default();
        for (name, value) in pairs {
            map.text(name, value);
        }
        self.below.map_if(key, map);
    }

    /// For people.
    pub(super) fn note(&mut self, text: &str) {
        let short: String = text.trim().chars().take(10_000).collect();
        self.top.text_if("note", &short);
    }

    /// How often, in seconds.
    pub(super) fn interval(&mut self, secs: f64) {
        self.top.text("interval", &duration(secs.clamp(1.0, DAY_S)));
    }

    /// How long it may take, in seconds; nothing for 0.
    pub(super) fn timeout(&mut self, secs: f64) {
        if secs > 0.0 {
            self.top.text("timeout", &duration(secs.clamp(0.1, TIMEOUT_MAX_S)));
        }
    }

    /// Failures after the first until it counts as down.
    pub(super) fn retries(&mut self, count: u64) {
        self.top.bare("retries", count.min(100));
    }

    /// Successes after the first until it counts as up again.
    pub(super) fn recoveries(&mut self, count: u64) {
        if count > 0 {
            self.top.bare("recoveries", count.min(100));
        }
    }

    /// How long after a failure it is probed again, in seconds; nothing for 0.
    pub(super) fn retry_interval(&mut self, secs: f64) {
        if secs > 0.0 {
            self.top.text("retry_interval", &duration(secs.clamp(1.0, DAY_S)));
        }
    }

    /// A truth of the check itself; not written where it does not hold.
    pub(super) fn top_flag(&mut self, key: &str, truth: bool) {
        if truth {
            self.top.bare(key, true);
        }
    }

    /// A label; its name is made one where it is none. Says whether it was taken.
    pub(super) fn label(&mut self, name: &str, value: &str) -> bool {
        let mut plain: String = name.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
        plain.truncate(NAME_CHARS_MAX - 4);
        if plain.trim_matches('_').is_empty() {
            return false;
        }
        if plain.starts_with(|c: char| c.is_ascii_digit()) || plain.starts_with("__") || LABELS_TAKEN.contains(&plain.as_str()) {
            plain = format!("tag_{}", plain.trim_start_matches('_'));
        }
        if self.labelled.len() >= LABELS_MAX || !self.labelled.insert(plain.clone()) {
            return false;
        }
        let value: String = value.trim().chars().take(NAME_CHARS_MAX).collect();
        self.labels.text(&plain, if value.is_empty() { "true" } else { &value });
        true
    }

    fn finish(self) -> String {
        let Self { mut top, labels, kind, below, .. } = self;
        top.map_if("labels", labels);
        top.put(kind, below.finish());
        yaml::print(&top.finish())
    }
}

/// Whole seconds or milliseconds, as durations are written.
pub(super) fn duration(secs: f64) -> String {
    let ms = (secs * 1000.0).round() as u64;
    if ms.is_multiple_of(1000) { format!("{}s", ms / 1000) } else { format!("{ms}ms") }
}

/// A check that was taken.
struct Taken {
    name: String,
    text: String,
    /// Checks without which it is not taken by anybody: its parent and its members.
    needs: Vec<String>,
}

/// Those that are needed stand before those that need them; the order is kept otherwise.
fn in_order(all: Vec<Taken>) -> Vec<String> {
    let at: HashMap<&str, usize> = all.iter().enumerate().map(|(at, taken)| (taken.name.as_str(), at)).collect();
    let (mut begun, mut done, mut order) = (vec![false; all.len()], vec![false; all.len()], Vec::new());
    for first in 0..all.len() {
        let mut open = vec![first];
        while let Some(&next) = open.last() {
            if !begun[next] {
                begun[next] = true;
                let needed = all[next].needs.iter().rev().filter_map(|name| at.get(name.as_str()));
                open.extend(needed.filter(|needed| !begun[**needed]));
                continue;
            }
            open.pop();
            if !std::mem::replace(&mut done[next], true) {
                order.push(next);
            }
        }
    }
    let mut texts: Vec<String> = all.into_iter().map(|taken| taken.text).collect();
    order.into_iter().map(|at| std::mem::take(&mut texts[at])).collect()
}

/// Checks that are finished, names that are taken, and what is to be said.
#[derive(Default)]
pub(super) struct Drafts {
    names: HashSet<String>,
    checks: Vec<Taken>,
    notes: Vec<String>,
    unsaid: usize,
}

impl Drafts {
    /// A name that no other has, made of this one.
    pub(super) fn name(&mut self, wanted: &str) -> String {
        let bare: String = wanted.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX - 10).collect();
        let bare = if bare.trim().is_empty() { "Unnamed".to_owned() } else { bare.trim().to_owned() };
        let mut name = bare.clone();
        let mut next = 2;
        while !self.names.insert(name.clone()) {
            name = format!("{bare} ({next})");
            next += 1;
        }
        name
    }

    /// Something to be said of a check.
    pub(super) fn say(&mut self, name: &str, what: &str) {
        self.say_of_all(&format!("{name}: {what}"));
    }

    /// Something to be said of the whole.
    pub(super) fn say_of_all(&mut self, what: &str) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(what.chars().take(NOTE_CHARS_MAX).collect());
        } else {
            self.unsaid += 1;
        }
    }

    /// Takes a draft that holds before the vetting; says whether it did, and what is wrong with it where not.
    pub(super) fn take(&mut self, draft: Draft) -> bool {
        let name = draft.name.clone();
        self.take_text(&name, draft.finish())
    }

    /// The same of a check that is written already.
    pub(super) fn take_text(&mut self, name: &str, text: String) -> bool {
        if self.checks.len() >= CHECKS_MAX {
            self.say(name, &format!("is left out, as there may be {CHECKS_MAX} checks"));
            return false;
        }
        match read_one(&text, None) {
            Ok(defined) => {
                let check = defined.check;
                let needs = check.members().iter().chain(Some(&check.parent).filter(|parent| !parent.is_empty())).cloned().collect();
                self.checks.push(Taken { name: check.name, text, needs });
                true
            }
            Err(wrong) => {
                let why: Vec<&str> = wrong.iter().map(|wrong| wrong.message.as_str()).collect();
                self.say(name, &format!("is left out: {}", why.join("; ")));
                false
            }
        }
    }

    /// Checks and notes.
    pub(super) fn finish(mut self) -> (Vec<String>, Vec<String>) {
        if self.unsaid > 0 {
            self.notes.push(format!("{} more notes are not shown", self.unsaid));
        }
        (in_order(self.checks), self.notes)
    }
}
