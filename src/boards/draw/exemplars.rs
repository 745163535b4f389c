//! Exemplars on a chart over time: single observations, and where each leads.

use serde_json::{Value, json};

use super::grid;
use super::markup::safe_url;
use super::shown::filled;
use crate::boards::data::{Column, Frame};
use crate::ui::lang::{Lang, key};
use crate::ui::links;

/// How programs call the label that names a trace.
const TRACE_LABELS: [&str; 4] = ["trace_id", "traceID", "traceId", "TraceID"];
/// Most links of one.
const LINKS_MAX: usize = 4;
/// How long before and after an exemplar the lines of its trace are looked for, in milliseconds.
const AROUND_MS: i64 = 1_800_000;
/// What a link has that is made for exemplars: it names something that they say.
const OF_FIELDS: &str = "${__data.fields";

/// For the browser, see `web/lib/board/data.ts`. `found`: a frame of exemplars for each query; `drawn`: the frames of the
/// chart, whose links are theirs too. Lines of logs with a trace are found by its id.
pub fn exemplars(found: &[Frame], drawn: &[Frame], lang: Lang) -> Value {
    Value::Array(found.iter().map(|frame| of_query(frame, drawn, lang)).collect())
}

fn of_query(frame: &Frame, drawn: &[Frame], lang: Lang) -> Value {
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for field in &frame.fields {
        match &field.values {
            Column::Time(all) => times = all.iter().map(|at| grid::seconds(*at)).collect(),
            Column::Number(all) => values = all.iter().map(|value| value.map_or(Value::Null, grid::number)).collect(),
            _ => {}
        }
    }
    let texts = || {
        frame.fields.iter().filter_map(|field| match &field.values {
            Column::Text(all) => Some((field.name.as_str(), all)),
            _ => None,
        })
    };
    let names: Vec<&str> = texts().map(|(name, _)| name).collect();
    let labels: Vec<Vec<Option<&str>>> =
        (0..frame.len()).map(|row| texts().map(|(_, all)| all.get(row).and_then(|text| text.as_deref())).collect()).collect();
    let links: Vec<Value> = (0..frame.len()).map(|row| json!(links_of(frame, row, drawn, lang))).collect();
    json!({ "q": frame.ref_id, "at": times, "v": values, "names": names, "labels": labels, "links": links })
}

/// Where one leads, as words and URL: the chart's links that name what it says, then the lines of logs of its trace.
fn links_of(frame: &Frame, row: usize, drawn: &[Frame], lang: Lang) -> Vec<(String, String)> {
    let of_query = drawn.iter().filter(|one| one.ref_id == frame.ref_id).chain(drawn).flat_map(|one| &one.fields);
    let own = of_query.map(|field| &field.look.links).find(|links| !links.is_empty());
    let mut found: Vec<(String, String)> = Vec::new();
    for link in own.into_iter().flatten().filter(|link| link.url.contains(OF_FIELDS)) {
        let url = filled(&link.url, frame, row);
        // One that names something which this exemplar does not say leads nowhere.
        if let Some(url) = safe_url(&url).filter(|_| !url.contains(OF_FIELDS)) {
            let title = filled(&link.title, frame, row);
            found.push((if title.is_empty() { url.clone() } else { title }, url));
        }
    }
    let trace = TRACE_LABELS
        .iter()
        .find_map(|name| frame.fields.iter().find(|field| field.name == *name))
        .map(|field| field.values.cell(row).text());
    if let Some(trace) = trace.filter(|id| is_plain(id)) {
        let at = frame.fields.iter().find_map(|field| match &field.values {
            Column::Time(all) => all.get(row).copied(),
            _ => None,
        });
        let at = at.unwrap_or_default();
        let (from, to) = (at.saturating_sub(AROUND_MS).to_string(), at.saturating_add(AROUND_MS).to_string());
        let href = links::with(links::LOGS, &[("q", &format!("\"{trace}\"")), ("from", &from), ("to", &to)]);
        found.push((lang.t(key("Log lines of this trace")).to_owned(), href));
    }
    found.truncate(LINKS_MAX);
    found
}

/// Whether it can stand in quotes in a search.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::boards::data::Field;
    use crate::boards::model::{Link, Look};

    fn found(trace: Option<&str>) -> Frame {
        let text = |name: &str, value: Option<&str>| Field {
            name: name.to_owned(),
            values: Column::Text(vec![value.map(str::to_owned)]),
            ..Field::default()
        };
        let fields = vec![
            Field { name: "Time".into(), values: Column::Time(Arc::from([10_000_500])), ..Field::default() },
            Field { name: "Value".into(), values: Column::Number(vec![Some(0.25)]), ..Field::default() },
            text("trace_id", trace),
            text("route", Some("/a b")),
        ];
        Frame { ref_id: "B".into(), fields, ..Frame::default() }
    }

    fn drawn(urls: &[&str]) -> Frame {
        let link = |url: &&str| Link { title: "Look at ${__data.fields.route:raw}".into(), url: (*url).to_owned(), ..Link::default() };
        let look = Arc::new(Look { links: urls.iter().map(link).collect(), ..Look::default() });
        Frame { ref_id: "B".into(), fields: vec![Field { look, ..Field::default() }], ..Frame::default() }
    }

    #[test]
    fn what_it_says_and_where_it_leads() {
        let links = ["https://t.example/${__data.fields.trace_id}?r=${__data.fields.route}", "/d/x", "/y?${__data.fields.gone}"];
        let data = exemplars(&[found(Some("4bf9"))], &[drawn(&links)], Lang::En);
        assert_eq!(
            data,
            json!([{ "q": "B", "at": [10000.5], "v": [0.25], "names": ["trace_id", "route"], "labels": [["4bf9", "/a b"]], "links": [[
                ["Look at /a b", "https://t.example/4bf9?r=%2Fa%20b"],
                ["Log lines of this trace", "/logs?q=%224bf9%22&from=8200500&to=11800500"],
            ]] }])
        );
    }

    #[test]
    fn nothing_leads_where_it_must_not() {
        let links = ["javascript:alert(${__data.fields.trace_id})"];
        let data = exemplars(&[found(Some("x\" or \"y"))], &[drawn(&links)], Lang::En);
        assert_eq!(data[0]["links"], json!([[]]));
        assert_eq!(exemplars(&[found(None)], &[], Lang::En)[0]["links"], json!([[]]));
    }
}
