//! `pharos logs …`: asks a running server (or any Loki) for lines and prints them, as logcli does.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use http::{HeaderMap, HeaderValue};
use serde_json::Value as Json;

use super::ask::{ServerArgs, get_with};
use crate::base::clock::Clock;
use crate::base::time::{self, format_rfc3339, parse_timestamp};
use crate::logs::parse_time;

const NS_PER_MS: i64 = 1_000_000;
/// Lines of one request; more are fetched page by page.
const PAGE: usize = 1000;
/// How often new lines are asked for.
const TAIL_EVERY: Duration = Duration::from_secs(1);
/// How late a line may come and still be shown by a tail.
const TAIL_OVERLAP_NS: i64 = 10 * 1_000_000_000;

/// How to print lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Output {
    /// Time, labels and line.
    #[default]
    Default,
    /// The line alone.
    Raw,
    /// A JSON object for each line, as `pharos import loki-export` reads it.
    Jsonl,
}

/// `pharos logs query`.
#[derive(Debug, clap::Args)]
pub(super) struct QueryArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// How far back to look, such as 15m or 2d, unless --from says it.
    #[arg(long, default_value = "1h")]
    since: String,
    /// Start: Unix seconds or RFC 3339.
    #[arg(long)]
    from: Option<String>,
    /// End: Unix seconds or RFC 3339; now if absent.
    #[arg(long)]
    to: Option<String>,
    /// Most lines to print; 0 for all.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Print the oldest lines first.
    #[arg(long)]
    forward: bool,
    /// Distance of points of a metric query, such as 1m; chosen by the length of the range if absent.
    #[arg(long)]
    step: Option<String>,
    /// How to print lines.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    /// The LogQL query, such as '{app="shop"} |= "error"'.
    query: String,
}

/// `pharos logs tail`.
#[derive(Debug, clap::Args)]
pub(super) struct TailArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// How far back to begin.
    #[arg(long, default_value = "10s")]
    since: String,
    /// How to print lines.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    /// The LogQL query, such as '{app="shop"}'.
    query: String,
}

/// `pharos logs labels`.
#[derive(Debug, clap::Args)]
pub(super) struct LabelsArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// How far back to look.
    #[arg(long, default_value = "6h")]
    since: String,
    /// The label whose values are wanted; the names of all labels if absent.
    name: Option<String>,
}

/// A line as the API gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Line {
    ts: i64,
    /// Its stream as JSON, keys sorted.
    labels: String,
    /// Fields that it was sent with as JSON, where they are told apart; empty for none.
    fields: String,
    text: String,
}

/// Runs `logs query`.
pub(super) async fn query(args: QueryArgs, now_ms: i64, out: &mut impl Write) -> anyhow::Result<()> {
    let end = moment(args.to.as_ref(), now_ms)?.unwrap_or(now_ms * NS_PER_MS);
    let start = moment(args.from.as_ref(), now_ms)?.unwrap_or(end - length_ns(&args.since)?);
    let mut pages = Pages {
        server: &args.server,
        query: &args.query,
        step: args.step.as_deref(),
        start,
        end,
        forward: args.forward,
        tells_apart: args.output == Output::Jsonl,
        seen: HashSet::new(),
    };
    let mut left = if args.limit == 0 { usize::MAX } else { args.limit };
    while left > 0 {
        match pages.next(left.min(PAGE)).await? {
            Page::Lines(lines, is_last) => {
                for line in lines.iter().take(left) {
                    print(line, args.output, out)?;
                }
                left = left.saturating_sub(lines.len());
                if is_last {
                    break;
                }
            }
            Page::Numbers(data) => return print_numbers(&data, out),
        }
    }
    out.flush()?;
    Ok(())
}

/// Runs `logs tail`, until it is interrupted.
pub(super) async fn tail(args: TailArgs, clock: &dyn Clock, out: &mut impl Write) -> anyhow::Result<()> {
    let mut start = clock.now_ms() * NS_PER_MS - length_ns(&args.since)?;
    let mut seen: HashSet<Line> = HashSet::new();
    loop {
        let end = clock.now_ms() * NS_PER_MS + TAIL_OVERLAP_NS;
        let (server, query) = (&args.server, args.query.as_str());
        let tells_apart = args.output == Output::Jsonl;
        let mut pages = Pages { server, query, step: None, start, end, forward: true, tells_apart, seen: HashSet::new() };
        let mut newest = start;
        loop {
            let Page::Lines(lines, is_last) = pages.next(PAGE).await? else {
                bail!("only lines can be tailed, and this is a metric query")
            };
            for line in lines {
                newest = newest.max(line.ts);
                if seen.insert(line.clone()) {
                    print(&line, args.output, out)?;
                }
            }
            if is_last {
                break;
            }
        }
        out.flush()?;
        start = start.max(newest - TAIL_OVERLAP_NS);
        seen.retain(|line| line.ts >= start);
        tokio::time::sleep(TAIL_EVERY).await;
    }
}

