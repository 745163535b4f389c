//! A target: from discovered labels and a job to an address and a state.

use std::borrow::Cow;
use std::sync::Arc;

use parking_lot::Mutex;

use super::metadata::MetadataCache;
use crate::base::masked::{self, MaskedUrl};
use crate::base::time::Duration;
use crate::metrics::ingest::relabel;
use crate::metrics::model::config::ScrapeConfig;
use crate::series::labels::{Labels, LabelsBuilder, quote};

/// Prefix of labels that only service discovery sets.
const META_PREFIX: &str = "__meta_";
/// Prefix of labels that never reach storage.
const RESERVED_PREFIX: &str = "__";
/// Prefix of labels that hold query parameters.
const PARAM_PREFIX: &str = "__param_";

/// Whether a target answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Not scraped yet.
    #[default]
    Unknown,
    /// The last scrape went well.
    Up,
    /// The last scrape failed.
    Down,
}

impl Health {
    /// As the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What the last scrape brought.
#[derive(Debug, Clone, Default)]
pub struct TargetState {
    /// Whether it answers.
    pub health: Health,
    /// Why not; empty when it does.
    pub last_error: String,
    /// When the last scrape was due, in milliseconds; `None` before the first one.
    pub last_scrape: Option<i64>,
    /// How long it took, in seconds.
    pub last_duration: f64,
}

/// One thing that is scraped.
#[derive(Debug)]
pub struct Target {
    /// After relabelling, with those that begin with `__`.
    pub all_labels: Labels,
    /// Those that its series get.
    pub labels: Labels,
    /// Where it is asked.
    pub url: MaskedUrl,
    /// How often.
    pub interval: Duration,
    /// How long a scrape may take.
    pub timeout: Duration,
    discovered: Mutex<Labels>,
    state: Mutex<TargetState>,
    /// What its metric families say about themselves.
    pub(super) metadata: Arc<MetadataCache>,
}

impl Target {
    /// A target from labels that [`populate`] made.
    pub(super) fn new(all_labels: Labels, discovered: Labels, config: &ScrapeConfig) -> Self {
        let duration = |name: &str, default: Duration| all_labels.get(name).and_then(|text| Duration::parse(text).ok()).unwrap_or(default);
        Self {
            url: MaskedUrl::new(url(&all_labels, config)),
            interval: duration("__scrape_interval__", config.scrape_interval),
            timeout: duration("__scrape_timeout__", config.scrape_timeout),
            labels: all_labels.without(|name| name.starts_with(RESERVED_PREFIX)),
            all_labels,
            discovered: Mutex::new(discovered),
            state: Mutex::default(),
            metadata: Arc::default(),
        }
    }

    /// Identity: where it is asked and which labels its series get. How often does not matter, so that a target
    /// whose interval changes goes on as the same one.
    pub fn hash(&self) -> u64 {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        hasher.update(self.labels.packed());
        hasher.update(self.url.expose().as_bytes());
        hasher.digest()
    }

    /// Goes on where `old` stopped: same state, same metadata.
    pub(super) fn succeed(mut self, old: &Self) -> Self {
        self.metadata = old.metadata.clone();
        self.state = Mutex::new(old.state());
        self
    }

    /// Labels before relabelling.
    pub fn discovered(&self) -> Labels {
        self.discovered.lock().clone()
    }

    /// How it stands.
    pub fn state(&self) -> TargetState {
        self.state.lock().clone()
    }

    pub(super) fn set_discovered(&self, labels: Labels) {
        *self.discovered.lock() = labels;
    }

