//! What proxies in front of the server may say: where a client really is, whether it came over HTTPS, who it is.
//!
//! A proxy is believed only when its address is in `auth.proxy_trusted`; from anybody else these headers are ignored.
//! A client behind a proxy can write headers too, and many proxies pass them on. So of a chain of addresses only what
//! trusted proxies added counts, and where two headers contradict each other neither is believed.

mod forwarded;

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::grant::RoleMap;
use super::outside::Identity;
use super::policy::Role;
use crate::base::network::Network;

/// Who vouches, where a trusted proxy does.
pub(super) const ISSUER: &str = "proxy";

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
/// Hops of a chain that are looked at, from the nearest.
const HOPS_MAX: usize = 32;
/// Most bytes of a user's list of groups.
const VALUE_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of a mail address; longer ones cannot exist.
const EMAIL_BYTES_MAX: usize = 254;
/// Most bytes of a user's name.
const USER_BYTES_MAX: usize = 256;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Address of the client, as far as it can be believed.
    pub address: IpAddr,
    /// Whether the client spoke HTTPS, where a trusted proxy says so.
    pub is_https: Option<bool>,
    /// Whether the request was handed on by a trusted proxy.
    pub by_proxy: bool,
}

/// Headers in which trusted proxies name users, and what those may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VouchedUser {
    /// Name of the user.
    pub user: HeaderName,
    /// Mail address.
    pub email: Option<HeaderName>,
    /// Groups, separated by `,`, `;` or `|`.
    pub groups: Option<HeaderName>,
    /// Role here, by its word.
    pub role: Option<HeaderName>,
    /// From groups to roles.
    pub roles: RoleMap,
}

/// Which proxies are believed, and about what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Their addresses.
    pub trusted: Vec<Network>,
    /// How they name users; `None` when they do not.
    pub users: Option<VouchedUser>,
}

impl Proxies {
    /// Whether a peer is a trusted proxy.
    fn is_trusted(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }

    /// Where a request from this peer really comes from.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = peer.to_canonical();
        if !self.is_trusted(peer) {
            return Client { address: peer, is_https: None, by_proxy: false };
        }
        let list = headers.contains_key(FORWARDED_FOR).then(|| self.walk(peer, split(headers, FORWARDED_FOR).map(node)));
        let elements = headers.contains_key(header::FORWARDED).then(|| forwarded::elements(headers));
        let standard = elements.as_ref().map(|all| self.walk(peer, all.iter().rev().map(|element| element.client)));
        let address = match (list, standard) {
            (Some((address, _)), None) | (None, Some((address, _))) => address,
            (Some((one, _)), Some((other, _))) if one == other => one,
            _ => peer,
        };
        let plain = headers.contains_key(FORWARDED_PROTO).then(|| split(headers, FORWARDED_PROTO).next()).flatten().and_then(scheme);
        let said = elements.zip(standard).and_then(|(all, (_, hops))| all.iter().rev().nth(hops.saturating_sub(1))?.is_https);
        let is_https = match (plain, said) {
            (Some(one), None) | (None, Some(one)) => Some(one),
            (Some(one), Some(other)) => Some(one && other),
            (None, None) => None,
        };
        Client { address, is_https, by_proxy: true }
    }

    /// Follows a chain from its nearest end: past trusted proxies to the first address that is none, or as far as
    /// it can be read. Also tells how many elements that took.
    fn walk(&self, peer: IpAddr, chain: impl Iterator<Item = Option<IpAddr>>) -> (IpAddr, usize) {
        let (mut address, mut hops) = (peer, 0);
        for hop in chain.take(HOPS_MAX) {
            hops += 1;
            let Some(next) = hop else { break };
            address = next;
            if !self.is_trusted(next) {
                break;
            }
        }
        (address, hops)
    }

    /// Who a trusted proxy says that the user is; `Err` is why that cannot be taken. Only for requests of which
    /// [`Self::client`] says that a trusted proxy handed them on.
    pub(super) fn user(&self, headers: &HeaderMap) -> Option<Result<Identity, &'static str>> {
        let vouched = self.users.as_ref()?;
        let name = match only(headers, &vouched.user)? {
            Ok(name) if name.len() <= USER_BYTES_MAX => name,
            Ok(_) => return Some(Err("the name that the proxy sends is too long")),
            Err(why) => return Some(Err(why)),
        };
        Some(vouched.identity(name, headers))
    }
}

impl VouchedUser {
    fn identity(&self, name: &str, headers: &HeaderMap) -> Result<Identity, &'static str> {
        let text = |header: &Option<HeaderName>| header.as_ref().and_then(|header| only(headers, header)).transpose();
        let groups: Vec<String> = text(&self.groups)?
            .unwrap_or("")
            .split([',', ';', '|'])
            .map(|group| group.trim().to_owned())
            .filter(|group| !group.is_empty())
            .collect();
        let role = match text(&self.role)? {
            Some(word) => {
                Some(Role::parse(&word.to_ascii_lowercase()).ok_or("the role that the proxy sends is none of viewer, editor and admin")?)
            }
            None => self.roles.role_of(&groups),
        };
        let role = role.ok_or("the proxy's user is in no group that may use this server")?;
        let email = text(&self.email)?.filter(|email| email.len() <= EMAIL_BYTES_MAX).unwrap_or("").to_owned();
        Ok(Identity { issuer: ISSUER.to_owned(), subject: name.to_owned(), name: name.to_owned(), email, role })
    }
}

/// The one value of a header. A second one means that a client's own was passed on.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Result<&'a str, &'static str>> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return Some(Err("a header about the user came twice: the proxy must replace what clients send"));
    }
    match std::str::from_utf8(value.as_bytes()).map(str::trim) {
        Ok("") => None,
        Ok(text) if text.len() > VALUE_BYTES_MAX => Some(Err("a header about the user is too long")),
        Ok(text) => Some(Ok(text)),
        Err(_) => Some(Err("a header about the user is no UTF-8")),
    }
}

/// Items of a list in headers, the nearest first: the last of the last line.
fn split<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().map(HeaderValue::to_str);
    lines.rev().flat_map(|line| line.unwrap_or("?").rsplit(',')).map(str::trim)
}

/// An address as proxies write it: bare, with a port, IPv6 in brackets.
fn node(text: &str) -> Option<IpAddr> {
    let port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = text.strip_prefix('[') {
        let (address, behind) = rest.split_once(']')?;
        let fits = behind.is_empty() || behind.strip_prefix(':').is_some_and(port);
        return address.parse::<std::net::Ipv6Addr>().ok().filter(|_| fits).map(|v6| IpAddr::V6(v6).to_canonical());
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, behind) = text.split_once(':')?;
    address.parse::<std::net::Ipv4Addr>().ok().filter(|_| port(behind)).map(IpAddr::V4)
}

/// Whether a scheme is that of HTTPS; `None` when it is neither.
fn scheme(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
