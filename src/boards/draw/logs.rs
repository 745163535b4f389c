//! Lines of a log: time, level, text; with everything that is known of a line behind it.

use std::fmt::Write;

use super::markup::escape;
use super::{Canvas, Drawn};
use crate::boards::data::{Cell, Column, Field, Frame, FrameKind, Options};
use crate::boards::model::Panel;
use crate::ui::format;

/// Most lines that are drawn.
const LINES_MAX: usize = 500;
/// Most bytes of one text that are drawn.
const TEXT_MAX: usize = 8_000;
/// Most labels of a line that are drawn.
const LABELS_MAX: usize = 40;
/// Columns that are no labels.
const OWN: [&str; 5] = ["Time", "Line", "level", "tsNs", "id"];

/// A line before it is written.
struct Line<'a> {
    frame: &'a Frame,
    at: usize,
    time: i64,
}

/// Lines of every frame that has some.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Result<Drawn, String> {
    let options = Options::new(&panel.options);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for frame in frames.iter().filter(|frame| frame.kind == FrameKind::Lines || texts(frame).is_some()) {
        let Some(times) = super::grid::times(frame) else { continue };
        lines.extend(times.iter().enumerate().map(|(at, time)| Line { frame, at, time: *time }));
    }
    if lines.is_empty() {
        return Err("a panel of lines needs a query that gives lines; this one gives numbers".to_owned());
    }
    if options.word("sortOrder") == "Ascending" {
        lines.sort_by_key(|line| line.time);
    } else {
        lines.sort_by_key(|line| std::cmp::Reverse(line.time));
    }
    if matches!(options.word("dedupStrategy"), "exact" | "numbers" | "signature") {
        lines.dedup_by(|next, kept| text(next) == text(kept));
    }
    let more = lines.len().saturating_sub(LINES_MAX);
    let wraps = if options.flag_or("wrapLogMessage", true) { " p-wrap" } else { "" };
    let mut html = String::new();
    let _infallible = write!(
        html,
        "<div class=\"p-scroll p-logs{wraps}\" tabindex=\"0\" role=\"group\" dir=\"ltr\" aria-label=\"{}\">",
        escape(canvas.lang.t("Log lines"))
    );
    for line in lines.iter().take(LINES_MAX) {
        one(&mut html, line, options, canvas);
    }
    if more > 0 {
        let words = canvas.lang.n(more as u64, "{} more line", "{} more lines");
        let _infallible = write!(html, "<p class=\"p-more\">{}</p>", escape(&words));
    }
    html.push_str("</div>");
    Ok(Drawn::Html { html })
}

/// The column of texts.
fn texts(frame: &Frame) -> Option<&Field> {
    let named = frame.fields.iter().find(|field| field.name == "Line" && matches!(field.values, Column::Text(_)));
    named.or_else(|| frame.fields.iter().find(|field| matches!(field.values, Column::Text(_))))
}

fn text(line: &Line<'_>) -> String {
    texts(line.frame).map(|field| field.values.cell(line.at).text()).unwrap_or_default()
}

fn one(html: &mut String, line: &Line<'_>, options: Options<'_>, canvas: &Canvas) {
    let of = |name: &str| {
        let found = line.frame.fields.iter().find(|field| field.name == name);
        found.map(|field| field.values.cell(line.at)).filter(|cell| !cell.is_nothing()).map(|cell| cell.text()).unwrap_or_default()
    };
    let level = of("level");
    let whole = text(line);
    let body = cut(&whole);
    let class = match level.as_str() {
        "error" | "critical" | "crit" | "fatal" | "err" => " error",
        "warn" | "warning" => " warn",
        "info" | "notice" => " info",
        "debug" | "trace" => " debug",
        _ => "",
    };
    let labels: Vec<(&str, String)> = labels(line);
    let details = options.flag_or("enableLogDetails", true) && !labels.is_empty();
    let (open, close) = if details { ("<details class=\"p-line", "</details>") } else { ("<div class=\"p-line", "</div>") };
    let _infallible = write!(html, "{open}{class}\">{}", if details { "<summary>" } else { "" });
    if options.flag_or("showTime", true) {
        let moment = format::exactly(line.time, canvas.lang);
        let _infallible =
            write!(html, "<time datetime=\"{}\" data-f=\"{}\">{}</time>", escape(&moment.exact), moment.form, escape(&moment.words));
    }
    if options.flag("showLabels") {
        for (name, value) in labels.iter().take(6) {
            let _infallible = write!(html, "<i title=\"{}\">{}</i>", escape(name), escape(&cut(value)));
        }
    }
    let _infallible = write!(html, "<span>{}</span>", escape(&body));
    if details {
        html.push_str("</summary><dl>");
        for (name, value) in &labels {
            let _infallible = write!(html, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(&cut(value)));
        }
        html.push_str("</dl>");
    }
    html.push_str(close);
}

