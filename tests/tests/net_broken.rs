//! Programs for networks where records are not what they were, disks are full, and others are at work.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tests::lab::Fault;
use tests::run::{Small, program, run as ran, skip_without_root};
use tests::scenario::{Did, World};
use tests::sweep::View;
use zones_common::{ROUTER, create, warmed};

fn run(world: &World, program: &str, arguments: &[&str]) -> Did {
    let did = world.zonekit(program, arguments);
    println!("{program} {}: {did:#?}", arguments.join(" "));
    did
}

fn check(world: &World, repair: bool) -> Did {
    run(world, "store", if repair { &["check", "--repair"] } else { &["check"] })
}

/// Two routers, and a zone of another tool that has limits on a vnic behind the first.
fn networked() -> World {
    let world = warmed();
    create(&world, ROUTER).well();
    create(&world, &["-z", "router2", "-t", "router", "-x", "192.0.2.21", "-R", "10.2.0.0/16"]).well();
    world.configure("web", "sparse-root");
    world.zoneadm("web", &["install"]).well();
    run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5", "-F", "maxbw=5M,priority=low"]).well();
    world
}

fn record(world: &World, name: &str) -> PathBuf {
    world.lab.place("/var/zonekit/store").join(name)
}

const WEB: &str = "attachments/web+znic4+10.1.1.5.json";

/// What is said of a record, and what makes it so.
type Spoiled<'s> = (&'static str, Box<dyn Fn() + 's>);

#[test]
fn records_that_are_none_are_named_and_nothing_is_guessed() {
    if skip_without_root() {
        return;
    }
    let world = networked();
    let path = record(&world, WEB);
    let whole = fs::read_to_string(&path).unwrap();
    let remove = |path: &Path| if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }.unwrap();
    let binary: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let spoil: [Spoiled<'_>; 7] = [
        ("was cut off", Box::new(|| fs::write(&path, &whole[..50]).unwrap())),
        ("was cut off", Box::new(|| fs::write(&path, "").unwrap())),
        ("is no record", Box::new(|| fs::write(&path, &binary).unwrap())),
        ("has form 9", Box::new(|| fs::write(&path, whole.replace("\"version\": 1", "\"version\": 9")).unwrap())),
        ("is longer than", Box::new(|| fs::write(&path, vec![b' '; 2 << 20]).unwrap())),
        ("is a symbolic link, which is not followed", Box::new(|| symlink("/etc/passwd", &path).unwrap())),
        ("is not a regular file", Box::new(|| fs::create_dir(&path).unwrap())),
    ];
    for (said, spoil) in spoil {
        remove(&path);
        spoil();
        let before = View::of(&world.lab);
        // Its name tells of the link that nobody may take for a stranger.
        let told = check(&world, true);
        assert_eq!((told.code, told.out.lines().count()), (1, 1), "{told:?}");
        assert!(told.out.contains(said) && told.out.contains(WEB), "{told:?}");
        for (program, arguments) in [
            ("net-list", &[][..]),
            ("net-attach", &["-z", "web", "-x", "10.1.1.9"]),
            ("net-detach", &["-z", "web"]),
            ("net-peer", &["router1", "router2"]),
            ("net-peer", &["router1", "router2", "-n"]),
        ] {
            let did = run(&world, program, arguments);
            assert!(did.code == 2 && did.out.is_empty() && did.err.contains(said), "{did:?}");
        }
        assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    }
    // The record comes back from what the zone and the host have.
    remove(&path);
    assert_eq!(check(&world, false).out, "zone `web` has the vnic `znic4`, and no record says so; --repair mends it\n");
    check(&world, true).well();
    assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    assert_eq!(check(&world, false).well().out, "");
    world.is_sound();
}

#[test]
fn nothing_is_a_stranger_while_a_segment_cannot_be_read() {
    if skip_without_root() {
        return;
    }
    let world = networked();
    fs::write(record(&world, "segments/10.1.1.0-24.json"), "{").unwrap();
    let told = check(&world, true);
    assert!(told.code == 1 && told.out.contains("10.1.1.0-24.json: was cut off"), "{told:?}");
    assert!(!told.out.contains("in no record") && !told.out.contains("dladm"), "{told:?}");
}

