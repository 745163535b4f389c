//! What is written reads as what it was; what is wrong says where and why.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::alerts::model::interval::{Interval, Location, Range, TimeRange};
use crate::alerts::model::matcher::MatchOp;

fn kinds() -> [(CalmKind, Json); 6] {
    let night = json!({
        "times": [{ "start_time": "22:00", "end_time": "24:00" }],
        "weekdays": ["monday:friday", "sunday"],
        "days_of_month": ["1:5", "-3:-1"],
        "months": ["january:march", "december"],
        "years": ["2026:2030"],
        "location": "Europe/Berlin",
    });
    let (eve, bob) = (json!({ "person": "Eve", "receiver": "eve-phone" }), json!({ "person": "Bob", "receiver": "bob-phone" }));
    let stand_in =
        json!({ "person": "Bob", "receiver": "bob-phone", "startsAt": "2026-11-24T09:00:00Z", "endsAt": "2026-11-25T09:00:00.5Z" });
    let step = |after: &str, receiver: &str| json!({ "after": after, "receiver": receiver });
    [
        (
            CalmKind::RecurringSilence,
            json!({ "title": "Backups", "matchers": ["alertname=\"Disk\"", "job!~\"a|b\""], "intervals": [night] }),
        ),
        (
            CalmKind::Dependency,
            json!({ "title": "Net", "source": ["alertname=\"LinkDown\""], "target": ["team=\"net\""], "equal": ["site"] }),
        ),
        (
            CalmKind::Escalation,
            json!({ "title": "Up", "matchers": ["severity=\"critical\""], "steps": [step("15m", "boss"), step("1h", "all")] }),
        ),
        (
            CalmKind::Rota,
            json!({
                "title": "Ops", "receiver": "ops", "timezone": "Europe/Berlin", "members": [eve, bob], "firstDay": "2026-11-23",
                "handOver": "09:00", "turnDays": 7, "overrides": [stand_in],
            }),
        ),
        (CalmKind::Cap, json!({ "receiver": "ops", "messages": 20, "within": "1h" })),
        (CalmKind::Flapping, json!({ "title": "Flap", "matchers": [], "changes": 5, "within": "30m", "quiet": "10m" })),
    ]
}

#[test]
fn every_kind_reads_and_writes() {
    for (kind, value) in kinds() {
        let rule = read(kind, &value.to_string()).expect("reads");
        assert_eq!((rule.kind(), write(&rule)), (kind, value));
    }
}

/// The rule of a kind with one field changed; nothing removes it.
fn with(kind: CalmKind, key: &str, value: Json) -> String {
    let mut all = kinds().into_iter().find(|(known, _)| *known == kind).expect("known").1;
    all[key] = value;
    all.to_string()
}

