//! What is wrong in the scripts that zonekit replaces, by the number of the finding, and is right here: files.
//!
//! 13 to 29 are in `findings_packages.rs`, but for 18, 21 and 26 in `faults.rs`; 30 to 35 are about other programs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use common::{BRANDS, Zone, sample_zone, tiny};
use contents::Contents;
use tests::run::{Scratch, image, install, is_root, pkgcreatezone, run};
use tests::sample::names;
use tests::tiny::{EDITED, PACKAGED, measures};
use tests::tree;

fn copied(brand: &str, path: &Path) -> bool {
    let tops: &[&str] =
        if brand == "sparse-root" { &["etc", "root", "var"] } else { &["etc", "root", "var", "usr", "lib", "sbin"] };
    tops.iter().any(|top| path.strip_prefix("/").unwrap().starts_with(top))
}

#[test]
fn finding_01_only_whole_paths_are_pruned() {
    let image = image();
    for brand in BRANDS {
        let zone = sample_zone(brand);
        for path in image.sample.edge("substring-accidents") {
            assert!(zone.lists(path), "{brand}: {} is not in the contents", path.display());
            assert_eq!(zone.has(path), copied(brand, path), "{brand}: {}", path.display());
        }
        for path in names::PRUNED_SPARSE.iter().chain(names::PRUNED_LIB) {
            assert!(!zone.has(path) && !zone.lists(path), "{brand}: {path}");
        }
        // Packaged directories of such a name stay with all that is in them.
        assert_eq!(zone.the("/etc/system.d").kind, 'd');
        assert!(zone.lists("/etc/system.d"));
    }
}

#[test]
fn finding_02_lists_with_blanks_and_missing_slashes() {
    let (scratch, mut image) = tiny();
    let pruned = [
        "/etc/hostname.vboxnet0",
        "/lib/svc/manifest/network/chrony.xml",
        "/usr/lib/fm/topo/plugins/dimm.so",
        "/etc/mine",
    ];
    for path in pruned {
        image.file(path, "x\n");
    }
    image.file("/etc/mine-too", "x\n").write();
    // Those of the stock lists, and the same mistakes in a list of the site.
    let lists = scratch.join("config/prune.d/sparse");
    fs::create_dir_all(&lists).unwrap();
    fs::write(lists.join("site.prune"), "# ours \n\n  etc/mine \t\n/etc/mine\n").unwrap();
    let mut command = pkgcreatezone();
    let file = scratch.join("zone.tar.gz");
    command.args(["-b", "whole-root", "--image"]).arg(image.path()).arg("--archive").arg(&file);
    let command = &mut std::process::Command::new(command.get_program());
    command.args(["-b", "whole-root", "--image"]).arg(image.path()).arg("--archive").arg(&file);
    run(command.arg("--config").arg(scratch.join("config"))).succeeded();
    let zone = Zone::unpack(&file);
    for path in pruned {
        assert!(!zone.has(path) && !zone.lists(path), "{path}");
    }
    assert!(zone.has("/etc/mine-too") && zone.lists("/etc/mine-too"));
}

#[test]
fn finding_03_prefixes_are_whole_components() {
    let image = image();
    for brand in BRANDS {
        let zone = sample_zone(brand);
        for path in image.sample.edge("prefix-accidents") {
            assert!(!zone.has(path), "{brand}: {} was copied", path.display());
            assert!(zone.lists(path), "{brand}: {} is not in the contents", path.display());
        }
        for dropped in
            ["/boot", "/kernel", "/devices", "/opt", "/platform", "/kernel/drv/amd64/sd", "/opt/only/bin/tool"]
        {
            assert!(!zone.lists(dropped), "{brand}: {dropped}");
        }
    }
}

