//! Log records of OpenTelemetry as lines, the way Loki takes them.
//!
//! Of the resource, what names a service or a place becomes the stream ([`STREAM_ATTRIBUTES`]); all else of resource,
//! scope and record becomes fields of the line, the record's own winning over the scope's and those over the resource's.
//! The body is the text: as it is if it is text, else as JSON. A record that says no time has the one at which it was
//! seen, or came.

mod fields;

use std::borrow::Cow;

use self::fields::{Field, Names, flatten, level_field, record_fields};
use crate::logs::model::batch::{BatchLine, LineBatch};
use crate::series::labels::{Labels, LabelsBuilder, put_label};
use crate::series::otlp::logs::{ExportLogsRequest, LogRecord, ResourceLogs};
use crate::series::otlp::text::text_of;
use crate::series::otlp::value::{InstrumentationScope, attribute};

/// Resource attributes that become labels of the stream, as Loki's `default_resource_attributes_as_index_labels`.
pub const STREAM_ATTRIBUTES: [&str; 18] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "deployment.environment",
    "deployment.environment.name",
    "cloud.region",
    "cloud.availability_zone",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "container.name",
    "k8s.replicaset.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
];

/// The attribute and the label that name the service.
const SERVICE_ATTRIBUTE: &str = "service.name";
const SERVICE_LABEL: &str = "service_name";
/// What else can name it, the best first.
const SERVICE_LABELS: [&str; 3] = ["container_name", "k8s_container_name", "k8s_job_name"];
/// Where nothing does.
const UNKNOWN_SERVICE: &str = "unknown_service";
/// Problems that are told; more are left out.
const PROBLEMS_MAX: usize = 10;

/// How records are read.
#[derive(Clone, Copy)]
pub struct Options<'o> {
    /// A time (ns since the Unix epoch) for a record without one, another each time: lines of one time and text would count
    /// as one.
    pub next_ns: &'o dyn Fn() -> i64,
    /// Memory that the lines may take, in bytes.
    pub memory_max: usize,
    /// Finds how severe a line is by its text, as the word of `detected_level`; none if levels are not wanted.
    pub level_of: Option<fn(&[u8]) -> &'static str>,
}

/// The lines of a request.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The lines.
    pub batch: LineBatch,
    /// Attributes that could not be kept, in words; their lines are.
    pub problems: Vec<String>,
}

/// The lines would take more memory than they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lines of the request, each with the attributes of its resource, would take more than {0} bytes of memory; send less at once")]
pub struct TooLarge(pub usize);

/// Reads all records of a request.
///
/// # Errors
/// When the lines would take more memory than they may.
pub fn decode(request: &ExportLogsRequest, options: &Options<'_>) -> Result<Decoded, TooLarge> {
    let mut decoder = Decoder { options, names: Names::default(), out: Decoded::default(), left: options.memory_max, packed: Vec::new() };
    for resource in &request.resource_logs {
        decoder.resource(resource)?;
    }
    Ok(decoder.out)
}

struct Decoder<'a, 'o> {
    options: &'o Options<'o>,
    names: Names<'a>,
    out: Decoded,
    left: usize,
    packed: Vec<u8>,
}

impl<'a> Decoder<'a, '_> {
    fn resource(&mut self, resource: &'a ResourceLogs) -> Result<(), TooLarge> {
        if resource.scope_logs.iter().all(|scope| scope.log_records.is_empty()) {
            return Ok(());
        }
        let attributes = resource.resource.as_ref().map(|resource| resource.attributes.as_slice()).unwrap_or_default();
        let mut labels = LabelsBuilder::new();
        let mut around: Vec<Field<'a>> = Vec::new();
        for pair in attributes {
            let mut found = Vec::new();
            let flattened = flatten(pair, &mut self.names, &mut found);
            self.note(flattened);
            if STREAM_ATTRIBUTES.contains(&pair.key.as_str()) {
                for (name, value) in &found {
                    labels.set(name, value);
                }
            } else {
                around.append(&mut found);
            }
        }
        let is_named = attribute(attributes, SERVICE_ATTRIBUTE).is_some_and(|name| !text_of(name).is_empty());
        if !is_named {
            let service = SERVICE_LABELS.iter().find_map(|name| labels.get(name)).unwrap_or(UNKNOWN_SERVICE).to_owned();
            labels.set(SERVICE_LABEL, &service);
        }
        let labels = labels.build();
        self.charge(labels.packed().len() + size_of::<Labels>() * 2)?;
        self.out.batch.begin_stream(labels);
        for scope in &resource.scope_logs {
            let mut around = around.clone();
            self.scope(scope.scope.as_ref(), &mut around);
            for record in &scope.log_records {
                self.record(record, &around)?;
            }
        }
        Ok(())
    }

    /// Adds what is known of a scope.
    fn scope(&mut self, scope: Option<&'a InstrumentationScope>, around: &mut Vec<Field<'a>>) {
        let Some(scope) = scope else { return };
        for pair in &scope.attributes {
            let flattened = flatten(pair, &mut self.names, around);
            self.note(flattened);
        }
        for (name, value) in [("scope_name", &scope.name), ("scope_version", &scope.version)] {
            around.push((name.into(), Cow::Borrowed(value)));
        }
        if scope.dropped_attributes_count > 0 {
            around.push(("scope_dropped_attributes_count".into(), Cow::Owned(scope.dropped_attributes_count.to_string())));
        }
    }

    fn record(&mut self, record: &'a LogRecord, around: &[Field<'a>]) -> Result<(), TooLarge> {
        let text = record.body.as_ref().map_or(Cow::Borrowed(""), text_of);
        let mut fields: Vec<Field<'a>> = around.to_vec();
        let flattened = record_fields(record, &mut self.names, &mut fields);
        self.note(flattened);
        if let Some(level_of) = self.options.level_of
            && let Some(level) = level_field(&fields, || level_of(text.as_bytes()))
        {
            fields.push(level);
        }
        // Stable, so that of equal names the last one stands last.
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        self.packed.clear();
        for (at, (name, value)) in fields.iter().enumerate() {
            let is_last = fields.get(at + 1).is_none_or(|(next, _)| next != name);
            if is_last && !value.is_empty() {
                put_label(&mut self.packed, name, value);
            }
        }
        self.charge(text.len() + self.packed.len() + size_of::<BatchLine>())?;
        let time = self.time_of(record);
        self.out.batch.push(time, text.as_bytes(), &self.packed);
        Ok(())
    }

    /// When a record happened, else when it was seen, else now (ns).
    fn time_of(&self, record: &LogRecord) -> i64 {
        let time = if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
        if time != 0 {
            return i64::try_from(time).unwrap_or(i64::MAX);
        }
        (self.options.next_ns)()
    }

    fn charge(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(bytes).ok_or(TooLarge(self.options.memory_max))?;
        Ok(())
    }

    fn note(&mut self, flattened: Result<(), String>) {
        if let Err(problem) = flattened
            && self.out.problems.len() < PROBLEMS_MAX
            && !self.out.problems.contains(&problem)
        {
            self.out.problems.push(problem);
        }
    }
}

#[cfg(test)]
mod tests;
