//! Sends letters when it is time: each once, whatever fails and whenever the server starts anew.

use std::fmt;
use std::sync::Arc;

use super::when::{Due, due};
use crate::base::again::may_try;
use crate::base::clock::SharedClock;
use crate::base::period::Period;
use crate::business::collect::blocking;
use crate::business::collect::desk::{Desk, PutError};
use crate::business::config::digest::Digest;
use crate::business::config::file::read_digest;
use crate::business::model::sending::Sending;
use crate::business::store::{Kind, NotStored, Store};
use crate::platform::db::DbError;
use crate::series::ports::{Mail, SendMail};
use crate::ui::lang::key;

/// What is said of a letter that was being sent when the server ended.
pub const UNSURE: &str = key("The server ended while it was being sent: nobody knows whether it arrived. Send it now if it did not.");
/// What is said of a letter that was due while the server was away.
pub const AWAY: &str = key("The server was away when it was due, for longer than letters are sent later.");

/// Writes letters.
pub trait Pen: Send + Sync {
    /// The letter of a digest about a period, without its readers. Blocking.
    ///
    /// # Errors
    /// Why it cannot be written, in words.
    fn letter(&self, digest: &Digest, about: Period) -> Result<Mail, String>;
}

/// A digest with the file it comes from and what became of its letters.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// It.
    pub digest: Digest,
    /// The file it comes from; empty for none.
    pub file: String,
    /// What became of it.
    pub sending: Sending,
}

/// Keeps digests, and sends what is due.
pub struct Sender {
    desk: Arc<Desk>,
    store: Store,
    clock: SharedClock,
    mail: Arc<dyn SendMail>,
    pen: Arc<dyn Pen>,
    /// One letter at a time.
    sending: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl Sender {
    /// Sends by `mail` what `pen` writes; nothing goes out yet.
    pub fn new((desk, store): (Arc<Desk>, Store), clock: SharedClock, mail: Arc<dyn SendMail>, pen: Arc<dyn Pen>) -> Arc<Self> {
        Arc::new(Self { desk, store, clock, mail, pen, sending: tokio::sync::Mutex::default() })
    }

    /// Whether there is a server that takes letters.
    pub fn has_mail(&self) -> bool {
        self.mail.is_set()
    }

    /// Every digest, by name. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn all(&self) -> Result<Vec<Kept>, DbError> {
        let mut known = self.store.sendings()?;
        let kept = |(digest, file): (Digest, String)| {
            let place = known.iter().position(|one| one.name.eq_ignore_ascii_case(&digest.name));
            Kept { sending: place.map(|place| known.swap_remove(place)).unwrap_or_default(), digest, file }
        };
        Ok(self.desk.digests()?.into_iter().map(kept).collect())
    }

