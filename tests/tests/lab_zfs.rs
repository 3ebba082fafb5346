//! The stand-in for zfs(8) and its kin, against what the facts and the sources of illumos say of them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tests::lab::{Fault, Lab};
use tests::run::Scratch;

fn lab() -> (Scratch, Lab) {
    let scratch = Scratch::new();
    let lab = Lab::create(&scratch.join("host"));
    (scratch, lab)
}

/// A zone as the Tribblix scripts lay it out, with its root mounted.
fn zone(lab: &Lab, name: &str) -> PathBuf {
    let top = format!("rpool/zones/{name}");
    lab.zfs_ok(&["create", "-o", "sharenfs=off", &top]);
    lab.zfs_ok(&["create", "-o", "mountpoint=legacy", "-o", "zoned=on", &format!("{top}/ROOT")]);
    let active = format!("{top}/ROOT/zbe");
    let parent = format!("org.opensolaris.libbe:parentbe={}", lab.running_uuid());
    lab.zfs_ok(&["create", "-o", "org.opensolaris.libbe:active=on", "-o", &parent, "-o", "canmount=noauto", &active]);
    let root = lab.root().join("zones").join(name).join("root");
    fs::create_dir(&root).unwrap();
    ok(&lab.run("mount", &["-F", "zfs", &active, root.to_str().unwrap()]));
    root
}

fn ok(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn refuses(output: &Output, code: i32, line: &str) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), text.contains(line)), (Some(code), true), "{line}: {text}");
}

fn value(lab: &Lab, name: &str, property: &str) -> String {
    lab.zfs_ok(&["get", "-H", "-o", "value,source", property, name]).trim_end().to_owned()
}

#[test]
fn a_zone_is_laid_out_and_mounted() {
    let (_scratch, lab) = lab();
    let root = zone(&lab, "z1");
    fs::write(root.join("file"), "x").unwrap();
    assert_eq!(
        lab.zfs_ok(&["list", "-H", "-r", "-o", "name,mounted,mountpoint,zoned,canmount", "rpool/zones/z1"]),
        format!(
            "rpool/zones/z1\tyes\t{}/zones/z1\toff\ton\nrpool/zones/z1/ROOT\tno\tlegacy\ton\ton\n\
             rpool/zones/z1/ROOT/zbe\tyes\tlegacy\ton\tnoauto\n",
            lab.root().display()
        )
    );
    let table = fs::read_to_string(lab.place("/etc/mnttab")).unwrap();
    assert!(table.contains(&format!("rpool/zones/z1/ROOT/zbe\t{}\tzfs\trw,", root.display())), "{table}");
    ok(&lab.run("umount", &[root.to_str().unwrap()]));
    assert!(!root.join("file").exists());
    ok(&lab.run("mount", &["-F", "zfs", "rpool/zones/z1/ROOT/zbe", root.to_str().unwrap()]));
    assert!(root.join("file").exists());
}

type Refusal<'a> = (&'a [&'a str], i32, &'a str);

const ZBE: &str = "rpool/zones/z1/ROOT/zbe";

