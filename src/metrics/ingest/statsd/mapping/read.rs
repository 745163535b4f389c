//! The mapping file: `defaults` and `mappings`, strictly. A key that is not known is a mistake, since it would silently do nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use regex::RegexBuilder;

use super::super::series::Observing;
use super::super::summary::{Objective, SummaryShape};
use super::template::Template;
use super::{Mapping, Rule, Sort, Wanted};
use crate::base::go_duration;
use crate::base::limits::REGEX_BYTES_MAX;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::section::Section;
use crate::platform::config::text_file;
use crate::platform::config::yaml::{self, FILE_BYTES_MAX, Kind, Node};
use crate::series::re2;

/// Most rules of a file.
const RULES_MAX: usize = 20_000;
/// Most labels of one rule.
const LABELS_MAX: usize = 64;
/// Most bounds of a histogram, and quantiles of a summary.
const BOUNDS_MAX: usize = 200;
/// Most parts of the time that a summary looks back on.
const AGES_MAX: u64 = 60;
/// The usual bounds of client libraries, in seconds.
pub(in crate::metrics::ingest::statsd) const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The usual quantiles of statsd_exporter, each with its error.
const QUANTILES: [(f64, f64); 3] = [(0.5, 0.05), (0.9, 0.01), (0.99, 0.001)];

/// What stands in `defaults`, and what counts without it.
struct Defaults {
    is_summary: bool,
    is_regex: bool,
    bounds: Arc<[f64]>,
    summary: Arc<SummaryShape>,
    ttl: Duration,
}

/// Reads the file at `path`; no mapping for no path.
///
/// # Errors
/// Every mistake, with its place.
pub fn read(path: &str) -> Result<(Mapping, Vec<Diagnostic>), Vec<Diagnostic>> {
    if path.is_empty() {
        return Ok((Mapping::default(), Vec::new()));
    }
    let nowhere = |message: String| vec![Diagnostic { file: path.into(), line: 0, column: 0, message }];
    let path = Path::new(path);
    let text = text_file::read(path, FILE_BYTES_MAX).map_err(|why| nowhere(format!("cannot read the mapping of StatsD: {why}")))?;
    read_text(&text, path)
}

/// Reads `text` as if it stood in the file at `path`.
pub(super) fn read_text(text: &str, path: &Path) -> Result<(Mapping, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut report = Report::new(path);
    let mut mapping = Mapping::default();
    match yaml::parse(text) {
        Ok(document) => root(&document.root, &mut mapping, &mut report),
        Err(error) => report.error(error.at, error.message),
    }
    report.finish().map(|warnings| (mapping, warnings))
}

fn root(node: &Node, mapping: &mut Mapping, report: &mut Report) {
    let Some(mut section) = Section::open(node, "mapping", report) else { return };
    let defaults = defaults(&mut section, mapping);
    mapping.ttl = defaults.ttl;
    mapping.observing = Some(defaults.observing(defaults.is_summary));
    let rules = section.list("mappings");
    if rules.len() > RULES_MAX {
        let at = section.place("mappings");
        section.report.error(at, format!("mappings: more than {RULES_MAX} rules"));
    }
    for node in rules.iter().take(RULES_MAX) {
        let Some(mut item) = Section::open(node, "mappings", section.report) else { continue };
        let rule = rule(&mut item, &defaults);
        item.finish_exactly();
        let Some(rule) = rule else { continue };
        let at = mapping.rules.len();
        match &rule.wanted {
            Wanted::Glob(parts) => mapping.globs.entry(parts.len()).or_default().push(at),
            Wanted::Regex(_) => mapping.regexes.push(at),
        }
        mapping.rules.push(rule);
    }
    section.finish_exactly();
}

