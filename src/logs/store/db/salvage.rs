//! Damaged parts: what can be read of them goes into new ones, the rest is kept for whoever wants to look.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::flush::write_parts;
use super::parts::{LivePart, Verdict, is_damage};
use super::publish::Change;
use super::{Core, QUARANTINE_DIR, StoreError};
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineBuf, LineSelection, SelectLinesError, Span, Want};
use crate::logs::store::lines::{Lines, StreamLines};
use crate::logs::store::memory::Memory;
use crate::logs::store::part::PartError;
use crate::logs::store::stats::SetAside;

/// What came of a damaged part.
pub(super) struct Salvaged {
    pub(super) parts: Vec<LivePart>,
    /// Lines that could be read.
    pub(super) lines: u64,
}

impl Core {
    /// Looks again at parts whose reading failed. The caller holds no lock.
    pub(super) fn look_at_suspects(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.compaction.lock();
        let suspects: Vec<Arc<LivePart>> = self.view().parts.iter().filter(|part| part.is_suspect()).cloned().collect();
        self.set_damaged_aside(&suspects)
    }

    /// Moves those of some parts that are damaged out of the way, and puts what can be read of them in their place. The caller
    /// holds the compaction lock.
    ///
    /// # Errors
    /// The first failure; also when one of the parts cannot be read now, which is no damage.
    pub(super) fn set_damaged_aside(&self, parts: &[Arc<LivePart>]) -> Result<(), StoreError> {
        let mut failed = Ok(());
        for part in parts {
            let damage = match part.verify(&self.stop) {
                Verdict::Whole => continue,
                Verdict::Unknown(error) => {
                    failed = failed.and(Err(error.into()));
                    continue;
                }
                Verdict::Damaged(damage) => damage,
            };
            let salvaged = self.salvage(part)?;
            let info = part.part.info();
            let reason = format!("{damage}; {} of its {} lines could be read and are kept", salvaged.lines, info.lines);
            self.publish(Change { added: salvaged.parts, gone: vec![part.entry.id], ..Change::default() }, |_| {})?;
            part.spare();
            self.tell_aside(set_aside(&self.settings.dir, part.path(), reason));
        }
        failed
    }

    /// Tries again to open parts that could not be opened. The caller holds no lock.
    pub(super) fn open_absent(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.compaction.lock();
        let mut failed = Ok(());
        for absent in self.view().absent.iter() {
            let (entry, folder) = (absent.entry, self.parts_dir());
            match LivePart::open(&folder, entry) {
                Ok(part) => {
                    self.publish(Change { opened: vec![part], ..Change::default() }, |_| {})?;
                    tracing::info!(part = %entry.path(&folder).display(), "a part that could not be opened can be read again");
                }
                Err(error) if is_damage(&error) => {
                    self.publish(Change { gone: vec![entry.id], ..Change::default() }, |_| {})?;
                    self.tell_aside(set_aside(&self.settings.dir, &entry.path(&folder), error.to_string()));
                }
                Err(error) => failed = failed.and(Err(error.into())),
            }
        }
        failed
    }

    fn tell_aside(&self, aside: SetAside) {
        tracing::error!(part = %aside.path.display(), reason = %aside.reason, "a part cannot be read and was set aside");
        self.set_aside.lock().push(aside);
    }

    /// Writes whatever can be read of a part to new ones.
    pub(super) fn salvage(&self, part: &LivePart) -> Result<Salvaged, StoreError> {
        let mut salvaged = Salvaged { parts: Vec::new(), lines: 0 };
        let result = self.salvage_into(part, &mut salvaged);
        if result.is_err() {
            salvaged.parts.iter().for_each(|part| drop(fs::remove_dir_all(part.path())));
        }
        result.map(|()| salvaged)
    }

    fn salvage_into(&self, part: &LivePart, salvaged: &mut Salvaged) -> Result<(), StoreError> {
        let selection = LineSelection { matchers: &[], span: Span::ALL, needs: &Needs::Anything };
        let chunks = match part.part.select(&selection, &self.stop) {
            Ok(chunks) => chunks,
            Err(SelectLinesError::Storage(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut buffer = LineBuf::default();
        let mut memory = Memory::new(part.entry.deletes_done);
        for chunk in chunks {
            self.stop.check().map_err(PartError::Stopped)?;
            if chunk.read(Want::Text, &mut buffer).is_err() {
                continue;
            }
            salvaged.lines += self.remember(&memory, &buffer);
            if memory.bytes() >= self.settings.memory_bytes {
                self.write_salvaged(&memory, salvaged)?;
                memory = Memory::new(part.entry.deletes_done);
            }
        }
        self.write_salvaged(&memory, salvaged)
    }

    fn write_salvaged(&self, memory: &Memory, salvaged: &mut Salvaged) -> Result<(), StoreError> {
        let parts = write_parts(&self.settings, &memory.sorted(), memory.deletes_done, &mut || self.next_part())?;
        salvaged.parts.extend(parts);
        Ok(())
    }

    /// Puts the lines that were read into memory. Answers how many.
    fn remember(&self, memory: &Memory, buffer: &LineBuf) -> u64 {
        let mut lines = Lines::default();
        for (place, (stream, range)) in buffer.runs.iter().enumerate() {
            let hash = self.seed.stream(&stream.labels);
            let from = lines.lines.len();
            for at in range.clone().map(|at| at as usize) {
                let Some(ts) = buffer.times.get(at) else { continue };
                lines.lines.push(self.seed.line(hash, *ts, buffer.line(at), buffer.fields_of(at)));
            }
            lines.streams.push(StreamLines { labels: stream.labels.clone(), hash, lines: from..lines.lines.len(), place });
        }
        memory.append(&lines, None, Duration::ZERO).lines
    }
}

/// Moves a part's folder to where nobody reads it. If that fails it stays where it is, which the answer says.
pub(super) fn set_aside(dir: &Path, part: &Path, reason: String) -> SetAside {
    let quarantine = dir.join(QUARANTINE_DIR);
    let to = quarantine.join(part.file_name().unwrap_or_default());
    let moved = fs::create_dir_all(&quarantine).and_then(|()| fs::rename(part, &to));
    SetAside { path: if moved.is_ok() { to } else { part.to_owned() }, reason }
}
