//! The whole life of a zone under zoneadm(8), for each brand.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;

use tests::run::skip_without_root;
use tests::scenario::World;

#[test]
fn a_whole_life() {
    if skip_without_root() {
        return;
    }
    for brand in ["sparse-root", "whole-root"] {
        println!("{brand}");
        let world = World::new();
        world.configure("z1", brand);
        world.zoneadm("z1", &["install"]).well();
        assert_eq!(world.state("z1"), "installed");
        let zbe = world.lab.dataset("rpool/zones/z1/ROOT/zbe").unwrap();
        assert_eq!(zbe.value("org.opensolaris.libbe:parentbe"), Some(world.lab.running_uuid().as_str()));
        assert_eq!(world.text("z1", "/etc/system.conf"), "as packaged\n");
        world.zoneadm("z1", &["boot"]).well();
        assert_eq!(world.state("z1"), "running");
        world.zoneadm("z1", &["halt"]).well();
        fs::write(world.in_zone("z1", "/etc/system.conf"), "mine\n").unwrap();
        world.zoneadm("z1", &["detach"]).well();
        assert_eq!(world.state("z1"), "configured");
        world.zoneadm("z1", &["attach"]).well();
        assert_eq!(world.text("z1", "/etc/system.conf"), "mine\n");
        world.zoneadm("z1", &["boot"]).well();
        world.zoneadm("z1", &["halt"]).well();
        world.configure("z2", brand);
        world.zoneadm("z2", &["clone", "z1"]).well();
        assert_eq!(world.text("z2", "/etc/system.conf"), "mine\n");
        world.zoneadm("z2", &["boot"]).well();
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert!(world.lab.dataset("rpool/zones/z1").is_none());
        world.zoneadm("z2", &["halt"]).well();
        world.zoneadm("z2", &["uninstall", "-F"]).well();
        println!("{:?}", world.lab.names());
        assert!(world.lab.dataset("rpool/zones/z2").is_none());
        assert_eq!(world.lab.violations(), Vec::<String>::new());
    }
}
