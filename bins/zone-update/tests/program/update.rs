//! Zones follow, and keep what was changed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use crate::NONE;
use crate::common::Place;
use serde_json::Value;
use tests::run::{Running, run, skip_without_root};
use tests::tree;

/// What an update of the edited zone says.
const STEPS: [&str; 18] = [
    "kept: /etc/added: is new in the packages, and a file of the zone is there; the new one is `added.new`",
    "replaced: /etc/becomes",
    "removed: /etc/becomes/file",
    "replaced: /etc/clean",
    "kept: /etc/dropped: is in no package any more, but was changed in the zone",
    "kept: /etc/edited: was changed in the zone, and in the packages; the new one is `edited.new`",
    "removed: /etc/gone.d",
    "removed: /etc/gone.d/gone",
    "replaced: /etc/link",
    "replaced: /etc/plain",
    "kept: /etc/removed: was removed in the zone; the new one is `removed.new`",
    "kept: /etc/swapped: was changed in the zone, and in the packages; the new one is `swapped.new`",
    "replaced: /etc/zap/repositories/one.catalog",
    "added: /var/sadm/pkg/TRIBnew",
    "added: /var/sadm/pkg/TRIBnew/pkginfo",
    "removed: /var/sadm/pkg/TRIBold",
    "",
    "",
];

fn edited(brand: &'static str) -> Place {
    let mut place = Place::new(brand);
    place.install();
    place.edit();
    place.second_version();
    place
}

#[test]
fn a_zone_follows_and_keeps_what_was_changed() {
    if skip_without_root() {
        return;
    }
    let place = edited("sparse-root");
    let expected: Vec<&str> = STEPS.into_iter().filter(|line| !line.is_empty()).collect();
    let before = tree::marks(place.scratch.path());
    assert_eq!(place.steps(&["-n"], 1), expected);
    assert_eq!(tree::touched(&before, &tree::marks(place.scratch.path())), NONE, "-n touches nothing");
    let conflicts: Vec<&str> = expected.iter().copied().filter(|line| line.starts_with("kept")).collect();
    assert_eq!(place.steps(&[], 1), conflicts);

    for (path, text) in [
        ("/etc/plain", "two"),
        ("/etc/clean", "clean: files dns mdns\n"),
        ("/etc/edited", "edited: dns\n"),
        ("/etc/edited.new", "edited: files dns mdns\n"),
        ("/etc/swapped", "swapped: dns files\n"),
        ("/etc/swapped.new", "swapped: files dns mdns\n"),
        ("/etc/removed.new", "removed: files dns mdns\n"),
        ("/etc/mine", "mine\n"),
        ("/etc/dropped", "kept"),
        ("/etc/added", "mine"),
        ("/etc/added.new", "added"),
        ("/etc/stray", "stray"),
        ("/etc/svc/repository.db", "seed\n"),
        ("/etc/zap/repositories/one.catalog", "one|2\n"),
    ] {
        assert_eq!(place.read(path), text, "{path}");
    }
    for path in ["/etc/away", "/etc/removed", "/etc/gone.d", "/var/sadm/pkg/TRIBold"] {
        assert!(fs::symlink_metadata(place.at(path)).is_err(), "{path}");
    }
    for path in ["/etc/link", "/etc/becomes"] {
        assert_eq!(fs::read_link(place.at(path)).unwrap().to_str(), Some("./same"), "{path}");
    }
    let mode = |path| fs::metadata(place.at(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("/etc/clean"), mode("/etc/edited.new"), mode("/etc/plain")), (0o640, 0o640, 0o644));
    assert!(place.contents().contains("/etc/added f none 0644"), "{}", place.contents());
    assert!(!place.contents().contains("/etc/dropped"));
    let shared = fs::read_to_string(place.scratch.join("zonelib/lib/svc/seed/nonglobal.db")).unwrap();
    assert_eq!(shared, "seed\n");

    let before = tree::marks(&place.zonepath());
    let again = place.ask(&[]);
    assert_eq!(
        (again.code(), again.out.lines().last().unwrap().ends_with("root: up to date")),
        (0, true),
        "{again:#?}"
    );
    assert_eq!(tree::touched(&before, &tree::marks(&place.zonepath())), NONE, "the second run changes nothing");
    assert_eq!(place.steps(&["--verify", "-v"], 0), NONE);
}

