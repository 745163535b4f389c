//! The list of checks: how each stands, bars over a time, how fast it answers; the worst first, groups together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::found;
use super::kinds::{self, KindOf};
use super::standing::{self, Standing, length};
use super::strip::{Reach, Strip, strip};
use crate::ui::lang::{Words, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::ui::spark;
use crate::uptime::config::Check;
use crate::uptime::model::figures::Tally;
use crate::uptime::model::window::Window;
use crate::uptime::watch::watcher::View;

/// Checks on one page.
const PAGE_CHECKS: usize = 50;
/// Labels that a filter offers.
const LABELS_MAX: usize = 60;
/// Checks that one form is about at most.
pub const CHOSEN_MAX: usize = 1_000;
/// Checks that are named before they are deleted.
const NAMED_MAX: usize = 20;

/// Checks by their numbers.
pub type Views = BTreeMap<i64, View>;

/// What the reader asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that name, target, kind or labels must hold.
    pub text: String,
    /// Only those that stand so.
    pub state: Option<Standing>,
    /// Only those with this label, as `name=value`.
    pub label: String,
    /// Only those of this kind.
    pub kind: String,
    /// How far bars reach back.
    pub reach: Reach,
    /// Page, from 0.
    pub page: usize,
}

impl Filter {
    /// From a query string: `text`, `state`, `label`, `kind`, `range`, `page`.
    pub fn from_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            match &*name {
                "text" => filter.text = value.to_lowercase(),
                "state" => filter.state = Standing::ALL.into_iter().find(|standing| standing.as_str() == value),
                "label" => value.clone_into(&mut filter.label),
                "kind" => value.clone_into(&mut filter.kind),
                "range" => filter.reach = Reach::read(value),
                "page" => filter.page = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        filter
    }

    fn takes(&self, view: &View, group: &str) -> bool {
        let check = &view.check;
        let has = |word: &str| {
            let within = |text: &str| text.to_lowercase().contains(word);
            within(&check.name)
                || within(&check.target())
                || within(check.kind())
                || within(group)
                || check.labels.iter().any(|(name, value)| within(&format!("{name}={value}")))
        };
        self.state.is_none_or(|state| Standing::of(view) == state)
            && (self.kind.is_empty() || check.kind() == self.kind)
            && (self.label.is_empty() || check.labels.iter().any(|(name, value)| format!("{name}={value}") == self.label))
            && self.text.split_whitespace().all(has)
    }
}

/// Checks that are shown together: those of a group, or those of none.
#[derive(Debug, Clone)]
struct Section {
    group: Option<i64>,
    ids: Vec<i64>,
    worst: Standing,
}

/// What of all checks is on the page.
#[derive(Debug, Clone)]
pub struct Chosen {
    sections: Vec<Section>,
    counts: [usize; 5],
    kinds: BTreeSet<&'static str>,
    labels: BTreeSet<String>,
    total: usize,
    found: usize,
    page: usize,
    pages: usize,
}

impl Chosen {
    /// Which checks the page shows, by their numbers.
    pub fn ids(&self) -> Vec<i64> {
        self.sections.iter().flat_map(|section| section.ids.iter().copied()).collect()
    }

    const fn total(&self) -> usize {
        self.total
    }

    const fn labels(&self) -> &BTreeSet<String> {
        &self.labels
    }

    const fn page(&self) -> usize {
        self.page
    }

    const fn pages(&self) -> usize {
        self.pages
    }
}

