//! How many messages a receiver was told lately, and when there is room for the next.

use std::collections::VecDeque;

use super::rule::Cap;

/// Most messages of a window that are remembered.
const MESSAGES_MAX: u32 = 10_000;

/// The messages that a receiver was told lately: when each was, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window(VecDeque<i64>);

impl Window {
    /// When there is room for a message: `now` if there is.
    pub fn room_at(&self, cap: &Cap, now: i64) -> i64 {
        let messages = messages(cap);
        let lately = self.0.iter().filter(|at| **at <= now && at.saturating_add(cap.within.ms()) > now).count();
        let oldest = lately.checked_sub(messages).and_then(|surplus| self.0.get(self.0.len() - lately + surplus));
        oldest.map_or(now, |at| at.saturating_add(cap.within.ms()))
    }

    /// A message is told.
    pub fn count(&mut self, cap: &Cap, now: i64) {
        // After the clock was set back, what was told later would stay for long.
        self.0.retain(|at| *at <= now && at.saturating_add(cap.within.ms()) > now);
        self.0.push_back(now);
        while self.0.len() > messages(cap) {
            self.0.pop_front();
        }
    }

    /// A message of that instant was told to nobody after all.
    pub fn take_back(&mut self, at: i64) {
        if let Some(place) = self.0.iter().rposition(|known| *known == at) {
            self.0.remove(place);
        }
    }
}

fn messages(cap: &Cap) -> usize {
    cap.messages.clamp(1, MESSAGES_MAX) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Duration;

    #[test]
    fn room_for_so_many_in_any_stretch_of_time() {
        for (what, messages, told, now, room_at) in [
            ("nothing told", 1, &[][..], 5, 5),
            ("one of one", 1, &[0], 5, 100),
            ("one of one, long ago", 1, &[0], 100, 100),
            ("one of two", 2, &[0], 5, 5),
            ("two of two", 2, &[0, 40], 50, 100),
            ("the first is long ago", 2, &[0, 40], 110, 110),
            ("and one more", 2, &[0, 40, 110], 111, 140),
            ("more than allowed", 2, &[0, 10, 20], 30, 110),
            ("none is as one", 0, &[0], 5, 100),
            ("told in the future", 1, &[500], 5, 5),
            ("many", 1_000_000, &[0, 1, 2], 5, 5),
        ] {
            let cap = Cap { receiver: String::new(), messages, within: Duration::from_ms(100) };
            let mut window = Window::default();
            for at in told {
                window.count(&cap, *at);
            }
            assert_eq!(window.room_at(&cap, now), room_at, "{what}");
        }
    }

    #[test]
    fn what_nobody_took_leaves_room_and_the_rest_is_bounded() {
        let cap = Cap { receiver: String::new(), messages: u32::MAX, within: Duration::from_ms(i64::MAX) };
        let mut window = Window::default();
        for at in 0..20_000 {
            window.count(&cap, at);
        }
        assert_eq!((window.0.len(), window.room_at(&cap, 20_000)), (10_000, i64::MAX));
        window.take_back(15_000);
        window.take_back(5);
        assert_eq!((window.0.len(), window.room_at(&cap, 20_000)), (9_999, 20_000));
    }
}