#[test]
fn finding_04_pristine_files_have_packaged_attributes() {
    let image = image();
    let zone = sample_zone("sparse-root");
    let expected = [
        ("/etc/edge/live/chmodded", 0o600, (0, 3)),
        ("/etc/edge/live/chowned", 0o640, (71, 8)),
        ("/etc/edge/live/set-id", 0o4755, (5, 5)),
        ("/etc/edge/live/missing-set-id", 0o2755, (0, 6)),
        ("/etc/edge/live/missing", 0o644, (0, 3)),
        ("/etc/shadow", 0o400, (0, 3)),
    ];
    for (path, mode, owner) in expected {
        let node = zone.the(path);
        assert_eq!((node.mode, (node.uid, node.gid)), (mode, owner), "{path}");
    }
    // All of them: content and time as packaged, not now and not live.
    let text = fs::read(image.on_disk("/var/sadm/install/contents")).unwrap();
    let contents = Contents::parse(Path::new("contents"), &text).unwrap();
    let mut looked_at = 0;
    for (path, copy) in &image.sample.pristine {
        let Some(node) = zone.node(path) else { continue };
        assert_eq!(zone.content(path), fs::read(image.sample.on_disk(copy)).unwrap(), "{}", path.display());
        let entry = contents.get(path.as_os_str().as_bytes()).unwrap();
        if let Some(time) = entry.modified() {
            assert_eq!(node.modified, (time, 0), "{}", path.display());
        }
        if let Some(mode) = entry.mode() {
            assert_eq!(node.mode, mode, "{}", path.display());
        }
        looked_at += 1;
    }
    assert!(looked_at > 100, "{looked_at}");
}

#[test]
fn finding_05_links_in_place_of_files_are_not_followed() {
    let (scratch, mut image) = tiny();
    let outside = scratch.join("outside");
    fs::write(&outside, "the global zone's\n").unwrap();
    image.editable("/etc/victim", "packaged\n", "packaged\n");
    for (name, target) in [("near", "victim"), ("far", outside.to_str().unwrap()), ("dangling", "/no/where")] {
        let path = format!("/etc/{name}");
        image.editable(&path, &format!("{name}\n"), "");
        fs::remove_file(image.at(&path)).unwrap();
        symlink(target, image.at(&path)).unwrap();
    }
    image.write();
    for brand in BRANDS {
        let zone = Zone::make(brand, image.path(), &[]);
        assert_eq!(zone.text("/etc/victim"), "packaged\n");
        for name in ["near", "far", "dangling"] {
            assert_eq!(zone.text(format!("/etc/{name}")), format!("{name}\n"));
            assert_eq!(zone.the(format!("/etc/{name}")).mode, 0o640);
        }
        assert_eq!(fs::read_to_string(&outside).unwrap(), "the global zone's\n");
    }
}

#[test]
fn finding_06_a_directory_in_place_of_a_file() {
    let zone = sample_zone("sparse-root");
    assert!(zone.text("/etc/edge/live/now-a-directory").contains("as packaged"));
    assert!(!zone.has("/etc/edge/live/now-a-directory/inside"));
}

/// [`Zone::make`] itself looks that nothing is beside the root.
#[test]
fn finding_07_reloc_in_path() {
    let image = image();
    let whole = sample_zone("whole-root");
    for path in image.sample.edge("reloc-components") {
        assert!(whole.text(path).contains("as packaged"), "{}", path.display());
        assert!(!whole.text(path).contains("live"), "{}", path.display());
    }
    let sparse = sample_zone("sparse-root");
    for zone in [whole, sparse] {
        for path in ["/etc/outer.conf", "/etc/inner.conf", "/etc/stale.conf", "/inner.conf", "/.conf"] {
            assert!(!zone.has(path), "{path}");
        }
    }
    assert!(!sparse.has("/usr/share"));
}

#[test]
fn finding_08_names_are_names() {
    let image = image();
    let zone = sample_zone("whole-root");
    let mut looked_at = 0;
    for path in image.sample.edge("odd-names-editable") {
        assert_eq!(zone.text(path), "key = packaged\n", "{}", path.display());
        looked_at += 1;
    }
    for category in ["odd-names", "invalid-utf8", "long-names"] {
        for path in image.sample.edge(category) {
            assert_eq!(zone.content(path), fs::read(image.sample.on_disk(path)).unwrap(), "{}", path.display());
            assert!(zone.lists(path), "{}", path.display());
            looked_at += 1;
        }
    }
    assert!(looked_at > 140, "{looked_at}");
}

/// Names that a shell would run; each would leave a file in the directory where the program was started.
#[test]
fn finding_08_nothing_is_run() {
    let (scratch, mut image) = tiny();
    let names = [
        "$(touch${IFS}ran)",
        "`touch${IFS}ran`",
        "x;touch${IFS}ran",
        "x|touch${IFS}ran",
        "x&touch${IFS}ran",
        "x>ran",
        "'",
        "\"",
    ];
    for name in names {
        image.editable(&format!("/etc/{name}"), "packaged\n", "live\n");
        image.editable(&format!("/usr/{name}"), "packaged\n", "live\n");
    }
    image.write();
    let here = scratch.join("here");
    fs::create_dir(&here).unwrap();
    let file = scratch.join("zone.tar.gz");
    let mut command = pkgcreatezone();
    command.args(["-b", "whole-root", "--image"]).arg(image.path()).arg("--archive").arg(&file).current_dir(&here);
    run(&mut command).succeeded();
    if is_root() {
        run(install("whole-root", image.path(), &scratch.zonepath("z1")).current_dir(&here)).succeeded();
    }
    assert!(fs::read_dir(&here).unwrap().next().is_none());
    let zone = Zone::unpack(&file);
    for name in names {
        assert_eq!(zone.text(format!("/etc/{name}")), "packaged\n");
        assert_eq!(zone.text(format!("/usr/{name}")), "packaged\n");
    }
}

