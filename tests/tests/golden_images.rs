//! Golden images under zoneadm(8) and by hand: filled once, cloned ever after, and gone when nobody uses
//! them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::Value;
use tests::lab::Fault;
use tests::run::{Running, is_phase, program, skip_without_root};
use tests::scenario::{Did, World};
use tests::tree;

const HOLDER: &str = "rpool/zones/.golden";

/// The zonepath of a zone that zoneadm(8) would be about to install.
fn zonepath(world: &World, zone: &str) -> String {
    world.lab.zfs_ok(&["create", &format!("rpool/zones/{zone}")]);
    let path = world.zonepath(zone);
    fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

fn command(world: &World, zone: &str, zonepath: &str, more: &[&str]) -> Command {
    let mut command = Command::new(program("pkgcreatezone"));
    command.env("ZONEKIT_LAB", world.lab.root()).env_remove("_ZONEADM_LOCK_HELD").stdin(Stdio::null());
    command.args(["-z", zone, "-b", "whole-root", "-R", zonepath]).args(more);
    command
}

fn install(world: &World, zone: &str, more: &[&str]) -> Did {
    let path = zonepath(world, zone);
    again(world, zone, &path, more)
}

fn again(world: &World, zone: &str, zonepath: &str, more: &[&str]) -> Did {
    let ran = Running::start(&mut command(world, zone, zonepath, more)).end();
    Did { code: ran.code(), out: ran.out, err: ran.err }
}

/// The images, without `rpool/zones/.golden/`.
fn images(world: &World) -> Vec<String> {
    let inside = format!("{HOLDER}/");
    let names = world.lab.names();
    let images = names.iter().filter(|name| !name.contains('@')).filter_map(|name| name.strip_prefix(&inside));
    images.map(str::to_owned).collect()
}

fn only_image(world: &World) -> String {
    let all = images(world);
    assert_eq!(all.len(), 1, "{all:?}");
    format!("{HOLDER}/{}", all[0])
}

fn origin(world: &World, zone: &str) -> Option<String> {
    world.lab.dataset(&format!("rpool/zones/{zone}/ROOT/zbe")).unwrap().origin
}

/// Whether nothing of an image is there or mounted, and no journal is left.
fn nothing_left(world: &World) {
    let names = world.lab.names();
    assert!(!names.iter().any(|name| name.starts_with(HOLDER)), "{names:?}");
    let mounts = fs::read_to_string(world.lab.place("/etc/mnttab")).unwrap();
    assert!(!mounts.contains("golden"), "{mounts}");
    for folder in ["journal", "golden"] {
        let left = fs::read_dir(world.lab.place("/var/zonekit").join(folder)).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{folder}");
    }
}

#[test]
fn the_second_zone_is_a_clone_of_what_the_first_one_filled() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    for zone in ["z1", "z2"] {
        world.configure(zone, "whole-root");
        world.zoneadm(zone, &["install"]).well();
    }
    let image = only_image(&world);
    let snapshot = Some(format!("{image}@golden"));
    assert_eq!((origin(&world, "z1"), origin(&world, "z2")), (snapshot.clone(), snapshot));
    let dataset = world.lab.dataset(&image).unwrap();
    assert_eq!((dataset.mounted, dataset.snapshots), (None, vec!["golden".to_owned()]));
    let told = install(&world, "z3", &["--no-golden", "--json"]).well();
    assert_eq!(serde_json::from_str::<Value>(&told.out).unwrap()["golden"], Value::Null);
    assert_eq!(origin(&world, "z3"), None);
    let nodes = |zone: &str| tree::read(&world.in_zone(zone, "/"));
    assert_eq!(tree::differences(&nodes("z1"), &nodes("z2")), Vec::<String>::new());
    // But for the times of directories, which those of the global zone have too, and for services, which are
    // imported once for all.
    assert_eq!(world.text("z1", "/etc/svc/repository.db"), "seed\nmanifest /lib/svc/manifest/site.xml\n");
    let timeless = |zone: &str| {
        let mut nodes = nodes(zone);
        nodes.remove(&b"etc/svc/repository.db"[..]);
        nodes.values_mut().filter(|node| node.kind == 'd').for_each(|node| node.modified = (0, 0));
        nodes
    };
    assert_eq!(tree::differences(&timeless("z3"), &timeless("z2")), Vec::<String>::new());
    // The zones live their own lives, and the image outlives them.
    world.zoneadm("z1", &["boot"]).well();
    world.zoneadm("z2", &["uninstall", "-F"]).well();
    world.zoneadm("z1", &["halt"]).well();
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    assert_eq!(only_image(&world), image);
    assert_eq!(world.lab.violations(), Vec::<String>::new());
}

