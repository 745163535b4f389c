//! Sending a metric as JSON: a form that makes the very request of a program and shows its answer, and the same request in
//! languages of programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::series::labels::{is_legacy_label_name, is_legacy_metric_name, quote};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// The endpoint.
const PATH: &str = "/api/v1/metrics/custom";
/// Longest field of the form, in bytes.
const FIELD_BYTES_MAX: usize = 8 * 1024;
/// Types that can be sent, and what their value means.
const KINDS: [(&str, &str); 4] = [
    ("gauge", key("gauge: the value is how it is now")),
    ("counter", key("counter: the value is added")),
    ("histogram", key("histogram: the value is one observation")),
    ("summary", key("summary: the value is one observation")),
];

/// The form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// The metric's name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// A number.
    pub value: String,
    /// `name=value`, by comma or line.
    pub labels: String,
    /// In what it is counted.
    pub unit: String,
    /// What it means.
    pub help: String,
}

impl Default for Fields {
    fn default() -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            name: text("shop_orders_total"),
            kind: text("counter"),
            value: text("1"),
            labels: text("shop=berlin, plan=pro"),
            unit: String::new(),
            help: text("Orders that were paid."),
        }
    }
}

impl Fields {
    /// As it was sent.
    pub fn from_form(body: &[u8]) -> Self {
        let field = |name: &str| {
            let found = form_urlencoded::parse(body).find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned());
            found.unwrap_or_default()
        };
        Self {
            name: field("name"),
            kind: field("type"),
            value: field("value"),
            labels: field("labels"),
            unit: field("unit"),
            help: field("help"),
        }
    }

    fn labels(&self) -> Result<BTreeMap<&str, &str>, String> {
        let pairs = self.labels.split([',', '\n']).map(str::trim).filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').ok_or_else(|| format!("labels: expected name=value, found {pair:?}"))?;
                Ok((name.trim(), value.trim().trim_matches('"')))
            })
            .collect()
    }

    /// The body of the request.
    ///
    /// # Errors
    /// In words, where there is none.
    pub fn body(&self) -> Result<String, String> {
        let all = [&self.name, &self.kind, &self.value, &self.labels, &self.unit, &self.help];
        if all.iter().any(|field| field.len() > FIELD_BYTES_MAX) {
            return Err(format!("a field has more than {FIELD_BYTES_MAX} bytes"));
        }
        if self.name.is_empty() || self.value.is_empty() {
            return Err("a metric has a name and a value".to_owned());
        }
        // What is no number goes as text: the endpoint knows +Inf, and says what is wrong with others.
        let number = self.value.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
        let whole = self.value.parse::<i64>().ok().map(Json::from);
        let value = whole.or(number.map(Json::Number)).unwrap_or_else(|| Json::from(self.value.as_str()));
        let mut parts = vec![("name", json!(self.name)), ("type", json!(self.kind)), ("value", value)];
        let labels = self.labels()?;
        if !labels.is_empty() {
            parts.push(("labels", json!(labels)));
        }
        let texts = [("unit", &self.unit), ("help", &self.help)].into_iter().filter(|(_, text)| !text.is_empty());
        parts.extend(texts.map(|(name, text)| (name, json!(text))));
        let lines: Vec<String> = parts.iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
        Ok(format!("{{\n{}\n}}", lines.join(",\n")))
    }

    /// The series that it becomes, as a query.
    fn series(&self) -> String {
        let ending = if matches!(self.kind.as_str(), "histogram" | "summary") { "_count" } else { "" };
        let name = format!("{}{ending}", self.name);
        let is_plain = is_legacy_metric_name(&name);
        let labels = self.labels().unwrap_or_default();
        let label = |(name, value): (&str, &str)| {
            let name = if is_legacy_label_name(name) { name.to_owned() } else { quote(name) };
            format!("{name}={}", quote(value))
        };
        let first = (!is_plain).then(|| quote(&name));
        let inside = first.into_iter().chain(labels.into_iter().map(label)).collect::<Vec<_>>().join(",");
        let name = if is_plain { name } else { String::new() };
        if inside.is_empty() { name } else { format!("{name}{{{inside}}}") }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its body.
    pub request: String,
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer.
    pub answer: String,
    /// Why no request was made; empty if one was.
    pub problem: String,
}

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct SendInput {
    /// The form.
    pub fields: Fields,
    /// What became of it.
    pub answer: Option<Answer>,
    /// Whether whoever looks may send.
    pub may_send: bool,
    /// Under which address this server is reached.
    pub url: String,
}

#[derive(askama::Template)]
#[template(path = "metrics/send.html")]
struct SendPage<'a> {
    shell: &'a Shell,
    input: &'a SendInput,
    kinds: [(&'static str, &'static str); 4],
    snippets: [(&'static str, &'static str, String); 3],
    request: String,
    is_taken: bool,
    explore: String,
    metric: String,
}

