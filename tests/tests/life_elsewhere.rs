//! Zones that come from elsewhere: carried from another host, or brought in an archive, a directory or a stream.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tests::run::skip;
use tests::scenario::{Did, World, for_each_brand};

const OTHER: &str = "6b1f2f4e-0c3d-4f60-8a71-2d9c4b5e6f70";
const ROOTS: &str = "rpool/zones/z1/ROOT";
const ZBE: &str = "rpool/zones/z1/ROOT/zbe";
const PARENT: &str = "org.opensolaris.libbe:parentbe";

/// A host with a zone that was worked in and is installed and halted, and another host.
fn two_hosts(act: impl Fn(&str, &World, &World)) {
    for_each_brand(|brand| {
        let (here, there) = (World::new(), World::elsewhere(OTHER));
        here.configure("z1", brand);
        here.zoneadm("z1", &["install"]).well();
        fs::write(here.in_zone("z1", "/etc/system.conf"), "mine\n").unwrap();
        fs::set_permissions(here.in_zone("z1", "/etc/system.conf"), fs::Permissions::from_mode(0o604)).unwrap();
        share_libraries(&there);
        act(brand, &here, &there);
        here.is_sound();
        there.is_sound();
    });
}

/// A host that had no sparse-root zone so far has none of its libraries to share.
fn share_libraries(world: &World) {
    world.zonekit("zonelib-sync", &["--image", world.lab.root().to_str().unwrap()]).well();
}

fn configure_from(world: &World, zone: &str) {
    let zonepath = world.zonepath(zone);
    world.run("zonecfg", &["-z", zone, &format!("create -a {}; verify; commit", zonepath.display())]).well();
}

fn lives(world: &World) {
    assert_eq!(world.state("z1"), "installed");
    for (dataset, property, expected) in [
        (ROOTS, "mountpoint", "legacy"),
        (ROOTS, "zoned", "on"),
        (ZBE, "mountpoint", "legacy"),
        (ZBE, "zoned", "on"),
        (ZBE, "canmount", "noauto"),
        (ZBE, "org.opensolaris.libbe:active", "on"),
        (ZBE, PARENT, &world.lab.running_uuid()),
    ] {
        let found = world.lab.dataset(dataset).unwrap();
        assert_eq!(found.value(property), Some(expected), "{dataset} {property}");
    }
    let inherited = format!("inherited from {ROOTS}");
    assert!(world.property(ZBE, "mountpoint").ends_with(&inherited), "{}", world.property(ZBE, "mountpoint"));
    assert!(world.property(ZBE, "zoned").ends_with(&inherited), "{}", world.property(ZBE, "zoned"));
    lives_anyhow(world);
}

fn lives_anyhow(world: &World) {
    let file = world.in_zone("z1", "/etc/system.conf");
    assert_eq!(world.text("z1", "/etc/system.conf"), "mine\n");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o604);
    assert_eq!(fs::metadata(world.in_zone("z1", "/")).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(fs::metadata(world.zonepath("z1")).unwrap().permissions().mode() & 0o7777, 0o700);
    let names = world.names_in(&world.zonepath("z1"));
    assert!(names.iter().all(|name| name == "root" || name == "dev"), "{names:?}");
    world.zoneadm("z1", &["boot"]).well();
    assert_eq!(world.state("z1"), "running");
    world.zoneadm("z1", &["halt"]).well();
    assert_eq!(world.text("z1", "/etc/system.conf"), "mine\n");
}

#[test]
fn carried_to_another_host() {
    two_hosts(|_, here, there| {
        here.zoneadm("z1", &["detach"]).well();
        there.carry_from(here, "z1");
        configure_from(there, "z1");
        assert_eq!(there.row("z1").state, "configured");
        there.zoneadm("z1", &["install"]).badly(&["Cannot install detached zone"]);
        there.zoneadm("z1", &["attach"]).well();
        lives(there);
        // The snapshots of the move are somebody's.
        there.zoneadm("z1", &["uninstall", "-F"]).badly(&["@move` is not a snapshot that zonekit made"]);
        there.lab.zfs_ok(&["destroy", "-r", "rpool/zones/z1@move"]);
        there.zoneadm("z1", &["uninstall", "-F"]).well();
        assert!(there.lab.dataset("rpool/zones/z1").is_none());
        // It is still where it came from.
        here.zoneadm("z1", &["attach"]).well();
        lives(here);
    });
}

