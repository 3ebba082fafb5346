//! Hooks with closed descriptors, full outputs, foreign users, odd environments and interruptions; what they
//! are asked that they do not know, and manifests that are not what they should be.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod hooks_common;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::Command;

use hooks_common::{
    Outside, clean, datasets, failed, hook, hook_at, installed, no_journal, plain, ran, said, same_trees, unchanged,
    zone_tree,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tests::lab::Fault;
use tests::run::skip_without_root;
use tests::scenario::World;

/// Every hook on an installed zone, with arguments that change nothing but for the last ones, in this order.
const CALLS: [(&str, &[&str]); 11] = [
    ("query", &["datasets"]),
    ("verify-adm", &["boot"]),
    ("prestate", &["2", "0"]),
    ("poststate", &["2", "0"]),
    ("prestate", &["2", "1"]),
    ("poststate", &["4", "4"]),
    ("uninstall", &["--check"]),
    ("detach", &["-n"]),
    ("detach", &[]),
    ("attach", &[]),
    ("uninstall", &["-F"]),
];

/// The same through a shell that changes the descriptors.
fn redirected(command: &Command, redirections: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(format!("exec \"$@\" {redirections}"))
        .arg("sh")
        .arg(command.get_program())
        .args(command.get_args());
    shell.env_clear();
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell.current_dir("/").stdin(std::process::Stdio::null());
    shell
}

#[test]
fn closed_and_full_descriptors() {
    if skip_without_root() {
        return;
    }
    for redirections in ["<&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-", ">&-", ">/dev/full", ">/dev/full 2>/dev/full", "</"]
    {
        println!("{redirections}");
        let world = installed();
        let outside = Outside::plant(&world, &[]);
        for (name, more) in CALLS {
            let done = ran(&mut redirected(&hook(&world, "z1", name, more), redirections));
            // What was asked for has to be printed; what is for people only need not be.
            let prints = name == "query" || more == ["-n"];
            let full = redirections.contains(">/dev/full");
            assert_eq!(done.code(), if prints && full { 255 } else { 0 }, "{name} {more:?} {redirections}: {done:?}");
            outside.is_as_it_was(&world);
        }
        assert!(world.lab.dataset("rpool/zones/z1").is_none());
        no_journal(&world);
    }
}

#[test]
fn the_environment_does_not_matter() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    for (name, more) in CALLS {
        let mut command = hook(&world, "z1", name, more);
        command.envs([
            ("PATH", "/nonexistent"),
            ("HOME", "/nonexistent"),
            ("IFS", "/z"),
            ("LC_ALL", "tlh"),
            ("TMPDIR", "/x"),
        ]);
        command.envs([
            ("LD_LIBRARY_PATH", "/nonexistent"),
            ("RUST_BACKTRACE", "full"),
            ("RUST_LOG", "trace"),
            ("ENV", "/x"),
        ]);
        command.envs([("NO_COLOR", ""), ("CLICOLOR_FORCE", "1"), ("COLUMNS", "1"), ("TERM", "\u{1b}[31m")]);
        let done = ran(&mut command);
        assert_eq!((done.code(), done.err.as_str()), (0, ""), "{name} {more:?}");
        assert!(!done.out.contains('\u{1b}'));
    }
    assert!(world.lab.dataset("rpool/zones/z1").is_none());
}

#[test]
fn who_is_not_root_is_told() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
    for (name, more) in [("detach", &[][..]), ("attach", &[]), ("uninstall", &["-F"]), ("clone", &["z1"])] {
        let done = ran(hook(&world, "z1", name, more).uid(65534).gid(65534));
        if done.status.code() == Some(126) {
            return;
        }
        assert_eq!(done.code(), 255, "{name}");
        said(&done.err, name, &["root"]);
    }
    unchanged(&world, &before);
    same_trees(&tree, &zone_tree(&world, "z1"));
}

