//! Each month's report goes out once, whatever fails and whenever the server starts anew.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;

use parking_lot::Mutex;

use super::*;
use crate::base::time::parse_rfc3339;
use crate::platform::db::Db;
use crate::platform::virtual_clock::virtual_clock;
use crate::series::batch::WriteBatch;
use crate::series::ports::outbox::Outbox;
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, SendMail};
use crate::uptime::facade::pages::Offered;
use crate::uptime::model::outcome::Outcome;
use crate::uptime::store::Store;
use crate::uptime::watch::desk::Desk;
use crate::uptime::watch::watcher::{Probe, Watcher};

struct Idle;

impl Probe for Idle {
    fn probe<'a>(&'a self, _: &'a Check) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async { Outcome::default() })
    }
}

impl Append for Idle {
    fn append(&self, _: &WriteBatch, _: &AppendOptions) -> Result<AppendReport, AppendError> {
        Ok(AppendReport::default())
    }
}

fn open(store: &Store, now: i64, mail: &Arc<Outbox>) -> Arc<PageState> {
    let clock = virtual_clock(now);
    let watcher = Watcher::new(Arc::new(Idle), store.clone(), Arc::new(Idle), Arc::clone(&clock));
    let desk = Desk::open(store.clone(), watcher, Arc::clone(&clock)).unwrap();
    let place: Arc<OnceLock<Arc<dyn SendMail>>> = Arc::default();
    drop(place.set(Arc::clone(mail) as _));
    let pen = Arc::new(crate::uptime::pages::status::Pen { external_url: String::new() });
    let keeper =
        crate::uptime::status::keeper::Keeper::open(store.clone(), Arc::clone(&desk), Arc::clone(&clock), pen, Vec::new()).unwrap();
    let offered = Offered { mail: place, readers: store.clone(), keeper, fetch_guard: Arc::default() };
    PageState::new(desk, Arc::new(Idle), clock, "https://pharos.example".to_owned(), offered)
}

#[tokio::test(start_paused = true)]
async fn each_month_goes_out_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(Arc::new(Db::open(&folder.path().join("db")).unwrap()));
    let mail = Arc::new(Outbox { fails: Mutex::new(1), ..Outbox::default() });
    let at = |text: &str| parse_rfc3339(text).unwrap();
    let mut sent_already = BTreeMap::new();
    let state = open(&store, at("2026-11-01T04:59:30Z"), &mail);
    let made_at = at("2026-10-20T00:00:00Z");
    let (to, zone, lang) = ("ann@x.example\nbob@x.example".to_owned(), "Europe/Berlin".to_owned(), "ar".to_owned());
    store.add_readers(Readers { to, zone, lang, made_at, ..Readers::default() }).await.unwrap();
    send_due(&state, &mut sent_already).await.unwrap();
    assert_eq!(store.readers().unwrap()[0].tries, 0, "in Berlin it is not six yet");
    tokio::time::advance(Duration::from_secs(60)).await;
    send_due(&state, &mut sent_already).await.unwrap();
    let tried = store.readers().unwrap().remove(0);
    assert_eq!((tried.tries, tried.problem.as_str(), tried.sent.as_str()), (1, "the server is away", ""));
    send_due(&state, &mut sent_already).await.unwrap();
    assert_eq!(mail.sent.lock().len(), 0, "not at once again");
    tokio::time::advance(Duration::from_secs(60)).await;
    send_due(&state, &mut sent_already).await.unwrap();
    send_due(&state, &mut sent_already).await.unwrap();
    let sent = store.readers().unwrap().remove(0);
    assert_eq!((sent.tries, sent.problem.as_str(), sent.sent.as_str()), (0, "", "2026-10"));
    {
        let letters = mail.sent.lock();
        assert_eq!((letters.len(), letters[0].to.len()), (1, 2));
        assert!(letters[0].html.contains("dir=\"rtl\"") && letters[0].text.contains("https://pharos.example/uptime/report?month=2026-10"));
        assert!(letters[0].files.iter().any(|file| file.name == "availability-2026-10.csv"), "{:?}", letters[0].files);
    }
    // After a start anew, and until the next month is over.
    let state = open(&store, at("2026-11-30T22:00:00Z"), &mail);
    send_due(&state, &mut sent_already).await.unwrap();
    assert_eq!(mail.sent.lock().len(), 1);
    let state = open(&store, at("2026-12-01T05:00:00Z"), &mail);
    send_due(&state, &mut sent_already).await.unwrap();
    assert_eq!((mail.sent.lock().len(), store.readers().unwrap()[0].sent.as_str()), (2, "2026-11"));
    // What the database did not take down is not sent once more, and is taken down when it does.
    let state = open(&store, at("2027-01-01T05:00:00Z"), &mail);
    sent_already.insert(store.readers().unwrap()[0].id, Period::parse("2026-12").unwrap());
    send_due(&state, &mut sent_already).await.unwrap();
    assert_eq!((mail.sent.lock().len(), store.readers().unwrap()[0].sent.as_str()), (2, "2026-12"));
    assert!(sent_already.is_empty());
    let names: Vec<String> = mail.sent.lock().iter().map(|letter| letter.id.clone()).collect();
    assert!(names[0].ends_with(".2026-10") && names[1].ends_with(".2026-11") && names[0].starts_with("pharos-report."), "{names:?}");
}
