//! `calculateField`: a new field, reckoned of others in its row, of itself over rows, or of a number.

use serde_json::Value;

use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use super::super::reduce::{reduce, reducer_name};
use super::{all_names, join, place_of, rename};
use crate::series::labels::Labels;

/// Most rows over which a window goes.
const WINDOW_MAX: f64 = 10_000.0;

/// Adds the field that the options describe to every frame; series are put beside each other first.
pub(super) fn calculate(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let is_series = frames.len() > 1 && frames.iter().all(|frame| frame.kind == FrameKind::Series);
    let frames = if is_series && options.flag_or("timeSeries", true) { join::join(frames, "", join::Mode::Outer)? } else { frames };
    let names = all_names(&frames);
    let replaces = options.flag("replaceFields");
    let mut made = Vec::new();
    for (mut frame, names) in frames.into_iter().zip(names) {
        let new = new_fields(options, &frame, &names)?;
        if replaces && !new.is_empty() {
            frame.fields.retain(|field| matches!(field.values, Column::Time(_)));
        }
        frame.fields.extend(new);
        made.push(frame);
    }
    Ok(made)
}

fn new_fields(options: Options<'_>, frame: &Frame, names: &[String]) -> Result<Vec<Field>, String> {
    let alias = options.word("alias");
    let found = match options.text("mode").unwrap_or("reduceRow") {
        "reduceRow" => vec![row_reduced(options.child("reduce"), frame, names)],
        "binary" => binary(options.child("binary"), frame, names)?,
        "unary" => unary(options.child("unary"), frame, names)?,
        "cumulativeFunctions" => over_rows(options.child("cumulative"), frame, names, &|values, how| cumulative(values, how)),
        "windowFunctions" => {
            let window = options.child("window");
            let size = window.number("windowSize").unwrap_or(0.1);
            let rows = if window.word("windowSizeMode") == "fixed" { size } else { (size * frame.len() as f64).round() };
            let rows = rows.clamp(1.0, WINDOW_MAX) as usize;
            let is_centred = window.word("windowAlignment") == "centered";
            over_rows(window, frame, names, &move |values, how| windowed(values, how, rows, is_centred))
        }
        "index" => {
            let count = frame.len();
            let by = if options.child("index").flag("asPercentile") { (count.max(2) - 1) as f64 } else { 1.0 };
            vec![("Row".to_owned(), (0..count).map(|row| Some(row as f64 / by)).collect())]
        }
        other => return Err(format!("fields are not calculated by \"{other}\"")),
    };
    let is_one = found.len() == 1;
    let made = found.into_iter().map(|(name, values)| {
        let mut field = Field { name: name.clone(), values: Column::Number(values), labels: Labels::empty(), ..Field::default() };
        if is_one && !alias.is_empty() {
            rename(&mut field, alias);
        }
        field
    });
    Ok(made.collect())
}

/// What becomes of the values of a field over rows, by the name of a reducer.
type OverRows<'a> = &'a dyn Fn(&[Option<f64>], &str) -> Vec<Option<f64>>;

type Reckoned = (String, Vec<Option<f64>>);

fn numbers_of(frame: &Frame, at: usize) -> Vec<Option<f64>> {
    frame.fields[at].values.numbers()
}

fn row_reduced(options: Options<'_>, frame: &Frame, names: &[String]) -> Reckoned {
    let reducer = options.text("reducer").unwrap_or("sum");
    let include = options.words("include");
    let columns: Vec<Vec<Option<f64>>> = frame
        .fields
        .iter()
        .zip(names)
        .enumerate()
        .filter(|(_, (field, name))| {
            matches!(field.values, Column::Number(_))
                && (include.is_empty() || include.contains(&name.as_str()) || include.contains(&field.name.as_str()))
        })
        .map(|(at, _)| numbers_of(frame, at))
        .collect();
    let values = (0..frame.len()).map(|row| {
        let cells = columns.iter().map(|column| column.get(row).copied().flatten()).collect();
        reduce(&Column::Number(cells), reducer).number()
    });
    (reducer_name(reducer), values.collect())
}

/// A side of an operation: a field, or a number.
enum Side {
    Fixed(f64),
    Values(String, Vec<Option<f64>>),
    All,
}

fn side(value: Option<&Value>, frame: &Frame, names: &[String]) -> Option<Side> {
    let text = match value? {
        Value::Number(number) => return number.as_f64().map(Side::Fixed),
        Value::String(text) => text.clone(),
        Value::Object(object) => {
            let matcher = Options::new(object).child("matcher");
            if let Some(fixed) = Options::new(object).number("fixed") {
                return Some(Side::Fixed(fixed));
            }
            if matcher.word("id") == "byType" {
                return Some(Side::All);
            }
            matcher.word("options").to_owned()
        }
        _ => return None,
    };
    match place_of(frame, names, &text) {
        Some(at) => Some(Side::Values(names[at].clone(), numbers_of(frame, at))),
        None => text.trim().parse().ok().map(Side::Fixed),
    }
}

