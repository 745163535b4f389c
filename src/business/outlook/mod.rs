//! What there is to say of KPIs: how each stands, where it goes, what explains a change, what an incident cost. Reads values,
//! and never writes.

mod cohorts;
mod cost;
mod home;
mod page;
mod past;
mod people;

pub use cohorts::{CohortShelf, Table, cohorts};
pub use cost::{cost_of, costs};
pub use home::{Shown, home, one, shown_grain};
pub use page::{Page, PageWanted, page};
pub use past::{Past, Told, past, told};
pub use people::{FunnelOf, funnel};
