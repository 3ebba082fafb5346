//! Several zones at once in one pool, and two operations on one zone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use tests::lab::Fault;
use tests::run::skip_without_root;
use tests::scenario::{BRANDS, Did, World};

fn names() -> Vec<String> {
    (0..10).map(|number| format!("z{number}")).collect()
}

fn brand_of(zone: &str) -> &'static str {
    BRANDS[usize::from(zone.ends_with(['1', '3', '5', '7', '9']))]
}

/// The same for every zone at once.
fn at_once(world: &World, zones: &[String], arguments: impl Fn(&str) -> Vec<String> + Sync) -> Vec<Did> {
    thread::scope(|scope| {
        let start = |zone: &String| {
            let (zone, arguments) = (zone.clone(), arguments(zone));
            scope.spawn(move || {
                let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
                world.zoneadm(&zone, &words)
            })
        };
        let started: Vec<_> = zones.iter().map(start).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn ten_zones_at_once() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let untouched = world.lab.snapshot_of_state(&[]);
    let zones = names();
    for zone in &zones {
        world.configure(zone, brand_of(zone));
    }
    for done in at_once(&world, &zones, |_| words(&["install"])) {
        done.well();
    }
    let mut uuids = BTreeSet::new();
    for zone in &zones {
        let row = world.row(zone);
        assert_eq!((&*row.state, &*row.brand), ("installed", brand_of(zone)));
        uuids.insert(row.uuid);
        let zbe = world.lab.dataset(&format!("rpool/zones/{zone}/ROOT/zbe")).unwrap();
        assert_eq!(zbe.mounted, Some(world.zonepath(zone).join("root")));
        assert_eq!(world.text(zone, "/etc/system.conf"), "as packaged\n");
        assert_eq!(world.in_zone(zone, "/usr/bin/ls").exists(), brand_of(zone) == "whole-root");
        let (zonepath, image) = (world.zonepath(zone), world.lab.root().to_str().unwrap());
        // The repository of a golden image has its services imported, as that of a zone that was booted.
        let flags = ["-b", brand_of(zone), "-R", zonepath.to_str().unwrap(), "--image", image, "--ignore-edited"];
        world.zonekit("verify-zone", &flags).well();
    }
    assert_eq!(uuids.len(), zones.len());
    world.is_sound();
    for command in ["boot", "halt", "detach", "attach"] {
        for done in at_once(&world, &zones, |_| words(&[command])) {
            done.well();
        }
        world.is_sound();
    }
    for done in at_once(&world, &zones, |_| words(&["uninstall", "-F"])) {
        done.well();
    }
    world.prune_golden();
    assert_eq!(world.lab.snapshot_of_state(&[]).difference(&untouched), "");
    assert_eq!(world.names_in(&world.lab.place("/zones")), Vec::<String>::new());
    world.is_sound();
}

#[test]
fn ten_clones_of_one_zone_at_once() {
    if skip_without_root() {
        return;
    }
    for brand in BRANDS {
        let world = World::new();
        world.configure("source", brand);
        world.zoneadm("source", &["install"]).well();
        fs::write(world.in_zone("source", "/etc/system.conf"), "mine\n").unwrap();
        let zones = names();
        for zone in &zones {
            world.configure(zone, brand);
        }
        for done in at_once(&world, &zones, |_| words(&["clone", "source"])) {
            done.well();
        }
        let source = "rpool/zones/source/ROOT/zbe";
        for zone in &zones {
            assert_eq!(world.state(zone), "installed");
            assert_eq!(world.text(zone, "/etc/system.conf"), "mine\n");
            assert_eq!(world.text(zone, "/etc/nodename"), format!("{zone}\n"));
            let zbe = world.lab.dataset(&format!("rpool/zones/{zone}/ROOT/zbe")).unwrap();
            assert_eq!(zbe.origin, Some(format!("{source}@{zone}_snap")));
        }
        world.is_sound();
        // The source goes while five of its clones go.
        let some: Vec<String> = zones[..5].iter().cloned().chain(["source".to_owned()]).collect();
        let done = at_once(&world, &some, |_| words(&["uninstall", "-F"]));
        for (zone, done) in some.iter().zip(done) {
            if done.code != 0 {
                // One that lost a race says so, and can be done again.
                assert!(done.err.starts_with("uninstall: "), "{done:?}");
                world.zoneadm(zone, &["uninstall", "-F"]).well();
            }
        }
        world.is_sound();
        for zone in &zones[5..] {
            world.zoneadm(zone, &["boot"]).well();
            world.zoneadm(zone, &["halt"]).well();
            world.zoneadm(zone, &["uninstall", "-F"]).well();
        }
        assert_eq!(world.zone_datasets(), Vec::<String>::new());
        world.prune_golden();
        world.is_sound();
    }
}

/// zoneadm(8) looks at the state before it waits for the other, so the second marks the zone incomplete although the
/// first has installed it. Its hook touches nothing, and what is there can be used. Source: install_func() in
/// zoneadm.c.
#[test]
fn two_operations_on_one_zone() {
    if skip_without_root() {
        return;
    }
    for brand in BRANDS {
        let world = World::new();
        world.configure("z1", brand);
        world.lab.fault(Some(&Fault::Slow("zfs".to_owned(), 50)));
        let done = at_once(&world, &["z1".to_owned(), "z1".to_owned()], |_| words(&["install"]));
        let failed: Vec<&Did> = done.iter().filter(|done| done.code != 0).collect();
        assert!(failed.len() <= 1, "{done:?}");
        if world.state("z1") == "incomplete" {
            let words = "ROOT/zbe: is a zone root of this boot environment already; uninstall the zone first";
            assert!(failed[0].err.contains(words), "{done:?}");
            world.zoneadm("z1", &["mark", "-F", "installed"]).well();
        }
        assert_eq!(world.state("z1"), "installed", "{done:?}");
        world.lab.fault(None);
        world.zoneadm("z1", &["boot"]).well();
        world.zoneadm("z1", &["halt"]).well();
        let left: Vec<String> = world.lab.names().into_iter().filter(|name| name.contains("/ROOT/zbe")).collect();
        assert_eq!(left, ["rpool/zones/z1/ROOT/zbe"]);
        world.is_sound();
    }
}

/// A hook that is called by hand while another works on the zone waits, and goes on when that has ended.
#[test]
fn a_hook_waits_for_another() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    world.configure("z1", "whole-root");
    world.zoneadm("z1", &["install"]).well();
    let zonepath = world.zonepath("z1");
    let hook = ["-b", "whole-root", "-z", "z1", "-R", zonepath.to_str().unwrap()];
    world.lab.fault(Some(&Fault::Slow("zfs".to_owned(), 100)));
    thread::scope(|scope| {
        let first = scope.spawn(|| world.zonekit("detach", &hook));
        let second = scope.spawn(|| world.zonekit("detach", &hook));
        first.join().unwrap().well();
        second.join().unwrap().well();
    });
    world.lab.fault(None);
    assert_eq!(world.names_in(&zonepath), ["SUNWdetached.xml", "root"]);
    world.is_sound();
}
