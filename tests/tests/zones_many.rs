//! Many zones: at once, by one command, and a thousand one after another.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::collections::BTreeSet;

use tests::lab::Fault;
use tests::scenario::World;
use tests::sweep::View;
use zones_common::{ROUTER, create, destroy, prepared, warmed};

fn world() -> World {
    let world = World::new();
    prepared(&world);
    create(&world, ROUTER).well();
    world
}

fn listed(world: &World) -> Vec<Vec<String>> {
    let out = world.zonekit("list-zones", &["-p"]).well().out;
    out.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// What the zones behind a router have: link and Ethernet address.
fn interfaces(world: &World, zone: &str) -> (String, String) {
    let out = world.zonekit("describe-zone", &["--json", zone]).well().out;
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    let text = |name: &str| found["interfaces"][0][name].as_str().unwrap().to_owned();
    (text("link"), text("mac"))
}

#[test]
fn sixteen_at_once_on_one_segment() {
    let world = world();
    let names: Vec<String> = (1..=16).map(|number| format!("z{number}")).collect();
    // Time enough for all of them to find the same names free, between looking at the links and making one.
    world.lab.fault(Some(&Fault::Slow("netstat".to_owned(), 60)));
    std::thread::scope(|scope| {
        for (name, address) in names.iter().zip(10..) {
            let (world, address) = (&world, format!("10.1.1.{address}"));
            scope.spawn(move || create(world, &["-z", name, "-x", &address]).well());
        }
    });
    world.lab.fault(None);
    let (mut links, mut macs) = (BTreeSet::new(), BTreeSet::new());
    for name in &names {
        assert_eq!(world.state(name), "running", "{name}");
        let (link, mac) = interfaces(&world, name);
        links.insert(link);
        macs.insert(mac);
        assert!(world.text("router1", &format!("/etc/zonekit/dhcp/{name}")).contains("10.1.1."), "{name}");
    }
    assert_eq!((links.len(), macs.len()), (16, 16));
    world.is_sound();
    // And they go at once.
    std::thread::scope(|scope| {
        for name in &names {
            let world = &world;
            scope.spawn(move || destroy(world, name).well());
        }
    });
    assert_eq!(listed(&world).len(), 1);
    world.is_sound();
}

#[test]
fn one_address_is_given_once() {
    let world = world();
    let dids: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (1..=4)
            .map(|number| {
                let world = &world;
                scope.spawn(move || create(world, &["-z", &format!("z{number}"), "-x", "10.1.1.9"]))
            })
            .collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let made = dids.iter().filter(|did| did.code == 0).count();
    assert_eq!(made, 1, "{dids:#?}");
    for did in dids.iter().filter(|did| did.code != 0) {
        assert!(did.err.contains("10.1.1.9 is in use by zone `z"), "{did:#?}");
    }
    assert_eq!(listed(&world).len(), 2);
    world.is_sound();
}

#[test]
fn several_zones_by_one_command_are_all_made_or_none() {
    let world = world();
    let before = View::of(&world.lab);
    world.lab.reset_log();
    create(&world, &["-z", "node", "-n", "3", "-x", "10.1.1.20", "-D", "rpool"]).well();
    let calls = world.lab.log();
    let third = 1 + calls.iter().position(|call| call.line().contains("-z node3 install")).unwrap();
    for (zone, address) in [("node1", "10.1.1.20/24"), ("node2", "10.1.1.21/24"), ("node3", "10.1.1.22/24")] {
        let row = listed(&world).into_iter().find(|row| row[0] == zone).unwrap();
        assert_eq!((row[1].as_str(), row[4].as_str(), row[5].as_str()), ("running", address, "router1"));
        assert!(world.lab.dataset(&format!("rpool/{zone}")).is_some());
        world.zonekit("destroy-zone", &["-z", zone, "--with-datasets"]).well();
    }
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    // The third address is taken: there is no first zone either.
    create(&world, &["-z", "web", "-x", "10.1.1.22"]).well();
    let before = View::of(&world.lab);
    create(&world, &["-z", "node", "-n", "3", "-x", "10.1.1.20"]).badly(&["10.1.1.22 is in use by zone `web`"]);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    // The third installation fails: the first two, which run already, go.
    let before = View::of(&world.lab);
    world.lab.reset_log();
    world.lab.fault(Some(&Fault::Fail(third)));
    let did = create(&world, &["-z", "node", "-n", "3", "-x", "10.1.1.30", "-D", "rpool"]);
    world.lab.fault(None);
    did.badly(&["node3 install", "everything that was done for it was undone"]);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    std::fs::create_dir_all(world.zonepath("node3")).unwrap();
    std::fs::write(world.zonepath("node3").join("file"), "theirs").unwrap();
    let before = View::of(&world.lab);
    create(&world, &["-z", "node", "-n", "3", "-x", "10.1.1.30"]).badly(&["something is there already"]);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    create(&world, &["-z", "late", "-n", "3", "-x", "10.1.1.253"]).badly(&["10.1.1.255"]);
    world.is_sound();
}

/// Files below a directory that were written since.
fn written(directory: &std::path::Path, since: std::time::SystemTime) -> usize {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let count = |entry: std::fs::DirEntry| {
        let found = entry.metadata().unwrap();
        if found.is_dir() { written(&entry.path(), since) } else { usize::from(found.modified().unwrap() >= since) }
    };
    entries.map(count).sum()
}

/// Commands that `create-zone` runs, files that it writes in the router, and what it needs.
fn cost(world: &World, zone: &str, address: &str) -> (usize, usize, std::time::Duration) {
    world.lab.reset_log();
    let (start, now) = (std::time::Instant::now(), std::time::SystemTime::now());
    create(world, &["-z", zone, "-x", address]).well();
    let elapsed = start.elapsed();
    (world.lab.log().len(), written(&world.in_zone("router1", "/etc"), now), elapsed)
}

/// Zones that are there as far as records, links and configurations go.
fn pretend(world: &World, numbers: std::ops::Range<u32>) {
    let store = world.lab.place("/var/zonekit/store");
    let record =
        std::fs::read_to_string(store.join("attachments").join(
            world.names_in(&store.join("attachments")).into_iter().find(|name| name.starts_with("z1+")).unwrap(),
        ))
        .unwrap();
    let zone = std::fs::read_to_string(store.join("zones/z1.json")).unwrap();
    let ending = ".json";
    let mut index = std::fs::read_to_string(world.lab.place("/etc/zones/index")).unwrap();
    for number in numbers {
        let (zone_name, link) = (format!("p{number}"), format!("znic{}", 1000 + number));
        let address = format!("10.1.{}.{}", number / 250, number % 250 + 3);
        let mac = format!("02:08:20:ff:{:02x}:{:02x}", number / 256, number % 256);
        let mut value: serde_json::Value = serde_json::from_str(&record).unwrap();
        value["zone"] = zone_name.clone().into();
        value["link"] = link.clone().into();
        value["ipv4"] = format!("{address}/16").into();
        value["mac"] = mac.clone().into();
        let name = format!("{zone_name}+{link}+{address}{ending}");
        std::fs::write(store.join("attachments").join(name), value.to_string()).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&zone).unwrap();
        value["zone"] = zone_name.clone().into();
        std::fs::write(store.join("zones").join(format!("{zone_name}{ending}")), value.to_string()).unwrap();
        assert!(world.lab.run("dladm", &["create-vnic", "-l", "zrstub0", "-m", &mac, &link]).status.success());
        let zones = world.lab.place("/etc/zones");
        let config = std::fs::read_to_string(zones.join("z1.xml")).unwrap().replace("z1", &zone_name);
        std::fs::write(zones.join(format!("{zone_name}.xml")), config).unwrap();
        index.push_str(&format!("{zone_name}:configured:{}:\n", world.zonepath(&zone_name).display()));
    }
    std::fs::write(world.lab.place("/etc/zones/index"), index).unwrap();
}

#[test]
fn the_thousandth_zone_costs_what_the_tenth_does() {
    let world = warmed();
    create(&world, &["-z", "router1", "-t", "router", "-x", "192.0.2.20", "-R", "10.1.0.0/16"]).well();
    for number in 1..10 {
        create(&world, &["-z", &format!("z{number}"), "-x", &format!("10.1.200.{number}")]).well();
    }
    let tenth = cost(&world, "z10", "10.1.200.10");
    let many = std::env::var("ZONES_MANY").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    pretend(&world, 11..many);
    let thousandth = cost(&world, "last", "10.1.200.11");
    std::io::Write::write_all(
        &mut std::io::stderr(),
        format!(
            "create-zone: 10th zone {} commands in {:?}, {many}th {} in {:?}\n",
            tenth.0, tenth.2, thousandth.0, thousandth.2
        )
        .as_bytes(),
    )
    .unwrap();
    // Its addresses and its names are all that the router is told.
    assert_eq!((tenth.0, tenth.1, thousandth.1), (thousandth.0, 2, 2));
}
