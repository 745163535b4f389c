//! Who asks for metrics.

/// What kind of thing asks for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricUse {
    /// A dashboard.
    Board,
    /// A rule.
    Rule,
    /// A KPI.
    Kpi,
    /// An SLO.
    Slo,
    /// A check.
    Check,
}

/// Something that asks for metrics whenever it is looked at or evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricUser {
    /// What it is.
    pub kind: MetricUse,
    /// What it is called.
    pub title: String,
    /// Where it is read about, as a path on this server.
    pub href: String,
    /// Its queries in PromQL, with something in place of what is only known when they are asked.
    pub queries: Vec<String>,
    /// The metrics that it records.
    pub records: Vec<String>,
}

/// Says who asks for metrics. Blocking.
pub trait MetricUsers: Send + Sync {
    /// All that there are, or why that is not known.
    fn users(&self) -> Result<Vec<MetricUser>, String>;
}
