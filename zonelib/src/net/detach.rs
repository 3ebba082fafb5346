//! From a zone that goes to steps. Whatever is gone already is passed over, so that what was half done is
//! finished by doing it again.

use std::net::IpAddr;

use serde::Serialize;

use super::{
    Attachment, Ingress, LinkName, MacAddress, Mode, Peer, Peering, PlanError, Router, STUB_MTU, Segment, Step, View,
    VlanId,
};
use crate::config::{NetResourceChange, ZoneConfig, ZoneName};
use crate::host::NetworkChange;
use crate::store::{Record, Records, Store};

/// What will go: steps on the host, in order, and the records that they end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// Attachments that go.
    pub attachments: Vec<Attachment>,
    /// Segments that go.
    pub segments: Vec<Segment>,
    /// Ways in that go.
    pub ingresses: Vec<Ingress>,
    /// Peerings that go.
    pub peerings: Vec<Peering>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Plans that a zone is on no network any more, and routes none.
///
/// # Errors
/// [`PlanError::Behind`]: zones are behind it. [`PlanError::Strangers`]: there is something on its etherstub
/// that zonekit has not made.
pub fn detach(zone: &ZoneName, view: &View, store: &dyn Store) -> Result<Removed, PlanError> {
    let behind: Vec<String> = view.routed_by(zone).flat_map(|segment| view.zones_on(segment)).collect();
    if !behind.is_empty() {
        return Err(PlanError::Behind { router: format!("zone `{zone}`"), behind });
    }
    let mut removal = Removal::new(view);
    for key in view.attachments_of(zone) {
        if let Some(attachment) = store.get::<Attachment>(key)? {
            removal.attachment(attachment);
        }
    }
    for segment in view.routed_by(zone) {
        removal.segment(segment)?;
    }
    removal.ingresses(store, |ingress| ingress.zone == *zone || ingress.router.zone() == Some(zone))?;
    for peering in store.list::<Peering>()? {
        let other = if let Peer::Here(router) = &peering.other { router.zone() } else { None };
        if peering.one.zone() == Some(zone) || other == Some(zone) {
            removal.removed.steps.push(Step::forget::<Peering>(&peering.key()));
            removal.removed.peerings.push(peering);
        }
    }
    Ok(removal.done())
}

/// Plans that a zone gives up one address, and the vnic with it. Its configuration is left to the caller.
///
/// # Errors
/// [`PlanError`]: the zone does not have it, or it is a router's.
pub fn detach_address(zone: &ZoneName, address: IpAddr, view: &View, store: &dyn Store) -> Result<Removed, PlanError> {
    let text = address.to_string();
    let key = view.attachments_of(zone).find(|key| key.parts().skip(2).any(|part| part == text));
    let attachment = key.map(|key| store.get::<Attachment>(key)).transpose()?.flatten();
    let Some(attachment) = attachment else {
        return Err(PlanError::Wishes(format!("zone `{zone}` has no address {address}; `net-list` tells what it has")));
    };
    if attachment.forwards {
        return Err(PlanError::Wishes(format!("{address} is that of a router; destroy the zone, or detach all of it")));
    }
    let mut rest = Vec::new();
    for key in view.attachments_of(zone).filter(|key| **key != attachment.key()) {
        rest.extend(store.get::<Attachment>(key)?);
    }
    let is_behind = |router: &Router| {
        let mut segments = rest.iter().filter_map(|one| view.segment(one.segment()?));
        segments.any(|segment| segment.router == *router)
    };
    let mut removal = Removal::new(view);
    removal.attachment(attachment);
    removal.ingresses(store, |ingress| ingress.zone == *zone && !is_behind(&ingress.router))?;
    Ok(removal.done())
}

