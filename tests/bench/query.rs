//! How fast the query engine is on a fleet of hosts scraped every 15 s, with samples in the head and in blocks.
//!
//! `cargo bench --bench query`. `computed` evaluates every time; `again` and `sliding` ask for the same window and for
//! one that moves by a step, as dashboards do, and may use what was computed before.

#![expect(clippy::expect_used, reason = "a measurement stops when anything fails")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;

use pharos::base::cancel::Cancel;
use pharos::base::clock::ManualClock;
use pharos::metrics::engine::{Engine, Options, Reuse};
use pharos::metrics::{Store, StoreSettings};
use pharos::series::batch::WriteBatch;
use pharos::series::ports::{Append, AppendOptions, Question, Select, When};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HOSTS: usize = 100;
const STEP_MS: i64 = 15_000;
const MINUTE_MS: i64 = 60_000;
const START_MS: i64 = 1_760_400_000_000;
/// Samples of each series; half of them end up in a block.
const SAMPLES: i64 = 960;
const BUCKETS: [&str; 6] = ["0.01", "0.1", "0.5", "1", "5", "+Inf"];

const QUERIES: [(&str, &str); 8] = [
    ("selector", "node_load1{instance=\"host-042\"}"),
    ("selector_all", "node_load1"),
    ("rate", "rate(http_requests_total[5m])"),
    ("aggregation", "sum by (job) (rate(http_requests_total[5m]))"),
    ("histogram_quantile", "histogram_quantile(0.99, sum by (le) (rate(http_duration_seconds_bucket[5m])))"),
    ("join", "sum by (version) (rate(http_requests_total[5m]) * on (instance) group_left (version) build_info)"),
    ("subquery", "max_over_time(sum by (job) (rate(http_requests_total[5m]))[30m:1m])"),
    ("over_time", "avg by (job) (avg_over_time(node_load1[1h]))"),
];

/// A store whose older half is in a block, the rest in memory.
fn store(dir: &std::path::Path) -> Arc<dyn Select> {
    let settings = StoreSettings { reserve_bytes: 0, background: false, exemplars_max: 0, ..StoreSettings::new(dir) };
    let clock = ManualClock::at(START_MS + SAMPLES * STEP_MS);
    let store = Store::open(settings, clock as _).expect("open");
    let mut noise = 1u64;
    for half in 0..2 {
        for host in 0..HOSTS {
            let mut batch = WriteBatch::new();
            let mut series = |name: &str, extra: &[(&str, &str)], is_counter: bool| {
                let (instance, job) = (format!("host-{host:03}"), format!("job-{}", host % 7));
                let own = [("__name__", name), ("instance", &instance), ("job", &job)];
                let labels = pharos::series::labels::Labels::from_pairs(own.iter().chain(extra).copied());
                batch.open_series(&labels);
                for sample in half * SAMPLES / 2..(half + 1) * SAMPLES / 2 {
                    noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let random = (noise >> 40) as f64;
                    let value = if is_counter { sample as f64 * 1_000.0 + (noise >> 58) as f64 } else { random / 1e5 };
                    batch.push_float(START_MS + sample * STEP_MS, value);
                }
            };
            series("node_load1", &[], false);
            series("build_info", &[("version", if host % 3 == 0 { "1.2" } else { "1.3" })], false);
            for code in ["200", "404", "500", "503"] {
                series("http_requests_total", &[("code", code)], true);
            }
            for bucket in BUCKETS {
                series("http_duration_seconds_bucket", &[("le", bucket)], true);
            }
            store.append(&batch, &AppendOptions::default()).expect("append");
        }
        if half == 0 {
            store.flush_now().expect("flush");
        }
    }
    Arc::new(store)
}

fn queries(criterion: &mut Criterion) {
    let dir = std::env::temp_dir().join(format!("pharos-query-{}", std::process::id()));
    let options = Options { answers_bytes_max: 32 << 20, ..Options::default() };
    let engine = Engine::new(store(&dir), options.clone());
    let ask = |query: &str, end: i64, reuse: Reuse| {
        let when = When::Range { start: end - 60 * MINUTE_MS, end, step: MINUTE_MS };
        let options = Options { reuse, ..options.clone() };
        engine.evaluate_with(&Question { query, when, cancel: Cancel::new() }, &options).expect("answer")
    };
    let newest = START_MS + (SAMPLES - 1) * STEP_MS;
    // In memory alone, and half in a block.
    for (place, end) in [("head", newest), ("blocks", newest - 90 * MINUTE_MS)] {
        let mut group = criterion.benchmark_group(format!("computed/{place}"));
        for (name, query) in QUERIES {
            group.bench_function(name, |bencher| bencher.iter(|| black_box(ask(query, end, Reuse::Nothing))));
        }
        group.finish();
    }
    for (mode, by) in [("again", 0), ("sliding", 1)] {
        let mut group = criterion.benchmark_group(mode);
        for (name, query) in QUERIES {
            let mut moved = 0;
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    moved = (moved + by) % 60;
                    black_box(ask(query, newest - moved * MINUTE_MS, Reuse::Steps))
                });
            });
        }
        group.finish();
    }
    drop(engine);
    // A leftover in the folder for temporary files hurts nobody.
    drop(std::fs::remove_dir_all(&dir));
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    queries(&mut criterion);
    criterion.final_summary();
}
