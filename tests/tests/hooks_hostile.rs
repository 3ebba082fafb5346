//! Zone roots whose owner has planted what hooks would stumble over: nothing outside is touched, nothing hangs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod hooks_common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use hooks_common::{Outside, clean, datasets, installed, no_journal, unchanged};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use tests::run::skip_without_root;
use tests::scenario::World;
use zonelib::brand::identity::RULES;

/// Paths below a zone root that hooks touch: what makes a zone itself, and what they look at.
fn paths() -> Vec<String> {
    let rules = RULES.iter().map(|rule| rule.pattern.replace('*', "x").replace('#', "0"));
    let more = [
        "etc/svc/repository.db",
        "etc/svc/profile/generic.xml",
        "etc/nodename",
        "var/sadm/install/contents",
        ".zonekit-new",
        "etc/.zonekit-new",
        "var/adm/.zonekit-new",
        "etc/svc/.zonekit-new",
        "lib/svc/seed/nonglobal.db",
    ];
    let all: BTreeSet<String> = rules.chain(more.map(str::to_owned)).collect();
    all.into_iter().collect()
}

/// Something to plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trap {
    Absolute,
    Relative,
    Fifo,
    Directory,
    Device,
    Huge,
    Loop,
    HardLink,
}

const TRAPS: [Trap; 8] =
    [Trap::Absolute, Trap::Relative, Trap::Fifo, Trap::Directory, Trap::Device, Trap::Huge, Trap::Loop, Trap::HardLink];

/// Bytes of a file without blocks: the lab's snapshots read it whole.
const HUGE: u64 = 17 << 20;
const VERY_HUGE: u64 = 10 << 30;

impl Trap {
    /// Plants it in place of what is there. False when that cannot be done on this host.
    fn plant(self, place: &Path, marker: &Path, path: &str, huge: u64) -> bool {
        let above = place.parent().unwrap();
        if fs::create_dir_all(above).is_err() {
            return true;
        }
        let _ = fs::remove_dir_all(place).or_else(|_| fs::remove_file(place));
        let outside = marker.join(path);
        match self {
            Self::Absolute => symlink(&outside, place).unwrap(),
            Self::Relative => {
                let up = "../".repeat(above.components().count() + 3);
                symlink(format!("{up}{}", outside.display().to_string().trim_start_matches('/')), place).unwrap();
                assert!(fs::metadata(place).is_ok(), "the trap leads nowhere");
            }
            Self::Fifo => mknodat(CWD, place, FileType::Fifo, Mode::from_bits_retain(0o666), 0).unwrap(),
            Self::Directory => {
                fs::create_dir(place).unwrap();
                fs::write(place.join("below"), "x").unwrap();
            }
            // /dev/zero has no end.
            Self::Device => {
                let mode = Mode::from_bits_retain(0o666);
                return mknodat(CWD, place, FileType::CharacterDevice, mode, makedev(1, 5)).is_ok();
            }
            Self::Huge => File::create(place).unwrap().set_len(huge).unwrap(),
            Self::Loop => symlink(place.file_name().unwrap(), place).unwrap(),
            Self::HardLink => fs::hard_link(above.join("target"), place)
                .or_else(|_| {
                    fs::write(above.join("target"), "hard\n")?;
                    fs::hard_link(above.join("target"), place)
                })
                .unwrap(),
        }
        true
    }
}

struct Hostile {
    world: World,
    outside: Outside,
    marker: PathBuf,
}

impl Hostile {
    fn new() -> Self {
        let world = installed();
        let all = paths();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let outside = Outside::plant(&world, &all);
        let marker = world.beside("marker");
        world.configure("z2", "sparse-root");
        world.configure("z3", "sparse-root");
        Self { world, outside, marker }
    }

