//! What pages are tested with.

use std::sync::Arc;

use super::known::{self, Known, RuleOf};
use super::now::NowInput;
use crate::alerts::calm::{
    Acknowledged, Calm, CalmRule, Cap, Deed, Dependency, Escalation, Flapping, Handling, Member, Named, Note, Override, RecurringSilence,
    Rota, Step,
};
use crate::alerts::config;
use crate::alerts::dispatch::{AlertChange, AlertView, GroupView, InForce, Marks, Telling};
use crate::alerts::evaluate::{Given, HealthState, Prepared, Running, Setting};
use crate::alerts::model::interval::{Interval, Location, Range as Days, TimeRange as Minutes};
use crate::alerts::model::matcher::{MatchOp, Matcher, Matchers, Syntax, parse_matchers};
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::silence::Silence;
use crate::alerts::model::{Alerting, Group, Kind, Language, Place, Rule, State};
use crate::alerts::pages::bars::Spell;
use crate::alerts::route::tree::RouteTree;
use crate::base::time::{Duration, TimeRange};
use crate::platform::config::diagnostic::Report;
use crate::series::labels::Labels;

/// The instant of pages in tests.
const NOW: i64 = 1_763_714_000_000;

/// A value that would run if it were taken for HTML.
pub(super) const HOSTILE: &str = "\"><img src=x onerror=alert(1)></script><script>alert(2)</script>'{{7*7}}&amp;";

/// Whether a page is whole, and nothing foreign in it became an element.
pub(super) fn check(html: &str) {
    assert!(html.contains("</html>") && !html.contains("could not be made"), "the page is not whole");
    for part in ["<img src=x", "<script>alert"] {
        assert!(!html.contains(part), "{part}: {html}");
    }
    for tag in ["section", "table", "ul", "ol", "details", "form", "div", "dl", "nav"] {
        let open = html.matches(&format!("<{tag} ")).count() + html.matches(&format!("<{tag}>")).count();
        assert_eq!(open, html.matches(&format!("</{tag}>")).count(), "<{tag}>: {html}");
    }
}

pub(super) fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn alert(pairs: &[(&str, &str)], minutes: i64) -> Known {
    let name = pairs[0].1;
    let expr = if name == "Down" { "up == 0" } else { "disk_free < 0.1" };
    let rule = RuleOf { id: format!("id-{name}"), name: name.into(), group: "g".into(), expr: expr.into(), language: Language::PromQl };
    Known {
        labels: labels(pairs),
        annotations: vec![("description".into(), "It is so.".into()), ("summary".into(), format!("{name} disk full somewhere"))],
        is_pending: false,
        since_ms: NOW - minutes * 60_000,
        value: Some(0.5),
        rule: Some(Arc::new(rule)),
        marks: Marks { is_processed: true, ..Marks::default() },
        receivers: vec!["pager".into()],
        source_url: String::new(),
        handling: Handling::default(),
        is_routed: true,
    }
}

/// Two that fire, one that waits, one that is silenced.
pub(super) fn now() -> NowInput {
    let down = alert(&[("alertname", "Down"), ("severity", "critical"), ("job", "db"), ("instance", "a")], 5);
    let mut pending = alert(&[("alertname", "Down"), ("severity", "critical"), ("job", "web"), ("instance", "b")], 1);
    (pending.is_pending, pending.is_routed) = (true, false);
    let mut full = alert(&[("alertname", "DiskFull"), ("severity", "warning"), ("job", "api"), ("instance", "b")], 90);
    let mut held = alert(&[("alertname", "Slow"), ("severity", "info"), ("job", "api"), ("instance", "c")], 60);
    held.marks.silenced_by = vec!["s1".into()];
    full.handling.acknowledged = Some(Acknowledged { by: "ann".into(), at: NOW - 120_000 });
    full.handling.assignee = Some("bob".into());
    full.marks.is_flapping = true;
    let view =
        AlertView { alert: routed_of(&down), marks: Marks::default(), receivers: vec!["pager".into()], handling: Handling::default() };
    let group = GroupView {
        labels: labels(&[("alertname", "Down")]),
        receiver: "pager".into(),
        key: "{}/{severity=\"critical\"}:{alertname=\"Down\"}".into(),
        route: 1,
        due_at: NOW + 60_000,
        muted_by: Vec::new(),
        alerts: vec![view],
    };
    NowInput {
        alerts: vec![held, full, pending, down],
        groups: vec![group],
        silences: silences(),
        rules: 5,
        quiet: 2,
        has_receivers: true,
        filter: super::now::Filter::default(),
        me: "ann".into(),
        people: vec!["ann".into(), "bob".into()],
        may_change: true,
        done: String::new(),
        problem: String::new(),
    }
}

