//! `kill -9` under load: what was acknowledged is there once, and the server is back at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::support::Server;
use crate::wire;

const START: i64 = 1_700_000_000_000;

/// Writes until the server stops answering; counts the acknowledged rounds of each writer.
fn write_until_killed(url: String, series: usize, writer: usize, acknowledged: Arc<AtomicI64>, stop: Arc<AtomicBool>) {
    let mut round = acknowledged.load(Ordering::SeqCst);
    while !stop.load(Ordering::SeqCst) {
        let all = (0..series)
            .map(|at| {
                let (writer, at) = (writer.to_string(), at.to_string());
                wire::series(&[("__name__", "crash"), ("series", &at), ("writer", &writer)], &[(START + round * 1000, round as f64)])
            })
            .collect();
        let sent = crate::support::client()
            .post(&url)
            .header("Content-Type", "application/x-protobuf")
            .header("Content-Encoding", "snappy")
            .body(wire::body(all))
            .send();
        match sent {
            Ok(answer) if answer.status().as_u16() == 204 => {
                round += 1;
                acknowledged.store(round, Ordering::SeqCst);
            }
            _ => return,
        }
    }
}

#[test]
fn every_acknowledged_sample_is_there_once() {
    let kills: usize = std::env::var("PHAROS_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let mut server = Server::quiet();
    let writers: Vec<Arc<AtomicI64>> = (0..3).map(|_| Arc::default()).collect();
    for kill in 0..kills {
        let stop = Arc::new(AtomicBool::new(false));
        let running: Vec<_> = writers
            .iter()
            .enumerate()
            .map(|(writer, acknowledged)| {
                let (url, acknowledged, stop) = (server.url("/api/v1/write"), Arc::clone(acknowledged), Arc::clone(&stop));
                std::thread::spawn(move || write_until_killed(url, 50, writer, acknowledged, stop))
            })
            .collect();
        // Between a few and a few hundred milliseconds, differently each time.
        std::thread::park_timeout(std::time::Duration::from_millis(20 + (kill as u64 * 7919) % 300));
        server.kill_and_restart();
        stop.store(true, Ordering::SeqCst);
        for thread in running {
            thread.join().unwrap();
        }
        for (writer, acknowledged) in writers.iter().enumerate() {
            check(&server, writer, acknowledged);
        }
    }
}

/// Rounds are there from the first to the last acknowledged one; one more may have been on its way.
fn check(server: &Server, writer: usize, acknowledged: &AtomicI64) {
    let rounds = acknowledged.load(Ordering::SeqCst);
    let at = START as f64 / 1e3 + rounds as f64 + 1.0;
    let window = rounds + 10;
    for (expr, least) in [("min", rounds), ("max", rounds)] {
        let query = format!("{expr}(count_over_time(crash{{writer=\"{writer}\"}}[{window}s]))");
        let found = server.query(&query, at);
        let count: i64 = found[0]["value"][1].as_str().map_or(0, |text| text.parse().unwrap());
        assert!(count == least || count == least + 1, "writer {writer}: {expr} {count} samples of {least} acknowledged");
        // The next run starts after what is there, acknowledged or not.
        acknowledged.fetch_max(count, Ordering::SeqCst);
    }
}
