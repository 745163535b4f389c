//! Builds the web assets.

fn main() {}
