//! Words that settings take: collectors of host metrics, features, variables. A word that nobody knows does not pass
//! in silence.

use std::collections::BTreeSet;

use url::Url;

use super::{ByteSize, SPECS, Spec, Value};
use crate::base::masked;
use crate::platform::backup::check_schedule;
use crate::platform::config::section::{alternatives, nearest};
use crate::platform::http::cors::Cors;
use crate::platform::http::network::Network;

/// Collectors of host metrics, sorted.
pub const HOST_COLLECTORS: [&str; 35] = [
    "arp",
    "bonding",
    "conntrack",
    "cpu",
    "cpufreq",
    "diskstats",
    "dmi",
    "edac",
    "entropy",
    "filefd",
    "filesystem",
    "hwmon",
    "loadavg",
    "mdadm",
    "meminfo",
    "netclass",
    "netdev",
    "netstat",
    "nvme",
    "os",
    "powersupplyclass",
    "pressure",
    "rapl",
    "schedstat",
    "selinux",
    "sockstat",
    "softnet",
    "stat",
    "textfile",
    "thermal_zone",
    "time",
    "timex",
    "udp_queues",
    "uname",
    "vmstat",
];

/// Features that can be turned on.
pub const FEATURES: [&str; 8] = [
    "created-timestamp-zero-ingestion",
    "promql-binop-fill-modifiers",
    "promql-delayed-name-removal",
    "promql-duration-expr",
    "promql-experimental-functions",
    "promql-extended-range-selectors",
    "type-and-unit-labels",
    "use-start-timestamps",
];

/// Features of Prometheus that are always on here.
const ALWAYS_ON: [&str; 11] = [
    "exemplar-storage",
    "expand-external-labels",
    "new-service-discovery-manager",
    "no-default-scrape-port",
    "ooo-native-histograms",
    "otlp-deltatocumulative",
    "otlp-write-receiver",
    "promql-at-modifier",
    "promql-negative-offset",
    "remote-write-receiver",
    "utf8-names",
];

/// Features of Prometheus that change nothing here.
const WITHOUT_EFFECT: [&str; 18] = [
    "agent",
    "auto-gomaxprocs",
    "auto-gomemlimit",
    "auto-reload-config",
    "concurrent-rule-eval",
    "delayed-compaction",
    "extra-scrape-metrics",
    "fast-startup",
    "memory-snapshot-on-shutdown",
    "metadata-wal-records",
    "native-histograms",
    "old-ui",
    "otlp-native-delta-ingestion",
    "promql-per-step-stats",
    "st-storage",
    "st-synthesis",
    "use-uncached-io",
    "xor2-encoding",
];

/// Variables that are no settings.
const OTHER_VARIABLES: [&str; 6] =
    ["PHAROS_ADMIN_NAME", "PHAROS_ADMIN_PASSWORD", "PHAROS_ADMIN_PASSWORD_FILE", "PHAROS_CONFIG_FILE", "PHAROS_TOKEN", "PHAROS_URL"];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn unknown(kind: &str, word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("unknown {kind} {word:?}, did you mean {near}?"),
        None => format!("unknown {kind} {word:?}, expected {}", alternatives(known)),
    }
}

/// What is allowed for a setting, for messages.
pub(super) fn expected(spec: &Spec) -> &'static str {
    match spec.name {
        "server.listen" => LISTEN,
        "server.redirect_http_listen" => REDIRECT_LISTEN,
        "server.external_url" => EXTERNAL_URL,
        "limits.memory_budget" => MEMORY_BUDGET,
        "limits.disk_budget" => DISK_BUDGET,
        _ => spec.allowed,
    }
}

const LISTEN: &str = "an address and a port such as 127.0.0.1:9090, or :9090 for every address of the machine";
const REDIRECT_LISTEN: &str = "an address and a port such as 0.0.0.0:80, or nothing";
const EXTERNAL_URL: &str =
    "an http or https URL with a host and without user, password, ? and #, such as https://metrics.example.com/, or nothing";
