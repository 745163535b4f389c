//! The channels of a configuration, opened.

use std::sync::Arc;

use crate::alerts::config::RoutingConfig;
use crate::alerts::dispatch::Channels;
use crate::alerts::notify::{self, Around};
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::Diagnostic;

/// Opens the channels of every receiver, in the order of its integrations. Reads the files of templates: blocking.
///
/// # Errors
/// Everything that is wrong with templates and channels, each with its place.
pub(super) fn open(config: &RoutingConfig, path: &str, external_url: &str, clock: &SharedClock) -> Result<Channels, Vec<Diagnostic>> {
    let around = Around { file: path.into(), external_url: external_url.into(), clock: Arc::clone(clock) };
    notify::open(config, &around)
}
