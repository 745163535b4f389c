//! Walks every route of the server as everybody: who may come in does, and nobody else.
//!
//! The router is the one that `pharos serve` serves, with everything around it, asked over a real connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use axum::routing::{get, post};
use http::{Method, StatusCode};
use reqwest::Response;
use reqwest::redirect;
use tokio::sync::Notify;

use super::configuration::Configuration;
use super::wiring::{Opened, Outset, ground, open};
use crate::access::{
    Access, AccessSettings, AuditFilter, AuthMode, Change, NewToken, Origin, Policy, Role, RouteInfo, Routes, SIGN_IN, Scope, identify,
};
use crate::base::clock::{SharedClock, SystemClock};
use crate::base::secret::Secret;
use crate::platform::config::flags::ServeFlags;
use crate::platform::db::Db;
use crate::platform::http::cors::Cors;
use crate::platform::http::server::{listen, serve};
use crate::ui::links;

const PASSWORD: &str = "correct horse battery";
const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];

/// What needs no sign-in. A route that is to stand here says nothing about data and changes nothing of the server.
const PUBLIC: [(&str, &str); 32] = [
    // Pages elsewhere load it.
    ("GET", links::VITALS_SCRIPT),
    // Browsers of strangers say how fast a page was.
    ("POST", "/api/metrics/web-vitals"),
    // Who knows the token of a heartbeat may beat.
    ("GET, POST, PUT", "/api/v1/heartbeats/{token}"),
    ("GET, POST, PUT", "/api/v1/heartbeats/{token}/{said}"),
    ("GET, POST, PUT", "/api/push/{token}"),
    ("GET", "/api/health"),
    ("GET", "/ready"),
    ("GET", "/-/healthy"),
    ("GET", "/-/ready"),
    ("GET", links::ASSETS),
    ("GET", links::OIDC_START),
    ("GET", links::OIDC_CALLBACK),
    ("GET, POST", links::SETUP),
    ("GET, POST", SIGN_IN),
    ("POST", links::LOOK),
    // What somebody shared on purpose, by an address that nobody guesses.
    ("GET", links::SHARED),
    ("POST", links::SHARED_PANELS),
    ("GET", links::KPI_SHARED),
    // What customers see, and how they follow it.
    ("GET", links::STATUS_PAGE),
    ("GET", links::STATUS_HISTORY),
    ("POST", links::STATUS_UNLOCK),
    ("GET", links::STATUS_LOGO),
    ("GET", links::STATUS_ROBOTS),
    ("GET", links::STATUS_FEED),
    ("GET", links::STATUS_RSS),
    ("GET", links::STATUS_JSON),
    ("GET", links::STATUS_CALENDAR),
    ("GET", links::STATUS_BADGE),
    ("GET", links::CHECK_BADGE),
    ("GET, POST", links::STATUS_FOLLOW),
    ("GET, POST", links::STATUS_CONFIRM),
    ("GET, POST", links::STATUS_UNFOLLOW),
];

/// Routes that keep nothing of what is sent, though they take forms or dashboards.
const KEEPS_NOTHING: [&str; 6] =
    [links::PROFILE_TOTP_BEGIN, links::BOARD_CHECK, links::UPTIME_TRY, links::UPTIME_STATUS_PREVIEW, links::SLOS_LOOK, links::KPI_LOOK];

/// A server with somebody of each kind.
struct House {
    address: SocketAddr,
    table: Vec<RouteInfo>,
    access: Arc<Access>,
    client: reqwest::Client,
    admin_id: i64,
    callers: Vec<Who>,
    _folder: tempfile::TempDir,
}

/// Somebody who asks.
#[derive(Debug, Clone)]
enum Who {
    Nobody,
    /// Nobody, who waits for a page.
    Visitor,
    BadToken,
    Person(Role, i64, String),
    Token(Scope, String),
}

