//! Made-up series, answers and labels, for tests.

use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::series::labels::Labels;
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::ports::{
    Answer, EvalStats, Evaluate, EvaluateError, IndexQuery, LogLabels, LogLabelsWanted, Question, Select, SelectError, SelectedSeries,
    Selection,
};
use crate::series::sample::Exemplar;
use crate::series::value::Value;

/// Series by their labels; queries are answered by a function.
pub struct World {
    /// The series that exist.
    pub series: Vec<Labels>,
    /// What every one of them has beside it.
    pub exemplars: Vec<Exemplar>,
    /// Answers queries.
    pub answer: fn(&Question<'_>) -> Result<Value, EvaluateError>,
}

impl World {
    /// These series, written as `name a=x b=y`.
    pub fn of(series: &[&str]) -> Self {
        let one = |text: &&str| {
            let pair =
                |part: &str| part.split_once('=').map_or(("__name__".to_owned(), part.to_owned()), |(a, b)| (a.to_owned(), b.to_owned()));
            Labels::from_pairs(text.split(' ').map(pair))
        };
        Self { series: series.iter().map(one).collect(), exemplars: Vec::new(), answer: |_| Ok(Value::Vector(Vec::new())) }
    }

    fn found(&self, any_of: &[Vec<Matcher>]) -> impl Iterator<Item = &Labels> {
        self.series
            .iter()
            .filter(move |labels| any_of.is_empty() || any_of.iter().any(|all| all.iter().all(|one| one.matches_labels(labels))))
    }
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.dedup();
    texts
}

impl Select for World {
    fn select(&self, _: &Selection<'_>, _: &Cancel) -> Result<Vec<Box<dyn SelectedSeries>>, SelectError> {
        Ok(Vec::new())
    }

    fn series(&self, query: &IndexQuery<'_>, _: &Cancel) -> Result<Vec<Labels>, SelectError> {
        Ok(self.found(query.any_of).cloned().collect())
    }

    fn label_names(&self, query: &IndexQuery<'_>, _: &Cancel) -> Result<Vec<String>, SelectError> {
        Ok(sorted(self.found(query.any_of).flat_map(|labels| labels.iter().map(|(name, _)| name.to_owned())).collect()))
    }

    fn label_values(&self, name: &str, query: &IndexQuery<'_>, _: &Cancel) -> Result<Vec<String>, SelectError> {
        Ok(sorted(self.found(query.any_of).filter_map(|labels| labels.get(name)).map(str::to_owned).collect()))
    }

    fn exemplars(&self, query: &IndexQuery<'_>) -> Result<Vec<(Labels, Vec<Exemplar>)>, SelectError> {
        let within: Vec<Exemplar> = self.exemplars.iter().filter(|one| query.range.contains(one.ts)).cloned().collect();
        Ok(self.found(query.any_of).map(|labels| (labels.clone(), within.clone())).collect())
    }
}

impl Evaluate for World {
    fn evaluate(&self, question: &Question<'_>) -> Result<Answer, EvaluateError> {
        let value = (self.answer)(question)?;
        Ok(Answer { value, warnings: Vec::new(), infos: Vec::new(), stats: EvalStats::default() })
    }
}

impl LogLabels for World {
    fn log_labels(&self, wanted: &LogLabelsWanted<'_>) -> Result<Vec<String>, EvaluateError> {
        let query = IndexQuery { any_of: &[wanted.matchers.to_vec()], range: TimeRange::ALL, limit: 0 };
        let found = match wanted.label {
            Some(label) => Select::label_values(self, label, &query, &wanted.cancel),
            None => Select::label_names(self, &query, &wanted.cancel),
        };
        found.map_err(|error| EvaluateError::Storage(error.to_string()))
    }
}

/// Reads `name{a="b",c=~"d"}` without escapes.
pub fn read_selector(text: &str) -> Result<Vec<Matcher>, String> {
    let (name, rest) = text.split_once('{').unwrap_or((text, "}"));
    let mut found = Vec::new();
    if !name.trim().is_empty() {
        found.push(Matcher::equal("__name__", name.trim()));
    }
    for part in rest.trim_end_matches('}').split("\",").filter(|part| !part.trim().is_empty()) {
        let at = part.find(['=', '!']).ok_or_else(|| format!("{part} is no matcher"))?;
        let (label, rest) = part.split_at(at);
        let (op, value) = rest.split_once('"').ok_or_else(|| format!("{part} is no matcher"))?;
        let op = match op.trim() {
            "=" => MatchOp::Equal,
            "!=" => MatchOp::NotEqual,
            "=~" => MatchOp::Regex,
            _ => MatchOp::NotRegex,
        };
        found.push(Matcher::new(label.trim(), op, &value.trim_end_matches('"').replace("\\\\", "\\")).map_err(|error| error.to_string())?);
    }
    Ok(found)
}
