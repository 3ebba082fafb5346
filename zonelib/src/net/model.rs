//! The records: segments, attachments, ingresses and peerings.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::Flow;
use crate::config::ZoneName;
use crate::host::{LinkName, MacAddress, VlanId};
use crate::store::{Key, Record};

use super::name::{Domain, IngressName};

/// The length of networks in which hosts give themselves addresses.
pub(super) const SLAAC_LENGTH: u8 = 64;

/// The name of a segment: letters, digits, `.`, `_`, `-` and `:`, beginning with a letter or digit. Unless
/// somebody chooses another it is that of its network, such as `10.1.2.0-24`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SegmentName(String);

/// Not the name of a segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name of a network segment: up to 63 letters, digits, `.`, `_`, `-` and `:`, a letter or digit first", .0.escape_debug())]
pub struct SegmentNameError(String);

impl SegmentName {
    /// The usual name of the segment with this network.
    #[must_use]
    pub fn of(network: IpNet) -> Self {
        // `::1:0/112` would begin with a colon.
        let address = network.network().to_string();
        let zero = if address.starts_with(':') { "0" } else { "" };
        Self(format!("{zero}{address}-{}", network.prefix_len()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SegmentName {
    type Err = SegmentNameError;

    fn from_str(name: &str) -> Result<Self, SegmentNameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
        let begins = name.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        if begins && name.len() < 64 && name.bytes().all(plain) {
            return Ok(Self(name.to_owned()));
        }
        Err(SegmentNameError(name.to_owned()))
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SegmentName {
    type Error = SegmentNameError;

    fn try_from(name: String) -> Result<Self, SegmentNameError> {
        name.parse()
    }
}

impl From<SegmentName> for String {
    fn from(name: SegmentName) -> Self {
        name.0
    }
}

/// Who routes a segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Router {
    /// A zone that zonekit keeps as a router.
    Zone(ZoneName),
    /// The global zone.
    Global,
    /// A zone whose administrator makes it a router, or a proxy, by hand.
    Proxy(ZoneName),
}

impl Router {
    /// The zone; `None` when it is the global one.
    #[must_use]
    pub fn zone(&self) -> Option<&ZoneName> {
        match self {
            Self::Zone(zone) | Self::Proxy(zone) => Some(zone),
            Self::Global => None,
        }
    }

    /// The zone's name, `global` for the global one.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone().map_or("global", ZoneName::as_str)
    }
}

/// Where a router of a segment sends what is for nobody in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// The interface, in the router.
    pub interface: LinkName,
    /// The link of the host that it is on; the same when the global zone is the router.
    pub over: LinkName,
    /// The VLAN of that link that it is in.
    #[serde(default)]
    pub vlan: Option<VlanId>,
    /// The router's IPv4 address there, with the length of its network.
    pub ipv4: Option<Ipv4Net>,
    /// The router's IPv6 address there.
    pub ipv6: Option<Ipv6Net>,
    /// The router's own default gateways.
    #[serde(default)]
    pub gateways: Vec<IpAddr>,
}

/// Where zones on a segment have IPv6 addresses from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ipv6Addresses {
    /// Its router announces the network, in which zones may give themselves addresses: SLAAC, RFC 4862.
    #[default]
    Slaac,
    /// They have those alone that they are given. The router announces nothing but itself.
    Static,
}

/// Not a source of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is neither slaac nor static", .0.escape_debug())]
pub struct Ipv6AddressesError(String);

impl FromStr for Ipv6Addresses {
    type Err = Ipv6AddressesError;

    fn from_str(text: &str) -> Result<Self, Ipv6AddressesError> {
        match text {
            "slaac" => Ok(Self::Slaac),
            "static" => Ok(Self::Static),
            _ => Err(Ipv6AddressesError(text.to_owned())),
        }
    }
}

/// A private network on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its name.
    pub name: SegmentName,
    /// Its IPv4 network.
    pub ipv4: Option<Ipv4Net>,
    /// Its IPv6 network.
    pub ipv6: Option<Ipv6Net>,
    /// The router's address in it.
    pub gateway4: Option<Ipv4Addr>,
    /// The router's IPv6 address in it.
    pub gateway6: Option<Ipv6Addr>,
    /// What takes the place of a switch.
    pub etherstub: LinkName,
    /// The link on which zones that share the global zone's stack are; only old segments may be without.
    pub shared_vnic: Option<LinkName>,
    /// The Ethernet address of that link.
    #[serde(default)]
    pub shared_mac: Option<MacAddress>,
    /// Who routes it.
    pub router: Router,
    /// The router's interface on it; `None` when a proxy's administrator sees to that.
    pub inside: Option<LinkName>,
    /// The Ethernet address of that interface.
    #[serde(default)]
    pub inside_mac: Option<MacAddress>,
    /// Where the router sends what is for others.
    pub outside: Option<Outside>,
    /// The domain of the names of its zones.
    pub domain: Option<Domain>,
    /// The IPv6 network is a global one: routed, not translated.
    #[serde(default)]
    pub routable_ipv6: bool,
    /// Where its zones have IPv6 addresses from.
    #[serde(default)]
    pub ipv6_addresses: Ipv6Addresses,
    /// Its router leaves IPv6 addresses out of answers about names elsewhere.
    #[serde(default)]
    pub filter_aaaa: bool,
    /// Bytes of the largest packet, that of the outside link.
    pub mtu: Option<u32>,
}

