//! Who is on call: now, in the weeks to come, who stands in, and whom alerts reach that nobody takes care of.

use std::sync::Arc;

use super::turns::{Strip, at};
use super::{edit, form_of};
use crate::alerts::calm::{Calm, CalmKind, Escalation, Named, Rota};
use crate::alerts::pages::known::Known;
use crate::base::time::Duration;
use crate::ui::format::Moment;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Rotas and escalations on the page.
const LIST_MAX: usize = 100;
/// Hours on offer for taking over.
const HOURS: [(u32, &str); 6] =
    [(1, key("1 hour")), (2, key("2 hours")), (4, key("4 hours")), (8, key("8 hours")), (12, key("12 hours")), (24, key("1 day"))];

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct OncallInput {
    /// What is set.
    pub calm: Arc<Calm>,
    /// The receivers of the configuration in force.
    pub receivers: Vec<String>,
    /// Alerts of now.
    pub alerts: Vec<Known>,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change rules.
    pub may_change: bool,
}

struct StandIn {
    person: String,
    starts: Moment,
    ends: Moment,
    from_ms: i64,
    to_ms: i64,
    is_now: bool,
}

struct RotaRow {
    id: String,
    title: String,
    receiver: String,
    said: String,
    strip: Strip,
    first: String,
    people: Vec<String>,
    stand_ins: Vec<StandIn>,
    lost: Vec<String>,
    href: String,
    stand_in_href: String,
    loses: &'static str,
}

struct EscalationRow {
    id: String,
    title: String,
    matchers: Vec<String>,
    steps: Vec<(Duration, String, bool)>,
    hits: String,
    href: String,
    loses: &'static str,
}

#[derive(askama::Template)]
#[template(path = "alerts/calm/oncall.html")]
struct OncallPage<'a> {
    shell: &'a Shell,
    input: &'a OncallInput,
    said: &'static str,
    rotas: Vec<RotaRow>,
    escalations: Vec<EscalationRow>,
    hours: [(u32, &'static str); 6],
    new_rota: String,
    new_escalation: String,
    example: &'static str,
}

/// Receivers for a rota of two, as they stand in the file.
const EXAMPLE: &str = "receivers:
- name: oncall
- name: ann
  pushover_configs: [{ user_key: …, token: … }]
- name: bob
  telegram_configs: [{ chat_id: …, bot_token: … }]";

/// Renders the page.
pub fn render(input: &OncallInput, shell: &Shell) -> String {
    page::html(&OncallPage {
        said: super::done_words(&input.done),
        rotas: input.calm.rotas().take(LIST_MAX).map(|(named, rota)| rota_row(named, rota, input, shell)).collect(),
        escalations: input.calm.escalations().take(LIST_MAX).map(|(named, rule)| escalation_row(named, rule, input, shell)).collect(),
        hours: HOURS,
        new_rota: form_of(CalmKind::Rota, ""),
        new_escalation: form_of(CalmKind::Escalation, ""),
        example: EXAMPLE,
        input,
        shell,
    })
}

fn rota_row(named: &Named, rota: &Rota, input: &OncallInput, shell: &Shell) -> RotaRow {
    let lang = shell.lang();
    let known = |receiver: &String| input.receivers.contains(receiver);
    let mut lost: Vec<String> = rota.members.iter().map(|member| &member.receiver).chain([&rota.receiver]).cloned().collect();
    lost.retain(|receiver| !known(receiver));
    lost.sort();
    lost.dedup();
    let mut stand_ins: Vec<StandIn> = rota
        .overrides
        .iter()
        .filter(|stand_in| stand_in.ends_at > shell.now_ms)
        .map(|stand_in| StandIn {
            person: stand_in.member.person.clone(),
            starts: at(stand_in.starts_at, lang),
            ends: at(stand_in.ends_at, lang),
            from_ms: stand_in.starts_at,
            to_ms: stand_in.ends_at,
            is_now: stand_in.starts_at <= shell.now_ms,
        })
        .collect();
    stand_ins.sort_by_key(|stand_in| stand_in.from_ms);
    let strip = Strip::new(rota, shell);
    let mut people: Vec<String> = Vec::new();
    for member in &rota.members {
        if !people.contains(&member.person) {
            people.push(member.person.clone());
        }
    }
    // Whoever looks takes over most often, if they take turns at all.
    if let Some(me) = shell.caller.person().and_then(|me| people.iter().position(|person| *person == me.name)) {
        people.swap(0, me);
    }
    RotaRow {
        id: named.id.clone(),
        title: rota.title.clone(),
        receiver: rota.receiver.clone(),
        said: edit::sentence(&named.rule, lang),
        first: strip.now.iter().flat_map(|now| now.name.chars()).next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default(),
        strip,
        people,
        stand_ins,
        lost,
        href: form_of(CalmKind::Rota, &named.id),
        stand_in_href: links::with(links::ALERTS_STAND_IN, &[("rota", &named.id)]),
        loses: edit::loses(CalmKind::Rota),
    }
}

fn escalation_row(named: &Named, rule: &Escalation, input: &OncallInput, shell: &Shell) -> EscalationRow {
    let hits = input.alerts.iter().filter(|alert| !alert.is_pending && rule.matchers.matches(&alert.labels)).count();
    EscalationRow {
        id: named.id.clone(),
        title: rule.title.clone(),
        matchers: rule.matchers.iter().map(ToString::to_string).collect(),
        steps: rule.steps.iter().map(|step| (step.after, step.receiver.clone(), input.receivers.contains(&step.receiver))).collect(),
        hits: shell.lang().n(hits as u64, "{} alert now", "{} alerts now"),
        href: form_of(CalmKind::Escalation, &named.id),
        loses: edit::loses(CalmKind::Escalation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &OncallInput) -> String {
        let text = render(input, &shell(Page::Alerts, "On-call", links::ALERTS_ONCALL, "").with_refresh("30s"));
        sample::check(&text);
        text
    }

    fn input() -> OncallInput {
        let receivers = ["default", "pager", "team-db"].map(str::to_owned).to_vec();
        OncallInput { calm: Arc::new(sample::calm()), receivers, alerts: sample::now().alerts, may_change: true, ..OncallInput::default() }
    }

    #[test]
    fn without_a_rota_it_says_what_to_do() {
        let text = html(&OncallInput { may_change: true, ..OncallInput::default() });
        for part in ["Nobody is on call yet", "- name: oncall", "kind=rotas"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn who_it_is_who_is_next_and_who_stands_in() {
        let text = html(&input());
        for part in ["<b>ann</b>", "Europe/Berlin", "stands in", links::ALERTS_TAKE_OVER, "team-db", "escalations&amp;id=", "15m"] {
            assert!(text.contains(part) || text.contains(&part.replace("&amp;", "&#38;")), "{part}: {text}");
        }
        assert!(!text.contains("not there any more"), "{text}");
        let looking = html(&OncallInput { may_change: false, ..input() });
        assert!(!looking.contains("method=\"post\" action=\"/alerts"), "{looking}");
        let lost = html(&OncallInput { receivers: Vec::new(), ..input() });
        assert!(lost.contains("not in the routing configuration"), "{lost}");
    }

    #[test]
    fn hostile_values_are_text() {
        html(&OncallInput { calm: Arc::new(sample::hostile_calm()), problem: HOSTILE.into(), ..input() });
    }
}
