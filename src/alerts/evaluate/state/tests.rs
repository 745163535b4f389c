//! The life of alerts, evaluation by evaluation.

use super::*;

const MINUTE: i64 = 60_000;

fn rule(hold_minutes: i64, keep_minutes: i64) -> Alerting {
    Alerting {
        hold: Duration::from_ms(hold_minutes * MINUTE),
        keep_firing: Duration::from_ms(keep_minutes * MINUTE),
        annotations: Vec::new(),
    }
}

fn given(instances: &str) -> Vec<Given> {
    instances
        .chars()
        .map(|instance| Given {
            labels: Labels::from_pairs([("alertname", "A"), ("instance", &instance.to_string())]),
            annotations: Vec::new(),
            value: 1.0,
        })
        .collect()
}

/// Plays minutes: each word says which instances are given; answers states as `a:firing`.
fn play(rule: &Alerting, minutes: &[&str]) -> Vec<String> {
    let mut alerts = Alerts::default();
    minutes
        .iter()
        .enumerate()
        .map(|(minute, instances)| {
            alerts.step(minute as i64 * MINUTE, given(instances.trim_matches('-')), rule, 0).unwrap();
            let shown: Vec<String> = alerts
                .iter()
                .map(|alert| format!("{}:{}", alert.labels.get("instance").unwrap_or_default(), alert.state.as_str()))
                .collect();
            shown.join(" ")
        })
        .collect()
}

#[test]
fn without_for_it_fires_at_once_and_ends_when_it_is_over() {
    assert_eq!(
        play(&rule(0, 0), &["a", "ab", "b", "-"]),
        ["a:firing", "a:firing b:firing", "a:inactive b:firing", "a:inactive b:inactive"]
    );
}

#[test]
fn it_is_pending_for_as_long_as_for_says() {
    assert_eq!(play(&rule(2, 0), &["a", "a", "a", "-", "a"]), ["a:pending", "a:pending", "a:firing", "a:inactive", "a:pending"]);
    assert_eq!(play(&rule(2, 0), &["a", "-", "a", "a"]), ["a:pending", "", "a:pending", "a:pending"]);
}

#[test]
fn it_is_kept_firing() {
    let states = play(&rule(0, 2), &["a", "-", "-", "-", "a", "-", "a"]);
    assert_eq!(states, ["a:firing", "a:firing", "a:firing", "a:inactive", "a:firing", "a:firing", "a:firing"]);
}

#[test]
fn what_is_over_is_forgotten_after_a_while() {
    let mut minutes = vec!["a"];
    minutes.resize(18, "-");
    let states = play(&rule(0, 0), &minutes);
    assert_eq!(states[16], "a:inactive");
    assert_eq!(states[17], "");
}

#[test]
fn two_series_may_not_be_one_alert_and_there_is_a_limit() {
    let mut alerts = Alerts::default();
    assert_eq!(alerts.step(0, given("aa"), &rule(0, 0), 0), Err(StepError::SameLabels));
    alerts.step(0, given("a"), &rule(0, 0), 1).unwrap();
    assert_eq!(alerts.step(MINUTE, given("ab"), &rule(0, 0), 1), Err(StepError::TooMany { limit: 1, count: 2 }));
    assert_eq!(alerts.iter().count(), 0);
}

#[test]
fn says_what_changed() {
    let mut alerts = Alerts::default();
    let shown = |changes: Vec<Change>| changes.into_iter().map(|change| (change.from, change.to)).collect::<Vec<_>>();
    assert_eq!(shown(alerts.step(0, given("a"), &rule(1, 0), 0).unwrap()), [(None, Some(State::Pending))]);
    assert_eq!(shown(alerts.step(MINUTE, given("a"), &rule(1, 0), 0).unwrap()), [(Some(State::Pending), Some(State::Firing))]);
    assert_eq!(shown(alerts.step(2 * MINUTE, given("a"), &rule(1, 0), 0).unwrap()), []);
    assert_eq!(shown(alerts.step(3 * MINUTE, given(""), &rule(1, 0), 0).unwrap()), [(Some(State::Firing), Some(State::Inactive))]);
}

#[test]
fn is_told_when_it_begins_again_and_again_and_when_it_ends() {
    let mut alerts = Alerts::default();
    let (resend, interval) = (Duration::from_ms(3 * MINUTE), Duration::from_ms(MINUTE));
    let mut told = Vec::new();
    for (minute, instances) in ["a", "a", "a", "a", "a", "", "", "", "", ""].iter().enumerate() {
        let now = minute as i64 * MINUTE;
        alerts.step(now, given(instances), &rule(1, 0), 0).unwrap();
        for alert in alerts.take_due(now, resend, interval) {
            assert_eq!(alert.valid_until, now + 12 * MINUTE);
            told.push((minute, alert.state));
        }
    }
    assert_eq!(told, [(1, State::Firing), (5, State::Inactive), (9, State::Inactive)]);
}

#[test]
fn a_restart_gives_pending_time_back() {
    let labels = given("a")[0].labels.clone();
    let hour = rule(60, 0);
    // What it said before, and when it then fires after a restart at minute 100: it was last seen at minute 90.
    for (active_at, fires_at) in [(0, 100), (35, 110), (80, 150)] {
        let mut alerts = Alerts::default();
        alerts.step(100 * MINUTE, given("a"), &hour, 0).unwrap();
        alerts.restore(&labels, &hour, 100 * MINUTE, 90 * MINUTE, active_at * MINUTE);
        let first = (100..200).find(|minute| {
            alerts.step(minute * MINUTE, given("a"), &hour, 0).unwrap();
            alerts.state() == State::Firing
        });
        assert_eq!(first, Some(fires_at), "{active_at}");
    }
}
