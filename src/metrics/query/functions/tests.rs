//! Tables of what functions give for given values.

use super::over_time::{average, linear_regression, quantile, sum, variance};
use super::rate::is_start_reset;
use super::{Function, math, time};
use crate::metrics::query::annotations::{go_float, go_float_digits};

#[test]
fn every_function_of_the_language_is_known() {
    for signature in &crate::metrics::query::signature::FUNCTIONS {
        let function = Function::named(signature.name);
        assert_eq!(function.map(Function::as_str), Some(signature.name));
    }
}

#[test]
fn date_parts() {
    // 2024-02-29T23:59:59Z was a Thursday.
    let secs = 1_709_251_199.0;
    for (function, at, part) in [
        (Function::Year, secs, 2024.0),
        (Function::Month, secs, 2.0),
        (Function::DayOfMonth, secs, 29.0),
        (Function::DayOfWeek, secs, 4.0),
        (Function::DayOfYear, secs, 60.0),
        (Function::DaysInMonth, secs, 29.0),
        (Function::Hour, secs, 23.0),
        (Function::Minute, secs, 59.0),
        (Function::Minute, -1.0, 59.0),
        (Function::Year, -1.0, 1969.0),
    ] {
        let part_of = time::date_function(function).expect("a date function");
        assert_eq!(part_of(at), part, "{} of {at}", function.as_str());
    }
    for extreme in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300] {
        assert!(time::date_function(Function::DayOfYear).is_some_and(|day| day(extreme).is_finite()), "{extreme}");
    }
}

#[test]
fn rounding_and_limits() {
    for (value, to, rounded) in [(2.5, 1.0, 3.0), (-2.5, 1.0, -2.0), (12.34, 0.1, 12.3), (7.0, 5.0, 5.0)] {
        assert!((math::round(value, to) - rounded).abs() < 1e-12, "{value} to {to}");
    }
    assert_eq!(math::clamp(5.0, 0.0, 3.0), Some(3.0));
    assert_eq!(math::clamp(5.0, 3.0, 0.0), None);
    assert!(math::clamp(f64::NAN, 0.0, 1.0).is_some_and(f64::is_nan));
}

#[test]
fn sums_keep_small_terms() {
    assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
    assert_eq!(average(&[1e100, 1.0, -1e100, 1.0]), 0.5);
    // Where the sum would overflow, the mean does not.
    assert!((average(&[f64::MAX, f64::MAX, f64::MAX]) / f64::MAX - 1.0).abs() < 1e-12);
    assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
    assert_eq!(variance(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), 4.0);
}

#[test]
fn quantiles_lie_between_neighbours() {
    for (q, value) in [(0.0, 1.0), (0.5, 2.5), (0.75, 3.25), (1.0, 4.0), (-0.1, f64::NEG_INFINITY), (1.1, f64::INFINITY)] {
        assert_eq!(quantile(q, &mut [3.0, 1.0, 4.0, 2.0]), value, "{q}");
    }
    assert!(quantile(0.5, &mut []).is_nan());
    // NaN sorts first.
    assert_eq!(quantile(1.0, &mut [f64::NAN, 1.0]), 1.0);
}

#[test]
fn lines_are_fitted() {
    let (slope, intercept) = linear_regression(&[0, 1000, 2000], &[1.0, 3.0, 5.0], 2000);
    assert!((slope - 2.0).abs() < 1e-12 && (intercept - 5.0).abs() < 1e-12);
    assert_eq!(linear_regression(&[0, 1000], &[7.0, 7.0], 0), (0.0, 7.0));
}

#[test]
fn start_timestamps_tell_resets() {
    for (before_start, before, start, ts, reset) in [
        (10, 20, 0, 30, false),
        (10, 20, 10, 30, false),
        (10, 20, 25, 30, true),
        (10, 20, 20, 30, true),
        (20, 20, 20, 30, false),
        (0, 20, 20, 30, false),
        (10, 20, 30, 30, false),
        (25, 20, 20, 30, false),
    ] {
        assert_eq!(is_start_reset(before_start, before, start, ts), reset, "{before_start} {before} {start} {ts}");
    }
}

#[test]
fn floats_print_as_go_prints_them() {
    for (value, text) in [
        (0.0, "0"),
        (0.5, "0.5"),
        (100_000.0, "100000"),
        (1e6, "1e+06"),
        (1.5e-5, "1.5e-05"),
        (123_456_789.0, "1.23456789e+08"),
        (-2.0, "-2"),
    ] {
        assert_eq!(go_float(value), text);
    }
    for (value, text) in [(2.0, "2"), (0.125, "0.12"), (15.0, "15"), (150.0, "1.5e+02"), (0.000_012_34, "1.2e-05")] {
        assert_eq!(go_float_digits(value, 2), text);
    }
}