/// Runs `logs labels`.
pub(super) async fn labels(args: LabelsArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let path = match &args.name {
        Some(name) => format!("loki/api/v1/label/{name}/values"),
        None => "loki/api/v1/labels".to_owned(),
    };
    let answer = ask(&args.server, &path, &[("since", args.since)], HeaderMap::new()).await?;
    for value in answer["data"].as_array().into_iter().flatten() {
        writeln!(out, "{}", value.as_str().unwrap_or_default())?;
    }
    Ok(())
}

/// A page of an answer.
enum Page {
    /// Lines that were not seen before, and whether there are no more.
    Lines(Vec<Line>, bool),
    Numbers(Json),
}

/// Fetches page by page. Lines of one time may lie on two pages, so those of the last one are remembered.
struct Pages<'a> {
    server: &'a ServerArgs,
    query: &'a str,
    step: Option<&'a str>,
    start: i64,
    end: i64,
    forward: bool,
    /// Whether labels of the stream and fields of the line are to be told apart.
    tells_apart: bool,
    seen: HashSet<Line>,
}

impl Pages<'_> {
    async fn next(&mut self, wanted: usize) -> anyhow::Result<Page> {
        let limit = wanted + self.seen.len();
        let mut params = vec![
            ("query", self.query.to_owned()),
            ("start", self.start.to_string()),
            ("end", self.end.to_string()),
            ("limit", limit.to_string()),
            ("direction", if self.forward { "forward" } else { "backward" }.to_owned()),
        ];
        params.extend(self.step.map(|step| ("step", step.to_owned())));
        let mut headers = HeaderMap::new();
        if self.tells_apart {
            headers.insert("x-loki-response-encoding-flags", HeaderValue::from_static("categorize-labels"));
        }
        let answer = ask(self.server, "loki/api/v1/query_range", &params, headers).await?;
        let data = &answer["data"];
        if data["resultType"] != "streams" {
            return Ok(Page::Numbers(data.clone()));
        }
        let mut lines = lines_of(data);
        lines.sort_by(|a, b| if self.forward { a.ts.cmp(&b.ts) } else { b.ts.cmp(&a.ts) });
        let is_last = lines.len() < limit;
        if let Some(last) = lines.last().map(|line| line.ts) {
            let at_end: HashSet<Line> = lines.iter().filter(|line| line.ts == last).cloned().collect();
            lines.retain(|line| !self.seen.contains(line));
            // Ends are not included, starts are.
            let moved = if self.forward { std::mem::replace(&mut self.start, last) } else { std::mem::replace(&mut self.end, last + 1) };
            let is_stuck = lines.is_empty() && !is_last && moved == if self.forward { self.start } else { self.end };
            if is_stuck {
                bail!("there are more lines at one time than one request may ask for");
            }
            self.seen = at_end;
        }
        Ok(Page::Lines(lines, is_last))
    }
}

fn lines_of(data: &Json) -> Vec<Line> {
    let mut lines = Vec::new();
    for stream in data["result"].as_array().into_iter().flatten() {
        let labels = stream["stream"].to_string();
        for value in stream["values"].as_array().into_iter().flatten() {
            let ts = value[0].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
            let fields = value[2].get("structuredMetadata").map(Json::to_string).unwrap_or_default();
            lines.push(Line { ts, labels: labels.clone(), fields, text: value[1].as_str().unwrap_or_default().to_owned() });
        }
    }
    lines
}

fn print(line: &Line, output: Output, out: &mut impl Write) -> anyhow::Result<()> {
    match output {
        Output::Raw => writeln!(out, "{}", line.text)?,
        Output::Default => {
            let labels: Json = serde_json::from_str(&line.labels)?;
            writeln!(out, "{} {} {}", format_ns(line.ts), labels_text(&labels), line.text)?;
        }
        Output::Jsonl => {
            let (text, ts) = (serde_json::to_string(&line.text)?, format_ns(line.ts));
            let fields = if line.fields.is_empty() { String::new() } else { format!(",\"fields\":{}", line.fields) };
            writeln!(out, "{{\"labels\":{}{fields},\"line\":{text},\"timestamp\":\"{ts}\"}}", line.labels)?;
        }
    }
    Ok(())
}

