//! A file of the business: its calendar, its KPIs, its funnels, cohorts and letters, read as a whole or refused as a whole.

use std::collections::HashMap;
use std::path::Path;

use super::digest::Digest;
use super::kpi::{Kpi, NAME_CHARS_MAX, Source};
use crate::base::location::Location;
use crate::base::period::Calendar;
use crate::base::quote::quote;
use crate::platform::config::choices::choices;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::keys::{Keys, keys, read_text, to_node};
use crate::platform::config::section::Section;
use crate::platform::config::text_file;
use crate::platform::config::yaml::{self, Node, Position};

/// KPIs of one file at most.
pub const KPIS_MAX: usize = 1_000;
/// Funnels, cohorts and letters at most, each.
const OTHERS_MAX: usize = 100;
/// Bytes of a file at most.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Steps of a funnel at most.
const STEPS_MAX: usize = 20;

choices! {
    /// With which day a week begins.
    WeekBegins;
    /// Monday.
    Monday = "monday",
    /// Sunday.
    Sunday = "sunday",
    /// Saturday.
    Saturday = "saturday",
}

keys! {
    /// Steps that people take one after the other.
    Funnel, "a funnel", check = vet_funnel;
    /// Names it; no other has it.
    name: String,
    /// What it says, for people.
    description: String,
    /// The KPIs of its steps, from the first to the last.
    steps: Vec<String>,
}

keys! {
    /// How many of those who came in one period were there so many periods later.
    Retention, "a retention", check = vet_retention;
    /// Names it; no other has it.
    name: String,
    /// What it says, for people.
    description: String,
    /// A query of PromQL whose series have the labels `cohort` (a period, such as 2026-01) and `age` (periods since).
    promql: String,
    /// Name of a KPI whose database is asked with `sql`.
    database_of: String,
    /// A query of that database with the columns `cohort`, `age` and `value`.
    sql: String,
    /// Name of the KPI that it explains, on whose page it is shown; empty for none.
    kpi: String,
}

keys! {
    /// A file of the business.
    BusinessFile, "business", check = vet;
    /// By whose clock days begin.
    time_zone: String,
    /// With which day a week begins.
    week_begins: WeekBegins,
    /// What is counted.
    kpis: Vec<Kpi>,
    /// Steps that people take.
    funnels: Vec<Funnel>,
    /// Who comes back.
    retentions: Vec<Retention>,
    /// Letters that go out each week or month.
    digests: Vec<Digest>,
}

impl WeekBegins {
    /// As calendars have it: 0 for Monday to 6 for Sunday.
    pub const fn week_start(self) -> u8 {
        match self {
            Self::Monday => 0,
            Self::Saturday => 5,
            Self::Sunday => 6,
        }
    }

    /// From what calendars have.
    pub const fn of(week_start: u8) -> Self {
        match week_start {
            5 => Self::Saturday,
            6 => Self::Sunday,
            _ => Self::Monday,
        }
    }
}

impl BusinessFile {
    /// Its calendar.
    pub fn calendar(&self) -> Calendar {
        let location = Location::parse(&self.time_zone).unwrap_or(Location::Utc);
        Calendar { location, week_start: self.week_begins.week_start() }
    }

    /// Whether it says by whose clock days begin.
    pub fn says_when(&self) -> bool {
        !self.time_zone.is_empty()
    }

    /// In YAML.
    pub fn text(&self) -> String {
        yaml::print(&to_node(self))
    }
}

impl Funnel {
    /// In YAML.
    pub fn text(&self) -> String {
        yaml::print(&to_node(self))
    }
}

impl Retention {
    /// In YAML.
    pub fn text(&self) -> String {
        yaml::print(&to_node(self))
    }
}

fn vet_funnel(funnel: &mut Funnel, section: &mut Section<'_, '_>) {
    funnel.name = funnel.name.trim().to_owned();
    let mut refuse = |key: &str, message: String| {
        let at = section.value_place(key);
        section.report.error(at, message);
    };
    if funnel.name.is_empty() || funnel.name.chars().count() > NAME_CHARS_MAX {
        refuse("name", format!("name: a funnel has one, of {NAME_CHARS_MAX} characters at most"));
    }
    if !(2..=STEPS_MAX).contains(&funnel.steps.len()) {
        refuse("steps", format!("steps: expected 2 to {STEPS_MAX} names of KPIs"));
    }
}