/// Labels of a line that have a value.
fn labels<'a>(line: &Line<'a>) -> Vec<(&'a str, String)> {
    let text_column = texts(line.frame).map(|field| field.name.as_str()).unwrap_or_default();
    let named = line.frame.fields.iter().filter(|field| !OWN.contains(&field.name.as_str()) && field.name != text_column);
    let found = named.filter_map(|field| match field.values.cell(line.at) {
        Cell::Nothing => None,
        cell => Some((field.name.as_str(), cell.text())),
    });
    found.filter(|(_, value)| !value.is_empty()).take(LABELS_MAX).collect()
}

/// The beginning of a text, at a boundary of characters.
fn cut(text: &str) -> String {
    if text.len() <= TEXT_MAX {
        return text.to_owned();
    }
    let end = (0..=TEXT_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::time::TimeRange;
    use crate::ui::lang::Lang;

    const CANVAS: Canvas = Canvas { width: 600, height: 240, lang: Lang::En, range: TimeRange::new(0, 60_000), step: 15_000, now: 60_000 };

    fn frame(lines: &[(i64, &str, &str)]) -> Frame {
        let text = |name: &str, values: Vec<Option<String>>| Field { name: name.into(), values: Column::Text(values), ..Field::default() };
        let fields = vec![
            Field { name: "Time".into(), values: Column::Time(lines.iter().map(|line| line.0).collect()), ..Field::default() },
            text("Line", lines.iter().map(|line| Some(line.1.to_owned())).collect()),
            text("level", lines.iter().map(|line| Some(line.2.to_owned())).collect()),
            text("job", lines.iter().map(|_| Some("a<b".to_owned())).collect()),
        ];
        Frame { kind: FrameKind::Lines, fields, ..Frame::default() }
    }

    fn html(options: serde_json::Value, frames: &[Frame]) -> String {
        let panel = Panel { options: options.as_object().unwrap().clone(), ..Panel::default() };
        match draw(&panel, frames, &CANVAS).unwrap() {
            Drawn::Html { html } => html,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_stand_in_order_with_what_is_known_of_them() {
        let frame = frame(&[(1_000, "first <b>", "error"), (2_000, "second", "info")]);
        let newest = html(json!({}), std::slice::from_ref(&frame));
        assert!(newest.find("second") < newest.find("first &lt;b&gt;"), "{newest}");
        assert!(newest.contains("<details class=\"p-line error\">") && newest.contains("<dt>job</dt><dd>a&lt;b</dd>"), "{newest}");
        assert!(newest.contains("datetime=\"1970-01-01T00:00:02Z\" data-f=\"datetime\""), "{newest}");
        let plain = html(
            json!({"sortOrder": "Ascending", "enableLogDetails": false, "showTime": false, "showLabels": true, "wrapLogMessage": false}),
            &[frame],
        );
        assert!(plain.find("first") < plain.find("second") && !plain.contains("<time") && !plain.contains("details"), "{plain}");
        assert!(plain.contains("<i title=\"job\">a&lt;b</i>") && !plain.contains("p-wrap"), "{plain}");
    }

    #[test]
    fn lines_are_bounded_and_numbers_are_no_lines() {
        let many: Vec<(i64, &str, &str)> = (0..600).map(|at| (at, "x", "")).collect();
        let drawn = html(json!({}), &[frame(&many)]);
        assert!(drawn.contains("100 more lines"), "{}", &drawn[drawn.len() - 200..]);
        assert!(!html(json!({"dedupStrategy": "exact"}), &[frame(&many)]).contains("more lines"));
        let numbers = Frame {
            fields: vec![
                Field { values: Column::Time([1].into()), ..Field::default() },
                Field { values: Column::Number(vec![Some(1.0)]), ..Field::default() },
            ],
            ..Frame::default()
        };
        assert!(draw(&Panel::default(), &[numbers], &CANVAS).unwrap_err().contains("gives numbers"));
    }
}
