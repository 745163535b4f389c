//! The scorecard of two hundred KPIs is whole: as a page, for spreadsheets, and to print.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike};
use serde_json::json;

use crate::support::{Server, ask, client, page};

const KPIS: usize = 200;
const GROUPS: usize = 8;
/// Columns of the table.
const MONTHS: usize = 12;
/// So often that no month is left out.
const HALF_A_MONTH_MS: i64 = 14 * 86_400_000;

/// Now, as the server under test sees it.
#[expect(clippy::disallowed_methods, reason = "the server runs on the machine's clock, so its data must end there")]
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Waits until the end of the month is not near: what is sent for this month must be read in it.
fn away_from_the_months_end() {
    const NEAR_MS: i64 = 10 * 60_000;
    let month = |ms: i64| DateTime::from_timestamp_millis(ms).unwrap().month();
    while month(now()) != month(now() + NEAR_MS) {
        std::thread::park_timeout(Duration::from_secs(1));
    }
}

fn name(place: usize) -> String {
    format!("Number {place:03}")
}

/// KPIs in groups; every other one has a target, and each its own numbers, such as 1,007 for the eighth.
fn fill(server: &Server) {
    let kpi = |place: usize| {
        let target = if place.is_multiple_of(2) { ", targets: [{by: month, value: 1000}]" } else { "" };
        format!("- {{name: {}, group: Group {}, collected: monthly{target}, pushed: {{}}}}\n", name(place), place % GROUPS)
    };
    let file = format!("kpis:\n{}", (0..KPIS).map(kpi).collect::<String>());
    let (code, answer) = server.post("/api/v1/kpis/import", "application/yaml", file);
    assert_eq!(code, 200, "{answer}");
    for place in 0..KPIS {
        let at = |back: i64| ((now() - back * HALF_A_MONTH_MS) / 1_000).to_string();
        let months: Vec<_> = (0..30).map(|back| json!({ "at": at(back), "value": 1_000 + place })).collect();
        let path = format!("/api/v1/kpis/{}/values", name(place).replace(' ', "%20"));
        let (code, answer) = ask(server, "POST", &path, Some(&json!(months)));
        assert_eq!(code, 200, "{answer}");
    }
}

#[test]
fn two_hundred_kpis_stand_in_it_with_nothing_left_out() {
    away_from_the_months_end();
    let server = Server::quiet();
    fill(&server);
    let html = page(&server, "/business/scorecard");
    assert_eq!(html.matches("<th scope=\"row\">").count(), KPIS);
    assert_eq!(html.matches("scope=\"rowgroup\"").count(), GROUPS);
    assert!(html.contains("</html>") && html.contains(&format!("{0} of {0} targets were met.", KPIS / 2)), "{html}");
    for place in 0..KPIS {
        let row = html.split_once(&format!(">{}</a>", name(place))).map(|(_, rest)| rest.split("</tr>").next().unwrap());
        let row = row.unwrap_or_else(|| panic!("{} is not there", name(place)));
        let value = format!("1,{place:03}<");
        assert!(row.matches(&value).count() >= MONTHS, "{}: {row}", name(place));
    }

    let (code, csv) = server.get("/business/scorecard.csv");
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|row| row.split(',').collect()).collect();
    assert_eq!((code, rows.len()), (200, KPIS * MONTHS), "{:?}", csv.lines().next());
    for place in 0..KPIS {
        let (name, value) = (name(place), (1_000 + place).to_string());
        assert_eq!(rows.iter().filter(|row| row[0] == name && row[5] == value).count(), MONTHS, "{name}");
    }

    if !html.contains("scorecard.pdf") {
        return;
    }
    let answer = client().get(server.url("/business/scorecard.pdf")).send().unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (200, "application/pdf"));
    let pdf = answer.bytes().unwrap();
    let count = |part: &[u8]| pdf.windows(part.len()).filter(|at| *at == part).count();
    let pages = count(b"/Type /Page\n");
    assert!(pdf.starts_with(b"%PDF-") && pdf.trim_ascii_end().ends_with(b"%%EOF"), "{} bytes", pdf.len());
    assert!((4..=12).contains(&pages) && pdf.len() < 1024 * 1024, "{pages} pages, {} bytes", pdf.len());
}
