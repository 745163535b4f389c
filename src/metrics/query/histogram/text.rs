//! Histograms as text, the way `count_values` shows them.

use std::fmt::Write;

use crate::metrics::query::annotations::go_float;
use crate::series::histogram::Histogram;

use super::buckets::Bucket;

impl Histogram {
    /// `{count:6, sum:10, [-0.001,0.001]:2, (1,2]:4}`: only populated buckets, upwards.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("{{count:{}, sum:{}", go_float(self.count), go_float(self.sum));
        let mut negative: Vec<Bucket> = self.negative().collect();
        negative.reverse();
        let zero = (self.zero_count != 0.0).then(|| self.zero_bucket());
        for bucket in negative.into_iter().chain(zero).chain(self.positive()).filter(|bucket| bucket.count != 0.0) {
            let open = if bucket.lower_inclusive { '[' } else { '(' };
            let close = if bucket.upper_inclusive { ']' } else { ')' };
            let (lower, upper) = (go_float(bucket.lower), go_float(bucket.upper));
            let written = write!(text, ", {open}{lower},{upper}{close}:{}", go_float(bucket.count));
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
        text.push('}');
        text
    }
}
