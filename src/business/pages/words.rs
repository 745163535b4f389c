//! How a KPI stands in words: a change with its colour, a target with its bar, where a number comes from.

use super::figure::{Figures, share};
use crate::base::period::Grain;
use crate::business::config::kpi::{Collected, Unit};
use crate::business::model::comparison::{Change, Progress};
use crate::business::model::kind::{Better, Longer};
use crate::business::model::value::{Origin, Standing};
use crate::ui::lang::key;
use crate::ui::shell::Shell;

/// A change as pages show it.
pub struct ChangeView {
    /// By how much: `+6.5 %`.
    pub text: String,
    /// The class of its colour.
    pub class: &'static str,
    /// Against what.
    pub words: &'static str,
    /// From what to what.
    pub exact: String,
}

/// A change against something.
pub fn change(found: Change, words: &'static str, figures: &Figures) -> ChangeView {
    ChangeView {
        text: found.share.map_or_else(|| figures.show_change(found.by), share),
        class: match found.is_good {
            Some(true) => "ok-t",
            Some(false) => "crit-t",
            None => "faint",
        },
        words,
        exact: format!("{} → {}", figures.show(found.from), figures.show(found.to)),
    }
}

/// A target as pages show it.
pub struct TargetView {
    /// What it should be: `of €10,000`, `at most 3 %`.
    pub words: String,
    /// The class of its bar.
    pub class: &'static str,
    /// How full that is.
    pub percent: String,
    /// What becomes of it.
    pub pace: String,
}

/// How a value stands to its target.
pub fn target(progress: &Progress, better: Better, is_running: bool, figures: &Figures, shell: &Shell) -> TargetView {
    let wanted = figures.show(progress.target);
    let is_good = progress.is_on_pace.unwrap_or(progress.is_met);
    TargetView {
        words: match better {
            Better::Up => shell.f1("of {}", wanted),
            Better::Down => shell.f1("at most {}", wanted),
        },
        class: match (progress.is_met && !(is_running && better == Better::Down), is_good) {
            (true, _) => "ok",
            (false, true) => "plain",
            (false, false) => "warn",
        },
        percent: format!("{:.0}", progress.share.unwrap_or(0.0).clamp(0.0, 1.0) * 100.0),
        pace: match progress.pace {
            Some(pace) if is_running && !(progress.is_met && better == Better::Up) => shell.f1("on pace for {}", figures.show(pace)),
            _ if progress.is_met => shell.t("target met").to_owned(),
            _ if is_running => shell.t("too early to tell").to_owned(),
            _ => shell.t("target missed").to_owned(),
        },
    }
}

/// A length of time as a choice.
pub const fn grain(grain: Grain) -> &'static str {
    match grain {
        Grain::Hour => key("Hours"),
        Grain::Day => key("Days"),
        Grain::Week => key("Weeks"),
        Grain::Month => key("Months"),
        Grain::Quarter => key("Quarters"),
        Grain::Year => key("Years"),
    }
}

/// How a value came about.
pub const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Collected => key("asked for"),
        Origin::Backfilled => key("filled in"),
        Origin::Pushed => key("sent"),
        Origin::Combined => key("from shorter periods"),
        Origin::Derived => key("from other KPIs"),
    }
}

/// How certain a value is.
pub const fn standing(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Running => ("info", key("goes on")),
        Standing::Ended => ("", key("may change")),
        Standing::Settled => ("ok", key("settled")),
    }
}

/// How often it is asked for.
pub const COLLECTED: [(Collected, &str); 5] = [
    (Collected::Daily, key("every day, today's every hour")),
    (Collected::RealTime, key("every minute")),
    (Collected::Hourly, key("every hour")),
    (Collected::Weekly, key("every week")),
    (Collected::Monthly, key("every month")),
];

/// How longer periods come of shorter ones.
pub const LONGER: [(Longer, &str); 6] = [
    (Longer::Sum, key("added up, as sales")),
    (Longer::Last, key("the newest, as customers")),
    (Longer::Average, key("their mean, as answer times")),
    (Longer::Highest, key("the highest")),
    (Longer::Lowest, key("the lowest")),
    (Longer::Ask, key("asked for by itself, as different users")),
];

/// In what it is counted.
pub const UNITS: [(Unit, &str); 5] = [
    (Unit::Count, key("a count")),
    (Unit::Currency, key("money")),
    (Unit::Percent, key("percent")),
    (Unit::Duration, key("seconds")),
    (Unit::Number, key("any number")),
];

/// Where the number comes from: keys of sources.
pub const SOURCES: [(&str, &str); 7] = [
    ("pushed", key("Numbers that are sent")),
    ("promql", key("Metrics (PromQL)")),
    ("logql", key("Logs (LogQL)")),
    ("sql", "PostgreSQL"),
    ("ratio", key("One KPI by another")),
    ("difference", key("One KPI less another")),
    ("sum", key("KPIs added up")),
];

/// The words of a key in a list of choices.
pub fn named<K: PartialEq>(choices: &[(K, &'static str)], wanted: &K) -> &'static str {
    choices.iter().find(|(known, _)| known == wanted).map_or("", |(_, words)| words)
}
