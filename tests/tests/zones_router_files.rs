//! The files and services of routers on hosts where something is unusual, or in the way.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::run::{skip, skip_without_root};
use tests::scenario::{Did, World};
use tests::sweep::View;
use zones_common::{ROUTER, create, destroy, warmed};

/// Runs a program, and shows what it said when the test fails.
fn run(world: &World, program: &str, arguments: &[&str]) -> Did {
    let did = world.zonekit(program, arguments);
    println!("{program} {}: {did:#?}", arguments.join(" "));
    did
}

/// A host with a router that runs, and a zone behind it.
fn with_router() -> World {
    let world = warmed();
    create(&world, ROUTER).well();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    world
}

fn append(path: &Path, text: &str) {
    let before = fs::read_to_string(path).unwrap_or_default();
    fs::write(path, before + text).unwrap();
}

fn unchanged(before: &View, world: &World) {
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    assert!(world.journals().is_empty(), "{:?}", world.journals());
}

#[test]
fn a_router_without_a_default_route_learns_none_from_others() {
    if skip_without_root() {
        return;
    }
    let world = warmed();
    world.run("route", &["-n", "delete", "default", "192.0.2.1"]).well();
    create(&world, ROUTER).well();
    assert!(!world.in_zone("router1", "/etc/defaultrouter").exists());
    let routed = world.run("svcs", &["-z", "router1", "-H", "-o", "state", "svc:/network/routing/route:default"]);
    assert_eq!(routed.well().out.trim(), "disabled");
    // It is the profile that sees to it: a zone without it learns them.
    create(&world, &["-z", "other", "-x", "192.0.2.30"]).well();
    let routed = world.run("svcs", &["-z", "other", "-H", "-o", "state", "svc:/network/routing/route:default"]);
    assert_eq!(routed.well().out.trim(), "online");
}

#[test]
fn rules_that_the_kernel_does_not_take_change_nothing() {
    if skip_without_root() {
        return;
    }
    let world = with_router();
    let rules = world.in_zone("router1", "/etc/ipf/ipnat.conf");
    // The parser takes it, and so does ipnat -n; a rule that is there twice is there, and no failure.
    let once = "map znic0 172.16.0.0/24 -> 0/32\n";
    append(&rules, &once.repeat(2));
    run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5"]).badly(&["10.1.1.5"]);
    create(&world, &["-z", "db", "-x", "10.1.1.6"]).well();
    append(&rules, "map znic0 172.16.0.0/33 -> 0/32\n");
    create(&world, &["-z", "r2", "-t", "router", "-x", "192.0.2.21", "-R", "10.2.0.0/24"]).well();
    let before = View::of(&world.lab);
    run(&world, "net-peer", &["router1", "r2"]).badly(&["ipnat", "has not done all", "ioctl"]);
    unchanged(&before, &world);
}

