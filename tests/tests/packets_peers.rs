//! Networks behind two routers that `net-peer` lets reach each other, as they are, and the outside as before.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod packets_common;
mod zones_common;

use std::fs;

use packets_common::skip;
use tests::lab::Packets;
use tests::scenario::{Did, World};
use zones_common::{create, destroy};

/// Three routers, each with a zone behind it.
fn routers() -> (World, Packets) {
    let world = World::new();
    let packets = world.lab.carry_packets();
    for (router, outside, network, zone, address) in [
        ("r1", "192.0.2.20", "10.1.1.0/24", "a", "10.1.1.5"),
        ("r2", "192.0.2.30", "10.1.2.0/24", "b", "10.1.2.5"),
        ("r3", "192.0.2.40", "10.1.3.0/24", "c", "10.1.3.5"),
    ] {
        create(&world, &["-z", router, "-t", "router", "-x", outside, "-R", network]).well();
        create(&world, &["-z", zone, "-x", address]).well();
    }
    (world, packets)
}

fn peer(world: &World, line: &str) -> Did {
    let did = world.zonekit("net-peer", &line.split(' ').collect::<Vec<_>>());
    println!("net-peer {line}: {did:#?}");
    did.well()
}

#[test]
fn peers_see_each_other_as_they_are_and_others_see_their_routers() {
    if skip() {
        return;
    }
    let (world, packets) = routers();
    let _servers: Vec<_> = ["a", "b", "c"].map(|zone| packets.serve(zone, zone, "0.0.0.0:80")).into();
    let _far = packets.serve("outside", "far", "198.51.100.1:80");
    assert!(packets.unanswered("a", "10.1.2.5:80") && packets.unanswered("b", "10.1.1.5:80"));
    let mut out = packets.connect("a", "198.51.100.1:80");
    assert_eq!(Packets::say(&mut out, "one").unwrap(), "far 192.0.2.20 one");
    peer(&world, "r1 r2");
    assert_eq!(packets.ask("a", "10.1.2.5:80"), "b 10.1.1.5");
    assert_eq!(packets.ask("b", "10.1.1.5:80"), "a 10.1.2.5");
    assert!(packets.reaches("a", "10.1.2.5") && packets.reaches("b", "10.1.1.5"));
    for (zone, router) in [("a", "192.0.2.20"), ("b", "192.0.2.30")] {
        assert_eq!(packets.ask(zone, "198.51.100.1:80"), format!("far {router}"));
    }
    assert_eq!(Packets::say(&mut out, "two").unwrap(), "far 192.0.2.20 two");
    assert!(packets.unanswered("a", "10.1.3.5:80") && packets.unanswered("c", "10.1.1.5:80"));
    // A second peer does not undo the first.
    let mut across = packets.connect("a", "10.1.2.5:80");
    assert_eq!(Packets::say(&mut across, "one").unwrap(), "b 10.1.1.5 one");
    peer(&world, "r1 r3");
    assert_eq!(packets.ask("a", "10.1.3.5:80"), "c 10.1.1.5");
    assert_eq!(packets.ask("c", "10.1.1.5:80"), "a 10.1.3.5");
    assert_eq!(packets.ask("b", "10.1.1.5:80"), "a 10.1.2.5");
    assert_eq!(Packets::say(&mut across, "two").unwrap(), "b 10.1.1.5 two");
    assert_eq!(packets.ask("a", "198.51.100.1:80"), "far 192.0.2.20");
    // They stay peers when a router boots again.
    assert_eq!(world.zoneadm("r1", &["reboot"]).code, 0);
    assert_eq!(packets.ask("a", "10.1.2.5:80"), "b 10.1.1.5");
    assert_eq!(packets.ask("b", "10.1.1.5:80"), "a 10.1.2.5");
    peer(&world, "-d r1 r2");
    assert!(packets.unanswered("a", "10.1.2.5:80") && packets.unanswered("b", "10.1.1.5:80"));
    assert_eq!(packets.ask("a", "10.1.3.5:80"), "c 10.1.1.5");
    destroy(&world, "c").well();
    destroy(&world, "r3").well();
    let routes = |zone: &str| world.lab.routes_of(zone).into_iter().filter(|(to, _)| to.prefix_len() > 0).count();
    assert_eq!((routes("r1"), routes("r2")), (0, 0));
    assert_eq!(packets.ask("a", "198.51.100.1:80"), "far 192.0.2.20");
}

#[test]
fn peers_on_two_hosts_exchange_their_halves_as_files() {
    if skip() {
        return;
    }
    let worlds = [World::new(), World::new()];
    let near = worlds[0].lab.carry_packets();
    let far = worlds[1].lab.carry_packets_beside(&near);
    // The other host has another address.
    for (command, line) in [
        ("ipadm", "delete-addr e1000g0/v4"),
        ("ipadm", "create-addr -T static -a 192.0.2.11/24 e1000g0/v4"),
        ("route", "add default 192.0.2.1"),
    ] {
        worlds[1].run(command, &line.split(' ').collect::<Vec<_>>()).well();
    }
    for (world, router, outside, network, zone, address) in [
        (&worlds[0], "r1", "192.0.2.20", "10.1.1.0/24", "a", "10.1.1.5"),
        (&worlds[1], "r7", "192.0.2.70", "10.1.7.0/24", "b", "10.1.7.5"),
    ] {
        create(world, &["-z", router, "-t", "router", "-x", outside, "-R", network]).well();
        create(world, &["-z", zone, "-x", address]).well();
    }
    let servers = (near.serve("a", "a", "0.0.0.0:80"), far.serve("b", "b", "0.0.0.0:80"));
    assert!(near.unanswered("a", "10.1.7.5:80") && far.unanswered("b", "10.1.1.5:80"));
    let (half, other) = (worlds[0].beside("r1.peer"), worlds[0].beside("r7.peer"));
    fs::write(&half, peer(&worlds[0], "r1 --export").out).unwrap();
    fs::write(&other, peer(&worlds[1], &format!("r7 --with {}", half.display())).out).unwrap();
    peer(&worlds[0], &format!("r1 --with {}", other.display()));
    assert_eq!(near.ask("a", "10.1.7.5:80"), "b 10.1.1.5");
    assert_eq!(far.ask("b", "10.1.1.5:80"), "a 10.1.7.5");
    drop(servers);
}
