//! What zoneadmd does to the network of a zone: links go into it at ready, addresses and services come up at boot, and
//! all goes back at halt. Source: `vplat.c` of zoneadmd, `svc:/network/physical` and `net-init` of illumos-gate.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use ipnet::IpNet;

use super::super::Lab;
use super::super::state::Host;
use super::model::{Address, GLOBAL, Network, Route, SharedAddress, Stack};
use super::{Call, route, routes, smf, stacks};

/// A `net` resource of a zone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Net {
    /// `physical`.
    pub link: String,
    pub address: String,
    pub allowed: String,
    pub router: String,
}

/// Properties that an allowed address sets, until the zone halts.
const IMPOSED: [&str; 2] = ["protection", "allowed-ips"];

/// Gives a zone its links. What is refused leaves all as it was.
///
/// # Errors
/// The lines that zoneadmd says.
pub(crate) fn ready(lab: &Lab, zone: &str, exclusive: bool, nets: &[Net]) -> Result<(), String> {
    let act = |host: &mut Host| {
        let before = host.state.net.clone();
        let done =
            if exclusive { give(&mut host.state.net, zone, nets) } else { share(&mut host.state.net, zone, nets) };
        if done.is_err() {
            host.state.net = before;
        }
        done
    };
    lab.transact(act).0
}

fn give(network: &mut Network, zone: &str, nets: &[Net]) -> Result<(), String> {
    network.stacks.entry(zone.to_owned()).or_default();
    for net in nets {
        if network.stacks.get(GLOBAL).is_some_and(|stack| stack.interfaces.contains_key(&net.link)) {
            return Err(format!(
                "WARNING: skipping network interface '{}' which is used in the global zone.\nfailed to add network device: \
                 Device busy",
                net.link
            ));
        }
        match network.links.get_mut(&net.link) {
            None => return Err("failed to add network device: No such device or address".to_owned()),
            Some(link) if link.zone.as_deref().is_some_and(|holder| holder != zone) => {
                return Err("failed to add network device: Device busy".to_owned());
            }
            Some(link) => link.zone = Some(zone.to_owned()),
        }
    }
    impose(network, nets)
}

/// Allowed addresses become the protection of their link.
fn impose(network: &mut Network, nets: &[Net]) -> Result<(), String> {
    let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for net in nets.iter().filter(|net| !net.allowed.is_empty()) {
        lists.entry(&net.link).or_default().push(net.allowed.split('/').next().unwrap_or_default());
    }
    for (link, addresses) in lists {
        let Some(found) = network.links.get_mut(link) else { continue };
        for property in IMPOSED {
            if found.properties.contains_key(property) {
                let what = if property == "protection" { "Protection is" } else { "allowed-ips is" };
                return Err(format!("{what} already set\nfailed to add address"));
            }
        }
        found.properties.insert("protection".to_owned(), "ip-nospoof".to_owned());
        found.properties.insert("allowed-ips".to_owned(), addresses.join(","));
    }
    Ok(())
}

/// A zone without a stack of its own gets its addresses on interfaces of the global zone. One that cannot be had does
/// not stop it. Source: `configure_one_interface()`.
fn share(network: &mut Network, zone: &str, nets: &[Net]) -> Result<(), String> {
    for net in nets {
        let plumbed = network.stacks.get(GLOBAL).is_some_and(|stack| stack.interfaces.contains_key(&net.link));
        if !plumbed {
            return Err(format!("{}: could not bring network interface up: No such device or address", net.link));
        }
        let Some(address) = super::ipadm::address(&net.address) else {
            return Err(format!("{}: could not set address: Invalid argument", net.address));
        };
        if network.addresses_on(network.segment(&net.link)).contains(&address.addr()) {
            return Err(format!("{}: could not bring network interface up: address in use", net.link));
        }
        let serial = network.next();
        let (zone, link, router) = (zone.to_owned(), net.link.clone(), net.router.parse().ok());
        network.shared.push(SharedAddress { zone, link, address, router, serial });
    }
    Ok(())
}

/// A lab that a test made of a few commands by hand has none.
fn has_network(lab: &Lab) -> bool {
    lab.own("state.json").exists()
}

