//! Whole zones on a host of the lab.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests; each uses a part")]

use tests::scenario::{Did, World};
use tests::sweep::{Command, Ends, Scenario, side_by_side};

/// `create-zone` with the zonepaths in the pool.
pub fn create(world: &World, arguments: &[&str]) -> Did {
    let zones = world.lab.place("/zones").display().to_string();
    let did = world.zonekit("create-zone", &[&["--zones", &zones], arguments].concat());
    // Shown when the test fails.
    println!("create-zone {}: {did:#?}", arguments.join(" "));
    did
}

/// `destroy-zone`.
pub fn destroy(world: &World, zone: &str) -> Did {
    let did = world.zonekit("destroy-zone", &["-z", zone]);
    println!("destroy-zone {zone}: {did:#?}");
    did
}

/// A host that had zones of both brands of zonekit: what these share is there.
pub fn warmed() -> World {
    let world = World::new();
    prepared(&world);
    world
}

/// A router for 10.1.1.0/24.
pub const ROUTER: &[&str] = &["-z", "router1", "-t", "router", "-x", "192.0.2.20", "-R", "10.1.1.0/24"];

/// Gives a host what zones share, an account and a key.
pub fn prepared(world: &World) {
    std::fs::create_dir_all(world.lab.place("/home/joe")).unwrap();
    let accounts = "root:x:0:0:Super-User:/root:/bin/sh\njoe:x:101:10:Joe:/home/joe:/bin/sh\n";
    std::fs::write(world.lab.place("/etc/passwd"), accounts).unwrap();
    std::fs::write(world.lab.place("/etc/shadow"), "root:NP:1::::::\njoe:$5$salt$hash:1::::::\n").unwrap();
    std::fs::write(world.lab.place("/etc/group"), "root::0:\nstaff::10:\n").unwrap();
    for kind in ["sparse", "whole"] {
        create(world, &["-z", "first", "-t", kind]).well();
        destroy(world, "first").well();
    }
}

/// One in how many points a sweep tries: all of them take half an hour. `SWEEP_THINNED=1` asks for all.
pub fn thinned() -> usize {
    std::env::var("SWEEP_THINNED").ok().and_then(|text| text.parse().ok()).filter(|number| *number > 0).unwrap_or(6)
}

/// Something that is done to networks by a program, and that leaves everything as before when it fails.
pub fn scenario(
    name: &str,
    zone: &'static str,
    words: &'static [&'static str],
    prepare: impl Fn(&World) + Send + Sync + 'static,
) -> Scenario {
    Scenario {
        name: name.to_owned(),
        zone,
        program: words[0],
        prepare: Box::new(prepare),
        command: Command::Program(Box::new(move |_| words.iter().map(|word| (*word).to_owned()).collect())),
        ends: Ends::AsBefore,
        also: &[],
        told_nobody: &[],
        moments: 8 / thinned(),
        thorough: false,
        thinned: thinned(),
    }
}

/// Sweeps over all of them, or those with `SWEEP_ONLY` in their names.
pub fn sweep(all: Vec<Scenario>) {
    for (scenario, swept) in side_by_side(all) {
        assert!(swept.points * thinned() > swept.calls, "{scenario:?}: {} points", swept.points);
    }
}
