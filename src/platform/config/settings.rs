//! The settings of the appliance itself: one table for file, environment and command line.
//!
//! A setting `storage.retention_time` stands in the file under `pharos:`, `storage:`, is the variable
//! `PHAROS_STORAGE_RETENTION_TIME` and the flag `--storage.retention-time`; flags of Prometheus that mean the same
//! are taken too. A flag wins over a variable, a variable over the file, the file over the default.

mod resolve;
mod value;

pub use resolve::{FileSettings, Resolved, SettingValue, Source, read_file};
pub use value::{ByteSize, LogFormat, LogLevel, Value};

use crate::base::time::Duration;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Section and key, as `storage.retention_time`.
    pub name: &'static str,
    /// The section in the file, below `pharos`.
    pub group: &'static str,
    /// The key in the section.
    pub key: &'static str,
    /// Flags of Prometheus that mean the same.
    pub aliases: &'static [&'static str],
    /// What it is for.
    pub help: &'static str,
    /// What is allowed, for messages.
    pub allowed: &'static str,
    /// Whether the flag may stand without a value, for `true`.
    pub is_truth: bool,
    /// Whether the flag may be given more than once.
    pub is_list: bool,
}

impl Spec {
    /// The flag, without its dashes.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("PHAROS_{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

macro_rules! settings {
    ($($(#[doc = $group_doc:literal])+ $group:ident: $Group:ident {
        $(#[doc = $doc:literal] $key:ident: $type:ty = $default:literal, [$($alias:literal),*];)+
    })+) => {
        /// Every setting, by section.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Settings {
            $($(#[doc = $group_doc])+ pub $group: $Group,)+
        }

        $($(#[doc = $group_doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Group {
            $(#[doc = $doc] pub $key: $type,)+
        })+

        /// Every setting, in order of the file.
        pub const SPECS: &[Spec] = &[$($(Spec {
            name: concat!(stringify!($group), ".", stringify!($key)),
            group: stringify!($group),
            key: stringify!($key),
            aliases: &[$($alias),*],
            help: $doc,
            allowed: <$type as Value>::ALLOWED,
            is_truth: <$type as Value>::IS_TRUTH,
            is_list: <$type as Value>::IS_LIST,
        },)+)+];

        impl Default for Settings {
            fn default() -> Self {
                Self { $($group: $Group { $($key: <$type as Value>::parse($default).unwrap_or_default(),)+ },)+ }
            }
        }

        impl Settings {
            /// Sets one from text. `Err` if the text is not allowed; `Ok(false)` if there is no such setting.
            pub fn set(&mut self, name: &str, text: &str) -> Result<bool, NotAllowed> {
                match name {
                    $($(concat!(stringify!($group), ".", stringify!($key)) => {
                        self.$group.$key = <$type as Value>::parse(text).ok_or(NotAllowed)?;
                        Ok(true)
                    })+)+
                    _ => Ok(false),
                }
            }

            /// One as text.
            pub fn get(&self, name: &str) -> Option<String> {
                match name {
                    $($(concat!(stringify!($group), ".", stringify!($key)) => Some(self.$group.$key.print()),)+)+
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const DEFAULTS: &[(&str, &str)] = &[$($((concat!(stringify!($group), ".", stringify!($key)), $default),)+)+];
    };
}

/// A text that is no value of the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("value is not allowed")]
pub struct NotAllowed;

settings! {
    /// The web server.
    server: ServerSettings {
        /// Address and port to listen on.
        listen: String = "127.0.0.1:9090", ["web.listen-address", "listen"];
        /// Whether addresses that other machines can reach are allowed while signing in is off.
        allow_open: bool = "false", ["allow-open"];
        /// URL under which others reach this server; empty for the address it listens on.
        external_url: String = "", ["web.external-url", "external-url"];
        /// Whether POST /-/quit is answered.
        lifecycle: bool = "false", ["web.enable-lifecycle", "enable-lifecycle"];
        /// Whether deleting series and taking snapshots over HTTP is allowed.
        admin_api: bool = "false", ["web.enable-admin-api", "enable-admin-api"];
        /// Whether the server collects its own metrics, as job "pharos".
        own_metrics: bool = "true", ["own-metrics"];
        /// Whether samples are taken at /api/v1/write.
        remote_write_receiver: bool = "true", ["web.enable-remote-write-receiver"];
    }
    /// Where and how long data is kept.
    storage: StorageSettings {
        /// Folder of all data.
        path: String = "data", ["storage.tsdb.path", "data-dir"];
        /// How long samples are kept; 0s for no limit.
        retention_time: Duration = "30d", ["storage.tsdb.retention.time", "retention-time", "storage.tsdb.retention"];
        /// How much disk the blocks may take; 0 for no limit.
        retention_size: ByteSize = "0", ["storage.tsdb.retention.size", "retention-size"];
        /// How far behind the newest sample of its series another may arrive.
        out_of_order_window: Duration = "1h", [];
        /// How often the write-ahead log is flushed to the disk; 0s for after every batch.
        wal_fsync_interval: Duration = "1s", [];
        /// Exemplars kept in memory over all series; 0 for none.
        exemplars_max: u64 = "100000", [];
    }
    /// What is refused because it is too much.
    limits: LimitSettings {
        /// Most series in memory; 0 for no limit.
        series_max: u64 = "0", [];
        /// Most series of one job; 0 for no limit.
        series_per_job_max: u64 = "0", [];
        /// How long a query may take.
        query_timeout: Duration = "2m", ["query.timeout"];
        /// Most samples one query may hold in memory.
        query_samples_max: u64 = "50000000", ["query.max-samples"];
        /// Queries evaluated at once.
        query_concurrency_max: u64 = "20", ["query.max-concurrency"];
        /// How far a query looks back for the newest sample.
        query_lookback_delta: Duration = "5m", ["query.lookback-delta"];
        /// Memory for answers of queries that may be asked again; 0 for none.
        query_cache_size: ByteSize = "32MB", ["query.cache-size"];
    }
    /// Metrics of the machine this runs on.
    host: HostSettings {
        /// Whether they are collected.
        enabled: bool = "true", ["host-metrics"];
        /// How often these and the server's own metrics are collected.
        interval: Duration = "15s", ["host-interval"];
        /// Where the process file system is mounted.
        procfs: String = "/proc", [];
        /// Where the system file system is mounted.
        sysfs: String = "/sys", [];
        /// Where the root of the machine is mounted.
        rootfs: String = "/", [];
        /// Collectors to run, comma separated; empty for all.
        collectors: Vec<String> = "", [];
        /// Folder of *.prom files to add; empty for none.
        textfile_dir: String = "", ["collector.textfile.directory"];
    }
    /// Who may come in.
    auth: AuthSettings {
        /// Whether users must sign in.
        enabled: bool = "false", ["auth"];
    }
    /// What is written to the log.
    log: LogSettings {
        /// Least severe message: debug, info, warn or error.
        level: LogLevel = "info", ["log.level", "log-level"];
        /// Form of a line: logfmt or json.
        format: LogFormat = "logfmt", ["log.format", "log-format"];
    }
    /// Features that are off unless named.
    feature: FeatureSettings {
        /// Features to turn on, comma separated.
        enable: Vec<String> = "", ["enable-feature"];
    }
}

#[cfg(test)]
mod tests;
