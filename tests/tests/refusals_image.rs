//! Bad images and recipes: one line of error, the exit status of the hook protocol, and nothing created or changed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use common::{NOTHING, USAGE, refused};
use tests::run::{Scratch, image, install, is_root, pkgcreatezone, run};
use tests::tiny::Tiny;

#[test]
fn images_that_are_none() {
    let scratch = Scratch::new();
    let zonepath = scratch.zonepath("z1");
    fs::create_dir(scratch.join("empty")).unwrap();
    fs::write(scratch.join("file"), "a file\n").unwrap();
    fs::create_dir_all(scratch.join("half/var/sadm/install")).unwrap();
    let given: &[(&str, &[&str])] = &[
        ("missing", &["missing", "No such file"]),
        ("empty", &["empty/var/sadm/install/contents", "No such file"]),
        ("file", &["file", "Not a directory"]),
        ("half", &["half/var/sadm/install/contents", "No such file"]),
    ];
    for (name, words) in given {
        refused(|| install("whole-root", &scratch.join(name), &zonepath), &[scratch.path()], NOTHING, words);
        let make = || {
            let mut command = pkgcreatezone();
            command.args(["-b", "whole-root", "--image"]).arg(scratch.join(name));
            command.arg("--archive").arg(scratch.join("zone.tar.gz"));
            command
        };
        refused(make, &[scratch.path()], NOTHING, words);
    }
}

/// Every way in which a database can be damaged; the line that counts is the third.
#[test]
fn damaged_databases() {
    let scratch = Scratch::new();
    let long = format!("/usr/{} f none 0644 root bin 1 1 1 SUNWcs", "x".repeat(1_000_000));
    let lines: &[(&str, &[u8])] = &[
        ("a path alone", b"/usr/x"),
        ("no class", b"/usr/x f"),
        ("cut after the mode", b"/usr/x f none 0644"),
        ("cut before the checksum", b"/usr/x f none 0644 root bin 12"),
        ("no package", b"/usr/x f none 0644 root bin 12 34 56"),
        ("a size that is no number", b"/usr/x f none 0644 root bin 1x2 34 56 SUNWcs"),
        ("a negative size", b"/usr/x f none 0644 root bin -12 34 56 SUNWcs"),
        ("a size beyond all bounds", b"/usr/x f none 0644 root bin 99999999999999999999999 34 56 SUNWcs"),
        ("a mode that is not octal", b"/usr/x f none 0689 root bin 12 34 56 SUNWcs"),
        ("a checksum that is no number", b"/usr/x f none 0644 root bin 12 zz 56 SUNWcs"),
        ("a time that is no number", b"/usr/x f none 0644 root bin 12 34 noon SUNWcs"),
        ("an unknown kind", b"/usr/x q none 0644 root bin 12 34 56 SUNWcs"),
        ("a link without a target", b"/usr/x s none SUNWcs"),
        ("a hard link without a target", b"/usr/x l none SUNWcs"),
        ("an empty target", b"/usr/x= s none SUNWcs"),
        ("a NUL in the path", b"/usr/x\0y f none 0644 root bin 12 34 56 SUNWcs"),
        ("a NUL in the package", b"/usr/x f none 0644 root bin 12 34 56 SUN\0cs"),
        ("a path that is not absolute", b"usr/x f none 0644 root bin 12 34 56 SUNWcs"),
        ("a path that leads upwards", b"/usr/../../x f none 0644 root bin 12 34 56 SUNWcs"),
        ("a path with a dot", b"/usr/./x f none 0644 root bin 12 34 56 SUNWcs"),
        ("a path with two slashes", b"/usr//x f none 0644 root bin 12 34 56 SUNWcs"),
        ("a path with a slash behind", b"/usr/x/ f none 0644 root bin 12 34 56 SUNWcs"),
        ("a line of a megabyte", long.as_bytes()),
    ];
    for (number, (what, line)) in lines.iter().enumerate() {
        let zonepath = scratch.zonepath(&format!("z{number}"));
        let image = scratch.join(&format!("image{number}"));
        let mut tiny = Tiny::new(&image);
        tiny.write();
        let text = [&b"/etc d none 0755 root sys SUNWcs\n/usr d none 0755 root sys SUNWcs\n"[..], line, b"\n"].concat();
        fs::write(tiny.put("/var/sadm/install/contents", "").at("/var/sadm/install/contents"), text).unwrap();
        println!("{what}");
        let words = ["var/sadm/install/contents", "line 3"];
        for brand in ["sparse-root", "whole-root"] {
            refused(|| install(brand, &image, &zonepath), &[&zonepath, &image], NOTHING, &words);
        }
        assert!(!scratch.join("zonelib").exists(), "{what}");
    }
}

