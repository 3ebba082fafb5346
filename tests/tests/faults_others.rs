//! Others in the way while a zone is made: a second installation, somebody who plants links, a reader that went away.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{NOTHING, OCCUPIED, assert_same, big, clean, zone_nodes};
use tests::run::{Running, Scratch, image, install, run, skip_without_root};
use tests::tree::{self, marks, touched};

#[test]
fn two_zones_at_once_make_one_clone_of_lib() {
    if skip_without_root() {
        return;
    }
    let image = image();
    let expected = Scratch::new();
    run(&mut install("sparse-root", &image.path(), &expected.zonepath("z0"))).succeeded();
    for _ in 0..8 {
        let scratch = Scratch::new();
        let start = |name: &str| Running::start(&mut install("sparse-root", &image.path(), &scratch.zonepath(name)));
        let running = ["z1", "z2", "z3"].map(start);
        let mut made = 0;
        for running in running {
            let done = running.end();
            done.succeeded();
            made += usize::from(done.out.contains("zonelib/lib: "));
        }
        assert_eq!(made, 1, "one of them makes the clone");
        assert_same(&tree::read(&expected.join("zonelib/lib")), &tree::read(&scratch.join("zonelib/lib")));
        for name in ["z1", "z2", "z3"] {
            assert_same(&zone_nodes(&expected.join("z0")), &zone_nodes(&scratch.join(name)));
        }
    }
}

/// One makes the zone, the other keeps its hands off it. 254 would have zoneadm remove the zonepath.
#[test]
fn two_at_once_into_the_same_zonepath() {
    if skip_without_root() {
        return;
    }
    let image = big();
    let path = image.path();
    let expected = clean("whole-root", &path);
    for round in 0..12 {
        let scratch = Scratch::new();
        let zonepath = scratch.zonepath("z1");
        let running = [(), ()].map(|()| Running::start(&mut install("whole-root", &path, &zonepath)));
        let mut ended = running.map(Running::end);
        ended.sort_by_key(tests::run::Ran::code);
        assert_eq!(ended[0].code(), 0, "round {round}: nobody made the zone: {ended:#?}");
        ended[1].refused(OCCUPIED, &["z1"]);
        assert_same(&expected, &zone_nodes(&zonepath));
    }
}

/// Somebody plants symbolic links in the root while it is filled, and moves directories away.
#[test]
fn links_planted_meanwhile_lead_nowhere() {
    if skip_without_root() {
        return;
    }
    let (scratch, image) = (Scratch::new(), image());
    let canary = scratch.join("canary");
    for name in ["svc/profile", "sadm/pkg", "edge/live", "lib", "bin"] {
        fs::create_dir_all(canary.join(name)).unwrap();
        fs::write(canary.join(name).join("bird"), "sings\n").unwrap();
    }
    let before = marks(&canary);
    for round in 0..20 {
        let zonepath = scratch.zonepath(&format!("z{round}"));
        let root = zonepath.join("root");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| plant(&root, &canary, &done));
            let ran = run(&mut install("whole-root", &image.path(), &zonepath));
            done.store(true, Ordering::Relaxed);
            assert!([0, NOTHING, OCCUPIED].contains(&ran.code()), "{ran:#?}");
        });
        assert_eq!(touched(&before, &marks(&canary)), Vec::<String>::new(), "written outside of the zone root");
    }
}

fn plant(root: &Path, canary: &Path, done: &AtomicBool) {
    use rustix::fs::{CWD, Mode, OFlags, openat, renameat, symlinkat};
    // No link is followed here either, or this would be what it looks for.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let places: &[(&[&str], &[&str])] = &[
        (&[], &["etc", "var", "usr", "lib", "sbin"]),
        (&["etc"], &["svc", "edge", "zap", "inet"]),
        (&["var"], &["sadm", "svc", "edge"]),
        (&["var", "sadm"], &["pkg", "install", "overlays"]),
        (&["usr", "share"], &["edge", "man", "atlas"]),
    ];
    let mut number = 0;
    // All of this mostly fails, and that is as good.
    while !done.load(Ordering::Relaxed) {
        let Ok(top) = openat(CWD, root, flags, Mode::empty()) else { continue };
        for (above, names) in places {
            let parent =
                above.iter().try_fold(top.try_clone().unwrap(), |at, name| openat(at, *name, flags, Mode::empty()));
            let Ok(parent) = parent else { continue };
            for name in *names {
                number += 1;
                if number % 5 == 0 {
                    let _ = renameat(&parent, *name, &top, format!("moved-{number}"));
                }
                let _ = symlinkat(canary, &parent, *name);
            }
        }
    }
}

