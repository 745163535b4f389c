//! How values look: unit, bounds, colours, texts for values, links; by default and for fields that match.

use super::board::{Link, Object};

/// How the values of a panel look.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldConfig {
    /// For every field, as Grafana's JSON has it (`unit`, `decimals`, `custom` ...).
    pub defaults: Object,
    /// What is otherwise for some, in order; the last wins.
    pub overrides: Vec<Override>,
}

/// What is otherwise for fields that match.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Which fields.
    pub matcher: FieldMatcher,
    /// Properties by the path in the defaults (`unit`, `custom.fillOpacity`), with their values.
    pub properties: Vec<(String, serde_json::Value)>,
}

/// Which fields are meant.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldMatcher {
    /// The field with this name, as it is shown.
    Name(String),
    /// Those with one of these names; or all others.
    Names {
        /// The names.
        names: Vec<String>,
        /// Whether all others are meant.
        is_excluding: bool,
    },
    /// Those whose name fits a regular expression, with or without slashes around.
    Regex(String),
    /// Those of a type (`number`, `time`, `string`, `boolean`).
    Type(String),
    /// Those of a query.
    RefId(String),
    /// Those of which a reduced value compares so (`reducer`, `op`, `value`).
    Value(Object),
    /// One that pharos does not know: fits nothing, and the report says so.
    Unknown(String),
}

/// How the values of one field look, after everything that applies to it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    /// Its name for people, with variables and `${__field.labels.x}`; empty for its own.
    pub display_name: String,
    /// What it is about.
    pub description: String,
    /// Grafana's id of the unit; empty for none.
    pub unit: String,
    /// Digits after the point; none for as many as are legible.
    pub decimals: Option<u32>,
    /// The least value a scale shows.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// Whether bounds that are not given are this field's own, not those of all fields.
    pub has_own_bounds: bool,
    /// Where colours change.
    pub thresholds: Thresholds,
    /// Texts and colours for values, in order; the first that fits wins.
    pub mappings: Vec<Mapping>,
    /// How it is coloured.
    pub colour: ColourMode,
    /// Instead of a value that is not there; empty for a dash.
    pub no_value: String,
    /// Whether a value that is not there counts as zero.
    pub is_zero_where_nothing: bool,
    /// Links on values.
    pub links: Vec<Link>,
    /// Whether a table offers to filter by it.
    pub is_filterable: bool,
    /// What only its kind of panel knows.
    pub custom: Object,
}

/// Where colours change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Thresholds {
    /// Whether values are percents of the way from `min` to `max`.
    pub is_percent: bool,
    /// From which value on which colour, ascending; the first begins at minus infinity.
    pub steps: Vec<(f64, String)>,
}

impl Thresholds {
    /// The colour of a value between bounds, none if there are no steps.
    pub fn colour(&self, value: f64, min: f64, max: f64) -> Option<&str> {
        let at = if self.is_percent { (value - min) / (max - min) * 100.0 } else { value };
        self.steps.iter().take_while(|(from, _)| *from <= at).last().or(self.steps.first()).map(|(_, colour)| colour.as_str())
    }
}

/// Text and colour for values that fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Which values.
    pub fits: Fits,
    /// The text; empty for the value's own.
    pub text: String,
    /// The colour, as Grafana writes colours; empty for none.
    pub colour: String,
    /// Its place among the mappings, for tables that sort by it.
    pub index: i64,
}

/// Which values a mapping is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Fits {
    /// This text, or a number written so.
    Value(String),
    /// Numbers from here to there, both included; none is no bound.
    Range(Option<f64>, Option<f64>),
    /// Texts that fit a regular expression; the mapping's text may name its groups (`$1`).
    Regex(String),
    /// No value.
    Null,
    /// Not a number.
    Nan,
    /// No value, or not a number.
    NullOrNan,
    /// True.
    True,
    /// False.
    False,
    /// The empty text.
    Empty,
}

/// How a field is coloured.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ColourMode {
    /// By its place among the series.
    #[default]
    Palette,
    /// By its name, so that it is the same everywhere.
    PaletteByName,
    /// By where its value lies among the thresholds.
    Thresholds,
    /// This one.
    Fixed(String),
    /// Shades of this one.
    Shades(String),
    /// A scale between colours, by Grafana's name (`continuous-GrYlRd`).
    Continuous(String),
}
