//! Settings that cannot work are refused alike by a start, a reload and `pharos check config`; and what is secret in
//! addresses is sent and not shown.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{Server, client, free_port};

/// What is planted as a password, token or key.
const PLANTED: &str = "hunter2";

fn run(args: &[&str], env: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pharos")).args(args).env_clear().envs(env.iter().copied()).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

fn pair(folder: &Path, stem: &str) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join(format!("{stem}.pem")), certificate.pem()).unwrap();
    fs::write(folder.join(format!("{stem}.key")), key.serialize_pem()).unwrap();
}

#[test]
fn start_reload_and_check_refuse_the_same() {
    let good = "global: {external_labels: {site: one}}\n";
    let server = Server::with_config(good, &["--host-metrics=false", "--own-metrics=false"]);
    let folder = server.folder();
    let file = folder.join("prometheus.yml");
    let path = file.to_str().unwrap();
    pair(folder, "one");
    pair(folder, "two");
    fs::write(folder.join("web.yml"), "basic_auth_users: {ann: plain}\n").unwrap();
    for (own, said) in [
        ("server: {tls_cert_file: none.pem, tls_key_file: one.key}", "prometheus.yml:2:34: server.tls_cert_file: HTTPS cannot be served"),
        ("server: {tls_cert_file: one.pem, tls_key_file: two.key}", "do not belong together"),
        ("server: {tls_cert_file: one.pem}", "prometheus.yml:2:34: server.tls_cert_file and server.tls_key_file go together"),
        ("server: {web_config_file: web.yml}", "web.yml:1:25:"),
        ("server: {cors_origin: '('}", "prometheus.yml:2:32: cors_origin: read \"(\", expected a regular expression"),
        ("server: {external_url: not-a-url}", "prometheus.yml:2:33: external_url: read \"not-a-url\", expected an http or https URL"),
        ("server: {fetch_deny: [nowhere]}", "prometheus.yml:2:31: fetch_deny: read \"nowhere\""),
        ("limits: {memory_budget: 1KB}", "prometheus.yml:2:34: memory_budget: read \"1KB\", expected at least 64MB"),
        ("limits: {rate_exempt: [nowhere]}", "prometheus.yml:2:32: rate_exempt: read \"nowhere\""),
        ("auth: {oidc_client_id: p}", "prometheus.yml:2:33: auth.oidc_client_id is set, but auth.oidc_issuer"),
        ("auth: {oidc_issuer: 'https://id.example', oidc_default_role: viewer}", "auth.oidc_client_id does not say"),
        (
            "auth: {oidc_issuer: 'https://id.example', oidc_client_id: p, oidc_default_role: viewer, oidc_client_secret_file: none}",
            "auth.oidc_client_secret_file: cannot read",
        ),
        ("auth: {proxy_user_header: Remote-User}", "auth.proxy_trusted"),
        ("auth: {proxy_trusted: [nowhere]}", "prometheus.yml:2:32: proxy_trusted: read \"nowhere\""),
    ] {
        fs::write(&file, format!("global: {{external_labels: {{site: two}}}}\npharos: {{{own}}}\n")).unwrap();
        let (checked, text) = run(&["check", "config", path], &[]);
        assert!(!checked && text.contains("FAILED") && text.contains(said), "check of {own}: {text}");
        let (status, text) = server.post("/-/reload", "text/plain", "");
        assert!(status == 500 && text.starts_with("failed to reload config: ") && text.contains(said), "reload of {own}: {status} {text}");
        let data = folder.join("other");
        let (started, text) = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap(), "--config", path], &[]);
        assert!(!started && text.contains(said), "start with {own}: {text}");
        assert!(!data.exists(), "nothing was begun with {own}");
        assert!(server.api("/api/v1/status/config")["yaml"].as_str().unwrap().contains("site: one"), "{own} is half in force");
    }
    assert!(server.get("/metrics").1.contains("prometheus_config_last_reload_successful 0"));
    fs::write(&file, good).unwrap();
    assert_eq!(server.post("/-/reload", "text/plain", "").0, 200);
    let missing = ("PHAROS_ADMIN_PASSWORD_FILE", "/nowhere/password");
    let (checked, text) = run(&["check", "config", path], &[missing]);
    assert!(!checked && text.contains("PHAROS_ADMIN_PASSWORD_FILE: cannot read /nowhere/password"), "{text}");
    let other = folder.join("other").display().to_string();
    for (args, env, said) in [
        (&["--external-url=not-a-url"][..], &[][..], "--external-url: read \"not-a-url\""),
        (&["--external-url=https://ann:hunter2@a.example"], &[], "without user, password"),
        (&["--memory-budget=1KB"], &[], "--memory-budget: read \"1KB\", expected at least 64MB"),
        (&[], &[("PHAROS_LIMITS_DISK_BUDGET", "1KB")], "PHAROS_LIMITS_DISK_BUDGET: read \"1KB\", expected at least 16MB"),
        (&[], &[("PHAROS_AUTH_OIDC_CLIENT_ID", "p")], "PHAROS_AUTH_OIDC_CLIENT_ID: auth.oidc_client_id is set"),
        (&[], &[missing], "PHAROS_ADMIN_PASSWORD_FILE: cannot read /nowhere/password"),
    ] {
        let args: Vec<&str> = ["serve", "--listen=127.0.0.1:0", "--data-dir", &other].iter().chain(args).copied().collect();
        let (started, text) = run(&args, env);
        assert!(!started && text.contains(said) && !text.contains(PLANTED), "{args:?} {env:?}: {text}");
    }
}

