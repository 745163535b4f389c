//! The templates that every configuration has, under the names that Alertmanager gave them.
//!
//! What they give is, byte for byte, what upstream's give, as people and programs have learnt to read it; the HTML of
//! mails is our own, with the same contents.

/// The texts and what they are called in errors.
pub(super) const TEXTS: [(&str, &str); 2] = [("default.tmpl", include_str!("defaults.tmpl")), ("email.tmpl", include_str!("mail.tmpl"))];
