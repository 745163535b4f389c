//! Steps that people take one after the other: how many go on.

/// A step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// How many there were; none where nobody knows.
    pub value: Option<f64>,
    /// As a share of the step before; of the first none.
    pub of_before: Option<f64>,
    /// As a share of the first step.
    pub of_first: Option<f64>,
}

/// What became of those who came, by the values of the steps from the first to the last.
pub fn steps(values: &[Option<f64>]) -> Vec<Step> {
    let share = |value: Option<f64>, of: Option<f64>| match (value, of) {
        (Some(value), Some(of)) if of > 0.0 => Some(value / of),
        _ => None,
    };
    let first = values.first().copied().flatten();
    let before = std::iter::once(None).chain(values.iter().copied());
    values
        .iter()
        .zip(before)
        .map(|(value, before)| Step { value: *value, of_before: share(*value, before), of_first: share(*value, first) })
        .collect()
}

/// The step, by its place, at which most of those who had come so far are lost; none where nobody is lost.
pub fn worst(steps: &[Step]) -> Option<usize> {
    let lost = steps.iter().enumerate().filter_map(|(place, step)| Some((place, 1.0 - step.of_before?)));
    lost.filter(|(_, lost)| *lost > 0.0).max_by(|one, other| one.1.total_cmp(&other.1)).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_those_before_and_of_the_first() {
        let found = steps(&[Some(1_000.0), Some(400.0), Some(100.0), None, Some(10.0)]);
        assert_eq!((found[0].of_before, found[0].of_first), (None, Some(1.0)));
        assert_eq!((found[2].of_before, found[2].of_first), (Some(0.25), Some(0.1)));
        assert_eq!((found[3].of_before, found[4].of_before, found[4].of_first), (None, None, Some(0.01)));
        assert_eq!(worst(&found), Some(2));
        assert_eq!(worst(&steps(&[Some(0.0), Some(5.0)])), None);
        assert!(steps(&[]).is_empty());
    }
}
