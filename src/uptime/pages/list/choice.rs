//! Which checks stand on a page of the list: those that match, in their groups, the worst first, so many a page.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::uptime::pages::standing::Standing;
use crate::uptime::pages::strip::Reach;
use crate::uptime::watch::watcher::View;

/// Checks on one page.
const PAGE_CHECKS: usize = 50;
/// Labels that a filter offers.
const LABELS_MAX: usize = 60;

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
        // A group does not match by the names of its members: those match by themselves.
        let has_target = !self.text.is_empty() && check.members().is_empty();
        let target = if has_target { check.target() } else { String::new() };
        let has = |word: &str| {
            let within = |text: &str| text.to_lowercase().contains(word);
            within(&check.name)
                || within(&target)
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
pub(super) struct Section {
    pub(super) group: Option<i64>,
    pub(super) ids: Vec<i64>,
    pub(super) worst: Standing,
}

/// What of all checks is on the page.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub(super) sections: Vec<Section>,
    pub(super) counts: [usize; 5],
    pub(super) kinds: BTreeSet<&'static str>,
    pub(super) labels: BTreeSet<String>,
    pub(super) total: usize,
    pub(super) found: usize,
    pub(super) matched: usize,
    pub(super) page: usize,
    pub(super) pages: usize,
}

impl Chosen {
    /// Which checks the page shows, by their numbers.
    pub fn ids(&self) -> Vec<i64> {
        self.sections.iter().flat_map(|section| section.ids.iter().copied()).collect()
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
        matched: matching(views, filter).len(),
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
    let sections = sections(views, filter);
    chosen.found = sections.iter().map(|section| section.ids.len()).sum();
    chosen.pages = chosen.found.div_ceil(PAGE_CHECKS).max(1);
    chosen.page = filter.page.min(chosen.pages - 1);
    chosen.sections = slice(sections, chosen.page * PAGE_CHECKS);
    chosen
}

/// Every check that matches, on whatever page it is, groups as well.
pub fn matching(views: &Views, filter: &Filter) -> Vec<i64> {
    let group_of = groups(views);
    views.iter().filter(|(id, view)| filter.takes(view, group_name(**id, views, &group_of))).map(|(id, _)| *id).collect()
}

fn group_name<'v>(id: i64, views: &'v Views, group_of: &HashMap<i64, i64>) -> &'v str {
    group_of.get(&id).and_then(|group| views.get(group)).map_or("", |group| group.check.name.as_str())
}

fn sections(views: &Views, filter: &Filter) -> Vec<Section> {
    let group_of = groups(views);
    let mut by_group: BTreeMap<Option<i64>, Vec<i64>> = BTreeMap::new();
    for (id, view) in views {
        let group = group_of.get(id).copied();
        if filter.takes(view, group_name(*id, views, &group_of)) {
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
    sections
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
