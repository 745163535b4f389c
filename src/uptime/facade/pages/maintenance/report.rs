//! Reports: as a page, as files, and as letters that go out each month.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{PageState, file, shell_at, status_of, work};
use crate::access::{Change, Role};
use crate::base::addresses::addresses;
use crate::base::again::may_try;
use crate::base::cancel::Cancel;
use crate::base::location::Location;
use crate::platform::db::DbError;
use crate::platform::http::problem::Problem;
use crate::platform::pdf;
use crate::series::ports::{Mail, MailFile};
use crate::ui::asked::Asked;
use crate::ui::lang::{Lang, Words, key};
use crate::ui::links;
use crate::ui::look::Look;
use crate::ui::print;
use crate::uptime::config::Check;
use crate::uptime::config::goal::Goal;
use crate::uptime::model::readers::Readers;
use crate::uptime::model::window::Window;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::pages::report::{self, Asked as Wanted, PageInput, ReportInput};
use crate::uptime::report::period::{self, Period};
use crate::uptime::report::readers::due;
use crate::uptime::report::{ReportError, made};

/// How often it is looked whether a report is to be sent.
const LOOKED_EVERY: Duration = Duration::from_secs(60);
/// Characters of a filter at most.
const FILTER_CHARS_MAX: usize = 2_000;

fn is_wanted(wanted: &Wanted, check: &Check) -> bool {
    let is_named = wanted.check.is_empty() || check.name == wanted.check;
    is_named && wanted.labels().iter().all(|(name, value)| check.labels.get(*name).is_some_and(|known| known == value))
}

/// What a page was asked for; what cannot be read is said, and the current month stands for it.
fn wanted(asked: &Asked, now: i64) -> (Wanted, Option<Words>) {
    let cut = |text: String| text.chars().take(FILTER_CHARS_MAX).collect::<String>();
    let (month, zone, goal) = (asked.param("month"), asked.param("zone"), asked.param("goal").chars().take(80).collect::<String>());
    let mut wrong = None;
    let location = Location::parse(&zone).unwrap_or_else(|| {
        wrong = Some(Words::new("“{}” is not a time zone such as Europe/Berlin or UTC.", [zone.clone()]));
        Location::Utc
    });
    let current = period::month_of(now, location);
    let period = if month.is_empty() { current } else { period::parse(&month) };
    if period.is_none() {
        wrong = Some(Words::new("“{}” is not a month such as 2026-10.", [month]));
    }
    let wanted = Wanted {
        period: period.or(current).unwrap_or(Period::EPOCH),
        location,
        check: cut(asked.param("check")),
        labels: cut(asked.param("label")),
        goal: Goal::parse(&goal).unwrap_or_else(|_| {
            wrong = Some(Words::new("“{}” is not a share in percent such as 99.9.", [goal.clone()]));
            Goal::default()
        }),
    };
    (wanted, wrong)
}

/// Makes a report. Blocking.
fn input(state: &PageState, asked: Wanted, cancel: &Cancel) -> Result<ReportInput, ReportError> {
    let now = state.clock.now_ms();
    let whole = asked.window().unwrap_or_else(|| Window::new(now, now));
    let within = Window::new(whole.from.min(now), whole.until.min(now));
    let report = made(&state.desk, within, |check| is_wanted(&asked, check), cancel)?;
    Ok(ReportInput { report, within, is_running: whole.until > now, asked })
}

fn unavailable(error: &ReportError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

/// `GET /uptime/report`: `month`, `zone`, `check`, `label`, `goal`.
pub(super) async fn page(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show(&state, asked, StatusCode::OK, (String::new(), String::new())).await
}

async fn show(state: &Arc<PageState>, asked: Asked, status: StatusCode, (problem, to): (String, String)) -> Result<Response, Problem> {
    let shown = work(state, move |state, cancel| -> Result<Response, ReportError> {
        let shell = shell_at(&asked, state, key("Report"), links::UPTIME_REPORT);
        let (wanted, wrong) = wanted(&asked, shell.now_ms);
        let wrong = wrong.map(|words| words.text(shell.lang())).unwrap_or_default();
        let status = if status == StatusCode::OK { status_of(&wrong) } else { status };
        let input = input(state, wanted, cancel)?;
        let more = PageInput {
            readers: state.readers.readers()?,
            has_mail: state.mail.get().is_some_and(|mail| mail.is_set()),
            has_pdf: print::fonts().is_some(),
            done: asked.param("done"),
            problem: if problem.is_empty() { wrong } else { problem },
            to,
            may_change: shell.has_role(Role::Editor),
        };
        Ok(asked.page(status, report::render(&input, &more, &shell)))
    });
    shown.await?.map_err(|error| unavailable(&error))
}

fn lang_of(asked: &Asked) -> Lang {
    let header = |name| asked.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).unwrap_or("");
    Look::new(header(http::header::COOKIE), header(http::header::ACCEPT_LANGUAGE)).lang
}

