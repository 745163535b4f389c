//! The form of a KPI, and what it would have been in its last periods.

use std::collections::BTreeMap;

use super::figure::Figures;
use super::trend::{self, Bar, Room};
use super::words::{COLLECTED, LONGER, SOURCES, UNITS};
use crate::base::period::Period;
use crate::business::config::kpi::{By, Kpi, Source};
use crate::business::model::formula::BySegment;
use crate::business::model::kind::Better;
use crate::business::model::value::Segment;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::yaml::{self, Kind, MapWriter, Node};
use crate::ui::format;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Empty rows of targets below those that there are.
const TARGETS_FREE: usize = 2;
/// Rows of targets at most.
const TARGETS_MAX: usize = 200;
/// Segments of the look at most.
const SEGMENTS_MAX: usize = 8;
const BETTER: [(Better, &str); 2] = [(Better::Up, key("more")), (Better::Down, key("less"))];
const BYS: [(By, &str); 5] = [
    (By::Month, key("a month")),
    (By::Day, key("a day")),
    (By::Week, key("a week")),
    (By::Quarter, key("a quarter")),
    (By::Year, key("a year")),
];

/// What a KPI would have been.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// Its last periods, the oldest first.
    pub values: Vec<(Period, BySegment)>,
    /// How its numbers are written.
    pub figures: Figures,
    /// Why there is no number.
    pub trouble: String,
    /// Whether programs send its numbers, so that there is nothing to ask.
    pub is_pushed: bool,
}

/// What the page is made of.
#[derive(Debug, Default)]
pub struct EditInput {
    /// The KPI that is changed; 0 for a new one.
    pub id: i64,
    /// The file it comes from, where it cannot be changed here; empty for none.
    pub file: String,
    /// Fields as they are filled in.
    pub fields: BTreeMap<String, String>,
    /// Names of all KPIs.
    pub names: Vec<String>,
    /// What is needed, and how to send it, of a ready KPI.
    pub send: String,
    /// What it would have been.
    pub looked: Option<Looked>,
    /// What is wrong: with a field, or with all of it where that is empty.
    pub wrong: Vec<(String, String)>,
    /// Whether whoever looks may change KPIs.
    pub may_change: bool,
}

/// A field of the form.
struct Field {
    name: String,
    label: &'static str,
    help: &'static str,
    example: &'static str,
    value: String,
    wrong: String,
    shape: Shape,
    choices: Vec<(String, &'static str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Line,
    Area,
    Choice,
    Truth,
    Secret,
    /// The name of a KPI.
    Known,
}

struct TargetRow {
    at: usize,
    by: String,
    value: String,
    from: String,
}

struct LookRow {
    period: String,
    value: String,
}

#[derive(askama::Template)]
#[template(path = "business/edit.html")]
struct EditPage<'a> {
    shell: &'a Shell,
    input: &'a EditInput,
    kind: String,
    head: Vec<Field>,
    /// Fields of each source.
    sources: Vec<(&'static str, Vec<Field>)>,
    counted: Vec<Field>,
    more: Vec<Field>,
    is_more_open: bool,
    targets: Vec<TargetRow>,
    targets_wrong: String,
    problem: String,
    chart: String,
    looked: Vec<LookRow>,
    segments: Vec<LookRow>,
    cancel: String,
}

impl EditPage<'_> {
    fn kinds(&self) -> &'static [(&'static str, &'static str)] {
        &SOURCES
    }

    fn bys(&self) -> Vec<(&'static str, &'static str)> {
        BYS.iter().map(|(by, words)| (by.as_str(), *words)).collect()
    }
}

/// Name, label, help, example, shape of a field.
type Line = (&'static str, &'static str, &'static str, &'static str, Shape);

