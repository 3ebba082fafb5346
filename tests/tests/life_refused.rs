//! What is refused before anything is done, in the words of the hooks; and what is kept as it failed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::io::Write;

use tests::lab::Fault;
use tests::run::{Small, skip_without_root};
use tests::scenario::{World, upgrade};

fn world(brand: &str) -> Option<World> {
    if skip_without_root() {
        return None;
    }
    let world = World::new();
    world.configure("z1", brand);
    Some(world)
}

/// What zonecfg(8) says to a change of a zone, which is then not made.
fn refused(world: &World, commands: &str, words: &[&str]) {
    let file = world.lab.place("/etc/zones/z1.xml");
    let before = fs::read_to_string(&file).unwrap();
    let done = world.run("zonecfg", &["-z", "z1", &format!("{commands}; verify; commit")]).badly(words);
    assert!(done.err.contains("verify-cfg: "), "{done:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before, "{commands}");
}

#[test]
fn a_share_that_is_missing_or_writable() {
    let Some(world) = world("sparse-root") else { return };
    for path in ["/usr", "/lib", "/sbin"] {
        let from = if path == "/lib" { "/zonelib/lib" } else { path };
        let way = format!("add fs; set dir={path}; set special={from}; set type=lofs; add options ro; end");
        let missing = format!("{path} is not mounted, and a sparse-root zone shares it: {way}");
        refused(&world, &format!("remove fs dir={path}"), &[&missing]);
        let writable = format!("{path} is not mounted read-only, so that the zone could change it for all");
        refused(&world, &format!("select fs dir={path}; remove options ro; end"), &[&writable]);
        let other = format!("{path} is mounted as tmpfs, not as lofs");
        refused(&world, &format!("select fs dir={path}; set type=tmpfs; end"), &[&other]);
    }
    refused(
        &world,
        "add fs; set dir=/etc; set special=/export; set type=lofs; end",
        &["/etc is the zone's own in a sparse-root zone, and `/export` would hide it: remove fs dir=/etc"],
    );
    // What it advises works.
    world.run("zonecfg", &["-z", "z1", "select fs dir=/usr; add options nodevices; end; verify; commit"]).well();
}

#[test]
fn a_mount_over_what_is_the_zones_own() {
    let Some(world) = world("whole-root") else { return };
    for path in ["/usr", "/lib", "/etc", "/var", "/sbin", "/root"] {
        let hidden = format!("{path} is the zone's own in a whole-root zone, and `/usr` would hide it");
        refused(&world, &format!("add fs; set dir={path}; set special=/usr; set type=lofs; end"), &[&hidden]);
    }
    let other = "add fs; set dir=/var/data; set special=/usr; set type=lofs; add options ro; end; verify; commit";
    world.run("zonecfg", &["-z", "z1", other]).well();
}

/// What is mounted on /lib of a sparse-root zone: gone, empty, of the release before, or not finished.
#[test]
fn shared_libraries_that_are_not_right() {
    let Some(world) = world("sparse-root") else { return };
    let zonelib = world.lab.place("/zonelib/lib");
    let at = zonelib.display().to_string();
    let record = world.lab.place("/zonelib/.lib.zonekit");
    // There is no directory: zoneadm itself cannot go on.
    fs::remove_dir(&zonelib).unwrap();
    world.zoneadm("z1", &["install"]).badly(&[&at, "there is no such directory; `zonelib-sync` makes it"]);
    assert_eq!(world.state("z1"), "configured");
    assert_eq!(world.names_in(&world.lab.place("/zones")), ["z1"]);
    fs::create_dir(&zonelib).unwrap();
    let done = world.zoneadm("z1", &["install"]).well();
    assert!(done.err.contains(&format!("verify-adm: {at} is absent, and is brought up to date now\n")), "{done:?}");
    world.configure("z2", "sparse-root");

    upgrade(world.lab.root());
    let stale = format!("verify-adm: {at} is stale; `zonelib-sync` brings it up to date\n");
    let done = world.zoneadm("z2", &["clone", "z1"]).well();
    assert!(done.err.contains(&stale), "{done:?}");
    let done = world.zoneadm("z1", &["boot"]).well();
    assert_eq!(done.err, "");
    world.zoneadm("z1", &["halt"]).well();
    world.zoneadm("z1", &["detach"]).well();
    let done = world.zoneadm("z1", &["attach"]).well();
    assert!(done.err.contains(&stale), "{done:?}");

    // One that was being changed when the machine went down.
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("changing = false", "changing = true")).unwrap();
    world.zoneadm("z1", &["detach"]).well();
    let done = world.zoneadm("z1", &["attach"]).well();
    println!("unfinished: {}", done.err);
    assert!(done.err.contains(&format!("verify-adm: {at} is unfinished; `zonelib-sync`")), "{done:?}");
    fs::write(&record, text).unwrap();
    world.zoneadm("z2", &["uninstall", "-F"]).well();
    fs::rename(&zonelib, zonelib.with_file_name("elsewhere")).unwrap();
    fs::create_dir(&zonelib).unwrap();
    for command in ["boot", "ready"] {
        world.zoneadm("z1", &[command]).badly(&["the zone's /lib is mounted from there, and there is nothing"]);
        assert_eq!(world.state("z1"), "installed");
    }
    for command in ["list", "halt"] {
        world.zoneadm("z1", &[command]).well();
    }
    world.zoneadm("z2", &["clone", "z1"]).badly(&[&at, "and there is none; `zonelib-sync` makes it"]);
    world.zonekit("zonelib-sync", &["--image", world.lab.root().to_str().unwrap()]).well();
    world.zoneadm("z1", &["boot"]).well();
    world.is_sound();
}

