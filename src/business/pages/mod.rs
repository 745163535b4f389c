//! Pages of the business as HTML.
//!
//! [`figure`] writes numbers as people of business do, [`words`] says how they stand, [`trend`] draws how they went;
//! [`home`] is the page of the morning, [`tv`] the same for a wall, [`kpi`] the page of one KPI, [`edit`] its form,
//! [`ready`] the KPIs that are ready to be made; [`scorecard`] has all KPIs over periods, [`people`] lists funnels and
//! retentions, which [`funnel`] and [`retention`] show, [`digest`] is about letters, and [`digest_letter`] is one.

pub mod digest;
pub mod digest_letter;
pub mod edit;
pub mod figure;
pub mod funnel;
pub mod home;
pub mod kpi;
pub mod people;
pub mod ready;
pub mod retention;
pub mod scorecard;
pub mod trend;
pub mod tv;
pub mod words;

#[cfg(test)]
mod tests;
