//! Pages of what keeps alerts calm, and what their forms change. Each change leaves a line in the audit log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;

use super::forms::status_of;
use super::{PageState, SELDOM, shell_at, show_silences, work};
use crate::access::{Change, Role};
use crate::alerts::calm::{CalmKind, CalmRule, Named, Rota, wire};
use crate::alerts::dispatch::DispatchError;
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::pages::calm::edit::{self, EditInput, PEOPLE_MAX};
use crate::alerts::pages::calm::fields::Fields;
use crate::alerts::pages::calm::home_of;
use crate::alerts::pages::calm::list::{self, CalmInput};
use crate::alerts::pages::calm::oncall::{self, OncallInput};
use crate::alerts::pages::calm::read::{Wrong, read_stand_in};
use crate::alerts::pages::calm::stand_in::{self, StandInInput};
use crate::alerts::pages::known::{self, Known};
use crate::platform::http::extract::field;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;

/// How long somebody who stood in stays in the rota.
const REMEMBERED_MS: i64 = 86_400_000;

fn receivers(state: &PageState) -> Vec<String> {
    state.routing.in_force().config.receivers.iter().map(|receiver| receiver.name.clone()).collect()
}

fn alerts(state: &PageState) -> (Vec<Known>, Vec<RoutedAlert>) {
    let views = state.routing.alerts();
    let routed = views.iter().map(|view| view.alert.clone()).collect();
    (known::all(state.groups.as_ref(), views, &|labels| state.as_routed(labels)), routed)
}

/// Everyone who is known: those who sign in, those who take turns, and whoever looks. Blocking.
fn people(state: &PageState, asked: &Asked) -> Vec<String> {
    let mut found = state.people.get().map(|people| people()).unwrap_or_default();
    found.extend(asked.caller.person().map(|me| me.name.clone()));
    for (_, rota) in state.routing.calm().rotas() {
        found.extend(rota.members.iter().map(|member| member.person.clone()));
    }
    found.sort();
    found.dedup();
    found.truncate(PEOPLE_MAX);
    found
}

fn named(state: &PageState, id: &str) -> Option<Named> {
    state.routing.calm().rules.iter().find(|named| !id.is_empty() && named.id == id).cloned()
}

/// `GET /alerts/oncall`.
pub(super) async fn oncall(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show_oncall(&state, asked, StatusCode::OK, String::new()).await
}

async fn show_oncall(state: &Arc<PageState>, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("On-call"), links::ALERTS_ONCALL).with_refresh(SELDOM);
        let may_change = shell.has_role(Role::Editor);
        let (alerts, _) = alerts(state);
        let input =
            OncallInput { calm: state.routing.calm(), receivers: receivers(state), alerts, done: asked.param("done"), problem, may_change };
        asked.page(status, oncall::render(&input, &shell))
    })
    .await
}

/// `GET /alerts/calm`.
pub(super) async fn calm(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show_calm(&state, asked, StatusCode::OK, String::new()).await
}

async fn show_calm(state: &Arc<PageState>, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Calm"), links::ALERTS_CALM).with_refresh(SELDOM);
        let may_change = shell.has_role(Role::Editor);
        let (alerts, routed) = alerts(state);
        let (calm, done) = (state.routing.calm(), asked.param("done"));
        let input = CalmInput { calm, receivers: receivers(state), alerts, routed, done, problem, may_change };
        asked.page(status, list::render(&input, &shell))
    })
    .await
}

/// The page that lists rules of a kind, with what went wrong.
async fn show_home(state: &Arc<PageState>, asked: Asked, kind: CalmKind, error: &DispatchError) -> Result<Response, Problem> {
    let (status, problem) = (status_of(error), error.to_string());
    match kind {
        CalmKind::RecurringSilence => show_silences(state, asked, status, problem).await,
        CalmKind::Rota | CalmKind::Escalation => show_oncall(state, asked, status, problem).await,
        CalmKind::Dependency | CalmKind::Cap | CalmKind::Flapping => show_calm(state, asked, status, problem).await,
    }
}

