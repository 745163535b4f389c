//! Who changed what.

use crate::access::AuditLine;
use crate::ui::format::{self, Moment};
use crate::ui::page;
use crate::ui::shell::Shell;

/// Lines on a page.
pub const LINES_MAX: u32 = 100;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct AuditInput {
    /// Lines, newest first; one more than fits says that there are older ones.
    pub lines: Vec<AuditLine>,
    /// Actor in the filter.
    pub actor: String,
    /// Beginning of the action in the filter.
    pub action: String,
}

struct Row<'a> {
    line: &'a AuditLine,
    at: Moment,
    change: String,
}

#[derive(askama::Template)]
#[template(path = "admin/audit.html")]
struct AuditPage<'a> {
    shell: &'a Shell,
    input: &'a AuditInput,
    rows: Vec<Row<'a>>,
    older: Option<String>,
}

/// Renders the page.
pub fn render(input: &AuditInput, shell: &Shell) -> String {
    let fit = LINES_MAX as usize;
    let shown = &input.lines[..input.lines.len().min(fit)];
    let older = (input.lines.len() > fit).then(|| shown.last().map(|line| shell.href("before", &line.id.to_string()))).flatten();
    let row = |line| -> Row<'_> {
        let line: &AuditLine = line;
        Row { line, at: format::moment(line.at_ms, shell.now_ms, shell.lang()), change: change(line) }
    };
    page::html(&AuditPage { shell, input, rows: shown.iter().map(row).collect(), older })
}

/// What is different, as `role: admin → viewer`; everything for something new.
fn change(line: &AuditLine) -> String {
    let read = |text: &Option<String>| -> serde_json::Map<String, serde_json::Value> {
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (before, after) = (read(&line.before), read(&line.after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let shown = |all: &serde_json::Map<String, serde_json::Value>, name: &str| all.get(name).map(words).unwrap_or_default();
    names
        .into_iter()
        .map(|name| (name, shown(&before, name), shown(&after, name)))
        .filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| match (old.as_str(), new.as_str()) {
            ("", new) => format!("{name}: {new}"),
            (old, "") => format!("{name}: {old} → –"),
            (old, new) => format!("{name}: {old} → {new}"),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// A value as people read it; nothing for what is not set.
fn words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null | serde_json::Value::Bool(false) => String::new(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(all) => all.iter().map(words).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_said() {
        let line = |before: Option<&str>, after: Option<&str>| AuditLine {
            id: 1,
            at_ms: 0,
            actor: String::new(),
            address: String::new(),
            action: String::new(),
            subject: String::new(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let both = line(Some(r#"{"role":"admin","email":"a"}"#), Some(r#"{"role":"viewer","email":"a"}"#));
        assert_eq!(change(&both), "role: admin → viewer");
        assert_eq!(change(&line(None, Some(r#"{"role":"admin"}"#))), "role: admin");
        assert_eq!(change(&line(Some(r#"{"role":"admin"}"#), None)), "role: admin → –");
        assert_eq!(change(&line(None, Some(r#"{"scopes":["read","edit"],"rate_max":null,"email":""}"#))), "scopes: read edit");
        assert_eq!(change(&line(Some(r#"{"disabled":false}"#), Some(r#"{"disabled":true}"#))), "disabled: true");
        assert_eq!(change(&line(None, Some("no json"))), "");
    }
}
