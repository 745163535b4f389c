//! Budgets: a server that is given little memory or disk refuses some, answers the rest, and never dies of it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pharos::base::clock::{Clock, SystemClock};

use crate::support::{Server, client};
use crate::wire;

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const BUDGET: u64 = 150 * MIB;
/// Pages of files beyond so many can be taken back by the system at any time, and do not count.
const FILE_PAGES_MAX: u64 = 32 * MIB;
/// Distinct series that are sent, and how many at once.
const SERIES: usize = 100_000;
const AT_ONCE: usize = 500;
/// The load ends after this long, however far it is.
const LOAD_FOR: Duration = Duration::from_secs(35);

fn now_ms() -> i64 {
    SystemClock::new().now_ms()
}

/// Memory of the server that counts, in bytes.
pub(crate) fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the server lives");
    let field = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
        line.split_whitespace().next().unwrap_or("0").parse::<u64>().unwrap_or(0) * 1024
    };
    field("RssAnon:") + field("RssFile:").min(FILE_PAGES_MAX)
}

/// A group of series that are like no others.
fn churn(group: usize) -> Vec<u8> {
    let now = now_ms();
    let group = group.to_string();
    let all = (0..AT_ONCE).map(|at| {
        let pod = format!("deployment-{group}-7f9c8d5b6-{at:05}");
        let path = format!("/api/v1/customers/{group}/orders/{at}");
        let labels = [
            ("__name__", "churn"),
            ("group", group.as_str()),
            ("pod", pod.as_str()),
            ("path", path.as_str()),
            ("namespace", "production"),
            ("job", "kubernetes-pods"),
            ("instance", "10.0.0.1:8080"),
        ];
        wire::series(&labels, &[(now, at as f64)])
    });
    wire::body(all.collect())
}

fn own(server: &Server, sample: &str) -> f64 {
    let (_, page) = server.get("/metrics");
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {sample} in {page}")).parse().unwrap()
}

/// What the load came to.
#[derive(Default)]
struct Load {
    next: AtomicUsize,
    acknowledged: Mutex<Vec<usize>>,
    refused: AtomicU64,
    over: AtomicBool,
}

/// Sends groups one after the other; what is refused for now is sent again, as every sender does.
fn send_groups(url: &str, load: &Load) {
    while !load.over.load(Ordering::SeqCst) {
        let group = load.next.fetch_add(1, Ordering::SeqCst);
        if group * AT_ONCE >= SERIES {
            return;
        }
        loop {
            let (status, said) = wire::send(url, churn(group));
            match status {
                204 => {
                    load.acknowledged.lock().unwrap().push(group);
                    break;
                }
                503 => {
                    assert!(said.contains("memory is nearly used up"), "{said}");
                    load.refused.fetch_add(1, Ordering::SeqCst);
                }
                other => panic!("{other}: {said}"),
            }
            if load.over.load(Ordering::SeqCst) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(250));
        }
    }
}

