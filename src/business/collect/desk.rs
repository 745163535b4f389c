//! The desk where KPIs are made, changed, deleted and asked about: what is stored and what is counted stay the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::base::clock::SharedClock;
use crate::base::location::Location;
use crate::base::period::Calendar;
use crate::base::quote::quote;
use crate::base::secret::Secret;
use crate::business::config::digest::Digest;
use crate::business::config::file::{self, BusinessFile, Funnel, KeptBusiness, Retention, WeekBegins, in_order, vet_together};
use crate::business::config::kpi::{Kpi, Source, read_one};
use crate::business::model::kind::Longer;
use crate::business::store::{Kind, KpiId, NotStored, Other, Store, StoredKpi};
use crate::platform::config::diagnostic::{Diagnostic, lines};
use crate::platform::db::DbError;

/// What a password is shown as, and what is read as "as it was".
const SECRET: &str = "<secret>";

/// Why something was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It is wrong.
    #[error("{}", lines(.0))]
    Wrong(Vec<Diagnostic>),
    /// It does not fit to the others.
    #[error("{0}")]
    Unfit(String),
    /// It is somebody else's.
    #[error("this stands in the file {0}, and is changed there")]
    InFile(String),
    /// It is not stored.
    #[error(transparent)]
    NotStored(#[from] NotStored),
}

impl From<DbError> for PutError {
    fn from(error: DbError) -> Self {
        Self::NotStored(NotStored::Db(error))
    }
}

/// A KPI that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Names it where its values are.
    pub id: KpiId,
    /// As it is written, its password included.
    pub kpi: Kpi,
    /// The file it comes from; empty for none.
    pub file: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// When it was changed last.
    pub changed_at: i64,
}

/// What following a file did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// KPIs that are new, or not the same as before.
    pub changed: Vec<KpiId>,
    /// KPIs that stand in the file no longer: they are paused.
    pub released: usize,
}

/// The desk.
pub struct Desk {
    store: Store,
    clock: SharedClock,
    /// In an order in which each comes after those of which it is made.
    known: RwLock<Arc<Vec<Arc<Known>>>>,
    /// That of the file, and the one that somebody chose.
    calendars: RwLock<(Option<Calendar>, Calendar)>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

fn known_of(stored: StoredKpi) -> Result<Known, Vec<Diagnostic>> {
    let mut kpi = read_one(&stored.definition)?;
    if let Some(sql) = &mut kpi.sql {
        sql.password = Secret::new(stored.password);
    }
    Ok(Known { id: stored.id, kpi, file: stored.file, made_at: stored.made_at, changed_at: stored.changed_at })
}

fn stored_of(known: &Known) -> StoredKpi {
    StoredKpi {
        id: known.id,
        name: known.kpi.name.clone(),
        definition: known.kpi.text(),
        password: known.kpi.sql.as_ref().map(|sql| sql.password.expose().to_owned()).unwrap_or_default(),
        file: known.file.clone(),
        made_at: known.made_at,
        changed_at: known.changed_at,
    }
}

fn sorted(known: Vec<Arc<Known>>) -> Arc<Vec<Arc<Known>>> {
    let kpis: Vec<Kpi> = known.iter().map(|known| known.kpi.clone()).collect();
    Arc::new(in_order(&kpis).into_iter().map(|place| Arc::clone(&known[place])).collect())
}

/// Where it says `<secret>`, what was there is meant.
fn keep_password(kpi: &mut Kpi, before: Option<&Kpi>) {
    if let Some(sql) = kpi.sql.as_mut().filter(|sql| sql.password.expose() == SECRET) {
        sql.password = before.and_then(|before| before.sql.as_ref()).map(|sql| sql.password.clone()).unwrap_or_default();
    }
}

impl Desk {
    /// Knows what is stored. What cannot be read is left out, and said. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(store: Store, clock: SharedClock) -> Result<Arc<Self>, DbError> {
        let mut known = Vec::new();
        for stored in store.kpis()? {
            let name = stored.name.clone();
            match known_of(stored) {
                Ok(one) => known.push(Arc::new(one)),
                Err(why) => tracing::error!(kpi = name, why = %PutError::Wrong(why), "a stored KPI cannot be read, and is not counted"),
            }
        }
        let chosen = store.calendar()?.unwrap_or(Calendar::of(Location::Utc));
        let (known, calendars) = (RwLock::new(sorted(known)), RwLock::new((None, chosen)));
        Ok(Arc::new(Self { store, clock, known, calendars, changing: tokio::sync::Mutex::default() }))
    }

