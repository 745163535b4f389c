//! Files of checks: a list below `checks`, read as a whole or refused as a whole; and single checks, as they are stored.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::check::Check;
use super::maintenance::{self, Described};
use crate::base::masked;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::keys::{Keys, to_node};
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, Key, Kind, Node, Position};

/// Checks of one file at most.
pub const CHECKS_MAX: usize = 10_000;

/// What a secret is printed as, and what is read as "as it was".
const SECRET: &str = "<secret>";

/// A check, and the text from which it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Defined {
    /// The check.
    pub check: Check,
    /// As it was written, secrets included.
    node: Node,
}

impl Defined {
    /// The check in YAML, secrets included.
    pub fn definition(&self) -> String {
        yaml::print(&self.node)
    }

    /// The same with another value of a key of its kind, as for tokens that are made for it.
    pub fn set_secret(&mut self, kind: &str, key: &str, value: &str) {
        let Kind::Map(pairs) = &mut self.node.kind else { return };
        let Some((_, Node { kind: Kind::Map(below), .. })) = pairs.iter_mut().find(|(found, _)| &*found.text == kind) else { return };
        below.retain(|(found, _)| &*found.text != key);
        below.push((Key { at: Position::default(), text: key.into() }, Node::text(value)));
    }

    /// The same with another value of a key that every kind has; none takes the key away.
    pub fn set(&mut self, key: &str, value: Option<Node>) {
        put(&mut self.node, key, value);
    }

    /// The same with a label more, with another value of it, or (none) without it.
    pub fn set_label(&mut self, name: &str, value: Option<&str>) {
        let mut labels = self.node.get("labels").cloned().unwrap_or_else(|| Node::new(Kind::Map(Vec::new())));
        put(&mut labels, name, value.map(Node::text));
        let is_empty = matches!(&labels.kind, Kind::Map(pairs) if pairs.is_empty());
        self.set("labels", (!is_empty).then_some(labels));
    }
}

impl Defined {
    /// The same where another check has a new name, or (none) is no more; none if it does not name that, or cannot be
    /// without it.
    pub fn naming(&self, old: &str, new: Option<&str>) -> Option<Self> {
        let is_member = self.check.members().iter().any(|name| name == old);
        if old.is_empty() || !(is_member || self.check.parent == old) {
            return None;
        }
        let mut same = self.clone();
        if self.check.parent == old {
            same.set("parent", new.map(Node::text));
        }
        if is_member
            && let Kind::Map(pairs) = &mut same.node.kind
            && let Some((_, group)) = pairs.iter_mut().find(|(found, _)| &*found.text == "group")
        {
            let names = self.check.members().iter().filter_map(|name| if name == old { new } else { Some(name.as_str()) });
            put(group, "checks", Some(Node::new(Kind::List(names.map(Node::text).collect()))));
        }
        read_one(&same.definition(), None).ok()
    }
}

fn put(map: &mut Node, key: &str, value: Option<Node>) {
    let Kind::Map(pairs) = &mut map.kind else { return };
    let place = pairs.iter().position(|(found, _)| &*found.text == key);
    match (place, value) {
        (Some(at), Some(value)) => pairs[at].1 = value,
        (None, Some(value)) => pairs.push((Key { at: Position::default(), text: key.into() }, value)),
        (Some(at), None) => drop(pairs.remove(at)),
        (None, None) => {}
    }
}

/// What stands in a file of checks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChecksFile {
    /// The checks.
    pub checks: Vec<Defined>,
    /// Maintenance of them, and of others.
    pub maintenance: Vec<Described>,
}

/// Reads a file of checks.
///
/// # Errors
/// Everything that is wrong with it, with its place. Otherwise warnings stand beside the checks.
pub fn read(text: &str, path: &Path) -> Result<(ChecksFile, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut report = Report::new(path);
    let document = match yaml::parse(text) {
        Ok(document) => document,
        Err(error) => {
            report.error(error.at, error.message);
            return report.finish().map(|warnings| (ChecksFile::default(), warnings));
        }
    };
    let (mut all, mut maintenance) = (Vec::new(), Vec::new());
    if let Some(mut section) = Section::open(&document.root, "checks", &mut report) {
        let nodes = section.list("checks");
        if nodes.len() > CHECKS_MAX {
            section.report.error(section.at, format!("{} checks are too many, {CHECKS_MAX} may be", nodes.len()));
        }
        for node in nodes.iter().take(CHECKS_MAX) {
            all.extend(one(node, section.report));
        }
        maintenance = maintenance::read_list(&mut section);
        section.finish_exactly();
    }
    names_and_parents(&all, &mut report);
    report.finish().map(|warnings| (ChecksFile { checks: all, maintenance }, warnings))
}

