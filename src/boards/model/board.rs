//! A dashboard as pharos understands it: a typed view of Grafana's classic JSON, which itself is kept as it came.

use serde_json::Map;

use super::field_config::FieldConfig;
use super::variable::Variable;

/// A JSON object.
pub type Object = Map<String, serde_json::Value>;

/// Columns of the grid on which panels stand.
pub const GRID_COLUMNS: u32 = 24;
/// Most bytes of a dashboard's JSON.
pub const BOARD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most panels of a dashboard, those in collapsed rows included; what stands after is not shown.
pub const PANELS_MAX: usize = 1_000;
/// Most queries of a panel.
pub const TARGETS_MAX: usize = 50;
/// Most variables of a dashboard.
pub const VARIABLES_MAX: usize = 100;

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Board {
    /// Names it in URLs; empty before it is kept.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// What it says of itself.
    pub description: String,
    /// Tags, in the order in which they were given.
    pub tags: Vec<String>,
    /// The schema in which it was written; 0 if it does not say.
    pub schema_version: i64,
    /// Counts its changes.
    pub version: i64,
    /// Panels and rows in reading order. Panels of a collapsed row stand in the row, those of an open one after it.
    pub panels: Vec<Panel>,
    /// Variables, in the order in which they are filled.
    pub variables: Vec<Variable>,
    /// What is marked on its charts.
    pub annotations: Vec<AnnotationQuery>,
    /// Links beside the variables.
    pub links: Vec<Link>,
    /// The range that is shown unless the URL names one, as on pages (`now-6h`, dates).
    pub from: String,
    /// Its end.
    pub to: String,
    /// How often it refreshes unless the URL says (`30s`); empty for not at all.
    pub refresh: String,
    /// `browser`, `utc`, a name of a zone, or empty for the reader's.
    pub timezone: String,
    /// What charts share when the pointer is on one.
    pub cursor: SharedCursor,
    /// Whether it may be changed in the browser.
    pub is_editable: bool,
    /// Sources and constants that whoever imports it has to give.
    pub inputs: Vec<Input>,
}

/// What charts share when the pointer is on one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SharedCursor {
    /// Nothing.
    #[default]
    Off,
    /// The crosshair.
    Crosshair,
    /// The crosshair and the tooltip.
    Tooltip,
}

/// A value that is asked for at import (`__inputs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name, as `${NAME}` in the JSON.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// `datasource` or `constant`.
    pub kind: String,
    /// The kind of source, for sources.
    pub plugin: String,
    /// Its value unless another is given: that of a constant, or the uid of the source of its kind.
    pub value: String,
}

/// A panel or a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Panel {
    /// Its number in the dashboard.
    pub id: i64,
    /// How it is drawn.
    pub kind: PanelKind,
    /// Its type as the JSON names it.
    pub given_kind: String,
    /// Its title, with variables.
    pub title: String,
    /// What it says of itself, in Markdown, with variables.
    pub description: String,
    /// Whether it stands without a surface of its own.
    pub is_transparent: bool,
    /// Where it stands.
    pub place: Place,
    /// What a row holds; none for panels.
    pub row: Option<Row>,
    /// Whether it stands once for each value of a variable.
    pub repeat: Option<Repeat>,
    /// Where its queries go unless they say.
    pub source: Source,
    /// Its queries.
    pub targets: Vec<Target>,
    /// What is done with the answers, in order.
    pub transformations: Vec<Transformation>,
    /// How values look.
    pub fields: FieldConfig,
    /// Options of its kind.
    pub options: Object,
    /// Links on its title.
    pub links: Vec<Link>,
    /// When and how densely it asks.
    pub asking: Asking,
}

/// How a panel is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PanelKind {
    #[default]
    TimeSeries,
    Stat,
    Gauge,
    BarGauge,
    Table,
    Heatmap,
    Histogram,
    BarChart,
    Pie,
    StateTimeline,
    StatusHistory,
    Logs,
    Text,
    AlertList,
    BoardList,
    AnnotationList,
    /// No panel but a heading for those after it.
    Row,
    /// A type that pharos does not draw: it says so where it stands.
    Unknown,
}

/// Grafana's names of types. Where there are several, the first is written, the others are older ones.
const KINDS: &[(PanelKind, &[&str])] = &[
    (PanelKind::TimeSeries, &["timeseries", "graph", "trend"]),
    (PanelKind::Stat, &["stat", "singlestat", "grafana-singlestat-panel"]),
    (PanelKind::Gauge, &["gauge"]),
    (PanelKind::BarGauge, &["bargauge"]),
    (PanelKind::Table, &["table", "table-old"]),
    (PanelKind::Heatmap, &["heatmap"]),
    (PanelKind::Histogram, &["histogram"]),
    (PanelKind::BarChart, &["barchart"]),
    (PanelKind::Pie, &["piechart", "grafana-piechart-panel"]),
    (PanelKind::StateTimeline, &["state-timeline"]),
    (PanelKind::StatusHistory, &["status-history"]),
    (PanelKind::Logs, &["logs"]),
    (PanelKind::Text, &["text"]),
    (PanelKind::AlertList, &["alertlist"]),
    (PanelKind::BoardList, &["dashlist"]),
    (PanelKind::AnnotationList, &["annolist"]),
    (PanelKind::Row, &["row"]),
];

impl PanelKind {
    /// From the name of a type.
    pub fn from_name(name: &str) -> Self {
        KINDS.iter().find(|(_, names)| names.contains(&name)).map_or(Self::Unknown, |(kind, _)| *kind)
    }

