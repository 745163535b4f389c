//! How people follow a status page: visitors by mail, programs by webhooks that editors add; and who tells them.
//!
//! A visitor is answered alike whether their address follows the page already or not, so that nobody learns who does.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, StatusCode};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::lists::{LOST, show_list};
use super::lock::may_see;
use super::own_hosts::home_of;
use super::public::lost;
use super::{PageState, shell_at, work};
use crate::access::{Change, Origin};
use crate::base::addresses::addresses;
use crate::base::time::format_rfc3339;
use crate::platform::db::DbError;
use crate::platform::http::client::{ClientSettings, HttpClient, Request as Call};
use crate::platform::http::envelope::{ApiError, ErrorKind, success};
use crate::platform::http::extract::read_body;
use crate::platform::http::problem::Problem;
use crate::series::ports::{Mail, SendMail};
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page::respond_shared;
use crate::uptime::pages::follow::{self, Letter, NO_ADDRESS, Step, TOO_OFTEN};
use crate::uptime::pages::status::followers::{self, FollowersInput, MailLacks};
use crate::uptime::pages::status::place::Place;
use crate::uptime::status::keeper::Known;
use crate::uptime::status::page::{StatusPage, read_one};
use crate::uptime::status::telling::{self, MAIL, Messenger, WEBHOOK};
use crate::uptime::store::{Added, Follower, Telling};

/// Bytes of a form, and of a body of the API.
const FORM_BYTES_MAX: usize = 4 * 1024;
/// Letters of an address of a webhook.
const URL_CHARS_MAX: usize = 2_000;
/// How long a webhook may take.
const WEBHOOK_WITHIN: Duration = Duration::from_secs(10);
/// How long a letter may take to be handed over.
const MAIL_WITHIN: Duration = Duration::from_secs(60);
/// What programs know a call by that comes a second time.
const CALL_ID: HeaderName = HeaderName::from_static("idempotency-key");

fn failed(error: DbError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(5)
}

impl PageState {
    /// Who sends letters, if anybody does.
    fn post(&self) -> Option<&Arc<dyn SendMail>> {
        self.mail.get().filter(|mail| mail.is_set())
    }

    /// Who sends letters about a page. Links in them need an address at which people reach the page.
    fn letters(&self, page: &StatusPage) -> Option<&Arc<dyn SendMail>> {
        self.post().filter(|_| !(self.external_url.is_empty() && page.hosts.is_empty()))
    }

    /// What letters about a page, or a new one, need that is not set.
    pub(super) fn mail_lacks(&self, page: Option<&StatusPage>) -> MailLacks {
        let has_own = page.is_some_and(|page| !page.hosts.is_empty());
        MailLacks { server: self.post().is_none(), address: self.external_url.is_empty() && !has_own }
    }

    pub(super) fn published(&self, slug: &str) -> Option<Known> {
        self.keeper.page(slug).filter(|known| known.page.published)
    }

    /// A link in a letter.
    fn link(&self, pattern: &str, page: &StatusPage, secret: &str) -> String {
        links::with(&Place::of(page, &self.external_url).below(pattern), &[("secret", secret)])
    }
}

pub(super) fn answer(of: &StatusPage, step: &Step, problem: &'static str, status: StatusCode, asked: &Asked) -> Response {
    respond_shared(status, follow::render(of, &home_of(of, asked), step, problem, &asked.nonce), &asked.nonce, "'none'")
}

/// `GET /status/{slug}/subscribe`.
pub(super) async fn page(State(state): State<Arc<PageState>>, Path(slug): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let known = state.published(&slug).ok_or_else(lost)?;
    if !may_see(&known.page, &asked.headers) {
        return Ok(Redirect::to(&home_of(&known.page, &asked)).into_response());
    }
    let step = if state.letters(&known.page).is_some() { Step::Ask(String::new()) } else { Step::NoMail };
    Ok(answer(&known.page, &step, "", StatusCode::OK, &asked))
}

