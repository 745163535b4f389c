//! How fast the store takes samples, what a series costs in memory, and how long reading the log back takes.
//!
//! `cargo bench --bench ingest -- [series] [rounds]`. Speeds are per second of CPU time of the whole process,
//! background work included.

use std::sync::Arc;
use std::time::Duration;

use pharos::base::cancel::Cancel;
use pharos::base::clock::{Clock, SystemClock};
use pharos::base::time::TimeRange;
use pharos::metrics::{Store, StoreSettings};
use pharos::series::batch::{SeriesRef, WriteBatch};
use pharos::series::labels::Labels;
use pharos::series::matcher::Matcher;
use pharos::series::ports::{Append, AppendOptions, Select, Selection};
use pharos::series::sample::SampleBuf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STEP_MS: i64 = 15_000;
const BATCH_SAMPLES: usize = 10_000;

fn main() {
    // Cargo hands `--bench` to every bench.
    let numbers: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let series = numbers.first().copied().unwrap_or(100_000);
    let rounds = numbers.get(1).copied().unwrap_or(24);
    for per_series in [20, 1] {
        run(series, if per_series == 1 { rounds * 2 } else { rounds }, per_series);
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark reports on standard output")]
fn run(series: usize, rounds: usize, per_series: usize) {
    let dir = std::env::temp_dir().join(format!("pharos-ingest-{}", std::process::id()));
    let clock = Arc::new(SystemClock::new());
    let settings = StoreSettings { reserve_bytes: 0, ..StoreSettings::new(&dir) };
    let store = Store::open(settings.clone(), clock.clone()).expect("open");
    let resident_before = resident_bytes();
    let start = clock.now_ms() - 86_400_000;
    let mut refs = vec![SeriesRef::NONE; series];
    let mut state: Vec<f64> = vec![0.0; series];
    let mut noise = 1u64;
    let (mut cpu, mut wall, mut samples) = (0.0, 0.0, 0usize);
    let mut batch = WriteBatch::new();
    for round in 0..rounds {
        let mut at = 0;
        while at < series {
            batch.clear();
            let end = series.min(at + BATCH_SAMPLES / per_series);
            for id in at..end {
                if refs[id].is_some() {
                    batch.open_known(refs[id]);
                } else {
                    batch.open_series(&labels(id));
                }
                for step in 0..per_series {
                    noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let jitter = (noise >> 60) as i64 % 5;
                    let value = match id % 4 {
                        0 => 1.0,
                        1 => state[id] + (noise >> 55) as f64,
                        2 => ((noise >> 54) as f64) / 10.0,
                        _ => state[id] + (noise >> 40) as f64 / 16_777_216.0,
                    };
                    state[id] = value;
                    batch.push_float(start + (round * per_series + step) as i64 * STEP_MS + jitter, value);
                }
            }
            let (cpu_before, wall_before) = (cpu_seconds(), clock.monotonic());
            let report = store.append(&batch, &AppendOptions::default()).expect("append");
            cpu += cpu_seconds() - cpu_before;
            wall += (clock.monotonic() - wall_before).as_secs_f64();
            assert!(report.refused.is_empty(), "{:?}", report.refused.first());
            refs[at..end].copy_from_slice(&report.refs);
            samples += report.stored;
            at = end;
        }
    }
    // One round of the background, so that what it does for memory is measured too.
    std::thread::sleep(Duration::from_secs(6));
    let grown = resident_bytes().saturating_sub(resident_before);
    let status = store.status();
    println!("{per_series} samples a series and batch: {samples} samples of {series} series");
    println!("  {:.2} M samples per CPU second, {:.2} M per second", samples as f64 / cpu / 1e6, samples as f64 / wall / 1e6);
    println!(
        "  log: {:.2} bytes a sample written",
        store.wal_counters().bytes_written.load(std::sync::atomic::Ordering::Relaxed) as f64 / samples as f64
    );
    println!(
        "  memory: {} bytes a series grown, {} samples in the head a series, {} sample bytes a series, {} blocks",
        grown / series as u64,
        (status.head.max_ts.unwrap_or(0) - status.head.min_ts.unwrap_or(0)) / STEP_MS,
        status.head.sample_bytes / series as u64,
        status.blocks.len()
    );
    select(&store, &*clock);
    drop(store);
    let (before, cpu_before) = (clock.monotonic(), cpu_seconds());
    let store = Store::open(settings, clock.clone()).expect("reopen");
    println!("  reopened in {:?} ({:.2} s CPU), {} log bytes", clock.monotonic() - before, cpu_seconds() - cpu_before, status.wal_bytes);
    select(&store, &*clock);
    drop(store);
    std::fs::remove_dir_all(&dir).expect("remove");
}

#[expect(clippy::print_stdout, reason = "a benchmark reports on standard output")]
fn select(store: &Store, clock: &dyn Clock) {
    for (what, matchers) in [("all", vec![Matcher::equal("job", "node")]), ("one host", vec![Matcher::equal("instance", "host-17:9100")])] {
        let (before, cpu_before) = (clock.monotonic(), cpu_seconds());
        let found = store
            .select(&Selection { matchers: &matchers, range: TimeRange::ALL, series_max: usize::MAX }, &Cancel::new())
            .expect("select");
        let selected: Duration = clock.monotonic() - before;
        let selected_cpu = cpu_seconds() - cpu_before;
        let (before, cpu_before) = (clock.monotonic(), cpu_seconds());
        let (mut buf, mut samples) = (SampleBuf::default(), 0);
        for series in &found {
            buf.clear();
            series.read(TimeRange::ALL, &mut buf).expect("read");
            samples += buf.len();
        }
        let read = clock.monotonic() - before;
        let read_cpu = cpu_seconds() - cpu_before;
        println!(
            "  {what}: {} series selected in {selected:?} ({:.1} ms CPU), {samples} samples read in {read:?} ({:.1} ms CPU)",
            found.len(),
            selected_cpu * 1e3,
            read_cpu * 1e3
        );
    }
}

fn labels(id: usize) -> Labels {
    let (host, metric) = (id / 100, id % 100);
    Labels::from_pairs([
        ("__name__", format!("node_metric_number_{metric}_total")),
        ("instance", format!("host-{host}:9100")),
        ("job", "node".to_owned()),
        ("region", format!("region-{}", host % 7)),
        ("cpu", format!("{}", metric % 8)),
        ("service", format!("service-{}", host % 50)),
    ])
}

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
