//! Collector `netdev`: traffic of network devices.

use super::files::{read, unexpected};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

/// Columns of `/proc/net/dev`, named as node_exporter names them when it reads netlink.
const RECEIVE: [&str; 8] = ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast"];
const TRANSMIT: [&str; 8] = ["bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"];

pub(super) fn netdev(host: &Host, page: &mut Page) -> Collected {
    let path = host.settings.roots.net("dev");
    let text = read(&path)?;
    let mut devices: Vec<(&str, Vec<f64>)> = Vec::new();
    for line in text.lines().skip(2) {
        let Some((name, counts)) = line.rsplit_once(':') else { return Err(unexpected(&path, line)) };
        let name = name.trim();
        if host.net_devices_exclude.as_ref().is_some_and(|exclude| exclude.is_match(name)) {
            continue;
        }
        devices.push((name, counts.split_ascii_whitespace().filter_map(|field| field.parse().ok()).collect()));
    }
    for (way, columns, first) in [("receive", RECEIVE, 0), ("transmit", TRANSMIT, RECEIVE.len())] {
        for (at, column) in columns.iter().enumerate() {
            let metric = format!("node_network_{way}_{column}_total");
            page.family(&metric, "counter", &format!("Network device: {way} {column}."));
            for (name, counts) in &devices {
                if let Some(count) = counts.get(first + at) {
                    page.sample(&metric, &[("device", name)], *count);
                }
            }
        }
    }
    no_handler(host, &devices, page);
    Ok(Outcome::Written)
}

/// Packets for which no protocol was registered stand only in `/sys`.
fn no_handler(host: &Host, devices: &[(&str, Vec<f64>)], page: &mut Page) {
    page.family("node_network_receive_nohandler_total", "counter", "Network device: packets received that no protocol took.");
    for (name, _) in devices {
        let path = host.settings.roots.sys.join("class/net").join(name).join("statistics/rx_nohandler");
        if let Some(count) = super::files::number(&path) {
            page.sample("node_network_receive_nohandler_total", &[("device", name)], count);
        }
    }
}
