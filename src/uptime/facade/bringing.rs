//! Reading checks of other programs: the room that knows their words, with the one that knows SQL for databases.

use crate::uptime::bring::{self, Brought};
use crate::uptime::store::kuma;

/// Bytes of a file at most, databases included.
pub(super) const FILE_BYTES_MAX: usize = kuma::FILE_BYTES_MAX;

/// Reads a file of another program, whichever it is. Blocking.
///
/// # Errors
/// What it is not, in words.
pub(super) fn read(bytes: &[u8]) -> Result<Brought, String> {
    bring::read(bytes, kuma::read)
}
