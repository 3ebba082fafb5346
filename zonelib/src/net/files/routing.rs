//! What a router has to know.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::ZoneName;
use crate::net::{Attachment, Ingress, IngressKind, IngressName, LinkName, Mode, OpeningProtocol, Router, Segment};

/// A network behind another router that is reached with its own addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beside {
    /// The network.
    pub network: IpNet,
    /// The address of the other router on the network that both share.
    pub via: IpAddr,
}

/// A router, with everything behind it.
#[derive(Clone, Debug)]
pub struct Routing<'a> {
    /// The router.
    pub router: &'a Router,
    /// The segments that it routes.
    pub segments: &'a [Segment],
    /// The zones on these segments, itself among them.
    pub attachments: &'a [Attachment],
    /// The ways in.
    pub ingresses: &'a [Ingress],
    /// The networks of peers.
    pub beside: &'a [Beside],
    /// Name servers to ask for what is not here; none: those of the router's own resolv.conf(5).
    pub forwarders: &'a [IpAddr],
}

/// Why there are no files for a router.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingError {
    /// A zone is not behind the router.
    #[error(
        "ingress `{ingress}` leads to zone {zone}, which has no address behind router {router}; `ingress remove {ingress}` takes it away"
    )]
    NoAddress {
        /// The way in.
        ingress: IngressName,
        /// The zone.
        zone: ZoneName,
        /// The router.
        router: String,
    },
    /// Two ways in cannot be told apart.
    #[error("ingresses `{one}` and `{other}` cannot share port {port}: {why}")]
    Indistinct {
        /// One.
        one: IngressName,
        /// The other.
        other: IngressName,
        /// The port of the router.
        port: u16,
        /// Why not.
        why: &'static str,
    },
    /// A way in by name has none.
    #[error("ingress `{0}` goes by a host name, and has none")]
    NoHost(IngressName),
    /// A port that the router needs itself, or that belongs to a zone.
    #[error("ingress `{ingress}` cannot have port {port} of the router: it is {whose}; use another port")]
    Taken {
        /// The way in.
        ingress: IngressName,
        /// The port.
        port: u16,
        /// Whose it is.
        whose: String,
    },
    /// The router has no haproxy.
    #[error("router {0} has no haproxy; install it there, and try again")]
    NoHaproxy(String),
    /// Two zones want the same port of the router.
    #[error("zones {one} and {other} both want {protocol} port {port} of router {router}; only one can have it")]
    SamePort {
        /// A zone.
        one: ZoneName,
        /// Another.
        other: ZoneName,
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// The port.
        port: u16,
        /// The router.
        router: String,
    },
}

/// A port of the router that a zone has as its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Redirection<'a> {
    pub interface: &'a LinkName,
    /// The router's address; `None` when it is not known beforehand.
    pub outside: Option<IpAddr>,
    pub protocol: &'static str,
    pub port: u16,
    pub to: IpAddr,
    zone: &'a ZoneName,
}