#[test]
fn a_memory_budget_holds_under_churn() {
    let server = Server::start(&["--memory-budget", "150MB", "--host-interval", "1s"]);
    assert_eq!(own(&server, "pharos_memory_budget_bytes"), BUDGET as f64);
    server.await_query("up{job=\"node\"}", |found| found[0]["value"][1] == "1");
    let load = Arc::new(Load::default());
    let senders: Vec<_> = (0..2)
        .map(|_| {
            let (url, load) = (server.url("/api/v1/write"), Arc::clone(&load));
            std::thread::spawn(move || send_groups(&url, &load))
        })
        .collect();
    let clock = SystemClock::new();
    let (mut most, mut answered) = (0, 0);
    while clock.monotonic() < LOAD_FOR && !senders.iter().all(std::thread::JoinHandle::is_finished) {
        most = most.max(memory(&server));
        // Queries are answered, or refused in words.
        let answer = client().get(server.url("/api/v1/query?query=count(churn)")).send().unwrap();
        match answer.status().as_u16() {
            200 => answered += 1,
            503 => {
                assert!(answer.headers().contains_key("retry-after"));
                assert!(answer.text().unwrap().contains("memory is nearly used up"));
            }
            other => panic!("{other}: {}", answer.text().unwrap()),
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    load.over.store(true, Ordering::SeqCst);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let (taken, refused) = (load.acknowledged.lock().unwrap().clone(), load.refused.load(Ordering::SeqCst));
    let groups = taken.len();
    let relieved = own(&server, "pharos_storage_flushes_total");
    println!("{} series taken, {refused} requests told to come again, {relieved} blocks, {} MiB at most", groups * AT_ONCE, most / MIB);
    assert!(most < BUDGET, "{} MiB at most", most / MIB);
    assert!(groups > 0 && answered > 0, "{groups} {answered}");
    // It was alive all the time: its own machine was scraped on.
    let is_up = || server.api("/api/v1/query?query=min_over_time(up%7Bjob%3D%22node%22%7D%5B30s%5D)")["result"][0]["value"][1] == "1";
    // Longer than the half minute that is asked for, should the last one in it have come to nothing.
    let is_well = (0..1200).any(|_| {
        let is_up = is_up();
        if !is_up {
            std::thread::park_timeout(Duration::from_millis(100));
        }
        is_up
    });
    assert!(is_well, "its own machine is not scraped any more");
    // What was taken is there.
    let all = AT_ONCE.to_string();
    for group in [taken[0], taken[groups / 2], taken[groups - 1]] {
        let query = format!("count(last_over_time(churn{{group=\"{group}\"}}[10m]))");
        server.await_query(&query, |found| found[0]["value"][1] == all.as_str());
    }
}

#[test]
fn a_disk_budget_refuses_writes_until_there_is_room() {
    let server = Server::start(&["--disk-budget", "40MB", "--own-metrics=false", "--host-metrics=false"]);
    let write = |at: i64| wire::send(&server.url("/api/v1/write"), wire::body(vec![wire::series(&[("__name__", "a")], &[(at, 1.0)])]));
    assert_eq!(write(1000).0, 204);
    let ballast = server.data.join("ballast");
    std::fs::write(&ballast, vec![0x5a; 41 * MIB as usize]).unwrap();
    let await_status = |from: i64, wanted: u16| -> (i64, String) {
        for at in from..from + 600 {
            let (status, said) = write(at * 1000);
            if status == wanted {
                return (at, said);
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("writes never came to {wanted}");
    };
    let (at, said) = await_status(2, 503);
    assert!(said.contains("the disk budget is used up; samples are refused until there is room again"), "{said}");
    assert_eq!(own(&server, "pharos_pressure_state{resource=\"disk\",state=\"critical\"}"), 1.0);
    assert!(own(&server, "pharos_shed_total{what=\"disk\"}") >= 1.0);
    assert_eq!(server.query("a", (at - 1) as f64)[0]["value"][1], "1", "reading goes on");
    let add_one = || server.post("/api/v1/metrics/custom", "application/json", r#"{"name": "b_total", "type": "counter", "value": 1}"#);
    let push = || client().put(server.url("/metrics/job/batch")).body("pushed 1\n").send().unwrap().status().as_u16();
    for _ in 0..3 {
        assert_eq!((add_one().0, push()), (503, 503), "what is kept until it is deleted");
    }
    let ready = "Prometheus Server is Ready.\n";
    let refused = "Writes are refused: the disk budget is used up. Queries are answered.\n";
    assert_eq!(server.get("/-/ready"), (200, format!("{ready}{refused}")), "a budget is no reason to be taken out of service");
    assert_eq!(server.api("/api/v1/status/runtimeinfo")["refusedNow"][0]["what"], "samples");
    assert!(server.get("/").1.contains("the disk budget is used up"), "Home says so");
    std::fs::remove_file(&ballast).unwrap();
    await_status(at, 204);
    let (added, said) = add_one();
    assert_eq!((added / 100, push()), (2, 200), "{said}");
    server.await_query("b_total", |found| found[0]["value"][1] == "1");
    assert_eq!(server.get("/-/ready"), (200, ready.to_owned()));
    assert_eq!(own(&server, "pharos_pressure_state{resource=\"disk\",state=\"normal\"}"), 1.0);
}
