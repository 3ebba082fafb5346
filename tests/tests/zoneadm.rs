//! What zoneadm(8) asks of a hook besides installing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use tests::run::{Scratch, image, install, pkgcreatezone, run, skip_without_root};

const HELD: &str = "_ZONEADM_LOCK_HELD";

/// Success would be an installed zone to zoneadm.
#[test]
fn help_is_no_success_for_zoneadm() {
    for flag in ["-h", "-?", "--help", "--version"] {
        let by_hand = run(pkgcreatezone().arg(flag));
        by_hand.succeeded();
        assert!(by_hand.out.contains("pkgcreatezone"), "{flag}: {by_hand:?}");
        let by_zoneadm = run(pkgcreatezone().arg(flag).env(HELD, "1"));
        assert_eq!((by_zoneadm.code(), by_zoneadm.err.as_str()), (253, ""), "{flag}");
        assert_eq!(by_zoneadm.out, by_hand.out, "{flag}");
        assert_eq!(run(pkgcreatezone().arg(flag).env(HELD, "0")).code(), 0, "{flag}: the lock is not held");
    }
}

/// zoneadm glues its options together: `-z ZONE -R PATH -?`.
#[test]
fn help_counts_wherever_it_stands() {
    let done = run(pkgcreatezone().args(["-z", "z1", "-R", "/zones/z1", "-b", "sparse-root", "-?"]).env(HELD, "1"));
    assert_eq!(done.code(), 253);
    assert!(done.out.contains("--zonepath"), "{done:?}");
}

/// 254: nothing was installed, the zone is configured as before.
#[test]
fn a_plan_installs_nothing() {
    let (image, scratch) = (image(), Scratch::new());
    for (held, code) in [(Some("1"), 254), (Some("0"), 0), (None, 0)] {
        let zonepath = scratch.zonepath(held.unwrap_or("none"));
        let mut command = install("sparse-root", &image.path(), &zonepath);
        command.arg("-n");
        if let Some(held) = held {
            command.env(HELD, held);
        }
        let done = run(&mut command);
        assert_eq!((done.code(), done.err.as_str()), (code, ""), "{done:?}");
        assert!(done.out.contains(" objects: "), "{done:?}");
        assert!(std::fs::read_dir(&zonepath).unwrap().next().is_none(), "a plan has made something");
    }
    assert!(!scratch.join("zonelib").exists());
}

#[test]
fn an_installed_zone_is_a_success_for_zoneadm() {
    if skip_without_root() {
        return;
    }
    let (image, scratch) = (image(), Scratch::new());
    let zonepath = scratch.zonepath("zone");
    let done = run(install("sparse-root", &image.path(), &zonepath).env(HELD, "1"));
    done.succeeded();
    assert!(zonepath.join("root/etc/passwd").is_file());
    // zoneadm boots a zone only when its root is exactly this.
    let root = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(zonepath.join("root")).unwrap());
    assert_eq!(root & 0o7777, 0o755);
}
