//! A user's `loki-config.yaml`: its limits and its retention become settings, and every other key is named with its place,
//! so that nobody believes that it does something here.

use std::path::Path;
use std::sync::Arc;

use crate::base::time::Duration;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::scalar;
use crate::platform::config::section::text;
use crate::platform::config::settings::FileSettings;
use crate::platform::config::text_file;
use crate::platform::config::yaml::{self, Key, Kind, Node, Position};

/// Keys of `limits_config` that mean the same as a setting of ours, with its name below `logs`.
const SAME: [(&str, &str); 23] = [
    ("reject_old_samples", "reject_old_samples"),
    ("reject_old_samples_max_age", "reject_old_samples_max_age"),
    ("creation_grace_period", "creation_grace_period"),
    ("max_line_size", "max_line_size"),
    ("max_line_size_truncate", "max_line_size_truncate"),
    ("max_label_names_per_series", "max_label_names_per_series"),
    ("max_label_name_length", "max_label_name_length"),
    ("max_label_value_length", "max_label_value_length"),
    ("allow_structured_metadata", "allow_structured_metadata"),
    ("max_structured_metadata_size", "max_structured_metadata_size"),
    ("max_structured_metadata_entries_count", "max_structured_metadata_entries_count"),
    ("discover_service_name", "discover_service_name"),
    ("discover_log_levels", "discover_log_levels"),
    ("ingestion_rate_mb", "ingestion_rate"),
    ("ingestion_burst_size_mb", "ingestion_burst_size"),
    ("per_stream_rate_limit", "per_stream_rate_limit"),
    ("per_stream_rate_limit_burst", "per_stream_rate_limit_burst"),
    ("max_entries_limit_per_query", "max_entries_limit_per_query"),
    ("max_entries_limit", "max_entries_limit_per_query"),
    ("max_query_length", "max_query_length"),
    ("max_query_bytes_read", "max_query_bytes_read"),
    ("query_timeout", "query_timeout"),
    ("max_concurrent_tail_requests", "max_concurrent_tail_requests"),
];

/// Those of them that are sizes.
const SIZES: [&str; 5] =
    ["max_line_size", "max_structured_metadata_size", "per_stream_rate_limit", "per_stream_rate_limit_burst", "max_query_bytes_read"];

/// Sections about parts that exist only in Loki.
const PARTS: [&str; 21] = [
    "ingester",
    "ingester_client",
    "ingester_rf1",
    "schema_config",
    "storage_config",
    "chunk_store_config",
    "common",
    "memberlist",
    "distributor",
    "querier",
    "query_range",
    "query_scheduler",
    "frontend",
    "frontend_worker",
    "index_gateway",
    "pattern_ingester",
    "bloom_build",
    "bloom_gateway",
    "analytics",
    "tracing",
    "runtime_config",
];

/// Bytes of Loki's megabyte.
const MB: f64 = 1_048_576.0;

/// Adds what a file sets to `settings`, where those do not set it themselves.
///
/// # Errors
/// Why the file cannot be read, or what is wrong in it and where.
pub fn take_over(path: &Path, settings: &mut FileSettings) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut report = Report::new(path);
    let file = Arc::clone(report.file());
    let nowhere = |message: String| vec![Diagnostic { file: Arc::clone(&file), line: 0, column: 0, message }];
    let read = text_file::read(path, yaml::FILE_BYTES_MAX);
    let text = read.map_err(|why| nowhere(format!("cannot read Loki's configuration file: {why}")))?;
    match yaml::parse(&text) {
        Ok(document) => Reading { file, report: &mut report, settings }.all(&document.root),
        Err(error) => report.error(error.at, error.message),
    }
    report.finish()
}

struct Reading<'a> {
    file: Arc<str>,
    report: &'a mut Report,
    settings: &'a mut FileSettings,
}

