//! The packages of the global zone change, and zones follow: in place, when they are attached, and in another boot
//! environment.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::process::Command;

use tests::scenario::{World, for_each_brand, upgrade};

const ZBE: &str = "rpool/zones/z1/ROOT/zbe";
const OTHER: &str = "6b1f2f4e-0c3d-4f60-8a71-2d9c4b5e6f70";

/// The zone has the second release, and what its administrator has edited.
fn has_followed(world: &World, brand: &str, zone: &str) {
    assert_eq!(world.text(zone, "/etc/release.txt"), "second release\n");
    assert_eq!(world.text(zone, "/etc/added.txt"), "second release\n");
    assert_eq!(world.text(zone, "/etc/inet.conf"), "second release\n");
    assert_eq!(world.text(zone, "/etc/system.conf"), "mine\n");
    assert_eq!(world.text(zone, "/etc/system.conf.new"), "as packaged in the second release\n");
    assert!(!world.in_zone(zone, "/etc/obsolete.txt").exists());
    if brand == "whole-root" {
        assert_eq!(world.text(zone, "/usr/bin/ls"), "ls, second release\n");
        assert_eq!(world.text(zone, "/lib/libnew.so.1"), "libnew\n");
    }
}

fn is_of_the_first_release(world: &World, zone: &str) {
    assert_eq!(world.text(zone, "/etc/release.txt"), "first release\n");
    assert_eq!(world.text(zone, "/etc/obsolete.txt"), "first release\n");
    assert!(!world.in_zone(zone, "/etc/added.txt").exists());
    assert!(!world.in_zone(zone, "/etc/system.conf.new").exists());
}

fn installed(world: &World, brand: &str, zone: &str) {
    world.configure(zone, brand);
    world.zoneadm(zone, &["install"]).well();
    fs::write(world.in_zone(zone, "/etc/system.conf"), "mine\n").unwrap();
}

/// The packages of the global zone change, and zones follow.
#[test]
fn following_the_global_zone() {
    for_each_brand(|brand| {
        let world = World::new();
        for zone in ["z1", "z2"] {
            installed(&world, brand, zone);
        }
        upgrade(world.lab.root());
        let before = world.lab.snapshot_of_state(&[]);
        let done = world.zonekit("zone-update", &["-n", "-z", "z1"]);
        println!("{}{}", done.out, done.err);
        assert_eq!(done.code, 1, "{done:?}");
        for line in [
            "zone `z1`: would be brought up to date: ",
            "added: /etc/added.txt",
            "replaced: /etc/inet.conf",
            "removed: /etc/obsolete.txt",
            "replaced: /etc/release.txt",
            "kept: /etc/system.conf: was changed in the zone, and in the packages; the new one is `system.conf.new`",
        ] {
            assert!(done.out.contains(line), "{line}: {done:?}");
        }
        is_of_the_first_release(&world, "z1");
        let done = world.zonekit("zone-update", &["-z", "z1"]);
        println!("{}{}", done.out, done.err);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.out.contains("/etc/system.conf"), "{done:?}");
        has_followed(&world, brand, "z1");
        is_of_the_first_release(&world, "z2");
        let zonelib = world.lab.place("/zonelib/lib");
        if brand == "sparse-root" {
            assert_eq!(fs::read_to_string(zonelib.join("libc.so.1")).unwrap(), "libc, second release\n");
            assert_eq!(fs::read_to_string(zonelib.join("libnew.so.1")).unwrap(), "libnew\n");
        }
        let done = world.zonekit("zone-update", &["--all"]);
        assert_eq!(done.code, 1, "{done:?}");
        has_followed(&world, brand, "z2");
        for arguments in [&["--all"][..], &["-n", "--all"], &["-z", "z1"]] {
            let done = world.zonekit("zone-update", arguments);
            println!("{done:?}");
            assert_eq!(done.code, 0, "{done:?}");
            assert!(done.out.contains("up to date"), "{done:?}");
        }
        let (zonepath, image) = (world.zonepath("z1"), world.lab.root().to_str().unwrap());
        let compared = world.zonekit("verify-zone", &["-b", brand, "-R", zonepath.to_str().unwrap(), "--image", image]);
        println!("{compared:?}");
        assert_eq!(compared.code, 1);
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
        world.zoneadm("z1", &["boot"]).well();
        world.is_sound();
    });
}

