//! One panel: what it asks, what comes of it, and how that is drawn; as the JSON that the browser gets.

use std::hash::{Hash, Hasher};

use serde_json::{Map, Value, json};

use super::Server;
use super::marks::Marks;
use super::missing;
use super::request::Wanted;
use super::scene::Stage;
use crate::base::cancel::{Cancel, Stop};
use crate::boards::data::{Frame, fill_options, prepare};
use crate::boards::draw::lists::{self, ListedBoard};
use crate::boards::draw::{self, Canvas, Drawn, draw};
use crate::boards::model::{About, Panel, PanelKind, Placed, Search};
use crate::boards::query::{self, Answers, Failure, Plan, Scene, Usage};
use crate::series::labels::METRIC_NAME;
use crate::series::ports::AlertNow;
use crate::ui::lang::{Lang, key};

/// Widths are taken as multiples of this, so that viewers with windows of about one size share answers.
const WIDTH_CLASS: u32 = 20;
/// The same of the width of charts, of which only the number of points depends on it.
const POINTS_CLASS: u32 = 200;
/// Widest panel, in pixels.
const SIZE_MAX: f32 = 4_000.0;
/// How long an answer holds at least, in milliseconds.
const HOLDS_LEAST_MS: i64 = 4_500;
/// How long at most.
const HOLDS_MOST_MS: i64 = 30_000;
/// Most alerts or marks that are looked through for a list.
const LISTED_MAX: usize = 500;
/// Longest title or note, in characters.
const TEXT_CHARS_MAX: usize = 500;

/// What readers of shares are told of anything that fails.
pub(super) const NOT_MADE: &str = key("This panel could not be made.");

/// A panel that is to be made.
pub(super) struct Job {
    pub(super) wanted: Wanted,
    placed: Placed,
    plan: Result<Plan, String>,
    canvas: Canvas,
    /// Tells apart what gives different answers.
    pub(super) key: u64,
    /// How long its answer holds, in milliseconds.
    pub(super) holds: i64,
}

impl Server {
    /// What is to be done for a panel; none if the dashboard has no such panel. Pure.
    pub(super) fn job(&self, stage: &Stage, wanted: &Wanted, marks: u64) -> Option<Job> {
        let placed = stage.placed.get(&wanted.key)?.clone();
        let panel = &*placed.panel;
        let size = |given: f32, class: u32| (given.clamp(0.0, SIZE_MAX) as u32 / class).max(1) * class;
        let points = size(wanted.w, 1).div_ceil(POINTS_CLASS).max(1) * POINTS_CLASS;
        let scene = Scene {
            board: &stage.board,
            resolved: &stage.resolved,
            scoped: &placed.scoped,
            range: stage.range,
            points,
            now: stage.now,
            scrape: stage.scrape,
        };
        let plan = query::plan(panel, &scene);
        let is_chart = matches!(panel.kind, PanelKind::TimeSeries | PanelKind::Heatmap);
        let (width, height) = if is_chart { (points, 0) } else { (size(wanted.w, WIDTH_CLASS), size(wanted.h, WIDTH_CLASS)) };
        let (range, step) = plan.as_ref().map_or((stage.range, 1_000), |plan| (plan.range.unwrap_or(stage.range), plan.step.max(1)));
        let canvas = Canvas { width, height, lang: stage.reader.lang, range, step, now: stage.now };
        let mut hasher = rustc_hash::FxHasher::default();
        (stage.key, &wanted.key, width, height).hash(&mut hasher);
        match &plan {
            Ok(plan) => plan.key().hash(&mut hasher),
            Err(text) => text.hash(&mut hasher),
        }
        if is_chart {
            marks.hash(&mut hasher);
        }
        let holds = (step / 2).clamp(HOLDS_LEAST_MS, HOLDS_MOST_MS);
        Some(Job { wanted: wanted.clone(), placed, plan, canvas, key: hasher.finish(), holds })
    }

