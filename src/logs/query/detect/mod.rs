//! What lines are about, found out by looking at them: their fields, their patterns; and how much of what.
//!
//! Everything here looks at a sample of bounded size, and says so in its arguments.

pub mod fields;
pub mod labels;
pub mod patterns;
pub mod volume;