/// Each is refused, and nothing has changed then.
fn all_refused(refusals: &[Refusal<'_>]) {
    let (_scratch, lab) = lab();
    zone(&lab, "z1");
    lab.zfs_ok(&["create", "-V", "1g", "rpool/volume"]);
    lab.zfs_ok(&["snapshot", "rpool/zones/z1/ROOT/zbe@one"]);
    lab.zfs_ok(&["clone", "-o", "canmount=off", "rpool/zones/z1/ROOT/zbe@one", "rpool/copy"]);
    fs::create_dir_all(lab.place("/filled/x")).unwrap();
    let filled = format!("mountpoint={}", lab.place("/filled").display());
    lab.zfs_ok(&["create", "-o", &filled, "-o", "canmount=noauto", "rpool/filled"]);
    for (words, code, line) in refusals {
        let before = lab.snapshot_of_state(&[]);
        refuses(&lab.zfs(words), *code, line);
        assert_eq!(before.difference(&lab.snapshot_of_state(&[])), "", "{words:?}");
    }
}

/// Source: `zfs_main.c`, libzfs: the wording; zfs(8): the exit status.
#[test]
fn lists_that_zfs_refuses_are_refused() {
    all_refused(&[
        (&["list", "rpool/no"][..], 1, "cannot open 'rpool/no': dataset does not exist"),
        (&["list", "rpool/no@x"], 1, "cannot open 'rpool/no@x': dataset does not exist"),
        (&["list", "-o", "nonsense"], 2, "bad property list: invalid property 'nonsense'"),
        (&["list", "rpool", "-H"], 1, "cannot open '-H': "),
        (&["list", "-Z"], 2, "invalid option 'Z'"),
        (&["list", "rpool//x"], 1, "empty component in name"),
        (&["get", "nonsense", "rpool"], 2, "invalid property 'nonsense'"),
        (&["get", "a:b", "rpool/no"], 1, "dataset does not exist"),
        (&["list", "-t", "snapshot", "rpool"], 1, "missing '@' delimiter in snapshot name"),
        (&["nonsense"], 2, "unrecognized command 'nonsense'"),
    ]);
}

/// Source: `zfs_valid_proplist()`, `zfs_prop_inherit()`.
#[test]
fn properties_that_zfs_refuses_are_refused() {
    let long = format!("a:b={}", "x".repeat(8192));
    all_refused(&[
        (&["set", "nonsense=1", "rpool"][..], 1, "cannot set property for 'rpool': invalid property 'nonsense'"),
        (&["set", "A:B=1", "rpool"], 1, "invalid property 'A:B'"),
        (&["set", &long, "rpool"], 1, "is too long"),
        (&["set", "canmount=maybe", "rpool"], 1, "'canmount' must be one of 'on | off | noauto'"),
        (&["set", "zoned=1", "rpool"], 1, "'zoned' must be one of 'on | off'"),
        (&["set", "mountpoint=x", "rpool"], 1, "'x' must be an absolute path, 'none', or 'legacy'"),
        (&["set", "guid=1", "rpool"], 1, "'guid' is readonly"),
        (&["set", "canmount=on", "rpool/volume"], 1, "does not apply to datasets of this type"),
        (&["set", "mountpoint=/x", ZBE], 1, "'mountpoint' cannot be set on dataset in a non-global zone"),
        (&["set", "sharenfs=on", ZBE], 1, "'sharenfs' cannot be set on dataset in a non-global zone"),
        (&["set", "canmount=on", "rpool/zones/z1/ROOT/zbe@one"], 1, "can not be modified for snapshots"),
        (&["set", "a:b=1"], 2, "missing dataset name(s)"),
        (
            &["inherit", "mountpoint", ZBE],
            1,
            "cannot inherit mountpoint for 'rpool/zones/z1/ROOT/zbe': dataset is used",
        ),
        (&["inherit", "canmount", "rpool"], 1, "'canmount' property cannot be inherited"),
    ]);
}

/// Source: `zfs_do_destroy()`, `check_parents()`, `zfs_rename()`.
#[test]
fn changes_of_datasets_that_zfs_refuses_are_refused() {
    all_refused(&[
        (&["create", "rpool/zones"][..], 1, "cannot create 'rpool/zones': dataset already exists"),
        (&["create", "rpool/a/b"], 1, "cannot create 'rpool/a/b': parent does not exist"),
        (&["create", "tank/a"], 1, "cannot create 'tank/a': no such pool 'tank'"),
        (&["create", "rpool/a@b"], 1, "cannot create 'rpool/a@b': snapshot delimiter '@' is not expected here"),
        (&["create", "rpool/a%b"], 1, "invalid character '%' in name"),
        (&["create", "rpool/volume/a"], 1, "parent is not a filesystem"),
        (
            &["create", "-o", "mountpoint=/x", "rpool/zones/z1/ROOT/zbe-1"],
            1,
            "cannot be set on dataset in a non-global",
        ),
        (&["destroy", "rpool"], 1, "operation does not apply to pools"),
        (&["destroy", "rpool/zones/z1"], 1, "cannot destroy 'rpool/zones/z1': filesystem has children"),
        (&["destroy", ZBE], 1, "filesystem has children"),
        (
            &["destroy", "-r", ZBE],
            1,
            "filesystem has dependent clones\nuse '-R' to destroy the following datasets:\nrpool/copy",
        ),
        (&["destroy", "rpool/zones/z1/ROOT/zbe@one"], 1, "snapshot has dependent clones"),
        (&["destroy", "rpool/zones@none"], 1, "could not find any snapshots to destroy; check snapshot names."),
        (&["snapshot", "rpool/zones/z1/ROOT/zbe@one"], 1, "dataset already exists"),
        (&["snapshot", "rpool"], 2, "usage"),
        (&["snapshot", "rpool/no@x"], 2, "cannot open 'rpool/no': dataset does not exist"),
        (&["clone", "rpool/no@x", "rpool/y"], 1, "cannot open 'rpool/no@x': dataset does not exist"),
        (
            &["clone", "rpool/zones/z1/ROOT/zbe@one", "rpool/copy"],
            1,
            "cannot create 'rpool/copy': dataset already exists",
        ),
        (&["promote", ZBE], 1, "cannot promote 'rpool/zones/z1/ROOT/zbe': not a cloned filesystem"),
        (&["rename", "rpool/copy", "rpool/zones"], 1, "dataset already exists"),
        (
            &["rename", "rpool/copy", "rpool/copy/x"],
            1,
            "New dataset name cannot be a descendant of current dataset name",
        ),
        (
            &["rename", "rpool/zones/z1", "rpool/zones/z2"],
            1,
            "child dataset with inherited mountpoint is used in a non-global zone",
        ),
        (&["rename", ZBE, "rpool/zones/z1/ROOT/zbe-1"], 1, "dataset is used in a non-global zone"),
    ]);
}

/// Source: `share_mount_one()`, `unshare_unmount()`.
#[test]
fn mounts_that_zfs_refuses_are_refused() {
    all_refused(&[
        (&["mount", ZBE][..], 1, "cannot mount 'rpool/zones/z1/ROOT/zbe': dataset is exported to a local zone"),
        (&["mount", "rpool/ROOT"], 1, "legacy mountpoint"),
        (&["mount", "rpool/copy"], 1, "'canmount' property is set to 'off'"),
        (&["mount", "rpool/zones"], 1, "filesystem already mounted"),
        (&["mount", "rpool/filled"], 1, "directory is not empty"),
        (&["unmount", ZBE], 1, "legacy mountpoint"),
        (&["unmount", "rpool/filled"], 1, "not currently mounted"),
        (&["unmount", "rpool/zones/z1"], 1, "cannot unmount '"),
    ]);
}

/// brand-protocol 6: mounted by hand, and only what is legacy.
#[test]
fn mount_takes_what_is_legacy_and_free() {
    let (_scratch, lab) = lab();
    let root = zone(&lab, "z1");
    refuses(
        &lab.run("mount", &["-F", "zfs", "rpool/zones", root.to_str().unwrap()]),
        1,
        "cannot be mounted using 'mount -F zfs'",
    );
    refuses(&lab.run("mount", &["-F", "zfs", ZBE, root.to_str().unwrap()]), 1, "mount failed: Device busy");
    refuses(&lab.run("mount", &["-F", "zfs", ZBE, "/nowhere"]), 1, "does not exist");
    refuses(&lab.run("umount", &["/nowhere"]), 1, "not in mnttab");
}

/// Source: `changelist_prefix()` and `changelist_postfix()`.
#[test]
fn a_change_of_the_mount_point_takes_those_along_that_inherit_it() {
    let (_scratch, lab) = lab();
    let at = |name: &str| lab.place(name).display().to_string();
    for name in ["rpool/zones/a", "rpool/zones/a/b"] {
        lab.zfs_ok(&["create", name]);
    }
    fs::write(lab.place("/zones/a/b/file"), "x").unwrap();
    lab.zfs_ok(&["set", &format!("mountpoint={}", at("/moved")), "rpool/zones/a"]);
    assert_eq!(fs::read_to_string(lab.place("/moved/b/file")).unwrap(), "x");
    assert_eq!(
        value(&lab, "rpool/zones/a/b", "mountpoint"),
        format!("{}\tinherited from rpool/zones/a", at("/moved/b"))
    );
    lab.zfs_ok(&["inherit", "mountpoint", "rpool/zones/a"]);
    assert_eq!(fs::read_to_string(lab.place("/zones/a/b/file")).unwrap(), "x");
    lab.zfs_ok(&["set", "mountpoint=legacy", "rpool/zones/a"]);
    assert_eq!(lab.dataset("rpool/zones/a/b").unwrap().mounted, None);
    // What was legacy is mounted, though it was not before ...
    lab.zfs_ok(&["inherit", "mountpoint", "rpool/zones/a"]);
    assert!(lab.place("/zones/a/b/file").exists());
    // ... unless it is not to be by itself.
    lab.zfs_ok(&["set", "mountpoint=legacy", "rpool/zones/a/b"]);
    lab.zfs_ok(&["set", "canmount=noauto", "rpool/zones/a/b"]);
    lab.zfs_ok(&["inherit", "mountpoint", "rpool/zones/a/b"]);
    assert_eq!(lab.dataset("rpool/zones/a/b").unwrap().mounted, None);
    // One that is in use stays where it was, and the value with it.
    lab.busy("rpool/zones/a", true);
    refuses(&lab.zfs(&["set", "mountpoint=/x", "rpool/zones/a"]), 1, "Device busy");
    assert_eq!(lab.dataset("rpool/zones/a").unwrap().mounted, Some(lab.place("/zones/a")));
}

#[test]
fn zoned_and_canmount_do_to_a_mount_what_libzfs_does() {
    let (_scratch, lab) = lab();
    lab.zfs_ok(&["create", "rpool/zones/a"]);
    let mounted = || lab.dataset("rpool/zones/a").unwrap().mounted.is_some();
    lab.zfs_ok(&["set", "canmount=noauto", "rpool/zones/a"]);
    assert!(mounted());
    lab.zfs_ok(&["set", "canmount=off", "rpool/zones/a"]);
    assert!(!mounted());
    lab.zfs_ok(&["set", "canmount=on", "rpool/zones/a"]);
    assert!(!mounted());
    lab.zfs_ok(&["mount", "rpool/zones/a"]);
    lab.zfs_ok(&["set", "zoned=on", "rpool/zones/a"]);
    assert!(!mounted());
    lab.zfs_ok(&["set", "zoned=off", "rpool/zones/a"]);
    assert!(!mounted());
    // brand-protocol 11, detach: the mount point set at last mounts it.
    let root = zone(&lab, "z1");
    let zbe = "rpool/zones/z1/ROOT/zbe";
    lab.zfs_ok(&["set", "zoned=off", zbe]);
    lab.zfs_ok(&["set", "canmount=on", zbe]);
    lab.zfs_ok(&["set", &format!("mountpoint={}", root.display()), zbe]);
    assert_eq!(lab.dataset(zbe).unwrap().mounted, Some(root.clone()));
    // Attach: the value is inherited while the dataset is not a zone's.
    lab.zfs_ok(&["set", "canmount=noauto", zbe]);
    lab.zfs_ok(&["inherit", "mountpoint", zbe]);
    lab.zfs_ok(&["inherit", "zoned", zbe]);
    assert_eq!(value(&lab, zbe, "zoned"), "on\tinherited from rpool/zones/z1/ROOT");
    assert_eq!(lab.dataset(zbe).unwrap().mounted, None);
}

/// zfsprops(8): a value comes from the nearest dataset above that sets it.
#[test]
fn properties_are_inherited_from_the_nearest_above() {
    let (_scratch, lab) = lab();
    let names = ["rpool/a", "rpool/a/b", "rpool/a/b/c", "rpool/a/b/c/d"];
    for name in names {
        lab.zfs_ok(&["create", name]);
    }
    lab.zfs_ok(&["snapshot", "rpool/a/b/c/d@s"]);
    for subset in 0..16 {
        for (index, name) in names.iter().enumerate() {
            let setting = format!("my:prop={index}");
            let words = if subset >> index & 1 == 1 { ["set", &setting, name] } else { ["inherit", "my:prop", name] };
            lab.zfs_ok(&words);
        }
        for (index, name) in names.iter().enumerate() {
            let setter = (0..=index).rev().find(|above| subset >> above & 1 == 1);
            let expected = match setter {
                None => "-\t-".to_owned(),
                Some(own) if own == index => format!("{own}\tlocal"),
                Some(above) => format!("{above}\tinherited from {}", names[above]),
            };
            assert_eq!(value(&lab, name, "my:prop"), expected, "{subset:04b} {name}");
        }
        let last = (0..4).rev().find(|above| subset >> above & 1 == 1);
        let expected = last.map_or("-\t-".to_owned(), |above| format!("{above}\tinherited from {}", names[above]));
        assert_eq!(value(&lab, "rpool/a/b/c/d@s", "my:prop"), expected);
    }
    assert_eq!(lab.zfs_ok(&["get", "-H", "-s", "local", "-o", "name", "-r", "my:prop", "rpool/a"]).lines().count(), 4);
}

#[test]
fn snapshots_and_clones_hold_what_was_there() {
    let (_scratch, lab) = lab();
    let root = zone(&lab, "z1");
    fs::write(root.join("file"), "old").unwrap();
    fs::hard_link(root.join("file"), root.join("twin")).unwrap();
    symlink("/etc/passwd", root.join("link")).unwrap();
    fs::set_permissions(root.join("file"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o711)).unwrap();
    lab.zfs_ok(&["snapshot", "-r", "-o", "my:note=x", "rpool/zones/z1@s"]);
    fs::write(root.join("file"), "new").unwrap();
    let place = lab.place("/clone").display().to_string();
    lab.zfs_ok(&["clone", "-o", &format!("mountpoint={place}"), "rpool/zones/z1/ROOT/zbe@s", "rpool/copy"]);
    let copy = lab.place("/clone");
    assert_eq!(fs::read_to_string(copy.join("file")).unwrap(), "old");
    assert_eq!(fs::read_link(copy.join("link")).unwrap(), PathBuf::from("/etc/passwd"));
    let (file, twin) = (fs::metadata(copy.join("file")).unwrap(), fs::metadata(copy.join("twin")).unwrap());
    assert_eq!((file.ino(), file.mode() & 0o7777), (twin.ino(), 0o640));
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o7777, 0o711);
    assert_eq!(value(&lab, "rpool/copy", "origin"), "rpool/zones/z1/ROOT/zbe@s\t-");
    assert_eq!(value(&lab, "rpool/zones/z1@s", "my:note"), "x\tlocal");
    // What is mounted in a dataset is not of it.
    lab.zfs_ok(&[
        "clone",
        "-o",
        &format!("mountpoint={}", lab.place("/top").display()),
        "rpool/zones/z1@s",
        "rpool/top",
    ]);
    assert!(lab.place("/top/root").is_dir() && !lab.place("/top/root/file").exists());
    // dsl_dataset_promote_sync(): snapshot and origin change sides.
    lab.zfs_ok(&["clone", "-o", "canmount=off", "rpool/zones/z1/ROOT/zbe@s", "rpool/other"]);
    lab.zfs_ok(&["promote", "rpool/copy"]);
    let origin = |name: &str| lab.dataset(name).unwrap().origin;
    assert_eq!(origin("rpool/copy"), None);
    assert_eq!(origin("rpool/other").as_deref(), Some("rpool/copy@s"));
    assert_eq!(origin("rpool/zones/z1/ROOT/zbe").as_deref(), Some("rpool/copy@s"));
    assert_eq!(lab.dataset("rpool/zones/z1/ROOT/zbe").unwrap().snapshots, [""; 0]);
    lab.zfs_ok(&["rename", "rpool/copy@s", "@t"]);
    assert_eq!(origin("rpool/other").as_deref(), Some("rpool/copy@t"));
    // Held, it is busy.
    lab.zfs_ok(&["hold", "mine", "rpool/zones/z1@s"]);
    refuses(&lab.zfs(&["destroy", "-R", "rpool/zones/z1@s"]), 1, "dataset is busy");
    lab.zfs_ok(&["release", "mine", "rpool/zones/z1@s"]);
    lab.zfs_ok(&["destroy", "-R", "rpool/zones/z1@s"]);
    assert!(lab.dataset("rpool/top").is_none());
    assert_eq!(lab.violations(), [""; 0]);
}

