//! The page of a dashboard with nothing, much, and hostile text in it.

use super::*;
use crate::boards::model::Place;
use crate::boards::pages::tile::RowState;
use crate::ui::nav::Page;
use crate::ui::shell::tests::{one_line, shell};

const HOSTILE: &str = "\"><img src=x onerror=alert(1)>{{ 1 }}";

fn pair(text: &str) -> (String, String) {
    (text.to_owned(), text.to_owned())
}

fn tile(key: &str, kind: &str, title: &str, (x, y, w, h): (u32, u32, u32, u32)) -> Tile {
    Tile { key: key.into(), kind: kind.into(), title: title.into(), place: Place { x, y, w, h }, ..Tile::default() }
}

fn html(input: &BoardInput, query: &str) -> String {
    let shell = shell(Page::Boards, "Dashboards", "/d/host/host-overview", query).with_range("now-6h").with_refresh("30s");
    one_line(&render(input, &shell))
}

#[test]
fn panels_rows_and_variables_have_their_places() {
    let row = Tile { row: Some(RowState { is_open: false, count: 3 }), ..tile("9", "row", "More", (0, 8, 24, 1)) };
    let job = Chooser {
        name: "job".into(),
        label: "Job".into(),
        choices: vec![pair("api"), pair("web")],
        chosen: vec![pair("api")],
        ..Chooser::default()
    };
    let host = Chooser { name: "host".into(), way: Way::Many, has_all: true, is_all: true, choices: vec![pair("a")], ..Chooser::default() };
    let input = BoardInput {
        uid: "host".into(),
        title: "Host overview".into(),
        tiles: vec![tile("4", "timeseries", "CPU by mode", (0, 0, 12, 8)), tile("5.2", "stat", "Load", (12, 0, 3, 3)), row],
        variables: vec![job, host],
        cursor: SharedCursor::Crosshair,
        ..BoardInput::default()
    };
    let page = html(&input, "var-job=api");
    for part in [
        "data-src=\"/ui/boards/host/panels\"",
        "data-cursor=\"line\"",
        "id=\"gp-5_2\" data-key=\"5.2\" data-kind=\"stat\"",
        "style=\"--x:1;--y:1;--w:12;--h:8\"",
        "viewPanel=4",
        "open=9",
        "3 panels",
        "name=\"var-job\" value=\"web\" aria-pressed=\"false\"",
        "name=\"var-host\" value=\"$__all\" checked",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let deploys = MarkSwitch { name: "Own & <b>".into(), colour: "var(--c1)".into(), is_on: true, is_on_at_first: true };
    let releases = MarkSwitch { name: "b".into(), is_on_at_first: true, ..MarkSwitch::default() };
    let marked = html(&BoardInput { switches: vec![deploys, releases], ..input.clone() }, "mark-b=off&from=now-1h");
    for part in [
        "aria-checked=\"true\" href=\"/d/host/host-overview?mark-b=off&#38;from=now-1h&#38;mark-Own%20%26%20%3Cb%3E=off\"",
        "aria-checked=\"false\" href=\"/d/host/host-overview?from=now-1h\"",
    ] {
        assert!(marked.contains(part), "{part}: {marked}");
    }
    let one = html(&BoardInput { viewed: Some("4".into()), ..input.clone() }, "viewPanel=4");
    assert!(one.contains("CPU by mode") && !one.contains("data-key=\"5.2\"") && one.contains("Whole dashboard"));
    let lost = html(&BoardInput { viewed: Some("77".into()), ..input }, "viewPanel=77");
    assert!(lost.contains("This dashboard has no such panel."));
}

#[test]
fn an_empty_one_says_so() {
    assert!(html(&BoardInput::default(), "").contains("This dashboard has no panels yet."));
}

#[test]
fn foreign_text_stays_text() {
    let link = |href: &str| Linked { text: HOSTILE.into(), href: href.into(), tooltip: HOSTILE.into(), opens_window: true };
    let chooser = |way| Chooser {
        name: HOSTILE.into(),
        label: HOSTILE.into(),
        description: HOSTILE.into(),
        way,
        choices: vec![pair(HOSTILE)],
        chosen: vec![pair(HOSTILE)],
        error: Some(HOSTILE.into()),
        ..Chooser::default()
    };
    let input = BoardInput {
        uid: HOSTILE.into(),
        title: HOSTILE.into(),
        description: HOSTILE.into(),
        tiles: vec![Tile {
            description: HOSTILE.into(),
            explore: format!("/explore?q={HOSTILE}"),
            links: vec![link("javascript:alert(1)"), link("/x")],
            ..tile(HOSTILE, HOSTILE, HOSTILE, (0, 0, 12, 8))
        }],
        variables: [Way::One, Way::Many, Way::Text, Way::Switch, Way::Conditions].map(chooser).to_vec(),
        links: vec![link("javascript:alert(1)"), link("https://example.com")],
        problem: Some(HOSTILE.into()),
        ..BoardInput::default()
    };
    let page = html(&input, &format!("x={}", links::encode(HOSTILE)));
    assert!(!page.contains("<img src=x"), "{page}");
    assert!(!page.contains("javascript:"), "{page}");
}
