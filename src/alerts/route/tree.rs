//! The routing tree: which routes take an alert, what each inherits, and the keys of groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::alerts::model::matcher::Matchers;
use crate::alerts::model::routed::label_text;
use crate::alerts::model::routing::{GroupBy, RouteConfig};
use crate::base::time::Duration;
use crate::series::labels::Labels;

/// A route with everything its parents say.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Its place in the tree: parents come before their children.
    pub index: usize,
    /// The route above it.
    pub parent: Option<usize>,
    /// Its children, in order.
    pub children: Vec<usize>,
    /// Where alerts go.
    pub receiver: Arc<str>,
    /// What an alert must pass, besides what the parents ask.
    pub matchers: Matchers,
    /// Whether the routes that follow are asked too.
    pub goes_on: bool,
    /// What groups alerts.
    pub group_by: Grouping,
    /// How long a new group waits.
    pub group_wait: Duration,
    /// How long a group waits before it tells of changes.
    pub group_interval: Duration,
    /// How long until an unchanged group is told again.
    pub repeat_interval: Duration,
    /// Names of the times in which nothing is sent; not inherited.
    pub mute_time_intervals: Vec<String>,
    /// Names of the times outside of which nothing is sent; not inherited.
    pub active_time_intervals: Vec<String>,
    /// Templates by name for messages, the parents' included.
    pub labels: BTreeMap<String, String>,
    /// The conditions from the root to here: the first part of a group's key.
    pub key: Arc<str>,
    /// The same with the place among siblings, so that it names the route.
    pub id: Arc<str>,
}

/// What groups alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// Every label.
    All,
    /// These labels, those of them that the alert has.
    Labels(BTreeSet<String>),
}

impl Route {
    /// The labels that name the group of an alert on this route.
    pub fn group_labels(&self, labels: &Labels) -> Labels {
        match &self.group_by {
            Grouping::All => labels.clone(),
            Grouping::Labels(names) => labels.without(|name| !names.contains(name)),
        }
    }

    /// The name of a group, as logs, messages and the notification log have it: `{}/{a="b"}:{alertname="Down"}`.
    pub fn group_key(&self, group_labels: &Labels) -> String {
        format!("{}:{}", self.key, label_text(group_labels))
    }
}

/// All routes.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteTree {
    routes: Vec<Route>,
    /// How many of them stand in the tree; those that follow stand beside it.
    in_tree: usize,
}

/// A route beside the tree: no alert comes to it by its labels alone.
#[derive(Debug, Clone, PartialEq)]
pub struct SideRoute {
    /// The first part of its groups' keys.
    pub key: Arc<str>,
    /// Where alerts go.
    pub receiver: Arc<str>,
    /// What an alert's labels must pass.
    pub matchers: Matchers,
    /// How long a group waits before it tells of changes; a new one does not wait.
    pub group_interval: Duration,
}

impl RouteTree {
    /// Builds the tree of a configuration.
    pub fn new(root: &RouteConfig) -> Self {
        let mut tree = Self { routes: Vec::new(), in_tree: 0 };
        tree.add(root, None, 0);
        tree.in_tree = tree.routes.len();
        tree
    }

    /// The same with routes beside it, which group by the alert's name and repeat as the root does.
    #[must_use]
    pub fn with_side_routes(&self, side_routes: impl Iterator<Item = SideRoute>) -> Self {
        let mut routes = self.routes.clone();
        routes.truncate(self.in_tree);
        let root = routes.first().map(|root| (root.repeat_interval, root.labels.clone()));
        let (repeat_interval, labels) = root.unwrap_or((Duration::from_secs(4 * 3600), BTreeMap::new()));
        for side in side_routes {
            routes.push(Route {
                index: routes.len(),
                parent: None,
                children: Vec::new(),
                receiver: side.receiver,
                matchers: side.matchers,
                goes_on: false,
                group_by: Grouping::Labels(BTreeSet::from(["alertname".to_owned()])),
                group_wait: Duration::from_ms(0),
                group_interval: side.group_interval,
                repeat_interval,
                mute_time_intervals: Vec::new(),
                active_time_intervals: Vec::new(),
                labels: labels.clone(),
                id: Arc::clone(&side.key),
                key: side.key,
            });
        }
        Self { routes, in_tree: self.in_tree }
    }

    /// The routes beside the tree.
    pub fn side_routes(&self) -> &[Route] {
        self.routes.get(self.in_tree..).unwrap_or_default()
    }