    /// Every KPI, in an order in which each comes after those of which it is made.
    pub fn all(&self) -> Arc<Vec<Arc<Known>>> {
        Arc::clone(&self.known.read())
    }

    /// The KPI of a name, in any case, or of a number.
    pub fn find(&self, name: &str) -> Option<Arc<Known>> {
        let all = self.all();
        let wanted = name.to_lowercase();
        let by_name = all.iter().find(|known| known.kpi.name.to_lowercase() == wanted);
        by_name.or_else(|| name.parse::<KpiId>().ok().and_then(|id| all.iter().find(|known| known.id == id))).cloned()
    }

    /// The KPI of a number.
    pub fn get(&self, id: KpiId) -> Option<Arc<Known>> {
        self.all().iter().find(|known| known.id == id).cloned()
    }

    /// The calendar of the business.
    pub fn calendar(&self) -> Calendar {
        let (of_file, chosen) = *self.calendars.read();
        of_file.unwrap_or(chosen)
    }

    /// The calendar by which a KPI is counted.
    pub fn calendar_of(&self, kpi: &Kpi) -> Calendar {
        let usual = self.calendar();
        Calendar { location: kpi.zone(usual.location), ..usual }
    }

    /// How a value grows with its period: as longer periods come of shorter ones; of a KPI that is made of others, as those
    /// do. A ratio does not grow, whatever it is made of.
    pub fn longer_of(&self, kpi: &Kpi) -> Longer {
        let first = match kpi.source() {
            Some(Source::Ratio(_)) => return Longer::Average,
            Some(source) => source.parts().first().copied(),
            None => None,
        };
        // Each KPI stands behind those of which it is made, so this ends.
        let part = first.and_then(|name| self.all().iter().find(|known| known.kpi.name == name).cloned());
        part.map_or(kpi.longer, |part| self.longer_of(&part.kpi))
    }

    /// Chooses a calendar. The values that there are stay as they were counted.
    ///
    /// # Errors
    /// A file says it, or the database's.
    pub async fn set_calendar(&self, calendar: Calendar) -> Result<(), PutError> {
        if self.calendars.read().0.is_some() {
            return Err(PutError::Unfit("the calendar of the business stands in its file, and is changed there".to_owned()));
        }
        self.store.set_calendar(calendar).await?;
        self.calendars.write().1 = calendar;
        Ok(())
    }

