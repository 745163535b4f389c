//! Batches of doors that are no HTTP, taken in as all others are: checked, given levels, stored, shown to whoever tails.

use std::sync::Arc;

use super::receive::{Door, NotTaken, Receiver};
use super::refusal::Reason;
use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{AppendLines, AppendLinesError, LineReport};
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
        let mut gather = self.receiver.gather();
        let mut key = Vec::new();
        for stream in &batch.streams {
            let lines = batch.lines_of(stream);
            // No text of labels begins like this, so that the two never count as one.
            key.clear();
            key.push(0);
            key.extend_from_slice(stream.labels.packed());
            let known = match self.receiver.streams.of_pairs(&key, stream.labels.iter(), limits) {
                Ok(known) => known,
                Err(why) => {
                    gather.refuse(Reason::InvalidLabels, lines.len(), || why);
                    continue;
                }
            };
            let mut fits = gather.begin(&known).is_ok();
            for line in lines {
                for (name, value) in LabelsIter::over_checked(batch.fields_of(line)) {
                    gather.field(name, value);
                }
                fits &= gather.line(line.ts, batch.text_of(line), limits).is_ok();
            }
            if !fits {
                // Batches of these doors are far smaller than a request may be.
                self.receiver.give_back(gather);
                return Err(AppendLinesError::Unavailable("a batch is too large".to_owned()));
            }
        }
        let mut report = LineReport::default();
        let taken = self.receiver.take_and(self.door, gather, |_, stored| report = stored.clone());
        match taken {
            Ok(_) => Ok(report),
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
