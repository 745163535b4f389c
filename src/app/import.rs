//! `pharos tsdb analyze`: what series are made of.

use std::io::Write;

use serde_json::Value as Json;

use super::ask::{ServerArgs, ask};

/// `pharos tsdb analyze`.
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
    writeln!(out, "Series: {}\nLabel pairs: {}\nChunks: {}", head["numSeries"], head["numLabelPairs"], head["chunkCount"])?;
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
