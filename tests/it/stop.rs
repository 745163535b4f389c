//! Starting and stopping: what the port says before storage is open, and that no client holds the end up.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pharos::base::clock::{Clock, SystemClock};

use crate::support::{client, free_port};
use crate::wire;

/// A server on a port that is known before it listens.
struct Raw {
    process: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Raw {
    fn start(prepare: impl FnOnce(&std::path::Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(data.join("metrics/pushed")).unwrap();
        prepare(&data);
        let address = format!("127.0.0.1:{}", free_port());
        let process = Command::new(env!("CARGO_BIN_EXE_pharos"))
            .args(["serve", "--own-metrics=false", "--host-metrics=false", "--listen", &address, "--data-dir"])
            .arg(&data)
            .env_clear()
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        Self { process, address, folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks until the port answers so.
    fn await_answer(&self, path: &str, status: u16, words: &str) {
        let mut last = String::new();
        for _ in 0..1200 {
            if let Ok(answer) = client().get(self.url(path)).send() {
                let is_so = answer.status() == status;
                last = answer.text().unwrap_or_default();
                if is_so && last.contains(words) {
                    return;
                }
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("{path} never answered {status} {words:?}, but at last {last:?}: {}", self.log());
    }

    /// Until it is ready and heeds signals, as it says in its log last.
    fn await_ready(&self) {
        self.await_answer("/-/ready", 200, "");
        for _ in 0..1200 {
            if self.log().contains("listening on") {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("it never listened: {}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end, which is to come within ten seconds, and a busy machine has some more; gives the exit code.
    fn await_end(&mut self) -> Option<i32> {
        let clock = SystemClock::new();
        while clock.monotonic() < Duration::from_secs(40) {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("it never ended: {}", self.log());
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

/// A request whose body never comes to its end.
fn hanging(server: &Raw) -> TcpStream {
    let mut client = TcpStream::connect(&server.address).unwrap();
    client
        .write_all(
            b"POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nx",
        )
        .unwrap();
    server.await_answer("/metrics", 200, "pharos_http_requests_in_flight{class=\"write\"} 1\n");
    client
}

#[test]
fn the_port_says_what_it_is_waiting_for() {
    // Reading a pushed group blocks for as long as nobody writes to it.
    let mut pipe = std::path::PathBuf::new();
    let server = Raw::start(|data| {
        pipe = data.join("metrics/pushed/slow.group");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    });
    server.await_answer("/-/healthy", 200, "Prometheus Server is Healthy.\n");
    // Before that storage itself is waited for.
    server.await_answer("/-/ready", 503, "Service Unavailable: storage is open, the rest is being started\n");
    let answer = client().get(server.url("/api/v1/query?query=up")).send().unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "2"));
    std::fs::write(&pipe, "no group").unwrap();
    server.await_answer("/-/ready", 200, "Prometheus Server is Ready.\n");
    std::fs::remove_file(&pipe).unwrap();
}

#[test]
fn it_stops_at_once_when_nothing_is_under_way() {
    let mut server = Raw::start(|_| {});
    server.await_ready();
    let sent = wire::send(&server.url("/api/v1/write"), wire::body(vec![wire::series(&[("__name__", "a")], &[(1000, 1.0)])]));
    assert_eq!(sent.0, 204);
    // An idle connection that is kept for later.
    let mut idle = TcpStream::connect(&server.address).unwrap();
    idle.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut piece = [0; 4096];
    assert!(idle.read(&mut piece).unwrap() > 0);
    let clock = SystemClock::new();
    server.signal(rustix::process::Signal::TERM);
    // Where it waited for this connection it would do so for five seconds; the rest of the end may take its time.
    let _reset = idle.read_to_end(&mut Vec::new());
    let took = clock.monotonic();
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(server.await_end(), Some(0), "{}", server.log());
    assert!(server.log().contains("stopped"), "{}", server.log());
}

#[test]
fn a_hanging_client_does_not_hold_it_up() {
    let mut server = Raw::start(|_| {});
    server.await_ready();
    let mut client = hanging(&server);
    server.signal(rustix::process::Signal::TERM);
    // Requests under way have their time; new ones are not taken.
    std::thread::park_timeout(Duration::from_secs(1));
    let is_shut = (0..1200).any(|_| {
        std::thread::park_timeout(Duration::from_millis(50));
        TcpStream::connect(&server.address).is_err()
    });
    assert!(is_shut, "no new connections");
    assert!(server.process.try_wait().unwrap().is_none(), "it waits for the request: {}", server.log());
    assert_eq!(server.await_end(), Some(0), "{}", server.log());
    let mut rest = Vec::new();
    let _broken_off = client.read_to_end(&mut rest).is_err();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Raw::start(|_| {});
    server.await_ready();
    let _client = hanging(&server);
    server.signal(rustix::process::Signal::TERM);
    for _ in 0..6000 {
        if server.log().contains("stopping") {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    server.signal(rustix::process::Signal::INT);
    // Whatever else ends it, such as the end of the time that the request has, gives another code.
    assert_eq!(server.await_end(), Some(130), "{}", server.log());
}
