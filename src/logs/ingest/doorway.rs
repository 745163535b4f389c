//! Batches of doors that are no HTTP, taken in as all others are: checked, given levels, stored, shown to whoever tails.

use std::sync::Arc;

use super::gather::Gather;
use super::receive::{Door, NotTaken, Receiver};
use super::refusal::Reason;
use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{AppendLines, AppendLinesError, LineReport, RefusedLines};
use crate::series::labels::LabelsIter;

/// A way in for batches.
pub struct Doorway {
    receiver: Arc<Receiver>,
    door: Door,
}

impl Doorway {
    /// Counted as this door.
    pub fn new(receiver: &Arc<Receiver>, door: Door) -> Arc<Self> {
        Arc::new(Self { receiver: Arc::clone(receiver), door })
    }
}

impl AppendLines for Doorway {
    fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
        if self.receiver.refusal().is_some() {
            return Err(AppendLinesError::Busy);
        }
        let limits = &self.receiver.limits;
        let mut filling = Filling { doorway: self, gather: self.receiver.gather(), places: Vec::new(), report: LineReport::default() };
        let mut key = Vec::new();
        for (place, stream) in batch.streams.iter().enumerate() {
            let lines = batch.lines_of(stream);
            // No text of labels begins like this, so that the two never count as one.
            key.clear();
            key.push(0);
            key.extend_from_slice(stream.labels.packed());
            let known = match self.receiver.streams.of_pairs(&key, stream.labels.iter(), limits) {
                Ok(known) => known,
                Err(why) => {
                    filling.gather.refuse(Reason::InvalidLabels, lines.len(), || why);
                    continue;
                }
            };
            for (at, line) in stream.lines.clone().zip(lines) {
                let put = |gather: &mut Gather| {
                    gather.begin(&known)?;
                    for (name, value) in LabelsIter::over_checked(batch.fields_of(line)) {
                        gather.field(name, value);
                    }
                    gather.line(line.ts, batch.text_of(line), limits)
                };
                if put(&mut filling.gather).is_err() {
                    // What there is so far goes by itself. If storage does not take the rest and all of it comes again, lines
                    // have their times by now, so that they are known.
                    filling.store()?;
                    if let Err(why) = put(&mut filling.gather) {
                        filling.gather.forget_fields();
                        filling.gather.refuse(Reason::LineTooLong, 1, || why.to_string());
                    }
                }
                // Unless it was refused.
                if filling.gather.batch().lines.len() > filling.places.len() {
                    filling.places.push((place, at));
                }
            }
        }
        filling.store()?;
        self.receiver.give_back(filling.gather);
        Ok(filling.report)
    }
}

/// A batch on its way, in as many pieces as it takes.
struct Filling<'d> {
    doorway: &'d Doorway,
    gather: Gather,
    /// The stream and the position that each of the lines gathered has in the batch.
    places: Vec<(usize, u32)>,
    report: LineReport,
}

impl Filling<'_> {
    /// Stores what was gathered, and begins anew.
    fn store(&mut self) -> Result<(), AppendLinesError> {
        let Doorway { receiver, door } = self.doorway;
        self.gather.forget_fields();
        let gathered = std::mem::replace(&mut self.gather, receiver.gather());
        let (report, places) = (&mut self.report, std::mem::take(&mut self.places));
        let taken = receiver.take_and(*door, gathered, |_, stored| {
            report.taken += stored.taken;
            report.refused.extend(stored.refused.iter().filter_map(|one| {
                let of_batch = |at: &u32| places.get(*at as usize).copied();
                let stream = of_batch(one.at.first()?)?.0;
                let at = one.at.iter().filter_map(of_batch).map(|(_, at)| at).collect();
                Some(RefusedLines { stream, at, ..one.clone() })
            }));
        });
        match taken {
            Ok(_) => Ok(()),
            Err(NotTaken::Store(error)) => Err(error),
            Err(NotTaken::Rate { .. } | NotTaken::ShortOfMemory | NotTaken::DiskFull) => Err(AppendLinesError::Busy),
        }
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::base::clock::ManualClock;
    use crate::base::pressure::{Level, Pressure};
    use crate::logs::ingest::limits::LineLimits;
    use crate::series::labels::Labels;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl AppendLines for Kept {
        fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
            for stream in &batch.streams {
                for line in batch.lines_of(stream) {
                    let fields = Labels::from_packed(batch.fields_of(line)).unwrap();
                    self.0.lock().push(format!("{} {} {} {fields}", stream.labels, line.ts, String::from_utf8_lossy(batch.text_of(line))));
                }
            }
            Ok(LineReport { taken: batch.lines.len(), refused: Vec::new() })
        }
    }

    #[test]
    fn what_is_refused_is_told_by_its_place_in_the_batch() {
        let kept = Arc::new(crate::logs::ingest::receive::tests::Kept { oldest: 7, ..Default::default() });
        let limits = LineLimits { line_bytes_max: 9, ..LineLimits::default() };
        let receiver = Arc::new(Receiver::new(kept.clone(), ManualClock::at(0), Pressure::new(), limits));
        let doorway = Doorway::new(&receiver, Door::Syslog);
        let mut batch = LineBatch::new();
        batch.begin_stream(Labels::empty());
        batch.push(8, b"nobody's", b"");
        batch.begin_stream(Labels::from_pairs([("job", "a")]));
        [(8, "kept"), (8, "longer than it may be"), (8, "slow")].iter().for_each(|(ts, text)| batch.push(*ts, text.as_bytes(), b""));
        batch.begin_stream(Labels::from_pairs([("job", "b")]));
        [(8, "slow too"), (6, "old"), (8, "kept")].iter().for_each(|(ts, text)| batch.push(*ts, text.as_bytes(), b""));
        kept.slow(&["slow", "slow too"]);
        let report = doorway.append(&batch).unwrap();
        let told: Vec<_> = report.refused.iter().map(|one| (one.stream, one.at.clone())).collect();
        assert_eq!(told, [(1, vec![3]), (2, vec![4]), (2, vec![5])]);
        let counted = |reason: &str| receiver.refused().into_iter().find(|(known, _)| *known == reason).unwrap().1;
        assert_eq!(counted("greater_than_max_sample_age"), 1);
        assert_eq!(counted("per_stream_rate_limit"), 0, "who has such lines brings them again, or counts them");
    }

    #[test]
    fn batches_are_taken_as_requests_are() {
        let kept = Arc::new(Kept::default());
        let pressure = Pressure::new();
        let receiver = Arc::new(Receiver::new(kept.clone(), ManualClock::at(0), pressure.clone(), LineLimits::default()));
        let doorway = Doorway::new(&receiver, Door::Syslog);
        let mut batch = LineBatch::new();
        batch.begin_stream(Labels::from_pairs([("job", "syslog")]));
        batch.push(5, b"level=warn slow", Labels::from_pairs([("pid", "7")]).packed());
        batch.begin_stream(Labels::empty());
        batch.push(6, b"nobody's", b"");
        let report = doorway.append(&batch).unwrap();
        assert_eq!(report.taken, 1, "a stream without labels is refused");
        let lines = kept.0.lock().clone();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("job=\"syslog\"") && lines[0].contains("service_name=") && lines[0].contains("pid=\"7\""), "{lines:?}");
        assert!(lines[0].contains("detected_level=\"warn\""), "{lines:?}");
        pressure.set_memory(Level::Critical);
        assert!(matches!(doorway.append(&batch), Err(AppendLinesError::Busy)));
    }
}
