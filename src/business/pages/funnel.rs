//! A funnel: how many go on from step to step, where most are lost, and how that was the period before.

use crate::base::period::{Grain, Period};
use crate::business::model::funnel::{Step, worst};
use crate::ui::format;
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Lengths of periods on offer.
pub const GRAINS: [(Grain, &str); 5] = [
    (Grain::Day, key("Day")),
    (Grain::Week, key("Week")),
    (Grain::Month, key("Month")),
    (Grain::Quarter, key("Quarter")),
    (Grain::Year, key("Year")),
];

/// What the page is made of.
#[derive(Debug)]
pub struct FunnelInput {
    /// Its name.
    pub name: String,
    /// What it says.
    pub description: String,
    /// The file it comes from; empty for none.
    pub file: String,
    /// Its period.
    pub period: Period,
    /// Whether that goes on.
    pub is_running: bool,
    /// The steps.
    pub steps: Vec<StepInput>,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change it.
    pub may_change: bool,
}

/// A step.
#[derive(Debug)]
pub struct StepInput {
    /// The name of its KPI.
    pub name: String,
    /// The number of its KPI; none where there is none of that name any more.
    pub id: Option<i64>,
    /// Its value as it is written.
    pub value: String,
    /// How many there were.
    pub now: Step,
    /// How many there were the period before.
    pub before: Step,
    /// Their value as it is written.
    pub value_before: String,
}

struct StepView<'a> {
    step: &'a StepInput,
    href: String,
    /// Widths of the bars, 0 to 100.
    width: String,
    width_before: String,
    of_before: String,
    of_first: String,
    /// How the rate from the step before changed, in points of a hundred, and its class.
    points: Option<(String, &'static str)>,
    is_worst: bool,
}

#[derive(askama::Template)]
#[template(path = "business/funnel.html")]
struct FunnelPage<'a> {
    shell: &'a Shell,
    input: &'a FunnelInput,
    period: String,
    before: String,
    earlier: String,
    later: String,
    words: String,
    steps: Vec<StepView<'a>>,
    edit: String,
}

impl FunnelPage<'_> {
    fn grains(&self) -> Vec<(String, &'static str, bool)> {
        let (href, current) = (links::funnel(&self.input.name), self.input.period.grain());
        GRAINS.iter().map(|(grain, words)| (links::with(&href, &[("by", grain.as_str())]), *words, *grain == current)).collect()
    }
}

/// A share in percent: `25 %`.
fn percent(share: Option<f64>) -> String {
    match share {
        Some(share) if share < 0.0995 && share > 0.0 => format!("{:.1} %", share * 100.0),
        Some(share) => format!("{:.0} %", share * 100.0),
        None => "–".to_owned(),
    }
}

fn width(share: Option<f64>) -> String {
    format!("{:.1}", share.unwrap_or(0.0).clamp(0.0, 1.0) * 100.0)
}

fn points(now: Option<f64>, before: Option<f64>) -> Option<(String, &'static str)> {
    let by = (now? - before?) * 100.0;
    let class = match by {
        _ if by.abs() < 0.05 => "faint",
        _ if by > 0.0 => "ok-t",
        _ => "crit-t",
    };
    Some((format!("{}{:.1}", if by < 0.0 { "−" } else { "+" }, by.abs()), class))
}

/// Where most are lost, in words.
fn words(input: &FunnelInput, lang: Lang) -> (Option<usize>, String) {
    let all: Vec<Step> = input.steps.iter().map(|step| step.now).collect();
    let Some(place) = worst(&all) else {
        let text = if all.iter().all(|step| step.value.is_none()) { key("There is no value of this period yet.") } else { "" };
        return (None, lang.t(text).to_owned());
    };
    let (Some(step), Some(from)) = (input.steps.get(place), place.checked_sub(1).and_then(|from| input.steps.get(from))) else {
        return (None, String::new());
    };
    let rate = percent(step.now.of_before);
    (Some(place), lang.fill("Most are lost between {} and {}: {} go on.", &[&from.name, &step.name, &rate]))
}

/// Renders the page.
pub fn render(input: &FunnelInput, shell: &Shell) -> String {
    let lang = shell.lang();
    let (worst, words) = words(input, lang);
    let steps = input.steps.iter().enumerate().map(|(at, step)| {
        let href = step.id.map(links::kpi).unwrap_or_default();
        StepView {
            href,
            width: width(step.now.of_first),
            width_before: width(step.before.of_first),
            of_before: if at == 0 { String::new() } else { percent(step.now.of_before) },
            of_first: percent(step.now.of_first),
            points: points(step.now.of_before, step.before.of_before),
            is_worst: worst == Some(at),
            step,
        }
    });
    let href = links::funnel(&input.name);
    let at = |period: Period| links::with(&href, &[("period", &period.to_string())]);
    page::html(&FunnelPage {
        period: format::period(input.period, lang),
        before: format::period(input.period.before(), lang),
        earlier: at(input.period.before()),
        later: if input.is_running { String::new() } else { at(input.period.next()) },
        words,
        steps: steps.collect(),
        edit: links::with(links::FUNNEL_EDIT, &[("name", &input.name)]),
        shell,
        input,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::model::funnel::steps;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn input(now: &[Option<f64>], before: &[Option<f64>]) -> FunnelInput {
        let all = steps(now).into_iter().zip(steps(before)).zip(["Visits", "<Baskets>", "Orders"]);
        let step = |((now, before), name): ((Step, Step), &str)| StepInput {
            name: name.to_owned(),
            id: (name != "Orders").then_some(7),
            value: now.value.map_or_else(|| "–".to_owned(), |value| value.to_string()),
            value_before: before.value.map_or_else(|| "–".to_owned(), |value| value.to_string()),
            now,
            before,
        };
        FunnelInput {
            name: "Shop".into(),
            description: String::new(),
            file: String::new(),
            period: Period::parse("2026-11").unwrap(),
            is_running: true,
            steps: all.map(step).collect(),
            done: String::new(),
            problem: String::new(),
            may_change: true,
        }
    }

    #[test]
    fn the_worst_step_is_named_in_words() {
        let html = |input: &FunnelInput| render(input, &shell(Page::Business, "Shop", "/business/funnels/Shop", ""));
        let page = html(&input(&[Some(1_000.0), Some(400.0), Some(60.0)], &[Some(1_000.0), Some(500.0), Some(50.0)]));
        for expected in [
            "Most are lost between &#60;Baskets&#62; and Orders: 15 % go on.",
            "40 % of the step before",
            "−10.0",
            "+5.0",
            "6.0 %",
            "Oct 2026",
            "so far",
            "period=2026-10",
            "by=quarter",
            "--p:40.0%",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert!(!page.contains("period=2026-12") && page.matches("class=\"worst\"").count() == 1, "{page}");
        assert!(html(&input(&[None, None, None], &[None, None, None])).contains("There is no value of this period yet."));
    }
}
