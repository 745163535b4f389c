//! The list of checks: how each stands, bars over a time, how fast it answers; the worst first, groups together.

mod choice;
mod order;

use std::collections::HashMap;

use self::choice::Section;
pub use self::choice::{Chosen, Filter, Views, choose, matching};
pub use self::order::{CHOSEN_MAX, Order, Wish};
use super::found;
use super::kinds::{self, KindOf};
use super::standing::{self, Standing, length};
use super::strip::{Reach, Strip, strip};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::ui::spark;
use crate::uptime::config::Check;
use crate::uptime::model::figures::Tally;
use crate::uptime::model::window::Window;
use crate::uptime::watch::watcher::View;

/// Checks that are named before they are deleted.
const NAMED_MAX: usize = 20;

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
    /// Whether those are all that match.
    pub is_every: bool,
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
    every_words: String,
    chosen_words: String,
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
        !filter_is_empty(&self.input.filter)
    }

    fn is_ever_empty(&self) -> bool {
        self.input.chosen.total == 0
    }

    fn kinds_on_offer(&self) -> &'static [&'static KindOf] {
        &kinds::KINDS
    }
}

const fn filter_is_empty(filter: &Filter) -> bool {
    filter.text.is_empty() && filter.state.is_none() && filter.label.is_empty() && filter.kind.is_empty()
}

/// What was done, in words: `paused-12`, and how many of them stand in a file: `paused-12-3`.
fn said(done: &str, shell: &Shell) -> String {
    let mut parts = done.split('-');
    let what = parts.next().unwrap_or_default();
    let [count, left] = [1, 0].map(|unless| parts.next().map_or(unless, |part| part.parse().unwrap_or(0)));
    let lang = shell.lang();
    let said = said_of(what, count, shell);
    if left == 0 || said.is_empty() {
        return said;
    }
    format!("{said} {}", lang.n(left, "{} stands in a file, and stays as it is.", "{} stand in a file, and stay as they are."))
}

fn said_of(what: &str, count: u64, shell: &Shell) -> String {
    let lang = shell.lang();
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
        every_words: if filter_is_empty(&input.filter) {
            shell.lang().n(chosen.matched as u64, "{} check", "All {} checks")
        } else {
            shell.lang().n(chosen.matched as u64, "The one that matches", "All {} that match")
        },
        chosen_words: shell.lang().n(chosen.matched as u64, "{} check is chosen", "All {} checks are chosen"),
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
        let is_every = false;
        render(&ListInput { views: views.clone(), chosen, filter, windows, past, doomed, is_every, done, problem, url, may_change }, &shell)
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
        assert_eq!(matching(&views, &Filter::default()).len(), 6, "a group is a check, too");
        assert_eq!(matching(&views, &Filter::from_query("text=broken")), [2]);
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
        assert!(text.contains("name=\"every\" value=\"1000\"") && text.contains("All 1,000 checks"), "{text}");
    }

    #[test]
    fn all_that_match_are_those_of_every_page_and_no_others() {
        let views: Views =
            (0..120).map(|n| (n, view(&format!("{{name: c{n:04}, labels: {{row: r{}}}, ping: {{host: h}}}}", n % 2), State::Up))).collect();
        let filter = Filter::from_query("label=row%3Dr1&page=1&range=90d");
        let all = matching(&views, &filter);
        assert_eq!((all.len(), choose(&views, &filter).found), (60, 60));
        assert!(all.iter().all(|id| id % 2 == 1));
        assert!(html(&views, "label=row%3Dr1", true).contains("All 60 that match"));
        assert!(html(&views, "done=paused-57-3", true).contains("57 checks are paused. 3 stand in a file, and stay as they are."));
        let form = b"every=60&do=retries&retries=3&back=%2Fuptime%3Flabel%3Drow%253Dr1";
        let order = Order::from_form(form).unwrap();
        assert_eq!((order.every, &order.wish, order.filter().label.as_str()), (Some(60), &Wish::Retries("3".into()), "row=r1"));
        assert!(Order::from_form(b"every=60&do=severity").is_err());
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
