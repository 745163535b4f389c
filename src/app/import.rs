//! `pharos import openmetrics` and `pharos tsdb analyze`.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value as Json;

use super::ask::{ServerArgs, ask};
use crate::base::cancel::Cancel;
use crate::base::clock::SystemClock;
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

/// `pharos tsdb analyze`: of what is in memory, and the blocks.
#[derive(Debug, clap::Args)]
pub(super) struct AnalyzeArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Entries of each list.
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// Asks a running server and prints its lists.
pub(super) async fn analyze(args: AnalyzeArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let data = ask(&args.server.url, "api/v1/status/tsdb", &[("limit", args.limit.to_string())]).await?["data"].take();
    let head = &data["headStats"];
    writeln!(
        out,
        "In memory, which is what got samples lately: {} series, {} label pairs, {} chunks. What is older stands under Blocks.",
        head["numSeries"], head["numLabelPairs"], head["chunkCount"]
    )?;
    let lists = [
        ("seriesCountByMetricName", "Metrics with most series"),
        ("labelValueCountByLabelName", "Labels with most values"),
        ("memoryInBytesByLabelName", "Labels with most bytes of values"),
        ("seriesCountByLabelValuePair", "Label pairs with most series"),
    ];
    for (key, title) in lists {
        writeln!(out, "\n{title}:")?;
        for entry in data[key].as_array().into_iter().flatten() {
            writeln!(out, "{:>10}  {}", entry["value"], entry["name"].as_str().unwrap_or_default())?;
        }
    }
    let blocks = ask(&args.server.url, "api/v1/status/tsdb/blocks", &[]).await?["data"].take();
    writeln!(out, "\nBlocks:")?;
    for block in blocks["blocks"].as_array().into_iter().flatten() {
        writeln!(out, "{}", block_line(block))?;
    }
    for aside in blocks["quarantined"].as_array().into_iter().flatten() {
        writeln!(out, "set aside: {} ({})", aside["name"].as_str().unwrap_or_default(), aside["reason"].as_str().unwrap_or_default())?;
    }
    Ok(())
}

fn block_line(block: &Json) -> String {
    let time = |key: &str| crate::base::time::format_rfc3339(block[key].as_i64().unwrap_or(0));
    let (samples, bytes) = (block["stats"]["numSamples"].as_f64().unwrap_or(0.0), block["stats"]["numBytes"].as_f64().unwrap_or(0.0));
    format!(
        "{}  {} to {}  {} series, {} samples, {}, {:.2} bytes a sample",
        block["ulid"].as_str().unwrap_or_default(),
        time("minTime"),
        time("maxTime"),
        block["stats"]["numSeries"],
        crate::base::human::short(samples),
        crate::base::human::bytes(bytes),
        if samples > 0.0 { bytes / samples } else { 0.0 }
    )
}
