//! Collectors `netclass` (what network devices are) and `bonding`.

use std::path::PathBuf;

use super::files::{entries, number, word};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

/// File in `/sys/class/net/<device>`, metric, kind, factor.
const FILES: [(&str, &str, &str, f64); 17] = [
    ("addr_assign_type", "node_network_address_assign_type", "gauge", 1.0),
    ("carrier", "node_network_carrier", "gauge", 1.0),
    ("carrier_changes", "node_network_carrier_changes_total", "counter", 1.0),
    ("carrier_up_count", "node_network_carrier_up_changes_total", "counter", 1.0),
    ("carrier_down_count", "node_network_carrier_down_changes_total", "counter", 1.0),
    ("dev_id", "node_network_device_id", "gauge", 1.0),
    ("dormant", "node_network_dormant", "gauge", 1.0),
    ("flags", "node_network_flags", "gauge", 1.0),
    ("ifindex", "node_network_iface_id", "gauge", 1.0),
    ("iflink", "node_network_iface_link", "gauge", 1.0),
    ("link_mode", "node_network_iface_link_mode", "gauge", 1.0),
    ("mtu", "node_network_mtu_bytes", "gauge", 1.0),
    ("name_assign_type", "node_network_name_assign_type", "gauge", 1.0),
    ("netdev_group", "node_network_net_dev_group", "gauge", 1.0),
    // The kernel says Mbit/s.
    ("speed", "node_network_speed_bytes", "gauge", 125_000.0),
    ("tx_queue_len", "node_network_transmit_queue_length", "gauge", 1.0),
    ("type", "node_network_protocol_type", "gauge", 1.0),
];

pub(super) fn netclass(host: &Host, page: &mut Page) -> Collected {
    let devices: Vec<(String, PathBuf)> =
        entries(&host.settings.roots.sys.join("class/net")).into_iter().filter(|(_, path)| path.join("operstate").exists()).collect();
    if devices.is_empty() {
        return Ok(Outcome::NoData);
    }
    for (file, metric, kind, factor) in &FILES {
        let values: Vec<(&str, f64)> = devices.iter().filter_map(|(name, path)| Some((name.as_str(), number(&path.join(file))?))).collect();
        if !values.is_empty() {
            page.family(metric, kind, &format!("Network device: {}.", file.replace('_', " ")));
            for (name, value) in values {
                page.sample(metric, &[("device", name)], value * factor);
            }
        }
    }
    page.family("node_network_info", "gauge", "What a network device is.");
    for (name, path) in &devices {
        let text = |file: &str| word(&path.join(file)).unwrap_or_default();
        let (address, admin, broadcast) = (text("address"), admin_state(path), text("broadcast"));
        let (duplex, alias, state) = (text("duplex"), text("ifalias"), text("operstate"));
        let labels = [
            ("address", address.as_str()),
            ("adminstate", admin),
            ("broadcast", &broadcast),
            ("device", name),
            ("duplex", &duplex),
            ("ifalias", &alias),
            ("operstate", &state),
        ];
        page.sample("node_network_info", &labels, 1.0);
    }
    page.family("node_network_up", "gauge", "Whether a network device is operational.");
    for (name, path) in &devices {
        let up = word(&path.join("operstate")).is_some_and(|state| state == "up");
        page.sample("node_network_up", &[("device", name)], f64::from(u8::from(up)));
    }
    Ok(Outcome::Written)
}

/// Bit 0 of the flags says whether somebody switched the device on.
fn admin_state(path: &std::path::Path) -> &'static str {
    match number(&path.join("flags")) {
        Some(flags) if flags as u64 & 1 == 1 => "up",
        Some(_) => "down",
        None => "unknown",
    }
}

pub(super) fn bonding(host: &Host, page: &mut Page) -> Collected {
    let net = host.settings.roots.sys.join("class/net");
    let Some(masters) = word(&net.join("bonding_masters")) else { return Ok(Outcome::NoData) };
    let mut rows = Vec::new();
    for master in masters.split_ascii_whitespace() {
        let slaves = word(&net.join(master).join("bonding/slaves")).unwrap_or_default();
        let states: Vec<bool> = slaves
            .split_ascii_whitespace()
            .map(|slave| {
                let path = net.join(master).join(format!("lower_{slave}"));
                let status = word(&path.join("bonding_slave/mii_status")).or_else(|| word(&path.join("operstate")));
                status.is_some_and(|status| status == "up")
            })
            .collect();
        rows.push((master.to_owned(), states.len(), states.iter().filter(|up| **up).count()));
    }
    page.family("node_bonding_active", "gauge", "Devices of a bond that are up.");
    for (master, _, up) in &rows {
        page.sample("node_bonding_active", &[("master", master)], *up as f64);
    }
    page.family("node_bonding_slaves", "gauge", "Devices of a bond.");
    for (master, all, _) in &rows {
        page.sample("node_bonding_slaves", &[("master", master)], *all as f64);
    }
    Ok(Outcome::Written)
}
