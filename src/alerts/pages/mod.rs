//! Pages of alerts as HTML: what fires now, rules, silences, who is on call, what keeps alerts calm, routing, channels,
//! history, and one group with all around it.
//!
//! Each page takes plain data and a shell and gives HTML; the URL is the whole state, so that every page works without
//! script. Read in this order: [`known`] (alerts with everything that is known of them), [`ways`] (ways from an alert to
//! other pages), [`care`] (who takes care), [`expr`] (expressions in colours), [`bars`] (states over time), then the pages.

pub mod bars;
pub mod calm;
pub mod care;
pub mod channels;
pub mod edit;
pub mod expr;
pub mod group;
pub mod history;
pub mod known;
pub mod now;
pub mod picture;
pub mod routing;
pub mod rule;
pub mod rules;
pub mod silence;
pub mod silences;
pub mod spark;
mod story;
pub mod ways;

#[cfg(test)]
mod sample;
