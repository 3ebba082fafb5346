//! What a host knows of its network: links, flows, and for each IP stack interfaces, routes, filters and services.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The name of the global zone's own stack.
pub(crate) const GLOBAL: &str = "global";

/// Everything of the network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Network {
    /// The links that are there now.
    pub links: BTreeMap<String, Link>,
    /// The links that are there after the next boot, as in /etc/dladm/datalink.conf.
    pub saved: BTreeMap<String, Link>,
    pub flows: BTreeMap<String, Flow>,
    /// By the name of the zone: the global zone, and each running zone with a stack of its own.
    pub stacks: BTreeMap<String, Stack>,
    /// What stacks keep from boot to boot, by the UUID of the zone.
    pub kept: BTreeMap<String, Kept>,
    /// The services of the global zone and of each running zone, by their FMRI.
    pub services: BTreeMap<String, BTreeMap<String, Service>>,
    /// The addresses of running zones that share the global zone's stack.
    pub shared: Vec<SharedAddress>,
    /// Signals that processes were sent, in order: zone, signal, process.
    pub signals: Vec<(String, String, String)>,
    /// The last number given to something.
    pub serial: u64,
    /// Whether all of it is there as network namespaces of Linux, and by what names.
    pub packets: Option<Spaces>,
}

/// How the names of namespaces begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spaces {
    pub own: String,
    /// Those of the host that has the outside, which hosts may share.
    pub outside: String,
    /// The number of the host among those of a process.
    pub number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Class {
    Phys,
    Etherstub,
    Vnic,
    Vlan,
}

impl Class {
    pub fn word(self) -> &'static str {
        match self {
            Self::Phys => "phys",
            Self::Etherstub => "etherstub",
            Self::Vnic => "vnic",
            Self::Vlan => "vlan",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub class: Class,
    pub over: Option<String>,
    /// Six bytes; etherstubs have none.
    pub mac: Option<[u8; 6]>,
    /// `random`, `fixed`, `factory, slot 1`.
    pub mac_kind: String,
    pub vid: u16,
    /// A VLAN that was made though the link may have no room for its tags.
    #[serde(default)]
    pub forced: bool,
    pub temporary: bool,
    /// The properties that were set.
    pub properties: BTreeMap<String, String>,
    /// The running zone that has it.
    pub zone: Option<String>,
    /// Names its device where packets flow; the same through all renames.
    pub serial: u64,
}

impl Link {
    pub fn new(class: Class, serial: u64) -> Self {
        Self {
            class,
            over: None,
            mac: None,
            mac_kind: String::new(),
            vid: 0,
            forced: false,
            temporary: false,
            properties: BTreeMap::new(),
            zone: None,
            serial,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub link: String,
    /// `local_ip=10.1.1.5`, in the order given.
    pub attributes: Vec<(String, String)>,
    pub properties: BTreeMap<String, String>,
    pub temporary: bool,
}

/// An IP stack that is up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stack {
    pub interfaces: BTreeMap<String, Interface>,
    pub routes: Vec<Route>,
    /// `ipv4 forwarding=on` and the like.
    pub properties: BTreeMap<String, String>,
    /// The stack's own filter, and that which the global zone alone controls.
    pub filter: Filter,
    pub outer: Filter,
}

/// What a stack keeps from boot to boot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub interfaces: BTreeMap<String, Interface>,
    pub properties: BTreeMap<String, String>,
    pub services: BTreeMap<String, Service>,
    /// The profiles of services that were applied: digests, by file, as SMF keeps them.
    #[serde(default)]
    pub profiles: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Interface {
    /// By the name after the slash.
    pub addresses: BTreeMap<String, Address>,
    pub properties: BTreeMap<String, String>,
    /// Whether its addresses are imposed from the global zone.
    pub imposed: bool,
    pub temporary: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Address {
    /// `static`, `dhcp`, `addrconf`, `from-gz`.
    pub kind: String,
    pub value: Option<IpNet>,
    pub state: String,
    /// Configured by ifconfig: ipadm has no name for it.
    pub legacy: bool,
    pub temporary: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    pub to: IpNet,
    /// None: the network of an interface.
    pub gateway: Option<IpAddr>,
    pub interface: Option<String>,
    pub is_static: bool,
}

/// A service. Source: smf(7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Service {
    pub enabled: bool,
    pub state: String,
    pub properties: BTreeMap<String, String>,
    /// Those that `refresh` has made the running ones.
    pub running: BTreeMap<String, String>,
    /// The daemon that its start method runs, with its arguments.
    pub daemon: Vec<String>,
}

/// IPFilter of one stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Filter {
    pub active: Vec<String>,
    pub inactive: Vec<String>,
    pub active6: Vec<String>,
    pub inactive6: Vec<String>,
    pub nat: Vec<String>,
    /// Each number with its members.
    pub pools: BTreeMap<String, Vec<String>>,
    /// How often live sessions or states were dropped.
    pub flushed_sessions: u32,
    pub flushed_states: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SharedAddress {
    pub zone: String,
    pub link: String,
    pub address: IpNet,
    pub router: Option<IpAddr>,
    pub serial: u64,
}

impl Network {
    pub fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The link at the bottom, whose frames these are, and the VLAN that they are tagged with; 0 is none.
    pub fn segment<'a>(&'a self, link: &'a str) -> (&'a str, u16) {
        let Some(found) = self.links.get(link) else { return (link, 0) };
        let Some(over) = found.over.as_deref() else { return (link, 0) };
        let (bottom, vid) = self.segment(over);
        (bottom, if found.vid == 0 { vid } else { found.vid })
    }

