//! Which steps of an escalation an alert has reached.

use super::rule::Escalation;

impl Escalation {
    /// How long an alert has to fire for the first step, in milliseconds; none if there are no steps.
    pub fn first_after(&self) -> Option<i64> {
        self.steps.iter().map(|step| step.after.ms()).min()
    }

    /// The places of the steps that an alert has reached which fires since `starts_at`. Times are milliseconds since the
    /// Unix epoch.
    pub fn reached(&self, starts_at: i64, now: i64) -> impl Iterator<Item = usize> {
        let is_reached = move |after: i64| starts_at.saturating_add(after) <= now;
        self.steps.iter().enumerate().filter(move |(_, step)| is_reached(step.after.ms())).map(|(place, _)| place)
    }

    /// When the alert reaches its next step.
    pub fn next_at(&self, starts_at: i64, now: i64) -> Option<i64> {
        self.steps.iter().map(|step| starts_at.saturating_add(step.after.ms())).filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::calm::Step;
    use crate::base::time::Duration;

    #[test]
    fn steps_come_by_the_alerts_own_time() {
        let step = |after: i64| Step { after: Duration::from_ms(after), receiver: String::new() };
        let steps = vec![step(10), step(30), step(30), step(i64::MAX)];
        let rule = Escalation { steps, ..Escalation::default() };
        for (now, reached, next) in [
            (99, &[][..], Some(110)),
            (109, &[], Some(110)),
            (110, &[0], Some(130)),
            (130, &[0, 1, 2], Some(i64::MAX)),
            (i64::MAX, &[0, 1, 2, 3], None),
        ] {
            assert_eq!(rule.reached(100, now).collect::<Vec<_>>(), reached, "{now}");
            assert_eq!(rule.next_at(100, now), next, "{now}");
        }
        assert_eq!((rule.first_after(), Escalation::default().first_after()), (Some(10), None));
    }
}
