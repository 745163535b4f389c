//! The variables of a dashboard with what is offered and what is chosen, found in order, each with those before it.

use super::choices::{AdHoc, Choice, Choices};
use super::interpolate::{Filling, Usage};
use super::times::{Pace, interval, length};
use super::{offered, wanted};
use crate::base::cancel::Cancel;
use crate::base::time::{Duration, TimeRange};
use crate::boards::model::{Board, Object, Refresh, Variable, VariableKind, options};
use crate::series::matcher::Matcher;
use crate::series::ports::{Evaluate, LogLabels, Select};

/// Stands for all choices.
pub const ALL: &str = "$__all";
/// Most choices of one variable.
pub const CHOICES_MAX: usize = 5_000;
/// Points by which `$__interval` in the query of a variable is reckoned, as no panel is there.
const POINTS: u32 = 100;

/// Takes the matchers out of a selector in PromQL or LogQL (`up{job="a"}`); says in words what is wrong with it.
pub type Reader<'a> = dyn Fn(&str) -> Result<Vec<Matcher>, String> + Send + Sync + 'a;

/// What variables are found with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Series of metrics.
    pub select: &'a dyn Select,
    /// Answers PromQL.
    pub evaluate: &'a dyn Evaluate,
    /// Labels of logs.
    pub logs: &'a dyn LogLabels,
    /// Reads selectors of metrics.
    pub read: &'a Reader<'a>,
    /// How often targets are scraped unless they say, in milliseconds.
    pub scrape: i64,
    /// Who looks; empty for nobody who signed in.
    pub user: &'a str,
    /// The zone of who looks: `utc`, `browser`, or a name.
    pub zone: &'a str,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: &'a Cancel,
}

/// A variable with what is offered and chosen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Offered {
    /// The variable.
    pub variable: Variable,
    /// What may be chosen, without the word for all. For conditions: labels.
    pub choices: Vec<Choice>,
    /// What is chosen; every choice where all are.
    pub chosen: Vec<Choice>,
    /// Whether all are chosen.
    pub is_all: bool,
    /// Why nothing is offered, in words.
    pub error: Option<String>,
}

impl Offered {
    /// Whether queries have to reckon with several values.
    pub fn may_be_several(&self) -> bool {
        self.variable.is_multi || self.variable.has_all
    }

    /// Whether values come from data, not from an author.
    pub const fn is_from_data(&self) -> bool {
        matches!(self.variable.kind, VariableKind::Query)
    }
}

/// What built-in names stand for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// The dashboard's uid.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// Who looks.
    pub user: String,
    /// The zone.
    pub zone: String,
}

/// Every variable of a dashboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// In order.
    pub variables: Vec<Offered>,
    /// When and how densely is asked where no panel says otherwise.
    pub pace: Pace,
    /// What built-in names stand for.
    pub about: About,
}

impl Resolved {
    /// A dashboard without variables.
    #[cfg(test)]
    pub fn empty(pace: Pace) -> Self {
        Self { variables: Vec::new(), pace, about: About::default() }
    }

    /// A variable.
    pub fn find(&self, name: &str) -> Option<&Offered> {
        self.variables.iter().find(|one| one.variable.name == name)
    }

    /// Text and value of what is chosen; every choice where all are. Nothing for unknown names.
    pub fn values_of(&self, name: &str) -> Vec<(String, String)> {
        let chosen = self.find(name).map_or(&[][..], |one| one.chosen.as_slice());
        chosen.iter().map(|one| (one.text.clone(), one.value.clone())).collect()
    }

    /// Fills variables into a text for people. `scoped` are variables that have one value here (name, text, value),
    /// `extra` stand for this place only (`__field.labels.job`).
    pub fn fill(&self, text: &str, scoped: &[(String, String, String)], extra: &[(&str, &str)]) -> String {
        self.filling(scoped, extra, Usage::Words).fill(text)
    }

    /// The same for a URL.
    pub fn fill_link(&self, url: &str, scoped: &[(String, String, String)], extra: &[(&str, &str)]) -> String {
        self.filling(scoped, extra, Usage::Link).fill(url)
    }

