//! From a zone and addresses to steps.

mod error;
mod shared;

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Serialize;

use super::address::reserved_in;
use super::same_name;
use super::segments::NewSegments;
use super::view::{MacOwner, VNICS};
use super::{
    AskedAddress, Attachment, Autoconfiguration, Domain, Flow, FlowLimits, Ipv6Addresses, LinkName, Mode, Opening,
    Outside, Place, Router, Segment, Step, View, VlanId,
};
use crate::config::{IpType, Network, ZoneName};
use crate::host::NetworkChange;
use crate::host::dladm::LinkClass;

pub use error::PlanError;

/// What is wanted for a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The zone.
    pub zone: ZoneName,
    /// Addresses on the global zone's stack.
    pub shared: Vec<AskedAddress>,
    /// Addresses on a stack of its own.
    pub exclusive: Vec<AskedAddress>,
    /// Networks that the zone is to route.
    pub routes: Vec<IpNet>,
    /// Somebody else makes it a router of these: a proxy.
    pub proxy: bool,
    /// It gives itself IPv6 addresses.
    pub ipv6: bool,
    /// Limits for each of its vnics.
    pub flow: Option<FlowLimits>,
    /// The link for addresses that no network claims.
    pub link: Option<LinkName>,
    /// The VLAN of that link.
    pub vlan: Option<VlanId>,
    /// The domain of the names of zones behind it.
    pub domain: Option<Domain>,
    /// The IPv6 networks behind it are global ones: routed, not translated.
    pub routable_ipv6: bool,
    /// Names elsewhere have no IPv6 addresses for the zones behind it.
    pub filter_aaaa: bool,
    /// Where the zones behind it have IPv6 addresses from.
    pub ipv6_addresses: Option<Ipv6Addresses>,
    /// What a routable segment's filter lets in to it.
    pub openings: Vec<Opening>,
}

impl Wanted {
    /// Nothing yet, for a zone.
    #[must_use]
    pub fn new(zone: ZoneName) -> Self {
        Self {
            zone,
            shared: Vec::new(),
            exclusive: Vec::new(),
            routes: Vec::new(),
            proxy: false,
            ipv6: false,
            flow: None,
            link: None,
            vlan: None,
            domain: None,
            routable_ipv6: false,
            filter_aaaa: false,
            ipv6_addresses: None,
            openings: Vec::new(),
        }
    }
}

/// What will be: steps on the host, in order, and the records that they lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// New segments.
    pub segments: Vec<Segment>,
    /// New attachments of the zone.
    pub attachments: Vec<Attachment>,
    /// What the zone's configuration needs.
    pub resources: Vec<Network>,
    /// Whether the zone has a network stack of its own; `None` when it has no network at all.
    pub ip_type: Option<IpType>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Plans the whole network part of a new zone, or what is to be added to one.
///
/// # Errors
/// [`PlanError`]: every reason why there can be none.
pub fn plan(wanted: &Wanted, view: &mut View) -> Result<Plan, PlanError> {
    let mut errors: Vec<PlanError> =
        contradictions(wanted).into_iter().map(|text| PlanError::Wishes(text.to_owned())).collect();
    let mut planner = Planner { wanted, view, plan: Plan::default() };
    for asked in &wanted.exclusive {
        errors.extend(planner.exclusive(*asked).err());
    }
    for asked in &wanted.shared {
        errors.extend(planner.shared(*asked).err());
    }
    if wanted.ipv6 && wanted.exclusive.is_empty() {
        errors.extend(planner.address_of_its_own().err());
    }
    errors.extend(planner.segments().map_err(PlanError::each).err().into_iter().flatten());
    PlanError::of(errors)?;
    planner.check_vlan()?;
    same_name::refuse(&wanted.zone, &planner.plan.attachments, planner.view)?;
    Ok(planner.finish())
}

