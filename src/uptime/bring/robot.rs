//! Uptime Robot: what its API answers to `getMonitors` (version 2), and the table that its dashboard exports.

use serde_json::Value;

use super::draft::{Draft, Drafts, duration};
use super::fields::{Fields, text_of};
use super::kuma_kinds::address;
use super::sheet::Sheet;
use super::{Brought, finish};

/// Monitors that are read at most.
const MONITORS_MAX: usize = 10_000;
/// Methods by number.
const METHODS: [&str; 8] = ["", "HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Ports by the number of what is spoken there.
const PORTS: [&str; 7] = ["", "80", "443", "21", "25", "110", "143"];
/// How often a monitor is looked at unless it says so, in seconds.
const INTERVAL_USUAL_S: f64 = 300.0;
/// How late a job may be, in seconds.
const GRACE_S: f64 = 60.0;

/// A monitor, whichever way it was written.
#[derive(Default)]
struct Monitor {
    name: String,
    /// `http`, `keyword`, `ping`, `port`, `heartbeat`, or what it is called there.
    kind: String,
    url: String,
    port: String,
    keyword: String,
    /// Whether the keyword is what is wrong.
    is_unwanted: bool,
    is_any_case: bool,
    interval_s: f64,
    timeout_s: f64,
    is_paused: bool,
    method: String,
    headers: Vec<(String, String)>,
    body: String,
    username: String,
    password: String,
    statuses: Vec<String>,
    labels: Vec<String>,
}

/// Reads what the API answers; none where there are no monitors in it.
pub(super) fn read_json(json: &Value) -> Option<Brought> {
    let root = Fields(json);
    let looks_so = |monitor: &Value| monitor.get("friendly_name").is_some() || monitor.get("friendlyName").is_some();
    let all = match json {
        Value::Array(items) => items.clone(),
        _ => root.list(&["monitors", "data"]),
    };
    if !all.iter().any(looks_so) {
        return None;
    }
    let mut drafts = Drafts::default();
    let total = root.below("pagination").count(&["total"]).unwrap_or(0);
    let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
    if total > count {
        drafts.say_of_all(&format!("the file has {count} of {total} monitors: ask for the others with offset={count}"));
    }
    for monitor in all.iter().take(MONITORS_MAX) {
        take(of_json(Fields(monitor)), &mut drafts);
    }
    Some(finish("Uptime Robot", drafts))
}

fn of_json(monitor: Fields<'_>) -> Monitor {
    let kind = match monitor.text(&["type"]).to_ascii_lowercase().as_str() {
        "1" => "http".to_owned(),
        "2" => "keyword".to_owned(),
        "3" => "ping".to_owned(),
        "4" => "port".to_owned(),
        "5" => "heartbeat".to_owned(),
        other => other.to_owned(),
    };
    let port = monitor.text(&["port"]);
    let usual = PORTS.get(monitor.count(&["sub_type"]).unwrap_or(0) as usize).copied().unwrap_or_default();
    let method = monitor.text(&["http_method", "httpMethodType"]);
    let method = method.parse::<usize>().ok().and_then(|at| METHODS.get(at)).map_or(method, |method| (*method).to_owned());
    let up = monitor.below("custom_http_statuses").list(&["up"]).iter().map(text_of).collect();
    let keyword_type = monitor.text(&["keyword_type", "keywordType"]);
    let status = monitor.text(&["status"]).to_ascii_lowercase();
    Monitor {
        name: monitor.text(&["friendly_name", "friendlyName"]),
        kind,
        url: monitor.text(&["url"]),
        port: if port.is_empty() { usual.to_owned() } else { port },
        keyword: monitor.text(&["keyword_value", "keywordValue"]),
        is_unwanted: matches!(keyword_type.as_str(), "1" | "ALERT_EXISTS"),
        is_any_case: matches!(monitor.text(&["keyword_case_type", "keywordCaseType"]).as_str(), "1" | "CaseInsensitive"),
        interval_s: monitor.number(&["interval"]).filter(|secs| *secs > 0.0).unwrap_or(INTERVAL_USUAL_S),
        timeout_s: monitor.number(&["timeout"]).unwrap_or(0.0),
        is_paused: matches!(status.as_str(), "0" | "paused"),
        method,
        headers: monitor.pairs(&["custom_http_headers", "customHttpHeaders"]),
        body: monitor.text(&["post_value", "postValueData"]),
        username: monitor.text(&["http_username", "httpUsername"]),
        password: monitor.text(&["http_password", "httpPassword"]),
        statuses: up,
        labels: monitor.list(&["tags"]).iter().map(|tag| Fields(tag).text(&["name"])).collect(),
    }
}

/// Reads the table; none where its headings are others.
pub(super) fn read_sheet(text: &str) -> Option<Brought> {
    let first = text.lines().next().unwrap_or_default();
    if !first.contains([',', ';']) || first.contains(['{', '[']) {
        return None;
    }
    let sheet = Sheet::read(text);
    let (names, urls) = (["friendlyname", "name", "monitorname"], ["urlip", "url", "urlhost", "ip", "host"]);
    if !sheet.has(&names) || !sheet.has(&urls) || !sheet.has(&["type", "monitortype"]) {
        return None;
    }
    let mut drafts = Drafts::default();
    let interval = ["interval", "intervalinseconds", "monitoringinterval", "intervalseconds", "intervalmin", "intervalinminutes"];
    let is_minutes = sheet.heading(&interval).contains("min");
    for row in &sheet.rows {
        let cell = |names: &[&str]| sheet.cell(row, names).to_owned();
        let number: f64 = cell(&interval).chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0.0);
        let in_minutes = is_minutes || cell(&interval).contains("min");
        let secs = if in_minutes { number * 60.0 } else { number };
        let keyword_type = cell(&["keywordtype"]).to_ascii_lowercase();
        let kind = cell(&["type", "monitortype"]).to_ascii_lowercase();
        let kind = match kind.as_str() {
            "http(s)" | "https" | "website" | "1" => "http".to_owned(),
            "cron job" | "cron" | "5" => "heartbeat".to_owned(),
            "2" => "keyword".to_owned(),
            "3" => "ping".to_owned(),
            "4" | "tcp" => "port".to_owned(),
            other => other.to_owned(),
        };
        let monitor = Monitor {
            name: cell(&names),
            kind,
            url: cell(&urls),
            port: cell(&["port"]),
            keyword: cell(&["keywordvalue", "keyword"]),
            is_unwanted: keyword_type == "1" || (keyword_type.contains("exist") && !keyword_type.contains("not")),
            interval_s: if secs > 0.0 { secs } else { INTERVAL_USUAL_S },
            timeout_s: cell(&["timeout"]).parse().unwrap_or(0.0),
            is_paused: cell(&["status", "currentstatus"]).eq_ignore_ascii_case("paused"),
            labels: cell(&["tags"]).split([',', ';']).map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect(),
            ..Monitor::default()
        };
        take(monitor, &mut drafts);
    }
    Some(finish("Uptime Robot", drafts))
}

