//! Alerts to Alertmanagers that are played.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::post;

use super::*;
use crate::base::clock::SystemClock;
use crate::metrics::model::config::read_text;
use crate::platform::telemetry::metrics::{Page, Report};
use crate::series::labels::Labels;

/// Takes alerts, unless it is down.
#[derive(Clone, Default)]
struct Outside {
    bodies: Arc<Mutex<Vec<String>>>,
    is_down: Arc<AtomicBool>,
}

impl Outside {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let outside = self.clone();
        let take = move |body: String| async move {
            if outside.is_down.load(Ordering::Relaxed) {
                return http::StatusCode::SERVICE_UNAVAILABLE;
            }
            outside.bodies.lock().push(body);
            http::StatusCode::OK
        };
        let router = Router::new().route("/am/api/v2/alerts", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    async fn until(&self, count: usize) -> Vec<String> {
        for _ in 0..12_000 {
            if self.bodies.lock().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.bodies.lock().clone()
    }
}

fn alerting(text: &str) -> AlertingConfig {
    let text = format!("alerting:\n  alertmanagers:\n{text}");
    read_text(&text, std::path::Path::new("p.yml"), &|_| None).unwrap().config.alerting
}

fn alert(name: &str) -> OutgoingAlert {
    OutgoingAlert {
        labels: Labels::from_pairs([("alertname", name), ("replica", "a")]),
        annotations: vec![("summary".into(), "x \"y\"".into())],
        starts_at: 1_700_000_000_000,
        ends_at: 1_700_000_060_007,
        generator_url: "http://p/graph".into(),
        hush: None,
    }
}

#[tokio::test]
async fn everybody_hears_with_the_labels_of_their_section() {
    let (one, other) = (Outside::default(), Outside::default());
    let (first, second) = (one.listen().await, other.listen().await);
    let send = AlertSend::new(Arc::new(SystemClock::new()));
    assert!(!send.is_wanted());
    let config = alerting(&format!(
        "  - path_prefix: /am/\n    static_configs: [{{targets: ['{first}', 'gone:1']}}]\n    \
         relabel_configs: [{{source_labels: [__address__], regex: gone.*, action: drop}}]\n  \
         - path_prefix: am\n    static_configs: [{{targets: ['{second}']}}]\n    \
         alert_relabel_configs: [{{regex: replica, action: labeldrop}}, {{source_labels: [alertname], regex: b, action: drop}}]\n"
    ));
    send.apply(&config).unwrap();
    let expected = (
        vec![format!("http://{first}/am/api/v2/alerts"), format!("http://{second}/am/api/v2/alerts")],
        vec!["http://gone:1/am/api/v2/alerts".to_owned()],
    );
    assert_eq!(send.alertmanagers(), expected);
    send.send(vec![alert("a"), alert("b")]);
    let wire = |labels: &str| {
        format!(
            "{{\"annotations\":{{\"summary\":\"x \\\"y\\\"\"}},\"endsAt\":\"2023-11-14T22:14:20.007Z\",\"startsAt\":\"2023-11-14T22:13:20.000Z\",\
             \"generatorURL\":\"http://p/graph\",\"labels\":{labels}}}"
        )
    };
    let both = format!("[{},{}]", wire("{\"alertname\":\"a\",\"replica\":\"a\"}"), wire("{\"alertname\":\"b\",\"replica\":\"a\"}"));
    assert_eq!(one.until(1).await, [both]);
    assert_eq!(other.until(1).await, [format!("[{}]", wire("{\"alertname\":\"a\"}"))]);
    // The same configuration goes on; another one ends what is not in it.
    send.apply(&config).unwrap();
    assert_eq!(send.alertmanagers(), expected);
    send.apply(&AlertingConfig::default()).unwrap();
    assert!(!send.is_wanted());
}

#[tokio::test]
async fn lines_are_bounded_batches_too_and_losses_counted() {
    let outside = Outside::default();
    outside.is_down.store(true, Ordering::Relaxed);
    let address = outside.listen().await;
    let send = AlertSend::new(Arc::new(SystemClock::new()));
    send.apply(&alerting(&format!("  - path_prefix: /am\n    static_configs: [{{targets: ['{address}']}}]\n"))).unwrap();
    send.send((0..destination::QUEUE_MAX + 100).map(|at| alert(&at.to_string())).collect());
    let number = |name: &str| -> f64 {
        let mut page = Page::default();
        send.report(&mut page);
        let text = page.finish();
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{{"))).unwrap_or_else(|| panic!("{name} in {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(number("prometheus_notifications_dropped_total") >= 100.0);
    for _ in 0..12_000 {
        if number("prometheus_notifications_queue_length") == 0.0 && number("prometheus_notifications_errors_total") >= 10_000.0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(number("prometheus_notifications_dropped_total"), 10_100.0);
    assert_eq!(number("prometheus_notifications_sent_total"), 10_000.0);
    outside.is_down.store(false, Ordering::Relaxed);
    send.send((0..65).map(|at| alert(&at.to_string())).collect());
    let bodies = outside.until(2).await;
    assert_eq!(bodies.iter().map(|body| body.matches("startsAt").count()).collect::<Vec<_>>(), [64, 1]);
}
