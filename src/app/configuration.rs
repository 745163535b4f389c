//! The configuration in force: read at start, read again on request, kept when the new one is wrong.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::bail;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::edge::Edge;
use super::probing::{Probing, read_probing};
use super::routing::read_routing;
use super::ruling::{read_rule_files, read_rules};
use super::vetting::vet;
use crate::alerts::Group;
use crate::alerts::dispatch::InForce;
use crate::base::clock::{SharedClock, SystemClock};
use crate::logs::take_over_loki_config;
use crate::metrics::config::{LoadedConfig, check as check_file, load};
use crate::metrics::refused_changes;
use crate::metrics::server::{ReloadState, Runtime, Server};
use crate::platform::config::diagnostic::{Diagnostic, lines};
use crate::platform::config::flags::ServeFlags;
use crate::platform::config::settings::{FileSettings, Resolved, unknown_variables};
use crate::platform::telemetry::metrics::{Page, Report};

/// Applies a new configuration to what runs.
type Apply = Box<dyn Fn(&LoadedConfig, &Alerting, &Probing) + Send + Sync>;
/// Applies other rules, where nothing else changed.
type ApplyRules = Box<dyn Fn(Vec<Group>) + Send + Sync>;

/// The files about alerts, as they were read.
#[derive(Debug, Clone)]
pub(super) struct Alerting {
    /// Groups of rules.
    pub(super) rules: Vec<Group>,
    /// Where alerts go.
    pub(super) routing: Arc<InForce>,
}

/// What runs and follows a new configuration.
struct Followers {
    /// Has files of its own, which may be wrong.
    edge: Arc<Edge>,
    apply: Apply,
    apply_rules: ApplyRules,
}

/// The configuration in force and how it came about.
pub(super) struct Configuration {
    flags: ServeFlags,
    clock: SharedClock,
    started_ms: i64,
    /// What is odd about flags and settings, which stay as they are until the end.
    standing: Vec<String>,
    current: RwLock<Current>,
    /// One reading at a time.
    reloading: Mutex<()>,
    followers: OnceLock<Followers>,
    pub(super) quit: Arc<Notify>,
    stopping: AtomicBool,
}

struct Current {
    loaded: Arc<LoadedConfig>,
    alerting: Alerting,
    probing: Probing,
    resolved: Resolved,
    reload: ReloadState,
    /// What is wrong with rule files that changed on disk, as it stands in `reload`.
    wrong_rules: Option<String>,
}

/// The machine's variables; the one place of the server that reads them.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads the file, and says which variables begin as ours do but set nothing.
fn read(file: Option<&Path>) -> Result<(LoadedConfig, Vec<String>), Vec<Diagnostic>> {
    let asked = RefCell::new(BTreeSet::new());
    let remembering = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        environment(name)
    };
    let loaded = match file {
        Some(path) => load(path, &remembering)?,
        None => LoadedConfig::default(),
    };
    let all = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    Ok((loaded, unknown_variables(all, &asked.into_inner())))
}

/// Every setting from flags, variables and files; also from Loki's file, if one of them names it. With what is to be said
/// about that one.
fn resolve(flags: &ServeFlags, file: &FileSettings) -> Result<(Resolved, Vec<String>), Vec<Diagnostic>> {
    let resolved = Resolved::resolve(flags, &environment, file)?;
    let path = &resolved.settings.logs.loki_config;
    if path.is_empty() {
        return Ok((resolved, Vec::new()));
    }
    let mut file = file.clone();
    let warnings = take_over_loki_config(Path::new(path), &mut file)?;
    let resolved = Resolved::resolve(flags, &environment, &file)?;
    Ok((resolved, warnings.iter().map(ToString::to_string).collect()))
}

/// What other files say than the configuration file.
struct Other {
    alerting: Alerting,
    probing: Probing,
    /// What is odd about the files.
    odd: Vec<Diagnostic>,
}

