//! The file of objectives beside the configuration, in pharos' form or in that of another program.

use std::path::Path;

use super::{FILE_BYTES_MAX, read};
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::text_file;
use crate::platform::config::yaml::{self, Position};
use crate::slo::config::{Slo, file};

/// A file of objectives, and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSlos {
    /// Where it is, as it was named.
    pub path: String,
    /// What stands in it.
    pub slos: Vec<Slo>,
}

impl KeptSlos {
    /// Reads it, with what is odd about it. Blocking.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its place.
    pub fn load(path: &Path) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let text = text_file::read(path, FILE_BYTES_MAX).map_err(|why| refused(path, &format!("cannot read the SLOs: {why}")))?;
        let (slos, odd) = if is_own(&text) {
            file::read(&text, path)?
        } else {
            let brought = read(&text).map_err(|why| refused(path, &why))?;
            let mut report = Report::new(path);
            brought.notes.into_iter().for_each(|note| report.warn(Position::default(), note));
            (brought.slos, report.finish()?)
        };
        Ok((Self { path: path.to_string_lossy().into_owned(), slos }, odd))
    }
}

/// Whether it is a file of our own, whose mistakes have a place. One that cannot be read counts as such too.
fn is_own(text: &str) -> bool {
    yaml::parse(text)
        .is_ok_and(|document| document.second.is_none() && document.root.get("slos").is_some() && document.root.get("version").is_none())
}

fn refused(path: &Path, why: &str) -> Vec<Diagnostic> {
    let mut report = Report::new(path);
    report.error(Position::default(), why);
    report.finish().err().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_all_kinds_are_read_and_mistakes_have_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let load = |text: &str| {
            let path = folder.path().join("slos.yml");
            std::fs::write(&path, text).unwrap();
            KeptSlos::load(&path).map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        };
        let own = "slos:\n- {name: a, objective: 99, check: Shop}\n";
        assert_eq!(load(own).unwrap().0.slos[0].name, "a");
        let wrong = load("slos:\n- {name: a, objective: 99, chek: Shop}\n").unwrap_err();
        assert!(wrong.contains("slos.yml:2:") && wrong.contains("chek"), "{wrong}");
        let sloth = "version: prometheus/v1\nservice: shop\nslos:\n- name: orders\n  objective: 99.9\n  sli: {events: {error_query: 'sum(rate(a[{{.window}}]))', total_query: 'sum(rate(b[{{.window}}]))'}}\n  alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}\n";
        assert_eq!(load(sloth).unwrap().0.slos.len(), 1);
        assert!(load("a: 1\n").unwrap_err().contains("slos.yml: the file is none of those"));
        assert!(KeptSlos::load(&folder.path().join("none.yml")).unwrap_err()[0].to_string().contains("cannot read the SLOs"));
    }
}
