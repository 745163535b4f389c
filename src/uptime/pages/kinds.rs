//! Kinds of checks as forms show them: what each is in plain words, and its fields. A further kind is an entry here.

use std::sync::LazyLock;

use crate::ui::lang::key;
use crate::uptime::config::file;

/// How a field is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A line of text.
    Text,
    /// A line that is set in the letters of code.
    Code,
    /// A number.
    Number,
    /// A text that is never shown.
    Secret,
    /// Several lines of one text.
    Area,
    /// A text a line.
    Lines,
    /// `name: value` a line.
    Pairs,
    /// `path way value` a line: what must hold of JSON.
    Conditions,
    /// The name of another check.
    Check,
    /// Whether or not.
    Flag,
    /// One of some values, with their words.
    Choice(&'static [(&'static str, &'static str)]),
}

/// A field of a form.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its key in a file of checks.
    pub key: &'static str,
    /// What it is.
    pub label: &'static str,
    /// How it is filled in.
    pub input: Input,
    /// An example; not translated.
    pub example: &'static str,
    /// What else there is to say.
    pub help: &'static str,
    /// What a missing key means.
    pub usual: &'static str,
    /// Whether it is folded away.
    pub is_more: bool,
}

/// A kind of check.
#[derive(Debug, Clone, Copy)]
pub struct KindOf {
    /// Its key in a file of checks.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub line: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

const fn first(key: &'static str, label: &'static str, input: Input, example: &'static str) -> Field {
    Field { key, label, input, example, help: "", usual: "", is_more: false }
}

const fn more(key: &'static str, label: &'static str, input: Input, example: &'static str) -> Field {
    Field { is_more: true, ..first(key, label, input, example) }
}

impl Field {
    /// What a missing key of every kind means for one of them.
    pub fn usual_of(&self, kind: &str) -> &'static str {
        match (kind, self.key) {
            ("domain", "interval") => "1h",
            ("group", "retries") => "0",
            _ => self.usual,
        }
    }

    const fn with_help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    const fn usually(self, usual: &'static str) -> Self {
        Self { usual, ..self }
    }
}

const ADDRESSES: Input = Input::Choice(&[("", key("Either")), ("4", "IPv4"), ("6", "IPv6")]);
const LATENCY: Field = more("latency_max", key("Slowest that is right"), Input::Code, "2s").with_help(key("Empty for any."));
const INSECURE: Field = more("insecure_skip_verify", key("Take any certificate"), Input::Flag, "").usually("false");
const CERTIFICATE: Field = more("certificate_days", key("Days that the certificate must still hold"), Input::Number, "14").usually("0");
const SERVER_NAME: Field = more("server_name", key("Name to expect in the certificate"), Input::Code, "example.org");
const TLS: Field = more("tls", key("Over TLS"), Input::Flag, "").usually("false");

/// What every kind has, but for its name and whether it is paused.
pub const COMMON: &[Field] = &[
    first("interval", key("Every"), Input::Code, "30s").usually("30s"),
    more("timeout", key("Longest that a probe may take"), Input::Code, "10s"),
    more("retries", key("Failures after the first until it is down"), Input::Number, "2").usually("2"),
    more("retry_interval", key("How long until it is tried again meanwhile"), Input::Code, "5s"),
    more("recoveries", key("Successes after the first until it is up again"), Input::Number, "0").usually("0"),
    more("parent", key("Needs this check"), Input::Check, "").with_help(key("Nobody is told of this check while that one is down.")),
    more("labels", key("Labels"), Input::Pairs, "team: web"),
    more("severity", key("Severity of its alerts"), Input::Code, "critical").usually("critical"),
    more("goal", key("Goal in %"), Input::Code, "99.9").with_help(key("The share of a month in which it is to be up. Empty for none.")),
    more("upside_down", key("An answer is what is wrong"), Input::Flag, "").usually("false"),
    more("paused", key("Paused"), Input::Flag, "").usually("false"),
    more("note", key("Note"), Input::Area, ""),
];

