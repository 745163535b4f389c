//! Kinds of monitors of Uptime Kuma, as ours.

use std::collections::HashMap;

use serde_json::Value;
use url::Url;

use super::draft::{Draft, duration};
use super::fields::{Fields, text_of};

/// Shortest token that nobody guesses.
const TOKEN_BYTES_MIN: usize = 16;
/// How late a job may be at least, in seconds.
const GRACE_MIN_S: f64 = 10.0;

/// What monitors refer to, by number.
pub(super) struct Around {
    pub(super) proxies: HashMap<String, Value>,
    pub(super) docker_hosts: HashMap<String, Value>,
}

/// A monitor as a check; none where there is no such kind. What is lost is said in `notes`.
pub(super) fn draft(monitor: Fields<'_>, name: &str, around: &Around, notes: &mut Vec<String>) -> Option<Draft> {
    match monitor.text(&["type"]).as_str() {
        kind @ ("http" | "keyword" | "json-query" | "real-browser") => {
            if kind == "real-browser" {
                notes.push("no browser is started: the page itself is asked for".to_owned());
            }
            Some(http(monitor, name, around, notes))
        }
        "port" => Some(with_address(monitor, Draft::new(name, "tcp"))),
        "ping" | "tailscale-ping" => {
            let mut draft = Draft::new(name, "ping");
            draft.text("host", &monitor.text(&["hostname"]));
            Some(draft)
        }
        "dns" => Some(dns(monitor, name, notes)),
        "push" => Some(push(monitor, name, notes)),
        "docker" => Some(docker(monitor, name, around, notes)),
        "postgres" => postgres(monitor, name, notes),
        "redis" => redis(monitor, name, notes),
        "smtp" => Some(smtp(monitor, name)),
        "websocket-upgrade" => Some(websocket(monitor, name, notes)),
        "grpc-keyword" => grpc(monitor, name, notes),
        other => {
            notes.push(format!("is left out: there is no kind of check for {other:?}"));
            None
        }
    }
}

fn http(monitor: Fields<'_>, name: &str, around: &Around, notes: &mut Vec<String>) -> Draft {
    let mut draft = Draft::new(name, "http");
    draft.text("url", &monitor.text(&["url"]));
    draft.text("method", &monitor.text(&["method"]).to_ascii_uppercase());
    let mut headers = headers(monitor, notes);
    let body = monitor.text(&["body"]);
    if !body.trim().is_empty() {
        let kind = match monitor.text(&["httpBodyEncoding", "http_body_encoding"]).as_str() {
            "form" => "application/x-www-form-urlencoded",
            "xml" => "text/xml; charset=utf-8",
            _ => "application/json",
        };
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        draft.text("body", &body);
    }
    draft.pairs("headers", &headers);
    let statuses: Vec<String> = monitor.list(&["accepted_statuscodes", "accepted_statuscodes_json"]).iter().map(text_of).collect();
    draft.texts("status", &statuses);
    let kind = monitor.text(&["type"]);
    if kind == "keyword" {
        let is_inverted = monitor.is(&["invertKeyword", "invert_keyword"]);
        draft.texts(if is_inverted { "lacks" } else { "contains" }, &[monitor.text(&["keyword"])]);
    }
    if kind == "json-query" {
        json_query(monitor, &mut draft, notes);
    }
    if monitor.number(&["maxredirects"]) == Some(0.0) {
        draft.of_kind().bare("redirects", false);
    }
    draft.flag("insecure_skip_verify", monitor.is(&["ignoreTls", "ignore_tls"]));
    match monitor.text(&["ipFamily", "ip_family"]).as_str() {
        "ipv4" => draft.text("ip_version", "4"),
        "ipv6" => draft.text("ip_version", "6"),
        _ => {}
    }
    auth(monitor, &mut draft, notes);
    proxy(monitor, &mut draft, (around, notes));
    draft.timeout(monitor.number(&["timeout"]).unwrap_or(0.0));
    draft
}

/// Headers, which Uptime Kuma keeps as a text in JSON.
fn headers(monitor: Fields<'_>, notes: &mut Vec<String>) -> Vec<(String, String)> {
    let found = monitor.pairs(&["headers"]);
    if found.is_empty() && !matches!(monitor.text(&["headers"]).trim(), "" | "{}") {
        notes.push("its headers are no JSON, and are left out".to_owned());
    }
    found
}

fn auth(monitor: Fields<'_>, draft: &mut Draft, notes: &mut Vec<String>) {
    match monitor.text(&["authMethod", "auth_method"]).as_str() {
        "bearer" => draft.text("bearer_token", &monitor.text(&["bearer_token"])),
        // Older versions have no method, and mean this one where there is a name.
        "basic" | "" | "null" => {
            draft.text("username", &monitor.text(&["basic_auth_user"]));
            draft.text("password", &monitor.text(&["basic_auth_pass"]));
        }
        other => notes.push(format!("signing in by {other:?} is not taken over; a module of blackbox.yml can do OAuth 2 and certificates")),
    }
}

