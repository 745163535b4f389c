//! The routes of pages: takes what a page needs from the rooms, hands it to the page.

mod calm;
mod care;
mod edit;
mod forms;
mod incident;
mod past;
mod spark;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use http::StatusCode;
use parking_lot::Mutex;

use self::spark::Sparks;
use super::load::ReadQuery;
use super::send::Sender;
use crate::access::{Policy, Role, Routes};
use crate::alerts::dispatch::Routing;
use crate::alerts::evaluate::Groups;
use crate::alerts::model::{Kind, State as AlertState};
use crate::alerts::pages::care::people;
use crate::alerts::pages::channels::{self, ChannelsInput, Tested};
use crate::alerts::pages::history::{self, HistoryInput};
use crate::alerts::pages::known::{self, Known};
use crate::alerts::pages::now::{self, NowInput};
use crate::alerts::pages::routing::{self, RoutingInput};
use crate::alerts::pages::rule::{self, RuleInput};
use crate::alerts::pages::rules::{self, RulesInput};
use crate::alerts::pages::silence::{self, Draft, SilenceInput};
use crate::alerts::pages::silences::{self, SilencesInput};
use crate::alerts::replay::Desk;
use crate::alerts::rules::own::OwnRules;
use crate::base::clock::SharedClock;
use crate::base::time::TimeRange;
use crate::platform::http::problem::Problem;
use crate::platform::work::WorkPool;
use crate::series::labels::Labels;
use crate::series::ports::{Costs, Evaluate, Happenings, Lines};
use crate::ui::asked::{Asked, Pages, shell_at, work};
use crate::ui::lang::key;
use crate::ui::nav::Page;
use crate::ui::shell::{Counts, Shell};
use crate::ui::{links, problem};

/// Pages made at once.
const PLACES: usize = 3;
/// How long a page may take to be made.
const WITHIN: Duration = Duration::from_secs(15);
/// How long a count of alerts is good enough for the navigation.
const COUNT_EVERY: Duration = Duration::from_secs(3);
/// How often lists refresh, and pages that ask for the past.
const OFTEN: &str = "10s";
const SELDOM: &str = "30s";

/// What happened beside alerts, as others tell it.
#[derive(Clone)]
pub struct Beside {
    /// Lines of logs.
    pub lines: Arc<dyn Lines>,
    /// What was marked in time.
    pub happenings: Arc<dyn Happenings>,
}

/// What the pages work with.
pub(super) struct PageState {
    pub(super) groups: Arc<dyn Groups>,
    pub(super) routing: Arc<dyn Routing>,
    pub(super) metrics: Arc<dyn Evaluate>,
    pub(super) logs: Arc<dyn Evaluate>,
    pub(super) clock: SharedClock,
    pub(super) own: Arc<dyn OwnRules>,
    pub(super) desk: Arc<Desk>,
    pub(super) read_query: ReadQuery,
    sender: Arc<Sender>,
    beside: Beside,
    /// Says what a range of time cost, where somebody can.
    pub(super) costs: OnceLock<Arc<dyn Costs>>,
    /// Names of those who sign in, where somebody knows them.
    pub(super) people: OnceLock<People>,
    standing_in: tokio::sync::Mutex<()>,
    work: WorkPool,
    sparks: Sparks,
    counts: Mutex<(Duration, Counts)>,
}

/// Names of those who sign in. Blocking.
pub type People = Box<dyn Fn() -> Vec<String> + Send + Sync>;

impl PageState {
    pub(super) fn new(
        groups: Arc<dyn Groups>,
        routing: Arc<dyn Routing>,
        metrics: Arc<dyn Evaluate>,
        logs: Arc<dyn Evaluate>,
        clock: SharedClock,
        (own, desk, read_query): (Arc<dyn OwnRules>, Arc<Desk>, ReadQuery),
        (sender, beside): (Arc<Sender>, Beside),
    ) -> Arc<Self> {
        Arc::new(Self {
            groups,
            routing,
            metrics,
            logs,
            clock,
            own,
            desk,
            read_query,
            sender,
            beside,
            costs: OnceLock::new(),
            people: OnceLock::new(),
            standing_in: tokio::sync::Mutex::new(()),
            work: WorkPool::new(PLACES),
            sparks: Sparks::new(),
            counts: Mutex::default(),
        })
    }

