//! The channels of a configuration, opened.

use crate::alerts::config::RoutingConfig;
use crate::alerts::notify::{self, Around, Channels};
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::Diagnostic;

/// Opens the channels of every receiver of a file, in the order of its integrations. Reads the files of templates:
/// blocking.
///
/// # Errors
/// Everything that is wrong with templates and channels, each with its place.
pub(super) fn open(config: &RoutingConfig, file: &str, external_url: &str, clock: &SharedClock) -> Result<Channels, Vec<Diagnostic>> {
    notify::open(config, &Around { file: file.into(), external_url: external_url.into(), clock: clock.clone() })
}