#[test]
fn what_is_wrong_says_where() {
    use CalmKind::{Cap, Dependency, Escalation, Flapping, RecurringSilence, Rota};
    let step = |after: &str| json!({ "after": after, "receiver": "r" });
    let stand_in = |from: &str, to: &str| json!([{ "person": "a", "receiver": "r", "startsAt": from, "endsAt": to }]);
    for (kind, key, value, expected) in [
        (Cap, "receiver", json!(null), "receiver: is missing; it must be a text of 1 to 1000 characters"),
        (Cap, "receiver", json!(" "), "receiver: is empty; it must be a text of 1 to 1000 characters"),
        (Cap, "messages", json!(0), "messages: 0 must be a whole number from 1 to 10000"),
        (Cap, "messages", json!(1.5), "messages: 1.5 must be a whole number from 1 to 10000"),
        (Cap, "within", json!(5), "within: 5 is not a duration; write it as a text such as \"30s\", \"15m\" or \"2h\""),
        (Cap, "within", json!("1y"), "within: \"1y\" is out of range, allowed is 1s to 31d"),
        (Cap, "title", json!("x"), "title: is not a field here; allowed are receiver, messages, within"),
        (Flapping, "title", json!("a\nb"), "title: must not hold line breaks or other control characters"),
        (Flapping, "title", json!("ü".repeat(201)), "title: is longer than 200 characters"),
        (Flapping, "changes", json!(1), "changes: 1 must be a whole number from 2 to 1000"),
        (Flapping, "matchers", json!("a=b"), "matchers: must be a list of 0 to 32"),
        (Flapping, "matchers", json!(vec!["a=b"; 33]), "matchers: has 33 items, allowed are 0 to 32"),
        (Flapping, "matchers", json!(["a=b", 1]), "matchers[1]: must be a text of 1 to 4096 characters such as severity=\"critical\""),
        (Escalation, "matchers", json!(["a"]), "matchers[0]: bad matcher format: a"),
        (Dependency, "source", json!([]), "source: has 0 items, allowed are 1 to 32"),
        (Dependency, "equal", json!([""]), "equal[0]: is empty; it must be a text of 1 to 200 characters"),
        (Escalation, "steps", json!([]), "steps: has 0 items, allowed are 1 to 20"),
        (
            Escalation,
            "steps",
            json!([step("1h"), step("5m")]),
            "steps[1].after: 5m is before the step in front of it, 1h; steps stand in order of time",
        ),
        (Escalation, "steps", json!(["a"]), "steps[0]: must be an object with the fields after, receiver"),
        (Escalation, "steps", json!([{ "after": "1h" }]), "steps[0].receiver: is missing; it must be a text of 1 to 1000 characters"),
        (RecurringSilence, "matchers", json!(["a=~\".*\""]), "matchers: at least one matcher must not match the empty string"),
        (
            RecurringSilence,
            "intervals",
            json!([{}]),
            "intervals[0]: says nothing, so it would be always; give times, weekdays, days_of_month, months or years",
        ),
        (RecurringSilence, "intervals", json!([{ "weekdays": ["funday"] }]), "intervals[0].weekdays[0]: funday is not a valid weekday"),
        (RecurringSilence, "intervals", json!([{ "weekdays": [] }]), "intervals[0].weekdays: has 0 items, allowed are 1 to 32"),
        (
            RecurringSilence,
            "intervals",
            json!([{ "times": [{ "start_time": "22:00", "end_time": "06:00" }] }]),
            "intervals[0].times[0]: start time cannot be equal or greater than end time; a window over midnight is two of them, up to 24:00 and from 00:00",
        ),
        (
            RecurringSilence,
            "intervals",
            json!([{ "times": [{ "start_time": "25:00", "end_time": "06:00" }] }]),
            "intervals[0].times[0].start_time: couldn't parse timestamp 25:00, invalid format, expected 00:00 to 24:00",
        ),
        (Rota, "timezone", json!("Mars"), "timezone: \"Mars\" is not a time zone, expected a name such as Europe/Berlin, UTC or Local"),
        (Rota, "members", json!([]), "members: has 0 items, allowed are 1 to 100"),
        (Rota, "firstDay", json!("2026-02-29"), "firstDay: \"2026-02-29\" is not a day such as \"2026-11-23\", from 1970 on"),
        (Rota, "handOver", json!("24:00"), "handOver: \"24:00\" is not a time of day such as \"09:00\", up to \"23:59\""),
        (Rota, "turnDays", json!(367), "turnDays: 367 must be a whole number from 1 to 366"),
        (Rota, "overrides", stand_in("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), "overrides[0].endsAt: must be after startsAt"),
        (
            Rota,
            "overrides",
            stand_in("x", "2026-01-01T00:00:00Z"),
            "overrides[0].startsAt: \"x\" is not a time such as \"2026-11-25T09:00:00Z\"",
        ),
    ] {
        assert_eq!(read(kind, &with(kind, key, value)).map_err(|error| error.to_string()), Err(expected.to_owned()));
    }
    let wrong = |text: &str| read(Cap, text).expect_err("wrong").to_string();
    assert_eq!(wrong("[]"), "must be an object with the fields receiver, messages, within");
    assert!(wrong("{").starts_with("the rule is not JSON: "), "{}", wrong("{"));
    assert_eq!(wrong(&" ".repeat(RULE_BYTES_MAX + 1)), "the rule has 262145 bytes, allowed are 262144");
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9äß\"\\\\{},=~ ]{0,12}x"
}

fn matchers_of(min: usize) -> impl Strategy<Value = Matchers> {
    let op = prop::sample::select(vec![MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex]);
    let one = ("[a-z ä.{=\"\\\\]{0,8}[a-z]", op, "[a-zä\"\\\\\n{},=~!'` ]{0,10}")
        .prop_filter_map("a pattern", |(name, op, value)| Matcher::new(&name, op, &value).ok());
    vec(one, min..4).prop_map(Matchers::new)
}

fn range(from: i64, to: i64) -> impl Strategy<Value = Option<Vec<Range>>> {
    let one = (from..=to, from..=to).prop_map(|(a, b)| Range { begin: a.min(b), end: a.max(b) });
    prop::option::of(vec(one, 1..4))
}

fn interval() -> impl Strategy<Value = Interval> {
    let time = (0_u32..1440, 1_u32..1440).prop_map(|(start, length)| TimeRange { start, end: (start + length).min(1440) });
    let location = prop::option::of(prop::sample::select(vec!["UTC", "Local", "Asia/Tokyo"]));
    (vec(time, 1..4), range(0, 6), range(1, 31), range(1, 12), range(-5, 9999), location).prop_map(
        |(times, weekdays, days_of_month, months, years, location)| Interval {
            times: Some(times),
            weekdays,
            days_of_month: days_of_month
                .map(|days| days.into_iter().filter(|range| range.begin < 28).chain([Range { begin: -2, end: -1 }]).collect()),
            months,
            years,
            location: location.and_then(Location::parse),
        },
    )
}

fn length() -> impl Strategy<Value = Duration> {
    (1_000_i64..=31 * 86_400_000).prop_map(Duration::from_ms)
}

fn member_of() -> impl Strategy<Value = Member> {
    (text(), text()).prop_map(|(person, receiver)| Member { person, receiver })
}

fn rota_of() -> impl Strategy<Value = CalmRule> {
    let stand_in = (member_of(), 0_i64..4_000_000_000_000, 1_i64..=OVERRIDE_MS_MAX).prop_map(|(member, starts_at, length)| Override {
        member,
        starts_at,
        ends_at: starts_at + length,
    });
    let turn = (0_i32..2_000_000, 0_u16..1440, 1_u16..=366);
    (text(), text(), vec(member_of(), 1..5), turn, vec(stand_in, 0..4)).prop_map(|(title, receiver, members, turn, overrides)| {
        let (first_day, hand_over, turn_days) = turn;
        let location = Location::parse("America/New_York").expect("known");
        CalmRule::Rota(Rota { title, receiver, location, members, first_day, hand_over, turn_days, overrides })
    })
}

fn rule_of() -> impl Strategy<Value = CalmRule> {
    let recurring = (text(), matchers_of(1), vec(interval(), 1..4)).prop_filter_map("a silence", |(title, matchers, intervals)| {
        silence::check_matchers(&matchers).ok()?;
        Some(CalmRule::RecurringSilence(RecurringSilence { title, matchers, intervals }))
    });
    let dependency = (text(), matchers_of(1), matchers_of(1), vec(text(), 0..4))
        .prop_map(|(title, source, target, equal)| CalmRule::Dependency(Dependency { title, source, target, equal }));
    let escalation = (text(), matchers_of(0), vec((length(), text()), 1..5)).prop_map(|(title, matchers, steps)| {
        let mut steps: Vec<Step> = steps.into_iter().map(|(after, receiver)| Step { after, receiver }).collect();
        steps.sort_by_key(|step| step.after);
        CalmRule::Escalation(Escalation { title, matchers, steps })
    });
    let cap = (text(), 1_u32..10_000, length()).prop_map(|(receiver, messages, within)| CalmRule::Cap(Cap { receiver, messages, within }));
    let flapping = (text(), matchers_of(0), 2_u32..1000, length(), length())
        .prop_map(|(title, matchers, changes, within, quiet)| CalmRule::Flapping(Flapping { title, matchers, changes, within, quiet }));
    prop_oneof![recurring, dependency, escalation, rota_of(), cap, flapping]
}

proptest! {
    #[test]
    fn what_is_written_reads_as_it_was(rule in rule_of()) {
        let text = write(&rule).to_string();
        prop_assert_eq!(read(rule.kind(), &text), Ok(rule), "{}", text);
    }

    #[test]
    fn nothing_that_is_sent_panics(text in "\\PC{0,60}", kind in 0_usize..6) {
        let _ = read(CalmKind::ALL[kind], &text);
    }
}
