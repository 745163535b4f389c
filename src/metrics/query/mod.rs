//! PromQL: text to tree ([`lex`], [`parse`], [`ast`], [`check`], [`print`]) and tree to values ([`eval`]).

pub mod ast;
pub mod check;
pub mod lex;
pub mod parse;
pub mod print;
pub mod script;
pub mod signature;