const MEMORY_BUDGET: &str = "at least 64MB, below which the server itself does not fit, or 0 for as much as its container allows";
const DISK_BUDGET: &str = "at least 16MB, below which nothing could be kept, or 0 for all there is";
/// A server that has just started takes about 30 MB and one that is asked twice that.
const MEMORY_BUDGET_MIN: u64 = 64 << 20;
/// Log, database and one block.
const DISK_BUDGET_MIN: u64 = 16 << 20;

/// Why a text of the right kind is no value of a setting: it names what there is not, or what cannot work.
pub(super) fn mistake(setting: &str, text: &str) -> Option<String> {
    let unless = |is_good: bool, expected: &str| (!is_good).then(|| format!("read {:?}, expected {expected}", masked::url(text)));
    match setting {
        "backup.schedule" if !text.is_empty() => check_schedule(text).err(),
        "host.collectors" => {
            let wrong = words(text).find(|word| !HOST_COLLECTORS.contains(word));
            wrong.map(|word| unknown("collector", word, &HOST_COLLECTORS))
        }
        "server.listen" => unless(is_address(text), LISTEN),
        "server.redirect_http_listen" => unless(text.is_empty() || is_address(text), REDIRECT_LISTEN),
        "server.external_url" => unless(text.is_empty() || is_base_url(text), EXTERNAL_URL),
        "server.cors_origin" => Cors::new(text).err().map(|error| format!("read {text:?}, expected a regular expression: {error}")),
        "server.fetch_allow" | "server.fetch_deny" | "limits.rate_exempt" => {
            Network::parse_list(&words(text).map(str::to_owned).collect::<Vec<_>>()).err()
        }
        "limits.memory_budget" => unless(is_budget(text, MEMORY_BUDGET_MIN), MEMORY_BUDGET),
        "limits.disk_budget" => unless(is_budget(text, DISK_BUDGET_MIN), DISK_BUDGET),
        _ => None,
    }
}

/// `host:port`, where the host may be left out.
fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// Whether links can begin with it. Everybody sees them, so nothing secret may stand in it.
fn is_base_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn is_budget(text: &str, min: u64) -> bool {
    ByteSize::parse(text).is_some_and(|ByteSize(bytes)| bytes == 0 || bytes >= min)
}

/// What to say about a value that is taken.
pub(super) fn oddities(setting: &str, text: &str) -> Vec<String> {
    if setting != "feature.enable" {
        return Vec::new();
    }
    words(text)
        .filter(|word| !FEATURES.contains(word) && !ALWAYS_ON.contains(word))
        .map(|word| {
            if WITHOUT_EFFECT.contains(&word) {
                format!("{word} is a feature of Prometheus that has no effect here")
            } else {
                format!("{}; ignored", unknown("feature", word, &FEATURES))
            }
        })
        .collect()
}

