//! The program, run on small images.

#![allow(clippy::unwrap_used, reason = "all of this file is tests and what they share")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests::run::{Ran, Running, Scratch, run, skip_without_root};
use tests::sample::{self, Options};
use tests::tiny::Tiny;
use tests::tree;

const NEEDY: &str = "<service_bundle type='manifest' name='needy'><service name='needy' type='service' version='1'>\
    <dependency name='d' grouping='require_all' restart_on='none' type='service'>\
    <service_fmri value='svc:/system/hal'/></dependency></service></service_bundle>";
const HAL: &str = "<service_bundle type='manifest' name='hal'><service name='system/hal' type='service' version='1'/>\
    </service_bundle>";

struct Place {
    scratch: Scratch,
    image: Tiny,
}

impl Place {
    fn new() -> Self {
        let scratch = Scratch::new();
        let mut image = Tiny::new(&scratch.join("image"));
        image.accounts_of_caller();
        for directory in ["/lib", "/lib/svc", "/lib/svc/manifest", "/lib/svc/manifest/system", "/lib/svc/seed"] {
            image.directory(directory);
        }
        image.file("/lib/libc.so.1", "libc").file("/lib/svc/manifest/system/needy.xml", NEEDY);
        image.file("/lib/svc/manifest/system/hal.xml", HAL).write();
        // The stock list has the manifest of hal under another name.
        let config = scratch.join("etc/prune.d/lib");
        fs::create_dir_all(&config).unwrap();
        fs::write(config.join("site.prune"), "/lib/svc/manifest/system/hal.xml\n").unwrap();
        Self { scratch, image }
    }

    fn clone(&self) -> PathBuf {
        self.image.at("/zonelib/lib")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zonelib-sync"));
        command.arg("--image").arg(self.image.path()).arg("--config").arg(self.scratch.join("etc")).args(words);
        command.env("ZONEKIT_LAB", self.scratch.join("lab")).stdin(Stdio::null());
        command
    }

    fn ask(&self, words: &[&str]) -> Ran {
        run(&mut self.command(words))
    }

    /// Standard output of a run that ends without a word on standard error.
    fn answer(&self, words: &[&str], status: i32) -> String {
        let done = self.ask(words);
        assert_eq!((done.code(), &*done.err), (status, ""), "{words:?}");
        done.out
    }

    fn json(&self, words: &[&str], status: i32) -> Value {
        let data: Value = serde_json::from_str(&self.answer(&[words, &["--json"]].concat(), status)).unwrap();
        assert_eq!(data["version"], 1);
        data["clones"][0].clone()
    }

    fn refused(&self, words: &[&str]) -> String {
        let done = self.ask(words);
        assert_eq!((done.code(), &*done.out), (2, ""), "{words:?}");
        assert!(done.err.starts_with("zonelib-sync: ") && done.err.lines().count() == 1, "{words:?}: {}", done.err);
        done.err
    }

    /// The clone is what one would be that is made now.
    fn assert_fresh(&self, what: &str) {
        assert_eq!(self.json(&["--check"], 0)["state"], "current", "{what}");
        let other = Scratch::new();
        self.answer(&["--to", other.path().to_str().unwrap()], 0);
        let differences = tree::differences(&tree::read(&other.join("lib")), &tree::read(&self.clone()));
        assert!(differences.is_empty(), "{what}: {differences:#?}");
    }
}

