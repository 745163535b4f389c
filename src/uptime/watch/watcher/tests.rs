//! Watching in virtual time: who is probed when, what is written down, what is said as series.

use std::collections::HashMap;
use std::path::Path;

use super::*;
use crate::platform::db::Db;
use crate::platform::virtual_clock::virtual_clock;
use crate::series::labels::LabelsIter;
use crate::series::ports::{AppendError, AppendReport};
use crate::series::sample::is_stale;
use crate::uptime::config::file;
use crate::uptime::model::window::Window;
use crate::uptime::store::Stored;

const START: i64 = 1_700_000_000_000;

/// Answers as it is told, after a second, and takes down who asked when.
#[derive(Default)]
struct Fake {
    broken: Mutex<HashMap<String, &'static str>>,
    asked: Mutex<Vec<String>>,
}

impl Probe for Fake {
    fn probe<'a>(&'a self, check: &'a Check) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        self.asked.lock().push(check.name.clone());
        let why = self.broken.lock().get(&check.name).copied();
        Box::pin(async move {
            match why {
                Some("hangs") => std::future::pending().await,
                Some(why) => failed(FailureKind::Connect, why.to_owned()),
                None => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    Outcome { took: Duration::from_secs(1), status: Some(200), ..Outcome::default() }
                }
            }
        })
    }
}

/// Samples as text, by series.
#[derive(Default)]
struct Tape(Mutex<BTreeMap<String, Vec<f64>>>);

impl Append for Tape {
    fn append(&self, batch: &WriteBatch, _: &AppendOptions) -> Result<AppendReport, AppendError> {
        let mut tape = self.0.lock();
        for series in &batch.series {
            let labels: Vec<String> =
                LabelsIter::over_checked(batch.labels_of(series)).map(|(name, value)| format!("{name}={value}")).collect();
            let samples = batch.floats[series.floats.start as usize..series.floats.end as usize].iter().map(|sample| sample.value);
            tape.entry(labels.join(",")).or_default().extend(samples);
        }
        Ok(AppendReport::default())
    }
}

impl Tape {
    fn of(&self, name: &str, check: &str) -> Vec<f64> {
        let tape = self.0.lock();
        let found =
            tape.iter().find(|(labels, _)| labels.contains(&format!("__name__={name},")) && labels.contains(&format!("check={check},")));
        found.map(|(_, values)| values.clone()).unwrap_or_default()
    }
}

struct House {
    _folder: tempfile::TempDir,
    store: Store,
    fake: Arc<Fake>,
    tape: Arc<Tape>,
    watcher: Arc<Watcher>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl House {
    async fn new(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Arc::new(Db::open(&folder.path().join("db")).unwrap()));
        let (file, _) = file::read(yaml, Path::new("checks.yml")).unwrap();
        let stored = file.checks.iter().map(|defined| Stored {
            id: 0,
            name: defined.check.name.clone(),
            definition: defined.definition(),
            file: String::new(),
            made_at: 0,
            changed_at: 0,
        });
        store.put_checks(stored.collect()).await.unwrap();
        Self::over(folder, store, START)
    }

    fn over(folder: tempfile::TempDir, store: Store, now: i64) -> Self {
        let (fake, tape, stop) = (Arc::new(Fake::default()), Arc::new(Tape::default()), CancellationToken::new());
        let watcher = Watcher::new(Arc::clone(&fake) as _, store.clone(), Arc::clone(&tape) as _, virtual_clock(now));
        let mut newest = store.newest().unwrap();
        for stored in store.checks().unwrap() {
            let check = file::read_one(&stored.definition, None).unwrap().check;
            watcher.watch(stored.id, check, newest.remove(&stored.id).unwrap_or_default());
        }
        let (runs, until) = (Arc::clone(&watcher), stop.clone());
        let running = tokio::spawn(async move { runs.run(until).await });
        Self { _folder: folder, store, fake, tape, watcher, stop, running }
    }

    async fn pass(&self, secs: u64) {
        tokio::time::sleep(Duration::from_secs(secs)).await;
    }

    fn view(&self, name: &str) -> View {
        self.watcher.views().into_values().find(|view| view.check.name == name).unwrap()
    }

    fn id(&self, name: &str) -> CheckId {
        self.store.checks().unwrap().into_iter().find(|check| check.name == name).unwrap().id
    }

    fn break_it(&self, name: &str, why: &'static str) {
        self.fake.broken.lock().insert(name.to_owned(), why);
    }

    fn mend_it(&self, name: &str) {
        self.fake.broken.lock().remove(name);
    }

    /// A clean stop: then everything is written down. Before, the disk's time and the virtual one have nothing in common.
    async fn end(&mut self) {
        self.stop.cancel();
        (&mut self.running).await.unwrap();
    }

    /// A clean stop and a start a while later.
    async fn restart(mut self, after_s: u64) -> Self {
        self.end().await;
        let now = self.watcher.clock.now_ms() + i64::try_from(after_s).unwrap() * 1_000;
        Self::over(self._folder, self.store, now)
    }
}