fn here() -> Origin {
    Origin { address: IpAddr::from([127, 0, 0, 1]), agent: "test".to_owned() }
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: SharedClock = Arc::new(SystemClock::new());
        let flags = ServeFlags::default()
            .with("storage.path", folder.path().to_str().unwrap())
            .with("host.enabled", "false")
            .with("server.own_metrics", "false")
            .with("server.admin_api", "true")
            .with("server.lifecycle", "true")
            .with("auth.mode", "on");
        let configuration = Configuration::open(flags, Arc::clone(&clock)).unwrap();
        let settings = configuration.resolved().settings;
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let ground = ground(&settings, address, &clock).unwrap();
        let outset =
            Outset { configuration: &configuration, settings: &settings, address, clock: &clock, progress: Arc::default(), release: || {} };
        let Opened { router, table, access, watch, .. } = open(outset, &ground).await.unwrap();
        drop(watch);
        tokio::spawn(serve(listener, router, axum_server::Handle::new(), ground.intake));
        let (callers, admin_id) = everybody(&access).await;
        let client = reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { address, table, access, client, admin_id, callers, _folder: folder }
    }

    async fn ask(&self, who: &Who, method: &Method, path: &str, more: &[(&str, &str)]) -> Response {
        let mut request = self.client.request(method.clone(), format!("http://{}{path}", self.address));
        request = match who {
            Who::Nobody => request,
            Who::Visitor => request.header("accept", "text/html,*/*;q=0.8"),
            Who::BadToken => request.bearer_auth("pht_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            Who::Person(_, id, cookie) => {
                // Signing out ends the session, so it gets one of its own.
                let cookie = if path == links::SIGN_OUT { self.session(*id).await } else { cookie.clone() };
                request.header("cookie", format!("pharos={cookie}"))
            }
            Who::Token(_, token) => request.bearer_auth(token),
        };
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.header("content-type", "application/x-www-form-urlencoded").body("").send().await.unwrap()
    }

    fn newest_line(&self) -> Option<i64> {
        self.access.audit(&AuditFilter { limit: 1, ..AuditFilter::default() }).unwrap().first().map(|line| line.id)
    }

    async fn session(&self, user_id: i64) -> String {
        self.access.begin_session(user_id, &here()).await.unwrap().expose().to_owned()
    }
}

async fn everybody(access: &Access) -> (Vec<Who>, i64) {
    let code = access.begin_setup().unwrap().unwrap();
    let cookie = access.set_up(code.expose(), "admin", Secret::new(PASSWORD), &here()).await.unwrap();
    let admin_id = access.users().unwrap()[0].id;
    let mut callers = vec![Who::Nobody, Who::Visitor, Who::BadToken, Who::Person(Role::Admin, admin_id, cookie.expose().to_owned())];
    for role in [Role::Viewer, Role::Editor] {
        let user = access.create_user("admin", role.as_str(), "", role, Some(Secret::new(PASSWORD)), &here()).await.unwrap();
        let cookie = access.begin_session(user.id, &here()).await.unwrap();
        callers.push(Who::Person(role, user.id, cookie.expose().to_owned()));
    }
    for scope in Scope::ALL {
        let new = NewToken { name: scope.to_string(), scopes: vec![scope], expires_ms: None, rate_max: None };
        let (_, secret) = access.create_token("admin", new, &here()).await.unwrap();
        callers.push(Who::Token(scope, secret.expose().to_owned()));
    }
    (callers, admin_id)
}

/// Who is to come in, said once more and in other words than the gate's.
fn is_welcome(who: &Who, policy: Policy) -> bool {
    match (policy, who) {
        (Policy::Public, _) => true,
        (_, Who::Nobody | Who::Visitor | Who::BadToken) => false,
        (Policy::Person(_), Who::Token(..)) => false,
        (Policy::Needs(least, _) | Policy::Person(least), Who::Person(role, ..)) => match least {
            Role::Viewer => true,
            Role::Editor => *role == Role::Editor || *role == Role::Admin,
            Role::Admin => *role == Role::Admin,
        },
        (Policy::Needs(_, Scope::Read), Who::Token(scope, _)) => matches!(scope, Scope::Read | Scope::Edit | Scope::Admin),
        (Policy::Needs(_, Scope::EventsWrite), Who::Token(scope, _)) => matches!(scope, Scope::EventsWrite | Scope::Edit | Scope::Admin),
        (Policy::Needs(_, needed), Who::Token(scope, _)) => *scope == needed || *scope == Scope::Admin,
    }
}

/// A path of the pattern. What it names does not exist.
fn example(pattern: &str) -> String {
    pattern.split('/').map(|part| if part.starts_with('{') { "999999" } else { part }).collect::<Vec<_>>().join("/")
}

fn answers(info: &RouteInfo, method: &Method) -> bool {
    let asked = if *method == Method::HEAD { "GET" } else { method.as_str() };
    info.methods.split(", ").any(|known| known == asked)
}

