//! A status page for programs: `GET /status/{slug}/status.json`. Times are RFC 3339, days by the clock of the page.

use serde_json::{Value, json};

use super::place::Place;
use super::words;
use crate::base::time::{civil_from_days, format_rfc3339};
use crate::uptime::status::picture::{Component, Day, Entry, Picture};
use crate::uptime::status::post::Post;

fn day(day: &Day) -> Value {
    let (year, month, of_month) = civil_from_days(day.day);
    json!({
        "date": format!("{year:04}-{month:02}-{of_month:02}"),
        "upMs": day.tally.up, "downMs": day.tally.down, "unknownMs": day.tally.unknown + day.tally.paused, "maintenanceMs": day.tally.maintenance,
    })
}

fn component(one: &Component, shows_values: bool) -> Value {
    json!({
        "check": one.check,
        "name": one.name,
        "description": one.description,
        "status": one.condition.as_str(),
        "availability90d": one.total(one.days.len()).availability().filter(|_| shows_values),
        "latencySeconds": one.latency.map(|took| took.as_secs_f64()),
        // Those on which nothing but up was seen are left out.
        "days": one.days.iter().filter(|day| day.tally.down + day.tally.maintenance > 0).map(day).collect::<Vec<_>>(),
    })
}

fn post(post: &Post, picture: &Picture) -> Value {
    let lang = words::lang_of(picture);
    let updates = post.updates.iter().rev();
    let update = |update: &crate::uptime::status::post::Update| {
        json!({
            "at": format_rfc3339(update.at),
            "editedAt": update.edited_at.map(format_rfc3339),
            "stage": update.stage.as_str(),
            "text": words::text(update, lang),
        })
    };
    json!({
        "id": post.id,
        "title": words::title(post, picture),
        "severity": post.severity.as_str(),
        "stage": post.stage().as_str(),
        "startedAt": format_rfc3339(post.of.unwrap_or(post.made_at)),
        "resolvedAt": post.resolved_at().map(format_rfc3339),
        "affected": picture.names_of(post),
        "updates": updates.map(update).collect::<Vec<_>>(),
    })
}

/// Writes it.
pub fn json(picture: &Picture, place: &Place) -> String {
    let (headline, rest) = words::sentence(&picture.sentence, words::lang_of(picture));
    let section = |section: &crate::uptime::status::picture::Section| json!({ "title": section.title, "components": section.components.iter().map(|one| component(one, picture.page.show_values)).collect::<Vec<_>>() });
    let told = |entry: &Entry| match entry {
        Entry::Told(told) => Some(post(told, picture)),
        Entry::Outage { .. } => None,
    };
    let outage = |entry: &Entry| match entry {
        Entry::Told(_) => None,
        Entry::Outage { name, window } => {
            Some(json!({ "name": name, "from": format_rfc3339(window.from), "until": format_rfc3339(window.until) }))
        }
    };
    let entries = || picture.past.iter().flat_map(|(_, entries)| entries);
    let coming = picture.coming.iter().map(|one| {
        json!({ "title": one.title, "note": one.note, "from": format_rfc3339(one.window.from), "until": format_rfc3339(one.window.until), "affected": one.of })
    });
    let value = json!({
        "page": {
            "title": picture.page.title,
            "description": picture.page.description,
            "url": place.home(),
            "timeZone": picture.zone.as_str(),
            "updatedAt": format_rfc3339(picture.at),
        },
        "status": { "level": picture.sentence.level(), "text": headline, "more": rest },
        "sections": picture.sections.iter().map(section).collect::<Vec<_>>(),
        "incidents": picture.active.iter().map(|one| post(one, picture)).collect::<Vec<_>>(),
        "maintenance": coming.collect::<Vec<_>>(),
        "past": { "incidents": entries().filter_map(told).collect::<Vec<_>>(), "outages": entries().filter_map(outage).collect::<Vec<_>>() },
    });
    value.to_string()
}
