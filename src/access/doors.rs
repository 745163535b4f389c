//! The ways into the server besides tokens: name and password, an identity provider, trusted proxies.

use std::sync::Arc;

use http::HeaderName;

use super::grant::{RoleMap, default_role};
use super::oidc::{Oidc, OidcSettings};
use super::proxy::{Proxies, VouchedUser};
use crate::base::clock::SharedClock;
use crate::base::network::Network;
use crate::platform::config::settings::{AuthSettings, Mistake, Settings, SignIn};

const USER_HEADER: &str = "auth.proxy_user_header";

/// Ways in, as the settings have them.
#[derive(Debug)]
pub struct Doors {
    /// Whether people sign in with name and password.
    pub passwords: bool,
    /// The identity provider.
    pub oidc: Option<Arc<Oidc>>,
    /// Proxies in front of the server.
    pub proxies: Proxies,
}

impl Default for Doors {
    fn default() -> Self {
        Self { passwords: true, oidc: None, proxies: Proxies::default() }
    }
}

impl Doors {
    /// From the settings. Refuses those with which nobody could come in, or the wrong people could. Blocking: reads the
    /// files that they name.
    ///
    /// # Errors
    /// What to change.
    pub fn new(settings: &Settings, clock: SharedClock) -> Result<Self, Mistake> {
        let auth = &settings.auth;
        let proxies = Proxies { trusted: auth.proxy_trusted.clone(), users: vouched_user(auth)? };
        let oidc = match provider(settings)? {
            Some(provider) => Some(Oidc::new(provider, clock)?),
            None => None,
        };
        if auth.mode != SignIn::Off && !auth.password_login && oidc.is_none() && proxies.users.is_none() {
            return Err(Mistake::new(
                "auth.password_login",
                "auth.password_login is off, and neither auth.oidc_issuer nor auth.proxy_user_header lets anybody in another way",
            ));
        }
        Ok(Self { passwords: auth.password_login, oidc, proxies })
    }
}

fn provider(settings: &Settings) -> Result<Option<OidcSettings>, Mistake> {
    let auth = &settings.auth;
    if auth.oidc_issuer.is_empty() {
        let left = [
            ("auth.oidc_client_id", auth.oidc_client_id.is_empty()),
            ("auth.oidc_client_secret", auth.oidc_client_secret.is_empty()),
            ("auth.oidc_client_secret_file", auth.oidc_client_secret_file.is_empty()),
        ];
        return match left.into_iter().find(|(_, is_empty)| !is_empty) {
            Some((setting, _)) => {
                Err(Mistake::new(setting, format!("{setting} is set, but auth.oidc_issuer does not say for which identity provider")))
            }
            None => Ok(None),
        };
    }
    Ok(Some(OidcSettings {
        issuer: auth.oidc_issuer.clone(),
        client_id: auth.oidc_client_id.clone(),
        client_secret: auth.oidc_client_secret.clone(),
        client_secret_file: auth.oidc_client_secret_file.clone(),
        ca_file: auth.oidc_ca_file.clone(),
        scopes: auth.oidc_scopes.clone(),
        name: auth.oidc_name.clone(),
        name_claim: auth.oidc_name_claim.clone(),
        groups_claim: auth.oidc_groups_claim.clone(),
        roles: RoleMap {
            admin: auth.oidc_admin_groups.clone(),
            editor: auth.oidc_editor_groups.clone(),
            viewer: auth.oidc_viewer_groups.clone(),
            default: default_role(auth.oidc_default_role),
        },
        allowed_domains: auth.oidc_allowed_domains.clone(),
        sign_out: auth.oidc_sign_out,
        external_url: settings.server.external_url.clone(),
    }))
}