#[test]
fn a_destroyed_dataset_is_unmounted_and_leaves_nothing() {
    let (_scratch, lab) = lab();
    let before = lab.snapshot_of_state(&[]);
    let root = zone(&lab, "z1");
    fs::write(root.join("file"), "x").unwrap();
    lab.zfs_ok(&["snapshot", "-r", "rpool/zones/z1@s"]);
    assert!(before.difference(&lab.snapshot_of_state(&[])).contains("+ snapshot rpool/zones/z1/ROOT/zbe@s"));
    lab.busy("rpool/zones/z1/ROOT/zbe", true);
    refuses(&lab.zfs(&["destroy", "-r", "rpool/zones/z1"]), 1, "Device busy");
    lab.busy("rpool/zones/z1/ROOT/zbe", false);
    lab.zfs_ok(&["destroy", "-r", "rpool/zones/z1"]);
    assert_eq!(before.difference(&lab.snapshot_of_state(&[])), "");
    assert!(!lab.place("/zones/z1").exists());
    for kind in ["snap", "under"] {
        let left = fs::read_dir(lab.place(".lab").join(kind)).unwrap().count();
        assert_eq!(left, if kind == "under" { 2 } else { 0 }, "{kind}");
    }
}

#[test]
fn a_stream_is_received_whole_or_not_at_all() {
    let (_scratch, lab) = lab();
    let root = zone(&lab, "z1");
    fs::write(root.join("file"), vec![b'x'; 300_000]).unwrap();
    lab.zfs_ok(&["snapshot", "rpool/zones/z1/ROOT/zbe@s"]);
    let stream = lab.zfs(&["send", "-p", "rpool/zones/z1/ROOT/zbe@s"]).stdout;
    let receive = |stream: &[u8], words: &[&str]| {
        let mut command = Command::new(lab.place(".lab/bin/zfs"));
        let mut child =
            command.arg("receive").args(words).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), stream).unwrap();
        child.wait_with_output().unwrap()
    };
    let before = lab.snapshot_of_state(&[]);
    for cut in [0, 10, stream.len() / 2, stream.len() - 1] {
        refuses(&receive(&stream[..cut], &["-u", "rpool/new"]), 1, "cannot receive");
        assert_eq!(before.difference(&lab.snapshot_of_state(&[])), "");
    }
    ok(&receive(&stream, &["-u", "rpool/new"]));
    assert_eq!(value(&lab, "rpool/new", "org.opensolaris.libbe:active"), "on\treceived");
    refuses(&receive(&stream, &["rpool/new"]), 1, "destination 'rpool/new' exists\nmust specify -F to overwrite it");
    refuses(&receive(&stream, &["rpool/no/new"]), 1, "does not exist");
    lab.zfs_ok(&["set", &format!("mountpoint={}", lab.place("/new").display()), "rpool/new"]);
    lab.zfs_ok(&["mount", "rpool/new"]);
    assert_eq!(fs::metadata(lab.place("/new/file")).unwrap().len(), 300_000);
}