impl Removed {
    /// Puts before everything else that the networks of the attachments go from the zone's configuration.
    pub fn unconfigure(&mut self, zone: &ZoneName, config: &ZoneConfig) {
        let gone = |physical: &str, address: Option<&str>| {
            self.attachments.iter().any(|attachment| {
                let has = || attachment.addresses().any(|net| address == Some(net.to_string().as_str()));
                attachment.link.as_str() == physical && (attachment.mode == Mode::Exclusive || has())
            })
        };
        // From the last to the first: what is put back comes last.
        let networks = config.networks.iter().rev().filter(|net| gone(&net.physical, net.address.as_deref()));
        let change = |network: &crate::config::Network| NetResourceChange::RemoveNet {
            zone: zone.clone(),
            network: network.clone(),
        };
        let steps: Vec<Step> = networks.map(|network| Step::Zonecfg { change: change(network) }).collect();
        self.steps.splice(0..0, steps);
    }
}

/// Something that goes, bit by bit.
pub(super) struct Removal<'v> {
    view: &'v View,
    removed: Removed,
}

impl<'v> Removal<'v> {
    pub(super) fn new(view: &'v View) -> Self {
        Self { view, removed: Removed::default() }
    }

    pub(super) fn done(self) -> Removed {
        self.removed
    }

    pub(super) fn once(&mut self, change: NetworkChange) {
        self.removed.steps.push(Step::HostOnce { change });
    }

    pub(super) fn attachment(&mut self, attachment: Attachment) {
        if let (Some(flow), Some(net)) = (&attachment.flow, attachment.addresses().next()) {
            self.once(flow.remove(&attachment.link, net.addr()));
        }
        if attachment.mode == Mode::Exclusive {
            self.vnic(&attachment.link, attachment.mac, attachment.vlan);
        }
        self.removed.steps.push(Step::forget::<Attachment>(&attachment.key()));
        self.removed.attachments.push(attachment);
    }

    /// A vnic: the one that is remembered. Old records have no Ethernet address.
    fn vnic(&mut self, link: &LinkName, mac: Option<MacAddress>, vlan: Option<VlanId>) {
        let Some(found) = self.view.survey.vnic(link.as_str()) else { return };
        let mac = mac.or(found.mac);
        match (mac, found.over.parse::<LinkName>()) {
            (Some(mac), Ok(over)) if found.is(mac, vlan) => {
                self.once(NetworkChange::DeleteVnic { link: link.clone(), over, mac, vlan });
            }
            _ => {
                let note = format!("the vnic `{link}` on `{}` stays: it is not the one that zonekit made", found.over);
                self.removed.notes.push(note);
            }
        }
    }

    pub(super) fn segment(&mut self, segment: &Segment) -> Result<(), PlanError> {
        let stub = &segment.etherstub;
        let own = [segment.shared_vnic.as_ref(), segment.inside.as_ref()];
        let is_own = |name: &str| {
            let attached = self.removed.attachments.iter().any(|attachment| attachment.link.as_str() == name);
            attached || own.iter().flatten().any(|link| link.as_str() == name)
        };
        let strangers = self.view.survey.vnics_on(stub).into_iter().filter(|vnic| !is_own(&vnic.name));
        let strangers: Vec<String> = strangers.map(|vnic| vnic.name.clone()).collect();
        if !strangers.is_empty() {
            return Err(PlanError::Strangers { stub: stub.clone(), strangers });
        }
        if let Some(shared) = &segment.shared_vnic {
            self.once(NetworkChange::DeleteInterface { link: shared.clone() });
            self.vnic(shared, segment.shared_mac, None);
        }
        if let Some(inside) = &segment.inside
            && !self.removed.attachments.iter().any(|attachment| attachment.link == *inside)
        {
            self.vnic(inside, segment.inside_mac, None);
        }
        let mtu = segment.mtu.filter(|&mtu| mtu != STUB_MTU);
        self.once(NetworkChange::DeleteEtherstub { link: stub.clone(), mtu });
        self.removed.steps.push(Step::forget::<Segment>(&segment.key()));
        self.removed.segments.push(segment.clone());
        Ok(())
    }

    pub(super) fn ingresses(&mut self, store: &dyn Store, goes: impl Fn(&Ingress) -> bool) -> Result<(), PlanError> {
        for ingress in store.list::<Ingress>()?.into_iter().filter(goes) {
            self.removed.steps.push(Step::forget::<Ingress>(&ingress.key()));
            self.removed.ingresses.push(ingress);
        }
        Ok(())
    }
}
