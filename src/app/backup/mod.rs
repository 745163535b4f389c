//! Backups: what takes part in them, their schedule, and the commands `pharos backup` and `pharos restore`.

mod create;
mod restore;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use crate::access::{Access, Origin};
use crate::base::clock::SharedClock;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::platform::backup::{Backups, BackupsOptions, Schedule};
use crate::platform::config::settings::Settings;
use crate::platform::db::DbPart;

pub(super) use create::{BackupArgs, create};
pub(super) use restore::{RestoreArgs, restore, unfinished};

/// The database's file in the data folder.
pub(super) const DATABASE: &str = "pharos.db";
/// The folder of backups in it, unless the settings name another.
const FOLDER: &str = "backups";

/// Backups of a running server.
pub(super) fn open(data: &Path, settings: &Settings, clock: SharedClock, metrics: &Metrics, logs: &Logs) -> Arc<Backups> {
    let own = &settings.backup;
    Backups::new(BackupsOptions {
        data: data.to_owned(),
        folder: if own.folder.is_empty() { data.join(FOLDER) } else { own.folder.clone().into() },
        keep: usize::try_from(own.keep).unwrap_or(usize::MAX),
        clock,
        // Samples first: they are what comes all the time, and the moment of the backup is theirs.
        parts: vec![metrics.backup_part(), logs.backup_part(), Arc::new(DbPart::new(data.join(DATABASE)))],
    })
}

/// Lets the schedule run, if the settings have one.
pub(super) async fn start(
    backups: &Arc<Backups>,
    settings: &Settings,
    access: &Arc<Access>,
    clock: SharedClock,
) -> anyhow::Result<Option<Schedule>> {
    let schedule = &settings.backup.schedule;
    if schedule.is_empty() {
        return Ok(None);
    }
    let run = {
        let (backups, access) = (Arc::clone(backups), Arc::clone(access));
        move || -> Pin<Box<dyn Future<Output = ()> + Send>> { Box::pin(scheduled(Arc::clone(&backups), Arc::clone(&access))) }
    };
    let told = Arc::clone(backups);
    let started = Schedule::start(schedule, run, move |left| {
        let ms = left.map(|left| clock.now_ms().saturating_add(i64::try_from(left.as_millis()).unwrap_or(i64::MAX)));
        told.set_next_ms(ms);
    })
    .await?;
    Ok(Some(started))
}

/// One backup of the schedule. What went wrong is in the log, the metrics and the audit log.
async fn scheduled(backups: Arc<Backups>, access: Arc<Access>) {
    let Ok(result) = tokio::task::spawn_blocking(move || backups.to_folder()).await else { return };
    let (action, subject, after) = match result {
        Ok((file, made)) => ("backup.create", file.name, serde_json::json!({ "bytes": made.bytes, "created_ms": made.created_ms })),
        Err(error) => ("backup.failed", String::new(), serde_json::json!({ "error": error.to_string() })),
    };
    let origin = Origin { address: IpAddr::V4(Ipv4Addr::LOCALHOST), agent: String::new() };
    if let Err(error) = access.note("the schedule", &origin, action, &subject, None, Some(after.to_string())).await {
        tracing::warn!(%error, "a backup could not be written to the audit log");
    }
}
