//! `GET /probe`: makes one probe and answers with its gauges, as blackbox_exporter does.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

use super::ApiState;
use crate::base::quote::quote;
use crate::platform::http::problem::Problem;
use crate::uptime::config::{Module, Way, print};
use crate::uptime::probe::{Finding, PROBES_MAX};

/// The module that is meant when none is named.
const USUAL_MODULE: &str = "http_2xx";
/// How long a scraper waits.
const PATIENCE: &str = "x-prometheus-scrape-timeout-seconds";
/// The same when it does not say.
const PATIENCE_USUAL_S: f64 = 120.0;
/// What of it is left for the way of the answer.
const SPARE_S: f64 = 0.5;
/// However patient somebody is.
const PATIENCE_MAX_S: f64 = 3600.0;
/// Longest target.
const TARGET_BYTES_MAX: usize = 8 * 1024;

/// What is asked for.
#[derive(Debug, Default)]
struct Asked {
    target: String,
    module: String,
    hostname: String,
    is_debug: bool,
}

impl Asked {
    /// From the address; of each parameter the first one counts.
    fn read(query: &str) -> Self {
        let mut asked = Self::default();
        let mut debug = None;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "target" => &mut asked.target,
                "module" => &mut asked.module,
                "hostname" => &mut asked.hostname,
                "debug" => {
                    debug.get_or_insert(value == "true");
                    continue;
                }
                _ => continue,
            };
            if slot.is_empty() {
                *slot = value.into_owned();
            }
        }
        asked.is_debug = debug.unwrap_or(false);
        if asked.module.is_empty() {
            USUAL_MODULE.clone_into(&mut asked.module);
        }
        asked
    }
}

/// Makes the probe.
pub(super) async fn probe(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response, Problem> {
    let asked = Asked::read(query.as_deref().unwrap_or_default());
    let modules = state.modules.load_full();
    let Some(module) = modules.get(&asked.module) else {
        state.counts.unknown.inc();
        return Err(Problem::bad_request(format!("Unknown module {}", quote(&asked.module))));
    };
    let timeout = timeout(headers.get(PATIENCE).map(|value| value.to_str().unwrap_or("?")), module.timeout)
        .map_err(|why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("Failed to parse timeout from Prometheus header: {why}")))?;
    if asked.target.is_empty() {
        return Err(Problem::bad_request("Target parameter is missing"));
    }
    if asked.target.len() > TARGET_BYTES_MAX {
        return Err(Problem::bad_request(format!("the target is longer than {TARGET_BYTES_MAX} bytes")));
    }
    let module = with_host(module, &asked.hostname).map_err(Problem::bad_request)?;
    let target = decoded_again(&asked.target);
    let Some(_leave) = state.prober.begin() else {
        state.counts.refused.inc();
        let why = format!("{PROBES_MAX} probes run already, and no more may run at once: probe less often, or spread the targets");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).retry_after_s(1));
    };
    let found = state.prober.probe(&target, &module, timeout).await;
    let count = if found.outcome.failure.is_none() { &state.counts.good } else { &state.counts.failed };
    count.inc();
    Ok(if asked.is_debug { debug(&module, &found) } else { gauges(&found) })
}

fn gauges(found: &Finding) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], found.gauges.text()).into_response()
}

