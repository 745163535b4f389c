//! Calm rules as JSON, the same for the API and for the database.

mod calendar;
mod fields;

use serde_json::{Value as Json, json};

use super::rule::{CalmKind, CalmRule, Cap, Dependency, Escalation, Flapping, Member, Override, RecurringSilence, Rota, Step};
use crate::alerts::model::interval::text::{read_day, read_minute, write_day, write_minute};
use crate::alerts::model::matcher::{Matcher, Matchers, Syntax, parse_matcher};
use crate::alerts::model::silence;
use crate::base::time::{Duration, format_rfc3339};
use fields::{Fields, Placed};

pub use fields::WireError;

/// Bytes of a rule at most.
pub const RULE_BYTES_MAX: usize = 256 * 1024;
/// Characters of a title, and of the name of a person or label at most.
const TITLE_MAX: usize = 200;
/// Characters of the name of a receiver at most.
const RECEIVER_MAX: usize = 1_000;
/// Matchers at most, and characters of each.
const MATCHERS_MAX: usize = 32;
const MATCHER_MAX: usize = 4_096;
/// Intervals at most.
const INTERVALS_MAX: usize = 32;
/// Labels that must be equal at most.
const EQUAL_MAX: usize = 32;
/// Steps at most.
const STEPS_MAX: usize = 20;
/// Members of a rota at most.
const MEMBERS_MAX: usize = 100;
/// Overrides of a rota at most, and how long each lasts.
const OVERRIDES_MAX: usize = 200;
const OVERRIDE_MS_MAX: i64 = 366 * 86_400_000;
/// Shortest and longest length of time of a rule.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(31 * 86_400);

/// Reads a rule of a kind.
///
/// # Errors
/// Says which field is wrong, why, and what is allowed.
pub fn read(kind: CalmKind, text: &str) -> Result<CalmRule, WireError> {
    if text.len() > RULE_BYTES_MAX {
        return Err(WireError::new("", format!("the rule has {} bytes, allowed are {RULE_BYTES_MAX}", text.len())));
    }
    let value = serde_json::from_str(text).map_err(|error| WireError::new("", format!("the rule is not JSON: {error}")))?;
    let read = match kind {
        CalmKind::RecurringSilence => recurring_silence,
        CalmKind::Dependency => dependency,
        CalmKind::Escalation => escalation,
        CalmKind::Rota => rota,
        CalmKind::Cap => cap,
        CalmKind::Flapping => flapping,
    };
    read(&value)
}

fn recurring_silence(value: &Json) -> Result<CalmRule, WireError> {
    let fields = Fields::open(value, String::new(), &["title", "matchers", "intervals"])?;
    let rule = RecurringSilence {
        title: title(&fields)?,
        matchers: matchers(&fields, "matchers", 1)?,
        intervals: fields.list("intervals", 1, INTERVALS_MAX)?.iter().map(calendar::read).collect::<Result<_, _>>()?,
    };
    if let Err(error) = silence::check_matchers(&rule.matchers) {
        return fields.wrong("matchers", error.to_string());
    }
    Ok(CalmRule::RecurringSilence(rule))
}

fn dependency(value: &Json) -> Result<CalmRule, WireError> {
    let fields = Fields::open(value, String::new(), &["title", "source", "target", "equal"])?;
    let equal = fields.list("equal", 0, EQUAL_MAX)?;
    Ok(CalmRule::Dependency(Dependency {
        title: title(&fields)?,
        source: matchers(&fields, "source", 1)?,
        target: matchers(&fields, "target", 1)?,
        equal: equal.iter().map(|label| label.text(TITLE_MAX).map(str::to_owned)).collect::<Result<_, _>>()?,
    }))
}

