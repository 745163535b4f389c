//! How often a client may ask and how many requests of a kind may be under way, in memory that has a bound whatever
//! strangers do.
//!
//! All caps of the server's own side, and where they are held:
//!
//! | What | Setting | Answer | Where |
//! |---|---|---|---|
//! | connections, over all and of one client | `limits.connections_max`, `limits.connections_per_client_max` | closed | `connections` |
//! | first byte, request's head, TLS handshake; the next request of HTTP/1 | `limits.header_timeout` | closed, 408 | `connections`, `server`, `tls` |
//! | bytes of a head; 100 headers | `limits.header_bytes_max` | 431, 414 | `server` |
//! | quiet connection, answer not taken | `limits.connection_idle`, at least 1 KiB a second | closed | `connections` |
//! | body: arrives within 300 s, at least 512 B a second | – | 408 | `extract` |
//! | body: bytes, as sent and unpacked | `limits.body_size_max` and the route's own (`base::limits`) | 413 | `extract`, `app::throttle` |
//! | body: what is left of it after the answer, within 30 s | – | closed | `linger` |
//! | requests a second of an address, by class | `limits.*_rate` | 429 | here |
//! | requests a second of a token | the token's own | 429 | here |
//! | requests under way, by class | `limits.*_in_flight_max` | 503 | here |
//! | failed sign-ins of an address | – | 429 | `access::throttle` |
//! | queries at work, their time, samples and answers | `limits.query_*` | 503, 422 | `metrics` |

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use hashbrown::HashMap;
use http::StatusCode;
use parking_lot::Mutex;

use super::network::{Network, client_network};
use super::problem::Problem;
use crate::base::clock::SharedClock;
use crate::base::limits::RATE_KEYS_MAX;
use crate::platform::telemetry::metrics::{Counter, Page, Report};

/// So many seconds' worth of requests may come at once: a page of many panels asks everything in a moment.
const BURST_S: u64 = 10;
/// What those share who come when [`RATE_KEYS_MAX`] addresses are remembered already.
const CROWDS: u64 = 1024;

/// Kinds of requests, which have limits of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Questions to the API.
    Query,
    /// Metrics, log lines and events that arrive.
    Write,
    /// Pages and everything else.
    Page,
    /// Names with passwords.
    SignIn,
}

impl Class {
    /// All, in order of their numbers.
    pub const ALL: [Self; 4] = [Self::Query, Self::Write, Self::Page, Self::SignIn];

    /// Its word, in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Write => "write",
            Self::Page => "page",
            Self::SignIn => "sign_in",
        }
    }

    /// As people say it of many.
    const fn plural(self) -> &'static str {
        match self {
            Self::Query => "queries",
            Self::Write => "writes",
            Self::Page => "requests",
            Self::SignIn => "attempts to sign in",
        }
    }
}

/// The limits of a class; 0 stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassLimits {
    /// Requests a second of one address.
    pub rate: u64,
    /// Requests under way.
    pub in_flight_max: u64,
}

/// The clock of the tree, as the limiter wants it.
#[derive(Clone)]
struct Ticks(SharedClock);

impl GovernorClock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Client(IpAddr),
    Crowd(u64),
}

type ByClient = RateLimiter<Key, DashMapStateStore<Key>, Ticks, NoOpMiddleware<Duration>>;
type OfToken = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

struct ClassState {
    limits: ClassLimits,
    by_client: Option<ByClient>,
    in_flight: Arc<AtomicUsize>,
    too_often: Counter,
    too_many: Counter,
}

struct TokenState {
    rate: f64,
    limiter: Arc<OfToken>,
    /// When all of its burst is there again, as with a new one.
    full_at: Duration,
}

/// Counts requests and says when it is enough.
pub struct Limits {
    clock: Ticks,
    exempt: Vec<Network>,
    classes: [ClassState; 4],
    /// By key of the token.
    tokens: Mutex<HashMap<i64, TokenState>>,
    of_tokens: Counter,
    hasher: RandomState,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("exempt", &self.exempt).finish_non_exhaustive()
    }
}

