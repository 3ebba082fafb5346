//! Hooks on hosts whose datasets, boot environments or pools are not as they should be.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod hooks_common;

use std::fs;

use hooks_common::{
    Outside, datasets, failed, installed, no_journal, plain, ran, said, same_trees, unchanged, zone_tree,
};
use tests::run::skip_without_root;
use tests::scenario::World;

const UUID: &str = "org.opensolaris.libbe:uuid";
const PARENT: &str = "org.opensolaris.libbe:parentbe";
const ACTIVE: &str = "org.opensolaris.libbe:active";
const ZBE: &str = "rpool/zones/z1/ROOT/zbe";

/// Makes a second root of the running boot environment.
fn second_root(world: &World) {
    let parent = format!("{PARENT}={}", world.lab.running_uuid());
    let active = format!("{ACTIVE}=on");
    world.lab.zfs_ok(&["create", "-o", &parent, "-o", &active, "-o", "canmount=noauto", "rpool/zones/z1/ROOT/zbe-1"]);
}

/// What needs the one active root is refused by each command, and changes nothing.
fn refused_everywhere(world: &World, words: &[&str]) {
    world.configure("z2", "sparse-root");
    let outside = Outside::plant(world, &[]);
    let (before, tree) = (datasets(world), zone_tree(world, "z1"));
    let check = |state: &str| {
        unchanged(world, &before);
        same_trees(&tree, &zone_tree(world, "z1"));
        assert_eq!(world.state("z1"), state);
        no_journal(world);
    };
    for command in ["ready", "boot"] {
        let did = world.zoneadm("z1", &[command]);
        assert!(did.code != 0 && did.err.contains("zone 'z1': prestate: "), "{did:#?}");
        for word in words {
            assert!(did.err.contains(word), "{did:#?}");
        }
        hooks_common::clean(&did.err);
        check("installed");
    }
    failed(&world.zoneadm("z1", &["detach"]), "detach", words);
    check("installed");
    failed(&world.zoneadm("z2", &["clone", "z1"]), "clone", words);
    // zoneadm has no way back from there.
    assert_eq!(world.state("z2"), "incomplete");
    check("installed");
    world.zoneadm("z2", &["uninstall", "-F"]).well();
    assert!(!world.zonepath("z2").exists());
    outside.is_as_it_was(world);
}

#[test]
fn two_active_roots() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    second_root(&world);
    refused_everywhere(&world, &["rpool/zones/z1/ROOT: ", "`zbe` and `zbe-1` are both active", "zfs set", "=off"]);
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    assert!(world.lab.dataset("rpool/zones/z1").is_none());
}

#[test]
fn no_active_root() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.lab.zfs_ok(&["set", &format!("{ACTIVE}=off"), ZBE]);
    refused_everywhere(&world, &["rpool/zones/z1/ROOT: ", "no zone root", "zfs get"]);
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    assert!(world.lab.dataset("rpool/zones/z1").is_none());
}

#[test]
fn roots_of_another_boot_environment_alone() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.lab.zfs_ok(&["set", &format!("{PARENT}=00000000-0000-0000-0000-000000000000"), ZBE]);
    refused_everywhere(&world, &["rpool/zones/z1/ROOT: ", "no zone root", "zfs get"]);
    let did = world.zoneadm("z1", &["uninstall", "-F"]).well();
    said(&did.err, "uninstall", &["rpool/zones/z1/ROOT/zbe", "kept", "another boot environment"]);
    assert!(world.lab.dataset(ZBE).is_some());
    assert_eq!(world.state("z1"), "configured");
}

#[test]
fn a_boot_environment_without_uuid() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.configure("z3", "sparse-root");
    world.lab.zfs_ok(&["inherit", UUID, "rpool/ROOT/tribblix"]);
    let words = ["`tribblix` has no UUID", "be-uuid --set"];
    refused_everywhere(&world, &words);
    let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
    failed(&world.zoneadm("z1", &["uninstall", "-F"]), "uninstall", &words);
    assert_eq!(world.state("z1"), "installed", "preuninstall has to refuse");
    same_trees(&tree, &zone_tree(&world, "z1"));
    unchanged(&world, &before);
    let did = world.zoneadm("z3", &["install"]);
    failed(&did, "pkgcreatezone", &words);
    assert!(matches!(world.state("z3").as_str(), "configured" | "incomplete"));
    assert!(world.lab.dataset("rpool/zones/z3/ROOT").is_none());
}

