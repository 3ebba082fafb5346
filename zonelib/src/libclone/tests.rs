use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ::tests::run::Scratch;
use ::tests::tiny::{PACKAGED, Tiny, measures, set_time};
use ::tests::tree::{self, Nodes};

use super::*;
use crate::populate::{Counters, Image};
use crate::recipe::{Recipe, Site};

const BIG: usize = 3 * 1024 * 1024 + 7;

/// An image with a /lib of every kind, and a recipe that clones it.
struct World {
    dir: Scratch,
    image: Tiny,
}

impl World {
    fn new() -> Self {
        let dir = Scratch::new();
        let mut image = Tiny::new(&dir.path().join("image"));
        image.accounts_of_caller();
        image.directory("/lib").directory("/lib/sub").directory("/lib/sub/deep").directory("/lib/empty");
        image.directory("/lib/svc").directory("/lib/svc/manifest").directory("/lib/svc/seed");
        image.file("/lib/libc.so.1", "libc").link("/lib/libc.so", "./libc.so.1").link("/lib/64", "sub");
        image.file("/lib/sub/big", &"big ".repeat(BIG / 4)).file("/lib/sub/deep/file", "deep");
        image.editable("/lib/sub/conf", "pristine\n", "edited\n");
        image.file("/usr/lib/outside", "outside").file("/libexec", "no").put("/lib/stray", "stray");
        for (name, needs) in [("kept", "pruned"), ("pruned", "kept"), ("alone", "alone")] {
            image.file(&format!("/lib/svc/manifest/{name}.xml"), &manifest(name, needs));
        }
        let mut world = Self { dir, image };
        world.hard_link("/lib/libm.so", "libc.so.1").hard_link("/lib/sub/out", "../../usr/lib/outside");
        world.fifo("/lib/sub/pipe");
        world.image.write();
        world.write(
            "recipe.toml",
            "[copy]\npaths = ['/etc']\n[[share]]\npath = '/lib'\nfrom = '/zonelib/lib'\nclone-prune = ['mine']\n",
        );
        world.write("mine.prune", "/lib/svc/manifest/pruned.xml\n");
        world
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn hard_link(&mut self, path: &str, target: &str) -> &mut Self {
        let place = self.image.at(path);
        fs::hard_link(place.parent().unwrap().join(target), place).unwrap();
        self.image.line(format!("{path}={target} l none SUNWcs"));
        self
    }

    fn fifo(&mut self, path: &str) {
        mkfifo(&self.image.at(path));
        self.image.line(format!("{path} p none 0600 root bin SUNWcs"));
    }

    fn recipe(&self) -> Recipe {
        let nowhere = self.dir.path().join("nowhere");
        Site { config: nowhere.clone(), brands: nowhere }.recipe_file(&self.dir.path().join("recipe.toml")).unwrap()
    }

    /// Where the recipe has the clone.
    fn usual(&self) -> PathBuf {
        self.image.at("/zonelib/lib")
    }

    fn with<R>(&self, at: &Path, act: impl FnOnce(Clone<'_>) -> R) -> R {
        let image = Image::open(self.image.path()).unwrap();
        let contents = image.contents().unwrap();
        let recipe = self.recipe();
        act(Clone::of(image.packages(&contents), &recipe.shares[0], at.to_owned()).unwrap())
    }

    fn state(&self, at: &Path) -> State {
        self.with(at, |clone| clone.state().unwrap())
    }

    fn sync_while(&self, at: &Path, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Synced, CloneError> {
        self.with(at, |clone| clone.sync(&settings(go_on)))
    }

    fn sync(&self, at: &Path) -> Synced {
        self.sync_while(at, &|| true).unwrap()
    }

    /// What a clone that was made from nothing looks like.
    fn fresh(&self) -> Nodes {
        let dir = Scratch::new();
        let at = dir.path().join("lib");
        assert!(!self.sync(&at).current);
        tree::read(&at)
    }

    /// The clone is whole, and as one that was made from nothing.
    fn assert_fresh(&self, at: &Path, what: &str) {
        assert_eq!(self.state(at), State::Current, "{what}");
        let differences = tree::differences(&self.fresh(), &tree::read(at));
        assert!(differences.is_empty(), "{what}: {differences:#?}");
    }
}

fn settings<'s>(go_on: &'s (dyn Fn() -> bool + Sync)) -> Settings<'s> {
    static COUNTERS: Counters = Counters { objects: AtomicU64::new(0), bytes: AtomicU64::new(0) };
    Settings { jobs: 2, verify: false, go_on, counters: &COUNTERS }
}

fn manifest(name: &str, needs: &str) -> String {
    format!(
        "<service_bundle type='manifest' name='{name}'><service name='{name}' type='service' version='1'>\
         <dependency name='d' grouping='require_all' restart_on='none' type='service'>\
         <service_fmri value='svc:/{needs}'/></dependency></service></service_bundle>"
    )
}

fn mkfifo(at: &Path) {
    let parent = Tree::open(at.parent().unwrap()).unwrap().handle().unwrap();
    parent.create_special(at.file_name().unwrap().as_bytes(), crate::root::Special::Pipe).unwrap();
}

fn inode(at: &Path) -> u64 {
    fs::symlink_metadata(at).unwrap().ino()
}

/// Packages change: files, kinds, links, and what is there at all.
fn upgrade(world: &mut World) {
    let image = &mut world.image;
    image.file("/lib/libc.so.1", "LIBC").file("/lib/new", "new").file("/lib/newdir/x", "x").remove("/lib/libm.so");
    image.remove("/lib/libc.so").link("/lib/libc.so", "libc.so.2");
    // Directories that no package delivers are root's.
    if !host::is_root() {
        image.directory("/lib/newdir");
    }
    // A file where a directory was, and the other way round.
    image.remove("/lib/sub/deep").file("/lib/sub/deep", "file now");
    image.remove("/lib/sub/big").directory("/lib/sub/big").file("/lib/sub/big/inside", &"BIG ".repeat(BIG / 4));
    image.remove("/lib/64").directory("/lib/64").file("/lib/64/a", "a");
    image.remove("/lib/sub/pipe").file("/lib/sub/pipe", "a file");
    image.editable("/lib/sub/conf", "changed\n", "edited\n");
    image.line("/lib/empty d none 0750 root bin SUNWcs");
    world.hard_link("/lib/sub/hard", "../libc.so.1");
    world.image.write();
}

#[test]
fn a_clone_has_what_packages_deliver_but_for_what_is_pruned() {
    let world = World::new();
    let at = world.usual();
    assert_eq!(world.state(&at), State::Absent);
    let synced = world.sync(&at);
    assert_eq!(world.state(&at), State::Current);
    assert!(!synced.current && synced.changes.is_empty());
    let nodes = tree::read(&at);
    let names: Vec<&str> = nodes.keys().map(|name| std::str::from_utf8(name).unwrap()).collect();
    assert_eq!(
        names,
        [
            "",
            "64",
            "empty",
            "libc.so",
            "libc.so.1",
            "libm.so",
            "sub",
            "sub/big",
            "sub/conf",
            "sub/deep",
            "sub/deep/file",
            "sub/out",
            "sub/pipe",
            "svc",
            "svc/manifest",
            "svc/manifest/alone.xml",
            "svc/manifest/kept.xml",
            "svc/seed",
            "svc/seed/nonglobal.db",
        ]
    );
    assert_eq!(fs::read(at.join("sub/conf")).unwrap(), b"pristine\n");
    assert_eq!((inode(&at.join("libm.so")), nodes[&b"sub/conf"[..]].mode), (inode(&at.join("libc.so.1")), 0o640));
    assert_ne!(inode(&at.join("sub/out")), inode(&world.image.at("/usr/lib/outside")));
    assert_eq!(synced.broken.iter().map(|it| (&*it.service, &*it.needs[0])).collect::<Vec<_>>(), [("kept", "pruned")]);
}

#[test]
fn a_current_clone_is_not_touched() {
    let world = World::new();
    let at = world.usual();
    world.sync(&at);
    let before = tree::marks(&world.image.at("/zonelib"));
    assert!(world.sync(&at).current);
    assert_eq!(tree::touched(&before, &tree::marks(&world.image.at("/zonelib"))), [""; 0]);
}

#[test]
fn a_stale_clone_changes_in_place() {
    let mut world = World::new();
    let at = world.usual();
    world.sync(&at);
    let mounted = Tree::open(&at).unwrap();
    let before = tree::marks(&at);
    upgrade(&mut world);
    assert_eq!(world.state(&at), State::Stale);
    let synced = world.sync(&at);
    world.assert_fresh(&at, "upgraded");
    assert_eq!(mounted.read(b"libc.so.1", 10).unwrap(), b"LIBC");

    let kept = ["", "empty", "svc/manifest/kept.xml", "sub", "sub/out", "svc/seed/nonglobal.db"];
    let after = tree::marks(&at);
    let inode = |marks: &tree::Marks, path: &str| marks[path.as_bytes()][0];
    for path in kept {
        assert_eq!(inode(&before, path), inode(&after, path), "{path}");
    }
    let untouched = ["svc", "svc/manifest/kept.xml", "sub/out", "svc/seed/nonglobal.db"];
    for path in untouched {
        assert_eq!(before[path.as_bytes()], after[path.as_bytes()], "{path}");
    }
    let changes: Vec<String> =
        synced.changes.iter().map(|(path, change)| format!("{change:?} {}", tree::shown(path))).collect();
    assert_eq!(
        changes,
        [
            "Replaced lib/64",
            "Added lib/64/a",
            "Replaced lib/empty",
            "Replaced lib/libc.so",
            "Replaced lib/libc.so.1",
            "Removed lib/libm.so",
            "Added lib/new",
            "Added lib/newdir",
            "Added lib/newdir/x",
            "Replaced lib/sub/big",
            "Added lib/sub/big/inside",
            "Replaced lib/sub/conf",
            "Replaced lib/sub/deep",
            "Added lib/sub/hard",
            "Replaced lib/sub/pipe",
        ]
    );
    assert_eq!((synced.changed, synced.removed), (14, 1));
    assert!(world.sync(&at).current);
}

#[test]
fn the_recipe_and_links_out_of_the_directory_count_too() {
    let mut world = World::new();
    let at = world.usual();
    world.sync(&at);
    world.write("mine.prune", "/lib/svc/manifest/pruned.xml\n/lib/sub/\n");
    assert_eq!(world.state(&at), State::Stale);
    let synced = world.sync(&at);
    assert_eq!(synced.changes, [(b"lib/sub".to_vec(), Change::Removed)]);
    world.write("mine.prune", "/lib/svc/manifest/pruned.xml\n");
    world.sync(&at);
    world.assert_fresh(&at, "no longer pruned");

    world.image.file("/usr/lib/outside", "OUTSIDE").write();
    assert_eq!(world.state(&at), State::Stale);
    world.sync(&at);
    assert_eq!(fs::read(at.join("sub/out")).unwrap(), b"OUTSIDE");
    world.image.file("/usr/lib/else", "else").write();
    assert_eq!(world.state(&at), State::Current);
}

/// What the image lacks is not in the clone, and a link to it neither.
#[test]
fn what_is_missing_goes() {
    let mut world = World::new();
    let at = world.usual();
    world.sync(&at);
    fs::remove_file(world.image.at("/lib/libc.so.1")).unwrap();
    fs::remove_file(world.image.at("/lib/libm.so")).unwrap();
    world.image.file("/lib/more", "more").write();
    let synced = world.sync(&at);
    let missing: Vec<&[u8]> = synced.applied.missing.iter().map(|missing| &missing.path[..]).collect();
    assert_eq!(missing, [&b"lib/libc.so.1"[..], b"lib/libm.so"]);
    assert!(!at.join("libc.so.1").exists() && !at.join("libm.so").exists());
    world.assert_fresh(&at, "missing");
}

/// Stops after `n` questions whether to go on.
fn stop_after(n: usize) -> impl Fn() -> bool + Sync {
    let asked = AtomicUsize::new(0);
    move || asked.fetch_add(1, Ordering::Relaxed) < n
}

#[test]
fn a_first_run_that_is_killed_anywhere_is_finished_by_the_next() {
    let world = World::new();
    let mut n = 0;
    loop {
        let dir = Scratch::new();
        let at = dir.path().join("deep/zonelib/lib");
        let done = world.sync_while(&at, &stop_after(n));
        if done.is_ok() {
            world.assert_fresh(&at, "never stopped");
            break;
        }
        assert!(matches!(done, Err(CloneError::Apply { source: ApplyError::Interrupted, .. })), "{done:?}");
        assert_eq!(world.state(&at), State::Unfinished, "stopped after {n}");
        // Stopped once more, now where it goes on from what is there.
        assert!(world.sync_while(&at, &stop_after(n / 2)).is_err());
        assert_eq!(world.state(&at), State::Unfinished, "stopped twice after {n}");
        assert!(!world.sync(&at).current);
        world.assert_fresh(&at, &format!("stopped after {n}"));
        n += 1;
    }
    assert!(n > 20, "asked only {n} times");
}

#[test]
fn an_update_that_is_killed_anywhere_leaves_no_half_file_and_is_finished_by_the_next() {
    let mut world = World::new();
    let old = world.fresh();
    let twin = World::new();
    upgrade(&mut world);
    let new = world.fresh();
    let mut n = 0;
    loop {
        let dir = Scratch::new();
        let at = dir.path().join("lib");
        twin.sync(&at);
        let root = inode(&at);
        let done = world.sync_while(&at, &stop_after(n));
        if done.is_ok() {
            break;
        }
        assert_eq!(world.state(&at), State::Unfinished, "stopped after {n}");
        for (path, node) in tree::read(&at).iter().filter(|(path, node)| node.kind == 'f' && !path.ends_with(b"-new")) {
            let known = [&old, &new].into_iter().filter_map(|nodes| nodes.get(path)).any(|it| it.digest == node.digest);
            assert!(known, "stopped after {n}: {} is half done", tree::shown(path));
        }
        world.sync(&at);
        world.assert_fresh(&at, &format!("stopped after {n}"));
        assert_eq!(inode(&at), root);
        n += 1;
    }
    assert!(n > 30, "asked only {n} times");
}

/// Whoever reads through a mount finds the old file or the new one.
#[test]
fn a_file_is_never_absent_while_it_is_replaced() {
    let mut world = World::new();
    let at = world.usual();
    world.sync(&at);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) {
                let text = fs::read_to_string(at.join("libc.so.1")).unwrap();
                assert!(text.starts_with("libc") && text.ends_with('.') | (text == "libc"), "{text}");
                seen += 1;
            }
            seen
        });
        for round in 0..60 {
            world.image.file("/lib/libc.so.1", &format!("libc {}.", "x".repeat(round * 100))).write();
            world.sync(&at);
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
}