#[test]
fn arguments_that_make_no_sense() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
    let cases: [(&str, &[&str]); 12] = [
        ("uninstall", &["--no-such-flag"]),
        ("uninstall", &["word"]),
        ("detach", &["-x"]),
        ("attach", &["-a", "/a", "-d", "/b"]),
        ("attach", &["-a"]),
        ("attach", &["--max-size", "much"]),
        ("clone", &[]),
        ("clone", &["-m", "magic", "z1"]),
        ("clone", &["../z1"]),
        ("clone", &["z1"]),
        ("verify-cfg", &[]),
        ("verify-adm", &[]),
    ];
    for (name, more) in cases {
        let done = ran(&mut hook(&world, "z1", name, more));
        assert_eq!(done.code(), 253, "{name} {more:?}");
        said(&done.err, name, &[]);
    }
    for (name, more) in [("prestate", &["2", "ready"][..]), ("poststate", &[]), ("prestate", &["-1", "0"])] {
        let done = ran(&mut hook(&world, "z1", name, more));
        assert_eq!(done.code(), 253, "{name} {more:?}");
        said(&done.out, name, &[]);
    }
    // zoneadm would take success for a zone that is gone.
    for flag in ["-h", "-?", "--help", "--version"] {
        assert_eq!(ran(&mut hook(&world, "z1", "uninstall", &[flag])).code(), 253);
        assert_ne!(world.zoneadm("z1", &["uninstall", "-F", flag]).code, 0);
        assert_eq!(world.state("z1"), "installed");
    }
    for (number, more) in [("7", "4"), ("2", "9"), ("99", "0")] {
        assert_eq!(ran(&mut hook(&world, "z1", "poststate", &[number, more])).code(), 0);
    }
    unchanged(&world, &before);
    same_trees(&tree, &zone_tree(&world, "z1"));
}

#[test]
fn query_answers_one_word() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    let path = plain(&world, "p1");
    let asked = |more: &[&str]| {
        let done = ran(&mut hook(&world, "z1", "query", more));
        (done.code(), done.out, done.err)
    };
    let answer = |text: &str| (0, text.to_owned(), String::new());
    assert_eq!(asked(&["datasets"]), answer("rpool/zones/z1/ROOT"));
    for words in [&["env"][..], &["env", "datasets"], &["-x"], &["--help-me"], &["datasets-too"], &[""], &[]] {
        assert_eq!(asked(words), answer(""), "{words:?}");
    }
    let done = ran(&mut hook_at(&world, "p1", &path, "query", &["datasets"]));
    assert_eq!((done.code(), done.out.as_str()), (0, "-"));
    let done = ran(&mut hook_at(&world, "p1", &path.join("nonexistent"), "query", &["datasets"]));
    assert_eq!((done.code(), done.out.as_str()), (0, "-"));
}

