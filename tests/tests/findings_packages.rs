//! What is wrong in the scripts that zonekit replaces, by the number of the finding, and is right here: packages,
//! services and scripts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use common::{BRANDS, Zone, sample_zone, tiny};
use contents::Contents;
use tests::run::{Image, Scratch, image, install, is_root, run, skip_without_root};
use tests::sample::{Options, names};
use tests::tiny::{Tiny, measures};

#[test]
fn finding_13_package_names_are_no_patterns() {
    let image = image();
    let path = |name: &str| PathBuf::from(format!("/usr/share/edge/packages/{name}"));
    for wanted in ["SAMPedge-c++", "SAMPedge-ver.1", "SAMPedge"] {
        let zone = Zone::make("whole-root", &image.path(), &["-o", "base", "-p", wanted]);
        for name in ["SAMPedge-c++", "SAMPedge-ver.1", "SAMPedge-verX1", "SAMPedge-ver", "SAMPedge"] {
            assert_eq!(zone.has(path(name)), name == wanted, "{wanted}: {name}");
            assert_eq!(zone.lists(path(name)), name == wanted, "{wanted}: {name}");
        }
    }
    // However the package is marked, the file is its.
    let (_scratch, mut tiny) = tiny();
    fs::create_dir_all(tiny.at("/var/sadm/overlays/installed")).unwrap();
    tiny.put("/var/sadm/overlays/base.ovl", "NAME=base\n").put("/var/sadm/overlays/base.pkgs", "SUNWcs\n");
    for (name, token) in [
        ("a", "*PKGx"),
        ("b", "~PKGx"),
        ("c", "PKGx\\"),
        ("d", "PKGx:class"),
        ("e", "+PKGx\\:class"),
        ("f", "PKGxy"),
        ("g", "aPKGx"),
    ] {
        tiny.put(&format!("/usr/marks/{name}"), "x\n");
        tiny.line(format!("/usr/marks/{name} f none 0644 root bin {} {token}", measures("x\n")));
    }
    tiny.write();
    let zone = Zone::make("whole-root", tiny.path(), &["-o", "base", "-p", "PKGx"]);
    for (name, there) in [("a", true), ("b", true), ("c", true), ("d", true), ("e", true), ("f", false), ("g", false)] {
        assert_eq!(zone.has(format!("/usr/marks/{name}")), there, "{name}");
    }
    // Nobody delivers the directories.
    let above = zone.the("/usr/marks");
    assert_eq!((above.kind, above.mode, above.uid, above.gid), ('d', 0o755, 0, 0));
}

#[test]
fn finding_14_comments_and_marks_in_the_contents() {
    let image = image();
    let zone = Zone::make("whole-root", &image.path(), &["-o", "base", "-p", "SAMPedge-kinds"]);
    let text = String::from_utf8_lossy(zone.contents()).into_owned();
    let comments: Vec<&str> = text.lines().filter(|line| line.contains("Last modified")).collect();
    assert!(comments.len() == 1 && comments[0].starts_with("# Last modified by pkgadd for "), "{comments:?}");
    let kept: Vec<&str> = text.lines().filter(|line| line.starts_with("/etc/edge/marks/")).collect();
    assert_eq!(kept.len(), 6);
    let parsed = Contents::parse(Path::new("contents"), zone.contents()).unwrap();
    for entry in parsed.entries() {
        for package in entry.packages() {
            let name = String::from_utf8_lossy(package.name).into_owned();
            let ours = name == "SAMPedge-kinds" || image.sample.overlay("base").unwrap().packages.contains(&name);
            assert!(ours, "{} is left on {}", name, String::from_utf8_lossy(entry.line()));
        }
        assert!(entry.packages().next().is_some());
    }
}

#[test]
fn finding_15_overlays_in_circles_and_absent_packages() {
    let image = image();
    let zone = Zone::make("whole-root", &image.path(), &["-o", "ring-a", "-o", "ghost"]);
    let markers: Vec<_> =
        zone.nodes.keys().filter_map(|path| path.strip_prefix(b"var/sadm/overlays/installed/")).collect();
    assert_eq!(markers, [&b"base"[..], b"ghost", b"ring-a", b"ring-b"]);
    assert!(zone.ran.out.contains(names::PACKAGE_ABSENT), "not said: {}", zone.ran.out);
}

#[test]
fn finding_16_packages_that_own_opt() {
    for brand in BRANDS {
        let zone = sample_zone(brand);
        let metadata = |name: &str| zone.has(format!("/var/sadm/pkg/{name}/pkginfo"));
        for name in names::OPT_LISTED.into_iter().chain([names::PACKAGE_IGNORED]) {
            assert!(!metadata(name) && !zone.has(format!("/var/sadm/pkg/{name}")), "{brand}: {name}");
        }
        for name in ["SUNWcs", "SUNWcsd", names::OPT_UNLISTED] {
            assert!(metadata(name), "{brand}: {name}");
        }
        // Only the metadata goes.
        assert!(zone.text("/etc/edge/opt-mixed.conf").contains("packaged"));
        assert!(zone.lists("/etc/edge/opt-mixed.conf") && zone.lists("/usr/share/edge/opt-mixed"));
        assert!(!zone.has("/opt"));
    }
}