impl Reading<'_> {
    fn all(&mut self, root: &Node) {
        let pairs = match &root.kind {
            Kind::Map(pairs) => pairs.as_slice(),
            Kind::Null => &[],
            _ => {
                self.report.error(root.at, format!("read {}, expected the sections of Loki's configuration", root.describe()));
                return;
            }
        };
        for (key, node) in pairs {
            match &*key.text {
                "limits_config" => self.limits(node),
                "table_manager" => self.table_manager(node),
                // Whether retention is on is looked for where its length is set.
                "compactor" => self.compactor(node),
                "auth_enabled" if scalar_text(node).is_some_and(|text| scalar::truth(text) == Some(false)) => {}
                "auth_enabled" => self.warn(key.at, "auth_enabled: there are no tenants here, so X-Scope-OrgID is taken and makes no difference; tokens say who may send and read"),
                "server" => self.warn(key.at, "server: lines and queries come in by pharos' own address, see server.listen of pharos"),
                "ruler" => self.warn(key.at, "ruler: has no effect here"),
                name if PARTS.contains(&name) => {
                    self.warn(key.at, format!("{name}: has no effect here; pharos has one process and its own storage"));
                }
                name => self.warn(key.at, format!("{name}: not a section that is known; ignored")),
            }
        }
        self.retention(root);
    }

    fn limits(&mut self, node: &Node) {
        for (key, value) in pairs(node) {
            let name = &*key.text;
            match SAME.iter().find(|(theirs, _)| *theirs == name) {
                Some((_, ours)) => self.same(key, value, ours),
                // Looked at together with the compactor.
                None if name == "retention_period" => {}
                // As is this.
                None if name == "retention_stream" => {}
                None => self.warn(key.at, format!("{name}: this limit does not exist here; ignored")),
            }
        }
    }

    fn same(&mut self, key: &Key, value: &Node, ours: &'static str) {
        let text = match &value.kind {
            Kind::Null => return,
            Kind::List(items) => {
                items.iter().filter_map(|item| text(item, "discover_service_name", self.report)).collect::<Vec<_>>().join(",")
            }
            Kind::Scalar { text, .. } if key.text.ends_with("_mb") => match text.trim().parse::<f64>() {
                Ok(number) if (0.0..1e9).contains(&number) => scalar::print_size((number * MB) as u64),
                _ => text.to_string(),
            },
            // Loki takes sizes as plain numbers too.
            Kind::Scalar { text, .. } if SIZES.contains(&ours) => text.trim().parse().map_or_else(|_| text.to_string(), scalar::print_size),
            Kind::Scalar { text, .. } => text.to_string(),
            Kind::Map(_) => String::new(),
        };
        self.set(key, value.at, ours, text);
    }

    fn set(&mut self, key: &Key, at: Position, ours: &'static str, text: String) {
        let name = format!("logs.{ours}");
        let shown = text.clone();
        if !self.settings.add_from(&self.file, &name, text, at.line) {
            self.report.error(at, format!("{}: {shown:?} is no value of {name}", key.text));
        }
    }

    /// The length counts only where something deletes: the compactor, or in older versions the table manager.
    fn retention(&mut self, root: &Node) {
        let is_on = child(root, "compactor")
            .and_then(|compactor| child(compactor, "retention_enabled"))
            .and_then(scalar_text)
            .is_some_and(|text| scalar::truth(text) == Some(true));
        let limits = child(root, "limits_config");
        for name in ["retention_period", "retention_stream"] {
            let Some((key, node)) = limits.and_then(|limits| entry(limits, name)) else { continue };
            if !is_on {
                self.warn(
                    key.at,
                    format!("{name}: compactor.retention_enabled is not on, so Loki deletes nothing; see logs.retention_time for how long lines are kept here"),
                );
            } else if name == "retention_period" {
                self.period(key, node);
            } else {
                self.streams(key, node);
            }
        }
    }

    /// Streams with a retention of their own; of those that match, Loki takes the one with the highest priority.
    fn streams(&mut self, key: &Key, node: &Node) {
        let items = match &node.kind {
            Kind::List(items) => items.as_slice(),
            _ => &[],
        };
        let mut rules: Vec<(i64, String)> = Vec::new();
        for item in items {
            let of = |name: &str| child(item, name).and_then(scalar_text);
            match (of("selector"), of("period")) {
                (Some(selector), Some(period)) => {
                    let priority = of("priority").and_then(|text| text.parse().ok()).unwrap_or(0);
                    rules.push((priority, format!("{} {}", selector.trim(), period.trim())));
                }
                _ => self.report.error(item.at, "retention_stream: expected selector, priority and period"),
            }
        }
        rules.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        let text = rules.into_iter().map(|(_, rule)| rule).collect::<Vec<_>>().join("; ");
        self.set(key, node.at, "retention_stream", text);
    }

    fn period(&mut self, key: &Key, node: &Node) {
        let Some(text) = scalar_text(node) else { return };
        // Loki writes no limit as zero, as we do.
        let text = if Duration::parse(text).is_ok_and(|duration| duration.ms() == 0) { "0s" } else { text };
        self.set(key, node.at, "retention_time", text.to_owned());
    }

    fn table_manager(&mut self, node: &Node) {
        let is_on = child(node, "retention_deletes_enabled").and_then(scalar_text).is_some_and(|text| scalar::truth(text) == Some(true));
        for (key, value) in pairs(node) {
            match &*key.text {
                "retention_period" if is_on => self.period(key, value),
                "retention_period" | "retention_deletes_enabled" => {}
                name => self.warn(key.at, format!("table_manager.{name}: has no effect here")),
            }
        }
    }

    fn compactor(&mut self, node: &Node) {
        for (key, _) in pairs(node) {
            match &*key.text {
                "retention_enabled" => {}
                name => self.warn(key.at, format!("compactor.{name}: has no effect here; parts are merged by themselves")),
            }
        }
    }

    fn warn(&mut self, at: Position, message: impl Into<String>) {
        self.report.warn(at, message);
    }
}