/// Every kind.
const ALL: &[KindOf] = &[
    KindOf {
        key: "http",
        name: key("Page or API"),
        line: key("Asks for an address over HTTP and looks at what is answered."),
        fields: &[
            first("url", key("Address"), Input::Code, "https://example.org/"),
            more("contains", key("Texts that must be in the answer"), Input::Lines, "Welcome"),
            more("lacks", key("Texts that must not"), Input::Lines, "Internal error"),
            more("status", key("Statuses that are right"), Input::Lines, "200\n301-308").with_help(key("Empty for 200 to 299.")),
            more("json", key("What must hold of JSON"), Input::Conditions, "status equals ok\nqueue.length below 100"),
            LATENCY,
            CERTIFICATE,
            more("method", key("Method"), Input::Code, "GET").usually("GET"),
            more("headers", key("Headers to send"), Input::Pairs, "Accept: application/json"),
            more("body", key("Body to send"), Input::Area, ""),
            more("username", key("User name"), Input::Text, ""),
            more("password", key("Password"), Input::Secret, ""),
            more("bearer_token", key("Bearer token"), Input::Secret, ""),
            more("matches", key("Regular expressions that must match the answer"), Input::Lines, "v\\d+\\.\\d+"),
            more("header_matches", key("Headers, and what their values must match"), Input::Pairs, "Content-Type: ^text/html"),
            more("redirects", key("Follow redirects"), Input::Flag, "").usually("true"),
            more("http2", key("Offer HTTP/2"), Input::Flag, "").usually("true"),
            more("ip_version", key("Over"), ADDRESSES, ""),
            INSECURE,
            SERVER_NAME,
            more("ca_file", key("File of an authority to trust"), Input::Code, "/etc/ssl/private-ca.pem"),
            more("cert_file", key("File of a certificate to show"), Input::Code, ""),
            more("key_file", key("File of its key"), Input::Code, ""),
            more("proxy_url", key("Proxy to go through"), Input::Code, "http://proxy:3128"),
        ],
    },
    KindOf {
        key: "tcp",
        name: key("Port"),
        line: key("Opens a connection; can send a line and look at the answer."),
        fields: &[
            first("address", key("Address"), Input::Code, "db.example.org:5432"),
            TLS,
            more("send", key("What to send"), Input::Area, ""),
            more("expect", key("Regular expression for a line of the answer"), Input::Code, "^220 "),
            LATENCY,
            CERTIFICATE,
            INSECURE,
            SERVER_NAME,
        ],
    },
    KindOf {
        key: "ping",
        name: key("Ping"),
        line: key("Asks a host for an echo."),
        fields: &[first("host", key("Host"), Input::Code, "example.org"), LATENCY, more("ip_version", key("Over"), ADDRESSES, "")],
    },
    KindOf {
        key: "dns",
        name: key("DNS record"),
        line: key("Asks a name server about a name and looks at the records."),
        fields: &[
            first("name", key("Name"), Input::Code, "example.org"),
            first("type", key("Type"), Input::Code, "A").usually("A"),
            more("server", key("Name server"), Input::Code, "9.9.9.9").with_help(key("Empty for that of this machine.")),
            more("matches", key("Regular expressions that must match a record"), Input::Lines, "93\\.184\\."),
            LATENCY,
        ],
    },
    KindOf {
        key: "heartbeat",
        name: key("Heartbeat"),
        line: key("Waits for a job to say that it ran: backups, cron jobs."),
        fields: &[
            first("every", key("It runs every"), Input::Code, "1d"),
            first("cron", key("Or at these times, as a cron expression"), Input::Code, "0 3 * * *"),
            first("grace", key("How late it may be"), Input::Code, "1m").usually("1m"),
            more("time_zone", key("Time zone"), Input::Code, "Europe/Berlin"),
        ],
    },
    KindOf {
        key: "domain",
        name: key("Domain"),
        line: key("Tells before a domain's registration ends."),
        fields: &[
            first("name", key("Domain"), Input::Code, "example.org"),
            first("days", key("Days that it must still be registered"), Input::Number, "30").usually("30"),
            more("server", key("Whom to ask by RDAP"), Input::Code, "https://rdap.example/").with_help(key("Empty for the registry.")),
        ],
    },
    KindOf {
        key: "websocket",
        name: "WebSocket",
        line: key("Opens a WebSocket; can send a message and look at the answer."),
        fields: &[
            first("url", key("Address"), Input::Code, "wss://example.org/socket"),
            more("send", key("What to send"), Input::Area, ""),
            more("expect", key("Regular expression for the answer"), Input::Code, "pong"),
            more("headers", key("Headers to send"), Input::Pairs, "Origin: https://example.org"),
            LATENCY,
            CERTIFICATE,
            INSECURE,
        ],
    },
    KindOf {
        key: "grpc",
        name: key("gRPC health"),
        line: key("Asks a gRPC server how it does."),
        fields: &[
            first("address", key("Address"), Input::Code, "api.example.org:443"),
            TLS,
            more("service", key("Service"), Input::Code, "shop.v1.Orders").with_help(key("Empty for the server as a whole.")),
            INSECURE,
        ],
    },
    KindOf {
        key: "smtp",
        name: key("Mail server"),
        line: key("Greets a mail server, over TLS if wanted."),
        fields: &[
            first("address", key("Address"), Input::Code, "mail.example.org:587"),
            more("starttls", key("Begin TLS (STARTTLS)"), Input::Flag, "").usually("false"),
            TLS,
            LATENCY,
            CERTIFICATE,
            INSECURE,
            SERVER_NAME,
        ],
    },
    KindOf {
        key: "postgres",
        name: "PostgreSQL",
        line: key("Signs in to a database and can ask a query."),
        fields: &[
            first("address", key("Address"), Input::Code, "db.example.org:5432"),
            first("database", key("Database"), Input::Text, "postgres"),
            first("username", key("User name"), Input::Text, "postgres").usually("postgres"),
            first("password", key("Password"), Input::Secret, ""),
            more("query", key("Query"), Input::Area, "SELECT 1"),
            more(
                "tls",
                "TLS",
                Input::Choice(&[
                    ("disable", key("no TLS")),
                    ("require", key("always")),
                    ("verify", key("always, with a certificate to trust")),
                ]),
                "",
            )
            .usually("disable"),
            LATENCY,
        ],
    },
    KindOf {
        key: "redis",
        name: "Redis",
        line: key("Signs in to a Redis or Valkey server and asks for an echo."),
        fields: &[
            first("address", key("Address"), Input::Code, "cache.example.org:6379"),
            first("password", key("Password"), Input::Secret, ""),
            more("username", key("User name"), Input::Text, ""),
            TLS,
            LATENCY,
        ],
    },
    KindOf {
        key: "docker",
        name: key("Docker container"),
        line: key("Asks Docker whether a container runs and is healthy."),
        fields: &[
            first("container", key("Container"), Input::Code, "shop-db-1"),
            more("host", key("Where Docker listens"), Input::Code, "unix:///var/run/docker.sock").usually("unix:///var/run/docker.sock"),
        ],
    },
    KindOf {
        key: "query",
        name: key("Query"),
        line: key("Is up as long as a query finds something."),
        fields: &[
            first("expr", key("Query"), Input::Area, "sum(rate(http_requests_total[5m])) > 0"),
            first("language", key("Language"), Input::Choice(&[("promql", "PromQL"), ("logql", "LogQL")]), "").usually("promql"),
        ],
    },
    KindOf {
        key: "module",
        name: key("blackbox module"),
        line: key("Probes as a module of blackbox.yml says."),
        fields: &[
            first("module", key("Module"), Input::Code, "http_2xx"),
            first("target", key("Target"), Input::Code, "https://example.org/"),
        ],
    },
    KindOf {
        key: "group",
        name: key("Group"),
        line: key("Stands for several checks together."),
        fields: &[
            first("checks", key("Checks in it"), Input::Lines, "Shop\nCheckout").with_help(key("The name of a check a line.")),
            more("up_min", key("Checks that must be up at least"), Input::Number, "0").usually("0").with_help(key("0 for all.")),
        ],
    },
];

