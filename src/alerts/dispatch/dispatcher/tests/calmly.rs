//! Whatever happens under whatever calm rules: what fires for longer than all waits is told, its end too, no change twice
//! unless a crash fell between telling and writing, and nobody hears more than their cap allows.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::alerts::calm::{Cap, Escalation, Flapping, Member, Rota, Step};
use crate::alerts::model::interval::Location;
use crate::base::time::Duration as Span;

/// Short times, so that much happens.
const QUICK: &str = "route: {receiver: r, group_by: [alertname], group_wait: 3s, group_interval: 10s, repeat_interval: 100000h,\n\
                     routes: [{receiver: s, matchers: [alertname=b], continue: true}, {matchers: [alertname=~.+]}]}\n\
                     receivers: [{name: r, webhook_configs: [{url: http://x}]}, {name: s, webhook_configs: [{url: http://y}]},\n\
                     {name: e, webhook_configs: [{url: http://e}]}, {name: f, webhook_configs: [{url: http://f}]},\n\
                     {name: p, webhook_configs: [{url: http://p}]}, {name: q, webhook_configs: [{url: http://q}]}]\n";
const NAMES: [&str; 3] = ["a", "b", "c"];
const RECEIVERS: [&str; 6] = ["r", "s", "e", "f", "p", "q"];
/// Longer than anything that is played.
const LONG: i64 = 1_000_000;

const FLAPPING: u8 = 1;
const CAP_OF_R: u8 = 2;
const CAP_OF_S_AND_E: u8 = 4;
const ESCALATION: u8 = 8;
const ROTA: u8 = 16;
const CAPPED_FOR: i64 = 30;

#[derive(Debug, Clone)]
enum Event {
    /// An alert fires, or goes on.
    Fires(usize, usize),
    /// It is over.
    Ends(usize, usize),
    Passes(u64),
    /// Somebody takes care of it, or does not any more.
    Cares(usize, usize, bool),
    /// A receiver's mood changes: whether it takes messages.
    Mood(usize, bool),
    Crashes,
    /// To one of two configurations.
    Reloads(bool),
    /// Other calm rules.
    Rules(u8),
}

fn event(changes_rules: bool) -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..3_usize, 0..2_usize).prop_map(|(name, instance)| Event::Fires(name, instance)),
        3 => (0..3_usize, 0..2_usize).prop_map(|(name, instance)| Event::Ends(name, instance)),
        6 => (1..15_000_u64).prop_map(Event::Passes),
        1 => (0..3_usize, 0..2_usize, any::<bool>()).prop_map(|(name, instance, takes)| Event::Cares(name, instance, takes)),
        2 => (0..RECEIVERS.len(), any::<bool>()).prop_map(|(who, takes)| Event::Mood(who, takes)),
        1 => Just(Event::Crashes),
        1 => any::<bool>().prop_map(Event::Reloads),
        u32::from(changes_rules) => (0..32_u8).prop_map(Event::Rules),
    ]
}

fn rules(which: u8) -> Vec<CalmRule> {
    let cap =
        |receiver: &str, messages| CalmRule::Cap(Cap { receiver: receiver.to_owned(), messages, within: Span::from_secs(CAPPED_FOR) });
    let mut rules = Vec::new();
    let title = || "a rule".to_owned();
    if which & FLAPPING != 0 {
        let (within, quiet) = (Span::from_secs(60), Span::from_secs(25));
        rules.push(CalmRule::Flapping(Flapping { title: title(), changes: 2, within, quiet, ..Flapping::default() }));
    }
    if which & CAP_OF_R != 0 {
        rules.push(cap("r", 1));
    }
    if which & CAP_OF_S_AND_E != 0 {
        rules.extend([cap("s", 2), cap("e", 1)]);
    }
    if which & ESCALATION != 0 {
        let step = |after, receiver: &str| Step { after: Span::from_secs(after), receiver: receiver.to_owned() };
        rules.push(CalmRule::Escalation(Escalation { steps: vec![step(20, "e"), step(45, "f")], title: title(), ..Escalation::default() }));
    }
    if which & ROTA != 0 {
        let member = |name: &str| Member { person: name.to_owned(), receiver: name.to_owned() };
        let (title, receiver, location) = (title(), "r".to_owned(), Location::Utc);
        // Forty seconds after the beginning it is q's turn.
        let members = vec![member("p"), member("q")];
        rules.push(CalmRule::Rota(Rota {
            title,
            receiver,
            location,
            members,
            first_day: 19_674,
            hand_over: 22 * 60 + 14,
            turn_days: 1,
            overrides: Vec::new(),
        }));
    }
    rules
}

