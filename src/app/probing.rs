//! The modules of probes between the settings and the wing of uptime: which file, and how it is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::configuration::set_or_beside;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::settings::Settings;
use crate::uptime::config::{Modules, load};

/// The name under which the file is looked for beside the configuration file.
const USUAL_NAME: &str = "blackbox.yml";

/// The file that says how to probe: the one that is set, or the one beside the configuration file.
pub(super) fn modules_file(settings: &Settings, config_file: Option<&Path>) -> Option<PathBuf> {
    set_or_beside(&settings.uptime.modules_file, config_file, USUAL_NAME)
}

/// Reads it, with what is odd about it. Blocking.
pub(super) fn read_modules(settings: &Settings, config_file: Option<&Path>) -> Result<(Arc<Modules>, Vec<Diagnostic>), Vec<Diagnostic>> {
    load(modules_file(settings, config_file).as_deref()).map(|(modules, odd)| (Arc::new(modules), odd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_set_or_the_one_beside_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let mut settings = Settings::default();
        assert_eq!(modules_file(&settings, Some(&config)), None);
        assert!(read_modules(&settings, Some(&config)).unwrap().0.get("http_2xx").is_some(), "built in");
        let beside = folder.path().join("blackbox.yml");
        std::fs::write(&beside, "modules: {mine: {prober: tcp}}\n").unwrap();
        assert_eq!(modules_file(&settings, Some(&config)), Some(beside));
        let (modules, _) = read_modules(&settings, Some(&config)).unwrap();
        assert!(modules.get("mine").is_some() && modules.get("http_2xx").is_none());
        settings.uptime.modules_file = "/nowhere/blackbox.yml".to_owned();
        let errors = read_modules(&settings, Some(&config)).unwrap_err();
        assert!(errors[0].to_string().starts_with("/nowhere/blackbox.yml: cannot read the modules of probes"), "{errors:?}");
    }
}
