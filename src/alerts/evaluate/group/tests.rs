//! Groups against engines and storage that are played.

use super::*;
use crate::alerts::model::{Alerting, Place, Rule, State};
use crate::base::clock::ManualClock;
use crate::base::time::TimeRange;
use crate::series::matcher::Matcher;
use crate::series::ports::{AppendReport, IndexQuery, SelectError, SelectedSeries, Selection};
use crate::series::sample::{Exemplar, SampleBuf, is_stale};
use crate::series::value::InstantSample;

const MINUTE: i64 = 60_000;

/// Answers every query with the series named now, and keeps what is stored.
#[derive(Default)]
struct Played {
    up: Mutex<Vec<(&'static str, f64)>>,
    asked: Mutex<Vec<(String, i64)>>,
    stored: Mutex<Vec<(String, i64, f64)>>,
    /// How many wait in "meets" for one more.
    meeting: Mutex<usize>,
    met: parking_lot::Condvar,
}

impl Played {
    /// Waits until two ask at once; whether they did.
    fn meet(&self) -> bool {
        let mut meeting = self.meeting.lock();
        *meeting += 1;
        self.met.notify_all();
        !self.met.wait_while_for(&mut meeting, |count| *count < 2, std::time::Duration::from_secs(60)).timed_out()
    }
}

/// Room for everything.
struct Plenty;

impl Spare for Plenty {
    fn take(&self) -> Option<Box<dyn Send>> {
        Some(Box::new(()))
    }
}

impl Evaluate for Played {
    fn evaluate(&self, question: &Question<'_>) -> Result<Answer, EvaluateError> {
        let When::Instant(at) = question.when else { panic!("rules ask for instants") };
        self.asked.lock().push((question.query.to_owned(), at));
        if question.query == "meets" && !self.meet() {
            return Err(EvaluateError::TimedOut);
        }
        if question.query == "fails" {
            return Err(EvaluateError::Execution("it failed".to_owned()));
        }
        let up = self.up.lock().clone();
        let samples = up.iter().map(|(instance, value)| InstantSample {
            labels: Labels::from_pairs([("__name__", "m"), ("instance", instance)]),
            ts: at,
            value: Point::Float(*value),
        });
        Ok(Answer { value: Value::Vector(samples.collect()), warnings: Vec::new(), infos: Vec::new(), stats: Default::default() })
    }
}

impl Append for Played {
    fn append(&self, batch: &WriteBatch, _: &AppendOptions) -> Result<AppendReport, AppendError> {
        for series in &batch.series {
            let labels = Labels::from_packed(batch.labels_of(series)).unwrap();
            for sample in &batch.floats[series.floats.start as usize..series.floats.end as usize] {
                self.stored.lock().push((labels.to_string(), sample.ts, sample.value));
            }
        }
        Ok(AppendReport::default())
    }
}

struct Kept(Labels, Vec<(i64, f64)>);

impl SelectedSeries for Kept {
    fn labels(&self) -> &Labels {
        &self.0
    }

    fn read(&self, range: TimeRange, out: &mut SampleBuf) -> Result<(), SelectError> {
        for (ts, value) in self.1.iter().filter(|(ts, _)| range.contains(*ts)) {
            out.float_ts.push(*ts);
            out.floats.push(*value);
        }
        Ok(())
    }
}

/// What was stored before a restart.
#[derive(Default)]
struct Before(Vec<(Labels, i64, f64)>);

impl Select for Before {
    fn select(&self, selection: &Selection<'_>, _: &Cancel) -> Result<Vec<Box<dyn SelectedSeries>>, SelectError> {
        let matches = |labels: &Labels| selection.matchers.iter().all(|matcher: &Matcher| matcher.matches_labels(labels));
        Ok(self
            .0
            .iter()
            .filter(|(labels, ..)| matches(labels))
            .map(|(labels, ts, value)| Box::new(Kept(labels.clone(), vec![(*ts, *value)])) as Box<dyn SelectedSeries>)
            .collect())
    }

    fn series(&self, _: &IndexQuery<'_>, _: &Cancel) -> Result<Vec<Labels>, SelectError> {
        Ok(Vec::new())
    }

    fn label_names(&self, _: &IndexQuery<'_>, _: &Cancel) -> Result<Vec<String>, SelectError> {
        Ok(Vec::new())
    }

    fn label_values(&self, _: &str, _: &IndexQuery<'_>, _: &Cancel) -> Result<Vec<String>, SelectError> {
        Ok(Vec::new())
    }

