//! Whole zones on a host of the lab.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests; each uses a part")]

use tests::scenario::{Did, World};

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
    for kind in ["sparse", "whole"] {
        create(&world, &["-z", "first", "-t", kind]).well();
        destroy(&world, "first").well();
    }
    world
}
