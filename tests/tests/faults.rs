//! What goes wrong while a zone is made, full disks, unreadable sources and interruptions: what
//! failed is said, the status is right, and the root is empty again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use common::{NOTHING, OCCUPIED, assert_same, big, clean, filled, zone_nodes};
use tests::run::{
    Image, Running, Scratch, Small, image, install, is_root, pkgcreatezone, run, skip, skip_without_root,
};
use tests::sample::Options;
use tests::tiny::Tiny;
use tests::tree::{self, marks, touched};

/// A root as the next installation finds it: gone, or empty as it was before and with the mode that zoneadm insists on.
fn assert_empty(root: &Path) {
    if fs::symlink_metadata(root).is_err() {
        return;
    }
    let left: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "left in the root: {left:?}");
    assert_eq!(fs::metadata(root).unwrap().mode() & 0o7777, 0o755);
}

/// Reference finding 21: a full disk is a failure.
#[test]
fn finding_21_a_full_disk_ends_with_an_empty_root() {
    if skip_without_root() {
        return;
    }
    let (scratch, image) = (Scratch::new(), image());
    let expected = clean("whole-root", &image.path());
    // No room for bytes, then none for names.
    for options in ["size=3m", "size=64m,nr_inodes=300"] {
        let Some(small) = Small::mount(&scratch.join(options), options) else { return };
        let zonepath = small.path().join("z1");
        fs::create_dir(&zonepath).unwrap();
        for jobs in ["1", "2", "8"] {
            let mut command = install("whole-root", &image.path(), &zonepath);
            run(command.args(["--jobs", jobs])).refused(NOTHING, &["No space left on device", "z1/root"]);
            assert_empty(&zonepath.join("root"));
        }
        small.grow("size=256m,nr_inodes=100000");
        run(&mut install("whole-root", &image.path(), &zonepath)).succeeded();
        assert_same(&expected, &zone_nodes(&zonepath));
    }
}

#[test]
fn a_full_disk_below_the_clone_of_lib() {
    if skip_without_root() {
        return;
    }
    let (scratch, image) = (Scratch::new(), image());
    let Some(small) = Small::mount(&scratch.join("zonelib"), "size=400k") else { return };
    let zonepath = scratch.zonepath("z1");
    run(&mut install("sparse-root", &image.path(), &zonepath)).refused(NOTHING, &["No space left", "zonelib/lib"]);
    assert!(fs::read_dir(&zonepath).unwrap().next().is_none(), "a zone without its /lib");
    small.grow("size=64m");
    // The half-made clone is finished, not taken for complete.
    run(&mut install("sparse-root", &image.path(), &zonepath)).succeeded();
    let other = Scratch::new();
    run(&mut install("sparse-root", &image.path(), &other.zonepath("z1"))).succeeded();
    assert_same(&tree::read(&other.join("zonelib/lib")), &tree::read(&scratch.join("zonelib/lib")));
}

#[test]
fn a_full_disk_leaves_no_archive() {
    if skip_without_root() {
        return;
    }
    let (scratch, image) = (Scratch::new(), image());
    let Some(small) = Small::mount(&scratch.join("small"), "size=200k") else { return };
    fs::write(small.path().join("zone.tar.gz"), "an older one\n").unwrap();
    let mut command = pkgcreatezone();
    command
        .args(["-b", "whole-root", "--image"])
        .arg(image.path())
        .arg("--archive")
        .arg(small.path().join("zone.tar.gz"));
    run(&mut command).refused(NOTHING, &["No space left on device", "zone.tar.gz"]);
    let left: Vec<_> = fs::read_dir(small.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["zone.tar.gz"]);
    assert_eq!(fs::read_to_string(small.path().join("zone.tar.gz")).unwrap(), "an older one\n");
}

/// A regular file that can be opened and not read, as on a broken disk.
fn unreadable() -> Option<&'static str> {
    let of_no_use = ["/sys/class/net/lo/duplex", "/sys/class/net/lo/speed"];
    let found = of_no_use.into_iter().find(|file| {
        let size = fs::metadata(file).map_or(0, |metadata| metadata.size());
        size > 0 && fs::File::open(file).is_ok() && fs::read(file).is_err()
    });
    if found.is_none() {
        skip("there is no file here that cannot be read");
    }
    found
}

