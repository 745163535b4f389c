//! What was on a status page within a month, for customers: no account, no script.

use super::{Was, style, theme, was_by_day};
use crate::ui::format;
use crate::ui::lang::Lang;
use crate::ui::links;
use crate::ui::page;
use crate::uptime::pages::status::place::Place;
use crate::uptime::pages::status::words;
use crate::uptime::report::period::Period;
use crate::uptime::status::picture::Picture;

#[derive(askama::Template)]
#[template(path = "uptime/status/history.html")]
struct HistoryPage<'a> {
    picture: &'a Picture,
    lang: Lang,
    theme: &'a str,
    style: String,
    month: String,
    home: String,
    earlier: String,
    later: String,
    past: Vec<(String, Vec<Was>)>,
}

impl HistoryPage<'_> {
    fn t(&self, en: &'static str) -> &str {
        self.lang.t(en)
    }
}

/// Renders it: the past of the picture is that of the month. Months beside it are offered where there is any of them.
pub fn render(picture: &Picture, place: &Place, month: Period, [is_earlier, is_later]: [bool; 2]) -> String {
    let lang = words::lang_of(picture);
    let link = |month: Period| links::with(&place.below(links::STATUS_HISTORY), &[("month", &month.to_string())]);
    page::html(&HistoryPage {
        lang,
        theme: theme(&picture.page),
        style: style(&picture.page.accent),
        month: format::period(month, lang),
        home: place.home(),
        earlier: if is_earlier { link(month.before()) } else { String::new() },
        later: if is_later { link(month.next()) } else { String::new() },
        past: was_by_day(picture, lang),
        picture,
    })
}