/// A request under way; it counts until this is dropped.
#[derive(Debug)]
pub struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a request is not served now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refusal {
    /// Its address asks too often.
    AddressTooOften {
        /// The kind of request.
        class: Class,
        /// Requests a second that are allowed.
        rate: u64,
        /// When the next one is served.
        wait: Duration,
    },
    /// Its token is used too often.
    TokenTooOften {
        /// Requests a second that are allowed.
        rate: f64,
        /// When the next one is served.
        wait: Duration,
    },
    /// Too many of the kind are under way.
    TooMany {
        /// The kind of request.
        class: Class,
        /// How many may be.
        max: u64,
    },
}

impl Refusal {
    /// The answer, which says when to come again.
    pub fn problem(self) -> Problem {
        match self {
            Self::AddressTooOften { class, rate, wait } => {
                let after = whole_seconds(wait);
                let what = class.plural();
                let said = format!("too many {what} from this address: {rate} a second are allowed; try again in {after} s");
                Problem::new(StatusCode::TOO_MANY_REQUESTS, said).retry_after_s(after)
            }
            Self::TokenTooOften { rate, wait } => {
                let after = whole_seconds(wait);
                let said = format!("too many requests with this token: {rate} a second are allowed; try again in {after} s");
                Problem::new(StatusCode::TOO_MANY_REQUESTS, said).retry_after_s(after)
            }
            Self::TooMany { class, max } => {
                let said = format!("too many {} at once: {max} are being served; try again in a moment", class.plural());
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, said).retry_after_s(1)
            }
        }
    }
}

impl Limits {
    /// With the limits of each class, in order of [`Class::ALL`]. The rates of addresses do not go for `exempt` ones.
    pub fn new(classes: [ClassLimits; 4], exempt: Vec<Network>, clock: SharedClock) -> Self {
        let clock = Ticks(clock);
        let classes = classes.map(|limits| ClassState {
            limits,
            by_client: quota(limits.rate).map(|quota| RateLimiter::dashmap_with_clock(quota, clock.clone())),
            in_flight: Arc::default(),
            too_often: Counter::default(),
            too_many: Counter::default(),
        });
        Self { clock, exempt, classes, tokens: Mutex::default(), of_tokens: Counter::default(), hasher: RandomState::new() }
    }

    /// Lets a request in, or says why not. `token` is its key and the requests a second it may be used for.
    ///
    /// # Errors
    /// Why the request is not served now.
    pub fn admit(&self, class: Class, from: IpAddr, token: Option<(i64, f64)>) -> Result<Permit, Refusal> {
        let state = &self.classes[class as usize];
        if let Some((id, rate)) = token {
            self.check_token(id, rate)?;
        }
        if let Some(by_client) = &state.by_client
            && !self.is_exempt(from)
            && let Err(until) = by_client.check_key(&self.key(by_client, from))
        {
            state.too_often.inc();
            let wait = until.wait_time_from(self.clock.now());
            return Err(Refusal::AddressTooOften { class, rate: state.limits.rate, wait });
        }
        let permit = Permit(Arc::clone(&state.in_flight));
        // Counted first, so that two at once cannot both take the last place; a refused one is dropped again.
        let before = state.in_flight.fetch_add(1, Ordering::Relaxed);
        let max = state.limits.in_flight_max;
        if max > 0 && before as u64 >= max {
            state.too_many.inc();
            return Err(Refusal::TooMany { class, max });
        }
        Ok(permit)
    }

    /// Whether the rates of addresses do not go for this one.
    pub fn is_exempt(&self, from: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(from))
    }

    fn key(&self, known: &ByClient, from: IpAddr) -> Key {
        let client = client_network(from);
        if known.len() < RATE_KEYS_MAX {
            return Key::Client(client);
        }
        // A flood of addresses: what nobody used for a while is forgotten every minute; until then neighbours by chance
        // share a count, which costs the honest among them little and gives the flood no memory.
        Key::Crowd(self.hasher.hash_one(client) % CROWDS)
    }

    fn check_token(&self, id: i64, rate: f64) -> Result<(), Refusal> {
        let Some(quota) = token_quota(rate) else { return Ok(()) };
        let now = self.clock.now();
        let limiter = {
            let mut tokens = self.tokens.lock();
            let fresh = || TokenState {
                rate,
                limiter: Arc::new(RateLimiter::direct_with_clock(quota, self.clock.clone())),
                full_at: Duration::ZERO,
            };
            let kept = tokens.entry(id).or_insert_with(fresh);
            #[expect(clippy::float_cmp, reason = "a rate is kept as it was given; another one is another number")]
            if kept.rate != rate {
                *kept = fresh();
            }
            kept.full_at = now + quota.burst_size_replenished_in();
            Arc::clone(&kept.limiter)
        };
        limiter.check().map_err(|until| {
            self.of_tokens.inc();
            Refusal::TokenTooOften { rate, wait: until.wait_time_from(self.clock.now()) }
        })
    }

    /// Forgets who has not come for a while. Called every minute.
    pub fn forget(&self) {
        for by_client in self.classes.iter().filter_map(|state| state.by_client.as_ref()) {
            by_client.retain_recent();
            by_client.shrink_to_fit();
        }
        let now = self.clock.now();
        self.tokens.lock().retain(|_, token| token.full_at > now);
    }

    /// Addresses that are remembered.
    pub fn remembered(&self) -> usize {
        self.classes.iter().filter_map(|state| state.by_client.as_ref()).map(|by_client| by_client.len()).sum()
    }
}

