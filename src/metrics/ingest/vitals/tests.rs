//! Measurements become series that are bounded, and none counts twice.

use std::path::Path;
use std::sync::atomic::Ordering;

use super::*;
use crate::base::clock::ManualClock;
use crate::metrics::ingest::recorder::Recorder;
use crate::series::ports::Append;

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Mobile/15E148";

fn open(folder: &Path, sites: &[&str]) -> (WebVitals, Arc<Recorder>) {
    let store = Recorder::new();
    let custom = CustomMetrics::open(&folder.join("custom.journal"), Arc::clone(&store) as Arc<dyn Append>, ManualClock::at(1_000));
    (WebVitals::new(Arc::new(custom.expect("opens")), sites.iter().map(|site| (*site).to_owned()).collect()), store)
}

fn sender(referer: &str) -> Sender<'_> {
    Sender { origin: "https://shop.example", referer, agent: PHONE, mobile_hint: None }
}

#[test]
fn a_measurement_is_a_gauge_and_counted_in_a_histogram() {
    let folder = tempfile::tempdir().expect("folder");
    let (vitals, store) = open(folder.path(), &[]);
    let from = sender("https://shop.example/orders/17");
    assert_eq!(vitals.take(br#"{"name":"LCP","value":2400,"id":"a"}"#, &from).expect("taken"), 1);
    assert_eq!(vitals.take(br#"[{"name":"LCP","value":9000,"id":"b"},{"name":"CLS","value":0.05,"id":"c"}]"#, &from).expect("taken"), 2);
    assert_eq!(store.values("web_vitals_lcp").last().map(String::as_str), Some("9000"));
    assert_eq!(store.values("web_vitals_cls").last().map(String::as_str), Some("0.05"));
    let good = store.dump("web_vitals_lcp_seconds_bucket");
    let at = |bound: &str| {
        let found = good.iter().find(|(labels, _)| labels.contains(&format!("le=\"{bound}\""))).expect("there");
        assert!(
            found.0.contains("page=\"/orders/:id\"") && found.0.contains("device=\"mobile\"") && found.0.contains("site=\"shop.example\""),
            "{}",
            found.0
        );
        found.1.last().expect("a sample").1.clone()
    };
    assert_eq!((at("2.0"), at("2.5"), at("8.0"), at("10.0")), ("0".into(), "1".into(), "1".into(), "2".into()));
}

#[test]
fn what_is_sent_again_counts_once() {
    let folder = tempfile::tempdir().expect("folder");
    let (vitals, store) = open(folder.path(), &[]);
    let body = br#"{"name":"INP","value":80,"id":"v4-1"}"#;
    assert_eq!(vitals.take(body, &sender("")).expect("taken"), 1);
    assert_eq!(vitals.take(br#"{"name":"INP","value":120,"id":"v4-1"}"#, &sender("")).expect("known"), 0);
    assert_eq!(store.values("web_vitals_inp_seconds_count").last().map(String::as_str), Some("1"));
    // Without an id nobody can tell.
    for _ in 0..2 {
        assert_eq!(vitals.take(br#"{"name":"INP","value":1}"#, &sender("")).expect("taken"), 1);
    }
    let (again, store) = open(folder.path(), &[]);
    assert_eq!(again.take(br#"{"name":"INP","value":1,"id":"z"}"#, &sender("")).expect("taken"), 1);
    assert_eq!(store.values("web_vitals_inp_seconds_count").last().map(String::as_str), Some("4"), "totals survive a restart");
}

#[test]
fn what_was_not_stored_may_come_again() {
    let folder = tempfile::tempdir().expect("folder");
    let (vitals, store) = open(folder.path(), &[]);
    let body = br#"{"name":"TTFB","value":80,"id":"v4-1"}"#;
    store.unavailable.store(true, Ordering::Relaxed);
    assert!(matches!(vitals.take(body, &sender("")), Err(VitalsError::NotStored(_))));
    store.unavailable.store(false, Ordering::Relaxed);
    assert_eq!(vitals.take(body, &sender("")).expect("taken"), 1);
}

#[test]
fn programs_and_strangers_are_not_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let (vitals, store) = open(folder.path(), &["shop.example"]);
    let body = br#"{"name":"LCP","value":80}"#;
    let bot = Sender { agent: "Googlebot/2.1", ..sender("") };
    assert_eq!(vitals.take(body, &bot).expect("read"), 0);
    let stranger = Sender { origin: "https://evil.example", ..sender("") };
    assert!(matches!(vitals.take(body, &stranger), Err(VitalsError::Site)));
    assert!(matches!(vitals.take(b"{}", &sender("")), Err(VitalsError::Malformed(_))));
    assert!(store.newest().is_empty());
}

#[test]
fn invented_pages_are_counted_together() {
    let folder = tempfile::tempdir().expect("folder");
    let (vitals, _store) = open(folder.path(), &[]);
    let letter = |at: usize| char::from(b'a' + u8::try_from(at).expect("a letter"));
    for at in 0..place::PAGES_MAX + 20 {
        let body = format!(r#"{{"name":"FCP","value":80,"page":"/p/{}{}"}}"#, letter(at / 26), letter(at % 26));
        vitals.take(body.as_bytes(), &sender("")).expect("taken");
    }
    let sets = vitals.custom.label_sets(Vital::Fcp.histogram());
    assert!(sets.len() <= place::PAGES_MAX + 1 && sets.iter().any(|labels| labels.get("page") == Some(place::OTHER)), "{}", sets.len());
    let (again, _store) = open(folder.path(), &[]);
    again.take(br#"{"name":"FCP","value":80,"page":"/one/more"}"#, &sender("")).expect("taken");
    assert!(
        !again.custom.label_sets(Vital::Fcp.histogram()).iter().any(|labels| labels.get("page") == Some("/one/more")),
        "known pages are known after a restart"
    );
}
