//! Names of StatsD made into names and labels of Prometheus, by a file of statsd_exporter's shape.
//!
//! Patterns of components (`a.*.c`) are tried before regular expressions, whatever their order in the file; among patterns the
//! first of the file counts, or with `glob_disable_ordering` the most particular one.

mod read;
mod template;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use regex::Regex;

pub(super) use read::BOUNDS;
pub use read::read;
use template::Template;

use super::line::Action;
use super::series::Observing;

/// Most names whose mapping is remembered.
const REMEMBERED_MAX: usize = 10_000;

/// What statsd_exporter calls the type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    Counter,
    Gauge,
    Observer,
    /// Not known to statsd_exporter: no mapping asks for it, those for any type take it.
    Set,
}

impl Sort {
    pub(super) const fn of(action: Action) -> Self {
        match action {
            Action::Count(_) => Self::Counter,
            Action::Set(_) | Action::Move(_) => Self::Gauge,
            Action::Observe(..) => Self::Observer,
            Action::Member => Self::Set,
        }
    }
}

/// A mapping file, read.
#[derive(Debug, Default)]
pub struct Mapping {
    rules: Vec<Rule>,
    /// Patterns by their number of components, in order of the file.
    globs: HashMap<usize, Vec<usize>>,
    /// Regular expressions in order of the file.
    regexes: Vec<usize>,
    is_unordered: bool,
    /// How timers of names are kept that nothing matches; `None` without a file.
    observing: Option<Observing>,
    ttl: Duration,
    remembered: Mutex<Remembered>,
}

/// What names were mapped to before; `None` where nothing matches.
type Remembered = HashMap<(Sort, Box<str>), Option<Arc<Mapped>>>;

/// One item of `mappings`.
#[derive(Debug)]
struct Rule {
    wanted: Wanted,
    sort: Option<Sort>,
    drops: bool,
    name: Template,
    labels: Vec<(String, Template)>,
    honors_labels: bool,
    help: String,
    observing: Observing,
    ttl: Duration,
    scale: f64,
}

#[derive(Debug)]
enum Wanted {
    /// Components; `None` for any.
    Glob(Vec<Option<Box<str>>>),
    Regex(Regex),
}

/// What a name is mapped to.
#[derive(Debug, PartialEq)]
pub(super) struct Mapped {
    /// Whether it is not kept at all.
    pub(super) drops: bool,
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    /// Whether labels of a line win over those of the mapping.
    pub(super) honors_labels: bool,
    pub(super) help: String,
    pub(super) observing: Observing,
    /// After how long without values it ends; zero for what the settings say.
    pub(super) ttl: Duration,
    pub(super) scale: f64,
}

impl Mapping {
    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// How timers are kept that no rule matches, and for how long any metric.
    pub(super) fn otherwise(&self) -> (Observing, Duration) {
        (self.observing.clone().unwrap_or_default(), self.ttl)
    }

    /// What becomes of a name; `None` where no rule matches.
    pub(super) fn find(&self, name: &str, sort: Sort) -> Option<Arc<Mapped>> {
        if self.rules.is_empty() {
            return None;
        }
        let key = (sort, Box::from(name));
        if let Some(known) = self.remembered.lock().get(&key) {
            return known.clone();
        }
        let found = self.look(name, sort).map(Arc::new);
        let mut remembered = self.remembered.lock();
        if remembered.len() >= REMEMBERED_MAX {
            // Names without end: those that come often are there again soon.
            remembered.clear();
        }
        remembered.insert(key, found.clone());
        found
    }

    fn look(&self, name: &str, sort: Sort) -> Option<Mapped> {
        let parts: Vec<&str> = name.split('.').collect();
        let globs = self.globs.get(&parts.len()).map_or(&[][..], Vec::as_slice);
        let mut fitting = globs.iter().map(|at| &self.rules[*at]).filter(|rule| rule.is_for(sort) && rule.wanted.fits(&parts));
        let found = if self.is_unordered { fitting.min_by_key(|rule| rule.wanted.vagueness()) } else { fitting.next() };
        if let Some(rule) = found {
            let captures: Vec<&str> = rule.wanted.captures(&parts);
            return Some(rule.mapped(&|number| number.checked_sub(1).and_then(|at| captures.get(at).copied())));
        }
        self.regexes.iter().map(|at| &self.rules[*at]).filter(|rule| rule.is_for(sort)).find_map(|rule| {
            let Wanted::Regex(regex) = &rule.wanted else { return None };
            let captures = regex.captures(name)?;
            Some(rule.mapped(&|number| captures.get(number).map(|group| group.as_str())))
        })
    }
}

impl Rule {
    fn is_for(&self, sort: Sort) -> bool {
        self.sort.is_none_or(|wanted| wanted == sort)
    }

    fn mapped<'a>(&self, capture: &dyn Fn(usize) -> Option<&'a str>) -> Mapped {
        Mapped {
            drops: self.drops,
            name: self.name.fill(capture),
            labels: self.labels.iter().map(|(name, value)| (name.clone(), value.fill(capture))).collect(),
            honors_labels: self.honors_labels,
            help: self.help.clone(),
            observing: self.observing.clone(),
            ttl: self.ttl,
            scale: self.scale,
        }
    }
}

impl Wanted {
    fn fits(&self, parts: &[&str]) -> bool {
        match self {
            Self::Glob(wanted) => wanted.iter().zip(parts).all(|(wanted, part)| wanted.as_ref().is_none_or(|wanted| **wanted == **part)),
            Self::Regex(_) => false,
        }
    }

    /// Where it leaves things open: the earlier a component is named, the more particular it is.
    fn vagueness(&self) -> Vec<bool> {
        match self {
            Self::Glob(wanted) => wanted.iter().map(Option::is_none).collect(),
            Self::Regex(_) => Vec::new(),
        }
    }

    fn captures<'a>(&self, parts: &[&'a str]) -> Vec<&'a str> {
        match self {
            Self::Glob(wanted) => wanted.iter().zip(parts).filter(|(wanted, _)| wanted.is_none()).map(|(_, part)| *part).collect(),
            Self::Regex(_) => Vec::new(),
        }
    }
}