#[test]
fn a_source_that_cannot_be_read() {
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    let (zonepath, image) = (scratch.zonepath("z1"), scratch.join("image"));
    let mut tiny = Tiny::new(&image);
    tiny.file("/etc/before", "x\n").file("/etc/broken", "").file("/usr/after", "x\n").write();
    let Some(unreadable) = unreadable() else { return };
    let mounted = Command::new("mount").args(["--bind", unreadable]).arg(tiny.at("/etc/broken")).output().unwrap();
    if !mounted.status.success() {
        skip("a broken file cannot be mounted");
        return;
    }
    let _unmount = Small::mounted(tiny.at("/etc/broken"));
    let why = fs::read(unreadable).unwrap_err().to_string();
    for jobs in ["1", "4"] {
        let mut command = install("whole-root", &image, &zonepath);
        run(command.args(["--jobs", jobs])).refused(NOTHING, &["etc/broken", &why]);
        assert_empty(&zonepath.join("root"));
        let mut command = pkgcreatezone();
        command.args(["-b", "whole-root", "--jobs", jobs, "--image"]).arg(&image);
        run(command.arg("--archive").arg(scratch.join("zone.tar.gz"))).refused(NOTHING, &["etc/broken", &why]);
        assert!(!scratch.join("zone.tar.gz").exists());
    }
}

#[test]
fn a_source_that_the_user_may_not_read() {
    if is_root() {
        skip("root may read everything");
        return;
    }
    let scratch = Scratch::new();
    let image = scratch.join("image");
    let mut tiny = Tiny::new(&image);
    tiny.file("/etc/secret", "x\n").write();
    fs::set_permissions(tiny.at("/etc/secret"), fs::Permissions::from_mode(0o0)).unwrap();
    let mut command = pkgcreatezone();
    command.args(["-b", "whole-root", "--image"]).arg(&image).arg("--archive").arg(scratch.join("zone.tar.gz"));
    run(&mut command).refused(NOTHING, &["etc/secret", "Permission denied"]);
    assert!(!scratch.join("zone.tar.gz").exists());
}

/// Starts an installation and stops it in a phase, when `begun` holds and `over` does not yet; tries again when it
/// was faster.
fn stopped(
    phase: &str,
    mut make: impl FnMut() -> Command,
    begun: impl Fn() -> bool,
    over: impl Fn() -> bool,
) -> Running {
    for _ in 0..50 {
        let mut running = Running::start(&mut make());
        if running.until(phase) {
            while !begun() && !running.ended() {
                std::hint::spin_loop();
            }
            running.signal("STOP");
            if running.stands_still() && !over() {
                return running;
            }
            running.signal("CONT");
        }
        let _ = running.end();
    }
    panic!("it is always faster than the test");
}

/// Nothing comes after the phase.
fn never() -> bool {
    false
}

/// A command into a zonepath that is new each time.
fn fresh<'s>(brand: &'s str, image: &'s Path, scratch: &'s Scratch) -> impl FnMut() -> Command + 's {
    move || {
        let _ = fs::remove_dir_all(scratch.join("z1"));
        install(brand, image, &scratch.zonepath("z1"))
    }
}

#[test]
fn a_signal_midway_empties_the_root() {
    if skip_without_root() {
        return;
    }
    let (scratch, image) = (Scratch::new(), big());
    let (zonepath, path) = (scratch.join("z1"), image.path());
    let before = marks(&path);
    for signal in ["INT", "TERM"] {
        let running =
            stopped("copying", fresh("whole-root", &path, &scratch), || filled(&zonepath.join("root/var")), never);
        running.signal(signal);
        running.signal("CONT");
        running.end().refused(NOTHING, &["interrupted"]);
        assert_empty(&zonepath.join("root"));
        // The zonepath can be used again as it is.
        run(&mut install("whole-root", &path, &zonepath)).succeeded();
    }
    assert_eq!(touched(&before, &marks(&path)), Vec::<String>::new());
}

#[test]
fn a_signal_midway_leaves_no_archive() {
    let (scratch, image) = (Scratch::new(), big());
    let make = || {
        let mut command = pkgcreatezone();
        command
            .args(["-b", "whole-root", "--image"])
            .arg(image.path())
            .arg("--archive")
            .arg(scratch.join("zone.tar.gz"));
        command
    };
    for signal in ["INT", "TERM"] {
        let running = stopped("archiving", make, || filled(scratch.path()), never);
        running.signal(signal);
        running.signal("CONT");
        running.end().refused(NOTHING, &["interrupted"]);
        assert!(!filled(scratch.path()), "something is left of the archive");
    }
}

