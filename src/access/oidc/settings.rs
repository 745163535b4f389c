//! What must be known of an identity provider, and which settings cannot work.

use std::fs::File;
use std::io::Read;

use url::Url;

use super::SECRET_BYTES_MAX;
use crate::access::grant::RoleMap;
use crate::base::masked;
use crate::base::secret::Secret;
use crate::platform::config::settings::Mistake;
use crate::platform::http::client::{ClientSettings, ProxySettings, SecretSource, TlsSettings};

/// Most characters of any setting that is sent to the provider.
const CHARS_MAX: usize = 2000;
const ISSUER: &str = "auth.oidc_issuer";
const SECRET_FILE: &str = "auth.oidc_client_secret_file";
/// The scope without which a provider sends no ID token.
const OPENID: &str = "openid";

/// One provider, and what its users may do here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// Its URL, to the letter as it names itself.
    pub issuer: String,
    /// What this server is called there.
    pub client_id: String,
    /// The secret for it; empty where it stands in a file, or there is none.
    pub client_secret: Secret,
    /// The file for it, or nothing.
    pub client_secret_file: String,
    /// Authorities for its certificate, or nothing.
    pub ca_file: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// What people call it.
    pub name: String,
    /// Claim that names people.
    pub name_claim: String,
    /// Claim that lists groups.
    pub groups_claim: String,
    /// What groups give.
    pub roles: RoleMap,
    /// Domains that mail addresses must have; any when empty.
    pub allowed_domains: Vec<String>,
    /// Whether people are signed out there as well.
    pub sign_out: bool,
    /// URL under which browsers reach this server; empty for the one they ask by.
    pub external_url: String,
}

impl OidcSettings {
    /// Says what cannot work.
    pub(super) fn check(&self) -> Result<(), Mistake> {
        let wrong = |setting, message: &str| Err(Mistake::new(setting, message));
        let url = Url::parse(&self.issuer).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.host_str().is_some());
        let Some(url) = url else {
            let shown = masked::url(&self.issuer);
            return wrong(ISSUER, &format!("auth.oidc_issuer: {shown:?} is no URL such as https://id.example.com"));
        };
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return wrong(ISSUER, "auth.oidc_issuer: the URL of a provider has no user, no password, no ? and no #");
        }
        if self.client_id.is_empty() {
            let message = "auth.oidc_issuer is set, but auth.oidc_client_id does not say what this server is called there";
            return wrong(ISSUER, message);
        }
        if !self.client_secret.is_empty() && !self.client_secret_file.is_empty() {
            return wrong(SECRET_FILE, "only one of auth.oidc_client_secret and auth.oidc_client_secret_file can be set");
        }
        if self.roles.gives_nothing() {
            return wrong(
                ISSUER,
                "auth.oidc_issuer is set, but its users would have no role: set auth.oidc_default_role, or name groups in \
                 auth.oidc_admin_groups, auth.oidc_editor_groups or auth.oidc_viewer_groups",
            );
        }
        if self.name_claim.is_empty() || (self.groups_claim.is_empty() && self.roles.has_groups()) {
            let setting = if self.name_claim.is_empty() { "auth.oidc_name_claim" } else { "auth.oidc_groups_claim" };
            return wrong(setting, "auth.oidc_name_claim and auth.oidc_groups_claim must name claims of the provider");
        }
        let sent = [
            (ISSUER, &self.issuer),
            ("auth.oidc_client_id", &self.client_id),
            ("auth.oidc_name", &self.name),
            ("auth.oidc_scopes", &self.scope()),
        ];
        if let Some((setting, _)) = sent.iter().find(|(_, text)| text.chars().count() > CHARS_MAX) {
            return wrong(setting, &format!("{setting} has more than {CHARS_MAX} characters"));
        }
        self.check_secret_file()
    }

    /// The secret is read at each sign-in; a file that is not there is better known now.
    fn check_secret_file(&self) -> Result<(), Mistake> {
        let path = &self.client_secret_file;
        if path.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX).read_to_string(&mut text));
        match read {
            Err(error) => Err(Mistake::new(SECRET_FILE, format!("cannot read {path}: {error}"))),
            Ok(_) if text.trim().is_empty() => Err(Mistake::new(SECRET_FILE, format!("{path} holds no secret"))),
            Ok(_) => Ok(()),
        }
    }

    /// Whether the provider is reached without TLS, where others may read and change what it says.
    pub(super) fn is_plain(&self) -> bool {
        self.issuer.starts_with("http://")
    }

    /// Scopes as they are sent.
    pub(super) fn scope(&self) -> String {
        let mut scopes: Vec<&str> = self.scopes.iter().flat_map(|scopes| scopes.split_whitespace()).collect();
        if !scopes.contains(&OPENID) {
            scopes.insert(0, OPENID);
        }
        scopes.join(" ")
    }

    /// How requests to it are made.
    pub(super) fn client(&self) -> ClientSettings {
        let ca = if self.ca_file.is_empty() { SecretSource::None } else { SecretSource::File(self.ca_file.clone()) };
        ClientSettings {
            tls: TlsSettings { ca, ..TlsSettings::default() },
            proxy: ProxySettings { from_environment: true, ..ProxySettings::default() },
            // A provider names its addresses itself; a secret follows nobody elsewhere.
            follow_redirects: false,
            ..ClientSettings::default()
        }
    }
}
