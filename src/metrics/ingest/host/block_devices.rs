//! Collectors `mdadm` (software RAID) and `nvme`.

use super::files::{entries, read_if_there, word};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

/// One array of `/proc/mdstat`.
#[derive(Debug, Default, PartialEq)]
struct Array {
    name: String,
    state: &'static str,
    active: f64,
    wanted: f64,
    failed: f64,
    spare: f64,
    blocks: f64,
    synced: f64,
}

pub(super) fn mdadm(host: &Host, page: &mut Page) -> Collected {
    let Some(text) = read_if_there(&host.settings.roots.proc.join("mdstat"))? else { return Ok(Outcome::NoData) };
    let arrays = parse_mdstat(&text);
    page.family("node_md_state", "gauge", "State of a software RAID array.");
    for array in &arrays {
        for state in ["active", "inactive", "recovering", "resync", "check"] {
            let on = f64::from(u8::from(array.state == state));
            page.sample("node_md_state", &[("device", &array.name), ("state", state)], on);
        }
    }
    page.family("node_md_disks", "gauge", "Disks of a software RAID array by state.");
    for array in &arrays {
        for (state, count) in [("active", array.active), ("failed", array.failed), ("spare", array.spare)] {
            page.sample("node_md_disks", &[("device", &array.name), ("state", state)], count);
        }
    }
    type Field = fn(&Array) -> f64;
    let rest: [(&str, &str, Field); 3] = [
        ("node_md_disks_required", "Disks that a software RAID array should have.", |array| array.wanted),
        ("node_md_blocks", "Blocks of a software RAID array.", |array| array.blocks),
        ("node_md_blocks_synced", "Blocks of a software RAID array that are in step.", |array| array.synced),
    ];
    for (metric, help, value) in rest {
        page.family(metric, "gauge", help);
        for array in &arrays {
            page.sample(metric, &[("device", &array.name)], value(array));
        }
    }
    Ok(Outcome::Written)
}

fn parse_mdstat(text: &str) -> Vec<Array> {
    let mut arrays: Vec<Array> = Vec::new();
    for line in text.lines() {
        if let Some((name, rest)) = line.split_once(" : ").filter(|(name, _)| name.starts_with("md")) {
            let disks: Vec<&str> = rest.split_ascii_whitespace().filter(|word| word.contains('[')).collect();
            let marked = |mark: &str| disks.iter().filter(|disk| disk.ends_with(mark)).count() as f64;
            let state = if rest.starts_with("active") { "active" } else { "inactive" };
            let (failed, spare) = (marked("(F)"), marked("(S)"));
            let active = disks.len() as f64 - failed - spare;
            arrays.push(Array { name: name.to_owned(), state, active, wanted: active, failed, spare, ..Array::default() });
            continue;
        }
        let Some(array) = arrays.last_mut() else { continue };
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        if let [blocks, "blocks", ..] = words[..] {
            array.blocks = blocks.parse().unwrap_or(0.0);
            array.synced = array.blocks;
            // `[2/1]`: wanted and active.
            if let Some((wanted, active)) = words.iter().find_map(|word| word.strip_prefix('[')?.strip_suffix(']')?.split_once('/')) {
                array.wanted = wanted.parse().unwrap_or(array.wanted);
                array.active = active.parse().unwrap_or(array.active);
            }
        }
        for (word, state) in [("recovery", "recovering"), ("resync", "resync"), ("check", "check")] {
            if line.contains(&format!("{word} =")) {
                array.state = state;
                if let Some((synced, _)) = words.iter().find_map(|word| word.strip_prefix('(')?.strip_suffix(')')?.split_once('/')) {
                    array.synced = synced.parse().unwrap_or(array.synced);
                }
            }
        }
    }
    arrays
}

pub(super) fn nvme(host: &Host, page: &mut Page) -> Collected {
    let devices = entries(&host.settings.roots.sys.join("class/nvme"));
    if devices.is_empty() {
        return Ok(Outcome::NoData);
    }
    page.family("node_nvme_info", "gauge", "What an NVMe device is.");
    for (device, path) in &devices {
        let text = |file: &str| word(&path.join(file)).unwrap_or_default();
        let (firmware, model, serial, state) = (text("firmware_rev"), text("model"), text("serial"), text("state"));
        let labels =
            [("device", device.as_str()), ("firmware_revision", &firmware), ("model", &model), ("serial", &serial), ("state", &state)];
        page.sample("node_nvme_info", &labels, 1.0);
    }
    Ok(Outcome::Written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_arrays_in_every_state() {
        let text = "Personalities : [raid1]\nmd0 : active raid1 sdb1[1] sda1[0](F) sdc1[2](S)\n      1000 blocks super 1.2 [2/1] [_U]\n      [==>...]  recovery = 12.6% (126/1000) finish=1min\n\nmd1 : inactive sdd[0]\n      50 blocks\nunused devices: <none>\n";
        let arrays = parse_mdstat(text);
        assert_eq!(
            arrays[0],
            Array {
                name: "md0".into(),
                state: "recovering",
                active: 1.0,
                wanted: 2.0,
                failed: 1.0,
                spare: 1.0,
                blocks: 1000.0,
                synced: 126.0
            }
        );
        assert_eq!((arrays[1].state, arrays[1].blocks), ("inactive", 50.0));
    }
}
