//! Ready rules, by pack: built in, off until a setting names them, their thresholds filled in as text.
//!
//! A pack is a rule file whose thresholds are written `${name=default}` where they first stand, and `${name}` where
//! they stand again. `tests/NAME.yml` is its unit test, in promtool's format.

use std::collections::BTreeMap;
use std::path::Path;

use crate::alerts::model::{Group, Language};
use crate::alerts::rules::{self, Options};
use crate::base::time::Duration;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::section::nearest;
use crate::platform::config::yaml::Position;
use crate::series::ports::EvaluateError;

/// A pack.
#[derive(Debug, Clone, Copy)]
pub struct Pack {
    /// Its name in the settings.
    pub name: &'static str,
    /// The rule file, its thresholds not filled in.
    text: &'static str,
    /// Its unit test.
    #[cfg(test)]
    pub test: &'static str,
}

/// Declares packs by the names of their files.
macro_rules! packs {
    ($($name:literal),*) => {
        /// Every pack.
        pub const ALL: &[Pack] = &[$(
            Pack {
                name: $name,
                text: include_str!(concat!($name, ".yml")),
                #[cfg(test)]
                test: include_str!(concat!("tests/", $name, ".yml")),
            }
        ),*];
    };
}

packs!["node", "api", "database", "cache", "containers", "uptime", "security", "pharos"];

/// The settings that thresholds come from, for messages.
const THRESHOLDS: &str = "alerts.thresholds";
/// The setting that names packs, for messages.
const PACKS: &str = "alerts.packs";

/// Values of thresholds by name.
pub type Thresholds = BTreeMap<String, String>;

impl Pack {
    /// The pack of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|pack| pack.name == name)
    }

    /// What the pack is for: the comment that it begins with.
    pub fn about(&self) -> &'static str {
        self.text.lines().next().unwrap_or("").trim_start_matches(['#', ' '])
    }

    /// Its thresholds with their defaults, in order of the file.
    pub fn thresholds(&self) -> Vec<(&'static str, &'static str)> {
        pieces(self.text)
            .filter_map(|piece| if let Piece::Declared(name, default) = piece { Some((name, default)) } else { None })
            .collect()
    }

    /// The rule file with thresholds filled in: those given, and the defaults of others.
    pub fn filled(&self, given: &Thresholds) -> String {
        let defaults: BTreeMap<&str, &str> = self.thresholds().into_iter().collect();
        let value = |name: &str| given.get(name).map(String::as_str).or_else(|| defaults.get(name).copied()).unwrap_or("").to_owned();
        pieces(self.text)
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Declared(name, _) | Piece::Again(name) => value(name),
            })
            .collect()
    }
}

