//! What is used, as the system says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::platform::disk;

/// Pages of files in memory that count as ours: about what the program itself takes. Those of blocks the system takes
/// back whenever it likes.
const FILE_PAGES_MAX: u64 = 32 << 20;

/// What is used; given by tests, or by the [`System`].
pub trait Readings: Send + Sync + 'static {
    /// Bytes of memory that only the end of the process, or freeing them, gives back.
    fn memory(&self) -> Option<u64>;
    /// Bytes of the data folder.
    fn disk(&self) -> u64;
}

/// This process and a folder.
#[derive(Debug)]
pub struct System {
    /// The data folder.
    pub data: PathBuf,
}

impl Readings for System {
    fn memory(&self) -> Option<u64> {
        own_memory()
    }

    fn disk(&self) -> u64 {
        disk::dir_bytes(&self.data)
    }
}

/// Bytes of memory of this process that only its end, or freeing them, gives back.
pub(super) fn own_memory() -> Option<u64> {
    used(&fs::read_to_string("/proc/self/status").ok()?)
}

/// From `/proc/self/status`.
fn used(status: &str) -> Option<u64> {
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
    };
    let anonymous = field("RssAnon")?;
    Some(anonymous + field("RssShmem").unwrap_or(0) + field("RssFile").unwrap_or(0).min(FILE_PAGES_MAX))
}

/// What the container, or the service, may use at most (`memory.max` of cgroup v2, of the group and those around it).
pub fn container_limit() -> Option<u64> {
    limit(Path::new("/sys/fs/cgroup"), &fs::read_to_string("/proc/self/cgroup").ok()?)
}

fn limit(root: &Path, groups: &str) -> Option<u64> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mut folder = root.join(own);
    let mut least = None;
    while folder.starts_with(root) {
        let found = fs::read_to_string(folder.join("memory.max")).ok().and_then(|text| text.trim().parse::<u64>().ok());
        least = match (least, found) {
            (Some(least), Some(found)) => Some(u64::min(least, found)),
            (one, other) => one.or(other),
        };
        if !folder.pop() {
            break;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_can_be_taken_back_does_not_count() {
        let status = "Name:\tpharos\nVmRSS:\t  400000 kB\nRssAnon:\t   60000 kB\nRssFile:\t  340000 kB\nRssShmem:\t       4 kB\n";
        assert_eq!(used(status), Some(60_004 * 1024 + FILE_PAGES_MAX));
        assert_eq!(used(&status.replace("340000", "1000")), Some(61_004 * 1024));
        assert_eq!(used("VmRSS: 1 kB"), None);
        let own = System { data: PathBuf::from(".") }.memory().expect("this system tells");
        assert!(own > 1 << 20, "{own}");
    }

    #[test]
    fn the_least_limit_around_the_group_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let group = root.path().join("system.slice/pharos.service");
        fs::create_dir_all(&group).expect("a folder");
        let put = |path: &Path, text: &str| fs::write(path.join("memory.max"), text).expect("written");
        assert_eq!(limit(root.path(), "0::/system.slice/pharos.service\n"), None);
        put(&group, "max\n");
        assert_eq!(limit(root.path(), "0::/system.slice/pharos.service\n"), None);
        put(root.path(), "500\n");
        put(&root.path().join("system.slice"), "300\n");
        assert_eq!(limit(root.path(), "1:name=x:/\n0::/system.slice/pharos.service\n"), Some(300));
        put(&group, "200\n");
        assert_eq!(limit(root.path(), "0::/system.slice/pharos.service\n"), Some(200));
        assert_eq!(limit(root.path(), "0::/\n"), Some(500));
        assert_eq!(limit(root.path(), "4:memory:/x\n"), None);
    }
}
