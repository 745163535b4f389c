//! Which sections and keys of a configuration file are read, for the reference: found by reading, not from a list.

use std::path::Path;

use super::read;
use super::support;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::yaml;

/// A file with every section in it, all of them empty.
const SKELETON: &str = r"
global: { scrape_interval: 1m }
runtime: {}
rule_files: []
scrape_config_files: []
scrape_configs:
  - job_name: a
    basic_auth: {}
    authorization: {}
    oauth2: {}
    tls_config: {}
    static_configs: [{}]
    file_sd_configs: [{}]
    http_sd_configs: [{}]
    dns_sd_configs: [{}]
    relabel_configs: [{}]
remote_write:
  - url: http://localhost/
    write_relabel_configs: [{}]
    queue_config: {}
    metadata_config: {}
remote_read:
  - url: http://localhost/
alerting:
  alertmanagers: [{}]
storage:
  tsdb: { retention: {} }
  exemplars: {}
otlp: {}
tracing: {}
";

/// Ways to find targets that are acted upon.
const FOUND_BY: [&str; 4] = ["static_configs", "file_sd_configs", "http_sd_configs", "dns_sd_configs"];

/// A section with its keys, each with what there is to know about it where it changes nothing yet.
pub type SectionKeys = (String, Vec<(&'static str, Option<&'static str>)>);

/// Every section with its keys, in order of reading.
pub fn keys() -> Vec<SectionKeys> {
    let mut report = Report::new(Path::new("reference.yml")).recording();
    let Ok(document) = yaml::parse(SKELETON) else { return Vec::new() };
    let _effective = read::config(&document.root, &[], &|_| None, &mut report);
    let with_notes = |(name, keys): (String, Vec<&'static str>)| {
        let other = |key: &str| key.ends_with("_sd_configs") && !FOUND_BY.contains(&key);
        let note =
            |key: &'static str| support::note(&name, key).or_else(|| other(key).then_some("read, but targets are not found this way yet"));
        let notes = keys.iter().map(|key| (*key, note(key))).collect();
        (name, notes)
    };
    report.recorded().into_iter().map(with_notes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_keys_are_found() {
        let found = keys();
        let section = |name: &str| &found.iter().find(|(section, _)| section == name).unwrap_or_else(|| panic!("{name}: {found:?}")).1;
        for (name, key) in [
            ("configuration", "scrape_configs"),
            ("global", "scrape_interval"),
            ("scrape_configs", "honor_labels"),
            ("scrape_configs", "file_sd_configs"),
            ("basic_auth", "password_file"),
            ("oauth2", "token_url"),
            ("tls_config", "insecure_skip_verify"),
            ("relabel_configs", "target_label"),
            ("dns_sd_configs", "names"),
            ("remote_write", "write_relabel_configs"),
            ("queue_config", "max_shards"),
            ("alertmanagers", "path_prefix"),
            ("retention", "time"),
        ] {
            assert!(section(name).iter().any(|(known, _)| *known == key), "{name}: {key}: {:?}", section(name));
        }
        assert!(section("global").iter().any(|(key, note)| *key == "query_log_file" && note.is_some()));
        assert!(section("configuration").iter().any(|(key, note)| *key == "tracing" && note.is_some()));
        for (name, keys) in &found {
            let mut unique: Vec<_> = keys.iter().map(|(key, _)| key).collect();
            unique.sort_unstable();
            unique.dedup();
            assert_eq!(unique.len(), keys.len(), "{name}: a key twice");
        }
    }
}
