//! Collector `conntrack`: connections that the packet filter tracks.

use super::files::{number, read_if_there};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

pub(super) fn conntrack(host: &Host, page: &mut Page) -> Collected {
    let proc = &host.settings.roots.proc;
    let Some(entries) = number(&proc.join("sys/net/netfilter/nf_conntrack_count")) else { return Ok(Outcome::NoData) };
    page.gauge("node_nf_conntrack_entries", "Connections tracked now.", entries);
    if let Some(limit) = number(&proc.join("sys/net/netfilter/nf_conntrack_max")) {
        page.gauge("node_nf_conntrack_entries_limit", "Connections that can be tracked.", limit);
    }
    let Some(text) = read_if_there(&host.settings.roots.net("stat/nf_conntrack"))? else { return Ok(Outcome::Written) };
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split_ascii_whitespace().collect();
    let mut sums = vec![0.0; names.len()];
    // One line a processor, in hexadecimal.
    for line in lines {
        for (at, field) in line.split_ascii_whitespace().enumerate().take(names.len()) {
            sums[at] += u64::from_str_radix(field, 16).unwrap_or(0) as f64;
        }
    }
    let wanted = ["found", "invalid", "ignore", "insert", "insert_failed", "drop", "early_drop", "search_restart"];
    for (name, sum) in names.iter().zip(&sums) {
        // The kernel swapped two words for one at some point; the metric's name stayed.
        let metric_name = match *name {
            "icmp_error" | "entries" | "searched" | "new" | "delete" | "delete_list" => continue,
            other => other,
        };
        if wanted.contains(&metric_name) {
            page.gauge(&format!("node_nf_conntrack_stat_{metric_name}"), &format!("Connection tracking: {metric_name}."), *sum);
        }
    }
    Ok(Outcome::Written)
}