/// Reads a single check, in YAML or JSON. Where it says `<secret>`, what `before` has there is meant; that is refused where
/// it would be sent elsewhere than before: whoever may change a check need not know its secrets.
///
/// # Errors
/// Everything that is wrong with it, with its place in the text.
pub fn read_one(text: &str, before: Option<&Defined>) -> Result<Defined, Vec<Diagnostic>> {
    let mut report = Report::new(Path::new("check"));
    let mut found = None;
    match yaml::parse(text) {
        Ok(mut document) => {
            let mut kept = Vec::new();
            if let Some(before) = before {
                restore(&mut document.root, &before.node, "", &mut kept);
            }
            found = one(&document.root, &mut report);
            let is_elsewhere =
                found.as_ref().zip(before).is_some_and(|(now, before)| now.check.destinations() != before.check.destinations());
            for (at, key) in kept.into_iter().filter(|_| is_elsewhere) {
                report.error(at, format!("{key}: type the password again: the address changed, and what is stored is not sent elsewhere"));
            }
        }
        Err(error) => report.error(error.at, error.message),
    }
    report.finish()?;
    found.ok_or_else(Vec::new)
}

/// Checks as a file that reads back as the same, with `<secret>` in place of secrets.
pub fn print<'c>(checks: impl IntoIterator<Item = &'c Check>) -> String {
    print_all(checks, &[])
}

/// Checks and maintenance as a file that reads back as the same, with `<secret>` in place of secrets.
pub fn print_all<'c>(checks: impl IntoIterator<Item = &'c Check>, maintenance: &[Described]) -> String {
    let list = |nodes: Vec<Node>| Node::new(Kind::List(nodes));
    let named = |name: &str, nodes: Vec<Node>| (Key { at: Position::default(), text: name.into() }, list(nodes));
    let mut pairs = vec![named("checks", checks.into_iter().map(to_node).collect())];
    if !maintenance.is_empty() {
        pairs.push(named("maintenance", maintenance.iter().map(to_node).collect()));
    }
    yaml::print(&Node::new(Kind::Map(pairs)))
}

fn one(node: &Node, report: &mut Report) -> Option<Defined> {
    let mut section = Section::open(node, Check::NAME, report)?;
    let mut check = Check::read_keys(&mut section);
    check.check(&mut section);
    section.finish_exactly();
    Some(Defined { check, node: node.clone() })
}

/// Names are there once, nobody is their own ancestor, and no group holds itself.
fn names_and_parents(all: &[Defined], report: &mut Report) {
    let mut names = HashSet::new();
    for defined in all {
        if !names.insert(defined.check.name.as_str()) {
            report.error(defined.node.at, format!("there are two checks named {:?}", defined.check.name));
        }
    }
    let parents: HashMap<&str, &str> = all.iter().map(|defined| (defined.check.name.as_str(), defined.check.parent.as_str())).collect();
    let members: HashMap<&str, &[String]> = all.iter().map(|defined| (defined.check.name.as_str(), defined.check.members())).collect();
    for defined in all.iter().filter(|defined| !defined.check.members().is_empty()) {
        let name = &defined.check.name;
        if holds_itself(name, |name| members.get(name).copied().unwrap_or_default()) {
            report.error(defined.node.at, format!("the group {name:?} holds itself: its members go round in a circle"));
        }
    }
    for defined in all.iter().filter(|defined| is_in_circle(&defined.check.name, |name| parents.get(name).copied().unwrap_or_default())) {
        report.error(defined.node.at, format!("the check {:?} is below itself: its parents go round in a circle", defined.check.name));
    }
}

/// Whether one comes back to a check by going from parent to parent.
pub fn is_in_circle<'n>(name: &'n str, parent: impl Fn(&'n str) -> &'n str) -> bool {
    let mut seen = HashSet::new();
    let mut at = parent(name);
    while !at.is_empty() && seen.insert(at) {
        if at == name {
            return true;
        }
        at = parent(at);
    }
    false
}

/// Whether one comes back to a group by going from groups to their members.
pub fn holds_itself<'n>(name: &'n str, members: impl Fn(&'n str) -> &'n [String]) -> bool {
    let mut seen = HashSet::new();
    let mut open: Vec<&str> = members(name).iter().map(String::as_str).collect();
    while let Some(at) = open.pop() {
        if at == name {
            return true;
        }
        if seen.insert(at) {
            open.extend(members(at).iter().map(String::as_str));
        }
    }
    false
}