/// The clone of a clone takes the place of the first one, and never that of the image.
#[test]
fn uninstalling_a_zone_with_clones_leaves_the_image_below_them() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    world.configure("z1", "whole-root");
    world.zoneadm("z1", &["install"]).well();
    world.configure("z2", "whole-root");
    world.zoneadm("z2", &["clone", "z1"]).well();
    let image = only_image(&world);
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    assert_eq!(origin(&world, "z2"), Some(format!("{image}@golden")));
    assert_eq!(world.lab.dataset(&image).unwrap().origin, None);
    world.zonekit("golden", &["prune", &image]).badly(&["rpool/zones/z2/ROOT/zbe is a clone of it"]);
    world.zoneadm("z2", &["boot"]).well();
    world.zoneadm("z2", &["halt"]).well();
    world.zoneadm("z2", &["uninstall", "-F"]).well();
    world.zonekit("golden", &["prune", &image]).well();
    nothing_left(&world);
}

#[test]
fn a_clone_takes_few_commands_and_copies_nothing() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let first = install(&world, "z1", &["--json"]).well();
    let first: Value = serde_json::from_str(&first.out).unwrap();
    assert!(first["golden"]["filled"] == true && first["objects"].as_u64().unwrap() > 10, "{first}");
    let path = zonepath(&world, "z2");
    world.lab.reset_log();
    let second = again(&world, "z2", &path, &["--json"]).well();
    let second: Value = serde_json::from_str(&second.out).unwrap();
    assert!(second["golden"]["filled"] == false && second["objects"] == 0, "{second}");
    let lines: Vec<String> = world.lab.log().iter().map(tests::lab::Call::line).collect();
    let changes: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.starts_with("zfs list")).collect();
    let verbs: Vec<String> = changes.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(verbs, ["beadm list", "pkgadm sync", "zfs create", "zfs clone", "mount -F"], "{lines:#?}");
    assert_eq!(lines.len() - changes.len(), 2, "{lines:#?}");
}

#[test]
fn a_dry_run_names_the_image() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let path = zonepath(&world, "z1");
    let plan = |more: &[&str]| {
        let did = again(&world, "z1", &path, &[&["-n", "--json"], more].concat()).well();
        serde_json::from_str::<Value>(&did.out).unwrap()["golden"].clone()
    };
    let before = plan(&[]);
    assert_eq!(before["whole"], false);
    let said = again(&world, "z1", &path, &["-n"]).well().out;
    assert!(
        said.contains(&format!(
            "a clone of golden image {}, which is filled first\n",
            before["image"].as_str().unwrap()
        ))
    );
    assert_eq!(images(&world), Vec::<String>::new());
    assert_eq!((plan(&["--no-golden"]), plan(&["--verify"])), (Value::Null, Value::Null));
    let said = again(&world, "z1", &path, &[]).well().out;
    assert!(said.contains(&format!("{path}: a clone of golden image {}\n", only_image(&world))), "{said}");
    let path = zonepath(&world, "z2");
    let after = again(&world, "z2", &path, &["-n", "--json"]).well();
    let after = serde_json::from_str::<Value>(&after.out).unwrap()["golden"].clone();
    assert_eq!((&after["image"], &after["whole"]), (&before["image"], &Value::from(true)));
    assert_eq!(only_image(&world), before["image"]);
}

#[test]
fn a_changed_global_zone_makes_another_image() {
    if skip_without_root() {
        return;
    }
    let mut world = World::new();
    install(&world, "z1", &[]).well();
    // Nothing that a zone gets.
    fs::write(world.image.at("/etc/system.conf"), "edited again\n").unwrap();
    fs::write(world.image.at("/var/adm/stray"), "").unwrap();
    install(&world, "z2", &["--jobs", "1"]).well();
    only_image(&world);
    world.image.file("/usr/bin/new", "new\n").write();
    install(&world, "z3", &[]).well();
    assert_eq!(images(&world).len(), 2);
    assert!(world.in_zone("z3", "/usr/bin/new").exists() && !world.in_zone("z2", "/usr/bin/new").exists());
    // The content alone, with everything that can be set set back.
    world.image.file("/usr/bin/new", "NEW\n");
    install(&world, "z4", &[]).well();
    assert_eq!((images(&world).len(), world.text("z4", "/usr/bin/new").as_str()), (3, "NEW\n"));
}