/// Chooses what is shown, before anybody asks the database about it.
pub fn choose(views: &Views, filter: &Filter) -> Chosen {
    let mut chosen = Chosen {
        sections: Vec::new(),
        counts: [0; 5],
        kinds: BTreeSet::new(),
        labels: BTreeSet::new(),
        total: views.len(),
        found: 0,
        page: 0,
        pages: 1,
    };
    for view in views.values() {
        chosen.counts[Standing::of(view) as usize] += 1;
        chosen.kinds.insert(view.check.kind());
        if chosen.labels.len() < LABELS_MAX {
            chosen.labels.extend(view.check.labels.iter().map(|(name, value)| format!("{name}={value}")));
        }
    }
    let group_of = groups(views);
    let mut by_group: BTreeMap<Option<i64>, Vec<i64>> = BTreeMap::new();
    for (id, view) in views {
        let group = group_of.get(id).copied();
        let name = group.and_then(|group| views.get(&group)).map_or("", |group| group.check.name.as_str());
        if filter.takes(view, name) {
            // A group stands above its members.
            let has_members = group_of.values().any(|group| group == id);
            let place = if has_members { Some(*id) } else { group };
            let list = by_group.entry(place).or_default();
            if !has_members {
                list.push(*id);
            }
        }
    }
    let standing = |id: &i64| views.get(id).map_or(Standing::Unknown, Standing::of);
    let mut sections: Vec<Section> = by_group
        .into_iter()
        .map(|(group, mut ids)| {
            ids.sort_by(|a, b| (standing(a), &views[a].check.name).cmp(&(standing(b), &views[b].check.name)));
            let worst = ids.iter().chain(&group).map(standing).min().unwrap_or(Standing::Unknown);
            Section { group, ids, worst }
        })
        .collect();
    sections.sort_by_key(|section| {
        (section.worst, section.group.is_none(), section.group.and_then(|group| views.get(&group)).map(|view| view.check.name.clone()))
    });
    chosen.found = sections.iter().map(|section| section.ids.len()).sum();
    chosen.pages = chosen.found.div_ceil(PAGE_CHECKS).max(1);
    chosen.page = filter.page.min(chosen.pages - 1);
    chosen.sections = slice(sections, chosen.page * PAGE_CHECKS);
    chosen
}

/// The group of each check that is in one; of several the one that was made first.
fn groups(views: &Views) -> HashMap<i64, i64> {
    let groups: Vec<(i64, &[String])> =
        views.iter().map(|(id, view)| (*id, view.check.members())).filter(|(_, names)| !names.is_empty()).collect();
    if groups.is_empty() {
        return HashMap::new();
    }
    let by_name: HashMap<&str, i64> = views.iter().map(|(id, view)| (view.check.name.as_str(), *id)).collect();
    let mut found = HashMap::new();
    for (group, names) in &groups {
        for id in names.iter().filter_map(|name| by_name.get(name.as_str())) {
            found.entry(*id).or_insert(*group);
        }
    }
    found
}

fn slice(sections: Vec<Section>, mut skip: usize) -> Vec<Section> {
    let mut left = PAGE_CHECKS;
    let mut here = Vec::new();
    for mut section in sections {
        let total = section.ids.len();
        section.ids = section.ids.into_iter().skip(skip).take(left).collect();
        skip = skip.saturating_sub(total);
        left -= section.ids.len();
        if !section.ids.is_empty() || total == 0 {
            here.push(section);
        }
        if left == 0 {
            break;
        }
    }
    here
}

/// The past of a check that is on the page.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// What it was in each window.
    pub tallies: Vec<Tally>,
    /// How long its probes took, in seconds, ascending by time.
    pub took: Vec<f64>,
    /// Whether there is maintenance of it now.
    pub is_maintained: bool,
}

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct ListInput {
    /// Every check.
    pub views: Views,
    /// What is shown of them.
    pub chosen: Chosen,
    /// What the reader asked for.
    pub filter: Filter,
    /// The windows of bars.
    pub windows: Vec<Window>,
    /// The past of those that are shown.
    pub past: HashMap<i64, Past>,
    /// Checks that somebody wants to delete and has not confirmed.
    pub doomed: Vec<i64>,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// An address that was not taken.
    pub url: String,
    /// Whether whoever looks may change checks.
    pub may_change: bool,
}

struct Row {
    id: i64,
    href: String,
    name: String,
    kind: &'static str,
    target: String,
    class: &'static str,
    word: &'static str,
    since: String,
    why: String,
    strip: Strip,
    spark: String,
    took: String,
    labels: Vec<(String, String)>,
    is_maintained: bool,
}

