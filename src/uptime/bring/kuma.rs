//! Uptime Kuma: the backup of its versions 1 (JSON with `monitorList`), and the rows of its database (versions 1 and 2),
//! which have the same fields under the names of their columns.

use std::collections::HashMap;

use serde_json::Value;

use super::draft::{Draft, Drafts};
use super::fields::Fields;
use super::kuma_kinds::{self, Around};
use super::{Brought, finish};

/// Monitors that are read at most.
const MONITORS_MAX: usize = 10_000;

/// Reads a backup or the tables of a database; none where there are no monitors in it.
pub(super) fn read(json: &Value) -> Option<Brought> {
    let root = Fields(json);
    root.any(&["monitorList"])?;
    let mut monitors = root.list(&["monitorList"]);
    let mut drafts = Drafts::default();
    if monitors.len() > MONITORS_MAX {
        drafts.say_of_all(&format!("only the first {MONITORS_MAX} of {} monitors are read", monitors.len()));
        monitors.truncate(MONITORS_MAX);
    }
    let names: Vec<String> = monitors.iter().map(|monitor| drafts.name(&Fields(monitor).text(&["name"]))).collect();
    let around = Around { proxies: by_id(&root.list(&["proxyList"])), docker_hosts: by_id(&root.list(&["dockerHostList"])) };
    let tags = Tags::read(root);
    let mut members: HashMap<String, Vec<String>> = HashMap::new();
    let groups = |monitor: &Value| Fields(monitor).text(&["type"]) == "group";
    for (monitor, name) in monitors.iter().zip(&names).filter(|(monitor, _)| !groups(monitor)) {
        let fields = Fields(monitor);
        if one(fields, name, (&around, &tags), &mut drafts) {
            members.entry(fields.text(&["parent"])).or_default().push(name.clone());
        }
    }
    // A group is a member of the group above it, whether it has members itself or not: who has none is left out below.
    for (monitor, name) in monitors.iter().zip(&names).filter(|(monitor, _)| groups(monitor)) {
        members.entry(Fields(monitor).text(&["parent"])).or_default().push(name.clone());
    }
    let all: Vec<(String, &String, &Value)> = monitors
        .iter()
        .zip(&names)
        .filter(|(monitor, _)| groups(monitor))
        .map(|(monitor, name)| (Fields(monitor).text(&["id"]), name, monitor))
        .collect();
    forget_empty(&all, &mut members);
    for (id, name, monitor) in all {
        match members.get(&id).filter(|names| !names.is_empty()) {
            Some(names) => group(Fields(monitor), name, (names, &tags), &mut drafts),
            None => drafts.say(name, "is left out, as nothing is in the group"),
        }
    }
    let expiring = |monitor: &&Value| Fields(monitor).is(&["expiryNotification", "expiry_notification"]) && is_https(Fields(monitor));
    if monitors.iter().any(|monitor| expiring(&monitor)) {
        drafts.say_of_all(
            "Uptime Kuma tells when a certificate is about to end and keeps the monitor up; here certificate_days makes a check fail then, \
             so it is not set: set it, or an alert on pharos_check_certificate_expiry_seconds",
        );
    }
    Some(finish("Uptime Kuma", drafts))
}

/// Groups in which nothing is are no members of others; one that held only such ones is empty then too.
fn forget_empty(groups: &[(String, &String, &Value)], members: &mut HashMap<String, Vec<String>>) {
    let by_id: HashMap<&str, (&String, String)> =
        groups.iter().map(|(id, name, group)| (id.as_str(), (*name, Fields(group).text(&["parent"])))).collect();
    let mut empty: Vec<String> = by_id.keys().filter(|id| members.get(**id).is_none_or(Vec::is_empty)).map(|id| (*id).to_owned()).collect();
    while let Some(id) = empty.pop() {
        let Some((name, parent)) = by_id.get(id.as_str()) else { continue };
        let Some(held) = members.get_mut(parent) else { continue };
        let before = held.len();
        held.retain(|member| member != *name);
        if held.is_empty() && before > 0 {
            empty.push(parent.clone());
        }
    }
}

fn is_https(monitor: Fields<'_>) -> bool {
    monitor.text(&["url"]).starts_with("https:")
}

fn by_id(rows: &[Value]) -> HashMap<String, Value> {
    rows.iter().map(|row| (Fields(row).text(&["id"]), row.clone())).collect()
}

/// Tags by monitor: in a backup they stand at the monitor, in a database in tables of their own.
struct Tags(HashMap<String, Vec<(String, String)>>);

impl Tags {
    fn read(root: Fields<'_>) -> Self {
        let names = by_id(&root.list(&["tagList"]));
        let mut found: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for row in root.list(&["monitorTagList"]) {
            let row = Fields(&row);
            if let Some(tag) = names.get(&row.text(&["tag_id"])) {
                let pair = (Fields(tag).text(&["name"]), row.text(&["value"]));
                found.entry(row.text(&["monitor_id"])).or_default().push(pair);
            }
        }
        Self(found)
    }

    fn of(&self, monitor: Fields<'_>) -> Vec<(String, String)> {
        let own = monitor.list(&["tags"]);
        let own = own.iter().map(|tag| (Fields(tag).text(&["name"]), Fields(tag).text(&["value"])));
        own.chain(self.0.get(&monitor.text(&["id"])).into_iter().flatten().cloned()).collect()
    }
}

/// What every kind has.
fn usual(monitor: Fields<'_>, draft: &mut Draft, tags: &Tags, drafts: &mut Drafts) {
    draft.note(&monitor.text(&["description"]));
    draft.interval(monitor.number(&["interval"]).filter(|secs| *secs > 0.0).unwrap_or(60.0));
    draft.top_flag("upside_down", monitor.is(&["upsideDown", "upside_down"]));
    draft.top_flag("paused", monitor.truth(&["active"]) == Some(false) && !monitor.is(&["forceInactive"]));
    for (name, value) in tags.of(monitor) {
        if !draft.label(&name, &value) {
            drafts.say(&draft.name, &format!("the tag {name:?} is no label, or one too many, and is left out"));
        }
    }
}

fn one(monitor: Fields<'_>, name: &str, (around, tags): (&Around, &Tags), drafts: &mut Drafts) -> bool {
    let mut notes = Vec::new();
    let drafted = kuma_kinds::draft(monitor, name, around, &mut notes);
    for note in notes {
        drafts.say(name, &note);
    }
    let Some(mut draft) = drafted else { return false };
    usual(monitor, &mut draft, tags, drafts);
    draft.retries(monitor.count(&["maxretries"]).unwrap_or(0));
    draft.retry_interval(monitor.number(&["retryInterval", "retry_interval"]).unwrap_or(0.0));
    drafts.take(draft)
}

fn group(monitor: Fields<'_>, name: &str, (members, tags): (&[String], &Tags), drafts: &mut Drafts) {
    let mut draft = Draft::new(name, "group");
    usual(monitor, &mut draft, tags, drafts);
    draft.texts("checks", members);
    drafts.take(draft);
}
