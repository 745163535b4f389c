//! What the stages of a pipeline do with a line. One file a stage.
//!
//! [`pipeline`] runs them one after the other; [`row`] holds the labels of the line at hand.

pub(crate) mod choose;
pub(crate) mod decolorize;
pub(crate) mod format;
pub(crate) mod ip;
pub(crate) mod json;
pub(crate) mod json_path;
pub(crate) mod label_filter;
pub(crate) mod line_filter;
pub(crate) mod logfmt;
pub(crate) mod pattern;
pub(crate) mod pipeline;
pub(crate) mod regexp;
pub(crate) mod row;
pub(crate) mod unpack;
pub(crate) mod wanted;
