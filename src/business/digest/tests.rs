//! Letters go out once, whatever fails and whenever the server starts anew; charts become pictures.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::picture::{Types, png};
use super::sender::{AWAY, Pen, Sender, UNSURE};
use crate::base::period::Period;
use crate::base::time::parse_rfc3339;
use crate::business::collect::desk::Desk;
use crate::business::config::digest::Digest;
use crate::business::model::sending::Sending;
use crate::business::store::Store;
use crate::platform::db::Db;
use crate::platform::virtual_clock::virtual_clock;
use crate::series::ports::Mail;
use crate::series::ports::outbox::Outbox;
use crate::ui::print;

struct Plain;

impl Pen for Plain {
    fn letter(&self, digest: &Digest, about: Period) -> Result<Mail, String> {
        Ok(Mail { subject: format!("{} {about}", digest.name), ..Mail::default() })
    }
}

fn at(text: &str) -> i64 {
    parse_rfc3339(text).unwrap()
}

/// A server that starts at a time.
fn start(store: &Store, now: &str, mail: &Arc<Outbox>) -> Arc<Sender> {
    let clock = virtual_clock(at(now));
    let desk = Desk::open(store.clone(), Arc::clone(&clock)).unwrap();
    Sender::new((desk, store.clone()), clock, Arc::clone(mail) as _, Arc::new(Plain))
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(Arc::new(Db::open(&folder.path().join("db")).unwrap()));
    (folder, store)
}

fn state(store: &Store) -> Sending {
    store.sendings().unwrap().remove(0)
}

fn readers(mail: &Outbox) -> Vec<Vec<String>> {
    mail.sent.lock().iter().map(|mail| mail.to.clone()).collect()
}

