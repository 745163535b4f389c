//! Watching: runs checks when they are due and keeps the books of what came of it.

pub mod announce;
pub mod book;
pub mod desk;
pub mod planner;
pub mod samples;
pub mod timing;
pub mod unwritten;
pub mod watcher;
