//! Status pages as HTML, feeds and badges: what customers see, and where people make it.
//!
//! [`words`] says things in the language of a page, [`public`] is the page for customers; [`list`], [`edit`] and [`posts`]
//! are for people who make them.

pub mod edit;
pub mod list;
pub mod posts;
pub mod public;
pub mod words;

use crate::uptime::status::keeper::{Draw, Drawn};
use crate::uptime::status::picture::Picture;

/// Draws status pages in each of their forms.
#[derive(Debug, Clone, Copy)]
pub struct Pen;

impl Draw for Pen {
    fn draw(&self, picture: &Picture) -> Drawn {
        Drawn { html: public::render(picture) }
    }
}
