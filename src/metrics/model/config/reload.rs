//! The configuration in force, and taking a new one only if it is right.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::load::{LoadedConfig, load};
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::yaml::Position;

/// Looks variables of the environment up.
pub type SharedEnvironment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Holds the configuration in force; SIGHUP and `POST /-/reload` end here.
pub struct ConfigKeeper {
    path: Option<PathBuf>,
    env: SharedEnvironment,
    clock: SharedClock,
    current: ArcSwap<LoadedConfig>,
    status: ArcSwap<ReloadStatus>,
    /// One reload at a time, so that what is applied last is what is kept.
    turn: Mutex<()>,
}

/// How the last reload went, for `prometheus_config_last_reload_*` and the Status page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReloadStatus {
    /// Whether the last try took effect.
    pub successful: bool,
    /// When one last did, in milliseconds since the Unix epoch.
    pub succeeded_at_ms: i64,
    /// What the last try had to say: errors if it failed, warnings otherwise.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Debug for ConfigKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigKeeper").field("path", &self.path).field("status", &self.status.load()).finish_non_exhaustive()
    }
}

impl ConfigKeeper {
    /// Reads the file at `path`, or takes `default` if there is no file to read.
    ///
    /// # Errors
    /// Every mistake in the file; a process does not start with a wrong one.
    pub fn open(path: Option<PathBuf>, env: SharedEnvironment, clock: SharedClock, default: LoadedConfig) -> Result<Self, Vec<Diagnostic>> {
        let loaded = match &path {
            Some(path) => load(path, &*env)?,
            None => default,
        };
        let status = ReloadStatus { successful: true, succeeded_at_ms: clock.now_ms(), diagnostics: loaded.warnings.clone() };
        let current = ArcSwap::from_pointee(loaded);
        Ok(Self { path, env, clock, current, status: ArcSwap::from_pointee(status), turn: Mutex::new(()) })
    }

    /// The configuration in force.
    pub fn current(&self) -> Arc<LoadedConfig> {
        self.current.load_full()
    }

    /// How the last reload went.
    pub fn status(&self) -> Arc<ReloadStatus> {
        self.status.load_full()
    }

    /// Reads the file again and, if it is right, hands it to `apply` and keeps it. If it is wrong or `apply`
    /// refuses, what was in force stays in force.
    ///
    /// # Errors
    /// Every mistake in the file, or the reason of `apply`.
    pub fn reload(&self, apply: impl FnOnce(&LoadedConfig) -> Result<(), String>) -> Result<Arc<LoadedConfig>, Vec<Diagnostic>> {
        let _turn = self.turn.lock();
        let read = match &self.path {
            Some(path) => load(path, &*self.env),
            None => Ok(LoadedConfig::clone(&self.current.load())),
        };
        let taken = read.and_then(|loaded| match apply(&loaded) {
            Ok(()) => Ok(Arc::new(loaded)),
            Err(reason) => Err(vec![self.refused(reason)]),
        });
        let before = self.status.load();
        match &taken {
            Ok(loaded) => {
                self.current.store(Arc::clone(loaded));
                let diagnostics = loaded.warnings.clone();
                self.status.store(Arc::new(ReloadStatus { successful: true, succeeded_at_ms: self.clock.now_ms(), diagnostics }));
            }
            Err(errors) => {
                let succeeded_at_ms = before.succeeded_at_ms;
                self.status.store(Arc::new(ReloadStatus { successful: false, succeeded_at_ms, diagnostics: errors.clone() }));
            }
        }
        taken
    }

    fn refused(&self, message: String) -> Diagnostic {
        let file = self.path.as_ref().map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
        let Position { line, column } = Position::default();
        Diagnostic { file: file.into(), line, column, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    #[test]
    fn a_wrong_file_keeps_the_old_configuration() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("p.yml");
        let write = |text: &str| std::fs::write(&path, text).expect("written");
        let clock = ManualClock::at(1_000);
        write("scrape_configs: [{job_name: one}]");
        let keeper = ConfigKeeper::open(Some(path.clone()), Arc::new(|_| None), clock.clone(), LoadedConfig::default()).expect("valid");
        let job = || keeper.current().config.scrape_configs[0].job_name.clone();
        clock.jump_to(2_000);

        write("scrape_configs: [{job_name: two, sample_limit: x}]");
        assert!(keeper.reload(|_| Ok(())).is_err());
        assert_eq!((job().as_str(), keeper.status().successful, keeper.status().succeeded_at_ms), ("one", false, 1_000));
        assert_eq!(keeper.status().diagnostics.len(), 1);

        write("scrape_configs: [{job_name: three}]");
        let refused = keeper.reload(|_| Err("no room".to_owned())).expect_err("refused");
        assert!(refused[0].to_string().ends_with("p.yml: no room"));
        assert_eq!(job(), "one");

        assert!(
            keeper.reload(|loaded| if loaded.config.scrape_configs[0].job_name == "three" { Ok(()) } else { Err(String::new()) }).is_ok()
        );
        assert_eq!((job().as_str(), keeper.status().successful, keeper.status().succeeded_at_ms), ("three", true, 2_000));

        std::fs::remove_file(&path).expect("removed");
        assert!(keeper.reload(|_| Ok(())).is_err());
        assert_eq!(job(), "three");
    }
}
