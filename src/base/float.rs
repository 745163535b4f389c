//! Floats as Prometheus and Go write and read them.

/// Writes `value` as Go's `strconv.FormatFloat(v, 'f', -1, 64)`: no exponent, `NaN`, `+Inf`, `-Inf`.
///
/// This is how PromQL prints numbers, and the HTTP API scalars.
pub fn push_plain(out: &mut String, value: f64) {
    if let Some(word) = special(value) {
        out.push_str(word);
        return;
    }
    // Rust's `Display` prints the shortest decimal without exponent, exactly as Go's 'f' with -1.
    use std::fmt::Write;
    let written = write!(out, "{value}");
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

/// [`push_plain`] into a new string.
pub fn plain(value: f64) -> String {
    let mut out = String::new();
    push_plain(&mut out, value);
    out
}

/// Writes `value` as Go's `strconv.FormatFloat(v, 'g', -1, 64)`: with an exponent of two digits or more below
/// 1e-4 and from 1e6 on, whatever the number of digits.
///
/// This is how the text exposition format and `le` labels print.
pub fn push_general(out: &mut String, value: f64) {
    if let Some(word) = special(value) {
        out.push_str(word);
        return;
    }
    let magnitude = value.abs();
    if value == 0.0 || (1e-4..1e6).contains(&magnitude) {
        push_plain(out, value);
        return;
    }
    push_scientific(out, value);
}

/// Writes `value` as the HTTP API writes samples: plain, but with an exponent below 1e-6 and from 1e21 on.
pub fn push_sample(out: &mut String, value: f64) {
    let magnitude = value.abs();
    if magnitude == 0.0 || !magnitude.is_finite() || (1e-6..1e21).contains(&magnitude) {
        return push_plain(out, value);
    }
    push_scientific(out, value);
}

/// [`push_sample`] into a new string.
pub fn sample(value: f64) -> String {
    let mut out = String::new();
    push_sample(&mut out, value);
    out
}

/// `1.5e3` as Go writes it: `1.5e+03`.
pub fn go_exponent(text: String) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// `value` with so many significant digits, as Go's `%.4g` does with 4.
pub fn significant(value: f64, precision: usize) -> String {
    if let Some(word) = special(value) {
        return word.to_owned();
    }
    let number = value;
    let scientific = format!("{number:.*e}", precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or_default();
    let trim = |text: &str| if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() };
    if power < -4 || power >= precision as i32 {
        let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        return go_exponent(format!("{}e{power}", trim(mantissa)));
    }
    trim(&format!("{number:.*}", (precision as i32 - 1 - power).max(0) as usize))
}

/// `value` as Go's `strconv.FormatFloat(v, 'e', -1, 64)`: `1e+00`.
pub fn exponent(value: f64) -> String {
    if let Some(word) = special(value) {
        return word.to_owned();
    }
    let mut out = String::new();
    push_scientific(&mut out, value);
    out
}

/// A finite number with an exponent of two digits at least.
fn push_scientific(out: &mut String, value: f64) {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    out.push_str(mantissa);
    out.push('e');
    out.push(sign);
    if digits.len() < 2 {
        out.push('0');
    }
    out.push_str(digits);
}

/// [`push_general`] into a new string.
pub fn general(value: f64) -> String {
    let mut out = String::new();
    push_general(&mut out, value);
    out
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value == f64::INFINITY {
        Some("+Inf")
    } else if value == f64::NEG_INFINITY {
        Some("-Inf")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_go_does() {
        for (value, as_plain, as_general) in [
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (1.0, "1", "1"),
            (0.1, "0.1", "0.1"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "0.00001", "1e-05"),
            (123_456.0, "123456", "123456"),
            (-999_999.0, "-999999", "-999999"),
            (1e6, "1000000", "1e+06"),
            (-1_234_567.0, "-1234567", "-1.234567e+06"),
            (1e21, "1000000000000000000000", "1e+21"),
            (1e-7, "0.0000001", "1e-07"),
            (1.5e300, &format!("15{}", "0".repeat(299)), "1.5e+300"),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf"),
        ] {
            assert_eq!(plain(value), as_plain);
            assert_eq!(general(value), as_general);
        }
        assert_eq!(general(2_466_190.0), "2.46619e+06");
        for (value, text) in [
            (1e-6, "0.000001"),
            (-9.5e-7, "-9.5e-07"),
            (1e-300, "1e-300"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (0.0, "0"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(sample(value), text);
        }
        assert_eq!(general(123_456.5), "123456.5");
    }
}