    pub(super) fn set_state(&self, state: TargetState) {
        *self.state.lock() = state;
    }
}

/// Labels before relabelling: the target's own, its group's, the job's.
pub fn discovered_labels(own: &Labels, group: &Labels, config: &ScrapeConfig) -> LabelsBuilder {
    let mut labels = group.to_builder();
    for (name, value) in own {
        labels.set(name, value);
    }
    let (interval, timeout) = (config.scrape_interval.to_string(), config.scrape_timeout.to_string());
    let flag = |set: bool| if set { "true" } else { "false" };
    let defaults = [
        ("job", config.job_name.as_str()),
        ("__scrape_interval__", &interval),
        ("__scrape_timeout__", &timeout),
        ("__metrics_path__", &config.metrics_path),
        ("__scheme__", &config.scheme),
        ("__convert_classic_histograms_to_nhcb__", flag(config.convert_classic_histograms_to_nhcb)),
        ("__always_scrape_classic_histograms__", flag(config.always_scrape_classic_histograms)),
        ("__scrape_native_histograms__", flag(config.scrape_native_histograms)),
    ];
    for (name, value) in defaults {
        if labels.get(name).is_none() {
            labels.set(name, value);
        }
    }
    for (name, values) in &config.params {
        let name = format!("{PARAM_PREFIX}{name}");
        if let (Some(first), None) = (values.first(), labels.get(&name)) {
            labels.set(&name, first);
        }
    }
    labels
}

/// Relabels and checks. `Ok(None)`: relabelling dropped the target. Errors are upstream's words.
pub fn populate(mut labels: LabelsBuilder, config: &ScrapeConfig) -> Result<Option<Labels>, String> {
    if !relabel::process(&mut labels, &config.relabel_configs) {
        return Ok(None);
    }
    let address = labels.get("__address__").ok_or("no address")?.to_owned();
    if address.contains('/') {
        return Err(format!("{} is not a valid hostname", quote(&masked::address(&address))));
    }
    let read = |name: &str, what: &str| -> Result<Duration, String> {
        let text = labels.get(name).unwrap_or("");
        let read = Duration::parse(text).map_err(|error| format!("error parsing scrape {what}: {error}"))?;
        if read.ms() == 0 { Err(format!("scrape {what} cannot be 0")) } else { Ok(read) }
    };
    let interval = read("__scrape_interval__", "interval")?;
    let timeout = read("__scrape_timeout__", "timeout")?;
    if timeout > interval {
        let text = |name| quote(labels.get(name).unwrap_or(""));
        let (timeout, interval) = (text("__scrape_timeout__"), text("__scrape_interval__"));
        return Err(format!("scrape timeout cannot be greater than scrape interval ({timeout} > {interval})"));
    }
    for (name, what) in [
        ("__convert_classic_histograms_to_nhcb__", "convert classic histograms to nhcb"),
        ("__always_scrape_classic_histograms__", "always scrape classic histograms"),
        ("__scrape_native_histograms__", "scrape native histograms"),
    ] {
        if let Some(text) = labels.get(name)
            && parse_bool(text).is_none()
        {
            return Err(format!("error parsing {what}: strconv.ParseBool: parsing {}: invalid syntax", quote(text)));
        }
    }
    labels.retain(|name, _| !name.starts_with(META_PREFIX));
    // It goes to storage and from there everywhere, so it must not take along a password that the address carries.
    let instance = labels.get("instance").map_or_else(|| masked::address(&address), masked::url).into_owned();
    labels.set("instance", &instance);
    Ok(Some(labels.build()))
}

/// Labels of a target as people may see them: without secrets of addresses, URLs and parameters.
pub(super) fn shown_labels(labels: &Labels) -> Labels {
    let shown = |name: &str, value: &str| match shown_label(name, value) {
        Cow::Owned(shown) => Some(shown),
        Cow::Borrowed(shown) => (shown != value).then(|| shown.to_owned()),
    };
    let changed: Vec<(&str, String)> = labels.iter().filter_map(|(name, value)| Some((name, shown(name, value)?))).collect();
    if changed.is_empty() {
        return labels.clone();
    }
    let mut builder = labels.to_builder();
    for (name, value) in &changed {
        builder.set(name, value);
    }
    builder.build()
}

/// One label of a target as people may see it.
fn shown_label<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    match name.strip_prefix(PARAM_PREFIX) {
        Some(parameter) => masked::value(parameter, value),
        None if name == "__address__" => masked::address(value),
        None => masked::url(value),
    }
}