#[test]
fn a_reload_answers_for_certificates_and_the_web_config_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, web) = (folder.path().join("p.yml"), folder.path().join("web.yml"));
    let header = |value: &str| format!("http_server_config: {{headers: {{X-Frame-Options: {value}}}}}\n");
    let config = |site: &str| format!("global: {{external_labels: {{site: {site}}}}}\npharos: {{server: {{web_config_file: web.yml}}}}\n");
    fs::write(&web, header("deny")).unwrap();
    fs::write(&file, config("one")).unwrap();
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", "--config", file.to_str().unwrap()]);
    let shown = || client().get(server.url("/-/healthy")).send().unwrap().headers()["x-frame-options"].to_str().unwrap().to_owned();
    let site = || server.api("/api/v1/status/config")["yaml"].as_str().unwrap().contains("site: two");
    fs::write(&web, "http_server_config: {headers: {X-Frame-Options: [1]}}\n").unwrap();
    fs::write(&file, config("two")).unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert!(status == 500 && text.starts_with("failed to reload config: ") && text.contains("web.yml:1:"), "{status} {text}");
    assert!(!site() && shown().eq_ignore_ascii_case("deny"), "what was in force stays");
    assert!(server.get("/metrics").1.contains("prometheus_config_last_reload_successful 0"));
    assert_eq!(server.api("/api/v1/status/runtimeinfo")["reloadConfigSuccess"], false);
    fs::write(&web, header("sameorigin")).unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert_eq!(status, 200, "{text}");
    assert!(site() && shown().eq_ignore_ascii_case("sameorigin"));
    assert!(server.get("/metrics").1.contains("prometheus_config_last_reload_successful 1"));
}

#[test]
fn a_reload_answers_for_a_certificate_that_flags_name() {
    let folder = tempfile::tempdir().unwrap();
    pair(folder.path(), "one");
    pair(folder.path(), "two");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let args = [format!("--server.tls-cert-file={}", path("one.pem")), format!("--server.tls-key-file={}", path("one.key"))];
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", &args[0], &args[1]]);
    let builder = reqwest::blocking::Client::builder().tls_danger_accept_invalid_certs(true);
    let client = builder.timeout(Duration::from_secs(120)).build().unwrap();
    let url = format!("https://{}/-/reload", server.address);
    let reload = || {
        let answer = client.post(&url).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    };
    assert_eq!(reload().0, 200);
    fs::copy(path("two.key"), path("one.key")).unwrap();
    let (status, text) = reload();
    assert!(status == 500 && text.contains("--server.tls-key-file") && text.contains("do not belong together"), "{status} {text}");
    fs::copy(path("two.pem"), path("one.pem")).unwrap();
    assert_eq!(reload().0, 200);
}

#[test]
fn a_reload_answers_for_clients_that_cannot_be_made() {
    let config = |tls: &str| format!("scrape_configs:\n- {{job_name: a, static_configs: [{{targets: ['127.0.0.1:1']}}]{tls}}}\n");
    let server = Server::with_config(&config(""), &["--host-metrics=false", "--own-metrics=false"]);
    fs::write(server.folder().join("prometheus.yml"), config(", tls_config: {ca_file: gone.pem}")).unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    let said = "failed to reload config: one or more errors occurred while applying the new configuration: job \"a\": ";
    assert!(status == 500 && text.starts_with(said) && text.contains("gone.pem"), "{status} {text}");
    assert!(!server.api("/api/v1/status/config")["yaml"].as_str().unwrap().contains("gone.pem"));
}

