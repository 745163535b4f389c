//! Domains: until when the registry has a name for somebody, by RDAP (RFC 9082, RFC 9083). Who the registry of an ending
//! is says a list of IANA (RFC 9224), which is asked for once a day.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;

use super::record::Record;
use super::{Probing, http};
use crate::base::time::{format_rfc3339, parse_rfc3339};
use crate::uptime::config::DomainModule;
use crate::uptime::model::outcome::FailureKind;

/// Where the list is.
const LIST: &str = "https://data.iana.org/rdap/dns.json";
/// How long the list is believed.
const LIST_FRESH: Duration = Duration::from_secs(24 * 3600);
/// Endings in the list at most.
const ENDINGS_MAX: usize = 20_000;
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
const DAY_MS: i64 = 86_400_000;
/// States in which a name is as good as lost.
const LOST: [&str; 2] = ["redemption period", "pending delete"];

/// Registries by endings of names, as far as they are known.
#[derive(Default)]
pub(super) struct Registries(Mutex<Option<Known>>);

/// When they were asked for, and servers by endings.
type Known = (Duration, Arc<HashMap<String, String>>);

#[derive(Deserialize)]
struct List {
    services: Vec<(Vec<String>, Vec<String>)>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Domain {
    events: Vec<Event>,
    status: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event {
    #[serde(rename = "eventAction")]
    action: String,
    #[serde(rename = "eventDate")]
    date: String,
}

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &DomainModule, name: &str) {
    let server = if module.server.is_empty() {
        match registry(probing, record, name).await {
            Some(server) => server,
            None => return,
        }
    } else {
        module.server.clone()
    };
    let url = format!("{}/domain/{name}", server.trim_end_matches('/'));
    let Some(body) = http::fetch(probing, record, &url, ("application/rdap+json", ANSWER_BYTES_MAX)).await else {
        if record.found.outcome.status == Some(404) {
            record
                .instead(FailureKind::Content, format!("the registry does not know {name}: nobody has it, or it is not the whole domain"));
        }
        return;
    };
    let now = probing.prober.clock.now_ms();
    match serde_json::from_slice::<Domain>(&body) {
        Ok(domain) => match judge(&domain, module.days, now) {
            Ok(days) => record.note("registered", &[("days", &days.to_string())]),
            Err((kind, why)) => record.fail(kind, why),
        },
        Err(error) => {
            record.excerpt(&body);
            record.fail(FailureKind::Protocol, format!("what the registry answered cannot be read: {error}"));
        }
    }
}

/// How many days are left, or what is wrong.
fn judge(domain: &Domain, days_min: u64, now: i64) -> Result<i64, (FailureKind, String)> {
    let of = |action: &str| domain.events.iter().find(|event| event.action.eq_ignore_ascii_case(action));
    if let Some(lost) = domain.status.iter().find(|status| LOST.contains(&status.to_ascii_lowercase().as_str())) {
        return Err((FailureKind::Expiry, format!("the registry says of the domain: {lost}")));
    }
    let Some(ends) = of("expiration").or_else(|| of("registrar expiration")) else {
        return Err((FailureKind::Content, "the registry does not say until when the domain is registered".to_owned()));
    };
    let Some(ends) = parse_rfc3339(&ends.date) else {
        return Err((FailureKind::Protocol, format!("the registry says {:?} where a time was expected", ends.date)));
    };
    let left = (ends - now).div_euclid(DAY_MS);
    let day: String = format_rfc3339(ends).chars().take(10).collect();
    if left < 0 {
        return Err((FailureKind::Expiry, format!("the registration of the domain ended on {day}")));
    }
    if left < i64::try_from(days_min).unwrap_or(i64::MAX) {
        return Err((
            FailureKind::Expiry,
            format!("the registration of the domain ends in {left} days, on {day}, and must hold for {days_min}"),
        ));
    }
    Ok(left)
}

/// The registry of a name. None with the failure written down.
async fn registry(probing: &Probing<'_>, record: &mut Record, name: &str) -> Option<String> {
    let now = record.now();
    let kept = probing.prober.registries.0.lock().clone();
    let list = match kept {
        Some((since, list)) if now.saturating_sub(since) < LIST_FRESH => list,
        old => match fetch_list(probing, record).await {
            Some(list) => {
                let list = Arc::new(list);
                *probing.prober.registries.0.lock() = Some((now, Arc::clone(&list)));
                list
            }
            // An old list is better than none.
            None => {
                let (_, list) = old?;
                record.forgive();
                list
            }
        },
    };
    let found = find(&list, name);
    if found.is_none() {
        let why = format!("IANA names no registry that answers RDAP for {name}: name a server");
        record.fail(FailureKind::Target, why);
    }
    found
}

async fn fetch_list(probing: &Probing<'_>, record: &mut Record) -> Option<HashMap<String, String>> {
    let body = http::fetch(probing, record, LIST, ("application/json", ANSWER_BYTES_MAX)).await?;
    match serde_json::from_slice::<List>(&body) {
        Ok(list) => Some(by_ending(list)),
        Err(error) => {
            record.fail(FailureKind::Protocol, format!("the list of registries cannot be read: {error}"));
            None
        }
    }
}

fn by_ending(list: List) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for (endings, servers) in list.services {
        // The safe one, where there are two.
        let Some(server) = servers.iter().find(|server| server.starts_with("https:")).or_else(|| servers.first()) else { continue };
        for ending in endings {
            if found.len() < ENDINGS_MAX {
                found.insert(ending.to_ascii_lowercase(), server.clone());
            }
        }
    }
    found
}

