//! What fired and who was told: lanes of alerts over the range, and every telling.

use super::bars::{self, Lane, Spell, Tick};
use crate::alerts::dispatch::{AlertChange, Telling};
use crate::alerts::model::State;
use crate::base::time::TimeRange;
use crate::ui::format::{self, Moment};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Tellings asked for.
pub const TELLINGS_MAX: usize = 1_000;
/// Tellings on one page.
const PAGE_TELLINGS: usize = 100;
/// Alerts drawn.
const LANES_MAX: usize = 40;
/// Changes asked for.
pub const CHANGES_MAX: usize = 200;

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct HistoryInput {
    /// What is shown.
    pub range: TimeRange,
    /// When alerts were on.
    pub spells: Vec<Spell>,
    /// Why that is not known, if so.
    pub problem: String,
    /// How alerts changed in it, newest first.
    pub changes: Vec<AlertChange>,
    /// What was told, newest first.
    pub tellings: Vec<Telling>,
    /// Why that is not known, if so.
    pub tellings_problem: String,
}

/// A telling as a row.
pub(super) struct TellingRow {
    pub(super) at: Moment,
    pub(super) dot: &'static str,
    pub(super) receiver: String,
    pub(super) channel: String,
    pub(super) group: String,
    pub(super) href: String,
    pub(super) reason: String,
    pub(super) counts: String,
    pub(super) error: String,
    pub(super) tries: u32,
}

struct ChangeRow {
    at: Moment,
    name: String,
    href: String,
    tag: &'static str,
    words: &'static str,
    lasted: String,
}

#[derive(askama::Template)]
#[template(path = "alerts/history.html")]
struct HistoryPage<'a> {
    shell: &'a Shell,
    input: &'a HistoryInput,
    view: &'static str,
    text: &'a str,
    lanes: Vec<Lane>,
    more: usize,
    ticks: Vec<Tick>,
    changes: Vec<ChangeRow>,
    rows: Vec<TellingRow>,
    page: usize,
    pages: usize,
    found_words: String,
}