    /// Reads a draft, new or another `id`, without keeping it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn look(&self, id: Option<KpiId>, text: &str) -> Result<Kpi, PutError> {
        let before = id.and_then(|id| self.get(id));
        let mut kpi = read_one(text).map_err(PutError::Wrong)?;
        keep_password(&mut kpi, before.as_ref().map(|known| &known.kpi));
        self.fits(id, &kpi)?;
        Ok(kpi)
    }

    /// Whether a KPI fits to the others, instead of the one of its number.
    fn fits(&self, id: Option<KpiId>, kpi: &Kpi) -> Result<(), PutError> {
        let all = self.all();
        let taken = all.iter().find(|known| known.kpi.name.to_lowercase() == kpi.name.to_lowercase() && Some(known.id) != id);
        if taken.is_some() {
            return Err(NotStored::Taken(kpi.name.clone()).into());
        }
        if let Some(old) = id.and_then(|id| self.get(id)).filter(|old| old.kpi.name != kpi.name) {
            self.is_free(&old.kpi.name)?;
        }
        let mut together: Vec<Kpi> = all.iter().filter(|known| Some(known.id) != id).map(|known| known.kpi.clone()).collect();
        together.push(kpi.clone());
        match vet_together(&together).into_iter().next() {
            Some((_, why)) => Err(PutError::Unfit(why)),
            None => Ok(()),
        }
    }

    /// Whether no other KPI is made of one.
    fn is_free(&self, name: &str) -> Result<(), PutError> {
        let is_made_of = |known: &&Arc<Known>| known.kpi.source().is_some_and(|source| source.parts().contains(&name));
        match self.all().iter().find(is_made_of) {
            Some(user) => Err(PutError::Unfit(format!("{} is made of {}: change that first", quote(&user.kpi.name), quote(name)))),
            None => Ok(()),
        }
    }

    /// Makes a KPI of a text in YAML or JSON, or changes one; it is counted from now on.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put(&self, id: Option<KpiId>, text: &str) -> Result<KpiId, PutError> {
        let _one_at_a_time = self.changing.lock().await;
        let before = id.map(|id| self.get(id).ok_or(NotStored::Unknown)).transpose()?;
        if let Some(before) = before.as_ref().filter(|before| !before.file.is_empty()) {
            return Err(PutError::InFile(before.file.clone()));
        }
        let kpi = self.look(id, text)?;
        let now = self.clock.now_ms();
        let made_at = before.map_or(now, |before| before.made_at);
        let known = Known { id: id.unwrap_or(0), kpi, file: String::new(), made_at, changed_at: now };
        let ids = self.keep(vec![known]).await?;
        ids.first().copied().ok_or_else(|| NotStored::Unknown.into())
    }

    /// Stores them, and knows them from now on.
    async fn keep(&self, mut changed: Vec<Known>) -> Result<Vec<KpiId>, PutError> {
        let ids = self.store.put_kpis(changed.iter().map(stored_of).collect()).await?;
        for (known, id) in changed.iter_mut().zip(&ids) {
            known.id = *id;
        }
        let mut all: Vec<Arc<Known>> = self.all().iter().filter(|known| !ids.contains(&known.id)).cloned().collect();
        all.extend(changed.into_iter().map(Arc::new));
        *self.known.write() = sorted(all);
        Ok(ids)
    }

    /// Deletes a KPI and everything that is known of it.
    ///
    /// # Errors
    /// It stands in a file, another is made of it, or the database's.
    pub async fn delete(&self, id: KpiId) -> Result<(), PutError> {
        let _one_at_a_time = self.changing.lock().await;
        let known = self.get(id).ok_or(NotStored::Unknown)?;
        if !known.file.is_empty() {
            return Err(PutError::InFile(known.file.clone()));
        }
        self.is_free(&known.kpi.name)?;
        self.store.delete_kpi(id).await?;
        let all = self.all().iter().filter(|known| known.id != id).cloned().collect();
        *self.known.write() = sorted(all);
        Ok(())
    }

    /// Does what a file says; without one nothing comes from a file any more. A KPI that was made by hand under the same
    /// name goes on as the file's, with its values; one that stands in the file no longer is paused.
    ///
    /// # Errors
    /// What does not fit to other KPIs, or the database's.
    pub async fn follow(&self, kept: Option<&KeptBusiness>) -> Result<Followed, PutError> {
        let _one_at_a_time = self.changing.lock().await;
        let (now, all) = (self.clock.now_ms(), self.all());
        let (path, nothing) = (kept.map(|kept| kept.path.as_str()).unwrap_or_default(), BusinessFile::default());
        let file = kept.map_or(&nothing, |kept| &kept.file);
        let (mut changed, mut stands) = (Vec::new(), BTreeSet::new());
        for wanted in &file.kpis {
            let before = all.iter().find(|known| known.kpi.name.to_lowercase() == wanted.name.to_lowercase());
            stands.extend(before.map(|before| before.id));
            let mut kpi = wanted.clone();
            keep_password(&mut kpi, before.map(|before| &before.kpi));
            if before.is_some_and(|before| before.file == path && before.kpi == kpi) {
                continue;
            }
            let (id, made_at) = before.map_or((0, now), |before| (before.id, before.made_at));
            changed.push(Known { id, kpi, file: path.to_owned(), made_at, changed_at: now });
        }
        let count = changed.len();
        for known in all.iter().filter(|known| !known.file.is_empty() && !stands.contains(&known.id)) {
            let kpi = Kpi { paused: true, ..known.kpi.clone() };
            changed.push(Known { kpi, file: String::new(), changed_at: now, ..known.as_ref().clone() });
        }
        let is_changed = |known: &&Arc<Known>| !changed.iter().any(|one| one.id == known.id);
        let together: Vec<Kpi> =
            all.iter().filter(is_changed).map(|known| known.kpi.clone()).chain(changed.iter().map(|known| known.kpi.clone())).collect();
        if let Some((_, why)) = vet_together(&together).into_iter().next() {
            return Err(PutError::Unfit(why));
        }
        let released = changed.len() - count;
        let mut ids = if changed.is_empty() { Vec::new() } else { self.keep(changed).await? };
        ids.truncate(count);
        let funnels = file.funnels.iter().map(|funnel| (Kind::Funnel, other(&funnel.name, funnel.text(), path)));
        let retentions = file.retentions.iter().map(|one| (Kind::Retention, other(&one.name, one.text(), path)));
        let digests = file.digests.iter().map(|digest| (Kind::Digest, other(&digest.name, digest.text(), path)));
        self.store.follow_others(funnels.chain(retentions).chain(digests).collect()).await?;
        self.calendars.write().0 = kept.filter(|kept| kept.file.says_when()).map(|kept| kept.file.calendar());
        Ok(Followed { changed: ids, released })
    }

    /// Everything as a file, passwords hidden. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn export(&self) -> Result<String, DbError> {
        let calendar = self.calendar();
        let file = BusinessFile {
            time_zone: calendar.location.as_str().to_owned(),
            week_begins: WeekBegins::of(calendar.week_start),
            kpis: self.all().iter().map(|known| known.kpi.clone()).collect(),
            funnels: self.funnels()?.into_iter().map(|(funnel, _)| funnel).collect(),
            retentions: self.retentions()?.into_iter().map(|(retention, _)| retention).collect(),
            digests: self.digests()?.into_iter().map(|(digest, _)| digest).collect(),
        };
        Ok(file.text())
    }

    /// Every funnel, with the file it comes from. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn funnels(&self) -> Result<Vec<(Funnel, String)>, DbError> {
        let stored = self.store.others(Kind::Funnel)?;
        Ok(stored.into_iter().filter_map(|other| Some((file::read_funnel(&other.definition).ok()?, other.file))).collect())
    }

    /// Every retention, with the file it comes from. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn retentions(&self) -> Result<Vec<(Retention, String)>, DbError> {
        let stored = self.store.others(Kind::Retention)?;
        Ok(stored.into_iter().filter_map(|other| Some((file::read_retention(&other.definition).ok()?, other.file))).collect())
    }

    /// Every digest, with the file it comes from. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn digests(&self) -> Result<Vec<(Digest, String)>, DbError> {
        let stored = self.store.others(Kind::Digest)?;
        Ok(stored.into_iter().filter_map(|other| Some((file::read_digest(&other.definition).ok()?, other.file))).collect())
    }

    /// Retentions that explain a KPI, by their names. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn retentions_of(&self, kpi: &Kpi) -> Result<Vec<Retention>, DbError> {
        let name = kpi.name.to_lowercase();
        Ok(self.retentions()?.into_iter().map(|(retention, _)| retention).filter(|one| one.kpi.to_lowercase() == name).collect())
    }

    /// Makes a funnel, a retention or a digest of a text, instead of the one of its name; gives that.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put_other(&self, kind: Kind, text: &str) -> Result<String, PutError> {
        let _one_at_a_time = self.changing.lock().await;
        let (name, definition, needed) = match kind {
            Kind::Funnel => {
                let funnel = file::read_funnel(text).map_err(PutError::Wrong)?;
                (funnel.name.clone(), funnel.text(), funnel.steps)
            }
            Kind::Retention => {
                let retention = file::read_retention(text).map_err(PutError::Wrong)?;
                let mut needed = vec![retention.database_of.clone(), retention.kpi.clone()];
                needed.retain(|name| !name.is_empty());
                (retention.name.clone(), retention.text(), needed)
            }
            Kind::Digest => {
                let digest = file::read_digest(text).map_err(PutError::Wrong)?;
                (digest.name.clone(), digest.text(), digest.kpis)
            }
        };
        if let Some(lost) = needed.iter().find(|needed| self.find(needed).is_none()) {
            return Err(PutError::Unfit(format!("{} names {}, which is no KPI", quote(&name), quote(lost))));
        }
        self.is_not_in_file(kind, &name)?;
        if !self.store.put_other(kind, other(&name, definition, "")).await? {
            return Err(PutError::Unfit(format!("there are as many {}s as may be: delete some", kind.as_str())));
        }
        Ok(name)
    }

    /// Deletes a funnel, a retention or a digest. Gives whether there was one.
    ///
    /// # Errors
    /// It stands in a file, or the database's.
    pub async fn delete_other(&self, kind: Kind, name: &str) -> Result<bool, PutError> {
        let _one_at_a_time = self.changing.lock().await;
        self.is_not_in_file(kind, name)?;
        Ok(self.store.delete_other(kind, name.to_owned()).await?)
    }

    fn is_not_in_file(&self, kind: Kind, name: &str) -> Result<(), PutError> {
        let stored = self.store.others(kind)?;
        match stored.into_iter().find(|other| other.name.eq_ignore_ascii_case(name) && !other.file.is_empty()) {
            Some(other) => Err(PutError::InFile(other.file)),
            None => Ok(()),
        }
    }
}

fn other(name: &str, definition: String, file: &str) -> Other {
    Other { name: name.to_owned(), definition, file: file.to_owned() }
}
