//! Maintenance to be planned or changed: its fields, what is wrong with them, what it covers, and when it would be.

use std::collections::{BTreeMap, BTreeSet};

use super::when::{self, Begins, LAST, WEEKDAYS};
use super::{Checks, KnownPlan, covered};
use crate::base::location::Location;
use crate::base::time::{Duration, civil_from_days, days_from_civil, days_in_month, format_rfc3339, parse_rfc3339};
use crate::ui::format::{self, Moment};
use crate::ui::lang::{Words, key};
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::config::check::NAME_CHARS_MAX;
use crate::uptime::config::maintenance::{Described, NOTE_CHARS_MAX};
use crate::uptime::model::maintenance::{InvalidMaintenance, Maintenance, When, check};
use crate::uptime::model::planned::Covers;
use crate::uptime::model::window::Window;

/// Ways of coming, and their words.
const WAYS: [(&str, &str); 5] =
    [("once", key("Once")), ("daily", key("Every day")), ("weekly", key("Weekly")), ("monthly", key("Monthly")), ("cron", key("Cron"))];
/// Checks that are offered by a box each; where there are more, names are written.
const BOXES_MAX: usize = 200;
/// Fields that are read of a form, and characters of each.
const FIELDS_MAX: usize = 1_500;
const FIELD_CHARS_MAX: usize = 64 * 1024;
const MINUTE: i64 = 60_000;
/// Names that are shown of what is covered.
const NAMES_MAX: usize = 40;
/// Times that are shown ahead.
const AHEAD: usize = 4;

/// What is wrong, by field.
pub type Wrong = Vec<(&'static str, Words)>;

/// The fields of the form, as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    fields: Vec<(String, String)>,
}

impl Draft {
    /// From the query string or body of a form.
    pub fn from_form(form: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(form).take(FIELDS_MAX);
        let cut = |text: &str| text.chars().take(FIELD_CHARS_MAX).collect::<String>().replace("\r\n", "\n").trim().to_owned();
        Self { fields: pairs.map(|(name, value)| (name.into_owned(), cut(&value))).collect() }
    }

