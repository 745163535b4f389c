//! A batch from its request to its lines. Lines come in the order in which panels are ready; who stops reading stops the
//! work on what is not.

use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::Server;
use super::answer::{Job, NOT_MADE};
use super::marks::Marks;
use super::request::Batch;
use super::scene::{self, HOLDS_MS, Reader, Stage};
use crate::base::cancel::{Cancel, Stop};

/// Lines of JSON, each with its end.
pub type Lines = Pin<Box<dyn Stream<Item = String> + Send>>;

/// How many panels of one batch are made at once.
const AT_ONCE: usize = 4;
/// How long a panel, or finding all variables, may take.
const WITHIN: Duration = Duration::from_secs(30);

/// Raises a flag when it is dropped: nobody waits any more.
struct Raised(Cancel);

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.raise(Stop::Cancelled);
    }
}

/// Blocking work that is told when nobody waits for it any more, or when its time is over.
///
/// # Errors
/// In words, where it broke off.
async fn working<T: Send + 'static>(work: impl FnOnce(&Cancel) -> T + Send + 'static) -> Result<T, String> {
    let cancel = Cancel::new();
    let raised = Raised(cancel.clone());
    let mut task = tokio::task::spawn_blocking(move || work(&cancel));
    let done = tokio::select! {
        done = &mut task => done,
        () = tokio::time::sleep(WITHIN) => {
            raised.0.raise(Stop::TimedOut);
            task.await
        }
    };
    done.map_err(|error| {
        tracing::error!(%error, "a panel could not be made");
        "the panel could not be made; the log of the server says why".to_owned()
    })
}

impl Server {
    /// Answers a batch.
    ///
    /// # Errors
    /// In words, where nothing of it can be answered: there is no such dashboard, or the range is none.
    pub async fn batch(self: &Arc<Self>, uid: &str, batch: Batch, reader: Reader) -> Result<Lines, String> {
        let now = self.ports.clock.now_ms();
        let play = self.play(uid, batch.draft.as_ref()).await?;
        let range = scene::range(&play, &batch, now)?;
        let play = Arc::new(play);
        let key = self.scene_key(&play, &batch, range, &reader);
        let (server, one, asked, who) = (Arc::clone(self), Arc::clone(&play), batch.clone(), reader.clone());
        let found = async move {
            let _places = server.place(who.is_outside).await?;
            let resolved = working(move |cancel| server.variables(&one, &asked, range, &who, cancel)).await?;
            let bytes = resolved.variables.iter().map(|one| 1_000 + one.choices.len() * 100).sum();
            Ok::<_, String>((resolved, bytes))
        };
        let since = if batch.refresh { now } else { now - HOLDS_MS };
        let resolved = self.scenes.get(key, (now, since), found).await?;
        let stage = Arc::new(self.stage(&play, &batch, range, reader, &resolved));
        let marks = self.marks_of(&stage, now, since).await?;
        let mut hasher = rustc_hash::FxHasher::default();
        marks.list.iter().for_each(|mark| mark.json.to_string().hash(&mut hasher));
        let marks_key = hasher.finish();
        let server = Arc::clone(self);
        let lines = stream::iter(batch.panels)
            .map(move |wanted| {
                let (server, stage, marks) = (Arc::clone(&server), Arc::clone(&stage), Arc::clone(&marks));
                async move {
                    match server.job(&stage, &wanted, marks_key) {
                        Some(job) => server.line(stage, job, marks).await,
                        None => line(&wanted.key, &json!({ "error": { "text": "this panel is not in the dashboard" } })),
                    }
                }
            })
            .buffer_unordered(AT_ONCE)
            .chain(stream::once(async { "{\"done\":true}\n".to_owned() }));
        Ok(Box::pin(lines))
    }

    /// What is marked on the charts of a dashboard.
    async fn marks_of(self: &Arc<Self>, stage: &Arc<Stage>, now: i64, since: i64) -> Result<Arc<Marks>, String> {
        let mut hasher = rustc_hash::FxHasher::default();
        (stage.key, &stage.switches, stage.range.start / HOLDS_MS, stage.range.end / HOLDS_MS).hash(&mut hasher);
        let (server, one) = (Arc::clone(self), Arc::clone(stage));
        let found = async move {
            let marks = working(move |cancel| server.find_marks(&one, cancel)).await?;
            let bytes = 200 + marks.list.len() * 500;
            Ok::<_, String>((marks, bytes))
        };
        self.marks.get(hasher.finish(), (now, since), found).await
    }

    /// The line of a panel: made, or as it was made for somebody else.
    async fn line(self: &Arc<Self>, stage: Arc<Stage>, job: Job, marks: Arc<Marks>) -> String {
        let now = self.ports.clock.now_ms();
        let since = stage.since.unwrap_or(now - job.holds);
        let (key, wanted, stage_reader) = (job.key, job.wanted.clone(), stage.reader.clone());
        let server = Arc::clone(self);
        let made = async move {
            let _places = server.place(stage.reader.is_outside).await?;
            let own = Arc::clone(&server);
            let body = working(move |cancel| own.answer(&stage, &job, &marks, cancel)).await?;
            let body = body.map_err(|stop| match stop {
                Stop::TimedOut => format!("the panel took longer than {} s", WITHIN.as_secs()),
                Stop::Cancelled => "the panel was given up".to_owned(),
            })?;
            let bytes = body.len() + 200;
            Ok::<_, String>((body, bytes))
        };
        let (is_outside, lang) = (stage_reader.is_outside, stage_reader.lang);
        match self.answers.get(key, (now, since), made).await {
            Ok(body) => {
                let etag = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(body.as_bytes()));
                if wanted.have == etag {
                    return line(&wanted.key, &json!({ "etag": etag, "same": true }));
                }
                // The body is an object; key and etag come in front of its first field.
                format!("{{\"key\":{},\"etag\":\"{etag}\",{}\n", json!(wanted.key), body.strip_prefix('{').unwrap_or("}"))
            }
            Err(_) if is_outside => line(&wanted.key, &json!({ "error": { "text": lang.t(NOT_MADE) } })),
            Err(text) => line(&wanted.key, &json!({ "error": { "text": text } })),
        }
    }

    /// Waits for a place to work in; readers of shares have few of them, so that others need not wait for them.
    async fn place(&self, is_outside: bool) -> Result<(Option<OwnedSemaphorePermit>, OwnedSemaphorePermit), String> {
        let outside = match is_outside {
            true => Some(Arc::clone(&self.outside).acquire_owned().await.map_err(|error| error.to_string())?),
            false => None,
        };
        Ok((outside, Arc::clone(&self.places).acquire_owned().await.map_err(|error| error.to_string())?))
    }
}

fn line(key: &str, rest: &Value) -> String {
    let mut line = json!({ "key": key });
    if let (Some(line), Some(rest)) = (line.as_object_mut(), rest.as_object()) {
        line.extend(rest.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    format!("{line}\n")
}
