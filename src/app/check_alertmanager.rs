//! `pharos check alertmanager`: whether files that say who is told of alerts can be used, in `amtool`'s words.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::alerts::load_routing;
use crate::base::clock::{SharedClock, SystemClock};

/// Checks files; says what was found in each, or every mistake with its place.
pub(super) fn check(files: &[PathBuf], out: &mut impl Write) -> anyhow::Result<()> {
    let clock: SharedClock = Arc::new(SystemClock::new());
    let mut failed = 0;
    for file in files {
        write!(out, "Checking '{}'", file.display())?;
        match load_routing(Some(file), &clock) {
            Ok((in_force, warnings)) => {
                let config = &in_force.config;
                writeln!(out, "  SUCCESS\nFound:\n - global config\n - route")?;
                writeln!(out, " - {} inhibit rules", config.inhibit_rules.len())?;
                writeln!(out, " - {} receivers", config.receivers.len())?;
                writeln!(out, " - {} templates", config.templates.len())?;
                // They were read together with the rest.
                if !config.templates.is_empty() {
                    writeln!(out, "  SUCCESS")?;
                }
                for warning in &warnings {
                    writeln!(out, "  WARNING: {warning}")?;
                }
            }
            Err(errors) => {
                failed += 1;
                writeln!(out, "  FAILED:")?;
                for error in &errors {
                    writeln!(out, "{error}")?;
                }
            }
        }
        writeln!(out)?;
    }
    anyhow::ensure!(failed == 0, "{failed} of {} files cannot be used", files.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_counted_and_mistakes_have_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("good.yml");
        std::fs::write(&good, "route: {receiver: a}\nreceivers: [{name: a}, {name: b}]\ntemplates: ['*.tmpl']\n").unwrap();
        let bad = folder.path().join("bad.yml");
        std::fs::write(&bad, "route:\n  receiver: c\nreceivers: [{name: a}]\n").unwrap();
        let checked = |files: &[PathBuf]| {
            let mut out = Vec::new();
            let is_good = check(files, &mut out).is_ok();
            (is_good, String::from_utf8(out).unwrap().replace(&folder.path().display().to_string(), "DIR"))
        };
        let found = "Checking 'DIR/good.yml'  SUCCESS\nFound:\n - global config\n - route\n - 0 inhibit rules\n - 2 receivers\n - 1 templates\n  SUCCESS\n\n";
        assert_eq!(checked(std::slice::from_ref(&good)), (true, found.to_owned()));
        let mistake = "Checking 'DIR/bad.yml'  FAILED:\nDIR/bad.yml:2:13: undefined receiver \"c\" used in route\n\n";
        assert_eq!(checked(&[bad, good]), (false, format!("{mistake}{found}")));
    }
}
