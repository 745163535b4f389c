//! Parameters of the API: times, durations, limits and directions, read as Loki reads them.

use std::time::Duration;

use super::answer::ApiError;
use crate::base::time::{self, parse_rfc3339};
use crate::platform::http::extract::Params;
use crate::series::labels::quote;

/// Nanoseconds of a second.
pub(super) const NS_PER_S: i64 = 1_000_000_000;
/// Lines of an answer unless the request says otherwise.
const LIMIT: usize = 100;
/// How far back queries look unless the request says otherwise.
pub(super) const HOUR: Duration = Duration::from_secs(3600);
/// How far back questions for labels look unless the request says otherwise.
pub(super) const SIX_HOURS: Duration = Duration::from_secs(6 * 3600);
/// Points of a series.
const POINTS_MAX: i64 = 11_000;
/// Points of a series of a query without a step.
const POINTS: i64 = 250;

/// From when to when (ns), the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// A point in time (ns): seconds, seconds with a fraction, nanoseconds, or RFC 3339.
pub(super) fn time(params: &Params, name: &str, default: i64) -> Result<i64, ApiError> {
    match params.get(name) {
        None => Ok(default),
        Some(text) => parse_time(text).ok_or_else(|| ApiError::bad(format!("could not parse '{name}' parameter: {}", no_time(text)))),
    }
}

fn parse_time(text: &str) -> Option<i64> {
    if text.contains('.')
        && let Ok(seconds) = text.parse::<f64>()
    {
        let whole = seconds.trunc();
        // Three digits behind the point are meant; more of them are noise of the float.
        let part = ((seconds - whole) * 1000.0).round() / 1000.0;
        return (whole.abs() < 9e9).then(|| whole as i64 * NS_PER_S + (part * 1e9) as i64);
    }
    match text.parse::<i64>() {
        Ok(seconds) if text.len() <= 10 => seconds.checked_mul(NS_PER_S),
        Ok(ns) => Some(ns),
        Err(_) => parse_date(text),
    }
}

/// What Go says of a text that is no RFC 3339: the first piece that is not there, and what stands in its place.
fn no_time(text: &str) -> String {
    const LAYOUT: &str = "2006-01-02T15:04:05.999999999Z07:00";
    const PIECES: [&str; 12] = ["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05", "Z07:00"];
    let mut rest = text;
    for piece in PIECES {
        let is_number = piece.bytes().all(|byte| byte.is_ascii_digit());
        let fits = match rest.get(..piece.len()) {
            found if piece == "Z07:00" => rest == "Z" || (found == Some(rest) && rest.starts_with(['+', '-'])),
            Some(found) if is_number => found.bytes().all(|byte| byte.is_ascii_digit()),
            found => found == Some(piece),
        };
        if !fits {
            return format!("parsing time {} as \"{LAYOUT}\": cannot parse {} as \"{piece}\"", quote(text), quote(rest));
        }
        rest = rest.get(piece.len()..).unwrap_or_default();
        if piece == "05" {
            // A fraction may follow the seconds.
            let fraction = rest.strip_prefix('.').map(|digits| digits.trim_start_matches(|c: char| c.is_ascii_digit()));
            rest = fraction.unwrap_or(rest);
        }
    }
    format!("parsing time {}: the time is out of range", quote(text))
}

/// RFC 3339 to the nanosecond.
fn parse_date(text: &str) -> Option<i64> {
    let Some((before, after)) = text.split_once('.') else { return parse_rfc3339(text)?.checked_mul(1_000_000) };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let seconds = parse_rfc3339(&format!("{before}{}", &after[digits..]))?.div_euclid(1000);
    let ns: i64 = format!("{:0<9}", &after[..digits.min(9)]).parse().ok()?;
    seconds.checked_mul(NS_PER_S)?.checked_add(ns)
}

