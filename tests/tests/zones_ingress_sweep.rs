//! A fault at every step of changing what a router lets in: afterwards everything is as before.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::run::skip_without_root;
use tests::scenario::World;
use zones_common::{ROUTER, create, prepared, scenario, sweep};

const ADD: &[&str] = &["ingress", "add", "blog", "80", "web:8081", "--http", "blog.example.com"];

/// A router with a way in, so that its service is known.
fn with_ingress(world: &World) {
    prepared(world);
    create(world, ROUTER).well();
    create(world, &["-z", "web", "-x", "10.1.1.5"]).well();
    world.zonekit("ingress", &["add", "shop", "80", "web:8080", "--http", "shop.example.com"]).well();
}

/// A global zone that has been a router once, so that what is off by default is off by name.
fn with_programs(world: &World) {
    prepared(world);
    for program in ["/usr/sbin/dnsmasq", "/usr/sbin/ipnat"] {
        let place = world.lab.place(program);
        if !place.exists() {
            fs::write(&place, "#!/bin/sh\nexit 0\n").unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    world.zonekit("global-router", &["-R", "10.9.0.0/16"]).well();
    world.zonekit("global-router", &["--remove", "10.9.0.0/16"]).well();
}

fn with_global_router(world: &World) {
    with_programs(world);
    world.zonekit("global-router", &["-R", "10.1.2.0/24"]).well();
}

#[test]
fn a_fault_at_every_step() {
    if skip_without_root() {
        return;
    }
    let all = [
        scenario("add an ingress", "router1", ADD, with_ingress),
        scenario("remove an ingress", "router1", &["ingress", "remove", "shop"], with_ingress),
        scenario("route from the global zone", "global", &["global-router", "-R", "10.1.2.0/24"], with_programs),
        scenario("route no more", "global", &["global-router", "--remove", "10.1.2.0/24"], with_global_router),
    ];
    sweep(all.into());
}
