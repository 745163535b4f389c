//! Floor 1: the tongue that every wing speaks. Series, samples, query values, and the ports between wings.

pub mod batch;
pub mod changes;
pub mod go_regex;
pub mod histogram;
pub mod labels;
pub mod legend;
pub mod literal;
pub mod matcher;
pub mod names;
pub mod otlp;
pub mod ports;
pub mod re2;
pub mod relabel;
pub mod sample;
pub mod value;
