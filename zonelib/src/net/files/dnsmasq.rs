//! dnsmasq(8) in a router: addresses by DHCP, names, and announcements for IPv6.
//!
//! What differs from zone to zone stands in one file a zone in two folders, which are read again at SIGHUP. The options
//! for folders that are watched are not used: on illumos dnsmasq has no means to watch them, and does not start.

use std::net::IpAddr;

use crate::net::{Attachment, HostName, MacAddress, Router, Segment};

use super::{HEADER, Routing, text};

/// The file that is zonekit's own, below the root of the router.
pub const OWN: &str = "etc/dnsmasq.d/zonekit.conf";
/// The file that dnsmasq reads, which may be edited by others.
pub const MAIN: &str = "etc/dnsmasq.conf";
/// The folder of files with addresses for DHCP, one a zone.
pub const HOSTS: &str = "etc/zonekit/dhcp";
/// The folder of files with names, one a zone.
pub const NAMES: &str = "etc/zonekit/names";
/// Where dnsmasq remembers who has which address.
pub const LEASES: &str = "etc/zonekit/dnsmasq.leases";
/// The line in [`MAIN`] by which [`OWN`] is read. A file that is named twice is read once.
pub const INCLUDE: &str = "conf-file=/etc/dnsmasq.d/zonekit.conf\n";

/// What differs between routers but is not known from records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// The router has an account `dnsmasq`; without one it is `nobody`.
    pub account: bool,
}

/// The configuration of a router.
#[must_use]
pub fn config(routing: &Routing<'_>, dialect: Dialect) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut say = |line: String| lines.push(line);
    for inside in routing.segments.iter().filter_map(|segment| segment.inside.as_ref()) {
        say(format!("interface={inside}"));
    }
    say("bind-interfaces".to_owned());
    if *routing.router == Router::Global {
        // Another name service of the host may be there, and this one would not start.
        say("except-interface=lo0".to_owned());
    }
    if dialect.account {
        say("user=dnsmasq".to_owned());
    }
    say("domain-needed".to_owned());
    say("bogus-priv".to_owned());
    // The router's own hosts(5) file gives its name a loopback address.
    say("no-hosts".to_owned());
    say(format!("addn-hosts=/{NAMES}"));
    if !routing.forwarders.is_empty() {
        say("no-resolv".to_owned());
        for server in routing.forwarders {
            say(format!("server={server}"));
        }
    }
    if routing.segments.iter().any(|segment| segment.filter_aaaa) {
        say("filter-AAAA".to_owned());
    }
    say("dhcp-authoritative".to_owned());
    // An answer to one address would need an entry in the ARP table, which takes privileges that zones lack.
    say("dhcp-broadcast".to_owned());
    say(format!("dhcp-hostsfile=/{HOSTS}"));
    say(format!("dhcp-leasefile=/{LEASES}"));
    if routing.segments.iter().any(|segment| segment.ipv6.is_some() && segment.inside.is_some()) {
        say("enable-ra".to_owned());
    }
    let mut domains = Vec::new();
    for segment in routing.segments {
        for domain in segment.domain.iter().filter(|domain| !domains.contains(domain)).collect::<Vec<_>>() {
            say(format!("local=/{domain}/"));
            domains.push(domain);
        }
    }
    for segment in routing.segments {
        serve(&mut lines, segment);
    }
    format!("{HEADER}{}", text(&lines))
}