fn escalation(value: &Json) -> Result<CalmRule, WireError> {
    let fields = Fields::open(value, String::new(), &["title", "matchers", "steps"])?;
    let mut steps: Vec<Step> = Vec::new();
    for item in fields.list("steps", 1, STEPS_MAX)? {
        let below = Fields::open(item.value, item.path, &["after", "receiver"])?;
        let after = below.duration("after", SHORTEST, LONGEST)?;
        if let Some(before) = steps.last().filter(|before| before.after > after) {
            return below
                .wrong("after", format!("{after} is before the step in front of it, {}; steps stand in order of time", before.after));
        }
        steps.push(Step { after, receiver: receiver(&below)? });
    }
    Ok(CalmRule::Escalation(Escalation { title: title(&fields)?, matchers: matchers(&fields, "matchers", 0)?, steps }))
}

fn rota(value: &Json) -> Result<CalmRule, WireError> {
    const KEYS: [&str; 8] = ["title", "receiver", "timezone", "members", "firstDay", "handOver", "turnDays", "overrides"];
    let fields = Fields::open(value, String::new(), &KEYS)?;
    let member_of = |item: &Placed<'_>| member(&Fields::open(item.value, item.path.clone(), &["person", "receiver"])?);
    let turn_days = fields.number("turnDays", 1, 366)?;
    Ok(CalmRule::Rota(Rota {
        title: title(&fields)?,
        receiver: receiver(&fields)?,
        location: calendar::place(&fields, "timezone")?,
        members: fields.list("members", 1, MEMBERS_MAX)?.iter().map(member_of).collect::<Result<_, _>>()?,
        first_day: day(&fields, "firstDay")?,
        hand_over: minute(&fields, "handOver")?,
        turn_days: u16::try_from(turn_days).unwrap_or(u16::MAX),
        overrides: fields.list("overrides", 0, OVERRIDES_MAX)?.into_iter().map(stand_in).collect::<Result<_, _>>()?,
    }))
}

fn member(fields: &Fields<'_>) -> Result<Member, WireError> {
    Ok(Member { person: fields.text("person", TITLE_MAX)?.to_owned(), receiver: receiver(fields)? })
}

fn stand_in(item: Placed<'_>) -> Result<Override, WireError> {
    let fields = Fields::open(item.value, item.path, &["person", "receiver", "startsAt", "endsAt"])?;
    let (starts_at, ends_at) = (fields.instant("startsAt")?, fields.instant("endsAt")?);
    if ends_at <= starts_at {
        return fields.wrong("endsAt", "must be after startsAt");
    }
    if ends_at - starts_at > OVERRIDE_MS_MAX {
        return fields.wrong("endsAt", "is more than 366 days after startsAt");
    }
    Ok(Override { member: member(&fields)?, starts_at, ends_at })
}

fn cap(value: &Json) -> Result<CalmRule, WireError> {
    let fields = Fields::open(value, String::new(), &["receiver", "messages", "within"])?;
    let (messages, within) = (fields.number("messages", 1, 10_000)?, fields.duration("within", SHORTEST, LONGEST)?);
    Ok(CalmRule::Cap(Cap { receiver: receiver(&fields)?, messages, within }))
}

fn flapping(value: &Json) -> Result<CalmRule, WireError> {
    let fields = Fields::open(value, String::new(), &["title", "matchers", "changes", "within", "quiet"])?;
    Ok(CalmRule::Flapping(Flapping {
        title: title(&fields)?,
        matchers: matchers(&fields, "matchers", 0)?,
        changes: fields.number("changes", 2, 1_000)?,
        within: fields.duration("within", SHORTEST, LONGEST)?,
        quiet: fields.duration("quiet", SHORTEST, LONGEST)?,
    }))
}

fn title(fields: &Fields<'_>) -> Result<String, WireError> {
    fields.text("title", TITLE_MAX).map(str::to_owned)
}

fn receiver(fields: &Fields<'_>) -> Result<String, WireError> {
    fields.text("receiver", RECEIVER_MAX).map(str::to_owned)
}

fn matchers(fields: &Fields<'_>, key: &str, min: usize) -> Result<Matchers, WireError> {
    fields.list(key, min, MATCHERS_MAX)?.iter().map(matcher).collect()
}

