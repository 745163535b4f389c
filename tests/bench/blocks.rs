//! Size and speed of columns and blocks on a fleet of hosts scraped every 15 s: counters, sums of durations, gauges,
//! memory in pages, percentages, classic histograms.
//!
//! `cargo bench --bench blocks`. The storage room is private to its wing, so its sources are included here.

#![expect(dead_code, unused_imports, unreachable_pub, reason = "only a part of the included modules is measured")]
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints, and stops when anything fails")]

#[path = "../../src/base/mod.rs"]
mod base;
#[path = "../../src/platform/mod.rs"]
mod platform;
#[path = "../../src/series/mod.rs"]
mod series;
#[path = "../../src/metrics"]
mod metrics {
    pub mod model {
        pub mod storage;
    }
    pub mod store;
}

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput};

use base::cancel::Cancel;
use base::time::TimeRange;
use metrics::store::block::{Block, BlockId, BlockOptions, BlockWriter, Scratch};
use metrics::store::codec::{decode_floats, decode_timestamps, encode_floats, encode_timestamps};
use metrics::store::compact::merge;
use series::labels::Labels;
use series::matcher::{MatchOp, Matcher};
use series::sample::SampleBuf;

const HOSTS: usize = 50;
const SAMPLES: usize = 480;
const STEP_MS: i64 = 15_000;
const START_MS: i64 = 1_760_400_000_000;
const BOUNDS: [(&str, f64); 12] = [
    ("0.005", 0.10),
    ("0.01", 0.28),
    ("0.025", 0.55),
    ("0.05", 0.75),
    ("0.1", 0.87),
    ("0.25", 0.94),
    ("0.5", 0.975),
    ("1", 0.99),
    ("2.5", 0.996),
    ("5", 0.9985),
    ("10", 0.9995),
    ("+Inf", 1.0),
];

/// xorshift64*: the same data on every machine.
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, unit variance.
    fn normal(&mut self) -> f64 {
        ((0..4).map(|_| self.unit()).sum::<f64>() - 2.0) * 3f64.sqrt()
    }
}

/// What makes the next value of a series.
type Step = Box<dyn FnMut(&mut Chance) -> f64>;

fn counter(mean: f64, scale: f64) -> Step {
    let mut value = 0.0;
    Box::new(move |chance| {
        value += (mean * (1.0 + 0.25 * chance.normal())).max(0.0).floor();
        value / scale
    })
}

fn gauge(mean: f64, spread: f64, scale: f64) -> Step {
    let mut value = mean;
    Box::new(move |chance| {
        value = (value + 0.1 * (mean - value) + spread * chance.normal()).clamp(0.0, 4.0 * mean);
        (value * scale).round() / scale
    })
}

fn sum(mean: f64) -> Step {
    let mut value = 0.0;
    Box::new(move |chance| {
        value += mean * (0.8 + 0.4 * chance.unit());
        value
    })
}

