//! Slows down who guesses: after a few failures from one place, each further try must wait longer.
//!
//! Places are addresses (an IPv6 client owns a /64, so that is one place). Accounts are never locked: a guesser
//! elsewhere must not be able to keep the owner out.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;

/// Failures that cost nothing, for people who mistype.
const FREE: u32 = 5;
/// The first wait; each further failure doubles it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// A place that kept quiet this long is forgotten.
const FORGET: Duration = Duration::from_secs(60 * 60);
/// Places remembered; beyond that the quietest are forgotten.
const PLACES_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Place {
    failures: u32,
    last: Duration,
}

impl Place {
    fn wait(self) -> Duration {
        match self.failures.checked_sub(FREE) {
            None | Some(0) => Duration::ZERO,
            Some(beyond) => FIRST.saturating_mul(1 << (beyond - 1).min(20)).min(LONGEST),
        }
    }
}

/// Remembers failures by place. Times are of the monotonic clock.
#[derive(Debug, Default)]
pub struct Throttle {
    places: Mutex<HashMap<IpAddr, Place>>,
}

impl Throttle {
    /// Counts a try as failed before it is made, so that many at once do not all get through; [`Self::succeeded`]
    /// takes it back. `Err` says how long to wait.
    pub fn begin(&self, from: IpAddr, now: Duration) -> Result<(), Duration> {
        let mut places = self.places.lock();
        if places.len() >= PLACES_MAX {
            forget(&mut places, now);
        }
        let place = places.entry(network(from)).or_insert(Place { failures: 0, last: now });
        if now.saturating_sub(place.last) > FORGET {
            place.failures = 0;
        }
        let free_at = place.last + place.wait();
        if now < free_at {
            return Err(free_at - now);
        }
        place.failures = place.failures.saturating_add(1);
        place.last = now;
        Ok(())
    }

    /// The try that began was right.
    pub fn succeeded(&self, from: IpAddr) {
        self.places.lock().remove(&network(from));
    }
}

/// The place of an address.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

fn forget(places: &mut HashMap<IpAddr, Place>, now: Duration) {
    places.retain(|_, place| now.saturating_sub(place.last) <= FORGET);
    if places.len() >= PLACES_MAX {
        let mut ages: Vec<Duration> = places.values().map(|place| place.last).collect();
        let (_, middle, _) = ages.select_nth_unstable(PLACES_MAX / 2);
        let middle = *middle;
        places.retain(|_, place| place.last > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn ten_thousand_guesses_come_down_to_a_few() {
        let throttle = Throttle::default();
        let mut tried = 0;
        for second in 0..10_000 {
            tried += u32::from(throttle.begin(HERE, Duration::from_secs(second)).is_ok());
        }
        assert!((15..40).contains(&tried), "{tried}");
        let elsewhere: IpAddr = "10.0.0.9".parse().unwrap();
        assert_eq!(throttle.begin(elsewhere, Duration::from_secs(10_000)), Ok(()), "other places are free");
    }

    #[test]
    fn success_and_time_forgive() {
        let throttle = Throttle::default();
        let now = Duration::from_secs(100);
        for _ in 0..6 {
            throttle.begin(HERE, now).unwrap();
        }
        assert_eq!(throttle.begin(HERE, now), Err(Duration::from_secs(1)));
        throttle.succeeded(HERE);
        assert_eq!(throttle.begin(HERE, now), Ok(()));
        for _ in 0..5 {
            throttle.begin(HERE, now).unwrap();
        }
        assert!(throttle.begin(HERE, now).is_err());
        assert_eq!(throttle.begin(HERE, now + FORGET + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn a_network_of_addresses_is_one_place() {
        let throttle = Throttle::default();
        let address = |low: u64| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | u128::from(low)));
        for low in 0..6 {
            throttle.begin(address(low), Duration::ZERO).unwrap();
        }
        assert!(throttle.begin(address(77), Duration::ZERO).is_err());
        assert_eq!(network("::ffff:1.2.3.4".parse().unwrap()), "1.2.3.4".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn memory_stays_bounded() {
        let throttle = Throttle::default();
        for low in 0..(PLACES_MAX as u32 * 3) {
            let now = Duration::from_millis(u64::from(low));
            throttle.begin(IpAddr::V4(std::net::Ipv4Addr::from_bits(low)), now).unwrap();
        }
        assert!(throttle.places.lock().len() <= PLACES_MAX);
    }
}
