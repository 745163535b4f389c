//! What people do: the list of funnels and retentions, and the forms of both.

use crate::business::config::file::{Funnel, Retention};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Steps of a funnel at most.
const STEPS_MAX: usize = 20;
/// Steps that a new form has room for.
const STEPS_SHOWN: usize = 4;

/// What the list is made of.
#[derive(Debug, Default)]
pub struct PeopleInput {
    /// Funnels with the file each comes from.
    pub funnels: Vec<(Funnel, String)>,
    /// Retentions with the file each comes from.
    pub retentions: Vec<(Retention, String)>,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change them.
    pub may_change: bool,
}

struct Row<'a> {
    name: &'a str,
    more: String,
    file: &'a str,
    kind: &'static str,
    href: String,
    edit: String,
}

#[derive(askama::Template)]
#[template(path = "business/people.html")]
struct PeoplePage<'a> {
    shell: &'a Shell,
    input: &'a PeopleInput,
    said: &'static str,
    funnels: Vec<Row<'a>>,
    retentions: Vec<Row<'a>>,
}

/// Renders the list.
pub fn render(input: &PeopleInput, shell: &Shell) -> String {
    let said = match input.done.as_str() {
        "deleted" => key("It is deleted."),
        _ => "",
    };
    let funnels = input.funnels.iter().map(|(funnel, file)| Row {
        name: &funnel.name,
        more: if funnel.description.is_empty() { funnel.steps.join(" → ") } else { funnel.description.clone() },
        file,
        kind: "funnel",
        href: links::funnel(&funnel.name),
        edit: links::with(links::FUNNEL_EDIT, &[("name", &funnel.name)]),
    });
    let retentions = input.retentions.iter().map(|(retention, file)| Row {
        name: &retention.name,
        more: retention.description.clone(),
        file,
        kind: "retention",
        href: links::retention(&retention.name),
        edit: links::with(links::RETENTION_EDIT, &[("name", &retention.name)]),
    });
    page::html(&PeoplePage { shell, said, funnels: funnels.collect(), retentions: retentions.collect(), input })
}

/// What the form of a funnel is made of.
#[derive(Debug, Default)]
pub struct FunnelEdit {
    /// The name of the one that is changed; empty for a new one.
    pub before: String,
    /// As it is filled in.
    pub funnel: Funnel,
    /// Every KPI there is.
    pub kpis: Vec<String>,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change it.
    pub may_change: bool,
}

struct Step<'a> {
    number: usize,
    /// KPIs, and whether each is chosen.
    choices: Vec<(&'a str, bool)>,
}

#[derive(askama::Template)]
#[template(path = "business/funnel_edit.html")]
struct FunnelEditPage<'a> {
    shell: &'a Shell,
    input: &'a FunnelEdit,
    steps: Vec<Step<'a>>,
}

/// Renders the form of a funnel.
pub fn render_funnel(input: &FunnelEdit, shell: &Shell) -> String {
    let count = (input.funnel.steps.len() + 2).clamp(STEPS_SHOWN, STEPS_MAX);
    let step = |at: usize| {
        let chosen = input.funnel.steps.get(at).map_or("", String::as_str);
        let is = |kpi: &&str| kpi.to_lowercase() == chosen.to_lowercase();
        let mut choices: Vec<(&str, bool)> = input.kpis.iter().map(String::as_str).map(|kpi| (kpi, is(&kpi))).collect();
        if !chosen.is_empty() && !choices.iter().any(|(_, is_chosen)| *is_chosen) {
            choices.push((chosen, true));
        }
        Step { number: at + 1, choices }
    };
    page::html(&FunnelEditPage { shell, input, steps: (0..count).map(step).collect() })
}

/// What the form of a retention is made of.
#[derive(Debug, Default)]
pub struct RetentionEdit {
    /// The name of the one that is changed; empty for a new one.
    pub before: String,
    /// As it is filled in.
    pub retention: Retention,
    /// KPIs that come from a database.
    pub databases: Vec<String>,
    /// KPIs that it may explain.
    pub kpis: Vec<String>,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change it.
    pub may_change: bool,
}

#[derive(askama::Template)]
#[template(path = "business/retention_edit.html")]
struct RetentionEditPage<'a> {
    shell: &'a Shell,
    input: &'a RetentionEdit,
}

/// Renders the form of a retention.
pub fn render_retention(input: &RetentionEdit, shell: &Shell) -> String {
    page::html(&RetentionEditPage { shell, input })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn at(path: &str) -> Shell {
        shell(Page::Business, "Funnels and retention", path, "")
    }

    #[test]
    fn an_empty_list_says_what_to_do_and_a_full_one_leads_on() {
        let page = render(&PeopleInput { may_change: true, ..PeopleInput::default() }, &at(links::BUSINESS_PEOPLE));
        assert!(
            page.contains("Where do people turn back?") && page.contains("Who comes back?") && page.contains(links::FUNNEL_EDIT),
            "{page}"
        );
        assert!(!render(&PeopleInput::default(), &at(links::BUSINESS_PEOPLE)).contains(links::FUNNEL_EDIT));
        let funnel = Funnel { name: "<Shop>".into(), description: String::new(), steps: vec!["A".into(), "B".into()] };
        let retention = Retention { name: "Stay".into(), ..Retention::default() };
        let input = PeopleInput {
            funnels: vec![(funnel, String::new())],
            retentions: vec![(retention, "business.yml".into())],
            may_change: true,
            ..PeopleInput::default()
        };
        let page = render(&input, &at(links::BUSINESS_PEOPLE));
        for expected in ["&#60;Shop&#62;", "A → B", "From the file business.yml", "/business/funnels/%3CShop%3E"] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert_eq!(page.matches("value=\"retention\"").count(), 0, "what stands in a file is changed there: {page}");
    }

    #[test]
    fn forms_keep_what_was_filled_in() {
        let funnel = Funnel { name: "Shop".into(), description: String::new(), steps: vec!["visits".into(), "Gone".into()] };
        let input = FunnelEdit { before: "Shop".into(), funnel, kpis: vec!["Visits".into()], problem: "no".into(), may_change: true };
        let page = render_funnel(&input, &at(links::FUNNEL_EDIT));
        assert!(page.contains("value=\"Visits\" selected") && page.contains("value=\"Gone\" selected"), "{page}");
        assert_eq!(page.matches("name=\"step\"").count(), 4);
        let retention = Retention { name: "Stay".into(), sql: "SELECT <1>".into(), database_of: "Orders".into(), ..Retention::default() };
        let input = RetentionEdit { retention, databases: vec!["Orders".into()], kpis: vec!["Orders".into()], ..RetentionEdit::default() };
        let page = render_retention(&input, &at(links::RETENTION_EDIT));
        assert!(page.contains("SELECT &#60;1&#62;") && page.contains("value=\"Orders\" selected"), "{page}");
    }
}
