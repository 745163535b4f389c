//! A volume that is really full: writes are refused and say so, reads go on, nothing acknowledged is lost.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::Server;
use crate::wire;

const START: i64 = 1_700_000_000_000;
const STEP_MS: i64 = 1000;
const SERIES: usize = 500;
const ROUNDS_PER_WRITE: i64 = 10;
/// The server keeps 64 MiB in reserve; what is beyond them is soon written.
const VOLUME_MIB: usize = 64 + 46;
/// Removed to make space again. More than is written between two looks at the free space.
const BALLAST_MIB: usize = 40;
/// As long as whoever writes again and again may have to wait: the log pauses some seconds after a failure.
const RECOVERS_WITHIN_S: u64 = 60;

/// A small file system in memory, unmounted when dropped.
struct Volume {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Volume {
    fn mount() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("volume");
        std::fs::create_dir(&root).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={VOLUME_MIB}m"), "tmpfs"]).arg(&root).output();
        let mount = mount.map_err(|error| format!("mount cannot be started: {error}"))?;
        if !mount.status.success() {
            return Err(String::from_utf8_lossy(&mount.stderr).trim().to_owned());
        }
        Ok(Self { _folder: folder, root })
    }

    /// Writes a file of at most this size: as much as there is space for.
    fn fill(&self, name: &str, mib: usize) -> PathBuf {
        let path = self.root.join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        let block = vec![0x5a; 64 * 1024];
        for _ in 0..mib * 16 {
            if file.write_all(&block).is_err() {
                break;
            }
        }
        path
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Lazily: a process that is just ending may still have files open.
        let _left_behind = Command::new("umount").arg("-l").arg(&self.root).status().is_err();
    }
}

/// Sends one group of rounds; values that hardly compress.
fn write(server: &Server, from_round: i64) -> (u16, String) {
    let all = (0..SERIES).map(|at| {
        let samples: Vec<(i64, f64)> =
            (from_round..from_round + ROUNDS_PER_WRITE).map(|round| (START + round * STEP_MS, value(at, round))).collect();
        wire::series(&[("__name__", "full"), ("series", &at.to_string())], &samples)
    });
    wire::send(&server.url("/api/v1/write"), wire::body(all.collect()))
}

fn value(series: usize, round: i64) -> f64 {
    let mixed =
        (series as u64 ^ (round as u64) << 20).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// Every acknowledged sample is there once, with its value.
fn check(server: &Server, rounds: i64) {
    let at = (START + (rounds - 1) * STEP_MS) as f64 / 1e3;
    let number = |query: &str| -> f64 { server.query(query, at)[0]["value"][1].as_str().unwrap().parse().unwrap() };
    for (of, expected) in [("min", rounds), ("max", rounds), ("count", SERIES as i64)] {
        assert_eq!(number(&format!("{of}(count_over_time(full[{}s]))", rounds + 10)), expected as f64, "{of}");
    }
    let expected: f64 = (0..SERIES).flat_map(|series| (0..rounds).map(move |round| value(series, round))).sum();
    let found = number(&format!("sum(sum_over_time(full[{}s]))", rounds + 10));
    assert!((found - expected).abs() < expected * 1e-9, "{found} instead of {expected}");
}

fn own_metric(server: &Server, name: &str) -> f64 {
    let (status, page) = server.get("/metrics");
    assert_eq!(status, 200);
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} on the page of own metrics")).parse().unwrap()
}

/// Writes until the answer is no longer 204; gives it and the rounds that were acknowledged.
fn write_until_refused(server: &Server, mut rounds: i64) -> (i64, u16, String) {
    loop {
        let (status, text) = write(server, rounds);
        if status != 204 {
            return (rounds, status, text);
        }
        rounds += ROUNDS_PER_WRITE;
        assert!(rounds < 7000, "the volume is not getting full");
    }
}

fn check_refusing(server: &Server, rounds: i64) {
    let (status, text) = write(server, rounds);
    assert_eq!(status, 503, "{text}");
    assert_eq!(own_metric(server, "pharos_storage_writes_refused"), 1.0);
    check(server, rounds);
}

/// Sends the refused samples again until they are taken, as any sender does.
fn write_when_possible(server: &Server, rounds: i64) -> i64 {
    let mut last = String::new();
    for _ in 0..RECOVERS_WITHIN_S * 5 {
        let (status, text) = write(server, rounds);
        if status == 204 {
            assert_eq!(own_metric(server, "pharos_storage_writes_refused"), 0.0);
            return rounds + ROUNDS_PER_WRITE;
        }
        assert_eq!(status, 503, "{text}");
        last = text;
        std::thread::park_timeout(Duration::from_millis(200));
    }
    panic!("writes are still refused: {last}");
}

#[test]
fn a_full_volume_refuses_writes_and_loses_nothing() {
    let volume = match Volume::mount() {
        Ok(volume) => volume,
        // Not everyone may mount, not even root in a container: that is no fault of what is tested.
        Err(why) => return println!("skipped: a small volume cannot be mounted: {why}"),
    };
    let ballast = volume.fill("ballast", BALLAST_MIB);
    let args = ["--host-metrics=false", "--own-metrics=false"];
    let mut server = Server::on(&volume.root.join("data"), &args);
    assert_eq!(own_metric(&server, "pharos_storage_writes_refused"), 0.0);

    // The reserve is reached.
    let (rounds, status, text) = write_until_refused(&server, 0);
    assert!(rounds > 0, "nothing was taken");
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("free on the disk"), "{text}");
    check_refusing(&server, rounds);
    assert!(own_metric(&server, "pharos_storage_refused_unavailable_batches_total") >= 2.0);

    // Somebody else takes the rest, to the last byte.
    let rest = volume.fill("rest", VOLUME_MIB);
    // The server may just have given something back.
    for _ in 0..100 {
        if free(&volume.root) == 0 {
            break;
        }
        volume.fill("more", VOLUME_MIB);
    }
    assert_eq!(free(&volume.root), 0);
    check_refusing(&server, rounds);
    // Neither a crash nor a start on a full volume costs anything.
    server.kill_and_restart();
    check_refusing(&server, rounds);

    std::fs::remove_file(rest).unwrap();
    std::fs::remove_file(ballast).unwrap();
    let rounds = write_when_possible(&server, rounds);
    check(&server, rounds);
    server.kill_and_restart();
    check(&server, rounds);
    // And once more: it is no state of the process.
    volume.fill("ballast", BALLAST_MIB);
    let (again, status, text) = write_until_refused(&server, rounds);
    assert_eq!(status, 503, "{text}");
    check_refusing(&server, again);
}

fn free(path: &Path) -> u64 {
    let stat = Command::new("stat").args(["-f", "-c", "%a"]).arg(path).output().unwrap();
    String::from_utf8_lossy(&stat.stdout).trim().parse().unwrap()
}