/// Brings the network of a zone up, by the files of its root.
pub(crate) fn boot(lab: &Lab, zone: &str, exclusive: bool, root: &Path, nets: &[Net]) {
    let Some(entry) = stacks::entry(lab, zone).filter(|_| has_network(lab)) else { return };
    lab.transact(|host| {
        let owner = if exclusive { zone } else { GLOBAL }.to_owned();
        let (zone, uuid, root) = (zone.to_owned(), entry.uuid, root.to_owned());
        let mut call = Call { host, program: "net-init".to_owned(), zone, owner, uuid, root, inside: true };
        take_up_services(&mut call);
        if exclusive {
            call.stack().properties = call.kept().properties.clone();
            imposed(&mut call, nets);
            configured(&mut call);
            kept(&mut call);
            discovery(&mut call);
            routes::refresh(call.stack());
            default_routes(&mut call);
            route::apply_kept(&mut call);
        }
        start(&mut call);
    });
}

/// The services that the zone keeps, with what its profiles say that is new. One that was installed anew keeps nothing.
fn take_up_services(call: &mut Call<'_>) {
    let root = call.root.clone();
    let mut services = smf::of_root(&root);
    let kept = call.kept();
    services.extend(std::mem::take(&mut kept.services));
    smf::apply_profiles(&root, &mut services, &mut kept.profiles);
    kept.services.clone_from(&services);
    for service in services.values_mut() {
        service.state = "offline".to_owned();
    }
    *call.services() = services;
}

/// Addresses that come from the global zone, with their default routes.
fn imposed(call: &mut Call<'_>, nets: &[Net]) {
    let names = ["_a", "_b", "_c", "_d", "_e", "_f", "_g", "_h"];
    for net in nets.iter().filter(|net| !net.allowed.is_empty()) {
        let Some(value) = super::ipadm::address(&net.allowed) else { continue };
        let interface = call.stack().interfaces.entry(net.link.clone()).or_default();
        interface.imposed = true;
        let name = names[interface.addresses.len() % names.len()];
        interface.addresses.insert(name.to_owned(), Address::new("from-gz", Some(value)));
    }
    let imposed: Vec<IpAddr> = nets.iter().filter_map(|net| net.router.parse().ok()).collect();
    routes::refresh(call.stack());
    imposed.into_iter().for_each(|router| add_default(call, router));
}

fn add_default(call: &mut Call<'_>, router: IpAddr) {
    let any = if router.is_ipv6() { "::/0" } else { "0.0.0.0/0" };
    let Ok(to) = any.parse() else { return };
    let route = Route { to, gateway: Some(router), interface: None, is_static: true };
    let stack = call.stack();
    if stack.onlink(router).is_some() && !stack.routes.contains(&route) {
        stack.routes.push(route);
    }
}

/// `/etc/hostname.IF` and `/etc/hostname6.IF`, on links that the zone has and that the global zone gives no address.
fn configured(call: &mut Call<'_>) {
    let root = call.root.clone();
    let Some(etc) = stacks::inside(&root, "etc") else { return };
    let mut names: Vec<String> = fs::read_dir(etc)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    for name in names {
        let six = name.starts_with("hostname6.");
        let Some(link) = name.strip_prefix("hostname6.").or_else(|| name.strip_prefix("hostname.")) else { continue };
        let zone = call.zone.clone();
        let has = call.network().links.get(link).is_some_and(|found| found.zone.as_ref() == Some(&zone));
        let imposed = call.stack().interfaces.get(link).is_some_and(|found| found.imposed && !six);
        if !has || imposed || !link.ends_with(|last: char| last.is_ascii_digit()) {
            continue;
        }
        let text = stacks::text(&root, &format!("etc/{name}")).unwrap_or_default();
        let dhcp = stacks::text(&root, &format!("etc/dhcp.{link}")).is_some();
        if six { sixth(call, link, &text) } else { fourth(call, link, &text, dhcp) }
    }
}

fn legacy(call: &mut Call<'_>, link: &str, address: Address) {
    let interface = call.stack().interfaces.entry(link.to_owned()).or_default();
    let name = format!("legacy{}", interface.addresses.len());
    interface.addresses.insert(name, Address { legacy: true, ..address });
}

/// One line is an address with what goes with it; of several lines each is.
fn fourth(call: &mut Call<'_>, link: &str, text: &str, dhcp: bool) {
    call.stack().interfaces.entry(link.to_owned()).or_default();
    if dhcp {
        legacy(call, link, Address::new("dhcp", None));
        return;
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = usize::from(words.first() == Some(&"addif"));
        let Some(value) = words.get(at).and_then(|word| ifconfig_address(word, &words)) else { continue };
        // With several lines nothing is added to them.
        let up = lines.len() == 1 || words.contains(&"up");
        let state = if up { "ok" } else { "down" };
        legacy(call, link, Address { state: state.to_owned(), ..Address::new("static", Some(value)) });
    }
}

