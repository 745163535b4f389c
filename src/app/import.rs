//! `pharos import openmetrics` and `loki-export`.

use std::io::{BufReader, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::base::cancel::Cancel;
use crate::base::clock::SystemClock;
use crate::logs::{ImportOptions, import_lines, parse_labels};
use crate::metrics::{Store, StoreSettings, import_openmetrics};

/// `pharos import openmetrics`.
#[derive(Debug, clap::Args)]
pub(super) struct OpenMetricsArgs {
    /// Folder of all data, as for `serve`.
    #[arg(long, default_value = "data", env = "PHAROS_STORAGE_PATH")]
    data_dir: PathBuf,
    /// The file; it ends with "# EOF".
    file: PathBuf,
}

/// Reads the file into storage, with a bar on the terminal.
pub(super) fn openmetrics(args: &OpenMetricsArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let mut file = std::fs::File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let folder = args.data_dir.join("metrics");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Old samples are what an import is for: nothing is too late, and nothing is retired meanwhile.
    let settings = StoreSettings { out_of_order_ms: i64::MAX / 4, retention_ms: 0, retention_bytes: 0, ..StoreSettings::new(folder) };
    let store = Store::open(settings, Arc::new(SystemClock::new()))?;
    let bar = ProgressBar::new(file.metadata().map_or(0, |meta| meta.len()));
    bar.set_style(ProgressStyle::with_template("{bar:40} {binary_bytes}/{binary_total_bytes} {msg} {eta}")?);
    let done = import_openmetrics(&mut file, &store, &Cancel::new(), &mut |progress| {
        bar.set_position(progress.bytes);
        bar.set_message(format!("{} samples", progress.stored));
    });
    bar.finish_and_clear();
    let done = done.with_context(|| args.file.display().to_string())?;
    store.flush_now()?;
    store.close();
    writeln!(
        out,
        "{} samples of {} new series imported, {} were there already, {} refused",
        done.stored, done.series_created, done.repeated, done.refused
    )?;
    if let Some(first) = done.first_refused {
        writeln!(out, "first refused: {first}")?;
    }
    Ok(())
}

/// `pharos import loki-export`.
#[derive(Debug, clap::Args)]
pub(super) struct LokiExportArgs {
    /// Folder of all data, as for `serve`.
    #[arg(long, default_value = "data", env = "PHAROS_STORAGE_PATH")]
    data_dir: PathBuf,
    /// Labels that every line gets besides its own, such as '{env="prod"}'.
    #[arg(long)]
    labels: Option<String>,
    /// Labels of the file that become fields of their line, because they differ from line to line, comma separated.
    #[arg(long, value_delimiter = ',')]
    fields: Vec<String>,
    /// The file: an object with labels, line and timestamp on each line.
    file: PathBuf,
}

/// Reads the file into log storage, with a bar on the terminal.
pub(super) fn loki_export(args: &LokiExportArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let file = std::fs::File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let bar = ProgressBar::new(file.metadata().map_or(0, |meta| meta.len()));
    bar.set_style(ProgressStyle::with_template("{bar:40} {binary_bytes}/{binary_total_bytes} {msg} {eta}")?);
    let labels = match &args.labels {
        Some(text) => parse_labels(text).map_err(|error| anyhow::anyhow!("--labels {text:?}: {error}"))?,
        None => Vec::new(),
    };
    let options = ImportOptions { labels, fields: args.fields.clone() };
    let done = import_lines(&args.data_dir, &mut BufReader::with_capacity(1 << 20, file), &options, &mut |bytes, lines| {
        bar.set_position(bytes);
        bar.set_message(format!("{lines} lines"));
    });
    bar.finish_and_clear();
    let done = done.with_context(|| args.file.display().to_string())?;
    writeln!(out, "{} lines imported, {} refused", done.lines, done.refused)?;
    if let Some(first) = done.first_refused {
        writeln!(out, "first refused: {first}")?;
    }
    Ok(())
}
