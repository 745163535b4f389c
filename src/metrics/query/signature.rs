//! The table of PromQL functions: name, argument types, result type, and whether it is experimental.
//! As of Prometheus 3.14 (`promql/parser/functions.go`).

use super::ast::ValueType;
use super::ast::ValueType::{Matrix as M, Scalar as S, String as T, Vector as V};

/// What the type checker must know of a function.
#[derive(Debug, PartialEq)]
pub struct Signature {
    /// As written.
    pub name: &'static str,
    /// Types of the arguments; with `variadic` the last ones may be absent or repeated.
    pub args: &'static [ValueType],
    /// 0: exactly `args`. n > 0: the last of `args` may be left out, or stand up to n times. -1: it may repeat any number of times.
    pub variadic: i32,
    /// Type of the result.
    pub returns: ValueType,
    /// Needs `--enable-feature=promql-experimental-functions`.
    pub experimental: bool,
}

const fn stable(name: &'static str, args: &'static [ValueType], variadic: i32, returns: ValueType) -> Signature {
    Signature { name, args, variadic, returns, experimental: false }
}

const fn trial(name: &'static str, args: &'static [ValueType], variadic: i32, returns: ValueType) -> Signature {
    Signature { name, args, variadic, returns, experimental: true }
}

/// Every function, sorted by name.
pub static FUNCTIONS: [Signature; 90] = [
    stable("abs", &[V], 0, V),
    stable("absent", &[V], 0, V),
    stable("absent_over_time", &[M], 0, V),
    stable("acos", &[V], 0, V),
    stable("acosh", &[V], 0, V),
    stable("asin", &[V], 0, V),
    stable("asinh", &[V], 0, V),
    stable("atan", &[V], 0, V),
    stable("atanh", &[V], 0, V),
    stable("avg_over_time", &[M], 0, V),
    stable("ceil", &[V], 0, V),
    stable("changes", &[M], 0, V),
    stable("clamp", &[V, S, S], 0, V),
    stable("clamp_max", &[V, S], 0, V),
    stable("clamp_min", &[V, S], 0, V),
    stable("cos", &[V], 0, V),
    stable("cosh", &[V], 0, V),
    stable("count_over_time", &[M], 0, V),
    stable("day_of_month", &[V], 1, V),
    stable("day_of_week", &[V], 1, V),
    stable("day_of_year", &[V], 1, V),
    stable("days_in_month", &[V], 1, V),
    stable("deg", &[V], 0, V),
    stable("delta", &[M], 0, V),
    stable("deriv", &[M], 0, V),
    trial("double_exponential_smoothing", &[M, S, S], 0, V),
    trial("end", &[], 0, S),
    stable("exp", &[V], 0, V),
    stable("first_over_time", &[M], 0, V),
    stable("floor", &[V], 0, V),
    stable("histogram_avg", &[V], 0, V),
    stable("histogram_count", &[V], 0, V),
    stable("histogram_fraction", &[S, S, V], 0, V),
    stable("histogram_quantile", &[S, V], 0, V),
    trial("histogram_quantiles", &[V, T, S, S], 9, V),
    stable("histogram_stddev", &[V], 0, V),
    stable("histogram_stdvar", &[V], 0, V),
    stable("histogram_sum", &[V], 0, V),
    stable("hour", &[V], 1, V),
    stable("idelta", &[M], 0, V),
    stable("increase", &[M], 0, V),
    trial("info", &[V, V], 1, V),
    stable("irate", &[M], 0, V),
    stable("label_join", &[V, T, T, T], -1, V),
    stable("label_replace", &[V, T, T, T, T], 0, V),
    stable("last_over_time", &[M], 0, V),
    stable("ln", &[V], 0, V),
    stable("log10", &[V], 0, V),
    stable("log2", &[V], 0, V),
    trial("mad_over_time", &[M], 0, V),
    trial("max_of", &[S, S], 0, S),
    stable("max_over_time", &[M], 0, V),
    trial("min_of", &[S, S], 0, S),
    stable("min_over_time", &[M], 0, V),
    stable("minute", &[V], 1, V),
    stable("month", &[V], 1, V),
    stable("pi", &[], 0, S),
    stable("predict_linear", &[M, S], 0, V),
    stable("present_over_time", &[M], 0, V),
    stable("quantile_over_time", &[S, M], 0, V),
    stable("rad", &[V], 0, V),
    trial("range", &[], 0, S),
    stable("rate", &[M], 0, V),
    stable("resets", &[M], 0, V),
    stable("round", &[V, S], 1, V),
    stable("scalar", &[V], 0, S),
    stable("sgn", &[V], 0, V),
    stable("sin", &[V], 0, V),
    stable("sinh", &[V], 0, V),
    stable("sort", &[V], 0, V),
    trial("sort_by_label", &[V, T], -1, V),
    trial("sort_by_label_desc", &[V, T], -1, V),
    stable("sort_desc", &[V], 0, V),
    stable("sqrt", &[V], 0, V),
    trial("start", &[], 0, S),
    trial("start_timestamp", &[V], 0, V),
    stable("stddev_over_time", &[M], 0, V),
    stable("stdvar_over_time", &[M], 0, V),
    trial("step", &[], 0, S),
    stable("sum_over_time", &[M], 0, V),
    stable("tan", &[V], 0, V),
    stable("tanh", &[V], 0, V),
    stable("time", &[], 0, S),
    stable("timestamp", &[V], 0, V),
    trial("ts_of_first_over_time", &[M], 0, V),
    trial("ts_of_last_over_time", &[M], 0, V),
    trial("ts_of_max_over_time", &[M], 0, V),
    trial("ts_of_min_over_time", &[M], 0, V),
    stable("vector", &[S], 0, V),
    stable("year", &[V], 1, V),
];

/// The function of this exact name.
pub fn find(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.binary_search_by(|found| found.name.cmp(name)).ok().map(|at| &FUNCTIONS[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_function_is_found() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
        for function in &FUNCTIONS {
            assert_eq!(find(function.name).map(|found| found.name), Some(function.name));
        }
        assert_eq!(find("rate").map(|f| (f.args, f.variadic, f.returns, f.experimental)), Some((&[M][..], 0, V, false)));
        assert_eq!(find("label_join").map(|f| f.variadic), Some(-1));
        assert_eq!(find("Rate"), None, "names of functions keep their case");
        assert_eq!(find("holt_winters"), None, "renamed upstream");
    }
}
