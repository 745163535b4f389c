//! Collectors `hwmon`, `thermal_zone`, `powersupplyclass`, `rapl` and `edac`: sensors, power and memory errors.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::{entries, number, word};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

/// Families collected from many devices before they are written: metric to kind and samples.
#[derive(Default)]
struct Families(BTreeMap<String, (&'static str, Vec<Row>)>);

type Row = (Vec<(&'static str, String)>, f64);

impl Families {
    fn add(&mut self, metric: String, kind: &'static str, labels: Vec<(&'static str, String)>, value: f64) {
        self.0.entry(metric).or_insert((kind, Vec::new())).1.push((labels, value));
    }

    fn write(self, page: &mut Page, about: &str) -> Outcome {
        if self.0.is_empty() {
            return Outcome::NoData;
        }
        for (metric, (kind, rows)) in self.0 {
            page.family(&metric, kind, about);
            for (labels, value) in rows {
                let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
                page.sample(&metric, &labels, value);
            }
        }
        Outcome::Written
    }
}

pub(super) fn hwmon(host: &Host, page: &mut Page) -> Collected {
    let mut families = Families::default();
    let folder = host.settings.roots.sys.join("class/hwmon");
    let chips = entries(&folder);
    if chips.is_empty() {
        return Ok(Outcome::NoData);
    }
    for (name, path) in chips {
        let chip = chip_name(&path).unwrap_or(name);
        if let Some(human) = word(&path.join("name")) {
            families.add("node_hwmon_chip_names".into(), "gauge", vec![("chip", chip.clone()), ("chip_name", human)], 1.0);
        }
        for place in [path.clone(), path.join("device")] {
            for (file, file_path) in entries(&place) {
                sensor(&chip, &file, &file_path, &mut families);
            }
        }
    }
    Ok(families.write(page, "Hardware sensor."))
}

/// `platform_coretemp_0`, `nvme_nvme0`, `0000:01:00_0`: made of the device's bus and name, as node_exporter makes it.
fn chip_name(path: &Path) -> Option<String> {
    let device = std::fs::canonicalize(path.join("device")).ok()?;
    let bus = std::fs::canonicalize(device.join("subsystem")).ok()?;
    let clean = |part: &Path| -> Option<String> {
        let text: String = part
            .file_name()?
            .to_string_lossy()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == ':' { c.to_ascii_lowercase() } else { '_' })
            .collect();
        Some(text.trim_matches('_').to_owned())
    };
    Some(format!("{}_{}", clean(&bus)?, clean(&device)?))
}

/// One file such as `temp1_input` or `fan2_alarm`.
fn sensor(chip: &str, file: &str, path: &Path, families: &mut Families) {
    let letters = file.trim_end_matches(|c: char| c != '_').trim_end_matches('_');
    let (sensor, property) = match file.split_once('_') {
        Some((sensor, property)) => (sensor, property),
        None => (letters, "input"),
    };
    let kind = sensor.trim_end_matches(|c: char| c.is_ascii_digit());
    if kind == sensor || !["temp", "in", "fan", "curr", "power", "energy", "humidity", "freq", "pwm"].contains(&kind) {
        return;
    }
    let labels = vec![("chip", chip.to_owned()), ("sensor", sensor.to_owned())];
    if property == "label" {
        if let Some(label) = word(path) {
            let labels = vec![("chip", chip.to_owned()), ("label", label), ("sensor", sensor.to_owned())];
            families.add("node_hwmon_sensor_label".into(), "gauge", labels, 1.0);
        }
        return;
    }
    let Some(value) = number(path) else { return };
    let property_suffix = if property == "input" { String::new() } else { format!("_{property}") };
    if property.ends_with("alarm") || property == "beep" || property == "fault" || property == "enable" {
        families.add(format!("node_hwmon_{kind}{property_suffix}"), "gauge", labels, value);
        return;
    }
    // The kernel counts milli and micro units.
    let (unit, kind_of_metric, value) = match kind {
        "temp" => ("_celsius", "gauge", value / 1000.0),
        "in" => ("_volts", "gauge", value / 1000.0),
        "curr" => ("_amps", "gauge", value / 1000.0),
        "power" => ("_watt", "gauge", value / 1e6),
        "energy" => ("_joule_total", "counter", value / 1e6),
        "humidity" => ("", "gauge", value / 1000.0),
        "fan" => ("_rpm", "gauge", value),
        "freq" => ("_freq_mhz", "gauge", value / 1e6),
        _ => ("", "gauge", value),
    };
    families.add(format!("node_hwmon_{kind}{property_suffix}{unit}"), kind_of_metric, labels, value);
}

pub(super) fn thermal_zone(host: &Host, page: &mut Page) -> Collected {
    let mut families = Families::default();
    for (name, path) in entries(&host.settings.roots.sys.join("class/thermal")) {
        let kind = word(&path.join("type")).unwrap_or_default();
        if let Some(zone) = name.strip_prefix("thermal_zone") {
            if let Some(temperature) = number(&path.join("temp")) {
                let labels = vec![("type", kind), ("zone", zone.to_owned())];
                families.add("node_thermal_zone_temp".into(), "gauge", labels, temperature / 1000.0);
            }
        } else if let Some(device) = name.strip_prefix("cooling_device") {
            for (file, metric) in [("cur_state", "node_cooling_device_cur_state"), ("max_state", "node_cooling_device_max_state")] {
                if let Some(state) = number(&path.join(file)) {
                    families.add(metric.into(), "gauge", vec![("name", device.to_owned()), ("type", kind.clone())], state);
                }
            }
        }
    }
    // No zone at all counts as success, as upstream.
    families.write(page, "Temperature zones and cooling.");
    Ok(Outcome::Written)
}

pub(super) fn power_supply(host: &Host, page: &mut Page) -> Collected {
    // File, metric, divisor.
    const FILES: [(&str, &str, f64); 14] = [
        ("online", "online", 1.0),
        ("present", "present", 1.0),
        ("capacity", "capacity", 1.0),
        ("cycle_count", "cyclecount", 1.0),
        ("charge_full", "charge_full_ampere_hours", 1e6),
        ("charge_full_design", "charge_full_design_ampere_hours", 1e6),
        ("charge_now", "charge_ampere", 1e6),
        ("current_now", "current_ampere", 1e6),
        ("energy_full", "energy_full", 1e6),
        ("energy_full_design", "energy_full_design", 1e6),
        ("energy_now", "energy_watthour", 1e6),
        ("power_now", "power_watt", 1e6),
        ("voltage_now", "voltage_volt", 1e6),
        ("voltage_min_design", "voltage_min_design_volt", 1e6),
    ];
    let mut families = Families::default();
    for (supply, path) in entries(&host.settings.roots.sys.join("class/power_supply")) {
        let label = || vec![("power_supply", supply.clone())];
        for (file, metric, divisor) in FILES {
            if let Some(value) = number(&path.join(file)) {
                families.add(format!("node_power_supply_{metric}"), "gauge", label(), value / divisor);
            }
        }
        let mut labels = label();
        for (name, file) in [
            ("manufacturer", "manufacturer"),
            ("model_name", "model_name"),
            ("status", "status"),
            ("technology", "technology"),
            ("type", "type"),
        ] {
            if let Some(text) = word(&path.join(file)) {
                labels.push((name, text));
            }
        }
        families.add("node_power_supply_info".into(), "gauge", labels, 1.0);
    }
    families.write(page, "Power supply.");
    Ok(Outcome::Written)
}

pub(super) fn rapl(host: &Host, page: &mut Page) -> Collected {
    let mut families = Families::default();
    for (zone, path) in entries(&host.settings.roots.sys.join("class/powercap")) {
        let Some(index) = zone.rsplit(':').next().filter(|_| zone.contains(':')) else { continue };
        let (Some(name), Some(micro_joules)) = (word(&path.join("name")), number(&path.join("energy_uj"))) else { continue };
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').replace('-', "_");
        let labels = vec![("index", index.to_owned()), ("path", path.to_string_lossy().into_owned())];
        families.add(format!("node_rapl_{name}_joules_total"), "counter", labels, micro_joules / 1e6);
    }
    Ok(families.write(page, "Energy used, as the processor counts it."))
}

pub(super) fn edac(host: &Host, page: &mut Page) -> Collected {
    let mut families = Families::default();
    for (name, path) in entries(&host.settings.roots.sys.join("devices/system/edac/mc")) {
        let Some(controller) = name.strip_prefix("mc").filter(|id| id.bytes().all(|b| b.is_ascii_digit())) else { continue };
        for (file, row_file, kind) in [("ce_count", "ce_noinfo_count", "correctable"), ("ue_count", "ue_noinfo_count", "uncorrectable")] {
            let label = || vec![("controller", controller.to_owned())];
            if let Some(count) = number(&path.join(file)) {
                families.add(format!("node_edac_{kind}_errors_total"), "counter", label(), count);
            }
            if let Some(count) = number(&path.join(row_file)) {
                let labels = vec![("controller", controller.to_owned()), ("csrow", "unknown".to_owned())];
                families.add(format!("node_edac_csrow_{kind}_errors_total"), "counter", labels, count);
            }
            for (row, row_path) in entries(&path) {
                let Some(row) = row.strip_prefix("csrow") else { continue };
                if let Some(count) = number(&row_path.join(file)) {
                    let labels = vec![("controller", controller.to_owned()), ("csrow", row.to_owned())];
                    families.add(format!("node_edac_csrow_{kind}_errors_total"), "counter", labels, count);
                }
            }
        }
    }
    families.write(page, "Memory errors found by hardware.");
    Ok(Outcome::Written)
}
