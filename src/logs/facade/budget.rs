//! How much disk lines may take.

/// Of a budget of disk, storage takes what this leaves, in percent; the rest is room for merging.
const DISK_FULL_PERCENT: u64 = 90;

/// Bytes that storage may take when the data folder takes `used`, of which `stored` are storage's.
///
/// Whatever else is in the folder, an eighth stays storage's: lines must not be lost to files that somebody can remove.
pub(super) fn share_of_disk(used: u64, stored: u64, budget: u64) -> u64 {
    if budget == 0 {
        return 0;
    }
    let others = used.saturating_sub(stored);
    (budget / 100 * DISK_FULL_PERCENT).saturating_sub(others).max(budget / 8).max(1)
}

#[cfg(test)]
mod tests {
    use super::share_of_disk;

    #[test]
    fn storage_gets_what_others_leave_but_never_nothing() {
        for (used, stored, budget, share) in
            [(500, 400, 0, 0), (500, 500, 1000, 900), (500, 400, 1000, 800), (2000, 400, 1000, 125), (0, 500, 1000, 900), (10, 10, 1, 1)]
        {
            assert_eq!(share_of_disk(used, stored, budget), share, "{used} {stored} {budget}");
        }
    }
}
