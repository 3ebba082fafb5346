//! What the host has now: six lists, each asked for once, however many zones there are.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::host::dladm::{self, Card, Link, LinkClass, Vlan, Vnic};
use crate::host::ipadm::{self, Address, Interface};
use crate::host::routes::{self, Route};
use crate::host::{LinkName, ListError, MacAddress};

/// The links, interfaces, addresses and routes of the global zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    links: HashMap<String, Link>,
    vnics: HashMap<String, Vnic>,
    vlans: HashMap<String, Vlan>,
    macs: HashSet<MacAddress>,
    cards: HashMap<String, MacAddress>,
    interfaces: HashSet<String>,
    addresses: Vec<Address>,
    routes: Vec<Route>,
}

/// A network that the host is on itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbourhood {
    /// The network.
    pub network: IpNet,
    /// The interface of the host that is on it.
    pub interface: String,
    /// The gateway on it to everything else.
    pub gateway: Option<IpAddr>,
}

impl Survey {
    /// Looks at the host. Runs six commands, and one more where there are VLANs.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn take() -> Result<Self, ListError> {
        let (links, vnics) = (dladm::links()?, dladm::vnics()?);
        let vlans = if links.iter().any(|link| link.class == LinkClass::Vlan) { dladm::vlans()? } else { Vec::new() };
        let survey = Self::of(links, vnics, ipadm::interfaces()?, ipadm::addresses()?, routes::routes()?);
        Ok(survey.with_cards(dladm::cards()?).with_vlans(vlans))
    }

    /// The same, where these of the links are VLANs.
    #[must_use]
    pub fn with_vlans(self, vlans: Vec<Vlan>) -> Self {
        Self { vlans: vlans.into_iter().map(|vlan| (vlan.name.clone(), vlan)).collect(), ..self }
    }

    /// What these lists say.
    #[must_use]
    pub fn of(
        links: Vec<Link>,
        vnics: Vec<Vnic>,
        interfaces: Vec<Interface>,
        addresses: Vec<Address>,
        routes: Vec<Route>,
    ) -> Self {
        Self {
            cards: HashMap::new(),
            macs: vnics.iter().filter_map(|vnic| vnic.mac).collect(),
            links: links.into_iter().map(|link| (link.name.clone(), link)).collect(),
            vnics: vnics.into_iter().map(|vnic| (vnic.name.clone(), vnic)).collect(),
            vlans: HashMap::new(),
            interfaces: interfaces.into_iter().map(|interface| interface.name).collect(),
            addresses,
            routes,
        }
    }

    /// And these network cards.
    #[must_use]
    pub fn with_cards(self, cards: Vec<Card>) -> Self {
        Self { cards: cards.into_iter().map(|card| (card.link, card.mac)).collect(), ..self }
    }

    /// The Ethernet addresses of the network cards that a link is made of: none for an etherstub.
    #[must_use]
    pub fn cards_of(&self, link: &LinkName) -> Vec<MacAddress> {
        let ports = self.link(link.as_str()).map(|link| link.over.clone()).unwrap_or_default();
        let names = std::iter::once(link.as_str()).chain(ports.iter().map(String::as_str));
        let mut macs: Vec<MacAddress> = names.filter_map(|name| self.cards.get(name)).copied().collect();
        macs.sort_unstable();
        macs
    }

    /// A link.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.get(name)
    }

    /// A vnic.
    #[must_use]
    pub fn vnic(&self, name: &str) -> Option<&Vnic> {
        self.vnics.get(name)
    }

    /// A link that is a VLAN.
    #[must_use]
    pub fn vlan(&self, name: &str) -> Option<&Vlan> {
        self.vlans.get(name)
    }

    /// The names of all links.
    pub fn link_names(&self) -> impl Iterator<Item = &str> {
        self.links.keys().map(String::as_str)
    }

    /// The vnics on a link, by name.
    #[must_use]
    pub fn vnics_on(&self, over: &LinkName) -> Vec<&Vnic> {
        let mut found: Vec<&Vnic> = self.vnics.values().filter(|vnic| vnic.over == over.as_str()).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found
    }

    /// Whether a vnic has this Ethernet address.
    #[must_use]
    pub fn has_mac(&self, mac: MacAddress) -> bool {
        self.macs.contains(&mac)
    }

    /// Whether the global zone uses a link for IP.
    #[must_use]
    pub fn is_plumbed(&self, link: &str) -> bool {
        self.interfaces.contains(link)
    }

    /// The addresses of the global zone.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The object that an address of the host belongs to.
    #[must_use]
    pub fn object_with(&self, address: IpAddr) -> Option<&str> {
        self.addresses.iter().find(|found| found.address == address).map(|found| found.object.as_str())
    }

    /// The addresses of an interface of the global zone.
    pub fn addresses_on<'s>(&'s self, interface: &'s str) -> impl Iterator<Item = &'s Address> {
        self.addresses.iter().filter(move |address| address.interface() == interface)
    }

    /// The smallest network of the host's own that an address lies in.
    #[must_use]
    pub fn neighbourhood(&self, address: IpAddr) -> Option<Neighbourhood> {
        let direct = self.direct().filter(|(network, _)| network.contains(&address));
        let (network, interface) = direct.max_by_key(|(network, _)| network.prefix_len())?;
        let gateways = self.routes.iter().filter(|route| route.is_default() && network.contains(&route.gateway));
        let gateway = gateways.map(|route| route.gateway).find(|gateway| gateway.is_ipv4() == address.is_ipv4());
        Some(Neighbourhood { network, interface, gateway })
    }

    /// Networks, with the interface that is on each: of addresses that are set, and of routes.
    fn direct(&self) -> impl Iterator<Item = (IpNet, String)> + '_ {
        let of_addresses =
            self.addresses.iter().filter_map(|address| Some((address.network()?, address.interface().to_owned())));
        let of_routes = self.routes.iter().filter(|route| route.is_direct());
        let of_routes = of_routes.filter_map(|route| Some((route.destination, route.interface.clone()?)));
        of_addresses.chain(of_routes).filter(|(network, interface)| {
            network.prefix_len() < network.max_prefix_len() && interface != "lo0" && !is_link_local(*network)
        })
    }

    /// The interface of the route for everything that has no other, and the gateway.
    #[must_use]
    pub fn way_out(&self) -> Option<Neighbourhood> {
        let default = self.routes.iter().filter(|route| route.is_default());
        default.min_by_key(|route| route.gateway.is_ipv6()).and_then(|route| {
            let near = self.neighbourhood(route.gateway)?;
            Some(Neighbourhood { gateway: Some(route.gateway), ..near })
        })
    }

    /// The network that the host reaches through an address.
    #[must_use]
    pub fn reached_by(&self, address: IpAddr) -> Option<IpNet> {
        let mut through = self.routes.iter().filter(|route| !route.is_direct() && route.gateway == address);
        through.find(|route| route.interface.as_deref() != Some("lo0")).map(|route| route.destination)
    }

    /// What of this host overlaps a network, in words.
    #[must_use]
    pub fn overlapping(&self, network: IpNet) -> Option<(IpNet, String)> {
        let overlaps = |other: IpNet| other.prefix_len() > 0 && super::address::overlap(network, other);
        let own = self.addresses.iter().find_map(|address| {
            let whose = || format!("the address {} of `{}`", address.address, address.object);
            address.network().filter(|other| overlaps(*other)).map(|other| (other, whose()))
        });
        own.or_else(|| {
            let route = self.routes.iter().find(|route| overlaps(route.destination))?;
            let by = match (route.is_direct(), &route.interface) {
                (true, Some(interface)) => format!("on `{interface}`"),
                _ => format!("by {}", route.gateway),
            };
            Some((route.destination, format!("the host's route {by}")))
        })
    }
}

fn is_link_local(network: IpNet) -> bool {
    match network {
        IpNet::V4(net) => net.addr().is_link_local(),
        IpNet::V6(net) => net.addr().is_unicast_link_local(),
    }
}
