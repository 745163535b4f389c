//! What the store of lines costs beside the plain work on the same text: compressing it, searching it in memory, parsing
//! its JSON.
//!
//! `cargo bench --bench logs -- [lines] [rounds]`. Everything is measured in one run and in alternation, in CPU seconds of
//! the whole process, queries on one thread, so that ratios hold on a noisy machine. Below 1 the store needs less.

#![expect(clippy::expect_used, reason = "a measurement stops when anything fails")]

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use regex::bytes::Regex;

use pharos::base::cancel::Cancel;
use pharos::base::clock::ManualClock;
use pharos::logs::model::batch::LineBatch;
use pharos::logs::model::read::{SelectLines, Span};
use pharos::logs::model::write::AppendLines;
use pharos::logs::query::ast::Query;
use pharos::logs::query::engine::{Direction, Engine, LogQuestion, Options};
use pharos::logs::store::{Store, StoreSettings};
use pharos::series::labels::Labels;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STREAMS: usize = 100;
/// Lines of a stream in one batch, and batches between two looks at the clock.
const BATCH_LINES: usize = 5_000;
const SLICE_LINES: usize = 200_000;
const START_NS: i64 = 1_760_400_000_000_000_000;
const HOUR_NS: i64 = 3_600_000_000_000;
/// One line in so many has the needle.
const NEEDLE_EVERY: usize = 100_000;
const NEEDLE: &str = "needle-c0ffee42";
/// What plain compression is given at once, and its level.
const CHUNK_BYTES: usize = 1 << 20;
const LEVEL: i32 = 3;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Access,
    Json,
    System,
}

/// Two streams of web servers, two of services that write JSON and one of the system on each host.
const fn kind_of(stream: usize) -> Kind {
    match stream % 5 {
        0 | 2 => Kind::Json,
        1 | 3 => Kind::Access,
        _ => Kind::System,
    }
}

fn labels_of(stream: usize) -> Labels {
    let job = match kind_of(stream) {
        Kind::Access => "nginx",
        Kind::Json => "api",
        Kind::System => "syslog",
    };
    Labels::from_pairs([
        ("job", job.to_owned()),
        ("instance", format!("host-{:05}", stream / 5)),
        ("container", format!("{job}-{}", stream % 5 / 2)),
        ("service", format!("service-{}", stream % 17)),
    ])
}

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "curl/8.11.0",
    "kube-probe/1.31",
];
const PATHS: [&str; 5] = ["/api/v1/cart", "/api/v1/orders", "/api/v1/search", "/login", "/healthz"];
const FAILURES: [&str; 3] = ["connection refused", "context deadline exceeded", "unexpected end of file"];

/// Writes one line, of about 200 bytes.
fn write_line(kind: Kind, number: usize, dice: &mut Dice, out: &mut String) {
    out.clear();
    let (minute, second) = (number / 60_000 % 60, number / 1000 % 60);
    let id = dice.next();
    let written = match kind {
        Kind::Access => write!(
            out,
            "10.{}.{}.{} - - [14/Oct/2025:00:{minute:02}:{second:02} +0000] \"GET {}/{}?page={} HTTP/1.1\" {} {} \"-\" \"{}\" 0.{:03}",
            id & 31,
            id >> 8 & 255,
            id >> 16 & 255,
            dice.pick(&PATHS),
            dice.below(1_000_000),
            dice.below(20),
            if dice.below(200) == 0 { 500 + dice.below(4) } else { 200 },
            dice.below(50_000),
            dice.pick(&AGENTS),
            dice.below(1000),
        ),
        Kind::Json => {
            let (level, status) = if dice.below(50) == 0 { ("ERROR", 500) } else { ("INFO", 200) };
            let message =
                if status == 500 { format!("request failed with error: {}", dice.pick(&FAILURES)) } else { "request completed".to_owned() };
            write!(
                out,
                "{{\"ts\":\"2025-10-14T00:{minute:02}:{second:02}.{:06}Z\",\"level\":\"{level}\",\"service\":\"checkout\",\"logger\":\"{}\",\
                 \"msg\":\"{message}\",\"method\":\"GET\",\"path\":\"{}/{}\",\"status\":{status},\"duration_ms\":{}.{},\"trace_id\":\"{id:016x}{:016x}\",\"span_id\":\"{:016x}\",\"user_id\":{}}}",
                number % 1_000_000,
                dice.pick(&["http.server", "db.pool", "cache", "worker"]),
                dice.pick(&PATHS),
                dice.below(1_000_000),
                dice.below(1000) * dice.below(1000) / 1000,
                dice.below(10),
                dice.next(),
                dice.next(),
                dice.below(200_000),
            )
        }
        Kind::System => write!(
            out,
            "<86>Oct 14 00:{minute:02}:{second:02} host sshd[{}]: Accepted publickey for {} from 10.1.{}.{} port {} ssh2",
            1000 + dice.below(60_000),
            dice.pick(&["deploy", "backup", "root", "ops"]),
            dice.below(256),
            dice.below(256),
            1024 + dice.below(60_000),
        ),
    };
    written.expect("text");
    if number % NEEDLE_EVERY == NEEDLE_EVERY / 2 + 1 {
        out.push(' ');
        out.push_str(NEEDLE);
    }
}

