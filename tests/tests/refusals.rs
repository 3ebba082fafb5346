//! Bad input: one line of error, the exit status of the hook protocol, and nothing created or changed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::run::{Image, Scratch, image, install, is_root, pkgcreatezone, run, skip, skip_without_root};
use tests::sample::Options;
use tests::tiny::Tiny;
use tests::tree::{marks, touched};

const USAGE: i32 = 253;
const NOTHING: i32 = 254;
const OCCUPIED: i32 = 255;

/// Runs a command that is refused, twice: to do it and to plan it. Nothing below the watched places changes.
fn refused(mut make: impl FnMut() -> Command, watched: &[&Path], code: i32, words: &[&str]) {
    for plan in [false, true] {
        let before: Vec<_> = watched.iter().map(|place| marks(place)).collect();
        let mut command = make();
        if plan {
            command.arg("-n");
        }
        run(&mut command).refused(code, words);
        for (place, before) in watched.iter().zip(&before) {
            let touched = touched(before, &marks(place));
            assert!(touched.is_empty(), "{}: changed: {touched:?}", place.display());
        }
    }
}

#[test]
fn arguments_that_make_no_sense() {
    let scratch = Scratch::new();
    let zonepath = scratch.join("z1");
    let zonepath = zonepath.to_str().unwrap();
    let image = image();
    let image_path = image.path();
    let given: &[(&[&str], &[&str])] = &[
        (&[], &["-z"]),
        (&["--no-such-flag"], &["--no-such-flag"]),
        (&["-X"], &["-X"]),
        (&["-z"], &["--zone"]),
        (&["-z", "z1", "-R", zonepath], &["-b BRAND"]),
        (&["-b", "sparse-root", "-R", zonepath], &["-z ZONE"]),
        (&["-b", "sparse-root", "-z", "z1"], &["-R DIR"]),
        (&["-b", "sparse-root", "-z", "z1", "-R", zonepath, "word"], &["word"]),
        (&["-b", "no-such-brand", "-z", "z1", "-R", zonepath], &["no-such-brand", "sparse-root, whole-root"]),
        (&["-b", "../whole-root", "-z", "z1", "-R", zonepath], &["../whole-root"]),
        (&["-b", "", "-z", "z1", "-R", zonepath], &["brand name"]),
        (&["-b", "whole-root", "--recipe", "/x", "-z", "z1", "-R", zonepath], &["--recipe"]),
        (&["--recipe", "/nonexistent/recipe.toml", "-z", "z1", "-R", zonepath], &["/nonexistent/recipe.toml"]),
        (&["-b", "whole-root", "-z", "z1", "-R", zonepath, "-p", "zap"], &["-p", "-o"]),
        (&["-b", "sparse-root", "-z", "z1", "-R", zonepath, "-o", "base"], &["sparse-root", "-o"]),
        (&["-b", "sparse-root", "-z", "z1", "-R", zonepath, "-O", "base"], &["sparse-root", "-O"]),
        (&["-b", "sparse-root", "-z", "z1", "-R", zonepath, "-P", "zap"], &["sparse-root", "-P"]),
        (&["-b", "sparse-root", "-z", "z1", "-R", zonepath, "-T"], &["sparse-root", "template"]),
        (&["-b", "whole-root", "-z", "z1", "-R", zonepath, "-T", "/templates/t"], &["whole-root", "template"]),
        (&["-b", "whole-root", "-z", "z1", "-R", zonepath, "-o", "../base"], &["../base"]),
        (&["-b", "whole-root", "-z", "z1", "-R", zonepath, "-o", ""], &["overlay"]),
        (&["-b", "whole-root", "-z", "z1", "-R", zonepath, "--jobs", "0"], &["--jobs", "1..=256"]),
        (&["-b", "whole-root", "-z", "z1", "-R", zonepath, "--jobs", "257"], &["--jobs"]),
        (&["-b", "whole-root", "-z", "z1", "-R", zonepath, "--jobs", "two"], &["--jobs", "two"]),
        (&["-b", "whole-root", "-z", "z1", "-R", zonepath, "--storage", "zfs"], &["ZFS", "directory"]),
        (&["-b", "whole-root", "-z", "z1", "-R", zonepath, "--storage", "cloud"], &["cloud", "directory"]),
        (&["-b", "whole-root", "-z", "z1", "-O", "base", "--archive", zonepath], &["-O", "--archive"]),
        (&["-b", "whole-root", "-z", "z1", "-P", "zap", "--archive", zonepath], &["-P", "--archive"]),
        (&["-b", "whole-root", "-z", "z1", "-R", "zones/z1"], &["zones/z1", "absolute"]),
        (&["-b", "whole-root", "-z", "z1", "-R", ""], &["--zonepath"]),
        (&["-b", "whole-root", "-z", "z1", "-R", "/"], &["root of the system"]),
        (&["-b", "whole-root", "-z", "z1", "-R", "/zones/../z1"], &["`..`"]),
        (&["-b", "whole-root", "-z", "z1", "-R", "/zones/./z1"], &["`.`"]),
    ];
    for (arguments, words) in given {
        let make = || {
            let mut command = pkgcreatezone();
            command.args(*arguments).current_dir(scratch.path());
            if !arguments.is_empty() {
                command.arg("--image").arg(&image_path);
            }
            command
        };
        refused(make, &[scratch.path(), &image_path], USAGE, words);
    }
}

