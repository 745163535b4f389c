//! Who gets reports by mail.

/// A report that is sent each month.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readers {
    /// Names it; 0 for one that is not stored yet.
    pub id: i64,
    /// Addresses, one a line.
    pub to: String,
    /// Labels that its checks have, as `name=value`, one a line; empty for every check.
    pub labels: String,
    /// By whose clock months begin.
    pub zone: String,
    /// The language of the letter.
    pub lang: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// The month that was sent last; empty for none.
    pub sent: String,
    /// When it was tried last.
    pub tried_at: i64,
    /// How often in vain since the last that was sent.
    pub tries: u32,
    /// Why the last try failed; empty for not at all.
    pub problem: String,
}