fn pairs(node: &Node) -> &[(Key, Node)] {
    match &node.kind {
        Kind::Map(pairs) => pairs,
        _ => &[],
    }
}

fn entry<'n>(node: &'n Node, name: &str) -> Option<(&'n Key, &'n Node)> {
    pairs(node).iter().find(|(key, _)| &*key.text == name).map(|(key, node)| (key, node))
}

fn child<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    entry(node, name).map(|(_, node)| node)
}

fn scalar_text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::config::flags::ServeFlags;
    use crate::platform::config::settings::{Resolved, Settings};

    fn taken(text: &str) -> Result<(Settings, Vec<String>), Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loki.yaml");
        std::fs::write(&path, text).unwrap();
        let lines = |list: Vec<Diagnostic>| {
            list.iter().map(|one| one.to_string().rsplit('/').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let mut settings = FileSettings::default();
        let warnings = take_over(&path, &mut settings).map_err(lines)?;
        let resolved = Resolved::resolve(&ServeFlags::default(), &|_| None, &settings).unwrap();
        Ok((resolved.settings, lines(warnings)))
    }

    #[test]
    fn limits_and_retention_are_taken_over() {
        let (settings, warnings) = taken(
            "limits_config:\n  reject_old_samples_max_age: 168h\n  max_line_size: 1MB\n  ingestion_rate_mb: 4.5\n  per_stream_rate_limit: 1000\n  retention_period: 744h\n  \
             discover_service_name: [app, job]\n  max_query_series: 500\ncompactor:\n  retention_enabled: true\n  working_directory: /x\n",
        )
        .unwrap();
        let logs = settings.logs;
        assert_eq!((logs.reject_old_samples_max_age.ms(), logs.retention_time.ms()), (168 * 3_600_000, 744 * 3_600_000));
        assert_eq!((logs.max_line_size.0, logs.ingestion_rate.0, logs.per_stream_rate_limit.0), (1 << 20, 4_718_592, 1000));
        assert_eq!(logs.discover_service_name, ["app", "job"]);
        assert_eq!(
            warnings,
            [
                "loki.yaml:8:3: max_query_series: this limit does not exist here; ignored",
                "loki.yaml:11:3: compactor.working_directory: has no effect here; parts are merged by themselves",
            ]
        );
    }

    #[test]
    fn mistakes_have_a_place() {
        assert_eq!(
            taken("limits_config:\n  max_line_size: many\n").unwrap_err(),
            ["loki.yaml:2:18: max_line_size: \"many\" is no value of logs.max_line_size"]
        );
        let (settings, _) = taken(
            "limits_config:\n  retention_stream:\n  - {selector: '{a=\"b\"}', priority: 1, period: 24h}\n  - {selector: '{c=\"d\"}', priority: 9, period: 1h}\n\
             compactor: {retention_enabled: true}\n",
        )
        .unwrap();
        assert_eq!(settings.logs.retention_stream, "{c=\"d\"} 1h; {a=\"b\"} 24h");
        assert!(taken("limits_config: [").unwrap_err()[0].starts_with("loki.yaml:"));
        assert!(taken("- a").unwrap_err()[0].contains("expected the sections"));
        let (settings, warnings) = taken("limits_config:\n  retention_period: 1d\nwhatever: 1\n").unwrap();
        assert_eq!(settings.logs.retention_time, Settings::default().logs.retention_time);
        assert!(warnings[0].starts_with("loki.yaml:2:3: retention_period: compactor.retention_enabled is not on"), "{warnings:?}");
        assert_eq!(warnings[1], "loki.yaml:3:1: whatever: not a section that is known; ignored");
        let (settings, _) = taken("table_manager:\n  retention_deletes_enabled: true\n  retention_period: 720h\n").unwrap();
        assert_eq!(settings.logs.retention_time.ms(), 720 * 3_600_000);
    }
}
