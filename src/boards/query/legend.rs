//! Names of series: a template such as `{{route}} {{code}}`, or what tells the series of a query apart.

use crate::series::labels::Labels;
use crate::series::legend;

/// A name for each label set. Sets without labels are named by the query, and so are those of which a template makes
/// nothing that can be read: their labels are not those that it names.
pub(super) fn names(template: &str, sets: &[&Labels], query: &str) -> Vec<String> {
    let filled: Vec<String> = sets.iter().map(|labels| legend::fill(template, labels)).collect();
    if filled.iter().all(|name| !name.trim().is_empty()) {
        return filled;
    }
    let own = legend::names(sets, query, query);
    filled.into_iter().zip(own).map(|(name, own)| if name.trim().is_empty() { own } else { name }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_have_names() {
        let set = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        let (a, b) = (set(&[("__name__", "up"), ("job", "x"), ("i", "1")]), set(&[("__name__", "up"), ("job", "x"), ("i", "2")]));
        assert_eq!(names("{{job}} {{ i }} {{gone}}{{", &[&a], "q"), ["x 1 {{"]);
        assert_eq!(names("{{gone}} {{i}}", &[&a], "q"), [" 1"]);
        assert_eq!(names("{{gone}} ", &[&a, &b], "q"), ["1", "2"]);
        assert_eq!(names("", &[&a, &b], "q"), ["1", "2"]);
        assert_eq!(names("", &[&a], "q"), ["up{i=\"1\", job=\"x\"}"]);
        assert_eq!(names("", &[&Labels::empty()], "sum(up)"), ["sum(up)"]);
        assert_eq!(names("", &[&a, &set(&[("job", "y")])], "q")[1], "{job=\"y\"}");
    }
}
