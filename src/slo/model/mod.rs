//! Objectives as numbers: over which time they count, how fast a budget burns, what is left of it. No input or output.

pub mod burn;
pub mod figures;
pub mod period;
