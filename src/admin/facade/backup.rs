//! Backups: the page, the files, and the address for programs.

use std::io::{self, Read, Write};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};
use tokio::sync::oneshot;

use super::Admin;
use super::asked::{Asked, Form, see};
use crate::access::{Origin, Policy, Routes};
use crate::admin::pages::backup::{self, BackupInput};
use crate::platform::backup::{BackupError, BackupFile, Backups, Made, file_name};
use crate::platform::http::problem::Problem;
use crate::platform::http::stream::PieceWriter;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::nav::Page;

/// What the media type of the files is called.
const KIND: HeaderValue = HeaderValue::from_static("application/zstd");
/// A page does not wait longer than this for a backup; it says that one is being made.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// Read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// What these handlers work with.
#[derive(Clone)]
struct Store {
    admin: Arc<Admin>,
    backups: Arc<Backups>,
}

impl Admin {
    /// The routes about backups.
    pub fn backup_routes(self: &Arc<Self>, backups: &Arc<Backups>) -> Routes {
        let store = Store { admin: Arc::clone(self), backups: Arc::clone(backups) };
        let with = |handler: axum::routing::MethodRouter<Store>| handler.with_state(store.clone());
        Routes::new()
            .route("GET, POST", links::BACKUP, Policy::ADMIN, with(get(page).post(make)))
            .route("GET", links::BACKUP_FILE, Policy::ADMIN, with(get(download)))
            .route("POST", links::BACKUP_API, Policy::ADMIN, with(post(api)))
    }
}

impl Store {
    /// Makes one in the server's folder, and writes it down.
    async fn make_in_folder(self, actor: String, asked: Origin) -> Result<(BackupFile, Made), BackupError> {
        let backups = Arc::clone(&self.backups);
        let made = tokio::task::spawn_blocking(move || backups.to_folder()).await;
        let made = made.unwrap_or_else(|_| Err(BackupError::Failed("the backup failed unexpectedly; the log says where".to_owned())));
        match &made {
            Ok((file, made)) => self.note(&actor, &asked, "backup.create", &file.name, Some(made)).await,
            Err(BackupError::Busy) => {}
            Err(BackupError::Failed(_)) => self.note(&actor, &asked, "backup.failed", "", None).await,
        }
        made
    }

    async fn note(&self, actor: &str, origin: &Origin, action: &str, subject: &str, made: Option<&Made>) {
        let after = made.map(|made| serde_json::json!({ "bytes": made.bytes, "created_ms": made.created_ms }).to_string());
        if let Err(error) = self.admin.access.note(actor, origin, action, subject, None, after).await {
            tracing::warn!(%error, "a backup could not be written to the audit log");
        }
    }
}

fn problem(error: &BackupError) -> Problem {
    match error {
        BackupError::Busy => Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(30),
        BackupError::Failed(why) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, why.clone()),
    }
}

fn show(store: &Store, asked: &Asked, error: Option<&BackupError>) -> Response {
    let backups = &store.backups;
    let (files, unreadable) = match backups.list() {
        Ok(files) => (files, None),
        Err(error) => (Vec::new(), Some(format!("{}: {error}", backups.folder().display()))),
    };
    let input = BackupInput {
        files,
        folder: backups.folder().display().to_string(),
        keep: backups.keep(),
        next_ms: backups.next_ms(),
        is_running: backups.is_running(),
        failure: backups.failure(),
        error: error.map(ToString::to_string).or(unreadable),
    };
    let status = error.map_or(StatusCode::OK, |error| problem(error).status());
    asked.page(status, backup::render(&input, &asked.shell(&store.admin, Page::Settings, key("Backup"))))
}

async fn page(State(store): State<Store>, asked: Asked) -> Response {
    show(&store, &asked, None)
}

async fn make(State(store): State<Store>, asked: Asked) -> Response {
    // In a task of its own: the backup is made although nobody waits for the page any more.
    let making = tokio::spawn(store.clone().make_in_folder(asked.caller.actor(), asked.origin.clone()));
    match tokio::time::timeout(PATIENCE, making).await {
        Ok(Ok(Ok(_))) => see(&links::with(links::BACKUP, &[("done", "made")])),
        Ok(Ok(Err(error))) => show(&store, &asked, Some(&error)),
        Ok(Err(error)) => Problem::internal(&error).into_response(),
        Err(_) => see(&links::with(links::BACKUP, &[("done", "begun")])),
    }
}