/// Runs an installation with the shell's redirections.
fn redirected(image: &Path, zonepath: &Path, how: &str, more: &str) -> tests::run::Ran {
    let script = format!("exec \"$0\" --config /nonexistent -z z1 -b whole-root -R \"$1\" --image \"$2\" {more} {how}");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).arg(tests::run::program("pkgcreatezone")).arg(zonepath).arg(image);
    run(&mut command)
}

/// zoneadmd closes descriptors; a file that gets one of the first three must not receive messages.
#[test]
fn closed_descriptors_do_no_harm() {
    if skip_without_root() {
        return;
    }
    let image = image();
    let expected = clean("whole-root", &image.path());
    for how in ["<&-", "2>&-", ">&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1"] {
        let scratch = Scratch::new();
        let zonepath = scratch.zonepath("z1");
        let done = redirected(&image.path(), &zonepath, how, "");
        assert_eq!(done.code(), 0, "{how}: the zone is installed: {done:#?}");
        assert_same(&expected, &zone_nodes(&zonepath));
    }
}

/// A reader that goes away is no reason to die.
#[test]
fn closed_pipes_do_no_harm() {
    if skip_without_root() {
        return;
    }
    let image = image();
    let expected = clean("whole-root", &image.path());
    for both in [false, true] {
        let scratch = Scratch::new();
        let zonepath = scratch.zonepath("z1");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = install("whole-root", &image.path(), &zonepath);
        command.stdout(writer.try_clone().unwrap());
        if both {
            command.stderr(writer);
        } else {
            command.stderr(std::process::Stdio::null());
        }
        assert_eq!(command.status().unwrap().code(), Some(0));
        assert_same(&expected, &zone_nodes(&zonepath));
    }
}

/// A plan is asked for its output: when that is lost, it is no success.
#[test]
fn a_plan_that_cannot_be_written() {
    let (scratch, image) = (Scratch::new(), image());
    for more in ["-n", "-n -v", "-n --json"] {
        let done = redirected(&image.path(), &scratch.join("z1"), ">/dev/full", more);
        assert_ne!(done.code(), 0, "{more}: {done:#?}");
        assert!(done.errors().len() == 1 && done.err.contains("No space left"), "{more}: {done:#?}");
    }
}

/// So it is with every program that is asked something.
#[test]
fn an_answer_that_cannot_be_written() {
    let image = image();
    let path = image.path();
    let asked: [(&str, Vec<&std::ffi::OsStr>); 5] = [
        ("be-uuid", vec![]),
        ("contents-query", vec!["totals".as_ref(), "--image".as_ref(), path.as_os_str()]),
        ("recipe", vec!["list".as_ref()]),
        ("recipe", vec!["show".as_ref(), "-b".as_ref(), "sparse-root".as_ref()]),
        ("zonelib-sync", vec!["--check".as_ref(), "--image".as_ref(), path.as_os_str()]),
    ];
    for (program, arguments) in asked {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let done = Command::new(tests::run::program(program)).args(&arguments).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{program} {arguments:?}: {said}");
        assert!(said.contains("No space left"), "{program} {arguments:?}: {said}");
    }
}

/// Processes of illumos may have 256 open files.
#[test]
fn few_descriptors_are_enough() {
    if skip_without_root() {
        return;
    }
    let image = image();
    let expected = clean("whole-root", &image.path());
    for jobs in [1, 2, 8, 32] {
        let scratch = Scratch::new();
        let zonepath = scratch.zonepath("z1");
        let mut command = Command::new("/bin/sh");
        let script =
            "ulimit -n 256; exec \"$0\" --config /nonexistent -z z1 -b whole-root -R \"$1\" --image \"$2\" --jobs $3";
        command.args(["-c", script]).arg(tests::run::program("pkgcreatezone")).arg(&zonepath).arg(image.path());
        run(command.arg(jobs.to_string())).succeeded();
        assert_same(&expected, &zone_nodes(&zonepath));
    }
}
