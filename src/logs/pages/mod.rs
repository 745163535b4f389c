//! Pages of logs as HTML: searching, one line with what is around it, streams and their volume, how lines come in.
//!
//! Each page has an input that the front door fills and a `render`; the URL is the whole state. Read in this order:
//! [`asked`] (what a URL asks for), [`compose`] (that as LogQL), [`levels`] (lines by level over time), [`facets`] (values to filter by), [`rows`]
//! (lines as rows), [`spelled`] (LogQL in colours), then the pages: [`search`] with its [`counts`], [`line`], [`saved`], [`streams`], [`doors`].

pub mod asked;
pub mod compose;
pub mod counts;
pub mod doors;
pub mod facets;
pub mod fields;
pub mod levels;
pub mod line;
pub mod rows;
pub mod saved;
pub mod search;
pub mod spelled;
pub mod streams;
pub mod wrong;

#[cfg(test)]
mod sample;