#[test]
fn finding_17_font_manifests_go_from_the_clone() {
    let zone = sample_zone("sparse-root");
    assert!(!zone.lists(names::FONT_MANIFESTS));
    assert!(zone.the("/lib").kind == 'd' && !zone.nodes.keys().any(|path| path.starts_with(b"lib/")));
    if is_root() {
        let fonts = |path: &&Vec<u8>| path.starts_with(b"svc/manifest/application/font");
        assert_eq!(zone.clone.keys().filter(fonts).count(), 0);
        assert!(zone.clone.contains_key(&b"svc/manifest/system/cron.xml"[..]));
        for path in names::PRUNED_LIB {
            assert!(!zone.clone.contains_key(path.strip_prefix("/lib/").unwrap().as_bytes()), "{path}");
        }
    }
}

/// Interruptions of it are in `faults.rs`.
#[test]
fn finding_18_the_clone_follows_the_packages() {
    if skip_without_root() {
        return;
    }
    let (scratch, mut image) = tiny();
    image.file("/lib/libold.so.1", "old\n").file("/lib/libsame.so.1", "same\n").write();
    let root = scratch.join("image");
    let install = |name: &str| run(&mut install("sparse-root", &root, &scratch.zonepath(name)));
    let first = install("z1");
    first.succeeded();
    let same = fs::metadata(scratch.join("zonelib/lib/libsame.so.1")).unwrap().ino();
    // Nothing to do, and nothing done.
    let again = install("z2");
    again.succeeded();
    assert!(first.out.contains("zonelib/lib: ") && !again.out.contains("zonelib/lib: "), "{again:?}");
    image.file("/lib/libnew.so.1", "new\n").file("/lib/libold.so.1", "changed\n").write();
    install("z3").succeeded();
    let clone = scratch.join("zonelib/lib");
    assert_eq!(fs::read_to_string(clone.join("libnew.so.1")).unwrap(), "new\n");
    assert_eq!(fs::read_to_string(clone.join("libold.so.1")).unwrap(), "changed\n");
    assert_eq!(fs::metadata(clone.join("libsame.so.1")).unwrap().ino(), same, "zones have it mapped");
}

#[test]
fn finding_19_a_sparse_zone_out_of_a_template() {
    if skip_without_root() {
        return;
    }
    let (image, scratch) = (image(), Scratch::new());
    let template = scratch.zonepath("template");
    run(install("whole-root", &image.path(), &template).args(["-T", "-o", "base"])).succeeded();
    fs::write(template.join("etc/motd"), "from the template\n").unwrap();
    let zone = Zone::make("sparse-root", &image.path(), &["-T", template.to_str().unwrap()]);
    assert_eq!(zone.text("/etc/motd"), "from the template\n");
    assert_eq!(zone.contents(), fs::read(template.join("var/sadm/install/contents")).unwrap());
    assert!(!zone.has("/etc/edge/live/appended") && !zone.has("/usr/bin"));
    assert_eq!(zone.the("/etc/svc/repository.db").mode, 0o600);
    assert!(!template.join("etc/svc/repository.db").exists(), "a template has never run");
}

#[test]
fn finding_20_tmp_is_sticky() {
    for brand in BRANDS {
        let node = sample_zone(brand).the("/tmp").clone();
        assert_eq!((node.kind, node.mode), ('d', 0o1777), "{brand}");
    }
}

#[test]
fn finding_22_an_image_without_overlays() {
    let (_scratch, mut image) = tiny();
    image.link("/bin", "./usr/bin").write();
    for brand in BRANDS {
        let zone = Zone::make(brand, image.path(), &[]);
        assert_eq!(zone.the("/bin").target, b"./usr/bin");
        assert!(!zone.has("/var/sadm/overlays"));
    }
    assert!(image.at("/bin").is_symlink());
}

#[test]
fn finding_23_blanks_in_paths_and_nothing_in_tmp() {
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    let image = scratch.join("an image; with $(blanks)");
    let mut tiny = Tiny::new(&image);
    let mark = "#!/sbin/sh\necho \"$BASEDIR\" > \"$BASEDIR/etc/basedir\"\npwd > \"$BASEDIR/etc/pwd\"\n";
    tiny.editable("/etc/x", "packaged\n", "live\n").postinstall("MARK", mark).write();
    let temporary = scratch.join("tmp");
    fs::create_dir(&temporary).unwrap();
    for brand in BRANDS {
        let zonepath = scratch.zonepath(&format!("{brand} 'z' \"1\""));
        run(install(brand, &image, &zonepath).env("TMPDIR", &temporary)).succeeded();
        assert_eq!(fs::read_to_string(zonepath.join("root/etc/x")).unwrap(), "packaged\n");
        if brand == "whole-root" {
            let basedir = fs::read_to_string(zonepath.join("root/etc/basedir")).unwrap();
            assert_eq!(basedir.trim_end(), zonepath.join("root").to_str().unwrap());
        }
    }
    assert!(fs::read_dir(&temporary).unwrap().next().is_none());
}