fn routed_of(alert: &Known) -> RoutedAlert {
    RoutedAlert {
        labels: alert.labels.clone(),
        annotations: Vec::new(),
        starts_at: alert.since_ms,
        ends_at: None,
        updated_at: NOW,
        is_timeout: false,
        generator_url: String::new(),
        hush: None,
    }
}

/// The alerts that fire, as routing sees them.
pub(super) fn routed() -> Vec<RoutedAlert> {
    let mut all: Vec<RoutedAlert> = now().alerts.iter().filter(|alert| !alert.is_pending).map(routed_of).collect();
    all.push(routed_of(&alert(&[("alertname", "Down"), ("severity", "critical"), ("job", "api")], 1)));
    all
}

fn matchers(text: &str) -> Matchers {
    Matchers::new(parse_matchers(text, Syntax::Both).expect("reads").value)
}

/// Matchers that would run if they were taken for HTML.
pub(super) fn hostile_matchers() -> Matchers {
    Matchers::new(vec![Matcher::new(HOSTILE, MatchOp::Equal, HOSTILE).expect("a matcher")])
}

/// One that is active, one to come, one that is over.
pub(super) fn silences() -> Vec<Silence> {
    let one = |id: &str, text: &str, from: i64, to: i64, comment: &str| Silence {
        id: id.into(),
        matchers: matchers(text),
        starts_at: NOW + from * 60_000,
        ends_at: NOW + to * 60_000,
        updated_at: NOW,
        created_by: "ann".into(),
        comment: comment.into(),
        annotations: Vec::new(),
    };
    vec![
        one("s1", "job=~\"api|db\"", -10, 60, "the rack is being moved"),
        one("s2", "job=web", 60, 120, "tonight"),
        one("s3", "alertname=Old", -600, -500, "was"),
    ]
}

/// Ann's and bob's weeks by the clock of Berlin, with eve who stands in for a day; it is ann's turn.
pub(super) fn rota() -> Rota {
    let member = |person: &str, receiver: &str| Member { person: person.into(), receiver: receiver.into() };
    let day = 86_400_000;
    Rota {
        title: "first line".into(),
        receiver: "default".into(),
        location: Location::parse("Europe/Berlin").expect("a place"),
        members: vec![member("ann", "pager"), member("bob", "team-db")],
        first_day: i32::try_from(NOW / day).expect("a day") - 2,
        hand_over: 9 * 60,
        turn_days: 7,
        overrides: vec![Override { member: member("eve", "pager"), starts_at: NOW + 3 * day, ends_at: NOW + 4 * day }],
    }
}

/// A rule of every kind.
pub(super) fn calm() -> Calm {
    let saturdays = Interval {
        times: Some(vec![Minutes { start: 120, end: 240 }]),
        weekdays: Some(vec![Days { begin: 6, end: 6 }]),
        location: Location::parse("Europe/Berlin"),
        ..Interval::default()
    };
    let step = |minutes: i64, receiver: &str| Step { after: Duration::from_secs(minutes * 60), receiver: receiver.into() };
    let minutes = |minutes: i64| Duration::from_secs(minutes * 60);
    let rules = [
        CalmRule::RecurringSilence(RecurringSilence { title: "backups".into(), matchers: matchers("job=api"), intervals: vec![saturdays] }),
        CalmRule::Dependency(Dependency {
            title: "what is worse tells enough".into(),
            source: matchers("severity=critical"),
            target: matchers("severity=~\"warning|info\""),
            equal: vec!["job".into()],
        }),
        CalmRule::Escalation(Escalation {
            title: "critical".into(),
            matchers: matchers("severity=critical"),
            steps: vec![step(15, "team-db"), step(30, "pager")],
        }),
        CalmRule::Rota(rota()),
        CalmRule::Cap(Cap { receiver: "pager".into(), messages: 20, within: minutes(60) }),
        CalmRule::Flapping(Flapping {
            title: "everything".into(),
            matchers: Matchers::default(),
            changes: 4,
            within: minutes(30),
            quiet: minutes(15),
        }),
    ];
    named(rules)
}

