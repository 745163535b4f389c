//! Pages of this hall; each takes what it shows and renders it.

pub mod audit;
pub mod backup;
pub mod door;
pub mod people;
pub mod profile;
pub mod tokens;
