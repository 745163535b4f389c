//! The settings of the appliance itself: one table for file, environment and command line.
//!
//! A setting `storage.retention_time` stands in the file under `pharos:`, `storage:`, is the variable
//! `PHAROS_STORAGE_RETENTION_TIME` and the flag `--storage.retention-time`, `--retention-time` for short; flags of
//! Prometheus that mean the same are taken too. A flag wins over a variable, a variable over the file, the file over the default.

mod resolve;
mod value;
mod words;

pub use resolve::{FileSettings, Inline, Resolved, SettingValue, Source, read_file};
pub use value::{ByteSize, ClientAuth, DefaultRole, LogFormat, LogLevel, SignIn, Value};
pub use words::{FEATURES, HOST_COLLECTORS, unknown_variables};

use crate::base::network::Network;
use crate::base::secret::Secret;
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
    /// Other flags that mean the same: those of Prometheus, and the everyday one, which has no dot.
    pub aliases: &'static [&'static str],
    /// What it does, as a sentence that needs no other.
    pub help: &'static str,
    /// Heading of its section.
    pub title: &'static str,
    /// The default as text.
    pub default: &'static str,
    /// What is allowed, for messages.
    pub allowed: &'static str,
    /// What stands for a value in the help.
    pub value_name: &'static str,
    /// Whether the flag may stand without a value, for `true`.
    pub is_truth: bool,
    /// Whether the flag may be given more than once.
    pub is_list: bool,
}

impl Spec {
    /// The flag as people write it, without its dashes: the everyday one if there is one, as `data-dir`.
    pub fn flag(&self) -> String {
        self.aliases.iter().find(|alias| !alias.contains('.')).map_or_else(|| self.full_flag(), |alias| (*alias).to_owned())
    }