/// One host's series over `parts` blocks.
fn host(index: usize, parts: usize) -> Vec<(Labels, Vec<SampleBuf>)> {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ (index as u64 + 1) << 20);
    let instance = format!("host-{index:05}:9100");
    let mut series: Vec<(String, &str, String, Step)> = Vec::new();
    for n in 0..12 {
        let rate = 10f64.powf(1.0 + 5.0 * chance.unit());
        series.push((format!("app_{n}_total"), "kind", "counter".to_owned(), counter(rate, 1.0)));
    }
    for mode in ["idle", "iowait", "system", "user"] {
        series.push(("node_cpu_seconds_total".to_owned(), "mode", mode.to_owned(), counter(300.0, 100.0)));
    }
    for queue in 0..8 {
        series.push(("app_queue_depth".to_owned(), "queue", format!("q{queue}"), gauge(40.0, 4.0, 1.0)));
        series.push(("app_used_percent".to_owned(), "part", format!("p{queue}"), gauge(50.0, 2.0, 10.0)));
    }
    for area in ["free", "available", "cached"] {
        series.push(("node_memory_bytes".to_owned(), "area", area.to_owned(), gauge(8e9, 3e7, 1.0 / 4096.0)));
    }
    series.push(("app_build_info".to_owned(), "version", "1.42.0".to_owned(), Box::new(|_| 1.0)));
    series.push(("request_seconds_sum".to_owned(), "endpoint", "/".to_owned(), sum(50.0)));
    let ts = |part: usize, i: usize| START_MS + index as i64 * 7 + (part * SAMPLES + i) as i64 * STEP_MS;
    let labels = |name: &str, key: &str, value: &str| {
        Labels::from_pairs([("__name__", name), ("instance", &*instance), ("job", "node"), ("region", "eu-west-1"), (key, value)])
    };
    let mut all: Vec<_> = series
        .into_iter()
        .map(|(name, key, value, mut step)| {
            let parts = (0..parts).map(|part| {
                let mut buf = SampleBuf::default();
                (0..SAMPLES).for_each(|i| buf.push_float(ts(part, i), step(&mut chance)));
                buf
            });
            (labels(&name, key, &value), parts.collect::<Vec<_>>())
        })
        .collect();
    let mut buckets = vec![vec![SampleBuf::default(); parts]; BOUNDS.len()];
    let mut counts = [0.0; BOUNDS.len()];
    for part in 0..parts {
        for i in 0..SAMPLES {
            let requests = 450.0 * (1.0 + 0.25 * chance.normal());
            for ((count, bucket), (_, share)) in counts.iter_mut().zip(&mut buckets).zip(&BOUNDS) {
                *count += (requests * share + chance.unit()).floor();
                bucket[part].push_float(ts(part, i), *count);
            }
        }
    }
    all.extend(BOUNDS.iter().zip(buckets).map(|((le, _), parts)| (labels("request_seconds_bucket", "le", le), parts)));
    all
}

fn block_id(n: u32) -> BlockId {
    format!("01JZX3V9Q8B0C1D2E3F4G{n:05}").parse().expect("valid")
}

fn write(dir: &Path, n: u32, fleet: &[(Labels, Vec<SampleBuf>)], part: usize) -> Arc<Block> {
    let mut writer = BlockWriter::create(dir, BlockOptions { sync: false, ..BlockOptions::fresh(block_id(n)) }).expect("create");
    for (labels, parts) in fleet {
        writer.add_series(labels, &parts[part]).expect("add");
    }
    let meta = writer.finish().expect("finish");
    Arc::new(Block::open(&dir.join(meta.id.to_string())).expect("open"))
}

fn report(what: &str, block: &Block) {
    let meta = block.meta();
    println!("{what}: {:.4} bytes/sample, {} series, {} samples", meta.bytes as f64 / meta.samples as f64, meta.series, meta.samples);
}

fn columns(criterion: &mut Criterion, fleet: &[(Labels, Vec<SampleBuf>)]) {
    let floats: Vec<&[f64]> = fleet.iter().map(|(_, parts)| &*parts[0].floats).collect();
    let encode = |values: &[f64]| {
        let mut bytes = Vec::new();
        encode_floats(values, &mut bytes);
        bytes
    };
    let encoded: Vec<Vec<u8>> = floats.iter().map(|values| encode(values)).collect();
    let samples = floats.len() * SAMPLES;
    println!("float columns: {:.4} bytes/sample", encoded.iter().map(Vec::len).sum::<usize>() as f64 / samples as f64);
    let mut group = criterion.benchmark_group("columns");
    group.throughput(Throughput::Elements(samples as u64));
    group.bench_function("encode floats", |bencher| bencher.iter(|| floats.iter().map(|values| encode(values).len()).sum::<usize>()));
    let mut out = Vec::new();
    group.bench_function("decode floats", |bencher| {
        bencher.iter(|| {
            for bytes in &encoded {
                out.clear();
                decode_floats(bytes, SAMPLES, &mut out).expect("valid");
                black_box(&out);
            }
        });
    });
    let jitter: Vec<i64> = (0..SAMPLES as i64).map(|i| START_MS + i * STEP_MS + i * 7919 % 5).collect();
    let mut bytes = Vec::new();
    encode_timestamps(&jitter, &mut bytes);
    let mut ts = Vec::new();
    group.throughput(Throughput::Elements(SAMPLES as u64));
    group.bench_function("decode timestamps with jitter", |bencher| {
        bencher.iter(|| {
            ts.clear();
            decode_timestamps(&bytes, SAMPLES, &mut ts).expect("valid");
            black_box(&ts);
        });
    });
    group.finish();
}

