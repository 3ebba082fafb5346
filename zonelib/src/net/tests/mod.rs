#![allow(clippy::unwrap_used, reason = "tests")]

//! A pretend host for planning: lists as the commands print them, and what steps make of it.

mod detaching;
mod planning;

use std::net::IpAddr;

use super::*;
use crate::host::NetworkChange;
use crate::host::dladm::{Card, Link, LinkClass, Vlan, Vnic};
use crate::host::ipadm::{Address, AddressKind, Interface};
use crate::host::routes::Route;
use crate::journal::StateDir;
use crate::store::{Directory, Record, Records, Store};

/// What dladm, ipadm and netstat would list.
#[derive(Clone, Default)]
struct Lists {
    cards: Vec<Card>,
    links: Vec<Link>,
    vnics: Vec<Vnic>,
    interfaces: Vec<Interface>,
    addresses: Vec<Address>,
    routes: Vec<Route>,
    vlans: Vec<Vlan>,
}

impl Lists {
    /// net0 is on 192.0.2.0/24 and has the default route; net1 is a second card without addresses.
    fn usual() -> Self {
        let mut lists = Self::default();
        lists.link("net0", LinkClass::Physical, 1500, &[]);
        lists.link("net1", LinkClass::Physical, 9000, &[]);
        lists.address("net0/v4", "192.0.2.10/24");
        lists.route("0.0.0.0/0", "192.0.2.1", None, "UG");
        lists.route("192.0.2.0/24", "192.0.2.10", Some("net0"), "U");
        lists.route("127.0.0.1/32", "127.0.0.1", Some("lo0"), "UH");
        lists.route("fe80::/10", "fe80::1", Some("net0"), "U");
        lists
    }

    fn link(&mut self, name: &str, class: LinkClass, mtu: u32, over: &[&str]) {
        let over = over.iter().map(|&name| name.to_owned()).collect();
        self.links.push(Link { name: name.to_owned(), class, mtu: Some(mtu), down: false, over });
    }

    fn card(&mut self, link: &str, mac: &str) {
        self.cards.push(Card { link: link.to_owned(), mac: mac.parse().unwrap() });
    }

    fn address(&mut self, object: &str, address: &str) {
        let (address, length) = address.split_once('/').unwrap();
        let (address, length) = (address.parse().unwrap(), length.parse().ok());
        let interface = object.split('/').next().unwrap().to_owned();
        self.addresses.push(Address { object: object.to_owned(), kind: AddressKind::Static, address, length });
        self.interfaces.push(Interface { name: interface, state: "ok".to_owned() });
    }

    fn route(&mut self, destination: &str, gateway: &str, interface: Option<&str>, flags: &str) {
        let (destination, gateway) = (destination.parse().unwrap(), gateway.parse().unwrap());
        self.routes.push(Route {
            destination,
            gateway,
            interface: interface.map(str::to_owned),
            flags: flags.to_owned(),
        });
    }