/// The lines for one segment. Options go by a tag, for a router may have several segments.
fn serve(lines: &mut Vec<String>, segment: &Segment) {
    let Some(inside) = &segment.inside else { return };
    if let Some(domain) = &segment.domain {
        lines.extend(segment.networks().map(|network| format!("domain={domain},{network}")));
    }
    if let (Some(network), Some(gateway)) = (segment.ipv4, segment.gateway4) {
        // Only zones get an address, the one that they have for ever.
        lines.push(format!("dhcp-range=set:{inside},{},static,{},infinite", network.network(), network.netmask()));
        lines.push(format!("dhcp-option=tag:{inside},option:router,{gateway}"));
        lines.push(format!("dhcp-option=tag:{inside},option:dns-server,{gateway}"));
        if let Some(domain) = &segment.domain {
            lines.push(format!("dhcp-option=tag:{inside},option:domain-name,{domain}"));
        }
        if let Some(mtu) = segment.mtu {
            lines.push(format!("dhcp-option=tag:{inside},option:mtu,{mtu}"));
        }
    }
    if let (Some(network), Some(gateway)) = (segment.ipv6, segment.gateway6) {
        // With `static` the router is announced, and the network as one whose addresses are given out. dnsmasq takes no
        // network shorter than 64 bits, and announces the router by the part of it that the gateway is in.
        let mode = if segment.has_slaac() {
            "ra-only".to_owned()
        } else {
            format!("static,{},1h", network.prefix_len().max(64))
        };
        lines.push(format!("dhcp-range=set:{inside}-6,{},{mode}", network.network()));
        lines.push(format!("dhcp-option=tag:{inside}-6,option6:dns-server,[{gateway}]"));
        if let Some(mtu) = segment.mtu {
            lines.push(format!("ra-param={inside},mtu:{mtu},60"));
        }
    }
}

/// The addresses that one zone gets by DHCP. `stale` are Ethernet addresses of zones that had one of these addresses
/// before: their leases never end, and one of an address named beside the zone's own gives way.
#[must_use]
pub fn dhcp_hosts(attachments: &[&Attachment], stale: &[(IpAddr, MacAddress)]) -> String {
    let mut lines = Vec::new();
    for attachment in attachments {
        let (Some(mac), Some(net)) = (attachment.mac, attachment.ipv4) else { continue };
        let had = stale.iter().filter(|(address, other)| *address == IpAddr::V4(net.addr()) && *other != mac);
        let macs: Vec<String> = std::iter::once(&mac).chain(had.map(|(_, mac)| mac)).map(ToString::to_string).collect();
        let name = HostName::of(&attachment.zone);
        lines.push(format!("{},{},{},infinite", macs.join(","), net.addr(), name.label()));
    }
    text(&lines)
}

/// The names of one zone, as in hosts(5).
#[must_use]
pub fn names(routing: &Routing<'_>, attachments: &[&Attachment]) -> String {
    let mut lines = Vec::new();
    for attachment in attachments {
        let Some(segment) = routing.segment_of(attachment) else { continue };
        let names = HostName::of(&attachment.zone).in_domain(segment.domain.as_ref()).join(" ");
        lines.extend(attachment.addresses().map(|address| format!("{} {names}", address.addr())));
    }
    text(&lines)
}

/// The names of the router itself, which its zones know by their gateways.
#[must_use]
pub fn own_names(routing: &Routing<'_>) -> String {
    let mut lines = Vec::new();
    for segment in routing.segments {
        let names = match routing.router.zone() {
            Some(zone) => HostName::of(zone).in_domain(segment.domain.as_ref()),
            None => {
                segment.domain.iter().map(|domain| format!("router.{domain}")).chain(["router".to_owned()]).collect()
            }
        };
        let gateways = [segment.gateway4.map(IpAddr::V4), segment.gateway6.map(IpAddr::V6)];
        lines.extend(gateways.into_iter().flatten().map(|gateway| format!("{gateway} {}", names.join(" "))));
    }
    text(&lines)
}

/// The leases that a file of dnsmasq tells of. A router may have written anything there: what is none is passed over.
#[must_use]
pub fn leases(file: &[u8]) -> Vec<(IpAddr, MacAddress)> {
    let lease = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let mac = words.next()?.parse().ok()?;
        Some((words.next()?.parse().ok()?, mac))
    };
    String::from_utf8_lossy(file).lines().filter_map(lease).collect()
}