#[test]
fn a_whole_root_zone_gets_its_programs() {
    if skip_without_root() {
        return;
    }
    let place = edited("whole-root");
    fs::set_permissions(place.at("/usr/bin/tool"), PermissionsExt::from_mode(0o500)).unwrap();
    let done = place.ask(&["--json"]);
    assert_eq!((done.code(), &*done.err), (1, ""), "{done:#?}");
    let data: Value = serde_json::from_str(&done.out).unwrap();
    let zone = &data["zones"][0];
    assert_eq!((&data["version"], &zone["brand"]), (&1.into(), &"whole-root".into()));
    let steps = zone["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["path"] == "/usr/bin/tool" && step["what"] == "replaced"), "{zone:#}");
    assert_eq!(zone["counts"]["conflicts"], 5, "{zone:#}");
    assert_eq!(place.read("/usr/bin/tool"), "tool two");
    let mode = fs::metadata(place.at("/usr/bin/tool")).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o500, "the mode that the zone gave it stays");
    assert_eq!(place.steps(&[], 0), NONE);
}

#[test]
fn packages_of_the_zone_stay() {
    if skip_without_root() {
        return;
    }
    let mut place = Place::new("sparse-root");
    place.install();
    place.own_package();
    place.second_version();
    place.steps(&[], 0);
    let contents = place.contents();
    for line in [
        "/opt d none 0755 root sys TRIBown\n",
        "/opt/own d none 0755 root bin TRIBown\n",
        "/etc d none 0755 root bin SUNWcs TRIBown\n",
    ] {
        assert!(contents.contains(line), "{line}: {contents}");
    }
    assert!(contents.contains("/etc/own.conf f none"), "{contents}");
    assert!(contents.ends_with("package\n# Tue Nov 14 22:13:20 2023\n"), "{contents}");
    let paths: Vec<&str> = contents.lines().filter(|line| line.starts_with('/')).collect();
    assert!(paths.iter().map(|line| line.split([' ', '=']).next().unwrap()).is_sorted(), "{contents}");
    assert_eq!((place.read("/opt/own/tool"), place.read("/etc/own.conf")), ("own".into(), "own".into()));
    assert!(place.at("/var/sadm/pkg/TRIBown/save/pspool/TRIBown").is_dir());
    assert_eq!(place.steps(&[], 0), NONE);
    // The image now has what the package of the zone has.
    place.image.file("/etc/own.conf", "of the image").write();
    let said = place.steps(&[], 1);
    let line =
        "kept: /etc/own.conf: is new in the packages, and a file of the zone is there; the new one is `own.conf.new`";
    assert_eq!(said, [line]);
    assert_eq!(place.read("/etc/own.conf"), "own");
    assert!(place.contents().contains(" SUNWcs TRIBown\n"));
}

/// Links to everywhere, FIFOs and directories for files: nothing is followed, nothing waits, and what is
/// there stays.
#[test]
fn a_hostile_zone_is_not_followed() {
    if skip_without_root() {
        return;
    }
    let place = edited("sparse-root");
    let outside = place.scratch.join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["passwd", "edited.new", "plain", "file"] {
        fs::write(outside.join(name), "outside").unwrap();
    }
    let mkfifo = |path: &str| assert!(Command::new("mkfifo").arg(place.at(path)).status().unwrap().success());
    let swap_for_link = |path: &str, target: &std::path::Path| {
        fs::remove_file(place.at(path)).unwrap();
        symlink(target, place.at(path)).unwrap();
    };
    swap_for_link("/etc/plain", &outside.join("plain"));
    fs::remove_file(place.at("/etc/clean")).unwrap();
    mkfifo("/etc/clean");
    symlink(outside.join("edited.new"), place.at("/etc/edited.new")).unwrap();
    mkfifo("/etc/swapped.new");
    symlink(outside.join("passwd"), place.at("/etc/.zonekit-new")).unwrap();
    fs::remove_dir_all(place.at("/etc/becomes")).unwrap();
    symlink(&outside, place.at("/etc/becomes")).unwrap();
    fs::remove_dir_all(place.at("/etc/zap")).unwrap();
    symlink(&outside, place.at("/etc/zap")).unwrap();
    let marks = tree::marks(&outside);
    let said = place.steps(&[], 1);
    assert_eq!(tree::touched(&marks, &tree::marks(&outside)), NONE);
    for line in [
        "kept: /etc/plain: was changed in the zone, and in the packages; the new one is `plain.new`",
        "kept: /etc/clean: was changed in the zone, and in the packages; the new one is `clean.new`",
        "kept: /etc/edited: was changed in the zone, and in the packages; the new one is `edited.new.1`",
        "kept: /etc/swapped: was changed in the zone, and in the packages; the new one is `swapped.new.1`",
        "kept: /etc/becomes: was changed in the zone, and in the packages; the new one is `becomes.new`",
        "kept: /etc/zap/repositories/one.catalog: cannot be made: it lies below something that is no directory in the zone",
    ] {
        assert!(said.contains(&line.to_owned()), "{line}: {said:#?}");
    }
    assert_eq!(
        (place.read("/etc/plain.new"), place.read("/etc/edited.new.1")),
        ("two".into(), "edited: files dns mdns\n".into())
    );
}

fn many_name(number: u32) -> String {
    format!("/usr/bin/many{number:03}")
}

/// A zone with much to do.
fn many() -> Place {
    let mut place = Place::new("whole-root");
    for number in 0..300 {
        place.image.file(&many_name(number), "old");
    }
    place.image.write();
    place.install();
    place.edit();
    for number in 0..300 {
        if number < 250 {
            place.image.file(&many_name(number), "new");
        } else {
            place.image.remove(&many_name(number));
        }
    }
    place.second_version();
    place
}

/// Somebody loses patience.
#[test]
fn an_interruption_is_said() {
    if skip_without_root() {
        return;
    }
    for _ in 0..10 {
        let place = many();
        let mut running = Running::start(&mut place.on_root(&[]));
        while !running.ended() && place.read("/etc/plain") == "one" {
            std::thread::yield_now();
        }
        running.signal("INT");
        let done = running.end();
        if done.code() == 2 {
            assert_eq!(done.out, "");
            assert!(done.err.ends_with("/root: interrupted; run it again to go on\n"), "{}", done.err);
            return;
        }
    }
    panic!("no run was interrupted in time");
}

/// Killed at any moment, the next run comes to the same end.
#[test]
fn an_update_that_was_killed_is_finished_by_the_next() {
    if skip_without_root() {
        return;
    }
    let undisturbed = many();
    undisturbed.steps(&[], 1);
    let expected = undisturbed.tree();
    let mut halfway = 0;
    for delay in 0..8 {
        let place = many();
        let mut killed = 0;
        for step in 0..3 {
            let mut running = Running::start(&mut place.on_root(&[]));
            let marker = many_name(delay * 12 + step * 80);
            while !running.ended() && place.read(&marker) == "old" {
                std::thread::yield_now();
            }
            running.signal("KILL");
            killed += u32::from(running.end().code() == -1);
            let begun = place.read("/etc/plain") == "two";
            halfway += u32::from(begun && !place.contents().contains("/etc/added "));
        }
        let last = place.ask(&[]);
        assert!(matches!(last.code(), 0 | 1), "{last:#?}");
        let mut found = place.tree();
        // Editing takes place at another moment in every zone.
        for (path, node) in &mut found {
            if let Some(other) = expected.get(path)
                && other.digest == node.digest
                && ["etc/edited", "etc/mine", "etc/swapped", "etc/dropped", "etc/added", "etc/stray"]
                    .iter()
                    .any(|edited| edited.as_bytes() == path.as_slice())
            {
                node.modified = other.modified;
            }
        }
        let differences = tree::differences(&expected, &found);
        assert!(differences.is_empty(), "{delay}, killed {killed} times: {differences:#?}");
        assert_eq!(place.steps(&[], 0), NONE);
    }
    assert!(halfway > 0, "no run was killed while it changed the zone");
}

#[test]
fn classes_say_where_the_edited_file_goes() {
    if skip_without_root() {
        return;
    }
    let mut place = Place::new("sparse-root");
    let line = |name: &str, class: &str, text: &str| {
        format!("/etc/{name} e {class} 0644 root bin {} SUNWcs", tests::tiny::measures(text))
    };
    for (name, class) in [("old", "renameold"), ("keep", "preserve")] {
        place.image.editable(&format!("/etc/{name}"), "one", "live").line(line(name, class, "one"));
    }
    place.image.write();
    place.install();
    for name in ["old", "keep"] {
        fs::write(place.at(&format!("/etc/{name}")), "edited").unwrap();
        place.image.editable(&format!("/etc/{name}"), "two", "live");
    }
    place.image.line(line("old", "renameold", "two")).line(line("keep", "preserve", "two")).write();
    assert_eq!(
        place.steps(&["-v"], 1),
        [
            "kept: /etc/keep: was changed in the zone, and its package wants no more than that",
            "set aside: /etc/old: was changed in the zone, and in the packages; that of the zone is `old.old`",
        ]
    );
    assert_eq!(
        (place.read("/etc/old"), place.read("/etc/old.old"), place.read("/etc/keep")),
        ("two".into(), "edited".into(), "edited".into())
    );
    assert_eq!(place.steps(&[], 0), NONE);
}

#[test]
fn hard_links_follow_their_file() {
    if skip_without_root() {
        return;
    }
    use std::os::unix::fs::MetadataExt;
    let mut place = Place::new("whole-root");
    place
        .image
        .file("/usr/bin/ed", "ed one")
        .line("/usr/bin/red=ed l none SUNWcs")
        .line("/usr/bin/wed=ed l none SUNWcs");
    for name in ["red", "wed"] {
        fs::hard_link(place.image.at("/usr/bin/ed"), place.image.at(&format!("/usr/bin/{name}"))).unwrap();
    }
    place.image.write();
    place.install();
    fs::remove_file(place.at("/usr/bin/wed")).unwrap();
    fs::write(place.at("/usr/bin/wed"), "mine").unwrap();
    fs::remove_file(place.image.at("/usr/bin/ed")).unwrap();
    place.image.file("/usr/bin/ed", "ed two").write();
    assert_eq!(
        place.steps(&["-v"], 1),
        [
            "replaced: /usr/bin/ed",
            "replaced: /usr/bin/red",
            "kept: /usr/bin/wed: was changed in the zone, and in the packages; the new one is `wed.new`",
        ]
    );
    let inode = |path: &str| fs::metadata(place.at(path)).unwrap().ino();
    assert_eq!(inode("/usr/bin/ed"), inode("/usr/bin/red"));
    assert_eq!((place.read("/usr/bin/red"), place.read("/usr/bin/wed")), ("ed two".into(), "mine".into()));
    assert_eq!(place.steps(&[], 0), NONE);
}

#[test]
fn what_cannot_be_updated_is_said_in_one_line() {
    if skip_without_root() {
        return;
    }
    let place = Place::new("sparse-root");
    place.install();
    let refused = |words: &[&str]| {
        let done = place.ask(words);
        assert_eq!((done.code(), &*done.out), (2, ""), "{done:#?}");
        assert!(done.err.starts_with("zone-update: ") && done.err.lines().count() == 1, "{}", done.err);
        done.err
    };
    let contents = place.contents();
    fs::write(place.at("/var/sadm/install/contents"), contents.replacen("/etc/plain f", "/etc/plain q", 1)).unwrap();
    let said = refused(&[]);
    assert!(said.contains("var/sadm/install/contents: line ") && said.contains("unknown kind `q`"), "{said}");
    fs::remove_file(place.at("/var/sadm/install/contents")).unwrap();
    assert!(refused(&[]).contains("the zone's package database cannot be read: No such file"));
    assert!(Command::new("mkfifo").arg(place.at("/var/sadm/install/contents")).status().unwrap().success());
    assert!(refused(&[]).contains("is not a regular file"));
    fs::remove_file(place.at("/var/sadm/install/contents")).unwrap();
    let huge = fs::File::create(place.at("/var/sadm/install/contents")).unwrap();
    huge.set_len(257 * 1024 * 1024).unwrap();
    assert!(refused(&[]).contains("is larger than"));
    fs::write(place.at("/var/sadm/install/contents"), &contents).unwrap();
    fs::write(place.at("/var/sadm/install/pkglog"), "+/x\n").unwrap();
    assert!(refused(&[]).contains("run `pkgadm sync` in the zone"));
    fs::remove_file(place.at("/var/sadm/install/pkglog")).unwrap();
    fs::write(place.at("/var/sadm/pkg/SUNWcs/pkginfo"), "VERSION=11.4\n").unwrap();
    assert!(
        refused(&[]).contains("is of another release than the image: package SUNWcs 11 in the zone, 0 in the image")
    );
    let ask = |words: &[&str]| run(place.command(words).stdin(Stdio::null())).err;
    assert!(ask(&["--root", "/nonexistent/root", "-b", "sparse-root"]).contains("/nonexistent/root: No such file"));
    assert!(ask(&["--root", "/x"]).contains("give -b BRAND"));
    assert!(ask(&["--all", "-b", "sparse-root"]).contains("leave out -b"));
    assert!(ask(&[]).contains("--all"));
}
