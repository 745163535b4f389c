//! One evaluation for many who ask the same at the same time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::keep::{Kept, Key};
use crate::base::cancel::{Cancel, Stop};
use crate::series::ports::When;

/// How often someone who waits looks whether there is still a reason to.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A question with the ends of its window.
type Asked = (Key, AskedEnds);
type AskedEnds = (i64, i64);

/// Evaluations under way.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    under_way: Mutex<HashMap<Arc<Asked>, Arc<Flight>>>,
}

/// One evaluation under way.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    state: Mutex<Progress>,
    landed: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    is_over: bool,
    kept: Option<Arc<Kept>>,
}

/// Whose turn it is to evaluate.
pub(crate) enum Turn<'a> {
    /// The caller's; everyone else waits until this is dropped.
    Own(Lead<'a>),
    /// Someone else's, who began earlier.
    Others(Arc<Flight>),
}

/// Held while evaluating.
pub(crate) struct Lead<'a> {
    flights: &'a Flights,
    asked: Arc<Asked>,
    flight: Arc<Flight>,
}

impl Flights {
    /// Joins whoever evaluates the same already, or begins.
    pub(crate) fn board(&self, key: &Key, when: When) -> Turn<'_> {
        let ends = match when {
            When::Instant(at) => (at, at),
            When::Range { start, end, .. } => (start, end),
        };
        let asked = Arc::new((key.clone(), ends));
        let mut under_way = self.under_way.lock();
        if let Some(flight) = under_way.get(&asked) {
            return Turn::Others(Arc::clone(flight));
        }
        let flight = Arc::new(Flight::default());
        under_way.insert(Arc::clone(&asked), Arc::clone(&flight));
        Turn::Own(Lead { flights: self, asked, flight })
    }
}

impl Flight {
    /// Waits for the end; none if there is no answer to share.
    pub(crate) fn wait(&self, cancel: &Cancel) -> Result<Option<Arc<Kept>>, Stop> {
        let mut state = self.state.lock();
        while !state.is_over {
            cancel.check()?;
            self.landed.wait_for(&mut state, LOOK_EVERY);
        }
        Ok(state.kept.clone())
    }
}

impl Lead<'_> {
    /// Leaves the answer for those who wait.
    pub(crate) fn share(&self, kept: &Arc<Kept>) {
        self.flight.state.lock().kept = Some(Arc::clone(kept));
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.flights.under_way.lock().remove(&self.asked);
        self.flight.state.lock().is_over = true;
        self.flight.landed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_leads_and_the_rest_waits() {
        let flights = Flights::default();
        let (key, when) = (Key::new("up", When::Instant(1), 5), When::Instant(1));
        let Turn::Own(lead) = flights.board(&key, when) else { panic!("nobody else is there") };
        let Turn::Others(flight) = flights.board(&key, when) else { panic!("someone is there") };
        assert!(matches!(flights.board(&key, When::Instant(2)), Turn::Own(_)), "another question");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| flight.wait(&Cancel::new()));
            drop(lead);
            assert!(matches!(waiting.join(), Ok(Ok(None))));
        });
        assert!(matches!(flights.board(&key, when), Turn::Own(_)), "the next one begins anew");
    }

    #[test]
    fn waiting_can_be_stopped() {
        let flights = Flights::default();
        let (key, when) = (Key::new("up", When::Instant(1), 5), When::Instant(1));
        let Turn::Own(_lead) = flights.board(&key, when) else { panic!("nobody else is there") };
        let Turn::Others(flight) = flights.board(&key, when) else { panic!("someone is there") };
        let cancel = Cancel::new();
        cancel.raise(Stop::TimedOut);
        assert_eq!(flight.wait(&cancel).map(drop), Err(Stop::TimedOut));
    }
}
