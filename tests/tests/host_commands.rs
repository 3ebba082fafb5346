//! Commands of illumos that pkgcreatezone runs, with stand-ins in their place: zap and pkgadm (facts:
//! what the brand scripts do with -O and -P), zonecfg (where a zone's /lib comes from).

#![cfg(feature = "lab")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tests::run::{Scratch, install, pkgcreatezone, run, skip_without_root};
use tests::tiny::Tiny;

mod common;

use common::filled;

/// Installs a package into a root the way zap does: files, and lines of the database. It knows only
/// `tool`, and refuses other words as zap does.
const ZAP: &str = r#"#!/bin/sh
set -eu
echo "zap $*" >> "$LOG"
[ "$2" = -R ] || { echo "Usage: zap $1 [-R root]" >&2; exit 1; }
case $1 in install-pkg | install-overlay) ;; *) echo "ERROR: unknown subcommand" >&2; exit 1 ;; esac
[ "$4" = tool ] || { echo "ERROR: Unable to find $4" >&2; exit 1; }
printf 'tool\n' > "$3/etc/tool.conf"
printf 'hardware\n' > "$3/etc/path_to_inst"
printf '/etc/path_to_inst f none 0644 root bin 9 1 1600000000 TRIBtool\n' >> "$3/var/sadm/install/contents"
printf '/etc/tool.conf f none 0644 root bin 5 1 1600000000 TRIBtool\n' >> "$3/var/sadm/install/contents"
"#;

/// Writes pending changes; here it only has to be asked after zap, for the zone root.
const PKGADM: &str = "#!/bin/sh\necho \"pkgadm $*\" >> \"$LOG\"\n[ \"$1\" = sync ]\n";

/// Knows one zone, `z1`, and where it mounts /lib from.
const ZONECFG: &str = r#"#!/bin/sh
[ "$1 $2" = "-z z1" ] || { echo "zonecfg: No such zone configured" >&2; exit 1; }
[ "$3 $4 $5" = "info fs dir=/lib" ] || exit 2
printf 'fs:\n\tdir: /lib\n\tspecial: /elsewhere/lib\n\traw not specified\n\ttype: lofs\n\toptions: [ro]\n'
"#;

/// Stand-ins below `scratch/lab`; `$LOG` is a file beside them.
fn lab(scratch: &Scratch, commands: &[(&str, &str)]) {
    for (path, script) in commands {
        let place = scratch.join("lab").join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let log = format!("LOG={}\n", scratch.join("log").display());
        let (first, rest) = script.split_once('\n').unwrap();
        fs::write(&place, format!("{first}\n{log}{rest}")).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn image(scratch: &Scratch) -> std::path::PathBuf {
    let image = scratch.join("image");
    Tiny::new(&image).file("/lib/libc.so.1", "library\n").write();
    image
}

fn whole(scratch: &Scratch, image: &Path, more: &[&str]) -> tests::run::Ran {
    run(install("whole-root", image, &scratch.zonepath("zone")).args(more).env("ZONEKIT_LAB", scratch.join("lab")))
}

#[test]
fn packages_are_added_by_the_installer_of_the_host() {
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    lab(&scratch, &[("usr/bin/zap", ZAP), ("usr/bin/pkgadm", PKGADM)]);
    let image = image(&scratch);
    whole(&scratch, &image, &["-P", "tool"]).succeeded();
    let root = scratch.join("zone/root");
    let log = fs::read_to_string(scratch.join("log")).unwrap();
    let asked: Vec<&str> = log.lines().filter(|line| line.contains(root.to_str().unwrap())).collect();
    let (zap, sync) =
        (format!("zap install-pkg -R {0} tool", root.display()), format!("pkgadm sync -R {} -q", root.display()));
    assert_eq!(asked, [zap, sync]);
    assert_eq!(fs::read_to_string(root.join("etc/tool.conf")).unwrap(), "tool\n");
    let contents = fs::read_to_string(root.join("var/sadm/install/contents")).unwrap();
    assert!(contents.contains("/etc/tool.conf f none"), "{contents}");
    // What makes no sense in a zone makes none when it is added either.
    assert!(!root.join("etc/path_to_inst").exists() && !contents.contains("path_to_inst"), "{contents}");
}

#[test]
fn an_installer_that_fails_leaves_nothing() {
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    lab(&scratch, &[("usr/bin/zap", ZAP), ("usr/bin/pkgadm", PKGADM)]);
    let image = image(&scratch);
    whole(&scratch, &image, &["-O", "tol"]).refused(254, &["install-overlay", "Unable to find tol"]);
    assert!(!filled(&scratch.join("zone/root")));
}

#[test]
fn without_an_installer_nothing_is_begun() {
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    lab(&scratch, &[("usr/bin/pkgadm", PKGADM)]);
    let image = image(&scratch);
    whole(&scratch, &image, &["-P", "tool"]).refused(254, &["/usr/bin/zap", "is not on this host"]);
    assert!(!scratch.join("zone/root").exists());
}

#[test]
fn the_clone_is_where_the_configuration_mounts_lib_from() {
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    lab(&scratch, &[("usr/sbin/zonecfg", ZONECFG)]);
    let image = image(&scratch);
    let sparse = |zone: &str| {
        let mut command = pkgcreatezone();
        command.args(["-z", zone, "-b", "sparse-root", "-R"]).arg(scratch.zonepath(zone));
        command.arg("--image").arg(&image).env("ZONEKIT_LAB", scratch.join("lab"));
        command
    };
    run(&mut sparse("z1")).succeeded();
    assert_eq!(fs::read_to_string(image.join("elsewhere/lib/libc.so.1")).unwrap(), "library\n");
    run(&mut sparse("z2")).succeeded();
    assert!(image.join("zonelib/lib/libc.so.1").exists(), "a zone that is not configured");
}