/// A sentence for each variable that looks as if it set something but does not. `read` are the names that the
/// configuration file asked for.
pub fn unknown_variables(variables: impl Iterator<Item = (String, String)>, read: &BTreeSet<String>) -> Vec<String> {
    let known: Vec<String> = SPECS.iter().map(|spec| spec.variable()).chain(OTHER_VARIABLES.map(str::to_owned)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut said: Vec<String> = variables
        .filter(|(name, _)| name.starts_with("PHAROS_") && !known.contains(&name.as_str()) && !read.contains(name))
        .filter(|(name, value)| !names_a_service(name, value))
        .map(|(name, _)| match nearest(&name, &known) {
            Some(near) => format!("environment variable {name}: no such setting, ignored; did you mean {near}?"),
            None => format!("environment variable {name}: no such setting, ignored; `pharos serve --help` lists them"),
        })
        .collect();
    said.sort();
    said
}

/// Kubernetes tells every container where the services are: one that is called `pharos`, or `pharos-…`, makes
/// variables that begin as ours do.
fn names_a_service(name: &str, value: &str) -> bool {
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_")
        || ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_named() {
        for (setting, text, said) in [
            ("host.collectors", "", None),
            ("host.collectors", "cpu, meminfo", None),
            ("host.collectors", "cpu,memifno", Some("unknown collector \"memifno\", did you mean meminfo?")),
            ("storage.path", "anything", None),
        ] {
            assert_eq!(mistake(setting, text).as_deref(), said, "{setting} {text}");
        }
        for (setting, text, is_good) in [
            ("server.listen", ":9090", true),
            ("server.listen", "[::1]:0", true),
            ("server.listen", "9090", false),
            ("server.listen", "a:99999", false),
            ("server.listen", "", false),
            ("server.redirect_http_listen", "", true),
            ("server.redirect_http_listen", "80", false),
            ("server.external_url", "", true),
            ("server.external_url", "https://a.example/b/", true),
            ("server.external_url", "not-a-url", false),
            ("server.external_url", "/prometheus", false),
            ("server.external_url", "ftp://a.example", false),
            ("server.external_url", "https://u:hunter2@a.example", false),
            ("server.external_url", "https://a.example?token=hunter2", false),
            ("server.cors_origin", "", true),
            ("server.cors_origin", "(", false),
            ("server.fetch_allow", "private, 10.0.0.0/8", true),
            ("server.fetch_deny", "10.0.0.0/99", false),
            ("limits.rate_exempt", "everybody", false),
            ("limits.memory_budget", "0", true),
            ("limits.memory_budget", "64MB", true),
            ("limits.memory_budget", "1KB", false),
            ("limits.disk_budget", "16MB", true),
            ("limits.disk_budget", "1MB", false),
        ] {
            let said = mistake(setting, text);
            assert_eq!(said.is_none(), is_good, "{setting} {text}: {said:?}");
            assert!(!said.unwrap_or_default().contains("hunter2"), "{setting} {text}");
        }
        let said = mistake("host.collectors", "cpu,bogus").expect("wrong");
        assert!(said.starts_with("unknown collector \"bogus\", expected arp, bonding, ") && said.ends_with(" uname or vmstat"), "{said}");
        for (text, said) in [
            ("promql-duration-expr,exemplar-storage", &[][..]),
            ("old-ui", &["old-ui is a feature of Prometheus that has no effect here"]),
            ("promql-duration-exp", &["unknown feature \"promql-duration-exp\", did you mean promql-duration-expr?; ignored"]),
        ] {
            assert_eq!(oddities("feature.enable", text), said, "{text}");
        }
        let said = oddities("feature.enable", "foo");
        assert!(said[0].contains("\"foo\"") && said[0].contains("type-and-unit-labels"), "{said:?}");
    }

    #[test]
    fn only_variables_that_do_nothing_are_named() {
        let read = BTreeSet::from(["PHAROS_DB_PASSWORD".to_owned()]);
        let variables = [
            ("PATH", "/bin"),
            ("PHAROS_LIMITS_SERIES_MAX", "5"),
            ("PHAROS_LIMITS_SERIES_MAKS", "5"),
            ("PHAROS_CONFIG_FILE", "x"),
            ("PHAROS_ADMIN_PASSWORD", "hunter2"),
            ("PHAROS_ADMIN_PASSWORD_FILE", "x"),
            ("PHAROS_DB_PASSWORD", "hunter2"),
            ("PHAROS_COLOUR", "hunter2"),
            ("PHAROS_SERVICE_HOST", "10.0.0.1"),
            ("PHAROS_PORT", "tcp://10.0.0.1:9090"),
            ("PHAROS_PORT_9090_TCP_ADDR", "10.0.0.1"),
            ("PHAROS_WEB_SERVICE_PORT_HTTP", "80"),
        ];
        let said = unknown_variables(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), &read);
        assert_eq!(
            said,
            [
                "environment variable PHAROS_COLOUR: no such setting, ignored; `pharos serve --help` lists them",
                "environment variable PHAROS_LIMITS_SERIES_MAKS: no such setting, ignored; did you mean PHAROS_LIMITS_SERIES_MAX?",
            ]
        );
    }
}