fn matcher(item: &Placed<'_>) -> Result<Matcher, WireError> {
    let allowed = format!("a text of 1 to {MATCHER_MAX} characters such as severity=\"critical\"");
    let text = item.value.as_str().filter(|text| !text.is_empty() && text.len() <= MATCHER_MAX);
    let text = text.ok_or_else(|| WireError::new(&item.path, format!("must be {allowed}")))?;
    let read = parse_matcher(text, Syntax::Both).map_err(|error| WireError::new(&item.path, error.to_string()))?;
    Ok(read.value)
}

/// Reads `2026-11-23` as days since 1970-01-01.
fn day(fields: &Fields<'_>, key: &str) -> Result<i32, WireError> {
    let text = fields.get(key).and_then(Json::as_str).unwrap_or("");
    match read_day(text).filter(|day| *day >= 0) {
        Some(day) => Ok(day),
        None => fields.wrong(key, format!("{} is not a day such as \"2026-11-23\", from 1970 on", fields.shown(key))),
    }
}

/// Reads `09:00` as minutes since midnight.
fn minute(fields: &Fields<'_>, key: &str) -> Result<u16, WireError> {
    let text = fields.get(key).and_then(Json::as_str).unwrap_or("");
    match read_minute(text).and_then(|minute| u16::try_from(minute).ok()).filter(|minute| *minute < 1440) {
        Some(minute) => Ok(minute),
        None => fields.wrong(key, format!("{} is not a time of day such as \"09:00\", up to \"23:59\"", fields.shown(key))),
    }
}

/// Writes what [`read`] reads.
pub fn write(rule: &CalmRule) -> Json {
    match rule {
        CalmRule::RecurringSilence(RecurringSilence { title, matchers, intervals }) => {
            let intervals: Vec<Json> = intervals.iter().map(calendar::write).collect();
            json!({ "title": title, "matchers": matchers_to(matchers), "intervals": intervals })
        }
        CalmRule::Dependency(Dependency { title, source, target, equal }) => {
            json!({ "title": title, "source": matchers_to(source), "target": matchers_to(target), "equal": equal })
        }
        CalmRule::Escalation(Escalation { title, matchers, steps }) => {
            let step = |step: &Step| json!({ "after": step.after, "receiver": step.receiver });
            let steps: Vec<Json> = steps.iter().map(step).collect();
            json!({ "title": title, "matchers": matchers_to(matchers), "steps": steps })
        }
        CalmRule::Rota(rota) => rota_to(rota),
        CalmRule::Cap(Cap { receiver, messages, within }) => {
            json!({ "receiver": receiver, "messages": messages, "within": within })
        }
        CalmRule::Flapping(Flapping { title, matchers, changes, within, quiet }) => {
            json!({ "title": title, "matchers": matchers_to(matchers), "changes": changes, "within": within, "quiet": quiet })
        }
    }
}

fn rota_to(rota: &Rota) -> Json {
    let Rota { title, receiver, location, members, first_day, hand_over, turn_days, overrides } = rota;
    let member = |member: &Member| json!({ "person": member.person, "receiver": member.receiver });
    let stand_in = |held: &Override| {
        let Override { member: Member { person, receiver }, starts_at, ends_at } = held;
        json!({ "person": person, "receiver": receiver, "startsAt": format_rfc3339(*starts_at), "endsAt": format_rfc3339(*ends_at) })
    };
    json!({
        "title": title,
        "receiver": receiver,
        "timezone": location.as_str(),
        "members": members.iter().map(member).collect::<Vec<_>>(),
        "firstDay": write_day(i64::from(*first_day)),
        "handOver": write_minute(u32::from(*hand_over)),
        "turnDays": turn_days,
        "overrides": overrides.iter().map(stand_in).collect::<Vec<_>>(),
    })
}

fn matchers_to(matchers: &Matchers) -> Vec<String> {
    matchers.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests;
