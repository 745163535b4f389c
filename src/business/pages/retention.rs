//! A retention: who came when, and how many of them were there so many periods later, as a map of heat and as a table.

use crate::base::csv;
use crate::base::period::Grain;
use crate::business::model::cohort::{Cohort, mean};
use crate::ui::format;
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Default)]
pub struct RetentionInput {
    /// Its name.
    pub name: String,
    /// What it says.
    pub description: String,
    /// The KPI that it explains, with the address of its page.
    pub explains: Option<(String, String)>,
    /// The file it comes from; empty for none.
    pub file: String,
    /// Its cohorts, the oldest first; none where they could not be asked for.
    pub table: Vec<Cohort>,
    /// Why they could not.
    pub problem: String,
    /// What was done.
    pub done: String,
    /// Whether whoever looks may change it.
    pub may_change: bool,
}

pub(super) struct CellView {
    pub(super) text: String,
    pub(super) exact: String,
    /// How warm it is, 0 to 100; none for an empty one.
    pub(super) heat: Option<String>,
}

pub(super) struct RowView {
    pub(super) period: String,
    pub(super) size: String,
    pub(super) cells: Vec<CellView>,
}

/// Cohorts as a map of heat.
pub(super) struct HeatMap {
    pub(super) ages: Vec<usize>,
    pub(super) since: &'static str,
    pub(super) rows: Vec<RowView>,
    pub(super) mean: Vec<CellView>,
}

#[derive(askama::Template)]
#[template(path = "business/retention.html")]
struct RetentionPage<'a> {
    shell: &'a Shell,
    input: &'a RetentionInput,
    map: HeatMap,
    edit: String,
    csv: String,
}

fn count(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    format!("{sign}{}", format::count(value.abs().round().min(1e15) as u64))
}

fn cell(share: Option<f64>, exact: String) -> CellView {
    match share {
        Some(share) => {
            CellView { text: format!("{:.0} %", share * 100.0), exact, heat: Some(format!("{:.0}", share.clamp(0.0, 1.0) * 100.0)) }
        }
        None => CellView { text: String::new(), exact: String::new(), heat: None },
    }
}

/// The map of cohorts, the oldest first, over so many periods at most. The means are of all of them.
pub(super) fn heat_map(table: &[Cohort], newest: usize, ages_max: usize, lang: Lang) -> HeatMap {
    let mut means = mean(table);
    means.truncate(ages_max);
    let row = |cohort: &Cohort| RowView {
        period: format::period(cohort.period, lang),
        size: cohort.size().map_or_else(|| "–".to_owned(), count),
        cells: (0..means.len())
            .map(|age| cell(cohort.share(age), cohort.values.get(age).copied().flatten().map(count).unwrap_or_default()))
            .collect(),
    };
    let since = match table.last().map(|cohort| cohort.period.grain()) {
        Some(Grain::Day | Grain::Hour) => key("Days since"),
        Some(Grain::Week) => key("Weeks since"),
        Some(Grain::Quarter) => key("Quarters since"),
        Some(Grain::Year) => key("Years since"),
        Some(Grain::Month) | None => key("Months since"),
    };
    HeatMap {
        ages: (0..means.len()).collect(),
        since,
        rows: table[table.len().saturating_sub(newest)..].iter().map(row).collect(),
        mean: means.iter().map(|share| cell(*share, String::new())).collect(),
    }
}

/// Renders the page.
pub fn render(input: &RetentionInput, shell: &Shell) -> String {
    page::html(&RetentionPage {
        map: heat_map(&input.table, usize::MAX, usize::MAX, shell.lang()),
        edit: links::with(links::RETENTION_EDIT, &[("name", &input.name)]),
        csv: links::with(&links::retention(&input.name), &[("format", "csv")]),
        shell,
        input,
    })
}

/// The cohorts as a file: a row each, the number that was there by age.
pub fn table(cohorts: &[Cohort]) -> String {
    let ages = cohorts.iter().map(|cohort| cohort.values.len()).max().unwrap_or(0);
    let head = std::iter::once("cohort".to_owned()).chain((0..ages).map(|age| age.to_string()));
    let row = |cohort: &Cohort| {
        let value = |age: usize| cohort.values.get(age).copied().flatten().map(|value| value.to_string()).unwrap_or_default();
        std::iter::once(cohort.period.to_string()).chain((0..ages).map(value)).collect()
    };
    csv::table(std::iter::once(head.collect::<Vec<String>>()).chain(cohorts.iter().map(row)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::period::Period;
    use crate::business::model::cohort;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn cohorts_are_a_map_with_a_mean_and_a_file() {
        let month = |text: &str| Period::parse(text).unwrap();
        let table = cohort::table([
            (month("2026-01"), 0, 1_200.0),
            (month("2026-01"), 1, 600.0),
            (month("2026-01"), 2, 300.0),
            (month("2026-02"), 0, 800.0),
            (month("2026-02"), 1, 200.0),
        ]);
        let input = RetentionInput {
            name: "<Stay>".into(),
            table: table.clone(),
            explains: Some(("Users".into(), "/business/4".into())),
            may_change: true,
            ..RetentionInput::default()
        };
        let page = render(&input, &shell(Page::Business, "Stay", "/business/retentions/x", ""));
        for expected in [
            "Jan 2026",
            "1,200",
            "50 %",
            "--h:25",
            "title=\"200\"",
            "Months since",
            "40 %",
            "All of them",
            "format=csv",
            "<a class=\"link\" href=\"/business/4\">Explains Users",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert_eq!(super::table(&table), "cohort,0,1,2\r\n2026-01,1200,600,300\r\n2026-02,800,200,\r\n");
        let failed = RetentionInput { problem: "it took too long".into(), ..RetentionInput::default() };
        let page = render(&failed, &shell(Page::Business, "Stay", "/business/retentions/x", ""));
        assert!(page.contains("it took too long") && page.contains("Its query gives no cohorts."), "{page}");
    }
}
