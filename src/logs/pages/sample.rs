//! Data for the rendering tests of pages.

use super::asked::Asked;
use super::facets::{Facet, LEVEL};
use super::levels::Levels;
use super::rows::ShownLine;
use super::search::SearchInput;
use crate::series::labels::Labels;

/// What a hostile sender might send.
pub(super) const HOSTILE: &str = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}\u{202e}\u{1b}[31m";
/// 2025-11-21 08:33:20.
pub(super) const NOW_MS: i64 = 1_763_714_000_000;

/// Fails when a page carries markup that came from data, or is not whole.
pub(super) fn check(html: &str) {
    assert!(!html.contains("<img") && !html.contains("<script>"), "data became markup");
    assert!(html.trim_end().ends_with("</html>") || html.contains("</html>"), "the page is whole");
    assert!(!html.contains("could not be made"));
}

/// Lines of a few services, newest first.
pub(super) fn lines() -> Vec<ShownLine> {
    const TEXTS: [(&str, &str, &str); 8] = [
        ("info", "billing", "POST /api/v1/leads 200 11.7ms bytes=34178 user=u_8129"),
        ("info", "api", "GET /metrics 200 14.0ms bytes=20466 user=u_3990"),
        ("debug", "auth", "cache hit key=session:2a8eb8d9 ttl=1800s"),
        ("warn", "api", "slow query took 683ms rows=18234 table=orders index=missing"),
        ("info", "web", "{\"msg\":\"request done\",\"status\":200,\"route\":\"/orders\",\"took_ms\":14.2,\"user\":{\"id\":\"u_31\"}}"),
        ("error", "worker", "panic: upstream timeout after 5000ms\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:31 +0x1d"),
        ("info", "api", "\u{1b}[32mGET\u{1b}[0m /static/app.js \u{1b}[1;36m304\u{1b}[0m in 2ms"),
        ("warn", "web", "rate limit reached key=ip:203.0.113.24 limit=120/min"),
    ];
    (0..120usize)
        .map(|at| {
            let (level, service, text) = TEXTS[at * 5 % TEXTS.len()];
            ShownLine {
                ts_ns: (NOW_MS - 40_000 - at as i64 * 1_270) * 1_000_000 + 428_001,
                text: text.to_owned(),
                stream: Labels::from_pairs([("service_name", service), ("host", ["host-1", "host-2"][at % 2]), ("env", "prod")]),
                fields: Labels::from_pairs([(LEVEL, level.to_owned()), ("trace_id", format!("{:016x}", at * 7_919))]),
            }
        })
        .collect()
}

/// A search that found a day of lines.
pub(super) fn search() -> SearchInput {
    let range_ms = (NOW_MS - 86_400_000, NOW_MS);
    let mut levels = Levels::over(range_ms.0, range_ms.1);
    for bar in 0..levels.bars() as i64 {
        let at = levels.start_ms + bar * levels.step_ms;
        let wave = (140.0 + 90.0 * (bar as f64 / 13.0).sin()) as u64;
        let peak = if (74..77).contains(&bar) { 90 } else { 0 };
        for (level, lines) in [("error", peak / 3), ("warn", 14 + peak), ("info", wave), ("debug", wave / 5)] {
            levels.add(level, at, lines);
        }
    }
    let facet = |label: &str, values: &[(&str, u64)]| Facet {
        label: label.to_owned(),
        values: values.iter().map(|(value, lines)| ((*value).to_owned(), *lines)).collect(),
    };
    SearchInput {
        asked: Asked::from_query("f=env:prod&f=-detected_level:debug"),
        logql: "{env=\"prod\"} | detected_level!=\"debug\"".to_owned(),
        lines: lines(),
        levels: Some(levels),
        facets: vec![
            facet(LEVEL, &[("info", 1_204_880), ("debug", 301_544), ("warn", 64_118), ("error", 18_204)]),
            facet("service_name", &[("api", 902_331), ("web", 288_190), ("worker", 201_405), ("auth", 120_016), ("billing", 76_804)]),
            facet("host", &[("host-1", 561_240), ("host-2", 540_118), ("host-3", 487_388)]),
            facet("env", &[("prod", 1_588_746)]),
        ],
        read_bytes: 1_503_238_553,
        took_ms: 86,
        range_ms,
        newest_ms: Some(NOW_MS - 40_000),
        label_names: ["env", "host", "service_name"].map(str::to_owned).to_vec(),
        push_url: "http://pharos.example:9090/loki/api/v1/push".to_owned(),
        ..SearchInput::default()
    }
}
