//! The scorecard: every KPI over periods, whether it met its target, and what changed. As a page, as a table for
//! spreadsheets, and as a sheet to print.

use super::figure::{Figures, share};
use crate::base::csv;
use crate::base::period::{Grain, Period};
use crate::business::model::comparison::{Change, Progress};
use crate::platform::pdf::{Column, Sheet, Table};
use crate::ui::format;
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Lengths of periods on offer: what each is called, and how many periods a table has.
pub const GRAINS: [(Grain, &str, i64); 4] = [
    (Grain::Month, key("Months"), 12),
    (Grain::Week, key("Weeks"), 13),
    (Grain::Quarter, key("Quarters"), 8),
    (Grain::Year, key("Years"), 5),
];
/// Columns of periods on paper.
const PRINTED: usize = 6;

/// What the scorecard is made of.
#[derive(Debug, Clone)]
pub struct ScorecardInput {
    /// Its periods, the oldest first.
    pub periods: Vec<Period>,
    /// Whether the last one goes on.
    pub is_running: bool,
    /// Its KPIs.
    pub rows: Vec<Row>,
    /// Whether there are fonts to print with.
    pub has_pdf: bool,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may make KPIs.
    pub may_change: bool,
}

/// A KPI.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Under which heading it stands.
    pub group: String,
    /// Who answers for it.
    pub owner: String,
    /// In what it is counted.
    pub unit: String,
    /// How its numbers are written.
    pub figures: Figures,
    /// What it was in each period.
    pub cells: Vec<Cell>,
    /// The last period that is over against the one before it...
    pub before: Option<Change>,
    /// ...and against a year before.
    pub year_before: Option<Change>,
    /// By which periods it is counted, where those are longer than the table's.
    pub counted_by: Option<Grain>,
}

/// A value in a period.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cell {
    /// It; none where nobody knows.
    pub value: Option<f64>,
    /// Against its target.
    pub progress: Option<Progress>,
    /// Whether its period goes on.
    pub is_running: bool,
    /// Whether it was re-stated since its period was over.
    pub is_restated: bool,
}

impl Cell {
    /// Sign, class and words of its target; none where there is none, or its period goes on and may still meet it.
    fn met(&self) -> Option<(&'static str, &'static str, &'static str)> {
        match self.progress? {
            progress if progress.is_met => Some(("✓", "ok-t", key("target met"))),
            _ if self.is_running => None,
            _ => Some(("✗", "crit-t", key("target missed"))),
        }
    }
}

struct CellView {
    text: String,
    met: Option<(&'static str, &'static str, &'static str)>,
    title: String,
    is_running: bool,
    is_restated: bool,
}

struct ChangeView {
    text: String,
    class: &'static str,
    exact: String,
}

struct RowView<'a> {
    row: &'a Row,
    href: String,
    cells: Vec<CellView>,
    changes: Vec<Option<ChangeView>>,
    counted: &'static str,
}

struct GroupView<'a> {
    title: &'a str,
    rows: Vec<RowView<'a>>,
}

#[derive(askama::Template)]
#[template(path = "business/scorecard.html")]
struct ScorecardPage<'a> {
    shell: &'a Shell,
    input: &'a ScorecardInput,
    heads: Vec<(String, bool)>,
    width: usize,
    groups: Vec<GroupView<'a>>,
    said: String,
    csv: String,
    pdf: String,
    earlier: String,
    later: String,
}

impl ScorecardPage<'_> {
    fn grains(&self) -> Vec<(String, &'static str, bool)> {
        let current = self.input.grain();
        GRAINS
            .iter()
            .map(|(grain, words, _)| (links::with(links::SCORECARD, &[("by", grain.as_str())]), *words, *grain == current))
            .collect()
    }
}

impl ScorecardInput {
    fn grain(&self) -> Grain {
        self.periods.first().map_or(Grain::Month, |period| period.grain())
    }

    fn last(&self) -> Option<Period> {
        self.periods.last().copied()
    }

    /// The last column that is over.
    fn over(&self) -> Option<usize> {
        self.periods.len().checked_sub(if self.is_running { 2 } else { 1 })
    }
}

/// A period as a head of a column has room for it.
fn head(period: Period, lang: Lang) -> String {
    match period.grain() {
        Grain::Week => period.to_string(),
        _ => format::period(period, lang),
    }
}

/// How many targets of the last period that is over were met.
fn said(input: &ScorecardInput, lang: Lang) -> String {
    let Some((place, period)) = input.over().and_then(|place| Some((place, *input.periods.get(place)?))) else { return String::new() };
    let wanted: Vec<bool> = input.rows.iter().filter_map(|row| row.cells.get(place)?.progress).map(|progress| progress.is_met).collect();
    let met = wanted.iter().filter(|is_met| **is_met).count();
    match wanted.len() {
        0 => String::new(),
        all => lang.fill("{}: {} of {} targets were met.", &[&format::period(period, lang), &met, &all]),
    }
}

