//! KPIs that are ready to be made: each says which metrics it needs, and how to send them.

use std::path::Path;

use crate::business::config::kpi::{Kpi, Source};
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::keys::{Keys, keys};
use crate::platform::config::section::Section;
use crate::platform::config::yaml;

const TEXT: &str = include_str!("kpis.yml");

/// A KPI that is ready to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// What it needs, in words and names of metrics.
    pub needs: Vec<String>,
    /// How to send that.
    pub send: String,
    /// The KPI.
    pub kpi: Kpi,
}

keys! {
    /// A KPI of the list.
    Listed, "a ready KPI";
    /// What it needs.
    needs: Vec<String>,
    /// How to send that.
    send: String,
    /// The KPI.
    kpi: Option<Box<Kpi>>,
}

keys! {
    /// All of them.
    ReadyFile, "ready KPIs";
    /// Each.
    kpis: Vec<Listed>,
}

/// Every one, in the order of the list.
///
/// # Errors
/// What is wrong with the list that is built in; a test reads it.
pub fn all() -> Result<Vec<Ready>, Vec<Diagnostic>> {
    let mut report = Report::new(Path::new("kpis.yml"));
    let mut found = Vec::new();
    match yaml::parse(TEXT) {
        Ok(document) => {
            if let Some(mut section) = Section::open(&document.root, ReadyFile::NAME, &mut report) {
                found = ReadyFile::read_keys(&mut section).kpis;
                section.finish_exactly();
            }
        }
        Err(error) => report.error(error.at, error.message),
    }
    report.finish()?;
    let ready = |Listed { needs, send, kpi }: Listed| kpi.map(|kpi| Ready { needs, send, kpi: *kpi });
    Ok(found.into_iter().filter_map(ready).collect())
}

/// Those of some names, with those of which they are made, which come before them.
///
/// # Errors
/// The name that no ready KPI has.
pub fn with_parts<'r>(ready: &'r [Ready], names: &[String]) -> Result<Vec<&'r Ready>, String> {
    let mut wanted: Vec<&Ready> = Vec::new();
    for name in names {
        add(ready, name, &mut wanted)?;
    }
    Ok(wanted)
}

fn add<'r>(ready: &'r [Ready], name: &str, wanted: &mut Vec<&'r Ready>) -> Result<(), String> {
    let one = ready.iter().find(|ready| ready.kpi.name.eq_ignore_ascii_case(name));
    let one = one.ok_or_else(|| format!("there is no ready KPI {name:?}"))?;
    if wanted.iter().any(|known| known.kpi.name == one.kpi.name) {
        return Ok(());
    }
    // The list has no circles, as its test says.
    for part in one.kpi.source().map(Source::parts).unwrap_or_default() {
        add(ready, part, wanted)?;
    }
    wanted.push(one);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::config::file::vet_together;

    #[test]
    fn every_one_can_be_read_and_says_what_it_needs() {
        let all = all().unwrap_or_else(|why| panic!("{}", why.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")));
        let kpis: Vec<Kpi> = all.iter().map(|ready| ready.kpi.clone()).collect();
        assert_eq!(vet_together(&kpis), []);
        for ready in &all {
            let name = &ready.kpi.name;
            assert!(!ready.kpi.description.is_empty() && !ready.kpi.group.is_empty(), "{name}");
            assert!(!ready.needs.is_empty() && !ready.send.is_empty(), "{name}");
            assert_eq!(kpis.iter().filter(|kpi| kpi.name == *name).count(), 1, "{name}");
        }
        // What the documents name.
        for name in [
            "Daily active users",
            "Weekly active users",
            "Monthly active users",
            "Session duration",
            "Response time",
            "Throughput",
            "Error rate",
            "Uptime",
            "Monthly revenue",
            "MRR",
            "ARPU",
            "Churn",
            "Customer lifetime value",
            "Customer acquisition cost",
            "Leads created",
            "Leads converted",
            "Funnel conversion rate",
            "Tasks created",
            "Tasks completed",
            "Task completion rate",
            "Average completion time",
            "Overdue tasks",
            "Active projects",
            "Logins",
            "Feature usage",
        ] {
            assert!(kpis.iter().any(|kpi| kpi.name == name), "{name}");
        }
    }

    #[test]
    fn those_of_which_one_is_made_come_before_it() {
        let all = all().unwrap();
        let names = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
            with_parts(&all, &wanted).map(|found| found.iter().map(|ready| ready.kpi.name.clone()).collect::<Vec<_>>())
        };
        assert_eq!(names(&["task completion rate"]).unwrap(), ["Tasks completed", "Tasks created", "Task completion rate"]);
        assert!(names(&["nothing"]).unwrap_err().contains("no ready KPI \"nothing\""));
    }
}
