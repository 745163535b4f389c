//! A calm rule to be made or changed: its fields, what is wrong with them, what the rule would say, and what it hits now.

use std::collections::BTreeMap;

use super::fields::Fields;
use super::read::{Among, Wrong, read};
use super::turns::{self, Strip};
use super::{home_of, when};
use crate::alerts::calm::{CalmKind, CalmRule, Dependency, Named, Rota};
use crate::alerts::model::interval::text::write_day;
use crate::alerts::model::matcher::Matchers;
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::routing::InhibitRule;
use crate::alerts::pages::known::Known;
use crate::alerts::pages::silences::{Hit, hit};
use crate::alerts::route::inhibit::Inhibitor;
use crate::ui::format::Moment;
use crate::ui::lang::{Lang, key};
use crate::ui::page;
use crate::ui::shell::Shell;

/// Alerts shown of those that are hit.
const HITS_MAX: usize = 50;
/// Names of people offered.
pub const PEOPLE_MAX: usize = 200;
/// Values on offer that most people choose.
const DEFAULTS: [(CalmKind, &[(&str, &str)]); 5] = [
    (CalmKind::Flapping, &[("changes", "4"), ("within", "30m"), ("quiet", "15m")]),
    (CalmKind::Cap, &[("messages", "20"), ("within", "1h")]),
    (CalmKind::Rota, &[("handover", "09:00"), ("days", "7"), ("zone", "UTC")]),
    (CalmKind::Escalation, &[("after0", "15m"), ("after1", "30m")]),
    (CalmKind::RecurringSilence, &[("weekday", "6"), ("from", "02:00"), ("to", "04:00"), ("zone", "UTC")]),
];

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct EditInput {
    /// What is made or changed.
    pub kind: CalmKind,
    /// The fields.
    pub fields: Fields,
    /// Whether they were filled in by somebody, so that what is wrong with them is said.
    pub is_filled: bool,
    /// The rule that is changed, if it is still there.
    pub existing: Option<Named>,
    /// What went wrong when it was saved.
    pub problem: String,
    /// The receivers of the configuration in force.
    pub receivers: Vec<String>,
    /// Names of people on offer.
    pub people: Vec<String>,
    /// Alerts of now.
    pub alerts: Vec<Known>,
    /// The same as routing has them.
    pub routed: Vec<RoutedAlert>,
    /// Whether whoever looks may change rules.
    pub may_change: bool,
}

impl EditInput {
    /// A form of a kind with nothing in it.
    pub fn new(kind: CalmKind) -> Self {
        Self {
            kind,
            fields: Fields::default(),
            is_filled: false,
            existing: None,
            problem: String::new(),
            receivers: Vec::new(),
            people: Vec::new(),
            alerts: Vec::new(),
            routed: Vec::new(),
            may_change: false,
        }
    }

    /// Fills a form that was opened: with the rule that is there, or with what most people choose. A form that came
    /// filled in stays as it is, but for the rows that a button of it moves.
    pub fn open(&mut self, now: i64) {
        if self.is_filled {
            let (names, least): (&[&str], _) =
                if self.kind == CalmKind::Rota { (&["person", "via"], MEMBERS_LEAST) } else { (&["after", "to"], STEPS_LEAST) };
            self.fields.rearrange(names, least);
        } else if let Some(named) = &self.existing {
            self.fields.extend(Fields::of(&named.rule));
            self.fields.set("changed", named.changed_at.to_string());
        } else {
            for (name, value) in DEFAULTS.iter().filter(|(kind, _)| *kind == self.kind).flat_map(|(_, values)| values.iter()) {
                self.fields.preset(name, value);
            }
            if self.kind == CalmKind::Rota {
                self.fields.preset("first", &write_day(now.div_euclid(86_400_000)));
            }
        }
    }

    /// Whether the rule as it is kept now is another than the one that the form was opened with.
    pub fn was_changed_meanwhile(&self, kept: &Named) -> bool {
        let seen = self.fields.get("changed");
        !seen.is_empty() && seen != kept.changed_at.to_string()
    }

    /// The rule, or what is wrong with the fields.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn read(&self) -> Result<CalmRule, Wrong> {
        let existing = self.existing.as_ref().map(|named| &named.rule);
        read(self.kind, &self.fields, Among { receivers: &self.receivers, existing })
    }
}

/// Rows of people and of steps in an empty form.
const MEMBERS_LEAST: usize = 3;
const STEPS_LEAST: usize = 2;

/// What a kind is called, and what it does.
struct About {
    new: &'static str,
    edit: &'static str,
    lead: &'static str,
}

