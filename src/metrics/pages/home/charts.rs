//! The charts of this host: names of metrics are those of the Prometheus node exporter.

use super::input::Host;
use crate::ui::format::Unit;
use crate::ui::lang::key;
use crate::ui::links;

/// A chart of the page.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) meta: String,
    pub(super) src: String,
    pub(super) explore: String,
    pub(super) unit: &'static str,
    pub(super) stacked: bool,
    pub(super) colours: &'static str,
    pub(super) span: u8,
    pub(super) height: u16,
}

/// `metric{selector,more}` with only the parts that are there.
pub(super) fn with_selector(metric: &str, selector: &str, more: &str) -> String {
    match (selector.is_empty(), more.is_empty()) {
        (true, true) => metric.to_owned(),
        (false, false) => format!("{metric}{{{selector},{more}}}"),
        _ => format!("{metric}{{{selector}{more}}}"),
    }
}

pub(super) fn cpu_query(selector: &str) -> String {
    let busy = with_selector("node_cpu_seconds_total", selector, "mode!=\"idle\"");
    let all = with_selector("node_cpu_seconds_total", selector, "");
    // Of the time of all modes: right from the second sample on, where a rate by the clock is too low.
    format!("sum by (mode) (rate({busy}[2m])) / scalar(sum(rate({all}[2m])))")
}

pub(super) fn memory_queries(selector: &str) -> [String; 3] {
    let metric = |name: &str| with_selector(&format!("node_memory_{name}_bytes"), selector, "");
    [
        format!("{} - {}", metric("MemTotal"), metric("MemAvailable")),
        format!("{} + {}", metric("Cached"), metric("Buffers")),
        metric("MemFree"),
    ]
}

fn disk_queries(selector: &str) -> [String; 2] {
    ["node_disk_read_bytes_total", "node_disk_written_bytes_total"]
        .map(|metric| format!("sum(rate({}[2m]))", with_selector(metric, selector, "")))
}

pub(super) fn network_queries(selector: &str) -> [String; 2] {
    ["node_network_receive_bytes_total", "node_network_transmit_bytes_total"]
        .map(|metric| format!("sum(rate({}[2m]))", with_selector(metric, selector, "device!~\"lo|veth.*|docker.*|br-.*\"")))
}

pub(super) fn charts(host: &Host) -> Vec<Chart> {
    let chart = |title, queries: &[String], legends: &[&str], unit: Unit, span| {
        let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
        let params: Vec<(&str, &str)> = queries.iter().map(|query| ("q", *query)).collect();
        Chart {
            title,
            meta: String::new(),
            src: links::chart(&queries, legends, ""),
            explore: links::with(links::EXPLORE, &params),
            unit: unit.listed_id(),
            stacked: false,
            colours: "",
            span,
            height: 176,
        }
    };
    let selector = &host.selector;
    let cpu = chart(key("CPU by mode"), &[cpu_query(selector)], &["{{mode}}"], Unit::Ratio, 8);
    vec![
        Chart {
            stacked: true,
            colours: "user=--c1 system=--c2 iowait=--c3 steal=--c4 softirq=--c5 irq=--c6 nice=--c8",
            meta: host.name.clone(),
            height: 208,
            ..cpu
        },
        Chart {
            colours: "used=--c7 cached=--c5 free=--c8",
            ..chart(key("Memory"), &memory_queries(selector), &["used", "cached", "free"], Unit::Bytes, 4)
        },
        Chart {
            colours: "read=--c1 written=--c6",
            ..chart(key("Disk I/O"), &disk_queries(selector), &["read", "written"], Unit::BytesPerSecond, 4)
        },
        Chart {
            colours: "received=--c3 sent=--c2",
            ..chart(key("Network"), &network_queries(selector), &["received", "sent"], Unit::BytesPerSecond, 4)
        },
    ]
}
