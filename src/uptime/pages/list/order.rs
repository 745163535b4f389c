//! What a form asks to be done with the checks that are chosen on the list.

use std::collections::BTreeSet;

use super::Filter;
use crate::ui::lang::{Words, key};
use crate::ui::links;
use crate::uptime::pages::maintenance::edit::Draft;

/// Checks that one form is about at most.
pub const CHOSEN_MAX: usize = 1_000;

/// What a form asks to be done with the checks that are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Nobody wants to know any more, or again.
    Pause(bool),
    /// Probe now.
    Probe,
    /// Forget, after a question.
    Delete {
        /// Whether it was answered.
        is_sure: bool,
    },
    /// A label and its value; none takes it away.
    Label(String, Option<String>),
    /// How often.
    Interval(String),
    /// How many failures after the first.
    Retries(String),
    /// How bad it is where one of them is down.
    Severity(String),
    /// Plan maintenance of them.
    Maintain,
}

/// A form about checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which.
    pub checks: Vec<i64>,
    /// All that match on the page where they come from, instead; so many were there when they were chosen.
    pub every: Option<usize>,
    /// What is to be done.
    pub wish: Wish,
    /// Where to go then: a page of checks.
    pub back: String,
}

impl Order {
    /// From the body of a form.
    ///
    /// # Errors
    /// What is missing, and where the reader came from.
    pub fn from_form(body: &[u8]) -> Result<Self, (Words, String)> {
        let fields = Draft::from_form(body);
        let field = |name: &str| fields.get(name);
        // Only back to pages of checks.
        let is_ours = |back: &str| back == links::UPTIME || back.starts_with("/uptime?") || back.starts_with("/uptime/");
        let back = if is_ours(field("back")) { field("back") } else { links::UPTIME }.to_owned();
        let checks: BTreeSet<i64> = fields.all("check").filter_map(|id| id.parse().ok()).collect();
        let every = field("every").parse().ok();
        let wish = match Wish::read(&fields) {
            Ok(wish) => wish,
            Err(words) => return Err((words.into(), back)),
        };
        if checks.is_empty() && every.is_none() {
            return Err((key("Choose at least one check.").into(), back));
        }
        if checks.len() > CHOSEN_MAX {
            return Err((Words::new("One form is about at most {} checks.", [CHOSEN_MAX.to_string()]), back));
        }
        Ok(Self { checks: checks.into_iter().collect(), every, wish, back })
    }

    /// The filter of the page where they come from.
    pub fn filter(&self) -> Filter {
        Filter::from_query(self.back.split_once('?').map_or("", |(_, query)| query))
    }
}

impl Wish {
    fn read(fields: &Draft) -> Result<Self, &'static str> {
        let label = fields.get("label");
        let pair = label.split_once(['=', ':']).map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let filled = |name: &str, why| Some(fields.get(name).to_owned()).filter(|text| !text.is_empty()).ok_or(why);
        match (fields.get("do"), pair) {
            ("pause", _) => Ok(Self::Pause(true)),
            ("resume", _) => Ok(Self::Pause(false)),
            ("probe", _) => Ok(Self::Probe),
            ("maintain", _) => Ok(Self::Maintain),
            ("delete", _) => Ok(Self::Delete { is_sure: !fields.get("sure").is_empty() }),
            ("label", Some((name, value))) if !name.is_empty() && !value.is_empty() => Ok(Self::Label(name, Some(value))),
            ("label", _) => Err(key("Write a label as name=value, such as team=web.")),
            ("unlabel", pair) => {
                let name = pair.map_or_else(|| label.to_owned(), |(name, _)| name);
                if name.is_empty() { Err(key("Write the name of the label.")) } else { Ok(Self::Label(name, None)) }
            }
            ("interval", _) => filled("interval", key("Write how often, such as 30s or 5m.")).map(Self::Interval),
            ("retries", _) => filled("retries", key("Write how often it is tried again, such as 2.")).map(Self::Retries),
            ("severity", _) => filled("severity", key("Write how bad it is, such as critical.")).map(Self::Severity),
            _ => Err(key("Choose what is to be done.")),
        }
    }
}
