//! Doors for lines. Each fills a [`gather::Gather`] and hands it to the [`receive::Receiver`], which checks rates, stores,
//! shows the lines to whoever tails, and counts.
//!
//! Reading order: [`limits`] and [`refusal`] (what is allowed, and the words when it is not), [`streams`] (label sets, known
//! by their text), [`gather`], [`tap`], [`receive`], then one module for each door.
//!
//! Doors that are no HTTP speak to storage in whole batches: [`stage`] (pipelines), [`shape`] and [`inlet`] (from messages to
//! batches), [`doorway`] (the receiver as they see it), [`listen`] and [`connections`], [`syslog`], [`fluent`], [`collect`] (files, containers, journals), all started by [`collectors`].

mod again;
mod bucket;
pub mod collect;
pub mod collectors;
pub mod connections;
pub mod counts;
pub mod document;
mod door;
pub mod doorway;
pub mod elastic;
pub mod fluent;
pub mod gather;
pub mod inlet;
pub mod jsonline;
pub mod limits;
pub mod listen;
pub mod loki;
pub mod otlp;
pub mod plain;
mod rated;
pub mod receive;
mod recent;
pub mod refusal;
pub mod shape;
pub mod stage;
pub mod streams;
pub mod syslog;
pub mod tap;
pub mod when;
