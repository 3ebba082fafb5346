//! A fault at every step of attaching, detaching and peering: afterwards everything is as before.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use tests::run::skip_without_root;
use tests::scenario::World;
use zones_common::{ROUTER, create, prepared, scenario, sweep};

fn with_zone(world: &World) {
    prepared(world);
    create(world, ROUTER).well();
    world.configure("web", "sparse-root");
    world.zoneadm("web", &["install"]).well();
}

fn with_attached_zone(world: &World) {
    with_zone(world);
    world.zonekit("net-attach", &["-z", "web", "-x", "10.1.1.5", "-F", "maxbw=5M", "--open", "tcp/22"]).well();
}

fn with_way_in(world: &World) {
    with_attached_zone(world);
    world.zonekit("ingress", &["add", "shop", "80", "web:8080", "--http", "shop.example.com"]).well();
}

fn with_two_routers(world: &World) {
    prepared(world);
    create(world, ROUTER).well();
    create(world, &["-z", "router2", "-t", "router", "-x", "192.0.2.21", "-R", "10.2.0.0/16"]).well();
}

fn with_peers(world: &World) {
    with_two_routers(world);
    world.zonekit("net-peer", &["router1", "router2"]).well();
}

/// One of two peers is to be none any more.
fn with_halted_peer(world: &World) {
    with_peers(world);
    world.zoneadm("router2", &["halt"]).well();
}

#[test]
fn a_fault_at_every_step() {
    if skip_without_root() {
        return;
    }
    let attach = &["net-attach", "-z", "web", "-x", "10.1.1.5", "-F", "maxbw=5M", "--open", "tcp/22"];
    let all = [
        scenario("attach a zone", "web", attach, with_zone),
        scenario("detach a zone", "web", &["net-detach", "-z", "web"], with_attached_zone),
        scenario("detach a zone that has a way in", "web", &["net-detach", "-z", "web"], with_way_in),
        scenario("detach a router", "router2", &["net-detach", "-z", "router2"], with_halted_peer),
        scenario("peer two routers", "router1", &["net-peer", "router1", "router2"], with_two_routers),
        scenario("end a peering", "router1", &["net-peer", "-d", "router1", "router2"], with_peers),
    ];
    sweep(all.into());
}