fn vouched_user(auth: &AuthSettings) -> Result<Option<VouchedUser>, Mistake> {
    let header = |name: &'static str, text: &str| -> Result<Option<HeaderName>, Mistake> {
        let parsed = (!text.is_empty()).then(|| HeaderName::from_bytes(text.as_bytes())).transpose();
        parsed.map_err(|_| Mistake::new(name, format!("{name}: {text:?} is no name of a header")))
    };
    let Some(user) = header("auth.proxy_user_header", &auth.proxy_user_header)? else { return Ok(None) };
    if auth.proxy_trusted.is_empty() {
        return Err(Mistake::new(
            USER_HEADER,
            "auth.proxy_user_header is set, but no proxy may send it: name their addresses in auth.proxy_trusted",
        ));
    }
    if auth.proxy_trusted.iter().any(Network::is_everything) {
        return Err(Mistake::new(
            "auth.proxy_trusted",
            "auth.proxy_trusted names every address, so with auth.proxy_user_header anybody could be anybody",
        ));
    }
    let role = header("auth.proxy_role_header", &auth.proxy_role_header)?;
    let groups = header("auth.proxy_groups_header", &auth.proxy_groups_header)?;
    let roles = RoleMap {
        admin: auth.proxy_admin_groups.clone(),
        editor: auth.proxy_editor_groups.clone(),
        viewer: auth.proxy_viewer_groups.clone(),
        default: default_role(auth.proxy_default_role),
    };
    if groups.is_none() && roles.has_groups() {
        return Err(Mistake::new(
            USER_HEADER,
            "groups of the proxy have roles, but auth.proxy_groups_header does not say in which header they come",
        ));
    }
    if role.is_none() && roles.gives_nothing() {
        return Err(Mistake::new(
            USER_HEADER,
            "auth.proxy_user_header is set, but its users would have no role: set auth.proxy_default_role, or name groups in \
             auth.proxy_admin_groups, auth.proxy_editor_groups or auth.proxy_viewer_groups, or a header in auth.proxy_role_header",
        ));
    }
    let email = header("auth.proxy_email_header", &auth.proxy_email_header)?;
    Ok(Some(VouchedUser { user, email, groups, role, roles }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    fn doors(set: &[(&str, &str)]) -> Result<Doors, String> {
        let mut settings = Settings::default();
        for (name, text) in [("auth.mode", "on")].iter().chain(set) {
            assert_eq!(settings.set(name, text), Ok(true), "{name}");
        }
        Doors::new(&settings, ManualClock::at(0)).map_err(|mistake| mistake.message)
    }

    #[test]
    fn settings_that_let_nobody_in_are_refused() {
        let oidc = [("auth.oidc_issuer", "https://id.example"), ("auth.oidc_client_id", "pharos")];
        let proxy = [("auth.proxy_user_header", "Remote-User"), ("auth.proxy_trusted", "10.0.0.0/8")];
        for (set, said) in [
            (vec![("auth.password_login", "false")], "lets anybody in another way"),
            (oidc.to_vec(), "auth.oidc_default_role"),
            (vec![oidc[0], ("auth.oidc_default_role", "viewer")], "auth.oidc_client_id"),
            (vec![("auth.oidc_issuer", "id.example"), oidc[1], ("auth.oidc_default_role", "viewer")], "URL"),
            (vec![oidc[1]], "auth.oidc_issuer does not say"),
            (vec![("auth.oidc_client_secret", "s3cret")], "auth.oidc_client_secret is set"),
            (
                vec![oidc[0], oidc[1], ("auth.oidc_default_role", "viewer"), ("auth.oidc_client_secret_file", "/nowhere/secret")],
                "cannot read /nowhere/secret",
            ),
            (vec![proxy[0]], "auth.proxy_trusted"),
            (proxy.to_vec(), "auth.proxy_default_role"),
            (vec![proxy[0], ("auth.proxy_trusted", "10.0.0.1,::/0"), ("auth.proxy_default_role", "viewer")], "every address"),
            (vec![proxy[0], proxy[1], ("auth.proxy_admin_groups", "ops")], "auth.proxy_groups_header"),
            (vec![("auth.proxy_user_header", "Remote User")], "no name of a header"),
        ] {
            let error = doors(&set).expect_err("refused");
            assert!(error.contains(said), "{set:?}: {error}");
        }
        let good = doors(&[oidc[0], oidc[1], ("auth.oidc_default_role", "viewer"), ("auth.password_login", "false")]).expect("good");
        assert!(!good.passwords && good.oidc.is_some() && good.proxies.users.is_none());
        let good = doors(&[proxy[0], proxy[1], ("auth.proxy_role_header", "Remote-Role")]).expect("good");
        assert!(good.passwords && good.proxies.users.is_some());
    }
}
