//! Parameters of the API: times, durations, limits and matchers, read as Prometheus reads them.

use std::time::Duration;

use super::answer::ApiError;
use crate::base::time::{self, TimeRange};
use crate::platform::http::extract::Params;

/// Earliest and latest times that `start` and `end` may be left open to (upstream `MinTime`, `MaxTime`).
const OPEN: TimeRange = TimeRange::ALL;

/// A required or defaulted point in time (ms).
pub(super) fn time(params: &Params, name: &str, default: Option<i64>) -> Result<i64, ApiError> {
    match (params.get(name), default) {
        (Some(text), default) => time::parse_timestamp(text).ok_or_else(|| {
            // Upstream repeats the name where the parameter may be left out.
            let about = if default.is_some() { format!("invalid time value for '{name}': ") } else { String::new() };
            ApiError::parameter(name, format_args!("{about}cannot parse {text:?} to a valid timestamp"))
        }),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(ApiError::parameter(name, "cannot parse \"\" to a valid timestamp")),
    }
}

/// `start` to `end`, each open when absent. An end before the start is nobody's mistake, as upstream: nothing is in it.
pub(super) fn range(params: &Params) -> Result<TimeRange, ApiError> {
    let start = time(params, "start", Some(OPEN.start))?;
    let end = time(params, "end", Some(OPEN.end))?;
    Ok(TimeRange::new(start, end))
}

/// A duration in ms: seconds as a number, or `1h30m`.
pub(super) fn duration_ms(name: &str, text: &str) -> Result<i64, ApiError> {
    parse_duration(text).map_err(|why| ApiError::parameter(name, why))
}

/// `lookback_delta`, whose mistakes upstream words in its own way; none that is above zero means the server's.
pub(super) fn lookback_ms(text: &str) -> Result<Option<i64>, ApiError> {
    let ms = parse_duration(text).map_err(|why| ApiError::bad(format!("error parsing lookback delta duration: {why}")))?;
    Ok(Some(ms).filter(|ms| *ms > 0))
}

fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("cannot parse {text:?} to a valid duration");
    if let Ok(secs) = text.parse::<f64>() {
        let ms = secs * 1000.0;
        // Upstream counts nanoseconds in 64 bits.
        if ms.is_nan() || ms.abs() >= i64::MAX as f64 / 1e6 {
            return Err(format!("{}. It overflows int64", invalid()));
        }
        return Ok(ms.round() as i64);
    }
    time::Duration::parse(text).map(time::Duration::ms).map_err(|_| invalid())
}

/// The time a query may take: the server's, or less when asked for.
pub(super) fn timeout(params: &Params, most: Duration) -> Result<Duration, ApiError> {
    match params.get("timeout") {
        None => Ok(most),
        Some(text) => {
            let ms = duration_ms("timeout", text)?;
            Ok(most.min(Duration::from_millis(u64::try_from(ms).unwrap_or(0))))
        }
    }
}

/// A limit under which 0 means none and a negative one all.
pub(super) fn limit_or_all(params: &Params, name: &str) -> Result<Option<usize>, ApiError> {
    match params.get(name).map(str::parse::<i64>) {
        None => Ok(None),
        Some(Ok(limit)) => Ok(usize::try_from(limit).ok()),
        Some(Err(_)) => Err(ApiError::bad(format!("{name} must be a number"))),
    }
}

/// `limit`: how many answers at most, 0 = all.
pub(super) fn limit(params: &Params) -> Result<usize, ApiError> {
    match params.get("limit") {
        None => Ok(0),
        Some(text) => match text.parse::<i64>() {
            Ok(limit) => usize::try_from(limit).map_err(|_| ApiError::parameter("limit", "limit must be non-negative")),
            Err(_) => Err(ApiError::parameter("limit", format_args!("strconv.Atoi: parsing {text:?}: invalid syntax"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        Params::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn reads_durations_as_seconds_or_words() {
        for (text, ms) in [("15", 15_000), ("0.5", 500), ("1m", 60_000), ("1h30m", 5_400_000)] {
            assert_eq!(duration_ms("step", text).unwrap(), ms, "{text}");
        }
        for bad in ["x", "1e30", "NaN", "Inf", ""] {
            assert!(duration_ms("step", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_with_the_parameter_named() {
        let refused = time(&params(&[("start", "yesterday")]), "start", None).unwrap_err();
        assert_eq!(refused.message, "invalid parameter \"start\": cannot parse \"yesterday\" to a valid timestamp");
        let refused = time(&params(&[("time", "x")]), "time", Some(0)).unwrap_err();
        assert_eq!(refused.message, "invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp");
        for (text, ms) in [("30s", Some(30_000)), ("0", None), ("-1", None), ("0.0001", None)] {
            assert_eq!(lookback_ms(text).unwrap(), ms, "{text}");
        }
        assert_eq!(limit_or_all(&params(&[("limit", "-1")]), "limit").unwrap(), None);
        assert_eq!(limit_or_all(&params(&[("limit", "0")]), "limit").unwrap(), Some(0));
        assert_eq!(limit_or_all(&params(&[("limit", "x")]), "limit").unwrap_err().message, "limit must be a number");
        assert_eq!(limit(&params(&[("limit", "-1")])).unwrap_err().message, "invalid parameter \"limit\": limit must be non-negative");
        assert_eq!(timeout(&params(&[("timeout", "1s")]), Duration::from_secs(9)).unwrap(), Duration::from_secs(1));
        assert_eq!(timeout(&params(&[("timeout", "1h")]), Duration::from_secs(9)).unwrap(), Duration::from_secs(9));
    }
}
