//! E-mail.

use std::collections::BTreeMap;

use super::Channel;
use crate::alerts::config::global::Global;
use crate::alerts::config::http::TlsConfig;
use crate::base::secret::Secret;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, HostPort};
use crate::series::labels::quote;

keys! {
    /// A mail.
    Email, "email_configs", check = check_email;
    /// Whether the end of alerts is told.
    send_resolved: bool,
    /// Template of the receivers.
    to: String,
    /// Template of the sender.
    from: String,
    /// The name to greet the server with.
    hello: String,
    /// The server.
    smarthost: HostPort,
    /// Name at the server.
    auth_username: String,
    /// Password at the server.
    auth_password: Secret,
    /// A file that holds it.
    auth_password_file: FilePath,
    /// Secret of CRAM-MD5.
    auth_secret: Secret,
    /// A file that holds it.
    auth_secret_file: FilePath,
    /// Identity of PLAIN.
    auth_identity: String,
    /// Templates of headers by name; the names are in their usual spelling.
    headers: BTreeMap<String, String>,
    /// Template of the HTML part; empty for none.
    html: String = "{{ template \"email.default.html\" . }}",
    /// Template of the text part; empty for none.
    text: String,
    /// Whether mail goes only through TLS.
    require_tls: Option<bool>,
    /// Certificates.
    tls_config: Option<Box<TlsConfig>>,
    /// Whether TLS begins with the connection; by default only at port 465.
    force_implicit_tls: Option<bool>,
    /// Whether mails of a group belong together for mail programs.
    threading: Option<Box<Threading>>,
}

keys! {
    /// Whether mails of a group belong together for mail programs.
    Threading, "threading";
    /// Whether they do.
    enabled: bool,
    /// `none`, or `daily` for a new thread each day.
    thread_by_date: String,
}

fn check_email(email: &mut Email, section: &mut Section<'_, '_>) {
    if email.to.is_empty() {
        section.report.error(section.at, "missing to address in email config");
    }
    let mut headers = BTreeMap::new();
    for (name, value) in std::mem::take(&mut email.headers) {
        let name = canonical(&name);
        if headers.insert(name.clone(), value).is_some() {
            let at = section.place("headers");
            section.report.error(at, format!("duplicate header {} in email config", quote(&name)));
        }
    }
    email.headers = headers;
    let Some(threading) = email.threading.as_ref().filter(|threading| threading.enabled) else { return };
    let at = section.place("threading");
    for name in ["References", "In-Reply-To"] {
        if email.headers.contains_key(name) {
            section.report.error(at, format!("conflicting configuration: threading.enabled conflicts with custom {name} header"));
        }
    }
    if !matches!(&*threading.thread_by_date, "none" | "daily") {
        section.report.error(at, "threading.thread_by_date must be either 'none' or 'daily'");
    }
}

/// `x-my-header` as `X-My-Header`; a name that is none stays as it is.
fn canonical(name: &str) -> String {
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) {
        return name.to_owned();
    }
    let mut begins = true;
    let letter = |c: char| {
        let out = if begins { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        begins = c == '-';
        out
    };
    name.chars().map(letter).collect()
}

/// What is not set here is as it is set there.
fn or(own: &mut String, global: &str) {
    if own.is_empty() {
        global.clone_into(own);
    }
}

impl Channel for Email {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        if self.tls_config.is_none() {
            self.tls_config.clone_from(&global.smtp_tls_config);
        }
        if self.smarthost.is_empty() {
            self.smarthost = global.smtp_smarthost.clone();
        }
        or(&mut self.from, &global.smtp_from);
        or(&mut self.hello, &global.smtp_hello);
        or(&mut self.auth_username, &global.smtp_auth_username);
        or(&mut self.auth_identity, &global.smtp_auth_identity);
        if self.auth_password.is_empty() && self.auth_password_file.is_empty() {
            self.auth_password = global.smtp_auth_password.clone();
            self.auth_password_file = global.smtp_auth_password_file.clone();
        }
        if self.auth_secret.is_empty() && self.auth_secret_file.is_empty() {
            self.auth_secret = global.smtp_auth_secret.clone();
            self.auth_secret_file = global.smtp_auth_secret_file.clone();
        }
        self.require_tls.get_or_insert(global.smtp_require_tls);
        self.force_implicit_tls = self.force_implicit_tls.or(global.smtp_force_implicit_tls);
        if self.smarthost.is_empty() {
            return Err("no global SMTP smarthost set");
        }
        if self.from.is_empty() {
            return Err("no global SMTP from set");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn header_names() {
        for (name, expected) in [("subject", "Subject"), ("X-MY-header", "X-My-Header"), ("a b", "a b"), ("", "")] {
            assert_eq!(canonical(name), expected);
        }
    }
}
