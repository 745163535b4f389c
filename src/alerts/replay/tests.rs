//! Rules over made-up pasts.

use super::*;
use crate::alerts::model::{Alerting, Place, Rule};
use crate::series::ports::Answer;

const MINUTE: i64 = 60_000;
/// 2026-01-01T00:00:00Z.
const FROM: i64 = 1_767_225_600_000;

/// Gives, for each series, 1 at the minutes that are marked with `x`, counted from [`FROM`].
struct Past(Vec<(&'static str, &'static str)>);

impl Evaluate for Past {
    fn evaluate(&self, question: &Question<'_>) -> Result<Answer, EvaluateError> {
        let When::Range { start, end, step } = question.when else { return Err(EvaluateError::Cancelled) };
        let mut matrix = Vec::new();
        for (name, minutes) in &self.0 {
            let is_on = |ts: i64| minutes.as_bytes().get(usize::try_from((ts - FROM) / MINUTE).unwrap_or(usize::MAX)) == Some(&b'x');
            let times = (0..).map(|n| start + n * step).take_while(|ts| *ts <= end);
            let floats: Vec<(i64, f64)> = times.filter(|ts| *ts >= FROM && is_on(*ts)).map(|ts| (ts, 1.0)).collect();
            if !floats.is_empty() {
                matrix.push(RangeSeries { labels: Labels::from_pairs([("instance", *name)]), floats, histograms: Vec::new() });
            }
        }
        Ok(Answer {
            value: Value::Matrix(matrix),
            warnings: Vec::new(),
            infos: Vec::new(),
            stats: crate::series::ports::EvalStats::default(),
        })
    }
}

fn rule(hold: i64, keep: i64) -> Prepared {
    let (hold, keep_firing) = (Duration::from_ms(hold * MINUTE), Duration::from_ms(keep * MINUTE));
    let kind = Kind::Alerting(Alerting { hold, keep_firing, annotations: Vec::new() });
    let labels = vec![("severity".to_owned(), "page".to_owned())];
    Prepared::new(Rule { name: "Down".into(), expr: "x".into(), labels, place: Place::default(), kind }, "x".into()).unwrap()
}

fn play(rule: &Prepared, past: &Past, from: i64, to: i64, limit: u64) -> Result<Replay, ReplayError> {
    let (interval, offset, external_labels) = (Duration::from_ms(MINUTE), Duration::from_ms(0), Labels::empty());
    let draft = Draft { rule, interval, offset, limit, external_labels: &external_labels, external_url: "" };
    replay(&draft, past, FROM + from * MINUTE, FROM + to * MINUTE, &Cancel::new())
}

/// Episodes as `a 2-5` (minutes of firing and end; `a 2-` where it goes on).
fn told(replay: &Replay) -> Vec<String> {
    let minute = |ts: i64| (ts - FROM) / MINUTE;
    let one = |episode: &Episode| {
        let end = episode.ended_at.map(|end| minute(end).to_string()).unwrap_or_default();
        format!("{} {}-{end}", episode.labels.get("instance").unwrap(), minute(episode.fired_at))
    };
    replay.episodes.iter().map(one).collect()
}

#[test]
fn what_would_have_fired_is_told() {
    for (what, hold, keep, from, past, expected, fired, averted, flaps, firing) in [
        ("at once", 0, 0, 0, vec![("a", "..xxx...")], vec!["a 2-5"], 1, 0, 0, 3),
        ("after `for`", 2, 0, 0, vec![("a", "..xxxx..")], vec!["a 4-6"], 1, 0, 0, 2),
        ("too short", 3, 0, 0, vec![("a", "..xxx...")], vec![], 0, 1, 0, 0),
        ("kept firing", 0, 2, 0, vec![("a", "..x.....")], vec!["a 2-5"], 1, 0, 0, 3),
        ("still firing", 0, 0, 0, vec![("a", ".....xxx")], vec!["a 5-"], 1, 0, 0, 2),
        ("again and again", 0, 0, 0, vec![("a", "x.x.x...")], vec!["a 0-1", "a 2-3", "a 4-5"], 3, 0, 2, 3),
        ("two at once", 0, 0, 0, vec![("a", ".xx....."), ("b", "..xx....")], vec!["a 1-3", "b 2-4"], 2, 0, 0, 3),
        ("held before the range", 2, 0, 3, vec![("a", "xxxxx...")], vec!["a 2-5"], 0, 0, 0, 2),
        ("over before the range", 1, 0, 4, vec![("a", "xxx.....")], vec![], 0, 0, 0, 0),
    ] {
        let replay = play(&rule(hold, keep), &Past(past), from, 7, 0).unwrap();
        assert_eq!(told(&replay), expected, "{what}");
        assert_eq!((replay.fired, replay.averted, replay.flaps), (fired, averted, flaps), "{what}");
        assert_eq!(replay.firing_ms, firing * MINUTE, "{what}");
        assert_eq!(replay.steps, 8 - from, "{what}");
    }
}

#[test]
fn alerts_have_the_labels_that_the_rule_gives() {
    let replay = play(&rule(0, 0), &Past(vec![("a", "x")]), 0, 7, 0).unwrap();
    assert_eq!(replay.episodes[0].labels.to_string(), r#"{alertname="Down", instance="a", severity="page"}"#);
    assert_eq!((replay.days.as_slice(), replay.at_once_max), (&[(FROM, 1)][..], 1));
}

#[test]
fn a_limit_ends_all_alerts() {
    let past = Past(vec![("a", "xxxx"), ("b", "..x.")]);
    let replay = play(&rule(0, 0), &past, 0, 7, 1).unwrap();
    assert_eq!(told(&replay), ["a 0-2", "a 3-4"]);
    assert_eq!((replay.failed, replay.failure.as_deref()), (1, Some("exceeded limit of 1 with 2 alerts")));
}

#[test]
fn pieces_join_without_a_seam() {
    let long: &'static str = Box::leak("x".repeat(usize::try_from(2 * CHUNK_STEPS).unwrap() + 5).into_boxed_str());
    let replay = play(&rule(5, 0), &Past(vec![("a", long)]), 0, 2 * CHUNK_STEPS + 10, 0).unwrap();
    assert_eq!(told(&replay), [format!("a 5-{}", 2 * CHUNK_STEPS + 5)]);
}

#[test]
fn what_is_too_much_is_refused() {
    let nothing = Past(Vec::new());
    assert!(matches!(play(&rule(0, 0), &nothing, 0, STEPS_MAX + 1, 0), Err(ReplayError::TooLong { .. })));
    assert_eq!(play(&rule(5, 0), &nothing, i64::MIN / MINUTE / 2, i64::MIN / MINUTE / 2, 0).unwrap().fired, 0);
    let cancel = Cancel::new();
    cancel.raise(Stop::TimedOut);
    let (prepared, external_labels) = (rule(0, 0), Labels::empty());
    let (interval, offset) = (Duration::from_ms(MINUTE), Duration::from_ms(0));
    let draft = Draft { rule: &prepared, interval, offset, limit: 0, external_labels: &external_labels, external_url: "" };
    assert!(matches!(replay(&draft, &nothing, 0, 1, &cancel), Err(ReplayError::Query(EvaluateError::TimedOut))));
}