fn ifconfig_address(word: &str, words: &[&str]) -> Option<IpNet> {
    let mask = words.iter().position(|word| *word == "netmask").and_then(|at| words.get(at + 1));
    match (word.contains('/'), mask.and_then(|mask| mask.parse::<Ipv4Addr>().ok())) {
        (false, Some(mask)) => IpNet::with_netmask(word.parse().ok()?, mask.into()).ok(),
        _ => super::ipadm::address(word),
    }
}

/// Link-local always, and what the lines add.
fn sixth(call: &mut Call<'_>, link: &str, text: &str) {
    let mac = call.network().links.get(link).and_then(|found| found.mac);
    legacy(call, link, Address::new("addrconf", mac.map(super::ipadm::of_mac)));
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = usize::from(words.first() == Some(&"addif"));
        let Some(value) = words.get(at).and_then(|word| super::ipadm::address(word)) else { continue };
        let state = if words.contains(&"up") { "ok" } else { "down" };
        legacy(call, link, Address { state: state.to_owned(), ..Address::new("static", Some(value)) });
    }
}

/// The property of an interface that makes up no addresses, whatever a router announces.
pub(super) const NOT_AUTOMATIC: &str = "ndpd StatelessAddrConf";

/// `/etc/inet/ndpd.conf`. Source: ndpd.conf(5): `if IF NAME VALUE ...`, and `ifdefault` for those without a line.
fn discovery(call: &mut Call<'_>) {
    let text = stacks::text(&call.root, "etc/inet/ndpd.conf").unwrap_or_default();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let off = |words: &[&str]| {
        let value =
            words.chunks(2).filter(|pair| pair[0] == "StatelessAddrConf").filter_map(|pair| pair.get(1)).next_back();
        value.map(|value| matches!(*value, "false" | "off" | "0"))
    };
    for (name, interface) in &mut call.stack().interfaces {
        let of = lines.iter().filter(|words| words[..].starts_with(&["if", name]));
        let own = of.filter_map(|words| off(&words[2..])).next_back();
        let default = lines.iter().filter(|words| words.first() == Some(&"ifdefault"));
        let is_off = own.or_else(|| default.filter_map(|words| off(&words[1..])).next_back()).unwrap_or(false);
        // What the global zone has given cannot be added to.
        if is_off || interface.imposed {
            interface.properties.insert(NOT_AUTOMATIC.to_owned(), "off".to_owned());
        }
    }
}

/// What ipadm keeps for the zone, where no file speaks of the interface.
fn kept(call: &mut Call<'_>) {
    for (name, interface) in call.kept().interfaces.clone() {
        let zone = call.zone.clone();
        let has = call.network().links.get(&name).is_some_and(|found| found.zone.as_ref() == Some(&zone));
        if has && !call.stack().interfaces.contains_key(&name) {
            call.stack().interfaces.insert(name, interface);
        }
    }
}

/// A file without an address loses all routes. Source: `routing-setup`.
fn default_routes(call: &mut Call<'_>) {
    let Some(text) = stacks::text(&call.root, "etc/defaultrouter") else { return };
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let routers: Vec<IpAddr> = lines.filter_map(|line| line.parse().ok()).collect();
    if routers.is_empty() {
        call.stack().routes.retain(|route| !route.is_static);
    }
    routers.into_iter().for_each(|router| add_default(call, router));
}

/// Services start, the network first.
fn start(call: &mut Call<'_>) {
    let mut names: Vec<String> = call.services().keys().cloned().collect();
    names.sort_by_key(|fmri| !fmri.starts_with("svc:/network/"));
    for fmri in names {
        call.settle_service(&fmri);
    }
    // A stack without any default route is given a routing daemon, unless that was decided. Source: `net-routing-setup`.
    let routed = call.stack().routes.iter().any(|route| route.to.prefix_len() == 0 && route.to.addr().is_ipv4());
    let decided = call.service(smf::ROUTING_SETUP).properties.get(smf::ROUTING_SET).is_some_and(|set| set == "true");
    if !routed && !decided && call.owns_stack() {
        call.service(smf::ROUTED).enabled = true;
        call.settle_service(smf::ROUTED);
    }
}

/// Takes a zone's network down: its links are the global zone's again.
pub(crate) fn halt(lab: &Lab, zone: &str) {
    if !has_network(lab) {
        return;
    }
    lab.transact(|host| {
        let network = &mut host.state.net;
        for link in network.links.values_mut().filter(|link| link.zone.as_deref() == Some(zone)) {
            link.zone = None;
            IMPOSED.iter().for_each(|property| drop(link.properties.remove(*property)));
        }
        let stack: Option<Stack> = network.stacks.remove(zone);
        drop(stack);
        network.services.remove(zone);
        network.shared.retain(|found| found.zone != zone);
    });
}