    /// Whether a route stands beside the tree.
    pub fn is_beside(&self, index: usize) -> bool {
        index >= self.in_tree
    }

    fn add(&mut self, config: &RouteConfig, parent: Option<usize>, place: usize) -> usize {
        let index = self.routes.len();
        let above = parent.and_then(|parent| self.routes.get(parent));
        let or = |own: Option<Duration>, above: Option<Duration>, default: Duration| own.or(above).unwrap_or(default);
        let mut labels = above.map(|above| above.labels.clone()).unwrap_or_default();
        labels.extend(config.labels.clone());
        let (key, id) = match above {
            Some(above) => (format!("{}/{}", above.key, config.matchers), format!("{}/{}/{place}", above.id, config.matchers)),
            None => (config.matchers.to_string(), config.matchers.to_string()),
        };
        let receiver = match above {
            Some(above) if config.receiver.is_empty() => above.receiver.clone(),
            _ => config.receiver.as_str().into(),
        };
        let group_by = match (&config.group_by, above) {
            (Some(GroupBy::All), _) => Grouping::All,
            (Some(GroupBy::Labels(names)), _) => Grouping::Labels(names.iter().cloned().collect()),
            (None, Some(above)) => above.group_by.clone(),
            (None, None) => Grouping::Labels(BTreeSet::new()),
        };
        let route = Route {
            index,
            parent,
            children: Vec::new(),
            receiver,
            matchers: config.matchers.clone(),
            goes_on: config.goes_on,
            group_by,
            group_wait: or(config.group_wait, above.map(|above| above.group_wait), Duration::from_secs(30)),
            group_interval: or(config.group_interval, above.map(|above| above.group_interval), Duration::from_secs(300)),
            repeat_interval: or(config.repeat_interval, above.map(|above| above.repeat_interval), Duration::from_secs(4 * 3600)),
            mute_time_intervals: config.mute_time_intervals.clone(),
            active_time_intervals: config.active_time_intervals.clone(),
            labels,
            key: key.into(),
            id: id.into(),
        };
        self.routes.push(route);
        let children = config.routes.iter().enumerate().map(|(place, child)| self.add(child, Some(index), place)).collect();
        if let Some(route) = self.routes.get_mut(index) {
            route.children = children;
        }
        index
    }

    /// Every route, parents before children.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// A route by its place.
    pub fn get(&self, index: usize) -> Option<&Route> {
        self.routes.get(index)
    }

    /// The routes that take an alert with these labels, in order of the file.
    pub fn matching(&self, labels: &Labels) -> Vec<&Route> {
        let mut found = Vec::new();
        if let Some(root) = self.routes.first() {
            self.collect(root, labels, &mut found);
        }
        found
    }