async fn download(State(store): State<Store>, Path(name): Path<String>, asked: Asked) -> Response {
    let backups = Arc::clone(&store.backups);
    let opened = tokio::task::spawn_blocking(move || backups.open(&name)).await;
    let (mut file, found) = match opened {
        Ok(Ok(Some(opened))) => opened,
        Ok(Ok(None)) => return Problem::new(StatusCode::NOT_FOUND, "there is no such backup; it may have been removed").into_response(),
        Ok(Err(error)) => return Problem::internal(&error).into_response(),
        Err(error) => return Problem::internal(&error).into_response(),
    };
    store.note(&asked.caller.actor(), &asked.origin, "backup.download", &found.name, None).await;
    let (mut writer, body) = PieceWriter::new();
    let bytes = found.bytes;
    tokio::task::spawn_blocking(move || {
        if let Err(error) = copy(&mut file, &mut writer, bytes).and_then(|()| writer.finish()) {
            tracing::debug!(%error, "a backup was not downloaded to its end");
        }
    });
    let mut response = as_file(&found.name, body);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    response
}

/// Exactly so many bytes, as was promised.
fn copy(from: &mut impl Read, to: &mut impl Write, bytes: u64) -> io::Result<()> {
    let (mut left, mut piece) = (bytes, vec![0; PIECE_BYTES]);
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        from.read_exact(&mut piece[..wanted])?;
        to.write_all(&piece[..wanted])?;
        left -= wanted as u64;
    }
    Ok(())
}

fn as_file(name: &str, body: axum::body::Body) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, KIND),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}

/// `POST /api/v1/backup`: the backup itself, or with `to=folder` one in the server's folder.
async fn api(State(store): State<Store>, asked: Asked, form: Form) -> Response {
    let (actor, origin) = (asked.caller.actor(), asked.origin.clone());
    match form.text("to") {
        "" => stream(store, actor, origin).await,
        "folder" => match store.make_in_folder(actor, origin).await {
            Ok((file, made)) => {
                let data = serde_json::json!({ "name": file.name, "bytes": file.bytes, "created_ms": made.created_ms });
                axum::Json(serde_json::json!({ "status": "success", "data": data })).into_response()
            }
            Err(error) => problem(&error).into_response(),
        },
        other => {
            Problem::bad_request(format!("to={other:?} is not known; leave it out for the backup itself, or say to=folder")).into_response()
        }
    }
}

/// The backup while it is being written. What fails before its first byte is an error; what fails later breaks it off.
async fn stream(store: Store, actor: String, origin: Origin) -> Response {
    let (writer, body) = PieceWriter::new();
    let (tell, begun) = oneshot::channel();
    let backups = Arc::clone(&store.backups);
    let working = tokio::task::spawn_blocking(move || {
        let out = Told { writer, tell: Some(tell) };
        let (out, made) = backups.to_writer(out)?;
        out.writer.finish().map_err(|error| BackupError::Failed(error.to_string()))?;
        Ok::<Made, BackupError>(made)
    });
    let name = file_name(store.admin.clock.now_ms());
    let noting = {
        let (store, actor, origin) = (store.clone(), actor.clone(), origin.clone());
        async move {
            let made =
                working.await.unwrap_or_else(|_| Err(BackupError::Failed("the backup failed unexpectedly; the log says where".to_owned())));
            if let Err(BackupError::Failed(_)) = &made {
                store.note(&actor, &origin, "backup.failed", "", None).await;
            }
            made
        }
    };
    let noting = tokio::spawn(noting);
    if begun.await.is_ok() {
        // Written down before the first byte leaves, as whoever hangs up early has some of it all the same.
        store.note(&actor, &origin, "backup.download", "a new backup", None).await;
        return as_file(&name, body);
    }
    match noting.await {
        Ok(Err(error)) => problem(&error).into_response(),
        Ok(Ok(_)) => as_file(&name, body),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// Tells when the first byte is written.
struct Told {
    writer: PieceWriter,
    tell: Option<oneshot::Sender<()>>,
}

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(tell) = self.tell.take() {
            // Whoever waited may have gone; the writer notices that itself.
            let _nobody_waits = tell.send(()).is_err();
        }
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
