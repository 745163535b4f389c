//! The dashboard of a batch with its variables, its panels by their keys, and its range.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;

use super::request::Batch;
use super::{Found, Server};
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::boards::model::{Board, Placed, Search};
use crate::boards::query::{self, Choices, Pace, Resolved, Switches};
use crate::series::matcher::Matcher;
use crate::ui::lang::Lang;
use crate::ui::range::PageRange;

/// Variables found for a range hold for ranges that begin and end in the same minute.
const ROUND_MS: i64 = 60_000;
/// Most dashboards that are kept as they were read.
const BOARDS_MAX: usize = 50;
/// How long variables hold, in milliseconds.
pub(super) const HOLDS_MS: i64 = 10_000;

/// Who looks.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// Their name; empty for nobody who signed in.
    pub name: String,
    /// Their language.
    pub lang: Lang,
    /// Whether they are shown a share: they learn neither queries nor what is wrong with them.
    pub is_outside: bool,
}

/// A dashboard as it is to be shown.
pub(super) struct Stage {
    pub(super) board: Arc<Board>,
    pub(super) json: Arc<Value>,
    pub(super) resolved: Resolved,
    /// Annotations that the reader turned on or off.
    pub(super) switches: Switches,
    /// Every panel and row, copies included.
    pub(super) placed: HashMap<String, Placed>,
    pub(super) range: TimeRange,
    pub(super) reader: Reader,
    pub(super) now: i64,
    pub(super) scrape: i64,
    /// Tells dashboards, their versions, and what is chosen in them apart.
    pub(super) key: u64,
    /// What is kept counts if it was made no earlier; none for how long it holds by itself.
    pub(super) since: Option<i64>,
}

/// The dashboard itself, and a number that tells it from others and from its other versions.
pub(super) struct Play {
    found: Found,
    key: u64,
}

impl Server {
    /// The dashboard of a batch.
    ///
    /// # Errors
    /// In words: there is none, or it cannot be read.
    pub(super) async fn play(&self, uid: &str, draft: Option<&Value>) -> Result<Play, String> {
        let mut hasher = rustc_hash::FxHasher::default();
        if let Some(draft) = draft {
            draft.to_string().hash(&mut hasher);
            let (board, _) = Board::read(draft)?;
            let found = Found { json: Arc::new(draft.clone()), board: Arc::new(board), version: -1 };
            return Ok(Play { found, key: hasher.finish() });
        }
        let wanted = Search { uids: vec![uid.to_owned()], ..Search::default() };
        let none = || format!("there is no dashboard \"{uid}\"");
        let about = self.ports.library.find_boards(wanted).await?.into_iter().find(|about| about.uid == uid).ok_or_else(none)?;
        let known = self.boards.lock().get(uid).filter(|found| found.version == about.version).cloned();
        let found = match known {
            Some(found) => found,
            None => self.read(uid).await?.ok_or_else(none)?,
        };
        (uid, found.version).hash(&mut hasher);
        Ok(Play { found, key: hasher.finish() })
    }

    /// Reads a dashboard anew.
    async fn read(&self, uid: &str) -> Result<Option<Found>, String> {
        let Some(stored) = self.ports.library.board(uid.to_owned()).await? else { return Ok(None) };
        let (board, _) = Board::read(&stored.json)?;
        let found = Found { json: Arc::new(stored.json), board: Arc::new(board), version: stored.about.version };
        let mut boards = self.boards.lock();
        if boards.len() >= BOARDS_MAX {
            boards.clear();
        }
        boards.insert(uid.to_owned(), found.clone());
        Ok(Some(found))
    }

    /// Tells apart for what variables are found.
    pub(super) fn scene_key(&self, play: &Play, batch: &Batch, range: TimeRange, reader: &Reader) -> u64 {
        let mut hasher = rustc_hash::FxHasher::default();
        (play.key, &batch.vars, &batch.bounded, &batch.zone, &reader.name).hash(&mut hasher);
        (range.start.div_euclid(ROUND_MS), range.end.div_euclid(ROUND_MS)).hash(&mut hasher);
        hasher.finish()
    }

    /// Finds the variables of a dashboard for the panels of a batch. Blocking.
    pub(super) fn variables(&self, play: &Play, batch: &Batch, range: TimeRange, reader: &Reader, cancel: &Cancel) -> Resolved {
        self.resolve(&play.found.board, &Choices::from_query(&batch.vars).bounded(&batch.bounded), range, reader, &batch.zone, cancel)
    }

    /// Finds the variables of a dashboard for what is chosen. Blocking, until the flag is raised.
    pub fn resolve(&self, board: &Board, chosen: &Choices, range: TimeRange, reader: &Reader, zone: &str, cancel: &Cancel) -> Resolved {
        let read = |text: &str| self.read_selector(text);
        let ports = query::Ports {
            select: &*self.ports.select,
            evaluate: &*self.ports.engines.metrics,
            logs: &*self.ports.log_labels,
            read: &read,
            scrape: (self.ports.scrape)(),
            user: &reader.name,
            zone,
            cancel,
        };
        query::resolve(board, chosen, range, &ports)
    }

    /// The matchers of a selector.
    pub(super) fn read_selector(&self, text: &str) -> Result<Vec<Matcher>, String> {
        let shape = (self.ports.read)(text).map_err(|error| error.to_string())?;
        match shape.selectors.as_slice() {
            [one] => Ok(one.clone()),
            _ => Err(format!("\"{text}\" is no selector of series, such as up{{job=\"api\"}}")),
        }
    }

    /// Everything that the panels of a batch share.
    pub(super) fn stage(&self, play: &Play, batch: &Batch, range: TimeRange, reader: Reader, resolved: &Resolved) -> Stage {
        let scrape = (self.ports.scrape)();
        let resolved = Resolved { pace: Pace { range, ..resolved.pace }, ..resolved.clone() };
        let placed = play.found.board.layout(&|name| resolved.values_of(name), &|_| Some(true));
        let now = self.ports.clock.now_ms();
        let mut hasher = rustc_hash::FxHasher::default();
        (play.key, resolved.url(), &batch.zone, reader.lang == Lang::Ar, reader.is_outside).hash(&mut hasher);
        for one in &resolved.variables {
            (one.is_all, one.choices.len()).hash(&mut hasher);
        }
        if !resolved.about.user.is_empty() && play.found.json.to_string().contains("__user") {
            resolved.about.user.hash(&mut hasher);
        }
        Stage {
            board: Arc::clone(&play.found.board),
            json: Arc::clone(&play.found.json),
            placed: placed.into_iter().map(|one| (one.key.clone(), one)).collect(),
            resolved,
            switches: Switches::from_query(&batch.marks),
            range,
            reader,
            now,
            scrape,
            key: hasher.finish(),
            since: batch.refresh.then_some(now),
        }
    }
}

/// The range of a batch, or of its dashboard.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn range(play: &Play, batch: &Batch, now: i64) -> Result<TimeRange, String> {
    let board = &play.found.board;
    let or = |given: &str, own: &str| if given.is_empty() { own.to_owned() } else { given.to_owned() };
    PageRange { from: or(&batch.from, &board.from), to: or(&batch.to, &board.to) }.resolve_in(now, &batch.zone)
}
