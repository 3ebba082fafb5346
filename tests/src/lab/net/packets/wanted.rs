//! What a state wants to be there.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::super::super::Lab;
use super::super::model::{Address, Class, GLOBAL, Interface, Link, Network, Spaces, Stack};
use super::super::smf::base;
use super::super::zone::NOT_AUTOMATIC;
use super::super::{ipnat, stacks};
use super::daemons::Daemon;
use super::items::Item;
use super::{filter, nat};

/// The longest name of a device.
const LONGEST: usize = 15;

/// Everything outside is one segment, with the router there and a server beyond.
pub(super) const ROUTER: &str = "192.0.2.1/24";
pub(super) const ROUTER6: &str = "2001:db8::1/64";
pub(super) const SERVER: &str = "198.51.100.1/32";
pub(super) const SERVER6: &str = "2001:db8:ffff::1/128";
const OUTSIDE_BRIDGE: &str = "outside";

/// The parts of a lab's network, by the names of their namespaces.
#[derive(Debug)]
pub(super) struct Names<'a>(pub &'a Spaces);

impl Names<'_> {
    pub fn switch(&self) -> String {
        format!("{}.switch", self.0.own)
    }

    pub fn outside(&self) -> String {
        format!("{}.outside", self.0.outside)
    }

    /// The stack of the global zone, or of another.
    pub fn stack(&self, zone: &str) -> String {
        format!("{}.zone.{zone}", self.0.own)
    }

    /// A zone that shares the stack of the global zone, and sees its own part of it alone.
    pub fn shared(&self, zone: &str) -> String {
        format!("{}.shared.{zone}", self.0.own)
    }
}

/// The device of a link: its name, where Linux takes it. A daemon that is told a longer one does not find it.
pub(super) fn device(name: &str, link: &Link) -> String {
    if name.len() <= LONGEST { name.to_owned() } else { format!("link{}", link.serial) }
}

fn device_of(network: &Network, name: &str) -> String {
    network.links.get(name).map_or_else(|| name.to_owned(), |link| device(name, link))
}

pub(super) fn of(lab: &Lab, network: &Network) -> BTreeSet<Item> {
    let mut items = BTreeSet::new();
    let Some(spaces) = &network.packets else { return items };
    let names = Names(spaces);
    if spaces.own == spaces.outside {
        outside(&names, &mut items);
    }
    items.insert(Item::Space(names.switch()));
    links(network, &names, &mut items);
    for (zone, stack) in &network.stacks {
        items.insert(Item::Space(names.stack(zone)));
        of_stack(network, &names, zone, stack, &mut items);
    }
    shared(network, &names, &mut items);
    daemons(lab, network, &names, &mut items);
    items
}

fn outside(names: &Names<'_>, items: &mut BTreeSet<Item>) {
    let space = names.outside();
    items.insert(Item::Space(space.clone()));
    items.insert(Item::Bridge { space: space.clone(), device: OUTSIDE_BRIDGE.to_owned() });
    for key in ["ipv4/ip_forward".to_owned(), "ipv6/conf/all/forwarding".to_owned()] {
        let (value, rest) = ("1".to_owned(), "0".to_owned());
        items.insert(Item::Setting { space: space.clone(), key, value, rest });
    }
    for device in [OUTSIDE_BRIDGE, "lo"] {
        six(&space, device, false, items);
    }
    for (device, address) in [(OUTSIDE_BRIDGE, ROUTER), (OUTSIDE_BRIDGE, ROUTER6), ("lo", SERVER), ("lo", SERVER6)] {
        let (device, address) = (device.to_owned(), address.to_owned());
        items.insert(Item::Address { space: space.clone(), device, address });
    }
}

/// IPv6 on a device, with or without routers being listened to.
fn six(space: &str, device: &str, listens: bool, items: &mut BTreeSet<Item>) {
    let mut setting = |name: &str, value: &str, rest: &str| {
        let key = format!("ipv6/conf/{device}/{name}");
        let (space, value, rest) = (space.to_owned(), value.to_owned(), rest.to_owned());
        items.insert(Item::Setting { space, key, value, rest });
    };
    if listens {
        setting("accept_ra", "1", "0");
    }
    setting("disable_ipv6", "0", "1");
}