/// Renders the page.
pub fn render(input: &SendInput, shell: &Shell) -> String {
    let fields = &input.fields;
    let url = format!("{}{PATH}", input.url.trim_end_matches('/'));
    let body = fields.body().or_else(|_| Fields::default().body()).unwrap_or_default();
    let answer = input.answer.as_ref().filter(|answer| answer.problem.is_empty());
    let ending = if matches!(fields.kind.as_str(), "histogram" | "summary") { "_count" } else { "" };
    page::html(&SendPage {
        shell,
        input,
        kinds: KINDS,
        snippets: [("curl", "curl", curl(&url, &body)), ("Python", "python", python(&url, &body)), ("Node", "node", node(&url, &body))],
        request: answer.map(|answer| format!("POST {PATH}\nContent-Type: application/json\n\n{}", answer.request)).unwrap_or_default(),
        is_taken: answer.is_some_and(|answer| answer.status < 300 && answer.status != 207),
        explore: links::explore(&fields.series()),
        metric: links::metric(&format!("{}{ending}", fields.name)),
    })
}

/// In single quotes of a shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn curl(url: &str, body: &str) -> String {
    format!(
        "curl {} \\\n  -H 'Authorization: Bearer TOKEN' \\\n  -H 'Content-Type: application/json' \\\n  -d {}",
        shell_quoted(url),
        shell_quoted(body)
    )
}

/// The body as Python writes it: in JSON's notation, which for texts and numbers is the same.
fn python(url: &str, body: &str) -> String {
    let mut text = String::from("import json, urllib.request\n\n");
    // Writing into a text does not fail.
    let _written = write!(
        text,
        "metric = {body}\nrequest = urllib.request.Request(\n    {},\n    data=json.dumps(metric).encode(),\n    headers={{\n        \"Authorization\": \"Bearer TOKEN\",\n        \"Content-Type\": \"application/json\",\n    }},\n)\nprint(urllib.request.urlopen(request).read().decode())",
        json!(url)
    );
    text
}

fn node(url: &str, body: &str) -> String {
    format!(
        "const metric = {body};\nconst answer = await fetch({}, {{\n  method: 'POST',\n  headers: {{\n    Authorization: 'Bearer TOKEN',\n    'Content-Type': 'application/json',\n  }},\n  body: JSON.stringify(metric),\n}});\nconsole.log(answer.status, await answer.json());",
        json!(url)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &SendInput) -> String {
        render(input, &shell(Page::Send, "Send metrics", "/send", ""))
    }

    fn input(fields: Fields) -> SendInput {
        SendInput { fields, answer: None, may_send: true, url: "https://pharos.example/".to_owned() }
    }

    #[test]
    fn the_form_becomes_the_body_of_a_request() {
        let form = "name=queue+length&type=gauge&value=7.5&labels=shop%3Da%0Aplan%3D%22pro%22&unit=&help=";
        let fields = Fields::from_form(form.as_bytes());
        let body: Json = serde_json::from_str(&fields.body().unwrap()).unwrap();
        assert_eq!(body, json!({ "name": "queue length", "type": "gauge", "value": 7.5, "labels": { "shop": "a", "plan": "pro" } }));
        assert_eq!(fields.series(), "{\"queue length\",plan=\"pro\",shop=\"a\"}");
        assert_eq!(Fields::default().series(), "shop_orders_total{plan=\"pro\",shop=\"berlin\"}");
        let body = |value: &str| Fields { value: value.to_owned(), ..Fields::default() }.body();
        assert!(body("+Inf").unwrap().contains("\"value\": \"+Inf\"") && body("").is_err());
        assert!(Fields { labels: "x".to_owned(), ..Fields::default() }.body().is_err());
        assert!(Fields { help: "x".repeat(9_000), ..Fields::default() }.body().is_err());
    }

    #[test]
    fn programs_and_answers_are_shown() {
        let page = html(&input(Fields::default()));
        for part in
            ["https://pharos.example/api/v1/metrics/custom", "Bearer TOKEN", "urllib.request", "await fetch", "<button class=\"btn p\""]
        {
            assert!(page.contains(part), "{part}");
        }
        let viewer = html(&SendInput { may_send: false, ..input(Fields::default()) });
        assert!(viewer.contains("may not send") && !viewer.contains("<button class=\"btn p\""));
        let answer = Answer { request: "{}".to_owned(), status: 200, answer: "{\"accepted\":1}".to_owned(), problem: String::new() };
        let sent = html(&SendInput { answer: Some(answer), ..input(Fields::default()) });
        assert!(sent.contains("200") && sent.contains("/catalogue/shop_orders_total") && sent.contains("/explore?q=shop_orders_total"));
    }

    #[test]
    fn hostile_values_are_text() {
        let evil = || HOSTILE.to_owned();
        let fields = Fields { name: evil(), kind: evil(), value: evil(), labels: format!("a={HOSTILE}"), unit: evil(), help: evil() };
        let answer = Answer { request: evil(), status: 400, answer: evil(), problem: String::new() };
        sample::check(&html(&SendInput { answer: Some(answer), url: evil(), ..input(fields) }));
    }
}