const HEAD: [Line; 4] = [
    ("name", key("Name"), "", "Orders", Shape::Line),
    ("description", key("Description"), "", "", Shape::Line),
    ("owner", key("Who answers for it"), "", "Ada", Shape::Line),
    ("group", key("Heading it stands under"), "", "Sales", Shape::Line),
];
const PUSHED: [Line; 1] = [("pushed.adds", key("Add up numbers of one period"), key("Otherwise the newest counts."), "", Shape::Truth)];
const PROMQL: [Line; 1] = [(
    "promql.query",
    key("Query"),
    key("Asked at the end of a period. $period is how long that is, $segment the label by which it is split."),
    "sum by ($segment) (increase(orders_total[$period]))",
    Shape::Area,
)];
const LOGQL: [Line; 1] = [(
    "logql.query",
    key("Query"),
    key("Asked at the end of a period. $period is how long that is, $segment the label by which it is split."),
    "sum by ($segment) (count_over_time({app=\"shop\"} |= \"order paid\" [$period]))",
    Shape::Area,
)];
const SQL: [Line; 3] = [
    ("sql.database", key("Database"), key("It is only read."), "postgres://reader@db/shop", Shape::Line),
    ("sql.password", key("Password"), key("Never shown again; leave it as it is to keep it."), "", Shape::Secret),
    (
        "sql.query",
        key("Query"),
        key("Gives a column value, and segment where it is split; $from and $until are the ends of the period."),
        "SELECT sum(total) AS value FROM orders WHERE at >= $from AND at < $until",
        Shape::Area,
    ),
];
const RATIO: [Line; 3] = [
    ("ratio.of", key("The one above"), "", "Orders", Shape::Known),
    ("ratio.to", key("The one below"), "", "Visits", Shape::Known),
    ("ratio.times", key("Times"), key("100 where it is a percentage and nothing is said."), "", Shape::Line),
];
const DIFFERENCE: [Line; 2] = [
    ("difference.of", key("From this KPI"), "", "Revenue", Shape::Known),
    ("difference.minus", key("This one is taken"), "", "Costs", Shape::Known),
];
const SUM: [Line; 1] = [("sum.of", key("KPIs"), key("Names, one a line."), "Orders of the shop", Shape::Area)];
const COUNTED: [Line; 5] = [
    ("unit", key("Counted in"), "", "", Shape::Choice),
    ("currency", key("Which money"), key("Only of money."), "EUR", Shape::Line),
    ("better", key("Good is"), "", "", Shape::Choice),
    ("collected", key("Counted"), "", "", Shape::Choice),
    ("longer", key("Longer periods"), "", "", Shape::Choice),
];
const MORE: [Line; 6] = [
    ("segments", key("Split by these labels"), key("Names of labels or columns, with commas."), "plan, country", Shape::Line),
    ("decimals", key("Digits behind the point"), key("As many as it takes where nothing is said."), "", Shape::Line),
    ("settles", key("Its values may change for"), key("How long after the end of a period late data still count."), "2d", Shape::Line),
    ("time_zone", key("Days begin in"), key("By the clock of the business where nothing is said."), "Europe/Berlin", Shape::Line),
    ("empty_is_zero", key("No data are a value of 0"), "", "", Shape::Truth),
    ("paused", key("Paused"), "", "", Shape::Truth),
];

fn lines_of(kind: &str) -> &'static [Line] {
    match kind {
        "promql" => &PROMQL,
        "logql" => &LOGQL,
        "sql" => &SQL,
        "ratio" => &RATIO,
        "difference" => &DIFFERENCE,
        "sum" => &SUM,
        _ => &PUSHED,
    }
}

/// The source that is chosen.
fn kind_of(fields: &BTreeMap<String, String>) -> &'static str {
    let chosen = fields.get("kind").map(String::as_str).unwrap_or_default();
    SOURCES.iter().map(|(kind, _)| *kind).find(|kind| *kind == chosen).unwrap_or(SOURCES[0].0)
}

/// The fields of a KPI as its form shows them.
pub fn fields_of(kpi: &Kpi) -> BTreeMap<String, String> {
    let document = yaml::parse(&kpi.text()).ok();
    let node = document.as_ref().map(|document| &document.root);
    let kind = kpi.source().map(Source::key).unwrap_or_default();
    let mut fields = BTreeMap::from([("kind".to_owned(), kind.to_owned())]);
    for (name, ..) in HEAD.iter().chain(&COUNTED).chain(&MORE) {
        if let Some(text) = node.and_then(|node| node.get(name)).map(scalar) {
            fields.insert((*name).to_owned(), text);
        }
    }
    for (name, ..) in lines_of(kind) {
        let (below, key) = name.split_once('.').unwrap_or(("", name));
        if let Some(text) = node.and_then(|node| node.get(below)?.get(key)).map(scalar) {
            fields.insert((*name).to_owned(), text);
        }
    }
    fields.insert("segments".to_owned(), kpi.segments.join(", "));
    if let Some(sum) = &kpi.sum {
        fields.insert("sum.of".to_owned(), sum.of.join("\n"));
    }
    for (at, target) in kpi.targets.iter().enumerate() {
        fields.insert(format!("target_by{at}"), target.by.as_str().to_owned());
        fields.insert(format!("target_value{at}"), target.value.map(|value| value.to_string()).unwrap_or_default());
        fields.insert(format!("target_from{at}"), target.from.clone());
    }
    fields
}