/// A part of a pack's text.
enum Piece {
    Text(&'static str),
    Declared(&'static str, &'static str),
    Again(&'static str),
}

fn pieces(text: &'static str) -> impl Iterator<Item = Piece> {
    text.split("${")
        .enumerate()
        .flat_map(|(number, part)| match part.split_once('}') {
            Some((inner, rest)) if number > 0 => {
                let first = match inner.split_once('=') {
                    Some((name, default)) => Piece::Declared(name, default),
                    None => Piece::Again(inner),
                };
                [Some(first), Some(Piece::Text(rest))]
            }
            _ => [Some(Piece::Text(part)), None],
        })
        .flatten()
}

/// Thresholds as the setting writes them: `name=value`, each a number, or a length of time where the default is one.
///
/// # Errors
/// Every mistake found.
pub fn read_thresholds(items: &[String]) -> Result<Thresholds, Vec<Diagnostic>> {
    let mut report = Report::new(Path::new(THRESHOLDS));
    let known: BTreeMap<&str, &str> = ALL.iter().flat_map(Pack::thresholds).collect();
    let mut read = Thresholds::new();
    for item in items {
        let Some((name, value)) = item.split_once('=').map(|(name, value)| (name.trim(), value.trim())) else {
            report.error(Position::default(), format!("{item:?} is no name=value, such as node_cpu_percent=90"));
            continue;
        };
        let Some(default) = known.get(name) else {
            let names: Vec<&str> = known.keys().copied().collect();
            let hint = nearest(name, &names).map_or_else(String::new, |near| format!(", did you mean {near}?"));
            report.error(Position::default(), format!("no pack has a threshold {name:?}{hint}"));
            continue;
        };
        let is_number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
        let (is_good, what) = if is_number(default) {
            (is_number(value), "a number")
        } else {
            (Duration::parse(value).is_ok_and(|value| value.ms() > 0), "a length of time")
        };
        if !is_good {
            report.error(Position::default(), format!("{name}: read {value:?}, expected {what} such as {default}"));
        }
        if read.insert(name.to_owned(), value.to_owned()).is_some() {
            report.error(Position::default(), format!("{name} is set twice"));
        }
    }
    report.finish().map(|_| read)
}

/// The groups of the packs of these names. `check` says what is wrong with an expression.
///
/// # Errors
/// Names that no pack has, and what a threshold made wrong.
pub fn groups(
    names: &[String],
    thresholds: &Thresholds,
    check: &dyn Fn(Language, &str) -> Option<EvaluateError>,
) -> Result<Vec<Group>, Vec<Diagnostic>> {
    let mut report = Report::new(Path::new(PACKS));
    let options = Options { check, language: Language::PromQl, ignore_unknown: false };
    let mut groups: Vec<Group> = Vec::new();
    for name in names {
        let Some(pack) = Pack::named(name) else {
            let all: Vec<&str> = ALL.iter().map(|pack| pack.name).collect();
            report.error(Position::default(), format!("there is no pack {name:?}; there are {}", all.join(", ")));
            continue;
        };
        let file = format!("pack {name}");
        // Named twice it is still one.
        if groups.iter().any(|group| *group.file == *file) {
            continue;
        }
        report.enter(Path::new(&file));
        groups.extend(rules::read(&file, &pack.filled(thresholds), &options, &mut report));
        report.enter(Path::new(PACKS));
    }
    report.finish().map(|_| groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn thresholds_are_filled_in_where_they_stand() {
        let node = Pack::named("node").unwrap();
        assert_eq!(node.thresholds()[..2], [("node_cpu_percent", "80"), ("node_memory_percent", "90")]);
        let given = read_thresholds(&texts(&["node_cpu_percent=95.5", "uptime_site_for = 3m"])).unwrap();
        let text = node.filled(&given);
        assert!(text.contains("* 100) > 95.5\n") && text.contains("CPU load is > 95.5%") && text.contains("> 90\n"), "{text}");
        assert!(Pack::named("uptime").unwrap().filled(&given).contains("for: 3m\n"));
        for pack in ALL {
            assert!(!pack.filled(&given).contains("${"), "{}", pack.name);
            assert!(pack.about().ends_with('.'), "{}", pack.name);
        }
    }

    #[test]
    fn names_of_thresholds_are_said_once() {
        let mut names: Vec<&str> = ALL.iter().flat_map(Pack::thresholds).map(|(name, _)| name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(count > 40, "{count}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let wrong = |items: &[&str]| read_thresholds(&texts(items)).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>();
        for (items, expected) in [
            (&["node_cpu_percent"][..], "alerts.thresholds: \"node_cpu_percent\" is no name=value, such as node_cpu_percent=90"),
            (&["node_cpu_procent=1"], "alerts.thresholds: no pack has a threshold \"node_cpu_procent\", did you mean node_cpu_percent?"),
            (&["node_cpu_percent=up"], "alerts.thresholds: node_cpu_percent: read \"up\", expected a number such as 80"),
            (&["uptime_site_for=0s"], "alerts.thresholds: uptime_site_for: read \"0s\", expected a length of time such as 1m"),
            (&["node_cpu_percent=1", "node_cpu_percent=2"], "alerts.thresholds: node_cpu_percent is set twice"),
        ] {
            assert_eq!(wrong(items), [expected]);
        }
        let check = |_: Language, _: &str| None;
        let errors = groups(&texts(&["nodes"]), &Thresholds::new(), &check).unwrap_err();
        assert!(errors[0].to_string().starts_with("alerts.packs: there is no pack \"nodes\"; there are node, api"), "{errors:?}");
        let all = groups(&texts(&["node", "security", "node"]), &Thresholds::new(), &check).unwrap();
        let shown: Vec<_> = all.iter().map(|group| (&*group.file, group.name.as_str(), group.language)).collect();
        let expected = [
            ("pack node", "node_alerts", Language::PromQl),
            ("pack node", "node", Language::PromQl),
            ("pack security", "security", Language::LogQl),
        ];
        assert_eq!(shown, expected);
    }
}
