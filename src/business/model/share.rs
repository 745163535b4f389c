//! A share: a KPI as it is shown to people without an account.

use crate::base::period::Grain;

/// A KPI as it is shown to people without an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its number.
    pub id: i64,
    /// Which KPI.
    pub kpi: i64,
    /// Names it in its address; nobody guesses it.
    pub token: String,
    /// For whom it is, in the words of whoever made it; empty for nothing said.
    pub title: String,
    /// By which periods it is shown.
    pub grain: Grain,
    /// The label by which it is split; empty for none.
    pub label: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// Who made it.
    pub made_by: String,
    /// When it ends; 0 for never.
    pub expires_at: i64,
    /// Whether it is switched on.
    pub is_on: bool,
}

impl Share {
    /// Whether it ended.
    pub const fn has_ended(&self, now: i64) -> bool {
        self.expires_at > 0 && self.expires_at <= now
    }
}
