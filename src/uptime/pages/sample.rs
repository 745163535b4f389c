//! What pages of uptime are tested with.

use std::sync::Arc;
use std::time::Duration;

use crate::uptime::config::file::read_one;
use crate::uptime::model::incident::Incident;
use crate::uptime::model::outcome::{Certificate, Failure, FailureKind, Outcome, Phases};
use crate::uptime::model::track::{Span, State};
use crate::uptime::watch::watcher::View;

/// The instant of pages in tests.
pub(super) const NOW: i64 = 1_763_714_000_000;

/// A value that would run if it were taken for HTML.
pub(super) const HOSTILE: &str = "\"><img src=x onerror=alert(1)></script><script>alert(2)</script>'{{7*7}}&amp;";

/// Whether a page is whole, and nothing foreign in it became an element.
pub(super) fn check(html: &str) {
    assert!(html.contains("</html>") && !html.contains("could not be made"), "the page is not whole");
    for part in ["<img src=x", "<script>alert"] {
        assert!(!html.contains(part), "{part}: {html}");
    }
    for tag in ["section", "table", "ul", "ol", "details", "form", "div", "dl", "nav", "label", "span", "p"] {
        let open = html.matches(&format!("<{tag} ")).count() + html.matches(&format!("<{tag}>")).count();
        assert_eq!(open, html.matches(&format!("</{tag}>")).count(), "<{tag}>: {html}");
    }
}

/// A check in a state, from its text.
pub(super) fn view(yaml: &str, state: State) -> View {
    let check = read_one(yaml, None).unwrap().check;
    View {
        check: Arc::new(check),
        span: Span { from: NOW - 600_000, until: NOW, state },
        in_doubt_since: None,
        incident: None,
        newest: None,
    }
}

/// A check that is down, with all there is to know of it, each text of it the same.
pub(super) fn down(yaml: &str, text: &str) -> View {
    let failure = Some(Failure { kind: FailureKind::Status, text: text.to_owned() });
    let certificate = Certificate {
        subject: text.to_owned(),
        issuer: text.to_owned(),
        names: vec![text.to_owned(); 9],
        not_before: 0,
        not_after: NOW / 1000 + 5 * 86_400,
        serial: text.to_owned(),
        fingerprint: text.to_owned(),
    };
    let ms = |ms| Some(Duration::from_millis(ms));
    let phases = Phases { resolve: ms(3), connect: ms(20), tls: ms(40), processing: ms(200), transfer: ms(5) };
    let outcome = Outcome {
        failure,
        took: Duration::from_millis(270),
        phases,
        address: Some([192, 0, 2, 7].into()),
        status: Some(503),
        certificates: vec![certificate],
        excerpt: text.to_owned(),
    };
    let incident = Incident::begun(NOW - 600_000, NOW - 590_000, &outcome);
    View { newest: Some(outcome), incident: Some(incident), ..view(yaml, State::Down) }
}
