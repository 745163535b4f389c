//! LogQL: from text to a checked tree and back, and what the tree says about the lines it wants.
//!
//! Read in this order: [`ast`] (the tree), [`lex`] and [`parse`] (text to tree), [`check`] (what fits), [`print`] (tree to
//! text), [`needs`] (what every wanted line contains), [`words`] (what people type into one bar, compiled to LogQL),
//! [`complete`] (what may stand at a place that is being written); then [`stage`] (what a pipeline does with a line),
//! [`template`] (Go templates), [`eval`] (chunks of lines to answers), [`engine`] (the front door).

pub mod ast;
pub mod check;
pub mod complete;
pub(crate) mod convert;
pub mod detect;
pub mod engine;
pub(crate) mod eval;
pub mod lex;
pub mod needs;
pub mod parse;
pub mod print;
pub mod script;
pub mod shape;
pub(crate) mod stage;
pub mod tail;
pub(crate) mod template;
pub mod words;