/// `install -k`: what failed is kept, and nothing else is done to the zone before it was cleared away.
#[test]
fn what_failed_can_be_kept() {
    let Some(world) = world("sparse-root") else { return };
    let untouched = world.lab.snapshot_of_state(&[]);
    world.lab.fault(Some(&Fault::FailOf("mount".to_owned(), 1)));
    let done = world.zoneadm("z1", &["install", "-k"]);
    world.lab.fault(None);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("everything was kept as it is: `zonekit-recover -n z1` tells"), "{done:?}");
    assert_eq!(world.state("z1"), "incomplete");
    assert!(world.lab.dataset("rpool/zones/z1/ROOT/zbe").is_some(), "{:?}", world.lab.names());
    assert_eq!(world.journals(), ["z1"]);
    let words = "`install` of zone `z1` failed and was kept as it was; undo it with `zonekit-recover z1`";
    world.zoneadm("z1", &["uninstall", "-F"]).badly(&[words]);
    assert_eq!(world.state("z1"), "incomplete");
    let told = world.zonekit("zonekit-recover", &["-n"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.out.starts_with("z1: `install` did not end, and would be undone:\n"), "{told:?}");
    assert!(told.out.contains("destroy `rpool/zones/z1/ROOT/zbe`"), "{told:?}");
    assert_eq!(world.journals(), ["z1"]);
    let done = world.zonekit("zonekit-recover", &["z1"]).well();
    assert!(done.out.starts_with("z1: `install` did not end, and was undone:\n"), "{done:?}");
    assert!(world.lab.dataset("rpool/zones/z1/ROOT").is_none());
    assert_eq!(world.zonekit("zonekit-recover", &[]).well().out, "");
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    assert_eq!(world.state("z1"), "configured");
    assert_eq!(world.lab.snapshot_of_state(&[]).difference(&untouched), "");
    world.zoneadm("z1", &["install"]).well();
    world.is_sound();
}

/// It was the golden image that failed: that one is kept, under a name of its own, and the zone is as before.
#[test]
fn a_golden_image_that_failed_can_be_kept() {
    let Some(world) = world("whole-root") else { return };
    let untouched = world.lab.snapshot_of_state(&[]);
    world.lab.fault(Some(&Fault::FailOf("mount".to_owned(), 1)));
    let done = world.zoneadm("z1", &["install", "-k"]);
    world.lab.fault(None);
    assert!(done.err.contains("everything was kept as it is: `zonekit-recover -n golden:whole-root-"), "{done:?}");
    assert_eq!(world.state("z1"), "configured");
    assert!(!world.zonepath("z1").exists());
    let name = world.journals().concat();
    assert!(done.err.contains(&name), "{name}: {done:?}");
    let words = format!("undo it with `zonekit-recover {name}`");
    world.zoneadm("z1", &["install"]).badly(&[&words]);
    assert_eq!(world.state("z1"), "configured");
    let done = world.zonekit("zonekit-recover", &[&name]).well();
    assert!(done.out.contains("was undone"), "{done:?}");
    world.prune_golden();
    assert_eq!(world.lab.snapshot_of_state(&[]).difference(&untouched), "");
    world.zoneadm("z1", &["install"]).well();
    world.is_sound();
}

