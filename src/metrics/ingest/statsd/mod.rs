//! StatsD over UDP and TCP, with tags; what it sends becomes samples at every flush.
//!
//! Names and labels are those that statsd_exporter would show: counters as counters, gauges as gauges, timers (in seconds),
//! histograms and distributions as classic histograms with its default buckets, and besides, under the bare name, as
//! native histograms, which give quantiles without bounds to choose. Sets, which statsd_exporter does not take, become
//! gauges: how many different members there were since the flush before. Every series has `job="statsd"` unless a tag
//! says another job. A metric without values for a while ends. A file of statsd_exporter's shape may say otherwise ([`mapping`]).

mod line;
pub mod listen;
pub mod mapping;
mod series;
mod summary;

use std::time::Duration;

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};

use self::line::{Action, Fault, Line, escaped, parse};
use self::mapping::{Mapped, Mapping, Sort};
use self::series::{Kind, Observing, Series};
use crate::base::clock::SharedClock;
use crate::base::limits::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX};
use crate::platform::telemetry::metrics::{Counter, Page, Report};
use crate::series::batch::WriteBatch;
use crate::series::labels::{Labels, LabelsBuilder, METRIC_NAME};
use crate::series::sample::Metadata;

/// Memory that series may take, in bytes.
const BYTES_MAX: usize = 256 * 1024 * 1024;
/// Longest name of a metric, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// By which way a packet came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// A datagram.
    Udp,
    /// A line of a connection.
    Tcp,
}

/// Adds up what StatsD sends.
pub struct Statsd {
    clock: SharedClock,
    /// A metric without values for so long ends; zero for never.
    idle_max: Duration,
    series_max: usize,
    mapping: RwLock<Arc<Mapping>>,
    state: Mutex<State>,
    packets: [Counter; 2],
    samples: Counter,
    /// Values that a mapping says to drop.
    dropped: Counter,
    faults: [Counter; Fault::ALL.len()],
}

#[derive(Default)]
struct State {
    families: HashMap<String, Family>,
    series: usize,
    bytes: usize,
}

struct Family {
    kind: Kind,
    help: String,
    series: HashMap<Labels, Series>,
}

impl Statsd {
    /// Takes at most so many series.
    pub fn new(clock: SharedClock, idle_max: Duration, series_max: usize) -> Self {
        Self {
            clock,
            idle_max,
            series_max,
            mapping: RwLock::default(),
            state: Mutex::default(),
            packets: Default::default(),
            samples: Counter::default(),
            dropped: Counter::default(),
            faults: Default::default(),
        }
    }

    /// From now on names are mapped as this says.
    pub fn map_by(&self, mapping: Mapping) {
        *self.mapping.write() = Arc::new(mapping);
    }

    /// Takes a packet of one or more lines. Answers the word for what was wrong last, if anything was.
    pub fn take(&self, packet: &[u8], protocol: Protocol) -> Option<&'static str> {
        self.packets[protocol as usize].inc();
        let mut last = None;
        let mut fault = |fault: Fault| {
            self.faults[fault as usize].inc();
            last = Some(fault.as_str());
        };
        for line in packet.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            // Events and service checks of DogStatsD are no metrics.
            if line.is_empty() || line.starts_with(b"_e{") || line.starts_with(b"_sc|") {
                continue;
            }
            match std::str::from_utf8(line) {
                Ok(line) => {
                    if let Some(line) = parse(line, &mut fault) {
                        self.apply(&line, &mut fault);
                    }
                }
                Err(_) => fault(Fault::Line),
            }
        }
        last
    }

    fn apply(&self, line: &Line<'_>, fault: &mut dyn FnMut(Fault)) {
        let mapping = Arc::clone(&self.mapping.read());
        let (otherwise, ttl) = mapping.otherwise();
        let mut state = self.state.lock();
        // The values of a line are mostly of one type.
        let mut target: Option<(Sort, Target)> = None;
        for (action, text) in &line.actions {
            self.samples.inc();
            let sort = Sort::of(*action);
            if target.as_ref().is_none_or(|(known, _)| *known != sort) {
                let mapped = mapping.find(&line.name, sort);
                if mapped.as_ref().is_some_and(|mapped| mapped.drops) {
                    self.dropped.inc();
                    continue;
                }
                match Target::new(line, mapped, (&otherwise, ttl), fault) {
                    Some(found) => target = Some((sort, found)),
                    None => return fault(Fault::Line),
                }
            }
            if let Some((_, target)) = &target {
                self.apply_one(&mut state, target, *action, text, fault);
            }
        }
    }

    fn apply_one(&self, state: &mut State, target: &Target, action: Action, text: &str, fault: &mut dyn FnMut(Fault)) {
        let (now, seen) = (self.clock.now_ms(), self.clock.monotonic());
        let State { families, series: count, bytes } = state;
        let Target { name, labels, help, observing, ttl, scale } = target;
        let kind = Kind::of(action, observing);
        let family = match families.get_mut(name) {
            Some(family) => family,
            None => families.entry(name.clone()).or_insert_with(|| Family { kind, help: help.clone(), series: HashMap::new() }),
        };
        if family.kind != kind {
            return fault(Fault::Conflict);
        }
        let series = match family.series.get_mut(labels) {
            Some(series) => series,
            None => {
                let series = Series::new(kind, observing, now, seen);
                let cost = name.len() + labels.packed().len() + series.bytes();
                if *count >= self.series_max || *bytes + cost > BYTES_MAX {
                    if family.series.is_empty() {
                        families.remove(name);
                    }
                    return fault(Fault::Full);
                }
                *count += 1;
                *bytes += cost;
                family.series.entry(labels.clone()).or_insert(series)
            }
        };
        let before = series.bytes();
        series.ttl = *ttl;
        series.apply(action.scaled(*scale), text, seen);
        *bytes = (*bytes + series.bytes()).saturating_sub(before);
    }

    /// Writes all series into `batch`, as they are now. Those without values for a while end.
    pub fn collect(&self, batch: &mut WriteBatch) {
        let (now, mono) = (self.clock.now_ms(), self.clock.monotonic());
        let mut state = self.state.lock();
        let (mut series_left, mut bytes_left) = (0, 0);
        state.families.retain(|name, family| {
            let described = Metadata { kind: family.kind.metric_type(), help: family.help.clone(), unit: String::new() };
            batch.metadata.push((name.as_str().into(), described));
            family.series.retain(|labels, series| {
                let idle_max = if series.ttl.is_zero() { self.idle_max } else { series.ttl };
                let ends = !idle_max.is_zero() && mono.saturating_sub(series.seen) >= idle_max;
                series.write(name, labels, now, mono, ends, batch);
                if !ends {
                    series_left += 1;
                    bytes_left += name.len() + labels.packed().len() + series.bytes();
                }
                !ends
            });
            !family.series.is_empty()
        });
        (state.series, state.bytes) = (series_left, bytes_left);
    }
}

