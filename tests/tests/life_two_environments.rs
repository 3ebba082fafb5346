//! Zones of a host with two boot environments, and zones with boot environments of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;

use tests::scenario::{World, for_each_brand};

const OTHER: &str = "6b1f2f4e-0c3d-4f60-8a71-2d9c4b5e6f70";
const FIRST: &str = "tribblix";
const ZBE: &str = "rpool/zones/z1/ROOT/zbe";
const ZBE_1: &str = "rpool/zones/z1/ROOT/zbe-1";
const PARENT: &str = "org.opensolaris.libbe:parentbe";
const ACTIVE: &str = "org.opensolaris.libbe:active";

/// A zone, and a boot environment that was made after it.
fn two(act: impl Fn(&World)) {
    for_each_brand(|brand| {
        let world = World::new();
        world.configure("z1", brand);
        world.zoneadm("z1", &["install"]).well();
        fs::write(world.in_zone("z1", "/etc/system.conf"), "before\n").unwrap();
        world.create_be("next", OTHER);
        act(&world);
        world.is_sound();
    });
}

fn boots(world: &World, dataset: &str) {
    world.zoneadm("z1", &["boot"]).well();
    assert_eq!(world.lab.dataset(dataset).unwrap().mounted, Some(world.zonepath("z1").join("root")));
    world.zoneadm("z1", &["halt"]).well();
    assert_eq!(world.lab.dataset(dataset).unwrap().mounted, Some(world.zonepath("z1").join("root")));
}

#[test]
fn each_environment_has_its_own_root() {
    two(|world| {
        let first = world.lab.running_uuid();
        fs::write(world.in_zone("z1", "/etc/system.conf"), "after\n").unwrap();
        world.reboot_into("next");
        boots(world, ZBE_1);
        assert_eq!(world.text("z1", "/etc/system.conf"), "before\n");
        fs::write(world.in_zone("z1", "/etc/system.conf"), "in the next\n").unwrap();
        world.reboot_into(FIRST);
        boots(world, ZBE);
        assert_eq!(world.text("z1", "/etc/system.conf"), "after\n");
        for (dataset, owner) in [(ZBE, &*first), (ZBE_1, OTHER)] {
            assert_eq!(world.property(dataset, PARENT), format!("{owner} local"));
            assert_eq!(world.property(dataset, ACTIVE), "on local");
        }
    });
}

#[test]
fn uninstalling_in_the_next_leaves_the_first() {
    two(|world| {
        world.reboot_into("next");
        let done = world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert!(
            done.err.contains("`rpool/zones/z1/ROOT/zbe` is kept: it belongs to another boot environment"),
            "{done:?}"
        );
        assert_eq!(world.state("z1"), "configured");
        let left = world.zone_datasets();
        assert_eq!(left, ["rpool/zones/z1", "rpool/zones/z1/ROOT", ZBE], "{left:?}");
        assert!(world.names_in(&world.zonepath("z1")).is_empty());
        // The zonepath is shared: a new zone can be installed beside the other root.
        world.zoneadm("z1", &["install"]).well();
        assert_eq!(world.property(ZBE_1, PARENT), format!("{OTHER} local"));
        boots(world, ZBE_1);
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        world.reboot_into(FIRST);
        assert_eq!(world.state("z1"), "installed");
        boots(world, ZBE);
        assert_eq!(world.text("z1", "/etc/system.conf"), "before\n");
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert_eq!(world.zone_datasets(), Vec::<String>::new());
        assert!(!world.zonepath("z1").exists());
    });
}

#[test]
fn uninstalling_in_the_first_promotes_the_next() {
    two(|world| {
        let origin = world.lab.dataset(ZBE).unwrap().origin;
        let done = world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert!(done.err.contains("zbe-1` is kept: it belongs to another boot environment"), "{done:?}");
        let next = world.lab.dataset(ZBE_1).unwrap();
        assert_eq!(next.origin, origin);
        assert_eq!(next.snapshots, Vec::<String>::new());
        assert!(world.lab.dataset(ZBE).is_none());
        world.reboot_into("next");
        boots(world, ZBE_1);
        assert_eq!(world.text("z1", "/etc/system.conf"), "before\n");
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert_eq!(world.zone_datasets(), Vec::<String>::new());
        assert!(!world.zonepath("z1").exists());
    });
}

