//! From a zone and addresses to steps.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Serialize;

use super::address::reserved_in;
use super::segments::NewSegments;
use super::view::{MacOwner, VNICS};
use super::{
    AddressError, AskedAddress, Attachment, Autoconfiguration, Domain, Flow, FlowLimits, LinkName, Mode, Opening,
    Outside, Place, Router, Segment, Step, View,
};
use crate::config::{IpType, Network, ZoneName};
use crate::host::dladm::LinkClass;
use crate::host::{ListError, NetworkChange};
use crate::store::StoreError;

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
    /// The domain of the names of zones behind it.
    pub domain: Option<Domain>,
    /// The IPv6 networks behind it are global ones: routed, not translated.
    pub routable_ipv6: bool,
    /// Names elsewhere have no IPv6 addresses for the zones behind it.
    pub filter_aaaa: bool,
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
            domain: None,
            routable_ipv6: false,
            filter_aaaa: false,
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

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The wishes do not go together.
    #[error("{0}")]
    Wishes(String),
    /// Something has to be said, for nothing tells it.
    #[error("{0}")]
    Unsaid(String),
    /// More than one reason, none of which is this one.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<PlanError>),
    /// An address or network that cannot be.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// An address that a network keeps for something else.
    #[error("{address} {problem} on {network}; take another address of it")]
    Reserved {
        /// The address.
        address: IpAddr,
        /// What it is.
        problem: String,
        /// The network, and whose it is.
        network: String,
    },
    /// An address that somebody has.
    #[error("{address} is in use by {user}; take another address")]
    InUse {
        /// The address.
        address: IpAddr,
        /// Who has it.
        user: String,
    },
    /// An address with the length of another network.
    #[error("{asked} is on {network}; write {}/{}, or the address alone", asked.address, network.prefix_len())]
    Length {
        /// What was asked for.
        asked: AskedAddress,
        /// The network that the address lies in.
        network: IpNet,
    },
    /// An address on no network.
    #[error(
        "{0} is on no segment and on no network of this host; make a router zone for its network, or name a link for it"
    )]
    Nowhere(AskedAddress),
    /// Two networks have addresses in common.
    #[error("{network} overlaps {other}, which is that of {whose}; take another network")]
    Overlap {
        /// The network.
        network: IpNet,
        /// The other one.
        other: IpNet,
        /// Whose it is.
        whose: String,
    },
    /// A link is not as the records say.
    #[error(
        "{problem}; `zonekit-store check` tells more, and `zonekit-recover` puts right what a killed operation left"
    )]
    Link {
        /// What is wrong.
        problem: String,
    },
    /// No vnic can be made on a link.
    #[error(
        "no vnic can be made on `{link}`, which is {what}; name another link, or take an address of another network"
    )]
    Unsuitable {
        /// The link.
        link: String,
        /// What it is.
        what: &'static str,
    },
    /// A router with zones behind it.
    #[error("{router} is the router of {}; destroy or detach them first", behind.join(", "))]
    Behind {
        /// The router, as it is called in a sentence.
        router: String,
        /// The zones.
        behind: Vec<String>,
    },
    /// There is something on an etherstub that zonekit has not made.
    #[error("`{}` on the etherstub `{stub}` is not zonekit's; see what it is for, and delete it first", strangers.join("`, `"))]
    Strangers {
        /// The etherstub.
        stub: LinkName,
        /// The vnics.
        strangers: Vec<String>,
    },
    /// No name is free.
    #[error("there is no free name for another `{0}` link")]
    Exhausted(String),
    /// The zones of the host are not known.
    #[error("{0}")]
    Zones(std::io::Error),
    /// The host cannot be looked at.
    #[error(transparent)]
    List(#[from] ListError),
    /// The records cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PlanError {
    fn link(problem: String) -> Self {
        Self::Link { problem }
    }

    /// Nothing, the only one, or all of them.
    pub(super) fn of(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Several(errors)),
        }
    }

    /// Each by itself.
    #[must_use]
    pub fn each(self) -> Vec<Self> {
        match self {
            Self::Several(errors) => errors,
            error => vec![error],
        }
    }
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
    network: IpNet,
    gateway: Option<IpAddr>,
    has_ipv6_router: bool,
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
            other.place == spot.place && if net.addr().is_ipv4() { other.ipv4.is_none() } else { other.ipv6.is_none() }
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
        let over = self.lower_link(&interface)?;
        let network = IpNet::from(IpAddr::from([0u8; 4]));
        let spot = Spot { place: Place::Link(over.clone()), over, network, gateway: None, has_ipv6_router: true };
        self.new_vnic(&spot).map(drop)
    }

    /// Its place among the attachments.
    fn new_vnic(&mut self, spot: &Spot) -> Result<usize, PlanError> {
        let link = self.view.allocate(VNICS)?;
        let mac = self.view.allocate_mac(&spot.over, &MacOwner::Zone(&self.wanted.zone, &spot.place));
        let autoconfiguration = match (self.wanted.ipv6, spot.has_ipv6_router) {
            (false, _) => Autoconfiguration::Off,
            (true, true) => Autoconfiguration::Slaac,
            (true, false) => Autoconfiguration::LinkLocal,
        };
        let change = NetworkChange::CreateVnic { link: link.clone(), over: spot.over.clone(), mac };
        self.plan.steps.push(Step::Host { change });
        self.plan.attachments.push(Attachment {
            zone: self.wanted.zone.clone(),
            place: spot.place.clone(),
            mode: Mode::Exclusive,
            link,
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
            self.check_length(asked, network)?;
            self.check_reserved(asked.address, network, gateway, &format!("of the segment `{}`", segment.name))?;
            self.check_stub(segment)?;
            return Ok(Spot {
                place: Place::Segment(segment.name.clone()),
                over: segment.etherstub.clone(),
                network,
                gateway,
                has_ipv6_router: segment.ipv6.is_some(),
            });
        }
        let near = self.view.survey.neighbourhood(asked.address);
        if let (Some(link), None) = (&self.wanted.link, &near) {
            let Some(length) = asked.length else {
                let text =
                    format!("{asked} needs the length of its network, such as {asked}/24, for nothing else says it");
                return Err(PlanError::Unsaid(text));
            };
            let network = IpNet::new(asked.address, length).map_err(|_| PlanError::Nowhere(asked))?.trunc();
            let over = self.lower_link(link.as_str())?;
            self.check_reserved(asked.address, network, None, "that was asked for")?;
            return Ok(Spot { place: Place::Link(over.clone()), over, network, gateway: None, has_ipv6_router: true });
        }
        let near = near.ok_or(PlanError::Nowhere(asked))?;
        self.check_length(asked, near.network)?;
        self.check_reserved(asked.address, near.network, near.gateway, &format!("of `{}`", near.interface))?;
        let over = self.lower_link(self.wanted.link.as_ref().map_or(near.interface.as_str(), LinkName::as_str))?;
        let place = Place::Link(over.clone());
        Ok(Spot { place, over, network: near.network, gateway: near.gateway, has_ipv6_router: true })
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

    /// The link on which vnics of the network of an interface can be made: dladm(8) makes none on a vnic.
    fn lower_link(&self, interface: &str) -> Result<LinkName, PlanError> {
        let unsuitable = |what| PlanError::Unsuitable { link: interface.to_owned(), what };
        let Some(link) = self.view.survey.link(interface) else {
            return Err(unsuitable("no link of this host"));
        };
        let name = match link.class {
            LinkClass::Physical | LinkClass::Aggregation | LinkClass::Etherstub => interface,
            LinkClass::Vnic => link.over.first().ok_or_else(|| unsuitable("a vnic on nothing"))?,
            LinkClass::Vlan => return Err(unsuitable("a VLAN")),
            LinkClass::Other => return Err(unsuitable("no network card, aggregation, etherstub or vnic")),
        };
        name.parse().map_err(|_| unsuitable("called as no link may be"))
    }

    fn shared(&mut self, asked: AskedAddress) -> Result<(), PlanError> {
        let on_segment = self.view.segment_of(asked.address).map(|(segment, network)| (segment.clone(), network));
        let (place, link, network) = match on_segment {
            Some((segment, network)) => {
                let whose = format!("of the segment `{}`", segment.name);
                self.check_length(asked, network)?;
                self.check_reserved(asked.address, network, segment.gateway_for(asked.address), &whose)?;
                let link = self.shared_link(&segment)?;
                let note = format!(
                    "{} is on the global zone's stack: it reaches zones on {network}, and has no route out",
                    asked.address
                );
                self.plan.notes.push(note);
                (Place::Segment(segment.name), link, network)
            }
            None => {
                let near = self.view.survey.neighbourhood(asked.address).ok_or(PlanError::Nowhere(asked))?;
                self.check_length(asked, near.network)?;
                let whose = format!("of `{}`", near.interface);
                self.check_reserved(asked.address, near.network, near.gateway, &whose)?;
                let name = near.interface.parse::<LinkName>();
                let link =
                    name.map_err(|_| PlanError::Unsuitable { link: near.interface, what: "called as no link may be" })?;
                (Place::Link(link.clone()), link, near.network)
            }
        };
        self.refuse_used(asked.address)?;
        let net = IpNet::new(asked.address, network.prefix_len()).map_err(|_| PlanError::Nowhere(asked))?;
        let (ipv4, ipv6) = match net {
            IpNet::V4(net) => (Some(net), None),
            IpNet::V6(net) => (None, Some(net)),
        };
        self.plan.attachments.push(Attachment {
            zone: self.wanted.zone.clone(),
            place,
            mode: Mode::Shared,
            link,
            ipv4,
            ipv6,
            autoconfiguration: Autoconfiguration::Off,
            mac: None,
            flow: None,
            gateways: Vec::new(),
            forwards: false,
            openings: self.wanted.openings.clone(),
        });
        Ok(())
    }

    fn shared_link(&self, segment: &Segment) -> Result<LinkName, PlanError> {
        let name = &segment.name;
        let Some(link) = &segment.shared_vnic else {
            let problem = format!("the segment `{name}` has no link for zones on the global zone's stack");
            return Err(PlanError::link(format!("{problem}; `zonekit-store check --repair` makes one")));
        };
        if self.view.survey.link(link.as_str()).is_none() {
            return Err(PlanError::link(format!("the link `{link}` of the segment `{name}` is gone")));
        }
        if !self.view.survey.is_plumbed(link.as_str()) {
            return Err(PlanError::link(format!("the link `{link}` of the segment `{name}` is not plumbed")));
        }
        Ok(link.clone())
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
        Some(Outside { interface: first.link.clone(), over, ipv4: first.ipv4, ipv6: first.ipv6, gateways })
    }

    fn finish(mut self) -> Plan {
        if let Some(limits) = &self.wanted.flow {
            for attachment in self.plan.attachments.iter_mut().filter(|one| one.mac.is_some()) {
                let Some(address) = attachment.addresses().next() else { continue };
                let name = format!("zflow{}", attachment.link.number().unwrap_or_default());
                let flow = Flow { name, limits: limits.clone() };
                self.plan.steps.push(Step::Host { change: flow.add(&attachment.link, address.addr()) });
                attachment.flow = Some(flow);
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
    let bound = !attachment.forwards && attachment.autoconfiguration == Autoconfiguration::Off;
    let addresses: Vec<IpNet> = attachment.addresses().collect();
    if attachment.mode == Mode::Shared {
        let shared = |net: &IpNet| Network { address: Some(net.to_string()), ..bare.clone() };
        return addresses.iter().map(shared).collect();
    }
    if !bound || addresses.is_empty() {
        return vec![bare];
    }
    let own = |net: &IpNet| {
        let gateway = attachment.gateways.iter().find(|gateway| gateway.is_ipv4() == net.addr().is_ipv4());
        let (allowed_address, defrouter) = (Some(net.to_string()), gateway.map(ToString::to_string));
        Network { allowed_address, defrouter, ..bare.clone() }
    };
    addresses.iter().map(own).collect()
}
