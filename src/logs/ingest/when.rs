//! Times of lines as programs write them: RFC 3339, or a number of seconds, milliseconds, microseconds or nanoseconds.

use crate::base::time::parse_rfc3339;

const NS_PER_S: i64 = 1_000_000_000;

/// Reads a time; nanoseconds since the Unix epoch out. A number counts as the unit in which it lies after 1973 and before
/// 5138, which tells them apart.
pub fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return from_number(number);
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && let Ok(seconds) = whole.parse::<i64>()
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        // Seconds with a fraction, or milliseconds with one; a float would lose digits.
        let unit = from_number(seconds)?.checked_div(seconds.max(1))?.max(1);
        let part: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        return from_number(seconds)?.checked_add(i64::try_from(i128::from(part) * i128::from(unit) / i128::from(NS_PER_S)).ok()?);
    }
    from_date(text)
}

/// Reads RFC 3339 to the nanosecond. A blank may stand for the `T`, and a time without a zone is in UTC.
fn from_date(text: &str) -> Option<i64> {
    if text.len() < 19 || !text.is_ascii() {
        return None;
    }
    let (day, rest) = text.split_at(10);
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone_at);
    let (time, fraction) = time.split_once(['.', ',']).unwrap_or((time, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let zone = match zone {
        "" | "z" => "Z".to_owned(),
        // `+0100` as well as `+01:00`.
        zone if zone.len() == 5 => format!("{}:{}", &zone[..3], &zone[3..]),
        zone => zone.to_owned(),
    };
    let seconds = parse_rfc3339(&format!("{day}T{time}{zone}"))?.div_euclid(1000);
    let ns: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    seconds.checked_mul(NS_PER_S)?.checked_add(ns)
}

/// A number of seconds, milliseconds, microseconds or nanoseconds.
pub fn from_number(number: i64) -> Option<i64> {
    let per_unit = match number.unsigned_abs() {
        0..100_000_000_000 => NS_PER_S,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    number.checked_mul(per_unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_programs_write_them() {
        let ns = 1_700_000_000_000_000_000;
        for (text, expected) in [
            ("1700000000", Some(ns)),
            ("1700000000000", Some(ns)),
            ("1700000000000000", Some(ns)),
            ("1700000000000000000", Some(ns)),
            ("1700000000.123456789", Some(ns + 123_456_789)),
            ("1700000000000.5", Some(ns + 500_000)),
            ("2023-11-14T22:13:20Z", Some(ns)),
            ("2023-11-14T22:13:20.000000001Z", Some(ns + 1)),
            ("2023-11-14 22:13:20,5", Some(ns + 500_000_000)),
            ("2023-11-14T23:13:20.25+01:00", Some(ns + 250_000_000)),
            ("2023-11-14T23:13:20+0100", Some(ns)),
            ("2023-11-14T22:13:20.1234567891234Z", Some(ns + 123_456_789)),
            (" 1700000000 ", Some(ns)),
            ("", None),
            ("yesterday", None),
            ("2023-11-14", None),
            ("2023-13-14T22:13:20Z", None),
            ("2023-11-14T22:13:20.5xZ", None),
            ("1e30", None),
            ("9223372036854775808", None),
            ("1700000000.", None),
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        assert_eq!(from_number(i64::MIN), Some(i64::MIN));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in ".{0,40}") {
            let _time = parse_time(&text);
        }
    }
}