fn vet_retention(retention: &mut Retention, section: &mut Section<'_, '_>) {
    retention.name = retention.name.trim().to_owned();
    retention.kpi = retention.kpi.trim().to_owned();
    let mut refuse = |key: &str, message: String| {
        let at = section.value_place(key);
        section.report.error(at, message);
    };
    if retention.name.is_empty() || retention.name.chars().count() > NAME_CHARS_MAX {
        refuse("name", format!("name: a retention has one, of {NAME_CHARS_MAX} characters at most"));
    }
    if retention.promql.is_empty() == retention.sql.is_empty() {
        refuse("promql", "a retention has either promql or sql".to_owned());
    }
    if retention.sql.is_empty() != retention.database_of.is_empty() {
        refuse("database_of", "database_of: goes with sql, and names the KPI whose database is asked".to_owned());
    }
}

fn vet(file: &mut BusinessFile, section: &mut Section<'_, '_>) {
    if Location::parse(&file.time_zone).is_none() {
        let at = section.value_place("time_zone");
        section.report.error(at, format!("time_zone: there is no place {}", quote(&file.time_zone)));
    }
    let counts = [
        ("kpis", file.kpis.len(), KPIS_MAX),
        ("funnels", file.funnels.len(), OTHERS_MAX),
        ("retentions", file.retentions.len(), OTHERS_MAX),
        ("digests", file.digests.len(), OTHERS_MAX),
    ];
    for (key, count, most) in counts.into_iter().filter(|(_, count, most)| count > most) {
        let at = section.value_place(key);
        section.report.error(at, format!("{key}: {count} are too many, {most} may be"));
    }
    let nodes: &[Node] = section.list("kpis");
    let at = |index: usize| nodes.get(index).map_or(section.at, |node: &Node| node.at);
    for (index, message) in odd_names(&file.kpis) {
        section.report.error(at(index), message);
    }
    for (index, message) in vet_together(&file.kpis) {
        section.report.error(at(index), message);
    }
}

/// KPIs whose name another has, each with its place in the list.
fn odd_names(kpis: &[Kpi]) -> Vec<(usize, String)> {
    let mut seen = HashMap::new();
    let is_new = |kpi: &Kpi, seen: &mut HashMap<String, ()>| seen.insert(kpi.name.to_lowercase(), ()).is_none();
    kpis.iter()
        .enumerate()
        .filter(|(_, kpi)| !is_new(kpi, &mut seen))
        .map(|(index, kpi)| (index, format!("two KPIs are called {}", quote(&kpi.name))))
        .collect()
}

/// What is wrong with KPIs that are made of others: parts that nobody knows, and those that are made of themselves over
/// others. Each with its place in the list.
pub fn vet_together(kpis: &[Kpi]) -> Vec<(usize, String)> {
    let known: HashMap<&str, &Kpi> = kpis.iter().map(|kpi| (kpi.name.as_str(), kpi)).collect();
    let mut wrong = Vec::new();
    for (index, kpi) in kpis.iter().enumerate() {
        let parts = kpi.source().map(Source::parts).unwrap_or_default();
        if let Some(lost) = parts.iter().find(|name| !known.contains_key(*name)) {
            wrong.push((index, format!("{} is made of {}, which is no KPI", quote(&kpi.name), quote(lost))));
        } else if is_in_circle(kpi, &known) {
            wrong.push((index, format!("{} is made of itself over others", quote(&kpi.name))));
        }
    }
    wrong
}

fn is_in_circle(of: &Kpi, known: &HashMap<&str, &Kpi>) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut open = of.source().map(Source::parts).unwrap_or_default();
    while let Some(name) = open.pop() {
        if name == of.name {
            return true;
        }
        if !seen.contains(&name) {
            open.extend(known.get(name).and_then(|kpi| kpi.source()).map(Source::parts).unwrap_or_default());
            seen.push(name);
        }
    }
    false
}