/// As Go's `strconv.ParseBool`.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// The address as Go prints it: the port stays, parameters are sorted by name.
fn url(labels: &Labels, config: &ScrapeConfig) -> String {
    let get = |name: &str| labels.get(name).unwrap_or("");
    let mut params: std::collections::BTreeMap<&str, Vec<&str>> =
        config.params.iter().map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect())).collect();
    for (name, value) in labels {
        let Some(name) = name.strip_prefix(PARAM_PREFIX) else { continue };
        let values = params.entry(name).or_default();
        match values.first_mut() {
            Some(first) => *first = value,
            None => values.push(value),
        }
    }
    let mut url = format!("{}://{}", get("__scheme__"), get("__address__"));
    let path = get("__metrics_path__");
    if !path.is_empty() && !path.starts_with('/') {
        url.push('/');
    }
    push_escaped(&mut url, path, b"-_.~$&+,/:;=@");
    let mut separator = '?';
    for (name, values) in params {
        for value in values {
            url.push(separator);
            separator = '&';
            push_escaped(&mut url, name, b"-_.~ ");
            url.push('=');
            push_escaped(&mut url, value, b"-_.~ ");
        }
    }
    url
}

/// Percent-encodes all but letters, digits and `keep`; a kept blank becomes `+`.
fn push_escaped(out: &mut String, text: &str, keep: &[u8]) {
    for &byte in text.as_bytes() {
        if byte == b' ' && keep.contains(&b' ') {
            out.push('+');
        } else if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// The address under which others reach a target that we reach as `localhost`: `globalUrl` of the API.
///
/// `external_host` is `host:port` of the external URL, `own_port` the port pharos listens on.
pub fn global_url(url: &str, external_scheme: &str, external_host: &str, own_port: u16) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let Some((host, port)) = authority.rsplit_once(':') else { return url.to_owned() };
    if !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return url.to_owned();
    }
    if port.parse() == Ok(own_port) {
        return format!("{external_scheme}://{external_host}{path}");
    }
    match external_host.rsplit_once(':') {
        Some((host, _)) => format!("{scheme}://{host}:{port}{path}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::metrics::model::config::{RelabelAction, RelabelConfig, RelabelRegex};

    fn config() -> ScrapeConfig {
        ScrapeConfig {
            job_name: "j".into(),
            scrape_interval: Duration::from_secs(15),
            scrape_timeout: Duration::from_secs(10),
            params: BTreeMap::from([("module".into(), vec!["http 2xx".into(), "b".into()])]),
            ..ScrapeConfig::default()
        }
    }

    fn make(own: &[(&str, &str)], group: &[(&str, &str)], config: &ScrapeConfig) -> Result<Option<Target>, String> {
        let discovered = discovered_labels(&Labels::from_pairs(own.iter().copied()), &Labels::from_pairs(group.iter().copied()), config);
        let before = discovered.build();
        Ok(populate(discovered, config)?.map(|labels| Target::new(labels, before, config)))
    }

    #[test]
    fn labels_and_url_as_upstream() {
        let target = make(&[("__address__", "host:80"), ("env", "own")], &[("env", "group"), ("__meta_x", "1"), ("z", "2")], &config());
        let target = target.unwrap().unwrap();
        assert_eq!(target.labels.to_string(), r#"{env="own", instance="host:80", job="j", z="2"}"#);
        assert_eq!(target.url.expose(), "http://host:80/metrics?module=http+2xx&module=b");
        assert_eq!(target.discovered().get("__meta_x"), Some("1"));
        assert_eq!(target.all_labels.get("__meta_x"), None);
        assert_eq!(target.all_labels.get("__param_module"), Some("http 2xx"));
        assert_eq!((target.interval.ms(), target.timeout.ms()), (15_000, 10_000));
    }

    #[test]
    fn target_labels_override_the_job() {
        let own = [
            ("__address__", "[::1]:9"),
            ("__scheme__", "https"),
            ("__metrics_path__", "/a b?c"),
            ("__param_module", "x&y"),
            ("__scrape_interval__", "30s"),
            ("__scrape_timeout__", "1s"),
            ("job", "mine"),
            ("instance", "me"),
        ];
        let target = make(&own, &[], &config()).unwrap().unwrap();
        assert_eq!(target.url.expose(), "https://[::1]:9/a%20b%3Fc?module=x%26y&module=b");
        assert_eq!(target.labels.to_string(), r#"{instance="me", job="mine"}"#);
        assert_eq!((target.interval.ms(), target.timeout.ms()), (30_000, 1_000));
    }

    #[test]
    fn secrets_are_sent_and_not_shown() {
        let own = [("__address__", "ann:hunter2@host:80"), ("__param_api_key", "hunter2"), ("__meta_url", "http://x?token=hunter2")];
        let target = make(&own, &[], &config()).unwrap().unwrap();
        assert_eq!(target.url.expose(), "http://ann:hunter2@host:80/metrics?api_key=hunter2&module=http+2xx&module=b");
        assert_eq!(target.url.to_string(), "http://ann:xxxxx@host:80/metrics?api_key=<secret>&module=http+2xx&module=b");
        assert_eq!(target.labels.to_string(), r#"{instance="ann:xxxxx@host:80", job="j"}"#);
        let shown = shown_labels(&target.discovered());
        assert!(target.discovered().to_string().contains("hunter2") && !shown.to_string().contains("hunter2"), "{shown}");
        assert_eq!((shown.get("__param_api_key"), shown.get("__meta_url")), (Some("<secret>"), Some("http://x?token=<secret>")));
        assert_eq!((shown.len(), shown.get("__param_module")), (target.discovered().len(), Some("http 2xx")));
        let plain = Labels::from_pairs([("__address__", "a:1")]);
        assert_eq!(shown_labels(&plain), plain);
    }

    #[test]
    fn wrong_targets_are_refused_in_upstreams_words() {
        for (own, error) in [
            (vec![("x", "y")], "no address"),
            (vec![("__address__", "http://host")], "\"http://host\" is not a valid hostname"),
            (vec![("__address__", "a"), ("__scrape_interval__", "0s")], "scrape interval cannot be 0"),
            (vec![("__address__", "a"), ("__scrape_interval__", "x")], "error parsing scrape interval: not a valid duration string: \"x\""),
            (
                vec![("__address__", "a"), ("__scrape_timeout__", "1m")],
                "scrape timeout cannot be greater than scrape interval (\"1m\" > \"15s\")",
            ),
            (
                vec![("__address__", "a"), ("__scrape_native_histograms__", "maybe")],
                "error parsing scrape native histograms: strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
        ] {
            assert_eq!(make(&own, &[], &config()).map(|_| ()).unwrap_err(), error);
        }
    }

    #[test]
    fn relabelling_drops_and_rewrites() {
        let rule = RelabelConfig {
            source_labels: vec!["env".into()],
            regex: RelabelRegex::new("prod").unwrap(),
            action: RelabelAction::Keep,
            ..RelabelConfig::default()
        };
        let config = ScrapeConfig { relabel_configs: vec![rule], ..config() };
        assert!(make(&[("__address__", "a"), ("env", "dev")], &[], &config).unwrap().is_none());
        assert!(make(&[("__address__", "a"), ("env", "prod")], &[], &config).unwrap().is_some());
    }

    #[test]
    fn local_addresses_are_shown_as_others_reach_them() {
        for (url, global) in [
            ("http://localhost:9090/metrics", "https://me.example:443/metrics"),
            ("http://127.0.0.1:9100/metrics?a=b", "http://me.example:9100/metrics?a=b"),
            ("http://[::1]:9100/", "http://me.example:9100/"),
            ("http://other:9090/metrics", "http://other:9090/metrics"),
            ("http://localhost/metrics", "http://localhost/metrics"),
        ] {
            assert_eq!(global_url(url, "https", "me.example:443", 9090), global);
        }
    }
}