struct SectionView {
    name: String,
    href: String,
    class: &'static str,
    words: String,
    rows: Vec<Row>,
}

#[derive(askama::Template)]
#[template(path = "uptime/list.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    input: &'a ListInput,
    said: String,
    counted: Vec<(Standing, usize)>,
    kinds: Vec<(&'static str, &'static str)>,
    sections: Vec<SectionView>,
    doomed: Vec<&'a str>,
    doomed_more: usize,
    doomed_words: String,
    found_words: String,
    back: String,
}

impl ListPage<'_> {
    fn state_is(&self, standing: &Standing) -> bool {
        self.input.filter.state == Some(*standing)
    }

    fn reach_is(&self, reach: &Reach) -> bool {
        self.input.filter.reach == *reach
    }

    fn kind_is(&self, kind: &str) -> bool {
        self.input.filter.kind == kind
    }

    fn label_is(&self, label: &str) -> bool {
        self.input.filter.label == label
    }

    fn has_filter(&self) -> bool {
        let filter = &self.input.filter;
        !filter.text.is_empty() || filter.state.is_some() || !filter.label.is_empty() || !filter.kind.is_empty()
    }

    fn is_ever_empty(&self) -> bool {
        self.input.chosen.total == 0
    }

    fn kinds_on_offer(&self) -> &'static [&'static KindOf] {
        &kinds::KINDS
    }
}

/// What was done, in words.
fn said(done: &str, shell: &Shell) -> String {
    let (what, count) = done.split_once('-').unwrap_or((done, "1"));
    let (count, lang) = (count.parse().unwrap_or(0), shell.lang());
    match what {
        "paused" => lang.n(count, "{} check is paused.", "{} checks are paused."),
        "resumed" => lang.n(count, "{} check is watched again.", "{} checks are watched again."),
        "probed" => lang.n(count, "{} check is probed now.", "{} checks are probed now."),
        "deleted" => lang.n(count, "{} check is deleted.", "{} checks are deleted."),
        "changed" => lang.n(count, "{} check is changed.", "{} checks are changed."),
        "brought" => lang.n(count, "{} check is brought in.", "{} checks are brought in."),
        _ => String::new(),
    }
}

/// Renders the page. The shell refreshes by itself.
pub fn render(input: &ListInput, shell: &Shell) -> String {
    let chosen = &input.chosen;
    let name_of = |id: &i64| input.views.get(id).map(|view| view.check.name.as_str());
    let doomed: Vec<&str> = input.doomed.iter().filter_map(name_of).collect();
    page::html(&ListPage {
        said: said(&input.done, shell),
        counted: Standing::ALL.into_iter().zip(chosen.counts).collect(),
        kinds: chosen.kinds.iter().map(|kind| (*kind, kinds::name_of(kind))).collect(),
        sections: chosen.sections.iter().map(|section| section_view(section, input, shell)).collect(),
        doomed_more: doomed.len().saturating_sub(NAMED_MAX),
        doomed_words: shell.lang().n(doomed.len() as u64, "Delete {} check for good?", "Delete {} checks for good?"),
        doomed: doomed.into_iter().take(NAMED_MAX).collect(),
        found_words: shell.lang().n(chosen.found as u64, "{} check", "{} checks"),
        back: shell.href_with(&[("done", "")]),
        shell,
        input,
    })
}

fn section_view(section: &Section, input: &ListInput, shell: &Shell) -> SectionView {
    let group = section.group.and_then(|group| Some((group, input.views.get(&group)?)));
    let ups = section.ids.iter().filter_map(|id| input.views.get(id)).filter(|view| Standing::of(view) == Standing::Up).count();
    SectionView {
        name: group.map_or_else(String::new, |(_, view)| view.check.name.clone()),
        href: group.map_or_else(String::new, |(id, _)| links::check(id)),
        class: section.worst.class(),
        words: if section.worst == Standing::Up { shell.t("all up").to_owned() } else { shell.f2("{} of {} up", ups, section.ids.len()) },
        rows: section.ids.iter().filter_map(|id| Some(row(*id, input.views.get(id)?, input, shell))).collect(),
    }
}

