//! In which state a check is, told from its results one after the other: what is confirmed, what is in doubt, where
//! nothing was heard.
//!
//! A result that speaks against the state opens a doubt. Enough of them in a row turn the state, from the first of them
//! on; one that speaks for it ends the doubt, and the time in between counts as if there had been none. A result holds
//! until the next is due; when that does not come in time, what was between is unknown, never up.

/// What is known of a check at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing is known: not yet probed, or nobody was there to probe it.
    Unknown,
    /// All held.
    Up,
    /// Something did not hold, often enough in a row.
    Down,
    /// Nobody wants to know.
    Paused,
}

impl State {
    /// Every state, in the order of its number.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Up, Self::Down, Self::Paused];

    /// As stored.
    pub const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Up => 1,
            Self::Down => 2,
            Self::Paused => 3,
        }
    }

    /// From what was stored.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The word for it in answers and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
            Self::Paused => "paused",
        }
    }
}

/// A time in which a check was in one state. Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First instant.
    pub from: i64,
    /// The instant after the last.
    pub until: i64,
    /// In which state.
    pub state: State,
}

impl Span {
    /// How long, in milliseconds.
    pub const fn length(&self) -> i64 {
        self.until - self.from
    }
}

/// How many results in a row it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Failures after the first until it is down.
    pub retries: u32,
    /// Successes after the first until it is up again.
    pub recoveries: u32,
}

/// One result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// When the probe began, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Whether it counts for up.
    pub is_up: bool,
    /// When the next is due.
    pub due: i64,
    /// When the next is missed: later than due by as long as a probe may take.
    pub missed: i64,
}

/// What a result, or its absence, changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Another state from here on.
    Into {
        /// Which.
        state: State,
        /// Since when, which may be before the result that told.
        since: i64,
    },
    /// Something speaks against the state; it is not confirmed.
    InDoubt {
        /// Since when.
        since: i64,
    },
    /// The doubt is over, the state is as it was.
    Cleared,
}

/// The results in a row that speak against the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Doubt {
    since: i64,
    results: u32,
}

/// The state of one check and how it came to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    state: State,
    since: i64,
    doubt: Option<Doubt>,
    /// The newest result; none before the first, and after a pause.
    last: Option<Heard>,
    /// Ended spans that nobody has taken yet, ascending.
    ended: Vec<Span>,
}

impl Track {
    /// A check of which nothing is known from `since` on.
    pub const fn new(since: i64) -> Self {
        Self { state: State::Unknown, since, doubt: None, last: None, ended: Vec::new() }
    }

    /// A check as it was when it was last written down: its newest span, up to where the newest result held, and how much
    /// later than that the next may come.
    pub fn resumed(newest: Span, grace: i64) -> Self {
        let missed = newest.until.saturating_add(grace);
        let heard = Heard { at: newest.from, is_up: newest.state == State::Up, due: newest.until, missed };
        let last = matches!(newest.state, State::Up | State::Down).then_some(heard);
        Self { state: newest.state, since: newest.from, doubt: None, last, ended: Vec::new() }
    }

    /// The state now.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Since when.
    pub const fn since(&self) -> i64 {
        self.since
    }

    /// Since when something speaks against it, if it does.
    pub fn in_doubt_since(&self) -> Option<i64> {
        self.doubt.map(|doubt| doubt.since)
    }

    /// The span that still goes on, as far as it is certain: it ends where the doubt begins, or where the newest result
    /// holds no longer. Without a length where nothing is certain yet.
    pub fn current(&self) -> Span {
        let known = match (self.state, self.last) {
            (State::Paused, _) => self.since,
            (_, Some(last)) => last.due,
            (_, None) => self.since,
        };
        let until = self.doubt.map_or(known, |doubt| doubt.since.min(known));
        Span { from: self.since, until: until.max(self.since), state: self.state }
    }

    /// Takes the spans that ended since the last time, ascending.
    pub fn take_ended(&mut self) -> Vec<Span> {
        std::mem::take(&mut self.ended)
    }

    /// Takes in a result. Of a clock that went back nothing before the newest result is believed.
    pub fn hear(&mut self, mut heard: Heard, patience: Patience) -> Option<Turn> {
        let earliest = self.last.map_or(self.since, |last| last.at).max(self.since);
        if heard.at < earliest {
            let late = earliest - heard.at;
            heard = Heard { at: earliest, due: heard.due + late, missed: heard.missed + late, ..heard };
        }
        let lost = self.miss(heard.at);
        self.last = Some(heard);
        let turned = match self.state {
            State::Unknown | State::Paused if heard.is_up => Some(self.turn(State::Up, heard.at)),
            State::Unknown | State::Paused => self.doubted(State::Down, heard.at, patience.retries),
            State::Up if !heard.is_up => self.doubted(State::Down, heard.at, patience.retries),
            State::Down if heard.is_up => self.doubted(State::Up, heard.at, patience.recoveries),
            State::Up | State::Down => self.doubt.take().map(|_| Turn::Cleared),
        };
        turned.or(lost)
    }

    /// Says that nothing was heard until now; what is missed is unknown from when it was due.
    pub fn miss(&mut self, now: i64) -> Option<Turn> {
        let last = self.last.filter(|last| now > last.missed && matches!(self.state, State::Up | State::Down | State::Unknown))?;
        self.doubt = None;
        self.last = None;
        if self.state == State::Unknown {
            return None;
        }
        Some(self.turn(State::Unknown, last.due))
    }

    /// Nobody wants to know from now on.
    pub fn pause(&mut self, now: i64) -> Option<Turn> {
        let lost = self.miss(now);
        if self.state == State::Paused {
            return lost;
        }
        self.doubt = None;
        self.last = None;
        Some(self.turn(State::Paused, now.max(self.since)))
    }

    /// Somebody wants to know again; until the first result nothing is known.
    pub fn resume(&mut self, now: i64) -> Option<Turn> {
        (self.state == State::Paused).then(|| self.turn(State::Unknown, now.max(self.since)))
    }

    fn doubted(&mut self, into: State, at: i64, further: u32) -> Option<Turn> {
        let had = self.doubt;
        let doubt = Doubt { since: had.map_or(at, |doubt| doubt.since), results: had.map_or(1, |doubt| doubt.results.saturating_add(1)) };
        if doubt.results > further {
            return Some(self.turn(into, doubt.since));
        }
        self.doubt = Some(doubt);
        had.is_none().then_some(Turn::InDoubt { since: at })
    }

    fn turn(&mut self, state: State, since: i64) -> Turn {
        let since = since.max(self.since);
        if since > self.since {
            self.ended.push(Span { from: self.since, until: since, state: self.state });
        }
        self.state = state;
        self.since = since;
        self.doubt = None;
        Turn::Into { state, since }
    }
}

#[cfg(test)]
mod tests;
