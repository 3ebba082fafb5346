//! For terminals.

use super::{Overview, addresses, called, networks, outside, vlan};
use crate::net::{Attachment, Ingress, Mode, Peer};

impl Overview {
    /// A paragraph a segment, and one a link of the host.
    #[must_use]
    pub fn text(&self) -> String {
        let mut paragraphs: Vec<String> = Vec::new();
        for segment in &self.segments {
            let mut text = format!("{}  routed by {}", networks(segment), called(&segment.router));
            if let Some(out) = &segment.outside {
                text.push_str(&format!(", outside {} on {}{}", outside(out), out.over, vlan(out.vlan)));
            }
            if let Some(domain) = &segment.domain {
                text.push_str(&format!(", domain {domain}"));
            }
            if segment.ipv6.is_some() && !segment.has_slaac() {
                text.push_str(", IPv6 addresses static");
            }
            text.push_str(&format!("  [{}]\n", segment.etherstub));
            text.push_str(&table(&self.zones_on(segment)));
            paragraphs.push(text);
        }
        for link in self.links() {
            let mut zones = self.zones_right_on(link);
            let router = |one: &&Attachment| one.place == crate::net::Place::Link(link.clone()) && one.forwards;
            zones.extend(self.attachments.iter().filter(router));
            paragraphs.push(format!("{link}\n{}", table(&zones)));
        }
        let mut rest: Vec<String> = self.ingresses.iter().map(ingress).collect();
        rest.extend(self.peerings.iter().map(|peering| {
            let elsewhere = if matches!(peering.other, Peer::Elsewhere { .. }) { " on another host" } else { "" };
            format!("peers  {} and {}{elsewhere}\n", peering.one.zone_name(), peering.other.name())
        }));
        if !rest.is_empty() {
            paragraphs.push(rest.concat());
        }
        paragraphs.join("\n")
    }
}

fn ingress(ingress: &Ingress) -> String {
    let host = ingress.host.as_ref().map(|host| format!(" {host}")).unwrap_or_default();
    let router = ingress.router.zone_name();
    let (name, port, zone, to) = (&ingress.name, ingress.port, &ingress.zone, ingress.zone_port);
    format!("ingress {name}  {router} port {port}{host} to {zone} port {to}\n")
}

fn table(attachments: &[&Attachment]) -> String {
    let row = |one: &&Attachment| {
        let mode = match (one.mode, one.forwards) {
            (Mode::Shared, _) => "shared",
            (Mode::Exclusive, true) => "router",
            (Mode::Exclusive, false) => "exclusive",
        };
        let mac = one.mac.map(|mac| mac.to_string()).unwrap_or_default();
        let link = format!("{}{}", one.link, vlan(one.vlan));
        [one.zone.to_string(), addresses(one), mode.to_owned(), link, mac]
    };
    let rows: Vec<[String; 5]> = attachments.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |row: &[String; 5]| {
        let [zone, address, mode, link, mac] = row;
        let [a, b, c, d] = widths;
        format!("  {zone:a$}  {address:b$}  {mode:c$}  {link:d$}  {mac}").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