    /// The first value of a field; empty for none.
    pub fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// Every value of a field that may stand several times.
    pub fn all<'d>(&'d self, name: &'d str) -> impl Iterator<Item = &'d str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.fields.retain(|(known, _)| known != name);
        self.add(name, value);
    }

    /// Adds a value to a field that may stand several times.
    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        self.fields.push((name.to_owned(), value.into()));
    }

    /// Whether somebody filled it in already.
    pub fn is_filled(&self) -> bool {
        !self.get("draft").is_empty()
    }

    /// An empty one, of one check or of everything.
    pub fn fresh(check: &str) -> Self {
        let mut draft = Self::default();
        for (name, value) in [("way", "once"), ("at", "02:00"), ("lasts", "1h"), ("zone", "UTC")] {
            draft.add(name, value);
        }
        draft.add("scope", if check.is_empty() { "all" } else { "some" });
        if !check.is_empty() {
            draft.add("check", check);
        }
        draft
    }

    /// One of these checks, from now on for an hour.
    pub fn of_checks(names: impl Iterator<Item = String>, now: i64) -> Self {
        let mut draft = Self::fresh("");
        let next = (now / MINUTE + 1) * MINUTE;
        for (name, at) in [("from", next), ("until", next + 60 * MINUTE)] {
            draft.set(name, local(at, Location::Utc));
        }
        draft.set("scope", "some");
        draft.set("draft", "1");
        names.for_each(|name| draft.add("check", name));
        draft
    }

    /// The fields of one that is there.
    pub fn of(described: &Described, covers: &Covers) -> Self {
        let mut draft = Self::default();
        let location = Location::parse(&described.time_zone).unwrap_or(Location::Utc);
        draft.add("title", &described.title);
        draft.add("note", &described.note);
        draft.add("zone", location.as_str());
        draft.add("scope", if *covers == Covers::default() { "all" } else { "some" });
        for name in &described.checks {
            draft.add("check", name);
        }
        let labels: Vec<String> = described.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        draft.add("labels", labels.join("\n"));
        draft.add("lasts", if described.lasts.ms() > 0 { described.lasts.to_string() } else { "1h".to_owned() });
        if described.starts.is_empty() {
            draft.add("way", "once");
            draft.add("at", "02:00");
            for (name, text) in [("from", &described.from), ("until", &described.until)] {
                draft.add(name, parse_rfc3339(text).map_or_else(String::new, |at| local(at, location)));
            }
            return draft;
        }
        match Begins::of(&described.starts) {
            Begins::Daily(minute) => draft.add_way("daily", minute),
            Begins::Weekly(minute, days) => {
                draft.add_way("weekly", minute);
                days.iter().for_each(|day| draft.add("weekday", day.to_string()));
            }
            Begins::Monthly(minute, days) => {
                draft.add_way("monthly", minute);
                draft.add("days", days.join(", "));
            }
            Begins::Cron(cron) => {
                draft.add_way("cron", 120);
                draft.add("cron", cron);
            }
        }
        draft
    }

    fn add_way(&mut self, way: &str, minute: u16) {
        self.add("way", way);
        self.add("at", when::clock(minute));
    }

    /// Names of checks, from boxes and from what was written.
    fn names(&self) -> BTreeSet<String> {
        let written = self.get("names").lines().map(str::trim).filter(|name| !name.is_empty());
        self.all("check").chain(written).map(str::to_owned).collect()
    }

    /// Reads the fields.
    ///
    /// # Errors
    /// Each field that is wrong, with why.
    pub fn read(&self) -> Result<Described, Wrong> {
        let mut wrong = Wrong::new();
        let mut described = Described { title: self.get("title").to_owned(), note: self.get("note").to_owned(), ..Described::default() };
        if described.title.is_empty() {
            wrong.push(("title", key("Give it a name that people understand.").into()));
        }
        for (field, text, most) in [("title", &described.title, NAME_CHARS_MAX), ("note", &described.note, NOTE_CHARS_MAX)] {
            if text.chars().count() > most {
                wrong.push((field, Words::new("More than {} characters.", [most.to_string()])));
            }
        }
        let zone = self.get("zone");
        let location = Location::parse(zone).unwrap_or_else(|| {
            wrong.push(("zone", Words::new("“{}” is not a time zone such as Europe/Berlin or UTC.", [zone.to_owned()])));
            Location::Utc
        });
        described.time_zone = if location == Location::Utc { String::new() } else { location.as_str().to_owned() };
        if self.get("way") == "once" {
            self.read_once(&mut described, location, &mut wrong);
        } else {
            self.read_again(&mut described, &mut wrong);
        }
        if self.get("scope") == "some" {
            described.checks = self.names().into_iter().collect();
            described.labels = self.read_labels(&mut wrong);
            if described.checks.is_empty() && described.labels.is_empty() {
                wrong.push(("scope", key("Choose at least one check, or write a label.").into()));
            }
        }
        if wrong.is_empty()
            && let Err((field, why)) = described.when()
        {
            wrong.push((if field == "starts" { "cron" } else { "lasts" }, Words::plain(why)));
        }
        if wrong.is_empty() { Ok(described) } else { Err(wrong) }
    }

    fn read_once(&self, described: &mut Described, location: Location, wrong: &mut Wrong) {
        let mut instant = |field: &'static str| {
            let text = self.get(field);
            let found = instant(text, location);
            if text.is_empty() {
                wrong.push((field, key("Fill this in.").into()));
            } else if found.is_none() {
                wrong.push((field, Words::new("“{}” is not a time such as 2026-11-20 14:00.", [text.to_owned()])));
            }
            found
        };
        let (Some(from), Some(until)) = (instant("from"), instant("until")) else { return };
        (described.from, described.until) = (format_rfc3339(from), format_rfc3339(until));
        if check(&When::Once(Window::new(from, until))) == Err(InvalidMaintenance::Length) {
            wrong.push(("until", key("It ends between a minute and 31 days after it begins.").into()));
        }
    }

    fn read_again(&self, described: &mut Described, wrong: &mut Wrong) {
        let at = when::minute(self.get("at"));
        if at.is_none() && self.get("way") != "cron" {
            wrong.push(("at", Words::new("“{}” is not a time of day such as 09:00.", [self.get("at").to_owned()])));
        }
        let minute = at.unwrap_or(0);
        let begins = match self.get("way") {
            "weekly" => {
                let days: Vec<u8> = WEEKDAYS.iter().map(|(day, ..)| *day).filter(|day| self.is_on(*day)).collect();
                if days.is_empty() {
                    wrong.push(("weekday", key("Choose at least one day.").into()));
                }
                Begins::Weekly(minute, days)
            }
            "monthly" => {
                let days: Vec<String> =
                    self.get("days").split([',', ' ']).filter(|day| !day.is_empty()).map(str::to_uppercase).take(40).collect();
                let is_day = |day: &String| day == LAST || day.parse::<u8>().is_ok_and(|day| (1..=31).contains(&day));
                if days.is_empty() || !days.iter().all(is_day) {
                    wrong.push(("days", key("Write days of the month such as 1, 15, or L for the last one.").into()));
                }
                Begins::Monthly(minute, days)
            }
            "cron" => Begins::Cron(self.get("cron").to_owned()),
            _ => Begins::Daily(minute),
        };
        described.starts = begins.cron();
        match Duration::parse(self.get("lasts")) {
            Ok(lasts) if lasts.ms() >= 60_000 => described.lasts = lasts,
            Ok(_) => wrong.push(("lasts", key("It lasts between a minute and 31 days.").into())),
            Err(_) => wrong.push(("lasts", Words::new("“{}” is not a duration such as 30m, 4h or 2d.", [self.get("lasts").to_owned()]))),
        }
    }

    fn read_labels(&self, wrong: &mut Wrong) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for line in self.get("labels").split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    labels.insert(name.trim().to_owned(), value.trim().trim_matches('"').to_owned());
                }
                _ => wrong.push(("labels", Words::new("“{}” is not a label such as team=web.", [line.to_owned()]))),
            }
        }
        labels
    }

    fn is_on(&self, day: u8) -> bool {
        let text = day.to_string();
        self.all("weekday").any(|on| on == text)
    }
}