fn row(id: i64, view: &View, input: &ListInput, shell: &Shell) -> Row {
    let standing = Standing::of(view);
    let nothing = Past::default();
    let past = input.past.get(&id).unwrap_or(&nothing);
    let since = if standing == Standing::Doubt { view.in_doubt_since.unwrap_or(view.span.from) } else { view.span.from };
    Row {
        id,
        href: links::check(id),
        name: view.check.name.clone(),
        kind: kinds::name_of(view.check.kind()),
        target: target(&view.check),
        class: standing.class(),
        word: standing.word(),
        since: length(shell.now_ms.saturating_sub(since)),
        why: standing::why(view).to_owned(),
        strip: strip(&input.windows, &past.tallies, shell.lang()),
        spark: spark::svg(&past.took),
        took: view.newest.as_ref().filter(|_| standing != Standing::Paused).map_or_else(String::new, |outcome| found::took(outcome.took)),
        labels: view
            .check
            .labels
            .iter()
            .map(|(name, value)| {
                (format!("{name}={value}"), shell.href_with(&[("label", &format!("{name}={value}")), ("page", ""), ("done", "")]))
            })
            .collect(),
        is_maintained: past.is_maintained,
    }
}

/// What is probed; of a job when it is to run.
fn target(check: &Check) -> String {
    match &check.heartbeat {
        Some(heartbeat) if heartbeat.cron.is_empty() => heartbeat.every.to_string(),
        Some(heartbeat) => heartbeat.cron.clone(),
        None => check.target(),
    }
}

/// What a form asks to be done with the checks that are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Nobody wants to know any more, or again.
    Pause(bool),
    /// Probe now.
    Probe,
    /// Forget, after a question.
    Delete {
        /// Whether it was answered.
        is_sure: bool,
    },
    /// A label and its value; none takes it away.
    Label(String, Option<String>),
    /// How often.
    Interval(String),
}

/// A form about checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which.
    pub checks: Vec<i64>,
    /// What is to be done.
    pub wish: Wish,
    /// Where to go then: a page of checks.
    pub back: String,
}

impl Order {
    /// From the body of a form.
    ///
    /// # Errors
    /// What is missing, and where the reader came from.
    pub fn from_form(body: &[u8]) -> Result<Self, (Words, String)> {
        let mut checks = BTreeSet::new();
        let (mut wish, mut label, mut interval, mut back, mut is_sure) =
            (String::new(), String::new(), String::new(), String::new(), false);
        for (name, value) in form_urlencoded::parse(body) {
            let value = value.trim();
            match &*name {
                "check" => checks.extend(value.parse::<i64>().ok()),
                "do" => value.clone_into(&mut wish),
                "label" => value.clone_into(&mut label),
                "interval" => value.clone_into(&mut interval),
                "sure" => is_sure = true,
                // Only back to pages of checks.
                "back" if value == links::UPTIME || value.starts_with("/uptime?") || value.starts_with("/uptime/") => {
                    value.clone_into(&mut back);
                }
                _ => {}
            }
        }
        if back.is_empty() {
            links::UPTIME.clone_into(&mut back);
        }
        let pair = label.split_once(['=', ':']).map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let wish = match (wish.as_str(), pair) {
            ("pause", _) => Wish::Pause(true),
            ("resume", _) => Wish::Pause(false),
            ("probe", _) => Wish::Probe,
            ("delete", _) => Wish::Delete { is_sure },
            ("label", Some((name, value))) if !name.is_empty() && !value.is_empty() => Wish::Label(name, Some(value)),
            ("label", _) => return Err((key("Write a label as name=value, such as team=web.").into(), back)),
            ("unlabel", pair) => {
                let name = pair.map_or(label, |(name, _)| name);
                if name.is_empty() {
                    return Err((key("Write the name of the label.").into(), back));
                }
                Wish::Label(name, None)
            }
            ("interval", _) if interval.is_empty() => return Err((key("Write how often, such as 30s or 5m.").into(), back)),
            ("interval", _) => Wish::Interval(interval),
            _ => return Err((key("Choose what is to be done.").into(), back)),
        };
        if checks.is_empty() {
            return Err((key("Choose at least one check.").into(), back));
        }
        if checks.len() > CHOSEN_MAX {
            return Err((Words::new("One form is about at most {} checks.", [CHOSEN_MAX.to_string()]), back));
        }
        Ok(Self { checks: checks.into_iter().collect(), wish, back })
    }
}

