//! How fast a part answered within a day, as a line so small that it may stand on a page many times.

use std::fmt::Write as _;
use std::time::Duration;

/// Wide is an hour, high the slowest of them; room for the line's own width above and below.
const STEP: i32 = 2;
const HIGH: f64 = 12.0;
const ROOM: i32 = 2;

/// The line of hours, the oldest first, from zero to the slowest; an hour without an answer is passed over. Empty where
/// there are fewer than two hours.
pub fn line(hours: &[Option<Duration>]) -> String {
    let slowest = hours.iter().flatten().max().map_or(0.0, Duration::as_secs_f64);
    let known: Vec<(i32, i32)> = (0_i32..).zip(hours).filter_map(|(at, took)| Some((at * STEP, height((*took)?, slowest)))).collect();
    let [(x, y), rest @ ..] = &known[..] else { return String::new() };
    if rest.is_empty() {
        return String::new();
    }
    let width = STEP * i32::try_from(hours.len().saturating_sub(1)).unwrap_or(0);
    let mut steps: Vec<(i32, i32)> = Vec::with_capacity(rest.len());
    let mut from = (*x, *y);
    for (x, y) in rest {
        let step = (x - from.0, y - from.1);
        match steps.last_mut() {
            Some(last) if last.1 == 0 && step.1 == 0 => last.0 += step.0,
            _ => steps.push(step),
        }
        from = (*x, *y);
    }
    let mut path = format!("M{x} {y}l");
    for (at, (right, down)) in steps.into_iter().enumerate() {
        // A minus is a mark between two numbers by itself. Writing to a String cannot fail.
        let _infallible = write!(path, "{}{right}{}{down}", if at == 0 { "" } else { " " }, if down < 0 { "" } else { " " });
    }
    format!("<svg class=sp viewBox=\"0 0 {width} {}\" aria-hidden=true><path d=\"{path}\"/></svg>", HIGH as i32 + 2 * ROOM)
}

fn height(took: Duration, slowest: f64) -> i32 {
    let share = if slowest > 0.0 { took.as_secs_f64() / slowest } else { 0.0 };
    ROOM + (HIGH * (1.0 - share)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_within_its_box_and_is_small() {
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(
            line(&[ms(50), None, ms(100), ms(0)]),
            "<svg class=sp viewBox=\"0 0 6 16\" aria-hidden=true><path d=\"M0 8l4-6 2 12\"/></svg>"
        );
        assert!(line(&[ms(9), ms(9), ms(9), ms(3)]).contains("M0 2l4 0 2 8\""), "what goes straight on is one step");
        for few in [&[][..], &[None, None], &[ms(5)], &[None, ms(5), None]] {
            assert_eq!(line(few), "", "{few:?}");
        }
        assert!(line(&[ms(0), ms(0)]).contains("M0 14l2 0\""), "all alike, and nothing is divided by nothing");
        let day: Vec<Option<Duration>> = (0..24_u64).map(|at| ms(at * 7919 % 400)).collect();
        assert!(line(&day).len() < 260, "{}", line(&day));
    }
}
