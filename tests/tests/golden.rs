//! What a zone out of the sample image looks like, to a user and to the letter.
//!
//! The files in `golden/` are written anew by `UPDATE_GOLDEN=1 cargo test -p tests --test golden` as root; what has
//! changed in them is then to be read.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use common::{BRANDS, Zone};
use tests::run::{Image, Scratch, archive, image, install, is_root, run, skip_without_root};
use tests::sample::names;
use tests::tiny::{Tiny, measures};
use tests::tree::{self, Nodes, differences};

/// Compares a text with the one that is kept; only root makes the owners that are in it.
fn golden(name: &str, found: &str) {
    tests::run::golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name), found, is_root());
}

/// The zone of a brand as an archive, which is the same for everybody, and every time: it is made once.
fn packed(brand: &str, image: &Image) -> &'static Zone {
    static MADE: [OnceLock<Zone>; 2] = [OnceLock::new(), OnceLock::new()];
    MADE[usize::from(brand == "whole-root")].get_or_init(|| {
        let scratch = Scratch::new();
        let file = scratch.join("zone.tar.gz");
        let ran = archive(brand, &image.path(), &file, &[]);
        Zone { ran, ..Zone::unpack(&file) }
    })
}

/// Everything, path by path.
#[test]
fn the_listings_are_as_before() {
    let image = image();
    for brand in BRANDS {
        let zone = packed(brand, &image);
        if is_root() && image.sample.devices {
            golden(&format!("{brand}.txt"), &tree::listing(&zone.nodes, true));
        }
        // Where nobody may give files away and make devices, all the rest is the same.
        let plain: Nodes = zone.nodes.clone().into_iter().filter(|(_, node)| !matches!(node.kind, 'c' | 'b')).collect();
        golden(&format!("{brand}-without-owners.txt"), &tree::listing(&plain, false));
    }
}

#[test]
fn a_directory_is_what_the_archive_says() {
    if skip_without_root() {
        return;
    }
    let image = image();
    for brand in BRANDS {
        let mut made = Zone::make(brand, &image.path(), &[]).nodes;
        let mut expected = packed(brand, &image).nodes.clone();
        if brand == "whole-root" {
            // Made by a script, now.
            let mark = made.remove(names::POSTINSTALL_MARK.trim_start_matches('/').as_bytes()).unwrap();
            assert_eq!(mark.size, 4);
            for nodes in [&mut made, &mut expected] {
                nodes.get_mut(&b"var/sample"[..]).unwrap().modified = (0, 0);
            }
        }
        assert_eq!(differences(&expected, &made), Vec::<String>::new(), "{brand}");
    }
}

#[test]
fn nothing_that_a_package_did_not_deliver() {
    let image = image();
    for brand in BRANDS {
        let zone = packed(brand, &image);
        // Links that choose profiles and the repository of services are a zone's own.
        let own = |path: &&PathBuf| path.starts_with("/etc/svc/profile") || path.ends_with("svc/repository.db");
        let strays = image.sample.unpackaged.iter().filter(|path| !own(path));
        let metadata = |path: &&PathBuf| !path.starts_with("/var/sadm/pkg") && !path.starts_with("/var/sadm/overlays");
        let mut looked_at = 0;
        for path in strays.chain(image.sample.edge("unpackaged")).filter(metadata) {
            assert!(!zone.has(path), "{brand}: {}", path.display());
            looked_at += 1;
        }
        assert!(looked_at > 40, "{looked_at}");
        for path in image.sample.edge("unpackageable-names").iter().chain(image.sample.edge("unpackaged-links")) {
            assert!(!zone.has(path), "{brand}: {}", path.display());
        }
    }
}

#[test]
fn secrets_and_edits_of_the_global_zone_stay_there() {
    let image = image();
    for brand in BRANDS {
        for (path, content) in &packed(brand, &image).files {
            let text = String::from_utf8_lossy(content);
            for secret in
                ["secret of the global zone", "private key", "host key of the global zone", "PasswordAuthentication no"]
            {
                assert!(!text.contains(secret), "{brand}: {} holds `{secret}`", tree::shown(path));
            }
        }
    }
}

