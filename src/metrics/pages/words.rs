//! Errors of scrapes in words a person can act on.

use crate::ui::lang::{Words, key};

/// What an error means, or the error itself when it says so well enough.
pub(super) fn scrape_error(error: &str) -> Words {
    let lower = error.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    if let Some(status) = http_status(&lower) {
        let status_text = [status.to_string()];
        return match status {
            401 | 403 => Words::new("The target refuses to let us in (HTTP {}). Check its authorization settings.", status_text),
            404 => Words::new("The target answers, but has nothing at this path (HTTP {}). Check metrics_path.", status_text),
            429 => Words::new("The target asks to be scraped less often (HTTP {}).", status_text),
            500..=599 => Words::new("The target failed to make its metrics (HTTP {}).", status_text),
            _ => Words::new("The target answered with HTTP {} instead of metrics.", status_text),
        };
    }
    let known = [
        ("connection refused", key("Nothing listens at this address (connection refused).")),
        ("no such host", key("The host name is not known to DNS.")),
        ("name or service not known", key("The host name is not known to DNS.")),
        ("failed to lookup address", key("The host name is not known to DNS.")),
        ("deadline exceeded", key("The target did not answer within the scrape timeout.")),
        ("timed out", key("The target did not answer within the scrape timeout.")),
        ("timeout", key("The target did not answer within the scrape timeout.")),
        ("no route to host", key("There is no network route to this host.")),
        ("network is unreachable", key("There is no network route to this host.")),
        ("connection reset", key("The target closed the connection before it had answered.")),
        ("certificate", key("The target's TLS certificate is not trusted.")),
        ("sample_limit", key("The target has more samples than sample_limit allows.")),
        ("body size limit", key("The target's answer is longer than body_size_limit allows.")),
    ];
    known.iter().find(|(part, _)| has(part)).map_or_else(|| Words::plain(error), |(_, words)| Words::from(*words))
}

/// The status of upstream's `server returned HTTP status 503 Service Unavailable`.
fn http_status(lower: &str) -> Option<u16> {
    let rest = lower.split_once("http status ")?.1;
    rest.get(..3)?.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::scrape_error;
    use crate::ui::lang::Lang;

    #[test]
    fn errors_become_words_and_unknown_ones_stay() {
        for (error, part) in [
            ("Get \"http://x:9/metrics\": dial tcp 1.2.3.4:9: connect: connection refused", "Nothing listens"),
            ("server returned HTTP status 503 Service Unavailable", "HTTP 503"),
            ("server returned HTTP status 403 Forbidden", "let us in"),
            ("context deadline exceeded", "did not answer"),
            ("expected a valid start token, got \"<\"", "expected a valid start token"),
            ("HTTP status é", "HTTP status é"),
        ] {
            assert!(scrape_error(error).text(Lang::En).contains(part), "{error}");
        }
    }
}
