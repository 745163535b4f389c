//! Numbers, durations and sizes as they stand in labels, read as Go reads them, with its words for what is wrong.

use crate::base::go_duration;
use crate::series::labels::quote;

/// A floating point number (`strconv.ParseFloat`).
pub(crate) fn parse_float(text: &str) -> Result<f64, String> {
    let invalid = || format!("strconv.ParseFloat: parsing {}: invalid syntax", quote(text));
    let Ok(value) = fast_float2::parse::<f64, _>(text.as_bytes()) else {
        return parse_hex_float(text).ok_or_else(invalid);
    };
    if value.is_infinite() && !text.trim_start_matches(['+', '-']).starts_with(['i', 'I']) {
        return Err(format!("strconv.ParseFloat: parsing {}: value out of range", quote(text)));
    }
    Ok(value)
}

/// `0x1.8p3`: Go takes hexadecimal digits, and needs the exponent.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let rest = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"))?;
    let (mantissa, exponent) = rest.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value.mul_add(16.0, f64::from(digit.to_digit(16)?));
    }
    let scale = exponent.saturating_sub(i32::try_from(fraction.len()).ok()?.saturating_mul(4));
    Some(sign * value * f64::from(scale).exp2())
}

/// A Go duration such as `1h15m30.918s` (`time.ParseDuration`), in nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    go_duration::parse(text, &|text| quote(text))
}

/// A size such as `5KiB`, `1,024 B` or `12` (`humanize.ParseBytes`), in bytes.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let value = if number.contains(',') { parse_float(&number.replace(',', ""))? } else { parse_float(number)? };
    let unit = rest.trim().to_lowercase();
    let kilo = |power: i32| 1000_f64.powi(power);
    let kibi = |power: i32| 1024_f64.powi(power);
    let scale = match unit.as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => kilo(1),
        "m" | "mb" => kilo(2),
        "g" | "gb" => kilo(3),
        "t" | "tb" => kilo(4),
        "p" | "pb" => kilo(5),
        "e" | "eb" => kilo(6),
        "ki" | "kib" => kibi(1),
        "mi" | "mib" => kibi(2),
        "gi" | "gib" => kibi(3),
        "ti" | "tib" => kibi(4),
        "pi" | "pib" => kibi(5),
        "ei" | "eib" => kibi(6),
        _ => return Err(format!("unhandled size name: {unit}")),
    };
    let bytes = value * scale;
    if bytes >= u64::MAX as f64 {
        return Err(format!("too large: {text}"));
    }
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_go_reads_them() {
        for (text, value) in
            [("1", 1.0), ("-0.5e3", -500.0), ("+Inf", f64::INFINITY), (".5", 0.5), ("0x1.8p1", 3.0), ("-infinity", f64::NEG_INFINITY)]
        {
            assert_eq!(parse_float(text), Ok(value), "{text}");
        }
        assert!(parse_float("NaN").is_ok_and(f64::is_nan));
        for bad in ["", "abc", "1,0", " 1", "1 ", "0x10", "1e"] {
            assert_eq!(parse_float(bad), Err(format!("strconv.ParseFloat: parsing {bad:?}: invalid syntax")));
        }
        assert_eq!(parse_float("1e999"), Err("strconv.ParseFloat: parsing \"1e999\": value out of range".to_owned()));
    }

    #[test]
    fn durations_as_go_reads_them() {
        for (text, nanos) in [
            ("0", 0),
            ("1s", 1_000_000_000),
            ("-1.5h", -5_400_000_000_000),
            ("1h15m30.918s", 4_530_918_000_000),
            ("+5us", 5_000),
            (".5ms", 500_000),
            ("1µs", 1_000),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(parse_duration(text), Ok(nanos), "{text}");
        }
        assert_eq!(parse_duration("12"), Err("time: missing unit in duration \"12\"".to_owned()));
        assert_eq!(parse_duration("1d"), Err("time: unknown unit \"d\" in duration \"1d\"".to_owned()));
        for bad in ["", "x", ".", "s", "-", "9223372036854775808ns"] {
            assert_eq!(parse_duration(bad).map_err(|e| e.starts_with("time: invalid duration")), Err(true), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("42", 42), ("5KiB", 5120), ("1.5 kb", 1500), ("1,024 B", 1024), ("2GB", 2_000_000_000), ("1ei", 1 << 60)] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_bytes("5 apples"), Err("unhandled size name: apples".to_owned()));
        assert_eq!(parse_bytes("x"), Err("strconv.ParseFloat: parsing \"\": invalid syntax".to_owned()));
        assert_eq!(parse_bytes("100eb"), Err("too large: 100eb".to_owned()));
    }
}