/// Interrupted while the clone of /lib is made: the next run finishes it.
#[test]
fn a_signal_while_the_clone_of_lib_is_made() {
    if skip_without_root() {
        return;
    }
    let expected = Scratch::new();
    let image = expected.join("image");
    let mut tiny = Tiny::new(&image);
    for number in 0..3000 {
        tiny.file(&format!("/lib/folder{}/file{number}", number / 100), &format!("{number}\n"));
    }
    tiny.write();
    run(&mut install("sparse-root", &image, &expected.zonepath("z1"))).succeeded();
    for signal in ["TERM", "KILL"] {
        let scratch = Scratch::new();
        let make = || {
            let _ = fs::remove_dir_all(scratch.join("zonelib"));
            fresh("sparse-root", &image, &scratch)()
        };
        let begun = || filled(&scratch.join("zonelib/lib/folder1"));
        let running = stopped("shared libraries", make, begun, || filled(&scratch.join("z1")));
        running.signal(signal);
        running.signal("CONT");
        let ended = running.end();
        if signal == "TERM" {
            ended.refused(NOTHING, &["interrupted"]);
        }
        let zonepath = scratch.join("z1");
        assert!(!filled(&zonepath.join("root")), "a zone without its /lib");
        run(&mut install("sparse-root", &image, &zonepath)).succeeded();
        let (expected, found) = (tree::read(&expected.join("zonelib/lib")), tree::read(&scratch.join("zonelib/lib")));
        assert_same(&expected, &found);
    }
}

#[test]
fn a_killed_installation_is_not_taken_for_a_zone() {
    if skip_without_root() {
        return;
    }
    let (scratch, image) = (Scratch::new(), big());
    let zonepath = scratch.join("z1");
    let path = image.path();
    let running =
        stopped("copying", fresh("whole-root", &path, &scratch), || filled(&zonepath.join("root/var")), never);
    running.signal("KILL");
    let _ = running.end();
    // Nobody but root may look into half a zone.
    assert_eq!(fs::metadata(zonepath.join("root")).unwrap().mode() & 0o7777, 0o700);
    // Somebody who knows nothing of it, a zone of another name, leaves it alone.
    let before = marks(&zonepath);
    let mut other = pkgcreatezone();
    other.args(["-z", "z2", "-b", "whole-root", "-R"]).arg(&zonepath).arg("--image").arg(&path);
    other.arg("--state").arg(tests::run::state_of(&zonepath));
    run(&mut other).refused(OCCUPIED, &["z1/root", "did not finish", "remove it", "try again"]);
    assert_eq!(touched(&before, &marks(&zonepath)), Vec::<String>::new());
    let done = run(&mut install("whole-root", &path, &zonepath));
    done.succeeded();
    assert!(done.out.contains("`install`, which did not end, was undone first"), "{done:?}");
    assert_same(&clean("whole-root", &path), &zone_nodes(&zonepath));
}

/// The last script is interrupted: the zone is not whole.
#[test]
fn a_signal_during_the_last_script() {
    if skip_without_root() {
        return;
    }
    for (signal, script) in [("INT", "kill -INT $PPID\nexit 1\n"), ("TERM", "kill -TERM $PPID\n")] {
        let scratch = Scratch::new();
        let (zonepath, image) = (scratch.zonepath("z1"), scratch.join("image"));
        Tiny::new(&image).postinstall("LASTscript", &format!("#!/bin/sh\n{script}")).write();
        println!("{signal}");
        run(&mut install("whole-root", &image, &zonepath)).refused(NOTHING, &["interrupted"]);
        assert_empty(&zonepath.join("root"));
    }
}

/// Reference finding 26: packages change while they are copied.
#[test]
fn finding_26_packages_that_change_meanwhile() {
    let (scratch, image) = (Scratch::new(), Image::make(&Options { scale: 40, edge_cases: false }));
    let contents = image.on_disk("/var/sadm/install/contents");
    let change = |seconds| tests::tiny::set_time(&contents, seconds);
    let make = || {
        let mut command = pkgcreatezone();
        command
            .args(["-b", "whole-root", "--image"])
            .arg(image.path())
            .arg("--archive")
            .arg(scratch.join("zone.tar.gz"));
        command
    };
    let running = stopped("archiving", make, || filled(scratch.path()), never);
    change(1_800_000_001);
    running.signal("CONT");
    running.end().refused(NOTHING, &["changed", "try again"]);
    assert!(!filled(scratch.path()), "something is left of the archive");
    if skip_without_root() {
        return;
    }
    let (zonepath, path) = (scratch.join("z1"), image.path());
    let running =
        stopped("copying", fresh("whole-root", &path, &scratch), || filled(&zonepath.join("root/var")), never);
    change(1_800_000_002);
    running.signal("CONT");
    running.end().refused(NOTHING, &["changed", "try again"]);
    assert_empty(&zonepath.join("root"));
}