fn print_numbers(data: &Json, out: &mut impl Write) -> anyhow::Result<()> {
    for series in data["result"].as_array().into_iter().flatten() {
        let labels = labels_text(&series["metric"]);
        let single = std::iter::once(&series["value"]).filter(|value| !value.is_null());
        for value in series["values"].as_array().into_iter().flatten().chain(single) {
            writeln!(out, "{labels} {} @[{}]", value[1].as_str().unwrap_or_default(), value[0])?;
        }
    }
    Ok(())
}

/// `{app="shop"}`.
fn labels_text(labels: &Json) -> String {
    let pairs: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", crate::series::labels::quote(value.as_str().unwrap_or_default())))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

/// RFC 3339 to the nanosecond.
fn format_ns(ts: i64) -> String {
    let whole = format_rfc3339(ts.div_euclid(1_000_000_000) * 1000);
    match ts.rem_euclid(1_000_000_000) {
        0 => whole,
        ns => format!("{}.{}Z", whole.trim_end_matches('Z'), format!("{ns:09}").trim_end_matches('0')),
    }
}

fn moment(text: Option<&String>, now_ms: i64) -> anyhow::Result<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    if text == "now" {
        return Ok(Some(now_ms * NS_PER_MS));
    }
    let ns = parse_timestamp(text).map(|ms| ms * NS_PER_MS).filter(|_| !text.contains('T')).or_else(|| parse_time(text));
    ns.map(Some).with_context(|| format!("cannot read {text:?} as a time: use Unix seconds or RFC 3339"))
}

fn length_ns(text: &str) -> anyhow::Result<i64> {
    let length = time::Duration::parse(text).ok().with_context(|| format!("cannot read {text:?} as a length of time such as 15m"))?;
    Ok(length.ms().saturating_mul(NS_PER_MS))
}

/// Calls the API and gives its answer, or the server's sentence.
async fn ask(server: &ServerArgs, path: &str, params: &[(&str, String)], headers: HeaderMap) -> anyhow::Result<Json> {
    let url = &server.url;
    let (status, body) = get_with(server, path, params, headers).await?;
    if status != 200 {
        let said = String::from_utf8_lossy(&body);
        let hint = if status == 401 { "; make a token that may read, and set PHAROS_TOKEN to it" } else { "" };
        bail!("{url} answered {status}: {}{hint}", said.trim());
    }
    serde_json::from_slice(&body).with_context(|| format!("{url} answered with something that is not JSON; does it speak Loki's API?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prints_as_logcli() {
        let data = json!({"result": [{"stream": {"app": "a\"b", "env": "x"}, "values": [["1700000000000000001", "hi \"there\""]]}]});
        let lines = lines_of(&data);
        let printed = |output| {
            let mut out = Vec::new();
            print(&lines[0], output, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(printed(Output::Raw), "hi \"there\"\n");
        assert_eq!(printed(Output::Default), "2023-11-14T22:13:20.000000001Z {app=\"a\\\"b\", env=\"x\"} hi \"there\"\n");
        assert_eq!(
            printed(Output::Jsonl),
            "{\"labels\":{\"app\":\"a\\\"b\",\"env\":\"x\"},\"line\":\"hi \\\"there\\\"\",\"timestamp\":\"2023-11-14T22:13:20.000000001Z\"}\n"
        );
        let told_apart = json!({"result": [{"stream": {"app": "a"}, "values": [["1", "x", {"structuredMetadata": {"trace": "7"}}]]}]});
        let mut out = Vec::new();
        print(&lines_of(&told_apart)[0], Output::Jsonl, &mut out).unwrap();
        let wanted =
            "{\"labels\":{\"app\":\"a\"},\"fields\":{\"trace\":\"7\"},\"line\":\"x\",\"timestamp\":\"1970-01-01T00:00:00.000000001Z\"}\n";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
        let mut out = Vec::new();
        print_numbers(&json!({"result": [{"metric": {"a": "b"}, "values": [[1, "2"], [3.5, "4"]]}]}), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{a=\"b\"} 2 @[1]\n{a=\"b\"} 4 @[3.5]\n");
    }

    #[test]
    fn times_are_read() {
        let of = |text: &str| moment(Some(&text.to_owned()), 5).unwrap();
        assert_eq!(of("1700000000"), Some(1_700_000_000_000_000_000));
        assert_eq!(of("2023-11-14T22:13:20.000000001Z"), Some(1_700_000_000_000_000_001));
        assert_eq!((of("now"), moment(None, 5).unwrap()), (Some(5 * NS_PER_MS), None));
        assert!(moment(Some(&"noon".to_owned()), 5).is_err() && length_ns("x").is_err());
        assert_eq!(length_ns("15m").unwrap(), 900_000_000_000);
    }
}