#[test]
fn ten_at_once_fill_one_image() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let zones: Vec<String> = (0..10).map(|number| format!("z{number}")).collect();
    let paths: Vec<String> = zones.iter().map(|zone| zonepath(&world, zone)).collect();
    world.lab.fault(Some(&Fault::Slow("mount".to_owned(), 100)));
    let started: Vec<Running> = zones
        .iter()
        .zip(&paths)
        .map(|(zone, path)| Running::start(&mut command(&world, zone, path, &["--json"])))
        .collect();
    let mut filled = 0;
    for running in started {
        let ran = running.end();
        assert!(ran.code() == 0 && ran.err.lines().all(is_phase), "{ran:#?}");
        filled += usize::from(serde_json::from_str::<Value>(&ran.out).unwrap()["golden"]["filled"] == true);
    }
    assert_eq!(filled, 1);
    let snapshot = Some(format!("{}@golden", only_image(&world)));
    for zone in &zones {
        assert_eq!(origin(&world, zone), snapshot, "{zone}");
        assert_eq!(world.text(zone, "/etc/system.conf"), "as packaged\n");
    }
}

/// At every command of the first installation, before and after it.
#[test]
fn whoever_is_killed_the_next_one_puts_it_right() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let path = zonepath(&world, "z0");
    world.lab.reset_log();
    again(&world, "z0", &path, &[]).well();
    let calls = world.lab.log().len();
    for number in 1..=calls {
        for fault in [Fault::KillBefore(number), Fault::KillAfter(number)] {
            let world = World::new();
            let path = zonepath(&world, "z1");
            world.lab.reset_log();
            world.lab.fault(Some(&fault));
            let killed = again(&world, "z1", &path, &[]);
            world.lab.fault(None);
            assert_eq!(killed.code, -1, "{fault:?}");
            let did = install(&world, "z2", &[]).well();
            let snapshot = Some(format!("{}@golden", only_image(&world)));
            assert_eq!(origin(&world, "z2"), snapshot, "{fault:?}: {did:#?}");
            assert_eq!(world.text("z2", "/etc/system.conf"), "as packaged\n", "{fault:?}");
            let private = fs::read_dir(world.lab.place("/var/zonekit/golden")).map_or(0, Iterator::count);
            assert_eq!(private, 0, "{fault:?}");
            // The zone itself is put right by its own next installation.
            again(&world, "z1", &path, &[]).well();
            assert_eq!(origin(&world, "z1"), snapshot, "{fault:?}");
            assert_eq!(world.lab.violations(), Vec::<String>::new(), "{fault:?}");
        }
    }
}

#[test]
fn recovery_clears_an_unfinished_image() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let path = zonepath(&world, "z1");
    let before = world.lab.snapshot_of_state(&[]);
    // While it is unmounted, when it is full.
    world.lab.fault(Some(&Fault::Slow("umount".to_owned(), 10_000)));
    let mut running = Running::start(&mut command(&world, "z1", &path, &[]));
    assert!(running.until("copying"));
    while !world.lab.log().iter().any(|call| call.name == "umount") {
        std::thread::yield_now();
    }
    let busy = world.zonekit("golden", &["prune"]).well();
    assert!(busy.out.contains(" stays: process ") && busy.out.contains(" works on it"), "{busy:#?}");
    running.signal("KILL");
    drop(running.end());
    world.lab.fault(None);
    let listed = world.zonekit("golden", &["list"]).well();
    assert!(listed.out.contains("unfinished"), "{listed:#?}");
    let pending = world.zonekit("zonekit-recover", &["-n"]);
    assert!(pending.code == 1 && pending.out.contains("golden:whole-root-"), "{pending:#?}");
    world.zonekit("zonekit-recover", &[]).well();
    nothing_left(&world);
    assert_eq!(before.difference(&world.lab.snapshot_of_state(&[])), "");
}