    fn exemplars(&self, _: &IndexQuery<'_>) -> Result<Vec<(Labels, Vec<Exemplar>)>, SelectError> {
        Ok(Vec::new())
    }
}

struct Stage {
    played: Arc<Played>,
    ports: Ports,
    setting: Setting,
    group: Running,
    now: i64,
}

fn rule(name: &str, expr: &str, kind: Kind) -> Prepared {
    let rule = Rule {
        name: name.to_owned(),
        expr: expr.to_owned(),
        labels: vec![("team".to_owned(), "a".to_owned())],
        place: Place::default(),
        kind,
    };
    Prepared::new(rule, expr.to_owned()).unwrap()
}

fn alerting(minutes: i64) -> Kind {
    let annotations = vec![("summary".to_owned(), "{{ $labels.instance }} is {{ $value }}".to_owned())];
    Kind::Alerting(Alerting { hold: Duration::from_ms(minutes * MINUTE), annotations, ..Alerting::default() })
}

impl Stage {
    fn new(rules: Vec<Prepared>, before: Before) -> Self {
        let played = Arc::new(Played::default());
        let clock = ManualClock::at(0);
        let ports = Ports {
            metrics: Arc::clone(&played) as _,
            logs: Arc::clone(&played) as _,
            append: Arc::clone(&played) as _,
            select: Arc::new(before),
            clock,
        };
        let setting = Setting {
            interval: Duration::from_ms(MINUTE),
            query_offset: Duration::default(),
            resend: Duration::from_ms(MINUTE),
            external_labels: Labels::empty(),
            external_url: String::new(),
        };
        let group = Group {
            file: "f".into(),
            name: "g".to_owned(),
            interval: None,
            query_offset: None,
            limit: 0,
            language: Language::PromQl,
            labels: Vec::new(),
            rules: rules.iter().map(|prepared| prepared.rule.clone()).collect(),
        };
        let group = Running::new(group, rules, &setting);
        let now = group.next(1_000 * MINUTE);
        Self { played, ports, setting, group, now }
    }