fn take(monitor: Monitor, drafts: &mut Drafts) {
    let name = drafts.name(&monitor.name);
    let mut notes = Vec::new();
    let drafted = draft(&monitor, &name, &mut notes);
    for note in notes {
        drafts.say(&name, &note);
    }
    let Some(mut draft) = drafted else { return };
    draft.interval(monitor.interval_s);
    draft.timeout(monitor.timeout_s);
    draft.top_flag("paused", monitor.is_paused);
    for label in &monitor.labels {
        if !draft.label(label, "") {
            drafts.say(&name, &format!("the tag {label:?} is no label, or one too many, and is left out"));
        }
    }
    drafts.take(draft);
}

/// The host of an address that may be written in full.
fn host(url: &str) -> String {
    let parsed = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    parsed.unwrap_or_else(|| url.trim_end_matches('/').to_owned())
}

fn draft(monitor: &Monitor, name: &str, notes: &mut Vec<String>) -> Option<Draft> {
    match monitor.kind.as_str() {
        "http" | "keyword" => Some(page(monitor, name, notes)),
        "ping" => {
            let mut draft = Draft::new(name, "ping");
            draft.text("host", &host(&monitor.url));
            Some(draft)
        }
        "port" => {
            let mut draft = Draft::new(name, "tcp");
            draft.text("address", &address(&host(&monitor.url), &monitor.port));
            Some(draft)
        }
        "heartbeat" => {
            let mut draft = Draft::new(name, "heartbeat");
            draft.text("every", &duration(monitor.interval_s.min(366.0 * 86_400.0)));
            draft.text("grace", &duration(GRACE_S));
            notes.push("the job has to call a new address".to_owned());
            Some(draft)
        }
        other => {
            notes.push(format!("is left out: there is no kind of check for {other:?}"));
            None
        }
    }
}

fn page(monitor: &Monitor, name: &str, notes: &mut Vec<String>) -> Draft {
    let mut draft = Draft::new(name, "http");
    let has_scheme = monitor.url.contains("://");
    draft.text("url", &if has_scheme { monitor.url.clone() } else { format!("http://{}", monitor.url) });
    // HEAD has no body to look at.
    let is_keyword = monitor.kind == "keyword";
    let method = if is_keyword && monitor.method == "HEAD" { "GET" } else { &monitor.method };
    draft.text("method", &method.to_ascii_uppercase());
    draft.pairs("headers", &monitor.headers);
    draft.text("body", &monitor.body);
    draft.text("username", &monitor.username);
    draft.text("password", &monitor.password);
    draft.texts("status", &monitor.statuses);
    if is_keyword && !monitor.keyword.is_empty() {
        let any_case = || format!("(?i){}", regex::escape(&monitor.keyword));
        match (monitor.is_unwanted, monitor.is_any_case) {
            (false, false) => draft.texts("contains", std::slice::from_ref(&monitor.keyword)),
            (false, true) => draft.texts("matches", &[any_case()]),
            (true, is_any_case) => {
                draft.texts("lacks", std::slice::from_ref(&monitor.keyword));
                if is_any_case {
                    notes.push("capital and small letters of the keyword that must not be there differ here".to_owned());
                }
            }
        }
    }
    draft
}