/// With the root mounted, as it is when the pool itself was carried and imported.
#[test]
fn carried_with_its_root_mounted() {
    two_hosts(|_, here, there| {
        here.zoneadm("z1", &["detach"]).well();
        there.carry_from(here, "z1");
        let root = there.zonepath("z1").join("root");
        there.lab.zfs_ok(&["set", &format!("mountpoint={}", root.display()), ZBE]);
        let _ = there.lab.zfs(&["mount", ZBE]);
        assert_eq!(there.lab.dataset(ZBE).unwrap().mounted, Some(root));
        configure_from(there, "z1");
        there.zoneadm("z1", &["attach"]).well();
        lives(there);
    });
}

/// No hook is run, so the zone belongs to the other host until it is attached in earnest.
#[test]
fn attached_by_force() {
    two_hosts(|_, here, there| {
        here.zoneadm("z1", &["detach"]).well();
        there.carry_from(here, "z1");
        configure_from(there, "z1");
        there.zoneadm("z1", &["attach", "-F"]).well();
        assert_eq!(there.state("z1"), "installed");
        assert_eq!(there.names_in(&there.zonepath("z1")), ["SUNWattached.xml", "root"]);
        let done = there.zoneadm("z1", &["boot"]).badly(&["no zone root here is active", OTHER, "zfs get"]);
        assert_eq!(there.state("z1"), "installed", "{done:?}");
        for detach in [&["detach"][..], &["detach", "-n"]] {
            let done = there.zoneadm("z1", detach).badly(&["no zone root here is active"]);
            assert_eq!(done.out, "");
        }
        assert_eq!(there.names_in(&there.zonepath("z1")), ["SUNWattached.xml", "root"]);
        there.run("zonecfg", &["-z", "z1", "delete", "-F"]).well();
        // And here, where it is at home.
        here.zoneadm("z1", &["attach", "-F"]).well();
        here.zoneadm("z1", &["boot"]).well();
        here.zoneadm("z1", &["halt"]).well();
        here.zoneadm("z1", &["detach"]).well();
        here.zoneadm("z1", &["attach"]).well();
        lives(here);
    });
}

/// Attaches with a source and sees that it lives, also without datasets.
fn brought(brand: &str, there: &World, arguments: &[&str]) -> Did {
    if there.state("z1").is_empty() {
        there.configure("z1", brand);
    }
    there.zoneadm("z1", &[&["attach"], arguments].concat()).well()
}

/// A host that never had a sparse-root zone is told what it lacks.
#[test]
fn a_host_without_shared_libraries() {
    two_hosts(|brand, here, _| {
        let fresh = World::new();
        fresh.configure("z1", brand);
        let zonepath = here.zonepath("z1");
        let attach = ["attach", "-d", zonepath.to_str().unwrap()];
        if brand == "sparse-root" {
            fresh
                .zoneadm("z1", &attach)
                .badly(&["/zonelib/lib: the zone mounts its /lib from there", "`zonelib-sync`"]);
            assert_eq!(fresh.state("z1"), "configured");
            share_libraries(&fresh);
        }
        fresh.zoneadm("z1", &attach).well();
        lives(&fresh);
    });
}