fn subjects(mail: &Outbox) -> Vec<String> {
    mail.sent.lock().iter().map(|mail| mail.subject.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_week_goes_out_once() {
    let (_folder, store) = store();
    let mail = Arc::new(Outbox { fails: Mutex::new(1), ..Outbox::default() });
    // 2026-11-22 is a Sunday.
    let sender = start(&store, "2026-11-22T12:00:00Z", &mail);
    sender.put(None, "{name: Weekly, to: [ann@x.example], hour: 8}").await.unwrap();
    sender.tick().await.unwrap();
    assert!(subjects(&mail).is_empty(), "what was due before somebody wanted it is not sent");
    let sender = start(&store, "2026-11-23T08:00:00Z", &mail);
    sender.tick().await.unwrap();
    assert_eq!((state(&store).tries, state(&store).problem.as_str()), (1, "the server is away"));
    sender.tick().await.unwrap();
    assert!(subjects(&mail).is_empty(), "not at once again");
    tokio::time::advance(Duration::from_secs(60)).await;
    // Two that start at once.
    let other = start(&store, "2026-11-23T08:01:00Z", &mail);
    let (one, two) = tokio::join!(sender.tick(), other.tick());
    one.unwrap();
    two.unwrap();
    assert_eq!(subjects(&mail), ["Weekly 2026-W47"]);
    let sent = state(&store);
    assert_eq!((sent.sent.as_str(), sent.settled.as_str(), sent.tries, sent.problem.as_str()), ("2026-W47", "2026-W47", 0, ""));
    // After a start anew, after a clock that went back, and after a change of its day in the same week.
    start(&store, "2026-11-23T09:00:00Z", &mail).tick().await.unwrap();
    start(&store, "2026-11-16T09:00:00Z", &mail).tick().await.unwrap();
    let sender = start(&store, "2026-11-24T09:00:00Z", &mail);
    sender.put(Some("weekly"), "{name: Weekly, to: [ann@x.example], weekday: wednesday, hour: 8}").await.unwrap();
    start(&store, "2026-11-25T09:00:00Z", &mail).tick().await.unwrap();
    assert_eq!(subjects(&mail).len(), 1);
    start(&store, "2026-12-02T09:00:00Z", &mail).tick().await.unwrap();
    assert_eq!(subjects(&mail), ["Weekly 2026-W47", "Weekly 2026-W48"]);
    let names: Vec<String> = mail.sent.lock().iter().map(|mail| mail.id.clone()).collect();
    let (first, second) = (&names[0], &names[1]);
    assert!(first.starts_with("pharos-digest.") && first.ends_with(".2026-W47") && first != second, "{first} {second}");
}

#[tokio::test(start_paused = true)]
async fn what_was_being_sent_when_the_server_ended_is_not_sent_again() {
    let (_folder, store) = store();
    let mail = Arc::new(Outbox { hangs: Mutex::new(true), ..Outbox::default() });
    start(&store, "2026-11-20T12:00:00Z", &mail).put(None, "{name: a, to: [ann@x.example]}").await.unwrap();
    let sender = start(&store, "2026-11-23T08:00:00Z", &mail);
    let ticking = tokio::spawn({
        let sender = Arc::clone(&sender);
        async move { sender.tick().await }
    });
    while subjects(&mail).is_empty() {
        tokio::task::yield_now().await;
    }
    ticking.abort();
    assert!(ticking.await.is_err_and(|error| error.is_cancelled()));
    drop(sender);
    *mail.hangs.lock() = false;
    start(&store, "2026-11-23T08:01:00Z", &mail).tick().await.unwrap();
    assert_eq!((subjects(&mail).len(), state(&store).problem.as_str(), state(&store).sent.as_str()), (1, UNSURE, ""));
    // The next one goes out, and then nothing is wrong any more.
    start(&store, "2026-11-30T08:00:00Z", &mail).tick().await.unwrap();
    assert_eq!((subjects(&mail).len(), state(&store).problem.as_str(), state(&store).sent.as_str()), (2, "", "2026-W48"));
}

#[tokio::test(start_paused = true)]
async fn a_day_is_caught_up_and_more_is_said() {
    let (_folder, store) = store();
    let mail = Arc::new(Outbox::default());
    let first = start(&store, "2026-10-10T12:00:00Z", &mail);
    first.put(None, "{name: Monthly, every: month, day: 31, hour: 6, to: [ann@x.example]}").await.unwrap();
    // It was away on the last of October.
    start(&store, "2026-11-01T17:00:00Z", &mail).tick().await.unwrap();
    assert_eq!(subjects(&mail), ["Monthly 2026-09"]);
    // On the last of November it was away for too long.
    start(&store, "2026-12-02T17:00:00Z", &mail).tick().await.unwrap();
    assert_eq!((subjects(&mail).len(), state(&store).problem.as_str(), state(&store).settled.as_str()), (1, AWAY, "2026-10"));
    start(&store, "2026-12-31T06:00:00Z", &mail).tick().await.unwrap();
    assert_eq!(subjects(&mail), ["Monthly 2026-09", "Monthly 2026-11"]);
    // What never arrives is given up, and the page says why.
    *mail.fails.lock() = 1_000;
    start(&store, "2027-01-31T06:00:00Z", &mail).tick().await.unwrap();
    start(&store, "2027-02-02T06:00:00Z", &mail).tick().await.unwrap();
    assert_eq!((state(&store).tries, state(&store).problem.as_str(), state(&store).settled.as_str()), (0, "the server is away", "2026-12"));
}

#[tokio::test(start_paused = true)]
async fn digests_are_made_changed_and_forgotten() {
    let (_folder, store) = store();
    let mail = Arc::new(Outbox::default());
    let sender = start(&store, "2026-11-22T12:00:00Z", &mail);
    sender.put(None, "{name: a, to: [ann@x.example]}").await.unwrap();
    for (before, text, expected) in [
        (None, "{name: A, to: [ann@x.example]}", "A"),
        (Some("gone"), "{name: b, to: [ann@x.example]}", "no such digest"),
        (None, "{name: b, to: [ann@x.example], kpis: [Orders]}", "Orders"),
    ] {
        let why = sender.put(before, text).await.unwrap_err().to_string();
        assert!(why.contains(expected), "{why}");
    }
    sender.put(Some("a"), "{name: b, to: [bob@x.example], paused: true}").await.unwrap();
    assert_eq!(sender.all().unwrap().iter().map(|kept| kept.digest.name.as_str()).collect::<Vec<_>>(), ["b"]);
    start(&store, "2026-11-23T09:00:00Z", &mail).tick().await.unwrap();
    assert!(subjects(&mail).is_empty(), "it rests");
    sender.send_now(&sender.find("B").unwrap().unwrap().digest, vec!["me@x.example".to_owned()]).await.unwrap();
    assert_eq!((readers(&mail), subjects(&mail)), (vec![vec!["me@x.example".to_owned()]], vec!["b 2026-W46".to_owned()]));
    assert!(sender.delete("b").await.unwrap() && store.sendings().unwrap().is_empty());
}

#[test]
fn charts_become_pictures_on_white() {
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"72\" height=\"20\" viewBox=\"0 0 72 20\"><style>.v{fill:#2a5fd0}</style>\
               <rect class=\"v\" width=\"10\" height=\"20\"/></svg>";
    let Some(fonts) = print::fonts() else { return };
    let types = Types::new(fonts.regular.iter().map(|font| font.bytes.clone())).unwrap();
    let picture = resvg::tiny_skia::Pixmap::decode_png(&png(svg, &types).unwrap()).unwrap();
    assert_eq!((picture.width(), picture.height()), (144, 40));
    let colour = |x: u32| picture.pixel(x, 20).map(|dot| (dot.red(), dot.green(), dot.blue()));
    assert_eq!((colour(5), colour(100)), (Some((0x2a, 0x5f, 0xd0)), Some((255, 255, 255))));
    assert!(
        png("<svg", &types).is_none() && png(&svg.replace("width=\"72\" height=\"20\"", "width=\"9999\" height=\"20\""), &types).is_none()
    );
    assert!(Types::new([b"no font".to_vec()]).is_none());
}

/// A picture of a letter takes no more than this, whatever chart it is of.
const PICTURE_BYTES_MAX: usize = 12_000;

#[test]
fn pictures_are_small_and_true() {
    let Some(fonts) = print::fonts() else { return };
    let types = Types::new(fonts.regular.iter().map(|font| font.bytes.clone())).unwrap();
    // As large as those of letters: bars of any height with a year before each, lines, and figures at both axes.
    let bars: String = (0..13)
        .map(|at| {
            let (x, y) = (56 + at * 51, 20 + (at * 37) % 150);
            format!("<rect class=\"v\" x=\"{x}.5\" y=\"{y}.3\" width=\"35.7\" height=\"{}\"/><circle cx=\"{}\" cy=\"{}.6\" r=\"3\"/><text x=\"{}\" y=\"216\">W{}</text>", 200 - y, x + 18, y + 7, x + 4, 35 + at)
        })
        .collect();
    let lines: String = (0..5)
        .map(|at| {
            format!("<path d=\"M56 {0}.5H720\" stroke=\"#e4e7ec\"/><text x=\"2\" y=\"{0}\">€{1},000</text>", 20 + at * 45, 8 - at * 2)
        })
        .collect();
    let head = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"220\" viewBox=\"0 0 720 220\"><style>text{font:12px sans-serif;fill:#4a5361}.v{fill:#8fb0ee}</style>";
    let picture = png(&format!("{head}{lines}{bars}</svg>"), &types).unwrap();
    assert!(picture.len() <= PICTURE_BYTES_MAX, "{} bytes", picture.len());
    // More colours than a table has: white stays white, and none is far from what it was.
    let many = "<linearGradient id=\"a\"><stop offset=\"0\" stop-color=\"#f00\"/><stop offset=\"1\" stop-color=\"#0af\"/></linearGradient>\
                <linearGradient id=\"b\" x2=\"0\" y2=\"1\"><stop offset=\"0\" stop-color=\"#000\" stop-opacity=\"0\"/><stop offset=\"1\" stop-color=\"#000\"/></linearGradient>\
                <rect width=\"700\" height=\"220\" fill=\"url(#a)\"/><rect width=\"700\" height=\"220\" fill=\"url(#b)\"/>";
    let picture = resvg::tiny_skia::Pixmap::decode_png(&png(&format!("{head}{many}</svg>"), &types).unwrap()).unwrap();
    let colour = |x: u32, y: u32| picture.pixel(x, y).map(|dot| [dot.red(), dot.green(), dot.blue()]).unwrap();
    assert_eq!(colour(1_430, 200), [255, 255, 255]);
    let near = |found: [u8; 3], wanted: [u8; 3]| found.iter().zip(wanted).all(|(found, wanted)| found.abs_diff(wanted) < 70);
    assert!(
        near(colour(3, 3), [255, 0, 0]) && near(colour(1_390, 3), [0, 170, 255]) && near(colour(3, 436), [0, 0, 0]),
        "{:?}",
        colour(3, 3)
    );
}
