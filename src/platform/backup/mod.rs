//! Everything the server keeps, in one file: made while it runs, read back into an empty folder.
//!
//! In reading order: [`Part`] (the port: each wing puts its files of one moment into a folder), [`manifest`] (what the file
//! says about itself), [`archive`] (folder to file), [`unpack`] (file to folder, trusting nothing), [`service`] (one at a
//! time, into a folder, the oldest removed), [`schedule`] (when). Knows no wing.
//!
//! The file is a tar archive compressed with zstd: `manifest.json`, then the files it lists in that order, then
//! `checksums.json` with the SHA-256 of each. Their names are those of the data folder, so the tools of any system can look
//! into it and take single files out.

mod archive;
mod manifest;
mod part;
mod partial;
mod schedule;
mod service;
#[cfg(test)]
mod tests;
mod unpack;

pub use manifest::{FORMAT_VERSION, Manifest};
pub use part::{Part, Stopped, link_or_copy};
pub use partial::Partial;
pub use schedule::{Schedule, ScheduleError, check as check_schedule};
pub use service::{BackupError, BackupFile, Backups, BackupsOptions, FILE_END, Made, file_name};
pub use unpack::{UnpackError, unpack, verify};