const fn about(kind: CalmKind) -> About {
    let (new, edit, lead) = match kind {
        CalmKind::RecurringSilence => (
            key("New recurring silence"),
            key("Edit recurring silence"),
            key("Alerts that fit are not told at these times, again and again: for maintenance, backups, a night's rest."),
        ),
        CalmKind::Dependency => (
            key("New dependency"),
            key("Edit dependency"),
            key(
                "While the first alerts fire, the second are not told, because they only follow from them: a host that is down explains every service on it.",
            ),
        ),
        CalmKind::Escalation => (
            key("New escalation"),
            key("Edit escalation"),
            key("As long as an alert fires and nobody acknowledges it, more people are told, one step after the other."),
        ),
        CalmKind::Rota => (
            key("New rota"),
            key("Edit rota"),
            key("People take turns. Whatever is sent to the rota's receiver also reaches whoever is on call."),
        ),
        CalmKind::Cap => (
            key("New cap"),
            key("Edit cap"),
            key("A receiver is told so many messages in some time and no more; the rest comes as one digest, so that nothing is lost."),
        ),
        CalmKind::Flapping => (
            key("New damping"),
            key("Edit damping"),
            key("An alert that comes and goes all the time is told once: it counts as firing until it has been quiet for a while."),
        ),
    };
    About { new, edit, lead }
}

#[derive(askama::Template)]
#[template(path = "alerts/calm/edit.html")]
struct EditPage<'a> {
    shell: &'a Shell,
    input: &'a EditInput,
    about: About,
    home: &'static str,
    kind: &'static str,
    wrong: BTreeMap<String, String>,
    said: String,
    hits_title: &'static str,
    hits: Vec<Hit>,
    total: usize,
    of: usize,
    has_hits: bool,
    strip: Option<Strip>,
    next: Vec<(Moment, Moment)>,
    rows: Vec<usize>,
    zones: &'static [&'static str],
    loses: &'static str,
    kept: String,
}

impl EditPage<'_> {
    /// What stands in a field.
    fn v(&self, name: &str) -> &str {
        self.input.fields.get(name)
    }

    /// The same of a row.
    fn vr(&self, name: &str, row: &usize) -> &str {
        self.input.fields.get(&format!("{name}{row}"))
    }

    /// What is wrong with a field.
    fn w(&self, name: &str) -> &str {
        self.wrong.get(name).map_or("", String::as_str)
    }

    /// The same of a row.
    fn wr(&self, name: &str, row: &usize) -> &str {
        self.w(&format!("{name}{row}"))
    }

    fn is_on(&self, day: &i64) -> bool {
        self.input.fields.has("weekday", &day.to_string())
    }

    fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }

    /// Lines of a field for matchers.
    fn lines(&self, name: &str) -> usize {
        self.v(name).lines().count().clamp(2, 12)
    }

    /// Whether the advanced fields hold anything.
    fn has_more(&self) -> bool {
        !self.v("days").is_empty() || !self.v("months").is_empty()
    }

    /// A receiver that is chosen and is not there any more.
    fn gone<'a>(&self, chosen: &'a str) -> &'a str {
        if self.input.receivers.iter().any(|known| known == chosen) { "" } else { chosen }
    }
}

/// Renders the page. Parts of it follow the form as it is filled in.
pub fn render(input: &EditInput, shell: &Shell) -> String {
    let lang = shell.lang();
    let read = input.read();
    let wrong = match &read {
        Err(wrong) if input.is_filled => wrong.iter().rev().map(|(field, words)| (field.clone(), words.text(lang))).collect(),
        _ => BTreeMap::new(),
    };
    let rule = read.ok();
    let (hits_title, found) = found(input, rule.as_ref());
    let names = if input.kind == CalmKind::Rota { ("person", MEMBERS_LEAST) } else { ("after", STEPS_LEAST) };
    page::html(&EditPage {
        about: about(input.kind),
        home: home_of(input.kind),
        kind: input.kind.as_str(),
        said: rule.as_ref().map(|rule| sentence(rule, lang)).unwrap_or_default(),
        hits_title,
        has_hits: found.is_some(),
        total: found.as_ref().map_or(0, Vec::len),
        of: input.alerts.len(),
        hits: found.into_iter().flatten().take(HITS_MAX).map(|alert| hit(alert, shell)).collect(),
        strip: match &rule {
            Some(CalmRule::Rota(rota)) => Some(Strip::new(rota, shell)),
            _ => None,
        },
        next: match &rule {
            Some(CalmRule::RecurringSilence(rule)) => super::recurring::next(&rule.intervals, shell.now_ms, 3)
                .into_iter()
                .map(|(from, to)| (turns::at(from, lang), turns::at(to, lang)))
                .collect(),
            _ => Vec::new(),
        },
        rows: (0..input.fields.rows(names.0, names.1)).collect(),
        zones: when::zones(),
        loses: loses(input.kind),
        kept: match (&input.existing, input.fields.get("keep")) {
            (Some(Named { rule: CalmRule::RecurringSilence(rule), .. }), "1") => {
                let (words, zone) = when::words(&rule.intervals, lang);
                format!("{words} {zone}")
            }
            _ => String::new(),
        },
        wrong,
        input,
        shell,
    })
}

