//! Uninstallation: what is somebody else's stays, what is half made goes, and a dry run leaves everything.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod hooks_common;

use std::fs;
use std::os::unix::fs::symlink;

use hooks_common::{
    Outside, clean, datasets, failed, hook, installed, no_journal, plain, ran, said, same_trees, unchanged, zone_tree,
};
use tests::run::skip_without_root;
use tests::scenario::World;

const PARENT: &str = "org.opensolaris.libbe:parentbe";
const OTHER: &str = "11111111-2222-3333-4444-555555555555";

/// Everything of the zone is gone.
fn gone(world: &World, zone: &str) {
    assert_eq!(world.state(zone), "configured");
    assert!(world.lab.dataset(&format!("rpool/zones/{zone}")).is_none(), "{:?}", world.lab.names());
    assert!(!world.zonepath(zone).exists());
    no_journal(world);
}

/// `zoneadm uninstall` is refused before the zone is incomplete, with these words; nothing is changed.
fn refused(world: &World, words: &[&str]) {
    let (before, tree) = (datasets(world), zone_tree(world, "z1"));
    failed(&world.zoneadm("z1", &["uninstall", "-F"]), "uninstall", words);
    assert_eq!(world.state("z1"), "installed");
    unchanged(world, &before);
    same_trees(&tree, &zone_tree(world, "z1"));
    no_journal(world);
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_not_report_success() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.lab.zfs_ok(&["create", "rpool/zones/z1/data"]);
    let outside = Outside::plant(&world, &[]);
    let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
    for _ in 0..2 {
        let did = world.zoneadm("z1", &["uninstall", "-F", "-n"]);
        assert_eq!(did.code, 1);
        for word in ["destroy `rpool/zones/z1/ROOT/zbe`", "unmount ", "z1/root", "keep `rpool/zones/z1/data`"] {
            assert!(did.out.contains(word), "{word}: {did:?}");
        }
        assert!(!did.out.contains("destroy `rpool/zones/z1`"), "{did:?}");
        clean(&did.out);
        assert_eq!(world.state("z1"), "installed");
    }
    let alone = ran(hook(&world, "z1", "uninstall", &["-n"]).env_remove("_ZONEADM_LOCK_HELD"));
    assert_eq!((alone.code(), alone.err.as_str()), (0, ""));
    unchanged(&world, &before);
    same_trees(&tree, &zone_tree(&world, "z1"));
    outside.is_as_it_was(&world);
    no_journal(&world);
}

#[test]
fn snapshots_of_the_user_are_named_and_stay() {
    if skip_without_root() {
        return;
    }
    for snapshot in ["rpool/zones/z1/ROOT/zbe@before", "rpool/zones/z1@monday", "rpool/zones/z1/ROOT@x_snapy"] {
        let world = installed();
        world.lab.zfs_ok(&["snapshot", snapshot]);
        refused(&world, &[&format!("`{snapshot}`"), "not a snapshot that zonekit made", "zfs list -rt snapshot"]);
        world.lab.zfs_ok(&["destroy", snapshot]);
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        gone(&world, "z1");
    }
}

#[test]
fn snapshots_that_brands_make_go() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    for snapshot in ["z9_snap", "z9_snap12", "zbe-1", "SUNWzone1"] {
        world.lab.zfs_ok(&["snapshot", &format!("rpool/zones/z1/ROOT/zbe@{snapshot}")]);
    }
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    gone(&world, "z1");
}

#[test]
fn roots_of_other_boot_environments_stay() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    let parent = format!("{PARENT}={OTHER}");
    world.lab.zfs_ok(&["create", "-o", &parent, "-o", "canmount=noauto", "rpool/zones/z1/ROOT/zbe-7"]);
    world.lab.zfs_ok(&["snapshot", "rpool/zones/z1/ROOT/zbe-7@mine"]);
    let did = world.zoneadm("z1", &["uninstall", "-F"]).well();
    said(&did.err, "uninstall", &["`rpool/zones/z1/ROOT/zbe-7`", "kept", "another boot environment"]);
    let left: Vec<_> = world.lab.names().into_iter().filter(|name| name.starts_with("rpool/zones/z1")).collect();
    assert_eq!(
        left,
        ["rpool/zones/z1", "rpool/zones/z1/ROOT", "rpool/zones/z1/ROOT/zbe-7", "rpool/zones/z1/ROOT/zbe-7@mine"]
    );
    assert_eq!(world.state("z1"), "configured");
    // The zone can come back beside them.
    world.zoneadm("z1", &["install"]).well();
    world.zoneadm("z1", &["boot"]).well();
}