/// libbe promotes the roots of zones when an environment is activated, and the snapshot stays with them.
#[test]
fn a_snapshot_of_beadm_stands_in_no_way() {
    two(|world| {
        world.reboot_into("next");
        world.lab.zfs_ok(&["promote", ZBE_1]);
        world.lab.zfs_ok(&["destroy", ZBE]);
        assert_eq!(world.lab.dataset(ZBE_1).unwrap().snapshots.len(), 1);
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert_eq!(world.zone_datasets(), Vec::<String>::new());
    });
}

#[test]
fn somebody_elses_snapshot_is_named() {
    two(|world| {
        world.lab.zfs_ok(&["snapshot", &format!("{ZBE}@before-the-great-change")]);
        let before = world.lab.snapshot_of_state(&[]);
        let done = world.zoneadm("z1", &["uninstall", "-F"]);
        assert_eq!(done.code, 1);
        assert!(done.err.contains(&format!("`{ZBE}@before-the-great-change` is not a snapshot")), "{done:?}");
        assert_eq!(done.err.lines().count(), 1, "{done:?}");
        assert_eq!(world.state("z1"), "installed");
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
        boots(world, ZBE);
        world.lab.zfs_ok(&["destroy", &format!("{ZBE}@before-the-great-change")]);
        world.zoneadm("z1", &["uninstall", "-F"]).well();
    });
}

/// beadm(8) in the zone: `beadm create` and `beadm activate`.
#[test]
fn a_zone_that_activates_another_of_its_own() {
    two(|world| {
        world.zoneadm("z1", &["boot"]).well();
        let own = "rpool/zones/z1/ROOT/zbe-2";
        let snapshot = format!("{ZBE}@2026-07-09-00:00:00");
        world.lab.zfs_ok(&["snapshot", &snapshot]);
        world.lab.zfs_ok(&["clone", "-o", "canmount=noauto", &snapshot, own]);
        let uuid = world.lab.running_uuid();
        world.lab.zfs_ok(&["set", &format!("{PARENT}={uuid}"), own]);
        world.lab.zfs_ok(&["set", &format!("{ACTIVE}=on"), own]);
        world.lab.zfs_ok(&["set", &format!("{ACTIVE}=off"), ZBE]);
        let root = world.zonepath("z1").join("root");
        assert_eq!(world.lab.dataset(ZBE).unwrap().mounted.as_ref(), Some(&root));
        world.zoneadm("z1", &["halt"]).well();
        assert_eq!(world.lab.dataset(own).unwrap().mounted.as_ref(), Some(&root));
        boots(world, own);
        // Both of this environment go, the one of the next stays.
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        let left = world.zone_datasets();
        assert_eq!(left, ["rpool/zones/z1", "rpool/zones/z1/ROOT", ZBE_1], "{left:?}");
        world.reboot_into("next");
        boots(world, ZBE_1);
    });
}

#[test]
fn two_active_roots_are_refused_by_name() {
    two(|world| {
        world.lab.zfs_ok(&["set", &format!("{PARENT}={}", world.lab.running_uuid()), ZBE_1]);
        let done = world.zoneadm("z1", &["boot"]).badly(&["`zbe` and `zbe-1` are both active", "zfs set"]);
        assert_eq!(world.state("z1"), "installed", "{done:?}");
        world.lab.zfs_ok(&["set", &format!("{ACTIVE}=off"), ZBE_1]);
        boots(world, ZBE);
        world.lab.zfs_ok(&["set", &format!("{ACTIVE}=off"), ZBE]);
        world.zoneadm("z1", &["boot"]).badly(&["no zone root here is active", "zfs get"]);
        world.lab.zfs_ok(&["set", &format!("{ACTIVE}=on"), ZBE]);
        world.lab.zfs_ok(&["set", &format!("{PARENT}={OTHER}"), ZBE_1]);
    });
}

