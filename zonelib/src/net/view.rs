//! The host and the records together, and what is free.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use sha1::{Digest, Sha1};

use super::address::overlap;
use super::{
    Attachment, LinkName, MacAddress, Peer, Peering, Place, Plan, PlanError, Router, Segment, SegmentName, Survey,
};
use crate::config::{self, Network, ZoneConfig, ZoneName};
use crate::store::{Held, Key, Record, Records, Space, Store, StoreError};

/// Etherstubs are called this, with a number.
pub const STUBS: &str = "zrstub";
/// Vnics of zones are called this, with a number.
pub const VNICS: &str = "znic";
/// The links that zones share are called this, with a number.
pub const SHARED: &str = "snic";

/// Both name spaces of the host, held until this is dropped.
#[derive(Debug)]
pub struct Names {
    _links: Held,
    _addresses: Held,
}

impl Names {
    /// Waits for others that hand out names, and holds them: from before a [`View`] is taken until what it led to
    /// has been made and written down.
    ///
    /// # Errors
    /// [`StoreError::Busy`].
    pub fn hold(store: &dyn Store) -> Result<Self, StoreError> {
        Ok(Self { _links: store.hold(Space::Links)?, _addresses: store.hold(Space::Addresses)? })
    }
}

/// Who has a vnic.
pub(super) enum MacOwner<'o> {
    /// A zone, for its place on a network.
    Zone(&'o ZoneName, &'o Place),
    /// All zones on the global zone's stack that are on a segment.
    Shared(&'o SegmentName),
    /// The router of a segment.
    Router(&'o SegmentName),
}

impl fmt::Display for MacOwner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(zone, Place::Segment(name)) => write!(f, "zone {zone} on segment {name}"),
            Self::Zone(zone, Place::Link(link)) => write!(f, "zone {zone} on link {link}"),
            Self::Shared(name) => write!(f, "shared on segment {name}"),
            Self::Router(name) => write!(f, "router of segment {name}"),
        }
    }
}

/// What planning looks at. It costs the same few commands, and one reading of the folders of the store, however
/// many zones there are.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The host.
    pub survey: Survey,
    /// The segments, by name.
    pub segments: Vec<Segment>,
    /// Keys of attachments: a zone, its link, and its addresses.
    attachments: Vec<Key>,
    links: HashSet<String>,
    addresses: HashMap<IpAddr, String>,
    macs: HashSet<MacAddress>,
    /// Networks behind routers of other hosts that a router here is a peer of, and what these are called.
    beside: Vec<(IpNet, String)>,
}

