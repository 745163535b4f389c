//! What a KPI is: who answers for it, where its numbers come from, how to send them.

use super::KpiInput;
use crate::business::config::kpi::Source;
use crate::business::model::kind::Better;
use crate::business::pages::words;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::shell::Shell;

pub(super) fn facts(input: &KpiInput, shell: &Shell) -> Vec<(&'static str, String)> {
    let kpi = &input.known.kpi;
    let is_made = kpi.source().is_some_and(|source| !source.parts().is_empty());
    let mut facts = vec![
        (key("Who answers for it"), kpi.owner.clone()),
        (key("Group"), kpi.group.clone()),
        (key("Counted"), shell.t(words::named(&words::COLLECTED, &kpi.collected)).to_owned()),
        (
            key("Longer periods"),
            shell.t(if is_made { key("from other KPIs") } else { words::named(&words::LONGER, &kpi.longer) }).to_owned(),
        ),
        (key("Good is"), shell.t(if kpi.better == Better::Up { key("more") } else { key("less") }).to_owned()),
        (key("Days begin in"), input.zone.clone()),
        (key("Segments"), kpi.segments.join(shell.lang().comma())),
        (key("From the file"), input.known.file.clone()),
    ];
    facts.retain(|(_, text)| !text.is_empty());
    facts
}

/// The lines of its formula, and where a query can be looked at.
pub(super) fn formula(source: Option<Source<'_>>) -> (Vec<String>, String) {
    // Whoever looks at it wants numbers, so the words that stand for the period stand for a day.
    let plain =
        |query: &str| query.replace("$period", "1d").replace("by ($segment)", "").replace("$segment, ", "").replace("$segment", "job");
    match source {
        Some(Source::Promql(source)) => (vec![source.query.clone()], links::explore(&plain(&source.query))),
        Some(Source::Logql(source)) => {
            (vec![source.query.clone()], links::with(links::LOGS, &[("q", &plain(&source.query)), ("lang", "logql")]))
        }
        Some(Source::Sql(source)) => (vec![source.database.clone(), source.query.clone()], String::new()),
        Some(Source::Ratio(source)) => (vec![format!("{} ÷ {}", source.of, source.to)], String::new()),
        Some(Source::Difference(source)) => (vec![format!("{} − {}", source.of, source.minus)], String::new()),
        Some(Source::Sum(source)) => (vec![source.of.join(" + ")], String::new()),
        Some(Source::Pushed(_)) | None => (Vec::new(), String::new()),
    }
}

/// What to do where there is no newest value.
pub(super) fn help(source: &str) -> &'static str {
    match source {
        "promql" | "logql" => key("Look at the query, and whether what it asks for is still sent. It is tried again by itself."),
        "sql" => key("Look whether the database can be reached from here, and whether the query is right. It is tried again by itself."),
        _ => key("It is tried again by itself."),
    }
}

pub(super) fn curl(input: &KpiInput) -> String {
    let name = links::encode(&input.known.kpi.name);
    let adds = matches!(input.known.kpi.source(), Some(Source::Pushed(source)) if source.adds);
    let once = if adds { "  -H 'Idempotency-Key: order-1234' \\\n" } else { "" };
    format!(
        "curl -H 'Authorization: Bearer TOKEN' \\\n{once}  -d '{{\"value\": 120.5}}' \\\n  {}/api/v1/kpis/{name}/values",
        input.base_url
    )
}
