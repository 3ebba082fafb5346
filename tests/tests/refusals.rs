//! Bad arguments and places: one line of error, the exit status of the hook protocol, and nothing created or changed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{NOTHING, OCCUPIED, USAGE, refused};
use tests::run::{Image, Scratch, image, install, is_root, pkgcreatezone, run, skip, skip_without_root};
use tests::sample::Options;
use tests::tiny::Tiny;
use tests::tree::{marks, touched};

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
fn zfs_where_there_is_no_dataset() {
    if skip_without_root() {
        return;
    }
    let (scratch, image) = (Scratch::new(), image());
    let zonepath = scratch.zonepath("z1");
    let make = || {
        let mut command = install("whole-root", &image.path(), &zonepath);
        command.args(["--storage", "zfs"]);
        command
    };
    refused(make, &[scratch.path()], OCCUPIED, &["ZFS dataset", "--storage directory"]);
}

#[test]
fn zone_names_that_zonecfg_refuses() {
    let (scratch, image) = (Scratch::new(), image());
    let long = "z".repeat(64);
    let names: &[&str] =
        &["", "global", "SUNWz", "-z", "_z", ".z", "a b", "a/b", "../z", "z\n", "z;reboot", "zöne", &long];
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
        let touched: Vec<String> =
            touched(&before, &marks(scratch.path())).into_iter().filter(|path| !path.is_empty()).collect();
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

/// A link in an image leads to something of the image, or to nothing: never to the host's own.
#[test]
fn a_clone_below_a_link_out_of_the_image() {
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    let (zonepath, image) = (scratch.zonepath("z1"), scratch.join("image"));
    Tiny::new(&image).file("/lib/libc.so.1", "library\n").write();
    fs::create_dir_all(scratch.join("host/lib")).unwrap();
    fs::write(scratch.join("host/lib/precious"), "of the host\n").unwrap();
    symlink(scratch.join("host"), image.join("zonelib")).unwrap();
    let before = marks(&scratch.join("host"));
    let mut command = pkgcreatezone();
    command.args(["-z", "z1", "-b", "sparse-root", "-R"]).arg(&zonepath).arg("--image").arg(&image);
    let _ = run(&mut command);
    assert_eq!(touched(&before, &marks(&scratch.join("host"))), Vec::<String>::new(), "written outside of the image");
}
