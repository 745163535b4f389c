//! Collector `diskstats`: reads, writes, discards and flushes of block devices.

use super::files::{read, read_if_there, unexpected, word};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

const SECTOR_BYTES: f64 = 512.0;

/// Column in `/proc/diskstats` after the name, metric, kind, factor, help. The kernel counts times in ms.
const COLUMNS: [(usize, &str, &str, f64, &str); 17] = [
    (0, "node_disk_reads_completed_total", "counter", 1.0, "Reads completed."),
    (1, "node_disk_reads_merged_total", "counter", 1.0, "Reads merged with a neighbour."),
    (2, "node_disk_read_bytes_total", "counter", SECTOR_BYTES, "Bytes read."),
    (3, "node_disk_read_time_seconds_total", "counter", 1e-3, "Time spent by all reads."),
    (4, "node_disk_writes_completed_total", "counter", 1.0, "Writes completed."),
    (5, "node_disk_writes_merged_total", "counter", 1.0, "Writes merged with a neighbour."),
    (6, "node_disk_written_bytes_total", "counter", SECTOR_BYTES, "Bytes written."),
    (7, "node_disk_write_time_seconds_total", "counter", 1e-3, "Time spent by all writes."),
    (8, "node_disk_io_now", "gauge", 1.0, "Operations under way."),
    (9, "node_disk_io_time_seconds_total", "counter", 1e-3, "Time with at least one operation under way."),
    (10, "node_disk_io_time_weighted_seconds_total", "counter", 1e-3, "Time of operations under way, each counted."),
    (11, "node_disk_discards_completed_total", "counter", 1.0, "Discards completed."),
    (12, "node_disk_discards_merged_total", "counter", 1.0, "Discards merged with a neighbour."),
    (13, "node_disk_discarded_sectors_total", "counter", 1.0, "Sectors discarded."),
    (14, "node_disk_discard_time_seconds_total", "counter", 1e-3, "Time spent by all discards."),
    (15, "node_disk_flush_requests_total", "counter", 1.0, "Flushes completed."),
    (16, "node_disk_flush_requests_time_seconds_total", "counter", 1e-3, "Time spent by all flushes."),
];

pub(super) fn diskstats(host: &Host, page: &mut Page) -> Collected {
    let path = host.settings.roots.proc.join("diskstats");
    let text = read(&path)?;
    let mut disks: Vec<(&str, &str, &str, Vec<f64>)> = Vec::new();
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (Some(major), Some(minor), Some(name)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(unexpected(&path, line));
        };
        if !host.disk_devices_exclude.is_match(name) {
            disks.push((major, minor, name, fields.filter_map(|field| field.parse().ok()).collect()));
        }
    }
    info(host, &disks, page)?;
    for (column, metric, kind, factor, help) in COLUMNS {
        if disks.iter().any(|disk| disk.3.len() > column) {
            page.family(metric, kind, help);
            for (_, _, name, counts) in &disks {
                if let Some(count) = counts.get(column) {
                    // Dividing keeps 0.001 steps exact where multiplying by 1e-3 would not.
                    let value = if factor == 1e-3 { count / 1000.0 } else { count * factor };
                    page.sample(metric, &[("device", name)], value);
                }
            }
        }
    }
    Ok(Outcome::Written)
}

/// `node_disk_info` from udev's database, where there is one.
fn info(host: &Host, disks: &[(&str, &str, &str, Vec<f64>)], page: &mut Page) -> Result<(), super::CollectError> {
    page.family("node_disk_info", "gauge", "What a block device is.");
    for (major, minor, name, _) in disks {
        let udev = read_if_there(&host.settings.roots.root.join(format!("run/udev/data/b{major}:{minor}")))?.unwrap_or_default();
        let property =
            |key: &str| udev.lines().find_map(|line| line.strip_prefix("E:")?.strip_prefix(key)?.strip_prefix('=')).unwrap_or("");
        let serial = ["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT"].iter().map(|key| property(key)).find(|text| !text.is_empty()).unwrap_or("");
        let rotational = word(&host.settings.roots.sys.join(format!("block/{name}/queue/rotational"))).unwrap_or_default();
        let labels = [
            ("device", *name),
            ("major", *major),
            ("minor", *minor),
            ("model", property("ID_MODEL")),
            ("path", property("ID_PATH")),
            ("revision", property("ID_REVISION")),
            ("rotational", rotational.as_str()),
            ("serial", serial),
            ("wwn", property("ID_WWN")),
        ];
        page.sample("node_disk_info", &labels, 1.0);
    }
    Ok(())
}
