//! What became of letters.

/// What became of the letters of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sending {
    /// Its number, the same as long as there is a digest of its name.
    pub id: i64,
    /// The name of the digest.
    pub name: String,
    /// Since when it goes out as it does, in milliseconds since the Unix epoch: what was due before is not sent.
    pub since: i64,
    /// The period that nobody has to care for any more, sent or given up; empty for none.
    pub settled: String,
    /// The period that was sent last; empty for none.
    pub sent: String,
    /// When that was.
    pub sent_at: i64,
    /// When it was tried last.
    pub tried_at: i64,
    /// How often in vain since the last that was settled.
    pub tries: u32,
    /// What went wrong; empty for nothing.
    pub problem: String,
}