    /// Alerts that fire and are told, counted anew every few seconds: every page of the server shows it.
    pub(super) fn counts(&self) -> Counts {
        let now = self.clock.monotonic();
        let mut known = self.counts.lock();
        if known.0.is_zero() || now.saturating_sub(known.0) >= COUNT_EVERY {
            *known = (now.max(Duration::from_nanos(1)), known::counts(&self.routing.alerts()));
        }
        known.1.clone()
    }

    /// Every alert that fires or is about to.
    pub(super) fn known(&self) -> Vec<Known> {
        known::all(self.groups.as_ref(), self.routing.alerts(), &|labels| self.as_routed(labels))
    }

    /// The labels of an own alert as they are routed; none if the rules for labels drop it.
    fn as_routed(&self, labels: &Labels) -> Option<Labels> {
        self.sender.as_routed(labels, &self.groups.setting().external_labels)
    }
}

/// Every page with who may look at it.
pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let with = |handler: MethodRouter<Arc<PageState>>| handler.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", links::ALERTS, Policy::READ, with(get(now_route)))
        .route("POST", links::ALERTS_CARE, Policy::EDIT, with(post(care::route)))
        .route("GET", links::ALERTS_RULES, Policy::READ, with(get(rules_route)))
        .route("GET", links::ALERTS_EDIT, Policy::READ, with(get(edit::page)))
        .route("POST", links::ALERTS_EDIT_TRY, Policy::READ, with(post(edit::attempt)))
        .route("POST", links::ALERTS_EDIT_SAVE, Policy::EDIT, with(post(edit::save)))
        .route("POST", links::ALERTS_EDIT_DELETE, Policy::EDIT, with(post(edit::delete)))
        .route("GET", links::ALERTS_RULE, Policy::READ, with(get(rule_route)))
        .route("GET", links::ALERTS_SILENCES, Policy::READ, with(get(silences_route)))
        .route("GET", links::ALERTS_SILENCE, Policy::READ, with(get(silence_route)))
        .route("POST", links::ALERTS_SILENCE_SAVE, Policy::EDIT, with(post(forms::save_silence)))
        .route("POST", links::ALERTS_SILENCE_EXPIRE, Policy::EDIT, with(post(forms::expire_silence)))
        .route("GET", links::ALERTS_ONCALL, Policy::READ, with(get(calm::oncall)))
        .route("GET", links::ALERTS_STAND_IN, Policy::READ, with(get(calm::stand_in_page)))
        .route("POST", links::ALERTS_TAKE_OVER, Policy::EDIT, with(post(calm::take_over)))
        .route("POST", links::ALERTS_GIVE_BACK, Policy::EDIT, with(post(calm::give_back)))
        .route("GET", links::ALERTS_CALM, Policy::READ, with(get(calm::calm)))
        .route("GET", links::ALERTS_CALM_EDIT, Policy::READ, with(get(calm::edit)))
        .route("POST", links::ALERTS_CALM_SAVE, Policy::EDIT, with(post(calm::save)))
        .route("POST", links::ALERTS_CALM_DELETE, Policy::EDIT, with(post(calm::delete)))
        .route("GET", links::ALERTS_ROUTING, Policy::READ, with(get(routing_route)))
        .route("GET", links::ALERTS_CHANNELS, Policy::READ, with(get(channels_route)))
        .route("POST", links::ALERTS_CHANNEL_TEST, Policy::EDIT, with(post(forms::send_test)))
        .route("GET", links::ALERTS_HISTORY, Policy::READ, with(get(history_route)))
        .route("GET", links::ALERTS_GROUP, Policy::READ, with(get(group_route)))
        .route("GET", links::ALERTS_SPARK, Policy::READ, with(get(spark::route)))
}

