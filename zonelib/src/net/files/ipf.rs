//! `ipf.conf` and `ipf6.conf`: what may go into and through a router. Source: ipf(5), and the IPFilter 4.1 of illumos.
//!
//! From outside nothing is let in that was not asked for: not to the zones, and of the router itself only ssh, the ports
//! of its ingresses and ping. From inside, a zone reaches others under its own address only, and of the router itself
//! DNS, DHCP, ingresses and ping. The global zone is more than a router: what reaches itself is its administrator's
//! affair. A rule with `quick` ends the search, so rules of others have to stand above these.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::net::Segment;

use super::routing::protocol_name;
use super::{Routing, RoutingError, text};

/// Addresses that every IPv6 interface has.
const LINK_LOCAL: &str = "fe80::/10";
const SSH: u16 = 22;
const DNS: u16 = 53;

/// The rules for IPv4.
///
/// # Errors
/// [`RoutingError::SamePort`].
pub fn rules(routing: &Routing<'_>) -> Result<String, RoutingError> {
    let mut lines = Vec::new();
    for segment in routing.segments {
        if let (Some(inside), Some(network), Some(gateway)) = (&segment.inside, segment.ipv4, segment.gateway4) {
            // A client has no address before it gets one.
            lines.push(format!("pass in quick on {inside} proto udp from any port = 68 to any port = 67"));
            from_inside(&mut lines, routing, inside.as_str(), network.into(), gateway.into());
        }
    }
    let redirections = routing.redirections()?;
    for interface in routing.outsides() {
        let reached = routing.segments_through(interface);
        let networks: Vec<IpNet> = reached.iter().filter_map(|segment| segment.ipv4.map(IpNet::V4)).collect();
        // TCP and ping need no states, of which there is a limited number: who began is seen from the packet.
        for source in sources(routing, &networks) {
            lines.push(format!("pass out quick on {interface} proto tcp from {source} to any"));
            lines.push(format!("pass out quick on {interface} proto icmp from {source} to any"));
            lines.push(format!("pass out quick on {interface} from {source} to any keep state keep frags"));
        }
        if reached.iter().filter_map(|segment| segment.outside.as_ref()).any(|outside| outside.ipv4.is_none()) {
            lines.push(format!("pass in quick on {interface} proto udp from any port = 67 to any port = 68"));
        }
        peers(&mut lines, routing, interface.as_str(), &networks);
        for redirection in redirections.iter().filter(|redirection| redirection.interface == interface) {
            // Translated already: the filter sees the zone's address.
            let (protocol, to, port) = (redirection.protocol, redirection.to, redirection.port);
            lines.push(format!("pass in quick on {interface} proto {protocol} from any to {to}/32 port = {port}"));
        }
        for network in &networks {
            lines.push(format!("block in quick on {interface} proto tcp from any to {network} flags S/SA"));
            lines.push(format!("pass in quick on {interface} proto tcp from any to {network}"));
            lines.push(format!("block in quick on {interface} proto icmp from any to {network} icmp-type echo"));
            lines.push(format!("pass in quick on {interface} proto icmp from any to {network}"));
            lines.push(format!("block in quick on {interface} from any to {network}"));
        }
        if routing.guards_itself() {
            for port in router_ports(routing) {
                lines.push(format!("pass in quick on {interface} proto tcp from any to any port = {port}"));
            }
            lines.push(format!("block in quick on {interface} proto tcp from any to any flags S/SA"));
            lines.push(format!("pass in quick on {interface} proto tcp from any to any"));
            lines.push(format!("pass in quick on {interface} proto icmp from any to any"));
            lines.push(format!("block in quick on {interface} all"));
        }
    }
    Ok(text(&lines))
}

/// Whose packets to the outside are let out: those of zones, and of a router that is for them alone its own.
fn sources(routing: &Routing<'_>, networks: &[IpNet]) -> Vec<String> {
    if routing.guards_itself() { vec!["any".to_owned()] } else { networks.iter().map(ToString::to_string).collect() }
}

/// The rules for IPv6. Here zones may have addresses that all the world can reach, so only answers and what was
/// opened get in. Neighbours are found by ICMP, which therefore is filtered by where it goes to.
#[must_use]
pub fn rules6(routing: &Routing<'_>) -> String {
    let mut lines = Vec::new();
    for segment in routing.segments {
        if let (Some(inside), Some(network), Some(gateway)) = (&segment.inside, segment.ipv6, segment.gateway6) {
            lines.push(format!("pass in quick on {inside} proto ipv6-icmp from any to any"));
            lines.push(format!("pass in quick on {inside} proto udp from {LINK_LOCAL} to any port = 547"));
            from_inside(&mut lines, routing, inside.as_str(), network.into(), gateway.into());
        }
    }
    for interface in routing.outsides() {
        let reached = routing.segments_through(interface);
        let networks: Vec<IpNet> = reached.iter().filter_map(|segment| segment.ipv6.map(IpNet::V6)).collect();
        for network in &networks {
            lines.push(format!("pass out quick on {interface} proto ipv6-icmp from {network} to any keep state"));
        }
        if routing.guards_itself() {
            lines.push(format!("pass out quick on {interface} proto ipv6-icmp from any to any"));
        }
        for source in sources(routing, &networks) {
            lines.push(format!("pass out quick on {interface} from {source} to any keep state keep frags"));
        }
        peers(&mut lines, routing, interface.as_str(), &networks);
        for segment in reached.iter().filter(|segment| segment.routable_ipv6) {
            openings(&mut lines, routing, interface.as_str(), segment);
        }
        for network in &networks {
            lines.push(format!("block in quick on {interface} from any to {network}"));
        }
        if routing.guards_itself() {
            guard6(&mut lines, routing, interface.as_str());
        }
    }
    text(&lines)
}