/// Wishes that do not go together.
fn contradictions(wanted: &Wanted) -> Vec<&'static str> {
    let routes = !wanted.routes.is_empty();
    let ipv6_route = wanted.routes.iter().any(|net| matches!(net, IpNet::V6(_)));
    let all = [
        (
            !wanted.shared.is_empty() && (!wanted.exclusive.is_empty() || wanted.ipv6),
            "a zone has the global zone's network stack or its own, not both: give shared or exclusive addresses",
        ),
        (
            routes && wanted.exclusive.is_empty(),
            "a router needs an exclusive address of its own, on the network outside",
        ),
        (
            wanted.vlan.is_some() && (wanted.link.is_none() || !wanted.shared.is_empty()),
            "a VLAN is one of a link, for a vnic on it: name the link, and give exclusive addresses",
        ),
        (
            wanted.flow.is_some() && wanted.exclusive.is_empty(),
            "limits need a vnic with an address: an exclusive address",
        ),
        (wanted.routable_ipv6 && !ipv6_route, "only an IPv6 network can be routable, and none is given"),
    ];
    all.into_iter().filter_map(|(wrong, text)| wrong.then_some(text)).collect()
}

/// Where an exclusive address goes.
struct Spot {
    place: Place,
    over: LinkName,
    vlan: Option<VlanId>,
    network: IpNet,
    gateway: Option<IpAddr>,
    /// A router may announce IPv6 networks in which it gives itself addresses.
    has_slaac: bool,
}

struct Planner<'p> {
    wanted: &'p Wanted,
    view: &'p mut View,
    plan: Plan,
}

