//! What a metric is about, guessed from its name: people who look for something look for that first.

/// What a metric is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Who uses it, and how much.
    Usage,
    /// How fast, and how much of it.
    Performance,
    /// Whether it works.
    Reliability,
    /// What it earns.
    Business,
    /// Who tries what they may not.
    Security,
    /// What it runs on.
    Infrastructure,
}

impl Category {
    /// Every one, in the order of lists.
    pub const ALL: [Self; 6] = [Self::Business, Self::Usage, Self::Performance, Self::Reliability, Self::Security, Self::Infrastructure];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Performance => "performance",
            Self::Reliability => "reliability",
            Self::Business => "business",
            Self::Security => "security",
            Self::Infrastructure => "infrastructure",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Of a metric, by its name. Exporters of machines and programs are known by how their names begin; otherwise the
    /// word that says most counts.
    pub fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let words: Vec<&str> = name.split(['_', ':', '.']).filter(|word| !word.is_empty()).collect();
        let begins = |all: &[&str]| words.first().is_some_and(|first| all.contains(first));
        let has = |all: &[&str]| words.iter().any(|word| all.contains(word));
        if has(SECURITY) {
            Self::Security
        } else if name == "up" || has(&["uptime", "slo"]) || begins(&["probe", "alertmanager"]) || name.starts_with("pharos_check") {
            Self::Reliability
        } else if begins(PROGRAMS) {
            Self::Infrastructure
        } else if has(BUSINESS) {
            Self::Business
        } else if has(USAGE) {
            Self::Usage
        } else if has(RELIABILITY) {
            Self::Reliability
        } else if has(PERFORMANCE) {
            Self::Performance
        } else {
            Self::Infrastructure
        }
    }
}

const SECURITY: &[&str] = &[
    "auth",
    "authentication",
    "login",
    "unauthorized",
    "forbidden",
    "denied",
    "csrf",
    "intrusion",
    "attack",
    "attacks",
    "certificate",
    "cert",
    "tls",
    "ssl",
    "security",
    "banned",
    "blocked",
    "vulnerabilities",
    "password",
];
const BUSINESS: &[&str] = &[
    "revenue",
    "mrr",
    "arr",
    "arpu",
    "churn",
    "ltv",
    "cac",
    "lead",
    "leads",
    "order",
    "orders",
    "sales",
    "customer",
    "customers",
    "conversion",
    "conversions",
    "converted",
    "funnel",
    "payment",
    "payments",
    "invoice",
    "invoices",
    "subscription",
    "subscriptions",
    "cart",
    "checkout",
    "task",
    "tasks",
    "project",
    "projects",
    "kpi",
    "business",
    "signup",
    "signups",
    "registrations",
];
const USAGE: &[&str] = &[
    "user",
    "users",
    "session",
    "sessions",
    "visit",
    "visits",
    "visitors",
    "pageviews",
    "views",
    "logins",
    "feature",
    "features",
    "active",
    "clicks",
];
const RELIABILITY: &[&str] = &[
    "error",
    "errors",
    "failed",
    "failure",
    "failures",
    "exceptions",
    "panics",
    "crashes",
    "retries",
    "timeouts",
    "restarts",
    "health",
    "healthy",
    "incidents",
    "dropped",
];
const PERFORMANCE: &[&str] = &[
    "duration",
    "latency",
    "response",
    "request",
    "requests",
    "queries",
    "throughput",
    "queue",
    "cache",
    "seconds",
    "rate",
    "vitals",
    "wait",
];
const PROGRAMS: &[&str] = &[
    "node",
    "process",
    "go",
    "python",
    "jvm",
    "nodejs",
    "container",
    "machine",
    "pg",
    "postgres",
    "mysql",
    "mongodb",
    "redis",
    "memcached",
    "nginx",
    "apache",
    "haproxy",
    "kafka",
    "rabbitmq",
    "elasticsearch",
    "kube",
    "kubelet",
    "etcd",
    "coredns",
    "aws",
    "windows",
    "prometheus",
    "pushgateway",
    "loki",
    "pharos",
    "scrape",
    "promhttp",
    "cpu",
    "memory",
    "disk",
    "net",
    "system",
    "statsd",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_the_documents_are_where_people_look() {
        for (name, category) in [
            ("tasks_created_total", Category::Business),
            ("saler_revenue_total", Category::Business),
            ("saler_leads_created_total", Category::Business),
            ("saler_user_active_sessions", Category::Usage),
            ("active_users", Category::Usage),
            ("http_request_duration_seconds", Category::Performance),
            ("http_requests_total", Category::Performance),
            ("cache_hits_total", Category::Performance),
            ("app_errors_total", Category::Reliability),
            ("up", Category::Reliability),
            ("pharos_check_up", Category::Reliability),
            ("probe_success", Category::Reliability),
            ("authentication_failed_total", Category::Security),
            ("probe_ssl_earliest_cert_expiry", Category::Security),
            ("node_cpu_seconds_total", Category::Infrastructure),
            ("redis_connected_clients", Category::Infrastructure),
            ("aws_elasticache_cache_hits_sum", Category::Infrastructure),
            ("web_vitals_lcp_seconds", Category::Performance),
            ("something", Category::Infrastructure),
        ] {
            assert_eq!(Category::of(name), category, "{name}");
        }
        assert!(Category::ALL.iter().all(|one| Category::parse(one.as_str()) == Some(*one)));
    }
}