const fn counted(grain: Grain) -> &'static str {
    match grain {
        Grain::Week => key("counted by weeks"),
        Grain::Quarter => key("counted by quarters"),
        Grain::Year => key("counted by years"),
        _ => key("counted by months"),
    }
}

fn change_view(found: Change, figures: &Figures) -> ChangeView {
    ChangeView {
        text: change_text(found, figures),
        class: match found.is_good {
            Some(true) => "ok-t",
            Some(false) => "crit-t",
            None => "faint",
        },
        exact: format!("{} → {}", figures.show(found.from), figures.show(found.to)),
    }
}

fn change_text(found: Change, figures: &Figures) -> String {
    found.share.map_or_else(|| figures.show_change(found.by), share)
}

fn cell_view(cell: &Cell, figures: &Figures, lang: Lang) -> CellView {
    let met = cell.met();
    let target = cell.progress.map(|progress| lang.fill("of {}", &[&figures.show(progress.target)]));
    let words = [met.map(|(_, _, words)| lang.t(words).to_owned()), target, cell.is_restated.then(|| lang.t("Re-stated since").to_owned())];
    CellView {
        text: cell.value.map_or_else(|| "–".to_owned(), |value| figures.show(value)),
        met,
        title: words.into_iter().flatten().collect::<Vec<_>>().join(", "),
        is_running: cell.is_running,
        is_restated: cell.is_restated,
    }
}

/// Renders the page.
pub fn render(input: &ScorecardInput, shell: &Shell) -> String {
    let lang = shell.lang();
    let mut groups: Vec<GroupView<'_>> = Vec::new();
    for row in &input.rows {
        let view = RowView {
            href: links::kpi(row.id),
            cells: row.cells.iter().map(|cell| cell_view(cell, &row.figures, lang)).collect(),
            changes: [row.before, row.year_before].into_iter().map(|found| Some(change_view(found?, &row.figures))).collect(),
            counted: row.counted_by.map_or("", counted),
            row,
        };
        match groups.iter_mut().find(|group| group.title == row.group) {
            Some(group) => group.rows.push(view),
            None => groups.push(GroupView { title: &row.group, rows: vec![view] }),
        }
    }
    let until = input.last().map(|last| last.to_string()).unwrap_or_default();
    let by = input.grain().as_str();
    let moved = |by_periods: i64| match input.last() {
        Some(last) => links::with(links::SCORECARD, &[("by", by), ("until", &last.shifted(by_periods).to_string())]),
        None => String::new(),
    };
    let running = |at: usize| input.is_running && at + 1 == input.periods.len();
    page::html(&ScorecardPage {
        heads: input.periods.iter().enumerate().map(|(at, period)| (head(*period, lang), running(at))).collect(),
        width: input.periods.len() + 3,
        said: said(input, lang),
        csv: links::with(links::SCORECARD_CSV, &[("by", by), ("until", &until)]),
        pdf: links::with(links::SCORECARD_PDF, &[("by", by), ("until", &until)]),
        earlier: moved(-i64::try_from(input.periods.len()).unwrap_or(1)),
        later: if input.is_running { String::new() } else { moved(i64::try_from(input.periods.len()).unwrap_or(1)) },
        groups,
        shell,
        input,
    })
}