/// The registry of the longest ending of a name.
fn find(list: &HashMap<String, String>, name: &str) -> Option<String> {
    let mut rest = name;
    while let Some((_, ending)) = rest.split_once('.') {
        if let Some(server) = list.get(ending) {
            return Some(server.clone());
        }
        rest = ending;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn judged(json: &str) -> Result<i64, String> {
        judge(&serde_json::from_str(json).unwrap(), 30, NOW).map_err(|(kind, why)| format!("{}: {why}", kind.as_str()))
    }

    #[test]
    fn domains_are_judged_by_when_they_end() {
        let with = |date: &str| {
            format!(
                r#"{{"events": [{{"eventAction": "registration", "eventDate": "1999-01-01T00:00:00Z"}}, {{"eventAction": "expiration", "eventDate": "{date}"}}]}}"#
            )
        };
        assert_eq!(judged(&with("2028-01-15T08:00:00Z")), Ok(365));
        assert_eq!(
            judged(&with("2027-01-30T08:00:00Z")).unwrap_err(),
            "expiry: the registration of the domain ends in 15 days, on 2027-01-30, and must hold for 30"
        );
        assert_eq!(judged(&with("2027-01-01T00:00:00Z")).unwrap_err(), "expiry: the registration of the domain ended on 2027-01-01");
        assert!(judged(&with("soon")).unwrap_err().starts_with("protocol: "));
        assert!(judged("{}").unwrap_err().starts_with("content: the registry does not say"));
        assert_eq!(judged(r#"{"status": ["pending delete"]}"#).unwrap_err(), "expiry: the registry says of the domain: pending delete");
    }

    #[test]
    fn the_longest_ending_says_who_the_registry_is() {
        let list = r#"{"services": [[["uk"], ["http://u/", "https://u/"]], [["co.uk", "ORG"], ["https://c/"]]]}"#;
        let list = by_ending(serde_json::from_str(list).unwrap());
        assert_eq!(find(&list, "a.co.uk").as_deref(), Some("https://c/"));
        assert_eq!(find(&list, "a.uk").as_deref(), Some("https://u/"));
        assert_eq!(find(&list, "a.org").as_deref(), Some("https://c/"));
        assert_eq!(find(&list, "org"), None);
    }
}