pub(super) fn field(form: &[u8], name: &str) -> String {
    form_urlencoded::parse(form).find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// The form, and where it came from.
pub(super) async fn form_of(request: Request<Body>) -> Result<(axum::body::Bytes, Option<Origin>), Problem> {
    let (parts, body) = request.into_parts();
    Ok((read_body(body, FORM_BYTES_MAX).await?, parts.extensions.get::<Origin>().cloned()))
}

/// `POST /status/{slug}/subscribe`: `address`. `website` is a trap: people do not see it.
pub(super) async fn ask(
    State(state): State<Arc<PageState>>,
    Path(slug): Path<String>,
    asked: Asked,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let known = state.visible(&slug, &asked.headers)?;
    let (form, origin) = form_of(request).await?;
    let Some(mail) = state.letters(&known.page).cloned() else { return Ok(answer(&known.page, &Step::NoMail, "", StatusCode::OK, &asked)) };
    let written = field(&form, "address");
    let Some(address) = addresses(&written).ok().and_then(|all| <[String; 1]>::try_from(all).ok()) else {
        return Ok(answer(&known.page, &Step::Ask(written), NO_ADDRESS, StatusCode::BAD_REQUEST, &asked));
    };
    let [address] = address;
    if !field(&form, "website").is_empty() {
        return Ok(answer(&known.page, &Step::Asked, "", StatusCode::OK, &asked));
    }
    let from = origin.map_or(IpAddr::from([0, 0, 0, 0]), |origin| origin.address);
    if !state.limits.allow(from, (known.id, &address), state.clock.monotonic()) {
        return Ok(answer(&known.page, &Step::Ask(written), TOO_OFTEN, StatusCode::TOO_MANY_REQUESTS, &asked));
    }
    let secret = secret()?;
    let new = Follower { page: known.id, way: MAIL.to_owned(), address, secret, made_at: state.clock.now_ms(), ..Follower::default() };
    let added = state.readers.add_follower(new).await.map_err(failed)?;
    if let Added::New(follower) | Added::Known(follower) = added
        && follower.confirmed_at.is_none()
    {
        let letter = follow::ask(&known.page, &state.link(links::STATUS_CONFIRM, &known.page, &follower.secret));
        // Beside the answer, which takes as long whoever asked.
        tokio::spawn(async move {
            if let Err(problem) = send(mail.as_ref(), &follower.address, letter, Vec::new()).await {
                tracing::warn!(%problem, "a letter that asks whether somebody follows a status page was not sent");
            }
        });
    }
    Ok(answer(&known.page, &Step::Asked, "", StatusCode::OK, &asked))
}

fn secret() -> Result<String, Problem> {
    use base64::Engine as _;

    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes)
        .map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("there is no randomness: {error}")))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

async fn send(mail: &dyn SendMail, to: &str, letter: Letter, headers: Vec<(String, String)>) -> Result<(), String> {
    let Letter { subject, text } = letter;
    let mail = mail.send(Mail { to: vec![to.to_owned()], subject, text, headers, ..Mail::default() });
    tokio::time::timeout(MAIL_WITHIN, mail).await.unwrap_or_else(|_| Err("the mail server took too long".to_owned()))
}

/// The page, if somebody of it has this secret.
async fn of_secret(state: &Arc<PageState>, slug: &str, secret: &str) -> Result<(Known, bool), Problem> {
    let known = state.keeper.page(slug).ok_or_else(lost)?;
    let (inner, asked) = (Arc::clone(state), secret.to_owned());
    let found = tokio::task::spawn_blocking(move || inner.readers.follower(&asked)).await;
    let found = found.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the work failed unexpectedly"))?.map_err(failed)?;
    let is_of_page = found.is_some_and(|follower| follower.page == known.id);
    Ok((known, is_of_page))
}

/// `GET /status/{slug}/confirm?secret=`.
pub(super) async fn may_confirm(State(state): State<Arc<PageState>>, Path(slug): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let secret = asked.param("secret");
    let (known, is_there) = of_secret(&state, &slug, &secret).await?;
    let (step, status) = if is_there { (Step::Confirm(secret), StatusCode::OK) } else { (Step::Lost, StatusCode::NOT_FOUND) };
    Ok(answer(&known.page, &step, "", status, &asked))
}

