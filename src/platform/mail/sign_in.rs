//! Sign-in at a mail server: CRAM-MD5 (RFC 2195), PLAIN (RFC 4616) and LOGIN, the first that the server names and for
//! which there is a password or a secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use super::conversation::Conversation;
use super::{Credentials, MailError};

/// Bytes of a block of MD5.
const BLOCK: usize = 64;

/// Signs in, if the server asks for it and there is a user.
pub(super) async fn sign_in(server: &mut Conversation, who: &Credentials, host: &str) -> Result<(), MailError> {
    let Some(offered) = server.offered("AUTH").map(str::to_owned).filter(|_| !who.username.is_empty()) else { return Ok(()) };
    let mut problems = Vec::new();
    for mechanism in offered.split_whitespace() {
        match mechanism.to_ascii_uppercase().as_str() {
            "CRAM-MD5" if !who.secret.is_empty() => return cram_md5(server, who).await,
            "CRAM-MD5" => problems.push("missing secret for CRAM-MD5 auth mechanism".to_owned()),
            "PLAIN" if !who.password.is_empty() => return plain(server, who, host).await,
            "LOGIN" if !who.password.is_empty() => return login(server, who).await,
            "PLAIN" | "LOGIN" => problems.push(format!("missing password for {mechanism} auth mechanism")),
            _ => problems.push(format!("unknown auth mechanism: {mechanism}")),
        }
    }
    Err(MailError::new("find auth mechanism", problems.join("; ")))
}

async fn cram_md5(server: &mut Conversation, who: &Credentials) -> Result<(), MailError> {
    const WHAT: &str = "CRAM-MD5 auth";
    let asked = server.say(WHAT, "AUTH CRAM-MD5", 334).await?;
    let challenge = STANDARD.decode(asked.lines.concat().trim()).map_err(|_| MailError::new(WHAT, "the challenge is no Base64"))?;
    let digest = hmac_md5(who.secret.expose().as_bytes(), &challenge);
    let answer = STANDARD.encode(format!("{} {digest}", who.username));
    server.say(WHAT, &answer, 235).await.map(|_| ())
}

fn hmac_md5(key: &[u8], text: &[u8]) -> String {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..16].copy_from_slice(&Md5::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Md5::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    let outer = Md5::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn plain(server: &mut Conversation, who: &Credentials, host: &str) -> Result<(), MailError> {
    const WHAT: &str = "PLAIN auth";
    if !server.is_secure && !matches!(host, "localhost" | "127.0.0.1" | "::1") {
        return Err(MailError { reason: format!("{WHAT}: unencrypted connection"), is_final: true });
    }
    let text = format!("{}\0{}\0{}", who.identity, who.username, who.password.expose());
    server.say(WHAT, &format!("AUTH PLAIN {}", STANDARD.encode(text)), 235).await.map(|_| ())
}

async fn login(server: &mut Conversation, who: &Credentials) -> Result<(), MailError> {
    const WHAT: &str = "LOGIN auth";
    let mut answer = server.say(WHAT, "AUTH LOGIN", 334).await?;
    // Servers ask for both, in this order.
    for text in [who.username.as_str(), who.password.expose()] {
        if answer.code != 334 {
            return Err(answer.refused(WHAT));
        }
        answer = server.ask(WHAT, &STANDARD.encode(text)).await?;
    }
    if answer.code == 235 { Ok(()) } else { Err(answer.refused(WHAT)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_as_in_rfc_2104() {
        assert_eq!(hmac_md5(b"Jefe", b"what do ya want for nothing?"), "750c783e6ab0b503eaa86e310a5db738");
        assert_eq!(hmac_md5(&[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First"), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }
}
