//! Groups of pushed metrics: what stands in them, how old they are, and a way to delete one.

use crate::series::labels::Labels;
use crate::ui::format::{Moment, count};
use crate::ui::lang::Words;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Groups on the page; beyond that a filter helps.
const GROUPS_MAX: usize = 500;
/// A group whose last push is older looks forgotten.
const OLD_MS: i64 = 86_400_000;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct PushedInput {
    /// All groups, in any order.
    pub groups: Vec<Group>,
    /// Words the reader looks for in labels: `text` of the URL.
    pub filter: String,
    /// Address of the push endpoint, to show how to push.
    pub push_url: String,
}

/// One group.
#[derive(Debug, Clone)]
pub struct Group {
    /// What the delete form sends back as `group`.
    pub id: String,
    /// Grouping labels, `job` among them.
    pub labels: Labels,
    /// Metric families in it.
    pub metrics: u64,
    /// Series in it.
    pub series: u64,
    /// Last good push, in milliseconds.
    pub pushed_ms: Option<i64>,
    /// Last refused push after that, and why.
    pub failed: Option<(i64, Words)>,
}

struct Row {
    id: String,
    labels: Labels,
    name: String,
    metrics: String,
    series: String,
    pushed: Option<Moment>,
    old: bool,
    failed: Option<(Moment, String)>,
}

#[derive(askama::Template)]
#[template(path = "metrics/pushed.html")]
struct PushedPage<'a> {
    shell: &'a Shell,
    filter: &'a str,
    push_url: &'a str,
    total: usize,
    found: usize,
    found_words: String,
    rows: Vec<Row>,
    deleted: bool,
}

/// Renders the page. Deleting posts `group` and `csrf` to [`crate::ui::links::PUSHED_DELETE`], which redirects
/// to this page with `?done=deleted`.
pub fn render(input: &PushedInput, shell: &Shell) -> String {
    let words = input.filter.to_lowercase();
    let takes = |group: &&Group| {
        words
            .split_whitespace()
            .all(|word| group.labels.iter().any(|(name, value)| format!("{name}={value}").to_lowercase().contains(word)))
    };
    let mut found: Vec<&Group> = input.groups.iter().filter(takes).collect();
    // Failed pushes first, then the newest.
    found.sort_by_key(|group| (group.failed.is_none(), std::cmp::Reverse(group.pushed_ms)));
    let row = |group: &&Group| Row {
        id: group.id.clone(),
        labels: group.labels.clone(),
        name: group.labels.get("job").unwrap_or("").to_owned(),
        metrics: count(group.metrics),
        series: count(group.series),
        pushed: group.pushed_ms.map(|at| shell.moment(at)),
        old: group.pushed_ms.is_some_and(|at| shell.now_ms.saturating_sub(at) > OLD_MS),
        failed: group.failed.as_ref().map(|(at, error)| (shell.moment(*at), error.text(shell.lang()))),
    };
    page::html(&PushedPage {
        shell,
        filter: &input.filter,
        push_url: &input.push_url,
        total: input.groups.len(),
        found: found.len(),
        found_words: shell.lang().n(found.len() as u64, "{} group", "{} groups"),
        deleted: shell.param("done") == Some("deleted"),
        rows: found.iter().take(GROUPS_MAX).map(row).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &PushedInput) -> String {
        render(input, &shell(Page::Pushed, "Pushed groups", "/pushed", ""))
    }

    #[test]
    fn none_some_and_filtered() {
        assert!(
            html(&PushedInput { push_url: "http://x/metrics/job/backup".into(), ..PushedInput::default() })
                .contains("http://x/metrics/job/backup")
        );
        let mut input = sample::pushed();
        let all = html(&input);
        assert!(all.contains("name=\"csrf\" value=\"token\"") && all.contains("inconsistent"));
        input.filter = "job=etl".into();
        assert_eq!(html(&input).matches("name=\"group\"").count(), 1);
        input.filter = "nowhere".into();
        assert!(html(&input).contains("No group matches"));
    }

    #[test]
    fn hostile_values_are_text() {
        let evil = format!("{HOSTILE}{}", "p".repeat(4000));
        let group = Group {
            id: evil.clone(),
            labels: Labels::from_pairs([("job", evil.as_str()), (evil.as_str(), evil.as_str())]),
            metrics: u64::MAX,
            series: 0,
            pushed_ms: Some(i64::MIN),
            failed: Some((i64::MAX, Words::plain(evil.clone()))),
        };
        sample::check(&html(&PushedInput { groups: vec![group; 3], filter: String::new(), push_url: evil }));
    }
}
