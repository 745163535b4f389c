//! Listeners and collectors, from settings and from the file that says what is collected.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::SharedClock;
use crate::logs::ingest::collect::config::{self, CollectConfig};
use crate::logs::ingest::collectors::{Appends, Collectors, CollectorsSetup};
use crate::logs::ingest::doorway::Doorway;
use crate::logs::ingest::listen::{Accept, Wire};
use crate::logs::ingest::receive::{Door, Receiver};
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::settings::Settings;
use crate::platform::config::yaml::FILE_BYTES_MAX;
use crate::platform::http::tls::ServerTls;

/// How long a sender may take to begin an encrypted connection.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Where variables of the environment come from.
pub type Environment = fn(&str) -> Option<String>;

/// Reads the file that says what is collected, and what is odd about it.
///
/// # Errors
/// Every mistake, with its place.
pub fn read_collect_file(path: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<(CollectConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    if path.is_empty() {
        return Ok((CollectConfig::default(), Vec::new()));
    }
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_string(&mut text));
    if let Err(error) = read {
        let message = format!("cannot be read: {error}");
        return Err(vec![Diagnostic { file: path.into(), line: 0, column: 0, message }]);
    }
    config::read(&text, Path::new(path), env)
}

/// Makes what listens and collects; starts nothing.
pub(super) fn open(
    folder: PathBuf,
    settings: &Settings,
    clock: &SharedClock,
    tls: Option<&Arc<ServerTls>>,
    env: Environment,
    receiver: &Arc<Receiver>,
) -> Result<Arc<Collectors>, String> {
    let own = &settings.logs;
    let (config, warnings) = read_collect_file(&own.collect_file, &env).map_err(|errors| lines(&errors))?;
    for warning in &warnings {
        tracing::warn!(%warning, "logs.collect_file");
    }
    Collectors::open(CollectorsSetup {
        folder,
        config,
        syslog_listen: own.syslog_listen.clone(),
        fluent_listen: own.fluent_listen.clone(),
        fluent_shared_key: own.fluent_shared_key.clone(),
        append: Appends {
            syslog: Doorway::new(receiver, Door::Syslog),
            fluent: Doorway::new(receiver, Door::Fluent),
            collector: Doorway::new(receiver, Door::Collector),
        },
        clock: clock.clone(),
        tls: tls.map(accept),
    })
}

/// Reads the file again and puts it in force; one with mistakes changes nothing.
pub(super) async fn reload(collectors: &Collectors, settings: &Settings, env: Environment) {
    let path = settings.logs.collect_file.clone();
    let read = tokio::task::spawn_blocking(move || read_collect_file(&path, &env));
    let (config, warnings) = match read.await {
        Ok(Ok(read)) => read,
        Ok(Err(errors)) => {
            tracing::error!(error = %lines(&errors), "logs.collect_file cannot be used, what was collected before goes on");
            return;
        }
        Err(error) => {
            tracing::error!(%error, "reading logs.collect_file failed unexpectedly");
            return;
        }
    };
    for warning in &warnings {
        tracing::warn!(%warning, "logs.collect_file");
    }
    say(collectors.apply(config).await);
}

/// Says what could not be started; the rest runs.
pub(super) fn say(started: Result<(), Vec<String>>) {
    for error in started.err().unwrap_or_default() {
        tracing::error!(%error, "logs are not collected as they should be");
    }
}

fn accept(tls: &Arc<ServerTls>) -> Accept {
    let tls = Arc::clone(tls);
    Arc::new(move |stream| {
        let tls = Arc::clone(&tls);
        Box::pin(async move { Ok(Box::new(tls.accept(stream, HANDSHAKE_WITHIN).await?) as Wire) })
    })
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
