//! Addresses and networks as people write them, read strictly: zonecfg(8) and ipnat(8) take nearly anything.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// Not an address or a network that zones can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {problem}", text.escape_debug())]
pub struct AddressError {
    text: String,
    problem: String,
}

impl AddressError {
    fn new(text: impl fmt::Display, problem: impl Into<String>) -> Self {
        Self { text: text.to_string(), problem: problem.into() }
    }
}

/// An address that was asked for. Without a length it has that of the network that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AskedAddress {
    /// The address.
    pub address: IpAddr,
    /// The length of its network's prefix in bits.
    pub length: Option<u8>,
}

impl FromStr for AskedAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| AddressError::new(text, "is no address, such as 10.1.2.5, 10.1.2.5/24 or fd00:1::5/64"))?;
        let length = length.map(|length| prefix_length(text, length, address)).transpose()?;
        if let Some(problem) = unusable(address) {
            return Err(AddressError::new(text, problem));
        }
        Ok(Self { address, length })
    }
}

impl fmt::Display for AskedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            Some(length) => write!(f, "{}/{length}", self.address),
            None => self.address.fmt(f),
        }
    }
}

impl TryFrom<String> for AskedAddress {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<AskedAddress> for String {
    fn from(address: AskedAddress) -> Self {
        address.to_string()
    }
}

fn prefix_length(text: &str, length: &str, address: IpAddr) -> Result<u8, AddressError> {
    let most = if address.is_ipv4() { 32 } else { 128 };
    let digits = !length.is_empty() && length.len() <= 3 && length.bytes().all(|digit| digit.is_ascii_digit());
    let plain = digits && (length.len() == 1 || !length.starts_with('0'));
    match length.parse::<u8>() {
        Ok(length) if plain && length <= most => Ok(length),
        _ => Err(AddressError::new(text, format!("has a prefix length that is no number from 0 to {most}"))),
    }
}

/// Why nobody can have an address, whatever the network is.
fn unusable(address: IpAddr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("is the unspecified address");
    }
    if address.is_loopback() {
        return Some("is a loopback address");
    }
    if address.is_multicast() {
        return Some("is a multicast address");
    }
    match address {
        IpAddr::V4(v4) if v4.is_broadcast() => Some("is the broadcast address"),
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some("is in 0.0.0.0/8, which means this network"),
        IpAddr::V4(v4) if v4.octets()[0] >= 240 => Some("is in 240.0.0.0/4, which is reserved"),
        IpAddr::V4(v4) if v4.is_link_local() => Some("is a link-local address"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            Some("is a link-local address, which every IPv6 interface gives itself")
        }
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Some("is an IPv4 address in IPv6 clothes"),
        _ => None,
    }
}

/// Reads a network, `ADDRESS/LENGTH` without host bits.
///
/// # Errors
/// [`AddressError`]: it is none, has host bits, which are named, or none of its addresses is for zones.
pub fn network(text: &str) -> Result<IpNet, AddressError> {
    let fail = |problem: String| AddressError::new(text, problem);
    let (address, length) =
        text.split_once('/').ok_or_else(|| fail("is no network, such as 10.1.2.0/24 or fd00:1::/64".to_owned()))?;
    let address: IpAddr =
        address.parse().map_err(|_| fail("is no network, such as 10.1.2.0/24 or fd00:1::/64".to_owned()))?;
    let length = prefix_length(text, length, address)?;
    let network = IpNet::new(address, length).map_err(|error| fail(error.to_string()))?;
    if network.network() != address {
        return Err(fail(format!("has host bits; its network is {}", network.trunc())));
    }
    if length == 0 {
        return Err(fail("is everything".to_owned()));
    }
    let first = network.hosts().next().unwrap_or(address);
    match unusable(address).filter(|_| address == first).or_else(|| unusable(first)).or_else(|| covers_special(network))
    {
        Some(problem) => Err(fail(problem.to_owned())),
        None => Ok(network),
    }
}

/// A wide network that has unusable addresses in it.
fn covers_special(network: IpNet) -> Option<&'static str> {
    let special: [IpNet; 6] = [
        Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 8).into(),
        Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8).into(),
        Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 3).into(),
        Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 64).into(),
        Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10).into(),
        Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8).into(),
    ];
    let overlaps = special.iter().any(|special| overlap(*special, network));
    overlaps.then_some("overlaps addresses that are no zone's: loopback, multicast, link-local or reserved ones")
}

/// Whether two networks have an address in common.
#[must_use]
pub fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other) || other.contains(&one)
}

/// Why an address cannot be that of a host of a network: it is its network or broadcast address.
#[must_use]
pub fn reserved_in(network: IpNet, address: IpAddr) -> Option<&'static str> {
    match (network, address) {
        // A point-to-point link has neither. Source: RFC 3021, RFC 6164.
        (IpNet::V4(net), _) if net.prefix_len() >= 31 => None,
        (IpNet::V6(net), _) if net.prefix_len() >= 127 => None,
        (IpNet::V4(net), IpAddr::V4(address)) if net.network() == address => Some("is the network's own address"),
        (IpNet::V4(net), IpAddr::V4(address)) if net.broadcast() == address => Some("is the broadcast address"),
        // Source: RFC 4291, 2.6.1.
        (IpNet::V6(net), IpAddr::V6(address)) if net.network() == address => {
            Some("is the address of any router of the network")
        }
        _ => None,
    }
}