fn named<const N: usize>(rules: [CalmRule; N]) -> Calm {
    let named = |(number, rule)| Named { id: format!("id-{number}"), rule, changed_by: "ann".into(), changed_at: NOW };
    Calm::new(rules.into_iter().enumerate().map(named).collect())
}

/// Rules whose every text would run if it were taken for HTML.
pub(super) fn hostile_calm() -> Calm {
    let evil = || HOSTILE.to_owned();
    let member = || Member { person: evil(), receiver: evil() };
    let stand_in = Override { member: member(), starts_at: NOW - 1, ends_at: NOW + 3_600_000 };
    named([
        CalmRule::RecurringSilence(RecurringSilence { title: evil(), matchers: hostile_matchers(), intervals: Vec::new() }),
        CalmRule::Dependency(Dependency { title: evil(), source: hostile_matchers(), target: hostile_matchers(), equal: vec![evil()] }),
        CalmRule::Escalation(Escalation {
            title: evil(),
            matchers: hostile_matchers(),
            steps: vec![Step { after: Duration::from_secs(60), receiver: evil() }],
        }),
        CalmRule::Rota(Rota { title: evil(), receiver: evil(), members: vec![member()], overrides: vec![stand_in], ..rota() }),
        CalmRule::Cap(Cap { receiver: evil(), messages: 1, within: Duration::from_secs(60) }),
        CalmRule::Flapping(Flapping { title: evil(), matchers: hostile_matchers(), changes: 2, ..Flapping::default() }),
    ])
}

