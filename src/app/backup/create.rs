//! `pharos backup`: from a running server over HTTP, or from the data folder of a stopped one.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderValue, header};
use indicatif::{ProgressBar, ProgressStyle};

use super::DATABASE;
use crate::app::ask::ServerArgs;
use crate::base::clock::{SharedClock, SystemClock};
use crate::base::secret::Secret;
use crate::base::{human, time};
use crate::logs;
use crate::metrics::stopped_part;
use crate::platform::backup::{Backups, BackupsOptions, FILE_END, Manifest, file_name, verify};
use crate::platform::db::DbPart;
use crate::platform::disk::{self, DirLock};
use crate::platform::http::client::{ClientSettings, HttpClient, Request};

/// A backup of terabytes over a slow line.
const TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// Longest refusal that is read.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// `pharos backup`.
#[derive(Debug, clap::Args)]
pub(in crate::app) struct BackupArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Token of the scope admin, where users sign in.
    #[arg(long, env = "PHAROS_TOKEN", hide_env_values = true, value_parser = secret)]
    token: Option<Secret>,
    /// Folder of all data of a server that does not run; without it the server at --url is asked.
    #[arg(long, conflicts_with = "url")]
    data_dir: Option<PathBuf>,
    /// The file to write, or the folder to put it in.
    file: PathBuf,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

/// Writes the backup beside its place, reads it back, and only then gives it its name.
pub(in crate::app) fn create(args: &BackupArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let clock: SharedClock = Arc::new(SystemClock::new());
    let target = if args.file.is_dir() { args.file.join(file_name(clock.now_ms())) } else { args.file.clone() };
    if target.exists() {
        bail!("{} is there already; name another file", target.display());
    }
    let partial = Partial::beside(&target);
    let file = partial.create().with_context(|| format!("cannot create {}", partial.0.display()))?;
    let file = match &args.data_dir {
        Some(data) => from_folder(data, file, clock)?,
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(from_server(args, file, clock))?
        }
    };
    file.sync_all().with_context(|| format!("cannot write {}", partial.0.display()))?;
    let manifest = read_back(&partial.0)?;
    let bytes = file.metadata()?.len();
    fs::rename(&partial.0, &target).with_context(|| format!("cannot rename {} to {}", partial.0.display(), target.display()))?;
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        disk::sync_dir(folder)?;
    }
    writeln!(
        out,
        "{}: {} in {} files, {} packed, as of {}",
        target.display(),
        human::bytes(manifest.bytes() as f64),
        manifest.files.len(),
        human::bytes(bytes as f64),
        time::format_rfc3339(manifest.created_ms),
    )?;
    Ok(())
}

/// The file until it is whole; it goes unless it was renamed.
struct Partial(PathBuf);

impl Partial {
    fn beside(target: &Path) -> Self {
        let mut name = target.as_os_str().to_owned();
        name.push(".partial");
        Self(PathBuf::from(name))
    }

    fn create(&self) -> io::Result<File> {
        use std::os::unix::fs::OpenOptionsExt;
        // Hashes of passwords and tokens are in it.
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&self.0)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a success there is nothing under this name.
        let _renamed = fs::remove_file(&self.0).is_err();
    }
}

fn from_folder(data: &Path, file: File, clock: SharedClock) -> anyhow::Result<File> {
    if !data.is_dir() {
        bail!("there is no folder {}", data.display());
    }
    let running = || format!("{} is in use; give --url to back up a server that runs", data.display());
    let _lock = DirLock::take(data).with_context(running)?;
    let parts = vec![
        stopped_part(data).with_context(running)?,
        logs::stopped_part(data).with_context(running)?,
        Arc::new(DbPart::new(data.join(DATABASE))),
    ];
    let backups = Backups::new(BackupsOptions { data: data.to_owned(), folder: data.join(super::FOLDER), keep: 0, clock, parts });
    let bar = counting()?;
    let counted = bar.wrap_write(BufWriter::new(file.try_clone()?));
    let (mut written, _) = backups.to_writer(counted)?;
    bar.finish_and_clear();
    written.flush().context("cannot write the backup")?;
    Ok(file)
}

async fn from_server(args: &BackupArgs, mut file: File, clock: SharedClock) -> anyhow::Result<File> {
    let mut url = args.server.url.clone();
    let path = ["api", "v1", "backup"];
    url.path_segments_mut().map_err(|()| anyhow::anyhow!("{} is not an HTTP address", args.server.url))?.pop_if_empty().extend(path);
    let client = HttpClient::new(ClientSettings::default(), clock)?;
    let mut request = Request::post(url, Bytes::new(), TIMEOUT);
    if let Some(token) = &args.token {
        let value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).context("the token has characters that no token has")?;
        request.headers.insert(header::AUTHORIZATION, value);
    }
    let bar = counting()?;
    let mut response = client.send(request).await.with_context(|| format!("cannot reach {}", args.server.url))?;
    if response.status() != 200 {
        let (line, mut body) = (response.status_line(), Vec::new());
        // The status says enough where the body cannot be read.
        let _said_nothing = response.read_body(REFUSAL_BYTES_MAX, &mut body).await.is_err();
        bail!("the server answered {line}: {}", String::from_utf8_lossy(&body).trim());
    }
    while let Some(piece) = response.next_piece().await.context("the server broke the backup off; its log says why")? {
        file.write_all(&piece).context("cannot write the backup")?;
        bar.inc(piece.len() as u64);
    }
    bar.finish_and_clear();
    Ok(file)
}

/// How much has come, of who knows how much.
fn counting() -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{spinner} {binary_bytes} {binary_bytes_per_sec} {elapsed}")?);
    Ok(bar)
}

/// A bar for bytes of files in a backup.
pub(super) fn checking(what: &'static str) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(0).with_message(what);
    bar.set_style(ProgressStyle::with_template("{msg} {bar:40} {binary_bytes}/{binary_total_bytes} {eta}")?);
    Ok(bar)
}

/// A backup that cannot be read is none.
fn read_back(file: &Path) -> anyhow::Result<Manifest> {
    let bar = checking("checking")?;
    let input = BufReader::new(File::open(file).with_context(|| format!("cannot read {}", file.display()))?);
    let manifest = verify(input, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    manifest.with_context(|| format!("what was written cannot be read back (a name ends in {FILE_END} when it can)"))
}