#[test]
fn delegated_datasets_stay_wherever_they_are() {
    if skip_without_root() {
        return;
    }
    for dataset in ["rpool/zones/z1/data", "rpool/delegated", "rpool/zones/z1/deep/er/data"] {
        let world = installed();
        world.lab.zfs_ok(&["create", "-p", "-o", "zoned=on", "-o", "mountpoint=legacy", dataset]);
        world.lab.zfs_ok(&["create", &format!("{dataset}/below")]);
        world.lab.zfs_ok(&["snapshot", &format!("{dataset}/below@zbe-1")]);
        let change = format!("add dataset; set name={dataset}; end; commit");
        world.run("zonecfg", &["-z", "z1", &change]).well();
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert!(world.lab.dataset("rpool/zones/z1/ROOT").is_none());
        for name in [dataset.to_owned(), format!("{dataset}/below"), format!("{dataset}/below@zbe-1")] {
            assert!(world.lab.names().contains(&name), "{name}: {:?}", world.lab.names());
        }
        assert_eq!(world.state("z1"), "configured");
        world.zoneadm("z1", &["install"]).well();
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert!(world.lab.names().contains(&format!("{dataset}/below@zbe-1")));
    }
}

#[test]
fn a_delegated_dataset_in_a_root_is_in_the_way() {
    if skip_without_root() {
        return;
    }
    for dataset in ["rpool/zones/z1/ROOT/zbe/data", "rpool/zones/z1/ROOT/zbe"] {
        let world = installed();
        if dataset.ends_with("data") {
            world.lab.zfs_ok(&["create", "-o", "mountpoint=legacy", dataset]);
            world.lab.zfs_ok(&["snapshot", &format!("{dataset}@zbe-1")]);
        }
        let change = format!("add dataset; set name={dataset}; end; commit");
        world.run("zonecfg", &["-z", "z1", &change]).well();
        refused(&world, &[&format!("`{dataset}`"), "administers"]);
        let change = format!("remove dataset name={dataset}; commit");
        world.run("zonecfg", &["-z", "z1", &change]).well();
        world.zoneadm("z1", &["uninstall", "-F", "-n"]).badly(&[&format!("destroy `{dataset}`")]);
    }
}

#[test]
fn clones_become_independent() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.configure("z2", "sparse-root");
    world.configure("z3", "sparse-root");
    world.zoneadm("z2", &["clone", "z1"]).well();
    world.zoneadm("z3", &["clone", "z2"]).well();
    let tree = zone_tree(&world, "z3");
    let told = world.zoneadm("z2", &["uninstall", "-F", "-n"]).out;
    let names = world.lab.names();
    world.zoneadm("z2", &["uninstall", "-F"]).well();
    gone(&world, "z2");
    // What was moved by the promotion has another name meanwhile.
    let now = world.lab.names();
    for name in names.iter().filter(|name| !now.contains(name) && !name.ends_with("@z3_snap")) {
        assert!(told.contains(&format!("destroy `{name}`\n")), "{name}: {told}");
    }
    assert!(told.contains("promote `rpool/zones/z3/ROOT/zbe`\n"), "{told}");
    assert!(told.contains("destroy `rpool/zones/z3/ROOT/zbe@z3_snap`\n"), "{told}");
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    gone(&world, "z1");
    same_trees(&tree, &zone_tree(&world, "z3"));
    world.zoneadm("z3", &["uninstall", "-F"]).well();
    gone(&world, "z3");
}