/// One limit for the requests of everybody together.
pub struct Overall {
    limiter: OfToken,
    clock: Ticks,
}

impl Overall {
    /// One request each `interval`, and `burst` at once; `None` if one of them is nothing.
    pub fn new(interval: Duration, burst: u32, clock: SharedClock) -> Option<Self> {
        let quota = Quota::with_period(interval)?.allow_burst(NonZeroU32::new(burst)?);
        let clock = Ticks(clock);
        Some(Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock })
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The answer, when it is one too many.
    pub fn check(&self) -> Result<(), Problem> {
        self.limiter.check().map_err(|until| {
            let after = whole_seconds(until.wait_time_from(self.clock.now()));
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests; the web config file limits them (rate_limit)")
                .retry_after_s(after)
        })
    }
}

/// Seconds to tell a client, at least one.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

/// So many a second and ten times as many at once; `None` for no limit.
fn quota(rate: u64) -> Option<Quota> {
    let per_second = NonZeroU32::new(u32::try_from(rate).unwrap_or(u32::MAX))?;
    let burst = NonZeroU32::new(u32::try_from(rate.saturating_mul(BURST_S)).unwrap_or(u32::MAX))?;
    Some(Quota::per_second(per_second).allow_burst(burst))
}

/// The same for a number that may be a fraction; one at least may come at once.
fn token_quota(rate: f64) -> Option<Quota> {
    if !(rate.is_finite() && rate > 0.0) {
        return None;
    }
    let every = Duration::try_from_secs_f64(1.0 / rate).ok().filter(|every| !every.is_zero())?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
    let burst = NonZeroU32::new(rate.ceil().clamp(1.0, 1e9) as u32)?;
    Some(Quota::with_period(every)?.allow_burst(burst))
}