#[test]
fn detached_manifests_that_are_not_what_they_should_be() {
    if skip_without_root() {
        return;
    }
    let world = installed();
    let path = plain(&world, "p1");
    world.zoneadm("p1", &["install"]).well();
    for (zone, zonepath) in [("z1", world.zonepath("z1")), ("p1", path)] {
        world.zoneadm(zone, &["detach"]).well();
        let manifest = zonepath.join("SUNWdetached.xml");
        let good = fs::read_to_string(&manifest).unwrap();
        let outside = Outside::plant(&world, &[]);
        let before = datasets(&world);
        let refused = |words: &[&str]| {
            failed(&world.zoneadm(zone, &["attach"]), "attach", words);
            assert_eq!(world.state(zone), "configured");
            unchanged(&world, &before);
            outside.is_as_it_was(&world);
            no_journal(&world);
        };
        let entity = good.replacen("<zone ", "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><zone ", 1);
        for (text, words) in [
            (
                good.replace("\"sparse-root\"", "\"whole-root\""),
                &["`whole-root`", "not `sparse-root`", "configure it"][..],
            ),
            (good.replace("\"sparse-root\"", "\"lx\""), &["`lx`", "SUNWdetached.xml"]),
            (good.replace("\"sparse-root\"", "\"../../x\""), &["SUNWdetached.xml"]),
            (good.replace("</zone>", ""), &["SUNWdetached.xml"]),
            (String::new(), &["SUNWdetached.xml"]),
            ("\u{0}\u{1b}[31m<zone".to_owned(), &["SUNWdetached.xml"]),
            ("<a>".repeat(100_000), &["SUNWdetached.xml"]),
            (" ".repeat(2 << 20), &["SUNWdetached.xml"]),
            (entity, &["SUNWdetached.xml"]),
        ] {
            fs::write(&manifest, text).unwrap();
            refused(words);
        }
        fs::remove_file(&manifest).unwrap();
        symlink(world.beside("marker").join("file"), &manifest).unwrap();
        refused(&["SUNWdetached.xml"]);
        fs::remove_file(&manifest).unwrap();
        mknodat(CWD, &manifest, FileType::Fifo, Mode::from_bits_retain(0o600), 0).unwrap();
        refused(&["SUNWdetached.xml"]);
        fs::remove_file(&manifest).unwrap();
        fs::write(&manifest, good).unwrap();
        world.zoneadm(zone, &["attach"]).well();
        assert!(!manifest.exists());
    }
}

/// What zoneadm thinks of a zone is true whenever somebody interrupts.
#[test]
fn interrupted_at_any_command() {
    if skip_without_root() {
        return;
    }
    let cases: [(&str, &[&str]); 4] = [("detach", &[]), ("attach", &[]), ("clone", &["z1"]), ("uninstall", &["-F"])];
    for (name, more) in cases {
        for at in 1.. {
            let world = installed();
            if name == "attach" {
                world.zoneadm("z1", &["detach"]).well();
            }
            if name == "clone" {
                world.configure("z2", "sparse-root");
            }
            let zone = if name == "clone" { "z2" } else { "z1" };
            let (before, tree) = (datasets(&world), zone_tree(&world, "z1"));
            world.lab.reset_log();
            world.lab.fault(Some(&Fault::InterruptBefore(at)));
            let done = ran(&mut hook(&world, zone, name, more));
            world.lab.fault(None);
            no_journal(&world);
            clean(&done.err);
            if done.code() == 0 {
                assert_ne!(datasets(&world), before, "{name} {at}");
            } else {
                assert_eq!(done.code(), 255, "{name} {at}");
                said(&done.err, name, &["interrupted"]);
                unchanged(&world, &before);
                same_trees(&tree, &zone_tree(&world, "z1"));
            }
            if world.lab.log().len() < at {
                break;
            }
        }
    }
}

#[test]
fn configurations_that_make_no_sense() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let path = world.zonepath("z1");
    for (commands, words) in [
        ("create -b; set brand=sparse-root", &["/usr is not mounted", "add fs"][..]),
        ("create -t TRIBsparse; remove fs dir=/lib", &["/lib is not mounted", "special=/zonelib/lib"]),
        ("create -t TRIBsparse; select fs dir=/usr; remove options ro; end", &["/usr is not mounted read-only"]),
    ] {
        let commands = format!("{commands}; set zonepath={}; verify; commit", path.display());
        let did = world.run("zonecfg", &["-z", "z1", &commands]);
        assert_ne!(did.code, 0, "{did:?}");
        clean(&did.err);
        for word in words {
            assert!(did.err.contains(word), "{word}: {did:?}");
        }
        assert_eq!(world.state("z1"), "");
    }
    for file in ["/nonexistent/file", "/", "/dev/null"] {
        let done = ran(&mut hook(&world, "z1", "verify-cfg", &[file]));
        assert_eq!(done.code(), 255, "{file}");
        said(&done.err, "verify-cfg", &[file]);
    }
}