impl View {
    /// Looks at the host and at the store.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn take(store: &dyn Store) -> Result<Self, PlanError> {
        let mut view = Self::of(Survey::take()?, store.list()?, store.keys(Attachment::KIND)?);
        view.add_peerings(&store.list()?);
        view.add_strangers()?;
        Ok(view)
    }

    fn add_peerings(&mut self, peerings: &[Peering]) {
        for peering in peerings {
            if let Peer::Elsewhere { name, networks, .. } = &peering.other {
                self.beside.extend(networks.iter().map(|network| (*network, name.clone())));
            }
        }
    }

    /// Zones that no record knows have links and addresses too, which nothing but their configurations tells while they
    /// are halted. A configuration that cannot be read tells of none.
    fn add_strangers(&mut self) -> Result<(), PlanError> {
        let known: HashSet<&str> = self.attachments.iter().filter_map(|key| key.parts().next()).collect();
        let index = match config::index() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            index => index.map_err(PlanError::Zones)?,
        };
        let strangers: Vec<ZoneName> =
            index.into_iter().map(|zone| zone.name).filter(|zone| !known.contains(zone.as_str())).collect();
        for zone in strangers {
            let Ok(config) = ZoneConfig::read(&config::file(&zone)) else { continue };
            self.add_stranger(&zone, &config.networks);
        }
        Ok(())
    }

    pub(super) fn add_stranger(&mut self, zone: &ZoneName, networks: &[Network]) {
        for network in networks {
            self.links.insert(network.physical.clone());
            let given = network.address.iter().chain(&network.allowed_address);
            let addresses = given.filter_map(|text| text.split('/').next()?.parse().ok());
            for address in addresses {
                self.addresses.entry(address).or_insert_with(|| zone.to_string());
            }
        }
    }

    /// What these say.
    #[must_use]
    pub fn of(survey: Survey, segments: Vec<Segment>, attachments: Vec<Key>) -> Self {
        let mut view = Self { survey, ..Self::default() };
        segments.into_iter().for_each(|segment| view.add_segment(segment));
        attachments.into_iter().for_each(|key| view.add_attachment(key));
        view
    }

    fn add_segment(&mut self, segment: Segment) {
        let links = [Some(&segment.etherstub), segment.shared_vnic.as_ref(), segment.inside.as_ref()];
        self.links.extend(links.into_iter().flatten().map(ToString::to_string));
        self.segments.push(segment);
    }

    fn add_attachment(&mut self, key: Key) {
        let mut parts = key.parts();
        let zone = parts.next().unwrap_or_default().to_owned();
        self.links.extend(parts.next().map(str::to_owned));
        self.addresses.extend(parts.filter_map(|address| address.parse().ok()).map(|address| (address, zone.clone())));
        self.attachments.push(key);
    }

    /// Takes what is planned for what is: for the plan of the next zone.
    pub fn assume(&mut self, plan: &Plan) {
        plan.segments.iter().for_each(|segment| self.add_segment(segment.clone()));
        for attachment in &plan.attachments {
            self.add_attachment(attachment.key());
            self.macs.extend(attachment.mac);
        }
    }

    /// The keys of the attachments of a zone.
    pub fn attachments_of<'v>(&'v self, zone: &'v ZoneName) -> impl Iterator<Item = &'v Key> {
        self.attachments.iter().filter(move |key| key.parts().next() == Some(zone.as_str()))
    }

    /// The keys of all attachments.
    #[must_use]
    pub fn attachment_keys(&self) -> &[Key] {
        &self.attachments
    }

    /// Whether an attachment is written down.
    #[must_use]
    pub fn knows(&self, attachment: &Attachment) -> bool {
        self.attachments.contains(&attachment.key())
    }

    /// A segment by its name.
    #[must_use]
    pub fn segment(&self, name: &SegmentName) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.name == *name)
    }

    /// The segment, and the network of it, that an address lies in.
    #[must_use]
    pub fn segment_of(&self, address: IpAddr) -> Option<(&Segment, IpNet)> {
        self.segments.iter().find_map(|segment| Some((segment, segment.network_of(address)?)))
    }

    /// The segments that a zone routes.
    pub fn routed_by<'v>(&'v self, zone: &'v ZoneName) -> impl Iterator<Item = &'v Segment> {
        self.segments.iter().filter(move |segment| segment.router.zone() == Some(zone))
    }

    /// The segments that the global zone routes.
    pub fn routed_by_global(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| segment.router == Router::Global)
    }

    /// The zones with an address on a segment, without its router; in order, each once.
    #[must_use]
    pub fn zones_on(&self, segment: &Segment) -> Vec<String> {
        let on = |key: &&Key| {
            key.parts().skip(2).any(|part| part.parse().is_ok_and(|address| segment.network_of(address).is_some()))
        };
        let zones = self.attachments.iter().filter(on).filter_map(|key| key.parts().next());
        let mut zones: Vec<String> =
            zones.filter(|zone| *zone != segment.router.zone_name()).map(str::to_owned).collect();
        zones.sort_unstable();
        zones.dedup();
        zones
    }

    /// The zone that has an address.
    #[must_use]
    pub fn zone_with(&self, address: IpAddr) -> Option<&str> {
        self.addresses.get(&address).map(String::as_str)
    }

    /// Who has an address.
    #[must_use]
    pub fn user_of(&self, address: IpAddr) -> Option<String> {
        let zone = self.zone_with(address).map(|zone| format!("zone `{zone}`"));
        let own = || self.survey.object_with(address).map(|object| format!("`{object}` of this host"));
        let router = || self.survey.reached_by(address).map(|network| format!("the router to {network}"));
        zone.or_else(own).or_else(router)
    }

    /// What overlaps a network, and whose it is.
    #[must_use]
    pub fn overlapping(&self, network: IpNet) -> Option<(IpNet, String)> {
        let segments = self.segments.iter().flat_map(|segment| segment.networks().map(move |net| (net, segment)));
        let segment = segments.into_iter().find(|(net, _)| overlap(*net, network));
        let segment = segment.map(|(net, segment)| (net, format!("the segment `{}`", segment.name)));
        segment.or_else(|| self.survey.overlapping(network))
    }

    /// The router of another host that a network overlaps, as a peer of one here.
    pub(super) fn overlapping_beside(&self, network: IpNet) -> Option<(IpNet, String)> {
        let found = self.beside.iter().find(|(other, _)| overlap(*other, network));
        found.map(|(other, router)| (*other, format!("the peer `{router}` of another host")))
    }

    /// A free name for a link of a family; it is taken from now on.
    pub(super) fn allocate(&mut self, family: &str) -> Result<LinkName, PlanError> {
        let taken = |name: &LinkName| self.links.contains(name.as_str()) || self.survey.link(name.as_str()).is_some();
        let names = (0..=u32::MAX).map_while(|number| LinkName::numbered(family, number).ok());
        let name =
            names.into_iter().find(|name| !taken(name)).ok_or_else(|| PlanError::Exhausted(family.to_owned()))?;
        self.links.insert(name.to_string());
        Ok(name)
    }

    /// An Ethernet address that no vnic has; it is taken from now on. The same owner gets the same one on the same link
    /// again, so that a plan and what is done agree, and a zone that is made anew is known to name services. Hosts that
    /// share a network differ in their network cards, and so in the addresses.
    pub(super) fn allocate_mac(&mut self, over: &LinkName, owner: &MacOwner<'_>) -> MacAddress {
        let cards = self.survey.cards_of(over);
        let mut attempt = 0u32;
        loop {
            let mut hash = Sha1::new();
            cards.iter().for_each(|card| hash.update(card.bytes()));
            hash.update(format!("\n{owner}\n{attempt}"));
            let [a, b, c, ..] = hash.finalize().0;
            let mac = MacAddress::for_vnic([a, b, c]);
            if !self.survey.has_mac(mac) && self.macs.insert(mac) {
                return mac;
            }
            attempt += 1;
        }
    }
}