#[test]
fn a_full_pool_takes_nothing_more() {
    let (_scratch, lab) = lab();
    lab.zfs_ok(&["create", "rpool/a"]);
    lab.limit_pool("rpool", Some(0));
    refuses(&lab.zfs(&["create", "rpool/b"]), 1, "cannot create 'rpool/b': out of space");
    refuses(&lab.zfs(&["snapshot", "rpool/a@b"]), 1, "out of space");
    lab.limit_pool("rpool", None);
    lab.zfs_ok(&["create", "rpool/b"]);
}

/// `zfs_path_to_zhandle()`: the file system that the path is in.
#[test]
fn a_path_names_the_dataset_that_it_is_in() {
    let (_scratch, lab) = lab();
    let root = zone(&lab, "z1");
    fs::create_dir(root.join("etc")).unwrap();
    let name = |path: PathBuf| lab.zfs_ok(&["list", "-H", "-o", "name", path.to_str().unwrap()]);
    assert_eq!(name(root.join("etc")), "rpool/zones/z1/ROOT/zbe\n");
    assert_eq!(name(lab.place("/zones/z1")), "rpool/zones/z1\n");
    assert_eq!(name(lab.place("/zones")), "rpool/zones\n");
    refuses(&lab.zfs(&["list", "/nowhere/at/all"]), 1, "/nowhere/at/all: No such file or directory");
}

