//! Whose turn it is, now and in the weeks to come, as a strip and in words.

use std::collections::BTreeMap;

use super::when::WEEKDAYS;
use crate::alerts::calm::Rota;
use crate::alerts::pages::bars::Tick;
use crate::base::time::format_rfc3339;
use crate::ui::format::{self, Moment};
use crate::ui::lang::Lang;
use crate::ui::shell::Shell;

const DAY_MS: i64 = 86_400_000;
/// Days of a strip.
pub const DAYS: i64 = 28;
/// Hand-overs told in words.
const NEXT_MAX: usize = 5;
/// Turns drawn on a strip.
const PIECES_MAX: usize = 400;
/// Colours of people.
const COLOURS: usize = 8;

/// A turn on a strip; both numbers are shares of the whole.
pub struct Piece {
    /// Whose.
    pub name: String,
    /// Their colour, from 1 on.
    pub colour: usize,
    /// Where it begins.
    pub from: String,
    /// How long it is.
    pub width: String,
    /// Who and when.
    pub title: String,
    /// Whether they stand in.
    pub is_override: bool,
    /// Whether there is room for the name.
    pub is_wide: bool,
}

/// A turn in words.
pub struct Shift {
    /// Whose.
    pub name: String,
    /// Their colour, from 1 on.
    pub colour: usize,
    /// The receiver by which they are told.
    pub receiver: String,
    /// When it begins.
    pub starts: Moment,
    /// When it ends.
    pub ends: Moment,
    /// The same as from now.
    pub until: Moment,
    /// Whether they stand in.
    pub is_override: bool,
}

/// What a rota says from now on.
pub struct Strip {
    /// Who it is now.
    pub now: Option<Shift>,
    /// Whose turns come next.
    pub next: Vec<Shift>,
    /// The turns of four weeks.
    pub pieces: Vec<Piece>,
    /// Marks below them: Mondays.
    pub ticks: Vec<Tick>,
    /// Where now is.
    pub here: String,
    /// The strip in words.
    pub said: String,
    /// Everyone on it with their colour.
    pub people: Vec<(String, usize)>,
    /// From when on it is nobody's turn, though it is somebody's now or later.
    pub gap: Option<Moment>,
}

/// An instant with its day of the week: `Mon 23 Nov 09:00`, in UTC until a script knows better.
pub fn at(at_ms: i64, lang: Lang) -> Moment {
    let weekday = (at_ms.div_euclid(DAY_MS) + 4).rem_euclid(7);
    let short = WEEKDAYS.iter().find(|(day, _, _)| *day == weekday).map_or("", |(_, short, _)| short);
    let date = format::date(at_ms, lang);
    let day = date.rsplit_once(' ').map_or(date.as_str(), |(day, _)| day);
    let minutes = at_ms.div_euclid(60_000).rem_euclid(1440);
    let words = format!("{} {day} {:02}:{:02} UTC", lang.t(short), minutes / 60, minutes % 60);
    Moment { words, exact: format_rfc3339(at_ms.div_euclid(1000).saturating_mul(1000)), form: "turn" }
}

