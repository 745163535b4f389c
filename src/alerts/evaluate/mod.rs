//! Groups at work: what they ask, what they store, and the states of alerts.

mod state;
