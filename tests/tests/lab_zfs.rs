//! The stand-in for zfs(8) and its kin, against what the facts and the sources of illumos say of them.

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