#[test]
fn zone_names_that_zonecfg_refuses() {
    let (scratch, image) = (Scratch::new(), image());
    let long = "z".repeat(64);
    let names: &[&str] = &["", "global", "SUNWz", "-z", "_z", ".z", "a b", "a/b", "../z", "z\n", "z;reboot", "zöne", &long];
    for name in names {
        let zonepath = scratch.join("z1");
        let make = || {
            let mut command = pkgcreatezone();
            command.arg(format!("--zone={name}")).args(["-b", "sparse-root", "-R"]).arg(&zonepath);
            command.arg("--image").arg(image.path());
            command
        };
        refused(make, &[scratch.path(), &image.path()], USAGE, &["zone name"]);
    }
}

/// A zonepath that cannot be used: what stands there, status, words.
#[test]
fn zonepaths_that_stand_in_the_way() {
    let (scratch, image) = (Scratch::new(), image());
    let at = |name: &str| scratch.join(name);
    fs::write(at("file"), "a file\n").unwrap();
    fs::create_dir_all(at("real")).unwrap();
    symlink("real", at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    for (name, inside) in [("full", "root/kept"), ("hidden", "root/.hidden")] {
        fs::create_dir_all(at(name).join("root")).unwrap();
        fs::write(at(name).join(inside), "somebody's\n").unwrap();
    }
    fs::create_dir_all(at("root-link")).unwrap();
    symlink("/etc", at("root-link/root")).unwrap();
    fs::create_dir_all(at("root-file")).unwrap();
    fs::write(at("root-file/root"), "a file\n").unwrap();
    fs::create_dir_all(at("planted/root")).unwrap();
    symlink("/etc", at("planted/root/etc")).unwrap();
    fs::create_dir_all(at("lost/root/etc")).unwrap();
    fs::set_permissions(at("lost/root"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir_all(at("not-quite/root")).unwrap();
    fs::create_dir(at("not-quite/root/lost+found")).unwrap();
    let given: &[(&str, &[&str])] = &[
        ("file", &["is not a directory"]),
        ("link", &["is a symbolic link"]),
        ("link/z1", &["symbolic link"]),
        ("dangling", &["is a symbolic link"]),
        ("file/z1", &["file"]),
        ("no/such/parent", &["parent directory"]),
        ("full", &["full/root", "is not empty"]),
        ("hidden", &["hidden/root", "is not empty"]),
        ("root-link", &["root-link/root", "is a symbolic link"]),
        ("root-file", &["root-file/root", "is not a directory"]),
        ("planted", &["planted/root", "is not empty"]),
        ("lost", &["lost/root", "did not finish", "try again"]),
        ("not-quite", &["not-quite/root", "is not empty"]),
    ];
    for (name, words) in given {
        for brand in ["sparse-root", "whole-root"] {
            refused(|| install(brand, &image.path(), &at(name)), &[scratch.path(), &image.path()], OCCUPIED, words);
        }
    }
}

#[test]
fn zonepaths_on_the_image_and_in_what_zones_share() {
    let (image, scratch) = (Image::make(&Options { edge_cases: false, ..Options::default() }), Scratch::new());
    let zonelib = scratch.join("zonelib");
    fs::create_dir_all(zonelib.join("lib")).unwrap();
    let given: &[(&str, PathBuf, &[&str])] = &[
        ("sparse-root", image.path(), &["is the image"]),
        ("whole-root", image.path(), &["is the image"]),
        ("sparse-root", image.on_disk("/usr"), &["which zones share"]),
        ("sparse-root", image.on_disk("/usr/z1"), &["which zones share"]),
        ("sparse-root", image.on_disk("/sbin/z1"), &["which zones share"]),
        ("sparse-root", image.on_disk("/lib/z1"), &["which zones share"]),
        ("sparse-root", image.on_disk("/zonelib/lib/z1"), &["which zones share"]),
        ("sparse-root", zonelib.join("lib"), &["which zones share"]),
        ("sparse-root", zonelib.join("lib/z1"), &["which zones share"]),
    ];
    for (brand, zonepath, words) in given {
        let make = || {
            let mut command = pkgcreatezone();
            command.args(["-z", "z1", "-b", brand, "-R"]).arg(zonepath).arg("--image").arg(image.path());
            if zonepath.starts_with(&zonelib) {
                command.arg("--zonelib").arg(&zonelib);
            }
            command
        };
        refused(make, &[scratch.path(), &image.path()], OCCUPIED, words);
    }
}

/// An image that lies where the zone root would be made.
#[test]
fn a_zonepath_around_the_image() {
    let scratch = Scratch::new();
    for inside in ["root", "root/deep/image"] {
        let zonepath = scratch.zonepath(&inside.replace('/', "-"));
        Tiny::new(&zonepath.join(inside)).write();
        let make = || install("whole-root", &zonepath.join(inside), &zonepath);
        refused(make, &[scratch.path()], OCCUPIED, &["image"]);
    }
}

/// A clone of /lib inside the zone's own root would be taken for the zone.
#[test]
fn a_clone_inside_the_zone_root() {
    let (scratch, image) = (Scratch::new(), image());
    let zonepath = scratch.zonepath("z1");
    let make = || {
        let mut command = pkgcreatezone();
        command.args(["-z", "z1", "-b", "sparse-root", "-R"]).arg(&zonepath).arg("--image").arg(image.path());
        command.arg("--zonelib").arg(zonepath.join("root/zonelib"));
        command
    };
    refused(make, &[scratch.path(), &image.path()], OCCUPIED, &["zonelib"]);
}

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
        refused_even_without_root(make, &scratch, words);
    }
}

/// As [`refused`], for an archive, which needs no privileges.
fn refused_even_without_root(make: impl FnMut() -> Command, scratch: &Scratch, words: &[&str]) {
    refused(make, &[scratch.path()], NOTHING, words);
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
        ("a package that leads upwards", b"/etc/x e none 0644 root bin 12 34 56 ../../../../tmp"),
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

/// The same path twice: nobody can say which of the two counts.
#[test]
fn a_path_that_is_listed_twice() {
    let scratch = Scratch::new();
    let (zonepath, image) = (scratch.zonepath("z1"), scratch.join("image"));
    let tiny = Tiny::new(&image);
    let text = "/etc d none 0755 root sys A\n/etc/x f none 0644 root bin 1 1 1 A\n/etc/x e none 0600 root bin 1 1 1 B\n";
    fs::write(tiny.at("/var/sadm/install/contents"), text).unwrap();
    refused(|| install("whole-root", &image, &zonepath), &[&zonepath, &image], NOTHING, &["contents", "line 3"]);
}

/// Files of the image that are something else than files.
#[test]
fn databases_that_are_no_files() {
    let scratch = Scratch::new();
    for (number, kind) in ["directory", "fifo", "dangling link", "link out of the image", "unreadable"].iter().enumerate() {
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
                fs::set_permissions(&place, fs::Permissions::from_mode(0)).unwrap();
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
        (&["-o", "bsae"], &["overlay `bsae`", "`base`"]),
        (&["-o", "base", "-o", "develpo"], &["overlay `develpo`", "`develop`"]),
        (&["-o", "base", "-p", "SAMPatls"], &["package `SAMPatls`", "`SAMPatlas`"]),
        (&["-o", "base", "-p", "TRIBzpa"], &["package `TRIBzpa`", "`TRIBzap`"]),
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

#[test]
fn archives_that_cannot_be_written() {
    let (scratch, image) = (Scratch::new(), image());
    fs::create_dir(scratch.join("directory")).unwrap();
    fs::write(scratch.join("file"), "kept\n").unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, scratch.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for (name, words) in [
        ("directory", &["directory"][..]),
        ("no/such/zone.tar.gz", &["No such file"]),
        ("file/zone.tar.gz", &["Not a directory"]),
        // Somebody's, and no archive: it must not be replaced. /dev/null is such a thing.
        ("pipe", &["pipe"]),
    ] {
        let make = || {
            let mut command = pkgcreatezone();
            command.args(["-b", "sparse-root", "--image"]).arg(image.path()).arg("--archive").arg(scratch.join(name));
            command
        };
        let before = marks(scratch.path());
        run(&mut make()).refused(NOTHING, words);
        let touched: Vec<String> = touched(&before, &marks(scratch.path())).into_iter().filter(|path| !path.is_empty()).collect();
        assert!(touched.is_empty(), "{name}: {touched:?}");
    }
}

#[test]
fn archives_in_places_that_the_user_may_not_write() {
    let (scratch, image) = (Scratch::new(), image());
    let closed = scratch.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = pkgcreatezone();
    command.args(["-b", "sparse-root", "--image"]).arg(image.path()).arg("--archive").arg(closed.join("zone.tar.gz"));
    if is_root() {
        if !others_can_run() {
            return;
        }
        command.uid(60001).gid(60001);
    }
    run(&mut command).refused(NOTHING, &["zone.tar.gz", "Permission denied"]);
}

/// Whether another user may run the programs at all, here.
fn others_can_run() -> bool {
    let mut command = pkgcreatezone();
    command.arg("--version").uid(60001).gid(60001);
    let can = command.output().is_ok_and(|done| done.status.success());
    if !can {
        skip("the programs are where other users cannot run them");
    }
    can
}

#[test]
fn directories_need_root() {
    let (scratch, image) = (Scratch::new(), image());
    let zonepath = scratch.zonepath("z1");
    let mut command = install("whole-root", &image.path(), &zonepath);
    if is_root() {
        if !others_can_run() {
            return;
        }
        fs::set_permissions(&zonepath, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(&zonepath, Some(60001), Some(60001)).unwrap();
        command.uid(60001).gid(60001);
    }
    let before = marks(scratch.path());
    run(&mut command).refused(NOTHING, &["root", "--archive"]);
    assert_eq!(touched(&before, &marks(scratch.path())), Vec::<String>::new());
}

/// `-O` and `-P` need the host's installer, and it is missed before anything is made.
#[test]
fn adding_packages_without_an_installer() {
    if Path::new("/usr/bin/zap").exists() {
        skip("this host has zap");
        return;
    }
    if skip_without_root() {
        return;
    }
    let (scratch, image) = (Scratch::new(), image());
    let zonepath = scratch.zonepath("z1");
    for more in [["-O", "develop"], ["-P", "zap"]] {
        let before = marks(scratch.path());
        run(install("whole-root", &image.path(), &zonepath).args(more)).refused(NOTHING, &["/usr/bin/zap"]);
        assert_eq!(touched(&before, &marks(scratch.path())), Vec::<String>::new());
    }
}

#[test]
fn templates_that_cannot_be_used() {
    let (scratch, image) = (Scratch::new(), image());
    let zonepath = scratch.zonepath("z1");
    fs::create_dir(scratch.join("empty")).unwrap();
    for (name, words) in [("missing", ["missing", "No such file"]), ("empty", ["empty", "contents"])] {
        let make = || {
            let mut command = install("sparse-root", &image.path(), &zonepath);
            command.arg("-T").arg(scratch.join(name));
            command
        };
        refused(make, &[scratch.path(), &image.path()], NOTHING, &words);
    }
    let make = || {
        let mut command = install("whole-root", &image.path(), &scratch.join("no-such-template"));
        command.arg("-T");
        command
    };
    refused(make, &[scratch.path(), &image.path()], OCCUPIED, &["no-such-template", "does not exist"]);
    fs::create_dir(scratch.join("used")).unwrap();
    fs::write(scratch.join("used/file"), "somebody's\n").unwrap();
    let make = || {
        let mut command = install("whole-root", &image.path(), &scratch.join("used"));
        command.arg("-T");
        command
    };
    refused(make, &[scratch.path(), &image.path()], OCCUPIED, &["used", "is not empty"]);
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
        assert!(fs::read_dir(zonepath.join("root")).unwrap().next().is_none());
    }
    let file = scratch.join("zone.tar.gz");
    let mut command = pkgcreatezone();
    command.args(["-b", "whole-root", "--strict", "--image"]).arg(&image).arg("--archive").arg(&file);
    run(&mut command).refused(NOTHING, &["/etc/gone"]);
    assert!(!file.exists());
    run(make().arg("-n")).refused(NOTHING, &["/etc/gone"]);
}

/// What zonekit makes for itself is writable by nobody else, however careless the caller's umask.
#[test]
fn a_careless_umask_opens_nothing() {
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    let image = scratch.join("image");
    Tiny::new(&image).write();
    let mut command = Command::new("/bin/sh");
    let script = "umask 0; exec \"$0\" --config /nonexistent -z z1 -b sparse-root -R \"$1/z1\" --image \"$1/image\" \
                  --zonelib \"$1/a/zonelib\"";
    command.args(["-c", script]).arg(tests::run::program("pkgcreatezone")).arg(scratch.path());
    run(&mut command).succeeded();
    let mut open = Vec::new();
    for top in ["a", "z1"] {
        for (path, marks) in marks(&scratch.join(top)) {
            let (mode, sticky) = (u32::try_from(marks[2]).unwrap(), 0o1000);
            let link = mode & 0o170_000 == 0o120_000;
            if !link && mode & 0o022 != 0 && mode & sticky == 0 {
                open.push(format!("{top}/{}: {mode:o}", String::from_utf8_lossy(&path)));
            }
        }
    }
    assert!(open.is_empty(), "others may write: {open:#?}");
    assert_eq!(fs::metadata(scratch.join("z1")).unwrap().mode() & 0o777, 0o700);
}