    /// The flag after section and key, without its dashes, as `storage.path`.
    pub fn full_flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Every flag that sets it, the one people write first.
    pub fn flags(&self) -> Vec<String> {
        let mut flags = vec![self.flag()];
        for other in std::iter::once(self.full_flag()).chain(self.aliases.iter().map(|alias| (*alias).to_owned())) {
            if !flags.contains(&other) {
                flags.push(other);
            }
        }
        flags
    }

    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("PHAROS_{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

macro_rules! settings {
    ($(#[doc = $group_doc:literal] $group:ident: $Group:ident {
        $(#[doc = $doc:literal] $key:ident: $type:ty = $default:literal, [$($alias:literal),*];)+
    })+) => {
        /// Every setting, by section.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Settings {
            $(#[doc = $group_doc] pub $group: $Group,)+
        }

        $(#[doc = $group_doc]
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
            help: $doc.trim_ascii(),
            title: trim_sentence($group_doc),
            default: $default,
            allowed: <$type as Value>::ALLOWED,
            value_name: <$type as Value>::NAME,
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
    };
}

/// A sentence of one noun as a heading: without blanks and the full stop.
const fn trim_sentence(text: &str) -> &str {
    let text = text.trim_ascii();
    text.split_at(text.len() - 1).0
}

/// Why a server cannot work with its settings, though each by itself is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Mistake {
    /// The setting to change, as `server.tls_cert_file`.
    pub setting: &'static str,
    /// What is wrong and what to do, as a sentence.
    pub message: String,
}

impl Mistake {
    /// About a setting.
    pub fn new(setting: &'static str, message: impl Into<String>) -> Self {
        Self { setting, message: message.into() }
    }
}

/// A text that is no value of the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("value is not allowed")]
pub struct NotAllowed;

settings! {
    /// Web server.
    server: ServerSettings {
        /// Address and port to listen on.
        listen: String = "127.0.0.1:9090", ["web.listen-address", "listen"];
        /// Listen on addresses that other machines can reach, although nobody has to sign in.
        allow_open: bool = "false", ["allow-open"];
        /// URL under which others reach this server; empty for the address it listens on.
        external_url: String = "", ["web.external-url", "external-url"];
        /// Let POST /-/quit stop the server.
        lifecycle: bool = "false", ["web.enable-lifecycle", "enable-lifecycle"];
        /// Allow deleting series and taking snapshots over HTTP, below /api/v1/admin.
        admin_api: bool = "false", ["web.enable-admin-api", "enable-admin-api"];
        /// Collect the server's own metrics, as job "pharos".
        own_metrics: bool = "true", ["own-metrics"];
        /// Take samples that others send with remote write, at /api/v1/write.
        remote_write_receiver: bool = "true", ["web.enable-remote-write-receiver"];
        /// Web pages that may read the API, as a regular expression of their whole origin; empty for none, .* for all.
        cors_origin: String = "", ["web.cors.origin"];
        /// Take web vitals from browsers: how fast pages were for those who looked at them.
        vitals: bool = "true", [];
        /// Hosts whose pages may send web vitals; empty for any.
        vitals_sites: Vec<String> = "", [];
        /// Certificate for HTTPS, PEM, followed by those between it and its authority; read again when it changes.
        tls_cert_file: String = "", [];
        /// Private key of the certificate, PEM; read again when it changes.
        tls_key_file: String = "", [];
        /// Speak HTTPS with a certificate that the server makes for itself and keeps in the data folder.
        tls_self_signed: bool = "false", ["tls-self-signed"];
        /// Authorities that sign clients' certificates, PEM; a client with such a one may send data without a token.
        client_ca_file: String = "", [];
        /// Whether clients show a certificate, once client_ca_file is set.
        client_auth: ClientAuth = "VerifyClientCertIfGiven", [];
        /// Second address, for plain HTTP, that only leads to HTTPS.
        redirect_http_listen: String = "", [];
        /// How long browsers are told to come by HTTPS only, where the certificate comes from a file; 0s to tell nothing.
        hsts_max_age: Duration = "1y", [];
        /// Prometheus' file with TLS, headers and users.
        web_config_file: String = "", ["web.config.file"];
        /// Networks that users may make the server fetch from, although fetch_deny names them.
        fetch_allow: Vec<String> = "", [];
        /// Networks that users other than administrators cannot make the server fetch from: addresses, networks, loopback, private, link-local, metadata, multicast, unspecified.
        fetch_deny: Vec<String> = "loopback,link-local,metadata,multicast,unspecified", [];
    }
    /// Storage.
    storage: StorageSettings {
        /// Folder of all data.
        path: String = "data", ["storage.tsdb.path", "data-dir"];
        /// How long samples are kept; 0s for ever.
        retention_time: Duration = "30d", ["storage.tsdb.retention.time", "retention-time", "storage.tsdb.retention"];
        /// How much disk stored samples may take before the oldest are deleted; 0 for no limit.
        retention_size: ByteSize = "0", ["storage.tsdb.retention.size", "retention-size"];
        /// How far behind the newest sample of its series a late sample may be and still be stored.
        out_of_order_window: Duration = "1h", [];
        /// How often the write-ahead log is flushed to the disk; 0s for after every batch of samples.
        wal_fsync_interval: Duration = "1s", [];
        /// Most exemplars kept in memory, over all series; 0 for none.
        exemplars_max: u64 = "100000", [];
    }
    /// Limits.
    limits: LimitSettings {
        /// Most series in memory, beyond which new ones are refused; 0 for no limit.
        series_max: u64 = "0", [];
        /// Most series of one job, beyond which new ones are refused; 0 for no limit.
        series_per_job_max: u64 = "0", [];
        /// How long a query may take.
        query_timeout: Duration = "2m", ["query.timeout"];
        /// Most samples that one query may hold in memory.
        query_samples_max: u64 = "50000000", ["query.max-samples"];
        /// Most queries evaluated at once; others wait.
        query_concurrency_max: u64 = "20", ["query.max-concurrency"];
        /// How far a query looks back for the newest sample of a series.
        query_lookback_delta: Duration = "5m", ["query.lookback-delta"];
        /// Most samples one remote read query may return unless it is streamed; 0 for no limit.
        remote_read_samples_max: u64 = "50000000", ["storage.remote.read-sample-limit"];
        /// Remote reads answered at once; 0 for no limit.
        remote_read_concurrency_max: u64 = "10", ["storage.remote.read-concurrent-limit"];
        /// Bytes of one frame of a streamed remote read.
        remote_read_frame_bytes_max: u64 = "1048576", ["storage.remote.read-max-bytes-in-frame"];
        /// Memory for answers of queries that may be asked again; 0 for none.
        query_cache_size: ByteSize = "32MB", ["query.cache-size"];
        /// Memory that the server may use before it sheds load; 0 for as much as its container allows.
        memory_budget: ByteSize = "0", ["memory-budget"];
        /// Disk that the data folder may use before the oldest samples go and writes are refused; 0 for all there is.
        disk_budget: ByteSize = "0", ["disk-budget"];
        /// Queries a second of one address, ten times as many at once; 0 for no limit.
        query_rate: u64 = "200", [];
        /// Writes a second of one address, ten times as many at once; 0 for no limit.
        write_rate: u64 = "0", [];
        /// Pages and other requests a second of one address, ten times as many at once; 0 for no limit.
        page_rate: u64 = "200", [];
        /// Attempts to sign in a second of one address, ten times as many at once; 0 for no limit.
        sign_in_rate: u64 = "5", [];
        /// Addresses, networks or loopback, private, link-local for which the rates of one address do not count.
        rate_exempt: Vec<String> = "loopback", [];
        /// Queries under way at once, those that wait included; 0 for no limit.
        query_in_flight_max: u64 = "512", [];
        /// Writes under way at once; 0 for no limit.
        write_in_flight_max: u64 = "512", [];
        /// Pages and other requests under way at once; 0 for no limit.
        page_in_flight_max: u64 = "512", [];
        /// Attempts to sign in under way at once; 0 for no limit.
        sign_in_in_flight_max: u64 = "64", [];
        /// Largest body of any request, as sent.
        body_size_max: ByteSize = "32MB", [];
        /// Largest head of a request: address and headers.
        header_bytes_max: ByteSize = "128KB", [];
        /// How long a client may take to connect and to send a request's head; a connection of HTTP/1 waits as long for the next one.
        header_timeout: Duration = "10s", [];
        /// How long nothing may move on a connection.
        connection_idle: Duration = "10m", ["web.read-timeout"];
        /// Most connections at once; 0 for half of the open files that the system allows, at most 4096.
        connections_max: u64 = "0", ["web.max-connections"];
        /// Most connections of one address at once; 0 for a quarter of all.
        connections_per_client_max: u64 = "0", [];
    }
    /// Logs.
    logs: LogsSettings {
        /// Where to listen for syslog, comma separated, such as udp://:514, tcp://:601 or tls://:6514; empty for nowhere.
        syslog_listen: Vec<String> = "", [];
        /// Where to listen for the forward protocol of Fluent Bit, Fluentd and Docker's fluentd driver, such as :24224 or tls://:24224; empty for nowhere.
        fluent_listen: Vec<String> = "", [];
        /// What senders of the forward protocol must know; empty for nothing.
        fluent_shared_key: Secret = "", [];
        /// File that says which log files, containers and journals of this machine are collected, in the form of Promtail's; empty for none.
        collect_file: String = "", ["promtail.config.file"];
        /// How long lines are kept; 0s for ever.
        retention_time: Duration = "30d", [];
        /// How much disk stored lines may take before the oldest are deleted; 0 for no limit.
        retention_size: ByteSize = "0", [];
        /// Streams whose lines are kept for another time, each as a selector and a duration, with semicolons between, such as {env="dev"} 24h; {team="audit"} 1y; the first that matches counts.
        retention_stream: String = "", [];
        /// Refuse lines older than reject_old_samples_max_age.
        reject_old_samples: bool = "true", [];
        /// How old a line may be and still be stored, where reject_old_samples is on.
        reject_old_samples_max_age: Duration = "1w", [];
        /// How far in the future a line may be and still be stored; 0s for any distance.
        creation_grace_period: Duration = "10m", [];
        /// How far behind the newest line of its stream a late line may be and still be stored; 0s for any distance.
        out_of_order_window: Duration = "0s", [];
        /// Longest line, in bytes of its text; 0 for no limit.
        max_line_size: ByteSize = "256KB", [];
        /// Cut lines that are too long, rather than refuse them.
        max_line_size_truncate: bool = "false", [];
        /// Most labels of one stream; 0 for no limit.
        max_label_names_per_series: u64 = "30", [];
        /// Longest name of a label, in bytes; 0 for no limit.
        max_label_name_length: u64 = "1024", [];
        /// Longest value of a label, in bytes; 0 for no limit.
        max_label_value_length: u64 = "2048", [];
        /// Take fields that lines bring along, called structured metadata.
        allow_structured_metadata: bool = "true", [];
        /// Most bytes of all fields of one line; 0 for no limit.
        max_structured_metadata_size: ByteSize = "64KB", [];
        /// Most fields of one line; 0 for no limit.
        max_structured_metadata_entries_count: u64 = "128", [];
        /// Labels from which the label service_name is taken where a stream has none, the best first, comma separated; empty to add none.
        discover_service_name: Vec<String> = "service,app,application,app_name,name,app_kubernetes_io_name,container,container_name,k8s_container_name,component,workload,job,k8s_job_name", [];
        /// Find the level of each line and keep it as the field detected_level.
        discover_log_levels: bool = "true", [];
        /// Most bytes of text a second, all senders together; 0 for no limit.
        ingestion_rate: ByteSize = "0", [];
        /// Most bytes of text that may come at once, where ingestion_rate is set.
        ingestion_burst_size: ByteSize = "0", [];
        /// Most bytes of text a second of one stream; 0 for no limit.
        per_stream_rate_limit: ByteSize = "0", [];
        /// Most bytes of text that may come at once in one stream, where per_stream_rate_limit is set.
        per_stream_rate_limit_burst: ByteSize = "0", [];
        /// How much memory lines may take before they are written to parts; 0 for a share of the memory budget.
        memory: ByteSize = "0", [];
        /// Most lines that one query may ask for; 0 for no limit.
        max_entries_limit_per_query: u64 = "5000", [];
        /// Longest range of time that one query may ask for; 0s for any.
        max_query_length: Duration = "0s", [];
        /// Most bytes of lines that one query may read; 0 for no limit.
        max_query_bytes_read: ByteSize = "0", [];
        /// How long a query may take.
        query_timeout: Duration = "1m", [];
        /// Most live tails at once.
        max_concurrent_tail_requests: u64 = "50", [];
        /// Loki's configuration file, whose limits and retention are taken over where nothing here sets them; empty for none.
        loki_config: String = "", ["loki.config.file"];
    }
    /// Metrics of this machine.
    host: HostSettings {
        /// Collect metrics of this machine, as job "node".
        enabled: bool = "true", ["host-metrics"];
        /// How often metrics of this machine and of the server itself are collected.
        interval: Duration = "15s", ["host-interval"];
        /// Folder where the machine's /proc is found, for containers that mount it elsewhere.
        procfs: String = "/proc", [];
        /// Folder where the machine's /sys is found, for containers that mount it elsewhere.
        sysfs: String = "/sys", [];
        /// Folder where the machine's / is found, for containers that mount it elsewhere.
        rootfs: String = "/", [];
        /// Collectors of this machine's metrics to run, comma separated; empty for all.
        collectors: Vec<String> = "", [];
        /// Folder whose *.prom files are added to this machine's metrics; empty for none.
        textfile_dir: String = "", ["collector.textfile.directory"];
    }
    /// StatsD.
    statsd: StatsdSettings {
        /// Address and port where StatsD is taken over UDP and TCP, as 127.0.0.1:8125, from whoever can reach them; empty for none.
        listen: String = "", [];
        /// How often what StatsD sent becomes samples.
        flush_interval: Duration = "10s", [];
        /// How long a metric of StatsD may go without a value before it ends; 0s for ever.
        idle_max: Duration = "10m", [];
        /// Most metrics of StatsD, each with its tags, beyond which new ones are refused.
        series_max: u64 = "100000", [];
        /// File that says how names of StatsD become names and labels, in the form of statsd_exporter's; empty for none.
        mapping_config: String = "", [];
    }
    /// Signing in.
    auth: AuthSettings {
        /// Whether people must sign in; auto is on, but lets this machine itself in on a loopback address until there is an administrator.
        mode: SignIn = "auto", ["auth"];
        /// How long a session may go unused before it ends; 0s for as long as it likes.
        session_idle: Duration = "7d", [];
        /// How long a session may last at all.
        session_age: Duration = "30d", [];
        /// How long lines of the audit log are kept.
        audit_retention: Duration = "1y", [];
        /// Let users sign in with name and password; when off, an identity provider or a trusted proxy must say who they are.
        password_login: bool = "true", [];
        /// URL of the OpenID Connect provider that users sign in with, to the letter as the provider names itself; empty for none.
        oidc_issuer: String = "", [];
        /// Name of this server at the OpenID Connect provider, registered there to return to /login/oidc/callback below its URL.
        oidc_client_id: String = "", [];
        /// Secret that the OpenID Connect provider gave for this server; empty for a public client, which PKCE alone protects.
        oidc_client_secret: Secret = "", [];
        /// File that holds the secret of the OpenID Connect provider, instead of the secret itself; read at each sign-in.
        oidc_client_secret_file: String = "", [];
        /// File of certificate authorities in PEM that vouch for the OpenID Connect provider; empty for those of the system.
        oidc_ca_file: String = "", [];
        /// What is asked of the OpenID Connect provider, comma separated; some send groups only when asked for them here.
        oidc_scopes: Vec<String> = "openid,profile,email", [];
        /// Name of the OpenID Connect provider on the button of the sign-in page, after "Sign in with".
        oidc_name: String = "single sign-on", [];
        /// Claim of the OpenID Connect provider that names a user here when they first sign in.
        oidc_name_claim: String = "preferred_username", [];
        /// Claim of the OpenID Connect provider that lists the groups of a user; dots lead inside, as in realm_access.roles.
        oidc_groups_claim: String = "groups", [];
        /// Groups of the OpenID Connect provider whose members are administrators, comma separated; one with a comma in double quotes.
        oidc_admin_groups: Vec<String> = "", [];
        /// Groups of the OpenID Connect provider whose members are editors, comma separated; one with a comma in double quotes.
        oidc_editor_groups: Vec<String> = "", [];
        /// Groups of the OpenID Connect provider whose members are viewers, comma separated; one with a comma in double quotes.
        oidc_viewer_groups: Vec<String> = "", [];
        /// Role of users from the OpenID Connect provider who are in none of the groups above; none refuses them.
        oidc_default_role: DefaultRole = "none", [];
        /// How long a session of a user from the OpenID Connect provider lasts, after which the provider is asked anew; 0s for session_age.
        oidc_session_age: Duration = "12h", [];
        /// Sign users out at the OpenID Connect provider too, where it offers that; /login below this server's URL must be registered there to return to.
        oidc_sign_out: bool = "true", [];
        /// Domains of mail addresses that users from the OpenID Connect provider must have, comma separated; empty for any.
        oidc_allowed_domains: Vec<String> = "", [];
        /// Addresses or networks of proxies whose X-Forwarded-For, X-Forwarded-Proto and Forwarded are believed, comma separated.
        proxy_trusted: Vec<Network> = "", [];
        /// Header that names the user of a trusted proxy, such as Remote-User, which the proxy must take from clients; empty for none.
        proxy_user_header: String = "", [];
        /// Header in which trusted proxies send the user's mail address; empty for none.
        proxy_email_header: String = "", [];
        /// Header in which trusted proxies list the user's groups, such as Remote-Groups; empty for none.
        proxy_groups_header: String = "", [];
        /// Header in which trusted proxies send the user's role here, viewer, editor or admin; empty for none.
        proxy_role_header: String = "", [];
        /// Groups of the trusted proxies whose members are administrators, comma separated; one with a comma in double quotes.
        proxy_admin_groups: Vec<String> = "", [];
        /// Groups of the trusted proxies whose members are editors, comma separated; one with a comma in double quotes.
        proxy_editor_groups: Vec<String> = "", [];
        /// Groups of the trusted proxies whose members are viewers, comma separated; one with a comma in double quotes.
        proxy_viewer_groups: Vec<String> = "", [];
        /// Role of users from trusted proxies whose groups and role header give none; none refuses them.
        proxy_default_role: DefaultRole = "none", [];
    }
    /// Rules and alerts.
    alerts: AlertSettings {
        /// How often an alert that fires is handed on again.
        resend_delay: Duration = "1m", ["rules.alert.resend-delay"];
        /// Groups of rules that are evaluated at once, at most.
        evaluations_max: u64 = "4", ["rules.max-concurrent-evals"];
        /// File that says who is told of alerts and when, in the form of Alertmanager's; empty for alertmanager.yml beside the configuration file, if there is one.
        routing_file: String = "", ["alertmanager.config.file"];
        /// Packs of ready rules to evaluate, comma separated: node, api, database, cache, containers, uptime, security, pharos.
        packs: Vec<String> = "", [];
        /// Thresholds of ready rules that are not to be the usual ones, as name=value, comma separated, such as node_cpu_percent=90; `pharos alerts packs` lists them.
        thresholds: Vec<String> = "", [];
        /// How long it is remembered how alerts changed and who was told what; 0s for as long as there is room.
        history_time: Duration = "90d", [];
    }
    /// Checks from outside.
    uptime: UptimeSettings {
        /// File with the modules that say how to probe, in the form of blackbox_exporter's; empty for blackbox.yml beside the configuration file, if there is one, and for built-in modules else.
        modules_file: String = "", ["blackbox.config.file"];
        /// File with checks, as they are exported; empty for checks.yml beside the configuration file, if there is one. Its checks are changed there, not in the browser.
        checks_file: String = "", [];
    }
    /// Objectives.
    slo: SloSettings {
        /// File with SLOs, as they are exported or as Sloth, Pyrra or OpenSLO write them; empty for slos.yml beside the configuration file, if there is one. Its SLOs are changed there, not in the browser; one that is taken out of it is deleted.
        file: String = "", [];
    }
    /// Numbers of the business.
    business: BusinessSettings {
        /// File with KPIs, funnels and retentions, as they are exported; empty for business.yml beside the configuration file, if there is one. What stands in it is changed there, not in the browser.
        file: String = "", [];
    }
    /// Dashboards.
    boards: BoardSettings {
        /// Folder with dashboards in Grafana's JSON, which are read and followed; folders in it become folders of dashboards. Empty for none.
        folder: String = "", [];
        /// Provisioning file of Grafana for dashboards, or a folder of such, whose providers name folders of dashboards; empty for none.
        provisioning: String = "", [];
    }
    /// Backups.
    backup: BackupSettings {
        /// When backups are made, in cron syntax and UTC, such as "30 2 * * *" or @daily; empty for never.
        schedule: String = "", [];
        /// Folder where backups are put; empty for the folder "backups" of the data folder.
        folder: String = "", [];
        /// How many backups are kept in the folder before the oldest are removed; 0 for all.
        keep: u64 = "7", [];
    }
    /// Log of the server, on standard error.
    log: LogSettings {
        /// Least severe messages that the log shows.
        level: LogLevel = "info", ["log.level", "log-level"];
        /// Form of the log's lines.
        format: LogFormat = "logfmt", ["log.format", "log-format"];
    }
    /// Features.
    feature: FeatureSettings {
        /// Features to turn on that are off by default, comma separated.
        enable: Vec<String> = "", ["enable-feature"];
    }
}

#[cfg(test)]
mod tests;