/// `POST /status/{slug}/confirm`: `secret`.
pub(super) async fn confirm(
    State(state): State<Arc<PageState>>,
    Path(slug): Path<String>,
    asked: Asked,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (form, _) = form_of(request).await?;
    let secret = field(&form, "secret");
    let (known, is_there) = of_secret(&state, &slug, &secret).await?;
    let is_done = is_there && state.readers.confirm_follower(secret, state.clock.now_ms()).await.map_err(failed)?;
    let (step, status) = if is_done { (Step::Confirmed, StatusCode::OK) } else { (Step::Lost, StatusCode::NOT_FOUND) };
    Ok(answer(&known.page, &step, "", status, &asked))
}

/// `GET /status/{slug}/unsubscribe?secret=`.
pub(super) async fn may_end(State(state): State<Arc<PageState>>, Path(slug): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let secret = asked.param("secret");
    let (known, is_there) = of_secret(&state, &slug, &secret).await?;
    Ok(answer(&known.page, &if is_there { Step::End(secret) } else { Step::Ended }, "", StatusCode::OK, &asked))
}

/// `POST /status/{slug}/unsubscribe`: `secret` in the form, or in the address where a mail program asks (RFC 8058).
pub(super) async fn end(
    State(state): State<Arc<PageState>>,
    Path(slug): Path<String>,
    asked: Asked,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (form, _) = form_of(request).await?;
    let secret = Some(field(&form, "secret")).filter(|secret| !secret.is_empty()).unwrap_or_else(|| asked.param("secret"));
    let (known, is_there) = of_secret(&state, &slug, &secret).await?;
    if is_there {
        state.readers.end_follower(secret).await.map_err(failed)?;
    }
    Ok(answer(&known.page, &Step::Ended, "", StatusCode::OK, &asked))
}

fn follower_json(follower: &Follower) -> Json {
    json!({
        "id": follower.id, "way": follower.way, "address": follower.address,
        "madeAt": format_rfc3339(follower.made_at), "confirmedAt": follower.confirmed_at.map(format_rfc3339),
    })
}

fn unavailable(error: DbError) -> ApiError {
    ApiError::new(ErrorKind::Unavailable, error.to_string())
}

fn missing() -> ApiError {
    ApiError::new(ErrorKind::NotFound, "there is no such status page or follower")
}

/// `GET /api/v1/status-pages/{slug}/followers`.
pub(super) async fn list(State(state): State<Arc<PageState>>, Path(slug): Path<String>) -> Result<Response, ApiError> {
    let known = state.keeper.page(&slug).ok_or_else(missing)?;
    let inner = Arc::clone(&state);
    let found = tokio::task::spawn_blocking(move || inner.readers.followers(known.id)).await;
    let found = found.map_err(|_| ApiError::new(ErrorKind::Internal, "the work failed unexpectedly"))?.map_err(unavailable)?;
    Ok(success(&found.iter().map(follower_json).collect::<Vec<_>>()))
}

/// Why a webhook was not added.
enum NotAdded {
    /// No address, or one that is known, or there are too many.
    Wrong(&'static str),
    /// The server cannot now.
    Failed(String),
}

impl From<NotAdded> for ApiError {
    fn from(why: NotAdded) -> Self {
        match why {
            NotAdded::Wrong(why) => Self::bad(why),
            NotAdded::Failed(why) => Self::new(ErrorKind::Unavailable, why),
        }
    }
}

async fn add_webhook(state: &PageState, known: &Known, address: &str) -> Result<(Follower, Change), NotAdded> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url.filter(|_| address.len() <= URL_CHARS_MAX) else {
        return Err(NotAdded::Wrong(key("The address of a webhook begins with https:// or http://.")));
    };
    // A name may lead anywhere, which is looked at whenever it is called; an address that is refused then is refused now.
    let address_of = |url: &Url| url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
    if address_of(&url).is_some_and(|address| state.fetch_guard.check(address).is_err()) {
        return Err(NotAdded::Wrong(key("The server may not call this address. An administrator can allow it with server.fetch_allow.")));
    }
    let secret = secret().map_err(|_| NotAdded::Failed("the system gives no random numbers".to_owned()))?;
    let (now, way, address) = (state.clock.now_ms(), WEBHOOK.to_owned(), address.to_owned());
    let new = Follower { page: known.id, way, address, secret, made_at: now, confirmed_at: Some(now), ..Follower::default() };
    match state.readers.add_follower(new).await.map_err(|error| NotAdded::Failed(error.to_string()))? {
        Added::New(follower) => {
            // The rest of an address may hold a secret.
            let change = Change::new("status_pages.follow", &known.page.slug).after(json!({ "way": WEBHOOK, "host": url.host_str() }));
            Ok((follower, change))
        }
        Added::Known(_) => Err(NotAdded::Wrong(key("This address follows the page already."))),
        Added::Full => Err(NotAdded::Wrong(key("As many follow this page as may."))),
    }
}