impl Pages for PageState {
    const PLACE: Page = Page::Alerts;

    fn pool(&self) -> (&WorkPool, Duration) {
        (&self.work, WITHIN)
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}

fn shell_of(asked: &Asked, state: &PageState, title: &str) -> Shell {
    shell_at(asked, state, title, asked.uri.path())
}

/// The range of a page, or the last hours if it cannot be read; and what is wrong with it.
fn range_of(shell: &Shell) -> (TimeRange, String) {
    let resolved = shell.range.as_ref().map(|control| control.range.resolve(shell.now_ms));
    match resolved {
        Some(Ok(range)) => (range, String::new()),
        Some(Err(why)) => (TimeRange::new(shell.now_ms.saturating_sub(6 * 3_600_000), shell.now_ms), why),
        None => (TimeRange::new(shell.now_ms.saturating_sub(6 * 3_600_000), shell.now_ms), String::new()),
    }
}

fn status_of(problem: &str) -> StatusCode {
    if problem.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST }
}

async fn now_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show_now(&state, asked, StatusCode::OK, String::new()).await
}

async fn show_now(state: &Arc<PageState>, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Alerts"), links::ALERTS).with_refresh(OFTEN);
        let groups = state.groups.groups();
        let rules = groups.iter().flat_map(|group| &group.rules).filter(|rule| matches!(rule.prepared.rule.kind, Kind::Alerting(_)));
        let (mut all, mut quiet) = (0, 0);
        for rule in rules {
            all += 1;
            quiet += usize::from(rule.alerts.lock().state() == AlertState::Inactive);
        }
        let in_force = state.routing.in_force();
        let alerts = state.known();
        let me = asked.caller.actor();
        let input = NowInput {
            people: people(&state.routing.calm(), &alerts, &me),
            me,
            may_change: shell.has_role(Role::Editor),
            done: asked.param("done"),
            problem,
            alerts,
            groups: state.routing.groups(),
            silences: state.routing.silences(),
            rules: all,
            quiet,
            has_receivers: in_force.config.receivers.iter().any(|receiver| !receiver.integrations().is_empty()),
            filter: now::Filter::from_query(asked.query()),
        };
        let status = if status == StatusCode::OK && input.filter.has_mistake() { StatusCode::BAD_REQUEST } else { status };
        asked.page(status, now::render(&input, &shell))
    })
    .await
}

async fn rules_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, _| {
        let shell = shell_of(&asked, state, key("Rules")).with_refresh(OFTEN);
        let input = RulesInput { groups: state.groups.groups(), filter: rules::Filter::from_query(asked.query()) };
        asked.page(StatusCode::OK, rules::render(&input, &shell))
    })
    .await
}

async fn rule_route(State(state): State<Arc<PageState>>, Path(id): Path<String>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, cancel| {
        let shell = shell_of(&asked, state, key("Rule")).with_range("now-6h").with_refresh(SELDOM);
        let (range, wrong) = range_of(&shell);
        let Some(mut input) = RuleInput::find(&state.groups.groups(), &id, range) else {
            let (headline, text) = (shell.t("There is no such rule"), shell.t("It was changed or removed. The list has those of now."));
            return asked.page(StatusCode::NOT_FOUND, problem::problem(&shell, 404, headline, text, &id));
        };
        match past::spells(state, &past::named(input.name()), range, cancel) {
            Ok(spells) => input.spells = spells,
            Err(why) => input.problem = why,
        }
        if !wrong.is_empty() {
            input.problem.clone_from(&wrong);
        }
        asked.page(status_of(&wrong), rule::render(&input, &shell))
    })
    .await
}

async fn silences_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show_silences(&state, asked, StatusCode::OK, String::new()).await
}