/// A name that leads out of the folder of packages, on a line that is otherwise in order.
#[test]
fn a_package_whose_name_leads_upwards() {
    let scratch = Scratch::new();
    let (zonepath, image) = (scratch.zonepath("z1"), scratch.join("image"));
    let name = "../../../../tmp";
    Tiny::new(&image).line(format!("/etc/x e none 0644 root bin 12 34 56 {name}")).put("/etc/x", "x\n").write();
    refused(|| install("whole-root", &image, &zonepath), &[&zonepath, &image], NOTHING, &["contents: line 3: ", name]);
}

/// The same path twice: nobody can say which of the two counts.
#[test]
fn a_path_that_is_listed_twice() {
    let scratch = Scratch::new();
    let (zonepath, image) = (scratch.zonepath("z1"), scratch.join("image"));
    let tiny = Tiny::new(&image);
    let text =
        "/etc d none 0755 root sys A\n/etc/x f none 0644 root bin 1 1 1 A\n/etc/x e none 0600 root bin 1 1 1 B\n";
    fs::write(tiny.at("/var/sadm/install/contents"), text).unwrap();
    refused(|| install("whole-root", &image, &zonepath), &[&zonepath, &image], NOTHING, &["contents", "line 3"]);
}

/// Files of the image that are something else than files.
#[test]
fn databases_that_are_no_files() {
    let scratch = Scratch::new();
    for (number, kind) in
        ["directory", "fifo", "dangling link", "link out of the image", "unreadable"].iter().enumerate()
    {
        let zonepath = scratch.zonepath(&format!("z{number}"));
        let image = scratch.join(&format!("image{number}"));
        let tiny = Tiny::new(&image);
        let place = tiny.at("/var/sadm/install/contents");
        match *kind {
            "directory" => fs::create_dir(&place).unwrap(),
            "fifo" => {
                rustix::fs::mknodat(rustix::fs::CWD, &place, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
            }
            "dangling link" => symlink("nowhere", &place).unwrap(),
            "link out of the image" => {
                fs::write(scratch.join("outside"), "/etc d none 0755 root sys A\n").unwrap();
                symlink("../../../../outside", &place).unwrap();
            }
            _ if is_root() => continue,
            _ => {
                fs::write(&place, "").unwrap();
                fs::set_permissions(&place, fs::Permissions::from_mode(0o0)).unwrap();
            }
        }
        println!("{kind}");
        let make = || install("whole-root", &image, &zonepath);
        refused(make, &[&zonepath, &image], NOTHING, &["var/sadm/install/contents"]);
    }
}

/// Packages were installed that are not in the database yet.
#[test]
fn a_database_that_lags_behind() {
    let scratch = Scratch::new();
    let (zonepath, image) = (scratch.zonepath("z1"), scratch.join("image"));
    Tiny::new(&image).put("/var/sadm/install/pkglog", "-/etc/x\n").write();
    refused(|| install("whole-root", &image, &zonepath), &[&zonepath, &image], NOTHING, &["pkgadm sync"]);
}

#[test]
fn unknown_overlays_and_packages_are_named_with_their_neighbours() {
    let (scratch, image) = (Scratch::new(), image());
    let zonepath = scratch.zonepath("z1");
    let given: &[(&[&str], &[&str])] = &[
        (&["-o", "bsae"], &["overlay `bsae`", "nearest: base"]),
        (&["-o", "base", "-o", "develpo"], &["overlay `develpo`", "nearest: develop"]),
        (&["-o", "base", "-p", "SAMPatls"], &["package `SAMPatls`", "SAMPatlas"]),
        (&["-o", "base", "-p", "TRIBzpa"], &["package `TRIBzpa`", "TRIBzap"]),
        (&["-o", "base", "-p", "SAMPnever-installed"], &["SAMPnever-installed"]),
        (&["-o", "base", "-p", "../etc"], &["../etc"]),
        (&["-o", "base", "-p", ""], &["package"]),
    ];
    for (more, words) in given {
        let make = || {
            let mut command = install("whole-root", &image.path(), &zonepath);
            command.args(*more);
            command
        };
        refused(make, &[scratch.path(), &image.path()], NOTHING, words);
    }
}

#[test]
fn recipes_that_break_a_rule() {
    let scratch = Scratch::new();
    let (zonepath, image) = (scratch.zonepath("z1"), scratch.join("image"));
    Tiny::new(&image).write();
    let copy = "[copy]\npaths = [\"/etc\"]\n";
    let given: &[(&str, String, &[&str])] = &[
        ("unknown", format!("description = \"x\"\ncolour = \"red\"\n{copy}"), &["line 2", "colour"]),
        ("inside", format!("description = \"x\"\n{copy}speed = 9\n"), &["line 4", "speed"]),
        ("relative", "description = \"x\"\n[copy]\npaths = [\"etc\"]\n".to_owned(), &["line 3", "absolute"]),
        ("upwards", "description = \"x\"\n[copy]\npaths = [\"/etc/../usr\"]\n".to_owned(), &["line 3", ".."]),
        ("share", format!("description = \"x\"\n{copy}[[share]]\npath = \"/etc/inner\"\n"), &["line 5", "/etc/inner"]),
        ("twice", "description = \"x\"\n[copy]\npaths = [\"/etc\", \"/etc/x\"]\n".to_owned(), &["line 3", "twice"]),
        ("list", format!("description = \"x\"\n{copy}prune = [\"no-such-list\"]\n"), &["line 4", "no-such-list"]),
        ("toml", "description = \n".to_owned(), &["line 1"]),
        ("empty", String::new(), &["line 1"]),
    ];
    for (name, text, words) in given {
        let file = scratch.join(&format!("{name}.toml"));
        fs::write(&file, text).unwrap();
        let shown = file.to_str().unwrap();
        let words: Vec<&str> = words.iter().copied().chain([shown]).collect();
        let make = || {
            let mut command = pkgcreatezone();
            command.args(["-z", "z1", "-R"]).arg(&zonepath).arg("--image").arg(&image).arg("--recipe").arg(&file);
            command
        };
        refused(make, &[scratch.path()], USAGE, &words);
    }
}

/// Under `--strict` a packaged file that is gone is an error, and nothing is made.
#[test]
fn missing_files_under_strict() {
    let scratch = Scratch::new();
    let (zonepath, image) = (scratch.zonepath("z1"), scratch.join("image"));
    let mut tiny = Tiny::new(&image);
    tiny.file("/etc/gone", "x\n").write();
    fs::remove_file(tiny.at("/etc/gone")).unwrap();
    let make = || {
        let mut command = install("whole-root", &image, &zonepath);
        command.arg("--strict");
        command
    };
    if is_root() {
        run(&mut make()).refused(NOTHING, &["1 packaged object", "/etc/gone"]);
        assert!(!zonepath.join("root").exists());
    }
    let file = scratch.join("zone.tar.gz");
    let mut command = pkgcreatezone();
    command.args(["-b", "whole-root", "--strict", "--image"]).arg(&image).arg("--archive").arg(&file);
    run(&mut command).refused(NOTHING, &["/etc/gone"]);
    assert!(!file.exists());
}

/// A plan that names what is missing is of use before the installation, not after it.
#[test]
fn a_plan_names_missing_files() {
    let scratch = Scratch::new();
    let (zonepath, image) = (scratch.join("z1"), scratch.join("image"));
    let mut tiny = Tiny::new(&image);
    tiny.file("/etc/gone", "x\n").write();
    fs::remove_file(tiny.at("/etc/gone")).unwrap();
    let done = run(install("whole-root", &image, &zonepath).arg("-n"));
    done.succeeded();
    assert!(done.out.contains("missing: /etc/gone"), "{done:#?}");
    run(install("whole-root", &image, &zonepath).args(["-n", "--strict"])).refused(NOTHING, &["/etc/gone"]);
}
