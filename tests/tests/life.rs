//! The whole life of a zone under zoneadm(8), for each brand: in ZFS, and in plain directories.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tests::scenario::{World, for_each_brand};

const ROOTS: &str = "rpool/zones/z1/ROOT";
const ZBE: &str = "rpool/zones/z1/ROOT/zbe";
const PARENT: &str = "org.opensolaris.libbe:parentbe";
const ACTIVE: &str = "org.opensolaris.libbe:active";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The properties of a zone's datasets while it is installed. Source: facts of the brand protocol, 11.
fn has_installed_properties(world: &World, zone: &str, zbe: &str) {
    let zonepath = format!("rpool/zones/{zone}");
    let roots = format!("{zonepath}/ROOT");
    for (dataset, property, expected) in [
        (&zonepath, "sharenfs", "off local".to_owned()),
        (&zonepath, "sharesmb", "off local".to_owned()),
        (&zonepath, "mountpoint", format!("/zones/{zone} inherited from rpool/zones")),
        (&roots, "mountpoint", "legacy local".to_owned()),
        (&roots, "zoned", "on local".to_owned()),
        (&zbe.to_owned(), "mountpoint", format!("legacy inherited from {roots}")),
        (&zbe.to_owned(), "zoned", format!("on inherited from {roots}")),
        (&zbe.to_owned(), "canmount", "noauto local".to_owned()),
        (&zbe.to_owned(), ACTIVE, "on local".to_owned()),
        (&zbe.to_owned(), PARENT, format!("{} local", world.lab.running_uuid())),
    ] {
        assert_eq!(world.property(dataset, property), expected, "{dataset} {property}");
    }
    assert_eq!(world.lab.dataset(zbe).unwrap().mounted, Some(world.zonepath(zone).join("root")));
}

#[test]
fn installing_makes_a_zone() {
    for_each_brand(|brand| {
        let world = World::new();
        world.configure("z1", brand);
        let row = world.row("z1");
        assert_eq!((&*row.id, &*row.state, &*row.uuid, &*row.brand), ("-", "configured", "", brand));
        world.forget_hooks();
        let done = world.zoneadm("z1", &["install"]).well();
        let verify = format!("verify_adm 0: -b {brand} z1 /zones/z1 install");
        assert_eq!(world.hooks_run(), [verify, format!("install 0: -b {brand} -z z1 -R /zones/z1")]);
        assert!(done.out.starts_with("A ZFS file system has been created for this zone.\n"), "{done:?}");
        let zonelib = format!("{}: 6 changed", world.lab.place("/zonelib/lib").display());
        assert_eq!(done.out.contains(&zonelib), brand == "sparse-root", "{done:?}");
        assert!(!done.out.contains("warning"), "{done:?}");
        let row = world.row("z1");
        assert_eq!((&*row.id, &*row.state, row.uuid.len()), ("-", "installed", 36));
        has_installed_properties(&world, "z1", ZBE);
        assert_eq!((mode(&world.zonepath("z1")), mode(&world.in_zone("z1", "/"))), (0o700, 0o755));
        assert_eq!(world.text("z1", "/etc/system.conf"), "as packaged\n");
        let repository = world.text("z1", "/etc/svc/repository.db");
        assert_eq!(repository, "seed\nmanifest /lib/svc/manifest/site.xml\n");
        assert_eq!(world.in_zone("z1", "/usr/bin/ls").exists(), brand == "whole-root");
        // A second time there is nothing to be done.
        let before = world.lab.snapshot_of_state(&[]);
        world.zoneadm("z1", &["install"]).badly(&["already installed"]);
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
        world.is_sound();
    });
}