/// Whether another line of the table, with a policy of its own, answers this method on the same path.
fn is_anothers(table: &[RouteInfo], info: &RouteInfo, method: &Method) -> bool {
    !answers(info, method) && table.iter().any(|other| other.path == info.path && answers(other, method))
}

/// Whether a good answer means that something of the server was changed. Sending data is none of that.
fn is_change(info: &RouteInfo, method: &Method) -> bool {
    let is_data =
        matches!(info.policy, Policy::Public | Policy::Needs(_, Scope::Read | Scope::MetricsWrite | Scope::LogsWrite | Scope::EventsWrite));
    !method.is_safe() && !is_data && !KEEPS_NOTHING.contains(&info.path)
}

/// What is wrong with an answer, if anything.
fn mistake(who: &Who, info: &RouteInfo, method: &Method, answer: &Response) -> Option<String> {
    let (status, location) = (answer.status(), answer.headers().get("location").map(|to| to.to_str().unwrap_or("?")).unwrap_or(""));
    let is_page_visit = matches!(who, Who::Visitor) && matches!(*method, Method::GET);
    let is_right = if status.is_server_error() {
        false
    } else if !answers(info, method) {
        !status.is_success() && (!status.is_redirection() || (is_page_visit && location.starts_with("/login?next=")))
    } else if is_welcome(who, info.policy) {
        let turned_away = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED].contains(&status);
        // Sources of dashboards are built in, and Grafana's clients know the word for it.
        let is_read_only = info.path.starts_with("/api/datasources") && status == StatusCode::FORBIDDEN;
        // A form with nothing in it is a wrong password.
        !turned_away || is_read_only || (info.path == SIGN_IN && *method == Method::POST && status == StatusCode::UNAUTHORIZED)
    } else if is_page_visit {
        status == StatusCode::SEE_OTHER && location.starts_with("/login?next=")
    } else if matches!(who, Who::Nobody | Who::Visitor | Who::BadToken) {
        status == StatusCode::UNAUTHORIZED
    } else {
        status == StatusCode::FORBIDDEN
    };
    (!is_right).then(|| format!("{who:?}: {method} {} answers {status} {location}, its policy is {:?}", info.path, info.policy))
}