    /// Whether the route or one below it takes the alert.
    fn collect<'t>(&'t self, route: &'t Route, labels: &Labels, found: &mut Vec<&'t Route>) -> bool {
        if !route.matchers.matches(labels) {
            return false;
        }
        let before = found.len();
        for child in route.children.iter().filter_map(|child| self.routes.get(*child)) {
            if self.collect(child, labels, found) && !child.goes_on {
                break;
            }
        }
        if found.len() == before {
            found.push(route);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::model::matcher::{Syntax, parse_matchers};

    fn matchers(text: &str) -> Matchers {
        Matchers::new(parse_matchers(text, Syntax::Both).expect("reads").value)
    }

    fn config(receiver: &str, conditions: &str, routes: Vec<RouteConfig>) -> RouteConfig {
        RouteConfig { receiver: receiver.to_owned(), matchers: matchers(conditions), routes, ..RouteConfig::default() }
    }

    fn names(names: &[&str]) -> Option<GroupBy> {
        Some(GroupBy::Labels(names.iter().map(|name| (*name).to_owned()).collect()))
    }

    #[test]
    fn children_inherit_what_they_do_not_say() {
        let labels = |all: &[(&str, &str)]| all.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let child =
            RouteConfig { group_by: Some(GroupBy::All), labels: labels(&[("b", "3")]), ..config("", "", vec![config("c", "", vec![])]) };
        let silent = RouteConfig {
            group_by: names(&[]),
            mute_time_intervals: vec!["night".to_owned()],
            ..config("", "", vec![config("", "", vec![])])
        };
        let root = RouteConfig {
            group_by: names(&["alertname", "job"]),
            group_wait: Some(Duration::from_secs(1)),
            labels: labels(&[("a", "1"), ("b", "2")]),
            ..config("root", "", vec![child, silent])
        };
        let tree = RouteTree::new(&root);
        let all = tree.routes();
        assert_eq!(all.iter().map(|route| &*route.receiver).collect::<Vec<_>>(), ["root", "root", "c", "root", "root"]);
        assert_eq!(all.iter().map(|route| route.parent).collect::<Vec<_>>(), [None, Some(0), Some(1), Some(0), Some(3)]);
        assert!(all.iter().all(|route| route.group_wait.ms() == 1000 && route.repeat_interval.ms() == 4 * 3_600_000));
        assert_eq!((&all[2].group_by, &all[4].group_by), (&Grouping::All, &Grouping::Labels(BTreeSet::new())));
        assert_eq!(all[2].labels, labels(&[("a", "1"), ("b", "3")]));
        assert_eq!((all[3].mute_time_intervals.len(), all[4].mute_time_intervals.len()), (1, 0));
        assert_eq!(&*all[4].id, "{}/{}/1/{}/0");
    }

    #[test]
    fn keys_of_groups_are_upstreams() {
        let route = RouteConfig { group_by: names(&["alertname", "job"]), ..config("r", "severity=critical,b!=x", vec![]) };
        let tree = RouteTree::new(&config("root", "", vec![route]));
        let labels = Labels::from_pairs([("alertname", "x"), ("severity", "critical"), ("instance", "1")]);
        let route = tree.matching(&labels)[0];
        assert_eq!(route.group_key(&route.group_labels(&labels)), r#"{}/{b!="x",severity="critical"}:{alertname="x"}"#);
        let other = Labels::from_pairs([("b", "x")]);
        let root = tree.matching(&other)[0];
        assert_eq!(root.group_key(&root.group_labels(&other)), "{}:{}");
    }

    #[test]
    fn routes_beside_the_tree_take_nothing_by_themselves() {
        let labels = [("a".to_owned(), "1".to_owned())].into();
        let plain = RouteTree::new(&RouteConfig { labels, repeat_interval: Some(Duration::from_secs(7)), ..config("root", "", vec![]) });
        let side = || SideRoute {
            key: "beside:1".into(),
            receiver: "s".into(),
            matchers: matchers("a=b"),
            group_interval: Duration::from_secs(30),
        };
        let tree = plain.with_side_routes([side()].into_iter());
        let alert = Labels::from_pairs([("a", "b"), ("alertname", "x")]);
        assert_eq!(tree.matching(&alert).iter().map(|route| &*route.receiver).collect::<Vec<_>>(), ["root"]);
        let [route] = tree.side_routes() else { panic!("{tree:?}") };
        assert_eq!(route.group_key(&route.group_labels(&alert)), "beside:1:{alertname=\"x\"}");
        assert_eq!((route.repeat_interval, &route.labels), (Duration::from_secs(7), &plain.routes()[0].labels));
        assert_eq!((tree.is_beside(0), tree.is_beside(1), plain.side_routes().len()), (false, true, 0));
        assert_eq!(tree.with_side_routes([side()].into_iter()), tree);
        assert_eq!(tree.with_side_routes([].into_iter()), plain);
    }

    #[test]
    fn amtools_answers() {
        let Some(shared) = std::env::var_os("PHAROS_TEST_SHARED").map(std::path::PathBuf::from) else { return };
        let dir = shared.join("conformance/alertmanager");
        let text = std::fs::read_to_string(dir.join("routing/cases.json")).expect("cases");
        let cases: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for case in cases["cases"].as_array().expect("cases") {
            let path = dir.join(case["config"].as_str().expect("a path"));
            let mut report = crate::platform::config::diagnostic::Report::new(&path);
            let config = crate::alerts::config::read(&std::fs::read_to_string(&path).expect("a file"), &mut report);
            assert!(!report.has_errors(), "{report:?}");
            let pairs = case["labels"].as_object().expect("labels").iter();
            let labels = Labels::from_pairs(pairs.map(|(name, value)| (name.as_str(), value.as_str().expect("text"))));
            let tree = RouteTree::new(&config.route);
            let found: Vec<&str> = tree.matching(&labels).iter().map(|route| &*route.receiver).collect();
            assert_eq!(serde_json::json!(found), case["receivers"], "{case}");
        }
    }
}
