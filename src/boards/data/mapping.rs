//! Texts for values, as the panel maps them.

use super::cell::Cell;
use super::pattern::{pattern, replacement};
use crate::boards::model::{Fits, Mapping};

/// The first mapping that fits a value, with its text; the text is empty where the mapping has none of its own.
pub fn mapped<'a>(mappings: &'a [Mapping], cell: &Cell) -> Option<(&'a Mapping, String)> {
    mappings.iter().find_map(|mapping| fitting_text(mapping, cell).map(|text| (mapping, text)))
}

fn fitting_text(mapping: &Mapping, cell: &Cell) -> Option<String> {
    let number = cell.number();
    let is_nan = number.is_some_and(f64::is_nan);
    let fits = match &mapping.fits {
        Fits::Value(wanted) => match cell {
            Cell::Nothing => false,
            Cell::Number(number) => wanted.trim().parse::<f64>().is_ok_and(|wanted| wanted == *number),
            other => other.text() == *wanted,
        },
        Fits::Range(from, to) => {
            let number = number.or_else(|| if let Cell::Text(text) = cell { text.trim().parse().ok() } else { None })?;
            from.is_none_or(|from| number >= from) && to.is_none_or(|to| number <= to) && !is_nan
        }
        Fits::Regex(text) => return by_pattern(text, &mapping.text, cell),
        Fits::Null => cell.is_nothing(),
        Fits::Nan => is_nan,
        Fits::NullOrNan => cell.is_nothing() || is_nan,
        Fits::True => matches!(cell, Cell::Bool(true)) || matches!(cell, Cell::Text(text) if text == "true"),
        Fits::False => matches!(cell, Cell::Bool(false)) || matches!(cell, Cell::Text(text) if text == "false"),
        Fits::Empty => matches!(cell, Cell::Text(text) if text.is_empty()),
    };
    fits.then(|| mapping.text.clone())
}

/// A pattern fits texts; `$1` in the text of the mapping is what its first group found.
fn by_pattern(text: &str, text_of: &str, cell: &Cell) -> Option<String> {
    let value = match cell {
        Cell::Nothing => return None,
        other => other.text(),
    };
    let regex = pattern(text).ok()?;
    let found = regex.captures(&value)?;
    let mut out = String::new();
    found.expand(&replacement(text_of), &mut out);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(fits: Fits, text: &str) -> Mapping {
        Mapping { fits, text: text.into(), colour: String::new(), index: 0 }
    }

    #[test]
    fn the_first_that_fits_gives_the_text() {
        let mappings = [
            one(Fits::Value("1".into()), "up"),
            one(Fits::Range(Some(2.0), Some(5.0)), "few"),
            one(Fits::Range(Some(5.0), None), "many"),
            one(Fits::Regex("/^node-(\\w+)$/".into()), "host $1"),
            one(Fits::Regex("/(/".into()), "never"),
            one(Fits::NullOrNan, "none"),
            one(Fits::True, "yes"),
            one(Fits::Empty, "(empty)"),
        ];
        for (cell, text) in [
            (Cell::Number(1.0), Some("up")),
            (Cell::Number(0.0), None),
            (Cell::Number(5.0), Some("few")),
            (Cell::Number(6.0), Some("many")),
            (Cell::Number(f64::NAN), Some("none")),
            (Cell::Nothing, Some("none")),
            (Cell::Text("node-a".into()), Some("host a")),
            (Cell::Text(String::new()), Some("(empty)")),
            (Cell::Text("1".into()), Some("up")),
            (Cell::Bool(true), Some("yes")),
            (Cell::Bool(false), None),
        ] {
            assert_eq!(mapped(&mappings, &cell).map(|(_, text)| text).as_deref(), text, "{cell:?}");
        }
    }
}