/// Each command of the first installation fails once.
#[test]
fn whatever_fails_leaves_nothing_unfinished() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let path = zonepath(&world, "z1");
    let before = world.lab.snapshot_of_state(&[]);
    for number in 1..100 {
        world.lab.reset_log();
        world.lab.fault(Some(&Fault::Fail(number)));
        let did = again(&world, "z1", &path, &[]);
        world.lab.fault(None);
        if did.code == 0 {
            assert!(number > 8, "{did:#?}");
            return;
        }
        assert!(did.err.lines().filter(|line| !is_phase(line)).count() == 1, "{did:#?}");
        let unfinished =
            images(&world).iter().any(|image| !world.lab.names().contains(&format!("{HOLDER}/{image}@golden")));
        assert!(!unfinished, "{number}: {did:#?}");
        if images(&world).is_empty() {
            nothing_left(&world);
            assert_eq!(before.difference(&world.lab.snapshot_of_state(&[])), "", "{number}");
        } else {
            world.zonekit("golden", &["prune"]).well();
        }
    }
    panic!("it never succeeds");
}

#[test]
fn a_full_pool_is_told_and_left_clean() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let path = zonepath(&world, "z1");
    world.lab.limit_pool("rpool", Some(0));
    let did = again(&world, "z1", &path, &[]).badly(&["golden image rpool/zones/.golden/whole-root-", "out of space"]);
    assert_eq!(did.code, 254);
    nothing_left(&world);
}

#[test]
fn prune_takes_what_nobody_uses() {
    if skip_without_root() {
        return;
    }
    let mut world = World::new();
    let golden = |world: &World, words: &[&str]| world.zonekit("golden", words);
    assert_eq!(golden(&world, &["list"]).well().out, "");
    world.configure("z1", "whole-root");
    world.zoneadm("z1", &["install"]).well();
    let old = only_image(&world);
    world.image.file("/usr/bin/new", "new\n").write();
    install(&world, "z2", &[]).well();
    let data: Value = serde_json::from_str(&golden(&world, &["list", "--json"]).well().out).unwrap();
    let found =
        data["images"].as_array().unwrap().iter().find(|image| image["dataset"] == old.as_str()).unwrap().clone();
    assert_eq!(found["users"], serde_json::json!(["rpool/zones/z1/ROOT/zbe"]));
    assert_eq!((&found["brand"], &found["whole"]), (&Value::from("whole-root"), &Value::from(true)));
    world.lab.reset_log();
    assert_eq!(golden(&world, &["list", "-p"]).well().out.lines().count(), 2);
    // Where they are, and what is there: no process an image.
    assert_eq!(world.lab.log().len(), 2);
    assert_eq!(golden(&world, &["list", "-p", "--under", &old]).well().out.lines().count(), 1);
    let leaf = old.rsplit('/').next().unwrap();
    let refused = golden(&world, &["prune", leaf]).badly(&["rpool/zones/z1/ROOT/zbe is a clone of it"]);
    assert_eq!(refused.code, 1);
    assert_eq!(golden(&world, &["prune", "whole-root-none"]).badly(&["no golden image"]).code, 2);
    // Something that looks like one and is none.
    let alien = format!("{HOLDER}/whole-root-0123456789abcdef");
    world.lab.zfs_ok(&["create", &alien]);
    world.lab.zfs_ok(&["create", "-o", "zonekit:golden=0123456789abcdef", "rpool/whole-root-0123456789abcdef"]);
    let said = golden(&world, &["prune"]).well().out;
    assert_eq!(said.matches(" stays: ").count(), 2, "{said}");
    world.zoneadm("z1", &["uninstall", "-F"]).well();
    let would = golden(&world, &["prune", "-n"]).well().out;
    assert!(would.contains(&format!("{old} would be destroyed")), "{would}");
    assert!(world.lab.dataset(&old).is_some());
    assert!(golden(&world, &["prune", "--under", "rpool/zones"]).well().out.contains(&format!("{old} was destroyed")));
    assert!(world.lab.dataset(&old).is_none() && world.lab.dataset(&alien).is_some());
    world.lab.zfs_ok(&["destroy", &alien]);
    world.lab.run("umount", &[world.in_zone("z2", "/").to_str().unwrap().trim_end_matches('/')]);
    world.lab.zfs_ok(&["destroy", "-r", "rpool/zones/z2"]);
    golden(&world, &["prune"]).well();
    nothing_left(&world);
    assert!(world.lab.dataset("rpool/whole-root-0123456789abcdef").is_some());
}