#[test]
fn what_is_pruned_is_gone() {
    let image = image();
    let zone = packed("sparse-root", &image);
    for path in names::PRUNED_SPARSE {
        assert!(!zone.has(path), "{path}");
    }
    assert!(!zone.has(names::DESKTOP_CACHE));
    let zone = packed("whole-root", &image);
    for path in names::PRUNED_SPARSE.iter().chain(names::PRUNED_LIB).chain(names::PRUNED_WHOLE) {
        assert!(!zone.has(path), "{path}");
    }
    for path in &image.sample.kept_services {
        assert!(zone.has(path), "{}", path.display());
    }
    for path in &image.sample.pruned_services {
        assert!(!zone.has(path), "{}", path.display());
    }
}

#[test]
fn what_zonekit_makes() {
    let image = image();
    for brand in BRANDS {
        let zone = packed(brand, &image);
        for (name, target) in [
            ("name_service", "ns_files.xml"),
            ("generic", "generic_limited_net.xml"),
            ("inetd_services", "inetd_generic.xml"),
            ("platform", "platform_none.xml"),
        ] {
            let link = zone.the(format!("/etc/svc/profile/{name}.xml"));
            assert_eq!((link.kind, link.target.as_slice()), ('l', target.as_bytes()), "{brand}: {name}");
            assert!(zone.has(format!("/etc/svc/profile/{target}")), "{brand}: {target} leads nowhere");
        }
        let repository = zone.the("/etc/svc/repository.db");
        assert_eq!((repository.mode, repository.uid, repository.gid), (0o600, 0, 3), "{brand}");
        let seed = fs::read(image.on_disk("/lib/svc/seed/nonglobal.db")).unwrap();
        assert_eq!(zone.content("/etc/svc/repository.db"), seed);
        for path in ["/usr", "/lib", "/sbin", "/mnt", "/export", "/var/sadm/pkg"] {
            assert_eq!(zone.the(path).kind, 'd', "{brand}: {path}");
        }
        assert_eq!(zone.the("/tmp").mode, 0o1777);
        assert_eq!(zone.the("/bin").target, b"./usr/bin");
        for path in
            ["/dev", "/proc", "/system", "/kernel", "/boot", "/platform", "/devices", "/opt", "/home", "/zonelib"]
        {
            assert!(!zone.has(path), "{brand}: {path}");
        }
        for path in &image.sample.catalogues {
            assert_eq!(zone.content(path), fs::read(image.sample.on_disk(path)).unwrap(), "{}", path.display());
        }
    }
}

/// The zone's database by the plainest of means: lines whose path is pruned or dropped are left out.
#[test]
fn the_contents_file_is_the_images_without_some_lines() {
    let image = image();
    let text = fs::read(image.on_disk("/var/sadm/install/contents")).unwrap();
    let lists = |names: &[&str]| -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../brands/common");
        let text: String =
            names.iter().map(|name| fs::read_to_string(folder.join(format!("{name}.prune"))).unwrap()).collect();
        text.lines().filter(|line| line.starts_with('/')).map(|line| line.as_bytes().to_vec()).collect()
    };
    let dropped = ["/boot", "/devices", "/kernel", "/opt", "/platform"];
    for (brand, names) in
        [("sparse-root", &["lib", "font", "sparse", "desktop-cache"][..]), ("whole-root", &["lib", "sparse", "whole"])]
    {
        let pruned = lists(names);
        let leaves = |line: &[u8]| {
            let path = line.split(|byte| matches!(byte, b' ' | b'=')).next().unwrap();
            let inside =
                |tree: &[u8]| path == tree || path.strip_prefix(tree).is_some_and(|rest| rest.starts_with(b"/"));
            let is_pruned = pruned.iter().any(|one| match one.strip_suffix(b"/") {
                Some(tree) => inside(tree),
                None => path == one,
            });
            !line.starts_with(b"#") && (is_pruned || dropped.iter().any(|tree| inside(tree.as_bytes())))
        };
        let kept: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').filter(|line| !leaves(line)).collect();
        let expected = kept.concat();
        assert!(expected.len() < text.len() && expected.len() > text.len() / 2);
        assert!(packed(brand, &image).contents() == expected, "{brand}");
    }
}

