//! A place to put disk faults in, so that full disks and failing devices can be tested.

use std::io;
use std::sync::Arc;

/// Asked before the disk is used. The defaults let everything through.
pub trait DiskHook: Send + Sync {
    /// Before a write of `wanted` bytes: how many of them go through (fewer = a short write), or the error.
    fn write(&self, wanted: usize) -> io::Result<usize> {
        Ok(wanted)
    }

    /// Before data are synced.
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// Between two steps of work that must survive a crash at any point, with the name of the step that was taken last.
    fn step(&self, _taken: &'static str) -> io::Result<()> {
        Ok(())
    }

    /// Free space to be believed instead of what the file system says.
    fn free_bytes(&self, actual: u64) -> u64 {
        actual
    }
}

/// A hook handed around; `None` in production.
pub type SharedHook = Option<Arc<dyn DiskHook>>;
