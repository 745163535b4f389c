//! Maintenance as people write it: of which checks, and once or again and again by the clock of a place.

use std::collections::BTreeMap;
use std::path::Path;

use super::check::NAME_CHARS_MAX;
use crate::base::location::Location;
use crate::base::quote::quote;
use crate::base::time::{Duration, parse_rfc3339};
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::keys::{Keys, keys, read_map, to_node};
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, Node};
use crate::uptime::model::maintenance::{When, check};
use crate::uptime::model::recurrence::Recurrence;
use crate::uptime::model::window::Window;

/// Characters of a note at most.
pub const NOTE_CHARS_MAX: usize = 2_000;
/// Checks that one maintenance may name.
pub const NAMED_MAX: usize = 1_000;
/// Labels that one maintenance may name.
pub const LABELS_MAX: usize = 20;
/// Maintenance of one file at most.
pub const LISTED_MAX: usize = 1_000;

keys! {
    /// Maintenance as it is written.
    Described, "maintenance", check = vet;
    /// For people, customers among them.
    title: String,
    /// More for people.
    note: String,
    /// Names of the checks that it is of.
    checks: Vec<String>,
    /// Or of all checks that have every one of these labels. With neither it is of everything.
    labels: BTreeMap<String, String>,
    /// Once: when it begins, in RFC 3339.
    from: String,
    /// Once: when it is over.
    until: String,
    /// Again and again: when it begins, as a cron expression.
    starts: String,
    /// Again and again: how long it lasts.
    lasts: Duration => Duration::default(),
    /// By whose clock; empty for UTC.
    time_zone: String,
}

impl Described {
    /// When it is.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn when(&self) -> Result<When, (&'static str, String)> {
        let zone = Location::parse(&self.time_zone);
        let zone = zone.ok_or_else(|| ("time_zone", format!("time_zone: there is no place {}", quote(&self.time_zone))))?;
        let is_once = !self.from.is_empty() || !self.until.is_empty();
        let comes_again = !self.starts.is_empty() || self.lasts.ms() > 0;
        let when = match (is_once, comes_again) {
            (true, false) => When::Once(Window::new(instant("from", &self.from)?, instant("until", &self.until)?)),
            (false, true) => {
                let starts = Recurrence::parse(&self.starts, zone).map_err(|why| ("starts", format!("starts: {why}")))?;
                When::Again { starts: Box::new(starts), lasts: self.lasts.ms() }
            }
            _ => {
                return Err((
                    "from",
                    "maintenance is either once, with from and until, or again and again, with starts and lasts".to_owned(),
                ));
            }
        };
        check(&when).map_err(|why| (if is_once { "until" } else { "lasts" }, why.to_string()))?;
        Ok(when)
    }

    /// In YAML.
    pub fn text(&self) -> String {
        yaml::print(&to_node(self))
    }
}

fn instant(key: &'static str, text: &str) -> Result<i64, (&'static str, String)> {
    parse_rfc3339(text).ok_or_else(|| (key, format!("{key}: read {}, expected a time such as 2026-11-20T22:00:00Z", quote(text))))
}

fn vet(described: &mut Described, section: &mut Section<'_, '_>) {
    described.title = described.title.trim().to_owned();
    let mut refuse = |key: &str, message: String| {
        let at = section.value_place(key);
        section.report.error(at, message);
    };
    if described.title.is_empty() {
        refuse("title", "maintenance has a title".to_owned());
    }
    for (key, text, most) in [("title", &described.title, NAME_CHARS_MAX), ("note", &described.note, NOTE_CHARS_MAX)] {
        if text.chars().count() > most {
            refuse(key, format!("{key}: longer than {most} characters"));
        }
    }
    for (key, count, most) in [("checks", described.checks.len(), NAMED_MAX), ("labels", described.labels.len(), LABELS_MAX)] {
        if count > most {
            refuse(key, format!("{key}: {count} are too many, {most} may be"));
        }
    }
    if described.labels.iter().any(|(name, value)| name.is_empty() || name.len().max(value.len()) > NAME_CHARS_MAX) {
        refuse("labels", format!("labels: each has a name, and no more than {NAME_CHARS_MAX} characters"));
    }
    if let Err((key, why)) = described.when() {
        refuse(key, why);
    }
}

/// Reads one, in YAML or JSON.
///
/// # Errors
/// Everything that is wrong with it, with its place in the text.
pub fn read_one(text: &str) -> Result<Described, Vec<Diagnostic>> {
    let mut report = Report::new(Path::new("maintenance"));
    let mut found = None;
    match yaml::parse(text) {
        Ok(document) => found = read_node(&document.root, &mut report),
        Err(error) => report.error(error.at, error.message),
    }
    report.finish()?;
    found.ok_or_else(Vec::new)
}

fn read_node(node: &Node, report: &mut Report) -> Option<Described> {
    let mut section = Section::open(node, Described::NAME, report)?;
    let mut described = Described::read_keys(&mut section);
    described.check(&mut section);
    section.finish_exactly();
    Some(described)
}

/// Reads the list below the key `maintenance` of a file of checks.
pub fn read_list(section: &mut Section<'_, '_>) -> Vec<Described> {
    let nodes = section.list("maintenance");
    if nodes.len() > LISTED_MAX {
        section.report.error(section.at, format!("maintenance: {} are too many, {LISTED_MAX} may be", nodes.len()));
    }
    nodes.iter().take(LISTED_MAX).filter_map(|node| read_map(node, section)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        read_one(text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn once_and_again_read_back_as_they_were_written() {
        for text in [
            "title: Move\nchecks: [Shop]\nfrom: 2026-11-20T22:00:00Z\nuntil: '2026-11-21T01:00:00+01:00'",
            "title: Backups\nnote: every night\nlabels: {team: db}\nstarts: 30 2 * * SUN\nlasts: 90m\ntime_zone: Europe/Berlin",
            r#"{"title": "All", "starts": "@monthly", "lasts": "1h"}"#,
        ] {
            let read = read_one(text).unwrap();
            assert_eq!(read_one(&read.text()).unwrap(), read, "{}", read.text());
        }
        let when = read_one("{title: a, from: 2026-11-20T22:00:00Z, until: '2026-11-21T01:00:00+01:00'}").unwrap().when().unwrap();
        assert_eq!(when, When::Once(Window::new(1_795_212_000_000, 1_795_219_200_000)));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("{from: 2026-11-20T22:00:00Z, until: 2026-11-20T23:00:00Z}", "maintenance:1:1: maintenance has a title"),
            ("{title: a}", "maintenance is either once"),
            ("{title: a, from: 2026-11-20T22:00:00Z, starts: '* * * * *'}", "maintenance is either once"),
            ("{title: a, from: soon, until: later}", "maintenance:1:18: from: read \"soon\", expected a time"),
            ("{title: a, from: 2026-11-20T22:00:00Z, until: 2026-11-20T21:00:00Z}", "maintenance lasts between a minute and 31 days"),
            ("{title: a, starts: '* * * * *', lasts: 1h}", "maintenance comes once an hour at most"),
            ("{title: a, starts: x, lasts: 1h}", "starts: \"x\" is no cron expression"),
            ("{title: a, starts: '@daily', lasts: 1h, time_zone: Mars}", "time_zone: there is no place \"Mars\""),
            ("{title: a, starts: '@daily', lasts: 1h, check: [a]}", "unknown key, did you mean checks?"),
        ] {
            let told = told(text);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
