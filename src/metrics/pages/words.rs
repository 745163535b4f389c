//! Errors of scrapes in words a person can act on.

/// What an error means, or the error itself when it says so well enough.
pub(super) fn scrape_error(error: &str) -> String {
    let lower = error.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    if let Some(status) = http_status(&lower) {
        return match status {
            401 | 403 => format!("The target refuses to let us in (HTTP {status}). Check its authorization settings."),
            404 => "The target answers, but has nothing at this path (HTTP 404). Check metrics_path.".to_owned(),
            429 => "The target asks to be scraped less often (HTTP 429).".to_owned(),
            500..=599 => format!("The target failed to make its metrics (HTTP {status})."),
            _ => format!("The target answered with HTTP {status} instead of metrics."),
        };
    }
    let known = [
        ("connection refused", "Nothing listens at this address (connection refused)."),
        ("no such host", "The host name is not known to DNS."),
        ("name or service not known", "The host name is not known to DNS."),
        ("failed to lookup address", "The host name is not known to DNS."),
        ("deadline exceeded", "The target did not answer within the scrape timeout."),
        ("timed out", "The target did not answer within the scrape timeout."),
        ("timeout", "The target did not answer within the scrape timeout."),
        ("no route to host", "There is no network route to this host."),
        ("network is unreachable", "There is no network route to this host."),
        ("connection reset", "The target closed the connection before it had answered."),
        ("certificate", "The target's TLS certificate is not trusted."),
        ("sample_limit", "The target has more samples than sample_limit allows."),
        ("body size limit", "The target's answer is longer than body_size_limit allows."),
    ];
    known.iter().find(|(part, _)| has(part)).map_or_else(|| error.to_owned(), |(_, words)| (*words).to_owned())
}

/// The status of upstream's `server returned HTTP status 503 Service Unavailable`.
fn http_status(lower: &str) -> Option<u16> {
    let rest = lower.split_once("http status ")?.1;
    rest.get(..3)?.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::scrape_error;

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
            assert!(scrape_error(error).contains(part), "{error}");
        }
    }
}