/// Bridges, and a port for each link that a stack can have.
fn links(network: &Network, names: &Names<'_>, items: &mut BTreeSet<Item>) {
    let space = names.switch();
    for (name, link) in &network.links {
        let own = format!("b{}", link.serial);
        if matches!(link.class, Class::Phys | Class::Etherstub) {
            items.insert(Item::Bridge { space: space.clone(), device: own.clone() });
        }
        if link.class == Class::Phys {
            let (port, end) = (format!("u{}", link.serial), format!("nic{}x{}", names.0.number, link.serial));
            let (outside, to) = (names.outside(), OUTSIDE_BRIDGE.to_owned());
            items.insert(Item::Uplink { space: space.clone(), port, bridge: own.clone(), outside, end, to });
        }
        if link.class == Class::Etherstub {
            continue;
        }
        let bridge = bridge_of(network, name);
        if network.segment(name).1 != 0 {
            items.insert(Item::Bridge { space: space.clone(), device: bridge.clone() });
        }
        let place = names.stack(link.zone.as_deref().unwrap_or(GLOBAL));
        let device = device(name, link);
        let port = format!("p{}", link.serial);
        let mac = link.mac.map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":"));
        items.insert(Item::Mtu { space: place.clone(), device: device.clone(), mtu: network.mtu(name) });
        items.insert(Item::Port { space: space.clone(), port, bridge, place, device, mac });
    }
    let text = filter::protection(network);
    if !text.is_empty() {
        items.insert(Item::Rules { space, table: "bridge protection".to_owned(), text });
    }
}

/// The bridge that a link's frames are on. A VLAN has one of its own, for nobody outside is in any.
fn bridge_of(network: &Network, link: &str) -> String {
    let (bottom, vid) = network.segment(link);
    let serial = network.links.get(bottom).map_or(0, |bottom| bottom.serial);
    if vid == 0 { format!("b{serial}") } else { format!("b{serial}v{vid}") }
}

/// Whether an interface forwards, whatever the stack does.
fn forwards(interface: &Interface, family: &str) -> bool {
    interface.properties.get(&format!("{family} forwarding")).is_some_and(|value| value == "on")
}

fn of_stack(network: &Network, names: &Names<'_>, zone: &str, stack: &Stack, items: &mut BTreeSet<Item>) {
    let space = names.stack(zone);
    let mut setting = |key: &str| {
        let (key, value, rest) = (key.to_owned(), "1".to_owned(), "0".to_owned());
        items.insert(Item::Setting { space: space.clone(), key, value, rest });
    };
    if stack.forwards("ipv4") {
        setting("ipv4/ip_forward");
    }
    // Linux forwards no IPv6 of one interface alone.
    if stack.forwards("ipv6") || stack.interfaces.values().any(|found| forwards(found, "ipv6")) {
        setting("ipv6/conf/all/forwarding");
    }
    for (name, _) in stack.interfaces.iter().filter(|(_, found)| forwards(found, "ipv4")) {
        setting(&format!("ipv4/conf/{}/forwarding", device_of(network, name)));
    }
    let discovery = network.services.get(zone).and_then(|services| services.get("svc:/network/routing/ndp:default"));
    let listens = discovery.is_none_or(|service| service.state == "online") && !stack.forwards("ipv6");
    for (name, interface) in stack.interfaces.iter().filter(|(name, _)| network.links.contains_key(*name)) {
        let device = device_of(network, name);
        items.insert(Item::Up { space: space.clone(), device: device.clone() });
        let all: Vec<&Address> = interface.addresses.values().filter(|found| found.state == "ok").collect();
        if all.iter().any(|found| found.kind == "addrconf" || found.value.is_some_and(|value| value.addr().is_ipv6())) {
            six(&space, &device, listens, items);
            if interface.properties.contains_key(NOT_AUTOMATIC) {
                let (key, value, rest) = (format!("ipv6/conf/{device}/autoconf"), "0".to_owned(), "1".to_owned());
                items.insert(Item::Setting { space: space.clone(), key, value, rest });
            }
        }
        for address in all {
            match (address.kind.as_str(), address.value) {
                ("dhcp", _) => {
                    let (space, zone, device) = (space.clone(), zone.to_owned(), device.clone());
                    items.insert(Item::Client { space, zone, device });
                }
                // Linux makes that by itself.
                ("addrconf", _) | (_, None) => {}
                (_, Some(value)) => {
                    let (space, device) = (space.clone(), device.clone());
                    items.insert(Item::Address { space, device, address: value.to_string() });
                }
            }
        }
    }
    for route in stack.routes.iter().filter(|route| route.is_static) {
        let Some(gateway) = route.gateway else { continue };
        let device = device_of(network, &stack.way_out(route));
        let (space, gateway) = (space.clone(), gateway.to_string());
        items.insert(Item::Route { space, to: route.to.to_string(), gateway, device });
    }
    rules(network, &space, stack, items);
}

