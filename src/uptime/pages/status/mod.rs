//! Status pages as HTML, feeds and badges: what customers see, and where people make it.
//!
//! [`words`] says things in the language of a page, [`public`] is the page for customers, [`feed`] and [`json`] say the
//! same to programs, [`place`] is where all of them are; [`list`], [`edit`], [`posts`], [`templates`] and [`followers`] are
//! for people who make them.

pub mod edit;
pub mod feed;
pub mod followers;
pub mod json;
pub mod list;
pub mod place;
pub mod posts;
pub mod public;
pub mod templates;
pub mod words;

use crate::uptime::status::calendar;
use crate::uptime::status::keeper::{Draw, Drawn};
use crate::uptime::status::picture::Picture;

use place::Place;

/// Draws status pages in each of their forms.
#[derive(Debug, Clone)]
pub struct Pen {
    /// Where people reach the server, without a slash at the end; empty if that is not set.
    pub external_url: String,
}

impl Draw for Pen {
    fn draw(&self, picture: &Picture) -> Drawn {
        let base = self.external_url.trim_end_matches('/');
        let place = Place::of(&picture.page, base);
        let host = base.split_once("//").map_or("pharos.invalid", |(_, rest)| rest);
        let (title, slug) = (&picture.page.title, &picture.page.slug);
        Drawn {
            html: public::render(picture, &Place::seen(&picture.page, base)),
            atom: feed::atom(picture, base, &place),
            rss: feed::rss(picture, base, &place),
            json: json::json(picture, &place),
            calendar: calendar::ics(title, slug, host, &picture.coming, picture.announced_at),
        }
    }
}

#[cfg(test)]
mod tests;