    /// Clones the zone both ways: it is done, or refused with words and nothing is left.
    fn clone_it(&self) {
        for arguments in [&["clone", "z1"][..], &["clone", "-m", "copy", "z1"]] {
            let before = datasets(&self.world);
            let did = self.world.zoneadm("z2", arguments);
            self.outside.is_as_it_was(&self.world);
            clean(&did.err);
            no_journal(&self.world);
            if did.code == 0 {
                self.reset_is_whole();
                self.world.zoneadm("z2", &["boot"]).well();
                self.world.zoneadm("z2", &["halt"]).well();
            } else {
                assert_eq!(did.err.lines().count(), 1, "{did:?}");
                assert!(did.err.contains("z2/root: /") || did.err.contains("z1/root"), "{did:?}");
                unchanged(&self.world, &before);
            }
            self.world.zoneadm("z2", &["uninstall", "-F"]).well();
            self.outside.is_as_it_was(&self.world);
        }
    }

    /// Nothing in the clone's identity leads out of it: links are gone, or files.
    fn reset_is_whole(&self) {
        for path in ["etc/nodename", "etc/svc/repository.db"] {
            let place = self.world.in_zone("z2", path);
            let inside = place.canonicalize().is_ok_and(|real| real.starts_with(self.world.zonepath("z2")));
            let kept_directory =
                place.is_dir() || fs::symlink_metadata(place.parent().unwrap()).is_ok_and(|m| m.is_symlink());
            assert!(inside || kept_directory, "{path}");
        }
    }

    fn live(&self) {
        let (world, outside) = (&self.world, &self.outside);
        // zoneadmd itself refuses some of it; its hooks refuse nothing.
        let booted = world.zoneadm("z1", &["boot"]);
        assert!(!booted.err.contains("prestate:") && !booted.err.contains("poststate:"), "{booted:?}");
        clean(&booted.err);
        if booted.code == 0 {
            world.zoneadm("z1", &["halt"]).well();
        }
        assert_eq!(world.state("z1"), "installed");
        outside.is_as_it_was(world);
        world.zoneadm("z1", &["detach"]).well();
        outside.is_as_it_was(world);
        let did = world.zoneadm("z1", &["attach"]);
        clean(&did.err);
        if did.code != 0 {
            // A root without a database of packages is none.
            assert!(did.err.contains("var/sadm/install/contents"), "{did:?}");
            assert_eq!(world.state("z1"), "configured");
            world.zoneadm("z1", &["attach", "-F"]).well();
        }
        outside.is_as_it_was(world);
        no_journal(world);
        world.zoneadm("z1", &["uninstall", "-F"]).well();
        assert!(world.lab.dataset("rpool/zones/z1").is_none());
        outside.is_as_it_was(world);
    }
}

#[test]
fn traps_at_every_path_that_a_hook_touches() {
    if skip_without_root() {
        return;
    }
    for trap in TRAPS {
        println!("{trap:?}");
        let hostile = Hostile::new();
        let planted =
            paths().iter().all(|path| trap.plant(&hostile.world.in_zone("z1", path), &hostile.marker, path, HUGE));
        if !planted {
            eprintln!("skipped: {trap:?} cannot be made here");
            continue;
        }
        hostile.clone_it();
        hostile.live();
    }
}

#[test]
fn one_trap_at_a_time_where_it_matters_most() {
    if skip_without_root() {
        return;
    }
    for path in ["etc/nodename", "etc/svc/repository.db", "etc/inet/hosts", "var/adm/messages", "var/fm/fmd/ckpt/x"] {
        for trap in TRAPS {
            println!("{trap:?} {path}");
            let hostile = Hostile::new();
            if trap.plant(&hostile.world.in_zone("z1", path), &hostile.marker, path, HUGE) {
                let did = hostile.world.zoneadm("z2", &["clone", "z1"]);
                hostile.outside.is_as_it_was(&hostile.world);
                clean(&did.err);
                if trap == Trap::Huge && path == "etc/inet/hosts" {
                    hooks_common::failed(&did, "clone", &["/etc/inet/hosts", "larger than 16 MiB", "see what it is"]);
                    continue;
                }
                if trap == Trap::Directory && path == "etc/svc/repository.db" {
                    hooks_common::failed(&did, "clone", &["/etc/svc/repository.db", "directory"]);
                    continue;
                }
                // One file is no reason to refuse a clone, whatever it is.
                assert_eq!(did.code, 0, "{trap:?} at {path}: {did:?}");
                if path == "etc/nodename" && trap != Trap::Directory {
                    assert_eq!(hostile.world.text("z2", path), "z2\n");
                }
            }
        }
    }
}

