//! Datasets and disks that several zones want, and those that the host needs: nobody loses anything.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use tests::foreign;
use tests::scenario::World;
use tests::sweep::View;
use zones_common::{create, destroy, warmed};

/// One line with these words from both the plan and the command, and nothing has changed.
fn refused(world: &World, arguments: &[&str], words: &[&str]) {
    let before = View::of(&world.lab);
    for dry_run in [&["-N"][..], &[]] {
        let did = create(world, &[arguments, dry_run].concat()).badly(words);
        assert_eq!((did.code, did.out.as_str(), did.err.lines().count()), (2, "", 1), "{did:#?}");
        assert!(did.err.starts_with("create-zone: "), "{did:#?}");
    }
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
}

#[test]
fn a_dataset_has_one_zone() {
    let world = warmed();
    create(&world, &["-z", "d1", "-D", "rpool/dd"]).well();
    refused(&world, &["-z", "d2", "-D", "rpool/dd"], &["zone `d1` has `rpool/dd` already", "destroy-zone -z d1"]);
    refused(&world, &["-z", "d2", "-D", "rpool/dd/sub"], &["zone `d1` has `rpool/dd`", "one holds the other"]);
    create(&world, &["-z", "d2", "-D", "rpool/deep/own"]).well();
    refused(&world, &["-z", "d3", "-D", "rpool/deep"], &["zone `d2` has `rpool/deep/own`"]);
    create(&world, &["-z", "d3", "-D", "rpool/ddd"]).well();
    world.is_sound();
}

#[test]
fn what_another_zone_was_given_since_stays() {
    let world = warmed();
    create(&world, &["-z", "d1", "-D", "rpool/dd"]).well();
    create(&world, &["-z", "d2"]).well();
    world.lab.zfs_ok(&["create", "-o", "mountpoint=none", "rpool/dd/sub"]);
    world.run("zonecfg", &["-z", "d2", "add dataset; set name=rpool/dd/sub; end"]).well();
    for dry_run in [&["-N"][..], &[]] {
        let did = world.zonekit("destroy-zone", &[&["-z", "d1", "--with-datasets"], dry_run].concat()).well();
        assert!(did.out.contains("stays: the dataset `rpool/dd`"), "{did:#?}");
        assert!(did.out.contains("zone `d2` has `rpool/dd/sub`; `zfs destroy -r rpool/dd`"), "{did:#?}");
    }
    assert!(world.lab.dataset("rpool/dd/sub").is_some());
    destroy(&world, "d2").well();
    world.is_sound();
}

#[test]
fn snapshots_of_others_are_not_destroyed() {
    let world = warmed();
    create(&world, &["-z", "d1", "-D", "rpool/dd"]).well();
    world.lab.zfs_ok(&["snapshot", "rpool/dd@backup"]);
    let did = world.zonekit("destroy-zone", &["-z", "d1", "--with-datasets"]).well();
    assert!(did.out.contains("there is the snapshot `rpool/dd@backup`; `zfs destroy -r rpool/dd`"), "{did:#?}");
    assert!(!did.err.contains("destroy the dataset `rpool/dd`"), "{did:#?}");
    world.lab.zfs_ok(&["list", "-t", "snapshot", "rpool/dd@backup"]);
    world.is_sound();
}

#[test]
fn a_disk_has_one_machine() {
    let world = warmed();
    foreign::install(&world.lab);
    let image = world.lab.place("/images/one.iso").display().to_string();
    create(&world, &["-z", "vm", "-t", "bhyve", "-I", &image, "-V", "20G", "-V", "1G"]).well();
    let second = ["-z", "vmb", "-t", "bhyve", "-v", "rpool/vm_bhvol0"];
    refused(&world, &second, &["zone `vm` has `rpool/vm_bhvol0` already"]);
    world.lab.zfs_ok(&["snapshot", "rpool/vm_bhvol0@backup"]);
    let did = destroy(&world, "vm").well();
    assert!(did.out.contains("stays: the volume `rpool/vm_bhvol0`: there is the snapshot"), "{did:#?}");
    world.lab.zfs_ok(&["list", "-t", "snapshot", "rpool/vm_bhvol0@backup"]);
    assert!(world.lab.dataset("rpool/vm_bhvol1").is_none());
    // Nobody has it now.
    create(&world, &second).well();
    destroy(&world, "vmb").well();
    world.lab.zfs_ok(&["list", "-t", "snapshot", "rpool/vm_bhvol0@backup"]);
    world.is_sound();
}

