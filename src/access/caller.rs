//! Who asks: nobody, a person in a browser, a program with a token.

use std::sync::Arc;

use super::policy::{Policy, Role, Scope};

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Key of the user.
    pub user_id: i64,
    /// Key of the session; 0 where a trusted proxy vouches for each request.
    pub session_id: i64,
    /// The name they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// A program.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenHolder {
    /// Key of the token.
    pub token_id: i64,
    /// The name people gave it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Requests a second, where the token has a limit of its own.
    pub rate_max: Option<f64>,
}

/// Who asks. Put into the request's extensions by [`identify`](super::identify), read by the gate and by handlers.
#[derive(Debug, Clone, PartialEq)]
pub enum Caller {
    /// Signing in is off: everyone may do everything.
    Open,
    /// This machine itself, while there is nobody who could sign in: it may do everything.
    Local,
    /// Nobody known. The sentence says what was wrong with what they showed, if they showed anything.
    Nobody(Option<&'static str>),
    /// A person.
    Person(Arc<Person>),
    /// A program.
    Token(Arc<TokenHolder>),
}

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Come in.
    Allowed,
    /// Say who you are first.
    SignIn,
    /// We know who you are, and it is not enough.
    Forbidden,
}

impl Caller {
    /// Whether they may use a route.
    pub fn may(&self, policy: Policy) -> Verdict {
        let enough = |is: bool| if is { Verdict::Allowed } else { Verdict::Forbidden };
        match (policy, self) {
            (Policy::Public, _) | (_, Self::Open | Self::Local) => Verdict::Allowed,
            (_, Self::Nobody(_)) => Verdict::SignIn,
            (Policy::Person(_), Self::Token(_)) => Verdict::Forbidden,
            (Policy::Person(role) | Policy::Needs(role, _), Self::Person(person)) => enough(person.role >= role),
            (Policy::Needs(_, scope), Self::Token(token)) => enough(token.scopes.iter().any(|held| held.covers(scope))),
        }
    }

    /// How the audit log and the server's own log name them.
    pub fn actor(&self) -> String {
        match self {
            Self::Open => "anyone (signing in is off)".to_owned(),
            Self::Local => "this machine (nobody was set up yet)".to_owned(),
            Self::Nobody(_) => "nobody".to_owned(),
            Self::Person(person) => person.name.clone(),
            Self::Token(token) => format!("token {:?}", token.name),
        }
    }

    /// The person, if it is one.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            Self::Open | Self::Local | Self::Nobody(_) | Self::Token(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(role: Role) -> Caller {
        Caller::Person(Arc::new(Person { user_id: 1, session_id: 1, name: "ann".to_owned(), role }))
    }

    fn token(scopes: &[Scope]) -> Caller {
        Caller::Token(Arc::new(TokenHolder { token_id: 1, name: "ci".to_owned(), scopes: scopes.to_vec(), rate_max: None }))
    }

    #[test]
    fn each_caller_meets_each_policy() {
        use Verdict::{Allowed, Forbidden, SignIn};
        let policies = [Policy::Public, Policy::OWN, Policy::READ, Policy::WRITE_METRICS, Policy::EDIT, Policy::ADMIN];
        let cases = [
            (Caller::Open, [Allowed; 6]),
            (Caller::Local, [Allowed; 6]),
            (Caller::Nobody(None), [Allowed, SignIn, SignIn, SignIn, SignIn, SignIn]),
            (person(Role::Viewer), [Allowed, Allowed, Allowed, Forbidden, Forbidden, Forbidden]),
            (person(Role::Editor), [Allowed, Allowed, Allowed, Allowed, Allowed, Forbidden]),
            (person(Role::Admin), [Allowed; 6]),
            (token(&[]), [Allowed, Forbidden, Forbidden, Forbidden, Forbidden, Forbidden]),
            (token(&[Scope::Read]), [Allowed, Forbidden, Allowed, Forbidden, Forbidden, Forbidden]),
            (token(&[Scope::MetricsWrite]), [Allowed, Forbidden, Forbidden, Allowed, Forbidden, Forbidden]),
            (token(&[Scope::Edit]), [Allowed, Forbidden, Allowed, Forbidden, Allowed, Forbidden]),
            (token(&[Scope::Admin]), [Allowed, Forbidden, Allowed, Allowed, Allowed, Allowed]),
        ];
        for (caller, expected) in cases {
            assert_eq!(policies.map(|policy| caller.may(policy)), expected, "{caller:?}");
        }
    }
}