#[test]
fn of_two_at_once_one_builds_and_the_other_waits() {
    let world = World::new();
    for _ in 0..10 {
        let dir = Scratch::new();
        let at = dir.path().join("zonelib/lib");
        let barrier = Barrier::new(4);
        let built: usize = std::thread::scope(|scope| {
            let run = || {
                barrier.wait();
                usize::from(!world.sync(&at).current)
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(built, 1);
        world.assert_fresh(&at, "many at once");
    }
}

#[test]
fn who_holds_the_lock_is_named() {
    let world = World::new();
    let at = world.usual();
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    let go_on = || true;
    let waiting = Waiting { patience: PATIENCE, go_on: &go_on, tell: &|_| {} };
    let held = lock::hold(&at.with_file_name(".lib.lock"), &waiting).unwrap();
    let told = std::cell::RefCell::new(Vec::new());
    let tell = |holder: &str| told.borrow_mut().push(holder.to_owned());
    let own = format!("process {}", std::process::id());
    let image = Image::open(world.image.path()).unwrap();
    let (contents, recipe) = (image.contents().unwrap(), world.recipe());
    let clone = Clone::of(image.packages(&contents), &recipe.shares[0], at.clone()).unwrap().when_waiting(&tell);
    let clone = Clone { patience: Duration::from_millis(120), ..clone };
    let error = clone.sync(&settings(&go_on)).unwrap_err().to_string();
    assert!(error.contains(".lib.lock: held by ") && error.contains(&own), "{error}");
    assert_eq!(*told.borrow(), [own]);
    assert_eq!(world.state(&at), State::Absent);
    drop(held);
    world.sync(&at);
}

#[path = "strange_tests.rs"]
mod strange;
