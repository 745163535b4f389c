//! Connections of doors that are no HTTP: as many as there are places for, encrypted where that was asked for, each served
//! by itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::inlet::{Closed, Inlet};
use super::listen::{Accept, Wire};
use super::shape::Stamps;
use crate::base::clock::SharedClock;

/// Most connections of a listener at once.
const PLACES: usize = 1_024;
/// After a connection that could not be taken, so long a pause.
const PAUSE: Duration = Duration::from_millis(100);

/// What the work of one listener needs.
#[derive(Clone)]
pub struct Work {
    /// Where lines go.
    pub inlet: Inlet,
    /// The time.
    pub clock: SharedClock,
    /// Times of lines.
    pub stamps: Arc<Stamps>,
    /// What connections go through before they are read; TLS or nothing.
    pub accept: Accept,
}

impl Work {
    /// Counts and says that something of a sender was refused.
    pub(super) fn turn_away(&self, reason: &'static str, count: u64, peer: &str, why: &str) {
        self.inlet.counts().turn_away(self.clock.now_ms(), reason, count, peer, why);
    }
}

/// Why a connection was ended by us.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// What came cannot be taken: a word for counting, and why.
    Refused(&'static str, String),
    /// It broke.
    Broken(String),
    /// The server stops.
    Closed,
}

impl From<std::io::Error> for Ended {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<Closed> for Ended {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// Serves connections until it is dropped. `one` gets a connection and the address of who made it.
pub(super) async fn serve<F>(listener: TcpListener, work: Work, one: impl Fn(Wire, Arc<str>) -> F + Clone + Send + 'static)
where
    F: Future<Output = Result<(), Ended>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(PLACES));
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of open files, most likely; the next one may go.
                work.turn_away("connections", 1, "", &format!("a connection could not be taken: {error}"));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let peer: Arc<str> = peer.ip().to_canonical().to_string().into();
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            work.inlet.counts().connections_refused.inc();
            work.turn_away("connections", 1, &peer, &format!("{PLACES} connections are open already, no more are taken"));
            continue;
        };
        work.inlet.counts().connections.inc();
        let (work, one) = (work.clone(), one.clone());
        open.spawn(async move {
            let _place = place;
            let wire = match (work.accept)(stream).await {
                Ok(wire) => wire,
                Err(error) => {
                    work.inlet.counts().connections_refused.inc();
                    return work.turn_away("connections", 1, &peer, &format!("the connection could not be encrypted: {error}"));
                }
            };
            match one(wire, Arc::clone(&peer)).await {
                Ok(()) | Err(Ended::Closed) => {}
                Err(Ended::Broken(why)) => tracing::debug!(%peer, "a connection broke: {why}"),
                Err(Ended::Refused(reason, why)) => {
                    work.inlet.counts().malformed.inc();
                    work.turn_away(reason, 1, &peer, &why);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::base::clock::ManualClock;
    use crate::logs::ingest::counts::{Counts, DoorReport};
    use crate::logs::ingest::listen::plain;
    use crate::logs::model::batch::LineBatch;
    use crate::logs::model::write::{AppendLines, AppendLinesError, LineReport};

    struct Nowhere;

    impl AppendLines for Nowhere {
        fn append(&self, _: &LineBatch) -> Result<LineReport, AppendLinesError> {
            Ok(LineReport::default())
        }
    }

    #[tokio::test]
    async fn who_cannot_be_served_is_told_of_with_the_peer() {
        let counts = Counts::default();
        let clock: SharedClock = ManualClock::at(5);
        let (inlet, _stores) = Inlet::new(Arc::new(Nowhere), counts.door("fluent"), &clock);
        let work = Work { inlet, clock, stamps: Arc::default(), accept: plain() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, work, |mut wire, _| async move {
            wire.read_u8().await?;
            Err(Ended::Refused("malformed", "nonsense came".to_owned()))
        }));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"x").await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the connection was ended");
        let mut reports = [DoorReport { door: "fluent", ..DoorReport::default() }];
        for _ in 0..1_000 {
            reports[0].refused.clear();
            counts.add_to(&mut reports);
            if !reports[0].refused.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(reports[0].refused, [("malformed", 1)]);
        assert_eq!(reports[0].last_refusal, Some((5, "127.0.0.1: nonsense came".to_owned())));
        serving.abort();
    }
}
