//! Elasticsearch's bulk requests, as Filebeat, Fluent Bit, Vector, Logstash and the clients send them: a line says what to
//! do, the next one holds the document.
//!
//! Documents are only ever added. `index` and `create` do that; `update` and `delete` are refused, each by itself.

use std::io::Write;

use serde::Deserialize;

use super::document::{Documents, Mapping};
use super::gather::{Gather, TooMuch};
use super::receive::{Door, NotTaken, Receiver};
use super::refusal::Refusals;
use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{LineReport, RefusedLine};

/// Fields that hold the text.
pub const MESSAGE_FIELDS: &str = "message,log,msg,event.original,body";
/// Fields that hold the time.
pub const TIME_FIELDS: &str = "@timestamp,timestamp,time,ts";
/// Fields that become labels.
pub const STREAM_FIELDS: &str = "service.name,host.name,container.name,kubernetes.namespace,kubernetes.namespace_name,\
                                 kubernetes.container.name,kubernetes.container_name,event.dataset,data_stream.dataset";
/// The label that names the index.
pub const INDEX: &str = "index";
/// What an item takes besides its words.
const ITEM_BYTES: usize = 512;
/// Longest name of an index, as Elasticsearch has it.
const INDEX_BYTES_MAX: usize = 255;

/// What became of each document.
#[derive(Debug, Default)]
pub struct Bulk {
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    action: &'static str,
    index: String,
    id: Option<String>,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    /// Its position among the lines of the batch.
    Line(usize),
    Refused(u16, &'static str, String),
}

impl Item {
    /// Memory that it takes until it is answered, the answer included.
    fn bytes(&self) -> usize {
        let why = if let Outcome::Refused(_, _, why) = &self.outcome { why.len() } else { 0 };
        // Once here and once in the answer.
        ITEM_BYTES + 2 * (self.index.len() + self.id.as_ref().map_or(0, String::len) + why)
    }
}

/// Why a bulk request was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// A line that says what to do says something else.
    #[error("Malformed action/metadata line [{line}]: {why}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// In words.
        why: String,
    },
    /// Too much for one request.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
}

#[derive(Deserialize)]
struct Action {
    create: Option<Meta>,
    index: Option<Meta>,
    update: Option<Meta>,
    delete: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "_index")]
    index: Option<String>,
    #[serde(rename = "_id")]
    id: Option<serde_json::Value>,
}

impl Action {
    fn only(self) -> Option<(&'static str, Meta)> {
        let all = [("create", self.create), ("index", self.index), ("update", self.update), ("delete", self.delete)];
        let mut found = all.into_iter().filter_map(|(word, meta)| Some((word, meta?)));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}

/// Reads a bulk request. `index` is the one of the path.
pub fn decode(body: &[u8], index: Option<&str>, mapping: &Mapping, receiver: &Receiver, gather: &mut Gather) -> Result<Bulk, BulkError> {
    let mut bulk = Bulk::default();
    let mut documents = Documents::default();
    let mut lines = body.split(|byte| *byte == b'\n').enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let malformed = |why: String| BulkError::Malformed { line: number + 1, why };
        let action: Action = serde_json::from_slice(line).map_err(|error| malformed(error.to_string()))?;
        let (action, meta) = action.only().ok_or_else(|| malformed("expected one of create, index, update and delete".to_owned()))?;
        let name = meta.index.or_else(|| index.map(str::to_owned)).unwrap_or_default();
        let id = meta.id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
        let mut item = Item { action, index: name, id, outcome: Outcome::Line(gather.batch.lines.len()) };
        if matches!(action, "create" | "index" | "update") {
            let Some((_, document)) = lines.next() else { return Err(malformed("the document behind it is missing".to_owned())) };
            if action != "update" {
                item.outcome = document_outcome(document.trim_ascii(), &item.index, mapping, &mut documents, receiver, gather)?;
            }
        }
        if matches!(action, "update" | "delete") {
            let why = format!("{action} is not possible: lines of a log are only added");
            item.outcome = Outcome::Refused(400, "illegal_argument_exception", why);
        }
        gather.charge(item.bytes())?;
        bulk.items.push(item);
    }
    Ok(bulk)
}

