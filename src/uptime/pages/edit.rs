//! The form of a check: what it probes first, everything else folded away, and what it would find right now.

use super::draft::{Draft, field_name};
use super::found::Found;
use super::kinds::{self, Field, Input, KindOf};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Names of checks that a field offers.
pub const NAMES_MAX: usize = 100;

/// What came of trying a draft.
#[derive(Default)]
pub enum Tried {
    /// It was not tried.
    #[default]
    Nothing,
    /// It is wrong: fields and what is wrong with each; no field for the whole.
    Wrong(Vec<(String, String)>),
    /// There is nothing to try: it waits for a job.
    Waits,
    /// Too many are tried at the moment.
    Busy,
    /// This.
    Found(Box<Found>),
}

/// What the page is made of.
#[derive(Default)]
pub struct EditInput {
    /// The form as it is filled in.
    pub draft: Draft,
    /// The name of the check that is changed; empty for a new one.
    pub existing: String,
    /// What came of trying it.
    pub tried: Tried,
    /// Names of other checks.
    pub names: Vec<String>,
    /// What went wrong when it was saved.
    pub problem: String,
    /// Whether whoever looks may change checks.
    pub may_change: bool,
}

struct FieldView {
    name: String,
    label: &'static str,
    input: Input,
    value: String,
    example: &'static str,
    help: &'static str,
    wrong: String,
}

impl FieldView {
    fn is_on(&self) -> bool {
        self.value == "true"
    }

    fn lines(&self) -> usize {
        self.value.lines().count().max(self.example.lines().count()).clamp(2, 12)
    }

    fn is_text(&self) -> bool {
        matches!(self.input, Input::Area)
    }

    fn is_area(&self) -> bool {
        matches!(self.input, Input::Area | Input::Lines | Input::Pairs | Input::Conditions)
    }

    fn is_flag(&self) -> bool {
        self.input == Input::Flag
    }

    fn is_secret(&self) -> bool {
        self.input == Input::Secret
    }

    fn is_plain(&self) -> bool {
        self.input == Input::Text
    }

    fn is_number(&self) -> bool {
        self.input == Input::Number
    }

    fn is_check(&self) -> bool {
        self.input == Input::Check
    }

    fn help(&self) -> &'static str {
        match self.input {
            _ if !self.help.is_empty() => self.help,
            Input::Lines => key("One a line."),
            Input::Pairs => key("name: value, one a line."),
            Input::Conditions => key("A path, then equals, differs, contains, above, below or exists, then a value; one a line."),
            _ => "",
        }
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        if let Input::Choice(choices) = self.input { choices } else { &[] }
    }
}

#[derive(askama::Template)]
#[template(path = "uptime/edit.html")]
struct EditPage<'a> {
    shell: &'a Shell,
    input: &'a EditInput,
    kind: &'static KindOf,
    own: Vec<FieldView>,
    first: Vec<FieldView>,
    more: Vec<FieldView>,
    is_more_open: bool,
    wrong: Vec<&'a str>,
    cancel: String,
}

impl EditPage<'_> {
    fn kinds(&self) -> &'static [&'static KindOf] {
        &kinds::KINDS
    }

    fn is_kind(&self, kind: &KindOf) -> bool {
        kind.key == self.kind.key
    }

    fn is_new(&self) -> bool {
        self.input.draft.id.is_none()
    }

    fn is_copy(&self) -> bool {
        self.input.draft.from.is_some()
    }

    fn is_waiting(&self) -> bool {
        matches!(self.input.tried, Tried::Waits)
    }

    fn is_busy(&self) -> bool {
        matches!(self.input.tried, Tried::Busy)
    }

    fn is_untried(&self) -> bool {
        matches!(self.input.tried, Tried::Nothing)
    }

    fn is_wrong(&self) -> bool {
        matches!(self.input.tried, Tried::Wrong(_))
    }

    fn found(&self) -> Option<&Found> {
        if let Tried::Found(found) = &self.input.tried { Some(found) } else { None }
    }

    fn name_wrong(&self) -> &str {
        wrong_with(self.input, "name")
    }

    fn is_heartbeat(&self) -> bool {
        self.kind.key == "heartbeat"
    }
}

fn wrong_with<'i>(input: &'i EditInput, field: &str) -> &'i str {
    let Tried::Wrong(all) = &input.tried else { return "" };
    all.iter().find(|(name, _)| name == field).map_or("", |(_, text)| text.as_str())
}