async fn remove_follower(state: &PageState, known: &Known, id: &str) -> Result<Option<Change>, DbError> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let gone = state.readers.delete_follower(known.id, id).await?;
    Ok(gone.map(|gone| Change::new("status_pages.unfollow", &known.page.slug).before(json!({ "way": gone.way, "id": gone.id }))))
}

/// `POST /api/v1/status-pages/{slug}/followers`: `{"webhook": "https://…"}`.
pub(super) async fn add(State(state): State<Arc<PageState>>, Path(slug): Path<String>, body: Body) -> Result<Response, ApiError> {
    let known = state.keeper.page(&slug).ok_or_else(missing)?;
    let body = read_body(body, FORM_BYTES_MAX).await?;
    let sent: Json = serde_json::from_slice(&body).map_err(|error| ApiError::bad(format!("the body is not JSON: {error}")))?;
    let (follower, change) = add_webhook(&state, &known, sent.get("webhook").and_then(Json::as_str).unwrap_or_default().trim()).await?;
    Ok(change.in_answer(success(&follower_json(&follower))))
}

/// `DELETE /api/v1/status-pages/{slug}/followers/{id}`.
pub(super) async fn remove(State(state): State<Arc<PageState>>, Path((slug, id)): Path<(String, String)>) -> Result<Response, ApiError> {
    let known = state.keeper.page(&slug).ok_or_else(missing)?;
    let change = remove_follower(&state, &known, &id).await.map_err(unavailable)?.ok_or_else(missing)?;
    Ok(change.in_answer(success(&json!({ "deleted": true }))))
}

/// `GET /uptime/status-pages/followers`: `slug`, `page`, `done`.
pub(super) async fn look(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let slug = asked.param("slug");
    show(&state, asked, slug, String::new(), (StatusCode::OK, String::new())).await
}

async fn show(
    state: &Arc<PageState>,
    asked: Asked,
    slug: String,
    webhook: String,
    (status, problem): (StatusCode, String),
) -> Result<Response, Problem> {
    let Some(known) = state.keeper.page(&slug) else {
        return show_list(state, asked, StatusCode::NOT_FOUND, LOST.to_owned()).await;
    };
    let made = work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Status pages"), links::UPTIME_STATUS_FOLLOWERS);
        let input = FollowersInput {
            page: state.keeper.written(&known),
            followers: state.readers.followers(known.id)?,
            lacks: state.mail_lacks(Some(&known.page)),
            webhook,
            done: asked.param("done"),
            problem: shell.t(&problem).to_owned(),
        };
        Ok(asked.page(status, followers::render(&input, &shell)))
    });
    made.await?.map_err(failed)
}

