//! Whatever happens: each alert that fires for long enough is told, its end too, and no change is told twice unless a
//! crash fell between telling and writing.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Short times, so that much happens.
const QUICK: &str = "route: {receiver: r, group_by: [alertname], group_wait: 3s, group_interval: 10s, repeat_interval: 100000h, \
                     routes: [{receiver: s, matchers: [alertname=b], continue: true}, {matchers: [alertname=~.+]}]}\n\
                     receivers: [{name: r, webhook_configs: [{url: http://x}]}, {name: s, webhook_configs: [{url: http://y}]}]\n";

const NAMES: [&str; 3] = ["a", "b", "c"];
const INSTANCES: [&str; 2] = ["1", "2"];
/// Longer than anything that is played.
const LONG: i64 = 1_000_000;

/// What may happen.
#[derive(Debug, Clone)]
enum Event {
    /// An alert fires, or goes on.
    Fires(usize, usize),
    /// It is over.
    Ends(usize, usize),
    Passes(u64),
    /// A receiver's mood changes: whether it takes messages.
    Mood(bool, bool),
    Crashes,
    Reloads,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..3_usize, 0..2_usize).prop_map(|(name, instance)| Event::Fires(name, instance)),
        3 => (0..3_usize, 0..2_usize).prop_map(|(name, instance)| Event::Ends(name, instance)),
        6 => (1..15_000_u64).prop_map(Event::Passes),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(of_r, takes)| Event::Mood(of_r, takes)),
        1 => Just(Event::Crashes),
        1 => Just(Event::Reloads),
    ]
}

/// What is known of an alert: since when it is as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Truth {
    fires: bool,
    crashes_since: usize,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_told_twice(events in prop::collection::vec(event(), 1..40)) {
        play(&events)?;
    }
}

fn play(events: &[Event]) -> Result<(), TestCaseError> {
    let mut house = House::new(QUICK);
    let mut truth: BTreeMap<(usize, usize), Truth> = BTreeMap::new();
    let mut crashes = 0;
    for event in events {
        match *event {
            Event::Fires(name, instance) => {
                house.post(&[(NAMES[name], &who(name, instance), Some(LONG))]);
                truth.insert((name, instance), Truth { fires: true, crashes_since: crashes });
            }
            Event::Ends(name, instance) => {
                if let Some(known) = truth.get_mut(&(name, instance)).filter(|known| known.fires) {
                    *known = Truth { fires: false, crashes_since: crashes };
                    house.post(&[(NAMES[name], &who(name, instance), Some(0))]);
                }
            }
            Event::Passes(ms) => house.pass_ms(ms),
            Event::Mood(of_r, takes) => {
                let mood = if takes { Mood::Takes } else { Mood::Refuses { may_retry: true, after: None } };
                house.mood(if of_r { "r" } else { "s" }, mood);
            }
            Event::Crashes => {
                crashes += 1;
                house.crash();
            }
            Event::Reloads => house.reload(QUICK),
        }
    }
    // In the end everybody listens for long enough.
    house.mood("r", Mood::Takes);
    house.mood("s", Mood::Takes);
    house.pass(120);
    let heard: Vec<(String, String)> = house.heard().iter().map(|line| split(line)).collect();
    for receiver in ["r", "s"] {
        let told: Vec<&str> = heard.iter().filter(|(who, _)| who == receiver).map(|(_, what)| what.as_str()).collect();
        for ((name, instance), known) in &truth {
            let label = who(*name, *instance);
            if receiver == "s" && NAMES[*name] != "b" {
                continue;
            }
            let last = told.iter().rev().find_map(|text| state_in(text, &label));
            if known.fires {
                prop_assert_eq!(last, Some(true), "{} fires and {} heard {:?}", label, receiver, told);
            } else {
                // Who never heard that it fires need not hear that it is over.
                prop_assert!(last != Some(true), "{} is over and {} heard {:?}", label, receiver, told);
            }
        }
        // The same message twice in a row of one group would be a change told twice.
        for name in NAMES {
            let of_group: Vec<&&str> = told.iter().filter(|text| text.contains(name)).collect();
            let twice = of_group.windows(2).filter(|pair| pair[0] == pair[1]).count();
            prop_assert!(twice <= crashes, "{} told {} twice: {:?}", receiver, name, of_group);
        }
    }
    prop_assert_eq!(house.rows("alerts"), truth.values().filter(|known| known.fires).count() as i64, "what is over is forgotten");
    Ok(())
}

fn who(name: usize, instance: usize) -> String {
    format!("{}{}", NAMES[name], INSTANCES[instance])
}

fn split(line: &str) -> (String, String) {
    let (_, rest) = line.split_once(' ').expect("a time");
    let (who, what) = rest.split_once(": ").expect("a receiver");
    (who.to_owned(), what.to_owned())
}

/// Whether a message says that an alert fires or is over.
fn state_in(text: &str, label: &str) -> Option<bool> {
    text.split(' ').find_map(|word| match word.strip_prefix(label)? {
        "" => Some(true),
        "(over)" => Some(false),
        _ => None,
    })
}