/// `GET /alerts/calm/edit`: `kind`, `id`; with `draft` every field of the form as well.
pub(super) async fn edit(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let fields = Fields::from_form(asked.query().as_bytes());
    show_edit(&state, asked, fields, StatusCode::OK, String::new()).await
}

/// The form of a rule, with what is there and what it may choose from. Blocking.
fn input_of(state: &PageState, asked: &Asked, mut fields: Fields) -> EditInput {
    let existing = named(state, fields.get("id"));
    let kind = existing.as_ref().map(|named| named.rule.kind()).or_else(|| CalmKind::parse(fields.get("kind")));
    let is_filled = !fields.get("draft").is_empty();
    if !is_filled && existing.is_some() {
        fields = Fields::default();
    }
    let (alerts, routed) = alerts(state);
    EditInput {
        fields,
        is_filled,
        existing,
        receivers: receivers(state),
        people: people(state, asked),
        alerts,
        routed,
        ..EditInput::new(kind.unwrap_or(CalmKind::Dependency))
    }
}

async fn show_edit(state: &Arc<PageState>, asked: Asked, fields: Fields, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let mut input = input_of(state, &asked, fields);
        let title = match input.kind {
            CalmKind::RecurringSilence => key("Recurring silence"),
            CalmKind::Rota | CalmKind::Escalation => key("On-call"),
            CalmKind::Dependency | CalmKind::Cap | CalmKind::Flapping => key("Calm"),
        };
        let shell = shell_at(&asked, state, title, links::ALERTS_CALM_EDIT);
        input.may_change = shell.has_role(Role::Editor);
        input.problem = problem;
        input.open(state.clock.now_ms());
        asked.page(status, edit::render(&input, &shell))
    })
    .await
}

/// `POST /alerts/calm/save`: the fields of the form.
pub(super) async fn save(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let mut fields = Fields::from_form(&body);
    fields.set("draft", "1");
    let (given, asked) = {
        let fields = fields.clone();
        work(&state, move |state, _| (input_of(state, &asked, fields), asked)).await?
    };
    let rule = match given.read() {
        Ok(rule) => rule,
        Err(_) => return show_edit(&state, asked, fields, StatusCode::BAD_REQUEST, String::new()).await,
    };
    // One after the other, or of two who save at once neither would see the other.
    let one_at_a_time = state.standing_in.lock().await;
    let id = given.existing.as_ref().map(|named| named.id.as_str());
    if let Some(meanwhile) = id.and_then(|id| named(&state, id)).filter(|named| given.was_changed_meanwhile(named)) {
        drop(one_at_a_time);
        fields.set("changed", meanwhile.changed_at.to_string());
        let problem = edit::changed_meanwhile(&meanwhile.changed_by);
        return show_edit(&state, asked, fields, StatusCode::CONFLICT, problem).await;
    }
    let kept = state.routing.put_calm(id, rule, &asked.caller.actor()).await;
    drop(one_at_a_time);
    match kept {
        Ok((kept, before)) => Ok(saved(&kept, before.as_ref(), "calm-saved")),
        Err(error) => show_edit(&state, asked, fields, status_of(&error), error.to_string()).await,
    }
}

/// Back to the list, with a line in the audit log.
fn saved(kept: &Named, before: Option<&Named>, done: &str) -> Response {
    let kind = kept.rule.kind();
    let mut change = Change::new("alerts.calm.save", format!("{} {}", kind.as_str(), kept.id)).after(wire::write(&kept.rule));
    if let Some(before) = before {
        change = change.before(wire::write(&before.rule));
    }
    change.in_answer(Redirect::to(&links::with(home_of(kind), &[("done", done)])).into_response())
}

/// `POST /alerts/calm/delete`: `id`.
pub(super) async fn delete(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let id = field(&body, "id");
    let kind = named(&state, &id).map_or(CalmKind::Dependency, |named| named.rule.kind());
    match state.routing.delete_calm(&id).await {
        Ok(gone) => {
            let kind = gone.rule.kind();
            let change = Change::new("alerts.calm.delete", format!("{} {id}", kind.as_str())).before(wire::write(&gone.rule));
            Ok(change.in_answer(Redirect::to(&links::with(home_of(kind), &[("done", "calm-deleted")])).into_response()))
        }
        Err(error) => show_home(&state, asked, kind, &error).await,
    }
}