    /// The answer to a job, as the fields of a JSON object but for key and etag. Blocking.
    ///
    /// # Errors
    /// The work was stopped.
    pub(super) fn answer(&self, stage: &Stage, job: &Job, marks: &Marks, cancel: &Cancel) -> Result<String, Stop> {
        let panel = &*job.placed.panel;
        let fill = |text: &str, extra: &[(&str, &str)]| stage.resolved.fill(text, &job.placed.scoped, extra);
        let mut out = Map::new();
        out.insert("title".to_owned(), json!(cut(&fill(&panel.title, &[]))));
        let plan = match &job.plan {
            Ok(plan) => plan,
            Err(text) => {
                out.insert("error".to_owned(), json!({ "text": stage.told(text) }));
                return Ok(Value::Object(out).to_string());
            }
        };
        if let Some(note) = &plan.note {
            out.insert("note".to_owned(), json!(note));
        }
        let answers = if panel.kind.asks() { query::ask(plan, &self.ports.engines, cancel)? } else { Answers::default() };
        let is_empty = answers.frames.iter().all(Frame::is_empty);
        let mut notes = answers.notes;
        if is_empty && let Some(failure) = answers.failures.first() {
            let error = if stage.reader.is_outside { json!({ "text": stage.told("") }) } else { error(failure, panel) };
            out.insert("error".to_owned(), error);
            return Ok(Value::Object(out).to_string());
        }
        if stage.reader.is_outside {
            notes.truncate(0);
            notes.extend(answers.failures.first().map(|_| stage.reader.lang.t("Some of this panel could not be made.").to_owned()));
        } else {
            notes.extend(answers.failures.iter().map(|failure| format!("{}: {}", failure.ref_id, failure.text)));
        }
        let exemplars = self.exemplars(stage, job, plan, cancel)?;
        let drawn = if panel.kind.asks() && is_empty {
            Ok(Drawn::Empty { text: self.empty(stage, job, plan, cancel) })
        } else {
            let prepared = prepare(panel, answers.frames, &fill);
            prepared.and_then(|prepared| {
                notes.extend(prepared.notes);
                let drawn = self.listed(stage, job).unwrap_or_else(|| draw(&fill_options(panel, &fill), &prepared.frames, &job.canvas))?;
                Ok(with_exemplars(drawn, &exemplars, &prepared.frames, stage.reader.lang))
            })
        };
        match drawn {
            Ok(drawn) => {
                let drawn = if stage.reader.is_outside { without_ways_in(drawn) } else { drawn };
                put(&mut out, drawn, marks.on(&stage.board, panel.id));
            }
            Err(text) => {
                out.insert("error".to_owned(), json!({ "text": stage.told(&text) }));
            }
        }
        if !notes.is_empty() {
            out.insert("notes".to_owned(), notes.iter().map(|note| cut(note)).collect());
        }
        Ok(Value::Object(out).to_string())
    }

    /// Exemplars of a chart over time. Those outside learn none: they name what a single caller did.
    fn exemplars(&self, stage: &Stage, job: &Job, plan: &Plan, cancel: &Cancel) -> Result<Vec<Frame>, Stop> {
        if job.placed.panel.kind != PanelKind::TimeSeries || stage.reader.is_outside {
            return Ok(Vec::new());
        }
        let selectors = |text: &str| (self.ports.read)(text).ok().map(|shape| shape.selectors);
        query::exemplars(plan, &*self.ports.select, &selectors, cancel)
    }

    /// Why there is nothing to show.
    fn empty(&self, stage: &Stage, job: &Job, plan: &Plan, cancel: &Cancel) -> String {
        let lang = stage.reader.lang;
        let own = job.placed.panel.fields.defaults.get("noValue").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        if let Some(own) = own {
            return cut(own);
        }
        if plan.queries.is_empty() {
            return lang.t("This panel has no query.").to_owned();
        }
        if stage.reader.is_outside {
            return lang.t("No data").to_owned();
        }
        let names = self.missing(plan, job.canvas.range, cancel);
        let said = if names.is_empty() {
            lang.t("No data").to_owned()
        } else {
            lang.fill("No data: nothing called {} was received in this time.", &[&names.join(", ")])
        };
        let hint = if names.is_empty() { String::new() } else { missing::hint(&stage.json, job.placed.panel.id) };
        if hint.is_empty() { said } else { format!("{said} {hint}") }
    }

    /// Panels that show lists of what pharos itself knows.
    fn listed(&self, stage: &Stage, job: &Job) -> Option<Result<Drawn, String>> {
        let panel = &*job.placed.panel;
        match panel.kind {
            PanelKind::AlertList => Some(self.alerts(stage, job)),
            PanelKind::BoardList if stage.reader.is_outside => {
                Some(Ok(Drawn::Empty { text: stage.reader.lang.t("Lists of dashboards are not shared.").to_owned() }))
            }
            PanelKind::BoardList => Some(self.boards().map(|all| lists::boards(panel, &all, &job.canvas))),
            PanelKind::AnnotationList => {
                let found = self.ports.happenings.within(job.canvas.range, LISTED_MAX);
                Some(found.map(|found| lists::happenings(panel, &found, &job.canvas)))
            }
            _ => None,
        }
    }

    /// Alerts that are on and have the labels that the panel asks for.
    fn alerts(&self, stage: &Stage, job: &Job) -> Result<Drawn, String> {
        let panel = &*job.placed.panel;
        let asked = panel.options.get("alertInstanceLabelFilter").and_then(Value::as_str).unwrap_or_default();
        let asked = stage.resolved.filling(&job.placed.scoped, &[], Usage::PromQl).fill(asked);
        let matchers = match asked.trim() {
            "" | "{}" => Vec::new(),
            // With a name in front, conditions that hold for absent labels may stand alone.
            asked => self.read_selector(&format!("x{asked}"))?,
        };
        let fits = |one: &AlertNow| {
            matchers.iter().filter(|matcher| &*matcher.name != METRIC_NAME).all(|matcher| matcher.matches_labels(&one.labels))
        };
        Ok(lists::alerts(panel, self.ports.alerts.now(LISTED_MAX), &fits, &job.canvas))
    }

