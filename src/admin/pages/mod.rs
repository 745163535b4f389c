//! Pages of this hall; each takes what it shows and renders it.

pub mod about;
pub mod audit;
pub mod backup;
pub mod connect;
pub mod door;
pub mod people;
pub mod profile;
pub mod server;
pub mod tokens;