    /// One evaluation with these series; what it stored, without the instant.
    fn minute(&mut self, up: &[(&'static str, f64)]) -> (Vec<String>, Told) {
        *self.played.up.lock() = up.to_vec();
        let told = self.group.evaluate(self.now, &self.ports, &self.setting, &Plenty, &Cancel::new()).unwrap();
        let now = self.now;
        self.now += MINUTE;
        let stored = std::mem::take(&mut *self.played.stored.lock()).into_iter().map(|(labels, ts, value)| {
            assert_eq!(ts, now);
            format!("{labels} {}", if is_stale(value) { "stale".to_owned() } else { value.to_string() })
        });
        (stored.collect(), told)
    }
}

#[test]
fn a_recording_rule_stores_what_it_gives_and_marks_ends() {
    let mut stage = Stage::new(vec![rule("r", "up", Kind::Recording)], Before::default());
    assert_eq!(
        stage.minute(&[("a", 1.0), ("b", 2.0)]).0,
        ["{__name__=\"r\", instance=\"a\", team=\"a\"} 1", "{__name__=\"r\", instance=\"b\", team=\"a\"} 2"]
    );
    assert_eq!(
        stage.minute(&[("b", 3.0)]).0,
        ["{__name__=\"r\", instance=\"b\", team=\"a\"} 3", "{__name__=\"r\", instance=\"a\", team=\"a\"} stale"]
    );
    assert_eq!(stage.minute(&[("b", 3.0)]).0, ["{__name__=\"r\", instance=\"b\", team=\"a\"} 3"]);
}

#[test]
fn an_alerting_rule_stores_the_states_of_its_alerts() {
    let mut stage = Stage::new(vec![rule("A", "up", alerting(3))], Before::default());
    // Nothing is stored before what was stored earlier has been looked for.
    let since = stage.now / 1000;
    assert_eq!(stage.minute(&[("a", 1.5)]).0, [""; 0]);
    assert_eq!(stage.minute(&[("a", 1.5)]).0, [""; 0]);
    let (stored, told) = stage.minute(&[("a", 1.5)]);
    let name = |metric: &str, state: &str| format!("{{__name__=\"{metric}\", alertname=\"A\", {state}instance=\"a\", team=\"a\"}}");
    assert_eq!(stored, [format!("{} 1", name("ALERTS", "alertstate=\"pending\", ")), format!("{} {since}", name("ALERTS_FOR_STATE", ""))]);
    assert!(told.due.is_empty());
    let (stored, told) = stage.minute(&[("a", 2.5)]);
    assert_eq!(stored[0], format!("{} 1", name("ALERTS", "alertstate=\"firing\", ")));
    assert_eq!(stored[2], format!("{} stale", name("ALERTS", "alertstate=\"pending\", ")));
    assert_eq!((told.due[0].1.state, told.due[0].1.annotations[0].1.as_str()), (State::Firing, "a is 2.5"));
    let (stored, told) = stage.minute(&[]);
    assert!(stored.iter().all(|line| line.ends_with("stale")) && stored.len() == 2, "{stored:?}");
    assert_eq!(told.due[0].1.state, State::Inactive);
}

#[test]
fn a_rule_that_fails_says_so_and_stops_no_other() {
    let mut stage = Stage::new(vec![rule("A", "fails", alerting(0)), rule("r", "up", Kind::Recording)], Before::default());
    let (stored, _) = stage.minute(&[("a", 1.0)]);
    assert_eq!(stored.len(), 1);
    let health = stage.group.rules[0].health.lock().clone();
    assert_eq!((health.state, health.error.as_deref()), (HealthState::Err, Some("it failed")));
    assert_eq!(stage.group.rules[1].health.lock().state, HealthState::Ok);
}

#[test]
fn alerts_go_on_after_a_restart() {
    let labels = Labels::from_pairs([("__name__", "ALERTS_FOR_STATE"), ("alertname", "A"), ("instance", "a"), ("team", "a")]);
    let first = Stage::new(vec![rule("A", "up", alerting(60))], Before::default()).now;
    let began = first - 70 * MINUTE;
    let mut stage = Stage::new(vec![rule("A", "up", alerting(60))], Before(vec![(labels, first - MINUTE, (began / 1000) as f64)]));
    assert!(stage.minute(&[("a", 1.0)]).1.due.is_empty());
    assert!(stage.minute(&[("a", 1.0)]).1.due.is_empty());
    assert_eq!(stage.minute(&[("a", 1.0)]).1.due[0].1.state, State::Firing);
}

#[test]
fn alerts_that_only_the_second_evaluation_finds_go_on_too() {
    let labels = Labels::from_pairs([("__name__", "ALERTS_FOR_STATE"), ("alertname", "A"), ("instance", "a"), ("team", "a")]);
    let first = Stage::new(vec![rule("A", "up", alerting(60))], Before::default()).now;
    let began = first - 70 * MINUTE;
    let mut stage = Stage::new(vec![rule("A", "up", alerting(60))], Before(vec![(labels, first - MINUTE, (began / 1000) as f64)]));
    stage.minute(&[]);
    stage.minute(&[("a", 1.0)]);
    assert_eq!(stage.minute(&[("a", 1.0)]).1.due[0].1.state, State::Firing);
}

#[test]
fn a_reload_keeps_states_and_ends_what_is_gone() {
    let mut stage = Stage::new(vec![rule("A", "up", alerting(2)), rule("r", "up", Kind::Recording)], Before::default());
    stage.minute(&[("a", 1.0)]);
    stage.minute(&[("a", 1.0)]);
    let after = Running::new(stage.group.group.clone(), vec![rule("A", "up", alerting(2))], &stage.setting);
    after.take_over(&stage.group);
    stage.group.end_series(Some(&after), 7, stage.played.as_ref()).unwrap();
    let ended: Vec<String> = stage.played.stored.lock().drain(..).map(|(labels, ..)| labels).collect();
    assert_eq!(ended, ["{__name__=\"r\", instance=\"a\", team=\"a\"}"]);
    stage.group = after;
    assert_eq!(stage.minute(&[("a", 1.0)]).1.due[0].1.state, State::Firing);
}

#[test]
fn a_rule_that_a_reload_brings_stores_the_states_of_its_alerts_too() {
    let mut stage = Stage::new(vec![rule("A", "up", alerting(0))], Before::default());
    stage.minute(&[("a", 1.0)]);
    let after = Running::new(stage.group.group.clone(), vec![rule("B", "up", alerting(0))], &stage.setting);
    after.take_over(&stage.group);
    stage.group = after;
    stage.minute(&[("a", 1.0)]);
    assert!(stage.minute(&[("a", 1.0)]).0.iter().any(|stored| stored.contains("alertname=\"B\"")));
}

#[test]
fn what_is_asked_is_behind_by_the_offset() {
    let mut stage = Stage::new(vec![rule("r", "up", Kind::Recording)], Before::default());
    stage.setting.query_offset = Duration::from_ms(MINUTE);
    let now = stage.now;
    *stage.played.up.lock() = vec![("a", 1.0)];
    stage.group.evaluate(now, &stage.ports, &stage.setting, &Plenty, &Cancel::new()).unwrap();
    assert_eq!(stage.played.asked.lock()[0].1, now - MINUTE);
    assert_eq!(stage.played.stored.lock()[0].1, now - MINUTE);
}

#[test]
fn rules_that_have_nothing_to_do_with_each_other_are_evaluated_side_by_side() {
    let selects = |name: &str| vec![vec![Matcher::new("__name__", crate::series::matcher::MatchOp::Equal, name).unwrap()]];
    let rules = vec![
        rule("a", "meets", Kind::Recording).selecting(&selects("up")),
        rule("B", "meets", alerting(0)).selecting(&selects("up")),
        rule("C", "last", alerting(0)).selecting(&selects("a")),
    ];
    let mut stage = Stage::new(rules, Before::default());
    for rule in &stage.group.rules {
        rule.health.lock().took = SHARED_LEAST;
    }
    let (stored, told) = stage.minute(&[("x", 1.0)]);
    assert!(stage.group.rules.iter().all(|rule| rule.health.lock().state == HealthState::Ok), "both asked at once");
    assert_eq!(
        stage.played.asked.lock().last().map(|(query, _)| query.clone()).as_deref(),
        Some("last"),
        "what reads what another gives waits for it"
    );
    let order: Vec<usize> = told.due.iter().map(|(place, _)| *place).collect();
    assert_eq!((order, stored.len()), (vec![1, 2], 1), "alerts are told in the order of their rules");
}