/// An instant as a field for date and time shows it there.
fn local(at: i64, location: Location) -> String {
    let there = at.saturating_add(location.ahead(at).unwrap_or(0));
    let (year, month, day) = civil_from_days(there.div_euclid(86_400_000));
    let minute = there.rem_euclid(86_400_000) / 60_000;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}", minute / 60, minute % 60)
}

/// Reads `2026-11-20T14:00` or `2026-11-20 14:00` by the clock of a place.
fn instant(text: &str, location: Location) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok().filter(|part| *part >= 0));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    location.instant(days_from_civil(year, month, day), when::minute(time)?)
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct EditInput {
    /// The fields.
    pub draft: Draft,
    /// The one that is changed.
    pub existing: Option<KnownPlan>,
    /// Checks of now.
    pub checks: Checks,
    /// What went wrong when it was saved.
    pub problem: String,
    /// Whether whoever looks may change it.
    pub may_change: bool,
}

/// A check with its box.
struct Choice<'a> {
    name: &'a str,
    is_on: bool,
}

#[derive(askama::Template)]
#[template(path = "uptime/upkeep/maintenance_edit.html")]
struct EditPage<'a> {
    shell: &'a Shell,
    input: &'a EditInput,
    ways: [(&'static str, &'static str); 5],
    choices: Vec<Choice<'a>>,
    names: String,
    has_boxes: bool,
    zones: Vec<&'static str>,
    wrong: Vec<(&'static str, String)>,
    said: String,
    zone: String,
    times: Vec<(Moment, Moment)>,
    covered: Vec<&'a str>,
    total: usize,
    file: &'a str,
}

