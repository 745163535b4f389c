//! Slows down who guesses: after a few failures each further try must wait longer.
//!
//! Three things are counted: failures with one name from one network, failures from one network at all, and wrong
//! codes of the second factor of one user, for which somebody knows the password already. A name alone is never locked:
//! a guesser elsewhere must not be able to keep its owner out. An IPv6 client owns a /64, so that is one network.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;

/// Failures with one name that cost nothing, for people who mistype.
const FREE_NAME: u32 = 5;
/// Failures from one network that cost nothing: an office behind one address has many people.
const FREE_NETWORK: u32 = 30;
/// Wrong codes of one user that cost nothing.
const FREE_CODE: u32 = 10;
/// The first wait; each further failure doubles it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// What kept quiet this long is forgotten.
const FORGET: Duration = Duration::from_secs(60 * 60);
/// A network is forgiven one failure in this time, so that an office does not add its people's up for ever.
const FORGIVE_EVERY: Duration = Duration::from_secs(60);
/// Things remembered; beyond that the quietest are forgotten.
const PLACES_MAX: usize = 20_000;

/// What is counted. Names are hashed with a key of this process, since people type passwords in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Name(IpAddr, u64),
    Network(IpAddr),
    Code(i64),
}

impl Place {
    const fn free(self) -> u32 {
        match self {
            Self::Name(..) => FREE_NAME,
            Self::Network(_) => FREE_NETWORK,
            Self::Code(_) => FREE_CODE,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Duration,
}

impl Failures {
    /// What is left of them by now.
    fn aged(self, place: Place, now: Duration) -> Self {
        let quiet = now.saturating_sub(self.last);
        if quiet > FORGET {
            return Self { count: 0, last: now };
        }
        let forgiven = match place {
            Place::Network(_) => u32::try_from(quiet.as_secs() / FORGIVE_EVERY.as_secs()).unwrap_or(u32::MAX),
            Place::Name(..) | Place::Code(_) => 0,
        };
        Self { count: self.count.saturating_sub(forgiven), last: self.last }
    }

    /// How long to wait, counted from the last one.
    fn wait(self, free: u32) -> Duration {
        match self.count.checked_sub(free) {
            None | Some(0) => Duration::ZERO,
            Some(beyond) => FIRST.saturating_mul(1 << (beyond - 1).min(20)).min(LONGEST),
        }
    }
}

/// Remembers failures. Times are of the monotonic clock.
#[derive(Debug, Default)]
pub struct Throttle {
    key: RandomState,
    places: Mutex<HashMap<Place, Failures>>,
}

impl Throttle {
    /// Counts a try with a name as failed before it is made, so that many at once do not all get through. `Err` says
    /// how long to wait; such a try is not counted.
    pub fn begin(&self, from: IpAddr, name: &str, now: Duration) -> Result<(), Duration> {
        self.count(&self.places_of(from, name), now)
    }

    /// The same for a code of the second factor of a user, wherever it comes from.
    pub fn begin_code(&self, user_id: i64, now: Duration) -> Result<(), Duration> {
        self.count(&[Place::Code(user_id)], now)
    }

    /// The try that began was right: the name is forgiven, and the network what this try cost it. What the network
    /// guessed at other names stays, or whoever has an account could guess at others between two sign-ins.
    pub fn succeeded(&self, from: IpAddr, name: &str) {
        let [account, network] = self.places_of(from, name);
        let mut places = self.places.lock();
        places.remove(&account);
        take_back(&mut places, network);
    }

    /// The code was right.
    pub fn code_succeeded(&self, user_id: i64) {
        self.places.lock().remove(&Place::Code(user_id));
    }

    /// The try that began was neither right nor wrong.
    pub fn taken_back(&self, from: IpAddr, name: &str) {
        let mut places = self.places.lock();
        for place in self.places_of(from, name) {
            take_back(&mut places, place);
        }
    }

    fn places_of(&self, from: IpAddr, name: &str) -> [Place; 2] {
        let network = network(from);
        [Place::Name(network, self.key.hash_one(name.trim().to_lowercase())), Place::Network(network)]
    }

    fn count(&self, wanted: &[Place], now: Duration) -> Result<(), Duration> {
        let mut places = self.places.lock();
        if places.len() + wanted.len() > PLACES_MAX {
            forget(&mut places, now);
        }
        let known = |place: &Place| places.get(place).map_or(Failures { count: 0, last: now }, |failures| failures.aged(*place, now));
        let aged: Vec<(Place, Failures)> = wanted.iter().map(|place| (*place, known(place))).collect();
        let free_at = |(place, failures): &(Place, Failures)| failures.last + failures.wait(place.free());
        let wait = aged.iter().map(|one| free_at(one).saturating_sub(now)).max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for (place, failures) in aged {
            places.insert(place, Failures { count: failures.count.saturating_add(1), last: now });
        }
        Ok(())
    }
}

fn take_back(places: &mut HashMap<Place, Failures>, place: Place) {
    if let Some(failures) = places.get_mut(&place) {
        failures.count = failures.count.saturating_sub(1);
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

fn forget(places: &mut HashMap<Place, Failures>, now: Duration) {
    places.retain(|_, failures| now.saturating_sub(failures.last) <= FORGET);
    let half = PLACES_MAX / 2;
    if places.len() > half {
        let mut times: Vec<Duration> = places.values().map(|failures| failures.last).collect();
        times.sort_unstable();
        let middle = times[times.len() - half];
        places.retain(|_, failures| failures.last > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn ten_thousand_guesses_come_down_to_a_few() {
        for names in [1, 10_000] {
            let throttle = Throttle::default();
            let mut tried = 0;
            for second in 0..10_000 {
                let name = (second % names).to_string();
                tried += u32::from(throttle.begin(HERE, &name, Duration::from_secs(second)).is_ok());
            }
            // One name: 5 and then ever longer waits. Many: 30, and then one a minute.
            assert!(if names == 1 { (15..40).contains(&tried) } else { (100..260).contains(&tried) }, "{names} names: {tried}");
            let elsewhere: IpAddr = "10.0.0.9".parse().unwrap();
            assert_eq!(throttle.begin(elsewhere, "0", Duration::from_secs(10_000)), Ok(()), "other places are free");
        }
    }

    #[test]
    fn success_and_time_forgive() {
        let throttle = Throttle::default();
        let now = Duration::from_secs(100);
        for _ in 0..6 {
            throttle.begin(HERE, "ann", now).unwrap();
        }
        assert_eq!(throttle.begin(HERE, " ANN ", now), Err(Duration::from_secs(1)));
        assert_eq!(throttle.begin(HERE, "bob", now), Ok(()), "others behind the same address are free");
        throttle.succeeded(HERE, "ann");
        assert_eq!(throttle.begin(HERE, "ann", now), Ok(()));
        for _ in 0..5 {
            throttle.begin(HERE, "ann", now).unwrap();
        }
        assert!(throttle.begin(HERE, "ann", now).is_err());
        assert_eq!(throttle.begin(HERE, "ann", now + FORGET + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn an_account_of_ones_own_does_not_help_to_guess_at_others() {
        let throttle = Throttle::default();
        let mut tried = 0;
        for second in 0..1000 {
            let now = Duration::from_secs(second);
            tried += u32::from(throttle.begin(HERE, "victim", now).is_ok());
            if throttle.begin(HERE, "own", now).is_ok() {
                throttle.succeeded(HERE, "own");
            }
        }
        assert!(tried < 20, "{tried}");
    }

    #[test]
    fn a_password_without_its_code_forgives_nothing() {
        let throttle = Throttle::default();
        let mut tried = 0;
        for _ in 0..100 {
            if throttle.begin(HERE, "ann", Duration::ZERO).is_ok() {
                throttle.taken_back(HERE, "ann");
            }
            tried += u32::from(throttle.begin(HERE, "ann", Duration::ZERO).is_ok());
        }
        assert!(tried <= FREE_NAME + 1, "{tried}");
        let codes = (0..100).filter(|_| throttle.begin_code(7, Duration::ZERO).is_ok()).count();
        assert_eq!(codes, FREE_CODE as usize + 1);
        assert!(throttle.begin_code(8, Duration::ZERO).is_ok());
        throttle.code_succeeded(7);
        assert!(throttle.begin_code(7, Duration::ZERO).is_ok());
    }

    #[test]
    fn a_network_of_addresses_is_one_place() {
        let throttle = Throttle::default();
        let address = |low: u64| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | u128::from(low)));
        for low in 0..6 {
            throttle.begin(address(low), "ann", Duration::ZERO).unwrap();
        }
        assert!(throttle.begin(address(77), "ann", Duration::ZERO).is_err());
        assert_eq!(network("::ffff:1.2.3.4".parse().unwrap()), "1.2.3.4".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn memory_stays_bounded() {
        let throttle = Throttle::default();
        for low in 0..(PLACES_MAX as u32 * 3) {
            let now = Duration::from_millis(u64::from(low));
            throttle.begin(IpAddr::V4(std::net::Ipv4Addr::from_bits(low)), "ann", now).unwrap();
        }
        assert!(throttle.places.lock().len() <= PLACES_MAX);
        // All at the same moment, too.
        for low in 0..(PLACES_MAX as u32 * 3) {
            throttle.begin(IpAddr::V4(std::net::Ipv4Addr::from_bits(low)), "bob", Duration::from_secs(5000)).unwrap();
        }
        assert!(throttle.places.lock().len() <= PLACES_MAX);
    }
}