#[test]
fn finding_27_scripts_of_packages() {
    let image = image();
    let whole = sample_zone("whole-root");
    let said = |name: &str| whole.ran.out.contains(name);
    assert!(said(names::POSTINSTALL_FAILS), "{}", whole.ran.out);
    assert!(!said(names::POSTINSTALL_ADDS_DRIVER));
    if is_root() {
        assert_eq!(whole.text(names::POSTINSTALL_MARK), "ran\n");
        assert!(whole.ran.out.contains("this script always fails"), "{}", whole.ran.out);
        let strict = Scratch::new();
        let done = run(install("whole-root", &image.path(), &strict.zonepath("z1")).arg("--strict"));
        assert_eq!(done.code(), 254, "{done:?}");
    } else {
        assert!(said(names::POSTINSTALL_WRITES), "an archive has to say what was not run");
    }
    let sparse = sample_zone("sparse-root");
    assert!(!sparse.has(names::POSTINSTALL_MARK) && !sparse.ran.out.contains("postinstall"));
    // Not for a package that is not kept.
    let base = Zone::make("whole-root", &image.path(), &["-o", "base"]);
    assert!(!base.has(names::POSTINSTALL_MARK) && !base.ran.out.contains(names::POSTINSTALL_FAILS));
}

/// The image may be named from the directory where the program is started.
#[test]
fn finding_27_scripts_of_an_image_with_a_relative_path() {
    if skip_without_root() {
        return;
    }
    let (scratch, mut image) = tiny();
    image.postinstall("MARK", "#!/sbin/sh\necho ran > \"$BASEDIR/etc/mark\"\n").write();
    let zonepath = scratch.zonepath("z1");
    let mut command = install("whole-root", Path::new("image"), &zonepath);
    run(command.current_dir(scratch.path())).succeeded();
    assert_eq!(fs::read_to_string(zonepath.join("root/etc/mark")).unwrap(), "ran\n");
}

#[test]
fn finding_28_missing_catalogues_are_said() {
    let image = Image::make(&Options { edge_cases: false, ..Options::default() });
    let zone = Zone::make("sparse-root", &image.path(), &[]);
    for path in &image.sample.catalogues {
        assert_eq!(zone.content(path), fs::read(image.sample.on_disk(path)).unwrap());
    }
    assert!(!zone.has("/etc/zap/repositories/sample.catalog.bak"));
    assert!(!zone.ran.out.contains("catalog"), "{}", zone.ran.out);
    for path in &image.sample.catalogues {
        fs::remove_file(image.sample.on_disk(path)).unwrap();
    }
    let zone = Zone::make("sparse-root", &image.path(), &[]);
    assert!(zone.ran.out.contains("/etc/zap/repositories"), "zap will not work there: {}", zone.ran.out);
    fs::remove_dir_all(image.on_disk("/etc/zap/repositories")).unwrap();
    let zone = Zone::make("sparse-root", &image.path(), &[]);
    assert!(zone.ran.out.contains("/etc/zap/repositories"), "zap will not work there: {}", zone.ran.out);
}

#[test]
fn finding_29_packaged_directories_stay_when_empty() {
    let zone = sample_zone("whole-root");
    for path in [
        "/lib/svc/manifest/network/iscsi",
        "/etc/hal/fdi/policy/10osvendor",
        "/etc/dbus-1/system.d",
        "/usr/kernel/drv/amd64",
    ] {
        assert_eq!(zone.the(path).kind, 'd', "{path}");
        let inside = |other: &&Vec<u8>| other.starts_with(format!("{}/", path.trim_start_matches('/')).as_bytes());
        assert_eq!(zone.nodes.keys().find(inside), None, "{path}");
        assert!(zone.lists(path), "{path}");
    }
}

/// Names that anybody can guess are not written through.
#[test]
fn finding_23_links_beside_the_clone_are_not_followed() {
    if skip_without_root() {
        return;
    }
    for name in [".lib.lock", ".lib.zonekit", ".lib.zonekit-new", ".lib.new"] {
        let (scratch, image) = tiny();
        image.write();
        let victim = scratch.join("victim");
        fs::write(&victim, "precious\n").unwrap();
        fs::create_dir(scratch.join("zonelib")).unwrap();
        symlink(&victim, scratch.join("zonelib").join(name)).unwrap();
        let _ = run(&mut install("sparse-root", image.path(), &scratch.zonepath("z1")));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious\n", "{name}");
    }
}
