//! Values of KPIs over periods, and what they mean.

pub mod cohort;
pub mod comparison;
pub mod contribution;
pub mod expectation;
pub mod forecast;
pub mod formula;
pub mod funnel;
pub mod kind;
pub mod longer;
pub mod sending;
pub mod share;
pub mod value;
