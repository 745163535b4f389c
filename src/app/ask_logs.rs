//! `pharos logs …`: asks a running server (or any Loki) for lines and prints them, as logcli does.

use std::collections::{HashMap, HashSet};
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
/// How long a tail waits after a failure, at first; twice as long after each more, up to the last.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// Lines of one time that are asked for again with more of them; with more seen than this, a page leaves them out.
const SEEN_AGAIN_MAX: usize = 3_000;
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

impl Line {
    /// What tells it from other lines.
    fn hash(&self) -> u128 {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        hasher.update(&self.ts.to_le_bytes());
        for text in [&self.labels, &self.fields, &self.text] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.digest128()
    }
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

/// Runs `logs tail`, until it is interrupted. What it could not fetch is fetched when the server is there again.
pub(super) async fn tail(args: TailArgs, clock: &dyn Clock, out: &mut impl Write) -> anyhow::Result<()> {
    let mut follower = Follower { start: clock.now_ms() * NS_PER_MS - length_ns(&args.since)?, seen: HashMap::new() };
    // The first answer shows that address and query are right.
    let mut has_answer = false;
    let mut wait = WAITS[0];
    loop {
        match follower.round(&args, clock, out).await {
            Ok(()) => {
                has_answer = true;
                wait = WAITS[0];
                tokio::time::sleep(TAIL_EVERY).await;
            }
            Err(error) if has_answer && may_pass(&error) => {
                // Lines are all that standard output has.
                let seconds = wait.as_secs();
                let _nobody_reads_it = writeln!(std::io::stderr(), "{error:#}; asking again in {seconds} s");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAITS[1]);
            }
            Err(error) => return Err(error),
        }
    }
}

/// How far a tail is.
struct Follower {
    /// Lines before this time (ns) are not asked for any more.
    start: i64,
    /// What was printed of the lines from then on, by hash, with their times.
    seen: HashMap<u128, i64>,
}

impl Follower {
    /// Prints what is new. After a failure, the next round goes on where this one began; what was printed is not again.
    async fn round(&mut self, args: &TailArgs, clock: &dyn Clock, out: &mut impl Write) -> anyhow::Result<()> {
        let end = clock.now_ms() * NS_PER_MS + TAIL_OVERLAP_NS;
        let mut pages = Pages {
            server: &args.server,
            query: &args.query,
            step: None,
            start: self.start,
            end,
            forward: true,
            tells_apart: args.output == Output::Jsonl,
            seen: HashSet::new(),
        };
        let mut newest = self.start;
        loop {
            let Page::Lines(lines, is_last) = pages.next(PAGE).await? else {
                bail!("only lines can be tailed, and this is a metric query")
            };
            for line in lines {
                newest = newest.max(line.ts);
                if self.seen.insert(line.hash(), line.ts).is_none() {
                    print(&line, args.output, out)?;
                }
            }
            out.flush()?;
            if is_last {
                break;
            }
        }
        self.start = self.start.max(newest - TAIL_OVERLAP_NS);
        self.seen.retain(|_, ts| *ts >= self.start);
        Ok(())
    }
}

/// Whether a failure may be over when the server is asked again.
fn may_pass(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Refused>() {
        Some(refused) => refused.status == 429 || refused.status >= 500,
        // Whoever reads the lines went away: that does not pass. Anything else is the network.
        None => error.downcast_ref::<std::io::Error>().is_none_or(|error| error.kind() != std::io::ErrorKind::BrokenPipe),
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
    /// Lines at the edge, by hash.
    seen: HashSet<u128>,
}

impl Pages<'_> {
    async fn next(&mut self, wanted: usize) -> anyhow::Result<Page> {
        // Few lines of one time are asked for once more; many of them the server leaves out.
        let skips = self.seen.len() > SEEN_AGAIN_MAX;
        let limit = if skips { wanted } else { wanted + self.seen.len() };
        let mut params = vec![
            ("query", self.query.to_owned()),
            ("start", self.start.to_string()),
            ("end", self.end.to_string()),
            ("limit", limit.to_string()),
            ("direction", if self.forward { "forward" } else { "backward" }.to_owned()),
        ];
        if skips {
            params.push(("skip", self.seen.len().to_string()));
        }
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
            let at_end: HashSet<u128> = lines.iter().filter(|line| line.ts == last).map(Line::hash).collect();
            lines.retain(|line| !self.seen.contains(&line.hash()));
            // Ends are not included, starts are.
            let edge = if self.forward { &mut self.start } else { &mut self.end };
            let next = if self.forward { last } else { last + 1 };
            let has_moved = std::mem::replace(edge, next) != next;
            if lines.is_empty() && !is_last && !has_moved {
                bail!(
                    "there are more than {} lines of one time, {}, and this server cannot leave out those that were seen; \
                     ask for fewer streams, or use a filter",
                    self.seen.len(),
                    format_ns(last)
                );
            }
            if has_moved {
                self.seen.clear();
            }
            self.seen.extend(at_end);
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

/// The server said no.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
struct Refused {
    status: u16,
    said: String,
}

/// Calls the API and gives its answer, or the server's sentence.
async fn ask(server: &ServerArgs, path: &str, params: &[(&str, String)], headers: HeaderMap) -> anyhow::Result<Json> {
    let url = &server.url;
    let (status, body) = get_with(server, path, params, headers).await?;
    if status != 200 {
        let said = String::from_utf8_lossy(&body);
        let hint = if status == 401 { "; make a token that may read, and set PHAROS_TOKEN to it" } else { "" };
        return Err(Refused { status, said: format!("{url} answered {status}: {}{hint}", said.trim()) }.into());
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
    fn some_failures_pass_and_some_do_not() {
        let refused = |status| anyhow::Error::from(Refused { status, said: String::new() });
        for (error, passes) in [
            (refused(503), true),
            (refused(429), true),
            (refused(400), false),
            (refused(401), false),
            (anyhow::anyhow!("nobody answers"), true),
            (std::io::Error::from(std::io::ErrorKind::BrokenPipe).into(), false),
            (std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(), true),
        ] {
            assert_eq!(may_pass(&error), passes, "{error:?}");
        }
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
