//! StatsD over UDP and TCP, with tags; what it sends becomes samples at every flush.
//!
//! Names and labels are those that statsd_exporter would show: counters as counters, gauges as gauges, timers (in seconds),
//! histograms and distributions as classic histograms with its default buckets, and besides, under the bare name, as
//! native histograms, which give quantiles without bounds to choose. Sets, which statsd_exporter does not take, become
//! gauges: how many different members there were since the flush before. Every series has `job="statsd"` unless a tag
//! says another job. A metric without values for a while ends.

mod line;
pub mod listen;
mod series;

use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;

use self::line::{Fault, Line, escaped, parse};
use self::series::{Kind, Series};
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
    state: Mutex<State>,
    packets: [Counter; 2],
    samples: Counter,
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
    series: HashMap<Labels, Series>,
}

impl Statsd {
    /// Takes at most so many series.
    pub fn new(clock: SharedClock, idle_max: Duration, series_max: usize) -> Self {
        Self {
            clock,
            idle_max,
            series_max,
            state: Mutex::default(),
            packets: Default::default(),
            samples: Counter::default(),
            faults: Default::default(),
        }
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
        let name = escaped(&line.name);
        if name.len() > NAME_BYTES_MAX {
            return fault(Fault::Line);
        }
        let labels = labels_of(&line.tags, fault);
        let (now, seen) = (self.clock.now_ms(), self.clock.monotonic());
        let mut state = self.state.lock();
        let State { families, series: count, bytes } = &mut *state;
        for (action, text) in &line.actions {
            self.samples.inc();
            let kind = Kind::of(*action);
            let family = match families.get_mut(&name) {
                Some(family) => family,
                None => families.entry(name.clone()).or_insert_with(|| Family { kind, series: HashMap::new() }),
            };
            if family.kind != kind {
                fault(Fault::Conflict);
                continue;
            }
            let series = match family.series.get_mut(&labels) {
                Some(series) => series,
                None => {
                    let cost = name.len() + labels.packed().len();
                    if *count >= self.series_max || *bytes + cost > BYTES_MAX {
                        fault(Fault::Full);
                        if family.series.is_empty() {
                            families.remove(&name);
                        }
                        continue;
                    }
                    *count += 1;
                    *bytes += cost;
                    family.series.entry(labels.clone()).or_insert_with(|| Series::new(kind, now, seen))
                }
            };
            let before = series.bytes();
            series.apply(*action, text, seen);
            *bytes = (*bytes + series.bytes()).saturating_sub(before);
        }
    }

    /// Writes all series into `batch`, as they are now. Those without values for a while end.
    pub fn collect(&self, batch: &mut WriteBatch) {
        let (now, mono) = (self.clock.now_ms(), self.clock.monotonic());
        let mut state = self.state.lock();
        let (mut series_left, mut bytes_left) = (0, 0);
        state.families.retain(|name, family| {
            let described = Metadata { kind: family.kind.metric_type(), help: "Metric of StatsD".to_owned(), unit: String::new() };
            batch.metadata.push((name.as_str().into(), described));
            family.series.retain(|labels, series| {
                let ends = !self.idle_max.is_zero() && mono.saturating_sub(series.seen) >= self.idle_max;
                series.write(name, labels, now, ends, batch);
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

/// Labels of tags. What no label can be is left out.
fn labels_of(tags: &[(&str, &str)], fault: &mut dyn FnMut(Fault)) -> Labels {
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
        page.gauge("pharos_statsd_series", "Metrics of StatsD, each with its tags, that are kept.", self.state.lock().series as f64);
    }
}

#[cfg(test)]
mod tests;