fn rota(state: &PageState, id: &str) -> Result<Rota, DispatchError> {
    named(state, id).and_then(|named| edit::rota_of(&named).cloned()).ok_or_else(|| DispatchError::NoRule(id.to_owned()))
}

/// `GET /alerts/oncall/stand-in`: `rota`, and the fields of the form.
pub(super) async fn stand_in_page(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let mut fields = Fields::from_form(asked.query().as_bytes());
    if let Some(me) = asked.caller.person() {
        fields.preset("person", &me.name);
    }
    match rota(&state, fields.get("rota")) {
        Ok(rota) => show_stand_in(&state, asked, rota, fields, Vec::new(), (StatusCode::OK, String::new())).await,
        Err(error) => show_oncall(&state, asked, status_of(&error), error.to_string()).await,
    }
}

async fn show_stand_in(
    state: &Arc<PageState>,
    asked: Asked,
    rota: Rota,
    fields: Fields,
    wrong: Wrong,
    (status, problem): (StatusCode, String),
) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("On-call"), links::ALERTS_STAND_IN);
        let id = fields.get("rota").to_owned();
        let (receivers, people, may_change) = (receivers(state), people(state, &asked), shell.has_role(Role::Editor));
        let input = StandInInput { id, rota, fields, wrong, problem, receivers, people, may_change };
        asked.page(status, stand_in::render(&input, &shell))
    })
    .await
}

/// `POST /alerts/oncall/take-over`: `rota`, `person`, `via`; `hours` from now, or `starts` and `ends`.
pub(super) async fn take_over(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let (fields, now) = (Fields::from_form(&body), state.clock.now_ms());
    // One after the other, or two who take over at once would undo each other.
    let one_at_a_time = state.standing_in.lock().await;
    let mut rota = match rota(&state, fields.get("rota")) {
        Ok(rota) => rota,
        Err(error) => return show_oncall(&state, asked, status_of(&error), error.to_string()).await,
    };
    let stand_in = match read_stand_in(&fields, &rota, &receivers(&state), now) {
        Ok(stand_in) => stand_in,
        Err(wrong) => return show_stand_in(&state, asked, rota, fields, wrong, (StatusCode::BAD_REQUEST, String::new())).await,
    };
    rota.overrides.retain(|known| known.ends_at > now.saturating_sub(REMEMBERED_MS));
    rota.overrides.push(stand_in);
    let put = state.routing.put_calm(Some(fields.get("rota")), CalmRule::Rota(rota.clone()), &asked.caller.actor()).await;
    drop(one_at_a_time);
    match put {
        Ok((kept, before)) => Ok(saved(&kept, before.as_ref(), "taken-over")),
        Err(error) => {
            let said = (status_of(&error), error.to_string());
            show_stand_in(&state, asked, rota, fields, Vec::new(), said).await
        }
    }
}

/// `POST /alerts/oncall/give-back`: `rota`, `person`, `starts`, `ends` of who stands in.
pub(super) async fn give_back(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let fields = Fields::from_form(&body);
    let one_at_a_time = state.standing_in.lock().await;
    let put = match rota(&state, fields.get("rota")) {
        Ok(mut rota) => {
            let (starts, ends) = (fields.get("starts").parse().ok(), fields.get("ends").parse().ok());
            rota.overrides.retain(|known| {
                !(known.member.person == fields.get("person") && Some(known.starts_at) == starts && Some(known.ends_at) == ends)
            });
            state.routing.put_calm(Some(fields.get("rota")), CalmRule::Rota(rota), &asked.caller.actor()).await
        }
        Err(error) => Err(error),
    };
    drop(one_at_a_time);
    match put {
        Ok((kept, before)) => Ok(saved(&kept, before.as_ref(), "given-back")),
        Err(error) => show_home(&state, asked, CalmKind::Rota, &error).await,
    }
}
