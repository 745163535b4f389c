//! Table: a real one, with a head that stays, order by column, and cells that show more than text.

use std::fmt::Write;

use super::colour::{css, ink, share};
use super::markup::{escape, px, safe_url};
use super::shown::{Shown, anchor, link, own_bounds, show};
use super::{Canvas, Drawn, empty};
use crate::boards::data::{Cell, Column, Field, Frame, Options, keeps_unit, reduce, reducer_name};
use crate::boards::model::Panel;
use crate::ui::assets::icon;
use crate::ui::spark;

/// Most rows of all tables of a panel.
const ROWS_MAX: usize = 500;
/// Most columns of a table.
const COLUMNS_MAX: usize = 100;
/// Most tables of a panel.
const TABLES_MAX: usize = 20;

/// How the cells of a column are drawn.
#[derive(Debug, Clone, PartialEq)]
enum CellKind {
    Plain,
    ColourText,
    ColourBackground { is_row: bool },
    Gauge { mode: String, shows_value: bool },
    Spark,
    Json,
    Picture,
    Markdown,
}

/// A column that is shown.
struct Shape<'a> {
    field: &'a Field,
    kind: CellKind,
    bounds: (f64, f64),
    index: usize,
    is_end: bool,
    align: &'static str,
    width: Option<f64>,
    wraps: bool,
    is_filterable: bool,
}

/// Draws a table panel.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Drawn {
    let options = Options::new(&panel.options);
    let mut shown: Vec<&Frame> = frames.iter().filter(|frame| !frame.fields.is_empty() && !frame.is_empty()).collect();
    if let Some(at) = options.number("frameIndex").filter(|at| *at >= 0.0)
        && shown.len() > 1
        && frames.iter().all(|frame| frame.kind == crate::boards::data::FrameKind::Table)
    {
        let at = (at as usize).min(shown.len() - 1);
        shown = vec![shown[at]];
    }
    if shown.is_empty() {
        return empty(canvas);
    }
    let mut html = String::from("<div class=\"p-scroll\" tabindex=\"0\" role=\"group\"");
    let _infallible = write!(html, " aria-label=\"{}\">", escape(canvas.lang.t("Table")));
    let mut left = ROWS_MAX;
    let many = shown.len() > 1;
    for frame in shown.iter().take(TABLES_MAX) {
        table(&mut html, frame, options, many, &mut left, canvas);
    }
    if shown.len() > TABLES_MAX {
        let words = canvas.lang.n((shown.len() - TABLES_MAX) as u64, "{} more table", "{} more tables");
        let _infallible = write!(html, "<p class=\"p-more\">{}</p>", escape(&words));
    }
    html.push_str("</div>");
    Drawn::Html { html }
}

fn table(html: &mut String, frame: &Frame, options: Options<'_>, is_named: bool, left: &mut usize, canvas: &Canvas) {
    let shapes = shapes(frame);
    let size = match options.word("cellHeight") {
        "lg" => " p-lg",
        "md" => " p-md",
        _ => "",
    };
    let fixed = if shapes.iter().all(|shape| shape.width.is_some()) { " p-fixed" } else { "" };
    let _infallible = write!(html, "<table class=\"p-table{size}{fixed}\">");
    if is_named {
        let name = if frame.name.is_empty() {
            frame.fields.iter().rev().map(|field| field.title.as_str()).next().unwrap_or_default()
        } else {
            &frame.name
        };
        let _infallible = write!(html, "<caption>{}</caption>", escape(name));
    }
    let rows = order(frame, &shapes, options);
    if options.flag_or("showHeader", true) {
        head(html, &shapes, options, canvas);
    }
    html.push_str("<tbody>");
    let count = rows.len().min(*left);
    for row in &rows[..count] {
        body_row(html, frame, &shapes, *row, canvas);
    }
    *left -= count;
    html.push_str("</tbody>");
    foot(html, frame, &shapes, options, canvas);
    html.push_str("</table>");
    if rows.len() > count {
        let words = canvas.lang.n((rows.len() - count) as u64, "{} more row", "{} more rows");
        let _infallible = write!(html, "<p class=\"p-more\">{}</p>", escape(&words));
    }
}

