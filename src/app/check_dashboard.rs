//! `pharos check dashboard`: reads dashboards in Grafana's JSON, and prints what is understood of them.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::boards;

/// Checks dashboards, and fails where a panel of one is broken.
pub(super) fn check(files: &[PathBuf], out: &mut impl Write) -> anyhow::Result<()> {
    let mut broken = 0;
    for file in files {
        let json = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        match boards::check(&json) {
            Ok((text, is_whole)) => {
                write!(out, "{}: {text}", file.display())?;
                broken += usize::from(!is_whole);
            }
            Err(why) => {
                writeln!(out, "{}: {why}", file.display())?;
                broken += 1;
            }
        }
    }
    if broken > 0 {
        bail!("{broken} of {} dashboards have panels that do not work", files.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_ones_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let good = file("a.json", r#"{"title":"A","panels":[{"id":1,"type":"stat"}]}"#);
        let bad = file("b.json", "nothing");
        let mut out = Vec::new();
        check(std::slice::from_ref(&good), &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().ends_with("a.json: \"A\": 1 of 1 panels as they were meant\n"));
        let error = check(&[good, bad], &mut Vec::new()).unwrap_err().to_string();
        assert_eq!(error, "1 of 2 dashboards have panels that do not work");
        assert!(check(&[folder.path().join("none.json")], &mut Vec::new()).unwrap_err().to_string().ends_with("none.json cannot be read"));
    }
}
