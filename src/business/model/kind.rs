//! Of what kind a KPI is: which way is good, and how its longer periods come of shorter ones.

use crate::platform::config::choices::choices;

choices! {
    /// Which way is good.
    Better;
    /// More.
    Up = "up",
    /// Less.
    Down = "down",
}

choices! {
    /// How the value of a longer period comes of those of shorter ones.
    Longer;
    /// Added up, as of sales.
    Sum = "sum",
    /// The newest, as of customers.
    Last = "last",
    /// Their mean, as of answer times.
    Average = "average",
    /// The highest.
    Highest = "max",
    /// The lowest.
    Lowest = "min",
    /// Not at all: each is asked for, as of people who came in a month.
    Ask = "ask",
}
