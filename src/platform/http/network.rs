//! Networks of addresses: written as `10.0.0.0/8`, one address, or a word for a group of them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// Words for groups of networks.
const GROUPS: [(&str, &[&str]); 6] = [
    ("loopback", &["127.0.0.0/8", "::1"]),
    ("private", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]),
    ("link-local", &["169.254.0.0/16", "fe80::/10"]),
    // Where clouds tell a machine its own secrets: most of them, Amazon over IPv6, Alibaba, Oracle's old one.
    ("metadata", &["169.254.0.0/16", "fd00:ec2::/32", "100.100.100.200", "192.0.0.192"]),
    ("multicast", &["224.0.0.0/4", "ff00::/8", "255.255.255.255"]),
    // "This machine" for many systems.
    ("unspecified", &["0.0.0.0/8", "::"]),
];

impl Network {
    /// Reads `address/bits` or an address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok().filter(|bits| *bits <= most)?,
            Some(_) => return None,
            None => most,
        };
        Some(Self { address, bits })
    }

    /// Reads words of a list: networks, addresses and names of groups.
    ///
    /// # Errors
    /// A sentence that names the first word that is none of these.
    pub fn parse_list(words: &[String]) -> Result<Vec<Self>, String> {
        let mut networks = Vec::new();
        for word in words {
            if let Some((_, group)) = GROUPS.iter().find(|(name, _)| name == word) {
                networks.extend(group.iter().filter_map(|text| Self::parse(text)));
            } else if let Some(network) = Self::parse(word) {
                networks.push(network);
            } else {
                let groups: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
                return Err(format!("read {word:?}, expected a network such as 10.0.0.0/8, an address, or one of {}", groups.join(", ")));
            }
        }
        Ok(networks)
    }

    /// Whether an address is one of them. IPv4 in an IPv6 dress counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same_start(u128::from(own.to_bits()) << 96, u128::from(other.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same_start(own.to_bits(), other.to_bits(), self.bits),
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

fn same_start(own: u128, other: u128, bits: u32) -> bool {
    bits == 0 || (own ^ other) >> (128 - bits) == 0
}

/// The network that counts as one client: an address of IPv4, or the first half of one of IPv6, since whoever has
/// one such address has all that begin like it.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// Addresses of IPv4 that an address of IPv6 leads to through a translator or a tunnel, besides itself.
pub fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let at = |from: usize| Ipv4Addr::new(octets[from], octets[from + 1], octets[from + 2], octets[from + 3]);
    match address.segments() {
        // Translation (NAT64, RFC 6052 and RFC 8215), IPv4-mapped and the old IPv4-compatible form.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..] | [0, 0, 0, 0, 0, 0xffff, ..] => Some(at(12)),
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) != (0, 0) && (high, low) != (0, 1) => Some(at(12)),
        // 6to4.
        [0x2002, ..] => Some(at(2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_hold_what_begins_alike() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("0.0.0.0/0", "255.0.0.1", "::1"),
            ("192.168.1.7", "192.168.1.7", "192.168.1.6"),
            ("169.254.0.0/16", "::ffff:169.254.169.254", "169.253.0.1"),
            ("fd00:ec2::/32", "fd00:ec2::254", "fd00:ec3::254"),
            ("::1", "::1", "::2"),
            ("::/0", "fe80::1", "1.2.3.4"),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert!(parsed.contains(address(inside)), "{network} {inside}");
            assert!(!parsed.contains(address(outside)), "{network} {outside}");
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "host", "1.2.3.4/8/8"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
        let list = Network::parse_list(&["loopback".to_owned(), "10.0.0.0/8".to_owned()]).unwrap();
        assert_eq!(list.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.0/8", "::1/128", "10.0.0.0/8"]);
        assert!(Network::parse_list(&["lopback".to_owned()]).unwrap_err().contains("\"lopback\""));
        for (name, group) in GROUPS {
            assert!(group.iter().all(|text| Network::parse(text).is_some()), "{name}");
        }
    }

    #[test]
    fn a_client_of_ipv6_is_its_network() {
        assert_eq!(client_network(address("2001:db8:1:2:3:4:5:6")), address("2001:db8:1:2::"));
        assert_eq!(client_network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
        assert_eq!(client_network(address("10.0.0.1")), address("10.0.0.1"));
    }

    #[test]
    fn disguised_addresses_are_found() {
        for (v6, v4) in [
            ("64:ff9b::a9fe:a9fe", Some("169.254.169.254")),
            ("64:ff9b:1::a9fe:a9fe", Some("169.254.169.254")),
            ("2002:7f00:1::", Some("127.0.0.1")),
            ("::127.0.0.1", Some("127.0.0.1")),
            ("::ffff:127.0.0.1", Some("127.0.0.1")),
            ("::1", None),
            ("::", None),
            ("2001:db8::1", None),
        ] {
            let IpAddr::V6(found) = address(v6) else { unreachable!() };
            assert_eq!(embedded_v4(found), v4.map(|text| text.parse().unwrap()), "{v6}");
        }
    }
}
