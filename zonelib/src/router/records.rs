//! What the store tells of a router.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::ZoneName;
use crate::host;
use crate::net::files::{Beside, Routing, resolver};
use crate::net::{Attachment, Ingress, Outside, Peer, Peering, Router, Segment};
use crate::store::{Record, Records, Store, StoreError};

/// Bytes of the longest resolv.conf(5) that is read.
const RESOLV_LIMIT: u64 = 64 * 1024;

/// A router with all that is behind it.
#[derive(Clone, Debug)]
pub struct RouterRecords {
    /// The router.
    pub router: Router,
    /// The segments that it routes.
    pub segments: Vec<Segment>,
    /// Attachments to these, its own and those of zones.
    pub attachments: Vec<Attachment>,
    /// Its ways in.
    pub ingresses: Vec<Ingress>,
    /// The networks of its peers.
    pub beside: Vec<Beside>,
    /// The name servers of this host.
    pub forwarders: Vec<IpAddr>,
}

impl RouterRecords {
    /// Reads all that the store has about a router.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(router: &Router, store: &dyn Store) -> Result<Self, StoreError> {
        Self::read_as_if(router, store, |_| {})
    }

    /// The same, as if the peerings of this host were others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read_as_if(
        router: &Router,
        store: &dyn Store,
        change: impl FnOnce(&mut Vec<Peering>),
    ) -> Result<Self, StoreError> {
        let mut peerings: Vec<Peering> = store.list()?;
        change(&mut peerings);
        let mut records = Self::without_zones(router, &peerings, store)?;
        records.attachments = store.list()?;
        records.keep_own();
        Ok(records)
    }

    /// The same, but of zones only one: what a zone that comes or goes changes takes no longer where there are many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read_for(router: &Router, zone: &ZoneName, store: &dyn Store) -> Result<Self, StoreError> {
        let mut records = Self::without_zones(router, &store.list::<Peering>()?, store)?;
        for key in store.keys(Attachment::KIND)? {
            if key.parts().next() == Some(zone.as_str()) {
                records.attachments.extend(store.get::<Attachment>(&key)?);
            }
        }
        records.keep_own();
        Ok(records)
    }

    fn without_zones(router: &Router, peerings: &[Peering], store: &dyn Store) -> Result<Self, StoreError> {
        let all: Vec<Segment> = store.list()?;
        let beside = beside(router, peerings, &all);
        let segments = all.into_iter().filter(|segment| segment.router == *router).collect();
        let ingresses: Vec<Ingress> = store.list()?;
        let ingresses = ingresses.into_iter().filter(|ingress| ingress.router == *router).collect();
        let (router, forwarders) = (router.clone(), host_servers());
        Ok(Self { router, segments, attachments: Vec::new(), ingresses, beside, forwarders })
    }

    /// Of attachments, keeps those to segments of the router, and the router's own.
    fn keep_own(&mut self) {
        let (segments, router) = (&self.segments, self.router.zone());
        self.attachments.retain(|attachment| {
            let behind = segments.iter().any(|segment| Some(&segment.name) == attachment.segment());
            behind || router == Some(&attachment.zone)
        });
    }

    /// What files are made of.
    #[must_use]
    pub fn routing(&self) -> Routing<'_> {
        Routing {
            router: &self.router,
            segments: &self.segments,
            attachments: &self.attachments,
            ingresses: &self.ingresses,
            beside: &self.beside,
            forwarders: &self.forwarders,
        }
    }

    /// The attachments of the router's own zone.
    #[must_use]
    pub fn own(&self) -> Vec<&Attachment> {
        self.attachments.iter().filter(|attachment| self.router.zone() == Some(&attachment.zone)).collect()
    }

    /// Whether filter or address translation depend on a zone.
    #[must_use]
    pub fn has_openings(&self, zone: &ZoneName) -> bool {
        self.attachments.iter().any(|attachment| attachment.zone == *zone && !attachment.openings.is_empty())
    }
}

/// The name servers of this host.
#[must_use]
pub fn host_servers() -> Vec<IpAddr> {
    use std::io::Read;
    let mut text = Vec::new();
    let file = std::fs::File::open(host::place("/etc/resolv.conf"));
    // A host without any has none to offer.
    let read = file.and_then(|file| file.take(RESOLV_LIMIT).read_to_end(&mut text));
    read.map(|_| resolver::servers(&String::from_utf8_lossy(&text))).unwrap_or_default()
}

/// The networks behind peers of a router, each with the peer's address on the network that both share. A network of a
/// family in which the peer has no address there cannot be reached.
fn beside(router: &Router, peerings: &[Peering], segments: &[Segment]) -> Vec<Beside> {
    let mut found = Vec::new();
    let mut add = |network: IpNet, via: &[IpAddr]| {
        let via = via.iter().find(|via| via.is_ipv4() == network.addr().is_ipv4());
        found.extend(via.map(|&via| Beside { network, via }));
    };
    for peering in peerings {
        let other = match &peering.other {
            Peer::Here(other) if other == router => Peer::Here(peering.one.clone()),
            other if peering.one == *router => other.clone(),
            _ => continue,
        };
        match other {
            Peer::Here(other) => {
                for segment in segments.iter().filter(|segment| segment.router == other) {
                    let via = segment.outside.as_ref().map(addresses).unwrap_or_default();
                    segment.networks().for_each(|network| add(network, &via));
                }
            }
            Peer::Elsewhere { outside, networks, .. } => {
                networks.into_iter().for_each(|network| add(network, &outside))
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn addresses(outside: &Outside) -> Vec<IpAddr> {
    let ipv4 = outside.ipv4.map(|net| IpAddr::V4(net.addr()));
    ipv4.into_iter().chain(outside.ipv6.map(|net| IpAddr::V6(net.addr()))).collect()
}