fn blocks(criterion: &mut Criterion, fleet: &[(Labels, Vec<SampleBuf>)], parts: usize) {
    let dir = tempfile::tempdir().expect("dir");
    let fresh: Vec<_> = (0..parts).map(|part| write(dir.path(), part as u32, fleet, part)).collect();
    report("fresh block", &fresh[0]);
    let compact = || {
        let options = BlockOptions { sync: false, ..BlockOptions::compacted(block_id(100), 0, Vec::new()) };
        let _absent_at_first = std::fs::remove_dir_all(dir.path().join(options.id.to_string()));
        let meta = merge(&fresh, dir.path(), options, &Cancel::new()).expect("merge").meta.expect("not empty");
        Block::open(&dir.path().join(meta.id.to_string())).expect("open")
    };
    let compacted = compact();
    report("compacted block", &compacted);

    let mut group = criterion.benchmark_group("blocks");
    group.throughput(Throughput::Elements(fresh[0].meta().samples));
    group.bench_function("write fresh", |bencher| {
        bencher.iter(|| {
            let block = write(dir.path(), 200, fleet, 0);
            std::fs::remove_dir_all(block.dir()).expect("remove");
        });
    });
    group.throughput(Throughput::Elements(compacted.meta().samples));
    group.bench_function("merge", |bencher| bencher.iter(compact));
    let (mut scratch, mut out) = (Scratch::new(), SampleBuf::default());
    let middle = compacted.meta().min_ts.midpoint(compacted.meta().max_ts);
    let hour = u64::from(compacted.series_count()) * (3_600_000 / STEP_MS).cast_unsigned();
    for (what, range, samples) in
        [("read all", TimeRange::ALL, compacted.meta().samples), ("read an hour", TimeRange::new(middle, middle + 3_600_000), hour)]
    {
        group.throughput(Throughput::Elements(samples));
        group.bench_function(what, |bencher| {
            bencher.iter(|| {
                for id in 0..compacted.series_count() {
                    out.clear();
                    compacted.read(id, range, &mut scratch, &mut out).expect("read");
                    black_box(&out);
                }
            });
        });
    }
    group.throughput(Throughput::Elements(u64::from(compacted.series_count())));
    group.bench_function("labels", |bencher| {
        bencher.iter(|| (0..compacted.series_count()).for_each(|id| drop(black_box(compacted.labels(id).expect("labels")))));
    });
    let matchers =
        [Matcher::equal("__name__", "request_seconds_bucket"), Matcher::new("instance", MatchOp::Regex, "host-0000.*").expect("valid")];
    group.bench_function("matching", |bencher| bencher.iter(|| black_box(compacted.matching(&matchers).expect("index"))));
    group.finish();
}

fn main() {
    let parts = 4;
    let mut fleet: Vec<_> = (0..HOSTS).flat_map(|index| host(index, parts)).collect();
    fleet.sort_by(|left, right| left.0.cmp(&right.0));
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    columns(&mut criterion, &fleet);
    blocks(&mut criterion, &fleet, parts);
    criterion.final_summary();
}