/// Renders the page.
pub fn render(input: &EditInput, shell: &Shell) -> String {
    let draft = &input.draft;
    let kind = draft.kind_of().or_else(|| kinds::KINDS.first().copied());
    let Some(kind) = kind else { return String::new() };
    let view = |(within, field): (Option<&'static str>, &'static Field)| field_view(within, field, input);
    let (mut own, mut first, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for (within, field) in draft.fields() {
        // A job is waited for: it is not probed every so often.
        let is_moot = kind.key == "heartbeat"
            && within.is_none()
            && matches!(field.key, "interval" | "timeout" | "retries" | "retry_interval" | "recoveries" | "upside_down");
        if is_moot {
            continue;
        }
        let list = match (field.is_more, within) {
            (true, _) => &mut more,
            (false, Some(_)) => &mut own,
            (false, None) => &mut first,
        };
        list.push(view((within, field)));
    }
    let known: Vec<&str> = own.iter().chain(&first).chain(&more).map(|field| field.name.as_str()).collect();
    let wrong = match &input.tried {
        Tried::Wrong(all) => {
            all.iter().filter(|(name, _)| name != "name" && !known.contains(&name.as_str())).map(|(_, text)| text.as_str()).collect()
        }
        _ => Vec::new(),
    };
    page::html(&EditPage {
        is_more_open: more.iter().any(|field| !field.wrong.is_empty()),
        cancel: draft.id.map_or_else(|| links::UPTIME.to_owned(), links::check),
        shell,
        input,
        kind,
        own,
        first,
        more,
        wrong,
    })
}

fn field_view(within: Option<&'static str>, field: &'static Field, input: &EditInput) -> FieldView {
    let name = field_name(within, field.key);
    FieldView {
        label: field.label,
        input: field.input,
        value: input.draft.value(within, field).to_owned(),
        example: field.example,
        help: field.help,
        wrong: wrong_with(input, &name).to_owned(),
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::uptime::pages::found::found;
    use crate::uptime::pages::sample::{self, HOSTILE, down};

    fn html(input: &EditInput) -> String {
        render(input, &shell(Page::Uptime, "New check", links::UPTIME_NEW, ""))
    }

    #[test]
    fn every_kind_has_its_form() {
        for kind in kinds::KINDS.iter() {
            let text = html(&EditInput { draft: Draft::new(kind.key), may_change: true, ..EditInput::default() });
            sample::check(&text);
            for field in kind.fields {
                assert!(text.contains(&format!("name=\"{}.{}\"", kind.key, field.key)), "{}.{}: {text}", kind.key, field.key);
            }
        }
        assert!(!html(&EditInput { draft: Draft::new("http"), ..EditInput::default() }).contains("class=\"btn p\""));
    }

    #[test]
    fn mistakes_stand_beside_their_fields_and_open_what_is_folded() {
        let wrong = vec![("http.json".to_owned(), "Not so.".to_owned()), ("nowhere".to_owned(), "Nor so.".to_owned())];
        let text = html(&EditInput { draft: Draft::new("http"), tried: Tried::Wrong(wrong), may_change: true, ..EditInput::default() });
        assert!(text.contains("data-err=\"http.json\">Not so.<") && text.contains("Nor so.") && text.contains("uc-more\" open"), "{text}");
    }

    #[test]
    fn what_is_found_is_shown_and_hostile_values_are_text() {
        let shell = shell(Page::Uptime, "x", links::UPTIME_NEW, "");
        let yaml = format!(
            "{{name: {0}, note: {0}, parent: p, labels: {{a: {0}}}, http: {{url: 'https://a.example', body: {0}, headers: {{X-A: {0}}}, contains: [{0}], json: [{{path: a, value: {0}}}]}}}}",
            serde_json::to_string(HOSTILE).unwrap()
        );
        let view = down(&yaml, HOSTILE);
        let tried = Tried::Found(Box::new(found(view.newest.as_ref().unwrap(), false, &shell)));
        let draft = Draft::of(&view.check);
        let names = vec![HOSTILE.to_owned()];
        let text = html(&EditInput { draft, existing: HOSTILE.into(), tried, names, problem: HOSTILE.into(), may_change: true });
        sample::check(&text);
        assert!(text.contains("192.0.2.7") && text.contains("Reading the answer"), "{text}");
    }
}
