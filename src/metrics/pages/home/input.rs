//! What the front page is made of: plain numbers, filled by the wing.

use super::problem::Problem;
use crate::series::ports::ChecksInAll;
use crate::ui::shell::Counts;

/// A filesystem is nearly full from this share on.
pub const DISK_WARNING: f64 = 0.8;
/// And has to be seen to from this one on.
pub const DISK_CRITICAL: f64 = 0.92;

/// A processor is busy from this share on.
pub const CPU_BUSY: f64 = 0.95;
/// For so many minutes on end: shorter than that is somebody's work being done.
pub const CPU_BUSY_MINUTES: usize = 5;
/// Memory is nearly full from this share on.
pub const MEMORY_WARNING: f64 = 0.9;
/// And has to be seen to from this one on.
pub const MEMORY_CRITICAL: f64 = 0.97;

/// Checks that are shown by name.
pub const CHECKS_SHOWN: usize = 8;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct HomeInput {
    /// This host; `None` while nothing is known of it.
    pub host: Option<Host>,
    /// Whether host metrics are switched on; tells apart "off" from "not yet".
    pub host_metrics: bool,
    /// What comes in and is kept.
    pub ingest: Ingest,
    /// What is scraped, in any order.
    pub jobs: Vec<Job>,
    /// What is wrong, in any order.
    pub problems: Vec<Problem>,
    /// Alerts that fire.
    pub alerts: Counts,
    /// How checks do.
    pub checks: ChecksInAll,
}

/// This host now. Shares are 0 to 1; `None` where the system does not say. Series are oldest first.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Matchers that select its series, such as `job="host"`; may be empty.
    pub selector: String,
    /// Busy share of all processors, and how it was of late.
    pub cpu: Option<f64>,
    /// The recent values of `cpu`.
    pub cpu_recent: Vec<f64>,
    /// `cpu` at each of the last [`CPU_BUSY_MINUTES`] minutes, as far as there was one.
    pub cpu_minutes: Vec<f64>,
    /// Processors.
    pub cores: u32,
    /// Bytes that programs use.
    pub memory_used: Option<f64>,
    /// Bytes of memory.
    pub memory_total: f64,
    /// The recent values of `memory_used`.
    pub memory_recent: Vec<f64>,
    /// Filesystems, in any order.
    pub disks: Vec<Disk>,
    /// Bytes a second received.
    pub net_in: Option<f64>,
    /// Bytes a second sent.
    pub net_out: Option<f64>,
    /// The recent values of `net_in`.
    pub net_recent: Vec<f64>,
    /// Load averages over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// The recent values of the first of them.
    pub load_recent: Vec<f64>,
    /// Seconds since the system started.
    pub uptime_s: Option<f64>,
}

/// A filesystem.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// Bytes in use.
    pub used: f64,
    /// Bytes in all.
    pub size: f64,
}

impl Disk {
    /// Used share, 0 to 1.
    pub fn share(&self) -> f64 {
        if self.size > 0.0 { (self.used / self.size).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// What comes in and is kept.
#[derive(Debug, Clone, Default)]
pub struct Ingest {
    /// Samples taken in a second.
    pub samples_per_second: f64,
    /// Its recent values.
    pub recent: Vec<f64>,
    /// Series with recent samples.
    pub series: u64,
    /// Bytes of all blocks and the log.
    pub stored_bytes: u64,
}

/// One scrape job.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// Targets that answered.
    pub up: usize,
    /// Targets that did not.
    pub down: usize,
    /// Targets not scraped yet.
    pub unknown: usize,
}
