//! How long the loop takes with many alerts. Not part of the usual run: `cargo test --lib dispatcher::tests::speed -- --ignored --nocapture`.

use std::io::Write as _;

use super::*;
use crate::alerts::calm::{Cap, Escalation, Flapping, Step};
use crate::alerts::dispatch::standing::End;
use crate::base::clock::{Clock, SystemClock};
use crate::base::time::Duration as Span;
use crate::series::labels::Labels;

const MANY: usize = 10_000;

fn alerts(now: i64) -> Vec<RoutedAlert> {
    let labels = |at: usize| {
        let (name, instance, severity) =
            (format!("Alert{}", at % 50), format!("host-{at}:9100"), if at.is_multiple_of(3) { "critical" } else { "warning" });
        Labels::from_pairs([("alertname", name.as_str()), ("instance", instance.as_str()), ("job", "node"), ("severity", severity)])
    };
    let alert = |at: usize| RoutedAlert {
        labels: labels(at),
        annotations: vec![("summary".to_owned(), "Something is wrong".to_owned())],
        starts_at: now - i64::try_from(at).unwrap() * 100,
        ends_at: Some(now + 1_000_000_000),
        updated_at: now,
        is_timeout: false,
        generator_url: String::new(),
        hush: None,
    };
    (0..MANY).map(alert).collect()
}

fn all_rules() -> Vec<CalmRule> {
    let matchers = |text: &str| Matchers::new(parse_matchers(text, Syntax::Both).unwrap().value);
    let step = |after: i64| Step { after: Span::from_secs(after), receiver: "s".to_owned() };
    let mut rules = vec![CalmRule::Cap(Cap { receiver: "r".to_owned(), messages: 5, within: Span::from_secs(600) })];
    for place in 0..5 {
        let (title, matchers) = (format!("rule {place}"), matchers(&format!("alertname=~\"Alert{place}.*\",severity=\"critical\"")));
        let steps = vec![step(300), step(900), step(1800)];
        rules.push(CalmRule::Escalation(Escalation { title: title.clone(), matchers: matchers.clone(), steps }));
        let (within, quiet) = (Span::from_secs(600), Span::from_secs(600));
        rules.push(CalmRule::Flapping(Flapping { title, matchers, changes: 3, within, quiet }));
    }
    rules
}

#[test]
#[ignore = "measures, and says nothing about right or wrong"]
fn ten_thousand_alerts() {
    for (what, rules) in [("no calm rules", vec![]), ("eleven calm rules", all_rules())] {
        let house = House::new(
            "route: {receiver: r, group_by: [alertname], repeat_interval: 100h}\n\
             receivers: [{name: r, webhook_configs: [{url: http://x}]}, {name: s, webhook_configs: [{url: http://y}]}]\n",
        );
        house.calm(&rules);
        let clock = SystemClock::default();
        let dispatcher = house.dispatcher();
        let timed = |what: &str, work: &mut dyn FnMut() -> usize| {
            let began = clock.monotonic();
            let messages = work();
            writeln!(std::io::stderr(), "  {what}: {messages} messages, {:?}", clock.monotonic().saturating_sub(began)).unwrap();
        };
        writeln!(std::io::stderr(), "{what}:").unwrap();
        let start = house.now();
        let mut changes = Changes::default();
        let mut standing = dispatcher.standing.lock();
        for time in ["alerts come", "alerts come again"] {
            timed(time, &mut || standing.take(alerts(start), true, start, &mut changes).map_or(1, |()| 0));
        }
        for second in [1, 2, 29, 30, 31, 61, 62, 400, 401, 2_000, 2_001, 2_002, 2_031, 2_032, 2_040] {
            timed(&format!("second {second}"), &mut || {
                let now = start + second * 1000;
                let jobs = standing.due(now, &mut changes);
                standing.sweep(now, &mut changes);
                standing.next_due(now);
                for job in &jobs {
                    standing.finish(job, &vec![End::Failed; job.orders.len()], now);
                }
                jobs.len()
            });
        }
    }
}