    /// The vnics over a link.
    pub fn over<'a>(&'a self, link: &'a str) -> impl Iterator<Item = &'a String> {
        self.links.iter().filter(move |(_, found)| found.over.as_deref() == Some(link)).map(|(name, _)| name)
    }

    /// The stack in which a link has an IP interface.
    pub fn plumbed(&self, link: &str) -> Option<&str> {
        self.stacks.iter().find(|(_, stack)| stack.interfaces.contains_key(link)).map(|(name, _)| name.as_str())
    }

    /// What stops a link from being deleted. Source: `dladm_vnic_delete()`, `vnic_ioc_delete()`.
    pub fn busy(&self, link: &str) -> Option<&'static str> {
        if self.flows.values().any(|flow| flow.link == link) {
            return Some("link still has flows");
        }
        let shared = self.shared.iter().any(|found| found.link == link);
        let held = self.links.get(link).is_some_and(|found| found.zone.is_some());
        (held || shared || self.plumbed(link).is_some() || self.over(link).next().is_some()).then_some("link busy")
    }

    /// The MTU: its own, or that of what it is over.
    pub fn mtu(&self, link: &str) -> u32 {
        let Some(found) = self.links.get(link) else { return 0 };
        if let Some(own) = found.properties.get("mtu").and_then(|text| text.parse().ok()) {
            return own;
        }
        match (&found.over, found.class) {
            (Some(over), _) => self.mtu(over),
            (None, Class::Etherstub) => 9000,
            (None, _) => 1500,
        }
    }

    /// All addresses that are up on a segment.
    pub fn addresses_on(&self, segment: (&str, u16)) -> BTreeSet<IpAddr> {
        let of_stack = |stack: &Stack| -> Vec<IpAddr> {
            let on = stack.interfaces.iter().filter(|(name, _)| self.segment(name) == segment);
            let values = on.flat_map(|(_, found)| found.addresses.values());
            values.filter(|found| found.state == "ok").filter_map(|found| Some(found.value?.addr())).collect()
        };
        let shared = self.shared.iter().filter(|found| self.segment(&found.link) == segment);
        self.stacks.values().flat_map(of_stack).chain(shared.map(|found| found.address.addr())).collect()
    }
}

impl Stack {
    /// Whether an interface has an IPv6 address that is no loopback.
    pub fn has_ipv6(&self) -> bool {
        let others = self.interfaces.iter().filter(|(name, _)| name.as_str() != "lo0");
        let mut addresses = others.flat_map(|(_, found)| found.addresses.values());
        addresses.any(|found| found.kind == "addrconf" || found.value.is_some_and(|value| value.addr().is_ipv6()))
    }

    pub fn forwards(&self, family: &str) -> bool {
        self.properties.get(&format!("{family} forwarding")).is_some_and(|value| value == "on")
    }

    /// The network of an interface that an address is in, the narrowest first.
    pub fn onlink(&self, address: IpAddr) -> Option<(&str, IpNet)> {
        let all = self.interfaces.iter().flat_map(|(name, found)| {
            found.addresses.values().filter_map(move |address| Some((name.as_str(), address.value?)))
        });
        all.filter(|(_, net)| net.contains(&address)).max_by_key(|(_, net)| net.prefix_len())
    }
}