/// `GET /uptime/report.csv`: as the page.
pub(super) async fn csv(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let made = work(&state, move |state, cancel| {
        let (wanted, wrong) = wanted(&asked, state.clock.now_ms());
        match wrong {
            Some(words) => Err(Problem::bad_request(words.text(lang_of(&asked)))),
            None => input(state, wanted, cancel).map_err(|error| unavailable(&error)),
        }
    });
    let input = made.await??;
    Ok(file(report::table(&input), "text/csv; charset=utf-8", &name_of(&input, "csv")))
}

/// `GET /uptime/report.pdf`: as the page, in the reader's language.
pub(super) async fn pdf(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let Some(fonts) = print::fonts() else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "this program was built without its web interface, and has no fonts to print with",
        ));
    };
    let made = work(&state, move |state, cancel| {
        let lang = lang_of(&asked);
        let (wanted, wrong) = wanted(&asked, state.clock.now_ms());
        if let Some(words) = wrong {
            return Err(Problem::bad_request(words.text(lang)));
        }
        let input = input(state, wanted, cancel).map_err(|error| unavailable(&error))?;
        Ok((pdf::write(&report::sheet(&input, lang), fonts), name_of(&input, "pdf")))
    });
    let (bytes, name) = made.await??;
    Ok(file(bytes, "application/pdf", &name))
}

fn name_of(input: &ReportInput, end: &str) -> String {
    format!("availability-{}.{end}", input.asked.period)
}

/// The letter about a month, with its files. Blocking.
fn letter(state: &PageState, asked: Wanted, lang: Lang) -> Result<Mail, ReportError> {
    let href = match state.external_url.trim_end_matches('/') {
        "" => String::new(),
        base => {
            let (month, zone) = (asked.period.to_string(), asked.location.as_str());
            let query = [("month", month.as_str()), ("zone", zone), ("label", asked.labels.as_str())];
            format!("{base}{}", links::with(links::UPTIME_REPORT, &query[..if asked.labels.is_empty() { 2 } else { 3 }]))
        }
    };
    let input = input(state, asked, &Cancel::new())?;
    let (html, text) = report::letter(&input, lang, &href);
    let part = |end: &str, media_type: &str, bytes: Vec<u8>| MailFile {
        name: name_of(&input, end),
        media_type: media_type.to_owned(),
        content_id: String::new(),
        bytes,
    };
    let printed = print::fonts().map(|fonts| part("pdf", "application/pdf", pdf::write(&report::sheet(&input, lang), fonts)));
    let table = part("csv", "text/csv", report::table(&input).into_bytes());
    Ok(Mail { subject: report::title(&input, lang), text, html, files: printed.into_iter().chain([table]).collect(), ..Mail::default() })
}

/// Makes a letter on a thread of its own and sends it; what went wrong in words.
async fn send(state: &Arc<PageState>, asked: Wanted, lang: Lang, (id, to): (String, Vec<String>)) -> Result<(), String> {
    let mail = state.mail.get().filter(|mail| mail.is_set()).cloned().ok_or("no mail server is set")?;
    let inner = Arc::clone(state);
    let made = tokio::task::spawn_blocking(move || letter(&inner, asked, lang)).await;
    let letter = made.map_err(|_| "the report failed unexpectedly")?.map_err(|error| error.to_string())?;
    mail.send(Mail { id, to, ..letter }).await
}

