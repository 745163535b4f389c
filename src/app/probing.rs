//! Files between the settings and the wings of uptime, of objectives and of the business: which files, and how they are read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::configuration::set_or_beside;
use crate::business::config::file::KeptBusiness;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::settings::Settings;
use crate::slo::bring::KeptSlos;
use crate::uptime::config::{KeptChecks, Modules, load};

/// The names under which the files are looked for beside the configuration file.
const USUAL_NAME: &str = "blackbox.yml";
const USUAL_CHECKS: &str = "checks.yml";
const USUAL_BUSINESS: &str = "business.yml";
const USUAL_SLOS: &str = "slos.yml";

/// What the files say.
#[derive(Debug, Clone)]
pub(super) struct Probing {
    /// How to probe.
    pub(super) modules: Arc<Modules>,
    /// What to probe again and again.
    pub(super) checks: Option<Arc<KeptChecks>>,
    /// How much must be good.
    pub(super) slos: Option<Arc<KeptSlos>>,
    /// What is counted.
    pub(super) business: Option<Arc<KeptBusiness>>,
}

/// The file that says how to probe: the one that is set, or the one beside the configuration file.
pub(super) fn modules_file(settings: &Settings, config_file: Option<&Path>) -> Option<PathBuf> {
    set_or_beside(&settings.uptime.modules_file, config_file, USUAL_NAME)
}

/// Reads them, with what is odd about them. Blocking.
pub(super) fn read_probing(settings: &Settings, config_file: Option<&Path>) -> Result<(Probing, Vec<Diagnostic>), Vec<Diagnostic>> {
    let modules = load(modules_file(settings, config_file).as_deref());
    let checks = set_or_beside(&settings.uptime.checks_file, config_file, USUAL_CHECKS);
    let checks = checks.map(|path| KeptChecks::load(&path)).transpose();
    let business = set_or_beside(&settings.business.file, config_file, USUAL_BUSINESS);
    let business = business.map(|path| KeptBusiness::load(&path)).transpose();
    let slos = set_or_beside(&settings.slo.file, config_file, USUAL_SLOS);
    let slos = slos.map(|path| KeptSlos::load(&path)).transpose();
    match (modules, checks, slos, business) {
        (Ok((modules, mut odd)), Ok(checks), Ok(slos), Ok(business)) => {
            let (checks, odd_checks) = checks.unzip();
            let (slos, odd_slos) = slos.unzip();
            let (business, odd_business) = business.unzip();
            odd.extend(odd_checks.into_iter().chain(odd_slos).chain(odd_business).flatten());
            let (checks, slos, business) = (checks.map(Arc::new), slos.map(Arc::new), business.map(Arc::new));
            Ok((Probing { modules: Arc::new(modules), checks, slos, business }, odd))
        }
        (modules, checks, slos, business) => {
            let errors = [modules.err(), checks.err(), slos.err(), business.err()];
            Err(errors.into_iter().flatten().flatten().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_set_or_those_beside_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let mut settings = Settings::default();
        assert_eq!(modules_file(&settings, Some(&config)), None);
        assert!(read_probing(&settings, Some(&config)).unwrap().0.modules.get("http_2xx").is_some(), "built in");
        let beside = folder.path().join("blackbox.yml");
        std::fs::write(&beside, "modules: {mine: {prober: tcp}}\n").unwrap();
        assert_eq!(modules_file(&settings, Some(&config)), Some(beside));
        let (probing, _) = read_probing(&settings, Some(&config)).unwrap();
        assert!(probing.modules.get("mine").is_some() && probing.modules.get("http_2xx").is_none() && probing.checks.is_none());
        std::fs::write(folder.path().join("checks.yml"), "checks: [{name: a, ping: {host: b}}]\n").unwrap();
        let (probing, _) = read_probing(&settings, Some(&config)).unwrap();
        assert_eq!(probing.checks.unwrap().file.checks[0].check.name, "a");
        std::fs::write(folder.path().join("slos.yml"), "slos: [{name: b, objective: 99, check: a}]\n").unwrap();
        assert_eq!(read_probing(&settings, Some(&config)).unwrap().0.slos.unwrap().slos[0].name, "b");
        settings.uptime.checks_file = "/nowhere/checks.yml".to_owned();
        settings.uptime.modules_file = "/nowhere/blackbox.yml".to_owned();
        let errors = read_probing(&settings, Some(&config)).unwrap_err();
        assert!(errors[0].to_string().starts_with("/nowhere/blackbox.yml: cannot read the modules of probes"), "{errors:?}");
        assert!(errors[1].to_string().starts_with("/nowhere/checks.yml: cannot read the checks"), "{errors:?}");
    }
}