#[test]
fn a_clone_is_made_checked_and_brought_up_to_date() {
    let mut place = Place::new();
    let shown = place.clone().display().to_string();
    let cannot = format!("{}: absent: it cannot be made here\n", place.image.at("/zonelib/.lib.repository").display());
    assert_eq!(place.answer(&["--check"], 1), format!("{shown}: absent: nothing says that it was ever made\n{cannot}"));
    assert!(!place.clone().exists(), "looking makes nothing");
    let said = place.answer(&[], 0);
    assert!(said.starts_with(&format!("{shown}: made of 7 objects\n")), "{said}");
    assert!(said.contains("warning: service `needy` stays but requires `system/hal`, which is pruned\n"), "{said}");
    for words in [&["--check"][..], &[]] {
        assert!(place.answer(words, 0).starts_with(&format!("{shown}: current\n{cannot}")));
        assert_eq!(place.answer(&[words, &["--no-import"]].concat(), 0), format!("{shown}: current\n"));
    }
    assert!(place.answer(&["--check", "-v"], 0).contains("requires `system/hal`"));

    place.image.file("/lib/libc.so.1", "LIBC").file("/lib/new", "new").remove("/lib/svc/seed").write();
    assert_eq!(place.json(&["--check"], 1)["state"], "stale");
    let said = place.answer(&[], 0);
    let expected = format!(
        "{shown}: brought up to date: 2 changed, 1 removed, 4 unchanged\n\
         replaced: /lib/libc.so.1\nadded: /lib/new\nremoved: /lib/svc/seed\n"
    );
    assert!(said.starts_with(&expected), "{said}");
    place.assert_fresh("updated");

    fs::write(place.clone().with_file_name(".lib.zonekit"), "nonsense").unwrap();
    assert_eq!(place.json(&["--check"], 1)["state"], "unfinished");
    let done = place.json(&[], 0);
    assert_eq!((&done["was"], &done["state"], &done["changed"]), (&"unfinished".into(), &"current".into(), &0.into()));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let mut place = Place::new();
    assert!(place.refused(&["--brand", "none"]).contains("unknown brand `none`"));
    assert!(place.refused(&["-b", "whole-root"]).contains("zones of brand `whole-root` mount no clone"));
    assert!(place.refused(&["--image", "/nonexistent"]).contains("cannot be used multiple times"));
    assert!(place.refused(&["--jobs", "0"]).contains("--jobs"));
    assert!(place.refused(&["file"]).contains("unexpected argument"));
    let image = place.image.path().to_str().unwrap().to_owned();
    assert!(place.refused(&["--to", &image]).contains("is no place for a clone of"));
    std::os::unix::fs::symlink("/", place.scratch.join("lib")).unwrap();
    assert!(place.refused(&["--to", place.scratch.path().to_str().unwrap()]).contains("is a symbolic link"));
    place.image.put("/var/sadm/install/pkglog", "+x\n");
    assert!(place.refused(&[]).contains("run `pkgadm sync -R"));
    fs::remove_file(place.image.at("/var/sadm/install/pkglog")).unwrap();
    fs::remove_file(place.image.at("/var/sadm/install/contents")).unwrap();
    assert!(place.refused(&[]).contains("var/sadm/install/contents"));
    assert!(!place.clone().exists());
}