fn proxy(monitor: Fields<'_>, draft: &mut Draft, (around, notes): (&Around, &mut Vec<String>)) {
    let id = monitor.text(&["proxyId", "proxy_id"]);
    if id.is_empty() {
        return;
    }
    let Some(found) = around.proxies.get(&id) else {
        return notes.push("its proxy is not in the file, and is not taken over".to_owned());
    };
    let proxy = Fields(found);
    if proxy.truth(&["active"]) == Some(false) {
        return;
    }
    let scheme = match proxy.text(&["protocol"]).as_str() {
        "socks" | "socks5h" => "socks5".to_owned(),
        other => other.to_owned(),
    };
    let mut url = match Url::parse(&format!("{scheme}://{}:{}", proxy.text(&["host"]), proxy.text(&["port"]))) {
        Ok(url) if matches!(scheme.as_str(), "http" | "https" | "socks5") => url,
        _ => return notes.push(format!("its proxy speaks {scheme:?}, and is not taken over")),
    };
    if proxy.is(&["auth"]) {
        let named = url.set_username(&proxy.text(&["username"])).and_then(|()| url.set_password(Some(&proxy.text(&["password"]))));
        if named.is_err() {
            notes.push("the name or the password for its proxy is not taken over".to_owned());
        }
    }
    draft.text("proxy_url", url.as_str());
}

/// A condition on JSON, where its path only goes down.
fn json_query(monitor: Fields<'_>, draft: &mut Draft, notes: &mut Vec<String>) {
    let path = monitor.text(&["jsonPath", "json_path"]);
    let plain = path.trim().trim_start_matches('$').trim_start_matches('.').to_owned();
    let is_plain = plain.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']'));
    let is = match monitor.text(&["jsonPathOperator", "json_path_operator"]).as_str() {
        "" | "==" => "equals",
        "!=" => "differs",
        ">" => "above",
        "<" => "below",
        "contains" => "contains",
        _ => "",
    };
    if plain.is_empty() || !is_plain || is.is_empty() {
        return notes.push(format!("its condition on JSON ({path}) is none that can be taken over; only the status is checked"));
    }
    let mut condition = crate::platform::config::yaml::MapWriter::default();
    condition.text("path", &plain).text("is", is).text("value", &monitor.text(&["expectedValue", "expected_value"]));
    draft
        .of_kind()
        .put("json", crate::platform::config::yaml::Node::new(crate::platform::config::yaml::Kind::List(vec![condition.finish()])));
}