/// The scorecard as a file: a row a KPI and period. Numbers are whole; what is not known is empty.
pub fn table(input: &ScorecardInput) -> String {
    let head = ["kpi", "group", "owner", "unit", "period", "value", "target", "met", "running", "restated"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for row in &input.rows {
        for (period, cell) in input.periods.iter().zip(&row.cells) {
            let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
            rows.push(vec![
                row.name.clone(),
                row.group.clone(),
                row.owner.clone(),
                row.unit.clone(),
                period.to_string(),
                number(cell.value),
                number(cell.progress.map(|progress| progress.target)),
                cell.progress.map(|progress| progress.is_met.to_string()).unwrap_or_default(),
                cell.is_running.to_string(),
                cell.is_restated.to_string(),
            ]);
        }
    }
    csv::table(rows)
}

/// What a file of it is called, without its end.
pub fn file_name(input: &ScorecardInput) -> String {
    format!("scorecard-{}", input.last().map(|last| last.to_string()).unwrap_or_default())
}

/// The scorecard to print: as many of the newest periods as paper has room for.
pub fn sheet(input: &ScorecardInput, lang: Lang) -> Sheet {
    let skipped = input.periods.len().saturating_sub(PRINTED);
    let column = |title: String, share: f32, is_number: bool| Column { title, share, is_number };
    let mut columns = vec![column(lang.t("KPI").to_owned(), 2.8, false)];
    columns.extend(input.periods[skipped..].iter().map(|period| column(head(*period, lang), 1.6, true)));
    columns.push(column(lang.t("Change").to_owned(), 1.25, true));
    columns.push(column(lang.t("A year ago").to_owned(), 1.25, true));
    let cells = |row: &Row| {
        let value = |cell: &Cell| {
            let text = cell.value.map_or_else(|| "–".to_owned(), |value| row.figures.show(value));
            match cell.met() {
                Some((_, "ok-t", _)) => format!("{text} +"),
                Some(_) => format!("{text} −"),
                None => text,
            }
        };
        let changed = |found: Option<Change>| found.map(|found| change_text(found, &row.figures)).unwrap_or_default();
        let mut cells = vec![if row.owner.is_empty() { row.name.clone() } else { format!("{} · {}", row.name, row.owner) }];
        cells.extend(row.cells.get(skipped..).unwrap_or_default().iter().map(value));
        cells.extend([changed(row.before), changed(row.year_before)]);
        cells
    };
    let mut titles: Vec<&str> = Vec::new();
    for row in &input.rows {
        if !titles.contains(&row.group.as_str()) {
            titles.push(&row.group);
        }
    }
    let mut tables: Vec<Table> = titles
        .into_iter()
        .map(|title| Table {
            title: title.to_owned(),
            columns: columns.clone(),
            rows: input.rows.iter().filter(|row| row.group == title).map(cells).collect(),
            note: String::new(),
        })
        .collect();
    if tables.is_empty() {
        tables.push(Table { columns, note: lang.t("There is no KPI yet.").to_owned(), ..Table::default() });
    }
    let until = input.last().map(|last| format::period(last, lang)).unwrap_or_default();
    Sheet {
        lang: lang.as_str(),
        is_rtl: lang.dir() == "rtl",
        title: lang.fill("Scorecard until {}", &[&until]),
        lines: [said(input, lang), lang.t("A plus stands for a target that was met, a minus for one that was missed.").to_owned()]
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect(),
        figures: Vec::new(),
        tables,
        foot: "pharos".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::config::kpi::read_one;
    use crate::business::model::comparison::{change, progress};
    use crate::business::model::kind::Better;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn input(name: &str) -> ScorecardInput {
        let kpi = read_one("{name: Revenue, unit: currency, currency: EUR, pushed: {}}").unwrap();
        let cell = |value: f64, is_running: bool| Cell {
            value: Some(value),
            progress: Some(progress(value, None, 10_000.0, Better::Up)),
            is_running,
            is_restated: false,
        };
        let last = Period::parse("2026-11").unwrap();
        let row = Row {
            id: 7,
            name: name.to_owned(),
            group: "Money".to_owned(),
            owner: "Ada".to_owned(),
            unit: "currency".to_owned(),
            figures: Figures::of(&kpi),
            cells: vec![cell(9_000.0, false), cell(11_000.0, false), cell(4_000.0, true)],
            before: Some(change(9_000.0, 11_000.0, Better::Up)),
            year_before: Some(change(12_000.0, 11_000.0, Better::Up)),
            counted_by: None,
        };
        let odd = Row { name: "Audits".to_owned(), counted_by: Some(Grain::Year), cells: vec![Cell::default(); 3], ..Row::default() };
        ScorecardInput {
            periods: vec![last.shifted(-2), last.shifted(-1), last],
            is_running: true,
            rows: vec![row, odd],
            has_pdf: true,
            problem: String::new(),
            may_change: true,
        }
    }

    fn html(input: &ScorecardInput) -> String {
        render(input, &shell(Page::Business, "Scorecard", links::SCORECARD, ""))
    }

    #[test]
    fn a_row_says_what_was_met_without_colour_alone() {
        let page = html(&input("<b>Revenue</b>"));
        for expected in [
            "€9,000",
            "✗",
            "target missed",
            "€11,000",
            "✓",
            "target met",
            "+22 %",
            "−8.3 %",
            "/business/7",
            "Ada",
            "so far",
            "Oct 2026: 1 of 1 targets were met.",
            "counted by years",
            "until=2026-11",
            "&#60;b&#62;Revenue",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert_eq!((page.matches('✓').count(), page.matches('✗').count()), (2, 2), "what goes on is not judged, the legend counts: {page}");
        let empty = html(&ScorecardInput { rows: Vec::new(), ..input("") });
        assert!(empty.contains("There is no KPI yet."), "{empty}");
    }

    #[test]
    fn files_have_every_value() {
        let input = input("=Revenue");
        let table = table(&input);
        assert!(table.lines().nth(1) == Some("'=Revenue,Money,Ada,currency,2026-09,9000,10000,false,false,false"), "{table}");
        assert_eq!(table.lines().count(), 7);
        let sheet = sheet(&input, Lang::En);
        assert_eq!((sheet.tables.len(), sheet.tables[0].rows[0].len(), sheet.tables[0].columns.len()), (2, 6, 6));
        assert_eq!(sheet.tables[0].rows[0][1..], ["€9,000 −", "€11,000 +", "€4,000", "+22 %", "−8.3 %"]);
        assert_eq!(file_name(&input), "scorecard-2026-11");
    }
}
