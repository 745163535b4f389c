//! Counts of a search: lines by level over time and values of labels, whole or as far as they are counted.

use super::asked::Asked;
use super::facets::{self, Facet, FacetView};
use super::levels::Levels;
use crate::ui::format::{self, Unit};
use crate::ui::lang::Lang;
use crate::ui::page;
use crate::ui::shell::Shell;

/// A time below the bars.
pub(super) struct Tick {
    pub(super) at_ms: i64,
    pub(super) words: String,
    pub(super) share: String,
}

/// Lines by level over time, as they are drawn.
pub(super) struct Bars {
    /// The part of the width, from the left, that is not counted yet; nothing when all is.
    pub(super) uncounted: String,
    pub(super) paths: Vec<(&'static str, String)>,
    pub(super) marks: [String; 3],
    pub(super) ticks: Vec<Tick>,
    pub(super) data: String,
    pub(super) start_ms: i64,
    pub(super) step_ms: i64,
    pub(super) count: usize,
    pub(super) said: String,
    pub(super) numbers: Vec<(&'static str, String)>,
}

/// What was counted so far.
#[derive(Debug, Clone, Copy)]
pub struct CountsInput<'a> {
    /// What was asked.
    pub asked: &'a Asked,
    /// Lines by level over the range.
    pub levels: &'a Levels,
    /// Labels with their values.
    pub facets: &'a [Facet],
    /// The first so many bars are not counted yet.
    pub uncounted: usize,
    /// Bytes of text that were read.
    pub read_bytes: u64,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
}

#[derive(askama::Template)]
#[template(path = "logs/counts.html")]
struct CountsParts<'a> {
    shell: &'a Shell,
    facets: Vec<FacetView>,
    bars: Option<Bars>,
    total: String,
    read: String,
}

/// Renders the parts of the search page that counts change.
pub fn render(input: &CountsInput<'_>, shell: &Shell) -> String {
    let (lang, total) = (shell.lang(), input.levels.total());
    let read = || lang.fill("read {} in {} ms", &[&format::number(input.read_bytes as f64, Unit::Bytes), &input.took_ms]);
    let share = || {
        let done = input.levels.bars().saturating_sub(input.uncounted) as f64 / input.levels.bars().max(1) as f64;
        lang.fill("counting, {} of the range so far", &[&format::number(done, Unit::Ratio)])
    };
    page::html(&CountsParts {
        facets: facets::views(input.facets, input.asked, shell),
        bars: Some(bars(input.levels, input.uncounted, lang)),
        total: if input.uncounted == 0 {
            lang.n(total, "{} line", "{} lines")
        } else {
            lang.fill("At least {} lines", &[&format::count(total)])
        },
        read: if input.uncounted == 0 { read() } else { share() },
        shell,
    })
}

/// The bars of `levels`, of which the first `uncounted` are not counted yet.
pub(super) fn bars(levels: &Levels, uncounted: usize, lang: Lang) -> Bars {
    let is_long = levels.end_ms().saturating_sub(levels.start_ms) > 3 * 86_400_000;
    let tick = |(at_ms, share): (i64, f64)| {
        let date = format::date(at_ms, lang);
        let day = date.rsplit_once(' ').map_or(date.clone(), |(day, _)| day.to_owned());
        let minutes = at_ms.div_euclid(60_000).rem_euclid(1440);
        let words = if is_long || minutes == 0 { day } else { format!("{:02}:{:02}", minutes / 60, minutes % 60) };
        Tick { at_ms, words, share: format!("{share:.2}") }
    };
    let sums = super::levels::LEVELS.iter().zip(&levels.counts).map(|((class, _), counts)| (*class, counts.iter().sum::<u64>()));
    Bars {
        uncounted: if uncounted == 0 { String::new() } else { format!("{:.3}", uncounted as f64 / levels.bars().max(1) as f64) },
        paths: levels.paths(),
        marks: levels.marks(),
        ticks: levels.ticks(9).into_iter().map(tick).collect(),
        data: levels.data(),
        start_ms: levels.start_ms,
        step_ms: levels.step_ms,
        count: levels.bars(),
        said: lang
            .fill("Lines by level: {} in all, at most {} in one bar.", &[&format::count(levels.total()), &format::count(levels.highest())]),
        numbers: sums.filter(|(_, lines)| *lines > 0).map(|(class, lines)| (class, format::count(lines))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn parts_say_how_much_is_counted() {
        let mut levels = Levels::over(0, 60_000);
        levels.add("error", 59_000, 7);
        let facets = [Facet { label: "host".into(), values: vec![("<b>".into(), 7)] }];
        let (asked, shell) = (Asked::from_query("q=x"), shell(Page::Logs, "Logs", "/logs", "q=x").with_range("now-1h"));
        let input = |uncounted| CountsInput { asked: &asked, levels: &levels, facets: &facets, uncounted, read_bytes: 1024, took_ms: 5 };
        let part = render(&input(levels.bars() / 2), &shell);
        for found in
            ["At least 7 lines", "counting, 50", "class=\"todo\" style=\"--w:0.500\"", "&#60;b&#62;", "href=\"/logs?", "class=\"error\""]
        {
            assert!(part.contains(found), "{found}: {part}");
        }
        let whole = render(&input(0), &shell);
        assert!(whole.contains("in 5 ms") && !whole.contains("todo"), "{whole}");
    }
}
