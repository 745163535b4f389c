//! Metrics of the machine pharos runs on, under the names and labels of node_exporter's default Linux collectors.
//!
//! Each collector is one file and one function that writes families to a [`Page`]. Everything is read from
//! `/proc`, `/sys` and the mounted filesystems, whose roots can be set for containers. A collector that finds
//! nothing to report says [`Outcome::NoData`]; one that fails hides only its own families.

mod block_devices;
mod conntrack;
mod cpu;
mod disk;
mod files;
mod filesystem;
mod hardware;
mod memory;
mod net_class;
mod net_device;
mod net_protocols;
mod os;
mod pressure;
mod scheduler;
mod textfile;
mod timekeeping;

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::clock::SharedClock;
use crate::platform::telemetry::metrics::Page;
pub use files::Roots;

/// What to collect, and from where.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Where `/proc`, `/sys` and `/` are mounted.
    pub roots: Roots,
    /// Mount points that are left out (regular expression).
    pub mount_points_exclude: String,
    /// Filesystem types that are left out (regular expression).
    pub fs_types_exclude: String,
    /// Block devices that are left out (regular expression).
    pub disk_devices_exclude: String,
    /// Network devices that are left out of `node_network_*_total` (regular expression).
    pub net_devices_exclude: String,
    /// Folder of `*.prom` files to add; none by default.
    pub textfile_dir: Option<PathBuf>,
    /// Names of the collectors to run; all when empty.
    pub only: Vec<String>,
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            roots: Roots::default(),
            mount_points_exclude: "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)".into(),
            fs_types_exclude: "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$".into(),
            disk_devices_exclude: r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$".into(),
            net_devices_exclude: String::new(),
            textfile_dir: None,
            only: Vec::new(),
        }
    }
}

/// How a collector ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It wrote families.
    Written,
    /// This machine has nothing of the kind.
    NoData,
}

/// Why a collector failed.
#[derive(Debug, thiserror::Error)]
enum CollectError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    /// A file does not look as it should.
    #[error("{path}: unexpected content: {what}")]
    Content { path: PathBuf, what: String },
    /// A call to the kernel failed.
    #[error("{call}: {source}")]
    Call { call: &'static str, source: std::io::Error },
}

type Collected = Result<Outcome, CollectError>;
type Collector = fn(&Host, &mut Page) -> Collected;

/// Collectors in the order of node_exporter's names; the setting `host.collectors` takes these.
const COLLECTORS: &[(&str, Collector)] = &[
    ("arp", net_protocols::arp),
    ("bonding", net_class::bonding),
    ("conntrack", conntrack::conntrack),
    ("cpu", cpu::cpu),
    ("cpufreq", cpu::cpufreq),
    ("diskstats", disk::diskstats),
    ("dmi", os::dmi),
    ("edac", hardware::edac),
    ("entropy", scheduler::entropy),
    ("filefd", scheduler::filefd),
    ("filesystem", filesystem::filesystem),
    ("hwmon", hardware::hwmon),
    ("loadavg", scheduler::loadavg),
    ("mdadm", block_devices::mdadm),
    ("meminfo", memory::meminfo),
    ("netclass", net_class::netclass),
    ("netdev", net_device::netdev),
    ("netstat", net_protocols::netstat),
    ("nvme", block_devices::nvme),
    ("os", os::os_release),
    ("powersupplyclass", hardware::power_supply),
    ("pressure", pressure::pressure),
    ("rapl", hardware::rapl),
    ("schedstat", scheduler::schedstat),
    ("selinux", os::selinux),
    ("sockstat", net_protocols::sockstat),
    ("softnet", net_protocols::softnet),
    ("stat", scheduler::stat),
    ("textfile", textfile::textfile),
    ("thermal_zone", hardware::thermal_zone),
    ("time", timekeeping::time),
    ("timex", timekeeping::timex),
    ("udp_queues", net_protocols::udp_queues),
    ("uname", os::uname),
    ("vmstat", memory::vmstat),
];

/// The collectors with their settings compiled.
pub struct Host {
    settings: HostSettings,
    clock: SharedClock,
    mount_points_exclude: regex::Regex,
    fs_types_exclude: regex::Regex,
    disk_devices_exclude: regex::Regex,
    net_devices_exclude: Option<regex::Regex>,
    mounts: Arc<filesystem::MountWatch>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Host {
    /// Compiles the settings; fails on an invalid regular expression.
    pub fn new(settings: HostSettings, clock: SharedClock) -> Result<Self, regex::Error> {
        let optional = |text: &str| if text.is_empty() { Ok(None) } else { regex::Regex::new(text).map(Some) };
        Ok(Self {
            mount_points_exclude: regex::Regex::new(&settings.mount_points_exclude)?,
            fs_types_exclude: regex::Regex::new(&settings.fs_types_exclude)?,
            disk_devices_exclude: regex::Regex::new(&settings.disk_devices_exclude)?,
            net_devices_exclude: optional(&settings.net_devices_exclude)?,
            settings,
            clock,
            mounts: Arc::default(),
        })
    }

    /// The machine's name for the `instance` label.
    pub fn node_name(&self) -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    /// Writes everything. Blocking: reads many small files.
    pub fn collect(&self, page: &mut Page) {
        let mut runs = Vec::with_capacity(COLLECTORS.len());
        for (name, collector) in COLLECTORS {
            if !self.settings.only.is_empty() && !self.settings.only.iter().any(|only| only == name) {
                continue;
            }
            let started = self.clock.monotonic();
            let mut part = Page::default();
            let outcome = collector(self, &mut part);
            let took = self.clock.monotonic().saturating_sub(started);
            if let Err(error) = &outcome {
                tracing::debug!(collector = name, %error, "host collector failed");
            } else {
                page.append(part);
            }
            runs.push((*name, took.as_secs_f64(), matches!(outcome, Ok(Outcome::Written))));
        }
        page.family("node_scrape_collector_duration_seconds", "gauge", "How long a collector took.");
        for (name, seconds, _) in &runs {
            page.sample("node_scrape_collector_duration_seconds", &[("collector", name)], *seconds);
        }
        page.family("node_scrape_collector_success", "gauge", "Whether a collector had something to report.");
        for (name, _, success) in &runs {
            page.sample("node_scrape_collector_success", &[("collector", name)], f64::from(u8::from(*success)));
        }
    }
}

#[cfg(test)]
mod tests;