#[test]
fn booting_and_halting() {
    for_each_brand(|brand| {
        let world = World::new();
        world.configure("z1", brand);
        world.zoneadm("z1", &["install"]).well();
        let before = world.lab.snapshot_of_state(&[]);
        // After a restart of the host nothing is mounted on a root.
        world.lab.run("umount", &[world.in_zone("z1", "/").to_str().unwrap()]);
        world.forget_hooks();
        world.zoneadm("z1", &["boot"]).well();
        assert_eq!(
            world.hooks_run(),
            [
                format!("verify_adm 0: -b {brand} z1 /zones/z1 boot"),
                format!("prestatechange 0: -b {brand} z1 /zones/z1 2 0"),
                format!("query 0: -b {brand} z1 /zones/z1 datasets"),
                format!("poststatechange 0: -b {brand} z1 /zones/z1 2 0"),
                format!("prestatechange 0: -b {brand} z1 /zones/z1 2 1"),
                format!("poststatechange 0: -b {brand} z1 /zones/z1 2 1"),
            ]
        );
        let row = world.row("z1");
        assert_eq!((&*row.id, &*row.state), ("1", "running"));
        let kernel = fs::read_to_string(world.lab.place("/.lab/kernel.json")).unwrap();
        assert!(kernel.contains(&format!("\"{ROOTS}\"")), "{kernel}");
        let shares = world.lab.mnttab().lines().filter(|line| line.contains("\tlofs\tro")).count();
        assert_eq!(shares, if brand == "sparse-root" { 3 } else { 0 }, "{}", world.lab.mnttab());
        for command in ["install", "detach", "uninstall"] {
            let arguments: &[&str] = if command == "uninstall" { &[command, "-F"] } else { &[command] };
            world.zoneadm("z1", arguments).badly(&[]);
        }
        world.configure("z2", brand);
        world.zoneadm("z2", &["clone", "z1"]).badly(&["halted"]);
        world.forget_hooks();
        let uuid = row.uuid;
        world.zoneadm("z1", &["halt"]).well();
        assert_eq!(
            world.hooks_run(),
            [
                format!("verify_adm 0: -b {brand} z1 /zones/z1 halt"),
                format!("prestatechange 0: -b {brand} z1 /zones/z1 4 4"),
                format!("poststatechange 0: -b {brand} z1 /zones/z1 4 4"),
            ]
        );
        let row = world.row("z1");
        assert_eq!((&*row.id, &*row.state, row.uuid), ("-", "installed", uuid));
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
        world.zoneadm("z1", &["ready"]).well();
        assert_eq!(world.state("z1"), "ready");
        world.zoneadm("z1", &["halt"]).well();
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
        world.is_sound();
    });
}

#[test]
fn detaching_and_attaching() {
    for_each_brand(|brand| {
        let world = World::new();
        world.configure("z1", brand);
        world.zoneadm("z1", &["install"]).well();
        fs::write(world.in_zone("z1", "/etc/system.conf"), "mine\n").unwrap();
        let (before, uuid) = (world.lab.snapshot_of_state(&[]), world.row("z1").uuid);
        let dry = world.zoneadm("z1", &["detach", "-n"]).well();
        assert_eq!(dry.out, fs::read_to_string(world.lab.place("/etc/zones/z1.xml")).unwrap());
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
        assert_eq!(world.state("z1"), "installed");
        world.forget_hooks();
        world.zoneadm("z1", &["detach"]).well();
        let verify = format!("verify_adm 0: -b {brand} z1 /zones/z1 detach");
        assert_eq!(world.hooks_run(), [verify, format!("detach 0: -b {brand} -z z1 -R /zones/z1")]);
        let row = world.row("z1");
        assert_eq!((&*row.state, &*row.uuid), ("configured", ""));
        assert_eq!(world.property(ZBE, "zoned"), "off local");
        assert_eq!(world.property(ZBE, "canmount"), "on local");
        assert_eq!(world.property(ZBE, "mountpoint"), "/zones/z1/root local");
        assert_eq!(world.property(ROOTS, "zoned"), "on local");
        assert_eq!(world.lab.dataset(ZBE).unwrap().mounted, Some(world.in_zone("z1", "").join("")));
        let manifest = world.zonepath("z1").join("SUNWdetached.xml");
        assert_eq!(fs::read_to_string(&manifest).unwrap(), dry.out);
        assert_eq!(mode(&manifest), 0o644);
        assert_eq!(world.names_in(&world.zonepath("z1")), ["SUNWdetached.xml", "root"]);
        world.zoneadm("z1", &["install"]).badly(&["Cannot install detached zone"]);
        world.zoneadm("z1", &["boot"]).badly(&["must be installed"]);
        world.forget_hooks();
        world.zoneadm("z1", &["attach"]).well();
        let verify = format!("verify_adm 0: -b {brand} z1 /zones/z1 attach");
        assert_eq!(world.hooks_run(), [verify, format!("attach 0: -b {brand} -z z1 -R /zones/z1")]);
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
        let row = world.row("z1");
        assert_eq!((&*row.state, row.uuid.len()), ("installed", 36));
        assert_ne!(row.uuid, uuid);
        assert_eq!(world.names_in(&world.zonepath("z1")), ["root"]);
        assert_eq!(world.text("z1", "/etc/system.conf"), "mine\n");
        world.zoneadm("z1", &["boot"]).well();
        world.zoneadm("z1", &["halt"]).well();
        world.is_sound();
    });
}

