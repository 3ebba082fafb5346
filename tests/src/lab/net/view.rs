//! What a test sees of the network, and what it does to it by hand.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::Lab;
use super::super::state::State;
use super::model::{Address, Class, GLOBAL, Interface, Kept, Link, Network, Route, Stack};
use super::smf;

/// The link of the host that leads outside.
pub(crate) const OUTSIDE: &str = "e1000g0";
/// Its address, and the router there.
const OUTSIDE_ADDRESS: &str = "192.0.2.10/24";
const OUTSIDE_ROUTER: &str = "192.0.2.1";

impl Network {
    /// The network of a host that has one link with an address, and a default route.
    pub(crate) fn begin() -> Option<Self> {
        let mut network = Self::default();
        let serial = network.next();
        let outside = Link {
            mac: Some([0, 0xc, 0x29, 1, 2, 3]),
            mac_kind: "factory".to_owned(),
            ..Link::new(Class::Phys, serial)
        };
        network.links.insert(OUTSIDE.to_owned(), outside.clone());
        network.saved.insert(OUTSIDE.to_owned(), outside);
        let value: IpNet = OUTSIDE_ADDRESS.parse().ok()?;
        let mut interface = Interface::default();
        interface.addresses.insert("v4".to_owned(), Address::new("static", Some(value)));
        let mut stack = Stack::default();
        stack.interfaces.insert("lo0".to_owned(), Interface::default());
        stack.interfaces.insert(OUTSIDE.to_owned(), interface.clone());
        let kept = Kept { interfaces: [(OUTSIDE.to_owned(), interface)].into(), ..Kept::default() };
        let gateway = Some(OUTSIDE_ROUTER.parse().ok()?);
        stack.routes.push(Route { to: "0.0.0.0/0".parse().ok()?, gateway, interface: None, is_static: true });
        super::routes::refresh(&mut stack);
        network.stacks.insert(GLOBAL.to_owned(), stack);
        network.kept.insert(GLOBAL.to_owned(), kept);
        network.services.insert(GLOBAL.to_owned(), smf::of_host());
        Some(network)
    }
}

impl Lab {
    /// Reboots the host as far as the network goes: what is temporary is lost.
    pub fn reboot_network(&self) {
        self.transact(|host| {
            let network = &mut host.state.net;
            network.links = network.saved.clone();
            network.flows.retain(|_, flow| !flow.temporary);
            network.stacks.retain(|name, _| name == GLOBAL);
            network.services.retain(|name, _| name == GLOBAL);
            network.shared.clear();
            let kept = network.kept.get(GLOBAL).cloned().unwrap_or_default();
            let links = network.links.clone();
            let stack = network.stacks.entry(GLOBAL.to_owned()).or_default();
            stack.interfaces = kept.interfaces.into_iter().filter(|(name, _)| links.contains_key(name)).collect();
            stack.interfaces.insert("lo0".to_owned(), Interface::default());
            stack.properties = kept.properties;
            // That of the host is in /etc/defaultrouter, on a real one.
            stack.routes.retain(|route| route.to.prefix_len() == 0);
            super::routes::refresh(stack);
            let root = host.lab.root().to_owned();
            let global = || GLOBAL.to_owned();
            let (program, zone, owner, uuid) = (String::new(), global(), global(), global());
            let mut call = super::Call { host, program, zone, owner, uuid, root, inside: false };
            super::route::apply_kept(&mut call);
        });
    }

    /// Adds a link that leads outside.
    pub fn add_phys(&self, name: &str) {
        self.transact(|host| {
            let serial = host.state.net.next();
            let last = u8::try_from(serial % 256).unwrap_or_default();
            let mac = Some([0, 0xc, 0x29, 9, 9, last]);
            let link = Link { mac, mac_kind: "factory".to_owned(), ..Link::new(Class::Phys, serial) };
            host.state.net.links.insert(name.to_owned(), link.clone());
            host.state.net.saved.insert(name.to_owned(), link);
        });
    }

    /// Takes a link away without a question, as somebody may who knows better.
    pub fn lose_link(&self, name: &str) {
        self.transact(|host| {
            host.state.net.links.remove(name);
            host.state.net.saved.remove(name);
        });
    }

