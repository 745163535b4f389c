//! What a caller must be, or hold, to use a route.

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

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Send metrics.
    MetricsWrite,
    /// Query and look.
    Read,
    /// Change dashboards, rules, pushed groups.
    Edit,
    /// Everything.
    Admin,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Anyone: health checks and static assets. Says nothing about data.
    Public,
    /// A person with at least this role, or a token with the scope.
    Needs(Role, Scope),
}

impl Policy {
    /// Looking at data.
    pub const READ: Self = Self::Needs(Role::Viewer, Scope::Read);
    /// Sending metrics.
    pub const WRITE_METRICS: Self = Self::Needs(Role::Editor, Scope::MetricsWrite);
    /// Changing what people made.
    pub const EDIT: Self = Self::Needs(Role::Editor, Scope::Edit);
    /// Changing the server.
    pub const ADMIN: Self = Self::Needs(Role::Admin, Scope::Admin);
}