async fn show_silences(state: &Arc<PageState>, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Silences"), links::ALERTS_SILENCES).with_refresh(SELDOM);
        let may_change = shell.has_role(Role::Editor);
        let (silences, calm) = (state.routing.silences(), state.routing.calm());
        let input = SilencesInput { silences, alerts: state.known(), calm, done: asked.param("done"), problem, may_change };
        asked.page(status, silences::render(&input, &shell))
    })
    .await
}

async fn silence_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let draft = Draft::from_form(asked.query().as_bytes());
    show_silence(&state, asked, draft, StatusCode::OK, String::new()).await
}

async fn show_silence(
    state: &Arc<PageState>,
    asked: Asked,
    mut draft: Draft,
    status: StatusCode,
    problem: String,
) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Silence"), links::ALERTS_SILENCE);
        let existing = state.routing.silences().into_iter().find(|silence| !draft.id.is_empty() && silence.id == draft.id);
        // Opened by its name alone: the fields are those of the silence.
        if let Some(silence) = existing.as_ref().filter(|_| draft.matchers.is_empty()) {
            draft = Draft::of(silence);
        }
        let may_change = shell.has_role(Role::Editor);
        let input = SilenceInput { draft, existing, alerts: state.known(), problem, may_change };
        asked.page(status, silence::render(&input, &shell))
    })
    .await
}

async fn routing_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, _| {
        let shell = shell_of(&asked, state, key("Routing"));
        let input = RoutingInput {
            in_force: state.routing.in_force(),
            silences: state.routing.silences(),
            alerts: state.routing.alerts().into_iter().map(|view| view.alert).collect(),
            known: state.known(),
        };
        asked.page(StatusCode::OK, routing::render(&input, &shell))
    })
    .await
}

async fn channels_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show_channels(&state, asked, StatusCode::OK, None, String::new()).await
}

async fn show_channels(
    state: &Arc<PageState>,
    asked: Asked,
    status: StatusCode,
    tested: Option<Tested>,
    problem: String,
) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let mut shell = shell_at(&asked, state, key("Channels"), links::ALERTS_CHANNELS);
        // The answer of a test stays until the page is left.
        if tested.is_none() {
            shell = shell.with_refresh(SELDOM);
        }
        let may_test = shell.has_role(Role::Editor);
        let input = ChannelsInput { in_force: state.routing.in_force(), states: state.routing.channels(), tested, problem, may_test };
        asked.page(status, channels::render(&input, &shell))
    })
    .await
}

async fn history_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let shell = shell_of(&asked, &state, key("History")).with_range("now-24h").with_refresh(SELDOM);
    let (range, wrong) = range_of(&shell);
    let (from, to, limit) = (range.start, range.end, history::CHANGES_MAX);
    let wanted = crate::alerts::dispatch::Asked { from, to, fingerprint: None, is_of_others: false, limit };
    let (told, changed) = (state.routing.tellings(history::TELLINGS_MAX).await, state.routing.changes(wanted).await);
    let others = past::spells_of_others(&state, range).await;
    work(&state, move |state, cancel| {
        let (tellings, tellings_problem) = past::known_or_why(told);
        let found = if wrong.is_empty() { past::spells(state, "", range, cancel) } else { Err(wrong.clone()) };
        let (spells, problem) = found.map_or_else(|why| (Vec::new(), why), |spells| (spells, String::new()));
        let spells = past::joined(spells, others);
        let changes = changed.unwrap_or_else(|error| {
            tracing::warn!(%error, "how alerts changed is not known");
            Vec::new()
        });
        let input = HistoryInput { range, spells, problem, changes, tellings, tellings_problem };
        asked.page(status_of(&wrong), history::render(&input, &shell))
    })
    .await
}

async fn group_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show_group(&state, asked, StatusCode::OK, String::new()).await
}

async fn show_group(state: &Arc<PageState>, asked: Asked, status: StatusCode, refused: String) -> Result<Response, Problem> {
    incident::show(state, asked, status, refused).await
}
