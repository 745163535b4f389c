//! Listeners and collectors, from settings and from the file that says what is collected.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::SharedClock;
use crate::logs::ingest::collect::config::{self, CollectConfig};
use crate::logs::ingest::collectors::{Appends, Collectors, CollectorsSetup};
use crate::logs::ingest::doorway::Doorway;
use crate::logs::ingest::listen::{Accept, Wire};
use crate::logs::ingest::receive::{Door, Receiver};
use crate::platform::config::diagnostic::{Diagnostic, lines};
use crate::platform::config::settings::{Inline, Settings};
use crate::platform::config::text_file;
use crate::platform::config::yaml::FILE_BYTES_MAX;
use crate::platform::http::tls::ServerTls;

/// How long a sender may take to begin an encrypted connection.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// How often lists of targets are read again.
const LISTS_EVERY: Duration = Duration::from_secs(30);

/// Where variables of the environment come from.
pub type Environment = fn(&str) -> Option<String>;

/// What is collected, and what is odd about how that is said.
pub type CollectRead = Result<(CollectConfig, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Reads what is collected: from the file of Promtail's shape at `path`, and from what the configuration file itself says.
///
/// # Errors
/// Every mistake, with its place.
pub fn read_collect(path: &str, inline: Option<&Inline>, env: &dyn Fn(&str) -> Option<String>) -> CollectRead {
    let of_inline = inline.map(|inline| config::read_node(&inline.node, Path::new(&*inline.file), env));
    match (read_file(path, env), of_inline) {
        (Err(mut errors), Some(Err(more))) => {
            errors.extend(more);
            Err(errors)
        }
        (Err(errors), _) | (_, Some(Err(errors))) => Err(errors),
        (Ok(read), None) => Ok(read),
        (Ok((of_file, mut warnings)), Some(Ok((of_inline, more)))) => {
            warnings.extend(more);
            Ok((of_file.join(of_inline)?, warnings))
        }
    }
}

fn read_file(path: &str, env: &dyn Fn(&str) -> Option<String>) -> CollectRead {
    if path.is_empty() {
        return Ok((CollectConfig::default(), Vec::new()));
    }
    let path = Path::new(path);
    let nowhere = |why: String| {
        let message = format!("cannot be read: {why}");
        vec![Diagnostic { file: path.to_string_lossy().into(), line: 0, column: 0, message }]
    };
    config::read(&text_file::read(path, FILE_BYTES_MAX).map_err(nowhere)?, path, env)
}

/// Makes what listens and collects; starts nothing.
pub(super) fn open(
    folder: PathBuf,
    settings: &Settings,
    inline: Option<&Inline>,
    clock: &SharedClock,
    tls: Option<&Arc<ServerTls>>,
    env: Environment,
    receiver: &Arc<Receiver>,
) -> Result<Arc<Collectors>, String> {
    let own = &settings.logs;
    let (config, warnings) = read_collect(&own.collect_file, inline, &env).map_err(|errors| lines(&errors))?;
    for warning in &warnings {
        tracing::warn!(%warning, "what is collected");
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

/// Reads what is collected again and puts it in force; mistakes change nothing.
pub(super) async fn reload(collectors: &Collectors, settings: &Settings, inline: Option<Inline>, env: Environment) {
    let path = settings.logs.collect_file.clone();
    let read = tokio::task::spawn_blocking(move || read_collect(&path, inline.as_ref(), &env));
    let (config, warnings) = match read.await {
        Ok(Ok(read)) => read,
        Ok(Err(errors)) => {
            tracing::error!(error = %lines(&errors), "what is collected cannot be changed, what was collected before goes on");
            return;
        }
        Err(error) => {
            tracing::error!(%error, "reading what is collected failed unexpectedly");
            return;
        }
    };
    if collectors.holds(&config) {
        return;
    }
    for warning in &warnings {
        tracing::warn!(%warning, "what is collected");
    }
    say(collectors.apply(config).await);
}

/// Looks now and then whether lists of targets have changed, until `look` says that nobody collects any more.
pub(super) async fn follow_lists(mut look: impl FnMut() -> Option<()>) {
    loop {
        tokio::time::sleep(LISTS_EVERY).await;
        if look().is_none() {
            return;
        }
    }
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