/// brand-protocol 12.
#[test]
fn boot_environments_are_listed_as_beadm_does() {
    let (_scratch, lab) = lab();
    lab.add_be("old", "");
    lab.add_be("new", "11111111-2222-3333-4444-555555555555");
    let lines = |lab: &Lab| String::from_utf8(lab.run("beadm", &["list", "-H"]).stdout).unwrap();
    let field = |lab: &Lab, name: &str, at: usize| {
        let all = lines(lab);
        let line = all.lines().find(|line| line.starts_with(&format!("{name};"))).unwrap();
        assert_eq!(line.split(';').count(), 7, "{line}");
        line.split(';').nth(at).unwrap().to_owned()
    };
    assert_eq!((field(&lab, "tribblix", 2), field(&lab, "tribblix", 3)), ("NR".to_owned(), "/".to_owned()));
    assert_eq!((field(&lab, "old", 1), field(&lab, "old", 2)), (String::new(), String::new()));
    lab.run_be("new");
    assert_eq!(field(&lab, "new", 2), "NR");
    assert_eq!(lab.running_uuid(), "11111111-2222-3333-4444-555555555555");
    lab.remove_command("beadm");
    assert!(!lab.place("/usr/sbin/beadm").exists());
}

#[test]
fn calls_are_counted_and_go_wrong_when_told() {
    let (_scratch, lab) = lab();
    let zfs = lab.place("/usr/sbin/zfs").display().to_string();
    let shell = |script: &str| Command::new("/bin/sh").args(["-c", script]).env("ZFS", &zfs).output().unwrap();
    assert_eq!(lab.log(), []);
    lab.fault(Some(&Fault::Fail(2)));
    let ran = shell("$ZFS create rpool/a && $ZFS create 'rpool/b c'; echo $?; $ZFS create rpool/d");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "1\n");
    assert!(lab.dataset("rpool/d").is_some() && lab.dataset("rpool/b c").is_none());
    let log = lab.log();
    assert_eq!((log.len(), log[1].number, log[1].arguments.clone()), (3, 2, vec!["create".into(), "rpool/b c".into()]));
    lab.reset_log();
    for (fault, made, signal) in [
        (Fault::KillBefore(1), false, Some(9)),
        (Fault::KillAfter(1), true, Some(9)),
        (Fault::InterruptBefore(1), true, Some(2)),
        (Fault::FailOf("zfs".into(), 1), false, None),
        (Fault::FailOf("mount".into(), 1), true, None),
    ] {
        lab.reset_log();
        lab.fault(Some(&fault));
        let ran = shell("$ZFS create rpool/e; true");
        lab.fault(None);
        assert_eq!(ran.status.signal(), signal, "{fault:?}");
        assert_eq!(lab.dataset("rpool/e").is_some(), made, "{fault:?}");
        let _ = lab.zfs(&["destroy", "rpool/e"]);
    }
}