#[test]
fn a_host_without_beadm_lives_with_a_fixed_name() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    world.lab.remove_command("beadm");
    world.configure("z1", "sparse-root");
    world.zoneadm("z1", &["install"]).well();
    let parent = |dataset: &str| world.lab.dataset(dataset).unwrap().value(PARENT).map(str::to_owned);
    assert_eq!(parent(ZBE).as_deref(), Some("opensolaris"));
    world.zoneadm("z1", &["boot"]).well();
    world.zoneadm("z1", &["halt"]).well();
    world.zoneadm("z1", &["detach"]).well();
    world.zoneadm("z1", &["attach"]).well();
    assert_eq!(parent(ZBE).as_deref(), Some("opensolaris"));
    world.configure("z2", "sparse-root");
    world.zoneadm("z2", &["clone", "z1"]).well();
    assert_eq!(parent("rpool/zones/z2/ROOT/zbe").as_deref(), Some("opensolaris"));
    for zone in ["z1", "z2"] {
        world.zoneadm(zone, &["uninstall", "-F"]).well();
        assert!(world.lab.dataset(&format!("rpool/zones/{zone}")).is_none());
    }
}

#[test]
fn a_host_that_lost_beadm_refuses_zones_of_real_boot_environments() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.lab.remove_command("beadm");
    refused_everywhere(&world, &["rpool/zones/z1/ROOT: ", "opensolaris"]);
}

#[test]
fn a_full_pool() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.configure("z2", "sparse-root");
    world.configure("z3", "sparse-root");
    let directory = world.beside("source");
    fs::create_dir_all(directory.join("etc")).unwrap();
    let outside = Outside::plant(&world, &[]);
    let without = datasets(&world);
    // Without it zoneadm makes a plain directory, and goes on.
    world.lab.zfs_ok(&["create", "rpool/zones/z2"]);
    world.lab.limit_pool("rpool", Some(0));
    let did = world.zoneadm("z2", &["install"]);
    assert_eq!(did.code, 1);
    said(&did.err, "pkgcreatezone", &["space"]);
    assert_eq!(world.state("z2"), "configured");
    let before = datasets(&world);
    println!("{}", without.difference(&before));
    for method in [&["clone", "z1"][..], &["clone", "-m", "copy", "z1"]] {
        failed(&world.zoneadm("z3", method), "clone", &["space"]);
        unchanged(&world, &before);
        assert_eq!(world.state("z3"), "incomplete");
        world.zoneadm("z3", &["mark", "-F", "configured"]).well();
    }
    failed(&world.zoneadm("z3", &["attach", "-d", directory.to_str().unwrap()]), "attach", &["space"]);
    assert_eq!(world.state("z3"), "configured");
    unchanged(&world, &before);
    // Nothing has to be made to boot, to detach and to uninstall.
    world.zoneadm("z1", &["boot"]).well();
    world.zoneadm("z1", &["halt"]).well();
    world.zoneadm("z1", &["detach"]).well();
    world.zoneadm("z1", &["attach"]).well();
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    outside.is_as_it_was(&world);
    no_journal(&world);
}

#[test]
fn a_busy_root() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.lab.busy(ZBE, true);
    let outside = Outside::plant(&world, &[]);
    let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
    failed(&world.zoneadm("z1", &["detach"]), "detach", &["z1/root", "busy"]);
    assert_eq!(world.state("z1"), "installed");
    same_trees(&tree, &zone_tree(&world, "z1"));
    unchanged(&world, &before);
    failed(&world.zoneadm("z1", &["uninstall", "-F"]), "uninstall", &["busy"]);
    assert_eq!(world.state("z1"), "incomplete");
    unchanged(&world, &before);
    same_trees(&tree, &zone_tree(&world, "z1"));
    no_journal(&world);
    world.lab.busy(ZBE, false);
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    assert!(world.lab.dataset("rpool/zones/z1").is_none());
    outside.is_as_it_was(&world);
}

