//! The fields of a form as they were written: what came is what is shown again, whatever is wrong with it.

use crate::alerts::calm::{CalmRule, Rota};
use crate::alerts::model::matcher::Matchers;

use super::when::Plain;

/// Fields that are read of a form.
const FIELDS_MAX: usize = 400;
/// Characters of a field.
const FIELD_CHARS_MAX: usize = 64 * 1024;
/// Rows of people or steps in a form.
pub const ROWS_MAX: usize = 50;

/// Names and what stands in them, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// From the query string or body of a form.
    pub fn from_form(form: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(form).take(FIELDS_MAX).map(|(name, value)| {
            let value: String = value.trim().replace("\r\n", "\n").chars().take(FIELD_CHARS_MAX).collect();
            (name.into_owned(), value)
        });
        Self(pairs.collect())
    }

    /// What stands in a field; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// Everything that came under a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a field has this value among others of the name.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|known| known == value)
    }

    /// Writes a field.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Writes a field if nothing stands in it.
    pub fn preset(&mut self, name: &str, value: &str) {
        if self.get(name).is_empty() {
            self.set(name, value);
        }
    }

    /// Takes over all of others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Rows of a form that repeats a field by number: those that are filled in, those asked for, and one to write into.
    pub fn rows(&self, name: &str, least: usize) -> usize {
        let filled = (0..ROWS_MAX).rev().find(|row| !self.get(&format!("{name}{row}")).is_empty()).map_or(0, |row| row + 1);
        let asked = self.get("rows").parse().unwrap_or(0);
        (filled + 1).max(asked).max(least).min(ROWS_MAX)
    }

    /// Does what a button of the form asks for: `row` adds one, `up3` moves the fourth up, `drop3` takes it out.
    pub fn rearrange(&mut self, names: &[&str], least: usize) {
        let asked = self.get("do").to_owned();
        let Some(first) = names.first() else { return };
        let rows = self.rows(first, least);
        let row = |text: Option<&str>| text.and_then(|row| row.parse::<usize>().ok()).filter(|row| *row < rows);
        if asked == "row" {
            self.set("rows", (rows + 1).min(ROWS_MAX).to_string());
        } else if let Some(row) = row(asked.strip_prefix("up")).filter(|row| *row > 0) {
            for name in names {
                self.swap(&format!("{name}{}", row - 1), &format!("{name}{row}"));
            }
        } else if let Some(row) = row(asked.strip_prefix("drop")) {
            for name in names {
                for at in row..rows {
                    let next = self.get(&format!("{name}{}", at + 1)).to_owned();
                    self.set(&format!("{name}{at}"), next);
                }
            }
        }
        self.0.retain(|(name, _)| name != "do");
    }

    fn swap(&mut self, one: &str, other: &str) {
        let (first, second) = (self.get(one).to_owned(), self.get(other).to_owned());
        self.set(one, second);
        self.set(other, first);
    }

    /// The fields of a rule that is there.
    pub fn of(rule: &CalmRule) -> Self {
        let mut fields = Self::default();
        match rule {
            CalmRule::RecurringSilence(rule) => {
                fields.add("title", &rule.title);
                fields.add("matchers", lines(&rule.matchers));
                match Plain::of(&rule.intervals) {
                    Some(plain) => plain.write(&mut fields),
                    None => fields.add("keep", "1"),
                }
            }
            CalmRule::Dependency(rule) => {
                fields.add("title", &rule.title);
                fields.add("source", lines(&rule.source));
                fields.add("target", lines(&rule.target));
                fields.add("equal", rule.equal.join(", "));
            }
            CalmRule::Escalation(rule) => {
                fields.add("title", &rule.title);
                fields.add("matchers", lines(&rule.matchers));
                for (row, step) in rule.steps.iter().enumerate() {
                    fields.add(&format!("after{row}"), step.after.to_string());
                    fields.add(&format!("to{row}"), &step.receiver);
                }
            }
            CalmRule::Rota(rota) => fields.add_rota(rota),
            CalmRule::Cap(cap) => {
                fields.add("receiver", &cap.receiver);
                fields.add("messages", cap.messages.to_string());
                fields.add("within", cap.within.to_string());
            }
            CalmRule::Flapping(rule) => {
                fields.add("title", &rule.title);
                fields.add("matchers", lines(&rule.matchers));
                fields.add("changes", rule.changes.to_string());
                fields.add("within", rule.within.to_string());
                fields.add("quiet", rule.quiet.to_string());
            }
        }
        fields
    }

    fn add_rota(&mut self, rota: &Rota) {
        self.add("title", &rota.title);
        self.add("receiver", &rota.receiver);
        for (row, member) in rota.members.iter().enumerate() {
            self.add(&format!("person{row}"), &member.person);
            self.add(&format!("via{row}"), &member.receiver);
        }
        self.add("first", crate::alerts::model::interval::text::write_day(i64::from(rota.first_day)));
        self.add("handover", super::when::clock(u32::from(rota.hand_over)));
        self.add("days", rota.turn_days.to_string());
        self.add("zone", rota.location.as_str());
    }
}

/// Matchers, one a line.
pub fn lines(matchers: &Matchers) -> String {
    matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_move_and_go() {
        let form = |query: &str| {
            let mut fields = Fields::from_form(query.as_bytes());
            fields.rearrange(&["person", "via"], 2);
            let row = |row: usize| format!("{}/{}", fields.get(&format!("person{row}")), fields.get(&format!("via{row}")));
            (fields.rows("person", 2), (0..3).map(row).collect::<Vec<_>>().join(" "))
        };
        let three = "person0=ann&via0=a&person1=bob&via1=b&person2=eve&via2=e";
        assert_eq!(form(three), (4, "ann/a bob/b eve/e".to_owned()));
        assert_eq!(form(&format!("{three}&do=up2")), (4, "ann/a eve/e bob/b".to_owned()));
        assert_eq!(form(&format!("{three}&do=drop0")), (3, "bob/b eve/e /".to_owned()));
        assert_eq!(form(&format!("{three}&do=row")).0, 5);
        for odd in ["up0", "up99", "drop99", "upx", "row&rows=9999999999999", "row&rows=50"] {
            assert!(form(&format!("{three}&do={odd}")).0 <= ROWS_MAX, "{odd}");
        }
        assert_eq!(form("").0, 2);
        let many: String = (0..1000).map(|row| format!("person{row}=x&")).collect();
        assert_eq!(form(&many).0, ROWS_MAX);
    }
}
