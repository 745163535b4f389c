//! `pharos test rules` beside promtool, on promtool's own files.

use std::path::Path;
use std::process::Command;

use crate::support::{shared, skip};

/// Exit code, what is said, and what is said about failures without the names of tests, which newer versions add.
fn run(program: &str, args: &[&str], folder: &Path) -> Option<(Option<i32>, String, String)> {
    let output = Command::new(program).args(args).current_dir(folder).output().ok()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let err: Vec<String> = text(output.stderr)
        .lines()
        .filter(|line| !line.starts_with("    name: ") && !line.starts_with("pharos: ") && !line.is_empty())
        .map(str::to_owned)
        .collect();
    Some((output.status.code(), text(output.stdout).replace("\n\n", "\n").trim().to_owned(), err.join("\n")))
}

/// Files that promtool 2.42 reads, and whether every word of it must be the same.
const FILES: [(&str, bool); 9] = [
    ("at-modifier-test.yml", true),
    ("negative-offset-test.yml", true),
    ("long-period.yml", true),
    ("failing.yml", true),
    ("rules_run.yml", true),
    // Which of two series stands first in the message is chance.
    ("bad-promql.yml", false),
    ("bad-rules-error-test.yml", false),
    // Places are told in our own way.
    ("bad-rules-syntax-test.yml", false),
    ("bad-input-series.yml", false),
];

#[test]
fn promtool_says_the_same() {
    let Some(folder) = shared("conformance/rules/promtool") else { return skip("the shared material is not there") };
    for (file, is_exact) in FILES {
        let Some(theirs) = run("promtool", &["test", "rules", file], &folder) else { return skip("promtool is not installed") };
        let own = run(env!("CARGO_BIN_EXE_pharos"), &["test", "rules", file], &folder).unwrap();
        assert_eq!(own.0, theirs.0, "{file}: {own:?}");
        if is_exact {
            assert_eq!(own, theirs, "{file}");
        } else {
            assert!(own.2.starts_with("  FAILED:\n"), "{file}: {own:?}");
        }
    }
}

#[test]
fn several_files_are_run_and_one_that_fails_is_enough() {
    let Some(folder) = shared("conformance/rules/promtool") else { return skip("the shared material is not there") };
    let own = |args: &[&str]| run(env!("CARGO_BIN_EXE_pharos"), &[&["test", "rules"], args].concat(), &folder).unwrap();
    let (code, out, _) = own(&["unittest.yml", "start-time-test.yml"]);
    assert_eq!((code, out.matches("SUCCESS").count()), (Some(0), 2), "{out}");
    let (code, out, err) = own(&["unittest.yml", "failing.yml"]);
    assert_eq!((code, out.matches("SUCCESS").count(), err.matches("FAILED").count()), (Some(1), 1, 1), "{out}{err}");
    assert_eq!(own(&["--run", "correct", "rules_run.yml"]).0, Some(0));
    assert_eq!(own(&["--run", "(", "rules_run.yml"]).0, Some(1));
    assert_eq!(own(&[]).0, Some(2));
}