impl EditPage<'_> {
    fn v(&self, name: &str) -> &str {
        self.input.draft.get(name)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.v(name) == value
    }

    fn is_on(&self, day: &u8) -> bool {
        self.input.draft.is_on(*day)
    }

    fn w(&self, field: &str) -> &str {
        let shows = self.input.draft.is_filled();
        self.wrong.iter().find(|(name, _)| *name == field && shows).map_or("", |(_, why)| why.as_str())
    }
}

/// Renders the page. Parts of it follow the form as it is filled in.
pub fn render(input: &EditInput, shell: &Shell) -> String {
    let lang = shell.lang();
    let read = input.draft.read();
    let described = read.as_ref().ok();
    let covers = described.map(|described| covers(described, &input.checks));
    let maintenance = described.and_then(|described| described.when().ok()).map(|when| {
        let from = input.existing.as_ref().map_or(shell.now_ms, |existing| existing.planned.maintenance.in_force.from);
        Maintenance { when, in_force: Window::new(from, i64::MAX) }
    });
    let chosen = input.draft.names();
    let mut all: Vec<&str> = input.checks.values().map(|check| check.name.as_str()).collect();
    // Those that are chosen come first: the list may be longer than what is seen of it.
    all.sort_unstable_by_key(|name| (!chosen.contains(*name), *name));
    let covered = covers.as_ref().map(|covers| covered(covers, &input.checks)).unwrap_or_default();
    page::html(&EditPage {
        ways: WAYS,
        has_boxes: all.len() <= BOXES_MAX,
        names: chosen.iter().cloned().collect::<Vec<_>>().join("\n"),
        choices: all.into_iter().map(|name| Choice { name, is_on: chosen.contains(name) }).collect(),
        zones: Location::names(),
        said: match maintenance.as_ref().map(|maintenance| &maintenance.when) {
            Some(When::Again { starts, lasts }) => when::words(starts.text(), *lasts, lang),
            _ => String::new(),
        },
        zone: described.map(|described| described.time_zone.clone()).filter(|zone| !zone.is_empty()).unwrap_or_else(|| "UTC".to_owned()),
        times: maintenance.map(|maintenance| ahead(&maintenance, shell)).unwrap_or_default(),
        wrong: read.err().unwrap_or_default().into_iter().map(|(field, why)| (field, why.text(lang))).collect(),
        total: covered.len(),
        covered: covered.into_iter().take(NAMES_MAX).collect(),
        file: input.existing.as_ref().map_or("", |existing| existing.file.as_str()),
        shell,
        input,
    })
}

/// What it is of, by numbers.
fn covers(described: &Described, checks: &Checks) -> Covers {
    let named = checks.iter().filter(|(_, check)| described.checks.contains(&check.name));
    let mut found = Covers { checks: named.map(|(id, _)| *id).collect(), labels: described.labels.clone() };
    if found.checks.is_empty() && !described.checks.is_empty() {
        // Of checks that nobody knows it is of none, not of all.
        found.checks.insert(0);
    }
    found
}

/// The times from now on, that which lasts first.
fn ahead(maintenance: &Maintenance, shell: &Shell) -> Vec<(Moment, Moment)> {
    let (lang, now) = (shell.lang(), shell.now_ms);
    let first = maintenance.at(now).or_else(|| maintenance.next_after(now));
    let all = std::iter::successors(first, |window| maintenance.next_after(window.from.max(now)).filter(|next| next.from > window.from));
    all.take(AHEAD).map(|window| (format::exactly(window.from, lang), format::exactly(window.until, lang))).collect()
}
