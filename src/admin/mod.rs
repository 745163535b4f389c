//! The server's own house-keeping, for people: signing in, profiles, people, tokens, backups, the audit log, what is set.
//!
//! Rooms: [`pages`] (HTML of each page), [`facade`] (routes: reads forms, asks [`access`](crate::access), answers).
//! In: forms of people. Out: routes. Invariant: every change goes through `access`, which writes it down.
//! Not here: who may do what (`access`), settings of wings.

mod facade;
mod pages;

pub use facade::{Admin, ServerFacts};
pub use pages::server::{CertificateOrigin, Https, Setting, ShownCertificate};