/// Every command of it fails once, and it is killed before and after each: the next one finishes, and never
/// takes what somebody uses.
#[test]
fn a_prune_that_goes_wrong_is_finished_by_the_next() {
    if skip_without_root() {
        return;
    }
    let kinds: [fn(usize) -> Fault; 3] = [Fault::Fail, Fault::KillBefore, Fault::KillAfter];
    for kind in kinds {
        for number in 1.. {
            let mut world = World::new();
            install(&world, "z1", &[]).well();
            let unused = only_image(&world);
            world.image.file("/usr/bin/new", "new\n").write();
            install(&world, "z2", &[]).well();
            let used = origin(&world, "z2").unwrap();
            world.configure("z1", "whole-root");
            let path = world.zonepath("z1").display().to_string();
            world.zonekit("uninstall", &["-z", "z1", "-R", &path, "-b", "whole-root", "-F"]).well();
            world.lab.reset_log();
            world.lab.fault(Some(&kind(number)));
            let did = world.zonekit("golden", &["prune"]);
            world.lab.fault(None);
            let calls = world.lab.log().len();
            let name = format!("{:?} of {calls}: {did:?}", kind(number));
            if calls < number {
                assert!(did.code == 0 && number > 4, "{name}");
                break;
            }
            world.zonekit("golden", &["prune"]).well();
            assert!(world.lab.dataset(&unused).is_none(), "{name}");
            assert_eq!(origin(&world, "z2"), Some(used), "{name}");
            assert_eq!(world.text("z2", "/usr/bin/new"), "new\n", "{name}");
            assert_eq!((world.journals(), world.lab.violations()), (Vec::new(), Vec::new()), "{name}");
        }
    }
}

/// Images go while zones are installed that want them.
#[test]
fn prune_takes_nothing_from_under_an_installation() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let zones: Vec<String> = (0..6).map(|number| format!("z{number}")).collect();
    let paths: Vec<String> = zones.iter().map(|zone| zonepath(&world, zone)).collect();
    let mut running: Vec<Running> =
        zones.iter().zip(&paths).map(|(zone, path)| Running::start(&mut command(&world, zone, path, &[]))).collect();
    let mut pruned = 0;
    while running.iter_mut().any(|running| !running.ended()) {
        world.zonekit("golden", &["prune"]).well();
        pruned += 1;
    }
    assert!(pruned > 0);
    for running in running {
        let ran = running.end();
        assert_eq!(ran.code(), 0, "{ran:#?}");
    }
    for zone in &zones {
        let snapshot = origin(&world, zone).unwrap();
        assert!(world.lab.names().contains(&snapshot), "{zone}: {snapshot}");
        assert_eq!(world.text(zone, "/etc/system.conf"), "as packaged\n");
    }
    world.is_sound();
}

#[test]
fn scripts_run_once_and_leave_no_secrets() {
    if skip_without_root() {
        return;
    }
    let mut world = World::new();
    world.image.postinstall(
        "SUNWkey",
        "#!/bin/sh\necho secret > $BASEDIR/etc/ssh/ssh_host_rsa_key\necho x >> $BASEDIR/etc/made\n",
    );
    world.image.postinstall("SUNWbad", "#!/bin/sh\nexit 3\n").write();
    let first = install(&world, "z1", &[]).well();
    assert!(first.out.contains("2 postinstall scripts run, 1 failed"), "{first:#?}");
    let second = install(&world, "z2", &[]).well();
    assert!(second.out.contains("warning: postinstall of SUNWbad failed when"), "{second:#?}");
    for zone in ["z1", "z2"] {
        assert!(!world.in_zone(zone, "/etc/ssh/ssh_host_rsa_key").exists());
        assert_eq!(world.text(zone, "/etc/made"), "x\n");
    }
    let strict = install(&world, "z3", &["--strict"]).badly(&["SUNWbad", "--no-golden"]);
    assert_eq!(strict.code, 254);
    only_image(&world);
}

#[test]
fn without_zfs_nothing_is_golden() {
    if skip_without_root() {
        return;
    }
    let world = World::new().without_datasets();
    fs::create_dir(world.zonepath("z1")).unwrap();
    fs::set_permissions(world.zonepath("z1"), Permissions::from_mode(0o700)).unwrap();
    let path = world.zonepath("z1").display().to_string();
    let did = again(&world, "z1", &path, &[]).well();
    assert!(!did.out.contains("golden"), "{did:#?}");
    assert_eq!(world.text("z1", "/etc/system.conf"), "as packaged\n");
}
