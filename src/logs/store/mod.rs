//! Where lines are kept.

pub mod part;