#[test]
fn brought_in_a_stream() {
    two_hosts(|brand, here, there| {
        here.lab.zfs_ok(&["snapshot", &format!("{ZBE}@out")]);
        let stream = there.beside("z1.zfs");
        for options in [&["-p"][..], &[]] {
            fs::write(&stream, here.send(&[options, &[&format!("{ZBE}@out")]].concat())).unwrap();
            brought(brand, there, &["-r", stream.to_str().unwrap()]);
            lives(there);
            there.lab.zfs_ok(&["destroy", &format!("{ZBE}@out")]);
            there.zoneadm("z1", &["uninstall", "-F"]).well();
            there.run("zonecfg", &["-z", "z1", "delete", "-F"]).well();
        }
        // One that was cut short leaves nothing.
        let whole = fs::read(&stream).unwrap();
        fs::write(&stream, &whole[..whole.len() / 2]).unwrap();
        let before = there.lab.snapshot_of_state(&[]);
        there.configure("z1", brand);
        there.zoneadm("z1", &["attach", "-r", stream.to_str().unwrap()]).badly(&["zfs receive"]);
        assert_eq!(there.lab.snapshot_of_state(&[]).difference(&before), "");
        assert_eq!(there.state("z1"), "configured");
        here.lab.zfs_ok(&["destroy", &format!("{ZBE}@out")]);
    });
}

#[test]
fn brought_in_a_directory() {
    two_hosts(|brand, here, there| {
        // A zone root whose own /root looks like one is not taken for a zonepath.
        fs::create_dir(here.in_zone("z1", "/root/etc")).unwrap();
        for directory in [here.zonepath("z1"), here.zonepath("z1").join("root")] {
            brought(brand, there, &["-d", directory.to_str().unwrap()]);
            lives(there);
            there.zoneadm("z1", &["uninstall", "-F"]).well();
        }
        let plain = World::new().without_datasets();
        share_libraries(&plain);
        brought(brand, &plain, &["-d", here.zonepath("z1").to_str().unwrap()]);
        lives_anyhow(&plain);
        plain.zoneadm("z1", &["uninstall", "-F"]).well();
        assert!(!plain.zonepath("z1").exists());
    });
}

#[test]
fn brought_in_a_dataset() {
    two_hosts(|brand, here, _| {
        here.zoneadm("z1", &["detach"]).well();
        here.configure("z2", brand);
        for dataset in ["rpool/zones/z1", ZBE] {
            here.zoneadm("z2", &["attach", "-d", dataset]).well();
            assert_eq!(here.text("z2", "/etc/system.conf"), "mine\n");
            here.zoneadm("z2", &["uninstall", "-F"]).well();
        }
        let before = here.lab.snapshot_of_state(&[]);
        here.zoneadm("z2", &["attach", "-d", "rpool/zones/none"])
            .badly(&["rpool/zones/none: there is no such dataset"]);
        here.zoneadm("z2", &["attach", "-d", "zones/../z1"]).badly(&["no name of a ZFS dataset"]);
        assert_eq!(here.lab.snapshot_of_state(&[]).difference(&before), "");
        here.lab.zfs_ok(&["unmount", ZBE]);
        here.zoneadm("z2", &["attach", "-d", ZBE]).badly(&[&format!("{ZBE}: is not mounted"), "`zfs mount "]);
        here.zoneadm("z1", &["attach"]).well();
        here.run("umount", &[here.zonepath("z1").join("root").to_str().unwrap()]).well();
        here.zoneadm("z2", &["attach", "-d", ZBE]).badly(&["is not mounted", "`mount -F zfs "]);
    });
}

fn shell(directory: &Path, script: &str, to: &Path) -> bool {
    let out = File::create(to).unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).current_dir(directory).stdout(out).stderr(Stdio::null());
    command.status().unwrap().success()
}

/// Archives of the zone, by the tools of this machine.
fn archives(here: &World) -> Vec<PathBuf> {
    let mut made = Vec::new();
    for (name, directory, script) in [
        ("root.tar", "z1/root", "tar cf - ."),
        ("root.tar.gz", "z1/root", "tar cf - . | gzip"),
        ("zonepath.tar", "z1", "tar cf - root"),
        ("pax.tar", "z1/root", "tar --format=pax -cf - ."),
        ("root.cpio", "z1/root", "find . | cpio -o -H newc"),
        ("odc.cpio.gz", "z1/root", "find . | cpio -o -H odc | gzip"),
    ] {
        let to = here.beside(name);
        if shell(&here.lab.place("/zones").join(directory), script, &to) && fs::metadata(&to).unwrap().len() > 100 {
            made.push(to);
        } else {
            skip(script);
        }
    }
    made
}