fn defaults(section: &mut Section<'_, '_>, mapping: &mut Mapping) -> Defaults {
    let mut defaults = Defaults {
        is_summary: true,
        is_regex: false,
        bounds: Arc::new(BOUNDS),
        summary: Arc::new(SummaryShape {
            objectives: QUANTILES.map(|(quantile, error)| Objective { quantile, error }).to_vec(),
            ..SummaryShape::default()
        }),
        ttl: Duration::ZERO,
    };
    let Some(mut below) = section.open_below("defaults") else { return defaults };
    if let Some(is_summary) = observer(&mut below) {
        defaults.is_summary = is_summary;
    }
    defaults.is_regex = match_type(&mut below).unwrap_or(false);
    mapping.is_unordered = below.truth_or("glob_disable_ordering", false);
    defaults.ttl = duration(&mut below, "ttl").unwrap_or_default();
    let bounds = bounds(&mut below, "buckets");
    let of_options = histogram_options(&mut below);
    if let Some(bounds) = of_options.flatten().or(bounds) {
        defaults.bounds = bounds;
    }
    let quantiles = quantiles(&mut below);
    let of_options = summary_options(&mut below, &defaults.summary);
    if let Some(shape) = shape(of_options, quantiles, &defaults.summary) {
        defaults.summary = shape;
    }
    below.finish_exactly();
    defaults
}

impl Defaults {
    fn observing(&self, is_summary: bool) -> Observing {
        if is_summary { Observing::Summary(Arc::clone(&self.summary)) } else { Observing::Histogram(Arc::clone(&self.bounds)) }
    }
}

fn rule(item: &mut Section<'_, '_>, defaults: &Defaults) -> Option<Rule> {
    let errors = item.report.errors_len();
    let wanted = wanted(item, defaults);
    let drops = item.choice("action", &[("map", false), ("drop", true), ("", false)]).unwrap_or(false);
    let sorts = [("counter", Sort::Counter), ("gauge", Sort::Gauge), ("observer", Sort::Observer), ("timer", Sort::Observer)];
    let sort = item.choice("match_metric_type", &sorts);
    let name = name(item, drops);
    let labels = labels(item);
    let honors_labels = item.truth_or("honor_labels", false);
    let help = item.text("help").filter(|help| !help.is_empty()).unwrap_or_else(|| "Metric of StatsD".to_owned());
    let is_summary = observer(item);
    let bounds = bounds(item, "buckets");
    let histogram = histogram_options(item);
    let quantiles = quantiles(item);
    let summary = summary_options(item, &defaults.summary);
    let mut clash = |first: &str, second: &str| {
        let at = item.place(second);
        item.report.error(at, format!("{second}: cannot stand beside {first}"));
    };
    if bounds.is_some() && matches!(histogram, Some(Some(_))) {
        clash("buckets", "histogram_options");
    }
    if quantiles.is_some() && summary.as_ref().is_some_and(|(_, has_quantiles)| *has_quantiles) {
        clash("quantiles", "summary_options");
    }
    match is_summary.unwrap_or(defaults.is_summary) {
        true if histogram.is_some() => clash("a summary", "histogram_options"),
        false if summary.is_some() => clash("a histogram", "summary_options"),
        _ => {}
    }
    let own = Defaults {
        bounds: histogram.flatten().or(bounds).unwrap_or_else(|| Arc::clone(&defaults.bounds)),
        summary: shape(summary, quantiles, &defaults.summary).unwrap_or_else(|| Arc::clone(&defaults.summary)),
        ..*defaults
    };
    let scale = item.float("scale").unwrap_or(1.0);
    if !scale.is_finite() {
        let at = item.value_place("scale");
        item.report.error(at, "scale: expected a finite number");
    }
    let ttl = duration(item, "ttl").filter(|ttl| !ttl.is_zero()).unwrap_or(defaults.ttl);
    let observing = own.observing(is_summary.unwrap_or(defaults.is_summary));
    if item.report.errors_len() > errors {
        return None;
    }
    Some(Rule { wanted: wanted?, sort, drops, name, labels, honors_labels, help, observing, ttl, scale })
}

