//! Packets of IPv6 through networks that `create-zone` has made: addresses that routers announce, translated networks,
//! and routed ones that are closed until something is opened.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod packets_common;
mod zones_common;

use std::net::IpAddr;

use packets_common::{cross, link_of, skip};
use tests::lab::Packets;
use tests::scenario::World;
use zones_common::create;

/// A host that has IPv6 outside.
fn host() -> (World, Packets) {
    let world = World::new();
    let packets = world.lab.carry_packets();
    for (command, line) in [
        ("ipadm", "create-addr -T addrconf e1000g0/v6"),
        ("ipadm", "create-addr -T static -a 2001:db8::10/64 e1000g0/v6a"),
        ("route", "-p add -inet6 default 2001:db8::1"),
    ] {
        world.run(command, &line.split(' ').collect::<Vec<_>>()).well();
    }
    (world, packets)
}

/// A router with both families outside.
fn router(world: &World, more: &[&str]) {
    let outside = ["-z", "east", "-t", "router", "-x", "192.0.2.20", "-x", "2001:db8::20/64"];
    create(world, &[&outside[..], more].concat()).well();
}

/// The address that a router's announcement has given to a zone.
fn announced(packets: &Packets, zone: &str, link: &str, prefix: &str) -> IpAddr {
    let mut found = None;
    packets.wait("an announced address", || {
        found = packets.addresses(zone, link).into_iter().find(|address| address.to_string().starts_with(prefix));
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn a_routed_network_is_closed_until_something_is_opened() {
    if skip() {
        return;
    }
    let (world, packets) = host();
    router(&world, &["-R", "10.1.1.0/24", "-R", "2001:db8:1::/64", "--routable", "--domain", "east.test"]);
    create(&world, &["-z", "web", "-x", "10.1.1.5", "-x", "2001:db8:1::5"]).well();
    create(&world, &["-z", "auto", "-x", "10.1.1.6", "-6"]).well();
    cross(&packets, "2001:db8:1::/64", "2001:db8::20");
    let _far = packets.serve("outside", "far", "[2001:db8:ffff::1]:80");
    assert!(packets.reaches("web", "2001:db8:1::1"));
    assert_eq!(packets.ask("web", "[2001:db8:ffff::1]:80"), "far 2001:db8:1::5", "routed as it is");
    let own = announced(&packets, "auto", &link_of(&world, "auto"), "2001:db8:1:");
    assert_eq!(packets.ask("auto", "[2001:db8:ffff::1]:80"), format!("far {own}"));
    // Within the segment nothing is closed, and from outside everything is.
    let _web = packets.serve("web", "web", "[::]:80");
    assert_eq!(packets.ask("auto", "[2001:db8:1::5]:80"), format!("web {own}"));
    assert!(packets.unanswered("outside", "[2001:db8:1::5]:80"));
    assert!(packets.unanswered("outside", "[2001:db8::20]:53"));
    let datagrams = |from| packets.hears("web", "[2001:db8:1::5]:5000", from);
    assert!(datagrams("auto") && !datagrams("outside"));
    let expected = ["2001:db8:1::5".parse::<IpAddr>().unwrap()];
    packets.wait("the name", || packets.resolve("web", "10.1.1.1", "web.east.test", true) == expected);
}

/// What a command of Linux prints in a zone.
fn linux(packets: &Packets, zone: &str, name: &str, words: &[&str]) -> String {
    let output = packets.run(zone, name, words);
    assert!(output.status.success(), "{name} {words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_network_with_static_addresses_announces_its_router_alone() {
    if skip() {
        return;
    }
    let (world, packets) = host();
    let east = ["-z", "east", "-t", "router", "-x", "192.0.2.20", "-x", "2001:db8::20/64", "-R", "10.1.1.0/24"];
    let six = ["-R", "2001:db8:1::/64", "--routable", "--ipv6-addresses", "static"];
    create(&world, &[&east[..], &six].concat()).well();
    create(&world, &["-z", "web", "-x", "10.1.1.5", "-x", "2001:db8:1::5"]).well();
    let did = create(&world, &["-z", "bare", "-x", "10.1.1.6", "-6"]).well();
    assert!(did.out.contains("IPv6 addresses of the segment `10.1.1.0-24` are static"), "{did:?}");
    cross(&packets, "2001:db8:1::/64", "2001:db8::20");
    let _far = packets.serve("outside", "far", "[2001:db8:ffff::1]:80");
    assert_eq!(packets.ask("web", "[2001:db8:ffff::1]:80"), "far 2001:db8:1::5");
    // A host that takes every address that it is offered hears of the router, and is offered none.
    let link = link_of(&world, "bare");
    for key in ["accept_ra=1", "autoconf=1"] {
        linux(&packets, "bare", "sysctl", &["-w", &format!("net.ipv6.conf.{link}.{key}")]);
    }
    for state in ["down", "up"] {
        linux(&packets, "bare", "ip", &["link", "set", &link, state]);
    }
    packets.wait("the router", || linux(&packets, "bare", "ip", &["-6", "route"]).contains("default via fe80:"));
    let routes = linux(&packets, "bare", "ip", &["-6", "route"]);
    assert!(routes.contains(&format!("2001:db8:1::/64 dev {link} proto kernel")), "the network is here: {routes}");
    let addresses = linux(&packets, "bare", "ip", &["-6", "address", "show", "dev", &link]);
    assert!(!addresses.contains("2001:db8:1:") && addresses.contains("fe80:"), "{addresses}");
    // One that is given an address reaches what is outside by that router.
    linux(&packets, "bare", "ip", &["-6", "address", "add", "2001:db8:1::77/64", "dev", &link, "nodad"]);
    assert_eq!(packets.ask("bare", "[2001:db8:ffff::1]:80"), "far 2001:db8:1::77");
}

#[test]
fn a_port_is_opened_for_one_zone_alone() {
    if skip() {
        return;
    }
    let (world, packets) = host();
    router(&world, &["-R", "2001:db8:1::/64", "--routable"]);
    cross(&packets, "2001:db8:1::/64", "2001:db8::20");
    create(&world, &["-z", "shut", "-x", "2001:db8:1::5"]).well();
    // A zone of another tool.
    world.configure("open", "sparse-root");
    world.zoneadm("open", &["install"]).well();
    let attached = world.zonekit("net-attach", &["-z", "open", "-x", "2001:db8:1::6", "--open", "tcp/80"]);
    println!("{attached:#?}");
    attached.well();
    world.zoneadm("open", &["boot"]).well();
    let _servers =
        ["shut", "open"].map(|zone| (packets.serve(zone, zone, "[::]:80"), packets.serve(zone, zone, "[::]:81")));
    packets.wait("the opening", || !packets.unanswered("outside", "[2001:db8:1::6]:80"));
    assert_eq!(packets.ask("outside", "[2001:db8:1::6]:80"), "open 2001:db8::1");
    assert!(packets.unanswered("outside", "[2001:db8:1::6]:81"));
    assert!(packets.unanswered("outside", "[2001:db8:1::5]:80"));
    world.zoneadm("open", &["halt"]).well();
    world.zonekit("net-detach", &["-z", "open"]).well();
    let rules = world.lab.filter_of("east").1;
    assert!(rules.iter().all(|rule| !rule.contains("2001:db8:1::6")), "{rules:#?}");
}

#[test]
fn a_network_of_its_own_addresses_is_translated() {
    if skip() {
        return;
    }
    let (world, packets) = host();
    router(&world, &["-R", "10.1.1.0/24", "-R", "fd00:1::/64"]);
    create(&world, &["-z", "web", "-x", "10.1.1.5", "-x", "fd00:1::5"]).well();
    create(&world, &["-z", "auto", "-x", "10.1.1.6", "-6"]).well();
    let _far = packets.serve("outside", "far", "[2001:db8:ffff::1]:80");
    assert_eq!(packets.ask("web", "[2001:db8:ffff::1]:80"), "far 2001:db8::20");
    announced(&packets, "auto", &link_of(&world, "auto"), "fd00:1:");
    assert_eq!(packets.ask("auto", "[2001:db8:ffff::1]:80"), "far 2001:db8::20");
    let _web = packets.serve("web", "web", "[::]:80");
    cross(&packets, "fd00:1::/64", "2001:db8::20");
    assert!(packets.unanswered("outside", "[fd00:1::5]:80"));
    assert!(!packets.hears("web", "[fd00:1::5]:5000", "outside"));
}
