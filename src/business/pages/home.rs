//! The page of the morning: every KPI with what it is, what it should be, how it goes, and what changed.

use super::figure::Figures;
use super::words::{self, ChangeView, TargetView};
use crate::base::human;
use crate::business::model::comparison::{Change, Progress};
use crate::business::model::kind::Better;
use crate::series::ports::{IncidentThen, Missed};
use crate::ui::format::Moment;
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::ui::spark;

/// Something that is down, or was until a while ago, and what that cost.
#[derive(Debug, Clone)]
pub struct Incident {
    /// What was down, and since when.
    pub then: IncidentThen,
    /// What the business missed; or why that is not known.
    pub costs: Result<Vec<Missed>, String>,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct HomeInput {
    /// What was down lately, the newest first.
    pub incidents: Vec<Incident>,
    /// KPIs, in the order in which they are shown.
    pub kpis: Vec<Tile>,
    /// What was done.
    pub done: String,
    /// Whether the reader may change them.
    pub may_change: bool,
}

/// What is known of one KPI.
#[derive(Debug, Clone, Default)]
pub struct Tile {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Under which heading it stands.
    pub group: String,
    /// How its numbers are written.
    pub figures: Figures,
    /// Which way is good.
    pub better: Better,
    /// The period, in words: `November 2026`.
    pub period: String,
    /// Whether the period goes on.
    pub is_running: bool,
    /// Its value; none where nobody knows.
    pub value: Option<f64>,
    /// The newest period that is over and its value, where the value above is of one that goes on.
    pub last: Option<(String, f64)>,
    /// The newest period that is over against the one before.
    pub before: Option<Change>,
    /// Against the year before.
    pub year_before: Option<Change>,
    /// Against its target.
    pub progress: Option<Progress>,
    /// Values of the last periods, oldest first.
    pub spark: Vec<f64>,
    /// The segment that explains most of the change, and by how much it changed.
    pub why: Option<(String, f64)>,
    /// Whether nobody asks for it at present.
    pub is_paused: bool,
    /// Whether the value was re-stated since its period was over.
    pub is_restated: bool,
    /// Why there is no newer value.
    pub problem: String,
}

/// A tile as pages show it.
pub(super) struct TileView<'a> {
    pub(super) tile: &'a Tile,
    pub(super) href: String,
    pub(super) value: String,
    pub(super) last: String,
    pub(super) changes: Vec<ChangeView>,
    pub(super) target: Option<TargetView>,
    pub(super) spark: String,
    pub(super) why: String,
    pub(super) is_new: bool,
}

/// A heading and its tiles as pages show it.
pub(super) struct GroupView<'a> {
    pub(super) title: &'a str,
    pub(super) tiles: Vec<TileView<'a>>,
}

struct IncidentView<'a> {
    incident: &'a Incident,
    from: Moment,
    length: String,
    goes_on: bool,
}

#[derive(askama::Template)]
#[template(path = "business/home.html")]
struct HomePage<'a> {
    shell: &'a Shell,
    input: &'a HomeInput,
    said: String,
    said_done: &'static str,
    groups: Vec<GroupView<'a>>,
    incidents: Vec<IncidentView<'a>>,
}

fn incident<'a>(incident: &'a Incident, shell: &Shell) -> IncidentView<'a> {
    let IncidentThen { from, until, .. } = incident.then;
    let length = until.unwrap_or(shell.now_ms).saturating_sub(from);
    let length = human::length(u64::try_from(length).unwrap_or(0));
    IncidentView { incident, from: shell.moment(from), length, goes_on: until.is_none() }
}

/// Renders the page.
pub fn render(input: &HomeInput, shell: &Shell) -> String {
    let said_done = if input.done == "deleted" { key("The KPI is deleted.") } else { "" };
    let incidents = input.incidents.iter().map(|one| incident(one, shell)).collect();
    let (said, groups) = (said(&input.kpis, shell.lang()), groups(&input.kpis, shell));
    page::html(&HomePage { shell, input, said, said_done, groups, incidents })
}

/// Tiles under their headings, in the order in which those come first.
pub(super) fn groups<'a>(tiles: &'a [Tile], shell: &Shell) -> Vec<GroupView<'a>> {
    let mut groups: Vec<GroupView<'_>> = Vec::new();
    for tile in tiles {
        let view = view(tile, shell);
        match groups.iter_mut().find(|group| group.title == tile.group) {
            Some(group) => group.tiles.push(view),
            None => groups.push(GroupView { title: &tile.group, tiles: vec![view] }),
        }
    }
    groups
}