/// `start`, `end` and `since`. An end in the future does not move a start that is not given.
pub(super) fn bounds(params: &Params, now: i64, since: Duration) -> Result<Bounds, ApiError> {
    let mut back = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
    if let Some(text) = params.get("since") {
        let wrong = |_| ApiError::bad(format!("could not parse 'since' parameter: not a valid duration string: {text:?}"));
        back = time::Duration::parse(text).map_err(wrong)?.ms().saturating_mul(1_000_000);
    }
    let end = time(params, "end", now)?;
    let start = time(params, "start", end.min(now).saturating_sub(back))?;
    if end < start {
        return Err(ApiError::bad("end timestamp must not be before or equal to start time"));
    }
    Ok(Bounds { start, end })
}

/// `limit` of lines, at most `max` (0: any).
pub(super) fn limit(params: &Params, default: usize) -> Result<usize, ApiError> {
    let Some(text) = params.get("limit") else { return Ok(default) };
    match text.parse::<i64>() {
        Ok(limit) if limit > 0 => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
        Ok(_) => Err(ApiError::bad("limit must be a positive value")),
        Err(_) => Err(ApiError::bad(format!("strconv.Atoi: parsing {text:?}: invalid syntax"))),
    }
}

/// `limit` of lines of a query.
pub(super) fn line_limit(params: &Params, max: usize) -> Result<usize, ApiError> {
    let limit = limit(params, LIMIT)?;
    if max > 0 && limit > max {
        return Err(ApiError::bad(format!("max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {max})")));
    }
    Ok(limit)
}

/// `skip`: lines of the answer that the client has already, at most ten million. Loki does not know it.
pub(super) fn skip(params: &Params) -> Result<usize, ApiError> {
    const SKIP_MAX: usize = 10_000_000;
    let Some(text) = params.get("skip") else { return Ok(0) };
    let skip = text.parse().ok().filter(|skip| *skip <= SKIP_MAX);
    skip.ok_or_else(|| ApiError::bad(format!("'skip' is {text:?}; it is a number of lines from 0 to {SKIP_MAX}")))
}

/// Whether the newest lines come first, as they do by default.
pub(super) fn is_backward(params: &Params) -> Result<bool, ApiError> {
    match params.get("direction") {
        None => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("backward") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("forward") => Ok(false),
        Some(text) => Err(ApiError::bad(format!("invalid direction '{text}'"))),
    }
}

/// A length of time (ns): seconds as a number, or `1h30m`.
fn duration_ns(text: &str) -> Result<i64, ApiError> {
    if let Ok(seconds) = text.parse::<f64>() {
        let ns = seconds * 1e9;
        if ns.is_nan() || ns.abs() >= i64::MAX as f64 {
            return Err(ApiError::bad(format!("cannot parse {text:?} to a valid duration. It overflows int64")));
        }
        return Ok(ns as i64);
    }
    let ms = time::Duration::parse(text).map_err(|_| ApiError::bad(format!("cannot parse {text:?} to a valid duration")))?.ms();
    Ok(ms.saturating_mul(1_000_000))
}

/// `step` (ns): the distance of points.
pub(super) fn step(params: &Params, bounds: Bounds) -> Result<i64, ApiError> {
    let length = bounds.end.saturating_sub(bounds.start);
    let step = match params.get("step") {
        Some(text) => duration_ns(text)?,
        None => (length / NS_PER_S / POINTS).max(1) * NS_PER_S,
    };
    if step <= 0 {
        return Err(ApiError::bad("zero or negative query resolution step widths are not accepted. Try a positive integer"));
    }
    if length / step > POINTS_MAX {
        return Err(ApiError::bad(
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
        ));
    }
    Ok(step)
}

