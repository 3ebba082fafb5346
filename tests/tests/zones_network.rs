//! Networks of zones by one command a zone: a router, zones behind it, and nothing left when they have gone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use tests::scenario::World;
use tests::sweep::View;
use zones_common::{ROUTER, create, destroy, warmed};

#[test]
fn a_router_and_two_zones_by_three_commands_and_gone_again() {
    let world = warmed();
    // The global zone asks a name server of its own first, which answers nobody else.
    std::fs::write(world.lab.place("/etc/resolv.conf"), "nameserver 127.0.0.1\nnameserver 9.9.9.9\n").unwrap();
    let before = View::of(&world.lab);
    create(&world, &["-z", "router1", "-t", "router", "-x", "192.0.2.20", "-R", "10.1.1.0/24"]).well();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    create(&world, &["-z", "db", "-t", "whole", "-x", "10.1.1.6", "-F", "maxbw=10M"]).well();
    for zone in ["router1", "web", "db"] {
        assert_eq!(world.state(zone), "running", "{zone}");
    }
    println!("{}", world.lab.snapshot_of_state(&[]).lines().collect::<Vec<_>>().join("\n"));
    assert_eq!(world.text("web", "/etc/defaultrouter"), "10.1.1.1\n");
    assert!(world.text("router1", "/etc/ipf/ipnat.conf").contains("10.1.1.0/24 -> 0/32"));
    // It has its routes, and asks nobody for others.
    let state = |name: &str| world.lab.services_of("router1").into_iter().find(|(found, _)| found.contains(name));
    let states = ["network/ipv4-forwarding:", "network/routing/route:"].map(|name| state(name).unwrap().1);
    assert_eq!(states, ["online", "disabled"]);
    assert!(world.text("router1", "/etc/zonekit/dhcp/web").contains("10.1.1.5"));
    let servers = world.text("router1", "/etc/dnsmasq.d/zonekit.conf");
    let servers: Vec<&str> = servers.lines().filter(|line| line.starts_with("server=")).collect();
    assert_eq!(servers, ["server=9.9.9.9"]);
    // Told also when it is done, not only in a plan.
    let shared = create(&world, &["-z", "shared", "-i", "10.1.1.9"]).well();
    assert!(shared.out.contains("note: 10.1.1.9 is on the global zone's stack: it reaches zones on 10.1.1.0/24"));
    destroy(&world, "shared").well();
    destroy(&world, "router1").badly(&["zone `router1` is the router of", "db", "web"]);
    assert_eq!(world.state("router1"), "running");
    destroy(&world, "web").well();
    assert!(!world.in_zone("router1", "/etc/zonekit/dhcp/web").exists());
    destroy(&world, "db").well();
    destroy(&world, "router1").well();
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    world.is_sound();
}

#[test]
fn a_router_leaves_ipv6_addresses_out_when_asked() {
    let world = warmed();
    let filters = |world: &World, zone| world.text(zone, "/etc/dnsmasq.d/zonekit.conf").contains("\nfilter-AAAA\n");
    create(&world, ROUTER).well();
    assert!(!filters(&world, "router1"));
    create(&world, &["-z", "r2", "-t", "router", "-x", "192.0.2.21", "-R", "10.2.0.0/16", "--filter-aaaa"]).well();
    assert!(filters(&world, "r2"));
    create(&world, &["-z", "web", "-x", "10.1.1.5", "--filter-aaaa"]).badly(&["--filter-aaaa", "give -R"]);
}

#[test]
fn a_plan_has_the_ethernet_addresses_that_will_be() {
    let world = warmed();
    create(&world, ROUTER).well();
    let web = ["-z", "web", "-x", "10.1.1.5", "-x", "192.0.2.31"];
    let links = |text: &str| -> Vec<String> {
        let all = text.lines().filter(|line| line.contains("dladm create-vnic") || line.contains("02:08:20:"));
        all.map(str::to_owned).collect()
    };
    let planned = links(&create(&world, &[&web[..], &["-N"]].concat()).well().out);
    assert!(planned.len() >= 3, "{planned:#?}");
    let now = |world: &World| world.run("dladm", &["show-vnic", "-p", "-o", "link,over,macaddress"]).well().out;
    create(&world, &web).well();
    let made = now(&world);
    for mac in planned.iter().flat_map(|line| line.split([' ', ',']).filter(|word| word.starts_with("02:08:20:"))) {
        let unpadded: Vec<&str> = mac.split(':').map(|byte| byte.strip_prefix('0').unwrap_or(byte)).collect();
        assert!(made.contains(&unpadded.join("\\:")), "{mac}: {made}");
    }
    destroy(&world, "web").well();
    create(&world, &web).well();
    assert_eq!(now(&world), made);
}

#[test]
fn a_router_that_would_not_go_is_described_all_the_same() {
    let world = warmed();
    create(&world, ROUTER).well();
    assert!(world.lab.run("dladm", &["create-vnic", "-l", "zrstub0", "foo0"]).status.success());
    let refused = destroy(&world, "router1").badly(&["foo0"]);
    let did = world.zonekit("describe-zone", &["router1"]).well();
    let why = refused.err.trim_end().strip_prefix("destroy-zone: ").unwrap();
    assert!(did.out.contains("router for") && did.out.contains(&format!("    refuse: {why}\n")), "{did:#?}");
    let json = world.zonekit("describe-zone", &["router1", "--json"]).well();
    assert!(json.out.contains("\"would_refuse\":") && json.out.contains("foo0"), "{json:#?}");
    assert!(world.lab.run("dladm", &["delete-vnic", "foo0"]).status.success());
    destroy(&world, "router1").well();
    world.is_sound();
}

#[test]
fn a_vnic_of_somebody_else_is_left_and_told() {
    let world = warmed();
    create(&world, ROUTER).well();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    world.zoneadm("web", &["halt"]).well();
    world.run("dladm", &["delete-vnic", "znic2"]).well();
    world.run("dladm", &["create-vnic", "-l", "zrstub0", "znic2"]).well();
    for dry_run in [&["-N"][..], &[]] {
        let did = world.zonekit("destroy-zone", &[&["-z", "web"], dry_run].concat()).well();
        assert!(did.out.contains("note: the vnic `znic2` on `zrstub0` stays: it is not the one"), "{did:?}");
    }
    assert!(world.lab.links().contains(&"znic2".to_owned()));
}