/// Reads the files about rules, alerts and probes.
fn read_other(loaded: &LoadedConfig, resolved: &Resolved, clock: &SharedClock) -> Result<Other, Vec<Diagnostic>> {
    let rules = read_rules(&loaded.config, &resolved.settings);
    let routing = read_routing(&resolved.settings, loaded.loaded_from.as_deref(), clock);
    let probing = read_probing(&resolved.settings, loaded.loaded_from.as_deref());
    match (rules, routing, probing) {
        (Ok((rules, mut odd)), Ok((routing, odd_routing)), Ok((probing, odd_probing))) => {
            odd.extend(odd_routing.into_iter().chain(odd_probing));
            Ok(Other { alerting: Alerting { rules, routing }, probing, odd })
        }
        (rules, routing, probing) => Err(rules.err().into_iter().chain(routing.err()).chain(probing.err()).flatten().collect()),
    }
}

impl Configuration {
    /// Reads the file that the flags name, or none.
    pub(super) fn open(flags: ServeFlags, clock: SharedClock) -> anyhow::Result<Arc<Self>> {
        let (loaded, unknown) = match read(flags.config_file.as_deref()) {
            Ok(read) => read,
            Err(errors) => bail!("the configuration cannot be used:\n{}", lines(&errors)),
        };
        let (resolved, of_loki) = match resolve(&flags, &loaded.settings) {
            Ok(resolved) => resolved,
            Err(errors) => bail!("the settings cannot be used:\n{}", lines(&errors)),
        };
        let wrong = vet(&resolved, &environment, &clock);
        if !wrong.is_empty() {
            bail!("the settings cannot be used:\n{}", lines(&wrong));
        }
        let Other { alerting, probing, odd } = match read_other(&loaded, &resolved, &clock) {
            Ok(other) => other,
            Err(errors) => bail!("the files about rules, alerts and probes cannot be used:\n{}", lines(&errors)),
        };
        let now = clock.now_ms();
        let standing: Vec<String> = flags.ignored.iter().chain(&resolved.warnings).chain(&of_loki).cloned().collect();
        let odd = loaded.warnings.iter().chain(&odd).map(ToString::to_string);
        let warnings = odd.chain(standing.iter().cloned()).chain(unknown).collect();
        let reload = ReloadState { loaded_ms: now, error: None, warnings };
        let current = Current { loaded: Arc::new(loaded), alerting, probing, resolved, reload, wrong_rules: None };
        Ok(Arc::new(Self {
            flags,
            clock,
            started_ms: now,
            standing,
            current: RwLock::new(current),
            reloading: Mutex::default(),
            followers: OnceLock::new(),
            quit: Arc::default(),
            stopping: AtomicBool::new(false),
        }))
    }

    /// What is to happen with a new configuration: the edge reads its files again, and the rest is told; with rules alone
    /// only who evaluates them is. Said once.
    pub(super) fn on_change(
        &self,
        edge: Arc<Edge>,
        apply: impl Fn(&LoadedConfig, &Alerting, &Probing) + Send + Sync + 'static,
        apply_rules: impl Fn(Vec<Group>) + Send + Sync + 'static,
    ) {
        let said_before = self.followers.set(Followers { edge, apply: Box::new(apply), apply_rules: Box::new(apply_rules) }).is_err();
        debug_assert!(!said_before, "on_change is called once");
    }

    /// From now on the server is not ready any more.
    pub(super) fn begin_to_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// The settings of the start. A reload changes what is scraped and sent, not these.
    pub(super) fn resolved(&self) -> Resolved {
        self.current.read().resolved.clone()
    }

    /// The configuration in force.
    pub(super) fn loaded(&self) -> Arc<LoadedConfig> {
        Arc::clone(&self.current.read().loaded)
    }

    /// The rules and the routing in force.
    pub(super) fn alerting(&self) -> Alerting {
        self.current.read().alerting.clone()
    }

    /// What is said about probes.
    pub(super) fn probing(&self) -> Probing {
        self.current.read().probing.clone()
    }

