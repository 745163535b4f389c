//! The value of a longer period, made of those of the shorter ones in it.

use super::kind::Longer;

/// A value that was made of others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combined {
    /// How much.
    pub value: f64,
    /// How many of the shorter periods have a value, of those that have begun: 0 to 1.
    pub complete: f64,
}

/// Combines the values of all shorter periods that have begun, in order. Nothing of nothing, and nothing where each is to
/// be asked for.
pub fn combine(longer: Longer, parts: &[Option<f64>]) -> Option<Combined> {
    let values: Vec<f64> = parts.iter().flatten().copied().filter(|value| value.is_finite()).collect();
    let (first, rest) = values.split_first()?;
    let value = match longer {
        Longer::Sum => values.iter().sum(),
        Longer::Last => *values.last()?,
        Longer::Average => values.iter().sum::<f64>() / values.len() as f64,
        Longer::Highest => rest.iter().fold(*first, |most, value| most.max(*value)),
        Longer::Lowest => rest.iter().fold(*first, |least, value| least.min(*value)),
        Longer::Ask => return None,
    };
    value.is_finite().then(|| Combined { value, complete: values.len() as f64 / parts.len() as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_periods_come_of_shorter_ones() {
        let parts = [Some(3.0), None, Some(1.0), Some(2.0)];
        for (longer, expected) in
            [(Longer::Sum, 6.0), (Longer::Last, 2.0), (Longer::Average, 2.0), (Longer::Highest, 3.0), (Longer::Lowest, 1.0)]
        {
            assert_eq!(combine(longer, &parts), Some(Combined { value: expected, complete: 0.75 }), "{longer:?}");
        }
        assert_eq!(combine(Longer::Ask, &parts), None);
        assert_eq!(combine(Longer::Sum, &[None, None]), None, "nothing is not 0");
        assert_eq!(combine(Longer::Sum, &[Some(f64::MAX), Some(f64::MAX)]), None, "what is beyond all numbers is none");
    }
}