#[test]
fn cloning_and_uninstalling() {
    for_each_brand(|brand| {
        let world = World::new();
        let untouched = world.lab.snapshot_of_state(&[]);
        world.configure("z1", brand);
        world.zoneadm("z1", &["install"]).well();
        fs::write(world.in_zone("z1", "/etc/system.conf"), "mine\n").unwrap();
        fs::write(world.in_zone("z1", "/etc/nodename"), "z1\n").unwrap();
        world.configure("z2", brand);
        world.forget_hooks();
        world.zoneadm("z2", &["clone", "z1"]).well();
        let verify = format!("verify_adm 0: -b {brand} z2 /zones/z2 clone z1");
        assert_eq!(world.hooks_run(), [verify, format!("clone 0: -b {brand} -z z2 -R /zones/z2 z1")]);
        assert_eq!((world.state("z1"), world.state("z2")), ("installed".to_owned(), "installed".to_owned()));
        assert_ne!(world.row("z1").uuid, world.row("z2").uuid);
        let zbe = "rpool/zones/z2/ROOT/zbe";
        has_installed_properties(&world, "z1", ZBE);
        has_installed_properties(&world, "z2", zbe);
        assert_eq!(world.lab.dataset(zbe).unwrap().origin, Some(format!("{ZBE}@z2_snap")));
        assert_eq!((mode(&world.zonepath("z2")), mode(&world.in_zone("z2", "/"))), (0o700, 0o755));
        assert_eq!(world.text("z2", "/etc/system.conf"), "mine\n");
        assert_eq!(
            (world.text("z1", "/etc/nodename"), world.text("z2", "/etc/nodename")),
            ("z1\n".into(), "z2\n".into())
        );
        // Each is its own.
        fs::write(world.in_zone("z2", "/etc/system.conf"), "of the second\n").unwrap();
        assert_eq!(world.text("z1", "/etc/system.conf"), "mine\n");
        world.zoneadm("z2", &["boot"]).well();
        world.forget_hooks();
        world.zoneadm("z1", &["uninstall"]).badly(&["-F not specified"]);
        assert_eq!(world.state("z1"), "installed");
        world.forget_hooks();
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert_eq!(
            world.hooks_run(),
            [
                format!("verify_adm 0: -b {brand} z1 /zones/z1 uninstall -F"),
                format!("preuninstall 0: -b {brand} -z z1 -R /zones/z1 --check -F"),
                format!("uninstall 0: -b {brand} -z z1 -R /zones/z1 -F"),
            ]
        );
        let row = world.row("z1");
        assert_eq!((&*row.state, &*row.uuid), ("configured", ""));
        assert!(!world.zonepath("z1").exists());
        assert_eq!(world.zone_datasets(), ["rpool/zones/z2", "rpool/zones/z2/ROOT", zbe]);
        assert_eq!(world.text("z2", "/etc/system.conf"), "of the second\n");
        world.zoneadm("z2", &["halt"]).well();
        world.zoneadm("z2", &["uninstall", "-F"]).well();
        world.prune_golden();
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&untouched), "");
        world.zoneadm("z2", &["uninstall", "-F"]).badly(&["already configured"]);
        // And everything once more.
        world.zoneadm("z1", &["install"]).well();
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        world.prune_golden();
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&untouched), "");
        assert_eq!(world.names_in(&world.lab.place("/zones")), Vec::<String>::new());
        world.is_sound();
    });
}

/// On a host without zfs(8) and beadm(8), and with zonepaths in plain directories.
#[test]
fn a_life_without_datasets() {
    for_each_brand(|brand| {
        let world = World::new().without_datasets();
        world.configure("z1", brand);
        let done = world.zoneadm("z1", &["install"]).well();
        assert!(!done.out.contains("ZFS"), "{done:?}");
        assert_eq!(
            (world.state("z1"), world.names_in(&world.zonepath("z1"))),
            ("installed".into(), vec!["root".into()])
        );
        assert_eq!((mode(&world.zonepath("z1")), mode(&world.in_zone("z1", "/"))), (0o700, 0o755));
        world.zoneadm("z1", &["boot"]).well();
        assert_eq!(world.state("z1"), "running");
        world.zoneadm("z1", &["halt"]).well();
        assert_eq!(world.state("z1"), "installed");
        fs::write(world.in_zone("z1", "/etc/system.conf"), "mine\n").unwrap();
        world.zoneadm("z1", &["detach"]).well();
        assert_eq!(world.names_in(&world.zonepath("z1")), ["SUNWdetached.xml", "dev", "root"]);
        world.zoneadm("z1", &["attach"]).well();
        assert_eq!(world.names_in(&world.zonepath("z1")), ["dev", "root"]);
        world.configure("z2", brand);
        world.zoneadm("z2", &["clone", "z1"]).well();
        assert_eq!(world.text("z2", "/etc/system.conf"), "mine\n");
        assert_eq!((mode(&world.zonepath("z2")), mode(&world.in_zone("z2", "/"))), (0o700, 0o755));
        world.zoneadm("z2", &["boot"]).well();
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert_eq!(world.names_in(&world.lab.place("/zones")), ["z2"]);
        world.zoneadm("z2", &["halt"]).well();
        world.zoneadm("z2", &["uninstall", "-F"]).well();
        assert_eq!(world.names_in(&world.lab.place("/zones")), Vec::<String>::new());
        assert_eq!((world.state("z1"), world.state("z2")), ("configured".into(), "configured".into()));
        world.is_sound();
    });
}