/// `POST /uptime/report/readers`: `do` is `add`, `send` (`to`, `label`, `zone`, `month`) or `remove` (`id`).
pub(super) async fn readers(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Draft::from_form(&body);
    let done = |done: &str| Redirect::to(&format!("{}#mail", links::with(links::UPTIME_REPORT, &[("done", done)]))).into_response();
    let failed = |error: DbError| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string());
    if form.get("do") == "remove" {
        let id = form.get("id").parse().unwrap_or(0);
        let is_gone = state.readers.delete_readers(id).await.map_err(failed)?;
        let change = Change::new("reports.remove", id.to_string());
        return Ok(if is_gone { change.in_answer(done("removed")) } else { done("removed") });
    }
    let lang = lang_of(&asked);
    let refuse = |words: Words| (words.text(lang), form.get("to").to_owned());
    let to = match addresses(form.get("to")) {
        Ok(to) => to,
        Err(odd) => {
            let words = Words::new("“{}” is not a list of mail addresses.", [odd]);
            return show(&state, asked, StatusCode::BAD_REQUEST, refuse(words)).await;
        }
    };
    let Some(location) = Location::parse(form.get("zone")) else {
        let words = Words::new("“{}” is not a time zone such as Europe/Berlin or UTC.", [form.get("zone").to_owned()]);
        return show(&state, asked, StatusCode::BAD_REQUEST, refuse(words)).await;
    };
    let labels: String = form.get("label").chars().take(FILTER_CHARS_MAX).collect();
    let now = state.clock.now_ms();
    if form.get("do") == "send" {
        let period = period::parse(form.get("month")).or_else(|| period::month_of(now, location)).unwrap_or(Period::EPOCH);
        let wanted = Wanted { period, location, check: String::new(), labels, goal: Goal::default() };
        let sent = send(&state, wanted, lang, (String::new(), to.clone())).await;
        return match sent {
            Ok(()) => Ok(Change::new("reports.send", to.join(", ")).after(json!({ "month": period.to_string() })).in_answer(done("sent"))),
            Err(why) => show(&state, asked, StatusCode::BAD_GATEWAY, (why, form.get("to").to_owned())).await,
        };
    }
    let readers = Readers {
        to: to.join("\n"),
        labels,
        zone: location.as_str().to_owned(),
        lang: lang.as_str().to_owned(),
        made_at: now,
        ..Readers::default()
    };
    let shown = json!({ "to": readers.to, "labels": readers.labels, "zone": readers.zone });
    match state.readers.add_readers(readers).await.map_err(failed)? {
        Some(id) => Ok(Change::new("reports.add", id.to_string()).after(shown).in_answer(done("added"))),
        None => show(&state, asked, StatusCode::CONFLICT, refuse(key("There are as many reports as may be: remove some.").into())).await,
    }
}

/// Sends each month's reports, until the end. A month that was sent is taken down at once, and where the database does not
/// take that it is remembered: only where the server dies between the two is it sent twice rather than not at all. Both
/// letters have the same name then, by which mail programs know doubles.
pub(in crate::uptime::facade) async fn sending(state: Arc<PageState>, stop: CancellationToken) {
    let mut unwritten = BTreeMap::new();
    while !stop.is_cancelled() {
        if let Err(error) = send_due(&state, &mut unwritten).await {
            tracing::warn!(%error, "whom reports are sent to is not known");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOKED_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The name of the letter about a month, the same each time that it is sent.
fn letter_id(readers: &Readers, period: Period) -> String {
    format!("pharos-report.{}.{}.{period}", readers.id, readers.made_at)
}

/// Sends what is due. `unwritten` holds the month that was sent to each of those of whom that is not written down yet.
async fn send_due(state: &Arc<PageState>, unwritten: &mut BTreeMap<i64, Period>) -> Result<(), DbError> {
    if state.mail.get().is_none_or(|mail| !mail.is_set()) {
        return Ok(());
    }
    for readers in state.readers.readers()? {
        let location = Location::parse(&readers.zone).unwrap_or(Location::Utc);
        let now = state.clock.now_ms();
        let Some(period) = due(&readers.sent, readers.made_at, location, now).filter(|_| may_try(readers.tries, readers.tried_at, now))
        else {
            continue;
        };
        let wanted = Wanted { period, location, check: String::new(), labels: readers.labels.clone(), goal: Goal::default() };
        let lang = Lang::parse(&readers.lang);
        let to = readers.to.lines().map(str::to_owned).collect();
        let sent = if unwritten.get(&readers.id) == Some(&period) {
            Ok(())
        } else {
            send(state, wanted, lang.unwrap_or_default(), (letter_id(&readers, period), to)).await
        };
        match sent {
            Ok(()) => {
                tracing::info!(month = %period, to = readers.to.replace('\n', ", "), "a report is sent");
                unwritten.insert(readers.id, period);
                state.readers.sent_to_readers(readers.id, period.to_string(), now).await?;
                unwritten.remove(&readers.id);
            }
            Err(why) => {
                tracing::warn!(month = %period, why, "a report is not sent, and is tried again");
                state.readers.failed_readers(readers.id, why, now).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