    /// The names of all links.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        self.state().net.links.into_keys().collect()
    }

    /// The rules of NAT that a zone has loaded.
    #[must_use]
    pub fn nat_of(&self, zone: &str) -> Vec<String> {
        self.state().net.stacks.remove(zone).map(|stack| stack.filter.nat).unwrap_or_default()
    }

    /// The rules of the filter that a zone has loaded, of IPv4 and of IPv6.
    #[must_use]
    pub fn filter_of(&self, zone: &str) -> (Vec<String>, Vec<String>) {
        self.state()
            .net
            .stacks
            .remove(zone)
            .map(|stack| (stack.filter.active, stack.filter.active6))
            .unwrap_or_default()
    }

    /// How often live sessions of NAT have been dropped in a zone since it booted.
    #[must_use]
    pub fn dropped_sessions(&self, zone: &str) -> u32 {
        self.state().net.stacks.remove(zone).map(|stack| stack.filter.flushed_sessions).unwrap_or_default()
    }

    /// The addresses that a zone has, and on which interface each is.
    #[must_use]
    pub fn addresses_of(&self, zone: &str) -> Vec<(String, IpNet)> {
        let network = self.state().net;
        let own = network.stacks.get(zone).into_iter().flat_map(|stack| &stack.interfaces);
        let own = own
            .flat_map(|(name, found)| found.addresses.values().filter_map(|found| Some((name.clone(), found.value?))));
        let shared = network.shared.iter().filter(|found| found.zone == zone);
        own.chain(shared.map(|found| (found.link.clone(), found.address))).collect()
    }

    /// The static routes of a zone: where to, and by whom.
    #[must_use]
    pub fn routes_of(&self, zone: &str) -> Vec<(IpNet, Option<IpAddr>)> {
        let stack = self.state().net.stacks.remove(zone).unwrap_or_default();
        stack.routes.iter().filter(|route| route.is_static).map(|route| (route.to, route.gateway)).collect()
    }

    /// The state of each service of a running zone.
    #[must_use]
    pub fn services_of(&self, zone: &str) -> Vec<(String, String)> {
        let services = self.state().net.services.remove(zone).unwrap_or_default();
        services.into_iter().map(|(fmri, service)| (fmri, service.state)).collect()
    }

    /// The signals that processes of zones were sent: zone, signal, process.
    #[must_use]
    pub fn signals(&self) -> Vec<(String, String, String)> {
        self.state().net.signals
    }
}

/// All that the host knows of its network, but for what is random and for running zones' own stacks.
pub(crate) fn lines(state: &State) -> Vec<String> {
    let network = &state.net;
    let mut all = Vec::new();
    for (which, links) in [("link", &network.links), ("saved link", &network.saved)] {
        for (name, link) in links {
            let mac = if link.mac_kind == "random" { "random".to_owned() } else { format!("{:x?}", link.mac) };
            let (class, zone) = (link.class.word(), link.zone.as_deref().unwrap_or("-"));
            let over = link.over.as_deref().unwrap_or("-");
            all.push(format!("{which} {name} {class} over={over} mac={mac} zone={zone} {:?}", link.properties));
        }
    }
    all.extend(network.flows.iter().map(|(name, flow)| format!("flow {name} {flow:?}")));
    let interfaces = network.stacks.get(GLOBAL).map(|stack| &stack.interfaces);
    for (name, interface) in interfaces.into_iter().flatten() {
        all.push(format!("interface {name} {:?}", interface.properties));
        all.extend(
            interface.addresses.iter().map(|(own, address)| format!("address {name}/{own} {:?}", address.value)),
        );
    }
    for (name, interface) in network.kept.get(GLOBAL).iter().flat_map(|kept| &kept.interfaces) {
        all.push(format!("saved interface {name} {:?}", interface.addresses.keys()));
    }
    let routes = network.stacks.get(GLOBAL).into_iter().flat_map(|stack| &stack.routes);
    all.extend(routes.map(|route| format!("route {} {:?} {:?}", route.to, route.gateway, route.interface)));
    if let Some(stack) = network.stacks.get(GLOBAL) {
        all.extend(stack.filter.nat.iter().map(|rule| format!("nat {rule}")));
        all.extend(stack.filter.active.iter().chain(&stack.filter.active6).map(|rule| format!("filter {rule}")));
        all.extend(stack.properties.iter().map(|(name, value)| format!("ip {name} {value}")));
    }
    let services = network.services.get(GLOBAL).into_iter().flatten();
    for (fmri, service) in services {
        all.push(format!("service {fmri} {}", service.state));
        all.extend(service.properties.iter().map(|(name, value)| format!("property {fmri} {name} {value}")));
        all.extend(service.running.iter().map(|(name, value)| format!("in effect {fmri} {name} {value}")));
    }
    all.extend(network.shared.iter().map(|found| format!("shared {} {} {}", found.zone, found.link, found.address)));
    all
}