#[test]
fn whoever_watches_may_call_the_server_anything() {
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false"]);
    let status = |path: &str| client().get(server.url(path)).header("host", "evil.example").send().unwrap().status().as_u16();
    assert_eq!((status("/-/healthy"), status("/-/ready"), status("/metrics"), status("/")), (200, 200, 403, 403));
}

/// A server whose log is kept in a file.
struct Logged {
    process: Child,
    address: String,
}

impl Drop for Logged {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

impl Logged {
    fn start(folder: &Path) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let process = Command::new(env!("CARGO_BIN_EXE_pharos"))
            .args(["serve", "--host-metrics=false", "--log-level=debug", "--listen", &address, "--config"])
            .arg(folder.join("p.yml"))
            .arg("--data-dir")
            .arg(folder.join("data"))
            .env_clear()
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        Self { process, address }
    }

    fn get(&self, path: &str) -> String {
        let answer = client().get(format!("http://{}{path}", self.address)).send();
        answer.and_then(reqwest::blocking::Response::text).unwrap_or_default()
    }
}

#[test]
fn secrets_in_addresses_are_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let config = "\
global: {scrape_interval: 1s, scrape_timeout: 1s}
remote_write:
- url: 'http://ann:hunter2@127.0.0.1:1/write?access_token=hunter2'
  headers: {X-Api-Key: hunter2}
- url: 'http://ann:hunter2@127.0.0.1:1/write?access_token=hunter2-of-another'
remote_read:
- url: 'http://127.0.0.1:1/read?sig=hunter2'
scrape_configs:
- job_name: found
  http_sd_configs:
  - {url: 'http://ann:hunter2@127.0.0.1:1/sd?token=hunter2', proxy_url: 'http://ann:hunter2@127.0.0.1:1'}
- job_name: scraped
  params: {api_key: [hunter2], module: [plain]}
  static_configs:
  - targets: ['ann:hunter2@127.0.0.1:1']
    labels: {__param_target: 'http://ann:hunter2@a.example/?key=hunter2'}
  - targets: ['127.0.0.1:1']
    labels: {__param_password: hunter2}
- job_name: dropped
  static_configs: [{targets: ['ann:hunter2@127.0.0.1:2']}]
  relabel_configs: [{action: drop}]
";
    fs::write(folder.path().join("p.yml"), config).unwrap();
    let server = Logged::start(folder.path());
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    let is_there = || {
        server.get("/api/v1/targets").matches("connection refused").count()
            + server.get("/api/v1/targets").matches("Connection refused").count()
            >= 2
            && server.get("/metrics").contains("prometheus_remote_storage_samples_failed_total{")
            && log().contains("127.0.0.1:1/write")
    };
    let was_tried = (0..1200).any(|_| {
        std::thread::park_timeout(Duration::from_millis(100));
        is_there()
    });
    assert!(was_tried, "nothing was tried: {} {}", server.get("/api/v1/targets"), log());
    for path in [
        "/",
        "/metrics",
        "/status",
        "/targets",
        "/targets?show=dropped",
        "/status/self",
        "/settings/server",
        "/settings/connect",
        "/catalogue",
        "/explore?q=up",
        "/api/v1/targets",
        "/api/v1/targets/metadata",
        "/api/v1/scrape_pools",
        "/api/v1/status/config",
        "/api/v1/status/flags",
        "/api/v1/status/runtimeinfo",
        "/api/v1/series?match[]={__name__=~%22.%2B%22}",
        "/api/v1/label/instance/values",
        "/api/v1/label/url/values",
        "/api/v1/label/remote_name/values",
    ] {
        let text = server.get(path);
        assert!(!text.is_empty() && !text.contains(PLANTED), "{path}: {text}");
    }
    assert!(!log().contains(PLANTED), "{}", log());
    let targets = server.get("/api/v1/targets").replace("\\u003c", "<").replace("\\u003e", ">");
    for shown in ["ann:xxxxx@127.0.0.1:1", "api_key=<secret>", "module=plain", "\"__param_password\":\"<secret>\""] {
        assert!(targets.contains(shown), "{shown} in {targets}");
    }
    let metrics = server.get("/metrics");
    let names = |line: &str| line.starts_with("prometheus_remote_storage_shards{").then(|| line.split(' ').next().unwrap().to_owned());
    let shards: Vec<String> = metrics.lines().filter_map(names).collect();
    assert!(shards.len() == 2 && shards[0] != shards[1], "endpoints that differ only in secrets are told apart: {shards:?}");
    assert!(metrics.contains("url=\"http://ann:xxxxx@127.0.0.1:1/write?access_token=<secret>\""), "{metrics}");
}