impl Strip {
    /// Draws a rota.
    pub fn new(rota: &Rota, shell: &Shell) -> Self {
        let (now, lang) = (shell.now_ms, shell.lang());
        let start = now.div_euclid(DAY_MS) * DAY_MS;
        let end = start + DAYS * DAY_MS;
        let mut colours: BTreeMap<&str, usize> = BTreeMap::new();
        let mut people = Vec::new();
        let mut turns = rota.turns(start, end);
        turns.truncate(PIECES_MAX);
        let stand_ins = rota.overrides.iter().filter(|stand_in| stand_in.ends_at > start && stand_in.starts_at < end);
        for person in rota.members.iter().chain(stand_ins.map(|stand_in| &stand_in.member)).map(|member| member.person.as_str()) {
            let next = people.len() % COLOURS + 1;
            if !colours.contains_key(person) {
                colours.insert(person, next);
                people.push((person.to_owned(), next));
            }
        }
        let colour = |person: &str| colours.get(person).copied().unwrap_or(COLOURS);
        let share = |at: i64| ((at.clamp(start, end) - start) as f64) / ((end - start) as f64);
        let shift = |turn: &crate::alerts::calm::Turn<'_>| Shift {
            name: turn.member.person.clone(),
            colour: colour(&turn.member.person),
            receiver: turn.member.receiver.clone(),
            starts: at(turn.starts_at, lang),
            ends: at(turn.ends_at, lang),
            until: shell.moment(turn.ends_at),
            is_override: turn.is_override,
        };
        let pieces = turns.iter().map(|turn| {
            let width = share(turn.ends_at) - share(turn.starts_at);
            let times = format!("{} – {}", at(turn.starts_at, lang).words, at(turn.ends_at, lang).words);
            Piece {
                name: turn.member.person.clone(),
                colour: colour(&turn.member.person),
                from: format!("{:.4}", share(turn.starts_at)),
                width: format!("{width:.4}"),
                title: format!("{}, {times}", turn.member.person),
                is_override: turn.is_override,
                is_wide: width > 0.04 + 0.012 * turn.member.person.chars().count() as f64,
            }
        });
        let coming: Vec<_> = turns.iter().filter(|turn| turn.starts_at > now).take(NEXT_MAX).map(shift).collect();
        let current = rota.turn_at(now);
        let gap = turns.windows(2).find(|pair| pair[0].ends_at < pair[1].starts_at && pair[1].starts_at > now).map(|pair| pair[0].ends_at);
        Self {
            now: current.as_ref().map(shift),
            said: coming.iter().map(|next| format!("{}: {}", next.starts.words, next.name)).collect::<Vec<_>>().join(lang.comma()),
            next: coming,
            pieces: pieces.collect(),
            ticks: mondays(start, end, lang),
            here: format!("{:.4}", share(now)),
            people,
            gap: gap.map(|from| at(from, lang)),
        }
    }
}

fn mondays(start: i64, end: i64, lang: Lang) -> Vec<Tick> {
    // The fifth day of the epoch was a Monday.
    let first = (start.div_euclid(DAY_MS) + 3 - 7).div_euclid(7) * 7 + 4;
    let marks = (0..8).map(|week| (first + week * 7) * DAY_MS).filter(|at| *at >= start && *at < end);
    let tick = |at: i64| {
        let date = format::date(at, lang);
        let words = date.rsplit_once(' ').map_or(date.clone(), |(day, _)| day.to_owned());
        Tick { at_ms: at, words, share: format!("{:.4}", (at - start) as f64 / (end - start) as f64) }
    };
    // Words near the edges would stand beyond them.
    marks.filter(|at| (at - start) as f64 / ((end - start) as f64) < 0.95).map(tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn a_strip_tiles_four_weeks() {
        let shell = shell(Page::Alerts, "x", "/", "");
        let rota = sample::rota();
        let strip = Strip::new(&rota, &shell);
        let whole: f64 = strip.pieces.iter().map(|piece| piece.width.parse::<f64>().expect("a number")).sum();
        assert!((0.99..1.01).contains(&whole), "{whole}");
        assert_eq!(strip.now.as_ref().map(|now| (now.name.as_str(), now.is_override)), Some(("ann", false)));
        assert_eq!(strip.people.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["ann", "bob", "eve"]);
        assert!(strip.pieces.iter().any(|piece| piece.is_override && piece.name == "eve"), "somebody stands in");
        assert!(strip.said.contains("bob") && strip.gap.is_none(), "{}", strip.said);
        assert_eq!(strip.ticks.len(), 4);
        let nobody = Strip::new(&Rota { members: Vec::new(), overrides: Vec::new(), ..rota.clone() }, &shell);
        assert!(nobody.now.is_none() && nobody.pieces.is_empty() && nobody.people.is_empty());
        // Nobody before the first day, but for whoever stands in.
        let later = Rota { first_day: rota.first_day + 30, ..rota };
        assert!(Strip::new(&later, &shell).now.is_none());
    }

    #[test]
    fn instants_have_their_day() {
        // 20 November 2025 was a Thursday.
        assert_eq!(at(1_763_629_200_000, Lang::En).words, "Thu 20 Nov 09:00 UTC");
        let marks = mondays(1_763_596_800_000, 1_763_596_800_000 + DAYS * DAY_MS, Lang::En);
        assert_eq!(marks.iter().map(|tick| tick.words.as_str()).collect::<Vec<_>>(), ["24 Nov", "1 Dec", "8 Dec", "15 Dec"]);
    }
}
