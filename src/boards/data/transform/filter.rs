//! `filterFieldsByName`, `filterByRefId` and `filterByValue`: which fields, frames and rows stay.

use super::super::cell::Cell;
use super::super::frame::Frame;
use super::super::options::Options;
use super::super::pattern::pattern;
use super::{all_names, is_ref, place_of, with_rows};

/// Keeps the fields that are included and not excluded, by name or by pattern.
pub(super) fn fields_by_name(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let compiled = |side: Options<'_>| side.text("pattern").filter(|text| !text.is_empty()).map(pattern).transpose();
    let (include, exclude) = (options.child("include"), options.child("exclude"));
    let (include_regex, exclude_regex) = (compiled(include)?, compiled(exclude)?);
    let (include_names, exclude_names) = (include.words("names"), exclude.words("names"));
    let includes_all = include_names.is_empty() && include_regex.is_none();
    let stays = |name: &str| {
        let is_in = includes_all || include_names.contains(&name) || include_regex.as_ref().is_some_and(|regex| regex.is_match(name));
        let is_out = exclude_names.contains(&name) || exclude_regex.as_ref().is_some_and(|regex| regex.is_match(name));
        is_in && !is_out
    };
    let names = all_names(&frames);
    let kept = frames.into_iter().zip(names).map(|(mut frame, names)| {
        let mut names = names.iter();
        frame.fields.retain(|_| names.next().is_some_and(|name| stays(name)));
        frame
    });
    Ok(kept.filter(|frame| !frame.fields.is_empty()).collect())
}

/// Keeps the frames of some queries.
pub(super) fn by_ref_id(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let include = options.word("include");
    let exclude = options.word("exclude");
    let stays =
        |frame: &Frame| (include.is_empty() || is_ref(include, &frame.ref_id)) && (exclude.is_empty() || !is_ref(exclude, &frame.ref_id));
    Ok(frames.into_iter().filter(stays).collect())
}

/// Keeps or drops rows by conditions on their values.
pub(super) fn by_value(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let drops = options.word("type") == "exclude";
    let needs_all = options.word("match") == "all";
    let mut conditions = Vec::new();
    for filter in options.children("filters") {
        conditions.push((filter.word("fieldName"), Condition::read(filter.child("config"))?));
    }
    let names = all_names(&frames);
    let kept = frames.iter().zip(&names).map(|(frame, names)| {
        let here: Vec<(usize, &Condition)> =
            conditions.iter().filter_map(|(field, condition)| Some((place_of(frame, names, field)?, condition))).collect();
        if here.is_empty() {
            return frame.clone();
        }
        let fits = |row: &usize| {
            let mut found = here.iter().map(|(at, condition)| condition.fits(&frame.fields[*at].values.cell(*row)));
            let is_fit = if needs_all { found.all(|fits| fits) } else { found.any(|fits| fits) };
            is_fit != drops
        };
        with_rows(frame, &(0..frame.len()).filter(fits).collect::<Vec<_>>())
    });
    Ok(kept.collect())
}

enum Condition {
    Null(bool),
    Compare(fn(f64, f64) -> bool, f64),
    Between(f64, f64),
    Equal(String, bool),
    Holds(String, bool),
    Fits(regex::Regex),
}

impl Condition {
    fn read(config: Options<'_>) -> Result<Self, String> {
        let options = config.child("options");
        let number = |name: &str| options.number(name).unwrap_or(f64::NAN);
        let text = || match options.get("value") {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        Ok(match config.word("id") {
            "isNull" => Self::Null(true),
            "isNotNull" => Self::Null(false),
            "greater" => Self::Compare(|a, b| a > b, number("value")),
            "greaterOrEqual" => Self::Compare(|a, b| a >= b, number("value")),
            "lower" => Self::Compare(|a, b| a < b, number("value")),
            "lowerOrEqual" => Self::Compare(|a, b| a <= b, number("value")),
            "between" | "range" => Self::Between(number("from"), number("to")),
            "equal" => Self::Equal(text(), true),
            "notEqual" => Self::Equal(text(), false),
            "substring" => Self::Holds(text().to_lowercase(), true),
            "notSubstring" => Self::Holds(text().to_lowercase(), false),
            "regex" => Self::Fits(pattern(&text())?),
            other => return Err(format!("values are not compared by \"{other}\"")),
        })
    }

    fn fits(&self, cell: &Cell) -> bool {
        match self {
            Self::Null(wanted) => cell.is_nothing() == *wanted,
            Self::Compare(compare, with) => cell.number().is_some_and(|number| compare(number, *with)),
            Self::Between(from, to) => cell.number().is_some_and(|number| (*from..=*to).contains(&number)),
            Self::Equal(wanted, is_same) => {
                let is_equal = match (cell, wanted.trim().parse::<f64>()) {
                    (Cell::Number(number), Ok(wanted)) => *number == wanted,
                    _ => cell.text() == *wanted,
                };
                is_equal == *is_same
            }
            Self::Holds(part, wanted) => cell.text().to_lowercase().contains(part) == *wanted,
            Self::Fits(regex) => regex.is_match(&cell.text()),
        }
    }
}