/// To which series a line goes, and how it is kept.
struct Target {
    name: String,
    labels: Labels,
    help: String,
    observing: Observing,
    ttl: Duration,
    scale: f64,
}

impl Target {
    /// As the mapping says, or else as the line says; `None` for a name that is too long or empty.
    fn new(
        line: &Line<'_>,
        mapped: Option<Arc<Mapped>>,
        (observing, ttl): (&Observing, Duration),
        fault: &mut dyn FnMut(Fault),
    ) -> Option<Self> {
        let name = escaped(mapped.as_ref().map_or(&*line.name, |mapped| mapped.name.as_str()));
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return None;
        }
        let labels = labels_of(&line.tags, mapped.as_deref(), fault);
        Some(match mapped {
            None => Self { name, labels, help: "Metric of StatsD".to_owned(), observing: observing.clone(), ttl, scale: 1.0 },
            Some(mapped) => {
                let (help, observing) = (mapped.help.clone(), mapped.observing.clone());
                Self { name, labels, help, observing, ttl: mapped.ttl, scale: mapped.scale }
            }
        })
    }
}

/// Labels of tags and of a mapping. What no label can be is left out.
fn labels_of(tags: &[(&str, &str)], mapped: Option<&Mapped>, fault: &mut dyn FnMut(Fault)) -> Labels {
    let mut labels = LabelsBuilder::new();
    labels.set("job", "statsd");
    for (name, value) in tags {
        let name = escaped(name);
        if name == METRIC_NAME || name.len() > LABEL_NAME_BYTES_MAX || value.len() > LABEL_VALUE_BYTES_MAX {
            fault(Fault::Tag);
        } else {
            labels.set(&name, value);
        }
    }
    for (name, value) in mapped.map_or(&[][..], |mapped| mapped.labels.as_slice()) {
        let is_tag = || tags.iter().any(|(tag, _)| escaped(tag) == *name);
        let is_theirs = mapped.is_some_and(|mapped| mapped.honors_labels) && is_tag();
        if value.len() > LABEL_VALUE_BYTES_MAX {
            fault(Fault::Tag);
        } else if !is_theirs {
            labels.set(name, value);
        }
    }
    labels.build()
}

impl Report for Statsd {
    fn report(&self, page: &mut Page) {
        page.family("pharos_statsd_packets_total", "counter", "Packets of StatsD that came, by protocol; over TCP, lines.");
        for (protocol, count) in ["udp", "tcp"].iter().zip(&self.packets) {
            page.sample("pharos_statsd_packets_total", &[("protocol", protocol)], count.get() as f64);
        }
        page.counter("pharos_statsd_samples_total", "Values of StatsD that came and could be read.", self.samples.get());
        page.family("pharos_statsd_errors_total", "counter", "Lines, values and tags of StatsD that were not taken, by reason.");
        for (fault, count) in Fault::ALL.iter().zip(&self.faults) {
            page.sample("pharos_statsd_errors_total", &[("reason", fault.as_str())], count.get() as f64);
        }
        page.counter("pharos_statsd_dropped_total", "Values of StatsD that the mapping says to drop.", self.dropped.get());
        page.gauge("pharos_statsd_mappings", "Rules of the mapping of StatsD.", self.mapping.read().len() as f64);
        page.gauge("pharos_statsd_series", "Metrics of StatsD, each with its tags, that are kept.", self.state.lock().series as f64);
    }
}

#[cfg(test)]
mod tests;
