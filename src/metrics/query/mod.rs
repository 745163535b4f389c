//! PromQL: text to tree ([`lex`], [`parse`], [`ast`], [`check`], [`print`]) and tree to values ([`eval`]).

pub mod ast;
pub mod signature;