fn scalar(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar { text, .. } => text.to_string(),
        _ => String::new(),
    }
}

/// A KPI as a text, from the fields of its form. Whatever is wrong with it is found when that is read.
pub fn text_of(fields: &BTreeMap<String, String>) -> String {
    let field = |name: &str| fields.get(name).map(|value| value.trim()).unwrap_or_default();
    let (mut out, kind) = (MapWriter::default(), kind_of(fields));
    out.text("name", field("name"));
    for name in ["description", "owner", "group", "unit"] {
        out.text_if(name, field(name));
    }
    // Of what is no money the field is not asked for.
    if field("unit") == "currency" {
        out.text_if("currency", field("currency"));
    }
    for name in ["decimals", "settles"] {
        if !field(name).is_empty() {
            out.bare(name, field(name));
        }
    }
    for name in ["better", "collected", "longer", "time_zone"] {
        out.text_if(name, field(name));
    }
    for name in ["empty_is_zero", "paused"] {
        if field(name) == "true" {
            out.bare(name, true);
        }
    }
    out.list_if("segments", field("segments").split(',').map(str::trim).filter(|label| !label.is_empty()).map(Node::text).collect());
    out.list_if("targets", (0..TARGETS_MAX).filter_map(|at| target_of(fields, at)).collect());
    out.put(kind, source_of(fields, kind));
    yaml::print(&out.finish())
}

fn target_of(fields: &BTreeMap<String, String>, at: usize) -> Option<Node> {
    let field = |name: &str| fields.get(&format!("target_{name}{at}")).map(|value| value.trim()).unwrap_or_default();
    // People write 10,000.
    let value = field("value").replace([',', ' ', '\u{a0}'], "");
    if value.is_empty() {
        return None;
    }
    let mut target = MapWriter::default();
    target.text_if("by", field("by")).bare("value", value).text_if("from", field("from"));
    Some(target.finish())
}

fn source_of(fields: &BTreeMap<String, String>, kind: &str) -> Node {
    let mut below = MapWriter::default();
    for (name, ..) in lines_of(kind) {
        let value = fields.get(*name).map(|value| value.trim()).unwrap_or_default();
        let key = name.split_once('.').map_or(*name, |(_, key)| key);
        match *name {
            "sum.of" => below.list_if(key, value.lines().map(str::trim).filter(|line| !line.is_empty()).map(Node::text).collect()),
            "pushed.adds" if value == "true" => below.bare(key, true),
            "pushed.adds" => &mut below,
            "ratio.times" if value.is_empty() => &mut below,
            "ratio.times" => below.bare(key, value),
            _ => below.text_if(key, value),
        };
    }
    below.finish()
}

/// What is wrong by field: told of a text, at a line of it.
pub fn wrong_of(text: &str, told: &[Diagnostic], kind: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let key_at = |line: u32| {
        let before = &lines[..usize::try_from(line).unwrap_or(0).min(lines.len())];
        let is_key = |line: &&&str| !line.starts_with([' ', '-']) && line.contains(':');
        before.iter().rev().find(is_key).and_then(|line| line.split(':').next()).unwrap_or_default().to_owned()
    };
    let known = |name: &&str| *name == kind || *name == "targets" || HEAD.iter().chain(&COUNTED).chain(&MORE).any(|line| line.0 == *name);
    let one = |told: &Diagnostic| {
        // What is missing stands nowhere, but its message names it.
        let named = told.message.split_once(": ").map(|(name, _)| name).filter(known).map(str::to_owned);
        let key = named.unwrap_or_else(|| key_at(told.line));
        let message = told.message.strip_prefix(&format!("{key}: ")).unwrap_or(&told.message).to_owned();
        if key == kind { (source_field(kind, &message).to_owned(), message) } else { (key, message) }
    };
    told.iter().map(one).collect()
}