    /// The name of its type; empty for unknown ones.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, names)| names[0])
    }

    /// Whether it shows answers of queries.
    pub const fn asks(self) -> bool {
        !matches!(self, Self::Text | Self::AlertList | Self::BoardList | Self::AnnotationList | Self::Row | Self::Unknown)
    }
}

/// Where a panel stands on the grid: columns and rows of 30 pixels with gaps of 8, as in Grafana.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// First column, from 0.
    pub x: u32,
    /// First row, from 0.
    pub y: u32,
    /// Columns.
    pub w: u32,
    /// Rows.
    pub h: u32,
}

/// What a row holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// Whether its panels are hidden until somebody opens it.
    pub is_collapsed: bool,
    /// Its panels, where it is collapsed.
    pub panels: Vec<Panel>,
}

/// A panel or row that stands once for each value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// The variable.
    pub variable: String,
    /// Whether copies stand below each other, not beside.
    pub is_vertical: bool,
    /// Most beside each other.
    pub per_line_max: u32,
}

/// Where queries go, as the JSON says; what it means depends on variables and inputs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The kind of source (`prometheus`, `loki`, `datasource` ...); empty if it does not say.
    pub kind: String,
    /// Its uid or, in older schemas, its name; may be a variable. Empty for the default.
    pub name: String,
}

/// A query of a panel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Target {
    /// Its letter.
    pub ref_id: String,
    /// The query, with variables.
    pub expr: String,
    /// How series are named: `{{label}}`, empty or `__auto` for what tells them apart.
    pub legend: String,
    /// Not asked.
    pub is_hidden: bool,
    /// The form of its answer.
    pub format: TargetFormat,
    /// Whether the value now is asked for.
    pub is_instant: bool,
    /// Whether the values over time are asked for.
    pub is_range: bool,
    /// Least distance of points, with variables; empty for the panel's.
    pub interval: String,
    /// Distance of points is this many times what the width gives; at least 1.
    pub interval_factor: u32,
    /// Whether exemplars are wanted.
    pub is_exemplar: bool,
    /// Most lines of a log; 0 for the usual number.
    pub lines_max: u32,
    /// Where it goes.
    pub source: Source,
    /// All of it, for what the fields above do not say (expressions, queries of kinds that pharos does not know).
    pub json: Object,
}

/// The form of a query's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetFormat {
    /// One frame a series.
    #[default]
    TimeSeries,
    /// One frame with a column for each label.
    Table,
    /// Buckets of a histogram as rows.
    Heatmap,
}

/// A step that changes answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transformation {
    /// Which.
    pub id: String,
    /// Left out.
    pub is_disabled: bool,
    /// Its options.
    pub options: Object,
    /// Which frames it sees, as a matcher of frames (`{"id":"byRefId","options":"A"}`); none for all.
    pub filter: Option<Object>,
}

/// When and how densely a panel asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asking {
    /// Least distance of points (`30s`, `>30s`, with variables); empty for the source's.
    pub interval_min: String,
    /// Most points; 0 for its width in pixels.
    pub points_max: u32,
    /// Another length of the range (`1h`); empty for the page's.
    pub time_from: String,
    /// The range lies so much earlier (`1d`); empty for not.
    pub time_shift: String,
    /// Whether that is not said beside the title.
    pub hides_time: bool,
}

/// A link beside the variables, on a title or on values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// Its words, with variables.
    pub title: String,
    /// Where it leads, with variables; empty for a list of dashboards.
    pub url: String,
    /// A list of the dashboards with these tags, where it is one.
    pub tags: Vec<String>,
    /// Whether such a list is a menu.
    pub is_menu: bool,
    /// Whether it opens a window of its own.
    pub opens_window: bool,
    /// Whether the range goes with it.
    pub keeps_time: bool,
    /// Whether the variables go with it.
    pub keeps_variables: bool,
    /// What it is for.
    pub tooltip: String,
}

/// What is marked on charts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnnotationQuery {
    /// Its name, on the switch that hides it.
    pub name: String,
    /// Whether it is shown at first.
    pub is_enabled: bool,
    /// Whether there is no switch for it.
    pub is_hidden: bool,
    /// Its colour, as Grafana writes colours.
    pub colour: String,
    /// Where its query goes.
    pub source: Source,
    /// A query, with variables: what it gives is marked.
    pub expr: String,
    /// On which panels it is marked.
    pub panels: MarkedPanels,
    /// All of it (`target`, `step`, `titleFormat`, `tagKeys`, `textFormat`, `useValueForTime`).
    pub json: Object,
}

/// On which panels something is marked, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MarkedPanels {
    /// On every one.
    #[default]
    All,
    /// On these.
    Only(Vec<i64>),
    /// On all but these.
    AllBut(Vec<i64>),
}

impl MarkedPanels {
    /// Whether it is marked on a panel.
    pub fn has(&self, id: i64) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
            Self::AllBut(ids) => !ids.contains(&id),
        }
    }
}

impl Board {
    /// Every panel that is no row, those in collapsed rows included.
    pub fn every_panel(&self) -> impl Iterator<Item = &Panel> {
        self.panels.iter().flat_map(|panel| match &panel.row {
            Some(row) => row.panels.iter().collect::<Vec<_>>(),
            None => vec![panel],
        })
    }

    /// The panel with a number.
    pub fn panel(&self, id: i64) -> Option<&Panel> {
        self.every_panel().find(|panel| panel.id == id)
    }
}