fn binary(options: Options<'_>, frame: &Frame, names: &[String]) -> Result<Vec<Reckoned>, String> {
    let sign = options.text("operator").unwrap_or("+");
    let operate: fn(f64, f64) -> f64 = match sign {
        "+" => |a, b| a + b,
        "-" => |a, b| a - b,
        "*" => |a, b| a * b,
        "/" => |a, b| a / b,
        "^" | "**" => f64::powf,
        "%" => |a, b| a % b,
        "<" => |a, b| f64::from(u8::from(a < b)),
        ">" => |a, b| f64::from(u8::from(a > b)),
        "<=" => |a, b| f64::from(u8::from(a <= b)),
        ">=" => |a, b| f64::from(u8::from(a >= b)),
        "=" | "==" => |a, b| f64::from(u8::from(a == b)),
        "!=" => |a, b| f64::from(u8::from(a != b)),
        other => return Err(format!("there is no operator \"{other}\"")),
    };
    let (Some(left), Some(right)) = (side(options.get("left"), frame, names), side(options.get("right"), frame, names)) else {
        return Ok(Vec::new());
    };
    let lefts = match left {
        Side::All => frame
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| matches!(field.values, Column::Number(_)))
            .map(|(at, _)| Side::Values(names[at].clone(), numbers_of(frame, at)))
            .collect(),
        one => vec![one],
    };
    let at = |side: &Side, row: usize| match side {
        Side::Fixed(number) => Some(*number),
        Side::Values(_, values) => values.get(row).copied().flatten(),
        Side::All => None,
    };
    let name = |side: &Side| match side {
        Side::Fixed(number) => crate::base::float::plain(*number),
        Side::Values(name, _) => name.clone(),
        Side::All => String::new(),
    };
    let made = lefts.iter().map(|left| {
        let values = (0..frame.len()).map(|row| Some(operate(at(left, row)?, at(&right, row)?))).collect();
        (format!("{} {sign} {}", name(left), name(&right)), values)
    });
    Ok(made.collect())
}

fn unary(options: Options<'_>, frame: &Frame, names: &[String]) -> Result<Vec<Reckoned>, String> {
    let sign = options.text("operator").unwrap_or("abs");
    let operate: fn(f64) -> f64 = match sign {
        "abs" => f64::abs,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "floor" => f64::floor,
        "ceil" => f64::ceil,
        "round" => f64::round,
        "sqrt" => f64::sqrt,
        other => return Err(format!("there is no operator \"{other}\"")),
    };
    let Some(at) = place_of(frame, names, options.word("fieldName")) else { return Ok(Vec::new()) };
    let values = numbers_of(frame, at).into_iter().map(|value| value.map(operate)).collect();
    Ok(vec![(format!("{sign}({})", names[at]), values)])
}

fn over_rows(options: Options<'_>, frame: &Frame, names: &[String], reckon: OverRows<'_>) -> Vec<Reckoned> {
    let how = options.text("reducer").unwrap_or("mean");
    let Some(at) = place_of(frame, names, options.word("field")) else { return Vec::new() };
    vec![(format!("{} ({})", names[at], how), reckon(&numbers_of(frame, at), how))]
}

fn cumulative(values: &[Option<f64>], how: &str) -> Vec<Option<f64>> {
    let mut sum = 0.0;
    let mut count = 0.0;
    let run = values.iter().map(|value| {
        if let Some(value) = value {
            sum += value;
            count += 1.0;
        }
        if how == "sum" { Some(sum) } else { (count > 0.0).then(|| sum / count) }
    });
    run.collect()
}

fn windowed(values: &[Option<f64>], how: &str, rows: usize, is_centred: bool) -> Vec<Option<f64>> {
    let before = if is_centred { rows / 2 } else { rows - 1 };
    let run = (0..values.len()).map(|at| {
        let from = at.saturating_sub(before);
        let to = if is_centred { (at + rows.div_ceil(2)).min(values.len()) } else { at + 1 };
        let part: Vec<f64> = values[from..to.max(from)].iter().copied().flatten().collect();
        let mean = (!part.is_empty()).then(|| part.iter().sum::<f64>() / part.len() as f64)?;
        let variance = || part.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / part.len() as f64;
        Some(match how {
            "variance" => variance(),
            "stddev" | "stdDev" => variance().sqrt(),
            _ => mean,
        })
    });
    run.collect()
}