/// What programs change has a description that other programs can read.
const DESCRIBED: [&str; 12] = [
    "/api/v1/catalogue",
    "/api/v1/checks",
    "/api/v1/incidents",
    "/api/v1/maintenance",
    "/api/v1/heartbeats",
    "/api/v1/status-pages",
    "/api/v1/reports",
    "/api/v1/kpis",
    "/api/v1/funnels",
    "/api/v1/retentions",
    "/api/v1/digests",
    "/api/v1/slos",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_lets_in_who_may_and_nobody_else() {
    let house = House::open().await;
    let (mut wrong, mut asked, mut let_in, mut changes) = (Vec::new(), 0, 0, 0);
    for info in &house.table {
        for method in METHODS.iter().filter(|method| !is_anothers(&house.table, info, method)) {
            for who in &house.callers {
                let noted = house.newest_line();
                let mut answer = house.ask(who, method, &example(info.path), &[]).await;
                // There is one backup at a time, and one that nobody read to its end may still be under way.
                for _ in 0..1000 {
                    if info.path != links::BACKUP_API || answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                        break;
                    }
                    answer = house.ask(who, method, &example(info.path), &[]).await;
                }
                asked += 1;
                let_in += usize::from(answer.status().is_success());
                wrong.extend(mistake(who, info, method, &answer));
                if is_change(info, method)
                    && (answer.status().is_success() || answer.status().is_redirection())
                    && is_welcome(who, info.policy)
                {
                    changes += 1;
                    if house.newest_line() == noted {
                        wrong.push(format!("{who:?}: {method} {} leaves no line in the audit log", info.path));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(house.table.len() > 60 && asked > 4000 && let_in > 300, "{} routes, {asked} asked, {let_in} let in", house.table.len());
    assert!(changes > 15, "{changes} changes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_others_change_nothing_whatever_the_route() {
    let house = House::open().await;
    let admin = Who::Person(Role::Admin, house.admin_id, house.session(house.admin_id).await);
    let forged: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    let lines = |house: &House| house.access.audit(&AuditFilter { limit: 1000, ..AuditFilter::default() }).unwrap().len();
    let (before, mut tried) = (lines(&house), 0);
    for info in &house.table {
        for method in METHODS.iter().filter(|method| !method.is_safe() && answers(info, method)) {
            let path = example(info.path);
            if Cors::only_reads(method, &path) {
                continue;
            }
            for headers in forged {
                let answer = house.ask(&admin, method, &path, headers).await;
                tried += 1;
                assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} {path} {headers:?}");
                assert!(answer.text().await.unwrap().contains("other web pages may not change anything"), "{method} {path}");
            }
        }
    }
    assert!(tried > 100, "{tried}");
    assert_eq!(lines(&house), before, "nothing was changed");
}

#[tokio::test]
async fn only_known_routes_are_public_and_what_changes_is_guarded() {
    let house = House::open().await;
    let mut public: Vec<(&str, &str)> =
        house.table.iter().filter(|info| info.policy == Policy::Public).map(|info| (info.methods, info.path)).collect();
    public.sort_unstable_by_key(|(_, path)| *path);
    let mut known = PUBLIC;
    known.sort_unstable_by_key(|(_, path)| *path);
    assert_eq!(public, known);
    for info in &house.table {
        let administers = info.path.starts_with("/api/v1/admin/")
            || ["/-/reload", "/-/quit", "/api/v1/tokens", "/api/v1/users", "/api/v1/audit"].iter().any(|path| info.path.starts_with(path))
            || (info.path.starts_with("/settings/") && !info.path.starts_with(links::PROFILE));
        if info.path.starts_with(links::CONNECT) {
            assert_eq!(info.policy, Policy::MAKE_TOKENS, "{}", info.path);
        } else if administers {
            assert_eq!(info.policy, Policy::ADMIN, "{}", info.path);
        }
        for method in METHODS.iter().filter(|method| answers(info, method)) {
            let times = house.table.iter().filter(|other| other.path == info.path && answers(other, method)).count();
            assert_eq!(times, 1, "{method} {}", info.path);
        }
    }
}

/// Whoever hangs up at once does not change things unseen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_written_down_though_its_client_is_gone() {
    /// Tells when the handler is given up.
    struct GivenUp(Arc<Notify>);
    impl Drop for GivenUp {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let db = Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap());
    let day = Duration::from_secs(86_400);
    let settings = AccessSettings { mode: AuthMode::Off, session_idle: day, session_age: day, outside_session_age: day, audit_keep: day };
    let access = Access::open(db, Arc::new(SystemClock::new()), settings).unwrap();
    let (begun, go_on, given_up) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (begun, go_on, given_up) = (Arc::clone(&begun), Arc::clone(&go_on), Arc::clone(&given_up));
        move || async move {
            let guard = GivenUp(given_up);
            begun.notify_one();
            go_on.notified().await;
            std::mem::forget(guard);
            Change::new("test.change", "x").in_answer(StatusCode::OK.into_response())
        }
    };
    let router = Routes::new().route("POST", "/change", Policy::ADMIN, post(handler)).into_router();
    let router = router.layer(axum::middleware::from_fn_with_state(Arc::clone(&access), identify));
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).into_future());
    let asking = tokio::spawn(reqwest::Client::new().post(format!("http://{address}/change")).send());
    begun.notified().await;
    asking.abort();
    let was_given_up = tokio::time::timeout(Duration::from_millis(500), given_up.notified()).await.is_ok();
    assert!(!was_given_up, "the handler ended with its client");
    go_on.notify_one();
    let noted = async {
        while access.audit(&AuditFilter { limit: 1, ..AuditFilter::default() }).unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), noted).await.expect("a line in the audit log");
}

/// A server wired without the layer that finds out who asks is shut, not open.
#[tokio::test]
async fn a_route_without_identification_lets_nobody_in() {
    let routes = Routes::new().route("GET", "/secret", Policy::READ, get(async || "secret")).route(
        "GET",
        "/public",
        Policy::Public,
        get(async || "public"),
    );
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(axum::serve(listener, routes.into_router()).into_future());
    let status = async |path: &str| reqwest::get(format!("http://{address}{path}")).await.unwrap().status().as_u16();
    assert_eq!((status("/secret").await, status("/public").await, status("/other").await), (401, 200, 404));
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_of_our_own_are_described() {
    let house = House::open().await;
    let silent: Vec<&RouteInfo> =
        house.table.iter().filter(|route| DESCRIBED.iter().any(|path| route.path.starts_with(path)) && route.operation.is_none()).collect();
    assert!(silent.is_empty(), "{silent:#?}");
}
