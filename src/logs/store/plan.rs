//! Which parts are merged: parts of one day and of similar size, so that a line is written few times; a day that is over
//! once more, for good. When lines of very many days came, small parts are put together across days.

/// Parts of a day that may stay; beyond, the smallest are merged whatever their sizes.
const PARTS_PER_DAY: usize = 16;
/// Parts merged at once, at least and at most.
const MERGE_MIN: usize = 4;
const MERGE_MAX: usize = 16;
/// Together, parts that are merged are at least so many times the largest of them.
const GAIN: u64 = 3;

/// What came since a part was packed is much when it is such a part of it.
const MUCH: u64 = 8;

/// A part that could be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its number.
    pub id: u64,
    /// Its day.
    pub day: i64,
    /// Its size.
    pub bytes: u64,
    /// Whether it was packed for good.
    pub dense: bool,
}

/// The next parts to merge while lines still come, if any are due. A merged part is not larger than `bytes_max`.
pub fn next_merge(parts: &[Candidate], bytes_max: u64) -> Option<Vec<u64>> {
    by_day(parts).into_iter().rev().find_map(|mut day| {
        day.sort_by_key(|part| part.bytes);
        day.retain(|part| !part.dense && part.bytes <= bytes_max / 2);
        let best = (MERGE_MIN..=MERGE_MAX.min(day.len()))
            .flat_map(|count| day.windows(count))
            .map(|group| (group, group.iter().map(|part| part.bytes).sum::<u64>()))
            .filter(|(group, total)| *total <= bytes_max && *total >= GAIN * group.last().map_or(0, |part| part.bytes))
            // As many as possible at once, of those the smallest.
            .max_by_key(|(group, total)| (group.len(), u64::MAX - total));
        let crowded = || (day.len() > PARTS_PER_DAY).then(|| &day[..(day.len() - PARTS_PER_DAY + 1).clamp(2, MERGE_MAX)]);
        let group = best.map(|(group, _)| group).or_else(crowded)?;
        Some(group.iter().map(|part| part.id).collect())
    })
}

/// The next parts to pack for good: those of the oldest day before `day` that has some. A part that was packed is written
/// again only when much has come since. A packed part is not larger than `bytes_max`.
pub fn next_dense(parts: &[Candidate], day: i64, bytes_max: u64) -> Option<Vec<u64>> {
    by_day(parts).into_iter().filter(|group| group[0].day < day).find_map(|mut group| {
        group.sort_by_key(|part| part.bytes);
        let (mut chosen, mut total) = (Vec::new(), 0u64);
        for part in group.iter().filter(|part| !part.dense).take(MERGE_MAX) {
            if !chosen.is_empty() && total + part.bytes > bytes_max {
                break;
            }
            chosen.push(part.id);
            total = total.saturating_add(part.bytes);
        }
        // One that is large already is left alone.
        let open: Vec<&Candidate> = group.iter().filter(|part| part.dense && part.bytes <= bytes_max / 2).collect();
        let fresh = chosen.len();
        for part in &open {
            if total.saturating_mul(MUCH) >= part.bytes && total.saturating_add(part.bytes) <= bytes_max {
                chosen.push(part.id);
                total += part.bytes;
            }
        }
        (fresh > 0 && (open.is_empty() || chosen.len() > fresh)).then_some(chosen)
    })
}

/// The next parts to put together whatever their days: when there are too many, the smallest that follow each other.
pub fn next_gather(parts: &[Candidate], parts_max: usize, bytes_max: u64) -> Option<Vec<u64>> {
    if parts.len() <= parts_max {
        return None;
    }
    let mut sorted = parts.to_vec();
    sorted.sort_by_key(|part| (part.day, part.id));
    let total = |group: &[Candidate]| group.iter().fold(0u64, |sum, part| sum.saturating_add(part.bytes));
    let count = MERGE_MAX.min(sorted.len());
    let best = sorted.windows(count).map(|group| (total(group), group)).min_by_key(|(bytes, _)| *bytes);
    let group = best.filter(|(bytes, _)| *bytes <= bytes_max).map(|(_, group)| group)?;
    Some(group.iter().map(|part| part.id).collect())
}

