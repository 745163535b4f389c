//! What a caller must be, or hold, to use a route.

use std::fmt;

/// What a person may do. Each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Changes dashboards, rules, pushed groups.
    Editor,
    /// Changes the server.
    Admin,
}

impl Role {
    /// All, from the least to the most.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Admin];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Send metrics.
    MetricsWrite,
    /// Send log lines.
    LogsWrite,
    /// Send events: errors, visits, heartbeats.
    EventsWrite,
    /// Query and look.
    Read,
    /// Change dashboards, rules, pushed groups.
    Edit,
    /// Everything.
    Admin,
}

impl Scope {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 6] = [Self::MetricsWrite, Self::LogsWrite, Self::EventsWrite, Self::Read, Self::Edit, Self::Admin];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MetricsWrite => "metrics:write",
            Self::LogsWrite => "logs:write",
            Self::EventsWrite => "events:write",
            Self::Read => "read",
            Self::Edit => "edit",
            Self::Admin => "admin",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// Whether a token with this scope may do what needs `other`.
    pub fn covers(self, other: Self) -> bool {
        self == other || self == Self::Admin || (self == Self::Edit && matches!(other, Self::Read | Self::EventsWrite))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Anyone: health checks, static assets, the sign-in page. Says nothing about data.
    Public,
    /// A person with at least this role; no token.
    Person(Role),
    /// A person with at least this role, or a token with the scope.
    Needs(Role, Scope),
}

impl Policy {
    /// What is one's own: any person who is signed in, and no token.
    pub const OWN: Self = Self::Person(Role::Viewer);
    /// Making tokens for what an editor may do; a token must not make others.
    pub const MAKE_TOKENS: Self = Self::Person(Role::Editor);
    /// Sending log lines.
    pub const WRITE_LOGS: Self = Self::Needs(Role::Editor, Scope::LogsWrite);
    /// Looking at data.
    pub const READ: Self = Self::Needs(Role::Viewer, Scope::Read);
    /// Sending metrics.
    pub const WRITE_METRICS: Self = Self::Needs(Role::Editor, Scope::MetricsWrite);
    /// Changing what people made.
    pub const EDIT: Self = Self::Needs(Role::Editor, Scope::Edit);
    /// Changing the server.
    pub const ADMIN: Self = Self::Needs(Role::Admin, Scope::Admin);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back() {
        assert!(Role::ALL.iter().all(|role| Role::parse(role.as_str()) == Some(*role)));
        assert!(Scope::ALL.iter().all(|scope| Scope::parse(scope.as_str()) == Some(*scope)));
        assert_eq!((Role::parse("root"), Scope::parse("write")), (None, None));
    }

    #[test]
    fn only_admin_covers_everything() {
        for scope in Scope::ALL {
            assert!(Scope::Admin.covers(scope) && scope.covers(scope));
            assert_eq!(scope.covers(Scope::Admin), scope == Scope::Admin);
        }
        assert!(Scope::Edit.covers(Scope::Read) && !Scope::Read.covers(Scope::Edit));
        assert!(Scope::Edit.covers(Scope::EventsWrite) && !Scope::EventsWrite.covers(Scope::Edit));
        assert!(!Scope::Edit.covers(Scope::MetricsWrite) && !Scope::MetricsWrite.covers(Scope::Read));
    }
}
