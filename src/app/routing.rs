//! The routing configuration between the settings and the hall of alerts: which file, and how it is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::configuration::set_or_beside;
use crate::alerts::dispatch::InForce;
use crate::alerts::load_routing;
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::settings::Settings;

/// The name under which the file is looked for beside the configuration file.
const USUAL_NAME: &str = "alertmanager.yml";

/// The file that says who is told of alerts: the one that is set, or the one beside the configuration file.
pub(super) fn routing_file(settings: &Settings, config_file: Option<&Path>) -> Option<PathBuf> {
    set_or_beside(&settings.alerts.routing_file, config_file, USUAL_NAME)
}

/// Reads it, with what is odd about it. Blocking.
pub(super) fn read_routing(
    settings: &Settings,
    config_file: Option<&Path>,
    clock: &SharedClock,
) -> Result<(Arc<InForce>, Vec<Diagnostic>), Vec<Diagnostic>> {
    load_routing(routing_file(settings, config_file).as_deref(), clock)
}

/// Says in the log whose routing it is.
pub(super) fn say(routing: &InForce) {
    if routing.path.is_empty() {
        tracing::info!("no file says who is told of alerts (alerts.routing_file): they are shown, and nobody is told");
    } else {
        tracing::info!(file = routing.path, receivers = routing.config.receivers.len(), "routing of alerts");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_set_or_the_one_beside_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let mut settings = Settings::default();
        assert_eq!(routing_file(&settings, None), None);
        assert_eq!(routing_file(&settings, Some(&config)), None);
        let beside = folder.path().join("alertmanager.yml");
        std::fs::write(&beside, "").unwrap();
        assert_eq!(routing_file(&settings, Some(&config)), Some(beside));
        settings.alerts.routing_file = "/etc/am.yml".to_owned();
        assert_eq!(routing_file(&settings, Some(&config)), Some(PathBuf::from("/etc/am.yml")));
    }
}