/// Batches as a driver sends them: a stream's lines over a while, one stream after the other, and the same text plain.
fn slice(from: usize, lines: usize, total: usize, dice: &mut [Dice]) -> (Vec<LineBatch>, String) {
    let (mut batches, mut text, mut line) = (Vec::new(), String::new(), String::new());
    let mut batch = LineBatch::new();
    for (stream, dice) in dice.iter_mut().enumerate() {
        batch.begin_stream(labels_of(stream));
        for number in (from + stream..from + lines).step_by(STREAMS) {
            write_line(kind_of(stream), number, dice, &mut line);
            let ts = START_NS + (number as i128 * i128::from(HOUR_NS) / total as i128) as i64;
            batch.push(ts, line.as_bytes(), b"");
            text.push_str(&line);
            text.push('\n');
        }
        if batch.lines.len() >= BATCH_LINES {
            batches.push(std::mem::take(&mut batch));
        }
    }
    batches.push(batch);
    (batches, text)
}

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// CPU seconds that something takes, and what it answers.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = cpu_seconds();
    let answer = black_box(work());
    (cpu_seconds() - before, answer)
}

struct Row {
    what: String,
    ours: String,
    plain: String,
    ratio: f64,
}

fn main() {
    // Cargo hands `--bench` to every bench.
    let numbers: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let lines = numbers.first().copied().unwrap_or(1_000_000).max(STREAMS);
    let rounds = numbers.get(1).copied().unwrap_or(5).max(1);
    let dir = std::env::temp_dir().join(format!("pharos-logs-{}", std::process::id()));
    let clock = ManualClock::at((START_NS + HOUR_NS) / 1_000_000);
    let settings = StoreSettings { reserve_bytes: 0, background: false, ..StoreSettings::new(&dir) };
    let store = Arc::new(Store::open(settings, clock.clone()).expect("open"));
    let mut rows = Vec::new();
    let taken = take_in(&store, lines, &mut rows);
    let options = Options { threads: 1, ..Options::default() };
    let engine = Engine::new(Arc::clone(&store) as Arc<dyn SelectLines>, clock.clone(), options);
    search(&engine, &taken.text, rounds, &mut rows);
    // The day is over.
    clock.advance(Duration::from_secs(2 * 86_400));
    let packing = timed(|| store.maintain().expect("maintain")).0;
    taken.rows(&store, "taken in, merged and packed for good", taken.ours + packing, &mut rows);
    let text = taken.text;
    report(lines, &text, &rows);
    drop(engine);
    drop(store);
    std::fs::remove_dir_all(&dir).expect("remove");
}

/// What taking in took.
struct Taken {
    text: String,
    /// CPU seconds of the store, and of plain compression.
    ours: f64,
    plain: f64,
    /// Bytes that plain compression leaves.
    packed: f64,
}

impl Taken {
    /// How the store stands beside plain compression, after so many CPU seconds.
    fn rows(&self, store: &Store, what: &str, ours: f64, rows: &mut Vec<Row>) {
        let (bytes, disk) = (self.text.len() as f64, store.status().part_bytes as f64);
        let speed = |cpu: f64| format!("{:.0} MiB a CPU s", bytes / f64::from(1 << 20) / cpu);
        rows.push(Row { what: format!("{what} / zstd {LEVEL}"), ours: speed(ours), plain: speed(self.plain), ratio: ours / self.plain });
        let percent = |part: f64| format!("{:.1} % of the text", 100.0 * part / bytes);
        rows.push(Row { what: "on disk then".to_owned(), ours: percent(disk), plain: percent(self.packed), ratio: disk / self.packed });
    }
}

/// Takes all lines in, a slice at a time, and compresses the same slices.
fn take_in(store: &Store, lines: usize, rows: &mut Vec<Row>) -> Taken {
    let mut dice: Vec<Dice> = (0..STREAMS as u64).map(|stream| Dice(stream.wrapping_mul(0x1234_5677))).collect();
    let mut zstd = zstd::bulk::Compressor::new(LEVEL).expect("a compressor");
    let mut taken = Taken { text: String::new(), ours: 0.0, plain: 0.0, packed: 0.0 };
    for from in (0..lines).step_by(SLICE_LINES) {
        let (batches, text) = slice(from, SLICE_LINES.min(lines - from), lines, &mut dice);
        let chunks = text.as_bytes().chunks(CHUNK_BYTES);
        let (cpu, bytes) = timed(|| chunks.map(|chunk| zstd.compress(chunk).expect("compress").len()).sum::<usize>());
        taken.plain += cpu;
        taken.packed += bytes as f64;
        let (cpu, ()) = timed(|| {
            for batch in &batches {
                let report = store.append(batch).expect("append");
                assert!(report.refused.is_empty(), "{:?}", report.refused.first());
            }
        });
        taken.ours += cpu;
        taken.text.push_str(&text);
    }
    taken.ours += timed(|| store.flush().expect("flush")).0;
    taken.rows(store, "taken in, to parts", taken.ours, rows);
    taken.ours += timed(|| store.maintain().expect("maintain")).0;
    taken.rows(store, "taken in and merged", taken.ours, rows);
    taken
}

