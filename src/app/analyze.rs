//! `pharos tsdb analyze`: what series are made of, of a running server or of a data folder.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::ask::{ServerArgs, ask};
use crate::base::human;
use crate::base::time::format_rfc3339;
use crate::metrics::{Analysis, AnalyzeOptions, analyze_folder, parse_selector};

/// `pharos tsdb analyze`.
#[derive(Debug, clap::Args)]
pub(super) struct AnalyzeArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Read this data folder, or a snapshot, instead of asking a server. Only reads: a server may run on it.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Only this block of the folder, by its name.
    #[arg(long, requires = "data_dir")]
    block: Option<String>,
    /// Only series of the folder that this selector picks, such as 'up{job="node"}'; repeat it for more.
    #[arg(long = "match", requires = "data_dir")]
    matches: Vec<String>,
    /// Entries of each list.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Analyses and prints.
pub(super) async fn run(args: AnalyzeArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let Some(data_dir) = &args.data_dir else { return of_server(&args, out).await };
    let any_of = args.matches.iter().map(|text| parse_selector(text).map_err(|errors| anyhow::anyhow!("--match {text:?}: {errors}")));
    let options = AnalyzeOptions { top: args.limit, block: args.block.clone(), any_of: any_of.collect::<Result<_, _>>()? };
    let inner = data_dir.join("metrics");
    let analysis = analyze_folder(if inner.is_dir() { &inner } else { data_dir }, &options)?;
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &analysis)?;
        writeln!(out)?;
        return Ok(());
    }
    Ok(print(out, &analysis)?)
}

fn print(out: &mut impl Write, analysis: &Analysis) -> std::io::Result<()> {
    let time = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), format_rfc3339);
    let span = |from: Option<i64>, to: Option<i64>| from.zip(to).map_or(0, |(from, to)| to.abs_diff(from));
    writeln!(out, "From:           {}", time(analysis.min_time))?;
    writeln!(out, "To:             {}", time(analysis.max_time))?;
    writeln!(out, "Duration:       {}", human::span(span(analysis.min_time, analysis.max_time)))?;
    writeln!(out, "Series:         {}", analysis.series)?;
    writeln!(out, "Samples:        {}", analysis.samples)?;
    writeln!(out, "Label names:    {}", analysis.label_names)?;
    writeln!(out, "Label pairs:    {} distinct, {} on all series together", analysis.label_pairs, analysis.label_entries)?;
    let lists = &analysis.lists;
    for (title, list) in [
        ("Metrics with most series", &lists.series_by_metric),
        ("Metrics with most samples", &lists.samples_by_metric),
        ("Labels with most values", &lists.values_by_label),
        ("Labels with most bytes of values", &lists.bytes_by_label),
        ("Label pairs with most series", &lists.series_by_pair),
        ("Labels that come and go most (series, each by the part of the time without it)", &lists.churn_by_label),
        ("Label pairs that come and go most (the same)", &lists.churn_by_pair),
    ] {
        let entries: Vec<(u64, &str)> = list.iter().map(|entry| (entry.count, entry.name.as_str())).collect();
        print_list(out, title, &entries)?;
    }
    writeln!(out, "\nBlocks: {}", analysis.blocks.len())?;
    for block in &analysis.blocks {
        writeln!(
            out,
            "{}  {} to {} ({})  level {}\n    {} series, {} samples, {}, {:.2} bytes a sample, {} chunks, {:.0} samples a chunk",
            block.ulid,
            format_rfc3339(block.min_time),
            format_rfc3339(block.max_time),
            human::span(block.max_time.abs_diff(block.min_time)),
            block.level,
            block.series,
            block.samples,
            human::bytes(block.bytes as f64),
            block.bytes_per_sample,
            block.chunks,
            if block.chunks > 0 { block.samples as f64 / block.chunks as f64 } else { 0.0 },
        )?;
        let filled = block.chunk_fill.iter().filter(|fill| fill.chunks > 0).map(|fill| {
            let bound = fill.samples_max.map_or_else(|| "more".to_owned(), |most| format!("up to {most}"));
            format!("{bound}: {:.0} %", fill.chunks as f64 * 100.0 / block.chunks.max(1) as f64)
        });
        writeln!(out, "    chunks by samples: {}", filled.collect::<Vec<_>>().join(", "))?;
    }
    if let Some(log) = &analysis.log {
        writeln!(
            out,
            "\nLog, which holds what no block has yet:\n    {} to {}  {} series, {} samples, {} in {} segments",
            time(log.min_time),
            time(log.max_time),
            log.series,
            log.samples,
            human::bytes(log.bytes as f64),
            log.segments
        )?;
    }
    for what in &analysis.unreadable {
        writeln!(out, "cannot be read: {what}")?;
    }
    Ok(())
}

fn print_list(out: &mut impl Write, title: &str, entries: &[(u64, &str)]) -> std::io::Result<()> {
    writeln!(out, "\n{title}:")?;
    for (value, name) in entries {
        writeln!(out, "{value:>10}  {name}")?;
    }
    if entries.is_empty() {
        writeln!(out, "{:>10}", "none")?;
    }
    Ok(())
}

/// Asks a running server about what it has in memory, and its blocks.
async fn of_server(args: &AnalyzeArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let mut status = ask(&args.server, "api/v1/status/tsdb", &[("limit", args.limit.to_string())]).await?;
    let mut blocks = ask(&args.server, "api/v1/status/tsdb/blocks", &[]).await?;
    let (data, blocks) = (status["data"].take(), blocks["data"].take());
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &serde_json::json!({ "head": data, "blocks": blocks }))?;
        writeln!(out)?;
        return Ok(());
    }
    let head = &data["headStats"];
    writeln!(
        out,
        "In memory, which is what got samples lately: {} series, {} label pairs, {} chunks. What is older stands under Blocks.",
        head["numSeries"], head["numLabelPairs"], head["chunkCount"]
    )?;
    for (key, title) in [
        ("seriesCountByMetricName", "Metrics with most series"),
        ("labelValueCountByLabelName", "Labels with most values"),
        ("memoryInBytesByLabelName", "Labels with most bytes of values"),
        ("seriesCountByLabelValuePair", "Label pairs with most series"),
    ] {
        let entry = |entry: &'_ Json| entry["value"].as_u64().unwrap_or(0);
        let list = data[key].as_array().map_or(&[][..], Vec::as_slice);
        let entries: Vec<(u64, &str)> = list.iter().map(|one| (entry(one), one["name"].as_str().unwrap_or_default())).collect();
        print_list(out, title, &entries)?;
    }
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
    let time = |key: &str| format_rfc3339(block[key].as_i64().unwrap_or(0));
    let (samples, bytes) = (block["stats"]["numSamples"].as_f64().unwrap_or(0.0), block["stats"]["numBytes"].as_f64().unwrap_or(0.0));
    format!(
        "{}  {} to {}  {} series, {} samples, {}, {:.2} bytes a sample",
        block["ulid"].as_str().unwrap_or_default(),
        time("minTime"),
        time("maxTime"),
        block["stats"]["numSeries"],
        human::short(samples),
        human::bytes(bytes),
        if samples > 0.0 { bytes / samples } else { 0.0 }
    )
}
