//! `file_sd_configs`: lists of targets in files of their own, YAML or JSON, read again now and then.

use std::io::Read;
use std::path::Path;

use super::{CollectConfig, target};
use crate::logs::ingest::collect::files::FileTarget;
use crate::logs::ingest::collect::files::glob::Pattern;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::path;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, Kind, Position};
use crate::series::relabel::RelabelConfig;

/// Most files of one job.
const FILES_MAX: usize = 1_000;
/// Most groups of targets of one file.
const GROUPS_MAX: usize = 10_000;
/// Largest file, in bytes.
const LIST_BYTES_MAX: u64 = 8 << 20;

/// Targets of all lists that a job names. A file that is not there is none.
pub(super) fn read(job: &mut Section<'_, '_>, rules: &[RelabelConfig], config: &mut CollectConfig) -> Vec<FileTarget> {
    let mut targets = Vec::new();
    for node in job.list("file_sd_configs") {
        let Some(mut section) = Section::open(node, "file_sd_configs", job.report) else { continue };
        config.has_lists = true;
        let patterns = section.texts("files");
        let at = section.value_place("files");
        // Lists are read again more often than most people ask for.
        section.knows(&["refresh_interval"]);
        section.finish();
        if patterns.is_empty() {
            job.report.error(at, "files: required");
        }
        for text in patterns {
            let whole = path::join(job.report.dir(), &text);
            let whole = std::path::absolute(&whole).map_or(whole, |path| path.display().to_string());
            match Pattern::new(&whole) {
                Ok(pattern) => {
                    for file in pattern.expand().files.iter().take(FILES_MAX) {
                        targets.extend(list(file, at, rules, config, job.report));
                    }
                }
                Err(why) => job.report.error(at, format!("files: {why}")),
            }
        }
    }
    targets
}

/// The targets of one list. Mistakes are placed in it.
fn list(file: &Path, at: Position, rules: &[RelabelConfig], config: &mut CollectConfig, report: &mut Report) -> Vec<FileTarget> {
    let mut text = String::new();
    let opened = std::fs::File::open(file).and_then(|file| file.take(LIST_BYTES_MAX).read_to_string(&mut text));
    if let Err(error) = opened {
        report.error(at, format!("file_sd_configs: cannot read {}: {error}", file.display()));
        return Vec::new();
    }
    config.hash = config.hash.rotate_left(1) ^ xxhash_rust::xxh3::xxh3_64(text.as_bytes());
    let main = Path::new(&**report.file()).to_owned();
    report.enter(file);
    let targets = groups(&text, &file.display().to_string(), rules, report);
    report.enter(&main);
    targets
}

fn groups(text: &str, found_in: &str, rules: &[RelabelConfig], report: &mut Report) -> Vec<FileTarget> {
    let document = match yaml::parse(text) {
        Ok(document) => document,
        Err(error) => {
            report.error(error.at, error.message);
            return Vec::new();
        }
    };
    let items = match &document.root.kind {
        Kind::List(items) => items.as_slice(),
        Kind::Null => &[],
        _ => {
            report.error(document.root.at, format!("file_sd_configs: read {}, expected a list of targets", document.root.describe()));
            &[]
        }
    };
    let mut targets = Vec::new();
    for item in items.iter().take(GROUPS_MAX) {
        let Some(mut section) = Section::open(item, "file_sd_configs", report) else { continue };
        let (addresses, labels) = (section.texts("targets"), section.text_map("labels"));
        let at = section.place("labels");
        section.finish();
        targets.extend(target(&addresses, &labels, found_in, rules, at, report));
    }
    targets
}