/// Puts back what was hidden; `kept` is where, each with the name of its key.
fn restore(node: &mut Node, before: &Node, key: &str, kept: &mut Vec<(Position, String)>) {
    let at = node.at;
    match (&mut node.kind, &before.kind) {
        (Kind::Map(pairs), Kind::Map(_)) => {
            for (key, value) in pairs {
                if let Some(was) = before.get(&key.text) {
                    restore(value, was, &key.text, kept);
                }
            }
        }
        (Kind::List(items), Kind::List(were)) => items.iter_mut().zip(were).for_each(|(item, was)| restore(item, was, key, kept)),
        (Kind::Scalar { text, .. }, Kind::Scalar { text: was, .. }) => {
            if let Some(whole) = unmasked(text, was) {
                *text = whole.into();
                kept.push((at, key.to_owned()));
            }
        }
        _ => {}
    }
}

/// What was hidden in a text that is shown so; none where nothing was. Of a URL its password and its parameters are hidden:
/// with another path it has the same ones.
fn unmasked(shown: &str, was: &str) -> Option<String> {
    let masked = masked::url(was);
    if shown == SECRET || (shown == masked && *masked != *was) {
        return Some(was.to_owned());
    }
    let (password, hidden) = (password(was)?, password(shown)?);
    let is_hidden = format!(":{hidden}@") != format!(":{password}@") && masked.contains(&format!(":{hidden}@"));
    is_hidden.then(|| shown.replacen(&format!(":{hidden}@"), &format!(":{password}@"), 1))
}

/// The password before the host of a URL, as it is written.
fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit_once('@')?.0.split_once(':').map(|(_, password)| password)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
checks:
  - name: Shop
    labels: {team: web}
    http:
      url: https://ann:pw@shop.example/health
      status: [200, 3xx]
      json: [{path: status, value: ok}]
      bearer_token: hunter2hunter2
  - name: Database
    parent: Shop
    interval: 5s
    retries: 0
    tcp: {address: 'db.example:5432'}
  - name: Backup
    heartbeat: {cron: '0 3 * * *', time_zone: Europe/Berlin, grace: 30m}