#[test]
fn directories_that_are_links_outside() {
    if skip_without_root() {
        return;
    }
    let parents: BTreeSet<String> = paths()
        .iter()
        .flat_map(|path| {
            Path::new(path).ancestors().skip(1).map(|above| above.display().to_string()).collect::<Vec<_>>()
        })
        .filter(|above| !above.is_empty() && !above.starts_with("lib"))
        .collect();
    for parent in parents {
        for relative in [false, true] {
            println!("{parent} {relative}");
            let hostile = Hostile::new();
            let place = hostile.world.in_zone("z1", &parent);
            let trap = if relative { Trap::Relative } else { Trap::Absolute };
            assert!(trap.plant(&place, &hostile.marker, &parent, 0));
            hostile.clone_it();
            hostile.live();
        }
    }
}

#[test]
fn a_copy_of_ten_gigabytes_of_nothing() {
    if skip_without_root() {
        return;
    }
    let hostile = Hostile::new();
    for path in ["var/adm/messages", "etc/svc/repository.db", "data"] {
        assert!(Trap::Huge.plant(&hostile.world.in_zone("z1", path), &hostile.marker, path, VERY_HUGE));
    }
    hostile.world.zoneadm("z2", &["clone", "-m", "copy", "z1"]).well();
    let copied = hostile.world.in_zone("z2", "data").metadata().unwrap();
    use std::os::unix::fs::MetadataExt;
    assert_eq!(copied.size(), VERY_HUGE);
    assert!(copied.blocks() < 1000, "{} blocks of nothing were written", copied.blocks());
    assert!(hostile.world.in_zone("z2", "etc/svc/repository.db").metadata().unwrap().len() < 100);
    hostile.outside.is_as_it_was(&hostile.world);
}

/// A root that is no directory, or leads elsewhere.
#[test]
fn the_root_itself_is_a_trap() {
    if skip_without_root() {
        return;
    }
    for hook in ["attach", "detach", "uninstall", "clone", "prestate", "poststate"] {
        for trap in [Trap::Absolute, Trap::Relative, Trap::Fifo, Trap::Loop] {
            println!("{hook} {trap:?}");
            let hostile = Hostile::new();
            let world = &hostile.world;
            let path = hooks_common::plain(world, "p1");
            let source = hooks_common::plain(world, "p2");
            world.zoneadm("p2", &["install"]).well();
            fs::create_dir_all(&path).unwrap();
            // What it would be taken for.
            fs::create_dir_all(hostile.marker.join("root/etc")).unwrap();
            fs::create_dir_all(hostile.marker.join("root/var/sadm/install")).unwrap();
            fs::write(hostile.marker.join("root/var/sadm/install/contents"), "").unwrap();
            let outside = Outside::plant(world, &[]);
            let root = if hook == "clone" { source.join("root") } else { path.join("root") };
            assert!(trap.plant(&root, &hostile.marker, "root", 0));
            let more: &[&str] = match hook {
                "prestate" => &["2", "0"],
                "poststate" => &["4", "4"],
                "clone" => &["p2"],
                "uninstall" => &["-F"],
                _ => &[],
            };
            let done = hooks_common::ran(&mut hooks_common::hook_at(world, "p1", &path, hook, more));
            outside.is_as_it_was(world);
            let goes = matches!(hook, "uninstall" | "poststate");
            assert_eq!(done.code(), if goes { 0 } else { 255 }, "{done:?}");
            clean(&done.err);
            assert!(!path.join("SUNWdetached.xml").exists());
            if hook == "uninstall" {
                assert!(fs::symlink_metadata(&path).is_err());
            }
        }
    }
}
