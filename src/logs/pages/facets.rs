//! Values to filter by, with counts: of labels over all lines that are found, of fields over those that are shown.

use std::collections::{BTreeMap, HashMap};

use super::asked::{Asked, href_filtered};
use super::levels;
use crate::ui::format::count;
use crate::ui::shell::Shell;

/// Label that says how severe a line is.
pub const LEVEL: &str = "detected_level";
/// Values of one facet.
const VALUES_MAX: usize = 12;
/// Facets of labels that are open.
const OPEN_MAX: usize = 3;
/// Facets of fields.
const FIELDS_MAX: usize = 12;

/// Values of a label with how many lines have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facet {
    /// The label.
    pub label: String,
    /// Values and lines.
    pub values: Vec<(String, u64)>,
}

/// Adds up values of labels.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    labels: BTreeMap<String, HashMap<String, u64>>,
}

impl Tally {
    /// Counts lines that have a value.
    pub fn add(&mut self, label: &str, value: &str, lines: u64) {
        if value.is_empty() {
            return;
        }
        if !self.labels.contains_key(label) {
            self.labels.insert(label.to_owned(), HashMap::new());
        }
        let Some(values) = self.labels.get_mut(label) else { return };
        match values.get_mut(value) {
            Some(known) => *known = known.saturating_add(lines),
            None => {
                values.insert(value.to_owned(), lines);
            }
        }
    }

    /// What was counted, labels by name, values by weight.
    pub fn facets(self) -> Vec<Facet> {
        let sorted = |values: HashMap<String, u64>| {
            let mut values: Vec<(String, u64)> = values.into_iter().collect();
            values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            values
        };
        self.labels.into_iter().map(|(label, values)| Facet { label, values: sorted(values) }).collect()
    }
}

/// A value as a box to tick.
pub(super) struct ValueView {
    pub(super) text: String,
    pub(super) count: String,
    pub(super) class: &'static str,
    pub(super) is_shown: bool,
    pub(super) href: String,
    pub(super) href_only: String,
}

/// A facet as it is shown.
pub(super) struct FacetView {
    pub(super) name: String,
    pub(super) is_open: bool,
    pub(super) values: Vec<ValueView>,
    pub(super) more: usize,
}

/// The name of a label for readers.
pub(super) fn name_of(label: &str) -> &str {
    match label {
        LEVEL => "level",
        "service_name" => "service",
        other => other,
    }
}

/// Facets of labels as they are shown: levels first, those with few values open.
pub(super) fn views(facets: &[Facet], asked: &Asked, shell: &Shell) -> Vec<FacetView> {
    let mut order: Vec<&Facet> = facets.iter().filter(|facet| !facet.values.is_empty()).collect();
    // What tells lines apart best comes first: levels, services, then labels with more than one value.
    let rank = |facet: &Facet| match facet.label.as_str() {
        LEVEL => 0,
        "service_name" => 1,
        _ if facet.values.len() > 1 => 2,
        _ => 3,
    };
    order.sort_by(|a, b| (rank(a), &a.label).cmp(&(rank(b), &b.label)));
    order.iter().enumerate().map(|(at, facet)| view(facet, at < OPEN_MAX && rank(facet) < 3, asked, shell)).collect()
}

/// Facets of fields as they are shown, closed, the most frequent first. Left out is what differs in nearly every line.
pub(super) fn field_views(facets: &[Facet], asked: &Asked, shell: &Shell) -> Vec<FacetView> {
    let lines = |facet: &&Facet| facet.values.iter().map(|(_, lines)| *lines).sum::<u64>();
    let says_something = |facet: &&Facet| {
        let is_alike = facet.values.len() <= 10 || (facet.values.len() as u64) * 2 < lines(facet);
        is_alike || asked.of(&facet.label).next().is_some()
    };
    let mut order: Vec<&Facet> = facets.iter().filter(says_something).collect();
    order.sort_by_key(|facet| std::cmp::Reverse(lines(facet)));
    order.iter().take(FIELDS_MAX).map(|facet| view(facet, false, asked, shell)).collect()
}

fn view(facet: &Facet, is_open: bool, asked: &Asked, shell: &Shell) -> FacetView {
    let label = facet.label.as_str();
    let mut values: Vec<(&str, u64)> = facet.values.iter().map(|(value, lines)| (value.as_str(), *lines)).collect();
    if label == LEVEL {
        values.sort_by_key(|(value, lines)| (levels::slot(value), std::cmp::Reverse(*lines)));
    }
    // What was left out has no lines, and must be there to be ticked again.
    for filter in asked.of(label) {
        if !values.iter().any(|(value, _)| *value == filter.value) {
            values.push((&filter.value, 0));
        }
    }
    let more = values.len().saturating_sub(VALUES_MAX);
    let is_filtered = asked.of(label).next().is_some();
    let shown = values.into_iter().take(VALUES_MAX.max(asked.of(label).count()));
    FacetView {
        name: name_of(label).to_owned(),
        is_open: is_open || is_filtered,
        values: shown
            .map(|(value, lines)| ValueView {
                count: if lines == 0 && is_filtered { String::new() } else { count(lines) },
                class: if label == LEVEL { levels::class(value) } else { "" },
                is_shown: asked.shows(label, value),
                href: href_filtered(shell, &asked.toggled(label, value)),
                href_only: href_filtered(shell, &asked.only(label, value)),
                text: value.to_owned(),
            })
            .collect(),
        more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn values_are_counted_and_filtered_ones_stay() {
        let mut tally = Tally::default();
        for (label, value, lines) in
            [("host", "a", 2), ("host", "b", 5), ("host", "a", 1), ("env", "", 9), (LEVEL, "info", 7), (LEVEL, "error", 1)]
        {
            tally.add(label, value, lines);
        }
        let facets = tally.facets();
        assert_eq!(facets[1], Facet { label: "host".into(), values: vec![("b".into(), 5), ("a".into(), 3)] });
        let query = "q=x&f=-host:c&from=now-1h";
        let shell = shell(Page::Logs, "Logs", "/logs", query);
        let shown = views(&facets, &Asked::from_query(query), &shell);
        let texts = |facet: &FacetView| facet.values.iter().map(|value| value.text.clone()).collect::<Vec<_>>();
        assert_eq!((shown[0].name.as_str(), texts(&shown[0])), ("level", vec!["error".to_owned(), "info".to_owned()]));
        assert_eq!(texts(&shown[1]), ["b", "a", "c"]);
        assert!(!shown[1].values[2].is_shown && shown[1].is_open);
        assert_eq!(shown[1].values[2].href, "/logs?q=x&from=now-1h", "ticking it again takes the filter away");
        assert_eq!(shown[1].values[0].href_only, "/logs?q=x&from=now-1h&f=host%3Ab");
    }
}