#[test]
fn what_the_host_needs_is_not_handed_over() {
    let world = warmed();
    create(&world, &["-z", "web", "-d", "/data"]).well();
    let cases = [
        ("rpool/ROOT", "boot environments of the host"),
        ("rpool/ROOT/tribblix", "boot environments of the host"),
        ("rpool/ROOT/new", "boot environments of the host"),
        ("rpool/zones", "`rpool/zones"),
        ("rpool/zones/new", "`rpool/zones` holds the directory of zonepaths"),
        ("rpool/zones/.golden", "`rpool/zones/.golden` is for the golden images"),
        ("rpool/zones/e2", "`rpool/zones/e2` is for the zonepath of zone `e2`"),
        ("rpool/zones/web", "`rpool/zones"),
        ("rpool/zones/web/ROOT", "`rpool/zones"),
        ("rpool/export", "`rpool/export"),
        ("rpool/export/zonedata", "`rpool/export/zonedata` holds the directories of zones"),
        ("rpool/export/zonedata/web", "`rpool/export/zonedata` holds the directories of zones"),
    ];
    for (dataset, words) in cases {
        refused(&world, &["-z", "e2", "-D", dataset], &[&format!("`{dataset}` cannot be handed to a zone"), words]);
    }
    // Something mounted in it would have to go first; it alone may be handed over.
    let place = |path: &str| format!("mountpoint={}", world.lab.place(path).display());
    world.lab.zfs_ok(&["create", "-o", &place("/tank"), "rpool/tank"]);
    world.lab.zfs_ok(&["create", "-o", &place("/tank/in"), "rpool/tank/in"]);
    refused(
        &world,
        &["-z", "e2", "-D", "rpool/tank"],
        &["`rpool/tank/in` in it is mounted", "zfs unmount rpool/tank/in"],
    );
    world.lab.zfs_ok(&["unmount", "rpool/tank/in"]);
    create(&world, &["-z", "e2", "-D", "rpool/tank"]).well();
    destroy(&world, "e2").well();
    // Below the file system that the directories of zones are in there is room for others.
    create(&world, &["-z", "e2", "-D", "rpool/export/own"]).well();
    world.is_sound();
}

#[test]
fn what_stays_is_not_said_to_be_destroyed() {
    let world = warmed();
    create(&world, &["-z", "u1", "-d", "/data", "-D", "rpool/deleg"]).well();
    std::fs::write(world.lab.place("/export/zonedata/u1/data/f"), "mine\n").unwrap();
    let plan = world.zonekit("destroy-zone", &["-z", "u1", "-N"]).well();
    assert!(plan.out.contains("`rpool/deleg`, which it administers; --with-datasets would destroy it"), "{plan:#?}");
    let did = destroy(&world, "u1").well();
    // The zone is gone: what can be done now is said.
    assert!(!did.out.contains("--with-datasets"), "{did:#?}");
    assert!(did.out.contains("`zfs destroy -r rpool/deleg` destroys it"), "{did:#?}");
    for dataset in ["rpool/export/zonedata/u1", "rpool/export/zonedata"] {
        let told = format!("destroy the file system `{dataset}`");
        assert!(!did.err.contains(&told) && !plan.out.contains(&told), "{plan:#?} {did:#?}");
        let stays = format!("stays: the file system `{dataset}`");
        assert!(did.out.contains(&stays) && plan.out.contains(&stays), "{plan:#?} {did:#?}");
        assert!(world.lab.dataset(dataset).is_some());
    }
    // The next one of that name hears of it, when it comes and when it goes.
    let words = "/export/zonedata/u1/data is there already, and has something in it";
    for dry_run in [&["-N"][..], &[]] {
        let did = create(&world, &[&["-z", "u1", "-d", "/data"], dry_run].concat()).well();
        assert!(did.out.contains(words), "{did:#?}");
    }
    let did = destroy(&world, "u1").well();
    assert!(did.out.contains("/export/zonedata/u1/data, which was there before the zone"), "{did:#?}");
    world.is_sound();
}

#[test]
fn a_file_system_with_a_snapshot_stays_by_name() {
    let world = warmed();
    create(&world, &["-z", "u1", "-d", "/data"]).well();
    world.lab.zfs_ok(&["snapshot", "rpool/export/zonedata/u1@mine"]);
    let did = destroy(&world, "u1").well();
    assert!(!did.err.contains("destroy the file system `rpool/export/zonedata"), "{did:#?}");
    let words = "which has the snapshot `rpool/export/zonedata/u1@mine` in it";
    assert!(did.out.contains(words), "{did:#?}");
    world.lab.zfs_ok(&["destroy", "rpool/export/zonedata/u1@mine"]);
    world.is_sound();
}
