//! Rules of the web pages and the API: read, kept, and handed to those who evaluate.

use std::path::Path;
use std::sync::Arc;

use super::load::ReadQuery;
use super::manager::Manager;
use crate::alerts::model::{Group, Language};
use crate::alerts::rules::own::{self, Checked, Kept, OwnError, OwnFile, OwnRules};
use crate::alerts::rules::{self, Options};
use crate::alerts::store::rules::{RuleFile, RuleFiles, TEXT_BYTES_MAX};
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::db::{Db, DbError};

/// The rules that the server keeps.
pub struct Own {
    files: RuleFiles,
    read_query: ReadQuery,
    manager: Arc<Manager>,
    clock: SharedClock,
    /// One change at a time, so that what runs is what is kept.
    changing: tokio::sync::Mutex<()>,
}

impl Own {
    /// Those of a database, evaluated by `manager`.
    pub fn new(db: Arc<Db>, read_query: ReadQuery, manager: Arc<Manager>, clock: SharedClock) -> Self {
        Self { files: RuleFiles::new(db), read_query, manager, clock, changing: tokio::sync::Mutex::default() }
    }

    /// The groups of every file that can be read; what is wrong with the others is logged. Blocking.
    pub fn groups(&self) -> Vec<Group> {
        let files = match self.files.all() {
            Ok(files) => files,
            Err(error) => {
                tracing::error!(%error, "the rules of the web pages cannot be read, and are not evaluated");
                return Vec::new();
            }
        };
        let mut groups = Vec::new();
        for file in files {
            match self.check(&file.name, &file.text) {
                Ok((more, _)) => groups.extend(more),
                Err(problems) => {
                    let problem = problems.first().map(ToString::to_string).unwrap_or_default();
                    tracing::error!(file = %file.name, problem, "rules of the web pages are not evaluated");
                }
            }
        }
        groups
    }

    fn seen(&self, file: RuleFile) -> OwnFile {
        let problems = self.check(&file.name, &file.text).err().unwrap_or_default();
        let RuleFile { name, text, changed_by, changed_at } = file;
        OwnFile { name, text, changed_by, changed_at, problems }
    }

    /// Evaluates what is kept now.
    async fn take_over(self: &Arc<Self>) {
        let own = Arc::clone(self);
        let taken = tokio::task::spawn_blocking(move || own.manager.apply_own(own.groups())).await;
        if taken.is_err() {
            tracing::error!("taking over rules of the web pages panicked");
        }
    }
}

fn failed(error: &DbError) -> OwnError {
    OwnError::Store(error.to_string())
}

/// The same to those who share it: changes run on after whoever asked has gone away.
#[derive(Clone)]
pub struct SharedOwn(pub Arc<Own>);

impl OwnRules for SharedOwn {
    fn files(&self) -> Result<Vec<OwnFile>, OwnError> {
        let files = self.0.files.all().map_err(|error| failed(&error))?;
        Ok(files.into_iter().map(|file| self.0.seen(file)).collect())
    }

    fn check(&self, name: &str, text: &str) -> Checked {
        self.0.check(name, text)
    }

    fn save<'a>(&'a self, name: &'a str, text: &'a str, by: &'a str) -> Kept<'a> {
        Box::pin(async move {
            let name = own::name(name)?;
            self.0.check(&name, text).map_err(OwnError::Wrong)?;
            let _one_at_a_time = self.0.changing.lock().await;
            let file = RuleFile { name, text: text.to_owned(), changed_by: by.to_owned(), changed_at: self.0.clock.now_ms() };
            let before = self.0.files.put(file).await.map_err(|error| failed(&error))?;
            let before = before.map_err(|full| OwnError::TooMuch(full.to_string()))?;
            self.0.take_over().await;
            Ok(before.map(|file| self.0.seen(file)))
        })
    }

    fn delete<'a>(&'a self, name: &'a str) -> Kept<'a> {
        Box::pin(async move {
            let _one_at_a_time = self.0.changing.lock().await;
            let before = self.0.files.delete(name).await.map_err(|error| failed(&error))?;
            let before = before.ok_or_else(|| OwnError::Missing(name.to_owned()))?;
            self.0.take_over().await;
            Ok(Some(self.0.seen(before)))
        })
    }
}

impl Own {
    fn check(&self, name: &str, text: &str) -> Checked {
        let file = format!("{}{name}", own::PREFIX);
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("the text has {} bytes, more than {TEXT_BYTES_MAX}", text.len());
            return Err(vec![Diagnostic { file: file.into(), line: 0, column: 0, message }]);
        }
        read(&file, text, self.read_query)
    }
}

/// Reads a text as the rule file that it is called.
pub(super) fn read(file: &str, text: &str, read_query: ReadQuery) -> Checked {
    let check = |language: Language, query: &str| read_query(language, query).err();
    let options = Options { check: &check, language: Language::PromQl, ignore_unknown: false };
    let mut report = Report::new(Path::new(file));
    let groups = rules::read(file, text, &options, &mut report);
    report.finish().map(|warnings| (groups, warnings))
}