/// What is known of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Truth {
    fires: bool,
    is_cared_for: bool,
    /// Whether it was over when the server was killed: whoever had just been told so, while the server had no time to note
    /// it, is not told again when it fires again at once.
    is_unsure: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn under_rules_that_stay(which in 0..32_u8, events in prop::collection::vec(event(false), 1..50)) {
        play(which, &events)?;
    }

    #[test]
    fn under_rules_that_change(which in 0..32_u8, events in prop::collection::vec(event(true), 1..50)) {
        play(which, &events)?;
    }
}

/// What happened so far.
#[derive(Debug)]
struct Course {
    truth: BTreeMap<(usize, usize), Truth>,
    crashes: usize,
    rules: u8,
    changes_of_rules: usize,
}

impl Course {
    fn go_on(&mut self, house: &mut House, event: &Event) {
        match *event {
            Event::Fires(name, instance) => {
                house.post(&[(NAMES[name], &who(name, instance), Some(LONG))]);
                self.truth.entry((name, instance)).or_default().fires = true;
            }
            Event::Ends(name, instance) => {
                if self.truth.get(&(name, instance)).is_some_and(|known| known.fires) {
                    house.post(&[(NAMES[name], &who(name, instance), Some(0))]);
                    let known = self.truth.entry((name, instance)).or_default();
                    known.fires = false;
                    // One that flaps counts as firing, and so whoever takes care of it may go on to.
                    known.is_cared_for &= self.rules & FLAPPING != 0;
                }
            }
            Event::Cares(name, instance, takes) => {
                if let Some(known) = self.truth.get_mut(&(name, instance)).filter(|known| known.fires) {
                    known.is_cared_for = takes;
                    let deed = if takes { Deed::Acknowledge } else { Deed::Release };
                    let fingerprint = house.alert(NAMES[name], &who(name, instance), None).fingerprint();
                    house.on(async |dispatcher| dispatcher.handle(fingerprint, deed, "eve").await).unwrap();
                }
            }
            Event::Passes(ms) => house.pass_ms(ms),
            Event::Mood(receiver, takes) => {
                let mood = if takes { Mood::Takes } else { Mood::Refuses { may_retry: true, after: None } };
                house.mood(RECEIVERS[receiver], mood);
            }
            Event::Crashes => {
                self.crashes += 1;
                self.truth.values_mut().for_each(|known| known.is_unsure |= !known.fires);
                house.crash();
            }
            Event::Reloads(to_other) => house.reload(&if to_other { QUICK.replace("10s", "11s") } else { QUICK.to_owned() }),
            Event::Rules(which) => {
                self.changes_of_rules += 1;
                self.rules = which;
                house.calm(&rules(which));
            }
        }
    }

    /// Who has to know of an alert in the end, as far as it is certain.
    fn listeners(&self, name: usize, known: Truth) -> Vec<&'static str> {
        let mut listeners = vec!["r"];
        if NAMES[name] == "b" {
            listeners.push("s");
        }
        if self.rules & ESCALATION != 0 && known.fires && !known.is_cared_for {
            listeners.extend(["e", "f"]);
        }
        if self.rules & ROTA != 0 && known.fires {
            listeners.push("q");
        }
        listeners
    }
}