fn wanted(item: &mut Section<'_, '_>, defaults: &Defaults) -> Option<Wanted> {
    let is_regex = match_type(item).unwrap_or(defaults.is_regex);
    let text = item.text_or_empty("match");
    let at = item.value_place("match");
    if is_regex {
        let built = re2::translate(&text).and_then(|text| {
            let built = RegexBuilder::new(&text).size_limit(REGEX_BYTES_MAX).nest_limit(200).build();
            built.map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())
        });
        return match built {
            Ok(regex) => Some(Wanted::Regex(regex)),
            Err(why) => {
                item.report.error(at, format!("match: {text:?} is no regular expression: {why}"));
                None
            }
        };
    }
    let is_part =
        |part: &str| part == "*" || (!part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
    if !text.split('.').all(is_part) {
        let message = format!(
            "match: {text:?} is no pattern, expected components of letters, digits, _ and - divided by dots, each of which may be *; or \
             match_type: regex"
        );
        item.report.error(at, message);
        return None;
    }
    Some(Wanted::Glob(text.split('.').map(|part| (part != "*").then(|| part.into())).collect()))
}

/// The name, in which places for captures may stand.
fn name(item: &mut Section<'_, '_>, drops: bool) -> Template {
    let text = item.text_or_empty("name");
    let plain = text.replace(['$', '{', '}'], "_");
    let is_name = !plain.starts_with(|c: char| c.is_ascii_digit()) && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if text.is_empty() && !drops {
        let at = item.at;
        item.report.error(at, "name: required");
    } else if !is_name {
        let at = item.value_place("name");
        item.report.error(at, format!("name: {text:?} is no name of a metric, expected letters, digits, _ and places such as ${{1}}"));
    }
    Template::new(&text)
}

fn labels(item: &mut Section<'_, '_>) -> Vec<(String, Template)> {
    let labels = item.text_map("labels");
    let at = item.value_place("labels");
    if labels.len() > LABELS_MAX {
        item.report.error(at, format!("labels: more than {LABELS_MAX} labels"));
    }
    for name in labels.keys() {
        let is_name = !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if name.is_empty() || !is_name || name.starts_with("__") {
            item.report.error(at, format!("labels: {name:?} is no name of a label, expected letters, digits and _, not beginning with __"));
        }
    }
    labels.into_iter().take(LABELS_MAX).map(|(name, value)| (name, Template::new(&value))).collect()
}

/// Whether timers are summaries, where the file says it.
fn observer(section: &mut Section<'_, '_>) -> Option<bool> {
    let choices = [("histogram", Some(false)), ("summary", Some(true)), ("", None)];
    let old = section.choice("timer_type", &choices).flatten();
    section.choice("observer_type", &choices).flatten().or(old)
}

fn match_type(section: &mut Section<'_, '_>) -> Option<bool> {
    section.choice("match_type", &[("glob", Some(false)), ("regex", Some(true)), ("", None)]).flatten()
}

fn duration(section: &mut Section<'_, '_>, key: &'static str) -> Option<Duration> {
    let text = section.text(key)?;
    let read = go_duration::parse(&text, &|text| format!("{text:?}")).ok().and_then(|ns| u64::try_from(ns).ok());
    if read.is_none() {
        let at = section.value_place(key);
        section.report.error(at, format!("{key}: read {text:?}, expected a duration such as 90s, 1m20s or 0"));
    }
    read.map(Duration::from_nanos)
}

/// Bounds in rising order.
fn bounds(section: &mut Section<'_, '_>, key: &'static str) -> Option<Arc<[f64]>> {
    let nodes = section.list(key);
    let at = section.value_place(key);
    let mut bounds = Vec::with_capacity(nodes.len().min(BOUNDS_MAX));
    for node in nodes {
        match number(node) {
            Some(bound) if bounds.last().is_none_or(|last| *last < bound) => bounds.push(bound),
            _ => {
                section
                    .report
                    .error(node.at, format!("{key}: read {}, expected numbers, each larger than the one before", node.describe()));
                return None;
            }
        }
    }
    // The last one is always there.
    bounds.retain(|bound: &f64| bound.is_finite());
    if bounds.len() > BOUNDS_MAX {
        section.report.error(at, format!("{key}: more than {BOUNDS_MAX} bounds"));
        return None;
    }
    (!bounds.is_empty()).then(|| bounds.into())
}