#[test]
fn lost_records_of_shared_addresses_and_of_routers() {
    if skip_without_root() {
        return;
    }
    let world = networked();
    world.configure("box", "sparse-root");
    world.zoneadm("box", &["install"]).well();
    run(&world, "net-attach", &["-z", "box", "-i", "10.1.1.8", "-i", "10.1.1.9"]).well();
    let path = record(&world, "attachments/box+snic0+10.1.1.8.json");
    let whole = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let told = check(&world, true).well().out;
    assert_eq!(told, "zone `box` has 10.1.1.8 on `snic0`, and no record says so; mended\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    // A router is bound to no address, so that nothing tells which it had.
    fs::remove_file(record(&world, "attachments/router1+znic0+192.0.2.20.json")).unwrap();
    let told = check(&world, true);
    assert!(told.code == 1 && told.out.starts_with("zone `router1` has the vnic `znic0`, and no record"), "{told:?}");
    assert!(told.out.contains("net-attach -z router1") && told.out.lines().count() == 1, "{told:?}");
}

#[test]
fn a_repair_that_is_killed_is_done_by_the_next() {
    if skip_without_root() {
        return;
    }
    let world = networked();
    let before = View::of(&world.lab);
    let mut calls = 0;
    for number in 1.. {
        for fault in [Fault::KillBefore(number), Fault::KillAfter(number)] {
            for line in ["flowadm remove-flow zflow4", "dladm delete-vnic znic4"] {
                let words: Vec<&str> = line.split(' ').collect();
                world.run(words[0], &words[1..]).well();
            }
            world.lab.reset_log();
            world.lab.fault(Some(&fault));
            let first = check(&world, true);
            calls = world.lab.log().len();
            world.lab.fault(None);
            assert_eq!(first.code == 0, number > calls, "{fault:?}: {first:?}");
            check(&world, true).well();
            assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "", "{fault:?}");
        }
        if number > calls {
            break;
        }
    }
    assert!(calls > 8, "{calls}");
}

#[test]
fn a_full_disk_makes_no_peers() {
    if skip_without_root() {
        return;
    }
    let world = networked();
    let state = world.lab.place("/var/zonekit");
    let copy = world.beside("zonekit");
    fs::rename(&state, &copy).unwrap();
    fs::create_dir(&state).unwrap();
    let Some(mount) = Small::mount(&state, "size=512k") else { return };
    let copied = std::process::Command::new("cp").arg("-a").arg(copy.join(".")).arg(&state).status().unwrap();
    assert!(copied.success());
    let before = View::of(&world.lab);
    let filler = state.join("filler");
    let mut size = 512 << 10;
    while size > 0 {
        let more = [fs::read(&filler).unwrap_or_default(), vec![0; size]].concat();
        if fs::write(&filler, more).is_err() {
            size /= 2;
        }
    }
    let did = run(&world, "net-peer", &["router1", "router2"]);
    assert!(did.code == 2 && did.err.contains("No space left on device"), "{did:?}");
    fs::remove_file(&filler).unwrap();
    run(&world, "zonekit-recover", &[]).well();
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    run(&world, "net-peer", &["router1", "router2"]).well();
    drop(mount);
}