    /// What a step makes of the lists; refuses what dladm and ipadm refuse.
    fn run(&mut self, step: &Step) {
        let (Step::Host { change } | Step::HostOnce { change }) = step else { return };
        match change.clone() {
            NetworkChange::CreateEtherstub { link } => {
                assert!(self.links.iter().all(|found| found.name != link.as_str()), "{link} exists");
                self.link(link.as_str(), LinkClass::Etherstub, 9000, &[]);
            }
            NetworkChange::SetMtu { link, mtu } => {
                assert!(self.vnics.iter().all(|vnic| vnic.over != link.as_str()), "{link} has vnics");
                self.links.iter_mut().find(|found| found.name == link.as_str()).unwrap().mtu = Some(mtu);
            }
            NetworkChange::CreateVnic { link, over, mac, vlan } => {
                assert!(self.links.iter().all(|found| found.name != link.as_str()), "{link} exists");
                let lower = self.links.iter().find(|found| found.name == over.as_str()).unwrap();
                assert!(!matches!(lower.class, LinkClass::Vnic | LinkClass::Vlan), "{over} is a vnic");
                let mtu = lower.mtu.unwrap();
                self.link(link.as_str(), LinkClass::Vnic, mtu, &[over.as_str()]);
                self.vnics.push(Vnic { name: link.to_string(), over: over.to_string(), mac: Some(mac), vlan });
            }
            NetworkChange::DeleteVnic { link, .. } => {
                assert!(self.interfaces.iter().all(|found| found.name != link.as_str()), "{link} busy");
                self.links.retain(|found| found.name != link.as_str());
                self.vnics.retain(|found| found.name != link.as_str());
            }
            NetworkChange::DeleteEtherstub { link, .. } => {
                assert!(self.vnics.iter().all(|vnic| vnic.over != link.as_str()), "{link} busy");
                self.links.retain(|found| found.name != link.as_str());
            }
            NetworkChange::CreateInterface { link } => {
                self.interfaces.push(Interface { name: link.to_string(), state: "ok".to_owned() });
            }
            NetworkChange::DeleteInterface { link } => {
                self.interfaces.retain(|found| found.name != link.as_str());
                self.addresses.retain(|found| found.interface() != link.as_str());
            }
            NetworkChange::CreateAddress { link, label, address } => {
                self.address(&format!("{link}/{label}"), &address.to_string());
            }
            NetworkChange::DeleteAddress { link, label, .. } => {
                self.addresses.retain(|found| found.object != format!("{link}/{label}"));
            }
            _ => {}
        }
    }

    fn survey(&self) -> Survey {
        let Self { cards, links, vnics, interfaces, addresses, routes, vlans } = self.clone();
        Survey::of(links, vnics, interfaces, addresses, routes).with_cards(cards).with_vlans(vlans)
    }
}

/// A pretend host with a store.
struct Host {
    lists: Lists,
    store: Directory,
    _dir: tempfile::TempDir,
}

impl Host {
    fn new(lists: Lists) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { lists, store: Directory::new(&StateDir::new(dir.path())), _dir: dir }
    }

    fn view(&self) -> View {
        let segments = self.store.list().unwrap();
        View::of(self.lists.survey(), segments, self.store.keys(Attachment::KIND).unwrap())
    }

    fn run(&mut self, steps: &[Step]) {
        for step in steps {
            self.lists.run(step);
            if matches!(step, Step::Remember { .. } | Step::Forget { .. }) {
                step.run(&self.store).unwrap();
            }
        }
    }

    fn plan(&self, wanted: &Wanted) -> Result<Plan, String> {
        plan(wanted, &mut self.view()).map_err(|error| error.to_string())
    }

    fn make(&mut self, wanted: &Wanted) -> Plan {
        let plan = self.plan(wanted).unwrap();
        self.run(&plan.steps);
        plan
    }

    /// A router with these networks behind it, outside at 192.0.2.20.
    fn with_router(routes: &[&str]) -> Self {
        let mut host = Self::new(Lists::usual());
        host.make(&router("r1", "192.0.2.20", routes));
        host
    }
}

fn zone(name: &str) -> Wanted {
    Wanted::new(name.parse().unwrap())
}

fn exclusive(name: &str, addresses: &[&str]) -> Wanted {
    Wanted { exclusive: addresses.iter().map(|address| address.parse().unwrap()).collect(), ..zone(name) }
}

fn shared(name: &str, addresses: &[&str]) -> Wanted {
    Wanted { shared: addresses.iter().map(|address| address.parse().unwrap()).collect(), ..zone(name) }
}

fn router(name: &str, outside: &str, routes: &[&str]) -> Wanted {
    Wanted { routes: routes.iter().map(|net| address::network(net).unwrap()).collect(), ..exclusive(name, &[outside]) }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Command lines without the folders of the commands and Ethernet addresses.
fn commands(steps: &[Step]) -> Vec<String> {
    let plain = |line: String| {
        let words = line.split(' ').map(|word| match word.rsplit_once('/') {
            Some((_, name)) if word.starts_with('/') => name.to_owned(),
            _ if word.starts_with("02:08:20:") => "MAC".to_owned(),
            _ => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    steps.iter().map(|step| step.command_line().map_or_else(|| step.describe(), plain)).collect()
}
