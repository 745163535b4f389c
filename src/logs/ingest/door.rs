//! The ways in for lines, by name.

/// A way in for lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Loki's push.
    Loki,
    /// JSON, a line each.
    JsonLines,
    /// Plain text.
    Plain,
    /// Elasticsearch's bulk requests.
    Elastic,
    /// OpenTelemetry's logs.
    Otlp,
    /// Syslog.
    Syslog,
    /// Fluent's forward protocol.
    Fluent,
    /// Collectors of this machine: files, containers, the journal.
    Collector,
}

impl Door {
    /// All.
    pub const ALL: [Self; 8] =
        [Self::Loki, Self::JsonLines, Self::Plain, Self::Elastic, Self::Otlp, Self::Syslog, Self::Fluent, Self::Collector];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loki => "loki",
            Self::JsonLines => "json_lines",
            Self::Plain => "plain",
            Self::Elastic => "elasticsearch",
            Self::Otlp => "otlp",
            Self::Syslog => "syslog",
            Self::Fluent => "fluent",
            Self::Collector => "collector",
        }
    }

    /// Whether nobody is told what was refused of what came by it.
    pub(super) const fn is_silent(self) -> bool {
        matches!(self, Self::Syslog | Self::Fluent | Self::Collector)
    }
}

/// What came by one door since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorTally {
    /// The door's word.
    pub name: &'static str,
    /// Requests with lines.
    pub requests: u64,
    /// Lines stored.
    pub lines: u64,
    /// Bytes of their text.
    pub bytes: u64,
}
