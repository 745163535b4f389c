//! Arithmetic of templates: whole numbers and floats, read from whatever is given.

use crate::base::template::Value;
use crate::logs::query::convert::parse_float;

/// As a whole number; texts that are none count as 0.
pub(super) fn to_int(value: &Value<'_>) -> i64 {
    match value {
        Value::Int(value) => *value,
        Value::Float(value) => *value as i64,
        Value::Bool(value) => i64::from(*value),
        Value::Text(text) => {
            let digits =
                text.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|byte| byte == b'0')).map_or(&**text, |(whole, _)| whole);
            digits.parse().unwrap_or_default()
        }
        _ => 0,
    }
}

/// As a float; texts that are none count as 0.
pub(super) fn to_float(value: &Value<'_>) -> f64 {
    match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Text(text) => parse_float(text).unwrap_or_default(),
        _ => 0.0,
    }
}

/// `add`, `sub`, ... on whole numbers, which wrap around as Go's do.
pub(super) fn whole(name: &str, args: &[Value<'_>]) -> Result<i64, String> {
    let numbers: Vec<i64> = args.iter().map(to_int).collect();
    let (first, rest) = numbers.split_first().ok_or("wrong number of args: want at least 1 got 0")?;
    let two = || if rest.len() == 1 { Ok(rest[0]) } else { Err(format!("wrong number of args: want 2 got {}", numbers.len())) };
    Ok(match name {
        "add" => rest.iter().fold(*first, |sum, n| sum.wrapping_add(*n)),
        "mul" => rest.iter().fold(*first, |product, n| product.wrapping_mul(*n)),
        "max" => rest.iter().fold(*first, |max, n| max.max(*n)),
        "min" => rest.iter().fold(*first, |min, n| min.min(*n)),
        "sub" => first.wrapping_sub(two()?),
        "div" => first.checked_div(two()?).ok_or("integer divide by zero")?,
        _ => first.checked_rem(two()?).ok_or("integer divide by zero")?,
    })
}

/// `addf`, `subf`, ... on floats.
pub(super) fn float(name: &str, args: &[Value<'_>]) -> Result<f64, String> {
    let numbers: Vec<f64> = args.iter().map(to_float).collect();
    let (first, rest) = numbers.split_first().ok_or("wrong number of args: want at least 1 got 0")?;
    let fold = |with: fn(f64, f64) -> f64| rest.iter().fold(*first, |so_far, n| with(so_far, *n));
    Ok(match name {
        "addf" => tidy(fold(|a, b| a + b)),
        "subf" => tidy(fold(|a, b| a - b)),
        "mulf" => tidy(fold(|a, b| a * b)),
        "divf" => tidy(fold(|a, b| a / b)),
        "maxf" => fold(f64::max),
        _ => fold(f64::min),
    })
}

/// Upstream computes these in decimals: 0.1 + 0.2 is 0.3.
fn tidy(value: f64) -> f64 {
    if !value.is_finite() {
        return value;
    }
    format!("{value:.14e}").parse().unwrap_or(value)
}

/// `round value places [turn]`: up from `turn` (0.5) on.
pub(super) fn round(args: &[Value<'_>]) -> Result<f64, String> {
    let (value, places) = match args {
        [value, places] | [value, places, _] => (to_float(value), to_int(places).clamp(-300, 300) as i32),
        _ => return Err(format!("wrong number of args: want 2 got {}", args.len())),
    };
    let turn = args.get(2).map_or(0.5, to_float);
    let power = 10_f64.powi(places);
    let digit = power * value;
    let rounded = if digit.fract() >= turn { digit.ceil() } else { digit.floor() };
    Ok(rounded / power)
}
