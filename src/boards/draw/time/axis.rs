//! Axes of a chart: series that count in the same way share one.

use serde_json::{Map, Value, json};

use super::put;
use crate::boards::data::Options;
use crate::boards::draw::grid;
use crate::boards::model::Look;
use crate::ui::units::Unit;

/// Most axes of a chart; what would need another stands on the last.
const AXES_MAX: usize = 8;

/// The axes of a chart, in the order in which series need them.
#[derive(Default)]
pub(super) struct Axes(Vec<Axis>);

#[derive(PartialEq)]
struct Axis {
    unit: String,
    decimals: Option<u32>,
    placement: Placement,
    label: String,
    min: Option<f64>,
    max: Option<f64>,
    soft_min: Option<f64>,
    soft_max: Option<f64>,
    log: u32,
    is_centred: bool,
    grid: Option<bool>,
    width: Option<u32>,
}

#[derive(PartialEq, Clone, Copy)]
enum Placement {
    Auto,
    Left,
    Right,
    Hidden,
}

impl Axes {
    /// The number of the axis on which a series stands.
    pub(super) fn place(&mut self, look: &Look) -> usize {
        let axis = Axis::of(look);
        if let Some(at) = self.0.iter().position(|one| *one == axis) {
            return at;
        }
        if self.0.len() < AXES_MAX {
            self.0.push(axis);
        }
        self.0.len() - 1
    }

    /// For the browser.
    pub(super) fn json(&self) -> Value {
        let is_left_taken = |before: usize| self.0[..before].iter().any(|one| matches!(one.placement, Placement::Auto | Placement::Left));
        Value::Array(self.0.iter().enumerate().map(|(at, one)| one.json(is_left_taken(at))).collect())
    }
}

impl Axis {
    fn of(look: &Look) -> Self {
        let custom = Options::new(&look.custom);
        let scale = custom.child("scaleDistribution");
        Self {
            unit: look.unit.clone(),
            decimals: look.decimals,
            placement: match custom.word("axisPlacement") {
                "left" => Placement::Left,
                "right" => Placement::Right,
                "hidden" => Placement::Hidden,
                _ => Placement::Auto,
            },
            label: custom.word("axisLabel").to_owned(),
            min: look.min,
            max: look.max,
            soft_min: custom.number("axisSoftMin"),
            soft_max: custom.number("axisSoftMax"),
            log: match (scale.word("type"), scale.number("log")) {
                ("log", Some(10.0)) => 10,
                ("log", _) => 2,
                ("symlog", _) => 10,
                _ => 0,
            },
            is_centred: custom.flag("axisCenteredZero"),
            grid: custom.get("axisGridShow").and_then(Value::as_bool),
            width: custom.count("axisWidth", 1, 500),
        }
    }

    fn json(&self, is_left_taken: bool) -> Value {
        let is_right = self.placement == Placement::Right || (self.placement == Placement::Auto && is_left_taken);
        let mut axis = Map::new();
        axis.insert("side".to_owned(), json!(if is_right { "right" } else { "left" }));
        axis.insert("unit".to_owned(), json!(Unit::from_id(&self.unit).form()));
        put(&mut axis, "decimals", self.decimals.map(Value::from));
        put(&mut axis, "label", (!self.label.is_empty()).then(|| json!(self.label)));
        for (name, bound) in [("min", self.min), ("max", self.max), ("softMin", self.soft_min), ("softMax", self.soft_max)] {
            put(&mut axis, name, bound.map(grid::number));
        }
        axis.insert("log".to_owned(), json!(self.log));
        axis.insert("centred".to_owned(), json!(self.is_centred));
        // Lines of a second axis would lie between those of the first.
        axis.insert("grid".to_owned(), json!(self.grid.unwrap_or(!is_right)));
        put(&mut axis, "hidden", (self.placement == Placement::Hidden).then_some(Value::Bool(true)));
        put(&mut axis, "width", self.width.map(Value::from));
        Value::Object(axis)
    }
}
