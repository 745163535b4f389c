//! The flags of `pharos serve`: one per setting, those of Prometheus that mean the same, and those of Prometheus
//! that mean nothing here but must not keep an existing command line from working.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::section::alternatives;
use super::settings::{FEATURES, HOST_COLLECTORS, SPECS, Spec};

/// What the command line sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServeFlags {
    /// `--config.file`.
    pub config_file: Option<PathBuf>,
    /// Setting, flag as written, value.
    values: BTreeMap<&'static str, (String, String)>,
    /// Flags of Prometheus that were given and mean nothing here.
    pub ignored: Vec<String>,
}

impl ServeFlags {
    /// The flag that set a setting, and its value.
    pub fn get(&self, setting: &str) -> Option<(&str, &str)> {
        self.values.get(setting).map(|(flag, value)| (flag.as_str(), value.as_str()))
    }

    /// Sets a setting as if by its own flag.
    pub fn with(mut self, setting: &str, value: impl Into<String>) -> Self {
        if let Some(spec) = SPECS.iter().find(|spec| spec.name == setting) {
            self.values.insert(spec.name, (spec.flag(), value.into()));
        }
        self
    }
}

/// Flags of Prometheus that take a value and change nothing here.
const IGNORED: [&str; 26] = [
    "web.console.templates",
    "web.console.libraries",
    "web.user-assets",
    "web.page-title",
    "web.max-notifications-subscribers",
    "alertmanager.notification-queue-capacity",
    "alertmanager.notification-batch-size",
    "alertmanager.timeout",
    "auto-gomemlimit.ratio",
    "config.auto-reload-interval",
    "query.store-results-max",
    "rules.alert.for-outage-tolerance",
    "rules.alert.for-grace-period",
    "scrape.discovery-reload-interval",
    "scrape.name-escaping-scheme",
    "scrape.timestamp-tolerance",
    "storage.remote.flush-deadline",
    "storage.tsdb.head-chunks-write-queue-size",
    "storage.tsdb.max-block-chunk-segment-size",
    "storage.tsdb.max-block-duration",
    "storage.tsdb.min-block-duration",
    "storage.tsdb.samples-per-chunk",
    "storage.tsdb.wal-compression-type",
    "storage.tsdb.wal-segment-size",
    "storage.tsdb.delay-compact-file.path",
    "web.remote-write-receiver.accepted-protobuf-messages",
];

/// The same for flags without a value.
const IGNORED_SWITCHES: [&str; 8] = [
    "web.enable-otlp-receiver",
    "auto-gomaxprocs",
    "auto-gomemlimit",
    "scrape.adjust-timestamps",
    "storage.tsdb.allow-overlapping-blocks",
    "storage.tsdb.no-lockfile",
    "storage.tsdb.wal-compression",
    "storage.tsdb.no-wal-compression",
];

/// Flags of Prometheus that ask for something else than this program is.
const REFUSED: [(&str, &str); 8] = [
    ("web.route-prefix", "a path in front of every route is not built yet; let the proxy remove it"),
    ("agent", "agent mode is not available: samples are stored here and may be forwarded with remote_write"),
    ("storage.agent.path", "agent mode is not available: set --storage.path for the database"),
    ("storage.agent.wal-compression", "agent mode is not available"),
    ("storage.agent.retention.min-time", "agent mode is not available"),
    ("storage.agent.retention.max-time", "agent mode is not available"),
    ("storage.agent.no-lockfile", "agent mode is not available"),
    ("storage.tsdb.retention.percentage", "set storage.tsdb.retention.percentage in the configuration file"),
];

/// Settings that stand before all others in the help.
const EVERYDAY: [&str; 4] = ["storage.path", "server.listen", "auth.mode", "storage.retention_time"];

/// What stands for the value of a setting that takes any text.
const VALUE_NAMES: [(&str, &str); 20] = [
    ("server.listen", "ADDRESS"),
    ("server.redirect_http_listen", "ADDRESS"),
    ("server.tls_cert_file", "FILE"),
    ("server.tls_key_file", "FILE"),
    ("server.client_ca_file", "FILE"),
    ("server.web_config_file", "FILE"),
    ("server.external_url", "URL"),
    ("storage.path", "DIR"),
    ("host.procfs", "DIR"),
    ("host.sysfs", "DIR"),
    ("host.rootfs", "DIR"),
    ("host.textfile_dir", "DIR"),
    ("backup.schedule", "CRON"),
    ("backup.folder", "DIR"),
    ("auth.oidc_issuer", "URL"),
    ("auth.oidc_client_secret_file", "FILE"),
    ("auth.oidc_ca_file", "FILE"),
    ("auth.proxy_user_header", "NAME"),
    ("auth.proxy_groups_header", "NAME"),
    ("auth.proxy_role_header", "NAME"),
];

const CONFIG_FILE: &str = "config.file";

