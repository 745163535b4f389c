//! `sortBy` and `limit`: the order of rows, and how many stay.

use super::super::frame::Frame;
use super::super::options::Options;
use super::{all_names, place_of, with_rows};

/// Sorts every frame that has the field by it.
pub(super) fn sort_by(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let sorts: Vec<(&str, bool)> = options.children("sort").map(|sort| (sort.word("field"), sort.flag("desc"))).collect();
    let names = all_names(&frames);
    let sorted = frames.iter().zip(&names).map(|(frame, names)| {
        let by: Vec<(usize, bool)> = sorts.iter().filter_map(|(field, is_down)| Some((place_of(frame, names, field)?, *is_down))).collect();
        let mut rows: Vec<usize> = (0..frame.len()).collect();
        // The last sort first: sorting keeps the order of what is equal.
        for (at, is_down) in by.iter().rev() {
            let cells: Vec<_> = frame.fields[*at].values.cells().collect();
            rows.sort_by(|a, b| {
                let order = match (cells.get(*a), cells.get(*b)) {
                    (Some(a), Some(b)) => a.order(b),
                    (a, b) => a.is_some().cmp(&b.is_some()),
                };
                if *is_down { order.reverse() } else { order }
            });
        }
        if by.is_empty() { frame.clone() } else { with_rows(frame, &rows) }
    });
    Ok(sorted.collect())
}

/// Keeps the first rows of every frame.
pub(super) fn limit(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let most = options.number("limitField").map_or(10, |most| most.max(0.0) as usize);
    Ok(frames.iter().map(|frame| with_rows(frame, &(0..frame.len().min(most)).collect::<Vec<_>>())).collect())
}