    /// The same for something else.
    pub const fn filling<'a>(
        &'a self,
        scoped: &'a [(String, String, String)],
        extra: &'a [(&'a str, &'a str)],
        usage: Usage,
    ) -> Filling<'a> {
        Filling { resolved: self, scoped, extra, pace: self.pace, usage }
    }

    /// Conditions that go into every query of a source.
    pub fn conditions(&self) -> Vec<(&Variable, Vec<AdHoc>)> {
        let of = |one: &Offered| one.chosen.iter().filter_map(|choice| AdHoc::read(&choice.value)).collect::<Vec<_>>();
        let all = self.variables.iter().filter(|one| one.variable.kind == VariableKind::AdHoc);
        all.map(|one| (&one.variable, of(one))).filter(|(_, conditions)| !conditions.is_empty()).collect()
    }

    /// Variables as a URL writes them: `var-a=1&var-b=2`.
    pub fn url(&self) -> String {
        self.filling(&[], &[], Usage::Plain).fill("${__all_variables}")
    }
}

/// Finds every variable in order. Blocking.
///
/// A variable that cannot be found says why, and keeps what the URL says; the others are found all the same. It ends
/// early where [`Ports::cancel`] is raised.
pub fn resolve(board: &Board, chosen: &Choices, range: TimeRange, ports: &Ports<'_>) -> Resolved {
    let about = About {
        uid: board.uid.clone(),
        title: board.title.clone(),
        user: ports.user.to_owned(),
        zone: if ports.zone.is_empty() { board.timezone.clone() } else { ports.zone.to_owned() },
    };
    let pace = Pace::new(range, POINTS, ports.scrape);
    let mut resolved = Resolved { variables: Vec::with_capacity(board.variables.len()), pace, about };
    for variable in &board.variables {
        let given = chosen.of(&variable.name).filter(|_| variable.kind != VariableKind::Constant);
        let given = Given { values: given, is_bounded: chosen.is_bounded(&variable.name) };
        let one = one(variable, given, &resolved, ports);
        resolved.variables.push(one);
    }
    resolved
}

/// What somebody chose of a variable.
#[derive(Debug, Clone, Copy)]
struct Given<'a> {
    values: Option<&'a [String]>,
    /// Whether only what is offered counts.
    is_bounded: bool,
}

impl Given<'_> {
    /// What counts where there is nothing to choose from: nothing of somebody who may only choose.
    fn typed(&self) -> Option<&[String]> {
        self.values.filter(|_| !self.is_bounded)
    }
}

fn one(variable: &Variable, given: Given<'_>, before: &Resolved, ports: &Ports<'_>) -> Offered {
    let mut variable = variable.clone();
    let plain = |text: &str| before.filling(&[], &[], Usage::Plain).fill(text);
    match variable.kind {
        VariableKind::Constant => fixed(variable, |variable| plain(&variable.query)),
        VariableKind::Text => {
            let value = given.typed().and_then(|given| given.first().cloned());
            let value = value.or_else(|| variable.current.first().cloned()).unwrap_or_else(|| plain(&variable.query));
            fixed(variable, |_| value)
        }
        VariableKind::AdHoc => conditions(variable, given.typed(), before, ports),
        VariableKind::Interval => lengths(variable, given, before.pace.range),
        VariableKind::GroupBy => {
            variable.is_multi = true;
            let found = wanted::labels(&variable.source, before, ports);
            choosing(variable, found, given)
        }
        VariableKind::Custom => {
            let found = custom(&variable, &plain(&variable.query));
            choosing(variable, Ok(found), given)
        }
        VariableKind::Source => {
            let found = sources(&variable, &plain(&variable.regex));
            choosing(variable, found, given)
        }
        VariableKind::Query => {
            let found = asked(&variable, before, ports);
            choosing(variable, found, given)
        }
        VariableKind::Switch | VariableKind::Other => {
            let found = given_choices(&variable);
            choosing(variable, Ok(found), given)
        }
    }
}

/// A variable with one value.
fn fixed(variable: Variable, value: impl FnOnce(&Variable) -> String) -> Offered {
    let choice = Choice::plain(value(&variable));
    Offered { choices: vec![choice.clone()], chosen: vec![choice], variable, ..Offered::default() }
}

