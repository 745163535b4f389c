//! Lines as a file: JSON lines, CSV or plain text. Made by the server from the newest lines that match.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::search::{lines, newest_first, span};
use super::{PageState, USUAL_FROM, work};
use crate::logs::pages::rows::{ShownLine, exact};
use crate::logs::query::ast::Query;
use crate::logs::query::engine::Direction;
use crate::logs::query::parse::{Dialect, parse};
use crate::platform::http::problem::Problem;
use crate::ui::asked::{Asked, Pages as _};
use crate::ui::range::PageRange;

/// Lines of a file.
const LINES_MAX: usize = 5_000;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Jsonl,
    Csv,
    Txt,
}

impl Format {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "" | "jsonl" => Self::Jsonl,
            "csv" => Self::Csv,
            "txt" => Self::Txt,
            _ => return None,
        })
    }

    const fn head(self) -> (&'static str, &'static str) {
        match self {
            Self::Jsonl => ("application/x-ndjson; charset=utf-8", "attachment; filename=\"logs.jsonl\""),
            Self::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"logs.csv\""),
            Self::Txt => ("text/plain; charset=utf-8", "attachment; filename=\"logs.txt\""),
        }
    }
}

/// `GET /logs/export?q=<LogQL>&from=…&to=…&format=jsonl|csv|txt&cols=a,b`.
pub(super) async fn route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let name = asked.param("format");
    let format = Format::of(&name).ok_or_else(|| Problem::bad_request(format!("format={name} is not known; jsonl, csv and txt are")))?;
    let query = asked.param("q");
    let log = match parse(&query, Dialect::Pharos) {
        Ok(Query::Log(log)) => log,
        Ok(Query::Metric(_)) => return Err(Problem::bad_request("only lines can be exported, and this is a metric query")),
        Err(error) => return Err(Problem::bad_request(error.to_string())),
    };
    let range = PageRange::from_query(asked.query(), USUAL_FROM).resolve(state.now_ms()).map_err(Problem::bad_request)?;
    let range = (range.start, range.end);
    let columns: Vec<String> = asked.param("cols").split(',').filter(|name| !name.is_empty()).take(8).map(str::to_owned).collect();
    let limit = match state.logs.api.lines_max() {
        0 => LINES_MAX,
        max => LINES_MAX.min(max),
    };
    let body = work(&state, move |state, cancel| {
        let answer = lines(state, &log, span(range), Direction::Backward, limit, cancel);
        answer.map(|answer| written(&newest_first(answer), format, &columns))
    });
    let body = body.await?.map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    let mut response = body.into_response();
    let (kind, name) = format.head();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

fn written(lines: &[ShownLine], format: Format, columns: &[String]) -> String {
    let mut out = String::new();
    if format == Format::Csv {
        let names: Vec<String> =
            ["time", "level", "labels", "line"].into_iter().map(str::to_owned).chain(columns.iter().cloned()).collect();
        put_csv(&mut out, names.iter().map(String::as_str));
    }
    for line in lines {
        let time = exact(line.ts_ns);
        match format {
            Format::Txt => {
                // Writing to a String cannot fail.
                let _infallible = writeln!(out, "{time} {}", line.text);
            }
            Format::Csv => {
                let values: Vec<String> = columns.iter().map(|name| line.value(name)).collect();
                let labels = crate::logs::pages::rows::selector(&line.stream);
                let fixed = [time.as_str(), line.level(), labels.as_str(), line.text.as_str()];
                put_csv(&mut out, fixed.into_iter().chain(values.iter().map(String::as_str)));
            }
            Format::Jsonl => {
                let object = |labels: &crate::series::labels::Labels| -> serde_json::Map<String, serde_json::Value> {
                    labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
                };
                let value =
                    serde_json::json!({"time": time, "line": line.text, "labels": object(&line.stream), "fields": object(&line.fields)});
                let _infallible = writeln!(out, "{value}");
            }
        }
    }
    out
}

fn put_csv<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        // A text that a spreadsheet would take for a formula is marked as text.
        let mark = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        if !mark.is_empty() || cell.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            out.push_str(mark);
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    #[test]
    fn files_hold_every_line_once() {
        let line = ShownLine {
            ts_ns: 1_763_714_000_000_000_001,
            text: "a \"b\",\n=c".into(),
            stream: Labels::from_pairs([("app", "x")]),
            fields: Labels::from_pairs([("detected_level", "info"), ("n", "=1")]),
        };
        let of = |format| written(std::slice::from_ref(&line), format, &["n".to_owned()]);
        let time = "2025-11-21T08:33:20.000000001Z";
        assert_eq!(of(Format::Txt), format!("{time} a \"b\",\n=c\n"));
        assert_eq!(of(Format::Csv), format!("time,level,labels,line,n\n{time},info,\"{{app=\"\"x\"\"}}\",\"a \"\"b\"\",\n=c\",\"'=1\"\n"));
        let json: serde_json::Value = serde_json::from_str(&of(Format::Jsonl)).unwrap();
        assert_eq!((json["line"].as_str(), json["labels"]["app"].as_str()), (Some("a \"b\",\n=c"), Some("x")));
        assert!(Format::of("xml").is_none());
    }
}
