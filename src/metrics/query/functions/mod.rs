//! The functions of PromQL: what each computes, by kind.
//!
//! [`math`] and [`time`] work number by number, [`window`] and [`rate`] on the samples of a range, the others on
//! whole vectors.

pub(crate) mod absent;
pub(crate) mod buckets;
pub(crate) mod extended;
pub(crate) mod info;
pub(crate) mod label;
pub(crate) mod math;
pub(crate) mod over_time;
pub(crate) mod rate;
pub(crate) mod sort;
pub(crate) mod time;
pub(crate) mod window;

#[cfg(test)]
mod tests;

macro_rules! functions {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// A function by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Function {
            $($variant),+
        }

        impl Function {
            /// The function of that name.
            pub(crate) fn named(name: &str) -> Option<Self> {
                Some(match name {
                    $($name => Self::$variant,)+
                    _ => return None,
                })
            }

            /// As written.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

functions! {
    Abs = "abs", Absent = "absent", AbsentOverTime = "absent_over_time", Acos = "acos", Acosh = "acosh", Asin = "asin",
    Asinh = "asinh", Atan = "atan", Atanh = "atanh", AvgOverTime = "avg_over_time", Ceil = "ceil", Changes = "changes",
    Clamp = "clamp", ClampMax = "clamp_max", ClampMin = "clamp_min", Cos = "cos", Cosh = "cosh",
    CountOverTime = "count_over_time", DayOfMonth = "day_of_month", DayOfWeek = "day_of_week", DayOfYear = "day_of_year",
    DaysInMonth = "days_in_month", Deg = "deg", Delta = "delta", Deriv = "deriv",
    DoubleExponentialSmoothing = "double_exponential_smoothing", End = "end", Exp = "exp", FirstOverTime = "first_over_time",
    Floor = "floor", HistogramAvg = "histogram_avg", HistogramCount = "histogram_count", HistogramFraction = "histogram_fraction",
    HistogramQuantile = "histogram_quantile", HistogramQuantiles = "histogram_quantiles", HistogramStddev = "histogram_stddev",
    HistogramStdvar = "histogram_stdvar", HistogramSum = "histogram_sum", Hour = "hour", Idelta = "idelta", Increase = "increase",
    Info = "info", Irate = "irate", LabelJoin = "label_join", LabelReplace = "label_replace", LastOverTime = "last_over_time",
    Ln = "ln", Log10 = "log10", Log2 = "log2", MadOverTime = "mad_over_time", MaxOf = "max_of", MaxOverTime = "max_over_time",
    MinOf = "min_of", MinOverTime = "min_over_time", Minute = "minute", Month = "month", Pi = "pi",
    PredictLinear = "predict_linear", PresentOverTime = "present_over_time", QuantileOverTime = "quantile_over_time", Rad = "rad",
    Range = "range", Rate = "rate", Resets = "resets", Round = "round", Scalar = "scalar", Sgn = "sgn", Sin = "sin",
    Sinh = "sinh", Sort = "sort", SortByLabel = "sort_by_label", SortByLabelDesc = "sort_by_label_desc", SortDesc = "sort_desc",
    Sqrt = "sqrt", Start = "start", StartTimestamp = "start_timestamp", StddevOverTime = "stddev_over_time",
    StdvarOverTime = "stdvar_over_time", Step = "step", SumOverTime = "sum_over_time", Tan = "tan", Tanh = "tanh",
    Time = "time", Timestamp = "timestamp", TsOfFirstOverTime = "ts_of_first_over_time", TsOfLastOverTime = "ts_of_last_over_time",
    TsOfMaxOverTime = "ts_of_max_over_time", TsOfMinOverTime = "ts_of_min_over_time", Vector = "vector", Year = "year",
}

impl Function {
    /// Whether the result changes with the evaluation time even when the arguments do not.
    pub(crate) const fn depends_on_time(self) -> bool {
        matches!(
            self,
            Self::DaysInMonth
                | Self::DayOfMonth
                | Self::DayOfWeek
                | Self::DayOfYear
                | Self::End
                | Self::Hour
                | Self::Minute
                | Self::Month
                | Self::Year
                | Self::PredictLinear
                | Self::Range
                | Self::Start
                | Self::Step
                | Self::Time
                | Self::Timestamp
        )
    }

    /// Whether the result is still the same metric.
    pub(crate) const fn keeps_name(self) -> bool {
        matches!(self, Self::LastOverTime | Self::FirstOverTime)
    }
}
