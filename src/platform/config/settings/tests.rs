//! Precedence, names, and that the table is sound.

use std::path::Path;

use clap::{Args, Command, FromArgMatches};

use super::*;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::flags::ServeFlags;
use crate::platform::config::yaml;

fn flags(arguments: &[&str]) -> Result<ServeFlags, String> {
    let command = ServeFlags::augment_args(Command::new("serve"));
    let matches = command.try_get_matches_from([&["serve"], arguments].concat()).map_err(|error| error.to_string())?;
    ServeFlags::from_arg_matches(&matches).map_err(|error| error.to_string())
}

fn file(text: &str) -> Result<FileSettings, Vec<String>> {
    let mut report = Report::new(Path::new("p.yml"));
    let env = |name: &str| (name == "DIR").then(|| "/srv".to_owned());
    let settings = read_file(&yaml::parse(text).expect("valid").root, &env, &mut report);
    report.finish().map(|_| settings).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn defaults_are_what_the_table_says() {
    let settings = Settings::default();
    let mut seen = std::collections::HashSet::new();
    for spec in SPECS {
        let mut changed = Settings::default();
        assert_eq!(changed.set(spec.name, spec.default), Ok(true), "{}", spec.name);
        assert_eq!(changed, settings, "{}", spec.name);
        assert!(spec.flags().into_iter().all(|flag| seen.insert(flag)), "{}", spec.name);
        assert!(spec.aliases.iter().filter(|alias| !alias.contains('.')).count() <= 1, "{}: one everyday flag", spec.name);
    }
    assert_eq!(settings.storage.retention_time, Duration::from_secs(30 * 86_400));
    assert_eq!(SPECS[0].variable(), "PHAROS_SERVER_LISTEN");
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let file =
        file("storage: {path: '${DIR}/p', retention_time: 1d, retention_size: 1GB}\nhost: {collectors: [cpu, meminfo]}").expect("valid");
    let env = |name: &str| match name {
        "PHAROS_STORAGE_RETENTION_TIME" => Some("2d".to_owned()),
        "PHAROS_STORAGE_RETENTION_SIZE" => Some("2GB".to_owned()),
        _ => None,
    };
    let flags = flags(&["--storage.tsdb.retention.size=3GB", "--enable-feature", "a,b", "--enable-feature=c"]).expect("valid");
    let resolved = Resolved::resolve(&flags, &env, &file).expect("valid");
    let source = |name: &str| {
        resolved.values.iter().find(|value| value.spec.name == name).map(|value| (value.value.clone(), value.source.to_string()))
    };
    for (name, value, from) in [
        ("storage.path", "/srv/p", "configuration file, line 1"),
        ("storage.retention_time", "2d", "environment variable PHAROS_STORAGE_RETENTION_TIME"),
        ("storage.retention_size", "3GiB", "flag --retention-size"),
        ("server.listen", "127.0.0.1:9090", "default"),
        ("host.collectors", "cpu,meminfo", "configuration file, line 2"),
        ("feature.enable", "a,b,c", "flag --enable-feature"),
    ] {
        assert_eq!(source(name), Some((value.to_owned(), from.to_owned())), "{name}");
    }
    assert!(resolved.flags().contains(&("web.listen-address".to_owned(), "127.0.0.1:9090".to_owned())));
}

#[test]
fn command_lines_of_prometheus_work() {
    let flags = flags(&[
        "--config.file=/etc/prometheus/prometheus.yml",
        "--storage.tsdb.path=/prometheus",
        "--web.console.libraries=/etc/prometheus/console_libraries",
        "--web.console.templates=/etc/prometheus/consoles",
        "--web.enable-lifecycle",
        "--no-web.enable-admin-api",
        "--query.timeout=1m",
        "--log.level=debug",
        "--storage.tsdb.no-lockfile",
    ])
    .expect("valid");
    assert_eq!(flags.config_file.as_deref(), Some(Path::new("/etc/prometheus/prometheus.yml")));
    let resolved = Resolved::resolve(&flags, &|_| None, &FileSettings::default()).expect("valid");
    assert!(resolved.settings.server.lifecycle && !resolved.settings.server.admin_api);
    assert_eq!(resolved.settings.storage.path, "/prometheus");
    assert_eq!(resolved.settings.limits.query_timeout, Duration::from_secs(60));
    assert_eq!(resolved.settings.log.level, LogLevel::Debug);
    assert_eq!(flags.ignored.len(), 3);
}

#[test]
fn wrong_values_are_refused_by_name() {
    let given = flags(&["--query.timeout=soon"]).expect("clap takes any text");
    let env = |name: &str| (name == "PHAROS_HOST_ENABLED").then(|| "maybe".to_owned());
    let errors = Resolved::resolve(&given, &env, &FileSettings::default()).expect_err("wrong");
    let errors: Vec<String> = errors.iter().map(Diagnostic::to_string).collect();
    assert_eq!(
        errors,
        [
            "--limits.query-timeout: read \"soon\", expected a duration such as 15s or 1m30s",
            "PHAROS_HOST_ENABLED: read \"maybe\", expected true or false, on or off"
        ]
    );
    assert!(flags(&["--agent"]).expect_err("refused").contains("agent mode is not available"));
    assert!(flags(&["--storage.tsdb.pth=x"]).is_err());
    for (text, error) in [
        ("storage: {retention_time: 5x}", "p.yml:1:27: retention_time: read \"5x\", expected a duration such as 15s or 1m30s"),
        ("storage: {retention: 5d, retenton_time: 1d}", "p.yml:1:26: retenton_time: unknown key, did you mean retention_time?"),
        ("storag: {path: x}", "p.yml:1:1: storag: unknown key, did you mean storage?"),
        ("server: {listen: [a]}", "p.yml:1:18: listen: read a list, expected text"),
        ("server: [a]", "p.yml:1:9: server: read a list, expected keys and values"),
        ("storage: {path: '$NOPE/x'}", "p.yml:1:17: path: environment variable NOPE is not set"),
        ("log: {level: '$DIR'}", "p.yml:1:14: level: read \"$DIR\", expected debug, info, warn or error"),
        ("log: {level: loud}", "p.yml:1:14: level: read \"loud\", expected debug, info, warn or error"),
    ] {
        assert_eq!(file(text), Err(vec![error.to_owned()]), "{text}");
    }
}

#[test]
fn unknown_words_do_not_pass_in_silence() {
    let resolve = |given: &[&str], variable: &'static str, file: &FileSettings| {
        let env = move |name: &str| (name == "PHAROS_HOST_COLLECTORS" && !variable.is_empty()).then(|| variable.to_owned());
        let resolved = Resolved::resolve(&flags(given).expect("clap takes any text"), &env, file);
        resolved.map(|resolved| resolved.warnings).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let nothing = FileSettings::default();
    let error = |from: &str| Err(vec![format!("{from}: unknown collector \"cpuu\", did you mean cpu?")]);
    assert_eq!(resolve(&["--host.collectors", "cpu,meminfo"], "", &nothing), Ok(Vec::new()));
    assert_eq!(resolve(&["--host.collectors", "cpuu"], "", &nothing), error("--host.collectors"));
    assert_eq!(resolve(&[], "meminfo,cpuu", &nothing), error("PHAROS_HOST_COLLECTORS"));
    assert_eq!(
        file("host: {collectors: [cpuu]}"),
        Err(vec!["p.yml:1:20: collectors: unknown collector \"cpuu\", did you mean cpu?".to_owned()])
    );
    let odd = |from: &str| Ok(vec![format!("{from}: old-ui is a feature of Prometheus that has no effect here")]);
    assert_eq!(resolve(&["--enable-feature=old-ui,promql-duration-expr"], "", &nothing), odd("--enable-feature"));
    let in_file = file("\nfeature: {enable: [old-ui]}").expect("valid");
    assert_eq!(resolve(&[], "", &in_file), odd("configuration file, line 2, feature.enable"));
}

#[test]
fn the_help_says_everything_by_itself() {
    let mut command = ServeFlags::augment_args(Command::new("serve").term_width(1000));
    let (short, long) = (command.render_help().to_string(), command.render_long_help().to_string());
    for spec in SPECS {
        assert!(short.lines().any(|line| line.contains(&format!("--{}", spec.flag())) && line.contains("[default: ")), "{}", spec.name);
        assert!(long.contains(&spec.variable()) && long.contains(&format!("--{}", spec.full_flag())), "{}", spec.name);
        assert!(spec.help.split(' ').count() >= 4 && spec.help.ends_with('.'), "{}: {:?} is no sentence", spec.name, spec.help);
        assert!(long.contains(spec.help.trim_end_matches('.')), "{}", spec.name);
    }
    for shown in
        ["--auth <auto|on|off>", "--log-format <logfmt|json>", "--data-dir <DIR>", "--listen <ADDRESS>", "--host-metrics[=<true|false>]"]
    {
        assert!(short.contains(shown), "{shown}: {short}");
    }
    let places: Vec<Option<usize>> = ["--config ", "--data-dir ", "--listen ", "--auth ", "Web server:", "Storage:", "Limits:"]
        .iter()
        .map(|text| short.find(text))
        .collect();
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
}
