//! The Prometheus HTTP API and the doors for writing. Wire shapes live here and nowhere else.
//!
//! Rooms in reading order: [`answer`] (envelope and errors), [`value_json`] (results), [`params`] (times,
//! durations, limits), then one file for each family of endpoints.

mod answer;
mod index;
mod params;
mod query;
mod value_json;
