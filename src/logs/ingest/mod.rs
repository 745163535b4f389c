//! Doors for lines. Each fills a [`gather::Gather`] and hands it to the [`receive::Receiver`], which checks rates, stores,
//! shows the lines to whoever tails, and counts.
//!
//! Reading order: [`limits`] and [`refusal`] (what is allowed, and the words when it is not), [`streams`] (label sets, known
//! by their text), [`level`] (how severe a line is), [`gather`], [`tap`], [`receive`], then one module for each door.

pub mod document;
pub mod elastic;
pub mod gather;
pub mod jsonline;
pub mod level;
pub mod limits;
pub mod loki;
pub mod otlp;
pub mod plain;
pub mod receive;
pub mod refusal;
pub mod streams;
pub mod tap;
pub mod when;
