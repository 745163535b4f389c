//! Collectors `arp`, `netstat`, `sockstat`, `softnet` and `udp_queues`.

use std::collections::BTreeMap;

use super::files::{read, read_if_there, unexpected};
use super::{CollectError, Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

pub(super) fn arp(host: &Host, page: &mut Page) -> Collected {
    let mut per_device: BTreeMap<String, u32> = BTreeMap::new();
    for line in read(&host.settings.roots.net("arp"))?.lines().skip(1) {
        if let Some(device) = line.split_ascii_whitespace().last() {
            *per_device.entry(device.to_owned()).or_default() += 1;
        }
    }
    page.family("node_arp_entries", "gauge", "Neighbours known by address.");
    for (device, entries) in per_device {
        page.sample("node_arp_entries", &[("device", &device)], f64::from(entries));
    }
    Ok(Outcome::Written)
}

/// The counters that node_exporter shows by default.
fn is_wanted(name: &str) -> bool {
    let Some((protocol, counter)) = name.split_once('_') else { return false };
    match (protocol, counter) {
        (_, "InErrors" | "InErrs")
        | ("Ip", "Forwarding")
        | ("Ip6" | "IpExt", "InOctets" | "OutOctets")
        | ("Icmp" | "Icmp6", "InMsgs" | "OutMsgs")
        | ("TcpExt", "TCPSynRetrans" | "TCPTimeouts" | "TCPOFOQueue" | "TCPRcvQDrop")
        | ("Tcp", "ActiveOpens" | "InSegs" | "OutSegs" | "OutRsts" | "PassiveOpens" | "RetransSegs" | "CurrEstab")
        | ("Udp" | "Udp6", "InDatagrams" | "OutDatagrams" | "NoPorts" | "RcvbufErrors" | "SndbufErrors") => true,
        ("TcpExt", counter) => counter.starts_with("Listen") || counter.starts_with("Syncookies"),
        _ => false,
    }
}

pub(super) fn netstat(host: &Host, page: &mut Page) -> Collected {
    let mut counters: BTreeMap<String, f64> = BTreeMap::new();
    for file in ["netstat", "snmp"] {
        let path = host.settings.roots.net(file);
        let text = read(&path)?;
        let mut lines = text.lines();
        // Names on one line, values on the next, each with the protocol in front.
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let (Some((protocol, names)), Some((_, values))) = (names.split_once(':'), values.split_once(':')) else {
                return Err(unexpected(&path, names));
            };
            for (name, value) in names.split_ascii_whitespace().zip(values.split_ascii_whitespace()) {
                counters.extend(value.parse().ok().map(|value| (format!("{protocol}_{name}"), value)));
            }
        }
    }
    if let Some(text) = read_if_there(&host.settings.roots.net("snmp6"))? {
        for line in text.lines() {
            let mut fields = line.split_ascii_whitespace();
            let (Some(name), Some(value)) = (fields.next(), fields.next().and_then(|field| field.parse().ok())) else { continue };
            // `Ip6InOctets` is protocol `Ip6`, counter `InOctets`.
            if let Some((at, _)) = name.match_indices('6').next() {
                let (protocol, counter) = name.split_at(at + 1);
                counters.insert(format!("{protocol}_{counter}"), value);
            }
        }
    }
    for (name, value) in counters.iter().filter(|(name, _)| is_wanted(name)) {
        let metric = format!("node_netstat_{name}");
        page.family(&metric, "untyped", &format!("Network: the kernel's {name}."));
        page.sample(&metric, &[], *value);
    }
    Ok(Outcome::Written)
}

pub(super) fn sockstat(host: &Host, page: &mut Page) -> Collected {
    let page_bytes = rustix::param::page_size() as f64;
    for file in ["sockstat", "sockstat6"] {
        let Some(text) = read_if_there(&host.settings.roots.net(file))? else { continue };
        for line in text.lines() {
            let Some((protocol, pairs)) = line.split_once(": ") else { continue };
            let fields: Vec<&str> = pairs.split_ascii_whitespace().collect();
            for pair in fields.chunks_exact(2) {
                let (name, Ok(value)) = (pair[0], pair[1].parse::<f64>()) else { continue };
                page.gauge(&format!("node_sockstat_{protocol}_{name}"), &format!("Sockets: {protocol} {name}."), value);
                if name == "mem" {
                    page.gauge(&format!("node_sockstat_{protocol}_mem_bytes"), &format!("Sockets: {protocol} memory."), value * page_bytes);
                }
            }
        }
    }
    Ok(Outcome::Written)
}