/// Says that somebody saved the rule while it was being changed here.
pub fn changed_meanwhile(by: &str) -> String {
    format!(
        "{by} changed this while you did. Open it in another window to see how it is now; saving again replaces it with what stands here."
    )
}

/// What is lost with a rule of a kind.
pub const fn loses(kind: CalmKind) -> &'static str {
    match kind {
        CalmKind::RecurringSilence => key("Its alerts are told again from now on; a silence that it made already lasts to its end."),
        CalmKind::Dependency => key("What it kept back is told again."),
        CalmKind::Escalation => key("Nobody further is told of alerts that nobody takes care of."),
        CalmKind::Rota => key("Nobody of it is told any more; the receiver's own channels are."),
        CalmKind::Cap => key("Every message is told again as it comes."),
        CalmKind::Flapping => key("Alerts that come and go are told each time again."),
    }
}

/// A heading, and the alerts that a rule hits now; none where it hits no alerts.
fn found<'a>(input: &'a EditInput, rule: Option<&CalmRule>) -> (&'static str, Option<Vec<&'a Known>>) {
    let of = |matchers: &Matchers| -> Vec<&'a Known> { input.alerts.iter().filter(|alert| matchers.matches(&alert.labels)).collect() };
    match (input.kind, rule) {
        (CalmKind::Dependency, Some(CalmRule::Dependency(rule))) => (key("Held back now"), Some(held(rule, &input.alerts, &input.routed))),
        (CalmKind::Dependency, _) => (key("Held back now"), Some(Vec::new())),
        (CalmKind::RecurringSilence | CalmKind::Escalation | CalmKind::Flapping, _) => {
            let may_be_all = input.kind != CalmKind::RecurringSilence;
            let matchers = super::read::read_matchers(input.fields.get("matchers")).ok();
            let matchers = matchers.filter(|matchers| may_be_all || !matchers.is_empty());
            (key("Hits now"), Some(matchers.as_ref().map(of).unwrap_or_default()))
        }
        (CalmKind::Rota | CalmKind::Cap, _) => ("", None),
    }
}

/// The alerts that a dependency keeps back right now.
pub(super) fn held<'a>(rule: &Dependency, alerts: &'a [Known], routed: &[RoutedAlert]) -> Vec<&'a Known> {
    let inhibit =
        InhibitRule { source: rule.source.clone(), target: rule.target.clone(), equal: rule.equal.clone(), ..InhibitRule::default() };
    let mut inhibitor = Inhibitor::new(&[inhibit]);
    for alert in routed {
        inhibitor.observe(alert);
    }
    let targets = alerts.iter().filter(|alert| rule.target.matches(&alert.labels));
    targets.filter(|alert| !alert.is_pending && inhibitor.inhibits(&alert.labels, i64::MIN).is_some()).collect()
}

/// A rule as a sentence.
pub(super) fn sentence(rule: &CalmRule, lang: Lang) -> String {
    let join = |parts: Vec<String>| parts.join(lang.comma());
    match rule {
        CalmRule::RecurringSilence(rule) => {
            let (words, zone) = when::words(&rule.intervals, lang);
            lang.fill("Silent: {}, by the clock of {}.", &[&words, &zone])
        }
        CalmRule::Dependency(rule) if rule.equal.is_empty() => {
            lang.t("While any of the first alerts fires, none of the second is told.").to_owned()
        }
        CalmRule::Dependency(rule) => lang.fill(
            "While one of the first alerts fires, those of the second that have the same {} are not told.",
            &[&join(rule.equal.clone())],
        ),
        CalmRule::Escalation(rule) => {
            let step = |step: &crate::alerts::calm::Step| lang.fill("after {} {} is told", &[&step.after, &step.receiver]);
            lang.fill("An alert that nobody acknowledges: {}.", &[&join(rule.steps.iter().map(step).collect())])
        }
        CalmRule::Rota(rota) => {
            let names = join(rota.members.iter().map(|member| member.person.clone()).collect());
            let days = lang.n(u64::from(rota.turn_days), "{} day", "{} days");
            let at = format!("{} {}", when::clock(u32::from(rota.hand_over)), rota.location.as_str());
            lang.fill("{} take turns of {}, and hand over at {}.", &[&names, &days, &at])
        }
        CalmRule::Cap(cap) => {
            let messages = lang.n(u64::from(cap.messages), "{} message", "{} messages");
            lang.fill("{} is told at most {} within {}; what is more comes as one digest.", &[&cap.receiver, &messages, &cap.within])
        }
        CalmRule::Flapping(rule) => {
            let times = lang.n(u64::from(rule.changes), "{} time", "{} times");
            lang.fill("What begins to fire {} within {} counts as firing until it was quiet for {}.", &[&times, &rule.within, &rule.quiet])
        }
    }
}

