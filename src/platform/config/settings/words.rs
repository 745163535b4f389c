//! Words that settings take: collectors of host metrics, features, variables. A word that nobody knows does not pass
//! in silence.

use std::collections::BTreeSet;

use super::SPECS;
use crate::platform::config::section::{alternatives, nearest};

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
const ALWAYS_ON: [&str; 9] = [
    "exemplar-storage",
    "expand-external-labels",
    "new-service-discovery-manager",
    "no-default-scrape-port",
    "ooo-native-histograms",
    "promql-at-modifier",
    "promql-negative-offset",
    "remote-write-receiver",
    "utf8-names",
];

/// Features of Prometheus that change nothing here.
const WITHOUT_EFFECT: [&str; 20] = [
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
    "otlp-deltatocumulative",
    "otlp-native-delta-ingestion",
    "otlp-write-receiver",
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

/// Why a text of the right kind is no value of a setting: it names what there is not.
pub(super) fn mistake(setting: &str, text: &str) -> Option<String> {
    let wrong = |word: &&str| !HOST_COLLECTORS.contains(word);
    (setting == "host.collectors").then(|| words(text).find(wrong)).flatten().map(|word| unknown("collector", word, &HOST_COLLECTORS))
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