";

    fn told(text: &str) -> Vec<String> {
        read(text, Path::new("checks.yml")).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_reads_back_as_it_was_printed() {
        let (ChecksFile { checks: all, .. }, warnings) = read(FILE, Path::new("checks.yml")).unwrap();
        assert_eq!(warnings, []);
        let kinds: Vec<(&str, String)> = all.iter().map(|defined| (defined.check.kind(), defined.check.target())).collect();
        assert_eq!(kinds[1], ("tcp", "db.example:5432".to_owned()));
        assert!(!kinds[0].1.contains("pw"), "{}", kinds[0].1);
        assert_eq!(all[1].check.timeout().to_string(), "5s", "not longer than its interval");
        let printed = print(all.iter().map(|defined| &defined.check));
        assert!(!printed.contains("hunter2") && !printed.contains("pw@"), "{printed}");
        let (ChecksFile { checks: again, .. }, _) = read(&printed, Path::new("x")).unwrap();
        assert_eq!(print(again.iter().map(|defined| &defined.check)), printed);
        assert_eq!(again[1].check, all[1].check);
    }

    #[test]
    fn checks_go_along_with_the_names_of_others() {
        let read = |text: &str| read_one(text, None).unwrap();
        let child = read("{name: Shop, parent: Host, ping: {host: a}}");
        assert_eq!(child.naming("Host", Some("Rack 1")).unwrap().check.parent, "Rack 1");
        assert_eq!(child.naming("Host", None).unwrap().check.parent, "");
        assert_eq!(child.naming("Other", Some("x")), None);
        let group = read("{name: All, group: {checks: [Shop, Host]}}");
        assert_eq!(group.naming("Host", Some("Rack 1")).unwrap().check.members(), ["Shop", "Rack 1"]);
        assert_eq!(group.naming("Host", None).unwrap().check.members(), ["Shop"]);
        assert_eq!(read("{name: All, group: {checks: [Host]}}").naming("Host", None), None, "a group has a member");
    }

    #[test]
    fn maintenance_stands_beside_checks() {
        let text = format!("{FILE}maintenance:\n  - {{title: Move, checks: [Shop], starts: '@weekly', lasts: 2h}}\n");
        let (file, _) = read(&text, Path::new("checks.yml")).unwrap();
        assert_eq!((file.maintenance.len(), file.maintenance[0].title.as_str()), (1, "Move"));
        let printed = print_all(file.checks.iter().map(|defined| &defined.check), &file.maintenance);
        assert_eq!(read(&printed, Path::new("x")).unwrap().0.maintenance, file.maintenance);
    }

    #[test]
    fn what_was_hidden_stays_as_it_was() {
        let (ChecksFile { checks: all, .. }, _) = read(FILE, Path::new("checks.yml")).unwrap();
        let shown = yaml::print(&to_node(&all[0].check));
        let again = read_one(&shown, Some(&all[0])).unwrap();
        let http = again.check.http.as_ref().unwrap();
        assert_eq!((http.bearer_token.expose(), http.url.0.as_str()), ("hunter2hunter2", "https://ann:pw@shop.example/health"));
        assert_eq!(read_one(&again.definition(), None).unwrap().check, all[0].check);
        let json = r#"{"name": "A", "heartbeat": {"every": "1h"}}"#;
        let mut made = read_one(json, None).unwrap();
        made.set_secret("heartbeat", "token", "0123456789abcdef");
        assert_eq!(read_one(&made.definition(), None).unwrap().check.heartbeat.unwrap().token.expose(), "0123456789abcdef");
    }

    #[test]
    fn what_was_hidden_is_not_sent_elsewhere() {
        let kinds = [
            (
                "http",
                "{url: 'https://a.example/x', password: hunter2, username: ann, proxy_url: 'http://p:1'}",
                "url: 'https://a.example/y?z=1'",
            ),
            ("http", "{url: 'https://a.example/x', bearer_token: hunter2, method: GET}", "method: POST"),
            ("http", "{url: 'https://a.example/x', headers: {X-Api-Key: hunter2}, method: GET}", "method: POST"),
            ("http", "{url: 'https://ann:hunter2@a.example/x'}", "url: 'https://ann:xxxxx@a.example/y'"),
            ("websocket", "{url: 'wss://a.example/x', headers: {Authorization: hunter2}}", "url: 'wss://a.example/y'"),
            ("postgres", "{address: 'a:5432', password: hunter2, database: x}", "database: y"),
            ("redis", "{address: 'a:6379', password: hunter2, latency_max: 1s}", "latency_max: 2s"),
        ];
        let elsewhere = [
            &["url: 'https://b.example/x'", "url: 'http://a.example/x'", "url: 'https://a.example:444/x'", "proxy_url: 'http://evil:1'"][..],
            &["url: 'https://a.example.evil/x'"],
            &["url: 'https://b.example/x'"],
            &["url: 'https://ann:xxxxx@b.example/x'", "proxy_url: 'http://evil:1'"],
            &["url: 'wss://b.example/x'", "url: 'ws://a.example/x'"],
            &["address: 'b:5432'", "address: 'a:5433'"],
            &["address: 'b:6379'", "tls: true"],
        ];
        for ((kind, below, harmless), elsewhere) in kinds.iter().zip(elsewhere) {
            let before = read_one(&format!("{{name: a, {kind}: {below}}}"), None).unwrap();
            let shown = yaml::parse(&yaml::print(&to_node(&before.check))).unwrap().root;
            let changed = |change: &str| {
                let (key, value) = change.split_once(": ").unwrap();
                let mut shown = shown.clone();
                let Kind::Map(pairs) = &mut shown.kind else { panic!() };
                let below = &mut pairs.iter_mut().find(|(key, _)| &*key.text == *kind).unwrap().1;
                put(below, key, Some(Node::bare(value.trim_matches('\''))));
                read_one(&yaml::print(&shown), Some(&before))
            };
            let same = changed(harmless).unwrap();
            assert!(same.definition().contains("hunter2"), "{kind} {harmless}: {}", same.definition());
            for change in elsewhere {
                let told = changed(change).unwrap_err();
                assert!(told.iter().any(|one| one.message.contains("type the password again: the address changed")), "{change}: {told:?}");
            }
            // Whoever knows the secret sends it where they like.
            let whole = format!("{{name: a, {kind}: {}}}", below.replace("a.example", "b.example").replace("'a:", "'b:"));
            assert!(read_one(&whole, Some(&before)).is_ok(), "{whole}");
        }
        let beat = read_one("{name: a, heartbeat: {every: 1h, token: 0123456789abcdef}}", None).unwrap();
        assert!(read_one("{name: a, heartbeat: {every: 2h, token: <secret>}}", Some(&beat)).is_ok());
    }

    #[test]
    fn a_goal_reads_back_as_it_was_written() {
        let check = read_one("{name: a, goal: 99.95, ping: {host: a}}", None).unwrap().check;
        assert_eq!(check.goal.percent(), Some(99.95));
        let printed = print([&check]);
        assert!(printed.contains("goal: 99.95\n"), "{printed}");
        assert_eq!(read(&printed, Path::new("x")).unwrap().0.checks[0].check, check);
        assert!(!print([&read_one("{name: a, ping: {host: a}}", None).unwrap().check]).contains("goal"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("checks: [{http: {url: 'https://a/'}}]", "checks.yml:1:10: a check has a name"),
            (
                "checks: [{name: a}]",
                "checks.yml:1:10: a check says what it probes: http, tcp, dns, ping, grpc, websocket, smtp, postgres, redis, docker, domain, ",
            ),
            (
                "checks: [{name: a, ping: {host: a}, tcp: {address: 'a:1'}}]",
                "checks.yml:1:10: a check has one kind, this one has tcp and ping",
            ),
            ("checks: [{name: a, ping: {host: a}}, {name: a, ping: {host: b}}]", "checks.yml:1:38: there are two checks named \"a\""),
            ("checks: [{name: a, interval: 10ms, ping: {host: a}}]", "checks.yml:1:30: interval: read 10ms, expected 1s to 1d"),
            (
                "checks: [{name: a, http: {url: ftp://a}}]",
                "checks.yml:1:32: url: read \"ftp://a\", expected an address such as https://example.org/",
            ),
            (
                "checks: [{name: a, http: {url: 'http://a', status: [20]}}]",
                "checks.yml:1:52: status: read \"20\", expected such as 200, 200-299 or 2xx",
            ),
            (
                "checks: [{name: a, labels: {check: x}, ping: {host: a}}]",
                "checks.yml:1:28: labels: check is a label that every check has already",
            ),
            (
                "checks: [{name: a, goal: 101, ping: {host: a}}]",
                "checks.yml:1:26: goal: read \"101\", expected a share in percent such as 99.9",
            ),
            ("checks: [{name: a, ping: {hots: a}}]", "checks.yml:1:27: hots: unknown key, did you mean host?"),
            ("checks: [{name: a, heartbeat: {}}]", "checks.yml:1:31: a heartbeat comes either every so often or by a cron expression"),
            (
                "checks: [{name: a, heartbeat: {cron: x}}]",
                "checks.yml:1:38: cron: \"x\" is no cron expression of five fields (minute hour day month weekday): ",
            ),
            (
                "checks: [{name: a, module: {module: m, target: t}, parent: b}, {name: b, parent: a, ping: {host: h}}]",
                "checks.yml:1:10: the check \"a\" is below itself: its parents go round in a circle",
            ),
            (
                "checks: [{name: a, group: {checks: [b]}}, {name: b, group: {checks: [c, a]}}]",
                "checks.yml:1:10: the group \"a\" holds itself: its members go round in a circle",
            ),
            ("checks: [{name: a, group: {checks: [a]}}]", "checks.yml:1:27: checks: a group does not hold itself"),
            ("checks: [{name: a, group: {checks: [b], up_min: 2}}]", "checks.yml:1:49: up_min: read 2, and the group has 1 checks"),
            (
                "checks: [{name: a, websocket: {url: 'http://a'}}]",
                "checks.yml:1:37: url: read \"http://a\", expected an address such as wss://example.org/",
            ),
            ("checks: [{name: a, smtp: {address: 'a:25', tls: true, starttls: true}}]", "checks.yml:1:65: starttls: either TLS"),
            (
                "checks: [{name: a, postgres: {address: 'a:5432', tls: yes}}]",
                "checks.yml:1:55: tls: read \"yes\", expected disable, require or verify",
            ),
            ("checks: [{name: a, redis: {address: 'a:1', username: b}}]", "checks.yml:1:27: password: who signs in has one"),
            ("checks: [{name: a, docker: {container: 'a/b'}}]", "checks.yml:1:40: container: read \"a/b\", expected the name"),
            (
                "checks: [{name: a, docker: {container: a, host: 'ssh://a'}}]",
                "checks.yml:1:49: host: read \"ssh://a\", expected such as unix:",
            ),
            ("checks: [{name: a, domain: {name: localhost}}]", "checks.yml:1:35: name: read \"localhost\", expected a domain"),
            ("checks: [{name: a, interval: 30s, domain: {name: a.org}}]", "checks.yml:1:30: interval: read 30s, expected at least 10m"),
            ("checks: {", "checks.yml:"),
        ] {
            let told = told(text);
            assert!(told.iter().any(|line| line.starts_with(expected)), "{text}: {told:#?}");
        }
    }
}
