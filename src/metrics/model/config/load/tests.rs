//! Whole files: what loads, what is refused with which words, and what is printed.

use proptest::prelude::*;

use super::*;
use crate::base::time::Duration;
use crate::metrics::model::config::{DnsRecord, GlobalConfig, NameEscaping, NameValidation, RelabelAction, ScrapeProtocol};
use crate::platform::config::flags::ServeFlags;
use crate::platform::config::settings::Resolved;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/config");

fn env(name: &str) -> Option<String> {
    (name == "SITE").then(|| "berlin".to_owned())
}

fn file(name: &str) -> LoadedConfig {
    load(&Path::new(DATA).join(name), &env).unwrap_or_else(|errors| panic!("{name}: {}", lines(&errors).join("\n")))
}

fn text(text: &str) -> Result<LoadedConfig, Vec<String>> {
    read_text(text, Path::new("prometheus.yml"), &env).map_err(|errors| lines(&errors))
}

fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(ToString::to_string).collect()
}

/// The warnings, with the folder of the test data taken off.
fn warnings(loaded: &LoadedConfig) -> Vec<String> {
    lines(&loaded.warnings).iter().map(|line| line.replace(&format!("{DATA}/"), "")).collect()
}

#[test]
fn no_file_and_an_empty_file_are_the_defaults() {
    assert_eq!(text("").expect("valid").config, Config::default());
    assert_eq!(text("# nothing\nglobal:\nscrape_configs:\n").expect("valid").config, Config::default());
    let global = GlobalConfig::default();
    assert_eq!((global.scrape_interval, global.scrape_timeout), (Duration::from_secs(60), Duration::from_secs(10)));
}

#[test]
fn files_of_users_load_as_they_are() {
    let main = file("prometheus.yml");
    let jobs: Vec<&str> = main.config.scrape_configs.iter().map(|job| job.job_name.as_str()).collect();
    assert_eq!(jobs, ["api", "node", "postgres", "redis"]);
    assert!(main.config.scrape_configs.iter().all(|job| job.scrape_interval == Duration::from_secs(15)));
    assert!(main.config.rule_files[0].ends_with("tests/data/config/rules/node_exporter_rules.yml"));
    assert_eq!(warnings(&main), [] as [&str; 0]);

    let tasks = file("prometheus.taskmanager.yml");
    assert_eq!(tasks.config.scrape_configs[0].discovery.other[0].key, "ec2_sd_configs");
    assert_eq!(tasks.config.scrape_configs[0].relabel_configs[1].replacement, "${1}:8000");
    assert_eq!(tasks.config.scrape_configs[1].discovery.static_configs[0].targets, ["worker-1:9091", "worker-2:9091"]);
    assert_eq!(
        warnings(&tasks),
        ["prometheus.taskmanager.yml:7:5: ec2_sd_configs: ec2 discovery is not supported yet, its targets are not scraped"]
    );

    let blackbox = file("blackbox-scrape.yml");
    let job = &blackbox.config.scrape_configs[0];
    assert_eq!((job.metrics_path.as_str(), &job.params["module"]), ("/probe", &vec!["http_2xx".to_owned()]));
    assert_eq!(job.relabel_configs.len(), 3);
    assert_eq!(blackbox.warnings, []);
}

