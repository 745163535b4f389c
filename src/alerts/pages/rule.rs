//! One rule: what it asks, its chart, its alerts, and what it did before.

use std::sync::Arc;

use super::bars::{self, Lane, Spell, Tick};
use super::expr::compared;
use super::known::{find_rule, rule_ids};
use super::rules::{RuleView, span, view};
use crate::alerts::evaluate::Running;
use crate::alerts::model::Language;
use crate::base::time::TimeRange;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Alerts shown.
const ALERTS_MAX: usize = 200;
/// Lanes of the history.
const LANES_MAX: usize = 30;

/// What the page is made of.
#[derive(Clone)]
pub struct RuleInput {
    /// The group.
    pub group: Arc<Running>,
    /// The rule's place in it.
    pub place: usize,
    /// What is shown.
    pub range: TimeRange,
    /// When its alerts were on.
    pub spells: Vec<Spell>,
    /// Why that is not known, if so.
    pub problem: String,
}

impl RuleInput {
    /// A rule by its id, with nothing known of its past yet.
    pub fn find(groups: &[Arc<Running>], id: &str, range: TimeRange) -> Option<Self> {
        let (group, place) = find_rule(groups, id)?;
        Some(Self { group, place, range, spells: Vec::new(), problem: String::new() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.group.rules.get(self.place).map_or("", |rule| rule.prepared.rule.name.as_str())
    }
}

#[derive(askama::Template)]
#[template(path = "alerts/rule.html")]
struct RulePage<'a> {
    shell: &'a Shell,
    rule: RuleView,
    group: &'a Running,
    interval: String,
    chart: String,
    threshold: String,
    series_words: String,
    lanes: Vec<Lane>,
    more: usize,
    ticks: Vec<Tick>,
    problem: &'a str,
}

/// Renders the page. The shell has a range and refreshes by itself.
pub fn render(input: &RuleInput, shell: &Shell) -> String {
    let group = input.group.as_ref();
    let Some(rule) = group.rules.get(input.place) else { return String::new() };
    let id = rule_ids(group).into_iter().nth(input.place).unwrap_or_default();
    let (lanes, more) = bars::lanes(&input.spells, input.range, LANES_MAX, shell);
    // The value is worth seeing also while it does not pass its threshold.
    let taken_apart = compared(&rule.prepared.text);
    let (asked, threshold) = taken_apart.map_or_else(
        || (rule.prepared.rule.expr.as_str(), String::new()),
        |(value, threshold)| (value, rule.prepared.text.get(value.len()..).map_or_else(|| threshold.to_string(), |rest| rest.trim().to_owned())),
    );
    page::html(&RulePage {
        shell,
        chart: match group.group.language {
            Language::PromQl => links::chart(&[asked], &[], ""),
            Language::LogQl => links::with(links::LOGS_CHART, &[("q", asked)]),
        },
        threshold,
        interval: span(group.interval()),
        series_words: shell.lang().n(rule.health.lock().series as u64, "{} series", "{} series"),
        rule: view(group, rule, &id, ALERTS_MAX, shell),
        group,
        lanes,
        more,
        ticks: bars::ticks(input.range, shell.lang()),
        problem: &input.problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample;
    use crate::series::labels::Labels;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(groups: &[Arc<Running>], at: usize) -> String {
        let id = &rule_ids(&groups[0])[at];
        let range = TimeRange::new(1_763_710_000_000, 1_763_714_000_000);
        let mut input = RuleInput::find(groups, id, range).expect("a rule");
        input.spells = vec![Spell {
            labels: Labels::from_pairs([("alertname", "Down"), ("job", "<b>")]),
            is_firing: true,
            range: TimeRange::new(1_763_712_000_000, 1_763_713_000_000),
            is_open: false,
        }];
        render(&input, &shell(Page::Alerts, "x", &links::alerts_rule(id), "").with_range("now-6h").with_refresh("10s"))
    }

    #[test]
    fn a_rule_is_found_by_its_id() {
        let groups = sample::groups();
        let text = html(&groups, 0);
        sample::check(&text);
        for part in ["/ui/chart?q=up", "== 0", "fired 1 time", "class=\"f\"", "silences/edit"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(RuleInput::find(&groups, "0000", TimeRange::new(0, 1)).is_none());
        sample::check(&html(&sample::hostile_groups(), 0));
    }
}