/// The rota of a rule, if it is one.
pub fn rota_of(named: &Named) -> Option<&Rota> {
    if let CalmRule::Rota(rota) = &named.rule { Some(rota) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::links;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn input(kind: CalmKind, query: &str) -> EditInput {
        let now = sample::now();
        let mut input = EditInput {
            fields: Fields::from_form(query.as_bytes()),
            is_filled: !query.is_empty(),
            receivers: ["default", "pager", "team-db"].map(str::to_owned).to_vec(),
            people: vec!["ann".into(), HOSTILE.into()],
            alerts: now.alerts,
            routed: sample::routed(),
            may_change: true,
            ..EditInput::new(kind)
        };
        input.open(1_763_714_000_000);
        input
    }

    fn html(input: &EditInput) -> String {
        let text = render(input, &shell(Page::Alerts, "Calm", links::ALERTS_CALM_EDIT, ""));
        sample::check(&text);
        text
    }

    #[test]
    fn every_kind_has_a_form_with_defaults() {
        for (kind, part) in [
            (CalmKind::RecurringSilence, "value=\"02:00\""),
            (CalmKind::Dependency, "name=\"equal\""),
            (CalmKind::Escalation, "name=\"after1\" value=\"30m\""),
            (CalmKind::Rota, "name=\"first\" value=\"2025-11-21\""),
            (CalmKind::Cap, "value=\"20\""),
            (CalmKind::Flapping, "value=\"15m\""),
        ] {
            let text = html(&input(kind, ""));
            assert!(text.contains(part) && !text.contains("class=\"err\""), "{kind:?}: {text}");
            let looking = html(&EditInput { may_change: false, ..input(kind, "") });
            assert!(!looking.contains(links::ALERTS_CALM_SAVE), "{kind:?}");
        }
    }

    #[test]
    fn what_is_there_is_shown_with_what_it_does() {
        for named in &sample::calm().rules {
            let mut opened = EditInput { existing: Some(named.clone()), ..input(named.rule.kind(), "") };
            opened.fields = Fields::default();
            opened.open(0);
            let text = html(&opened);
            let said = sentence(&named.rule, Lang::En);
            assert!(text.contains(said.split('“').next().unwrap_or("")) && text.contains(links::ALERTS_CALM_DELETE), "{said}: {text}");
        }
    }

    #[test]
    fn wrong_fields_say_why_and_keep_what_was_typed() {
        let text =
            html(&input(CalmKind::Rota, "draft=1&title=&receiver=gone&person0=ann&via0=pager&first=x&handover=09:00&days=7&zone=UTC"));
        for part in ["Give it a name", "There is no receiver “gone”", "“x” is not a date", "value=\"ann\"", "value=\"x\""] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let hostile: String = [
            "title", "receiver", "person0", "via0", "first", "handover", "days", "zone", "matchers", "source", "target", "equal", "from",
            "to", "months", "after0", "to0", "within", "quiet", "changes", "messages", "id", "do", "rows", "keep", "weekday",
        ]
        .iter()
        .fold(form_urlencoded::Serializer::new(String::new()), |mut form, name| {
            form.append_pair(name, HOSTILE);
            form
        })
        .finish();
        for kind in CalmKind::ALL {
            html(&EditInput { problem: HOSTILE.into(), ..input(kind, &hostile) });
        }
    }

    #[test]
    fn what_it_hits_is_shown() {
        let silence = html(&input(CalmKind::RecurringSilence, "draft=1&title=x&matchers=job%3Dapi&weekday=6&from=02:00&to=04:00&zone=UTC"));
        assert!(silence.contains("2 of 4") && silence.contains("DiskFull") && silence.contains("Saturdays, 02:00–04:00"), "{silence}");
        let dependency = "draft=1&title=x&source=severity%3Dcritical&target=severity%3D~%22warning%7Cinfo%22&equal=job";
        let none = html(&input(CalmKind::Dependency, &dependency.replace("equal=job", "equal=instance")));
        let some = html(&input(CalmKind::Dependency, dependency));
        assert!(none.contains("0 of 4") && some.contains("2 of 4"), "{none} {some}");
    }
}