fn rules(network: &Network, space: &str, stack: &Stack, items: &mut BTreeSet<Item>) {
    let device = |name: &str| device_of(network, name);
    let parsed = ipnat::parse(&stack.filter.nat.join("\n"));
    let mut text = nat::chains(&parsed.rules.into_iter().map(|(_, rule)| rule).collect::<Vec<_>>(), &device);
    text += &filter::chains(&stack.outer, ("outer", -60, 60), &device);
    text += &filter::chains(&stack.filter, ("own", -50, 50), &device);
    if !text.is_empty() {
        items.insert(Item::Rules { space: space.to_owned(), table: "inet ipfilter".to_owned(), text });
    }
    let number = stack.filter.flushed_sessions + stack.filter.flushed_states;
    items.insert(Item::Sessions { space: space.to_owned(), number });
}

/// A zone that shares a stack can speak by its own addresses alone, and by routers that it was given.
fn shared(network: &Network, names: &Names<'_>, items: &mut BTreeSet<Item>) {
    for found in &network.shared {
        let space = names.shared(&found.zone);
        items.insert(Item::Space(space.clone()));
        let (port, device) = (format!("s{}", found.serial), format!("shared{}", found.serial));
        let bridge = bridge_of(network, &found.link);
        let (switch, place) = (names.switch(), space.clone());
        items.insert(Item::Mtu { space: space.clone(), device: device.clone(), mtu: network.mtu(&found.link) });
        items.insert(Item::Port { space: switch, port, bridge, place, device: device.clone(), mac: None });
        items.insert(Item::Up { space: space.clone(), device: device.clone() });
        if found.address.addr().is_ipv6() {
            six(&space, &device, false, items);
        }
        let address = found.address.to_string();
        items.insert(Item::Address { space: space.clone(), device: device.clone(), address });
        if let Some(router) = found.router {
            let to = if router.is_ipv6() { "::/0" } else { "0.0.0.0/0" }.to_owned();
            items.insert(Item::Route { space, to, gateway: router.to_string(), device });
        }
    }
}

/// The daemons of services that are online.
fn daemons(lab: &Lab, network: &Network, names: &Names<'_>, items: &mut BTreeSet<Item>) {
    for (zone, services) in &network.services {
        let root = if zone == GLOBAL { Some(lab.root().to_owned()) } else { root_of(lab, zone) };
        let space = if network.stacks.contains_key(zone) { names.stack(zone) } else { names.shared(zone) };
        let online = services.values().filter(|service| service.state == "online" && !service.daemon.is_empty());
        for service in online {
            let name = base(&service.daemon[0]).to_owned();
            let is_restart =
                |(of, what, process): &&(String, String, String)| of == zone && what == "restart" && *process == name;
            let restarts = network.signals.iter().filter(is_restart).count();
            let Some(root) = root.clone() else { continue };
            let arguments = service.daemon[1..].to_vec();
            let (zone, space) = (zone.clone(), space.clone());
            items.insert(Item::Daemon(Daemon { space, zone, name, arguments, root, restarts }));
        }
    }
}

fn root_of(lab: &Lab, zone: &str) -> Option<PathBuf> {
    stacks::entry(lab, zone).map(|entry| entry.zonepath.join("root"))
}