fn debug(module: &Module, found: &Finding) -> Response {
    let text = format!(
        "Logs for the probe:\n{}\n\n\nMetrics that would have been returned:\n{}\n\n\nModule configuration:\n{}",
        found.log,
        found.gauges.text(),
        print(module)
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// How long the probe may take: as long as the scraper waits, with something to spare, or less if the module says so.
fn timeout(patience: Option<&str>, of_module: Option<Duration>) -> Result<Duration, String> {
    let mut waits = match patience.filter(|text| !text.is_empty()) {
        Some(text) => {
            let parsed = text.parse::<f64>().ok().filter(|secs| secs.is_finite());
            parsed.ok_or_else(|| format!("strconv.ParseFloat: parsing {}: invalid syntax", quote(text)))?
        }
        None => 0.0,
    };
    if waits == 0.0 {
        waits = PATIENCE_USUAL_S;
    }
    let most = waits - SPARE_S;
    let own = of_module.map_or(0.0, |timeout| timeout.as_secs_f64());
    let secs = if (own < most && own > 0.0) || most < 0.0 { own } else { most };
    Ok(Duration::from_secs_f64(secs.clamp(0.0, PATIENCE_MAX_S)))
}

/// The target without a second encoding, which scrapers' configurations sometimes add.
fn decoded_again(target: &str) -> Cow<'_, str> {
    let bytes = target.as_bytes();
    let is_escape = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if bytes.iter().enumerate().any(|(at, byte)| *byte == b'%' && !is_escape(at)) {
        return Cow::Borrowed(target);
    }
    let spaced = target.replace('+', " ");
    match percent_encoding::percent_decode_str(&spaced).decode_utf8() {
        Ok(text) => Cow::Owned(text.into_owned()),
        Err(_) => Cow::Borrowed(target),
    }
}

/// The module with the name of the host that is asked for.
fn with_host<'m>(module: &'m Module, hostname: &str) -> Result<Cow<'m, Module>, String> {
    if hostname.is_empty() {
        return Ok(Cow::Borrowed(module));
    }
    let mut changed = module.clone();
    match &mut changed.way {
        Way::Http(http) => {
            let host = http.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
            if let Some((_, value)) = host
                && value != hostname
            {
                return Err(format!(
                    "host header defined both in module configuration ({value}) and with URL-parameter 'hostname' ({hostname})"
                ));
            }
            if http::HeaderValue::from_str(hostname).is_err() {
                return Err("the hostname cannot stand in a header".to_owned());
            }
            http.headers.insert("Host".to_owned(), hostname.to_owned());
        }
        Way::Tcp(tcp) if tcp.tls.server_name.is_empty() => hostname.clone_into(&mut tcp.tls.server_name),
        _ => {}
    }
    Ok(Cow::Owned(changed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::config::Modules;

    #[test]
    fn the_time_is_what_scraper_and_module_leave() {
        let five = Some(Duration::from_secs(5));
        for (patience, of_module, secs) in [
            (None, None, 119.5),
            (Some("10"), None, 9.5),
            (Some("10"), five, 5.0),
            (Some("3"), five, 2.5),
            (Some("0.1"), five, 5.0),
            (Some("0.1"), None, 0.0),
            (Some("0"), None, 119.5),
            (Some("1e300"), None, 3600.0),
        ] {
            assert_eq!(timeout(patience, of_module).unwrap().as_secs_f64(), secs, "{patience:?} {of_module:?}");
        }
        assert!(timeout(Some("soon"), None).unwrap_err().contains("parsing \"soon\": invalid syntax"));
    }

    #[test]
    fn parameters_are_read_as_upstream() {
        let asked = Asked::read("target=a&target=b&debug=true&hostname=h");
        assert_eq!((asked.target.as_str(), asked.module.as_str(), asked.hostname.as_str(), asked.is_debug), ("a", "http_2xx", "h", true));
        assert_eq!(decoded_again("http%3A%2F%2Fa+b"), "http://a b");
        assert_eq!(decoded_again("http://a/100%"), "http://a/100%");
    }

    #[test]
    fn a_hostname_is_for_http_and_tls() {
        let modules = Modules::built_in();
        let changed = with_host(modules.get("http_2xx").unwrap(), "www.example").unwrap();
        let Way::Http(http) = &changed.way else { panic!() };
        assert_eq!(http.headers["Host"], "www.example");
        assert!(with_host(&changed, "other.example").unwrap_err().starts_with("host header defined both"));
        let changed = with_host(modules.get("tcp_connect").unwrap(), "www.example").unwrap();
        let Way::Tcp(tcp) = &changed.way else { panic!() };
        assert_eq!(tcp.tls.server_name, "www.example");
    }
}
