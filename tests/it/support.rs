//! Starts the real binary on a port of its own with a data folder of its own, and talks to it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use pharos::base::clock::{Clock, SystemClock};
use serde_json::Value as Json;

/// How long a server may take to open its port, on a machine busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(180);
/// How long what is awaited may take there.
const AWAITED_WITHIN: Duration = Duration::from_secs(120);
/// Ports that the system gives to nobody by itself.
const OWN_PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A running server; killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
    pub(crate) data: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    _folder: Option<tempfile::TempDir>,
}

impl Server {
    /// Starts with further arguments after `serve`, in a fresh folder.
    pub(crate) fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let (process, address) = spawn(&data, &args, &[]);
        Self { process, address, data, args, env: Vec::new(), _folder: Some(folder) }
    }

    /// Starts on a data folder that is there already.
    pub(crate) fn on(data: &Path, args: &[&str]) -> Self {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let (process, address) = spawn(data, &args, &[]);
        Self { process, address, data: data.to_owned(), args, env: Vec::new(), _folder: None }
    }

    /// Starts with a configuration file of this text.
    pub(crate) fn with_config(text: &str, args: &[&str]) -> Self {
        Self::with_environment(text, args, &[])
    }

    /// Starts with a configuration file of this text and these environment variables.
    pub(crate) fn with_environment(text: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let env: Vec<(String, String)> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, text).unwrap();
        let mut all = vec!["--config".to_owned(), config.to_string_lossy().into_owned()];
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        let (process, address) = spawn(&data, &all, &env);
        Self { process, address, data, args: all, env, _folder: Some(folder) }
    }

    /// Quiet: no metrics of the host or of the server itself, so that only what the test sends is there and its old
    /// samples are not late behind those of now.
    pub(crate) fn quiet() -> Self {
        Self::start(&["--host-metrics=false", "--own-metrics=false", "--enable-admin-api"])
    }

    pub(crate) fn folder(&self) -> &Path {
        self.data.parent().unwrap()
    }

    /// The most memory that the process ever had, files included, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `kill -9`, then a start on the same folder.
    pub(crate) fn kill_and_restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        (self.process, self.address) = spawn(&self.data, &self.args, &self.env);
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let response = client().get(self.url(path)).send().unwrap();
        (response.status().as_u16(), response.text().unwrap())
    }

    pub(crate) fn post(&self, path: &str, kind: &str, body: impl Into<reqwest::blocking::Body>) -> (u16, String) {
        let response = client().post(self.url(path)).header("Content-Type", kind).body(body).send().unwrap();
        (response.status().as_u16(), response.text().unwrap())
    }

    /// An API answer that must be a success.
    /// Any other request.
    pub(crate) fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, String) {
        let method = method.parse().unwrap();
        let response = client().request(method, self.url(path)).header("content-type", kind).body(body.to_owned()).send().unwrap();
        (response.status().as_u16(), response.text().unwrap())
    }

    pub(crate) fn api(&self, path: &str) -> Json {
        let (status, text) = self.get(path);
        let answer: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {status} {error}: {text}"));
        assert_eq!((status, &answer["status"]), (200, &Json::from("success")), "{path}: {text}");
        answer["data"].clone()
    }

    /// The result of an instant query at a time in seconds.
    pub(crate) fn query(&self, expr: &str, time: f64) -> Json {
        let encoded: String = form_urlencoded::byte_serialize(expr.as_bytes()).collect();
        self.api(&format!("/api/v1/query?query={encoded}&time={time}"))["result"].clone()
    }

    /// Asks until `found` is satisfied; fails with the last answer after two minutes.
    pub(crate) fn await_query(&self, expr: &str, found: impl Fn(&Json) -> bool) -> Json {
        let encoded: String = form_urlencoded::byte_serialize(expr.as_bytes()).collect();
        let mut last = Json::Null;
        let clock = SystemClock::new();
        while clock.monotonic() < AWAITED_WITHIN {
            last = self.api(&format!("/api/v1/query?query={encoded}"))["result"].clone();
            if found(&last) {
                return last;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("{expr} never came to what was awaited; last answer: {last}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to stop.
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

/// Asks until there is an answer; fails after two minutes.
pub(crate) fn until<T>(ask: impl Fn() -> Option<T>) -> T {
    let clock = SystemClock::new();
    while clock.monotonic() < AWAITED_WITHIN {
        if let Some(found) = ask() {
            return found;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    panic!("what was awaited never came");
}

pub(crate) fn client() -> reqwest::blocking::Client {
    reqwest::blocking::Client::builder().timeout(Duration::from_secs(120)).build().unwrap()
}

fn spawn(data: &Path, args: &[String], env: &[(String, String)]) -> (Child, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_pharos"))
        .arg("serve")
        .args(["--listen", "127.0.0.1:0", "--log-level", "info", "--data-dir"])
        .arg(data)
        .args(args)
        .env_clear()
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = process.stderr.take().unwrap();
    let (tell, told) = mpsc::channel();
    // Reads on for as long as the process lives, so that it never blocks on a full pipe.
    std::thread::spawn(move || {
        let mut seen = String::new();
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("listening on http").and_then(|(_, rest)| rest.split_once("://")) {
                let address = address.split_whitespace().next().unwrap_or_default().trim_end_matches(['/', '"']).to_owned();
                let _test_is_over = tell.send(Ok(address)).is_err();
            }
            seen.push_str(&line);
            seen.push('\n');
            if std::env::var_os("PHAROS_TEST_LOG").is_some() {
                eprintln!("{line}");
            }
        }
        let _test_is_over = tell.send(Err(seen)).is_err();
    });
    match told.recv_timeout(START_WITHIN) {
        Ok(Ok(address)) => (process, address),
        Ok(Err(log)) => panic!("the server stopped:\n{log}"),
        Err(_) => panic!("the server did not open its port in time"),
    }
}

/// Says that a test is skipped, or fails where nothing may be.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("PHAROS_TEST_FULL").is_none(), "{why}, and PHAROS_TEST_FULL is set");
    println!("skipped: {why}");
}

/// The shared test material: beside the project, or where `PHAROS_TEST_SHARED` says.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let beside = || Some(Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared"));
    let full = std::env::var_os("PHAROS_TEST_SHARED").map(PathBuf::from).or_else(beside)?.join(path);
    full.exists().then_some(full)
}

/// A port that was free a moment ago, and that no other test is given.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let places = OWN_PORTS.end - OWN_PORTS.start;
    // Two runs on one machine do not begin at the same place.
    let first = u16::try_from(std::process::id() % u32::from(places)).unwrap();
    for _ in 0..places {
        let port = OWN_PORTS.start + (first + GIVEN.fetch_add(1, Ordering::Relaxed) % places) % places;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

/// Sends JSON, or nothing, and reads the JSON that comes back, with its status.
pub(crate) fn ask(server: &Server, method: &str, path: &str, body: Option<&Json>) -> (u16, Json) {
    let mut request = client().request(method.parse().unwrap(), server.url(path));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = request.send().unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{method} {path}: {error}: {text}")))
}

/// A page that is there.
pub(crate) fn page(server: &Server, path: &str) -> String {
    let (status, text) = server.get(path);
    assert_eq!(status, 200, "{path}: {text}");
    text
}

/// Sends a form as a browser does.
pub(crate) fn send_form(server: &Server, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    server.post(path, "application/x-www-form-urlencoded", body)
}

/// A mail server that takes everything and hands over the letters.
pub(crate) fn mail_server() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, letters) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let _greeted = stream.write_all(b"220 here\r\n");
            let mut letter = None::<String>;
            while let Some(Ok(line)) = lines.next() {
                match &mut letter {
                    Some(text) if line == "." => {
                        let _received = sender.send(std::mem::take(text));
                        letter = None;
                        let _taken = stream.write_all(b"250 taken\r\n");
                    }
                    Some(text) => text.push_str(&format!("{line}\n")),
                    None => {
                        let answer: &[u8] = match line.get(..4).unwrap_or("").to_ascii_uppercase().as_str() {
                            "DATA" => {
                                letter = Some(String::new());
                                b"354 go on\r\n"
                            }
                            "QUIT" => b"221 bye\r\n",
                            _ => b"250 well\r\n",
                        };
                        let _answered = stream.write_all(answer);
                    }
                }
            }
        }
    });
    (port, letters)
}
