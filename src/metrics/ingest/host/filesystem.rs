//! Collector `filesystem`: size and free space of mounted filesystems.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::Mutex;

use super::files::read_if_there;
use super::{CollectError, Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

/// A mount that does not answer within this time (a dead NFS server) is left alone until it does.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Mounts that a thread of ours still hangs on.
#[derive(Debug, Default)]
pub(super) struct MountWatch {
    stuck: Mutex<HashSet<PathBuf>>,
}

struct Mount {
    device: String,
    mount_point: String,
    fs_type: String,
    read_only: bool,
}

struct Space {
    size: f64,
    free: f64,
    available: f64,
    files: f64,
    files_free: f64,
}

pub(super) fn filesystem(host: &Host, page: &mut Page) -> Collected {
    let mut rows = Vec::new();
    for mount in mounts(host)? {
        if host.mount_points_exclude.is_match(&mount.mount_point) || host.fs_types_exclude.is_match(&mount.fs_type) {
            continue;
        }
        let path = under_root(&host.settings.roots.root, &mount.mount_point);
        let space = space_of(&host.mounts, path);
        rows.push((mount, space));
    }
    write(&rows, page);
    Ok(Outcome::Written)
}

fn mounts(host: &Host) -> Result<Vec<Mount>, CollectError> {
    let proc = &host.settings.roots.proc;
    // The mounts of process 1 are the machine's; those of our own are a container's.
    let text = match read_if_there(&proc.join("1/mounts")) {
        Ok(Some(text)) => text,
        Ok(None) | Err(_) => super::files::read(&proc.join("mounts"))?,
    };
    let root = host.settings.roots.root.to_string_lossy().into_owned();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for line in text.lines() {
        let mut fields = line.split(' ');
        let (Some(device), Some(mount_point), Some(fs_type), Some(options)) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let mount_point = unescape(mount_point);
        let mount_point = match mount_point.strip_prefix(&root) {
            Some(rest) if root != "/" => {
                if rest.is_empty() {
                    "/".to_owned()
                } else {
                    rest.to_owned()
                }
            }
            _ => mount_point,
        };
        if seen.insert((device.to_owned(), mount_point.clone(), fs_type.to_owned())) {
            let read_only = options.split(',').any(|option| option == "ro");
            found.push(Mount { device: unescape(device), mount_point, fs_type: fs_type.to_owned(), read_only });
        }
    }
    Ok(found)
}

/// The kernel writes blanks in names as `\040` and the like.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

fn under_root(root: &Path, mount_point: &str) -> PathBuf {
    root.join(mount_point.trim_start_matches('/'))
}

/// Asks in a thread of its own, since the call hangs with a dead network filesystem and cannot be interrupted.
fn space_of(watch: &Arc<MountWatch>, path: PathBuf) -> Option<Space> {
    if !watch.stuck.lock().insert(path.clone()) {
        return None;
    }
    let (tell, told) = mpsc::channel();
    let asked = std::thread::Builder::new().name("statvfs".into()).spawn({
        let (watch, path) = (Arc::clone(watch), path.clone());
        move || {
            let answer = rustix::fs::statvfs(&path);
            watch.stuck.lock().remove(&path);
            let _waited_too_long = tell.send(answer).is_err();
        }
    });
    if asked.is_err() {
        watch.stuck.lock().remove(&path);
        return None;
    }
    let stat = told.recv_timeout(ANSWER_WITHIN).ok()?.ok()?;
    let block = stat.f_frsize as f64;
    Some(Space {
        size: stat.f_blocks as f64 * block,
        free: stat.f_bfree as f64 * block,
        available: stat.f_bavail as f64 * block,
        files: stat.f_files as f64,
        files_free: stat.f_ffree as f64,
    })
}

type Row = (Mount, Option<Space>);

fn write(rows: &[Row], page: &mut Page) {
    type Field = fn(&Space) -> f64;
    let spaces: [(&str, &str, Field); 5] = [
        ("node_filesystem_avail_bytes", "Space that ordinary users may still fill.", |space| space.available),
        ("node_filesystem_files", "File nodes in all.", |space| space.files),
        ("node_filesystem_files_free", "File nodes left.", |space| space.files_free),
        ("node_filesystem_free_bytes", "Space that is not used.", |space| space.free),
        ("node_filesystem_size_bytes", "Space in all.", |space| space.size),
    ];
    for (metric, help, value) in spaces {
        family(page, metric, help, rows, |row| row.1.as_ref().map(value));
    }
    family(page, "node_filesystem_device_error", "Whether asking for the space failed.", rows, |row| {
        Some(f64::from(u8::from(row.1.is_none())))
    });
    family(page, "node_filesystem_readonly", "Whether it is mounted read-only.", rows, |row| {
        row.1.as_ref().map(|_| f64::from(u8::from(row.0.read_only)))
    });
}

fn family(page: &mut Page, metric: &str, help: &str, rows: &[Row], value: impl Fn(&Row) -> Option<f64>) {
    page.family(metric, "gauge", help);
    for row in rows {
        if let Some(value) = value(row) {
            let labels =
                [("device", row.0.device.as_str()), ("fstype", row.0.fs_type.as_str()), ("mountpoint", row.0.mount_point.as_str())];
            page.sample(metric, &labels, value);
        }
    }
}