const SHOP: &str =
    "checks: [{name: Shop, interval: 10s, timeout: 3s, retries: 2, retry_interval: 2s, labels: {team: web}, ping: {host: shop}}]";

#[tokio::test(start_paused = true)]
async fn a_check_is_watched_at_once_and_falls_after_its_retries() {
    let mut house = House::new(SHOP).await;
    house.pass(2).await;
    assert_eq!(house.view("Shop").span.state, State::Up);
    house.break_it("Shop", "the connection was refused: shop");
    let began = loop {
        house.pass(1).await;
        if let Some(since) = house.view("Shop").in_doubt_since {
            break since;
        }
    };
    let view = house.view("Shop");
    assert_eq!((view.span.state, view.incident), (State::Up, None));
    house.pass(4).await;
    let view = house.view("Shop");
    let incident = view.incident.unwrap();
    assert_eq!((view.span.state, incident.from, incident.cause.as_str()), (State::Down, began, "the connection was refused: shop"));
    assert!(incident.confirmed_at <= began + 4_100, "two retries of 2 s: {incident:?}");
    house.mend_it("Shop");
    house.pass(12).await;
    assert_eq!((house.view("Shop").span.state, house.view("Shop").incident), (State::Up, None));
    house.end().await;
    let id = house.id("Shop");
    let spans = house.store.spans(id, Window::new(0, i64::MAX)).unwrap();
    assert_eq!(spans.iter().map(|span| span.state).collect::<Vec<_>>(), [State::Up, State::Down, State::Up]);
    assert_eq!(spans[1].from, began);
    let up = house.tape.of("pharos_check_up", "Shop");
    assert!(up.contains(&0.0) && up.contains(&1.0), "{up:?}");
    assert!(house.tape.0.lock().keys().any(|labels| labels.contains("team=web")));
    assert_eq!(house.tape.of("pharos_check_status_code", "Shop")[0].to_string(), "200");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_is_a_failure_and_stops_nobody() {
    let yaml = "checks: [{name: A, interval: 5s, timeout: 2s, retries: 0, ping: {host: a}}, {name: B, interval: 5s, ping: {host: b}}]";
    let house = House::new(yaml).await;
    house.break_it("A", "hangs");
    house.pass(60).await;
    assert_eq!((house.view("A").span.state, house.view("B").span.state), (State::Down, State::Up));
    assert!(house.view("A").incident.unwrap().cause.contains("within 2 s"), "{:?}", house.view("A").incident);
    let asked = house.fake.asked.lock().iter().filter(|name| *name == "B").count();
    assert!((12..=14).contains(&asked), "{asked} times in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_and_an_absence_is_unknown() {
    let house = House::new(SHOP).await;
    house.pass(30).await;
    let house = house.restart(5).await;
    house.pass(30).await;
    let id = house.id("Shop");
    let mut house = house.restart(600).await;
    house.pass(30).await;
    house.end().await;
    let spans = house.store.spans(id, Window::new(0, i64::MAX)).unwrap();
    assert_eq!(spans.iter().map(|span| span.state).collect::<Vec<_>>(), [State::Up, State::Unknown, State::Up], "{spans:?}");
    assert!((585_000..=600_000).contains(&spans[1].length()), "{spans:?}");
    let incidents = house.store.incidents(None, Window::new(0, i64::MAX), 10).unwrap();
    assert_eq!(incidents, []);
}

#[tokio::test(start_paused = true)]
async fn what_is_paused_renamed_or_deleted_ends_its_series() {
    let mut house = House::new(SHOP).await;
    house.pass(15).await;
    let id = house.id("Shop");
    let check = Check::clone(&house.view("Shop").check);
    house.watcher.watch(id, Check { paused: true, ..check.clone() }, Written::default());
    house.pass(20).await;
    assert_eq!(house.view("Shop").span.state, State::Paused);
    let asked = house.fake.asked.lock().len();
    house.pass(60).await;
    assert_eq!(house.fake.asked.lock().len(), asked, "nobody asks");
    house.watcher.watch(id, Check { name: "Store".to_owned(), ..check }, Written::default());
    house.pass(20).await;
    assert_eq!(house.view("Store").span.state, State::Up);
    house.watcher.forget(id);
    house.end().await;
    assert!(is_stale(*house.tape.of("pharos_check_up", "Shop").last().unwrap()));
    assert!(is_stale(*house.tape.of("pharos_check_success", "Store").last().unwrap()));
    assert!(house.watcher.views().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_check_asks_for_beyond_its_probe_counts() {
    let yaml = "checks: [{name: A, interval: 5s, retries: 0, ping: {host: a, latency_max: 500ms}}]";
    let house = House::new(yaml).await;
    house.pass(3).await;
    assert_eq!(house.view("A").incident.unwrap().cause, "it took 1 s, and may take 500 ms");
    let mut outcome = Outcome::default();
    let check = file::read_one("{name: A, tcp: {address: 'a:1', tls: true, certificate_days: 14}}", None).unwrap().check;
    let certificate = |not_after| crate::uptime::model::outcome::Certificate {
        subject: String::new(),
        issuer: String::new(),
        names: Vec::new(),
        not_before: 0,
        not_after,
        serial: String::new(),
        fingerprint: String::new(),
    };
    outcome.certificates = vec![certificate(20 * 86_400), certificate(15 * 86_400)];
    judge(&check, &mut outcome, 0);
    assert_eq!(outcome.failure, None);
    judge(&check, &mut outcome, 3 * 86_400_000);
    assert_eq!(outcome.failure.unwrap().text, "the certificate ends in 12 days, and must hold for 14");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_does_not_come_is_an_incident() {
    let house = House::new("checks: [{name: Backup, heartbeat: {every: 1h, grace: 5m}}]").await;
    let id = house.id("Backup");
    house.pass(7_200).await;
    assert_eq!(house.view("Backup").span.state, State::Unknown, "nothing is known before the first");
    house.watcher.hear(id, Duration::from_secs(3), None);
    house.pass(3_600 + 299).await;
    assert_eq!(house.view("Backup").span.state, State::Up);
    house.pass(2).await;
    let incident = house.view("Backup").incident.unwrap();
    assert_eq!((incident.kind, incident.cause.as_str()), (FailureKind::Silence, "nothing was heard in time"));
    house.pass(600).await;
    house.watcher.hear(id, Duration::ZERO, None);
    assert_eq!(house.view("Backup").span.state, State::Up);
    house.watcher.hear(id, Duration::ZERO, Some("exit code 2".to_owned()));
    assert_eq!(house.view("Backup").incident.unwrap().cause, "exit code 2");
    house.watcher.hear(id, Duration::ZERO, None);
    // The server is away over a deadline: whether the job ran then nobody knows.
    let house = house.restart(3 * 3_600).await;
    house.pass(3_000).await;
    assert_eq!(house.view("Backup").incident, None);
    house.pass(1_000).await;
    assert!(house.view("Backup").incident.is_some(), "a whole hour without it is too long");
}

#[tokio::test(start_paused = true)]
async fn who_mistyped_an_address_sees_so_within_a_minute() {
    let mut house = House::new("checks: [{name: Shop, interval: 5m, timeout: 3s, retry_interval: 1m, ping: {host: shpo}}]").await;
    house.break_it("Shop", "no such host");
    house.pass(1).await;
    assert!(house.view("Shop").in_doubt_since.is_some(), "probed at once");
    house.pass(45).await;
    assert_eq!((house.view("Shop").span.state, house.fake.asked.lock().len()), (State::Down, 3));
    house.mend_it("Shop");
    house.pass(300).await;
    assert_eq!(house.view("Shop").span.state, State::Up);
    // Once it was up it is given its time.
    house.break_it("Shop", "no route");
    house.pass(305).await;
    assert!(house.view("Shop").in_doubt_since.is_some());
    house.pass(50).await;
    assert_eq!(house.view("Shop").span.state, State::Up);
    house.pass(90).await;
    assert_eq!(house.view("Shop").span.state, State::Down);
    house.mend_it("Shop");
    house.pass(300).await;
    // And so is one that goes on elsewhere from now on.
    house.break_it("Shop", "no such host");
    let check = file::read_one("{name: Shop, interval: 5m, timeout: 3s, ping: {host: sohp}}", None).unwrap().check;
    house.watcher.watch(house.id("Shop"), check, Written::default());
    house.pass(50).await;
    assert_eq!(house.view("Shop").span.state, State::Down);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn maintenance_is_a_series_each_minute_and_when_it_changes() {
    let mut house = House::new(SHOP).await;
    let planner = Planner::open(house.store.clone()).unwrap();
    let time = |secs: i64| crate::base::time::format_rfc3339(START + secs * 1_000);
    let plan = super::super::planner::read(&format!("{{title: Move, from: '{}', until: '{}'}}", time(100), time(200))).unwrap();
    planner.put(None, (plan, ""), "ann", |_| None, START).await.unwrap();
    house.watcher.heed(Arc::new(planner));
    // Its time is virtual, and the disk's is not: nobody writes but this test.
    house.end().await;
    for _ in 0..300 {
        house.pass(1).await;
        let batch = house.watcher.take_changes(&mut Unwritten::default());
        house.tape.append(&batch, &AppendOptions::default()).unwrap();
    }
    let said = house.tape.of("pharos_check_maintenance", "Shop");
    let changes: Vec<f64> = said.iter().copied().fold(Vec::new(), |mut all, one| {
        if all.last() != Some(&one) {
            all.push(one);
        }
        all
    });
    assert_eq!(changes, [0.0, 1.0, 0.0], "{said:?}");
    assert!((5..=10).contains(&said.len()), "{said:?}");
}
