//! Pages of objectives as HTML: the list, one of them, its form, what is brought in. Words come first; every page works
//! without script.

pub mod edit;
pub mod import;
pub mod list;
pub mod one;
mod words;

#[cfg(test)]
mod tests;
