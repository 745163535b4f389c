//! Status pages as HTML, feeds and badges: what customers see, and where people make it.
//!
//! [`words`] says things in the language of a page, [`public`] is the page for customers, [`feed`] and [`json`] say the
//! same to programs; [`list`], [`edit`], [`posts`] and [`followers`] are for people who make them.

pub mod edit;
pub mod feed;
pub mod followers;
pub mod json;
pub mod list;
pub mod posts;
pub mod public;
pub mod words;

use crate::uptime::status::calendar;
use crate::uptime::status::keeper::{Draw, Drawn};
use crate::uptime::status::picture::Picture;

/// Draws status pages in each of their forms.
#[derive(Debug, Clone)]
pub struct Pen {
    /// Where people reach the server, without a slash at the end; empty if that is not set.
    pub external_url: String,
}

impl Draw for Pen {
    fn draw(&self, picture: &Picture) -> Drawn {
        let base = self.external_url.trim_end_matches('/');
        let host = base.split_once("//").map_or("pharos.invalid", |(_, rest)| rest);
        let (title, slug) = (&picture.page.title, &picture.page.slug);
        Drawn {
            html: public::render(picture),
            atom: feed::atom(picture, base),
            rss: feed::rss(picture, base),
            json: json::json(picture, base),
            calendar: calendar::ics(title, slug, host, &picture.coming, picture.at),
        }
    }
}

#[cfg(test)]
mod tests;