/// Parts of each day, oldest day first.
fn by_day(parts: &[Candidate]) -> Vec<Vec<Candidate>> {
    let mut sorted = parts.to_vec();
    sorted.sort_by_key(|part| (part.day, part.id));
    sorted.chunk_by(|a, b| a.day == b.day).map(<[Candidate]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sizes: &[u64]) -> Vec<Candidate> {
        sizes.iter().enumerate().map(|(at, bytes)| Candidate { id: at as u64, day: 5, bytes: *bytes, dense: false }).collect()
    }

    #[test]
    fn similar_parts_are_merged() {
        assert_eq!(next_merge(&parts(&[10, 10, 10]), 1000), None, "too few");
        assert_eq!(next_merge(&parts(&[10, 10, 10, 10]), 1000), Some(vec![0, 1, 2, 3]));
        assert_eq!(next_merge(&parts(&[10, 10, 100, 10, 10]), 1000), Some(vec![0, 1, 3, 4]), "not the large one");
        assert_eq!(next_merge(&parts(&[1, 10, 100, 1000]), 10_000), None, "nothing gained");
        assert_eq!(next_merge(&parts(&[600; 4]), 1000), None, "too large");
        let crowd: Vec<u64> = (0..20).map(|at| 1 << at).collect();
        assert_eq!(next_merge(&parts(&crowd), u64::MAX).map(|group| group.len()), Some(5));
    }

    #[test]
    fn many_small_parts_of_many_days_are_put_together() {
        let mut all: Vec<Candidate> =
            (0..40).map(|at| Candidate { id: at, day: at as i64, bytes: if at < 10 { 100 } else { 1 }, dense: at % 2 == 0 }).collect();
        assert_eq!(next_gather(&all, 40, 1000), None, "not too many");
        assert_eq!(next_gather(&all, 30, 15), None, "too large");
        let group = next_gather(&all, 30, 1000).unwrap();
        assert_eq!((group.len(), group[0]), (16, 10));
        all.retain(|part| !group.contains(&part.id));
        assert_eq!(next_gather(&all, 30, 1000), None);
    }

    #[test]
    fn a_line_is_written_few_times() {
        let (mut all, mut written, mut next) = (Vec::new(), 0u64, 0u64);
        for _ in 0..1000 {
            all.push(Candidate { id: next, day: 1, bytes: 1, dense: false });
            next += 1;
            while let Some(group) = next_merge(&all, u64::MAX) {
                let bytes = all.iter().filter(|part| group.contains(&part.id)).map(|part| part.bytes).sum();
                all.retain(|part| !group.contains(&part.id));
                all.push(Candidate { id: next, day: 1, bytes, dense: false });
                (written, next) = (written + bytes, next + 1);
            }
            assert!(all.len() <= PARTS_PER_DAY, "{} parts", all.len());
        }
        assert!(written < 6000, "{written} written for 1000");
    }

    #[test]
    fn a_day_that_is_over_is_packed_once() {
        let mut all = parts(&[10, 20, 30]);
        assert_eq!(next_dense(&all, 5, 1000), None, "the day is not over");
        assert_eq!(next_dense(&all, 6, 1000), Some(vec![0, 1, 2]));
        assert_eq!(next_dense(&all, 6, 30), Some(vec![0, 1]));
        all = vec![Candidate { id: 9, day: 5, bytes: 60, dense: true }];
        assert_eq!(next_dense(&all, 6, 1000), None, "done");
        let late = |bytes| vec![Candidate { id: 9, day: 5, bytes: 60, dense: true }, Candidate { id: 10, day: 5, bytes, dense: false }];
        assert_eq!(next_dense(&late(1), 6, 1000), None, "few lines that came late");
        assert_eq!(next_dense(&late(8), 6, 1000), Some(vec![10, 9]), "many");
        assert_eq!(next_dense(&late(8), 6, 100), Some(vec![10]), "the packed one is large");
        assert_eq!(next_dense(&late(100), 6, 1000), Some(vec![10, 9]));
        assert_eq!(next_merge(&[9, 10, 11, 12].map(|id| Candidate { id, day: 5, bytes: 1, dense: id == 9 }), 1000), None);
    }
}