fn number(node: &Node) -> Option<f64> {
    match &node.kind {
        Kind::Scalar { text, .. } => crate::platform::config::scalar::float(text).filter(|number| !number.is_nan()),
        _ => None,
    }
}

/// `Some` where there are options, with the bounds they give.
fn histogram_options(section: &mut Section<'_, '_>) -> Option<Option<Arc<[f64]>>> {
    let mut below = section.open_below("histogram_options")?;
    let bounds = bounds(&mut below, "buckets");
    // Native histograms are always there besides, with a resolution of their own.
    below.knows(&["native_histogram_bucket_factor", "native_histogram_max_buckets"]);
    below.finish_exactly();
    Some(bounds)
}

fn quantiles(section: &mut Section<'_, '_>) -> Option<Vec<Objective>> {
    let nodes = section.list("quantiles");
    let at = section.value_place("quantiles");
    if nodes.len() > BOUNDS_MAX {
        section.report.error(at, format!("quantiles: more than {BOUNDS_MAX}"));
    }
    let mut all: Vec<Objective> = Vec::new();
    for node in nodes.iter().take(BOUNDS_MAX) {
        let Some(mut item) = Section::open(node, "quantiles", section.report) else { continue };
        let (quantile, error) = (item.float("quantile"), item.float("error").unwrap_or(0.01));
        item.finish_exactly();
        match quantile {
            Some(quantile) if (0.0..=1.0).contains(&quantile) && (Objective::ERROR_MIN..=0.5).contains(&error) => {
                all.push(Objective { quantile, error });
            }
            _ => {
                let message = format!("quantiles: expected a quantile from 0 to 1 with an error from {} to 0.5", Objective::ERROR_MIN);
                section.report.error(node.at, message);
            }
        }
    }
    all.sort_by(|a, b| a.quantile.total_cmp(&b.quantile));
    all.dedup_by(|a, b| a.quantile == b.quantile);
    (!all.is_empty()).then_some(all)
}

/// Options of a summary, and whether they name quantiles.
fn summary_options(section: &mut Section<'_, '_>, defaults: &SummaryShape) -> Option<(SummaryShape, bool)> {
    let mut below = section.open_below("summary_options")?;
    let quantiles = quantiles(&mut below);
    let has_quantiles = quantiles.is_some();
    let max_age = duration(&mut below, "max_age").filter(|age| !age.is_zero()).unwrap_or(defaults.max_age);
    let ages = below.count("age_buckets").filter(|ages| *ages > 0);
    // How much is sorted at once is our own affair.
    below.knows(&["buf_cap"]);
    let at = below.value_place("age_buckets");
    if ages.is_some_and(|ages| ages > AGES_MAX) {
        below.report.error(at, format!("age_buckets: expected {AGES_MAX} or fewer"));
    }
    below.finish_exactly();
    let age_buckets = ages.map_or(defaults.age_buckets, |ages| ages.min(AGES_MAX) as usize);
    let objectives = quantiles.unwrap_or_else(|| defaults.objectives.clone());
    Some((SummaryShape { objectives, max_age, age_buckets }, has_quantiles))
}

fn shape(options: Option<(SummaryShape, bool)>, quantiles: Option<Vec<Objective>>, defaults: &SummaryShape) -> Option<Arc<SummaryShape>> {
    match (options, quantiles) {
        (None, None) => None,
        (Some((shape, true)), _) | (Some((shape, false)), None) => Some(Arc::new(shape)),
        (Some((shape, false)), Some(objectives)) => Some(Arc::new(SummaryShape { objectives, ..shape })),
        (None, Some(objectives)) => Some(Arc::new(SummaryShape { objectives, ..defaults.clone() })),
    }
}