fn document_outcome(
    document: &[u8],
    index: &str,
    mapping: &Mapping,
    documents: &mut Documents,
    receiver: &Receiver,
    gather: &mut Gather,
) -> Result<Outcome, TooMuch> {
    if index.is_empty() || index.len() > INDEX_BYTES_MAX {
        let why = if index.is_empty() { "index is missing".to_owned() } else { format!("index is longer than {INDEX_BYTES_MAX} bytes") };
        return Ok(Outcome::Refused(400, "action_request_validation_exception", why));
    }
    let Ok(text) = std::str::from_utf8(document) else {
        return Ok(Outcome::Refused(400, "mapper_parsing_exception", "the document is not UTF-8".to_owned()));
    };
    // Each document has words of its own, so they are kept apart from those of others.
    let before = std::mem::take(&mut gather.refusals);
    let at = gather.batch.lines.len();
    let put = documents.put(text, mapping, Some((INDEX, index)), receiver, gather);
    let own: Refusals = std::mem::replace(&mut gather.refusals, before);
    put?;
    gather.refusals.join(&own);
    if own.is_empty() { Ok(Outcome::Line(at)) } else { Ok(Outcome::Refused(400, "mapper_parsing_exception", own.text())) }
}

impl Bulk {
    /// Stores what was read and writes the answer. Blocks on disk. `request` is a hash of the request's bytes.
    pub fn store(mut self, receiver: &Receiver, request: u128, gather: Gather, took_ms: u128) -> Result<(Vec<u8>, u64), NotTaken> {
        let taken = receiver.take_gathered(Door::Elastic, gather, Some(request), |batch, report| self.settle(batch, report))?;
        Ok((self.answer(took_ms, receiver.next_ns()), taken.lines))
    }

    /// Finds the documents that storage refused. What a rate refused may come again, as senders know by 429.
    fn settle(&mut self, batch: &LineBatch, report: &LineReport) {
        let mut refused: Vec<(u32, usize)> = Vec::new();
        for (number, one) in report.refused.iter().enumerate() {
            refused.extend(one.at.iter().map(|at| (*at, number)));
        }
        refused.sort_unstable();
        for item in &mut self.items {
            let Outcome::Line(at) = item.outcome else { continue };
            let Ok(found) = refused.binary_search_by_key(&at, |(line, _)| *line as usize) else { continue };
            let Some(one) = refused.get(found).and_then(|(_, number)| report.refused.get(*number)) else { continue };
            let (Some(line), Some(stream)) = (batch.lines.get(at), batch.streams.get(one.stream)) else { continue };
            let mut words = Refusals::default();
            words.add_stored(&stream.labels, one.reason, 1, line.text.len(), line.ts);
            let (status, kind) = match one.reason {
                RefusedLine::StreamRate { .. } => (429, "es_rejected_execution_exception"),
                _ => (400, "illegal_argument_exception"),
            };
            item.outcome = Outcome::Refused(status, kind, words.text());
        }
    }