/// `POST /uptime/status-pages/followers`: `slug`, and `do`: `add` (`webhook`) or `remove` (`follower`).
pub(super) async fn change(State(state): State<Arc<PageState>>, asked: Asked, body: axum::body::Bytes) -> Result<Response, Problem> {
    let slug = field(&body, "slug");
    let Some(known) = state.keeper.page(&slug) else {
        return show_list(&state, asked, StatusCode::NOT_FOUND, LOST.to_owned()).await;
    };
    let done = |word, change: Change| {
        let to = links::with(links::UPTIME_STATUS_FOLLOWERS, &[("slug", &slug), ("done", word)]);
        change.in_answer(Redirect::to(&to).into_response())
    };
    if field(&body, "do") == "remove" {
        return match remove_follower(&state, &known, &field(&body, "follower")).await.map_err(failed)? {
            Some(change) => Ok(done("removed", change)),
            None => {
                let why = key("They do not follow this page any more.").to_owned();
                show(&state, asked, slug, String::new(), (StatusCode::NOT_FOUND, why)).await
            }
        };
    }
    let address = field(&body, "webhook");
    match add_webhook(&state, &known, &address).await {
        Ok((_, change)) => Ok(done("added", change)),
        Err(NotAdded::Wrong(why)) => show(&state, asked, slug, address, (StatusCode::BAD_REQUEST, why.to_owned())).await,
        Err(NotAdded::Failed(why)) => show(&state, asked, slug, address, (StatusCode::SERVICE_UNAVAILABLE, why)).await,
    }
}

/// Carries what is told by mail and to webhooks.
struct Carrier {
    state: Arc<PageState>,
    /// None where the system's certificates cannot be read.
    client: Option<HttpClient>,
}

impl Carrier {
    async fn carry(&self, telling: &Telling) -> Result<(), String> {
        let page = read_one(&telling.definition).map_err(|_| "the page cannot be read")?;
        // What only we see is nobody else's, and is not told later either.
        if !page.published {
            return Ok(());
        }
        if telling.follower.way == WEBHOOK {
            return self.call(&page, telling).await;
        }
        let mail = self.state.letters(&page).ok_or("no mail server is set, or no address for links")?;
        let end = self.state.link(links::STATUS_UNFOLLOW, &page, &telling.follower.secret);
        let letter = follow::tell(&page, telling, &self.home(&page), &end);
        let headers = [("List-Unsubscribe", format!("<{end}>")), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned())];
        send(mail.as_ref(), &telling.follower.address, letter, headers.map(|(name, value)| (name.to_owned(), value)).into()).await
    }

    fn home(&self, page: &StatusPage) -> String {
        Place::of(page, &self.state.external_url).home()
    }

    /// `text` is what chat programs show; the rest is for others.
    async fn call(&self, page: &StatusPage, telling: &Telling) -> Result<(), String> {
        let client = self.client.as_ref().ok_or("there is no client for webhooks")?;
        let (title, text) = follow::said(page, telling);
        let lang = follow::lang(page);
        let home = self.home(page);
        let id = telling::id(telling);
        let body = json!({
            "id": id,
            "text": format!("{}: {title}\n{} · {text}\n{home}", page.title, lang.t(follow::stage_word(&telling.stage))),
            "page": { "title": page.title, "slug": page.slug, "url": home },
            "post": { "id": telling.post, "title": title, "severity": telling.severity, "url": format!("{home}#post-{}", telling.post) },
            "update": { "id": telling.update, "stage": telling.stage, "text": text, "at": format_rfc3339(telling.at) },
        });
        let url = Url::parse(&telling.follower.address).map_err(|error| error.to_string())?;
        let mut call = Call::post(url, body.to_string().into(), WEBHOOK_WITHIN);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        call.headers.extend(HeaderValue::from_str(&id).ok().map(|id| (CALL_ID, id)));
        let answer = client.send(call).await.map_err(|error| error.to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status_line())) }
    }
}

impl Messenger for Carrier {
    fn ways(&self) -> Vec<&'static str> {
        let mail = self.state.post().map(|_| MAIL);
        mail.into_iter().chain(self.client.as_ref().map(|_| WEBHOOK)).collect()
    }

    fn tell<'a>(&'a self, telling: &'a Telling) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        Box::pin(self.carry(telling))
    }
}

/// Tells everybody who follows a page, until the end.
pub(in crate::uptime::facade) async fn telling(state: Arc<PageState>, stop: CancellationToken) {
    let clock = Arc::clone(&state.clock);
    let client = HttpClient::guarded(ClientSettings::default(), Arc::clone(&clock), Arc::clone(&state.fetch_guard));
    let client = client.inspect_err(|problem| tracing::error!(%problem, "webhooks of status pages are not called")).ok();
    let store = state.readers.clone();
    telling::run(store, Arc::new(Carrier { state, client }), clock, stop).await;
}