/// The same failure without -k leaves nothing.
#[test]
fn what_failed_is_undone() {
    for brand in ["sparse-root", "whole-root"] {
        let Some(world) = world(brand) else { return };
        let untouched = world.lab.snapshot_of_state(&[]);
        world.lab.fault(Some(&Fault::FailOf("mount".to_owned(), 1)));
        let done = world.zoneadm("z1", &["install"]);
        world.lab.fault(None);
        assert_eq!(done.code, 1, "{done:?}");
        assert_eq!(world.state("z1"), "configured", "{done:?}");
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&untouched), "");
        assert_eq!(world.names_in(&world.lab.place("/zones")), Vec::<String>::new());
        world.zoneadm("z1", &["install"]).well();
        world.is_sound();
    }
}

/// `--strict` takes a packaged file that the host has lost for a failure; zoneadm(8) hands only letters on, so the
/// hook is run as zoneadm runs it.
#[test]
fn a_lost_file_fails_a_strict_installation() {
    let Some(world) = world("whole-root") else { return };
    fs::remove_file(world.image.at("/etc/release.txt")).unwrap();
    let zonepath = world.zonepath("z1");
    world.lab.zfs_ok(&["create", "rpool/zones/z1"]);
    let before = world.lab.snapshot_of_state(&[]);
    let zonepath = zonepath.to_str().unwrap();
    let hook = ["-b", "whole-root", "-z", "z1", "-R", zonepath, "--strict", "--no-golden"];
    let words = "the first is `/etc/release.txt`";
    assert_eq!(world.zonekit("pkgcreatezone", &hook).badly(&[words]).code, 254);
    assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
    let kept = world.zonekit("pkgcreatezone", &[&hook[..], &["--keep"]].concat()).badly(&[words]);
    assert_eq!((kept.code, world.journals()), (255, vec!["z1".to_owned()]));
    assert!(world.lab.dataset("rpool/zones/z1/ROOT/zbe").is_some());
    world.zonekit("zonekit-recover", &["z1"]).well();
    assert_eq!(world.lab.snapshot_of_state(&[]).difference(&before), "");
}

/// Where nothing can be written down nothing is begun, and zoneadm(8) keeps the zone as it was.
#[test]
fn a_full_state_directory() {
    let Some(world) = world("sparse-root") else { return };
    let place = world.lab.place("/var/zonekit");
    let untouched = world.lab.snapshot_of_state(&[]);
    let Some(small) = Small::mount(&place, "size=4k") else { return };
    fs::write(place.join("fill"), [0; 4096]).unwrap();
    let full = ["/var/zonekit/", "No space left"];
    world.zoneadm("z1", &["install"]).badly(&full);
    assert_eq!(world.state("z1"), "configured");
    assert!(!world.zonepath("z1").exists());
    fs::remove_file(place.join("fill")).unwrap();
    small.grow("size=1m");
    world.zoneadm("z1", &["install"]).well();
    let installed = world.lab.snapshot_of_state(&[]);
    let mut fill = fs::File::create(place.join("fill")).unwrap();
    while fill.write_all(&[0; 4096]).is_ok() {}
    for command in [&["detach"][..], &["uninstall", "-F"]] {
        world.zoneadm("z1", command).badly(&full);
        assert_eq!(world.lab.snapshot_of_state(&[]).difference(&installed), "", "{command:?}");
    }
    drop(fill);
    fs::remove_file(place.join("fill")).unwrap();
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    assert_eq!(world.lab.snapshot_of_state(&[]).difference(&untouched), "");
    world.is_sound();
}
