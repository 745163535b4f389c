//! The table of PromQL functions: name, argument types, result type, and whether it is experimental.
//! As of Prometheus 3.14 (`promql/parser/functions.go`).

use super::ast::ValueType;

/// What the type checker must know of a function.
#[derive(Debug, PartialEq)]
pub struct Signature {
    /// As written.
    pub name: &'static str,
    /// Types of the arguments; with `variadic` the last ones may be absent or repeated.
    pub args: &'static [ValueType],
    /// 0: exactly `args`. n > 0: up to n of the last arguments may be left out. -1: the last may repeat any number of times.
    pub variadic: i32,
    /// Type of the result.
    pub returns: ValueType,
    /// Needs `--enable-feature=promql-experimental-functions`.
    pub experimental: bool,
}
