//! Scripts that test the language: `load` lines, `eval` a query, and what must come out.
//!
//! A script is a sequence of commands; `#` begins a comment. Times are durations since the script's own zero.
//!
//! ```text
//! clear
//! load
//!   {app="a"} "level=info n={{.i}}" @ 10s [repeat every 10s for 6] [metadata trace="x"]
//! eval instant at 60s sum(count_over_time({app="a"}[1m]))
//!   {} 6
//! eval range from 30s to 60s step 30s count_over_time({app="a"} | logfmt [30s])
//!   {app="a", level="info"} _ 3
//! eval lines from 0s to 60s limit 2 backward {app="a"} | logfmt
//!   50s {app="a", level="info", n="4"} "level=info n=4"
//!   40s {app="a", level="info", n="3"} "level=info n=3"
//! eval instant at 60s count_over_time({app="none"}[1m])
//!   expect empty
//! eval instant at 60s count_over_time({app="a"} | json [1m])
//!   expect fail msg: JSONParserErr
//! ```
//!
//! Points are numbers, `_` for none, or `a+bxn` for n more of them, each b larger. `expect ordered` compares the series of
//! an instant query in their order. In a line, nothing is escaped; one that has quotes stands between backticks.

pub mod command;
pub mod memory;
pub mod run;
