//! `pharos backup`: from a running server over HTTP, or from the data folder of a stopped one; into a file, or to
//! standard output for another program.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal, PipeWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
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
use crate::platform::backup::{Backups, BackupsOptions, FILE_END, Manifest, Partial, file_name, verify};
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
    /// Token with the scope admin, where users sign in; made on the server's page Settings, Tokens. Rather set it as
    /// PHAROS_TOKEN: other users of this machine can read command lines.
    #[arg(long, env = "PHAROS_TOKEN", hide_env_values = true, value_parser = secret)]
    token: Option<Secret>,
    /// Folder of all data of a server that does not run; without it the server at --url is asked.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The file to write, the folder to put it in, or - for standard output.
    file: PathBuf,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

/// Where a backup goes to instead of a file.
const STANDARD_OUTPUT: &str = "-";

/// Writes the backup to where it is wanted.
pub(in crate::app) fn create(args: &BackupArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let clock: SharedClock = Arc::new(SystemClock::new());
    if args.file.as_os_str() == STANDARD_OUTPUT {
        return to_output(args, out, clock);
    }
    to_file(args, out, clock)
}

/// Writes the backup beside its place, reads it back, and only then gives it its name.
fn to_file(args: &BackupArgs, out: &mut impl Write, clock: SharedClock) -> anyhow::Result<()> {
    let target = if args.file.is_dir() { args.file.join(file_name(clock.now_ms())) } else { args.file.clone() };
    if target.exists() {
        bail!("{} is there already; name another file", target.display());
    }
    if args.file.is_dir() {
        Partial::clear_away(&args.file);
    }
    let partial = Partial::create(&target).with_context(|| format!("cannot create {}.partial", target.display()))?;
    write_to(args, partial.file(), clock)?;
    partial.file().sync_all().with_context(|| format!("cannot write {}", partial.path().display()))?;
    let manifest = read_back(partial.path())?;
    let bytes = partial.file().metadata()?.len();
    partial.finish(&target).with_context(|| format!("cannot give {} its name", target.display()))?;
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        disk::sync_dir(folder)?;
    }
    writeln!(out, "{}: {}", target.display(), summary(&manifest, bytes))?;
    Ok(())
}

/// Hands the backup on as it comes, and reads it at the same time: whether it is whole is known at the end.
fn to_output(args: &BackupArgs, out: &mut impl Write, clock: SharedClock) -> anyhow::Result<()> {
    if io::stdout().is_terminal() {
        bail!(
            "a backup is no text for a terminal; name a file, or hand it on: pharos backup - | ssh metrics.example 'cat > pharos.tar.zst'"
        );
    }
    let (read, check) = io::pipe().context("cannot check the backup")?;
    let reading = thread::spawn(move || {
        let mut read = BufReader::new(read);
        let manifest = verify(&mut read, &mut |_, _| {});
        // Otherwise the writer would hear that nobody reads.
        let _rest_read = io::copy(&mut read.by_ref(), &mut io::sink()).is_ok();
        manifest
    });
    let mut copied = Copied { out, check, bytes: 0 };
    let written = write_to(args, &mut copied, clock).and_then(|()| copied.out.flush().context("cannot write the backup"));
    let bytes = copied.bytes;
    drop(copied);
    let read = reading.join().map_err(|_| anyhow::anyhow!("the check of the backup failed"))?;
    // Said in words alone: that the reader went away is no good end for a backup.
    written.map_err(|error| anyhow::anyhow!("{error:#}; what was written is no whole backup"))?;
    let manifest = read.context("what was written is no whole backup")?;
    let said = writeln!(io::stderr(), "standard output: {}", summary(&manifest, bytes));
    debug_assert!(said.is_ok(), "standard error is open");
    Ok(())
}

fn summary(manifest: &Manifest, bytes: u64) -> String {
    format!(
        "{} in {} files, {} packed, as of {}",
        human::bytes(manifest.bytes() as f64),
        manifest.files.len(),
        human::bytes(bytes as f64),
        time::format_rfc3339(manifest.created_ms),
    )
}

/// Writes everything to two places.
struct Copied<'a, W> {
    out: &'a mut W,
    check: PipeWriter,
    bytes: u64,
}

impl<W: Write> Write for Copied<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.check.write_all(&bytes[..written])?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn write_to(args: &BackupArgs, out: impl Write, clock: SharedClock) -> anyhow::Result<()> {
    match &args.data_dir {
        Some(data) => from_folder(data, out, clock),
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(from_server(args, out, clock))
        }
    }
}

fn from_folder(data: &Path, out: impl Write, clock: SharedClock) -> anyhow::Result<()> {
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
    let counted = bar.wrap_write(BufWriter::new(out));
    let (mut written, _) = backups.to_writer(counted)?;
    bar.finish_and_clear();
    written.flush().context("cannot write the backup")
}

async fn from_server(args: &BackupArgs, mut out: impl Write, clock: SharedClock) -> anyhow::Result<()> {
    let mut url = args.server.url.clone();
    let path = ["api", "v1", "backup"];
    url.path_segments_mut().map_err(|()| anyhow::anyhow!("{} is not an HTTP address", args.server.url))?.pop_if_empty().extend(path);
    let client = HttpClient::new(ClientSettings { tls: args.server.trust.tls(), ..ClientSettings::default() }, clock)?;
    let mut request = Request::post(url, Bytes::new(), TIMEOUT);
    if let Some(token) = &args.token {
        let value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).context("the token has characters that no token has")?;
        request.headers.insert(header::AUTHORIZATION, value);
    }
    let bar = counting()?;
    let mut response = client.send(request).await.map_err(|error| args.server.trust.unreachable(&args.server.url, error))?;
    let response_status = response.status().as_u16();
    if response_status != 200 {
        let (line, mut body) = (response.status_line(), Vec::new());
        // The status says enough where the body cannot be read.
        let _said_nothing = response.read_body(REFUSAL_BYTES_MAX, &mut body).await.is_err();
        bail!("the server answered {line}{}", why(response_status, &String::from_utf8_lossy(&body)));
    }
    while let Some(piece) = response.next_piece().await.context("the server broke the backup off; its log says why")? {
        out.write_all(&piece).context("cannot write the backup")?;
        bar.inc(piece.len() as u64);
    }
    bar.finish_and_clear();
    out.flush().context("cannot write the backup")
}

/// The server's reason, and what to do about it.
fn why(status: u16, body: &str) -> String {
    let said = serde_json::from_str::<serde_json::Value>(body).ok().and_then(|answer| answer["error"].as_str().map(str::to_owned));
    let said = said.unwrap_or_else(|| body.trim().to_owned());
    // The status line has said this much.
    let said = ["forbidden: ", "unauthorized: "].iter().find_map(|kind| said.strip_prefix(kind)).unwrap_or(&said);
    let advice = match status {
        401 => "; make a token with the scope admin on the server's page Settings, Tokens, and set PHAROS_TOKEN to it",
        _ => "",
    };
    let colon = if said.is_empty() { "" } else { ": " };
    format!("{colon}{said}{advice}")
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
