//! Dashboards that come from files: folders of JSON are read, followed, and kept as the library keeps everything.

mod files;
mod follow;
mod providers;
#[cfg(test)]
mod tests;

pub use follow::Follower;
pub use providers::{Provider, read as providers};