/// Renders the page: `view` (`tellings`, `failed` or the alerts), `text` and the range of the URL choose.
pub fn render(input: &HistoryInput, shell: &Shell) -> String {
    let text = shell.param("text").unwrap_or("");
    let view = match shell.param("view") {
        Some("tellings") => "tellings",
        Some("failed") => "failed",
        _ => "",
    };
    let words: Vec<String> = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let has = |whole: &str| {
        let whole = whole.to_lowercase();
        words.iter().all(|word| whole.contains(word))
    };
    let spells: Vec<Spell> = input.spells.iter().filter(|spell| has(&bars::name(&spell.labels))).cloned().collect();
    let (lanes, more) = bars::lanes(&spells, input.range, LANES_MAX, shell);
    let found: Vec<&Telling> = input
        .tellings
        .iter()
        .filter(|one| input.range.contains(one.at) && (view != "failed" || one.error.is_some()))
        .filter(|one| has(&format!("{} {} {} {}", one.receiver, one.channel, one.group_key, one.error.as_deref().unwrap_or(""))))
        .collect();
    let pages = found.len().div_ceil(PAGE_TELLINGS).max(1);
    let page = shell.param("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(pages - 1);
    let changes = changes(&input.changes, shell).filter(|change| has(&change.name)).collect();
    page::html(&HistoryPage {
        lanes,
        more,
        ticks: bars::ticks(input.range, shell.lang()),
        changes,
        rows: found.iter().skip(page * PAGE_TELLINGS).take(PAGE_TELLINGS).map(|one| row(one, shell)).collect(),
        found_words: shell.lang().n(found.len() as u64, "{} message", "{} messages"),
        shell,
        input,
        view,
        text,
        page,
        pages,
    })
}

pub(super) fn row(one: &Telling, shell: &Shell) -> TellingRow {
    let (firing, over) = one.counts;
    TellingRow {
        at: shell.moment(one.at),
        dot: if one.error.is_some() { "crit" } else { "ok" },
        receiver: one.receiver.to_string(),
        channel: one.channel.clone(),
        group: group_of(&one.group_key).to_owned(),
        href: links::alerts_group(&one.group_key, &one.receiver),
        reason: one.reason.clone(),
        counts: shell.f2("{} firing, {} over", firing, over),
        error: one.error.clone().unwrap_or_default(),
        tries: one.tries,
    }
}

/// The labels of a group in its key: what follows the conditions of its route.
pub(super) fn group_of(key: &str) -> &str {
    key.find("}:{").map_or(key, |at| &key[at + 2..])
}

/// Changes as rows, newest first; an end says how long it fired, if the begin is among them.
fn changes<'a>(changes: &'a [AlertChange], shell: &'a Shell) -> impl Iterator<Item = ChangeRow> + 'a {
    changes.iter().enumerate().map(|(place, change)| {
        let (tag, words) = match (change.from, change.to) {
            (_, Some(State::Firing)) => ("crit", key("began to fire")),
            (_, Some(State::Pending)) => ("warn", key("began to wait")),
            (Some(State::Pending), _) => ("", key("did not come to it")),
            (_, Some(State::Inactive) | None) => ("ok", key("was over")),
        };
        let is_end = change.from == Some(State::Firing) && change.to != Some(State::Firing);
        let is_begin = |other: &&AlertChange| other.to == Some(State::Firing) && other.labels == change.labels;
        let begin = changes[place + 1..].iter().find(is_begin).filter(|_| is_end);
        let lasted = begin.map(|begin| change.at.saturating_sub(begin.at) as f64 / 1000.0);
        ChangeRow {
            at: shell.moment(change.at),
            name: bars::name(&change.labels),
            href: super::ways::with_label("alertname", change.labels.get("alertname").unwrap_or("")),
            tag,
            words,
            lasted: lasted.map_or_else(String::new, |seconds| format::number(seconds, format::Unit::Seconds)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &HistoryInput, query: &str) -> String {
        render(input, &shell(Page::Alerts, "History", links::ALERTS_HISTORY, query).with_range("now-24h").with_refresh("30s"))
    }

    fn input() -> HistoryInput {
        let range = TimeRange::new(1_763_710_000_000, 1_763_714_000_000);
        HistoryInput {
            range,
            spells: sample::spells(),
            problem: String::new(),
            changes: sample::changes(),
            tellings: sample::tellings(),
            tellings_problem: String::new(),
        }
    }

    #[test]
    fn what_fired_and_who_was_told() {
        let text = html(&input(), "");
        sample::check(&text);
        assert!(text.contains("began to fire") && text.contains("was over") && text.contains("30 min") && text.contains("class=\"f\""), "{text}");
        let told = html(&input(), "view=tellings");
        assert!(told.contains("first notification") && told.contains("HTTP 503") && told.contains("{alertname=&#34;Down&#34;}"), "{told}");
        let failed = html(&input(), "view=failed");
        assert!(failed.contains("HTTP 503") && !failed.contains("first notification"), "{failed}");
        let empty = HistoryInput { spells: Vec::new(), changes: Vec::new(), tellings: Vec::new(), ..input() };
        assert!(html(&empty, "").contains("Nothing fired") && html(&empty, "view=tellings").contains("Nobody was told"));
    }

    #[test]
    fn keys_show_the_labels_of_the_group() {
        for (key, labels) in [("{}/{a=\"b\"}:{c=\"d\"}", "{c=\"d\"}"), ("{}:{}", "{}"), ("odd", "odd")] {
            assert_eq!(group_of(key), labels);
        }
    }

    #[test]
    fn hostile_values_are_text() {
        let mut input = input();
        for one in &mut input.tellings {
            (one.receiver, one.channel, one.reason, one.group_key, one.error) =
                (HOSTILE.into(), HOSTILE.into(), HOSTILE.into(), HOSTILE.into(), Some(HOSTILE.into()));
        }
        for spell in &mut input.spells {
            spell.labels = sample::labels(&[("alertname", HOSTILE), ("x", HOSTILE)]);
        }
        for change in &mut input.changes {
            change.labels = sample::labels(&[("alertname", HOSTILE), ("x", HOSTILE)]);
        }
        (input.problem, input.tellings_problem) = (HOSTILE.into(), HOSTILE.into());
        sample::check(&html(&input, ""));
        sample::check(&html(&input, "view=tellings"));
    }
}
