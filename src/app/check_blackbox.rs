//! `pharos check blackbox`: whether files that say how to probe can be used.

use std::io::Write;
use std::path::PathBuf;

use crate::uptime::config::load;

/// Checks files; says what was found in each, or every mistake with its place.
pub(super) fn check(files: &[PathBuf], out: &mut impl Write) -> anyhow::Result<()> {
    let mut failed = 0;
    for file in files {
        writeln!(out, "Checking {}", file.display())?;
        match load(Some(file)) {
            Ok((modules, warnings)) => {
                for warning in &warnings {
                    writeln!(out, "  WARNING: {warning}")?;
                }
                writeln!(out, "  SUCCESS: {} modules found", modules.len())?;
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
    fn mistakes_have_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("blackbox.yml");
        let checked = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let mut out = Vec::new();
            let is_good = check(std::slice::from_ref(&file), &mut out).is_ok();
            (is_good, String::from_utf8(out).unwrap().replace(&folder.path().display().to_string(), "DIR"))
        };
        let (is_good, said) = checked("modules:\n  a: {prober: http}\n  b:\n    prober: tcp\n");
        assert!(is_good && said.ends_with("SUCCESS: 2 modules found\n\n"), "{said}");
        let (is_good, said) = checked("modules:\n  a:\n    prober: htp\n");
        assert!(!is_good && said.contains("DIR/blackbox.yml:3:13: prober \"htp\" is not valid, did you mean http?"), "{said}");
    }
}