/// A routing file with four routes, two receivers with channels, and an inhibition.
pub(super) fn in_force() -> Arc<InForce> {
    let text = "
route:
  receiver: default
  group_by: [alertname, job]
  routes:
  - matchers: [severity=\"critical\"]
    receiver: pager
    group_by: [alertname]
    continue: true
  - matchers: [job=~\"db|store\"]
    receiver: team-db
    routes:
    - matchers: [severity=info]
      mute_time_intervals: [night]
receivers:
- name: default
- name: pager
  webhook_configs: [{ url: 'http://127.0.0.1:9/s3cret' }]
- name: team-db
  webhook_configs: [{ url: 'http://127.0.0.1:9/s3cret' }]
inhibit_rules:
- source_matchers: [severity=critical]
  target_matchers: [severity=warning]
  equal: [alertname]
time_intervals:
- name: night
  time_intervals: [{ times: [{ start_time: '22:00', end_time: '24:00' }] }]
";
    let mut report = Report::new(std::path::Path::new("alertmanager.yml"));
    let config = config::read(text, &mut report);
    assert!(!report.has_errors(), "{report:?}");
    let tree = Arc::new(RouteTree::new(&config.route));
    Arc::new(InForce { printed: config.to_yaml(), tree, config, path: "/etc/alertmanager.yml".into() })
}

/// A time in which an alert fired, after it was pending.
pub(super) fn spells() -> Vec<Spell> {
    let spell = |is_firing, from, to| Spell {
        labels: labels(&[("alertname", "Down"), ("job", "db")]),
        is_firing,
        range: TimeRange::new(NOW - from, NOW - to),
        is_open: false,
    };
    vec![spell(false, 3_000_000, 2_400_000), spell(true, 2_400_000, 600_000)]
}

/// An alert that began to fire and was over.
pub(super) fn changes() -> Vec<AlertChange> {
    let one = |at, from, to| AlertChange {
        at: NOW - at,
        labels: labels(&[("alertname", "Down"), ("job", "db")]),
        from: Some(from),
        to: Some(to),
        source: "rules.yml;g".into(),
    };
    vec![one(600_000, State::Firing, State::Inactive), one(2_400_000, State::Pending, State::Firing)]
}

/// One that was taken and one that was not.
pub(super) fn tellings() -> Vec<Telling> {
    let one = |at, reason: &str, error: Option<&str>| Telling {
        at: NOW - at,
        receiver: "pager".into(),
        channel: "webhook[0]".into(),
        reason: reason.into(),
        counts: (1, 0),
        group_key: "{}/{severity=\"critical\"}:{alertname=\"Down\"}".into(),
        error: error.map(str::to_owned),
        tries: 2,
    };
    vec![one(600_000, "new alerts in group", Some("HTTP 503")), one(2_000_000, "first notification", None)]
}

/// A hand-over and a comment, the newest first.
pub(super) fn notes() -> Vec<Note> {
    let one = |at, by: &str, deed| Note {
        at: NOW - at,
        labels: labels(&[("alertname", "Down"), ("severity", "critical"), ("job", "db"), ("instance", "a")]),
        by: by.into(),
        deed,
    };
    vec![
        one(60_000, "ann", Deed::Comment("It is the <disk>.\nI look at it.".into())),
        one(120_000, "bob", Deed::Assign(Some("ann".into()))),
    ]
}

fn alerting(name: &str, expr: &str, severity: &str, summary: &str) -> Rule {
    Rule {
        name: name.into(),
        expr: expr.into(),
        labels: vec![("severity".into(), severity.into())],
        place: Place { line: 3, column: 5 },
        kind: Kind::Alerting(Alerting {
            hold: Duration::from_secs(60),
            keep_firing: Duration::default(),
            annotations: vec![("summary".into(), summary.into())],
        }),
    }
}

fn running(file: &str, name: &str, rules: Vec<Rule>) -> Arc<Running> {
    let group = Group {
        file: file.into(),
        name: name.into(),
        interval: None,
        query_offset: None,
        limit: 0,
        language: Language::PromQl,
        labels: Vec::new(),
        rules: rules.clone(),
    };
    let setting = Setting {
        interval: Duration::from_secs(15),
        query_offset: Duration::default(),
        resend: Duration::from_secs(60),
        external_labels: Labels::empty(),
        external_url: String::new(),
    };
    let prepared = rules.into_iter().map(|rule| {
        let text = rule.expr.clone();
        Prepared::new(rule, text).expect("templates")
    });
    let prepared = prepared.collect();
    Arc::new(Running::new(group, prepared, &setting))
}

fn fire(group: &Running, place: usize, pairs: &[(&str, &str)]) {
    let given = |labels: &Labels| Given { labels: labels.clone(), annotations: Vec::new(), value: 0.0 };
    let labels = labels(pairs);
    let Kind::Alerting(alerting) = &group.rules[place].prepared.rule.kind else { panic!("no alerting rule") };
    for at in [NOW - 600_000, NOW - 15_000] {
        group.rules[place].alerts.lock().step(at, vec![given(&labels)], alerting, 0).expect("a step");
    }
    *group.rules[place].health.lock() = Default::default();
    group.rules[place].health.lock().state = HealthState::Ok;
}

/// A group in which one rule fires and one is broken, and a calm one with a recording rule.
pub(super) fn groups() -> Vec<Arc<Running>> {
    let broken = running(
        "/etc/rules/b.yml",
        "broken-group",
        vec![alerting("Down", "up == 0", "critical", "{{ $labels.job }} is down"), alerting("Odd", "sum by (x) (a)", "none", "")],
    );
    fire(&broken, 0, &[("alertname", "Down"), ("job", "db"), ("severity", "critical")]);
    {
        let mut health = broken.rules[1].health.lock();
        health.state = HealthState::Err;
        health.error = Some("vector cannot contain metrics with the same labelset".into());
        health.at = Some(NOW - 15_000);
    }
    let record = Rule { kind: Kind::Recording, ..alerting("job:up:sum", "sum by (job) (up)", "none", "") };
    let calm = running("/etc/rules/a.yml", "calm-group", vec![alerting("Full", "disk_free < 0.1", "warning", "full"), record]);
    for rule in &calm.rules {
        rule.health.lock().state = HealthState::Ok;
    }
    vec![broken, calm]
}

/// Rules whose every text would run if it were taken for HTML. (Braces would make them templates.)
pub(super) fn hostile_groups() -> Vec<Arc<Running>> {
    let evil = HOSTILE.replace("{{7*7}}", "");
    let group = running(&evil, &evil, vec![alerting(&evil, &evil, &evil, &evil)]);
    fire(&group, 0, &[("alertname", &evil), (&evil, &evil)]);
    let mut health = group.rules[0].health.lock();
    health.state = HealthState::Err;
    health.error = Some(evil);
    drop(health);
    vec![group]
}

#[test]
fn ids_of_rules_are_their_own() {
    let groups = groups();
    let ids: Vec<String> = groups.iter().flat_map(|group| known::rule_ids(group)).collect();
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 4);
    assert_eq!(known::find_rule(&groups, &ids[3]).map(|(group, place)| (group.group.name.clone(), place)), Some(("calm-group".into(), 1)));
    let twice = running("f", "g", vec![alerting("A", "a", "x", ""), alerting("A", "b", "x", "")]);
    let ids = known::rule_ids(&twice);
    assert_eq!(ids[1], format!("{}-2", ids[0]));
}
