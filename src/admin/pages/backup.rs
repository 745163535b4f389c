//! Backups: which there are, when the next one is made, how to restore one.

use crate::platform::backup::BackupFile;
use crate::ui::format::{self, Moment, Unit};
use crate::ui::page;
use crate::ui::shell::Shell;

/// Where the example of a command puts the data, as packages do.
const DATA_DIR: &str = "/var/lib/pharos";

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct BackupInput {
    /// Backups in the folder, newest first.
    pub files: Vec<BackupFile>,
    /// The folder.
    pub folder: String,
    /// How many are kept there; 0 for all.
    pub keep: usize,
    /// When the next one is made (ms).
    pub next_ms: Option<i64>,
    /// Whether one is being made.
    pub is_running: bool,
    /// When the last one failed (ms) and why, if none succeeded since.
    pub failure: Option<(i64, String)>,
    /// What was wrong with the last form.
    pub error: Option<String>,
}

struct Row<'a> {
    name: &'a str,
    href: String,
    made: Moment,
    size: String,
}

#[derive(askama::Template)]
#[template(path = "admin/backup.html")]
struct BackupPage<'a> {
    shell: &'a Shell,
    input: &'a BackupInput,
    rows: Vec<Row<'a>>,
    count: u64,
    keep: u64,
    next: Option<Moment>,
    failed: Option<(Moment, &'a str)>,
    command: String,
    done: &'a str,
}

/// Renders the page.
pub fn render(input: &BackupInput, shell: &Shell) -> String {
    let row = |file| -> Row<'_> {
        let file: &BackupFile = file;
        Row {
            name: &file.name,
            href: crate::ui::links::backup_file(&file.name),
            made: shell.moment(file.made_ms),
            size: format::number(file.bytes as f64, Unit::Bytes),
        }
    };
    let newest = input.files.first().map_or("pharos.tar.zst", |file| file.name.as_str());
    page::html(&BackupPage {
        shell,
        input,
        rows: input.files.iter().map(row).collect(),
        count: input.files.len() as u64,
        keep: input.keep as u64,
        next: input.next_ms.map(|at| shell.moment(at)),
        failed: input.failure.as_ref().map(|(at, why)| (shell.moment(*at), why.as_str())),
        command: format!("pharos restore {newest} --data-dir {DATA_DIR}"),
        done: shell.param("done").unwrap_or(""),
    })
}
