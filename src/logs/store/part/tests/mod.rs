//! Parts as a whole: what goes in comes out, whatever is asked, merged or damaged.

mod damage;
mod merging;
mod selecting;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::base::cancel::Cancel;
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineBuf, LineSelection, SelectLinesError, Span, Want};
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// Time, text, packed fields.
type Line = (i64, Vec<u8>, Vec<u8>);

/// What a part should hold: streams by their packed labels.
type Model = BTreeMap<Vec<u8>, Vec<Line>>;

/// Small blocks, so that little data makes many.
const SMALL: PartOptions = PartOptions { block_bytes: 2048, zstd_level: 1, columns: false, dense: false };
const SMALL_COLUMNS: PartOptions = PartOptions { columns: true, ..SMALL };

/// A small generator of its own, so that every run is the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len() as u64) as usize]
    }
}

fn a_line(dice: &mut Dice) -> Vec<u8> {
    let id = dice.roll(u64::MAX);
    let word = dice.pick(&["error", "Timeout", "upstream_timeout", "GET", "retry", "Größe", "naïve", "日本語のログ"]);
    match dice.roll(8) {
        0 => Vec::new(),
        1 => format!("{word} id={id:016x} n={}", id % 1000).into_bytes(),
        2 => format!("{{\"level\":\"{word}\",\"trace_id\":\"{id:016x}{id:016x}\",\"d\":{}.{}}}", id % 90, id % 7).into_bytes(),
        3 => format!("two\nlines {word} {}", id % 100_000).into_bytes(),
        4 => format!("long {} {word}", "aGVsbG8".repeat(20 + (id % 9) as usize)).into_bytes(),
        5 => vec![0xff, 0xfe, b' ', b'x', (id % 256) as u8, b'y', if id.is_multiple_of(50) { 1 } else { 2 }, b'1'],
        6 => format!("10.0.{}.{} - [{:02}] \"{word} /api/v1/{}\" 200 {}", id % 9, id % 256, id % 60, id % 1000, id % 50_000).into_bytes(),
        _ => format!("{word} {} {}", dice.pick(&["alpha", "beta", "gamma"]), dice.roll(50)).into_bytes(),
    }
}

fn some_model(seed: u64, streams: u64, lines_max: u64) -> Model {
    let mut dice = Dice(seed);
    let mut model = Model::new();
    for stream in 0..streams {
        let labels = Labels::from_pairs([("job", format!("j{}", stream % 3)), ("host", format!("h{stream:04}"))]);
        let count = 1 + if stream % 4 == 0 { dice.roll(lines_max) } else { dice.roll(4) };
        let mut ts = 1_000_000 + dice.roll(500) as i64;
        let lines = (0..count).map(|_| {
            ts += dice.roll(1000) as i64 / 3;
            let fields = match dice.roll(4) {
                0 => Labels::from_pairs([("trace", format!("{:032x}", u128::from(dice.roll(u64::MAX)))), ("pod", "p-1".to_owned())]),
                1 => Labels::from_pairs([("pod", dice.pick(&["p-1", "p-2"]))]),
                _ => Labels::empty(),
            };
            (ts, a_line(&mut dice), fields.packed().to_vec())
        });
        model.insert(labels.packed().to_vec(), lines.collect());
    }
    model
}

fn write(dir: &Path, model: &Model, options: PartOptions) -> Arc<Part> {
    std::fs::create_dir_all(dir).expect("dir");
    let mut writer = PartWriter::create(dir, options).expect("create");
    for (packed, lines) in model {
        let labels = Labels::from_packed(packed).expect("labels");
        let lines: Vec<PartLine<'_>> = lines.iter().map(|(ts, text, fields)| PartLine { ts: *ts, text, fields }).collect();
        // In two calls, as a flush may.
        let (first, second) = lines.split_at(lines.len() / 3);
        writer.push_run(&labels, first).expect("push");
        writer.push_run(&labels, second).expect("push");
    }
    let info = writer.finish().expect("finish");
    let part = Part::open(dir).expect("open");
    assert_eq!(part.info(), &info);
    part
}

fn everything() -> LineSelection<'static> {
    LineSelection { matchers: &[], span: Span::ALL, needs: &Needs::Anything }
}

/// What the chunks of a selection hold, sorted by stream and time.
fn read(part: &Arc<Part>, selection: &LineSelection<'_>) -> Result<Model, SelectLinesError> {
    let mut model = Model::new();
    let mut buffer = LineBuf::default();
    for chunk in part.select(selection, &Cancel::new())? {
        chunk.read(Want::Text, &mut buffer)?;
        let (low, high) = chunk.bounds();
        for (stream, lines) in &buffer.runs {
            for index in lines.clone() {
                let index = index as usize;
                let ts = buffer.times[index];
                assert!(low <= ts && ts <= high);
                assert_eq!(buffer.line_bytes(index), buffer.line(index).len());
                let line = (ts, buffer.line(index).to_vec(), buffer.fields_of(index).to_vec());
                model.entry(stream.labels.packed().to_vec()).or_default().push(line);
            }
        }
    }
    model.values_mut().for_each(|lines| lines.sort_by_key(|line| line.0));
    Ok(model)
}

fn sorted(mut model: Model) -> Model {
    model.values_mut().for_each(|lines| lines.sort());
    model
}

fn count(model: &Model) -> usize {
    model.values().map(Vec::len).sum()
}