/// The columns that are shown.
fn shapes(frame: &Frame) -> Vec<Shape<'_>> {
    let visible = frame.fields.iter().filter(|field| {
        let custom = Options::new(&field.look.custom);
        !custom.flag("hidden") && !custom.child("hideFrom").flag("viz")
    });
    visible
        .take(COLUMNS_MAX)
        .enumerate()
        .map(|(index, field)| {
            let custom = Options::new(&field.look.custom);
            let is_number = matches!(field.values, Column::Number(_) | Column::Histogram(_)) && field.look.mappings.is_empty();
            let align = match custom.word("align") {
                "left" => "start",
                "right" => "end",
                "center" => "center",
                _ => "",
            };
            Shape {
                field,
                kind: kind(custom, &field.name),
                bounds: own_bounds(field),
                index,
                is_end: is_number,
                align,
                width: custom.number("width").filter(|width| *width > 0.0).map(|width| width.clamp(20.0, 2_000.0)),
                wraps: custom.flag("wrapText") || custom.child("cellOptions").flag("wrapText"),
                is_filterable: custom.flag("filterable"),
            }
        })
        .collect()
}

fn kind(custom: Options<'_>, name: &str) -> CellKind {
    let cell = custom.child("cellOptions");
    let old = custom.word("displayMode");
    let given = cell.text("type").unwrap_or(old);
    match given {
        "color-text" => CellKind::ColourText,
        "color-background" | "color-background-solid" => CellKind::ColourBackground { is_row: cell.flag("applyToRow") },
        "gauge" | "basic" | "lcd-gauge" | "gradient-gauge" => CellKind::Gauge {
            mode: cell.text("mode").unwrap_or(if given == "lcd-gauge" { "lcd" } else { "basic" }).to_owned(),
            shows_value: cell.word("valueDisplayMode") != "hidden",
        },
        "sparkline" => CellKind::Spark,
        "json-view" => CellKind::Json,
        "image" => CellKind::Picture,
        "markdown" => CellKind::Markdown,
        "" | "auto" if name.starts_with("Trend #") => CellKind::Spark,
        _ => CellKind::Plain,
    }
}

