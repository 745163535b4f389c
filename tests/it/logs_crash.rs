//! `kill -9` under load, while lines become parts and parts are merged: every acknowledged line is there once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::logs_wire::{KEEPING, SECOND, SentLine, T0, loki, packed, stream};
use crate::support::{Server, client};

/// Lines of one push.
const LINES: i64 = 20;
/// Nanoseconds between two pushes of a writer; one line each in between.
const STEP: i64 = 1000;
/// Lines become parts every few hundred pushes.
const LITTLE_MEMORY: &str = "--logs.memory=1MB";

/// How often the server is killed: fifty times where there is time.
fn kills() -> usize {
    let asked = std::env::var("PHAROS_TEST_KILLS").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(if std::env::var_os("PHAROS_TEST_FULL").is_some() { 50 } else { 8 })
}

/// A line; what makes it long cannot be packed away, so that memory and parts fill.
fn text(round: i64, at: i64) -> String {
    let mut text = format!("line {round} {at}");
    let mut number = (round * LINES + at) as u64;
    for _ in 0..120 {
        number = number.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(31);
        text.push_str(&format!(" {number:016x}"));
    }
    text
}

/// Pushes once; counts what was acknowledged, and gives whether it was.
fn push(url: &str, writer: usize, acknowledged: &AtomicI64) -> bool {
    let round = acknowledged.load(Ordering::SeqCst);
    let texts: Vec<(i64, String)> = (0..LINES).map(|at| (T0 + round * STEP + at, text(round, at))).collect();
    let lines: Vec<SentLine<'_>> = texts.iter().map(|(ts, text)| (*ts, text.as_str(), &[][..])).collect();
    let body = packed(vec![stream(&format!("{{app=\"crash\", writer=\"{writer}\"}}"), &lines)]);
    let sent = client().post(url).header("Content-Type", "application/x-protobuf").body(body).send();
    let is_taken = sent.is_ok_and(|answer| answer.status().as_u16() == 204);
    if is_taken {
        acknowledged.store(round + 1, Ordering::SeqCst);
    }
    is_taken
}

/// Pushes until the server stops answering.
fn push_until_killed(url: &str, writer: usize, acknowledged: &AtomicI64) {
    while push(url, writer, acknowledged) {}
}

#[test]
fn every_acknowledged_line_is_there_once() {
    let args: Vec<&str> = KEEPING.iter().copied().chain([LITTLE_MEMORY]).collect();
    let mut server = Server::start(&args);
    let writers: Vec<Arc<AtomicI64>> = (0..3).map(|_| Arc::default()).collect();
    for kill in 0..kills() {
        let url = server.url("/loki/api/v1/push");
        let running: Vec<_> = writers
            .iter()
            .enumerate()
            .map(|(writer, acknowledged)| {
                let (url, acknowledged) = (url.clone(), Arc::clone(acknowledged));
                std::thread::spawn(move || push_until_killed(&url, writer, &acknowledged))
            })
            .collect();
        // Between a few and a few hundred milliseconds, differently each time; now and then so long that merges come to an end.
        let more = if kill % 8 == 5 { 2_000 } else { 0 };
        std::thread::park_timeout(Duration::from_millis(50 + (kill as u64 * 7919) % 300 + more));
        server.kill_and_restart();
        for thread in running {
            thread.join().unwrap();
        }
        for (writer, acknowledged) in writers.iter().enumerate() {
            let rounds = acknowledged.load(Ordering::SeqCst);
            let end = (T0 + 3600 * SECOND).to_string();
            let query = format!("sum(count_over_time({{app=\"crash\", writer=\"{writer}\"}}[2h]))");
            let answer = loki(&server, "query", &[("query", &query), ("time", &end)]);
            let found: i64 = answer["data"]["result"][0]["value"][1].as_str().map_or(0, |text| text.parse().unwrap());
            // The push under way when the server was killed may be there or not, and is sent again.
            assert!(found == rounds * LINES || found == (rounds + 1) * LINES, "kill {kill}, writer {writer}: {found} of {rounds} pushes");
        }
    }
    for (writer, acknowledged) in writers.iter().enumerate() {
        assert_every_line_once(&server, writer, acknowledged.load(Ordering::SeqCst));
    }
    // What kills interrupted goes on: the parts that are left are merged in the end.
    let (mut count, mut newest) = (0, 0);
    for _ in 0..1200 {
        (count, newest) = parts(&server);
        if newest > 3 && count < newest {
            break;
        }
        if newest <= 3 {
            // Between the kills a slow machine had no time for so many lines.
            push(&server.url("/loki/api/v1/push"), 0, &writers[0]);
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    println!("{} kills: {count} parts are left, the last one is number {newest}", kills());
    assert!(newest > 3 && count < newest, "lines became parts, and parts were merged: {count} of {newest}");
    for (writer, acknowledged) in writers.iter().enumerate() {
        assert_every_line_once(&server, writer, acknowledged.load(Ordering::SeqCst));
    }
}

/// How many parts there are, and the number of the newest.
fn parts(server: &Server) -> (u64, u64) {
    let folder = std::fs::read_dir(server.folder().join("data/logs/parts")).unwrap();
    let names = folder.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.fold((0, 0), |(count, newest), name| {
        let id = name.rsplit_once('-').map_or(0, |(_, id)| u64::from_str_radix(id, 16).unwrap());
        (count + 1, newest.max(id))
    })
}

/// Reads all lines of a writer: those of so many pushes, and of one more at most, each once.
fn assert_every_line_once(server: &Server, writer: usize, rounds: i64) {
    const PAGE: i64 = 100;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for from in (0..=rounds).step_by(PAGE as usize) {
        let (start, end) = ((T0 + from * STEP).to_string(), (T0 + (from + PAGE) * STEP).to_string());
        let query = format!("{{app=\"crash\", writer=\"{writer}\"}}");
        let limit = (PAGE * LINES * 2).to_string();
        let answer = loki(server, "query_range", &[("query", &query), ("start", &start), ("end", &end), ("limit", &limit)]);
        for stream in answer["data"]["result"].as_array().unwrap() {
            for line in stream["values"].as_array().unwrap() {
                *seen.entry(line[1].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    for round in 0..rounds {
        for at in 0..LINES {
            assert_eq!(seen.remove(&text(round, at)), Some(1), "writer {writer}, line {at} of push {round} of {rounds}");
        }
    }
    assert!(seen.len() as i64 <= LINES && seen.values().all(|count| *count == 1), "writer {writer}: more than was sent: {seen:?}");
}