    /// Warnings about the configuration in force, for the log.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.current.read().reload.warnings.clone()
    }

    /// Reads everything again and puts it in force, all of it or nothing.
    fn read_again(&self) -> Result<(), String> {
        let (loaded, unknown) = read(self.flags.config_file.as_deref()).map_err(|errors| lines(&errors))?;
        // Settings wait for the next start, which must not fail for them.
        let (resolved, _said_at_start) = resolve(&self.flags, &loaded.settings).map_err(|errors| lines(&errors))?;
        let wrong = vet(&resolved, &environment, &self.clock);
        if !wrong.is_empty() {
            return Err(lines(&wrong));
        }
        // Which file it is stays as it was at the start, like every setting.
        let other = read_other(&loaded, &self.resolved(), &self.clock).map_err(|errors| lines(&errors))?;
        let refused = refused_changes(&loaded.config, &self.loaded().config, &self.clock);
        if !refused.is_empty() {
            return Err(format!("one or more errors occurred while applying the new configuration: {}", refused.join("; ")));
        }
        let followers = self.followers.get();
        let prepared = followers.map(|followers| followers.edge.prepare()).transpose()?;
        self.take_over(loaded, other, unknown, &resolved);
        if let (Some(followers), Some(prepared)) = (followers, prepared) {
            followers.edge.take_over(prepared);
        }
        Ok(())
    }

    fn take_over(&self, loaded: LoadedConfig, other: Other, unknown: Vec<String>, resolved: &Resolved) {
        let Other { alerting, probing, odd } = other;
        let mut warnings: Vec<String> = loaded.warnings.iter().chain(&odd).map(ToString::to_string).collect();
        warnings.extend(self.needs_restart(resolved));
        for warning in &warnings {
            tracing::warn!(%warning, "configuration");
        }
        // These were in the log at the start.
        warnings.extend(self.standing.iter().cloned().chain(unknown));
        let loaded = Arc::new(loaded);
        {
            let mut current = self.current.write();
            current.loaded = Arc::clone(&loaded);
            current.alerting = alerting.clone();
            current.probing = probing.clone();
            current.reload = ReloadState { loaded_ms: self.clock.now_ms(), error: None, warnings };
        }
        if let Some(followers) = self.followers.get() {
            (followers.apply)(&loaded, &alerting, &probing);
        }
    }

    /// Reads the rule files again, which changed on disk, and puts them in force if all of them are right. Blocking.
    pub(super) fn reload_rules(&self) {
        let _one_at_a_time = self.reloading.lock();
        let loaded = self.loaded();
        match read_rules(&loaded.config, &self.resolved().settings) {
            Ok((rules, _)) => {
                {
                    let mut current = self.current.write();
                    current.alerting.rules.clone_from(&rules);
                    if current.wrong_rules.take().is_some_and(|wrong| current.reload.error.as_ref() == Some(&wrong)) {
                        current.reload.error = None;
                    }
                }
                tracing::info!(groups = rules.len(), "changed rule files are in force");
                if let Some(followers) = self.followers.get() {
                    (followers.apply_rules)(rules);
                }
            }
            Err(errors) => {
                let why = format!("changed rule files cannot be used: {}", lines(&errors));
                tracing::error!(error = %why, "the previous rules stay in force");
                let mut current = self.current.write();
                current.reload.error = Some(why.clone());
                current.wrong_rules = Some(why);
            }
        }
    }

    /// Settings that the new file changes and that only a restart brings into force.
    fn needs_restart(&self, new: &Resolved) -> Vec<String> {
        let current = self.current.read();
        let old = &current.resolved.values;
        old.iter()
            .zip(&new.values)
            .filter(|(old, new)| old.value != new.value)
            .map(|(_, new)| format!("{} was changed to {:?}; it takes effect when the server is started again", new.spec.name, new.value))
            .collect()
    }
}

impl Server for Configuration {
    fn config_yaml(&self) -> String {
        self.current.read().loaded.to_yaml()
    }

    fn flags(&self) -> Vec<(String, String)> {
        let mut flags = self.current.read().resolved.flags();
        let file = self.flags.config_file.as_deref().unwrap_or(Path::new(""));
        flags.push(("config.file".to_owned(), file.display().to_string()));
        flags.sort();
        flags
    }

    fn settings(&self) -> Vec<(String, String, String)> {
        let current = self.current.read();
        current.resolved.values.iter().map(|value| (value.spec.name.to_owned(), value.value.clone(), value.source.to_string())).collect()
    }