/// `host:port`, with an IPv6 address in brackets.
pub(super) fn address(host: &str, port: &str) -> String {
    let host = host.trim().trim_start_matches('[').trim_end_matches(']');
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn with_address(monitor: Fields<'_>, mut draft: Draft) -> Draft {
    draft.text("address", &address(&monitor.text(&["hostname"]), &monitor.text(&["port"])));
    draft.timeout(monitor.number(&["timeout"]).unwrap_or(0.0));
    draft
}

fn dns(monitor: Fields<'_>, name: &str, notes: &mut Vec<String>) -> Draft {
    let mut draft = Draft::new(name, "dns");
    draft.text("name", &monitor.text(&["hostname"]));
    draft.text("type", &monitor.text(&["dns_resolve_type"]));
    let servers = monitor.text(&["dns_resolve_server"]);
    let mut servers = servers.split(',').map(str::trim).filter(|server| !server.is_empty());
    if let Some(server) = servers.next() {
        let port = monitor.text(&["port"]);
        draft.text("server", &address(server, if port.is_empty() { "53" } else { &port }));
    }
    if servers.next().is_some() {
        notes.push("only the first of its name servers is asked".to_owned());
    }
    if !monitor.list(&["conditions"]).is_empty() {
        notes.push("its conditions on records are not taken over: write them as expressions under matches".to_owned());
    }
    draft
}

fn push(monitor: Fields<'_>, name: &str, notes: &mut Vec<String>) -> Draft {
    let mut draft = Draft::new(name, "heartbeat");
    let every = monitor.number(&["interval"]).filter(|secs| *secs >= 1.0).unwrap_or(60.0);
    let retry = monitor.number(&["retryInterval", "retry_interval"]).filter(|secs| *secs > 0.0).unwrap_or(every);
    let grace = monitor.number(&["maxretries"]).unwrap_or(0.0) * retry;
    draft.text("every", &duration(every.min(366.0 * 86_400.0)));
    draft.text("grace", &duration(grace.clamp(GRACE_MIN_S, 366.0 * 86_400.0)));
    let token = monitor.text(&["pushToken", "push_token"]);
    let is_token = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if token.len() >= TOKEN_BYTES_MIN && is_token {
        draft.text("token", &token);
    } else {
        notes.push("its push token is too short to be secret, so the job has to call a new address".to_owned());
    }
    draft
}

fn docker(monitor: Fields<'_>, name: &str, around: &Around, notes: &mut Vec<String>) -> Draft {
    let mut draft = Draft::new(name, "docker");
    draft.text("container", &monitor.text(&["docker_container"]));
    let id = monitor.text(&["docker_host"]);
    match around.docker_hosts.get(&id).map(Fields) {
        Some(host) => {
            let daemon = host.text(&["docker_daemon", "dockerDaemon"]);
            let is_socket = host.text(&["docker_type", "dockerType"]) == "socket";
            draft.text("host", &if is_socket { format!("unix://{daemon}") } else { daemon });
        }
        None => notes.push("where Docker listens is not in the file: the usual socket of this machine is asked".to_owned()),
    }
    draft
}

/// The address of a database, read.
fn connection(monitor: Fields<'_>, schemes: &[&str], notes: &mut Vec<String>) -> Option<Url> {
    let text = monitor.text(&["databaseConnectionString", "database_connection_string"]);
    match Url::parse(&text) {
        Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => Some(url),
        _ => {
            notes.push("is left out: the address of the database cannot be read".to_owned());
            None
        }
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn with_database(url: &Url, port: u16, draft: &mut Draft) {
    let port = url.port().unwrap_or(port).to_string();
    draft.text("address", &address(url.host_str().unwrap_or_default(), &port));
    draft.text("username", &decoded(url.username()));
    draft.text("password", &decoded(url.password().unwrap_or_default()));
}

fn postgres(monitor: Fields<'_>, name: &str, notes: &mut Vec<String>) -> Option<Draft> {
    let url = connection(monitor, &["postgres", "postgresql"], notes)?;
    let mut draft = Draft::new(name, "postgres");
    with_database(&url, 5432, &mut draft);
    draft.text("database", &decoded(url.path().trim_start_matches('/')));
    let ssl = url.query_pairs().find(|(name, _)| name == "sslmode" || name == "ssl").map(|(_, value)| value.into_owned());
    match ssl.as_deref() {
        Some("require" | "prefer" | "allow" | "no-verify") => draft.text("tls", "require"),
        Some("verify-ca" | "verify-full" | "true" | "1") => draft.text("tls", "verify"),
        _ => {}
    }
    let query = monitor.text(&["databaseQuery", "database_query"]);
    if !query.trim().is_empty() {
        draft.text("query", query.trim());
        notes.push("here the first row of its query must begin with something that is neither null, false nor 0".to_owned());
    }
    Some(draft)
}

fn redis(monitor: Fields<'_>, name: &str, notes: &mut Vec<String>) -> Option<Draft> {
    let url = connection(monitor, &["redis", "rediss"], notes)?;
    let mut draft = Draft::new(name, "redis");
    with_database(&url, 6379, &mut draft);
    draft.flag("tls", url.scheme() == "rediss");
    if monitor.is(&["ignoreTls", "ignore_tls"]) && url.scheme() == "rediss" {
        notes.push("the certificate of the server is looked at here".to_owned());
    }
    Some(draft)
}

fn smtp(monitor: Fields<'_>, name: &str) -> Draft {
    let mut draft = Draft::new(name, "smtp");
    let port = monitor.text(&["port"]);
    draft.text("address", &address(&monitor.text(&["hostname"]), if port.is_empty() { "25" } else { &port }));
    match monitor.text(&["smtpSecurity", "smtp_security"]).as_str() {
        "secure" => draft.flag("tls", true),
        "starttls" => draft.flag("starttls", true),
        _ => {}
    }
    draft
}

fn websocket(monitor: Fields<'_>, name: &str, notes: &mut Vec<String>) -> Draft {
    let mut draft = Draft::new(name, "websocket");
    draft.text("url", &monitor.text(&["url"]));
    let mut headers = headers(monitor, notes);
    let protocol = monitor.text(&["wsSubprotocol", "ws_subprotocol"]);
    if !protocol.is_empty() {
        headers.push(("Sec-WebSocket-Protocol".to_owned(), protocol));
    }
    draft.pairs("headers", &headers);
    draft.flag("insecure_skip_verify", monitor.is(&["ignoreTls", "ignore_tls"]));
    if !matches!(monitor.text(&["authMethod", "auth_method"]).as_str(), "" | "null") {
        notes.push("how it signs in is not taken over: write the header Authorization".to_owned());
    }
    draft.timeout(monitor.number(&["timeout"]).unwrap_or(0.0));
    draft
}

fn grpc(monitor: Fields<'_>, name: &str, notes: &mut Vec<String>) -> Option<Draft> {
    let service = monitor.text(&["grpcServiceName", "grpc_service_name"]);
    if service.rsplit('.').next() != Some("Health") {
        notes.push("is left out: only the health check of gRPC servers is made here".to_owned());
        return None;
    }
    let mut draft = Draft::new(name, "grpc");
    draft.text("address", &monitor.text(&["grpcUrl", "grpc_url"]));
    draft.flag("tls", monitor.is(&["grpcEnableTls", "grpc_enable_tls"]));
    Some(draft)
}