pub(super) fn softnet(host: &Host, page: &mut Page) -> Collected {
    // Column in hexadecimal, metric, help.
    const COLUMNS: [(usize, &str, &str); 6] = [
        (0, "node_softnet_processed_total", "Packets handled."),
        (1, "node_softnet_dropped_total", "Packets dropped because the queue was full."),
        (2, "node_softnet_times_squeezed_total", "Times when handling stopped with packets left."),
        (8, "node_softnet_cpu_collision_total", "Collisions on the way out."),
        (9, "node_softnet_received_rps_total", "Wake-ups by packet steering."),
        (10, "node_softnet_flow_limit_count_total", "Packets over the flow limit."),
    ];
    let path = host.settings.roots.net("softnet_stat");
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for (at, line) in read(&path)?.lines().enumerate() {
        let counts: Option<Vec<f64>> =
            line.split_ascii_whitespace().map(|field| u32::from_str_radix(field, 16).ok().map(f64::from)).collect();
        let counts = counts.ok_or_else(|| unexpected(&path, line))?;
        // Newer kernels say which processor the line is about.
        let cpu = counts.get(12).map_or_else(|| at.to_string(), |cpu| format!("{cpu}"));
        rows.push((cpu, counts));
    }
    for (column, metric, help) in COLUMNS {
        page.family(metric, "counter", help);
        for (cpu, counts) in &rows {
            page.sample(metric, &[("cpu", cpu)], counts.get(column).copied().unwrap_or(0.0));
        }
    }
    page.family("node_softnet_backlog_len", "gauge", "Packets waiting.");
    for (cpu, counts) in &rows {
        page.sample("node_softnet_backlog_len", &[("cpu", cpu)], counts.get(11).copied().unwrap_or(0.0));
    }
    Ok(Outcome::Written)
}

pub(super) fn udp_queues(host: &Host, page: &mut Page) -> Collected {
    let mut rows = Vec::new();
    for (file, ip) in [("udp", "v4"), ("udp6", "v6")] {
        if let Some(text) = read_if_there(&host.settings.roots.net(file))? {
            let (mut sent, mut received) = (0.0, 0.0);
            for line in text.lines().skip(1) {
                let (tx, rx) = queues(line)?;
                sent += tx;
                received += rx;
            }
            rows.push((ip, sent, received));
        }
    }
    if rows.is_empty() {
        return Ok(Outcome::NoData);
    }
    page.family("node_udp_queues", "gauge", "Bytes waiting in UDP sockets.");
    for (ip, sent, received) in rows {
        page.sample("node_udp_queues", &[("ip", ip), ("queue", "rx")], received);
        page.sample("node_udp_queues", &[("ip", ip), ("queue", "tx")], sent);
    }
    Ok(Outcome::Written)
}

fn queues(line: &str) -> Result<(f64, f64), CollectError> {
    let parsed = line.split_ascii_whitespace().nth(4).and_then(|field| {
        let (tx, rx) = field.split_once(':')?;
        Some((u64::from_str_radix(tx, 16).ok()? as f64, u64::from_str_radix(rx, 16).ok()? as f64))
    });
    parsed.ok_or_else(|| unexpected(std::path::Path::new("net/udp"), line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_counters_that_node_exporter_takes() {
        for name in ["Tcp_CurrEstab", "TcpExt_ListenDrops", "Udp6_InErrors", "IpExt_InOctets", "Icmp_OutMsgs", "UdpLite_InErrors"] {
            assert!(is_wanted(name), "{name}");
        }
        for name in ["Tcp_RtoMin", "IpExt_InBcastPkts", "Ip_InOctets", "Udp_Other"] {
            assert!(!is_wanted(name), "{name}");
        }
    }
}