impl<'a> Routing<'a> {
    /// The name of the router's zone.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.router.zone_name()
    }

    /// Whether the router is there for its zones alone, and lets nothing else in.
    pub(super) fn guards_itself(&self) -> bool {
        self.router.zone().is_some()
    }

    /// The router's interfaces to the outside, each once: those that its segments name, and whatever else a zone has, for all
    /// interfaces of a zone forward.
    pub(super) fn outsides(&self) -> Vec<&'a LinkName> {
        let named =
            self.segments.iter().filter_map(|segment| segment.outside.as_ref()).map(|outside| &outside.interface);
        let more = self.own_outside().map(|attachment| &attachment.link);
        let mut found: Vec<&LinkName> = Vec::new();
        for interface in named.chain(more) {
            if !found.contains(&interface) {
                found.push(interface);
            }
        }
        found
    }

    /// The attachments of the router's own zone to other networks than its segments.
    pub(super) fn own_outside(&self) -> impl Iterator<Item = &'a Attachment> + use<'_, 'a> {
        let inside = |link: &LinkName| self.segments.iter().any(|segment| segment.inside.as_ref() == Some(link));
        let own = self.attachments.iter().filter(|one| self.router.zone() == Some(&one.zone));
        own.filter(move |one| one.mode == Mode::Exclusive && self.segment_of(one).is_none() && !inside(&one.link))
    }

    /// The segments whose packets go through an interface to the outside.
    pub(super) fn segments_through(&self, interface: &LinkName) -> Vec<&'a Segment> {
        let through = |segment: &&Segment| {
            segment.outside.as_ref().is_some_and(|outside| self.guards_itself() || outside.interface == *interface)
        };
        self.segments.iter().filter(through).collect()
    }

    /// The zones other than the router, by name, with their attachments on its segments.
    #[must_use]
    pub fn zones(&self) -> BTreeMap<&'a ZoneName, Vec<&'a Attachment>> {
        let mut zones: BTreeMap<&ZoneName, Vec<&Attachment>> = BTreeMap::new();
        for attachment in self.attachments {
            let own = self.router.zone() == Some(&attachment.zone) || attachment.forwards;
            if !own && self.segment_of(attachment).is_some() {
                zones.entry(&attachment.zone).or_default().push(attachment);
            }
        }
        zones
    }

    /// The segment of the router that an attachment is on.
    #[must_use]
    pub fn segment_of(&self, attachment: &Attachment) -> Option<&'a Segment> {
        let name = attachment.segment()?;
        self.segments.iter().find(|segment| &segment.name == name)
    }

    /// The networks of peers that can be reached from a network: those of its family, in order.
    pub(super) fn beside_of(&self, network: IpNet) -> Vec<IpNet> {
        let same = |beside: &&Beside| matches!(beside.network, IpNet::V4(_)) == matches!(network, IpNet::V4(_));
        let mut networks: Vec<IpNet> = self.beside.iter().filter(same).map(|beside| beside.network).collect();
        networks.sort_unstable();
        networks.dedup();
        networks
    }

    /// Where connections for a zone go to: its IPv4 address, else its IPv6 one.
    pub(super) fn address_of(&self, ingress: &Ingress) -> Result<IpAddr, RoutingError> {
        let zones = self.zones();
        let attachments = zones.get(&ingress.zone).map_or(&[][..], Vec::as_slice);
        let ipv4 = attachments.iter().find_map(|attachment| attachment.ipv4).map(|net| IpAddr::V4(net.addr()));
        let ipv6 = || attachments.iter().find_map(|attachment| attachment.ipv6).map(|net| IpAddr::V6(net.addr()));
        ipv4.or_else(ipv6).ok_or_else(|| RoutingError::NoAddress {
            ingress: ingress.name.clone(),
            zone: ingress.zone.clone(),
            router: self.name().to_owned(),
        })
    }

    /// Ports of the router that belong to zones whose addresses are translated. A zone with a routable address is
    /// reached by that.
    pub(super) fn redirections(&self) -> Result<Vec<Redirection<'a>>, RoutingError> {
        let mut found: Vec<Redirection<'a>> = Vec::new();
        for attachment in self.zones().into_values().flatten() {
            let Some((segment, outside)) = self.segment_of(attachment).and_then(|s| Some((s, s.outside.as_ref()?)))
            else {
                continue;
            };
            let routable = attachment.ipv6.is_some() && segment.routable_ipv6;
            let Some(to) = attachment.ipv4.filter(|_| !routable) else { continue };
            for opening in &attachment.openings {
                let (protocol, port) = (protocol_name(opening.protocol), opening.port);
                let same = |taken: &&Redirection<'_>| (taken.protocol, taken.port) == (protocol, port);
                if let Some(taken) = found.iter().find(same) {
                    return Err(RoutingError::SamePort {
                        one: taken.zone.clone(),
                        other: attachment.zone.clone(),
                        protocol,
                        port,
                        router: self.name().to_owned(),
                    });
                }
                found.push(Redirection {
                    interface: &outside.interface,
                    outside: outside.ipv4.map(|net| net.addr().into()),
                    protocol,
                    port,
                    to: to.addr().into(),
                    zone: &attachment.zone,
                });
            }
        }
        Ok(found)
    }

    /// The ports of ways in, each once.
    pub(super) fn ingress_ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.ingresses.iter().map(|ingress| ingress.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Whether all ways in can be told apart and lead somewhere.
    ///
    /// # Errors
    /// [`RoutingError`], the first that is wrong.
    pub fn check_ingresses(&self) -> Result<(), RoutingError> {
        let redirections = self.redirections()?;
        for (number, ingress) in self.ingresses.iter().enumerate() {
            self.address_of(ingress)?;
            let open = redirections.iter().find(|open| (open.protocol, open.port) == ("tcp", ingress.port));
            let own = [(22, "for ssh"), (53, "for names")].into_iter().find(|(port, _)| *port == ingress.port);
            let whose = open.map(|open| format!("open to zone {}", open.zone));
            if let Some(whose) = whose.or_else(|| own.map(|(_, what)| what.to_owned())) {
                return Err(RoutingError::Taken { ingress: ingress.name.clone(), port: ingress.port, whose });
            }
            if ingress.kind != IngressKind::Tcp && ingress.host.is_none() {
                return Err(RoutingError::NoHost(ingress.name.clone()));
            }
            for other in &self.ingresses[..number] {
                if let Some(why) = indistinct(ingress, other) {
                    return Err(RoutingError::Indistinct {
                        one: other.name.clone(),
                        other: ingress.name.clone(),
                        port: ingress.port,
                        why,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Why two ways in cannot be had together.
fn indistinct(one: &Ingress, other: &Ingress) -> Option<&'static str> {
    if one.port != other.port {
        return None;
    }
    if one.kind != other.kind {
        return Some("one port is either for HTTP, for TLS or for plain TCP");
    }
    match one.kind {
        IngressKind::Tcp => Some("nothing tells plain TCP connections apart; use another port"),
        _ if one.host == other.host => Some("both have the same host name"),
        _ if one.name == other.name => Some("both have the same name"),
        _ => None,
    }
}

pub(super) fn protocol_name(protocol: OpeningProtocol) -> &'static str {
    match protocol {
        OpeningProtocol::Tcp => "tcp",
        OpeningProtocol::Udp => "udp",
    }
}
