//! `kill -9` under load: every acknowledged line is there once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::logs_wire::{KEEPING, SECOND, SentLine, T0, loki, packed, stream};
use crate::support::{Server, client};

/// Lines of one push.
const LINES: i64 = 20;

/// Pushes until the server stops answering; counts what was acknowledged.
fn push_until_killed(url: &str, writer: usize, acknowledged: &AtomicI64) {
    loop {
        let round = acknowledged.load(Ordering::SeqCst);
        let texts: Vec<(i64, String)> = (0..LINES).map(|at| (T0 + round * 1000 + at, format!("line {round} {at}"))).collect();
        let lines: Vec<SentLine<'_>> = texts.iter().map(|(ts, text)| (*ts, text.as_str(), &[][..])).collect();
        let body = packed(vec![stream(&format!("{{app=\"crash\", writer=\"{writer}\"}}"), &lines)]);
        match client().post(url).header("Content-Type", "application/x-protobuf").body(body).send() {
            Ok(answer) if answer.status().as_u16() == 204 => acknowledged.store(round + 1, Ordering::SeqCst),
            _ => return,
        }
    }
}

#[test]
fn every_acknowledged_line_is_there_once() {
    let kills: usize = std::env::var("PHAROS_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let mut server = Server::start(&KEEPING);
    let writers: Vec<Arc<AtomicI64>> = (0..3).map(|_| Arc::default()).collect();
    for kill in 0..kills {
        let url = server.url("/loki/api/v1/push");
        let running: Vec<_> = writers
            .iter()
            .enumerate()
            .map(|(writer, acknowledged)| {
                let (url, acknowledged) = (url.clone(), Arc::clone(acknowledged));
                std::thread::spawn(move || push_until_killed(&url, writer, &acknowledged))
            })
            .collect();
        // Between a few and a few hundred milliseconds, differently each time.
        std::thread::park_timeout(Duration::from_millis(50 + (kill as u64 * 7919) % 300));
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
    assert!(writers.iter().all(|acknowledged| acknowledged.load(Ordering::SeqCst) > 0));
}
