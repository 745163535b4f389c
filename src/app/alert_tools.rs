//! `pharos alerts`: where alerts would go, drawn and asked, in `amtool`'s words; and the packs of ready rules.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{anyhow, bail, ensure};
use clap::{Args, Subcommand};

use crate::alerts::dispatch::InForce;
use crate::alerts::load_routing;
use crate::alerts::model::matcher::{MatchOp, Syntax, parse_matcher};
use crate::alerts::packs::{self, Pack, Thresholds};
use crate::alerts::route::{Route, RouteTree};
use crate::base::clock::{SharedClock, SystemClock};
use crate::platform::config::diagnostic::lines;
use crate::series::labels::Labels;

#[derive(Debug, Clone, Args)]
pub(super) struct ShowArgs {
    /// The file that says who is told of alerts.
    #[arg(long = "config", visible_alias = "config.file", value_name = "FILE")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(super) struct TestArgs {
    /// The file that says who is told of alerts.
    #[arg(long = "config", visible_alias = "config.file", value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Fail unless these receivers, comma separated, are the ones.
    #[arg(long = "verify-receivers", visible_alias = "verify.receivers", value_name = "NAMES")]
    pub(super) receivers: Option<String>,
    /// Draw the routes that take the alert.
    #[arg(long)]
    pub(super) tree: bool,
    /// Labels of the alert, as name=value.
    pub(super) labels: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct PacksArgs {
    /// The pack whose rule file is to be printed; without one, all packs are listed.
    pub(super) name: Option<String>,
    /// A threshold that is not to be the usual one, as name=value. May be given more than once.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) threshold: Vec<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Routes {
    /// Draw the routes of a file.
    #[command(after_help = super::examples::ROUTES_SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Say which receivers an alert with these labels would go to.
    #[command(after_help = super::examples::ROUTES_TEST_EXAMPLES)]
    Test(TestArgs),
}

fn read(file: &Path) -> anyhow::Result<Arc<InForce>> {
    let clock: SharedClock = Arc::new(SystemClock::new());
    let (in_force, _) = load_routing(Some(file), &clock).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow!("the file cannot be used:\n{}", lines.join("\n"))
    })?;
    Ok(in_force)
}

/// Draws all routes.
pub(super) fn show(args: &ShowArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let in_force = read(&args.config)?;
    writeln!(out, "Routing tree:\n.")?;
    let tree = &in_force.tree;
    let title = |route: &Route| {
        let goes_on = if route.goes_on { "  continue: true" } else { "" };
        format!("{}{goes_on}  receiver: {}", conditions(route), route.receiver)
    };
    draw(tree, 0, "", true, &|_| true, &title, out)?;
    writeln!(out)?;
    Ok(())
}

/// Says who would be told.
pub(super) fn test(args: &TestArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let in_force = read(&args.config)?;
    let labels = labels(&args.labels)?;
    let tree = &in_force.tree;
    let found = tree.matching(&labels);
    if args.tree {
        let taking = taking(tree, &labels);
        let last: Vec<usize> = found.iter().map(|route| route.index).collect();
        let title = |route: &Route| {
            let receiver = if last.contains(&route.index) { format!("  receiver: {}", route.receiver) } else { String::new() };
            format!("{}{receiver}", conditions(route))
        };
        writeln!(out, "Matching routes:\n.")?;
        draw(tree, 0, "", true, &|index| taking.contains(&index), &title, out)?;
        writeln!(out, "\n")?;
    }
    let receivers = found.iter().map(|route| &*route.receiver).collect::<Vec<_>>().join(",");
    writeln!(out, "{receivers}")?;
    if let Some(expected) = args.receivers.as_deref().filter(|expected| !expected.is_empty() && *expected != receivers) {
        writeln!(out, "WARNING: Expected receivers did not match resolved receivers.")?;
        bail!("the alert would go to {receivers}, not to {expected}");
    }
    Ok(())
}

/// Lists packs, or prints the rule file of one.
pub(super) fn packs(args: &PacksArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let given: Thresholds = packs::read_thresholds(&args.threshold).map_err(|errors| anyhow!("{}", lines(&errors)))?;
    let Some(name) = &args.name else {
        for pack in packs::ALL {
            writeln!(out, "{}: {}", pack.name, pack.about())?;
            for (name, default) in pack.thresholds() {
                writeln!(out, "  {name}={}", given.get(name).map_or(default, String::as_str))?;
            }
        }
        return Ok(());
    };
    let all = || packs::ALL.iter().map(|pack| pack.name).collect::<Vec<_>>().join(", ");
    let pack = Pack::named(name).ok_or_else(|| anyhow!("there is no pack {name:?}; there are {}", all()))?;
    write!(out, "{}", pack.filled(&given))?;
    Ok(())
}

/// The labels of a command line.
fn labels(texts: &[String]) -> anyhow::Result<Labels> {
    let mut pairs = Vec::new();
    for text in texts {
        let matcher = parse_matcher(text, Syntax::Both).map_err(|error| anyhow!("failed to parse labels: {error}"))?.value;
        ensure!(matcher.op == MatchOp::Equal, "failed to parse labels: {text} is no name=value");
        pairs.push((matcher.name, matcher.value));
    }
    Ok(Labels::from_pairs(pairs))
}

