//! Lengths of time with a beginning and an end.

/// A length of time, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// First instant.
    pub from: i64,
    /// The instant after the last.
    pub until: i64,
}

impl Window {
    /// From one instant until another.
    pub const fn new(from: i64, until: i64) -> Self {
        Self { from, until }
    }

    /// How long, in milliseconds; nothing where it ends before it begins.
    pub const fn length(&self) -> i64 {
        if self.until > self.from { self.until - self.from } else { 0 }
    }

    /// Whether an instant is inside.
    pub const fn contains(&self, at: i64) -> bool {
        self.from <= at && at < self.until
    }

    /// What both have in common; without length where that is nothing.
    pub fn common(&self, other: Self) -> Self {
        let from = self.from.max(other.from);
        Self { from, until: self.until.min(other.until).max(from) }
    }
}

/// Sorts windows and joins those that touch; those without length are left out.
pub fn joined(mut windows: Vec<Window>) -> Vec<Window> {
    windows.retain(|window| window.length() > 0);
    windows.sort_unstable();
    let mut joined: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        match joined.last_mut() {
            Some(last) if window.from <= last.until => last.until = last.until.max(window.until),
            _ => joined.push(window),
        }
    }
    joined
}
