//! Plain values of the wing: what a probe found, in which state a check is, what that amounts to.

pub mod outcome;