/// The field of a source that a message is about.
fn source_field(kind: &str, message: &str) -> &'static str {
    let lines = lines_of(kind);
    let usual = lines.iter().find(|(name, ..)| name.ends_with(".query") && !message.contains("database")).or(lines.first());
    usual.map_or("", |(name, ..)| name)
}

/// Renders the page.
pub fn render(input: &EditInput, shell: &Shell) -> String {
    let all = |lines: &[Line]| lines.iter().map(|line| field(input, line)).collect::<Vec<_>>();
    let wrong = |name: &str| wrong_with(input, name);
    let more = all(&MORE);
    let known: Vec<&str> = HEAD.iter().chain(&COUNTED).chain(&MORE).map(|(name, ..)| *name).collect();
    let is_elsewhere = |(name, _): &&(String, String)| !known.contains(&name.as_str()) && !name.contains('.') && name != "targets";
    let problem = input.wrong.iter().find(is_elsewhere).map(|(_, message)| message.clone()).unwrap_or_default();
    let (chart, looked, segments) = input.looked.as_ref().map(|looked| look(looked, shell)).unwrap_or_default();
    page::html(&EditPage {
        kind: kind_of(&input.fields).to_owned(),
        head: all(&HEAD),
        sources: SOURCES.iter().map(|(kind, _)| (*kind, all(lines_of(kind)))).collect(),
        counted: all(&COUNTED),
        is_more_open: more.iter().any(|field| !field.wrong.is_empty() || (field.value != "false" && !field.value.is_empty())),
        more,
        targets: target_rows(&input.fields),
        targets_wrong: wrong("targets"),
        problem,
        chart,
        looked,
        segments,
        cancel: if input.id == 0 { links::BUSINESS.to_owned() } else { links::kpi(input.id) },
        shell,
        input,
    })
}

fn wrong_with(input: &EditInput, name: &str) -> String {
    input.wrong.iter().find(|(known, _)| known == name).map(|(_, message)| message.clone()).unwrap_or_default()
}

fn field(input: &EditInput, line: &Line) -> Field {
    let (name, label, help, example, shape) = *line;
    Field {
        label,
        help,
        example,
        value: input.fields.get(name).cloned().unwrap_or_default(),
        wrong: wrong_with(input, name),
        shape,
        choices: match name {
            "unit" => UNITS.iter().map(|(unit, words)| (unit.as_str().to_owned(), *words)).collect(),
            "better" => BETTER.iter().map(|(better, words)| (better.as_str().to_owned(), *words)).collect(),
            "collected" => COLLECTED.iter().map(|(how, words)| (how.as_str().to_owned(), *words)).collect(),
            "longer" => LONGER.iter().map(|(how, words)| (how.as_str().to_owned(), *words)).collect(),
            _ => Vec::new(),
        },
        name: name.to_owned(),
    }
}

fn target_rows(fields: &BTreeMap<String, String>) -> Vec<TargetRow> {
    let field = |name: &str, at: usize| fields.get(&format!("target_{name}{at}")).cloned().unwrap_or_default();
    let filled = (0..TARGETS_MAX).rev().find(|at| !field("value", *at).trim().is_empty()).map_or(0, |at| at + 1);
    let row = |at: usize| TargetRow { at, by: field("by", at), value: field("value", at), from: field("from", at) };
    (0..(filled + TARGETS_FREE).min(TARGETS_MAX)).map(row).collect()
}