/// What a dry run says of datasets, done by hand on a host like the one where it is done.
#[test]
fn what_is_told_is_what_is_done_where_snapshots_move() {
    if skip_without_root() {
        return;
    }
    type Make = fn(&World);
    fn snapshot(world: &World, of: &str, leaf: &str) {
        world.lab.zfs_ok(&["snapshot", &format!("rpool/zones/{of}/ROOT/zbe@{leaf}")]);
    }
    fn clone(world: &World, zone: &str, of: &str) {
        world.configure(zone, "sparse-root");
        world.zoneadm(zone, &["clone", of]).well();
    }
    let hosts: [Make; 5] = [
        |world| {
            snapshot(world, "z1", "zbe-1");
            clone(world, "z2", "z1");
            snapshot(world, "z1", "SUNWzone1");
        },
        |world| {
            clone(world, "z2", "z1");
            snapshot(world, "z1", "zbe-1");
            clone(world, "z3", "z1");
            snapshot(world, "z2", "zbe-2");
            clone(world, "z4", "z2");
        },
        |world| {
            clone(world, "z2", "z1");
            clone(world, "z3", "z2");
            clone(world, "z4", "z3");
            snapshot(world, "z2", "zbe-3");
        },
        |world| {
            // Two clones of one snapshot, of which a later one has a clone too.
            clone(world, "z2", "z1");
            world.lab.zfs_ok(&["clone", "rpool/zones/z1/ROOT/zbe@z2_snap", "rpool/copy"]);
            snapshot(world, "z1", "zbe-1");
            world.lab.zfs_ok(&["clone", "rpool/zones/z1/ROOT/zbe@zbe-1", "rpool/later"]);
        },
        |world| {
            // A golden image may lie below it; somebody's snapshot goes along with the clone.
            snapshot(world, "z1", "mine");
            clone(world, "z2", "z1");
        },
    ];
    for (number, make) in hosts.iter().enumerate() {
        for zone in ["z1", "z2", "z3"] {
            let world = || {
                let world = installed();
                make(&world);
                world
            };
            let (told_of, done) = (world(), world());
            if told_of.state(zone).is_empty() {
                continue;
            }
            let before = datasets(&told_of);
            let told = told_of.zoneadm(zone, &["uninstall", "-F", "-n"]).out;
            unchanged(&told_of, &before);
            let all = |verb: &str| -> Vec<String> {
                let begin = format!("{verb} `");
                let of_verb = told.lines().filter_map(|line| line.strip_prefix(&begin)?.strip_suffix('`'));
                of_verb.map(str::to_owned).collect()
            };
            for name in all("promote") {
                told_of.lab.zfs_ok(&["promote", &name]);
            }
            let mut left = told_of.lab.names();
            for name in all("destroy") {
                let at = left.iter().position(|found| *found == name);
                left.remove(at.unwrap_or_else(|| panic!("{number} {zone}: there is no `{name}`: {told}")));
            }
            done.zoneadm(zone, &["uninstall", "-F"]).well();
            gone(&done, zone);
            assert_eq!(done.lab.names(), left, "{number} {zone}: {told}");
        }
    }
}

#[test]
fn clones_of_one_zone_part_in_any_order() {
    if skip_without_root() {
        return;
    }
    for order in
        [["z1", "z2", "z3", "z4"], ["z4", "z3", "z2", "z1"], ["z2", "z1", "z4", "z3"], ["z3", "z1", "z2", "z4"]]
    {
        println!("{order:?}");
        let world = installed();
        for (zone, of) in [("z2", "z1"), ("z3", "z1"), ("z4", "z2")] {
            world.configure(zone, "sparse-root");
            world.zoneadm(zone, &["clone", of]).well();
        }
        for (index, zone) in order.iter().enumerate() {
            world.zoneadm(zone, &["uninstall", "-F"]).well();
            gone(&world, zone);
            for left in &order[index + 1..] {
                assert!(world.in_zone(left, "etc/system.conf").is_file(), "{zone} took {left} away");
            }
        }
        let names = world.lab.names();
        assert!(!names.iter().any(|name| name.contains("zbe") || name.contains("_snap")), "{names:?}");
    }
}

/// Takes something of a zone away.
type Spoil<'s> = &'s dyn Fn(&World);