    /// Every dashboard, by title.
    fn boards(&self) -> Result<Vec<ListedBoard>, String> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|error| error.to_string())?;
        let all = runtime.block_on(self.ports.library.find_boards(Search::default()))?;
        let one = |about: About| ListedBoard {
            slug: about.slug(),
            uid: about.uid,
            title: about.title,
            tags: about.tags,
            folder_uid: about.folder_uid,
        };
        Ok(all.into_iter().map(one).collect())
    }
}

impl Stage {
    /// What a reader is told where something fails.
    fn told<'a>(&self, text: &'a str) -> &'a str {
        if self.reader.is_outside { self.reader.lang.t(NOT_MADE) } else { text }
    }
}

/// What is drawn, without links to pages of this server.
fn without_ways_in(drawn: Drawn) -> Drawn {
    match drawn {
        Drawn::Html { html } => Drawn::Html { html: without_links(&html) },
        other => other,
    }
}

/// HTML of panels with links to the web as they are, and others as their words. What panels draw is escaped, so `<a `
/// begins a link and nothing else.
fn without_links(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find("<a ") {
        let Some(end) = rest[at..].find('>').map(|end| at + end + 1) else { break };
        let Some(close) = rest[end..].find("</a>").map(|close| end + close) else { break };
        let tag = &rest[at..end];
        let leads_out = ["https://", "http://", "mailto:"].iter().any(|start| tag.contains(&format!("href=\"{start}")));
        out.push_str(&rest[..at]);
        out.push_str(if leads_out { tag } else { "<span>" });
        out.push_str(&rest[end..close]);
        out.push_str(if leads_out { "</a>" } else { "</span>" });
        rest = &rest[close + "</a>".len()..];
    }
    out.push_str(rest);
    out
}

/// A chart with its exemplars.
fn with_exemplars(drawn: Drawn, found: &[Frame], frames: &[Frame], lang: Lang) -> Drawn {
    match drawn {
        Drawn::Time { mut data } if !found.is_empty() => {
            data["exemplars"] = draw::exemplars(found, frames, lang);
            Drawn::Time { data }
        }
        other => other,
    }
}

fn put(out: &mut Map<String, Value>, drawn: Drawn, marks: Vec<Value>) {
    let (kind, name, value) = match drawn {
        Drawn::Html { html } => ("html", "html", Value::String(html)),
        Drawn::Empty { text } => ("empty", "text", Value::String(text)),
        Drawn::Heat { data } => ("heat", "data", marked(data, marks)),
        Drawn::Time { data } => ("time", "data", marked(data, marks)),
    };
    out.insert("kind".to_owned(), json!(kind));
    out.insert(name.to_owned(), value);
}

fn marked(mut data: Value, marks: Vec<Value>) -> Value {
    if !marks.is_empty() {
        data["marks"] = Value::Array(marks);
    }
    data
}

/// A failure with its letter, and its place in UTF-16 units, as editors count.
fn error(failure: &Failure, panel: &Panel) -> Value {
    let mut error = json!({ "text": failure.text });
    if !failure.ref_id.is_empty() {
        error["ref"] = json!(failure.ref_id);
    }
    let expr = panel.targets.iter().find(|target| target.ref_id == failure.ref_id).map(|target| target.expr.as_str());
    if let (Some((start, end)), Some(expr)) = (failure.span, expr) {
        let units = |at: usize| expr.get(..at).map(|before| before.encode_utf16().count());
        if let (Some(start), Some(end)) = (units(start), units(end)) {
            error["start"] = json!(start);
            error["end"] = json!(end);
        }
    }
    error
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_out_or_nowhere() {
        for (html, expected) in [
            ("<p><a class=\"p-link\" href=\"/d/u/x\">X</a> <b>y</b></p>", "<p><span>X</span> <b>y</b></p>"),
            ("<a href=\"https://example.com/a\" target=\"_blank\">X</a>", "<a href=\"https://example.com/a\" target=\"_blank\">X</a>"),
            ("<a href=\"//evil.example\">X</a><a href=\"?x=1\">Y</a>", "<span>X</span><span>Y</span>"),
            ("<a href=\"#\" title=\"https://a\">X</a> <abbr>z</abbr> a &lt;a href", "<span>X</span> <abbr>z</abbr> a &lt;a href"),
            ("<p>none</p>", "<p>none</p>"),
        ] {
            assert_eq!(without_links(html), expected);
        }
    }
}