/// The one sentence on top: how many are where they should be.
pub(super) fn said(tiles: &[Tile], lang: Lang) -> String {
    let wanted: Vec<bool> =
        tiles.iter().filter_map(|tile| tile.progress).map(|progress| progress.is_on_pace.unwrap_or(progress.is_met)).collect();
    let good = wanted.iter().filter(|is_good| **is_good).count();
    match (wanted.len(), good) {
        (0, _) => String::new(),
        (all, good) if all == good => lang.t("Everything is where it should be.").to_owned(),
        (all, good) => lang.fill("{} of {} targets are met or on their way.", &[&good, &all]),
    }
}

fn view<'a>(tile: &'a Tile, shell: &Shell) -> TileView<'a> {
    let changes = [(tile.before, key("than before")), (tile.year_before, key("than a year ago"))];
    TileView {
        href: links::kpi(tile.id),
        value: tile.value.map_or_else(|| "–".to_owned(), |value| tile.figures.show(value)),
        last: tile
            .last
            .as_ref()
            .map_or_else(String::new, |(period, value)| format!("{period}: {}", shell.lang().ltr(tile.figures.show(*value)))),
        changes: changes.into_iter().filter_map(|(found, words)| Some(words::change(found?, words, &tile.figures))).collect(),
        target: tile.progress.map(|progress| words::target(&progress, tile.better, tile.is_running, &tile.figures, shell)),
        spark: spark::svg(&tile.spark),
        why: tile.why.as_ref().map_or_else(String::new, |(segment, by)| shell.f2("Mostly {}: {}", segment, tile.figures.show_change(*by))),
        is_new: tile.value.is_none() && tile.problem.is_empty() && !tile.is_paused,
        tile,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::config::kpi::read_one;
    use crate::business::model::comparison;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn tile() -> Tile {
        let kpi = read_one("{name: Revenue, unit: currency, currency: EUR, pushed: {}}").unwrap();
        Tile {
            id: 7,
            name: "Revenue".into(),
            group: "Money".into(),
            figures: Figures::of(&kpi),
            period: "November 2026".into(),
            is_running: true,
            value: Some(8_412.0),
            before: Some(comparison::change(7_900.0, 8_412.0, Better::Up)),
            year_before: Some(comparison::change(9_000.0, 8_412.0, Better::Up)),
            progress: Some(comparison::progress(8_412.0, Some(10_300.0), 10_000.0, Better::Up)),
            spark: vec![1.0, 2.0, 3.0],
            why: Some(("plan = pro".into(), 320.0)),
            is_restated: true,
            ..Tile::default()
        }
    }

    fn html(input: &HomeInput) -> String {
        render(input, &shell(Page::Business, "Business", links::BUSINESS, ""))
    }

    #[test]
    fn a_tile_says_what_it_is_what_it_should_be_and_why() {
        let input = HomeInput {
            kpis: vec![tile(), Tile { name: "Churn".into(), problem: "no answer".into(), ..Tile::default() }],
            may_change: true,
            ..HomeInput::default()
        };
        let page = html(&input);
        for expected in [
            "€8,412",
            "+6.5 %",
            "−6.5 %",
            "of €10,000",
            "on pace for €10,300",
            "Mostly plan = pro: +€320",
            "Money",
            "November 2026",
            "no answer",
            "Everything is where it should be.",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
    }

    #[test]
    fn what_is_down_says_what_it_costs() {
        let then = IncidentThen {
            of: "Shop".into(),
            from: 0,
            until: Some(3_600_000),
            cause: "no answer".into(),
            path: "/uptime/incidents/3".into(),
        };
        let missed = Missed { name: "Orders".into(), lost: "43".into(), expected: "120".into(), actual: "77".into(), ..Missed::default() };
        let input = HomeInput { incidents: vec![Incident { then, costs: Ok(vec![missed]) }], kpis: vec![tile()], ..HomeInput::default() };
        let page = html(&input);
        for expected in ["href=\"/uptime/incidents/3\"", "−43", "1 h", "no answer"] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
    }

    #[test]
    fn an_empty_page_says_what_to_do() {
        assert!(html(&HomeInput { may_change: true, ..HomeInput::default() }).contains("What do you want to know each morning?"));
        assert!(!html(&HomeInput::default()).contains(links::KPI_EDIT), "viewers are not led to a form");
    }
}