#[test]
fn metadata_of_packages_comes_without_saved_files() {
    let image = image();
    let zone = packed("whole-root", &image);
    let mut seen = 0;
    for name in &image.sample.packages {
        let dropped = names::OPT_LISTED.contains(&name.as_str()) || name == names::PACKAGE_IGNORED;
        let path = format!("/var/sadm/pkg/{name}");
        assert_eq!(zone.has(&path), !dropped, "{name}");
        if dropped {
            continue;
        }
        assert!(!zone.has(format!("{path}/save")), "{name}");
        for inside in ["pkginfo", "install/depend", "install/postinstall"] {
            let from = image.on_disk(&format!("{path}/{inside}"));
            if let Ok(metadata) = fs::metadata(&from) {
                let node = zone.the(format!("{path}/{inside}"));
                assert_eq!(zone.content(format!("{path}/{inside}")), fs::read(&from).unwrap());
                assert_eq!(node.modified, (metadata.mtime(), metadata.mtime_nsec()));
                assert_eq!(node.mode, metadata.mode() & 0o7777);
                seen += 1;
            }
        }
    }
    assert!(seen > 60, "{seen}");
    for overlay in &image.sample.overlays {
        assert!(zone.has(format!("/var/sadm/overlays/{}.ovl", overlay.name)));
        assert_eq!(
            zone.has(format!("/var/sadm/overlays/installed/{}", overlay.name)),
            overlay.installed,
            "{}",
            overlay.name
        );
    }
}

/// A file with holes is not made longer on disk than it was.
#[test]
fn holes_stay_holes() {
    if skip_without_root() {
        return;
    }
    let (image, scratch) = (image(), Scratch::new());
    let zonepath = scratch.zonepath("z1");
    run(&mut install("whole-root", &image.path(), &zonepath)).succeeded();
    for path in image.sample.edge("sparse") {
        let copy = zonepath.join("root").join(path.strip_prefix("/").unwrap());
        let (from, to) = (fs::metadata(image.sample.on_disk(path)).unwrap(), fs::metadata(&copy).unwrap());
        assert_eq!(fs::read(image.sample.on_disk(path)).unwrap(), fs::read(&copy).unwrap());
        assert!(to.blocks() <= from.blocks(), "{}: {} blocks, not {}", path.display(), to.blocks(), from.blocks());
        assert!(to.blocks() * 512 < to.size() / 4, "{}", path.display());
    }
}

#[test]
fn verify_names_what_is_not_as_packaged() {
    let image = image();
    let zone = Zone::make("whole-root", &image.path(), &["--verify"]);
    let named: Vec<&str> = zone.ran.out.lines().filter_map(|line| line.strip_prefix("not as packaged: ")).collect();
    assert_eq!(named.len(), 1, "{named:#?}");
    assert!(named[0].starts_with("/etc/edge/live/file-edited: size "), "{named:#?}");
    let scratch = Scratch::new();
    let mut command = tests::run::pkgcreatezone();
    command.args(["-b", "whole-root", "--verify", "--strict", "--image"]).arg(image.path());
    let done = run(command.arg("--archive").arg(scratch.join("zone.tar.gz")));
    assert_eq!(done.code(), 254, "{done:?}");
}

/// A small image with every sort of action, and a plan of it.
fn small() -> (Scratch, PathBuf) {
    let scratch = Scratch::new();
    let mut tiny = Tiny::new(&scratch.join("image"));
    tiny.directory("/etc/svc").directory("/usr/bin").directory("/var/adm");
    tiny.editable("/etc/motd", "welcome\n", "welcome to the global zone\n");
    tiny.link("/etc/hosts", "./inet/hosts").file("/usr/bin/tool", "tool\n").file("/usr/share/doc", "words\n");
    tiny.line("/usr/bin/same=tool l none SUNWcs");
    fs::hard_link(tiny.at("/usr/bin/tool"), tiny.at("/usr/bin/same")).unwrap();
    tiny.file("/etc/system", "pruned\n");
    rustix::fs::mknodat(rustix::fs::CWD, tiny.at("/var/pipe"), rustix::fs::FileType::Fifo, 0o620.into(), 0).unwrap();
    tiny.line("/var/pipe p none 0600 root sys SUNWcs");
    tiny.line("/var/gone s none SUNWcs".replace("gone", "gone=where"));
    tiny.line(b"/etc/latin-\xe9 f none 0644 root bin 2 132 1700000000 SUNWcs");
    fs::write(tiny.path().join(std::ffi::OsStr::from_bytes(b"etc/latin-\xe9")), "x\n").unwrap();
    tiny.line("/etc/\u{1b}[31m f none 0644 nobody bin 2 132 1700000000 SUNWcs").put("/etc/\u{1b}[31m", "x\n");
    tiny.line("/etc/loop=loop l none SUNWcs");
    tiny.line(format!("/etc/open e none ? ? ? {} SUNWcs", measures("x\n"))).put("/etc/open", "x\n");
    tiny.put("/var/sadm/pkg/SUNWcs/pkginfo", "PKG=SUNWcs\n").postinstall("MARK", "#!/bin/sh\nexit 0\n");
    fs::set_permissions(tiny.at("/var/pipe"), fs::Permissions::from_mode(0o620)).unwrap();
    symlink("nowhere", tiny.at("/etc/zap/repositories/x.aliases")).unwrap();
    for (path, seconds) in [("/var/pipe", 1_700_000_001), ("/etc/hosts", 1_700_000_002)] {
        tests::tiny::set_time(&tiny.at(path), seconds);
    }
    tiny.write();
    let image = scratch.join("image");
    (scratch, image)
}