#[test]
fn ten_at_once_all_get_what_they_asked_for() {
    let (_scratch, lab) = lab();
    let start = |number: usize| {
        let name = format!("rpool/zones/z{number}");
        Command::new(lab.place("/usr/sbin/zfs")).args(["create", &name]).spawn().unwrap()
    };
    let all: Vec<_> = (0..10).map(start).collect();
    for mut child in all {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(lab.zfs_ok(&["list", "-H", "-r", "-d", "1", "rpool/zones"]).lines().count(), 11);
    let mut numbers: Vec<usize> = lab.log().iter().map(|call| call.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    let table = fs::read_to_string(lab.place("/etc/mnttab")).unwrap();
    assert_eq!(table.lines().count(), 13, "{table}");
}

/// brand-protocol 6: something that is mounted below makes busy, even by force.
#[test]
fn what_has_mounts_below_stays_mounted() {
    let (_scratch, lab) = lab();
    let root = zone(&lab, "z1");
    let below = root.join("lib");
    fs::create_dir(&below).unwrap();
    let from = lab.place("/usr").display().to_string();
    ok(&lab.run("mount", &["-F", "lofs", "-o", "ro", &from, below.to_str().unwrap()]));
    refuses(&lab.run("umount", &["-f", root.to_str().unwrap()]), 1, "Device busy");
    let listed = String::from_utf8(lab.run("mount", &["-p"]).stdout).unwrap();
    assert!(listed.contains(&format!("{from} - {} lofs - no ro", below.display())), "{listed}");
    ok(&lab.run("umount", &[below.to_str().unwrap()]));
    ok(&lab.run("umount", &[root.to_str().unwrap()]));
}

#[test]
fn an_open_file_stays_good_when_its_file_system_is_moved() {
    let (_scratch, lab) = lab();
    lab.zfs_ok(&["create", "rpool/zones/a"]);
    let path = lab.place("/zones/a/file");
    let mut file = fs::File::create(&path).unwrap();
    lab.zfs_ok(&["unmount", "rpool/zones/a"]);
    std::io::Write::write_all(&mut file, b"late").unwrap();
    assert!(!path.exists());
    lab.zfs_ok(&["mount", "rpool/zones/a"]);
    assert_eq!(fs::read_to_string(path).unwrap(), "late");
}

#[test]
fn svccfg_imports_into_the_repository_that_it_is_given() {
    let (_scratch, lab) = lab();
    let repository = lab.place("/tmp/repository.db");
    let manifest = lab.place("/tmp/a.xml");
    fs::write(
        &manifest,
        "<service_bundle type='manifest' name='a'>\n<service name='system/a' type='service'/></service_bundle>\n",
    )
    .unwrap();
    let import = |file: &str| {
        let mut command = Command::new(lab.place("/usr/sbin/svccfg"));
        command.env("SVCCFG_REPOSITORY", &repository).args(["import", file]).output().unwrap()
    };
    ok(&import(manifest.to_str().unwrap()));
    assert!(fs::read_to_string(&repository).unwrap().contains("service system/a\n"));
    refuses(&import("/nowhere.xml"), 1, "couldn't parse document");
    fs::write(&manifest, "<service_bundle>").unwrap();
    refuses(&import(manifest.to_str().unwrap()), 1, "couldn't parse document");
    lab.break_services(true);
    refuses(&import(manifest.to_str().unwrap()), 1, "Could not connect to repository server");
}

/// A program of zonekit finds the stand-ins, and its calls are accounted for.
#[cfg(feature = "lab")]
#[test]
fn zonekit_finds_the_running_boot_environment_of_the_lab() {
    let (_scratch, lab) = lab();
    lab.add_be("new", "11111111-2222-3333-4444-555555555555");
    lab.add_be("old", "");
    let run = |words: &[&str]| {
        let mut command = Command::new(tests::run::program("be-uuid"));
        let ran = command.args(words).env("ZONEKIT_LAB", lab.root()).output().unwrap();
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(run(&["--show"]), lab.running_uuid());
    assert_eq!(lab.log()[0].line(), "beadm list -H");
    lab.run_be("new");
    assert_eq!(run(&["--show"]), "11111111-2222-3333-4444-555555555555");
    run(&["--set", "rpool/ROOT/old"]);
    lab.run_be("old");
    assert_eq!(run(&["--show"]), lab.running_uuid());
}