impl Segment {
    /// Its networks.
    pub fn networks(&self) -> impl Iterator<Item = IpNet> + use<> {
        self.ipv4.map(IpNet::V4).into_iter().chain(self.ipv6.map(IpNet::V6))
    }

    /// Whether its zones can give themselves IPv6 addresses. Hosts do so in networks of one length alone. Source: RFC 4862,
    /// RFC 4291.
    #[must_use]
    pub fn has_slaac(&self) -> bool {
        self.ipv6_addresses == Ipv6Addresses::Slaac && self.ipv6.is_some_and(|net| net.prefix_len() == SLAAC_LENGTH)
    }

    /// The network of it that an address lies in.
    #[must_use]
    pub fn network_of(&self, address: IpAddr) -> Option<IpNet> {
        self.networks().find(|network| network.contains(&address))
    }

    /// The gateway for addresses of the family of `address`.
    #[must_use]
    pub fn gateway_for(&self, address: IpAddr) -> Option<IpAddr> {
        match address {
            IpAddr::V4(_) => self.gateway4.map(IpAddr::V4),
            IpAddr::V6(_) => self.gateway6.map(IpAddr::V6),
        }
    }
}

/// Where an attachment is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// On a segment.
    Segment(SegmentName),
    /// On a link of the host that is on the address's network.
    Link(LinkName),
}

/// Whose network stack an attached zone uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Its own.
    Exclusive,
    /// The global zone's.
    Shared,
}

/// Which IPv6 addresses an interface gives itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Autoconfiguration {
    /// None: it has no IPv6 unless it has a static address.
    #[default]
    Off,
    /// A link-local one.
    LinkLocal,
    /// A link-local one, and one in each network that a router announces.
    Slaac,
}

/// What an opening lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpeningProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// What a routable segment's filter lets in to a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The protocol.
    pub protocol: OpeningProtocol,
    /// The port.
    pub port: u16,
}

/// Not an opening.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no opening, such as tcp/443 or udp/53", .0.escape_debug())]
pub struct OpeningError(String);

impl FromStr for Opening {
    type Err = OpeningError;

    fn from_str(text: &str) -> Result<Self, OpeningError> {
        let fail = || OpeningError(text.to_owned());
        let (protocol, port) = text.split_once('/').ok_or_else(fail)?;
        let protocol = match protocol {
            "tcp" => OpeningProtocol::Tcp,
            "udp" => OpeningProtocol::Udp,
            _ => return Err(fail()),
        };
        let plain = port.bytes().all(|digit| digit.is_ascii_digit()) && !port.starts_with('0');
        let port = port.parse().ok().filter(|_| plain).ok_or_else(fail)?;
        Ok(Self { protocol, port })
    }
}

/// A zone's place on a network: one vnic of its own, or one address on a shared link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// The zone.
    pub zone: ZoneName,
    /// On what.
    pub place: Place,
    /// Whose network stack.
    pub mode: Mode,
    /// The zone's interface: its vnic, or the shared link.
    pub link: LinkName,
    /// The VLAN of the host's link that its vnic is in.
    #[serde(default)]
    pub vlan: Option<VlanId>,
    /// Its IPv4 address, with the length of its network.
    pub ipv4: Option<Ipv4Net>,
    /// Its static IPv6 address.
    pub ipv6: Option<Ipv6Net>,
    /// The IPv6 addresses that it gives itself.
    #[serde(default)]
    pub autoconfiguration: Autoconfiguration,
    /// The Ethernet address of its vnic.
    pub mac: Option<MacAddress>,
    /// Limits.
    pub flow: Option<Flow>,
    /// Where the zone sends what is for other networks.
    #[serde(default)]
    pub gateways: Vec<IpAddr>,
    /// This is the router's own interface on the segment, or its interface outside: it forwards, and so is not bound to its
    /// addresses.
    #[serde(default)]
    pub forwards: bool,
    /// What a routable segment's filter lets in.
    #[serde(default)]
    pub openings: Vec<Opening>,
}

impl Attachment {
    /// Its static addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpNet> + use<> {
        self.ipv4.map(IpNet::V4).into_iter().chain(self.ipv6.map(IpNet::V6))
    }

    /// Whether its packets may come from its static addresses alone, which the zone's configuration then gives it: those of
    /// a router, and addresses that a zone gives itself, would be dropped. Source: zonecfg(8), `allowed-address`.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        !self.forwards && self.autoconfiguration == Autoconfiguration::Off && self.mode == Mode::Exclusive
    }

    /// The segment that it is on.
    #[must_use]
    pub fn segment(&self) -> Option<&SegmentName> {
        match &self.place {
            Place::Segment(name) => Some(name),
            Place::Link(_) => None,
        }
    }
}