/// Every kind that this server can watch.
pub static KINDS: LazyLock<Vec<&'static KindOf>> = LazyLock::new(|| ALL.iter().filter(|kind| is_known(kind.key)).collect());

/// A kind by its key.
pub fn of(key: &str) -> Option<&'static KindOf> {
    KINDS.iter().copied().find(|kind| kind.key == key)
}

/// The name of a kind; its key where nobody named it.
pub fn name_of(key: &'static str) -> &'static str {
    ALL.iter().find(|kind| kind.key == key).map_or(key, |kind| kind.name)
}

fn is_known(key: &str) -> bool {
    let told = file::read_one(&format!("{{name: x, {key}: {{}}}}"), None);
    told.err().is_none_or(|wrong| !wrong.iter().any(|one| one.message.starts_with(&format!("{key}: unknown key"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a check of a kind takes each key of its table, told by what its reader says of it.
    #[test]
    fn every_field_is_a_key_of_its_kind() {
        assert!(KINDS.len() >= 8, "{}", KINDS.len());
        for kind in KINDS.iter() {
            let keys = kind.fields.iter().map(|field| field.key);
            for (within, key) in keys.map(|key| (true, key)).chain(COMMON.iter().map(|field| (false, field.key))) {
                let text = if within {
                    format!("{{name: x, {}: {{{key}: }}}}", kind.key)
                } else {
                    format!("{{name: x, {key}: , {}: {{}}}}", kind.key)
                };
                let told = file::read_one(&text, None).err().unwrap_or_default();
                let unknown: Vec<_> = told.iter().filter(|one| one.message.starts_with(&format!("{key}: unknown key"))).collect();
                assert!(unknown.is_empty(), "{}.{key}: {unknown:?}", kind.key);
            }
        }
    }
}