#[test]
fn waiting_is_said_and_can_be_interrupted() {
    let place = Place::new();
    fs::create_dir_all(place.clone().parent().unwrap()).unwrap();
    let lock = fs::File::create(place.clone().with_file_name(".lib.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(place.clone().with_file_name(".lib.lock"), "4711\n").unwrap();
    let running = Running::start(&mut place.command(&[]));
    std::thread::sleep(Duration::from_millis(300));
    running.signal("TERM");
    let done = running.end();
    assert_eq!((done.code(), &*done.out), (2, ""));
    let lines: Vec<&str> = done.err.lines().collect();
    assert_eq!(lines[0], "zonelib-sync: waiting for process 4711, which changes the clone");
    assert_eq!(lines[1], format!("zonelib-sync: {}: interrupted", place.clone().display()));
    assert!(!place.clone().exists());
}

/// An image whose clone takes a while.
fn large() -> Place {
    let mut place = Place::new();
    for number in 0..200 {
        place.image.file(&format!("/lib/lib{number}.so"), &format!("{number} ").repeat(20_000));
    }
    place.image.write();
    place
}

#[test]
fn a_run_that_is_killed_is_finished_by_the_next() {
    let mut place = large();
    let mut unfinished = 0;
    for round in 0..16 {
        if round % 2 == 0 {
            // From nothing, or from what another image made.
            fs::remove_dir_all(place.image.at("/zonelib")).ok();
        } else {
            for number in (0..200).step_by(3) {
                place.image.file(&format!("/lib/lib{number}.so"), &format!("{number} {round} ").repeat(15_000));
            }
            place.image.write();
        }
        let running = Running::start(&mut place.command(&["--jobs", "1"]));
        std::thread::sleep(Duration::from_millis(3 * round));
        running.signal(if round % 3 == 0 { "TERM" } else { "KILL" });
        let done = running.end();
        let fresh = match done.code() {
            0 => 0,
            2 => 1,
            // It may have been killed when all was done, and it was about to end.
            _ => place.ask(&["--check"]).code(),
        };
        assert!(matches!(fresh, 0 | 1), "round {round}: {fresh}");
        let state = place.json(&["--check"], fresh)["state"].clone();
        unfinished += usize::from(state == "unfinished");
        if done.code() == 2 {
            assert!(done.err.ends_with(": interrupted\n"), "{done:?}");
        }
        place.answer(&["--jobs", "2"], 0);
        place.assert_fresh(&format!("round {round}, {state}"));
    }
    eprintln!("{unfinished} of 16 runs were stopped on the way");
}

#[test]
fn of_many_at_once_one_works() {
    let place = large();
    let running: Vec<Running> = (0..6).map(|_| Running::start(&mut place.command(&[]))).collect();
    let done: Vec<Ran> = running.into_iter().map(Running::end).collect();
    assert!(done.iter().all(|done| done.code() == 0), "{done:#?}");
    assert_eq!(done.iter().filter(|done| done.out.contains(": made of ")).count(), 1, "{done:#?}");
    place.assert_fresh("many at once");
}

/// The sample image with everything in it that is difficult.
#[test]
fn a_clone_of_a_whole_system_is_made_and_mended() {
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    let sample = sample::make(&scratch.join("image"), &Options::default()).unwrap();
    let sync = |to: &str, words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zonelib-sync"));
        command.args(["--config", "/nonexistent", "--json", "--image"]).arg(&sample.root);
        let done = run(command.arg("--to").arg(scratch.join(to)).args(words));
        assert_eq!(done.code(), 0, "{done:?}");
        serde_json::from_str::<Value>(&done.out).unwrap()["clones"][0].clone()
    };
    let done = sync("a", &[]);
    assert_eq!(done["broken_dependencies"].as_array().unwrap().len(), sample.stranded_services.len());
    let clone = scratch.join("a/lib");
    let inside = |path: &PathBuf| clone.join(path.strip_prefix("/lib").unwrap());
    assert!(sample.kept_services.iter().all(|path| inside(path).is_file()));
    assert!(sample.pruned_services.iter().all(|path| !inside(path).exists()));
    let whole = tree::read(&clone);

    // Everything in it is spoilt in some way, and nothing says that it was ever whole.
    let places: Vec<PathBuf> =
        whole.keys().filter(|path| !path.is_empty()).map(|path| clone.join(tests::tiny::path_of(path))).collect();
    for (number, place) in places.iter().enumerate() {
        let Ok(found) = fs::symlink_metadata(place) else { continue };
        match number % 4 {
            _ if found.is_dir() => fs::write(place.join("junk"), "").unwrap(),
            0 => fs::remove_file(place).unwrap(),
            1 if found.is_file() => fs::write(place, "spoilt").unwrap(),
            2 => {
                fs::remove_file(place).unwrap();
                fs::create_dir_all(place.join("deep/er")).unwrap();
            }
            _ => {
                fs::remove_file(place).unwrap();
                std::os::unix::fs::symlink("/etc", place).unwrap();
            }
        }
    }
    fs::write(scratch.join("a/.lib.zonekit"), "").unwrap();
    assert_eq!(sync("a", &["--jobs", "3"])["was"], "unfinished");
    let differences = tree::differences(&whole, &tree::read(&clone));
    assert!(differences.is_empty(), "{differences:#?}");
}

#[cfg(feature = "lab")]
mod lab {
    use super::*;

    /// A stand-in for pkgadm(8). Another process writes it: what this one still held open for writing while
    /// it starts others could not be run.
    fn pkgadm(place: &Place, script: &str) {
        let path = place.scratch.join("lab/usr/bin/pkgadm");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let write = "printf '#!/bin/sh\n%s\n' \"$1\" > \"$0\" && chmod 755 \"$0\"";
        let done = Command::new("/bin/sh").args(["-c", write]).arg(&path).arg(script).status().unwrap();
        assert!(done.success());
    }

    #[test]
    fn pending_changes_are_written_first() {
        let place = Place::new();
        let pending = place.image.at("/var/sadm/install/pkglog");
        fs::write(&pending, "+x\n").unwrap();
        let image = place.image.path().display().to_string();
        pkgadm(&place, &format!("[ \"$*\" = 'sync -R {image} -q' ] && : > '{}'", pending.display()));
        assert!(place.refused(&["--check"]).contains("run `pkgadm sync -R"), "looking changes nothing");
        assert!(place.answer(&[], 0).contains("made of"));
    }

    #[test]
    fn package_tools_that_fail_are_believed() {
        let place = Place::new();
        pkgadm(&place, "echo 'ERROR: no space' >&2; exit 1");
        let said = place.refused(&[]);
        assert!(said.contains("pkgadm sync") && said.contains("no space"), "{said}");
        assert!(!place.clone().exists());
    }
}