/// The sentence of counts above the list.
pub fn sentence(counts: &[(Standing, usize)], shell: &Shell) -> String {
    let bad: usize =
        counts.iter().filter(|(standing, _)| matches!(standing, Standing::Down | Standing::Doubt)).map(|(_, count)| count).sum();
    let up: usize = counts.iter().filter(|(standing, _)| *standing == Standing::Up).map(|(_, count)| count).sum();
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    match (bad, all) {
        (_, 0) => String::new(),
        (0, _) if up == all => shell.lang().n(all as u64, "The one check is up.", "All {} checks are up."),
        (0, _) => shell.t("Nothing is down.").to_owned(),
        (bad, _) => shell.lang().n(bad as u64, "{} check needs attention.", "{} checks need attention."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::uptime::model::track::State;
    use crate::uptime::pages::sample::{self, HOSTILE, down, view};

    fn html(views: &Views, query: &str, may_change: bool) -> String {
        let shell = shell(Page::Uptime, "Uptime", links::UPTIME, query).with_refresh("5s");
        let filter = Filter::from_query(query);
        let chosen = choose(views, &filter);
        let windows = filter.reach.windows(shell.now_ms);
        let of = |_| Past {
            tallies: vec![Tally { up: 50, down: 1, ..Tally::default() }; windows.len()],
            took: vec![0.1, 0.2],
            is_maintained: true,
        };
        let past = chosen.ids().into_iter().map(|id| (id, of(id))).collect();
        let (doomed, done, problem, url) = (Vec::new(), shell.param("done").unwrap_or("").to_owned(), String::new(), String::new());
        render(&ListInput { views: views.clone(), chosen, filter, windows, past, doomed, done, problem, url, may_change }, &shell)
    }

    fn some() -> Views {
        let mut doubt = view("{name: Slow, tcp: {address: 'a:1'}}", State::Up);
        doubt.in_doubt_since = Some(sample::NOW - 5_000);
        Views::from([
            (1, view("{name: Fine, labels: {team: web}, http: {url: 'https://fine.example/'}}", State::Up)),
            (2, down("{name: Broken, http: {url: 'https://broken.example/'}}", "answered 503")),
            (3, doubt),
            (4, view("{name: Off, paused: true, ping: {host: h}}", State::Paused)),
            (5, view("{name: Fresh, ping: {host: h}}", State::Unknown)),
        ])
    }

    fn order(text: &str) -> Vec<&str> {
        text.split("<b dir=\"auto\">").skip(1).map(|rest| rest.split('<').next().unwrap()).collect()
    }

    #[test]
    fn nothing_yet_asks_for_an_address() {
        let empty = html(&Views::new(), "", true);
        sample::check(&empty);
        assert!(empty.contains("name=\"http.url\"") && empty.contains(links::UPTIME_SAVE), "{empty}");
        assert!(!html(&Views::new(), "", false).contains("<form class=\"uc-quick"));
    }

    #[test]
    fn the_worst_comes_first_and_filters_narrow() {
        let text = html(&some(), "", true);
        sample::check(&text);
        assert_eq!(order(&text), ["Broken", "Slow", "Fresh", "Fine", "Off"]);
        assert!(text.contains("2 checks need attention.") && text.contains("answered 503") && text.contains("98.03 %"), "{text}");
        for (query, names) in [
            ("state=down", vec!["Broken"]),
            ("state=doubt", vec!["Slow"]),
            ("kind=ping", vec!["Fresh", "Off"]),
            ("label=team%3Dweb", vec!["Fine"]),
            ("text=BROKEN.example", vec!["Broken"]),
            ("text=nowhere", vec![]),
            ("page=99", vec!["Broken", "Slow", "Fresh", "Fine", "Off"]),
        ] {
            assert_eq!(order(&html(&some(), query, false)), names, "{query}");
        }
        assert!(html(&some(), "done=paused-3", true).contains("3 checks are paused."));
        assert!(!html(&some(), "", false).contains("name=\"check\""));
    }

    #[test]
    fn groups_stand_above_their_members_with_the_worst_of_them() {
        let mut views = some();
        views.insert(9, view("{name: Site, group: {checks: [Fine, Off]}}", State::Up));
        let text = html(&views, "", true);
        sample::check(&text);
        // What is down comes first, though it is in no group.
        assert_eq!(order(&text), ["Broken", "Slow", "Fresh", "Fine", "Off"]);
        assert!(text.contains("<a href=\"/uptime/9\">Site</a>") && text.contains("all up"), "{text}");
        views.insert(9, view("{name: Site, group: {checks: [Fine, Broken]}}", State::Down));
        let text = html(&views, "", true);
        assert_eq!(order(&text), ["Broken", "Fine", "Slow", "Fresh", "Off"]);
        assert!(text.contains("1 of 2 up"), "{text}");
        assert_eq!(order(&html(&views, "text=site", true)), ["Broken", "Fine"]);
        let alone = html(&Views::from([(9, views[&9].clone())]), "", true);
        assert!(alone.contains(">Site<"), "{alone}");
    }

    #[test]
    fn hostile_values_are_text() {
        let yaml = format!("{{name: {0}, note: {0}, labels: {{a: {0}}}, query: {{expr: {0}}}}}", serde_json::to_string(HOSTILE).unwrap());
        let views = Views::from([(1, down(&yaml, HOSTILE))]);
        let query = links::with("", &[("text", HOSTILE), ("kind", HOSTILE), ("range", HOSTILE), ("label", HOSTILE)]);
        for query in ["", query.trim_start_matches('?')] {
            sample::check(&html(&views, query, true));
        }
    }

    #[test]
    fn a_thousand_are_chosen_from_in_no_time_and_fifty_are_shown() {
        let views: Views = (0..1_000).map(|n| (n, view(&format!("{{name: c{n:04}, ping: {{host: h}}}}"), State::Up))).collect();
        let chosen = choose(&views, &Filter::from_query("page=19"));
        assert_eq!((chosen.ids().len(), chosen.ids()[0], chosen.pages), (50, 950, 20));
        let text = html(&views, "", true);
        sample::check(&text);
        assert_eq!(order(&text).len(), 50);
    }

    #[test]
    fn orders_say_what_is_missing() {
        let read = |form: &[(&str, &str)]| {
            Order::from_form(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().as_bytes())
        };
        let label = read(&[("check", "2"), ("check", "2"), ("check", "1"), ("do", "label"), ("label", "team = web")]).unwrap();
        assert_eq!((label.checks, label.wish), (vec![1, 2], Wish::Label("team".into(), Some("web".into()))));
        assert_eq!(read(&[("check", "1"), ("do", "pause"), ("back", "//evil.example/uptime")]).unwrap().back, links::UPTIME);
        assert_eq!(read(&[("check", "1"), ("do", "probe"), ("back", "/uptime/1")]).unwrap().back, "/uptime/1");
        for wrong in [
            vec![("do", "pause")],
            vec![("check", "1")],
            vec![("check", "1"), ("do", "label"), ("label", "x")],
            vec![("check", "1"), ("do", "interval")],
        ] {
            assert!(read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