/// What `-n` prints: with the places on this machine taken out.
#[test]
fn plans_are_printed_as_before() {
    let (scratch, image) = small();
    for (name, more) in [("summary", &["-n"][..]), ("actions", &["-n", "-v"]), ("json", &["-n", "--json"])] {
        for brand in BRANDS {
            let done = run(install(brand, &image, &scratch.join("z1")).args(more));
            done.succeeded();
            let mut text = done.out.replace(scratch.path().to_str().unwrap(), "/SCRATCH");
            if name == "json" {
                let value: serde_json::Value = serde_json::from_str(&text).unwrap();
                text = serde_json::to_string_pretty(&value).unwrap() + "\n";
            }
            if !is_root() {
                text = text.replace(&format!("{}", rustix::process::geteuid().as_raw()), "0");
            } else {
                golden(&format!("plan-{name}-{brand}.txt"), &text);
            }
            assert!(!text.contains('\u{1b}'), "a name changes the colour of the terminal");
        }
    }
    assert!(!scratch.join("z1").exists() && !scratch.join("zonelib").exists());
}

/// The report as JSON says what the words say.
#[test]
fn the_report_as_json() {
    let image = image();
    let zone = Zone::make("whole-root", &image.path(), &["--json", "--verify"]);
    let report: serde_json::Value = serde_json::from_str(&zone.ran.out).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["brand"], "whole-root");
    let made = zone.nodes.keys().filter(|path| !path.ends_with(b"postinstall-ran")).count();
    assert_eq!(report["objects"], made, "objects counted and objects made");
    let bytes: u64 = report["bytes"].as_u64().unwrap();
    let joined = |node: &&tree::Node| node.joined.is_empty();
    assert!(bytes >= zone.nodes.values().filter(joined).map(|node| node.size).sum::<u64>() - 4);
    let paths = |key: &str| -> Vec<String> {
        let list = report[key].as_array().unwrap();
        list.iter().map(|one| one["path"].as_str().unwrap().to_owned()).collect()
    };
    assert!(paths("missing").contains(&"/etc/edge/live/file-missing".to_owned()));
    assert_eq!(paths("not_as_packaged"), ["/etc/edge/live/file-edited"]);
    let scripts = if is_root() { "postinstall" } else { "postinstall_not_run" };
    assert_eq!(report[scripts].as_array().unwrap().len(), 4);
}

/// Files may be older than 1970, and lie further in the future than 32 bits reach.
#[test]
fn times_of_all_ages() {
    let (scratch, mut image) = common::tiny();
    let times = [("old", -300_000_000), ("eve", -1), ("epoch", 0), ("late", 1 << 33), ("later", 1 << 36)];
    for (name, seconds) in times {
        image.file(&format!("/etc/{name}"), "x\n");
        tests::tiny::set_time(&image.at(&format!("/etc/{name}")), seconds);
    }
    image.write();
    let file = scratch.join("zone.tar.gz");
    let _ = archive("sparse-root", image.path(), &file, &[]);
    let zones = [Zone::unpack(&file), Zone::make("sparse-root", image.path(), &[])];
    for (name, _) in times {
        // The file system may hold fewer.
        let live = fs::metadata(image.at(&format!("/etc/{name}"))).unwrap().mtime();
        for zone in &zones {
            assert_eq!(zone.the(format!("/etc/{name}")).modified, (live, 0), "{name}");
        }
    }
}