#[test]
fn half_made_zones_go() {
    if skip_without_root() {
        return;
    }
    let zbe = "rpool/zones/z1/ROOT/zbe";
    let half: [(&str, Spoil<'_>); 11] = [
        ("nothing mounted", &|world| {
            unmount(world, "root");
            world.lab.zfs_ok(&["unmount", "rpool/zones/z1"]);
        }),
        ("zonepath unmounted and gone", &|world| {
            unmount(world, "root");
            world.lab.zfs_ok(&["unmount", "rpool/zones/z1"]);
            let _ = fs::remove_dir_all(world.zonepath("z1"));
        }),
        ("no ROOT", &|world| drop(world.lab.zfs_ok(&["destroy", "-r", "rpool/zones/z1/ROOT"]))),
        ("no zbe", &|world| drop(world.lab.zfs_ok(&["destroy", zbe]))),
        ("not mounted", &|world| unmount(world, "root")),
        ("no root directory", &|world| {
            unmount(world, "root");
            fs::remove_dir(world.zonepath("z1").join("root")).unwrap();
        }),
        ("no dataset", &|world| drop(world.lab.zfs_ok(&["destroy", "-r", "rpool/zones/z1"]))),
        ("no zonepath", &|world| {
            world.lab.zfs_ok(&["destroy", "-r", "rpool/zones/z1"]);
            let _ = fs::remove_dir_all(world.zonepath("z1"));
        }),
        ("not active", &|world| drop(world.lab.zfs_ok(&["set", "org.opensolaris.libbe:active=off", zbe]))),
        ("detached by force", &|world| {
            world.zoneadm("z1", &["detach"]).well();
            world.zoneadm("z1", &["attach", "-F"]).well();
            assert!(world.zonepath("z1").join("SUNWattached.xml").exists());
        }),
        ("left behind", &|world| {
            for name in ["dev", "lu"] {
                fs::create_dir_all(world.zonepath("z1").join(name).join("below")).unwrap();
            }
        }),
    ];
    for (what, make) in half {
        println!("{what}");
        let world = installed();
        let outside = Outside::plant(&world, &[]);
        make(&world);
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        gone(&world, "z1");
        outside.is_as_it_was(&world);
        world.zoneadm("z1", &["install"]).well();
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        gone(&world, "z1");
    }
}

fn unmount(world: &World, name: &str) {
    world.run("umount", &[world.zonepath("z1").join(name).to_str().unwrap()]).well();
}

#[test]
fn what_the_user_keeps_in_a_zonepath_stays() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let path = plain(&world, "p1");
    world.zoneadm("p1", &["install"]).well();
    let outside = Outside::plant(&world, &[]);
    fs::write(path.join("notes"), "mine\n").unwrap();
    symlink(world.beside("marker"), path.join("lu")).unwrap();
    symlink(world.beside("marker"), path.join("dev")).unwrap();
    symlink(world.beside("marker"), path.join("root/outside")).unwrap();
    world.zoneadm("p1", &["uninstall", "-F"]).well();
    assert_eq!(world.state("p1"), "configured");
    let left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes"]);
    outside.is_as_it_was(&world);
}

#[test]
fn foreign_mounts_in_a_zonepath_are_in_the_way() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    let data = world.lab.place("/export/data");
    fs::create_dir_all(&data).unwrap();
    for name in ["dev", "lu", "notes"] {
        let place = world.zonepath("z1").join(name);
        fs::create_dir_all(&place).unwrap();
        let place = place.to_str().unwrap();
        world.run("mount", &["-F", "lofs", data.to_str().unwrap(), place]).well();
        refused(&world, &[place, "export/data", "mounted", "unmount it"]);
        world.run("umount", &[place]).well();
    }
    let path = plain(&world, "p1");
    world.zoneadm("p1", &["install"]).well();
    let root = path.join("root");
    world.run("mount", &["-F", "lofs", data.to_str().unwrap(), root.to_str().unwrap()]).well();
    failed(&world.zoneadm("p1", &["uninstall", "-F"]), "uninstall", &["export/data", "unmount it"]);
    assert!(root.join("etc").exists());
    assert_eq!(world.state("p1"), "installed");
}

#[test]
fn a_zone_that_runs_is_not_uninstalled_by_the_hook_either() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    world.zoneadm("z1", &["boot"]).well();
    let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
    let done = ran(&mut hook(&world, "z1", "uninstall", &["-F"]));
    assert_eq!(done.code(), 255);
    said(&done.err, "uninstall", &["mounted", "halt the zone first"]);
    unchanged(&world, &before);
    same_trees(&tree, &zone_tree(&world, "z1"));
}

/// Whoever runs the hook by hand may mistake one directory for another.
#[test]
fn only_the_zonepath_of_the_zone_is_taken_away() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
    let own = world.zonepath("z1").display().to_string();
    let zones = world.lab.place("/zones").display().to_string();
    for (zone, zonepath, word) in [
        ("z1", zones.as_str(), own.as_str()),
        ("z1", world.lab.root().to_str().unwrap(), &own),
        ("z1", "relative", &own),
        ("nobody", &own, "there is no zone `nobody`"),
    ] {
        let did = world.zonekit("uninstall", &["-b", "sparse-root", "-z", zone, "-R", zonepath, "-F"]);
        assert_eq!(did.badly(&[word]).code, 255);
        unchanged(&world, &before);
        same_trees(&tree, &zone_tree(&world, "z1"));
    }
}