    fn answer(&self, took_ms: u128, seed: i64) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.items.len() * 200);
        let errors = self.items.iter().any(|item| matches!(item.outcome, Outcome::Refused(..)));
        let written = self.write(&mut out, took_ms, errors, seed);
        debug_assert!(written.is_ok(), "writing to a Vec cannot fail");
        out
    }

    fn write(&self, out: &mut Vec<u8>, took_ms: u128, errors: bool, seed: i64) -> std::io::Result<()> {
        write!(out, "{{\"took\":{took_ms},\"errors\":{errors},\"items\":[")?;
        for (number, item) in self.items.iter().enumerate() {
            let (comma, action) = (if number > 0 { "," } else { "" }, item.action);
            write!(out, "{comma}{{\"{action}\":{{\"_index\":")?;
            serde_json::to_writer(&mut *out, &item.index)?;
            let id = item.id.clone().unwrap_or_else(|| format!("{seed:x}{number:x}"));
            write!(out, ",\"_id\":")?;
            serde_json::to_writer(&mut *out, &id)?;
            match &item.outcome {
                Outcome::Line(_) => write!(
                    out,
                    ",\"_version\":1,\"result\":\"created\",\"_shards\":{{\"total\":1,\"successful\":1,\"failed\":0}},\"_seq_no\":{number},\
                     \"_primary_term\":1,\"status\":201}}}}"
                )?,
                Outcome::Refused(status, kind, why) => {
                    write!(out, ",\"status\":{status},\"error\":{{\"type\":\"{kind}\",\"reason\":")?;
                    serde_json::to_writer(&mut *out, why)?;
                    write!(out, "}}}}}}")?;
                }
            }
        }
        write!(out, "]}}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::clock::ManualClock;
    use crate::base::pressure::Pressure;
    use crate::logs::ingest::limits::LineLimits;
    use crate::logs::ingest::receive::tests::Kept;

    fn mapping() -> Mapping {
        let list = |names: &str| names.split(',').map(str::to_owned).collect();
        Mapping { message: list(MESSAGE_FIELDS), time: list(TIME_FIELDS), stream: list(STREAM_FIELDS), fixed: Vec::new() }
    }

    fn receiver(oldest: i64) -> (Receiver, Arc<Kept>) {
        let kept = Arc::new(Kept { oldest, ..Kept::default() });
        let limits = LineLimits { finds_levels: false, ..LineLimits::default() };
        (Receiver::new(Arc::clone(&kept) as _, ManualClock::at(1_700_000_000_000) as _, Pressure::new(), limits), kept)
    }

    #[test]
    fn each_document_has_its_answer() {
        let body = concat!(
            "{\"create\":{\"_index\":\"web\"}}\n",
            "{\"@timestamp\":\"2023-11-14T22:13:20.5Z\",\"message\":\"one\",\"host\":{\"name\":\"h\"},\"user.id\":7}\n",
            "{\"index\":{\"_id\":\"x\"}}\n{\"message\":\"two\"}\n",
            "{\"index\":{}}\n{\"@timestamp\":\"noon\"}\n",
            "{\"delete\":{\"_id\":\"x\"}}\n",
            "{\"update\":{\"_id\":\"x\"}}\n{\"doc\":{}}\n",
            "{\"create\":{}}\n{\"@timestamp\":1,\"message\":\"old\"}\n\n",
            "{\"create\":{}}\n{\"message\":\"fast\"}\n{\"create\":{}}\n{\"message\":\"fine\"}\n",
        );
        let (receiver, kept) = receiver(1_600_000_000_000_000_000);
        kept.slow(&["fast"]);
        let mut gather = receiver.gather();
        let bulk = decode(body.as_bytes(), Some("default"), &mapping(), &receiver, &mut gather).unwrap();
        let (answer, lines) = bulk.store(&receiver, 1, gather, 3).unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!((lines, &answer["errors"], &answer["took"]), (3, &true.into(), &3.into()));
        let items: Vec<(String, u64, String)> = answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                let (action, item) = item.as_object().unwrap().iter().next().unwrap();
                let why = item["error"]["reason"].as_str().unwrap_or_default().chars().take(30).collect();
                (format!("{action} {}", item["_index"].as_str().unwrap()), item["status"].as_u64().unwrap(), why)
            })
            .collect();
        let expected = [
            ("create web", 201, ""),
            ("index default", 201, ""),
            ("index default", 400, "the field \"@timestamp\" holds \""),
            ("delete default", 400, "delete is not possible: lines "),
            ("update default", 400, "update is not possible: lines "),
            ("create default", 400, "entry for stream '{index=\"defa"),
            ("create default", 429, "Per stream rate limit exceeded"),
            ("create default", 201, ""),
        ];
        assert_eq!(items, expected.map(|(action, status, why)| (action.to_owned(), status, why.to_owned())));
        let first = kept.lines.lock()[0].clone();
        assert_eq!(
            first,
            (
                "{host_name=\"h\", index=\"web\", service_name=\"unknown_service\"}".to_owned(),
                1_700_000_000_500_000_000,
                "one".to_owned(),
                "{user_id=\"7\"}".to_owned()
            )
        );
    }

    #[test]
    fn what_is_no_bulk_request_is_refused() {
        let (receiver, _) = receiver(0);
        for (body, why) in [
            ("nonsense\n", "Malformed action/metadata line [1]"),
            ("\n{}\n", "Malformed action/metadata line [2]: expected one of"),
            ("{\"create\":{},\"index\":{}}\n{}\n", "Malformed action/metadata line [1]: expected one of"),
            ("{\"create\":{}}", "Malformed action/metadata line [1]: the document behind it is missing"),
        ] {
            let mut gather = receiver.gather();
            let refused = decode(body.as_bytes(), None, &mapping(), &receiver, &mut gather).unwrap_err().to_string();
            assert!(refused.starts_with(why), "{refused}");
        }
        let mut gather = receiver.gather();
        let bulk = decode(b"{\"create\":{}}\n{\"a\":1}\n", None, &mapping(), &receiver, &mut gather).unwrap();
        assert!(matches!(&bulk.items[0].outcome, Outcome::Refused(400, _, why) if why == "index is missing"));
    }
}