/// How often a text has something, as a plain search tells: lines counted once.
fn count_lines(text: &[u8], mut find: impl FnMut(&[u8]) -> Option<usize>) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Some(hit) = find(&text[at..]) {
        count += 1;
        match memchr::memchr(b'\n', &text[at + hit..]) {
            Some(end) => at += hit + end + 1,
            None => break,
        }
    }
    count
}

fn objects(text: &str) -> impl Iterator<Item = serde_json::Value> {
    text.lines().filter(|line| line.starts_with('{')).filter_map(|line| serde_json::from_str(line).ok())
}

/// A name, a query, and the number of lines that plain work finds for it.
type Search<'a> = (&'static str, String, Box<dyn Fn() -> usize + 'a>);

fn search(engine: &Engine, text: &str, rounds: usize, rows: &mut Vec<Row>) {
    let bytes = text.as_bytes();
    let plain = |needle: &'static str| {
        let finder = memmem::Finder::new(needle);
        move || count_lines(bytes, |text| finder.find(text))
    };
    let failed = Regex::new(r#"" 50[0-9] [0-9]+ ""#).expect("a regular expression");
    let searches: [Search<'_>; 6] = [
        ("needle / memmem", format!(r#"{{job=~".+"}} |= "{NEEDLE}""#), Box::new(plain(NEEDLE))),
        ("absent word / memmem", r#"{job=~".+"} |= "needle-deadbeef""#.to_owned(), Box::new(plain("needle-deadbeef"))),
        ("inside a word (\"eadlin\") / memmem", r#"{job=~".+"} |= "eadlin""#.to_owned(), Box::new(plain("eadlin"))),
        (
            "regular expression / regex",
            r#"{job="nginx"} |~ "\" 50[0-9] [0-9]+ \"""#.to_owned(),
            Box::new(|| count_lines(bytes, |text| failed.find(text).map(|found| found.start()))),
        ),
        (
            "errors of JSON lines / serde_json",
            r#"{job="api"} |= "error" | json | level="ERROR""#.to_owned(),
            Box::new(|| objects(text).filter(|line| line["level"] == "ERROR").count()),
        ),
        (
            "duration_ms > 900 / serde_json",
            r#"{job="api"} | json | duration_ms > 900"#.to_owned(),
            Box::new(|| objects(text).filter(|line| line["duration_ms"].as_f64().is_some_and(|ms| ms > 900.0)).count()),
        ),
    ];
    for (what, query, plain) in &searches {
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (cpu, wanted) = timed(plain);
            others.push(cpu);
            let (cpu, found) = timed(|| hits(engine, query));
            ours.push(cpu);
            assert_eq!(found, wanted, "{query}");
        }
        let (ours, plain) = (median(&mut ours), median(&mut others));
        let shown = |cpu: f64| format!("{:.2} ms", cpu * 1e3);
        rows.push(Row { what: (*what).to_owned(), ours: shown(ours), plain: shown(plain), ratio: ours / plain });
    }
}

/// How many lines a query finds.
fn hits(engine: &Engine, query: &str) -> usize {
    let Ok(Query::Log(log)) = engine.parse(query) else { panic!("{query}") };
    let question = LogQuestion {
        query: &log,
        span: Span::ALL,
        direction: Direction::Backward,
        limit: usize::MAX >> 1,
        interval: 0,
        categorize: false,
        cancel: Cancel::new(),
    };
    let answer = engine.lines(&question).expect("an answer");
    answer.streams.iter().map(|stream| stream.entries.len()).sum()
}

fn median(of: &mut [f64]) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

#[expect(clippy::print_stdout, reason = "a benchmark reports on standard output")]
fn report(lines: usize, text: &str, rows: &[Row]) {
    println!("{lines} lines, {:.0} MiB of text, one hour, {STREAMS} streams; CPU time\n", text.len() as f64 / f64::from(1 << 20));
    println!("| | pharos | plain work | pharos / plain |\n|---|---:|---:|---:|");
    for row in rows {
        println!("| {} | {} | {} | {:.3} |", row.what, row.ours, row.plain, row.ratio);
    }
}