impl Args for ServeFlags {
    fn augment_args(command: Command) -> Command {
        let mut command = command.arg(
            Arg::new(CONFIG_FILE)
                .long("config")
                .alias(CONFIG_FILE)
                .value_name("FILE")
                .env("PHAROS_CONFIG_FILE")
                .hide_env(true)
                .help("Configuration file: a prometheus.yml, which may have a section `pharos` with these settings [default: none]")
                .long_help(
                    "Configuration file: a prometheus.yml, which may have a section `pharos` with these settings \
                     [default: none]\nAlso --config.file or PHAROS_CONFIG_FILE.",
                )
                .value_parser(clap::value_parser!(PathBuf)),
        );
        let (first, rest): (Vec<&Spec>, Vec<&Spec>) = SPECS.iter().partition(|spec| EVERYDAY.contains(&spec.name));
        for name in EVERYDAY {
            for spec in first.iter().filter(|spec| spec.name == name) {
                command = add(command, spec, None);
            }
        }
        for spec in rest {
            command = add(command, spec, Some(spec.title));
        }
        for flag in IGNORED {
            command = command.arg(Arg::new(flag).long(flag).hide(true).action(ArgAction::Append));
        }
        for flag in IGNORED_SWITCHES {
            command = command.arg(switch(flag));
        }
        for (flag, _) in REFUSED {
            command = command.arg(switch(flag));
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Adds the flag of a setting, below a heading of the help.
fn add(command: Command, spec: &'static Spec, heading: Option<&'static str>) -> Command {
    let flags = spec.flags();
    let mut arg = Arg::new(spec.name)
        .long(spec.flag())
        .aliases(flags[1..].to_vec())
        .value_name(value_name(spec))
        .help(short_help(spec))
        .long_help(long_help(spec, &flags[1..]))
        .help_heading(heading);
    arg = if spec.is_truth {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true").action(ArgAction::Set)
    } else if spec.is_list {
        arg.action(ArgAction::Append)
    } else {
        arg.action(ArgAction::Set)
    };
    let command = command.arg(arg);
    if !spec.is_truth {
        return command;
    }
    // `--no-web.enable-lifecycle`, as Prometheus takes for every switch.
    let negations: Vec<String> = flags.iter().map(|flag| format!("no-{flag}")).collect();
    command.arg(
        Arg::new(format!("no-{}", spec.name))
            .long(negations[0].clone())
            .aliases(negations[1..].to_vec())
            .hide(true)
            .action(ArgAction::SetTrue)
            .overrides_with(spec.name),
    )
}

/// A flag that is heard but not shown.
fn switch(flag: &'static str) -> Arg {
    Arg::new(flag).long(flag).hide(true).num_args(0..=1).require_equals(true).default_missing_value("true").action(ArgAction::Append)
}

fn value_name(spec: &Spec) -> &'static str {
    VALUE_NAMES.iter().find(|(name, _)| *name == spec.name).map_or(spec.value_name, |(_, value)| *value)
}

/// What it does, and the default, on as few lines as possible.
fn short_help(spec: &Spec) -> String {
    let default = match spec.default {
        "" => "none",
        text => text,
    };
    format!("{} [default: {default}]", spec.help.trim_end_matches('.'))
}

/// The same, the words that are allowed, and by which other names it can be set.
fn long_help(spec: &Spec, others: &[String]) -> String {
    let words: &[&str] = match spec.name {
        "host.collectors" => &HOST_COLLECTORS,
        "feature.enable" => &FEATURES,
        _ => &[],
    };
    let words = if words.is_empty() { String::new() } else { format!("\nThere are {}.", words.join(", ")) };
    let others: Vec<String> = others.iter().map(|flag| format!("--{flag}")).chain([spec.variable()]).collect();
    format!("{}{words}\nAlso {}.", short_help(spec), alternatives(&others.iter().map(String::as_str).collect::<Vec<_>>()))
}

impl FromArgMatches for ServeFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        for (flag, why) in REFUSED {
            if matches.contains_id(flag) {
                return Err(clap::Error::raw(clap::error::ErrorKind::UnknownArgument, format!("--{flag}: {why}\n")));
            }
        }
        let mut flags = Self { config_file: matches.get_one::<PathBuf>(CONFIG_FILE).cloned(), ..Self::default() };
        for spec in SPECS {
            let texts: Vec<&str> = matches.get_many::<String>(spec.name).into_iter().flatten().map(String::as_str).collect();
            let negated = spec.is_truth && matches.get_flag(&format!("no-{}", spec.name));
            if negated {
                flags.values.insert(spec.name, (format!("no-{}", spec.flag()), "false".to_owned()));
            } else if !texts.is_empty() {
                flags.values.insert(spec.name, (spec.flag(), texts.join(",")));
            }
        }
        flags.ignored = IGNORED
            .iter()
            .chain(&IGNORED_SWITCHES)
            .filter(|flag| matches.contains_id(flag))
            .map(|flag| format!("--{flag} is a flag of Prometheus that has no effect here"))
            .collect();
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
