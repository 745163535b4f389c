//! Status pages for customers: what they are, what is told on them, what they show now.
//!
//! In this order: [`page`] (a page as it is written), [`host`] (names under which it
//! stands alone), [`accent`] (its colour, legible on both grounds), [`post`] (what
//! people tell), [`picture`] (what a page shows, put together from states, figures, posts and maintenance), [`sentence`]
//! (the one sentence on top), [`copies`] (its bytes, packed once for everyone), [`keeper`] (keeps all of them as they are
//! now), [`badge`] (a state as a small picture), [`calendar`] (maintenance as a calendar), [`telling`] (tells those who
//! follow a page), [`limits`] (how often somebody may ask to), [`months`] (the past, kept where somebody looked at it),
//! [`logo`] (the picture on top), [`lock`] (who sees a page with a password), [`template`] (texts to choose from).

pub mod accent;
pub mod calendar;
pub mod copies;
pub mod host;
pub mod keeper;
pub mod limits;
pub mod lock;
pub mod logo;
pub mod months;
pub mod page;
pub mod picture;
pub mod post;
pub mod sentence;
pub mod telling;
pub mod template;
