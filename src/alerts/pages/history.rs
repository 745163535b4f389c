//! What fired and who was told: lanes of alerts over the range, and every telling.

use super::bars::{self, Lane, Spell, Tick};
use crate::alerts::dispatch::Telling;
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
/// Changes listed.
const CHANGES_MAX: usize = 100;

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct HistoryInput {
    /// What is shown.
    pub range: TimeRange,
    /// When alerts were on.
    pub spells: Vec<Spell>,
    /// Why that is not known, if so.
    pub problem: String,
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
    changes_more: usize,
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
    let changes = changes(&spells, shell);
    page::html(&HistoryPage {
        lanes,
        more,
        ticks: bars::ticks(input.range, shell.lang()),
        changes_more: changes.len().saturating_sub(CHANGES_MAX),
        changes: changes.into_iter().take(CHANGES_MAX).collect(),
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

/// Begins and ends of firing, newest first.
fn changes(spells: &[Spell], shell: &Shell) -> Vec<ChangeRow> {
    let mut found: Vec<(i64, ChangeRow)> = Vec::new();
    for spell in spells.iter().filter(|spell| spell.is_firing) {
        let mut put = |at: i64, tag: &'static str, words: &'static str, lasted: String| {
            let href = super::ways::with_label("alertname", spell.labels.get("alertname").unwrap_or(""));
            found.push((at, ChangeRow { at: shell.moment(at), name: bars::name(&spell.labels), href, tag, words, lasted }));
        };
        put(spell.range.start, "crit", key("began to fire"), String::new());
        if !spell.is_open {
            let lasted = spell.range.end.saturating_sub(spell.range.start) as f64 / 1000.0;
            put(spell.range.end, "ok", key("was over"), format::number(lasted, format::Unit::Seconds));
        }
    }
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    found.into_iter().map(|(_, row)| row).collect()
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
            tellings: sample::tellings(),
            tellings_problem: String::new(),
        }
    }

    #[test]
    fn what_fired_and_who_was_told() {
        let text = html(&input(), "");
        sample::check(&text);
        assert!(text.contains("began to fire") && text.contains("was over") && text.contains("class=\"f\""), "{text}");
        let told = html(&input(), "view=tellings");
        assert!(told.contains("first notification") && told.contains("HTTP 503") && told.contains("{alertname=&#34;Down&#34;}"), "{told}");
        let failed = html(&input(), "view=failed");
        assert!(failed.contains("HTTP 503") && !failed.contains("first notification"), "{failed}");
        let empty = HistoryInput { spells: Vec::new(), tellings: Vec::new(), ..input() };
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
        (input.problem, input.tellings_problem) = (HOSTILE.into(), HOSTILE.into());
        sample::check(&html(&input, ""));
        sample::check(&html(&input, "view=tellings"));
    }
}
