//! Packets through networks of zones that `create-zone` has made: a lease, names, the way out, no way in, and who sees
//! whom.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod packets_common;
mod zones_common;

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;

use packets_common::{cross, skip};
use tests::lab::Packets;
use tests::scenario::World;
use zones_common::{create, destroy};

/// A router and two zones behind it.
fn east() -> (World, Packets) {
    let world = World::new();
    let packets = world.lab.carry_packets();
    create(&world, &["-z", "east", "-t", "router", "-x", "192.0.2.20", "-R", "10.1.1.0/24", "--domain", "east.test"])
        .well();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    create(&world, &["-z", "db", "-t", "whole", "-x", "10.1.1.6"]).well();
    (world, packets)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn zones_behind_a_router_reach_each_other_and_the_outside() {
    if skip() {
        return;
    }
    let (world, packets) = east();
    assert!(packets.reaches("web", "10.1.1.1") && packets.reaches("web", "10.1.1.6"), "{}", packets.logs());
    assert!(packets.reaches("db", "198.51.100.1"));
    let _far = packets.serve("outside", "far", "198.51.100.1:80");
    for zone in ["web", "db"] {
        assert_eq!(packets.ask(zone, "198.51.100.1:80"), "far 192.0.2.20", "the outside sees the router");
    }
    // Names, of zones and their domain.
    let names = [("web.east.test", "10.1.1.5"), ("db", "10.1.1.6"), ("east.east.test", "10.1.1.1")];
    for (name, expected) in names {
        // A name service that has been told to read its files again does so when it comes to it.
        packets.wait(name, || packets.resolve("web", "10.1.1.1", name, false) == [address(expected)]);
    }
    assert!(world.text("web", "/etc/resolv.conf").contains("nameserver 10.1.1.1"));
}

#[test]
fn zones_on_a_vlan_see_those_of_that_vlan_alone() {
    if skip() {
        return;
    }
    let world = World::new();
    let packets = world.lab.carry_packets();
    world.run("dladm", &["create-vlan", "-l", "e1000g0", "-v", "7", "lan7"]).well();
    world.run("ipadm", &["create-addr", "-T", "static", "-a", "10.7.0.1/24", "lan7/v4"]).well();
    create(&world, &["-z", "a", "-x", "10.7.0.5"]).well();
    create(&world, &["-z", "b", "-x", "10.7.0.6", "--link", "e1000g0", "--vlan", "7"]).well();
    create(&world, &["-z", "c", "-x", "10.7.0.7", "--link", "e1000g0", "--vlan", "8"]).well();
    create(&world, &["-z", "d", "-x", "10.7.0.8", "--link", "e1000g0"]).well();
    assert!(packets.reaches("a", "10.7.0.1") && packets.reaches("a", "10.7.0.6") && packets.reaches("b", "10.7.0.5"));
    for (one, other) in [("a", "10.7.0.7"), ("c", "10.7.0.6"), ("a", "10.7.0.8"), ("d", "10.7.0.7")] {
        assert!(packets.misses(one, other), "{one} {other}");
    }
    for zone in ["a", "b", "c", "d"] {
        destroy(&world, zone).well();
    }
    assert_eq!(world.lab.links(), ["e1000g0", "lan7"]);
}

#[test]
fn a_lease_goes_to_the_mac_it_is_for() {
    if skip() {
        return;
    }
    let (world, packets) = east();
    let link = packets_common::link_of(&world, "web");
    // A guest that has no files of ours asks.
    let _ = packets.run("web", "ip", &["address", "flush", "dev", &link]);
    let lease = packets.ask_for_lease("web", &link).unwrap_or_else(|| panic!("no lease\n{}", packets.logs()));
    for line in ["address 10.1.1.5/24", "router 10.1.1.1", "dns 10.1.1.1", "domain east.test", "hostname web"] {
        assert!(lease.lines().any(|found| found == line), "`{line}`: {lease}");
    }
    // A stranger on the stub gets none.
    let stub = packets_common::over(&world, &link);
    world.run("dladm", &["create-vnic", "-l", &stub, "stranger0"]).well();
    let up = packets.run("global", "ip", &["link", "set", "stranger0", "up"]);
    assert!(up.status.success());
    assert_eq!(packets.ask_for_lease("global", "stranger0"), None);
}

#[test]
fn there_is_no_way_in() {
    if skip() {
        return;
    }
    let (_world, packets) = east();
    let _inside = packets.serve("web", "web", "0.0.0.0:80");
    assert_eq!(packets.ask("db", "10.1.1.5:80"), "web 10.1.1.6");
    cross(&packets, "10.1.1.0/24", "192.0.2.20");
    assert!(packets.unanswered("outside", "10.1.1.5:80"));
    assert!(packets.misses("outside", "10.1.1.5"));
    assert!(packets.hears("web", "10.1.1.5:5000", "db") && !packets.hears("web", "10.1.1.5:5000", "outside"));
    // Nor to the router's own services.
    assert!(packets.unanswered("outside", "192.0.2.20:53"));
}

#[test]
fn others_keep_their_connections_when_zones_come_and_go() {
    if skip() {
        return;
    }
    let (world, packets) = east();
    let _far = packets.serve("outside", "far", "198.51.100.1:80");
    let _web = packets.serve("web", "web", "0.0.0.0:80");
    let mut out = packets.connect("web", "198.51.100.1:80");
    let mut beside = packets.connect("db", "10.1.1.5:80");
    let mut both = |moment: &str| {
        assert_eq!(Packets::say(&mut out, moment).unwrap(), format!("far 192.0.2.20 {moment}"));
        assert_eq!(Packets::say(&mut beside, moment).unwrap(), format!("web 10.1.1.6 {moment}"));
    };
    both("before");
    create(&world, &["-z", "late", "-x", "10.1.1.7"]).well();
    both("created");
    packets.wait("the new name", || packets.resolve("db", "10.1.1.1", "late", false) == [address("10.1.1.7")]);
    assert_eq!(packets.ask("late", "198.51.100.1:80"), "far 192.0.2.20");
    both("used");
    destroy(&world, "late").well();
    both("destroyed");
    packets.wait("the name to go", || packets.resolve("db", "10.1.1.1", "late", false).is_empty());
    assert!(packets.misses("db", "10.1.1.7"));
    both("after");
}

#[test]
fn a_shared_address_stays_within_its_segment() {
    if skip() {
        return;
    }
    let (world, packets) = east();
    create(&world, &["-z", "lodger", "-i", "10.1.1.50"]).well();
    let _web = packets.serve("web", "web", "0.0.0.0:80");
    assert_eq!(packets.ask("lodger", "10.1.1.5:80"), "web 10.1.1.50");
    assert!(packets.misses("lodger", "198.51.100.1"));
    destroy(&world, "lodger").well();
    assert!(packets.misses("web", "10.1.1.50"));
}

#[test]
fn an_address_of_another_zone_is_not_let_out() {
    if skip() {
        return;
    }
    let (world, packets) = east();
    let link = packets_common::link_of(&world, "web");
    assert!(packets.reaches("web", "10.1.1.6"));
    assert!(packets.run("web", "ip", &["address", "add", "10.1.1.66/24", "dev", &link]).status.success());
    let stolen = packets.run("web", "ping", &["-c", "1", "-W", "1", "-I", "10.1.1.66", "10.1.1.6"]);
    assert!(!stolen.status.success());
}

#[test]
fn the_global_zone_is_a_router_too() {
    if skip() {
        return;
    }
    let world = World::new();
    for program in ["/usr/sbin/dnsmasq", "/usr/sbin/ipnat"].map(|path| world.lab.place(path)) {
        if !program.exists() {
            fs::write(&program, "#!/bin/sh\nexit 0\n").unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    fs::create_dir_all(world.lab.place("/etc/ipf")).unwrap();
    let packets = world.lab.carry_packets();
    let routed = world.zonekit("global-router", &["-R", "10.1.9.0/24", "--domain", "nine.test"]);
    println!("{routed:#?}");
    routed.well();
    create(&world, &["-z", "web", "-x", "10.1.9.5"]).well();
    let _far = packets.serve("outside", "far", "198.51.100.1:80");
    assert_eq!(packets.ask("web", "198.51.100.1:80"), "far 192.0.2.10", "the outside sees the host");
    packets.wait("the name", || packets.resolve("web", "10.1.9.1", "web.nine.test", false) == [address("10.1.9.5")]);
    let _inside = packets.serve("web", "web", "0.0.0.0:80");
    cross(&packets, "10.1.9.0/24", "192.0.2.10");
    assert!(packets.unanswered("outside", "10.1.9.5:80"));
    assert!(!packets.hears("web", "10.1.9.5:5000", "outside"));
    destroy(&world, "web").well();
    world.zonekit("global-router", &["--remove", "10.1.9.0/24"]).well();
    assert!(packets.misses("global", "10.1.9.1"));
    assert!(packets.reaches("global", "192.0.2.1"));
}
