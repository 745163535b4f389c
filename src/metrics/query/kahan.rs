//! Compensated summation (Kahan, in Neumaier's form), as Prometheus sums.

/// A running sum and what rounding lost of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Kahan {
    /// The sum as floats have it.
    pub(crate) sum: f64,
    /// To be added at the end.
    pub(crate) compensation: f64,
}

impl Kahan {
    /// Starts at `value`.
    #[inline]
    pub(crate) const fn new(value: f64) -> Self {
        Self { sum: value, compensation: 0.0 }
    }

    /// Adds a number.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.compensation = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.compensation += (self.sum - total) + value;
        } else {
            self.compensation += (value - total) + self.sum;
        }
        self.sum = total;
    }

    /// Adds `sign` times another sum.
    #[inline]
    pub(crate) fn add_all(&mut self, other: Self, sign: f64) {
        self.add(sign * other.sum);
        if other.compensation != 0.0 {
            self.add(sign * other.compensation);
        }
    }

    /// Both terms multiplied.
    #[inline]
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { sum: self.sum * factor, compensation: self.compensation * factor }
    }

    /// Both terms divided.
    #[inline]
    pub(crate) fn divided(self, divisor: f64) -> Self {
        Self { sum: self.sum / divisor, compensation: self.compensation / divisor }
    }

    /// The sum with what was lost.
    #[inline]
    pub(crate) fn total(self) -> f64 {
        self.sum + self.compensation
    }
}
