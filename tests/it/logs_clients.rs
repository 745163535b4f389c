//! Programs that send logs, as they are installed: rsyslog, logger, Docker; and containers by a stand-in for Docker's API.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::logs_collect::{texts, wait_for};
use crate::support::{Server, free_port, skip};

/// Where Debian puts it; not everybody has that in the path.
const RSYSLOGD: &str = "/usr/sbin/rsyslogd";

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to stop.
        let _gone = self.0.kill().is_err();
        let _gone = self.0.wait().is_err();
    }
}

fn run(program: &str, arguments: &[&str]) -> Running {
    let child = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Running(child.unwrap_or_else(|error| panic!("{program}: {error}")))
}

/// Fails unless exactly these lines are there, each so many times.
fn assert_exactly(found: &BTreeMap<String, u32>, expected: &[String], times: u32) {
    let lost: Vec<_> = expected.iter().filter(|text| !found.contains_key(*text)).take(5).collect();
    let wrong: Vec<_> = found.iter().filter(|(text, count)| **count != times || !expected.contains(text)).take(5).collect();
    assert!(lost.is_empty() && wrong.is_empty(), "lost {lost:?}; doubled or mangled {wrong:?}");
}

/// What rsyslog forwards of a file, in both framings, and by Elasticsearch's door where it has the module. Datagrams come one
/// after the other: of many at once a busy machine drops some, whoever reads them.
fn rsyslog_config(folder: &Path, [udp, tcp]: [u16; 2], server: &str, has_elastic: bool) -> String {
    let (host, port) = server.rsplit_once(':').unwrap();
    let queue = "queue.type=\"LinkedList\" queue.size=\"20000\" queue.timeoutenqueue=\"-1\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\"";
    let mut text = format!(
        r#"global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imfile" PollingInterval="1")
template(name="es" type="list") {{ constant(value="{{\"@timestamp\":\"") property(name="timereported" dateFormat="rfc3339") constant(value="\",\"message\":\"") property(name="msg" format="json") constant(value="\"}}") }}
input(type="imfile" File="{folder}/in.log" Tag="shop:" Severity="error" Facility="local3" ruleset="out" addMetadata="off")
ruleset(name="out" queue.type="LinkedList" queue.size="20000" queue.timeoutenqueue="-1") {{
 action(name="udp" type="omfwd" target="127.0.0.1" port="{udp}" protocol="udp" udp.sendDelay="10000"
  template="RSYSLOG_ForwardFormat" {queue})
 action(name="counted" type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" template="RSYSLOG_SyslogProtocol23Format" TCP_Framing="octet-counted" {queue})
 action(name="lines" type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" template="RSYSLOG_TraditionalForwardFormat" TCP_Framing="traditional" {queue})
"#,
        folder = folder.display()
    );
    if has_elastic {
        text.insert_str(0, "module(load=\"omelasticsearch\")\n");
        text.push_str(&format!(
            " action(name=\"es\" type=\"omelasticsearch\" server=\"{host}\" serverport=\"{port}\" searchIndex=\"rsyslog\" template=\"es\" bulkmode=\"on\" searchType=\"_doc\" queue.dequeuebatchsize=\"100\" {queue})\n"
        ));
    }
    text.push_str("}\n");
    text
}

#[test]
fn rsyslog_forwards_every_line_once() {
    if !Path::new(RSYSLOGD).exists() {
        return skip("rsyslog is not installed");
    }
    let [udp, tcp] = [free_port(), free_port()];
    let listen = format!("udp://127.0.0.1:{udp},tcp://127.0.0.1:{tcp}");
    let server = Server::start(&["--logs.syslog-listen", &listen]);
    let folder = server.folder().to_owned();
    let has_elastic = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]
        .iter()
        .any(|lib| Path::new(lib).join("rsyslog/omelasticsearch.so").exists());
    let config = folder.join("rsyslog.conf");
    std::fs::write(&config, rsyslog_config(&folder, [udp, tcp], &server.address, has_elastic)).unwrap();
    let mut lines: Vec<String> = (0..800).map(|number| format!("order {number} of käse \"{}\" done", "x".repeat(number % 90))).collect();
    lines.extend(["<13>no priority".to_owned(), "12 no length".to_owned(), format!("long {}", "y".repeat(9_000))]);
    std::fs::write(folder.join("in.log"), lines.join("\n") + "\n").unwrap();
    let pid = folder.join("rsyslog.pid");
    let _rsyslog = run(RSYSLOGD, &["-n", "-C", "-f", config.to_str().unwrap(), "-i", pid.to_str().unwrap()]);
    // By UDP and twice by TCP: three lines each, though two of them tell the same exact time.
    let by = |query: &str| wait_for(&server, query, lines.len());
    let all = "{job=\"syslog\", app=\"shop\", level=\"error\"} | facility=\"local3\"";
    let mut found = by(all);
    for _ in 0..1200 {
        if found.values().all(|count| *count == 3) {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(100));
        found = texts(&server, all);
    }
    assert_exactly(&found, &lines, 3);
    if has_elastic {
        let found: BTreeMap<String, u32> =
            by("{index=\"rsyslog\"}").into_iter().map(|(text, count)| (text.trim_start().to_owned(), count)).collect();
        assert_exactly(&found, &lines, 1);
    }
}

#[test]
fn logger_sends_both_forms() {
    if Command::new("logger").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("logger is not installed");
    }
    let [udp, tcp] = [free_port(), free_port()];
    let server = Server::start(&["--logs.syslog-listen", &format!("udp://127.0.0.1:{udp},tcp://127.0.0.1:{tcp}")]);
    let mut expected = Vec::new();
    for (number, (way, port, form)) in
        [("--udp", udp, "--rfc5424"), ("--udp", udp, "--rfc3164"), ("--tcp", tcp, "--rfc5424"), ("--tcp", tcp, "--rfc3164")]
            .into_iter()
            .enumerate()
    {
        let text = format!("  said by logger {number}");
        let port = port.to_string();
        let to = ["--server", "127.0.0.1", "--port", &port, way, form, "-t", "lg", "-p", "local1.err", &text];
        let octets = if way == "--tcp" && form == "--rfc5424" { &["--octet-count"][..] } else { &[] };
        assert!(Command::new("logger").args(octets).args(to).status().unwrap().success());
        expected.push(text);
    }
    assert_exactly(&wait_for(&server, "{app=\"lg\", level=\"error\"}", 4), &expected, 1);
}

/// A container as the stand-in knows it.
#[derive(Default)]
struct Container {
    runs: bool,
    is_gone: bool,
    /// Kind, time in nanoseconds, text as it was written.
    log: Vec<(u8, i64, String)>,
}

/// Just enough of Docker's API: the list, the events, logs that are followed.
#[derive(Default)]
struct Engine {
    containers: Mutex<BTreeMap<String, Container>>,
    events: Mutex<Vec<String>>,
    changed: Condvar,
    is_over: AtomicBool,
}

impl Engine {
    fn serve(self: &Arc<Self>, socket: &Path) {
        let listener = UnixListener::bind(socket).unwrap();
        let engine = Arc::clone(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let engine = Arc::clone(&engine);
                // A client that is killed ends its connection; that is no failure.
                std::thread::spawn(move || engine.answer(stream).is_ok());
            }
        });
    }

    fn change(&self, id: &str, event: Option<&str>, change: impl FnOnce(&mut Container)) {
        change(self.containers.lock().unwrap().entry(id.to_owned()).or_default());
        if let Some(event) = event {
            self.events.lock().unwrap().push(json!({"status": event, "id": id, "Type": "container", "Action": event}).to_string());
        }
        self.changed.notify_all();
    }

    fn answer(&self, mut stream: UnixStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut request = String::new();
        reader.read_line(&mut request)?;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let parts: Vec<&str> = path.split(['/', '?']).collect();
        match parts[1..] {
            ["containers", "json", query] => {
                let containers = self.containers.lock().unwrap();
                let listed = containers.iter().filter(|(_, container)| !container.is_gone && (container.runs || query.contains("all=1")));
                let listed: Vec<_> = listed
                    .map(|(id, container)| json!({"Id": id, "Names": [format!("/{id}")], "State": if container.runs { "running" } else { "exited" }}))
                    .collect();
                drop(containers);
                let body = serde_json::to_string(&listed).unwrap();
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
            ["containers", _, "json"] => {
                let body = r#"{"Config":{"Tty":false}}"#;
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
            ["containers", id, "logs", query] => {
                let since = query.split('&').find_map(|part| part.strip_prefix("since=")).unwrap_or("0");
                let (s, ns) = since.split_once('.').unwrap_or((since, "0"));
                self.follow(id, s.parse::<i64>().unwrap() * 1_000_000_000 + ns.parse::<i64>().unwrap(), stream)
            }
            ["events", ..] => self.tell(stream),
            _ => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        }
    }

    fn tell(&self, mut stream: UnixStream) -> std::io::Result<()> {
        // Whoever has the head of the answer hears of everything from then on.
        let mut told = self.events.lock().unwrap().len();
        write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let mut events = self.events.lock().unwrap();
        while !self.is_over.load(Ordering::SeqCst) {
            for event in &events[told..] {
                write!(stream, "{:x}\r\n{event}\n\r\n", event.len() + 1)?;
            }
            told = events.len();
            events = self.changed.wait_timeout(events, Duration::from_millis(100)).unwrap().0;
        }
        Ok(())
    }

    fn follow(&self, id: &str, since: i64, mut stream: UnixStream) -> std::io::Result<()> {
        write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let mut at = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            let (new, runs) = {
                let containers = self.containers.lock().unwrap();
                let container = &containers[id];
                (container.log[at..].to_vec(), container.runs)
            };
            at += new.len();
            for (kind, ts, text) in new.iter().filter(|(_, ts, _)| *ts >= since) {
                let time = chrono::DateTime::from_timestamp_nanos(*ts).to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
                // As Docker does it: the time of the line before each of its pieces.
                for piece in text.as_bytes().chunks(16 << 10) {
                    let mut frame = vec![*kind, 0, 0, 0];
                    frame.extend(((time.len() + 1 + piece.len()) as u32).to_be_bytes());
                    frame.extend(format!("{time} ").bytes());
                    frame.extend(piece);
                    write!(stream, "{:x}\r\n", frame.len())?;
                    stream.write_all(&frame)?;
                    write!(stream, "\r\n")?;
                }
            }
            if !runs && new.is_empty() {
                return write!(stream, "0\r\n\r\n");
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Ok(())
    }
}

#[test]
fn containers_are_read_to_their_ends_through_restarts_and_kills() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let engine = Arc::new(Engine::default());
    engine.serve(&socket);
    let config = folder.path().join("promtail.yml");
    // Listed once an hour: whatever comes in between must be heard of.
    let text = format!(
        "scrape_configs:\n  - job_name: d\n    docker_sd_configs: [{{host: 'unix://{}', refresh_interval: 1h}}]\n",
        socket.display()
    );
    std::fs::write(&config, text).unwrap();
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap();
    let base = now - 600_000_000_000;
    // It has ended before anybody looked, with words that have no line break.
    engine.change("before", None, |container| container.log.push((1, base, "last words".to_owned())));
    let mut server = Server::start(&["--promtail.config.file", config.to_str().unwrap()]);
    wait_for(&server, "{container=\"before\"}", 1);
    let mut expected: Vec<String> = Vec::new();
    let mut number = 0;
    for round in 0..6 {
        engine.change("app", Some("start"), |container| container.runs = true);
        for _ in 0..150 {
            engine.change("app", None, |container| {
                for kind in [1, 2] {
                    // What it writes to both is not quite in the order of its times.
                    let ts = base + number * 1_000_000 - if kind == 2 { 300_000_000.min(number * 1_000_000) } else { 0 };
                    let text = format!("line {number} of {kind} {}", "z".repeat(if number % 60 == 7 { 40_000 } else { 3 }));
                    container.log.push((kind, ts, format!("{text}\n")));
                    expected.push(text);
                }
            });
            number += 1;
            if number % 30 == 0 {
                std::thread::park_timeout(Duration::from_millis(20));
            }
        }
        // One that lives for a moment only, and is seen no more afterwards.
        let short = format!("short{round}");
        engine.change(&short, Some("start"), |container| {
            container.runs = true;
            container.log.push((1, base, format!("{short} said\n")));
        });
        engine.change(&short, Some("die"), |container| container.runs = false);
        match round {
            1 | 3 => server.kill_and_restart(),
            _ => {}
        }
        engine.change("app", Some("die"), |container| container.runs = false);
        wait_for(&server, &format!("{{container=\"{short}\"}}"), 1);
        engine.change(&short, Some("destroy"), |container| container.is_gone = true);
    }
    assert_exactly(&wait_for(&server, "{container=\"app\"}", expected.len()), &expected, 1);
    assert_eq!(texts(&server, "{container=\"before\"}"), BTreeMap::from([("last words".to_owned(), 1)]));
    engine.is_over.store(true, Ordering::SeqCst);
}

/// Docker's own engine on a socket of its own, where it is installed and may run.
struct Docker {
    engine: Running,
    socket: PathBuf,
}

impl Docker {
    fn start(folder: &Path) -> Option<Self> {
        let program = "/usr/sbin/dockerd";
        if !Path::new(program).exists() || !Path::new("/bin/busybox").exists() {
            return None;
        }
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let socket = folder.join("docker.sock");
        let host = format!("unix://{}", socket.display());
        let (root, exec, pid) = (path("root"), path("exec"), path("docker.pid"));
        let arguments = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"];
        let places = ["--data-root", &root, "--exec-root", &exec, "-p", &pid, "-H", &host];
        let engine = run(program, &[&arguments[..], &places[..]].concat());
        let docker = Self { engine, socket };
        for _ in 0..100 {
            if docker.run(&["version"]) {
                return docker.import(folder).then_some(docker);
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        None
    }

    fn run(&self, arguments: &[&str]) -> bool {
        let mut docker = Command::new("docker");
        docker.env("DOCKER_HOST", format!("unix://{}", self.socket.display())).args(arguments);
        docker.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// An image of nothing but busybox.
    fn import(&self, folder: &Path) -> bool {
        let root = folder.join("image/bin");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::copy("/bin/busybox", root.join("busybox")).unwrap();
        for name in ["sh", "sleep", "head", "tr"] {
            std::os::unix::fs::symlink("busybox", root.join(name)).unwrap();
        }
        let tar = folder.join("image.tar");
        let packed = Command::new("tar").arg("-C").arg(folder.join("image")).arg("-cf").arg(&tar).arg(".").status();
        packed.is_ok_and(|status| status.success()) && self.run(&["import", tar.to_str().unwrap(), "pharos-test:1"])
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        for name in ["app", "again"] {
            let _gone = self.run(&["rm", "-f", name]);
        }
        // Asked to end it takes its containers along.
        let asked = Command::new("kill").arg(self.engine.0.id().to_string()).status();
        let _ended = asked.is_ok() && self.engine.0.wait().is_ok();
    }
}

#[test]
fn docker_s_containers_are_read_while_their_logs_rotate() {
    let folder = tempfile::tempdir().unwrap();
    let Some(docker) = Docker::start(folder.path()) else {
        println!("skipped: Docker's engine is not installed, or may not run here");
        return;
    };
    let config = folder.path().join("promtail.yml");
    let text = format!(
        "scrape_configs:\n  - job_name: socket\n    docker_sd_configs: [{{host: 'unix://{}', refresh_interval: 30s}}]\n  - job_name: files\n    docker_files: {{path: '{}/root/containers'}}\n",
        docker.socket.display(),
        folder.path().display()
    );
    std::fs::write(&config, text).unwrap();
    let mut server = Server::start(&["--promtail.config.file", config.to_str().unwrap()]);
    let options = ["--network", "none", "--log-opt", "max-size=64k", "--log-opt", "max-file=9"];
    let script =
        "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; echo error $i >&2; [ $((i%40)) = 0 ] && sleep 0.05; done; sleep 1";
    let start = |name: &str, script: &str| {
        docker.run(&[&["run", "-d", "--name", name][..], &options, &["pharos-test:1", "/bin/sh", "-c", script]].concat())
    };
    assert!(start("app", script) && start("again", "echo begun $$; head -c 40000 /dev/zero | tr '\\0' x; echo; echo ended"));
    for _ in 0..2 {
        server.kill_and_restart();
        std::thread::park_timeout(Duration::from_millis(700));
    }
    let expected: Vec<String> = (1..=2000).flat_map(|number| [format!("line {number}"), format!("error {number}")]).collect();
    for job in ["socket", "files"] {
        let found = wait_for(&server, &format!("{{job=\"{job}\", container=\"app\"}}"), expected.len());
        assert_exactly(&found, &expected, 1);
        let found = wait_for(&server, &format!("{{job=\"{job}\", container=\"again\"}}"), 3);
        assert_exactly(&found, &["begun 1".to_owned(), "x".repeat(40_000), "ended".to_owned()], 1);
    }
}