#[test]
fn a_zonepath_that_is_no_dataset() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let outside = Outside::plant(&world, &[]);
    let before = datasets(&world);
    let path = plain(&world, "p1");
    let copy = plain(&world, "p2");
    world.zoneadm("p1", &["install"]).well();
    world.zoneadm("p1", &["boot"]).well();
    world.zoneadm("p1", &["halt"]).well();
    fs::write(path.join("root/etc/system.conf"), "mine\n").unwrap();
    world.zoneadm("p1", &["detach"]).well();
    assert!(path.join("SUNWdetached.xml").is_file());
    world.zoneadm("p1", &["attach"]).well();
    world.zoneadm("p2", &["clone", "p1"]).well();
    assert_eq!(fs::read_to_string(copy.join("root/etc/system.conf")).unwrap(), "mine\n");
    for (zone, path) in [("p1", &path), ("p2", &copy)] {
        world.zoneadm(zone, &["uninstall", "-F"]).well();
        assert_eq!(world.state(zone), "configured");
        assert!(!path.exists());
    }
    unchanged(&world, &before);
    outside.is_as_it_was(&world);
}

#[test]
fn a_plain_zone_without_root_is_not_made_ready() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let path = plain(&world, "p1");
    world.zoneadm("p1", &["install"]).well();
    fs::rename(path.join("root"), path.join("elsewhere")).unwrap();
    let did = world.zoneadm("p1", &["boot"]);
    assert!(did.code != 0);
    said(&did.err, "prestate", &["no zone root"]);
    assert_eq!(world.state("p1"), "installed");
}

#[test]
fn a_foreign_mount_on_the_root_stays() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    let root = world.zonepath("z1").join("root");
    let data = world.lab.place("/export/data");
    fs::create_dir_all(&data).unwrap();
    world.run("umount", &[root.to_str().unwrap()]).well();
    world.run("mount", &["-F", "lofs", data.to_str().unwrap(), root.to_str().unwrap()]).well();
    // What a loopback mount would show; the lab does not.
    fs::write(root.join("precious"), "x").unwrap();
    let before = datasets(&world);
    let did = world.zoneadm("z1", &["boot"]);
    assert!(did.code != 0 && did.err.contains("is no zone root; unmount it"), "{did:#?}");
    failed(&world.zoneadm("z1", &["detach"]), "detach", &["is no zone root; unmount it"]);
    failed(&world.zoneadm("z1", &["uninstall", "-F"]), "uninstall", &["mounted", "unmount"]);
    assert!(root.join("precious").is_file());
    unchanged(&world, &before);
    assert_eq!(world.state("z1"), "installed");
}

#[test]
fn poststate_halt_is_idempotent() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
    for _ in 0..3 {
        for state in ["2", "3", "4", "5", "6"] {
            let done = ran(&mut hooks_common::hook(&world, "z1", "poststate", &[state, "4", ""]));
            assert_eq!((done.code(), done.out.as_str(), done.err.as_str()), (0, "", ""));
        }
    }
    unchanged(&world, &before);
    let root = world.zonepath("z1").join("root");
    world.run("umount", &[root.to_str().unwrap()]).well();
    assert_eq!(ran(&mut hooks_common::hook(&world, "z1", "poststate", &["4", "4", ""])).code(), 0);
    unchanged(&world, &before);
    same_trees(&tree, &zone_tree(&world, "z1"));
}

#[test]
fn a_zonepath_that_is_not_mounted_is_neither_detached_nor_cloned() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.configure("z2", "sparse-root");
    let root = world.zonepath("z1").join("root");
    world.run("umount", &[root.to_str().unwrap()]).well();
    world.lab.zfs_ok(&["unmount", "rpool/zones/z1"]);
    let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
    failed(&world.zoneadm("z1", &["detach"]), "detach", &["no zone root", "mount it"]);
    assert_eq!(world.state("z1"), "installed");
    same_trees(&tree, &zone_tree(&world, "z1"));
    failed(&world.zoneadm("z2", &["clone", "z1"]), "clone", &["z1/root", "No such file"]);
    let did = world.zoneadm("z1", &["boot"]);
    assert!(did.code != 0);
    said(&did.err, "prestate", &["no zone root", "mount it"]);
    unchanged(&world, &before);
    no_journal(&world);
}
