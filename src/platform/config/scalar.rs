//! What a scalar means where a number, a truth value, a size or a choice is wanted: YAML 1.1, as Go's `yaml.v2`.

/// `true`, `yes`, `on`, `y` and their opposites.
pub fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Some(false),
        _ => None,
    }
}

/// A whole number: `10`, `-1`, `1_000`, `0x1f`, `0o17`, `017`, `0b11`, also `1e3`.
pub fn integer(text: &str) -> Option<i128> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (negative, digits) = match plain.strip_prefix(['+', '-']) {
        Some(digits) => (plain.starts_with('-'), digits),
        None => (false, plain.as_str()),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
        [b'0', _, ..] if digits.bytes().all(|b| b.is_ascii_digit()) => (8, &digits[1..]),
        _ => (10, digits),
    };
    let value = if digits.starts_with(|c: char| c.is_ascii_alphanumeric()) { i128::from_str_radix(digits, radix).ok() } else { None };
    let value = value.filter(|value| *value <= i128::from(u64::MAX));
    match value {
        Some(value) => Some(if negative { -value } else { value }),
        None => float(text).filter(|value| value.fract() == 0.0 && value.abs() < 9.2e18).map(|value| value as i128),
    }
}

/// A number: `1.5`, `-2e3`, `.5`, `.inf`, `.nan`.
pub fn float(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let begins_well = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.contains(|c: char| c.is_ascii_digit());
    begins_well.then(|| plain.parse().ok())?
}

/// Units of sizes, larger by 1024 each.
const SIZE_UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Bytes: `512MB`, `1.5GiB`, `1GiB512MiB`, `0`; `MB` and `MiB` are the same, as upstream.
pub fn size(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len()));
        let (unit, after) = after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
        let number: f64 = if number.starts_with('.') && number.len() == 1 { None } else { number.parse().ok() }?;
        let power = SIZE_UNITS
            .iter()
            .position(|name| *name == unit || (name.len() == 3 && unit.len() == 2 && name[..1] == unit[..1] && unit.ends_with('B')))?;
        total += number * 1024_f64.powi(i32::try_from(power).ok()?);
        rest = after;
    }
    (total < 9.2e18).then_some(total as u64)
}

/// Bytes as upstream prints them: `512MiB`, `1GiB512MiB`, `0B`.
pub fn print_size(bytes: u64) -> String {
    let mut parts = Vec::new();
    let mut rest = bytes;
    for (index, unit) in SIZE_UNITS.iter().enumerate() {
        // The largest unit takes everything that is left.
        let part = if index + 1 == SIZE_UNITS.len() { rest } else { rest % 1024 };
        if part != 0 || (index == 0 && rest == 0) {
            parts.push(format!("{part}{unit}"));
        }
        rest = if index + 1 == SIZE_UNITS.len() { 0 } else { rest / 1024 };
        if rest == 0 {
            break;
        }
    }
    parts.reverse();
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_yaml_1_1() {
        for (text, value) in [
            ("0", Some(0)),
            ("10", Some(10)),
            ("-3", Some(-3)),
            ("+3", Some(3)),
            ("1_000", Some(1000)),
            ("0x1F", Some(31)),
            ("0o17", Some(15)),
            ("017", Some(15)),
            ("0b11", Some(3)),
            ("1e3", Some(1000)),
            ("18446744073709551615", Some(i128::from(u64::MAX))),
            ("", None),
            ("-", None),
            ("1.5", None),
            ("ten", None),
            ("0x", None),
            ("089", Some(89)),
            ("--1", None),
            ("inf", None),
            ("1 0", None),
        ] {
            assert_eq!(integer(text), value, "{text}");
        }
        for (text, value) in [
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("-2e3", Some(-2000.0)),
            (".inf", Some(f64::INFINITY)),
            ("inf", None),
            ("nan", None),
            ("e5", None),
            (".", None),
        ] {
            assert_eq!(float(text), value, "{text}");
        }
        assert_eq!((truth("yes"), truth("Off"), truth("maybe"), truth("1")), (Some(true), Some(false), None, None));
    }

    #[test]
    fn sizes_read_and_print_as_upstream() {
        for (text, bytes, printed) in [
            ("0", 0, "0B"),
            ("0B", 0, "0B"),
            ("10B", 10, "10B"),
            ("15MB", 15 << 20, "15MiB"),
            ("15MiB", 15 << 20, "15MiB"),
            ("1.5GiB", 3 << 29, "1GiB512MiB"),
            ("1GiB1KiB", (1 << 30) + 1024, "1GiB1KiB"),
            ("1TB", 1 << 40, "1TiB"),
            ("2EB", 2 << 60, "2EiB"),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
            assert_eq!(print_size(bytes), printed, "{text}");
            assert_eq!(size(printed), Some(bytes), "{text}");
        }
        for bad in ["", "10", "MB", "10 MB", "-1MB", "10mb", "10XB", "1.2.3MB", ".MB", "9EB", "1MBB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[-+0-9a-zA-Z._ä]{0,12}") {
            let _either = (truth(&text), integer(&text), float(&text), size(&text));
        }
    }
}
