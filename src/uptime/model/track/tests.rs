//! Stories of checks, told as results and the spans they amount to.

use proptest::prelude::*;

use super::*;

const EVERY: i64 = 30;
const PROBE: i64 = 5;

/// Plays `+` (up), `-` (failed), `.` (nobody there), `p` (pause), `r` (resume), one every 30, and tells the spans: a letter
/// and from where to where, in steps.
fn told(story: &str, retries: u32, recoveries: u32) -> String {
    let mut track = Track::new(0);
    let mut spans = Vec::new();
    for (step, what) in story.chars().enumerate() {
        let at = step as i64 * EVERY;
        match what {
            '.' => {}
            'p' => {
                track.pause(at);
            }
            'r' => {
                track.resume(at);
            }
            _ => {
                track.hear(heard(at, what == '+'), Patience { retries, recoveries });
            }
        }
        spans.extend(track.take_ended());
    }
    spans.push(track.current());
    spans.iter().filter(|span| span.length() > 0).map(tell).collect::<Vec<_>>().join(" ")
}

fn heard(at: i64, is_up: bool) -> Heard {
    Heard { at, is_up, due: at + EVERY, missed: at + EVERY + PROBE }
}

fn tell(span: &Span) -> String {
    let letter = match span.state {
        State::Unknown => 'U',
        State::Up => '+',
        State::Down => '-',
        State::Paused => 'p',
    };
    format!("{letter}{}..{}", span.from / EVERY, span.until / EVERY)
}

#[test]
fn stories() {
    for (story, retries, recoveries, spans) in [
        ("+++", 0, 0, "+0..3"),
        // Down at once, up at once.
        ("++-+", 0, 0, "+0..2 -2..3 +3..4"),
        // A doubt that ends was none.
        ("++--++", 2, 0, "+0..6"),
        // Confirmed, it is down from the first failure on.
        ("++---+", 2, 0, "+0..2 -2..5 +5..6"),
        // In doubt at the end: certain only up to there.
        ("++--", 2, 0, "+0..2"),
        // Coming back takes two.
        ("+-+-++", 0, 1, "+0..1 -1..4 +4..6"),
        // Nobody there: unknown from when the next was due.
        ("++..++", 0, 0, "+0..2 U2..4 +4..6"),
        ("+-..-+", 0, 0, "+0..1 -1..2 U2..4 -4..5 +5..6"),
        // A gap ends a doubt: what came before it does not count together with what came after.
        ("++-..--", 2, 0, "+0..3 U3..5"),
        // The first results fail.
        ("---+", 1, 0, "-0..3 +3..4"),
        ("-+", 1, 0, "U0..1 +1..2"),
        ("+p..r.+", 0, 0, "+0..1 p1..4 U4..6 +6..7"),
    ] {
        assert_eq!(told(story, retries, recoveries), spans, "{story}");
    }
}

#[test]
fn turns_say_since_when() {
    let mut track = Track::new(0);
    let patience = Patience { retries: 1, recoveries: 0 };
    assert_eq!(track.hear(heard(0, true), patience), Some(Turn::Into { state: State::Up, since: 0 }));
    assert_eq!(track.hear(heard(30, false), patience), Some(Turn::InDoubt { since: 30 }));
    assert_eq!(track.in_doubt_since(), Some(30));
    assert_eq!(track.hear(heard(60, false), patience), Some(Turn::Into { state: State::Down, since: 30 }));
    assert_eq!(track.hear(heard(90, false), patience), None);
    assert_eq!(track.hear(heard(120, true), patience), Some(Turn::Into { state: State::Up, since: 120 }));
    assert_eq!(track.miss(155), None, "a slow probe is not missed yet");
    assert_eq!(track.miss(156), Some(Turn::Into { state: State::Unknown, since: 150 }));
}

#[test]
fn a_restart_leaves_no_gap_unless_there_was_one() {
    let kept = Span { from: 0, until: 90, state: State::Up };
    for (at, spans) in [(95, vec![]), (96, vec![kept, Span { from: 90, until: 96, state: State::Unknown }])] {
        let mut track = Track::resumed(kept, PROBE);
        track.hear(heard(at, true), Patience { retries: 0, recoveries: 0 });
        assert_eq!(track.take_ended(), spans, "{at}");
    }
    let mut paused = Track::resumed(Span { from: 10, until: 10, state: State::Paused }, PROBE);
    assert_eq!(paused.miss(1_000_000), None);
    assert_eq!(paused.resume(2_000), Some(Turn::Into { state: State::Unknown, since: 2_000 }));
    assert_eq!(paused.take_ended(), [Span { from: 10, until: 2_000, state: State::Paused }]);
}

#[test]
fn a_clock_that_goes_back_loses_nothing_told() {
    let mut track = Track::new(1_000);
    let patience = Patience { retries: 0, recoveries: 0 };
    track.hear(heard(1_000, true), patience);
    track.hear(heard(500, false), patience);
    assert_eq!((track.state(), track.since()), (State::Down, 1_000));
    track.hear(heard(2_000, true), patience);
    let spans = track.take_ended();
    assert!(spans.windows(2).all(|pair| pair[0].until <= pair[1].from), "{spans:?}");
}

proptest! {
    /// Whatever happens, spans follow each other without overlap, and none that was told is taken back.
    #[test]
    fn spans_follow_each_other(story in proptest::collection::vec((0_i64..200, 0_u8..8), 1..200), retries in 0_u32..4, recoveries in 0_u32..4) {
        let mut track = Track::new(0);
        let (mut now, mut told, mut before) = (0, 0, (track.current(), 0));
        for (later, what) in story {
            now += later - 20;
            match what {
                0 => {
                track.pause(now);
            }
                1 => {
                track.resume(now);
            }
                2 => {
                track.miss(now);
            }
                3 => track = Track::resumed(track.current(), PROBE),
                what => {
                track.hear(heard(now, what % 2 == 0), Patience { retries, recoveries });
            }
            }
            let ended = track.take_ended();
            for span in ended.iter().chain([&track.current()]) {
                prop_assert!(span.from >= told && span.until >= span.from, "{span:?} after {told}");
                if span.from < track.since() { told = span.until; }
            }
            // What was certain and is past stays: the span goes on, or ended no earlier.
            let (span, past) = before;
            let certain: i64 = span.until.min(past).min(now);
            let same = ended.first().copied().unwrap_or_else(|| track.current());
            // What no span covers is unknown as well.
            if certain > span.from && span.state != State::Unknown {
                prop_assert!(same.from == span.from && same.state == span.state && same.until >= certain, "{span:?} at {past}: {same:?}");
            }
            before = (track.current(), now);
        }
    }
}
