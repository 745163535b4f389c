//! `pharos restore`: a backup into a data folder.
//!
//! Unpacked into a folder inside the data folder, which may be a mount of its own; checked; and only then moved to its
//! place. A server does not start on a folder where this did not come to its end.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::create::checking;
use super::{DATABASE, FOLDER};
use crate::access::end_all_sessions;
use crate::base::clock::{Clock, SystemClock};
use crate::base::{human, time};
use crate::logs;
use crate::metrics::{check_restored, stopped_part};
use crate::platform::backup::{Manifest, unpack};
use crate::platform::db::{self, Db};
use crate::platform::disk::{self, DirLock};

/// Where the backup is unpacked, in the data folder.
const RESTORING: &str = "restoring";
/// What may be in the folder beforehand, and stays: the lock, backups, what file systems and crashes leave.
const STAYS: [&str; 4] = ["lock", FOLDER, "lost+found", RESTORING];

/// How the folder begins that what was there is put into.
const REPLACED: &str = "replaced-";

/// `pharos restore`.
#[derive(Debug, clap::Args)]
pub(in crate::app) struct RestoreArgs {
    /// The backup.
    file: PathBuf,
    /// Folder of all data, as for `serve`; empty or not there yet.
    #[arg(long, env = "PHAROS_STORAGE_PATH")]
    data_dir: PathBuf,
    /// Restore into a folder that has data; they are put aside, in a folder beside the new ones.
    #[arg(long)]
    force: bool,
}

/// Whether a backup was being restored into this folder and did not come to its end.
pub(in crate::app) fn unfinished(data: &Path) -> bool {
    data.join(RESTORING).exists()
}

/// Restores, or leaves everything as it was.
pub(in crate::app) fn restore(args: &RestoreArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let data = &args.data_dir;
    let file = File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    fs::create_dir_all(data).with_context(|| format!("cannot create {}", data.display()))?;
    let running = || format!("a server runs on {}; stop it first", data.display());
    let _lock = DirLock::take(data).with_context(running)?;
    let before = present(data)?;
    if before.iter().any(|name| name == "metrics") {
        drop(stopped_part(data).with_context(running)?);
        drop(logs::stopped_part(data).with_context(running)?);
    }
    if let (Some(first), false) = (before.first(), args.force) {
        bail!("{} is not empty, it has {first:?}; choose another folder, or put what is there aside with --force", data.display());
    }
    let mut new = Unpacked::begin(data)?;
    let manifest = unpack_into(&new.folder, file)?;
    check(&new.folder)?;
    // From here on it comes to its end, or the folder stays and keeps servers away from half of the data.
    new.stays = true;
    let aside = put_aside(data, &before)?;
    put_in_place(&new.folder, data)?;
    new.stays = false;
    drop(new);
    disk::sync_dir(data)?;
    writeln!(
        out,
        "{}: {} in {} files, as of {}, made by pharos {}",
        data.display(),
        human::bytes(manifest.bytes() as f64),
        manifest.files.len(),
        time::format_rfc3339(manifest.created_ms),
        manifest.pharos_version,
    )?;
    if let Some(aside) = aside {
        writeln!(out, "what was there before is in {}; remove it when it is not needed any more", aside.display())?;
    }
    Ok(())
}

/// What is in the folder and would be in the way, sorted.
fn present(data: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(data)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !STAYS.contains(&name.as_str()) && !name.starts_with(REPLACED) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The folder with what was unpacked; it goes when all is done or nothing was.
struct Unpacked {
    folder: PathBuf,
    stays: bool,
}

impl Unpacked {
    fn begin(data: &Path) -> anyhow::Result<Self> {
        let folder = data.join(RESTORING);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {} of an earlier attempt", folder.display()))?;
        }
        fs::create_dir(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self { folder, stays: false })
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        if !self.stays {
            // Should it stay nevertheless, servers say so and the next attempt removes it.
            let _stays = fs::remove_dir_all(&self.folder).is_err();
        }
    }
}

fn unpack_into(folder: &Path, file: File) -> anyhow::Result<Manifest> {
    let bar = checking("restoring")?;
    let manifest = unpack(BufReader::new(file), folder, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(manifest?)
}

/// Opens everything once: what cannot be used must not take the place of what can.
fn check(folder: &Path) -> anyhow::Result<()> {
    let unusable = |why: String| anyhow::anyhow!("the backup cannot be used: {why}");
    db::check(&folder.join(DATABASE)).map_err(unusable)?;
    check_restored(folder).map_err(unusable)?;
    logs::check_restored(folder).map_err(unusable)?;
    // Who signed out, or was thrown out, since the backup must not be in again by it.
    let database = folder.join(DATABASE);
    if database.exists() {
        end_all_sessions(&Db::open(&database)?)?;
    }
    Ok(())
}

/// Moves what is there into a folder of its own.
fn put_aside(data: &Path, names: &[String]) -> anyhow::Result<Option<PathBuf>> {
    if names.is_empty() {
        return Ok(None);
    }
    let aside = data.join(format!("{REPLACED}{}", SystemClock::new().now_ms()));
    fs::create_dir(&aside).with_context(|| format!("cannot create {}", aside.display()))?;
    for name in names {
        fs::rename(data.join(name), aside.join(name)).with_context(|| format!("cannot move {name} to {}", aside.display()))?;
    }
    Ok(Some(aside))
}

fn put_in_place(new: &Path, data: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(new)? {
        let name = entry?.file_name();
        fs::rename(new.join(&name), data.join(&name)).with_context(|| format!("cannot move {} to its place", name.to_string_lossy()))?;
    }
    Ok(())
}