#[test]
fn two_at_once_are_one_after_the_other() {
    if skip_without_root() {
        return;
    }
    let world = networked();
    let both = |one: (&'static str, &'static [&'static str]), other: (&'static str, &'static [&'static str])| {
        let did: Vec<Did> = std::thread::scope(|scope| {
            [one, other]
                .map(|(program, words)| scope.spawn(|| run(&world, program, words)))
                .map(|one| one.join().unwrap())
                .into()
        });
        did
    };
    let before = View::of(&world.lab);
    let peers = both(("net-peer", &["router1", "router2"]), ("net-peer", &["router2", "router1"]));
    assert_eq!(peers.iter().filter(|did| did.code == 0).count(), 1, "{peers:?}");
    assert!(peers.iter().any(|did| did.err.contains("are peers already")), "{peers:?}");
    let enemies = both(("net-peer", &["-d", "router1", "router2"]), ("net-peer", &["-d", "router2", "router1"]));
    assert_eq!(enemies.iter().filter(|did| did.code == 0).count(), 1, "{enemies:?}");
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    for _ in 0..4 {
        world.run("flowadm", &["remove-flow", "zflow4"]).well();
        // Who comes second finds nothing to mend.
        both(("store", &["check", "--repair"]), ("store", &["check", "--repair"]))
            .into_iter()
            .for_each(|did| drop(did.well()));
        assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    }
    both(("net-detach", &["-z", "web"]), ("net-attach", &["-z", "web", "-x", "10.1.1.6"]));
    run(&world, "net-detach", &["-z", "web"]);
    assert_eq!(check(&world, false).well().out, "");
    world.is_sound();
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    if skip_without_root() {
        return;
    }
    let world = networked();
    let before = View::of(&world.lab);
    for (program, arguments, said) in [
        ("net-peer", &["router1"][..], "<OTHER>"),
        ("net-peer", &["router1", "router2", "--as", "x"], "cannot be used with"),
        ("net-peer", &["router1", "web"], "`web` routes no segment of this host"),
        ("net-peer", &["", "router2"], "`` is no zone name"),
        ("net-peer", &["router1", "--with", "/etc"], "/etc: is not a regular file"),
        ("net-peer", &["router1", "--with", "/dev/zero"], "/dev/zero: is not a regular file"),
        ("net-peer", &["-d", "router1", "--with", "/dev/null"], "cannot be used with"),
        ("net-detach", &["-z", "none"], "zone `none` is on no network that zonekit knows"),
        ("net-detach", &["-z", "web", "10.1.1.77"], "zone `web` has no address 10.1.1.77"),
        ("net-detach", &["-z", "web", "10.1.1"], "`10.1.1` is no address, such as 10.1.2.5"),
        ("net-detach", &["-z", "router1", "192.0.2.20"], "is that of a router"),
        ("net-attach", &["-z", "web", "-x", "10.1.1.9", "-x", "10.1.1.9"], "is in use by this zone already"),
        ("net-attach", &["-z", "web", "-x", "10.1.1.9", "--state", "/dev/null"], "nothing was begun"),
        ("store", &["import-zap", "--from", "/dev/null"], "/dev/null: Not a directory"),
    ] {
        let did = run(&world, program, arguments);
        assert!(did.code == 2 && did.err.contains(said), "{said}: {did:?}");
        // Nothing was done that had to be undone.
        assert!(did.err.lines().count() == 1 && !did.err.contains("undone"), "{did:?}");
        assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "", "{arguments:?}");
    }
    // As it is printed elsewhere.
    run(&world, "net-detach", &["-z", "web", "10.1.1.5/24"]).well();
    assert_eq!(check(&world, false).well().out, "");
}

#[test]
fn what_comes_while_somebody_looks_is_no_difference() {
    if skip_without_root() {
        return;
    }
    let world = networked();
    world.configure("late", "sparse-root");
    world.zoneadm("late", &["install"]).well();
    world.lab.reset_log();
    world.lab.fault(Some(&Fault::Slow("flowadm".to_owned(), 3000)));
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| check(&world, false));
        // Links have been listed, and records have not been read.
        while !world.lab.log().iter().any(|call| call.line().contains("flowadm")) && !looking.is_finished() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        run(&world, "net-attach", &["-z", "late", "-x", "10.1.1.7"]).well();
        assert_eq!(looking.join().unwrap().well().out, "");
    });
}

#[test]
fn who_is_not_root_is_told_in_one_line() {
    if skip_without_root() {
        return;
    }
    let world = networked();
    let before = View::of(&world.lab);
    for (name, arguments) in [
        ("net-attach", &["-z", "web", "-x", "10.1.1.9"][..]),
        ("net-detach", &["-z", "web"]),
        ("net-peer", &["router1", "router2"]),
        ("net-peer", &["router1", "router2", "--dry-run"]),
        ("store", &["check", "--repair"]),
        ("store", &["import-zap"]),
        ("ingress", &["add", "shop", "80", "web:80", "--tcp", "--router", "router1"]),
        ("global-router", &["-R", "10.9.0.0/24"]),
        ("global-router", &["--remove", "10.9.0.0/24"]),
    ] {
        let mut command = std::process::Command::new(program(name));
        command.env("ZONEKIT_LAB", world.lab.root()).args(arguments).stdin(Stdio::null()).uid(65534).gid(65534);
        let done = ran(&mut command);
        if done.status.code() == Some(126) {
            return;
        }
        assert_eq!((done.code(), done.err.lines().count()), (2, 1), "{name} {arguments:?}: {done:#?}");
        let told = done.err.contains("root") || done.err.contains("Permission denied");
        assert!(told && !done.err.contains("panicked"), "{name}: {}", done.err);
    }
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
}