#[test]
fn brought_in_an_archive() {
    two_hosts(|brand, here, there| {
        let made = archives(here);
        assert!(!made.is_empty(), "not even tar is on this machine");
        for archive in &made {
            brought(brand, there, &["-a", archive.to_str().unwrap()]);
            lives(there);
            there.zoneadm("z1", &["uninstall", "-F"]).well();
        }
        let plain = World::new().without_datasets();
        share_libraries(&plain);
        brought(brand, &plain, &["-a", made[0].to_str().unwrap()]);
        lives_anyhow(&plain);
    });
}

/// An image of a zone that never ran is attached as one that did.
#[test]
fn brought_as_an_image() {
    two_hosts(|brand, here, there| {
        let file = here.beside("image.tar.gz");
        let image = here.lab.root().to_str().unwrap();
        let arguments = ["-b", brand, "--image", image, "--archive", file.to_str().unwrap()];
        here.zonekit("pkgcreatezone", &arguments).well();
        brought(brand, there, &["-a", file.to_str().unwrap()]);
        assert_eq!(there.text("z1", "/etc/system.conf"), "as packaged\n");
        let (zonepath, image) = (there.zonepath("z1"), there.lab.root().to_str().unwrap());
        let compared = there.zonekit("verify-zone", &["-b", brand, "-R", zonepath.to_str().unwrap(), "--image", image]);
        assert_eq!((compared.code, compared.out.contains("/etc/system.conf")), (0, false), "{compared:?}");
        there.zoneadm("z1", &["boot"]).well();
    });
}

#[test]
fn what_is_no_zone_is_refused() {
    two_hosts(|brand, _, there| {
        there.configure("z1", brand);
        let before = there.lab.snapshot_of_state(&[]);
        let nonsense = there.beside("nonsense");
        fs::write(&nonsense, "nonsense\n").unwrap();
        fs::create_dir(there.beside("empty")).unwrap();
        for (flag, name, word) in [
            ("-a", "nonsense", "nonsense"),
            ("-a", "not-there", "No such file"),
            ("-d", "empty", "package database"),
            ("-d", "not-there", "No such file"),
            ("-r", "nonsense", "zfs receive"),
            ("-r", "not-there", "No such file"),
        ] {
            let source = there.beside(name);
            let done = there.zoneadm("z1", &["attach", flag, source.to_str().unwrap()]).badly(&[word]);
            assert_eq!(done.err.lines().count(), 1, "{done:?}");
            assert_eq!(there.state("z1"), "configured");
            assert_eq!(there.lab.snapshot_of_state(&[]).difference(&before), "", "{flag} {name}");
        }
        there.zoneadm("z1", &["attach"]).badly(&["there is no zone root to attach", "-a, -d or -r"]);
    });
}

/// Another brand's zone.
#[test]
fn another_brand_is_refused() {
    two_hosts(|brand, here, there| {
        here.zoneadm("z1", &["detach"]).well();
        there.carry_from(here, "z1");
        let other = if brand == "sparse-root" { "whole-root" } else { "sparse-root" };
        there.configure("z1", other);
        let before = there.lab.snapshot_of_state(&[]);
        there.zoneadm("z1", &["attach"]).badly(&[&format!("`{brand}`"), &format!("`{other}`")]);
        assert_eq!(there.lab.snapshot_of_state(&[]).difference(&before), "");
        there.configure("z2", other);
        let from = here.zonepath("z1");
        there.zoneadm("z2", &["attach", "-d", from.to_str().unwrap()]).badly(&[&format!("`{brand}`")]);
        assert_eq!(there.lab.snapshot_of_state(&[]).difference(&before), "");
        here.zoneadm("z1", &["attach"]).well();
    });
}
