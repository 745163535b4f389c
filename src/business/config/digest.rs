//! A letter about KPIs as people write it: who gets it, what stands in it, when it goes out.

use crate::base::addresses::{ADDRESSES_MAX, is_address};
use crate::base::period::Grain;
use crate::base::quote::quote;
use crate::business::config::kpi::NAME_CHARS_MAX;
use crate::platform::config::choices::choices;
use crate::platform::config::keys::{keys, to_node};
use crate::platform::config::section::Section;
use crate::platform::config::yaml;

/// Groups, and KPIs, that a letter names at most, each.
const NAMED_MAX: usize = 200;

choices! {
    /// How often it goes out.
    Every;
    /// Each week, about the one before.
    Week = "week",
    /// Each month, about the one before.
    Month = "month",
}

choices! {
    /// A day of the week.
    Weekday;
    /// Monday.
    Monday = "monday",
    /// Tuesday.
    Tuesday = "tuesday",
    /// Wednesday.
    Wednesday = "wednesday",
    /// Thursday.
    Thursday = "thursday",
    /// Friday.
    Friday = "friday",
    /// Saturday.
    Saturday = "saturday",
    /// Sunday.
    Sunday = "sunday",
}

choices! {
    /// In which language it is written.
    Language;
    /// English.
    En = "en",
    /// Arabic.
    Ar = "ar",
}

keys! {
    /// A letter about KPIs that goes out again and again.
    Digest, "a digest", check = vet;
    /// Names it; no other has it.
    name: String,
    /// How often it goes out.
    every: Every,
    /// On which day, of one that goes out each week.
    weekday: Weekday,
    /// On which day of the month, of one that goes out each month; the last one of shorter months.
    day: u64 = 1_u64,
    /// At which hour, by the clock of the business.
    hour: u64 = 8_u64,
    /// Addresses of those who get it.
    to: Vec<String>,
    /// Only KPIs of these groups; with neither groups nor KPIs all of them.
    groups: Vec<String>,
    /// Only these KPIs, and those of the groups.
    kpis: Vec<String>,
    /// Its language.
    language: Language,
    /// Whether it rests.
    paused: bool => false,
}

impl Every {
    /// The period that it is about.
    pub const fn grain(self) -> Grain {
        match self {
            Self::Week => Grain::Week,
            Self::Month => Grain::Month,
        }
    }
}

impl Weekday {
    /// 0 for Monday to 6 for Sunday.
    pub const fn number(self) -> i64 {
        self as i64
    }
}

impl Digest {
    /// In YAML.
    pub fn text(&self) -> String {
        yaml::print(&to_node(self))
    }

    /// When it goes out, so that it can be compared.
    pub fn schedule(&self) -> String {
        match self.every {
            Every::Week => format!("week {} {}", self.weekday.as_str(), self.hour),
            Every::Month => format!("month {} {}", self.day, self.hour),
        }
    }

    /// Whether a KPI of a name and a group stands in it.
    pub fn names(&self, kpi: &str, group: &str) -> bool {
        let among = |list: &[String], wanted: &str| list.iter().any(|one| one.to_lowercase() == wanted.to_lowercase());
        (self.groups.is_empty() && self.kpis.is_empty()) || among(&self.groups, group) || among(&self.kpis, kpi)
    }
}

fn vet(digest: &mut Digest, section: &mut Section<'_, '_>) {
    let mut refuse = |key: &str, message: String| {
        let at = section.value_place(key);
        section.report.error(at, message);
    };
    for list in [&mut digest.to, &mut digest.groups, &mut digest.kpis] {
        *list = list.iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
    }
    digest.name = digest.name.trim().to_owned();
    if digest.name.is_empty() || digest.name.chars().count() > NAME_CHARS_MAX {
        refuse("name", format!("name: a digest has one, of {NAME_CHARS_MAX} characters at most"));
    }
    if digest.name.contains('/') || digest.name.chars().any(char::is_control) {
        refuse("name", format!("name: read {}, expected one without slashes and on one line", quote(&digest.name)));
    }
    if digest.to.is_empty() || digest.to.len() > ADDRESSES_MAX {
        refuse("to", format!("to: who gets it? Expected 1 to {ADDRESSES_MAX} addresses"));
    }
    if let Some(odd) = digest.to.iter().find(|one| !is_address(one)) {
        refuse("to", format!("to: read {}, expected an address such as ann@example.org", quote(odd)));
    }
    if !(1..=31).contains(&digest.day) {
        refuse("day", "day: expected 1 to 31".to_owned());
    }
    if digest.hour > 23 {
        refuse("hour", "hour: expected 0 to 23".to_owned());
    }
    for (key, list) in [("groups", &digest.groups), ("kpis", &digest.kpis)] {
        if list.len() > NAMED_MAX {
            refuse(key, format!("{key}: {} are too many, {NAMED_MAX} may be", list.len()));
        }
    }
}