/// KPIs in an order in which each comes after those of which it is made; those in circles are left out.
pub fn in_order(kpis: &[Kpi]) -> Vec<usize> {
    let mut done: Vec<usize> = Vec::new();
    let mut left: Vec<usize> = (0..kpis.len()).collect();
    loop {
        let has = |name: &str, done: &[usize]| done.iter().any(|index| kpis[*index].name == name);
        let (ready, waiting): (Vec<usize>, Vec<usize>) = left
            .into_iter()
            .partition(|index| kpis[*index].source().is_none_or(|source| source.parts().into_iter().all(|name| has(name, &done))));
        if ready.is_empty() {
            return done;
        }
        done.extend(ready);
        left = waiting;
    }
}

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it, with its place. Otherwise warnings stand beside what was read.
pub fn read(text: &str, path: &Path) -> Result<(BusinessFile, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut report = Report::new(path);
    let mut found = BusinessFile::default();
    match yaml::parse(text) {
        Ok(document) => {
            if let Some(mut section) = Section::open(&document.root, BusinessFile::NAME, &mut report) {
                found = BusinessFile::read_keys(&mut section);
                found.check(&mut section);
                section.finish_exactly();
            }
        }
        Err(error) => report.error(error.at, error.message),
    }
    report.finish().map(|warnings| (found, warnings))
}

/// Reads a funnel, in YAML or JSON.
///
/// # Errors
/// Everything that is wrong with it, with its place in the text.
pub fn read_funnel(text: &str) -> Result<Funnel, Vec<Diagnostic>> {
    read_text(text)
}

/// Reads a retention, in YAML or JSON.
///
/// # Errors
/// Everything that is wrong with it, with its place in the text.
pub fn read_retention(text: &str) -> Result<Retention, Vec<Diagnostic>> {
    read_text(text)
}

/// Reads a digest, in YAML or JSON.
///
/// # Errors
/// Everything that is wrong with it, with its place in the text.
pub fn read_digest(text: &str) -> Result<Digest, Vec<Diagnostic>> {
    read_text(text)
}

/// A file of the business, and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptBusiness {
    /// Where it is, as it was named.
    pub path: String,
    /// What stands in it.
    pub file: BusinessFile,
}

impl KeptBusiness {
    /// Reads it, with what is odd about it. Blocking.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its place.
    pub fn load(path: &Path) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let text = text_file::read(path, FILE_BYTES_MAX).map_err(|why| {
            let mut report = Report::new(path);
            report.error(Position::default(), format!("cannot read the business file: {why}"));
            report.finish().err().unwrap_or_default()
        })?;
        let (file, odd) = read(&text, path)?;
        Ok((Self { path: path.to_string_lossy().into_owned(), file }, odd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "\
time_zone: Europe/Berlin
week_begins: sunday
kpis:
- {name: Visits, promql: {query: 'sum(increase(visits_total[$period]))'}}
- {name: Conversion, unit: percent, ratio: {of: Orders, to: Visits}}
- {name: Orders, promql: {query: 'sum by ($segment) (increase(orders_total[$period]))'}, segments: [plan]}
funnels:
- {name: Shop, steps: [Visits, Orders]}
retentions:
- {name: Who stays, promql: 'retention_users'}
digests:
- {name: Mondays, to: [ann@x.example], groups: [Sales]}
";

    #[test]
    fn files_read_back_as_they_are_written() {
        let (file, odd) = read(SHOP, Path::new("b.yml")).unwrap();
        assert!(odd.is_empty());
        assert_eq!(read(&file.text(), Path::new("c.yml")).unwrap().0, file, "{}", file.text());
        assert_eq!((file.calendar().location.as_str(), file.calendar().week_start), ("Europe/Berlin", 6));
        assert_eq!(in_order(&file.kpis), [0, 2, 1]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("kpis:\n- {name: a, pushed: {}}\n- {name: A, pushed: {}}\n", "b.yml:3:3: two KPIs are called \"A\""),
            ("kpis:\n- {name: a, sum: {of: [b]}}\n", "b.yml:2:3: \"a\" is made of \"b\", which is no KPI"),
            ("kpis:\n- {name: a, sum: {of: [b]}}\n- {name: b, ratio: {of: a, to: a}}\n", "\"a\" is made of itself over others"),
            ("time_zone: Mars", "there is no place \"Mars\""),
            ("week_begins: friday", "expected monday, sunday or saturday"),
            ("funnels: [{name: x, steps: [a]}]", "expected 2 to 20 names"),
            ("retentions: [{name: x}]", "either promql or sql"),
            ("retentions: [{name: x, sql: s}]", "names the KPI whose database"),
            ("digests: [{name: x}]", "to: who gets it?"),
            ("digests: [{name: x, to: [nobody]}]", "to: read \"nobody\", expected an address"),
            ("digests: [{name: x, to: [a@b], day: 0}]", "day: expected 1 to 31"),
        ] {
            let told = read(text, Path::new("b.yml")).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
