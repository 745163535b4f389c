//! What the hall writes down so that it survives a restart.

pub mod rules;