/// A zone is carried to a host whose packages are of another release: `attach -n` tells, and `-u` does it.
#[test]
fn attached_to_a_host_of_another_release() {
    for_each_brand(|brand| {
        let (here, there) = (World::new(), World::elsewhere(OTHER));
        upgrade(there.lab.root());
        installed(&here, brand, "z1");
        here.zoneadm("z1", &["detach"]).well();
        there.carry_from(&here, "z1");
        let zonepath = there.zonepath("z1");
        there.lab.zfs_ok(&["set", &format!("mountpoint={}", zonepath.join("root").display()), ZBE]);
        let _ = there.lab.zfs(&["mount", ZBE]);
        there.run("zonecfg", &["-z", "z1", &format!("create -a {}; verify; commit", zonepath.display())]).well();
        let manifest = there.beside("manifest.xml");
        let text = fs::read_to_string(there.lab.place("/etc/zones/z1.xml")).unwrap();
        fs::write(&manifest, text).unwrap();
        let before = there.lab.snapshot_of_state(&[]);
        let told = there.run("zoneadm", &["attach", "-n", manifest.to_str().unwrap()]);
        println!("{told:?}");
        if brand == "sparse-root" {
            // Without -u there would be no libraries to mount.
            there.zoneadm("z1", &["attach"]).badly(&["`zonelib-sync` makes it"]);
        }
        assert_eq!(there.lab.snapshot_of_state(&[]).difference(&before), "");
        is_of_the_first_release(&there, "z1");
        let done = there.zoneadm("z1", &["attach", "-u"]).well();
        assert!(done.out.starts_with("brought up to date: "), "{done:?}");
        assert!(done.out.contains("/etc/system.conf"), "{done:?}");
        assert_eq!(
            done.err.contains("/lib is absent, and is brought up to date now"),
            brand == "sparse-root",
            "{done:?}"
        );
        has_followed(&there, brand, "z1");
        assert_eq!(there.state("z1"), "installed");
        there.zoneadm("z1", &["boot"]).well();
        there.zoneadm("z1", &["halt"]).well();
        there.zoneadm("z1", &["detach"]).well();
        let done = there.zoneadm("z1", &["attach", "-u"]).well();
        assert_eq!(done.out, "the zone has the packages of this host\n");
        there.is_sound();
        here.is_sound();
    });
}

/// The usual upgrade: into a new boot environment, which is mounted meanwhile, while the zone goes on in this one.
#[test]
fn followed_in_another_boot_environment() {
    for_each_brand(|brand| {
        let world = World::new();
        installed(&world, brand, "z1");
        world.create_be("next", OTHER);
        world.zoneadm("z1", &["boot"]).well();
        let next = world.lab.place("/a");
        assert!(world.lab.run("beadm", &["mount", "next", next.to_str().unwrap()]).status.success());
        for name in ["etc", "lib", "root", "sbin", "usr", "var", "zonelib"] {
            let copied = Command::new("cp").arg("-a").arg(world.lab.place(name)).arg(&next).status().unwrap();
            assert!(copied.success());
        }
        upgrade(&next);
        let before = world.lab.snapshot_of_state(&[]);
        let image = next.to_str().unwrap();
        let done = world.zonekit("zone-update", &["-n", "--image", image, "--all"]);
        println!("{done:?}");
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.out.contains("zone `z1`: would be brought up to date"), "{done:?}");
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
        let done = world.zonekit("zone-update", &["--image", image, "--all"]);
        assert_eq!(done.code, 1, "{done:?}");
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
        assert_eq!(world.zonekit("zone-update", &["--image", image, "--all"]).code, 0);
        // Here nothing has changed, and the zone runs.
        is_of_the_first_release(&world, "z1");
        assert_eq!(world.state("z1"), "running");
        if brand == "sparse-root" {
            let own = fs::read_to_string(world.lab.place("/zonelib/lib/libc.so.1")).unwrap();
            let theirs = fs::read_to_string(next.join("zonelib/lib/libc.so.1")).unwrap();
            assert_eq!((&*own, &*theirs), ("libc\n", "libc, second release\n"));
        }
        world.zoneadm("z1", &["halt"]).well();
        assert!(world.lab.run("beadm", &["unmount", "next"]).status.success());
        upgrade(world.lab.root());
        world.reboot_into("next");
        has_followed(&world, brand, "z1");
        world.zoneadm("z1", &["boot"]).well();
        world.zoneadm("z1", &["halt"]).well();
        world.reboot_into("tribblix");
        is_of_the_first_release(&world, "z1");
        world.is_sound();
    });
}
