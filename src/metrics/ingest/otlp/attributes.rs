//! Labels from attributes: of points, of the resource where they are promoted, of the scope where that is.

use std::borrow::Cow;
use std::rc::Rc;

use hashbrown::HashMap;

use super::settings::Settings;
use crate::base::limits::LABELS_PER_SERIES_MAX;
use crate::series::labels::METRIC_NAME;
use crate::series::otlp::names::label_name;
use crate::series::otlp::text::{text_of, text_of_option};
use crate::series::otlp::value::{AnyValue, InstrumentationScope, KeyValue, Resource, attribute};

/// Attributes that say which service it is: they become `job` and `instance`.
pub(super) const IDENTIFYING: [&str; 3] = ["service.namespace", "service.name", "service.instance.id"];
const JOB: &str = "job";
const INSTANCE: &str = "instance";

/// A label under construction.
pub(super) type Label<'a> = (Rc<str>, Cow<'a, str>);

/// Makes label names, each once for a request.
#[derive(Default)]
pub(super) struct Names<'a> {
    known: HashMap<&'a str, Rc<str>>,
}

impl<'a> Names<'a> {
    fn of(&mut self, name: &'a str, settings: &Settings) -> Result<Rc<str>, String> {
        if let Some(known) = self.known.get(name) {
            return Ok(Rc::clone(known));
        }
        let made: Rc<str> = settings.label_name(name)?.into();
        self.known.insert(name, Rc::clone(&made));
        Ok(made)
    }
}

/// Labels that all points of a resource have.
#[derive(Debug, Default, Clone)]
pub(super) struct ResourceLabels<'a> {
    promoted: Vec<Label<'a>>,
    job: Option<String>,
    instance: Option<Cow<'a, str>>,
}

/// Labels that all points of a scope have.
pub(super) type ScopeLabels<'a> = Vec<Label<'a>>;

impl<'a> ResourceLabels<'a> {
    /// Of a resource.
    pub(super) fn new(resource: &'a Resource, settings: &Settings, names: &mut Names<'a>) -> Result<Self, String> {
        let own = |key: &str| attribute(&resource.attributes, key);
        let job = own("service.name").map(|name| match own("service.namespace") {
            Some(namespace) => format!("{}/{}", text_of(namespace), text_of(name)),
            None => text_of(name).into_owned(),
        });
        let instance = own("service.instance.id").map(text_of);
        let mut promoted = Vec::new();
        for pair in resource.attributes.iter().filter(|pair| settings.promotes(&pair.key)).take(LABELS_PER_SERIES_MAX) {
            set(&mut promoted, names.of(&pair.key, settings)?, text_of_option(pair.value.as_ref()));
        }
        Ok(Self { promoted, job, instance })
    }

    /// Whether something says which service it is.
    pub(super) fn is_identified(&self) -> bool {
        self.job.as_ref().is_some_and(|job| !job.is_empty()) || self.instance.as_ref().is_some_and(|instance| !instance.is_empty())
    }
}

/// Labels of a scope, where they are wanted and it has a name.
pub(super) fn scope_labels<'a>(
    scope: Option<&'a InstrumentationScope>,
    schema_url: &'a str,
    settings: &Settings,
) -> Result<ScopeLabels<'a>, String> {
    let mut labels = Vec::new();
    let Some(scope) = scope.filter(|scope| settings.promotes_scope && !scope.name.is_empty()) else { return Ok(labels) };
    for pair in scope.attributes.iter().take(LABELS_PER_SERIES_MAX) {
        let name = settings.label_name(&format!("otel_scope_{}", pair.key))?;
        set(&mut labels, name.into(), text_of_option(pair.value.as_ref()));
    }
    let own = [("otel_scope_name", &scope.name), ("otel_scope_version", &scope.version)];
    for (name, value) in own.into_iter().map(|(name, value)| (name, value.as_str())).chain([("otel_scope_schema_url", schema_url)]) {
        set(&mut labels, name.into(), Cow::Borrowed(value));
    }
    Ok(labels)
}

