//! PromQL: text to tree ([`lex`], [`parse`], [`ast`], [`check`], [`print`]) and tree to values ([`eval`]), answers kept for who
//! asks again ([`reuse`]).

pub(crate) mod aggregate;
pub(crate) mod annotations;
pub mod ast;
pub(crate) mod binary;
pub mod check;
pub mod engine;
pub(crate) mod eval;
pub(crate) mod functions;
pub(crate) mod histogram;
pub(crate) mod kahan;
pub mod lex;
pub mod parse;
pub mod print;
pub(crate) mod reuse;
pub mod script;
pub mod shape;
pub mod signature;