fn choosing(variable: Variable, found: Result<Vec<Choice>, String>, given: Given<'_>) -> Offered {
    let (choices, error) = match found {
        Ok(choices) => (choices, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let is_offered = |value: &&String| {
        (variable.has_all && *value == ALL) || choices.iter().any(|choice| choice.value == **value || choice.text == **value)
    };
    let bounded: Option<Vec<String>> =
        given.values.filter(|_| given.is_bounded).map(|all| all.iter().filter(is_offered).cloned().collect());
    let given = match &bounded {
        Some(offered) if offered.is_empty() => None,
        Some(offered) => Some(offered.as_slice()),
        None => given.values,
    };
    let (chosen, is_all) = offered::chosen(&variable, &choices, given);
    Offered { variable, choices, chosen, is_all, error }
}

/// What the JSON itself offers, without the word for all.
fn given_choices(variable: &Variable) -> Vec<Choice> {
    let offered = options(variable).into_iter().filter(|(_, value)| value != ALL);
    offered.map(|(text, value)| Choice { text, value }).take(CHOICES_MAX).collect()
}

fn custom(variable: &Variable, query: &str) -> Vec<Choice> {
    let found = offered::list(query);
    if found.is_empty() { given_choices(variable) } else { found }
}

fn sources(variable: &Variable, regex: &str) -> Result<Vec<Choice>, String> {
    let mut found = super::source::offered(&variable.query);
    if !regex.is_empty() {
        let regex = offered::regex(regex)?;
        found.retain(|one| regex.is_match(&one.text));
    }
    if found.is_empty() { Err(super::source::no_such_kind(&variable.query)) } else { Ok(found) }
}

fn asked(variable: &Variable, before: &Resolved, ports: &Ports<'_>) -> Result<Vec<Choice>, String> {
    let given = given_choices(variable);
    // Choices that stand in the JSON hold only where nobody is to ask.
    if variable.refresh == Refresh::Never && !given.is_empty() {
        return Ok(given);
    }
    let found = wanted::choices(variable, before, ports)?;
    let regex = before.filling(&[], &[], Usage::Plain).fill(&variable.regex);
    let found = if regex.is_empty() { found } else { offered::picked(found, &offered::regex(&regex)?) };
    Ok(offered::ordered(found, variable.sort))
}

/// A variable of lengths of time: `1m,10m,1h`, and one that is reckoned from the range.
fn lengths(mut variable: Variable, given: Given<'_>, range: TimeRange) -> Offered {
    variable.is_multi = false;
    variable.has_all = false;
    let parts = variable.query.split([',', ' ']).map(|part| part.trim_matches(['"', '\'', ' ']));
    let mut choices: Vec<Choice> = parts.filter(|part| !part.is_empty()).take(CHOICES_MAX).map(Choice::plain).collect();
    let number = |name: &str| variable.json.get(name).and_then(number);
    if variable.json.get("auto").is_some_and(|auto| auto == true) {
        let points = number("auto_count").unwrap_or(30.0).clamp(1.0, 10_000.0) as u32;
        let least = variable.json.get("auto_min").and_then(|least| least.as_str()).and_then(length).unwrap_or(10_000);
        let value = Duration::from_ms(interval(range, points, least)).to_string();
        choices.insert(0, Choice { text: "auto".to_owned(), value });
    }
    // What Grafana writes for the reckoned one.
    let auto = format!("$__auto_interval_{}", variable.name);
    let named = |text: &String| if *text == auto || text == "$__auto" { "auto".to_owned() } else { text.clone() };
    let values: Option<Vec<String>> = given.values.map(|given| given.iter().map(named).collect());
    variable.current = variable.current.iter().map(named).collect();
    choosing(variable, Ok(choices), Given { values: values.as_deref(), ..given })
}

fn number(value: &serde_json::Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number: &f64| number.is_finite())
}

/// Conditions on labels: those of the URL, or those of the dashboard; the ones its author wrote for all hold always.
fn conditions(variable: Variable, given: Option<&[String]>, before: &Resolved, ports: &Ports<'_>) -> Offered {
    let own = |name: &str| {
        let list = variable.json.get(name).and_then(|list| list.as_array()).map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(|one| condition(one.as_object()?)).collect::<Vec<_>>()
    };
    let mut all = own("baseFilters");
    match given {
        Some(given) => all.extend(given.iter().filter_map(|text| AdHoc::read(text))),
        None => all.extend(own("filters")),
    }
    all.truncate(50);
    let chosen = all.iter().map(|one| Choice { text: format!("{} {} {}", one.key, one.op, one.value), value: one.text() }).collect();
    let (choices, error) = match wanted::labels(&variable.source, before, ports) {
        Ok(labels) => (labels, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    Offered { variable, choices, chosen, is_all: false, error }
}

fn condition(json: &Object) -> Option<AdHoc> {
    let text = |name: &str| json.get(name).and_then(|text| text.as_str()).unwrap_or_default();
    AdHoc::new(text("key"), text("operator"), text("value").to_owned())
}

#[cfg(test)]
mod tests;
