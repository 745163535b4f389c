//! Collectors `os`, `dmi`, `uname` and `selinux`: what machine this is.

use super::files::{entries, number, read, word};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

/// Keys of `os-release` by label, sorted by label.
const RELEASE: [(&str, &str); 12] = [
    ("build_id", "BUILD_ID"),
    ("id", "ID"),
    ("id_like", "ID_LIKE"),
    ("image_id", "IMAGE_ID"),
    ("image_version", "IMAGE_VERSION"),
    ("name", "NAME"),
    ("pretty_name", "PRETTY_NAME"),
    ("variant", "VARIANT"),
    ("variant_id", "VARIANT_ID"),
    ("version", "VERSION"),
    ("version_codename", "VERSION_CODENAME"),
    ("version_id", "VERSION_ID"),
];

pub(super) fn os_release(host: &Host, page: &mut Page) -> Collected {
    let root = &host.settings.roots.root;
    let Ok(text) = read(&root.join("etc/os-release")).or_else(|_| read(&root.join("usr/lib/os-release"))) else {
        return Ok(Outcome::NoData);
    };
    let value = |key: &str| -> String {
        let found = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or("").trim();
        found.trim_matches(['"', '\'']).to_owned()
    };
    let values: Vec<(&str, String)> = RELEASE.iter().map(|(label, key)| (*label, value(key))).collect();
    let labels: Vec<(&str, &str)> = values.iter().map(|(label, value)| (*label, value.as_str())).collect();
    page.family("node_os_info", "gauge", "The operating system.");
    page.sample("node_os_info", &labels, 1.0);
    // `12`, `22.04`, `3.18.4`: major and minor as one number.
    let version_id = value("VERSION_ID");
    let short: Vec<&str> = version_id.splitn(3, '.').take(2).collect();
    if let Ok(version) = short.join(".").parse() {
        page.family("node_os_version", "gauge", "The operating system's version as a number.");
        let (id, id_like, name) = (value("ID"), value("ID_LIKE"), value("NAME"));
        page.sample("node_os_version", &[("id", &id), ("id_like", &id_like), ("name", &name)], version);
    }
    Ok(Outcome::Written)
}

pub(super) fn dmi(host: &Host, page: &mut Page) -> Collected {
    const FILES: [&str; 18] = [
        "bios_date",
        "bios_release",
        "bios_vendor",
        "bios_version",
        "board_asset_tag",
        "board_name",
        "board_serial",
        "board_vendor",
        "board_version",
        "chassis_asset_tag",
        "chassis_serial",
        "chassis_vendor",
        "chassis_version",
        "product_family",
        "product_name",
        "product_serial",
        "product_uuid",
        "product_version",
    ];
    let folder = host.settings.roots.sys.join("class/dmi/id");
    let present: Vec<String> = entries(&folder).into_iter().map(|(name, _)| name).collect();
    if present.is_empty() {
        return Ok(Outcome::NoData);
    }
    let mut values: Vec<(&str, String)> = FILES
        .iter()
        .filter(|name| present.iter().any(|there| there == *name))
        .map(|name| (*name, word(&folder.join(name)).unwrap_or_default()))
        .collect();
    if present.iter().any(|there| there == "sys_vendor") {
        values.push(("system_vendor", word(&folder.join("sys_vendor")).unwrap_or_default()));
    }
    let labels: Vec<(&str, &str)> = values.iter().map(|(label, value)| (*label, value.as_str())).collect();
    page.family("node_dmi_info", "gauge", "The machine as its firmware describes it.");
    page.sample("node_dmi_info", &labels, 1.0);
    Ok(Outcome::Written)
}

pub(super) fn uname(_host: &Host, page: &mut Page) -> Collected {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let (machine, node, release) = (text(uname.machine()), text(uname.nodename()), text(uname.release()));
    let (system, version, domain) = (text(uname.sysname()), text(uname.version()), text(uname.domainname()));
    page.family("node_uname_info", "gauge", "The kernel.");
    let labels = [
        ("domainname", domain.as_str()),
        ("machine", &machine),
        ("nodename", &node),
        ("release", &release),
        ("sysname", &system),
        ("version", &version),
    ];
    page.sample("node_uname_info", &labels, 1.0);
    Ok(Outcome::Written)
}

pub(super) fn selinux(host: &Host, page: &mut Page) -> Collected {
    let folder = host.settings.roots.sys.join("fs/selinux");
    let Some(current) = number(&folder.join("enforce")) else {
        page.gauge("node_selinux_enabled", "Whether SELinux is on.", 0.0);
        return Ok(Outcome::Written);
    };
    page.gauge("node_selinux_enabled", "Whether SELinux is on.", 1.0);
    page.gauge("node_selinux_current_mode", "Whether SELinux enforces now.", current);
    let config = read(&host.settings.roots.root.join("etc/selinux/config")).unwrap_or_default();
    let mode = match config.lines().find_map(|line| line.strip_prefix("SELINUX=")).map(str::trim) {
        Some("enforcing") => 1.0,
        Some("permissive") => 0.0,
        _ => -1.0,
    };
    page.gauge("node_selinux_config_mode", "Whether SELinux is configured to enforce.", mode);
    Ok(Outcome::Written)
}