#[test]
fn every_key_is_read() {
    let loaded = file("complete.yml");
    let job = &loaded.config.scrape_configs[0];
    assert_eq!(loaded.config.global.external_labels.to_string(), r#"{more="yes", site="berlin-$1"}"#);
    assert_eq!((job.sample_limit, job.target_limit, job.body_size_limit), (1000, 16, 15 << 20));
    assert_eq!((job.scrape_timeout, job.scrape_interval), (Duration::from_secs(5), Duration::from_secs(5)));
    assert_eq!((job.metric_name_validation_scheme, job.metric_name_escaping_scheme), (NameValidation::Utf8, NameEscaping::Dots));
    assert_eq!(job.fallback_scrape_protocol, Some(ScrapeProtocol::PrometheusText1_0_0));
    assert_eq!(job.discovery.dns[1].record, DnsRecord::Aaaa);
    assert_eq!(job.relabel_configs[1].action, RelabelAction::HashMod);
    assert!(job.scrape_failure_log_file.ends_with("config/failures.log"));
    let plain = &loaded.config.scrape_configs[1];
    assert_eq!(plain.metric_name_escaping_scheme, NameEscaping::Underscores);
    assert_eq!(plain.scrape_protocols, [ScrapeProtocol::PrometheusProto, ScrapeProtocol::PrometheusText0_0_4]);
    assert!(plain.scrape_native_histograms && plain.convert_classic_histograms_to_nhcb && plain.extra_scrape_metrics);
    assert!(loaded.warnings.iter().all(|warning| !warning.message.contains("unknown key")), "{:?}", warnings(&loaded));

    let resolved = Resolved::resolve(&ServeFlags::default(), &|_| None, &loaded.settings).expect("valid");
    assert_eq!(resolved.settings.storage.retention_time, Duration::from_secs(30 * 86_400));
    assert_eq!(resolved.settings.storage.path, "/var/lib/pharos");
    assert_eq!(resolved.settings.storage.exemplars_max, 5000);
    assert!(resolved.settings.server.lifecycle);
}

#[test]
fn what_is_printed_reads_back() {
    for name in ["complete.yml", "prometheus.yml", "prometheus.taskmanager.yml", "blackbox-scrape.yml"] {
        let loaded = file(name);
        let printed = loaded.to_yaml();
        let again = text(&printed).unwrap_or_else(|errors| panic!("{name}: {errors:?}\n{printed}"));
        assert_eq!(again.config, loaded.config, "{name}\n{printed}");
        assert_eq!(again.to_yaml(), printed, "{name}");
    }
    let default = Config::default().to_yaml();
    assert_eq!(text(&default).expect("valid").config, Config::default(), "{default}");
}

#[test]
fn prints_in_the_order_of_upstream() {
    let loaded = text("scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ['x:1', '1.2.3.4:80']\n  relabel_configs:\n  - source_labels: [b]\n    target_label: c\n").expect("valid");
    let expected = "\
scrape_configs:
- job_name: a
  honor_timestamps: true
  track_timestamps_staleness: false
  scrape_interval: 1m
  scrape_timeout: 10s
  scrape_protocols:
  - OpenMetricsText1.0.0
  - OpenMetricsText0.0.1
  - PrometheusText1.0.0
  - PrometheusText0.0.4
  scrape_native_histograms: false
  always_scrape_classic_histograms: false
  convert_classic_histograms_to_nhcb: false
  metrics_path: /metrics
  scheme: http
  enable_compression: true
  metric_name_validation_scheme: utf8
  metric_name_escaping_scheme: allow-utf-8
  extra_scrape_metrics: false
  follow_redirects: true
  enable_http2: true
  relabel_configs:
  - source_labels: [b]
    separator: ;
    target_label: c
    replacement: $1
    action: replace
  static_configs:
  - targets:
    - x:1
    - 1.2.3.4:80
";
    let printed = loaded.to_yaml();
    assert!(printed.contains(expected), "{printed}");
}

#[test]
fn secrets_never_show() {
    let secret = "hunter2";
    let yaml = "
scrape_configs:
- job_name: a
  basic_auth: {username: u, password: hunter2}
  proxy_url: http://u:hunter2@proxy:1
  proxy_connect_header: {X-Auth: [hunter2]}
  http_headers: {X-Key: {secrets: [hunter2]}}
  tls_config: {cert: c, key: hunter2}
  http_sd_configs: [{url: 'http://u:hunter2@sd/x', bearer_token: hunter2}]
  ec2_sd_configs: [{secret_key: hunter2}]
  consul_sd_configs: [{token: hunter2, server: 'http://u:hunter2@consul/'}]
  ovhcloud_sd_configs: [{consumer_key: hunter2, application_secret: hunter2}]
remote_write:
- url: http://u:hunter2@store/write
  oauth2: {client_id: x, client_secret: hunter2, token_url: 'http://t', claims: {password: hunter2}}
- url: http://x
  azuread: {oauth: {client_secret: hunter2}}
- url: http://x?access_token=hunter2
  headers: {X-Api-Key: hunter2}
  oauth2: {client_id: x, token_url: 'http://t?sig=hunter2', endpoint_params: {password: hunter2}}
scrape_config_files: []
pharos: {auth: {oidc_client_secret: hunter2}}
";
    let more = "
- job_name: b
  params: {api_key: [hunter2], module: [plain], target: ['http://a?token=hunter2']}
  http_headers: {X-Token: {values: [hunter2]}}
  static_configs: [{targets: ['u:hunter2@a:1'], labels: {__param_token: hunter2, __param_target: 'http://u:hunter2@a'}}]
  relabel_configs: [{target_label: __param_token, replacement: hunter2}]
remote_write:";
    let yaml = &yaml.replace("\nremote_write:", more);
    let loaded = text(yaml).expect("valid");
    let printed = loaded.to_yaml();
    assert!(!printed.contains(secret), "{printed}");
    assert!(printed.contains("password: <secret>") && printed.contains("http://u:xxxxx@store/write"), "{printed}");
    let debug = format!("{:?}", loaded.config.scrape_configs[0].http);
    assert!(!debug.contains(secret), "{debug}");
    let errors = text("pharos: {server: {external_url: 'http://u:hunter2@x/'}}").expect_err("everybody would see it");
    assert!(errors[0].contains("1:33: external_url: read \"http://u:xxxxx@x/\", expected an http"), "{errors:?}");
    let errors = text("scrape_configs: [{job_name: a, basic_auth: {password: [hunter2]}, proxy_url: 'u:hunter2@p'}]").expect_err("wrong");
    assert!(!errors.join("\n").contains(secret), "{errors:?}");
}

#[test]
fn unknown_keys_are_warnings_with_their_place() {
    let loaded = text("global: {scrape_intervall: 5s}\nnew_section: {}\nscrape_configs:\n- job_name: a\n  static_config: []\n  tls_config: {color: red}\n").expect("valid");
    assert_eq!(
        lines(&loaded.warnings),
        [
            "prometheus.yml:1:10: scrape_intervall: unknown key, ignored, did you mean scrape_interval?",
            "prometheus.yml:2:1: new_section: unknown key, ignored",
            "prometheus.yml:5:3: static_config: unknown key, ignored, did you mean static_configs?",
            "prometheus.yml:6:16: color: unknown key, ignored",
        ]
    );
    let loaded =
        text("scrape_configs:\n- job_name: a\n  honor_timestamps:\n  relabel_configs: [{target_label: x, replacement: , separator: ~}]")
            .expect("valid");
    assert_eq!(lines(&loaded.warnings), ["prometheus.yml:3:3: honor_timestamps: read nothing, which means false"]);
    let job = &loaded.config.scrape_configs[0];
    assert!(!job.honor_timestamps && job.relabel_configs[0].replacement.is_empty() && job.relabel_configs[0].separator.is_empty());
    let loaded = text("global: {external_labels: {a: '$NONE'}}\n---\nx: 1\n").expect("valid");
    assert_eq!(
        lines(&loaded.warnings),
        [
            "prometheus.yml:1:10: external_labels: environment variable NONE is empty or not set",
            "prometheus.yml:2:1: a second document begins here; only the first one is read",
        ]
    );
}

#[test]
fn ways_to_sign_in_that_are_not_there_yet_are_warnings() {
    let loaded = text(
        "remote_write:\n- url: http://a\n  sigv4: {region: eu-west-1, access_key: k, secret_key: hunter2}\n- url: http://b\n  azuread:\n    cloud: AzurePublic\n    managed_identity: {client_id: 00000000-0000-0000-0000-000000000000}\nalerting: {alertmanagers: [{sigv4: {region: x}}]}\n",
    )
    .expect("valid");
    let warnings = lines(&loaded.warnings);
    for expected in [
        "prometheus.yml:3:3: sigv4: read, but requests are not signed for Amazon yet",
        "prometheus.yml:5:3: azuread: read, but tokens are not fetched from Azure yet",
        "prometheus.yml:8:29: sigv4: read, but requests are not signed for Amazon yet",
    ] {
        assert!(warnings.iter().any(|warning| warning == expected), "{warnings:?}");
    }
    let printed = loaded.to_yaml();
    assert!(printed.contains("region: eu-west-1") && printed.contains("cloud: AzurePublic") && !printed.contains("hunter2"), "{printed}");
    // The endpoints are there all the same.
    assert_eq!(loaded.config.remote_write.len(), 2);
}

/// One job with more keys.
fn job(keys: &str) -> String {
    format!("scrape_configs:\n- job_name: a\n  {keys}\n")
}

#[test]
fn wrong_files_are_refused_with_place_and_reason() {
    let mut unexpected = String::new();
    for (yaml, message) in bad_files() {
        let errors = text(&yaml).map(|_| ()).expect_err(&yaml);
        if errors != [format!("prometheus.yml:{message}")] {
            unexpected.push_str(&format!("{yaml}\n  expected {message}\n  got      {}\n", errors.join("\n           ")));
        }
    }
    assert!(unexpected.is_empty(), "{unexpected}");
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_files() -> Vec<(String, &'static str)> {
    let whole = [
        ("a: [", "1:4: not valid YAML: unclosed bracket '['"),
        ("scrape_configs: 5", "1:17: scrape_configs: read \"5\", expected a list"),
        ("global: [x]", "1:9: global: read a list, expected keys and values"),
        ("- a", "1:1: configuration: read a list, expected keys and values"),
        ("global: {scrape_interval: 5x}", "1:27: scrape_interval: read \"5x\", expected a duration such as 15s or 1m30s"),
        ("global: {scrape_interval: 15}", "1:27: scrape_interval: read \"15\", expected a duration such as 15s or 1m30s"),
        ("global: {scrape_interval: -1s}", "1:27: scrape_interval: read \"-1s\", expected a duration such as 15s or 1m30s"),
        ("global: {scrape_interval: [1s]}", "1:27: scrape_interval: read a list, expected a duration such as 15s or 1m30s"),
        ("global: {scrape_interval: 5s, scrape_timeout: 6s}", "1:47: global scrape timeout greater than scrape interval"),
        ("global: {evaluation_interval: soon}", "1:31: evaluation_interval: read \"soon\", expected a duration such as 15s or 1m30s"),
        ("global: {body_size_limit: 100}", "1:27: body_size_limit: read \"100\", expected a size such as 512KiB, 10MB or 1GB"),
        ("global: {sample_limit: -1}", "1:24: sample_limit: read \"-1\", expected a whole number, 0 or more"),
        ("global: {sample_limit: '5'}", "1:24: sample_limit: read \"5\" in quotes, expected a whole number, 0 or more"),
        ("global: {scrape_protocols: []}", "1:28: scrape_protocols cannot be empty"),
        (
            "global: {scrape_protocols: [x]}",
            "1:29: scrape_protocols: unknown scrape protocol \"x\", expected OpenMetricsText0.0.1, OpenMetricsText1.0.0, PrometheusProto, PrometheusText0.0.4 or PrometheusText1.0.0",
        ),
        (
            "global: {scrape_protocols: [PrometheusProto, PrometheusProto]}",
            "1:46: duplicated protocol in scrape_protocols, got PrometheusProto again",
        ),
        ("global: {metric_name_validation_scheme: ascii}", "1:41: metric_name_validation_scheme: read \"ascii\", expected utf8 or legacy"),
        (
            "global: {external_labels: {a-b: x}, metric_name_validation_scheme: legacy}",
            "1:28: external_labels: \"a-b\" is not a valid label name",
        ),
        ("global: {external_labels: [a]}", "1:27: external_labels: read a list, expected keys and values"),
        ("global: {scrape_interval: 1s, scrape_interval: 2s}", "1:31: key \"scrape_interval\" is set twice, first in line 1"),
        ("scrape_configs: []\nscrape_configs: []", "2:1: key \"scrape_configs\" is set twice, first in line 1"),
        ("rule_files: ['a*/b.yml']", "1:14: invalid rule file path \"a*/b.yml\": a glob may only be in the last part"),
        ("scrape_config_files: ['a*/b.yml']", "1:23: invalid scrape config file path \"a*/b.yml\": a glob may only be in the last part"),
        ("scrape_configs: [~]", "1:18: empty or null scrape config section"),
        ("scrape_configs: [{}]", "1:18: job_name is empty"),
        ("scrape_configs: [{job_name: ''}]", "1:18: job_name is empty"),
        ("scrape_configs:\n- job_name: x\n- job_name: x", "3:13: found multiple scrape configs with job name \"x\", first in line 2"),
        ("alerting: {alertmanagers: [{api_version: v1}]}", "1:42: api_version: read \"v1\", expected v2"),
        ("alerting: {alertmanagers: [~]}", "1:28: empty or null section in alertmanagers"),
        ("alerting: {alert_relabel_configs: [~]}", "1:36: empty or null alert relabeling rule"),
        ("alerting: {alertmanagers: [{static_configs: [{targets: [http://x]}]}]}", "1:57: \"http://x\" is not a valid hostname"),
        ("remote_write: [{name: x}]", "1:16: url for remote_write is empty"),
        ("remote_write: [~]", "1:16: empty or null remote write config section"),
        ("remote_write: [{url: 'ftp://x'}]", "1:22: url: read scheme \"ftp\", expected http or https"),
        ("remote_write: [{url: nowhere}]", "1:22: url: expected a URL such as http://host:9090/path, relative URL without a base"),
        (
            "remote_write: [{url: 'http://x', name: q}, {url: 'http://y', name: q}]",
            "1:68: found multiple remote write configs with job name \"q\"",
        ),
        ("remote_write: [{url: 'http://x', queue_config: {max_shards: 0}}]", "1:61: remote write queue max_shards must be positive"),
        (
            "remote_write: [{url: 'http://x', queue_config: {min_shards: 60}}]",
            "1:61: remote write queue min_shards must not be greater than max_shards",
        ),
        (
            "remote_write: [{url: 'http://x', queue_config: {max_backoff: 1ms}}]",
            "1:62: remote write queue max_backoff must not be less than min_backoff",
        ),
        (
            "remote_write: [{url: 'http://x', protobuf_message: v3}]",
            "1:52: protobuf_message: read \"v3\", expected prometheus.WriteRequest or io.prometheus.write.v2.Request",
        ),
        ("remote_write: [{url: 'http://x', headers: {Host: y}}]", "1:43: Host is a reserved header. It must not be changed"),
        (
            "remote_write: [{url: 'http://x', headers: {authorization: y}}]",
            "1:43: authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter",
        ),
        (
            "remote_write: [{url: 'http://x', basic_auth: {username: u}, sigv4: {}}]",
            "1:16: at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. Currently configured: [basic_auth sigv4]",
        ),
        ("remote_read: [{}]", "1:15: url for remote_read is empty"),
        ("tracing: {}", "1:10: tracing endpoint must be set"),
        ("tracing: {endpoint: x, client_type: udp}", "1:37: client_type: read \"udp\", expected http or grpc"),
        ("tracing: {endpoint: x, compression: zip}", "1:37: compression: read \"zip\", expected gzip"),
        (
            "storage: {tsdb: {retention: {percentage: 101}}}",
            "1:42: 'storage.tsdb.retention.percentage' must be in the range [0, 100], got 101",
        ),
        ("storage: {tsdb: {retention: {size: -1GB}}}", "1:36: size: read \"-1GB\", expected a size such as 512KiB, 10MB or 1GB"),
        ("storage: {tsdb: {chunk_encoding: {floats: XOR}}}", "1:43: floats: read \"XOR\", expected xor or xor2"),
        (
            "otlp: {promote_all_resource_attributes: true, promote_resource_attributes: [a]}",
            "1:47: 'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously",
        ),
        (
            "otlp: {ignore_resource_attributes: [a]}",
            "1:8: 'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true",
        ),
        (
            "otlp: {promote_resource_attributes: [a, a]}",
            "1:37: invalid 'promote_resource_attributes': duplicated promoted OTel resource attribute \"a\"",
        ),
        (
            "global: {metric_name_validation_scheme: legacy}\notlp: {translation_strategy: NoTranslation}",
            "2:7: OTLP translation strategy \"NoTranslation\" is not allowed when UTF8 is disabled",
        ),
        ("pharos: {storage: {retention_time: never}}", "1:36: retention_time: read \"never\", expected a duration such as 15s or 1m30s"),
        ("pharos: {storage: {retenton_time: 1d}}", "1:20: retenton_time: unknown key, did you mean retention_time?"),
        ("runtime: {gogc: fast}", "1:17: gogc: read \"fast\", expected a whole number"),
    ];
    let jobs = [
        (
            "scrape_interval: 5s\n  scrape_timeout: 6s",
            "4:19: scrape timeout greater than scrape interval for scrape config with job name \"a\"",
        ),
        ("honor_labels: maybe", "3:17: honor_labels: read \"maybe\", expected true or false"),
        ("honor_labels: 'true'", "3:17: honor_labels: read \"true\" in quotes, expected true or false"),
        ("scheme: gopher", "3:11: scheme: read \"gopher\", expected http or https"),
        ("params: {x: y}", "3:15: x: read \"y\", expected a list"),
        ("metrics_path: [x]", "3:17: metrics_path: read a list, expected text"),
        (
            "fallback_scrape_protocol: text",
            "3:29: fallback_scrape_protocol: unknown scrape protocol \"text\", expected OpenMetricsText0.0.1, OpenMetricsText1.0.0, PrometheusProto, PrometheusText0.0.4 or PrometheusText1.0.0",
        ),
        (
            "metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: allow-utf-8",
            "4:3: utf8 metric names requested but validation scheme is not set to UTF8",
        ),
        ("native_histogram_min_bucket_factor: high", "3:39: native_histogram_min_bucket_factor: read \"high\", expected a number"),
        ("static_configs: [~]", "3:20: empty or null section in static_configs"),
        ("static_configs: [{targets: ['http://x:1']}]", "3:31: \"http://x:1\" is not a valid hostname"),
        ("static_configs: [{targets: [x], labels: {'': y}}]", "3:44: labels: \"\" is not a valid label name"),
        ("static_configs: [{targets: x}]", "3:30: targets: read \"x\", expected a list"),
        ("file_sd_configs: [{}]", "3:21: file service discovery config must contain at least one path name"),
        ("file_sd_configs: [{files: [targets.txt]}]", "3:30: path name \"targets.txt\" is not valid for file discovery"),
        ("http_sd_configs: [{}]", "3:21: URL is missing"),
        ("http_sd_configs: [{url: 'ftp://x'}]", "3:27: url: read scheme \"ftp\", expected http or https"),
        ("dns_sd_configs: [{}]", "3:20: DNS-SD config must contain at least one SRV record name"),
        ("dns_sd_configs: [{names: [x], type: A}]", "3:20: a port is required in DNS-SD configs for all record types except SRV"),
        ("dns_sd_configs: [{names: [x], type: TXT}]", "3:39: invalid DNS-SD records type TXT, expected SRV, A, AAAA, MX or NS"),
        ("dns_sd_configs: [{names: [x], port: 70000}]", "3:39: port: read \"70000\", expected a port from 1 to 65535"),
        ("consul_sd_configs: [~]", "3:23: empty or null section in consul_sd_configs"),
        ("relabel_configs: [~]", "3:21: empty or null target relabeling rule in scrape config"),
        ("metric_relabel_configs: [~]", "3:28: empty or null metric relabeling rule in scrape config"),
        ("relabel_configs: [{source_labels: [x]}]", "3:21: relabel configuration for replace action requires 'target_label' value"),
        (
            "relabel_configs: [{action: replicate}]",
            "3:30: unknown relabel action \"replicate\", expected replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase or uppercase",
        ),
        ("relabel_configs: [{action: ~}]", "3:30: relabel action cannot be empty"),
        ("relabel_configs: [{action: keep, regex: '('}]", "3:43: regex: invalid regular expression \"(\": unclosed group"),
        ("relabel_configs: [{action: hashmod, target_label: x}]", "3:21: relabel configuration for hashmod requires non-zero modulus"),
        ("relabel_configs: [{action: labeldrop, source_labels: [x]}]", "3:21: labeldrop action requires only 'regex', and no other fields"),
        ("relabel_configs: [{source_labels: x, target_label: y}]", "3:37: source_labels: read \"x\", expected a list"),
        (
            "basic_auth: {password: x, password_file: y}",
            "3:15: at most one of basic_auth password, password_file & password_ref must be configured",
        ),
        ("bearer_token: x\n  bearer_token_file: y", "3:3: at most one of bearer_token & bearer_token_file must be configured"),
        (
            "bearer_token: x\n  basic_auth: {username: y}",
            "3:3: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
        ),
        ("authorization: {type: Basic}", "3:25: authorization type cannot be set to \"basic\", use \"basic_auth\" instead"),
        (
            "authorization: {credentials: x}\n  basic_auth: {username: y}",
            "3:3: at most one of basic_auth, oauth2 & authorization must be configured",
        ),
        ("oauth2: {client_id: x}", "3:11: oauth2 token_url must be configured"),
        ("tls_config: {cert_file: x}", "3:15: exactly one of key or key_file must be configured when a client certificate is configured"),
        ("tls_config: {ca: x, ca_file: y}", "3:15: at most one of ca, ca_file & ca_ref must be configured"),
        ("tls_config: {min_version: SSL3}", "3:29: min_version: read \"SSL3\", expected TLS10, TLS11, TLS12 or TLS13"),
        ("no_proxy: x", "3:3: if no_proxy is configured, proxy_url must also be configured"),
        (
            "proxy_from_environment: true\n  proxy_url: http://x",
            "3:3: if proxy_from_environment is configured, proxy_url must not be configured",
        ),
        (
            "proxy_connect_header: {x: [y]}",
            "3:3: if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
        ),
        ("http_headers: {Host: {values: [x]}}", "3:18: setting header \"Host\" is not allowed"),
        ("http_headers: {'a b': {values: [x]}}", "3:18: \"a b\" is not a valid header name"),
    ];
    let whole = whole.into_iter().map(|(yaml, message)| (yaml.to_owned(), message));
    whole.chain(jobs.into_iter().map(|(keys, message)| (job(keys), message))).collect()
}

#[test]
fn every_mistake_is_told_at_once_in_order() {
    let errors =
        text("scrape_configs:\n- job_name: a\n  scrape_interval: x\n  sample_limit: y\nglobal:\n  scrape_timeout: z\n").expect_err("wrong");
    let places: Vec<&str> = errors.iter().filter_map(|error| error.split(": ").next()).collect();
    assert_eq!(places, ["prometheus.yml:3:20", "prometheus.yml:4:17", "prometheus.yml:6:19"]);
    let many = format!("scrape_configs: [{}]", "{},".repeat(500));
    let errors = text(&many).expect_err("wrong");
    assert_eq!(errors.len(), 101);
    assert!(errors.iter().any(|error| error.contains("and 400 more like these")));
}

#[test]
fn scrape_config_files_are_read_and_checked() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    let main = dir.path().join("prometheus.yml");
    let read = || load(&main, &env).map_err(|errors| lines(&errors).join("\n").replace(&dir.path().display().to_string(), ""));
    write("prometheus.yml", "global: {scrape_interval: 7s}\nscrape_config_files: ['more_*.yml']\nscrape_configs: [{job_name: a}]\n");
    write("more_1.yml", "scrape_configs: [{job_name: b, basic_auth: {password_file: secret}}]");
    let loaded = read().expect("valid");
    let jobs: Vec<&str> = loaded.config.scrape_configs.iter().map(|job| job.job_name.as_str()).collect();
    assert_eq!((jobs, loaded.config.scrape_configs_inline), (vec!["a", "b"], 1));
    assert_eq!(loaded.config.scrape_configs[1].scrape_interval, Duration::from_secs(7));
    assert!(!loaded.to_yaml().contains("job_name: b"));
    let hash = loaded.hash;
    assert_eq!(read().expect("valid").hash, hash);

    write("more_2.yml", "scrape_configs: [{job_name: b}]");
    assert_eq!(read().expect_err("twice"), "/more_2.yml: found multiple scrape configs with job name \"b\", first found in /more_1.yml");
    write("more_2.yml", "scrape_configs: [{job_name: c, sample_limit: x}]");
    assert_eq!(read().expect_err("wrong"), "/more_2.yml:1:46: sample_limit: read \"x\", expected a whole number, 0 or more");
    write("more_2.yml", "scrape_configs: []");
    assert_ne!(read().expect("valid").hash, hash);
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("p.yml");
    assert!(lines(&load(&path, &env).expect_err("missing"))[0].contains("No such file"));
    std::fs::write(&path, b"a: 1\nb: \xff").expect("written");
    assert!(lines(&load(&path, &env).expect_err("bytes"))[0].ends_with("not UTF-8 text, line 2"));
    assert!(load(dir.path(), &env).is_err());
}

#[test]
fn check_tells_what_is_wrong_and_what_is_missing() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("p.yml");
    let checked = |text: &str| {
        std::fs::write(&path, text).expect("written");
        let report = check(&path, false, &env, &|_| Vec::new());
        (report.ok, report.text.replace(&dir.path().display().to_string(), ""))
    };
    assert_eq!(
        checked("global: {scrape_interval: 15s}"),
        (true, "Checking /p.yml\n SUCCESS: /p.yml is valid prometheus config file syntax\n".into())
    );
    assert_eq!(
        checked("global: {scrape_interval: 15}"),
        (false, "Checking /p.yml\n  FAILED: /p.yml:1:27: scrape_interval: read \"15\", expected a duration such as 15s or 1m30s\n".into())
    );
    let (ok, text) = checked("rule_files: [none.yml, 'rules/*.yml']\nscrape_configs: [{job_name: a, basic_auth: {password_file: gone}}]");
    assert!(!ok && text.contains("FAILED: /p.yml:1:14: rule_files: \"/none.yml\" does not exist"), "{text}");
    assert!(text.contains("FAILED: /p.yml:2:60: password_file: \"/gone\" does not exist"), "{text}");
    std::fs::write(dir.path().join("more.yml"), "scrape_configs:\n- job_name: b\n  tls_config: {ca_file: ca.pem}\n").expect("written");
    let (ok, text) = checked("scrape_config_files: [more.yml]");
    assert!(!ok && text.contains("FAILED: /more.yml:3:25: ca_file: \"/ca.pem\" does not exist"), "{text}");
    let (ok, text) = checked("global: {scrape_intervall: 15s}");
    assert!(ok && text.contains("WARNING: /p.yml:1:10: scrape_intervall: unknown key"), "{text}");
    let strict = check(&path, true, &env, &|_| Vec::new());
    assert!(!strict.ok && strict.text.contains("FAILED: ") && !strict.text.contains("SUCCESS"), "{}", strict.text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn never_panics(text in "(?s)[a-z_:\\[\\]{}&*\"'\n 0-9$-]{0,120}") {
        let _either = read_text(&text, Path::new("p.yml"), &env);
    }

    #[test]
    fn changed_files_never_panic(cut in 0usize..4000, with in "[ -~\n]{0,8}") {
        let complete = std::fs::read_to_string(Path::new(DATA).join("complete.yml")).expect("read");
        let at = cut.min(complete.len());
        let changed = format!("{}{with}{}", &complete[..at], &complete[(at + with.len()).min(complete.len())..]);
        if let Ok(loaded) = read_text(&changed, Path::new("p.yml"), &env) {
            let again = read_text(&loaded.to_yaml(), Path::new("p.yml"), &env);
            prop_assert!(again.is_ok(), "{:?}\n{}", again.err(), loaded.to_yaml());
        }
    }
}