#[test]
fn a_firewall_of_the_global_zone_is_not_ended() {
    if skip_without_root() {
        return;
    }
    let world = warmed();
    for program in ["/usr/sbin/dnsmasq", "/usr/sbin/ipnat"] {
        let place = world.lab.place(program);
        if !place.exists() {
            fs::write(&place, "#!/bin/sh\nexit 0\n").unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let policy =
        ["-s", "svc:/network/ipfilter:default", "setprop", "firewall_config_default/policy", "=", "astring:", "deny"];
    world.run("svccfg", &policy).well();
    let before = View::of(&world.lab);
    for more in [&["-n"][..], &[]] {
        let words = [&["-R", "10.1.1.0/24"], more].concat();
        run(&world, "global-router", &words).badly(&["has policy `deny`", "/etc/ipf/ipf.conf", "`custom`"]);
        unchanged(&before, &world);
    }
}

#[test]
fn a_zone_that_leaves_its_network_keeps_no_route_to_it() {
    if skip_without_root() {
        return;
    }
    let world = warmed();
    create(&world, ROUTER).well();
    world.configure("box", "sparse-root");
    world.zoneadm("box", &["install"]).well();
    run(&world, "net-attach", &["-z", "box", "-x", "10.1.1.7"]).well();
    assert_eq!(world.text("box", "/etc/defaultrouter"), "10.1.1.1\n");
    let told = run(&world, "net-detach", &["-z", "box", "-n"]).well().out;
    assert!(told.contains("remove /etc/defaultrouter"), "{told}");
    run(&world, "net-detach", &["-z", "box"]).well();
    assert!(!world.in_zone("box", "/etc/defaultrouter").exists());
    // One that somebody has written stays.
    run(&world, "net-attach", &["-z", "box", "-x", "10.1.1.7"]).well();
    fs::write(world.in_zone("box", "/etc/defaultrouter"), "10.1.1.99\n").unwrap();
    run(&world, "net-detach", &["-z", "box"]).well();
    assert_eq!(world.text("box", "/etc/defaultrouter"), "10.1.1.99\n");
}

/// What a hostile root user of a router puts in the place of something.
#[derive(Clone, Copy, Debug)]
enum Trap {
    /// A link to a folder or file of the host.
    Link,
    Pipe,
    Device,
    Folder,
    Huge,
}

/// Puts a trap in the place of a path of a router; what it leads to is told.
fn set(trap: Trap, place: &Path, outside: &Path) {
    if place.is_dir() {
        fs::remove_dir_all(place).unwrap();
    } else {
        fs::remove_file(place).ok();
    }
    match trap {
        Trap::Link => symlink(outside, place).unwrap(),
        Trap::Pipe => assert!(Command::new("/usr/bin/mkfifo").arg(place).status().unwrap().success()),
        Trap::Device => {
            assert!(Command::new("/usr/bin/mknod").arg(place).args(["c", "1", "5"]).status().unwrap().success());
        }
        Trap::Folder => fs::create_dir_all(place.join("full/of")).unwrap(),
        Trap::Huge => fs::File::create(place).unwrap().set_len(3 << 20).unwrap(),
    }
}

/// All that is in a folder, and what it says.
fn contents(folder: &Path) -> Vec<(PathBuf, u64, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .map(|path| {
            let text = if path.is_file() { fs::read_to_string(&path).unwrap() } else { String::new() };
            (path.clone(), fs::symlink_metadata(&path).unwrap().mtime().unsigned_abs(), text)
        })
        .collect();
    found.sort();
    found
}

/// Whatever a router's root user does, nothing happens outside of its root, nothing hangs, and what fails says what to do.
#[test]
fn a_hostile_router_harms_itself_alone() {
    if skip_without_root() {
        return;
    }
    let world = with_router();
    create(&world, &["-z", "r2", "-t", "router", "-x", "192.0.2.21", "-R", "10.2.0.0/24"]).well();
    let outside = world.beside("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["ipnat.conf", "ipf.conf", "zonekit.conf", "web", "haproxy.cfg", "dnsmasq.conf"] {
        fs::write(outside.join(name), "theirs\n").unwrap();
    }
    let theirs = contents(&outside);
    let files: &[(&str, &[Trap])] = &[
        ("/etc/ipf", &[Trap::Link, Trap::Pipe]),
        ("/etc/ipf/ipnat.conf", &[Trap::Link, Trap::Pipe, Trap::Device, Trap::Folder, Trap::Huge]),
        ("/etc/ipf/ipf.conf", &[Trap::Huge]),
        ("/etc/inet/static_routes", &[Trap::Link, Trap::Pipe, Trap::Folder]),
    ];
    for (path, traps) in files {
        let place = world.in_zone("router1", path);
        let kept = world.beside("kept");
        fs::rename(&place, &kept).ok();
        for trap in *traps {
            println!("{path}: {trap:?}");
            let (name, target) = (
                place.file_name().unwrap(),
                if path.matches('/').count() == 2 { &outside } else { &outside.join("ipnat.conf") },
            );
            set(*trap, &place, target);
            let before = View::of(&world.lab);
            let did = run(&world, "net-peer", &["router1", "r2"]).badly(&[name.to_str().unwrap()]);
            assert!(did.err.contains("see what it is") || did.err.contains("see who made it"), "{did:?}");
            unchanged(&before, &world);
            assert_eq!(contents(&outside), theirs, "{path}: {trap:?}");
        }
        if place.is_dir() && !place.is_symlink() {
            fs::remove_dir_all(&place).unwrap();
        } else {
            fs::remove_file(&place).unwrap();
        }
        fs::rename(&kept, &place).ok();
    }
    run(&world, "net-peer", &["router1", "r2"]).well();
}

/// Files of zonekit alone are put in their place, whatever is there; folders that were exchanged for links are not entered.
#[test]
fn a_zone_comes_and_goes_though_its_router_is_hostile() {
    if skip_without_root() {
        return;
    }
    let world = with_router();
    let outside = world.beside("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("db"), "theirs\n").unwrap();
    let theirs = contents(&outside);
    let place = world.in_zone("router1", "/etc/zonekit/dhcp/db");
    for trap in [Trap::Link, Trap::Pipe, Trap::Device, Trap::Huge] {
        println!("{trap:?}");
        set(trap, &place, &outside.join("db"));
        create(&world, &["-z", "db", "-x", "10.1.1.6"]).well();
        assert!(world.text("router1", "/etc/zonekit/dhcp/db").contains("10.1.1.6"));
        assert!(fs::symlink_metadata(&place).unwrap().is_file());
        set(trap, &place, &outside.join("db"));
        destroy(&world, "db").well();
        assert!(fs::symlink_metadata(&place).is_err(), "{trap:?}");
        assert_eq!(contents(&outside), theirs, "{trap:?}");
    }
    // A folder in its place, or a link in that of the folder.
    fs::create_dir_all(place.join("full")).unwrap();
    let before = View::of(&world.lab);
    create(&world, &["-z", "db", "-x", "10.1.1.6"])
        .badly(&["/etc/zonekit/dhcp/db of the zone", "see what it is, and remove it"]);
    unchanged(&before, &world);
    fs::remove_dir_all(&place).unwrap();
    let folder = world.in_zone("router1", "/etc/zonekit/dhcp");
    let kept = world.beside("kept");
    fs::rename(&folder, &kept).unwrap();
    symlink(&outside, &folder).unwrap();
    let before = View::of(&world.lab);
    create(&world, &["-z", "db", "-x", "10.1.1.6"]).badly(&["zonekit follows no link in a zone"]);
    unchanged(&before, &world);
    // A zone that was there can be destroyed once that is mended, and goes on where it ended.
    destroy(&world, "web").badly(&["zonekit follows no link in a zone"]);
    fs::remove_file(&folder).unwrap();
    fs::rename(&kept, &folder).unwrap();
    destroy(&world, "web").well();
    assert!(!folder.join("web").exists());
    assert_eq!(contents(&outside), theirs);
    assert!(world.journals().is_empty());
}

/// Lines of others in the configuration of dnsmasq stay, and what it does not take is told before it is restarted.
#[test]
fn a_configuration_edited_by_hand_is_kept() {
    if skip_without_root() {
        return;
    }
    let world = with_router();
    let main = world.in_zone("router1", "/etc/dnsmasq.conf");
    append(&main, "log-queries\n");
    fs::write(world.in_zone("router1", "/etc/dnsmasq.d/hand.conf"), "address=/hand.example/10.1.1.77\n").unwrap();
    create(&world, &["-z", "db", "-x", "10.1.1.6"]).well();
    // Markers that were damaged: where our part ends cannot be told.
    let text = fs::read_to_string(&main).unwrap();
    fs::write(&main, text.replace("# zonekit end\n", "")).unwrap();
    create(&world, &["-z", "r2", "-t", "router", "-x", "192.0.2.21", "-R", "10.2.0.0/24"]).well();
    run(&world, "net-peer", &["router1", "r2"]).badly(&[
        "/etc/dnsmasq.conf",
        "# zonekit begin",
        "put the other one back",
    ]);
    assert!(world.journals().is_empty());
    fs::write(&main, &text).unwrap();
    // Our own file is replaced as a whole, the lines of others are not.
    fs::write(world.in_zone("router1", "/etc/dnsmasq.d/zonekit.conf"), "address=/evil/10.9.9.9\n").unwrap();
    run(&world, "net-peer", &["router1", "r2"]).well();
    assert!(world.text("router1", "/etc/dnsmasq.d/zonekit.conf").contains("interface=znic1"));
    assert!(world.text("router1", "/etc/dnsmasq.conf").contains("log-queries"));
    assert!(world.text("router1", "/etc/dnsmasq.d/hand.conf").contains("hand.example"));
}

/// A router that does not run gets its files, and reads them when it boots; one that is not there is named.
#[test]
fn a_router_that_does_not_run_gets_its_files() {
    if skip_without_root() {
        return;
    }
    let world = with_router();
    world.zoneadm("router1", &["halt"]).well();
    create(&world, &["-z", "db", "-x", "10.1.1.6"]).well();
    run(&world, "ingress", &["add", "shop", "80", "db:8080", "--http", "shop.example.com"]);
    destroy(&world, "web").well();
    world.zoneadm("router1", &["boot"]).well();
    assert!(world.text("router1", "/etc/zonekit/dhcp/db").contains("10.1.1.6"));
    assert!(!world.in_zone("router1", "/etc/zonekit/dhcp/web").exists());
    world.zoneadm("router1", &["halt"]).well();
    world.zoneadm("router1", &["uninstall", "-F"]).well();
    let before = View::of(&world.lab);
    create(&world, &["-z", "late", "-x", "10.1.1.8"]).badly(&["router router1 is not installed"]);
    unchanged(&before, &world);
    // What has gone has forgotten everything.
    destroy(&world, "db").well();
    destroy(&world, "router1").well();
    assert!(world.journals().is_empty());
}

/// Mounted read-only, or immutable: told, and all as before.
#[test]
fn a_router_that_cannot_be_written_to_is_left_as_it_was() {
    if skip_without_root() {
        return;
    }
    let world = with_router();
    let root = world.in_zone("router1", "/");
    let mount = |arguments: &[&str]| {
        let ran = Command::new("/usr/bin/mount").args(arguments).arg(&root).output().unwrap();
        ran.status.success()
    };
    let before = View::of(&world.lab);
    if !mount(&["--bind", root.to_str().unwrap()]) {
        return skip("mounting is not allowed here");
    }
    struct Mounted(PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("/usr/bin/umount").arg(&self.0).status();
        }
    }
    let mounted = Mounted(root.clone());
    assert!(mount(&["-o", "remount,bind,ro"]));
    create(&world, &["-z", "db", "-x", "10.1.1.6"]).badly(&["of the zone: Read-only file system"]);
    destroy(&world, "web").badly(&["Read-only file system"]);
    drop(mounted);
    let difference = before.differences(&View::of(&world.lab), Default::default());
    // Of the zone that was to go, what had gone has.
    let others: Vec<&str> =
        difference.lines().filter(|line| !line.contains("web") && !line.contains("znic2")).collect();
    assert_eq!(others, [""; 0]);
    destroy(&world, "web").well();
    create(&world, &["-z", "db", "-x", "10.1.1.6"]).well();
    assert!(world.journals().is_empty());
}

#[test]
fn two_zones_have_no_name_in_common() {
    if skip_without_root() {
        return;
    }
    let world = with_router();
    let before = View::of(&world.lab);
    for (zone, other) in [("Web", "web"), ("ROUTER1", "router1")] {
        let name = other;
        create(&world, &["-z", zone, "-x", "10.1.1.6"])
            .badly(&[&format!("zone `{zone}` would have the name `{name}`"), &format!("which zone `{other}` has")]);
        unchanged(&before, &world);
    }
    // Elsewhere it may have it.
    create(&world, &["-z", "Web", "-x", "192.0.2.30"]).well();
}

/// All interfaces of a router forward: what it has outside besides is guarded like the first, from its first boot on, and
/// when it comes later.
#[test]
fn another_interface_outside_is_guarded_too() {
    if skip_without_root() {
        return;
    }
    let world = warmed();
    create(&world, &["-z", "router1", "-t", "router", "-x", "192.0.2.20", "-x", "192.0.2.21", "-R", "10.1.1.0/24"])
        .well();
    let guarded = |link: &str| {
        let (nat, filter) = (world.text("router1", "/etc/ipf/ipnat.conf"), world.text("router1", "/etc/ipf/ipf.conf"));
        nat.contains(&format!("map {link} "))
            && filter.contains(&format!("block in quick on {link} from any to 10.1.1.0/24"))
    };
    assert!(guarded("znic0") && guarded("znic1"));
    create(&world, &["-z", "r2", "-t", "router", "-x", "192.0.2.22", "-R", "10.2.0.0/24"]).well();
    run(&world, "net-peer", &["router1", "r2"]).well();
    let routes = world.text("router1", "/etc/inet/static_routes");
    assert!(routes.contains("10.2.0.0/24 192.0.2.22"), "{routes}");
    world.zoneadm("router1", &["halt"]).well();
    run(&world, "net-attach", &["-z", "router1", "-x", "192.0.2.23"]).well();
    let link = world.names_in(&world.in_zone("router1", "/etc"));
    let link = link.iter().filter_map(|name| name.strip_prefix("hostname.")).max().unwrap().to_owned();
    assert!(guarded(&link), "{link}: {}", world.text("router1", "/etc/ipf/ipf.conf"));
    assert_eq!(world.text("router1", "/etc/inet/static_routes"), routes);
    run(&world, "net-detach", &["-z", "router1", "192.0.2.23"]).well();
    assert!(!guarded(&link) && guarded("znic1"));
    assert_eq!(world.text("router1", "/etc/inet/static_routes"), routes);
    assert!(world.journals().is_empty());
}

/// No name becomes a line, a path or an option of a configuration.
#[test]
fn ways_in_with_hostile_names_are_refused() {
    if skip_without_root() {
        return;
    }
    let world = with_router();
    let before = View::of(&world.lab);
    let long = "x".repeat(64);
    let names = ["../shop", "", ".", "a b", "a\nserver evil 10.0.0.1", "-D", "a/b", "a;b", "ü", "a\0b", &long];
    for name in names.into_iter().filter(|name| !name.contains('\0')) {
        run(&world, "ingress", &["add", "--", name, "80", "web:8080"]);
        unchanged(&before, &world);
        let did = run(&world, "ingress", &["add", name, "80", "web:8080", "--http", "shop.example.com"]);
        assert_ne!(did.code, 0, "{name:?}: {did:?}");
        assert_eq!(did.err.lines().count(), 1, "{name:?}: {did:?}");
        unchanged(&before, &world);
    }
    for host in ["", "a b", "shop.example.com evil", "a\nbackend x", "*", "[::1]", "a..b", &"y.".repeat(200)] {
        for kind in ["--http", "--tls-sni"] {
            let did = run(&world, "ingress", &["add", "shop", "80", "web:8080", kind, host]);
            assert!(did.code != 0 && did.err.lines().count() == 1, "{host:?}: {did:?}");
            unchanged(&before, &world);
        }
    }
    for (port, to) in [
        ("0", "web:80"),
        ("65536", "web:80"),
        ("80", "web:0"),
        ("80", "web"),
        ("80", "../web:80"),
        ("80", "db:80"),
        ("22", "web:22"),
        ("53", "web:53"),
    ] {
        let did = run(&world, "ingress", &["add", "shop", port, to, "--tcp"]);
        assert!(did.code != 0 && did.err.lines().count() == 1, "{port} {to}: {did:?}");
        unchanged(&before, &world);
    }
}

#[test]
fn a_router_without_haproxy_has_no_ways_in() {
    if skip_without_root() {
        return;
    }
    let world = with_router();
    for program in ["/opt/tribblix/haproxy/sbin/haproxy", "/usr/sbin/haproxy"] {
        fs::remove_file(world.in_zone("router1", program)).ok();
    }
    let before = View::of(&world.lab);
    run(&world, "ingress", &["add", "shop", "80", "web:8080", "--http", "shop.example.com"])
        .badly(&["has no haproxy; install it there, and try again"]);
    unchanged(&before, &world);
}
