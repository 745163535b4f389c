//! Keys for programs.

use super::activity::TokenActivity;
use super::key;
use super::policy::Scope;
use super::service::{Access, AccessError, Origin};
use super::store::tokens::{self, Token};
use crate::base::secret::Secret;

/// Most tokens.
const TOKENS_MAX: usize = 10_000;
/// Most characters of a token's name.
const NAME_CHARS_MAX: usize = 100;

/// What a token is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// What it may do; at least one.
    pub scopes: Vec<Scope>,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_ms: Option<i64>,
    /// Requests a second.
    pub rate_max: Option<f64>,
}

fn refused(why: impl Into<String>) -> AccessError {
    AccessError::Refused(why.into())
}

fn described(token: &Token) -> String {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    serde_json::json!({ "scopes": scopes, "expires_ms": token.expires_ms, "rate_max": token.rate_max }).to_string()
}

impl Access {
    /// All tokens, newest first. Blocking.
    pub fn tokens(&self) -> Result<Vec<Token>, AccessError> {
        Ok(self.db.read(tokens::all)?)
    }

    /// Makes a token. The secret is shown this once.
    pub async fn create_token(&self, actor: &str, new: NewToken, origin: &Origin) -> Result<(Token, Secret), AccessError> {
        let now = self.clock.now_ms();
        let length = new.name.trim().chars().count();
        if length == 0 || length > NAME_CHARS_MAX {
            return Err(refused(format!("a token's name has 1 to {NAME_CHARS_MAX} characters")));
        }
        if new.scopes.is_empty() {
            return Err(refused("choose at least one thing that the token may do"));
        }
        if new.expires_ms.is_some_and(|end| end <= now) {
            return Err(refused("the token would have ended already"));
        }
        if new.rate_max.is_some_and(|rate| !(rate > 0.0 && rate <= 1e6)) {
            return Err(refused("the limit is a number of requests a second above 0 and at most 1000000"));
        }
        if self.tokens()?.len() >= TOKENS_MAX {
            return Err(refused(format!("there are {TOKENS_MAX} tokens already, which is the most allowed")));
        }
        let secret = key::fresh(key::TOKEN_PREFIX)?;
        let mut token = Token {
            id: 0,
            hash: key::hash(secret.expose()),
            name: new.name.trim().to_owned(),
            scopes: new.scopes,
            created_by: actor.to_owned(),
            created_ms: now,
            expires_ms: new.expires_ms,
            rate_max: new.rate_max,
            used_ms: None,
            used_from: None,
        };
        let row = token.clone();
        token.id = self.db.write(move |tx| tokens::insert(tx, &row)).await?;
        self.reload()?;
        self.note(actor, origin, "token.create", &token.name, None, Some(described(&token))).await?;
        Ok((token, secret))
    }

    /// Counts an answer to a request that showed a token.
    pub fn token_answered(&self, id: i64, status: u16, samples: u64) {
        self.activities.answered(id, status, samples);
    }

    /// What came in with a token since the start.
    pub fn token_activity(&self, id: i64) -> TokenActivity {
        self.activities.of(id)
    }

    /// Ends a token at once.
    pub async fn revoke_token(&self, actor: &str, id: i64, origin: &Origin) -> Result<(), AccessError> {
        let token = self.tokens()?.into_iter().find(|token| token.id == id).ok_or_else(|| refused("there is no such token"))?;
        self.db.write(move |tx| tokens::delete(tx, id)).await?;
        self.reload()?;
        self.activities.forget(id);
        self.note(actor, origin, "token.revoke", &token.name, Some(described(&token)), None).await
    }
}
