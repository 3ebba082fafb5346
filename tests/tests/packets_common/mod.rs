//! What tests of packets have in common.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests; each uses a part")]

use tests::lab::{Lab, Packets};
use tests::scenario::World;

/// Whether this machine carries no packets, which is said.
pub fn skip() -> bool {
    let why = Lab::no_packets();
    if let Some(why) = &why {
        eprintln!("skipped: no packets are sent: {why}");
    }
    why.is_some()
}

/// Somebody outside knows the way to a network, though nobody told it.
pub fn cross(packets: &Packets, network: &str, router: &str) {
    let added = packets.run("outside", "ip", &["route", "add", network, "via", router]);
    assert!(added.status.success(), "{added:?}");
}

/// The first link of a running zone.
pub fn link_of(world: &World, zone: &str) -> String {
    world.lab.addresses_of(zone).into_iter().map(|(link, _)| link).find(|link| link != "lo0").unwrap()
}

/// What a link is over.
pub fn over(world: &World, link: &str) -> String {
    world.run("dladm", &["show-link", "-p", "-o", "over", link]).well().out.trim_end().to_owned()
}
