//! Reading configuration files: YAML with positions, sections that report what they did not understand, and the
//! settings of the appliance itself from file, environment and command line.
//!
//! This floor knows no wing: [`yaml`] gives a tree, [`section`] reads typed values from it, and each wing turns
//! its own part into structs of its own model.

pub mod choices;
pub mod diagnostic;
pub mod expand;
pub mod flags;
pub mod http_client;
pub mod keys;
pub mod path;
pub mod scalar;
pub mod section;
pub mod settings;
pub mod shape;
pub mod text_file;
pub mod value;
pub mod yaml;
