//! What network/physical and network/routing-setup read in a zone: interfaces with their addresses, and routes.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::net::{Attachment, Autoconfiguration};

use super::{Beside, text};

/// `/etc/hostname.IF` for the attachments of one interface; `None` when it has no IPv4. With one address the
/// service itself adds netmask and broadcast address, with several it adds nothing.
#[must_use]
pub fn hostname(attachments: &[&Attachment]) -> Option<String> {
    match &attachments.iter().filter_map(|attachment| attachment.ipv4).collect::<Vec<_>>()[..] {
        [] => None,
        [one] => Some(format!("{one}\n")),
        [first, more @ ..] => {
            let mut lines = vec![format!("{first} broadcast + up")];
            lines.extend(more.iter().map(|net| format!("addif {net} broadcast + up")));
            Some(text(&lines))
        }
    }
}

/// `/etc/hostname6.IF`: an empty one asks for a link-local address; `None` when the interface has no IPv6. An address that
/// the zone is bound to comes from its configuration: to add it again would fail, and leave the link-local one down.
/// Source: `/lib/svc/method/net-physical`.
#[must_use]
pub fn hostname6(attachments: &[&Attachment]) -> Option<String> {
    let wanted =
        |attachment: &&&Attachment| attachment.ipv6.is_some() || attachment.autoconfiguration != Autoconfiguration::Off;
    attachments.iter().find(wanted)?;
    let own = attachments.iter().filter(|attachment| !attachment.is_bound());
    let lines: Vec<String> =
        own.filter_map(|attachment| attachment.ipv6).map(|net| format!("addif {net} up")).collect();
    Some(text(&lines))
}

/// Lines of ndpd.conf(5): an interface that is not to make up addresses does not, whatever a router announces.
#[must_use]
pub fn ndpd(attachments: &[&Attachment]) -> String {
    let mut lines = Vec::new();
    for attachment in attachments {
        let has = attachment.ipv6.is_some() || attachment.autoconfiguration != Autoconfiguration::Off;
        if has && attachment.autoconfiguration != Autoconfiguration::Slaac {
            lines.push(format!("if {} StatelessAddrConf false", attachment.link));
            lines.push(format!("if {} StatefulAddrConf false", attachment.link));
        }
    }
    lines.dedup();
    text(&lines)
}

/// `/etc/defaultrouter`; `None` without an IPv4 gateway: an empty file would make the service flush all routes.
#[must_use]
pub fn defaultrouter(gateways: &[IpAddr]) -> Option<String> {
    let lines: Vec<String> = gateways.iter().filter(|gateway| gateway.is_ipv4()).map(ToString::to_string).collect();
    if lines.is_empty() { None } else { Some(text(&lines)) }
}

/// Lines of `/etc/inet/static_routes`, the words of `route add`: networks of peers, and default routes of IPv6, for which
/// there is no other file.
#[must_use]
pub fn static_routes(gateways: &[IpAddr], beside: &[Beside]) -> String {
    let mut lines: Vec<String> = gateways
        .iter()
        .filter(|gateway| gateway.is_ipv6())
        .map(|gateway| format!("-inet6 default {gateway}"))
        .collect();
    lines.extend(beside.iter().map(|beside| {
        let family = if matches!(beside.network, IpNet::V6(_)) { "-inet6 " } else { "" };
        format!("{family}{} {}", beside.network, beside.via)
    }));
    text(&lines)
}