/// What gets to the router itself by IPv6.
fn guard6(lines: &mut Vec<String>, routing: &Routing<'_>, interface: &str) {
    lines.push(format!("pass in quick on {interface} proto ipv6-icmp from any to any"));
    for port in router_ports(routing) {
        lines.push(format!("pass in quick on {interface} proto tcp from any to any port = {port} flags S keep state"));
    }
    lines.push(format!("pass in quick on {interface} proto udp from any port = 547 to {LINK_LOCAL} port = 546"));
    lines.push(format!("block in quick on {interface} all"));
}

/// What zones of a network may do: nothing under another's address, and with the router only what it is there for.
/// Answers of zones to connections of the router itself pass.
fn from_inside(lines: &mut Vec<String>, routing: &Routing<'_>, inside: &str, network: IpNet, gateway: IpAddr) {
    let others = format!("block in quick on {inside} from ! {network} to any");
    let mut own: Vec<String> = own_addresses(routing, gateway).iter().map(ToString::to_string).collect();
    if gateway.is_ipv4() {
        lines.push(others.clone());
    } else {
        // Zones need no router to reach each other's.
        own.push(LINK_LOCAL.to_owned());
    }
    for own in own.iter().filter(|_| routing.guards_itself()) {
        lines.push(format!("pass in quick on {inside} proto tcp/udp from any to {own} port = {DNS}"));
        for port in routing.ingress_ports() {
            lines.push(format!("pass in quick on {inside} proto tcp from any to {own} port = {port}"));
        }
        lines.push(format!("block in quick on {inside} proto tcp from any to {own} flags S/SA"));
        lines.push(format!("block in quick on {inside} proto udp from any to {own}"));
    }
    if gateway.is_ipv6() {
        lines.push(format!("pass in quick on {inside} from {LINK_LOCAL} to any"));
        lines.push(others);
    }
}

/// The router's own addresses that are known, of one family: gateways of its segments, and outside.
fn own_addresses(routing: &Routing<'_>, like: IpAddr) -> Vec<IpNet> {
    let of_segment = |segment: &'_ Segment| -> [Option<IpAddr>; 4] {
        let outside = segment.outside.as_ref();
        let ipv4 = outside.and_then(|outside| outside.ipv4).map(|net| net.addr().into());
        let ipv6 = outside.and_then(|outside| outside.ipv6).map(|net| net.addr().into());
        [segment.gateway4.map(Into::into), ipv4, segment.gateway6.map(Into::into), ipv6]
    };
    let more = routing.own_outside().flat_map(|attachment| attachment.addresses()).map(|net| net.addr());
    let mut found = Vec::new();
    for address in routing.segments.iter().flat_map(of_segment).flatten().chain(more) {
        let net = IpNet::from(address);
        if address.is_ipv4() == like.is_ipv4() && !found.contains(&net) {
            found.push(net);
        }
    }
    found
}

fn router_ports(routing: &Routing<'_>) -> Vec<u16> {
    let mut ports = routing.ingress_ports();
    if !ports.contains(&SSH) {
        ports.insert(0, SSH);
    }
    ports
}

fn peers(lines: &mut Vec<String>, routing: &Routing<'_>, interface: &str, networks: &[IpNet]) {
    for network in networks {
        for peer in routing.beside_of(*network) {
            lines.push(format!("pass in quick on {interface} from {peer} to {network}"));
        }
    }
}

/// What was opened to zones with routable addresses.
fn openings(lines: &mut Vec<String>, routing: &Routing<'_>, interface: &str, segment: &Segment) {
    for attachment in routing.zones().into_values().flatten() {
        if attachment.segment() != Some(&segment.name) {
            continue;
        }
        let Some(address) = attachment.ipv6 else { continue };
        let to = IpNet::from(IpAddr::V6(address.addr()));
        for opening in &attachment.openings {
            let (protocol, port) = (protocol_name(opening.protocol), opening.port);
            let flags = if protocol == "tcp" { " flags S" } else { "" };
            lines.push(format!(
                "pass in quick on {interface} proto {protocol} from any to {to} port = {port}{flags} keep state"
            ));
        }
    }
}