/// The chart of what it would have been, its newest periods, the segments of the newest that is over.
fn look(looked: &Looked, shell: &Shell) -> (String, Vec<LookRow>, Vec<LookRow>) {
    let newest = looked.values.len().saturating_sub(1);
    let whole = |found: &BySegment| found.get(&Segment::all()).copied();
    let bar = |(at, (period, found)): (usize, &(Period, BySegment))| Bar {
        words: format::period(*period, shell.lang()),
        value: whole(found),
        is_running: at == newest,
        ..Bar::default()
    };
    let bars: Vec<Bar> = looked.values.iter().enumerate().map(bar).collect();
    let show = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| looked.figures.show(value));
    let row = |(period, found): &(Period, BySegment)| LookRow { period: format::period(*period, shell.lang()), value: show(whole(found)) };
    // Those of the newest period that is over, or of the one that goes on where nothing is known of it.
    let split = |(_, found): &&(Period, BySegment)| found.keys().any(|segment| !segment.is_all());
    let over = looked.values.iter().rev().skip(1).take(1).chain(looked.values.last()).find(split);
    let mut parts: Vec<(&Segment, f64)> = over
        .map(|(_, found)| found.iter().filter(|(segment, _)| !segment.is_all()).map(|(segment, value)| (segment, *value)).collect())
        .unwrap_or_default();
    parts.sort_by(|one, other| other.1.total_cmp(&one.1));
    let part =
        |(segment, value): (&Segment, f64)| LookRow { period: format!("{} = {}", segment.label, segment.value), value: show(Some(value)) };
    let chart = trend::svg(&bars, &looked.figures, shell.t("What it would have been"), Room::Narrow).replace(" only-s", "");
    (chart, looked.values.iter().rev().map(row).collect(), parts.into_iter().take(SEGMENTS_MAX).map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::config::kpi::read_one;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn a_kpi_goes_through_its_form_unchanged() {
        for text in [
            "{name: Orders, description: 'a: b', owner: Ada, group: Sales, segments: [plan, country], collected: hourly, promql: {query: 'sum by ($segment) (a)'}}",
            "{name: MRR, unit: currency, currency: EUR, decimals: 2, longer: last, settles: 5d, time_zone: Africa/Cairo, targets: [{value: 9000}, {by: quarter, value: 1.5, from: 2026-Q1}], sql: {database: 'postgres://r@db/shop', query: 'select 1 as value'}}",
            "{name: Rate, unit: percent, better: down, ratio: {of: a, to: b, times: 1000}}",
            "{name: Left, difference: {of: a, minus: b}, paused: true}",
            "{name: All, sum: {of: ['a, b', c]}, empty_is_zero: true}",
            "{name: Sent, pushed: {adds: true}}",
            "{name: Lines, logql: {query: 'count_over_time({a=\"b\"}[$period])'}}",
        ] {
            let kpi = read_one(text).unwrap();
            let again = text_of(&fields_of(&kpi));
            assert_eq!(read_one(&again).unwrap(), kpi, "{again}");
        }
    }

    #[test]
    fn what_is_wrong_stands_at_its_field() {
        let fields: BTreeMap<String, String> = [
            ("kind", "promql"),
            ("name", "a/b"),
            ("unit", "currency"),
            ("promql.query", ""),
            ("time_zone", "Mars"),
            ("target_by0", "month"),
            ("target_value0", "10,000"),
            ("target_from0", "2026-Q1"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let text = text_of(&fields);
        assert!(text.contains("value: 10000"), "{text}");
        let wrong = wrong_of(&text, &read_one(&text).unwrap_err(), "promql");
        let names: Vec<&str> = wrong.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["name", "currency", "targets", "time_zone", "promql.query"] {
            assert!(names.contains(&name), "{name}: {wrong:?} of {text}");
        }
        let input = EditInput { fields, wrong, may_change: true, ..EditInput::default() };
        let html = render(&input, &shell(Page::Business, "New KPI", links::KPI_EDIT, ""));
        assert!(html.contains("aria-invalid=\"true\"") && html.contains("there is no place"), "{html}");
    }

    #[test]
    fn a_look_shows_values_and_segments() {
        let period = |text: &str| Period::parse(text).unwrap();
        let of =
            |value: f64| BySegment::from([(Segment::all(), value), (Segment { label: "plan".into(), value: "pro".into() }, value / 2.0)]);
        let looked = Looked { values: vec![(period("2026-11-21"), of(412.0)), (period("2026-11-22"), of(80.0))], ..Looked::default() };
        let input = EditInput { looked: Some(looked), may_change: true, ..EditInput::default() };
        let html = render(&input, &shell(Page::Business, "New KPI", links::KPI_EDIT, ""));
        for expected in ["21 Nov 2026", ">412<", "plan = pro", ">206<"] {
            assert!(html.contains(expected), "{expected}: {html}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let kpi = read_one("{name: a, sql: {database: 'postgres://r@db/x', password: hunter2, query: 'select 1 as value'}}").unwrap();
        let input = EditInput { id: 3, fields: fields_of(&kpi), may_change: true, ..EditInput::default() };
        let html = render(&input, &shell(Page::Business, "Edit KPI", links::KPI_EDIT, ""));
        assert!(!html.contains("hunter2") && html.contains("&#60;secret&#62;"), "{html}");
    }
}