/// A clone is made of the root of the running environment alone.
#[test]
fn a_clone_in_the_next() {
    two(|world| {
        world.reboot_into("next");
        fs::write(world.in_zone("z1", "/etc/system.conf"), "in the next\n").unwrap();
        let brand = world.row("z1").brand;
        world.configure("z2", &brand);
        world.zoneadm("z2", &["clone", "z1"]).well();
        assert_eq!(world.text("z2", "/etc/system.conf"), "in the next\n");
        let clone = world.lab.dataset("rpool/zones/z2/ROOT/zbe").unwrap();
        assert_eq!(clone.origin, Some(format!("{ZBE_1}@z2_snap")));
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert_eq!(world.lab.dataset("rpool/zones/z2/ROOT/zbe").unwrap().value(PARENT), Some(OTHER));
        world.zoneadm("z2", &["boot"]).well();
        world.zoneadm("z2", &["halt"]).well();
        world.reboot_into(FIRST);
        boots(world, ZBE);
    });
}

/// Clones of clones, and of roots that depend on each other: what goes is promoted over until nothing that stays
/// depends on it.
#[test]
fn the_middle_of_a_chain_goes() {
    two(|world| {
        let brand = world.row("z1").brand;
        for (zone, source) in [("z2", "z1"), ("z3", "z2")] {
            world.configure(zone, &brand);
            world.zoneadm(zone, &["clone", source]).well();
        }
        world.zoneadm("z2", &["uninstall", "-F"]).well();
        let third = world.lab.dataset("rpool/zones/z3/ROOT/zbe").unwrap();
        assert_eq!((third.origin, third.snapshots), (Some(format!("{ZBE}@z2_snap")), vec![]));
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        let third = world.lab.dataset("rpool/zones/z3/ROOT/zbe").unwrap();
        assert_eq!((third.origin, third.snapshots), (Some(format!("{ZBE_1}@2026-07-01-12:34:56")), vec![]));
        world.zoneadm("z3", &["boot"]).well();
        world.zoneadm("z3", &["halt"]).well();
        world.zoneadm("z3", &["uninstall", "-F"]).well();
        let left = world.zone_datasets();
        assert_eq!(left, ["rpool/zones/z1", "rpool/zones/z1/ROOT", ZBE_1], "{left:?}");
    });
}

#[test]
fn roots_that_depend_on_each_other_go_from_under_a_clone() {
    two(|world| {
        // zbe of the zone, zbe-2 that the zone made of it, and another zone out of that.
        let own = "rpool/zones/z1/ROOT/zbe-2";
        world.lab.zfs_ok(&["snapshot", &format!("{ZBE}@2026-07-09-00:00:00")]);
        world.lab.zfs_ok(&["clone", "-o", "canmount=noauto", &format!("{ZBE}@2026-07-09-00:00:00"), own]);
        world.lab.zfs_ok(&["set", &format!("{PARENT}={}", world.lab.running_uuid()), own]);
        world.lab.zfs_ok(&["set", &format!("{ACTIVE}=off"), ZBE]);
        world.lab.zfs_ok(&["set", &format!("{ACTIVE}=on"), own]);
        boots(world, own);
        let brand = world.row("z1").brand;
        world.configure("z2", &brand);
        world.zoneadm("z2", &["clone", "z1"]).well();
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert_eq!(world.text("z2", "/etc/system.conf"), "before\n");
        world.zoneadm("z2", &["boot"]).well();
        world.zoneadm("z2", &["halt"]).well();
        world.zoneadm("z2", &["uninstall", "-F"]).well();
        let left = world.zone_datasets();
        assert_eq!(left, ["rpool/zones/z1", "rpool/zones/z1/ROOT", ZBE_1], "{left:?}");
    });
}