#[test]
fn finding_09_pristine_copies_everywhere() {
    let image = image();
    let whole = sample_zone("whole-root");
    let paths = image.sample.edge("editable-outside");
    for path in paths {
        assert!(!whole.text(path).contains("live"), "{}", path.display());
    }
    let sparse = sample_zone("sparse-root");
    if is_root() {
        let lib = paths.iter().find_map(|path| path.strip_prefix("/lib").ok()).unwrap();
        let packaged = whole.the(Path::new("/lib").join(lib));
        assert_eq!(&sparse.clone[lib.as_os_str().as_bytes()], packaged, "not pristine in the clone of /lib");
    }
}

#[test]
fn finding_10_copies_without_an_entry_stay_out() {
    let zone = sample_zone("whole-root");
    for path in
        ["/etc/edge/live/stale.conf", "/etc/edge/live/stale with blanks.conf", "/usr/share/edge/reloc/etc/stale.conf"]
    {
        assert!(!zone.has(path), "{path}");
    }
    let saved = |path: &&Vec<u8>| {
        path.starts_with(b"var/sadm/pkg/") && path.split(|byte| *byte == b'/').nth(4) == Some(b"save")
    };
    assert_eq!(zone.nodes.keys().filter(saved).map(|path| tree::shown(path)).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn finding_11_hard_links_join() {
    let zone = sample_zone("whole-root");
    let joined = |a: &str, b: &str| {
        let (a, b) = (zone.the(a), zone.the(b));
        !a.joined.is_empty() && a.joined == b.joined
    };
    for (a, b) in [
        ("/usr/sbin/edge-tool", "/sbin/edge-tool"),
        ("/lib/edge.so.1", "/usr/lib/edge/edge.so.1"),
        ("/etc/edge/links/to-usr", "/usr/share/edge/links/a"),
        ("/usr/share/edge/links/0-early", "/usr/share/edge/links/a"),
        ("/usr/share/edge/links/0-chain", "/usr/share/edge/links/a"),
        ("/usr/share/edge/links/absolute", "/usr/share/edge/links/a"),
        ("/usr/share/edge/links/to-etc", "/etc/edge/links/plain"),
        ("/usr/share/edge/links/editable", "/etc/edge/links/editable"),
        ("/etc/edge/links/broken", "/etc/edge/links/plain"),
        ("/etc/edge/links/missing", "/etc/edge/links/plain"),
        ("/etc/rc2.d/S80sample", "/etc/init.d/mkdtab"),
        ("/usr/sbin/mount", "/sbin/mount"),
    ] {
        assert!(joined(a, b), "{a} and {b} are two files");
    }
    // A pristine copy does not reach the others through a shared file, and the live text reaches none.
    assert_eq!(zone.text("/etc/edge/links/editable"), "links = packaged\n");
    assert_eq!(zone.text("/usr/share/edge/links/editable"), "links = packaged\n");
    let other = zone.content("/usr/share/edge/links/a") != zone.content("/etc/edge/links/plain");
    assert!(other && !joined("/usr/share/edge/links/a", "/etc/edge/links/plain"));
    // The other end is not in a sparse zone: a copy of it.
    let sparse = sample_zone("sparse-root");
    let copy = sparse.the("/etc/edge/links/to-usr");
    assert!(copy.joined.is_empty());
    assert_eq!(sparse.content("/etc/edge/links/to-usr"), zone.content("/usr/share/edge/links/a"));
    assert_eq!((copy.mode, copy.uid, copy.gid), (0o644, 0, 2), "attributes of the file that it was a link to");
}

#[test]
fn finding_12_packaged_directories_are_directories() {
    for brand in BRANDS {
        let zone = sample_zone(brand);
        for path in ["/var/edge/moved", "/var/edge/away", "/etc/edge/outward", "/var/edge/removed"] {
            let node = zone.the(path);
            assert_eq!((node.kind, node.mode, node.uid, node.gid), ('d', 0o750, 0, 6), "{brand}: {path}");
        }
        assert!(zone.has("/var/edge/moved/data.txt"), "{brand}: what lies behind the link is lost");
        assert!(!zone.text("/var/edge/moved/data.conf").contains("live"));
        assert!(!zone.has("/var/edge/away/user-data") && !zone.has("/var/edge/elsewhere"));
    }
}

#[test]
fn finding_24_names_that_are_not_utf8() {
    let image = image();
    let scratch = Scratch::new();
    let file = scratch.join("zone.tar.gz");
    let mut command = pkgcreatezone();
    command.args(["-b", "whole-root", "--image"]).arg(image.path()).arg("--archive").arg(&file);
    run(command.env("LC_ALL", "C.UTF-8").env("LANG", "C.UTF-8")).succeeded();
    let zone = Zone::unpack(&file);
    let paths = image.sample.edge("invalid-utf8");
    assert!(paths.len() >= 6);
    for path in paths {
        assert!(zone.has(path) && zone.lists(path), "{}", path.display());
    }
}

#[test]
fn finding_25_things_called_save() {
    let image = image();
    let zone = sample_zone("whole-root");
    let paths = image.sample.edge("named-save").iter().chain(image.sample.edge("save-metadata"));
    for path in paths {
        assert!(zone.has(path), "{}", path.display());
    }
    assert_eq!(zone.text("/etc/edge/save"), "save = packaged\n");
    assert!(!zone.has("/var/sadm/pkg/save/save"));
}

/// The rules beside the findings: what is live counts for these alone.
#[test]
fn times_and_targets_of_what_nobody_edits_are_live() {
    let (_scratch, mut image) = tiny();
    image.file("/etc/file", "packaged\n").put("/etc/file", "live\n").link("/etc/link", "recorded");
    fs::remove_file(image.at("/etc/link")).unwrap();
    symlink("live", image.at("/etc/link")).unwrap();
    image.link("/etc/gone", "recorded").link("/etc/replaced", "recorded");
    fs::remove_file(image.at("/etc/gone")).unwrap();
    fs::remove_file(image.at("/etc/replaced")).unwrap();
    fs::create_dir(image.at("/etc/replaced")).unwrap();
    fs::set_permissions(image.at("/etc/file"), fs::Permissions::from_mode(0o666)).unwrap();
    image.editable("/etc/edited", "packaged\n", "live\n").write();
    let zone = Zone::make("sparse-root", image.path(), &[]);
    let file = zone.the("/etc/file");
    assert_eq!((zone.text("/etc/file").as_str(), file.modified, file.mode), ("live\n", (EDITED, 0), 0o644));
    assert_eq!(zone.the("/etc/edited").modified, (PACKAGED, 0));
    for (name, target) in [("link", "live"), ("gone", "recorded"), ("replaced", "recorded")] {
        assert_eq!(zone.the(format!("/etc/{name}")).target, target.as_bytes(), "{name}");
    }
}

/// What lies below something that is no directory cannot be made, and is named; nothing below it is lost silently.
#[test]
fn nothing_is_lost_silently_below_what_is_no_directory() {
    let (_scratch, mut image) = tiny();
    image.link("/etc/link", "elsewhere").directory("/etc/elsewhere").directory("/etc/elsewhere/deep");
    image.put("/etc/elsewhere/deep/file", "x\n").put("/etc/elsewhere/near", "x\n");
    for path in ["/etc/link/near", "/etc/link/deep/file"] {
        image.line(format!("{path} f none 0644 root bin {} SUNWcs", measures("x\n")));
    }
    image.line("/etc/link/deep d none 0755 root bin SUNWcs").write();
    let zone = Zone::make("sparse-root", image.path(), &[]);
    assert_eq!(zone.the("/etc/link").kind, 'l');
    for path in ["/etc/link/near", "/etc/link/deep", "/etc/link/deep/file"] {
        assert!(!zone.has(path));
        assert!(zone.ran.out.contains(&format!("missing: {path} ")), "{path} is not said: {}", zone.ran.out);
    }
    // An archive in which something comes without its directory would be caught here.
    let scratch = Scratch::new();
    let file = scratch.join("zone.tar.gz");
    let _ = tests::run::archive("sparse-root", image.path(), &file, &[]);
    assert!(!Zone::unpack(&file).has("/etc/link/deep/file"));
}
