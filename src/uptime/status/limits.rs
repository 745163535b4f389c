//! How often somebody may ask for a letter: by where they are, by whom it is for, and all together.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;

/// How long is counted.
const WITHIN: Duration = Duration::from_secs(600);
/// Within that from one network, for one address, and from everybody.
const NETWORK_MAX: u32 = 10;
const ADDRESS_MAX: u32 = 2;
const ALL_MAX: u32 = 200;
/// Networks and addresses that are remembered; beyond that all must wait.
const PLACES_MAX: usize = 5_000;

/// Counts who asked.
#[derive(Debug, Default)]
pub struct Limits {
    hasher: RandomState,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    since: Duration,
    all: u32,
    places: HashMap<u64, u32>,
}

/// The network of an address: a reader with IPv6 owns a /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Limits {
    /// Whether one more letter may go to an address (of a page), asked for from somewhere.
    pub fn allow(&self, from: IpAddr, to: (i64, &str), now: Duration) -> bool {
        let places = [(self.hasher.hash_one(network(from)), NETWORK_MAX), (self.hasher.hash_one((to.0, to.1.to_lowercase())), ADDRESS_MAX)];
        let mut counted = self.counted.lock();
        if now.saturating_sub(counted.since) >= WITHIN {
            *counted = Counted { since: now, ..Counted::default() };
        }
        let is_over = |(place, most): &(u64, u32)| counted.places.get(place).is_some_and(|count| count >= most);
        if counted.all >= ALL_MAX || counted.places.len() >= PLACES_MAX || places.iter().any(is_over) {
            return false;
        }
        counted.all += 1;
        for (place, _) in places {
            *counted.places.entry(place).or_default() += 1;
        }
        true
    }
}

impl Limits {
    /// Whether somebody may guess once more from there.
    pub fn may_guess(&self, from: IpAddr, now: Duration) -> bool {
        let place = self.hasher.hash_one(network(from));
        let counted = self.counted.lock();
        let is_over = counted.places.len() >= PLACES_MAX || counted.places.get(&place).is_some_and(|count| *count >= NETWORK_MAX);
        now.saturating_sub(counted.since) >= WITHIN || !is_over
    }

    /// Somebody guessed wrong from there.
    pub fn guessed_wrong(&self, from: IpAddr, now: Duration) {
        let place = self.hasher.hash_one(network(from));
        let mut counted = self.counted.lock();
        if now.saturating_sub(counted.since) >= WITHIN {
            *counted = Counted { since: now, ..Counted::default() };
        }
        *counted.places.entry(place).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_wrong_too_often_waits() {
        let (limits, one, other) = (Limits::default(), IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let at = Duration::from_secs;
        let guesses = (0..20)
            .filter(|_| {
                limits.may_guess(one, at(1)) && {
                    limits.guessed_wrong(one, at(1));
                    true
                }
            })
            .count();
        assert_eq!(guesses, 10);
        assert!(limits.may_guess(other, at(1)) && !limits.may_guess(one, at(599)) && limits.may_guess(one, at(601)));
    }

    #[test]
    fn one_address_one_network_and_all_are_counted() {
        let limits = Limits::default();
        let at = |from: &str, to: &str, secs| limits.allow(from.parse().unwrap(), (1, to), Duration::from_secs(secs));
        assert!(at("10.0.0.1", "a@x", 0) && at("10.0.0.2", "A@x", 0) && !at("10.0.0.3", "a@X", 0), "one address");
        let asked = (0..20).filter(|n| at(&format!("2001:db8::{n}"), &format!("{n}@x"), 1)).count();
        assert_eq!(asked, 10, "one network");
        assert!(at("10.0.0.1", "a@x", 600), "later again");
        let all = (0..1_000).filter(|n| at(&format!("10.1.{}.{}", n / 250, n % 250), &format!("{n}@y"), 601)).count();
        assert_eq!(all, 199, "everybody");
    }
}
