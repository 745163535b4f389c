//! The process is killed in the middle of its work, again and again: what it acknowledged is there, once.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;
use crate::base::clock::{Clock, SystemClock};

/// Names the data directory for the process that is killed.
const DIR: &str = "PHAROS_TEST_KILLED_STORE";
/// And the number of the run.
const RUN: &str = "PHAROS_TEST_KILLED_RUN";
const RUNS: u64 = 12;

fn settings_for(dir: &Path) -> StoreSettings {
    StoreSettings { background: true, memory_bytes: 300 << 10, sync: SyncPolicy::Interval(Duration::from_millis(20)), ..settings(dir) }
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    if std::env::var_os(DIR).is_some() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<String> = Vec::new();
    for run in 0..RUNS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "logs::store::db::tests::kill::works_until_it_is_killed", "--nocapture"])
            .env(DIR, dir.path())
            .env(RUN, run.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut lines = output.lines().map(|line| line.unwrap()).filter(|line| line.starts_with("acknowledged "));
        // Sooner or later in its work, but never on the clock of the machine.
        for _ in 0..50 + run * 37 {
            acknowledged.extend(lines.next().map(|line| line["acknowledged ".len()..].to_owned()));
        }
        child.kill().unwrap();
        acknowledged.extend(lines.map(|line| line["acknowledged ".len()..].to_owned()));
        child.wait().unwrap();
    }
    let store = Store::open(settings_for(dir.path()), Arc::new(SystemClock::new())).unwrap();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for text in texts(&store) {
        let (name, _) = text.split_once('|').expect("a line as it was written");
        *seen.entry(name.to_owned()).or_default() += 1;
    }
    assert!(acknowledged.len() as u64 > RUNS * 50, "{} acknowledged", acknowledged.len());
    for name in &acknowledged {
        // Each append had three lines.
        for line in 0..3 {
            assert_eq!(seen.get(&format!("{name}.{line}")), Some(&1), "{name}.{line}");
        }
    }
    assert!(seen.values().all(|count| *count == 1));
    let status = store.status();
    assert!(status.set_aside.is_empty(), "{:?}", status.set_aside);
    assert!(!status.days.is_empty(), "lines went to parts meanwhile");
}

/// The other process of the test above; nothing by itself.
#[test]
fn works_until_it_is_killed() {
    let (Some(dir), Ok(run)) = (std::env::var_os(DIR), std::env::var(RUN)) else { return };
    let clock = SystemClock::new();
    let store = Store::open(settings_for(Path::new(&dir)), Arc::new(SystemClock::new())).unwrap();
    let filler = "some text of a line ".repeat(30);
    // Ends by itself if nobody kills it.
    for append in 0..20_000 {
        let now = clock.now_ms() * 1_000_000;
        let mut batch = LineBatch::new();
        for line in 0..3 {
            batch.begin_stream(Labels::from_pairs([("job", format!("{}", (append + line) % 5))]));
            batch.push(now - i64::from(line) * DAY_NS, format!("{run}-{append}.{line}|{filler}").as_bytes(), b"");
        }
        if store.append(&batch).is_ok_and(|report| report.taken == 3) {
            let mut out = io::stdout().lock();
            writeln!(out, "\nacknowledged {run}-{append}").and_then(|()| out.flush()).unwrap();
        }
    }
}