fn play(which: u8, events: &[Event]) -> Result<(), TestCaseError> {
    let mut house = House::new(QUICK);
    house.calm(&rules(which));
    let mut course = Course { truth: BTreeMap::new(), crashes: 0, rules: which, changes_of_rules: 0 };
    for event in events {
        course.go_on(&mut house, event);
    }
    // In the end everybody listens for long enough.
    for receiver in RECEIVERS {
        house.mood(receiver, Mood::Takes);
    }
    house.pass(300);
    let heard: Vec<(i64, String, String)> = house.heard().iter().map(|line| split(line)).collect();
    let told =
        |receiver: &str| -> Vec<&str> { heard.iter().filter(|(_, who, _)| who == receiver).map(|(_, _, what)| what.as_str()).collect() };
    for ((name, instance), known) in &course.truth {
        let label = who(*name, *instance);
        for receiver in course.listeners(*name, *known) {
            let last = told(receiver).iter().rev().find_map(|text| state_in(text, &label));
            if known.fires {
                let is_told = last == Some(true) || (known.is_unsure && last == Some(false));
                prop_assert!(is_told, "{} fires and {} heard {:?} {:?}", label, receiver, heard, course);
            } else {
                // Who never heard that it fires need not hear that it is over.
                prop_assert!(last != Some(true), "{} is over and {} heard {:?} {:?}", label, receiver, heard, course);
            }
        }
    }
    for receiver in RECEIVERS {
        for name in NAMES {
            let of_group: Vec<String> = told(receiver).iter().map(|text| of_name(text, name)).filter(|text| !text.is_empty()).collect();
            let twice = of_group.windows(2).filter(|pair| pair[0] == pair[1]).count();
            // Rules that are made anew escalate anew.
            let allowed = course.crashes + if ["e", "f"].contains(&receiver) { course.changes_of_rules } else { 0 };
            prop_assert!(twice <= allowed, "{} told {} twice: {:?} {:?}", receiver, name, of_group, course);
        }
    }
    if course.changes_of_rules == 0 {
        within_caps(which, &heard)?;
    }
    prop_assert_eq!(house.rows("alerts"), course.truth.values().filter(|known| known.fires).count() as i64, "what is over is forgotten");
    Ok(())
}

fn within_caps(which: u8, heard: &[(i64, String, String)]) -> Result<(), TestCaseError> {
    for (cap, receiver, messages) in [(CAP_OF_R, "r", 1), (CAP_OF_S_AND_E, "s", 2), (CAP_OF_S_AND_E, "e", 1)] {
        let times: Vec<i64> = heard.iter().filter(|(_, who, _)| who == receiver).map(|(at, _, _)| *at).collect();
        if which & cap != 0 {
            for stretch in times.windows(messages + 1) {
                // Whole seconds, cut.
                prop_assert!(stretch[messages] - stretch[0] >= CAPPED_FOR - 1, "{} heard {:?}", receiver, heard);
            }
        }
    }
    Ok(())
}

fn who(name: usize, instance: usize) -> String {
    format!("{}{}", NAMES[name], instance + 1)
}

fn split(line: &str) -> (i64, String, String) {
    let (at, rest) = line.split_once(' ').expect("a time");
    let (who, what) = rest.split_once(": ").expect("a receiver");
    (at.parse().expect("a number"), who.to_owned(), what.to_owned())
}

/// The part of a message about the alerts of this name.
fn of_name(text: &str, name: &str) -> String {
    text.split(' ').filter(|word| word.starts_with(name)).collect::<Vec<_>>().join(" ")
}

/// Whether a message says that an alert fires or is over.
fn state_in(text: &str, label: &str) -> Option<bool> {
    text.split(' ').find_map(|word| match word.strip_prefix(label)? {
        "" => Some(true),
        "(over)" => Some(false),
        _ => None,
    })
}