impl Planner<'_> {
    fn exclusive(&mut self, asked: AskedAddress) -> Result<(), PlanError> {
        let spot = self.spot(asked)?;
        self.refuse_used(asked.address)?;
        let net = IpNet::new(asked.address, spot.network.prefix_len()).map_err(|_| PlanError::Nowhere(asked))?;
        // Both families on one network are one interface.
        let index = self.plan.attachments.iter().position(|other| {
            let same = other.place == spot.place && other.vlan == spot.vlan;
            same && if net.addr().is_ipv4() { other.ipv4.is_none() } else { other.ipv6.is_none() }
        });
        let index = match index {
            Some(index) => index,
            None => self.new_vnic(&spot)?,
        };
        let Some(attachment) = self.plan.attachments.get_mut(index) else { return Ok(()) };
        match net {
            IpNet::V4(net) => attachment.ipv4 = Some(net),
            IpNet::V6(net) => attachment.ipv6 = Some(net),
        }
        attachment.gateways.extend(spot.gateway);
        Ok(())
    }

    /// An interface without a static address, on the way out of the host.
    fn address_of_its_own(&mut self) -> Result<(), PlanError> {
        let link = self.wanted.link.as_ref().map(ToString::to_string);
        let way_out = || self.view.survey.way_out().map(|near| near.interface);
        let Some(interface) = link.or_else(way_out) else {
            let text =
                "this host has no default route, so that nothing says on which link the zone should be; name a link";
            return Err(PlanError::Unsaid(text.to_owned()));
        };
        let network = IpNet::from(IpAddr::from([0u8; 4]));
        let spot = self.spot_on(&interface, network, None)?;
        self.new_vnic(&spot).map(drop)
    }

    /// Its place among the attachments.
    fn new_vnic(&mut self, spot: &Spot) -> Result<usize, PlanError> {
        let link = self.view.allocate(VNICS)?;
        let mac = self.view.allocate_mac(&spot.over, &MacOwner::Zone(&self.wanted.zone, &spot.place));
        let autoconfiguration = match (self.wanted.ipv6, spot.has_slaac) {
            (false, _) => Autoconfiguration::Off,
            (true, true) => Autoconfiguration::Slaac,
            (true, false) => Autoconfiguration::LinkLocal,
        };
        let (over, vlan) = (spot.over.clone(), spot.vlan);
        let change = NetworkChange::CreateVnic { link: link.clone(), over, mac, vlan };
        self.plan.steps.push(Step::Host { change });
        self.plan.attachments.push(Attachment {
            zone: self.wanted.zone.clone(),
            place: spot.place.clone(),
            mode: Mode::Exclusive,
            link,
            vlan,
            ipv4: None,
            ipv6: None,
            autoconfiguration,
            mac: Some(mac),
            flow: None,
            gateways: Vec::new(),
            forwards: !self.wanted.routes.is_empty(),
            openings: self.wanted.openings.clone(),
        });
        Ok(self.plan.attachments.len() - 1)
    }

    /// Where an address belongs.
    fn spot(&self, asked: AskedAddress) -> Result<Spot, PlanError> {
        if let Some((segment, network)) = self.view.segment_of(asked.address) {
            let gateway = segment.gateway_for(asked.address);
            if segment.router.zone() == Some(&self.wanted.zone) {
                let (zone, segment) = (&self.wanted.zone, &segment.name);
                let text = format!("zone `{zone}` is the router of the segment `{segment}`, and has its address there");
                return Err(PlanError::Wishes(text));
            }
            self.check_length(asked, network)?;
            self.check_reserved(asked.address, network, gateway, &format!("of the segment `{}`", segment.name))?;
            self.check_stub(segment)?;
            return Ok(Spot {
                place: Place::Segment(segment.name.clone()),
                over: segment.etherstub.clone(),
                vlan: None,
                network,
                gateway,
                has_slaac: segment.has_slaac(),
            });
        }
        let near = self.view.survey.neighbourhood(asked.address);
        if let (Some(link), None) = (&self.wanted.link, &near) {
            let network = self.network_asked(asked)?;
            return self.spot_on(link.as_str(), network, None);
        }
        let near = near.ok_or(PlanError::Nowhere(asked))?;
        self.check_length(asked, near.network)?;
        self.check_reserved(asked.address, near.network, near.gateway, &format!("of `{}`", near.interface))?;
        let link = self.wanted.link.as_ref().map_or(near.interface.as_str(), LinkName::as_str);
        self.spot_on(link, near.network, near.gateway)
    }

    /// The network of an address on a link that is named, which the address itself has to tell.
    fn network_asked(&self, asked: AskedAddress) -> Result<IpNet, PlanError> {
        let Some(length) = asked.length else {
            let text = format!("{asked} needs the length of its network, such as {asked}/24, for nothing else says it");
            return Err(PlanError::Unsaid(text));
        };
        let network = IpNet::new(asked.address, length).map_err(|_| PlanError::Nowhere(asked))?.trunc();
        self.check_reserved(asked.address, network, None, "that was asked for")?;
        Ok(network)
    }

    /// On a link of the host.
    fn spot_on(&self, link: &str, network: IpNet, gateway: Option<IpAddr>) -> Result<Spot, PlanError> {
        let (over, vlan) = self.lower_link(link)?;
        Ok(Spot { place: Place::Link(over.clone()), over, vlan, network, gateway, has_slaac: true })
    }

    fn check_length(&self, asked: AskedAddress, network: IpNet) -> Result<(), PlanError> {
        match asked.length {
            Some(length) if length != network.prefix_len() => Err(PlanError::Length { asked, network }),
            _ => Ok(()),
        }
    }

    fn check_reserved(
        &self,
        address: IpAddr,
        network: IpNet,
        gateway: Option<IpAddr>,
        whose: &str,
    ) -> Result<(), PlanError> {
        let problem = match reserved_in(network, address) {
            Some(problem) => problem,
            None if gateway == Some(address) => "is the gateway",
            None => return Ok(()),
        };
        Err(PlanError::Reserved { address, problem: problem.to_owned(), network: format!("{network} {whose}") })
    }

    fn refuse_used(&self, address: IpAddr) -> Result<(), PlanError> {
        let twice = self.plan.attachments.iter().flat_map(Attachment::addresses).any(|net| net.addr() == address);
        let user = if twice { Some("this zone already".to_owned()) } else { self.view.user_of(address) };
        user.map_or(Ok(()), |user| Err(PlanError::InUse { address, user }))
    }

    fn check_stub(&self, segment: &Segment) -> Result<(), PlanError> {
        let (name, stub) = (&segment.name, &segment.etherstub);
        match self.view.survey.link(stub.as_str()) {
            Some(link) if link.class == LinkClass::Etherstub => Ok(()),
            Some(_) => Err(PlanError::link(format!("`{stub}` of the segment `{name}` is no etherstub any more"))),
            None => Err(PlanError::link(format!("the etherstub `{stub}` of the segment `{name}` is gone"))),
        }
    }

    /// The link on which vnics of the network of an interface can be made, and the VLAN of it: dladm(8) makes none on a
    /// vnic or a VLAN.
    fn lower_link(&self, interface: &str) -> Result<(LinkName, Option<VlanId>), PlanError> {
        let unsuitable = |what| PlanError::Unsuitable { link: interface.to_owned(), what };
        let Some(link) = self.view.survey.link(interface) else {
            return Err(unsuitable("no link of this host"));
        };
        let (name, own) = match link.class {
            LinkClass::Physical | LinkClass::Aggregation | LinkClass::Etherstub => (interface, None),
            LinkClass::Vnic => {
                let over = link.over.first().ok_or_else(|| unsuitable("a vnic on nothing"))?;
                (over.as_str(), self.view.survey.vnic(interface).and_then(|vnic| vnic.vlan))
            }
            LinkClass::Vlan => {
                let vlan = self.view.survey.vlan(interface);
                let vlan = vlan.ok_or_else(|| unsuitable("a VLAN on a link that dladm(8) does not tell"))?;
                (vlan.over.as_str(), Some(vlan.id))
            }
            LinkClass::Other => return Err(unsuitable("no network card, aggregation, etherstub, vnic or VLAN")),
        };
        let vlan = match (own, self.wanted.vlan) {
            (Some(own), Some(wanted)) if own != wanted => {
                let text = format!("`{interface}` is VLAN {own} of `{name}`, and not VLAN {wanted}; name `{name}`");
                return Err(PlanError::Wishes(text));
            }
            (own, wanted) => own.or(wanted),
        };
        Ok((name.parse().map_err(|_| unsuitable("called as no link may be"))?, vlan))
    }

    /// The segments that it is to route.
    fn segments(&mut self) -> Result<(), PlanError> {
        let router = if self.wanted.proxy { Router::Proxy } else { Router::Zone };
        let new = NewSegments {
            networks: &self.wanted.routes,
            router: router(self.wanted.zone.clone()),
            outside: self.outside(),
            domain: self.wanted.domain.as_ref(),
            routable_ipv6: self.wanted.routable_ipv6,
            filter_aaaa: self.wanted.filter_aaaa,
            ipv6_addresses: self.wanted.ipv6_addresses,
        };
        self.plan.segments = new.plan(self.view, &mut self.plan.steps)?;
        let outside = self.plan.segments.first().and_then(|segment| segment.outside.as_ref());
        let has = |network: &IpNet| {
            outside.is_some_and(|own| if network.addr().is_ipv4() { own.ipv4.is_some() } else { own.ipv6.is_some() })
        };
        let family = |network: &IpNet| if network.addr().is_ipv4() { "IPv4" } else { "IPv6" };
        let note = |network: &IpNet| {
            format!("zones on {network} have no way out: the router has no {} address outside", family(network))
        };
        // Where the router asks for an address outside by itself, nobody knows yet.
        let missing = self.wanted.routes.iter().filter(|network| !has(network) && !self.wanted.ipv6);
        self.plan.notes.extend(missing.map(note));
        self.plan.attachments.extend(self.plan.segments.iter().filter_map(inside));
        Ok(())
    }

    /// The interface that a router has outside: its first.
    fn outside(&self) -> Option<Outside> {
        let first = self.plan.attachments.first().filter(|_| !self.wanted.routes.is_empty())?;
        let over = match &first.place {
            Place::Link(link) => link.clone(),
            Place::Segment(name) => self.view.segment(name)?.etherstub.clone(),
        };
        let gateways = first.gateways.clone();
        let (interface, vlan) = (first.link.clone(), first.vlan);
        Some(Outside { interface, over, vlan, ipv4: first.ipv4, ipv6: first.ipv6, gateways })
    }

    fn check_vlan(&self) -> Result<(), PlanError> {
        match self.wanted.vlan.filter(|_| self.plan.attachments.iter().all(|one| one.vlan.is_none())) {
            Some(vlan) => Err(PlanError::Wishes(format!(
                "VLAN {vlan} is for addresses on a link of the host, and none of these is; leave it out"
            ))),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Plan {
        if let Some(limits) = &self.wanted.flow {
            for attachment in self.plan.attachments.iter_mut().filter(|one| one.mac.is_some()) {
                let Some(address) = attachment.addresses().next() else { continue };
                let flow = Flow::of(&attachment.link, limits.clone());
                self.plan.steps.push(Step::Host { change: flow.add(&attachment.link, address.addr()) });
                attachment.flow = Some(flow);
                // One flow, one address.
                let others = attachment.addresses().skip(1);
                let note =
                    |other: IpNet| format!("the limits are those of {}; {} has none", address.addr(), other.addr());
                self.plan.notes.extend(others.map(note));
            }
        }
        for attachment in self.plan.attachments.iter().filter(|one| one.ipv6.is_none()) {
            if let (Autoconfiguration::LinkLocal, Some(segment)) = (attachment.autoconfiguration, attachment.segment())
                && self.view.segment(segment).is_some_and(|segment| segment.ipv6.is_some())
            {
                let note = format!(
                    "IPv6 addresses of the segment `{segment}` are static; name one for `{}` to have one beside the \
                     link-local one",
                    attachment.zone
                );
                self.plan.notes.push(note);
            }
        }
        let exclusive = self.plan.attachments.iter().any(|one| one.mode == Mode::Exclusive);
        let ip_type = if exclusive { IpType::Exclusive } else { IpType::Shared };
        self.plan.ip_type = (!self.plan.attachments.is_empty()).then_some(ip_type);
        self.plan.resources = self.plan.attachments.iter().flat_map(resources).collect();
        let segments = self.plan.segments.iter().cloned().map(|segment| Step::remember(segment.into()));
        let attachments = self.plan.attachments.iter().cloned().map(|one| Step::remember(one.into()));
        let records: Vec<Step> = segments.chain(attachments).collect();
        self.plan.steps.extend(records);
        self.plan
    }
}

/// The place of the router on a segment; `None` when that is the global zone, or nobody's.
pub(super) fn inside(segment: &Segment) -> Option<Attachment> {
    Some(Attachment {
        zone: segment.router.zone()?.clone(),
        place: Place::Segment(segment.name.clone()),
        mode: Mode::Exclusive,
        link: segment.inside.clone()?,
        vlan: None,
        ipv4: segment.ipv4.zip(segment.gateway4).and_then(|(net, own)| Ipv4Net::new(own, net.prefix_len()).ok()),
        ipv6: segment.ipv6.zip(segment.gateway6).and_then(|(net, own)| Ipv6Net::new(own, net.prefix_len()).ok()),
        autoconfiguration: Autoconfiguration::Off,
        mac: segment.inside_mac,
        flow: None,
        gateways: Vec::new(),
        forwards: true,
        openings: Vec::new(),
    })
}

/// What the configuration of the zone says of an attachment. An address that the zone is bound to would have
/// a router's packets dropped, and addresses that it gives itself.
#[must_use]
pub fn resources(attachment: &Attachment) -> Vec<Network> {
    let physical = attachment.link.to_string();
    let bare = Network { physical, address: None, allowed_address: None, defrouter: None };
    let addresses: Vec<IpNet> = attachment.addresses().collect();
    if attachment.mode == Mode::Shared {
        let shared = |net: &IpNet| Network { address: Some(net.to_string()), ..bare.clone() };
        return addresses.iter().map(shared).collect();
    }
    if !attachment.is_bound() || addresses.is_empty() {
        return vec![bare];
    }
    let own = |net: &IpNet| {
        let gateway = attachment.gateways.iter().find(|gateway| gateway.is_ipv4() == net.addr().is_ipv4());
        let (allowed_address, defrouter) = (Some(net.to_string()), gateway.map(ToString::to_string));
        Network { allowed_address, defrouter, ..bare.clone() }
    };
    addresses.iter().map(own).collect()
}
