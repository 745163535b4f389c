//! The collectors over a made-up machine, and against node_exporter itself where that is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::base::clock::SystemClock;

fn page_of(settings: HostSettings) -> String {
    let host = Host::new(settings, Arc::new(SystemClock::new())).unwrap();
    let mut page = Page::default();
    host.collect(&mut page);
    page.finish()
}

fn put(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_made_up_machine_is_read_right() {
    let machine = tempfile::tempdir().unwrap();
    let root = machine.path();
    put(
        root,
        "proc/stat",
        "cpu  1 1 1 1\ncpu0 150 20 30 400 5 6 7 8 9 10\nintr 77 1 2\nctxt 5\nbtime 1700000000\nprocesses 9\nprocs_running 2\nprocs_blocked 1\n",
    );
    put(root, "proc/meminfo", "MemTotal:       16 kB\nActive(anon):    4 kB\nHugePages_Total:  3\n");
    put(root, "proc/loadavg", "0.50 1.25 2.00 1/100 42\n");
    put(root, "proc/diskstats", " 8 0 sda 1 2 16 500 3 4 8 250 0 1500 750 1 2 3 4 5 6\n 8 1 sda1 1 1 1 1 1 1 1 1 1 1 1\n");
    put(root, "proc/1/mounts", "/dev/sda1 / ext4 rw,relatime 0 0\ntmpfs /with\\040blank tmpfs ro 0 0\nproc /proc proc rw 0 0\n");
    put(root, "root/with blank/x", "");
    put(root, "proc/1/net/dev", "h\nh\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    put(root, "proc/net/sockstat", "sockets: used 28\nTCP: inuse 6 orphan 0 tw 0 alloc 6 mem 2\n");
    put(root, "proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n");
    put(root, "sys/class/hwmon/hwmon0/name", "acpitz\n");
    put(root, "sys/class/hwmon/hwmon0/temp1_input", "42500\n");
    put(root, "sys/class/hwmon/hwmon0/temp1_max", "90000\n");
    put(root, "sys/class/thermal/thermal_zone0/temp", "51000\n");
    put(root, "sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n");
    put(root, "text/jobs.prom", "# TYPE job_last_success gauge\njob_last_success 5\n");
    put(root, "text/broken.prom", "oops\n");
    let text = page_of(HostSettings {
        roots: Roots { proc: root.join("proc"), sys: root.join("sys"), root: root.join("root") },
        textfile_dir: Some(root.join("text")),
        ..HostSettings::default()
    });
    for line in [
        "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 1.5",
        "node_cpu_seconds_total{cpu=\"0\",mode=\"steal\"} 0.08",
        "node_cpu_guest_seconds_total{cpu=\"0\",mode=\"nice\"} 0.1",
        "node_intr_total 77",
        "node_boot_time_seconds 1.7e+09",
        "node_memory_MemTotal_bytes 16384",
        "node_memory_Active_anon_bytes 4096",
        "node_memory_HugePages_Total 3",
        "node_load5 1.25",
        "node_disk_read_bytes_total{device=\"sda\"} 8192",
        "node_disk_io_time_seconds_total{device=\"sda\"} 1.5",
        "node_disk_flush_requests_time_seconds_total{device=\"sda\"} 0.006",
        "node_filesystem_readonly{device=\"tmpfs\",fstype=\"tmpfs\",mountpoint=\"/with blank\"} 1",
        "node_filesystem_device_error{device=\"/dev/sda1\",fstype=\"ext4\",mountpoint=\"/\"} 0",
        "node_network_receive_multicast_total{device=\"eth0\"} 8",
        "node_network_transmit_compressed_total{device=\"eth0\"} 16",
        "node_sockstat_TCP_mem 2",
        "node_pressure_cpu_waiting_seconds_total 2.5",
        "node_hwmon_temp_celsius{chip=\"hwmon0\",sensor=\"temp1\"} 42.5",
        "node_hwmon_temp_max_celsius{chip=\"hwmon0\",sensor=\"temp1\"} 90",
        "node_thermal_zone_temp{type=\"x86_pkg_temp\",zone=\"0\"} 51",
        "job_last_success 5",
        "node_textfile_scrape_error 1",
        "node_scrape_collector_success{collector=\"cpu\"} 1",
        "node_scrape_collector_success{collector=\"mdadm\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "missing: {line}\n{text}");
    }
    assert!(!text.contains("sda1\"}"), "partitions are left out");
}

/// Metric name to its label sets (without values that change) of a page.
fn names(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("node_")) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        found.entry(name.to_owned()).or_default().insert(series.to_owned());
    }
    found
}

#[test]
fn names_and_labels_are_those_of_node_exporter() {
    let Some(theirs) = node_exporter_page() else { return };
    // What the packaged version leaves out by default differs a little from the newest one's.
    let settings = HostSettings {
        disk_devices_exclude: r"^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$".into(),
        net_devices_exclude: "^lo$".into(),
        mount_points_exclude: "^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)".into(),
        ..HostSettings::default()
    };
    let (theirs, ours) = (names(&theirs), names(&page_of(settings)));
    // Kept out on purpose: what describes node_exporter itself, and collectors of things rarely present.
    let not_ours = ["node_exporter_build_info", "node_scrape_collector_duration_seconds", "node_scrape_collector_success"];
    let missing: Vec<&String> = theirs.keys().filter(|name| !not_ours.contains(&name.as_str()) && !ours.contains_key(*name)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    // Labels gained since the packaged version are allowed; series must otherwise be the same.
    let gained = ["node_disk_info", "node_network_info", "node_os_info"];
    for (name, series) in &theirs {
        let changes = not_ours.contains(&name.as_str()) || gained.contains(&name.as_str()) || name.starts_with("node_network_");
        if let (false, Some(own)) = (changes, ours.get(name)) {
            let missing: Vec<&String> = series.difference(own).collect();
            assert!(missing.is_empty(), "{name}: missing series {missing:?}");
        }
    }
}

/// The page of a node_exporter started for the test; says so and gives nothing where none is installed.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn node_exporter_page() -> Option<String> {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};
    let started = Command::new("prometheus-node-exporter")
        .args(["--web.listen-address=127.0.0.1:0", "--web.disable-exporter-metrics"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let Ok(mut process) = started else {
        assert!(std::env::var_os("PHAROS_TEST_FULL").is_none(), "prometheus-node-exporter is not installed");
        println!("skipped: prometheus-node-exporter is not installed");
        return None;
    };
    let mut address = None;
    let mut lines = BufReader::new(process.stderr.take()?).lines().map_while(Result::ok);
    for line in &mut lines {
        if let Some((_, found)) = line.split_once("address=127.0.0.1:").filter(|_| line.contains("Listening")) {
            address = Some(format!("127.0.0.1:{}", found.trim()));
            break;
        }
    }
    // It dies of a closed pipe if nobody reads on.
    let rest = std::thread::spawn(move || lines.count());
    let mut page = String::new();
    let mut stream = std::net::TcpStream::connect(address?).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    stream.read_to_string(&mut page).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    rest.join().unwrap();
    assert!(page.contains("node_cpu_seconds_total"), "no page from node_exporter: {page}");
    Some(page)
}

#[test]
fn the_setting_names_every_collector() {
    let names: Vec<&str> = COLLECTORS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, crate::platform::config::settings::HOST_COLLECTORS);
}
