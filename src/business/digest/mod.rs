//! Letters about KPIs: when each goes out ([`when`]), that it does so once ([`sender`]), and charts as pictures
//! ([`picture`]).

mod indexed;
pub mod picture;
pub mod sender;
pub mod when;

#[cfg(test)]
mod tests;