/// The labels of a point, sorted by name and without the metric's own name. Attributes whose names become the same
/// label are joined with semicolons, in order of their names.
pub(super) fn point_labels<'a>(
    attributes: &'a [KeyValue],
    resource: &ResourceLabels<'a>,
    scope: &[Label<'a>],
    settings: &Settings,
    names: &mut Names<'a>,
) -> Result<Vec<Label<'a>>, String> {
    let mut labels = joined(attributes.iter().filter(|pair| pair.key != METRIC_NAME), settings, names)?;
    for (name, value) in &resource.promoted {
        if !labels.iter().any(|(known, present)| known == name && !present.is_empty()) {
            set(&mut labels, Rc::clone(name), value.clone());
        }
    }
    identify(&mut labels, resource);
    for (name, value) in scope {
        set(&mut labels, Rc::clone(name), value.clone());
    }
    Ok(finished(labels))
}

/// The labels of `target_info`: what the resource says, beyond what identifies it.
pub(super) fn target_labels<'a>(
    attributes: &'a [KeyValue],
    resource: &ResourceLabels<'a>,
    settings: &Settings,
    names: &mut Names<'a>,
) -> Result<Vec<Label<'a>>, String> {
    let wanted = |pair: &&KeyValue| settings.keeps_identifying || !IDENTIFYING.contains(&pair.key.as_str());
    let mut labels = joined(attributes.iter().filter(wanted), settings, names)?;
    identify(&mut labels, resource);
    Ok(finished(labels))
}

fn joined<'a>(
    attributes: impl Iterator<Item = &'a KeyValue>,
    settings: &Settings,
    names: &mut Names<'a>,
) -> Result<Vec<Label<'a>>, String> {
    let mut pairs: Vec<(&'a str, &'a AnyValue)> =
        attributes.filter_map(|pair| pair.value.as_ref().map(|value| (pair.key.as_str(), value))).take(LABELS_PER_SERIES_MAX + 1).collect();
    if pairs.len() > LABELS_PER_SERIES_MAX {
        return Err(format!("there are more than {LABELS_PER_SERIES_MAX} attributes"));
    }
    pairs.sort_by_key(|(key, _)| *key);
    let mut labels: Vec<Label<'a>> = Vec::with_capacity(pairs.len() + 4);
    for (key, value) in pairs {
        let (name, text) = (names.of(key, settings)?, text_of(value));
        match labels.iter_mut().find(|(known, _)| *known == name) {
            Some((_, present)) if !present.is_empty() => *present = Cow::Owned(format!("{present};{text}")),
            Some((_, present)) => *present = text,
            None => labels.push((name, text)),
        }
    }
    Ok(labels)
}

fn identify<'a>(labels: &mut Vec<Label<'a>>, resource: &ResourceLabels<'a>) {
    if let Some(job) = resource.job.as_ref().filter(|job| !job.is_empty()) {
        set(labels, JOB.into(), Cow::Owned(job.clone()));
    }
    if let Some(instance) = resource.instance.as_ref().filter(|instance| !instance.is_empty()) {
        set(labels, INSTANCE.into(), instance.clone());
    }
}

fn set<'a>(labels: &mut Vec<Label<'a>>, name: Rc<str>, value: Cow<'a, str>) {
    match labels.iter_mut().find(|(known, _)| *known == name) {
        Some((_, present)) => *present = value,
        None => labels.push((name, value)),
    }
}

fn finished(mut labels: Vec<Label<'_>>) -> Vec<Label<'_>> {
    labels.retain(|(_, value)| !value.is_empty());
    labels.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    labels
}

/// Makes a label name as the settings say.
impl Settings {
    fn label_name(&self, name: &str) -> Result<String, String> {
        if self.escapes() {
            return label_name(name, self.label_rules).map_err(|error| error.to_string());
        }
        if name.bytes().all(|byte| byte == b'_') {
            return Err(format!("the attribute name {name:?} cannot be a label name"));
        }
        Ok(name.to_owned())
    }
}