    /// The digest of a name, in any case. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn find(&self, name: &str) -> Result<Option<Kept>, DbError> {
        let wanted = name.to_lowercase();
        Ok(self.all()?.into_iter().find(|kept| kept.digest.name.to_lowercase() == wanted))
    }

    /// Makes a digest of a text in YAML or JSON, or changes the one that is called `before`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put(&self, before: Option<&str>, text: &str) -> Result<Digest, PutError> {
        let digest = read_digest(text).map_err(PutError::Wrong)?;
        let all = self.desk.digests()?;
        let is_known = |name: &str| all.iter().any(|(one, _)| one.name.to_lowercase() == name.to_lowercase());
        let is_renamed = before.is_none_or(|before| before.to_lowercase() != digest.name.to_lowercase());
        if before.is_some_and(|before| !is_known(before)) {
            return Err(PutError::Unfit("there is no such digest any more".to_owned()));
        }
        if is_renamed && is_known(&digest.name) {
            return Err(PutError::NotStored(NotStored::Taken(digest.name)));
        }
        let name = self.desk.put_other(Kind::Digest, text).await?;
        if let Some(before) = before.filter(|_| is_renamed) {
            self.desk.delete_other(Kind::Digest, before).await?;
        }
        self.follow().await?;
        self.store.retry_digest(name).await?;
        Ok(digest)
    }

    /// Deletes one. Gives whether there was one.
    ///
    /// # Errors
    /// It stands in a file, or the database's.
    pub async fn delete(&self, name: &str) -> Result<bool, PutError> {
        let is_gone = self.desk.delete_other(Kind::Digest, name).await?;
        self.follow().await?;
        Ok(is_gone)
    }

    /// Knows of every digest since when it goes out.
    async fn follow(&self) -> Result<(), DbError> {
        let desk = Arc::clone(&self.desk);
        let all = blocking(move || desk.digests()).await?;
        let all = all.into_iter().map(|(digest, _)| (digest.schedule(), digest.name)).map(|(schedule, name)| (name, schedule)).collect();
        self.store.follow_digests(all, self.clock.now_ms()).await
    }

    /// The letter of a digest about a period, made on a thread of its own.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub async fn written(&self, digest: &Digest, about: Period) -> Result<Mail, String> {
        let (pen, digest) = (Arc::clone(&self.pen), digest.clone());
        let made = tokio::task::spawn_blocking(move || pen.letter(&digest, about)).await;
        made.map_err(|_| "the letter could not be written".to_owned())?
    }

    /// Sends a letter now, about the newest period that is over, to those who are named. It does not count as the one that
    /// is due.
    ///
    /// # Errors
    /// Why it is not sent, in words.
    pub async fn send_now(&self, digest: &Digest, to: Vec<String>) -> Result<(), String> {
        if !self.mail.is_set() {
            return Err("no mail server is set".to_owned());
        }
        let about = self.about(digest).ok_or("the calendar ends before")?;
        let letter = self.written(digest, about).await?;
        self.mail.send(Mail { to, ..letter }).await
    }

    /// The newest period that is over.
    pub fn about(&self, digest: &Digest) -> Option<Period> {
        self.desk.calendar().period(digest.every.grain(), self.clock.now_ms()).map(Period::before)
    }

    /// Sends what is due.
    ///
    /// # Errors
    /// The database's; what was not sent is due still.
    pub async fn tick(&self) -> Result<(), DbError> {
        // One that takes longer than a minute goes on by itself.
        let Ok(_one_at_a_time) = self.sending.try_lock() else { return Ok(()) };
        // Nothing is being sent here: what is taken down so is of a server that ended.
        let unsure = self.store.unsure_digests(UNSURE).await?;
        if unsure > 0 {
            tracing::warn!(unsure, "nobody knows whether letters about KPIs arrived: the server ended while they were being sent");
        }
        self.follow().await?;
        let (desk, store) = (Arc::clone(&self.desk), self.store.clone());
        let (digests, sendings) = blocking(move || Ok((desk.digests()?, store.sendings()?))).await?;
        let calendar = self.desk.calendar();
        for (digest, _) in digests.into_iter().filter(|(digest, _)| !digest.paused) {
            let Some(sending) = sendings.iter().find(|one| one.name.eq_ignore_ascii_case(&digest.name)) else { continue };
            let now = self.clock.now_ms();
            match due(&digest, calendar, (sending.since, &sending.settled), now) {
                Due::Nothing => {}
                Due::Missed(slot) => self.store.given_up_digest(sending.id, slot.about.to_string(), AWAY).await?,
                Due::Now(slot) if self.mail.is_set() && may_try(sending.tries, sending.tried_at, now) => {
                    self.send_due(&digest, sending, slot.about).await?;
                }
                Due::Now(_) => {}
            }
        }
        Ok(())
    }

    /// Sends one letter. That it is being sent is taken down before, so that it never goes out twice.
    async fn send_due(&self, digest: &Digest, sending: &Sending, about: Period) -> Result<(), DbError> {
        let (period, id) = (about.to_string(), sending.id);
        let letter = match self.written(digest, about).await {
            Ok(letter) => letter,
            Err(why) => return self.failed(digest, id, why).await,
        };
        if !self.store.claim_digest(id, period.clone(), self.clock.now_ms()).await? {
            return Ok(());
        }
        let name = format!("pharos-digest.{id}.{}.{period}", sending.since);
        match self.mail.send(Mail { id: name, to: digest.to.clone(), ..letter }).await {
            Ok(()) => {
                tracing::info!(digest = digest.name, period, "a letter about KPIs is sent");
                self.store.sent_digest(id, period, self.clock.now_ms()).await
            }
            Err(why) => self.failed(digest, id, why).await,
        }
    }

    async fn failed(&self, digest: &Digest, id: i64, why: String) -> Result<(), DbError> {
        tracing::warn!(digest = digest.name, why, "a letter about KPIs is not sent, and is tried again");
        self.store.failed_digest(id, why, self.clock.now_ms()).await
    }
}