/// How an ingress tells its connections from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IngressKind {
    /// By the host name in HTTP requests.
    Http,
    /// By the port alone.
    Tcp,
    /// By the server name that TLS asks for; what is encrypted stays so.
    Tls,
}

/// A way in: connections to a port of a router go to a zone behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingress {
    /// The router.
    pub router: Router,
    /// What it is called.
    pub name: IngressName,
    /// The host name that is asked for; `None` with [`IngressKind::Tcp`].
    pub host: Option<Domain>,
    /// How it is told from others.
    pub kind: IngressKind,
    /// The router's port.
    pub port: u16,
    /// The zone.
    pub zone: ZoneName,
    /// The zone's port.
    pub zone_port: u16,
}

/// One side of a peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// A router of this host, with all its segments.
    Here(Router),
    /// A router of another host that shares the outside network.
    #[serde(rename_all = "kebab-case")]
    Elsewhere {
        /// What it is called.
        name: String,
        /// Its addresses on the outside network.
        outside: Vec<IpAddr>,
        /// The networks behind it.
        networks: Vec<IpNet>,
    },
}

impl Peer {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Here(router) => router.zone_name(),
            Self::Elsewhere { name, .. } => name,
        }
    }
}

/// Zones behind one router reach those behind another, and back, with their own addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peering {
    /// One side, which is of this host.
    pub one: Router,
    /// The other.
    pub other: Peer,
}

impl Record for Segment {
    const KIND: &'static str = "segments";
    const VERSION: u32 = 1;

    fn key(&self) -> Key {
        Key::of(&[self.name.as_str()])
    }
}

/// The key begins with the zone: nobody has to be read to find a zone's attachments, or a used address.
impl Record for Attachment {
    const KIND: &'static str = "attachments";
    const VERSION: u32 = 1;

    fn key(&self) -> Key {
        let [ipv4, ipv6] = [self.ipv4.map(|net| net.addr().to_string()), self.ipv6.map(|net| net.addr().to_string())];
        let mut parts = vec![self.zone.as_str(), self.link.as_str()];
        parts.extend(ipv4.as_deref());
        parts.extend(ipv6.as_deref());
        Key::of(&parts)
    }
}

impl Record for Ingress {
    const KIND: &'static str = "ingresses";
    const VERSION: u32 = 1;

    fn key(&self) -> Key {
        Key::of(&[self.router.zone_name(), self.name.as_str(), &self.port.to_string()])
    }
}

impl Record for Peering {
    const KIND: &'static str = "peerings";
    const VERSION: u32 = 1;

    fn key(&self) -> Key {
        let (one, other) = (self.one.zone_name(), self.other.name());
        Key::of(&[one.min(other), one.max(other)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_called_like_its_network() {
        for (network, name) in
            [("10.1.2.0/24", "10.1.2.0-24"), ("fd00:1::/64", "fd00:1::-64"), ("::1:0/112", "0::1:0-112")]
        {
            let found = SegmentName::of(network.parse().unwrap());
            assert_eq!(found.as_str(), name);
            assert_eq!(name.parse::<SegmentName>().unwrap(), found);
        }
        for name in ["", "-a", "a/b", "a b", "a+b", "..", &"a".repeat(64)] {
            assert!(name.parse::<SegmentName>().is_err(), "{name}");
        }
    }

    #[test]
    fn openings_are_a_protocol_and_a_port() {
        let opening: Opening = "tcp/443".parse().unwrap();
        assert_eq!((opening.protocol, opening.port), (OpeningProtocol::Tcp, 443));
        for text in ["", "443", "tcp/", "tcp/0", "tcp/65536", "tcp/+1", "icmp/1", "tcp/443/x"] {
            assert!(text.parse::<Opening>().is_err(), "{text}");
        }
    }

    #[test]
    fn records_are_called_by_what_is_looked_for() {
        let attachment: Attachment = serde_json::from_str(
            r#"{"zone":"web","place":{"segment":"10.1.2.0-24"},"mode":"exclusive","link":"znic3",
                "ipv4":"10.1.2.5/24","ipv6":null,"mac":"02:08:20:00:00:01","flow":null}"#,
        )
        .unwrap();
        assert_eq!(attachment.key().as_str(), "web+znic3+10.1.2.5");
        assert_eq!(attachment.key().parts().collect::<Vec<_>>(), ["web", "znic3", "10.1.2.5"]);
        let one = Peering { one: Router::Global, other: Peer::Here(Router::Zone("a".parse().unwrap())) };
        assert_eq!(one.key().as_str(), "a+global");
    }
}