/// `interval` (ns): lines are so far apart at least; 0 for all.
pub(super) fn interval(params: &Params) -> Result<i64, ApiError> {
    let interval = params.get("interval").map_or(Ok(0), duration_ns)?;
    if interval < 0 { Err(ApiError::bad("interval must be >= 0")) } else { Ok(interval) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        Params::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn times_are_read_as_upstream_reads_them() {
        for (text, ns) in [
            ("1700000000", 1_700_000_000 * NS_PER_S),
            ("1700000000.123", 1_700_000_000 * NS_PER_S + 123_000_000),
            ("1700000000123456789", 1_700_000_000_123_456_789),
            ("17000000000", 17_000_000_000),
            ("2023-11-14T22:13:20Z", 1_700_000_000 * NS_PER_S),
            ("2023-11-14T22:13:20.123456789Z", 1_700_000_000_123_456_789),
            ("2023-11-14T23:13:20.5+01:00", 1_700_000_000_500_000_000),
            ("-5", -5 * NS_PER_S),
        ] {
            assert_eq!(time(&params(&[("start", text)]), "start", 0), Ok(ns), "{text}");
        }
        for text in ["x", "1e400.0", "NaN.", "2023-11-14", "99999999999999999999"] {
            assert!(time(&params(&[("start", text)]), "start", 0).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_said_as_upstream_says_it() {
        let said = |text: &str| time(&params(&[("start", text)]), "start", 0).unwrap_err().message().to_owned();
        for (text, rest, piece) in
            [("x", "x", "2006"), ("2023-11-14", "", "T"), ("2023-1-14", "1-14", "01"), ("2023-11-14T10:00:00.5", "", "Z07:00")]
        {
            let wanted = format!(
                "could not parse 'start' parameter: parsing time {text:?} as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse {rest:?} as {piece:?}"
            );
            assert_eq!(said(text), wanted);
        }
    }

    #[test]
    fn bounds_follow_each_other() {
        let now = 10_000 * NS_PER_S;
        let of = |pairs: &[(&str, &str)]| bounds(&params(pairs), now, HOUR).map(|bounds| (bounds.start / NS_PER_S, bounds.end / NS_PER_S));
        assert_eq!(of(&[]), Ok((6_400, 10_000)));
        assert_eq!(of(&[("since", "5m")]), Ok((9_700, 10_000)));
        assert_eq!(of(&[("end", "9000")]), Ok((5_400, 9_000)));
        assert_eq!(of(&[("end", "20000")]), Ok((6_400, 20_000)));
        assert_eq!(of(&[("start", "1"), ("end", "2")]), Ok((1, 2)));
        assert!(of(&[("start", "2"), ("end", "1")]).is_err() && of(&[("since", "x")]).is_err());
    }

    #[test]
    fn limits_steps_and_directions() {
        assert_eq!(line_limit(&params(&[]), 5000), Ok(100));
        assert_eq!(line_limit(&params(&[("limit", "9000")]), 0), Ok(9000));
        let refused = line_limit(&params(&[("limit", "9000")]), 5000).unwrap_err();
        assert_eq!(refused.message(), "max entries limit per query exceeded, limit > max_entries_limit_per_query (9000 > 5000)");
        for bad in ["0", "-1", "x"] {
            assert!(limit(&params(&[("limit", bad)]), 1).is_err(), "{bad}");
        }
        let hour = Bounds { start: 0, end: 3600 * NS_PER_S };
        assert_eq!(step(&params(&[]), hour), Ok(14 * NS_PER_S));
        assert_eq!(step(&params(&[("step", "0.5")]), Bounds { start: 0, end: NS_PER_S }), Ok(500_000_000));
        assert_eq!(step(&params(&[("step", "1m")]), hour), Ok(60 * NS_PER_S));
        for bad in ["0", "-1", "x", "1e300", "NaN", "0.01"] {
            assert!(step(&params(&[("step", bad)]), hour).is_err(), "{bad}");
        }
        assert_eq!((is_backward(&params(&[])), is_backward(&params(&[("direction", "FORWARD")]))), (Ok(true), Ok(false)));
        assert_eq!(is_backward(&params(&[("direction", "up")])).unwrap_err().message(), "invalid direction 'up'");
        assert_eq!((interval(&params(&[])), interval(&params(&[("interval", "1s")]))), (Ok(0), Ok(NS_PER_S)));
        assert!(interval(&params(&[("interval", "-1")])).is_err());
        assert_eq!((skip(&params(&[])), skip(&params(&[("skip", "7")]))), (Ok(0), Ok(7)));
        for bad in ["-1", "x", "10000001"] {
            assert!(skip(&params(&[("skip", bad)])).is_err(), "{bad}");
        }
    }
}
