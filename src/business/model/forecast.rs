//! Where a KPI goes: exponential smoothing with a damped trend and, where there are two seasons or more, the season
//! (Holt and Winters, additive). The same history always gives the same forecast.

/// Values that are looked at, at most: the newest.
const HISTORY_MAX: usize = 800;
/// Values below which nothing is foretold.
const HISTORY_MIN: usize = 6;
/// Periods that are foretold at most.
pub const AHEAD_MAX: usize = 400;
/// Standard deviations on either side that hold four of five.
const BAND_DEVIATIONS: f64 = 1.2816;
const LEVELS: [f64; 6] = [0.05, 0.1, 0.2, 0.35, 0.5, 0.8];
const TRENDS: [f64; 4] = [0.0, 0.02, 0.1, 0.3];
const SEASONS: [f64; 4] = [0.02, 0.1, 0.25, 0.5];
const DAMPINGS: [f64; 3] = [0.9, 0.97, 0.995];

/// A value to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Foretold {
    /// Most likely.
    pub value: f64,
    /// Four of five lie above this...
    pub low: f64,
    /// ...and below this.
    pub high: f64,
}

/// How fast what is new counts.
#[derive(Debug, Clone, Copy)]
struct Speeds {
    level: f64,
    trend: f64,
    season: f64,
    damping: f64,
}

/// What is known after the last value.
#[derive(Debug, Clone)]
struct State {
    level: f64,
    trend: f64,
    /// By the place in the season; empty for none.
    seasons: Vec<f64>,
}

impl State {
    /// From the first seasons: their means, and how places differ from them.
    fn begin(values: &[f64], season: usize) -> Self {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        if season < 2 {
            let first = values.len().min(HISTORY_MIN);
            let trend = (values[first - 1] - values[0]) / (first - 1).max(1) as f64;
            return Self { level: values[0] - trend, trend, seasons: Vec::new() };
        }
        let whole = values.len() / season;
        let means: Vec<f64> = (0..whole).map(|of| mean(&values[of * season..(of + 1) * season])).collect();
        let trend = (means[whole - 1] - means[0]) / ((whole - 1) * season) as f64;
        let middle = (season as f64 - 1.0) / 2.0;
        let off = |place: usize, of: usize| values[of * season + place] - means[of] - trend * (place as f64 - middle);
        let seasons = (0..season).map(|place| mean(&(0..whole).map(|of| off(place, of)).collect::<Vec<_>>())).collect();
        Self { level: means[0] - trend * (middle + 1.0), trend, seasons }
    }

    fn season(&self, at: usize) -> f64 {
        if self.seasons.is_empty() { 0.0 } else { self.seasons[at % self.seasons.len()] }
    }

    /// Takes the next value; gives by how much it is not the expected one.
    fn take(&mut self, at: usize, value: f64, speeds: Speeds) -> f64 {
        let damped = self.trend * speeds.damping;
        let error = value - (self.level + damped + self.season(at));
        self.level += damped + speeds.level * error;
        self.trend = damped + speeds.level * speeds.trend * error;
        let length = self.seasons.len();
        if length > 0 {
            self.seasons[at % length] += speeds.season * (1.0 - speeds.level) * error;
        }
        error
    }

    /// The squares of all errors, in all.
    fn follow(&mut self, values: &[f64], speeds: Speeds) -> f64 {
        values.iter().enumerate().map(|(at, value)| self.take(at, *value, speeds).powi(2)).sum()
    }
}

/// The speeds that would have foretold the history best.
fn best(values: &[f64], begin: &State) -> (Speeds, State, f64) {
    let seasons: &[f64] = if begin.seasons.is_empty() { &[0.0] } else { &SEASONS };
    let mut best: Option<(Speeds, State, f64)> = None;
    for level in LEVELS {
        for trend in TRENDS {
            for season in seasons {
                for damping in DAMPINGS {
                    let speeds = Speeds { level, trend, season: *season, damping };
                    let mut state = begin.clone();
                    let squares = state.follow(values, speeds);
                    if best.as_ref().is_none_or(|(_, _, least)| squares < *least) {
                        best = Some((speeds, state, squares));
                    }
                }
            }
        }
    }
    // There is at least one try of each.
    best.unwrap_or_else(|| (Speeds { level: 0.0, trend: 0.0, season: 0.0, damping: 1.0 }, begin.clone(), 0.0))
}