/// The first address of a network that a host can have: the usual gateway.
///
/// # Errors
/// [`AddressError`]: the network is one address, which leaves none for zones.
pub fn first_host(network: IpNet) -> Result<IpAddr, AddressError> {
    if network.prefix_len() == network.max_prefix_len() {
        return Err(AddressError::new(network, "is a single address, which leaves none for zones"));
    }
    let first = match network {
        IpNet::V4(net) if net.prefix_len() == 31 => IpAddr::V4(net.network()),
        IpNet::V6(net) if net.prefix_len() == 127 => IpAddr::V6(net.network()),
        IpNet::V4(net) => IpAddr::V4(Ipv4Addr::from_bits(net.network().to_bits() + 1)),
        IpNet::V6(net) => IpAddr::V6(Ipv6Addr::from_bits(net.network().to_bits() + 1)),
    };
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        network(text).unwrap()
    }

    #[test]
    fn addresses_are_read_with_and_without_length() {
        for (text, length) in
            [("10.1.2.5", None), ("10.1.2.5/24", Some(24)), ("fd00:1::5/64", Some(64)), ("10.0.0.1/8", Some(8))]
        {
            let asked: AskedAddress = text.parse().unwrap();
            assert_eq!((asked.length, asked.to_string().as_str()), (length, text));
        }
        for (text, said) in [
            ("", "is no address"),
            ("10.1.2", "is no address"),
            ("10.1.2.999/24", "is no address"),
            ("010.1.2.5", "is no address"),
            ("10.1.2.5/33", "no number from 0 to 32"),
            ("10.1.2.5/", "no number from 0 to 32"),
            ("10.1.2.5/+8", "no number"),
            ("10.1.2.5/024", "no number"),
            ("fd00::5/129", "no number from 0 to 128"),
            ("10.0.0.1/24,10.0.0.2/24", "no number"),
            ("host.example", "is no address"),
            ("127.0.0.1", "loopback"),
            ("0.0.0.0", "unspecified"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("169.254.1.1", "link-local"),
            ("fe80::1", "link-local"),
            ("fe80::1%net0", "is no address"),
            ("::ffff:10.1.2.3", "IPv4 address in IPv6"),
            ("ff02::1", "multicast"),
        ] {
            let error = text.parse::<AskedAddress>().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_network_has_no_host_bits() {
        for text in [
            "10.1.2.0/24",
            "10.0.0.0/8",
            "10.1.2.128/25",
            "192.0.2.0/31",
            "10.1.2.3/32",
            "fd00:1::/64",
            "2001:db8::/47",
        ] {
            assert_eq!(network(text).unwrap().to_string(), text);
        }
        for (text, said) in [
            ("10.1.2.77/24", "has host bits; its network is 10.1.2.0/24"),
            ("fd00:1::5/64", "its network is fd00:1::/64"),
            ("10.1.2.0", "is no network"),
            ("0.0.0.0/0", "is everything"),
            ("::/0", "is everything"),
            ("127.0.0.0/8", "loopback"),
            ("224.0.0.0/4", "multicast"),
            ("128.0.0.0/1", "overlaps"),
            ("fe80::/64", "link-local"),
            ("10.1.2.0/33", "no number from 0 to 32"),
        ] {
            let error = network(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn addresses_that_a_network_keeps_for_itself() {
        for (net_, address, said) in [
            ("10.1.2.0/24", "10.1.2.0", Some("network's own")),
            ("10.1.2.0/24", "10.1.2.255", Some("broadcast")),
            ("10.1.0.0/16", "10.1.2.255", None),
            ("10.1.2.0/31", "10.1.2.0", None),
            ("10.1.2.0/30", "10.1.2.3", Some("broadcast")),
            ("fd00:1::/64", "fd00:1::", Some("any router")),
            ("fd00:1::/64", "fd00:1::ffff:ffff:ffff:ffff", None),
        ] {
            let found = reserved_in(net(net_), address.parse().unwrap());
            assert_eq!(found.is_some(), said.is_some(), "{net_} {address}");
            assert!(found.unwrap_or_default().contains(said.unwrap_or_default()), "{net_} {address}");
        }
        for (network, first) in [("10.1.2.0/24", "10.1.2.1"), ("10.1.2.4/31", "10.1.2.4"), ("fd00:1::/64", "fd00:1::1")]
        {
            assert_eq!(first_host(net(network)).unwrap().to_string(), first);
        }
        assert!(first_host(net("10.1.2.3/32")).is_err());
    }

    #[test]
    fn networks_overlap_in_both_directions() {
        for (one, other, both) in [
            ("10.0.0.0/8", "10.1.2.0/24", true),
            ("10.1.2.0/24", "10.1.2.0/24", true),
            ("10.1.2.0/25", "10.1.2.128/25", false),
            ("fd00::/8", "fd00:1::/64", true),
            ("10.0.0.0/8", "fd00::/8", false),
        ] {
            assert_eq!((overlap(net(one), net(other)), overlap(net(other), net(one))), (both, both), "{one} {other}");
        }
    }
}
