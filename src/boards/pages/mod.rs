//! Pages of dashboards as HTML: one dashboard with its variables and panels, all of them, bringing one in.
//!
//! Each page has an input that the front door fills and a `render`; the URL is the whole state. Read in this order:
//! [`choose`] (variables as controls), [`tile`] (panels as places that the script fills), [`board`],
//! [`history`], [`share`], [`public`], [`list`], [`add`], [`import`].

pub mod add;
pub mod board;
pub mod choose;
pub mod history;
pub mod import;
pub mod list;
pub mod public;
pub mod share;
pub mod tile;
