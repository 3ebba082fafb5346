//! All networks of the host as the records have them: for lists and pictures.

mod dot;
mod svg;
mod text;

use serde::Serialize;

use super::{Attachment, Ingress, LinkName, Peer, Peering, Place, Router, Segment, VlanId};
use crate::store::{Records, Store, StoreError};

/// Everything that is remembered of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Segments, by name.
    pub segments: Vec<Segment>,
    /// Attachments, by zone.
    pub attachments: Vec<Attachment>,
    /// Ways in.
    pub ingresses: Vec<Ingress>,
    /// Peerings.
    pub peerings: Vec<Peering>,
}

impl Overview {
    /// Reads all records.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(store: &dyn Store) -> Result<Self, StoreError> {
        Ok(Self {
            segments: store.list()?,
            attachments: store.list()?,
            ingresses: store.list()?,
            peerings: store.list()?,
        })
    }

    /// The routers, each once, in the order of their first segments.
    fn routers(&self) -> Vec<&Router> {
        let mut routers: Vec<&Router> = Vec::new();
        for segment in &self.segments {
            if !routers.contains(&&segment.router) {
                routers.push(&segment.router);
            }
        }
        routers
    }

    fn segments_of<'o>(&'o self, router: &'o Router) -> impl Iterator<Item = &'o Segment> {
        self.segments.iter().filter(move |segment| segment.router == *router)
    }

    /// The zones on a segment, without its router.
    fn zones_on<'o>(&'o self, segment: &'o Segment) -> Vec<&'o Attachment> {
        let on = |one: &&Attachment| one.segment() == Some(&segment.name) && Some(&one.zone) != segment.router.zone();
        self.attachments.iter().filter(on).collect()
    }

    /// The links of the host that zones or routers are on, by name.
    fn links(&self) -> Vec<&LinkName> {
        let outside = self.segments.iter().filter_map(|segment| segment.outside.as_ref()).map(|outside| &outside.over);
        let direct = self.attachments.iter().filter_map(|one| match &one.place {
            Place::Link(link) => Some(link),
            Place::Segment(_) => None,
        });
        let is_stub = |link: &&LinkName| self.segments.iter().any(|segment| segment.etherstub == **link);
        let mut links: Vec<&LinkName> = outside.chain(direct).filter(|link| !is_stub(link)).collect();
        links.sort_unstable();
        links.dedup();
        links
    }

    /// The zones right on a link, but for routers of segments.
    fn zones_right_on(&self, link: &LinkName) -> Vec<&Attachment> {
        let routes = |one: &Attachment| self.segments.iter().any(|segment| segment.router.zone() == Some(&one.zone));
        let on = |one: &&Attachment| one.place == Place::Link(link.clone()) && !routes(one);
        self.attachments.iter().filter(on).collect()
    }

    /// The address of a router outside, and the link that it is on.
    fn outside_of<'o>(&'o self, router: &Router) -> Option<&'o super::Outside> {
        let mut own = self.segments.iter().filter(|segment| segment.router == *router);
        own.find_map(|segment| segment.outside.as_ref())
    }

    fn ingresses_of<'o>(&'o self, router: &'o Router) -> impl Iterator<Item = &'o Ingress> {
        self.ingresses.iter().filter(move |ingress| ingress.router == *router)
    }

    /// Routers of other hosts that it is a peer of.
    fn peers_elsewhere<'o>(&'o self, router: &'o Router) -> impl Iterator<Item = &'o str> {
        let own = self.peerings.iter().filter(move |peering| peering.one == *router);
        own.filter(|peering| matches!(peering.other, Peer::Elsewhere { .. })).map(|peering| peering.other.name())
    }
}

/// The networks of a segment, for people.
fn networks(segment: &Segment) -> String {
    segment.networks().map(|net| net.to_string()).collect::<Vec<_>>().join(", ")
}

/// The addresses of an attachment without lengths, for people.
fn addresses(attachment: &Attachment) -> String {
    let addresses: Vec<String> = attachment.addresses().map(|net| net.addr().to_string()).collect();
    match &addresses[..] {
        [] => "no static address".to_owned(),
        addresses => addresses.join(", "),
    }
}

/// The VLAN of a link, for people: empty for none.
fn vlan(vlan: Option<VlanId>) -> String {
    vlan.map(|vlan| format!(" VLAN {vlan}")).unwrap_or_default()
}

/// What a router is called, for people.
fn called(router: &Router) -> String {
    match router {
        Router::Global => "global zone".to_owned(),
        Router::Zone(zone) => zone.to_string(),
        Router::Proxy(zone) => format!("{zone} (proxy)"),
    }
}

/// Where a router is outside, for people.
fn outside(outside: &super::Outside) -> String {
    let addresses = outside.ipv4.map(|net| net.addr().to_string()).into_iter();
    let addresses: Vec<String> = addresses.chain(outside.ipv6.map(|net| net.addr().to_string())).collect();
    addresses.join(", ")
}

#[cfg(test)]
mod tests;
