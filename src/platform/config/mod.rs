//! Reading configuration files: YAML with positions, and sections that report what they did not understand.

pub mod yaml;