/// The next values after a history without gaps, the oldest first, in which things come again after `season` values (1 for
/// never). None where the history is too short to tell.
pub fn forecast(history: &[f64], season: usize, ahead: usize) -> Option<Vec<Foretold>> {
    let values = &history[history.len().saturating_sub(HISTORY_MAX)..];
    if values.len() < HISTORY_MIN || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let season = if season >= 2 && values.len() >= 2 * season { season } else { 1 };
    let (speeds, state, squares) = best(values, &State::begin(values, season));
    let free = values.len().saturating_sub(3 + state.seasons.len()).max(values.len() / 2).max(1);
    let variance = squares / free as f64;
    let (mut spread, mut trend, mut damped, mut grown) = (1.0, 0.0, 1.0, 0.0);
    let next = (0..ahead.min(AHEAD_MAX)).map(|step| {
        damped *= speeds.damping;
        trend += damped * state.trend;
        let value = state.level + trend + state.season(values.len() + step);
        let band = (variance * spread).sqrt() * BAND_DEVIATIONS;
        // An error today shifts the level and the trend of all days after it, and the season of every such day.
        grown += damped;
        let in_season = if !state.seasons.is_empty() && (step + 1) % season == 0 { speeds.season * (1.0 - speeds.level) } else { 0.0 };
        spread += (speeds.level + speeds.level * speeds.trend * grown + in_season).powi(2);
        Foretold { value, low: value - band, high: value + band }
    });
    let next: Vec<Foretold> = next.collect();
    next.iter().all(|one| one.low.is_finite() && one.high.is_finite()).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between -1 and 1 that look like chance, and are always the same.
    fn noise(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = |state: u64| ((state >> 33) as f64) / f64::from(1_u32 << 31);
            let first = unit(state);
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            first + unit(state) - 1.0
        }
    }

    fn sales(days: usize, seed: u64) -> Vec<f64> {
        let mut chance = noise(seed);
        let week = [1.0, 1.1, 1.05, 1.0, 1.3, 0.7, 0.5];
        (0..days).map(|day| (100.0 + day as f64 * 0.4) * week[day % 7] + chance() * 12.0).collect()
    }

    #[test]
    fn what_came_is_where_it_was_foretold() {
        let (mut within, mut all, mut error, mut naive) = (0, 0, 0.0, 0.0);
        for seed in 1..=12 {
            let days = sales(240, seed);
            for from in [84, 120, 160, 200] {
                let told = forecast(&days[..from], 7, 28).unwrap();
                for (step, told) in told.iter().enumerate() {
                    let came = days[from + step];
                    all += 1;
                    within += usize::from((told.low..=told.high).contains(&came));
                    error += (told.value - came).abs();
                    naive += (days[from - 7 + step % 7] - came).abs();
                }
            }
        }
        let share = f64::from(u32::try_from(within).unwrap()) / f64::from(all);
        assert!((0.7..=0.95).contains(&share), "four of five within the band, not {share}");
        assert!(error < naive * 0.8, "better than last week again: {error} against {naive}");
    }

    #[test]
    fn short_histories_have_a_trend_and_shorter_ones_nothing() {
        let line: Vec<f64> = (0..10).map(|day| 10.0 + f64::from(day) * 2.0).collect();
        let told = forecast(&line, 7, 3).unwrap();
        assert!((told[0].value - 30.0).abs() < 0.5 && told[2].value > told[0].value, "{told:?}");
        assert!(told[2].high - told[2].low >= told[0].high - told[0].low, "the further the wider");
        assert_eq!(forecast(&line[..5], 7, 3), None);
        assert_eq!(forecast(&[1.0, 2.0, f64::NAN, 1.0, 2.0, 3.0], 1, 3), None);
        let flat = forecast(&[5.0; 30], 7, 400).unwrap();
        assert!(flat.iter().all(|one| (one.value - 5.0).abs() < 1e-6 && one.high - one.low < 1e-6));
        assert_eq!(forecast(&sales(100, 3), 7, 10), forecast(&sales(100, 3), 7, 10), "always the same");
    }
}