impl Report for Limits {
    fn report(&self, page: &mut Page) {
        page.family("pharos_http_limited_requests_total", "counter", "Requests refused by a limit, by class and by whose limit it was.");
        for (class, state) in Class::ALL.iter().zip(&self.classes) {
            for (by, count) in [("address", &state.too_often), ("in_flight", &state.too_many)] {
                page.sample("pharos_http_limited_requests_total", &[("by", by), ("class", class.as_str())], count.get() as f64);
            }
        }
        page.sample("pharos_http_limited_requests_total", &[("by", "token"), ("class", "any")], self.of_tokens.get() as f64);
        page.family("pharos_http_requests_in_flight", "gauge", "Requests under way, by class.");
        for (class, state) in Class::ALL.iter().zip(&self.classes) {
            let count = state.in_flight.load(Ordering::Relaxed) as f64;
            page.sample("pharos_http_requests_in_flight", &[("class", class.as_str())], count);
        }
        page.gauge("pharos_http_limit_addresses", "Addresses whose rate of requests is remembered.", self.remembered() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn limits(rate: u64, in_flight_max: u64) -> (Limits, Arc<ManualClock>) {
        let clock = ManualClock::at(0);
        let class = ClassLimits { rate, in_flight_max };
        let write = ClassLimits { rate: 0, in_flight_max: 0 };
        (Limits::new([class, write, class, class], Network::parse_list(&["loopback".to_owned()]).unwrap(), clock.clone()), clock)
    }

    fn admitted(limits: &Limits, class: Class, from: &str, tries: usize) -> usize {
        (0..tries).filter(|_| limits.admit(class, address(from), None).is_ok()).count()
    }

    #[test]
    fn an_address_has_its_burst_and_then_its_rate() {
        let (limits, clock) = limits(5, 0);
        assert_eq!(admitted(&limits, Class::Query, "10.0.0.1", 200), 50);
        assert_eq!(admitted(&limits, Class::Query, "10.0.0.2", 200), 50, "another address has its own");
        assert_eq!(admitted(&limits, Class::Page, "10.0.0.1", 200), 50, "another class too");
        clock.advance(Duration::from_secs(1));
        assert_eq!(admitted(&limits, Class::Query, "10.0.0.1", 200), 5);
        let refused = limits.admit(Class::Query, address("10.0.0.1"), None).unwrap_err();
        let Refusal::AddressTooOften { rate: 5, wait, .. } = refused else { panic!("{refused:?}") };
        assert!(wait <= Duration::from_millis(200));
        let problem = refused.problem();
        assert_eq!(problem.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(problem.public(), "too many queries from this address: 5 a second are allowed; try again in 1 s");
        assert_eq!(admitted(&limits, Class::Query, "127.0.0.1", 500), 500, "exempt");
        assert_eq!(admitted(&limits, Class::Write, "10.0.0.1", 5000), 5000, "without a limit");
        let v6: usize = (0..100).map(|low| admitted(&limits, Class::SignIn, &format!("2001:db8::{low:x}"), 1)).sum();
        assert_eq!(v6, 50, "a network of IPv6 is one client");
    }

    #[test]
    fn a_flood_of_addresses_takes_no_memory() {
        let (limits, clock) = limits(5, 0);
        for number in 0..(RATE_KEYS_MAX as u32 * 2) {
            let _either = limits.admit(Class::Query, IpAddr::V4(number.into()), None);
        }
        assert!(limits.remembered() <= RATE_KEYS_MAX + CROWDS as usize, "{}", limits.remembered());
        clock.advance(Duration::from_secs(60));
        limits.forget();
        assert_eq!(limits.remembered(), 0);
        assert_eq!(admitted(&limits, Class::Query, "10.0.0.1", 200), 50);
    }

    #[test]
    fn a_token_has_the_rate_it_was_given() {
        let (limits, clock) = limits(0, 0);
        let used =
            |id, rate, tries: usize| (0..tries).filter(|_| limits.admit(Class::Write, address("::1"), Some((id, rate))).is_ok()).count();
        assert_eq!(used(1, 2.0, 10), 2, "loopback is no way around it");
        assert_eq!(used(2, 0.5, 10), 1);
        clock.advance(Duration::from_secs(1));
        assert_eq!((used(1, 2.0, 10), used(2, 0.5, 10)), (2, 0));
        clock.advance(Duration::from_secs(1));
        assert_eq!(used(2, 0.5, 10), 1);
        assert_eq!(used(1, 100.0, 1000), 100, "a new rate counts from now on");
        let refused = limits.admit(Class::Write, address("::1"), Some((2, 0.5))).unwrap_err().problem();
        assert_eq!(refused.public(), "too many requests with this token: 0.5 a second are allowed; try again in 2 s");
        limits.forget();
        assert_eq!(used(2, 0.5, 1), 0, "who is over the limit is not forgotten");
        clock.advance(Duration::from_secs(100));
        limits.forget();
        assert!(limits.tokens.lock().is_empty());
        assert_eq!(used(3, f64::NAN, 9), 9);
    }

    #[test]
    fn only_so_many_are_under_way() {
        let (limits, _) = limits(0, 2);
        let held = [0, 1].map(|_| limits.admit(Class::Query, address("::1"), None).unwrap());
        let refused = limits.admit(Class::Query, address("::1"), None).unwrap_err();
        assert_eq!(
            (refused, refused.problem().status()),
            (Refusal::TooMany { class: Class::Query, max: 2 }, StatusCode::SERVICE_UNAVAILABLE)
        );
        assert!(limits.admit(Class::Page, address("::1"), None).is_ok(), "others go on");
        drop(held);
        assert!(limits.admit(Class::Query, address("::1"), None).is_ok());
        let mut page = Page::default();
        limits.report(&mut page);
        let text = page.finish();
        assert!(text.contains("pharos_http_limited_requests_total{by=\"in_flight\",class=\"query\"} 1\n"), "{text}");
        assert!(text.contains("pharos_http_requests_in_flight{class=\"query\"} 0\n"), "{text}");
    }
}
