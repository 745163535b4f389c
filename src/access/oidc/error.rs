//! Why a sign-in with an identity provider did not work: a sentence for the person, what to check, and the log's
//! details.

/// Why somebody did not come in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The browser that came back is not one that was sent, or came back too late or twice.
    #[error("this sign-in did not begin in this browser, took longer than ten minutes, or was used before")]
    NotBegun,
    /// The provider says no.
    #[error("the identity provider refused: {0}")]
    Denied(String),
    /// The provider gave no answer.
    #[error("the identity provider cannot be reached")]
    Unreachable {
        /// What was asked for.
        what: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// The provider's answer cannot be used.
    #[error("the identity provider's {what} cannot be used")]
    Answer {
        /// Which answer.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// What the provider says of the person does not hold.
    #[error("the identity provider's word cannot be trusted: {0}")]
    Token(String),
    /// The person is known and may not come in.
    #[error("{why}")]
    Refused {
        /// Their name.
        name: String,
        /// Why.
        why: String,
    },
    /// Too many sign-ins at once.
    #[error("too many people sign in at this moment; try again in a few seconds")]
    Busy,
    /// This server cannot go on by itself.
    #[error("this server cannot begin to sign you in: {0}")]
    Here(String),
}

impl OidcError {
    /// What to check, for whoever can change it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotBegun => {
                "Begin again. If this comes back, check that cookies are allowed, and that you open this server by the address in \
                 server.external_url."
            }
            Self::Denied(_) => {
                "Begin again, or check at the provider that you may use this server, and that the scopes in auth.oidc_scopes are \
                 allowed there."
            }
            Self::Unreachable { .. } => {
                "Check that the provider runs and that auth.oidc_issuer is right; the log of this server has the reason."
            }
            Self::Answer { .. } => {
                "Check auth.oidc_issuer, auth.oidc_client_id and the client's secret against the provider; the log of this server has \
                 the reason."
            }
            Self::Token(_) => "Check auth.oidc_issuer and auth.oidc_client_id, and that the clocks of both machines are right.",
            Self::Refused { .. } => "Whoever runs this server decides that with groups, domains and the page People.",
            Self::Busy => "",
            Self::Here(_) => "Check server.external_url; the log of this server has more.",
        }
    }

    /// What only the log says.
    pub fn detail(&self) -> &str {
        match self {
            Self::Unreachable { reason, .. } | Self::Answer { reason, .. } => reason,
            Self::NotBegun | Self::Denied(_) | Self::Token(_) | Self::Refused { .. } | Self::Busy | Self::Here(_) => "",
        }
    }

    /// What was asked of the provider when it failed.
    pub fn step(&self) -> &str {
        match self {
            Self::Unreachable { what, .. } | Self::Answer { what, .. } => what,
            Self::NotBegun | Self::Denied(_) | Self::Token(_) | Self::Refused { .. } | Self::Busy | Self::Here(_) => "",
        }
    }
}