/// The rows in the order that the panel asks for.
fn order(frame: &Frame, shapes: &[Shape<'_>], options: Options<'_>) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..frame.len()).collect();
    let sorts: Vec<(&str, bool)> = options.children("sortBy").map(|sort| (sort.word("displayName"), sort.flag("desc"))).collect();
    for (name, is_down) in sorts.iter().rev() {
        let Some(shape) = shapes.iter().find(|shape| shape.field.title == *name) else { continue };
        let cells: Vec<Cell> = shape.field.values.cells().collect();
        rows.sort_by(|a, b| {
            let order = match (cells.get(*a), cells.get(*b)) {
                (Some(a), Some(b)) => a.order(b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            if *is_down { order.reverse() } else { order }
        });
    }
    rows
}

fn style(shape: &Shape<'_>) -> String {
    let mut style = String::new();
    if let Some(width) = shape.width {
        let _infallible = write!(style, "width:{0}px;min-width:{0}px;", px(width));
    }
    if !shape.align.is_empty() {
        let _infallible = write!(style, "text-align:{};", shape.align);
    }
    if style.is_empty() { style } else { format!(" style=\"{style}\"") }
}

fn head(html: &mut String, shapes: &[Shape<'_>], options: Options<'_>, canvas: &Canvas) {
    html.push_str("<thead><tr>");
    let sorted: Option<(&str, bool)> = options.children("sortBy").map(|sort| (sort.word("displayName"), sort.flag("desc"))).next();
    for shape in shapes {
        let title = &shape.field.title;
        let aria = match sorted {
            Some((name, is_down)) if name == title => {
                if is_down {
                    " aria-sort=\"descending\""
                } else {
                    " aria-sort=\"ascending\""
                }
            }
            _ => "",
        };
        let class = if shape.is_end { " class=\"num\"" } else { "" };
        let description = if shape.field.look.description.is_empty() {
            String::new()
        } else {
            format!(" title=\"{}\"", escape(&shape.field.look.description))
        };
        let funnel = if shape.is_filterable { funnel(shape, canvas) } else { String::new() };
        let _infallible = write!(
            html,
            "<th scope=\"col\"{class}{aria}{description}{}><button type=\"button\" data-sort=\"{}\">{}</button>{funnel}</th>",
            style(shape),
            shape.index,
            if title.is_empty() { canvas.lang.t("Value").into() } else { escape(title) },
        );
    }
    html.push_str("</tr></thead>");
}

/// The button that opens the values of a column, to choose which rows stay.
fn funnel(shape: &Shape<'_>, canvas: &Canvas) -> String {
    let words = canvas.lang.fill("Filter by {}", &[&shape.field.title]);
    format!(
        "<button type=\"button\" class=\"p-funnel\" data-filter=\"{}\" aria-pressed=\"false\" aria-haspopup=\"dialog\" aria-label=\"{}\">{}</button>",
        shape.index,
        escape(&words),
        icon::FUNNEL
    )
}

fn body_row(html: &mut String, frame: &Frame, shapes: &[Shape<'_>], row: usize, canvas: &Canvas) {
    let cells: Vec<(Cell, Shown)> = shapes
        .iter()
        .map(|shape| {
            let cell = shape.field.values.cell(row);
            let shown = show(&cell, shape.field, shape.bounds, shape.index, canvas);
            (cell, shown)
        })
        .collect();
    let of_row = shapes.iter().zip(&cells).find(|(shape, _)| shape.kind == CellKind::ColourBackground { is_row: true });
    match of_row {
        Some((_, (_, shown))) if shown.colour != "none" => {
            let _infallible = write!(html, "<tr class=\"p-hue\" style=\"--c:{}\">", css(&shown.colour));
        }
        _ => html.push_str("<tr>"),
    }
    for (shape, (cell, shown)) in shapes.iter().zip(&cells) {
        one(html, frame, shape, cell, shown, row);
    }
    html.push_str("</tr>");
}

fn one(html: &mut String, frame: &Frame, shape: &Shape<'_>, cell: &Cell, shown: &Shown, row: usize) {
    let mut class = String::new();
    if shape.is_end {
        class.push_str("num ");
    }
    if shape.wraps {
        class.push_str("p-wrap ");
    }
    let mut css_of = style(shape).trim_start_matches(" style=\"").trim_end_matches('"').to_owned();
    match &shape.kind {
        CellKind::ColourText => css_of.push_str(&format!("color:{};", ink(&shown.colour))),
        CellKind::ColourBackground { is_row: false } if shown.colour != "none" => {
            class.push_str("p-hue ");
            css_of.push_str(&format!("--c:{};", css(&shown.colour)));
        }
        _ => {}
    }
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{}\"", class.trim_end()) };
    let css_of = if css_of.is_empty() { css_of } else { format!(" style=\"{css_of}\"") };
    // What is sorted by in the browser: numbers as they are, texts as they are shown.
    let sort = match cell.number() {
        Some(number) if number.is_finite() => format!(" data-v=\"{number}\""),
        _ => String::new(),
    };
    let _infallible = write!(html, "<td{class}{css_of}{sort}>");
    let link = link(shape.field, shown, frame, row);
    if let Some(link) = &link {
        html.push_str(&anchor(link));
    }
    content(html, shape, cell, shown);
    if link.is_some() {
        html.push_str("</a>");
    }
    html.push_str("</td>");
}

fn content(html: &mut String, shape: &Shape<'_>, cell: &Cell, shown: &Shown) {
    let text = escape(&shown.text);
    match &shape.kind {
        CellKind::Gauge { mode, shows_value } if shown.number.is_some() => {
            let bounds = if shape.field.look.min.is_none() { (shape.bounds.0.min(0.0), shape.bounds.1) } else { shape.bounds };
            let at = shown.number.map_or(0.0, |number| share(number, bounds)) * 100.0;
            let lcd = if mode == "lcd" { " p-lcd" } else { "" };
            let value =
                if *shows_value { format!("<span class=\"p-num\">{text}</span>") } else { format!("<span class=\"vh\">{text}</span>") };
            let _infallible = write!(
                html,
                "<span class=\"p-meter{lcd}\" style=\"--p:{}%;--c:{}\">{value}<span class=\"p-track\"><i></i></span></span>",
                px(at),
                css(&shown.colour)
            );
        }
        CellKind::Spark => {
            let values: Vec<f64> = match cell {
                Cell::Text(text) => text.split(',').filter_map(|part| part.trim().parse().ok()).collect(),
                _ => Vec::new(),
            };
            let colour = if shown.colour == "none" { "c1" } else { &shown.colour };
            let _infallible = if values.len() > 1 {
                write!(html, "<span class=\"p-cellspark\" style=\"--sc:{}\">{}</span>", css(colour), spark::svg(&values))
            } else {
                write!(html, "{text}")
            };
        }
        CellKind::Json => {
            let pretty =
                serde_json::from_str::<serde_json::Value>(&shown.text).ok().and_then(|json| serde_json::to_string_pretty(&json).ok());
            let pretty = pretty.filter(|pretty| pretty.len() < 20_000);
            let _infallible = write!(html, "<code class=\"p-json\">{}</code>", escape(pretty.as_deref().unwrap_or(&shown.text)));
        }
        CellKind::Picture => match safe_url(&shown.text) {
            Some(url) => {
                let _infallible =
                    write!(html, "<a class=\"p-link\" href=\"{}\" target=\"_blank\" rel=\"noopener noreferrer\">{text}</a>", escape(&url));
            }
            None => html.push_str(&text),
        },
        CellKind::Markdown => html.push_str(&super::text::markdown(&shown.text)),
        _ => html.push_str(&text),
    }
}

/// The reducer of a column's foot: the panel's, or in newer dashboards the column's own.
fn foot_of<'a>(shape: &Shape<'a>, footer: Options<'a>) -> Option<&'a str> {
    let field: &'a Field = shape.field;
    let own = Options::new(&field.look.custom).child("footer").words("reducers");
    if let Some(own) = own.first() {
        return Some(own);
    }
    let wanted = footer.words("fields");
    let is_summed = if wanted.is_empty() { matches!(field.values, Column::Number(_)) } else { wanted.contains(&field.title.as_str()) };
    let reducer = footer.words("reducer").first().copied()?;
    (footer.flag("show") && is_summed && !footer.flag("countRows")).then_some(reducer)
}

/// A row of reduced values, where the panel asks for one.
fn foot(html: &mut String, frame: &Frame, shapes: &[Shape<'_>], options: Options<'_>, canvas: &Canvas) {
    let footer = options.child("footer");
    let counts_rows = footer.flag("show") && footer.flag("countRows");
    let reducers: Vec<Option<&str>> = shapes.iter().map(|shape| foot_of(shape, footer)).collect();
    let Some(first) = reducers.iter().flatten().next().copied().or(counts_rows.then_some("count")) else { return };
    html.push_str("<tfoot><tr>");
    for (at, (shape, reducer)) in shapes.iter().zip(&reducers).enumerate() {
        let text = match reducer {
            Some(reducer) => {
                let cell = reduce(&shape.field.values, reducer);
                if keeps_unit(reducer) { show(&cell, shape.field, shape.bounds, shape.index, canvas).text } else { cell.text() }
            }
            // The first column says what the others are.
            None if at == 0 && counts_rows => format!("{} {}", reducer_name("count"), frame.len()),
            None if at == 0 => reducer_name(first),
            None => String::new(),
        };
        let class = if shape.is_end { " class=\"num\"" } else { "" };
        let _infallible = write!(html, "<td{class}{}>{}</td>", style(shape), escape(&text));
    }
    html.push_str("</tr></tfoot>");
}