    fn runtime(&self) -> Runtime {
        let current = self.current.read();
        Runtime {
            started_ms: self.started_ms,
            working_dir: std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default(),
            hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            reload: current.reload.clone(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            admin_api: current.resolved.settings.server.admin_api,
            lifecycle: current.resolved.settings.server.lifecycle,
        }
    }

    fn reload(&self) -> Result<(), String> {
        let _one_at_a_time = self.reloading.lock();
        match self.read_again() {
            Ok(()) => {
                tracing::info!("configuration reloaded");
                Ok(())
            }
            Err(why) => {
                tracing::error!(error = %why, "configuration reload failed, the previous one stays in force");
                self.current.write().reload.error = Some(why.clone());
                Err(why)
            }
        }
    }

    fn quit(&self) {
        self.quit.notify_one();
    }

    fn unready(&self) -> Option<String> {
        self.stopping.load(Ordering::Relaxed).then(|| "the server is being stopped".to_owned())
    }
}

impl Report for Configuration {
    fn report(&self, page: &mut Page) {
        let current = self.current.read();
        let good = f64::from(u8::from(current.reload.error.is_none()));
        page.gauge("prometheus_config_last_reload_successful", "Whether the configuration was read without mistake last time.", good);
        page.gauge(
            "prometheus_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was read.",
            current.reload.loaded_ms as f64 / 1e3,
        );
        // Routing is read with everything else, all of it or nothing.
        page.gauge("alertmanager_config_last_reload_successful", "Whether the routing of alerts was read without mistake last time.", good);
        page.gauge(
            "alertmanager_config_last_reload_success_timestamp_seconds",
            "When the routing of alerts in force was read.",
            current.reload.loaded_ms as f64 / 1e3,
        );
        // So are the modules of probes.
        page.gauge(
            "blackbox_exporter_config_last_reload_successful",
            "Whether the modules of probes were read without mistake last time.",
            good,
        );
        page.gauge(
            "blackbox_exporter_config_last_reload_success_timestamp_seconds",
            "When the modules of probes in force were read.",
            current.reload.loaded_ms as f64 / 1e3,
        );
        page.gauge("pharos_config_warnings", "Sentences about the configuration in force.", current.reload.warnings.len() as f64);
    }
}

/// `pharos check rules`: whether rule files can be used, and how many rules they have.
pub(super) fn check_rules(files: &[PathBuf], out: &mut impl Write) -> anyhow::Result<()> {
    let mut failed = 0;
    for file in files {
        let name = file.display().to_string();
        writeln!(out, "Checking {name}")?;
        // A path that is named is no pattern: one that does not exist is a mistake.
        let read = if file.exists() { read_rule_files(std::slice::from_ref(&name)) } else { Err(Vec::new()) };
        match read {
            Ok((groups, warnings)) => {
                let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
                for warning in &warnings {
                    writeln!(out, "  WARNING: {warning}")?;
                }
                writeln!(out, "  SUCCESS: {rules} rules found")?;
            }
            Err(errors) => {
                failed += 1;
                writeln!(out, "  FAILED:")?;
                if errors.is_empty() {
                    writeln!(out, "{name}: does not exist")?;
                }
                for error in &errors {
                    writeln!(out, "{error}")?;
                }
            }
        }
        writeln!(out)?;
    }
    anyhow::ensure!(failed == 0, "{failed} of {} files cannot be used", files.len());
    Ok(())
}

/// `pharos check config`: whether a server that has no flags, and the variables of this process, would start with the
/// files.
pub(super) fn check(files: &[PathBuf], strict: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let mut failed = 0;
    let clock: SharedClock = Arc::new(SystemClock::new());
    let vetted = |loaded: &LoadedConfig| match resolve(&ServeFlags::default(), &loaded.settings) {
        Ok((resolved, _)) => {
            let mut wrong = vet(&resolved, &environment, &clock);
            wrong.extend(read_other(loaded, &resolved, &clock).err().unwrap_or_default());
            wrong
        }
        Err(errors) => errors,
    };
    for file in files {
        let report = check_file(file, strict, &environment, &vetted);
        writeln!(out, "{}", report.text)?;
        failed += usize::from(!report.ok);
    }
    anyhow::ensure!(failed == 0, "{failed} of {} files cannot be used", files.len());
    Ok(())
}
/// A file that has a setting of its own: the one that is set, or one of its usual name beside the configuration file.
pub(super) fn set_or_beside(set: &str, config_file: Option<&Path>, usual_name: &str) -> Option<PathBuf> {
    if !set.is_empty() {
        return Some(PathBuf::from(set));
    }
    let beside = config_file?.with_file_name(usual_name);
    beside.is_file().then_some(beside)
}