fn conditions(route: &Route) -> String {
    if route.matchers.is_empty() { "default-route".to_owned() } else { route.matchers.to_string() }
}

/// The places of all routes that take an alert, those above included.
fn taking(tree: &RouteTree, labels: &Labels) -> Vec<usize> {
    let mut taking = Vec::new();
    for route in tree.matching(labels) {
        let mut at = Some(route.index);
        while let Some(route) = at.and_then(|at| tree.get(at)) {
            taking.push(route.index);
            at = route.parent;
        }
    }
    taking
}

/// Draws a route and those below it that are shown.
fn draw(
    tree: &RouteTree,
    at: usize,
    indent: &str,
    is_last: bool,
    is_shown: &dyn Fn(usize) -> bool,
    title: &dyn Fn(&Route) -> String,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let Some(route) = tree.get(at) else { return Ok(()) };
    let (branch, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
    writeln!(out, "{indent}{branch}{}", title(route))?;
    let children: Vec<usize> = route.children.iter().copied().filter(|child| is_shown(*child)).collect();
    let indent = format!("{indent}{below}");
    for (number, child) in children.iter().enumerate() {
        draw(tree, *child, &indent, number + 1 == children.len(), is_shown, title, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases that were recorded from `amtool config routes test` and `show`.
    #[test]
    fn amtools_answers() {
        let Some(shared) = std::env::var_os("PHAROS_TEST_SHARED").map(PathBuf::from) else { return };
        let folder = shared.join("conformance/alertmanager");
        let tested = |config: &str, tree: bool, labels: &[&str], receivers: Option<&str>| {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            let args = TestArgs { config: folder.join(config), receivers: receivers.map(str::to_owned), tree, labels };
            let mut out = Vec::new();
            let result = test(&args, &mut out).map_err(|error| error.to_string());
            (String::from_utf8(out).unwrap(), result)
        };
        let cases = std::fs::read_to_string(folder.join("routing/cases.json")).unwrap();
        let cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
        for case in cases["cases"].as_array().unwrap() {
            let labels: Vec<String> = case["labels"].as_object().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let receivers: Vec<&str> = case["receivers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            let expected = format!("{}\n", receivers.join(","));
            assert_eq!(tested(case["config"].as_str().unwrap(), false, &labels, None), (expected, Ok(())), "{case}");
        }
        let routing = "cli/conf.routing.yml";
        let drawn = "Matching routes:\n.\n└── default-route\n    ├── {test=~\"^(?:^[12]$)$\"}  receiver: test1\n    └── {test=\"2\"}  receiver: test2\n\n\ntest1,test2\n";
        assert_eq!(tested(routing, true, &["test=2"], Some("test1,test2")), (drawn.to_owned(), Ok(())));
        let (said, failed) = tested(routing, false, &["test=\"2\""], Some("test1"));
        assert_eq!(said, "test1,test2\nWARNING: Expected receivers did not match resolved receivers.\n");
        assert!(failed.is_err());
        for labels in [["test"], ["a!=b"]] {
            let (_, failed) = tested(routing, false, &labels, None);
            assert!(failed.unwrap_err().starts_with("failed to parse labels: "), "{labels:?}");
        }
        let mut out = Vec::new();
        show(&ShowArgs { config: folder.join("routing/tree.yml") }, &mut out).unwrap();
        let expected = r#"Routing tree:
.
└── default-route  receiver: default
    ├── {severity=~"critical|page"}  continue: true  receiver: audit
    ├── {team="db"}  receiver: team-db
    │   ├── {severity="critical"}  continue: true  receiver: team-db-page
    │   └── {env!="prod"}  receiver: team-db-night
    ├── {service=~"^(?:^(nginx|haproxy).*$)$"}  receiver: team-web
    │   └── {region="eu"}  receiver: team-web-eu
    └── {owner=""}  receiver: has-no-owner
        └── {note=~"a|b{2}"}  receiver: weird

"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn packs_are_listed_and_printed() {
        let printed = |name: Option<&str>, threshold: &[&str]| {
            let threshold = threshold.iter().map(|item| (*item).to_owned()).collect();
            let mut out = Vec::new();
            packs(&PacksArgs { name: name.map(str::to_owned), threshold }, &mut out).map_err(|error| error.to_string())?;
            Ok::<_, String>(String::from_utf8(out).unwrap())
        };
        let listed = printed(None, &["node_cpu_percent=70"]).unwrap();
        assert!(listed.starts_with("node: Hosts: ") && listed.contains("\n  node_cpu_percent=70\n  node_memory_percent=90\n"), "{listed}");
        assert!(printed(Some("node"), &[]).unwrap().contains("> 80\n"));
        assert!(printed(Some("nodes"), &[]).unwrap_err().contains("there is no pack \"nodes\"; there are node, "));
        assert!(printed(None, &["x=1"]).unwrap_err().contains("no pack has a threshold \"x\""));
    }
}
