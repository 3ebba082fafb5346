//! For graphviz.

use super::{Overview, addresses, called, networks, outside, vlan};
use crate::net::{Attachment, Mode, Router};

impl Overview {
    /// The networks as an undirected graph in the language of dot(1).
    #[must_use]
    pub fn dot(&self) -> String {
        let mut dot = String::from("graph networks {\n  node [fontname=\"sans-serif\"]\n");
        for link in self.links() {
            node(&mut dot, &format!("link {link}"), &[link.as_str()], "shape=box3d");
        }
        for router in self.routers() {
            let out = self.outside_of(router);
            let label =
                [called(router), out.map(|out| format!("{}{}", outside(out), vlan(out.vlan))).unwrap_or_default()];
            node(&mut dot, &router_id(router), &[&label[0], &label[1]], "shape=box style=filled fillcolor=\"#fde9c8\"");
            if let Some(out) = out {
                let above = self.segments.iter().find(|segment| segment.etherstub == out.over);
                let above =
                    above.map_or_else(|| format!("link {}", out.over), |segment| format!("segment {}", segment.name));
                edge(&mut dot, &above, &router_id(router), "");
            }
        }
        for segment in &self.segments {
            let id = format!("segment {}", segment.name);
            node(&mut dot, &id, &[&networks(segment), segment.etherstub.as_str()], "shape=ellipse");
            edge(&mut dot, &router_id(&segment.router), &id, "");
            for attachment in self.zones_on(segment) {
                zone(&mut dot, &id, attachment);
            }
        }
        for link in self.links() {
            for attachment in self.zones_right_on(link) {
                zone(&mut dot, &format!("link {link}"), attachment);
            }
        }
        for peering in &self.peerings {
            let other = format!("router {}", peering.other.name());
            if !self.routers().iter().any(|router| router_id(router) == other) {
                node(&mut dot, &other, &[peering.other.name(), "on another host"], "shape=box style=dashed");
            }
            edge(&mut dot, &router_id(&peering.one), &other, "style=dashed label=\"peers\"");
        }
        dot.push_str("}\n");
        dot
    }
}

fn router_id(router: &Router) -> String {
    format!("router {}", router.zone_name())
}

fn zone(dot: &mut String, network: &str, attachment: &Attachment) {
    let id = format!("zone {}", attachment.zone);
    let style = if attachment.mode == Mode::Shared { "shape=box style=dashed" } else { "shape=box" };
    node(dot, &id, &[attachment.zone.as_str()], style);
    edge(
        dot,
        network,
        &id,
        &format!("label={}", quoted(&format!("{}{}", addresses(attachment), vlan(attachment.vlan)))),
    );
}

fn node(dot: &mut String, id: &str, lines: &[&str], style: &str) {
    let lines: Vec<&str> = lines.iter().copied().filter(|line| !line.is_empty()).collect();
    dot.push_str(&format!("  {} [label={} {style}]\n", quoted(id), quoted(&lines.join("\n"))));
}

fn edge(dot: &mut String, one: &str, other: &str, style: &str) {
    dot.push_str(&format!("  {} -- {} [{style}]\n", quoted(one), quoted(other)));
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
