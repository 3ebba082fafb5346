use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use ::tests::run::{Scratch, skip_without_root};
use ::tests::tiny::Tiny;

use super::*;
use crate::populate::{Counters, Image, Listing, Request, Settings, apply, plan};
use crate::recipe::Site;

const RECIPE: &str = "
[copy]
paths = ['/etc', '/usr']
pristine = true
[[share]]
path = '/lib'
[[create]]
path = '/lib'
[[link]]
path = '/bin'
target = './usr/bin'
";

/// An image, and a root that was made of it.
struct World {
    dir: Scratch,
    image: Tiny,
}

impl World {
    fn new() -> Self {
        let dir = Scratch::new();
        let mut image = Tiny::new(&dir.path().join("image"));
        image.directory("/etc").directory("/usr").directory("/usr/bin").directory("/usr/lib").directory("/usr/empty");
        image.file("/usr/bin/a", "alpha").file("/usr/bin/sh", "shell").file("/usr/lib/x", "x").link("/usr/lib/l", "x");
        image.editable("/etc/conf", "pristine", "edited since");
        image.file("/etc/mnttab", "").put("/usr/lib/stray", "stray");
        // The link comes before what it leads to.
        fs::hard_link(image.at("/usr/bin/sh"), image.at("/usr/bin/bash")).unwrap();
        image.line("/usr/bin/bash=sh l none SUNWcs");
        mkfifo(&image.at("/usr/lib/pipe"));
        image.line("/usr/lib/pipe p none 0600 root bin SUNWcs").write();
        fs::write(dir.path().join("recipe.toml"), RECIPE).unwrap();
        let world = Self { dir, image };
        fs::create_dir(world.root()).unwrap();
        world.with_plan(|plan, trees| {
            let counters = Counters::default();
            let settings = Settings { jobs: 2, verify: false, go_on: &|| true, counters: &counters };
            apply(plan, b"", Tree::open(&world.root()).unwrap().handle().unwrap(), trees, &settings).unwrap();
        });
        fs::set_permissions(world.root(), Permissions::from_mode(0o755)).unwrap();
        world
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    fn with_plan<R>(&self, act: impl FnOnce(&Plan<'_>, Trees<'_>) -> R) -> R {
        let nowhere = self.dir.path().join("nowhere");
        let site = Site { config: nowhere.clone(), brands: nowhere };
        let recipe = site.recipe_file(&self.dir.path().join("recipe.toml")).unwrap();
        let image = Image::open(self.image.path()).unwrap();
        let contents = image.contents().unwrap();
        let packages = image.packages(&contents);
        let listing = Listing::collect(image.tree(), Origin::Image).unwrap();
        let request = Request {
            image: packages,
            listing: &listing,
            recipe: &recipe,
            kept: None,
            template: None,
            makes_template: false,
        };
        act(&plan(&request).unwrap(), Trees { image: image.tree(), template: None })
    }

    fn findings(&self, shared: &[(u64, u64)]) -> Findings {
        self.with_plan(|plan, trees| verify(plan, &Tree::open(&self.root()).unwrap(), trees, shared).unwrap())
    }

    /// `what /path` of every difference.
    fn differences(&self) -> Vec<String> {
        let line = |it: &Difference| format!("{} /{}", it.what, printable(&it.path));
        self.findings(&[]).differences.iter().map(line).collect()
    }

    fn remove(&self, path: &str) {
        let place = self.at(path);
        if fs::symlink_metadata(&place).unwrap().is_dir() {
            fs::remove_dir_all(place).unwrap();
        } else {
            fs::remove_file(place).unwrap();
        }
    }

    /// Nothing outside the root may be read: what is there would be as it should be.
    fn copy_outside(&self, path: &str) -> PathBuf {
        let outside = self.dir.path().join("outside");
        fs::rename(self.at(path), &outside).unwrap();
        outside
    }
}

type Change<'c> = &'c dyn Fn(&World);
type Make<'m> = &'m dyn Fn(&Path);

fn mkfifo(at: &Path) {
    let parent = Tree::open(at.parent().unwrap()).unwrap().handle().unwrap();
    let name = at.file_name().unwrap().as_encoded_bytes();
    parent.create_special(name, Special::Pipe).unwrap();
    parent.set_mode(name, 0o600).unwrap();
}

#[test]
fn a_new_root_has_no_differences() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let findings = world.findings(&[]);
    assert_eq!(findings.differences, []);
    assert!(findings.mounted.is_empty() && findings.lacking == 0 && findings.compared > 15, "{findings:?}");
}

#[test]
fn every_way_of_being_different_has_a_name() {
    if skip_without_root() {
        return;
    }
    let mode = |path: PathBuf, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let cases: [(Change<'_>, &[&str]); 17] = [
        (&|w| w.remove("usr/bin/a"), &["missing /usr/bin/a"]),
        (&|w| w.remove("usr/empty"), &["missing /usr/empty"]),
        (&|w| fs::write(w.at("usr/bin/a"), "ALPHA").unwrap(), &["changed /usr/bin/a"]),
        (&|w| fs::write(w.at("usr/bin/a"), "longer than it was").unwrap(), &["changed /usr/bin/a"]),
        (&|w| fs::write(w.at("etc/conf"), "by hand").unwrap(), &["edited /etc/conf"]),
        (&|w| mode(w.at("usr/bin/a"), 0o4755), &["mode /usr/bin/a"]),
        (&|w| mode(w.at("usr/lib"), 0o700), &["mode /usr/lib"]),
        (&|w| mode(w.root(), 0o700), &["mode /"]),
        (&|w| fs::write(w.at("usr/bin/more"), "").unwrap(), &["extra /usr/bin/more"]),
        (&|w| fs::create_dir_all(w.at("etc/deep/er")).unwrap(), &["extra /etc/deep"]),
        (&|w| fs::write(w.at("junk"), "").unwrap(), &["extra /junk"]),
        (&|w| fs::create_dir_all(w.at("lib/svc")).unwrap(), &["extra /lib/svc"]),
        (
            &|w| {
                w.remove("usr/lib/l");
                symlink("y", w.at("usr/lib/l")).unwrap();
            },
            &["link /usr/lib/l"],
        ),
        (
            &|w| {
                w.remove("usr/bin/bash");
                fs::copy(w.at("usr/bin/sh"), w.at("usr/bin/bash")).unwrap();
            },
            &["link /usr/bin/bash"],
        ),
        (
            &|w| {
                w.remove("usr/bin/a");
                fs::hard_link(w.at("usr/bin/sh"), w.at("usr/bin/a")).unwrap();
            },
            &["link /usr/bin/sh", "changed /usr/bin/a"],
        ),
        (&|w| w.remove("usr/bin/sh"), &["missing /usr/bin/sh"]),
        (&|w| mode(w.at("usr/lib/pipe"), 0o666), &["mode /usr/lib/pipe"]),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let world = World::new();
        change(&world);
        let (mut found, mut expected) = (world.differences(), expected.to_vec());
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "case {number}");
    }
}

#[test]
fn owners_are_compared() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    std::os::unix::fs::chown(world.at("etc/conf"), Some(5), None).unwrap();
    std::os::unix::fs::lchown(world.at("usr/lib/l"), None, Some(7)).unwrap();
    std::os::unix::fs::chown(world.root(), Some(9), None).unwrap();
    assert_eq!(world.differences(), ["owner /", "owner /etc/conf", "owner /usr/lib/l"]);
}

/// Whatever stands in a file's or directory's place: nothing is waited for, and nothing outside is taken
/// for the zone's.
#[test]
fn a_hostile_root_is_looked_at_without_following_or_waiting() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    let outside = world.copy_outside("usr/bin");
    symlink(&outside, world.at("usr/bin")).unwrap();
    for path in ["usr/bin/a", "usr/bin/sh"] {
        assert!(world.at(path).exists(), "the link works");
    }
    let below = ["missing /usr/bin/a", "missing /usr/bin/bash", "missing /usr/bin/sh"];
    assert_eq!(world.differences(), [&["kind /usr/bin"][..], &below].concat());

    let strange: [(&str, Make<'_>); 6] = [
        ("a fifo", &|at| mkfifo(at)),
        ("a link to itself", &|at| symlink(at.file_name().unwrap(), at).unwrap()),
        ("a link to a device", &|at| symlink("/dev/zero", at).unwrap()),
        ("a socket", &|at| drop(UnixListener::bind(at).unwrap())),
        ("a directory", &|at| fs::create_dir_all(at.join("a/b/c")).unwrap()),
        ("a link out of it", &|at| symlink("/proc/self/root", at).unwrap()),
    ];
    for (what, make) in strange {
        for path in ["usr/lib/x", "etc/conf", "usr/empty", "var/sadm/install/contents"] {
            let world = World::new();
            world.remove(path);
            make(&world.at(path));
            if (what, path) != ("a directory", "usr/empty") {
                assert_eq!(world.differences(), [format!("kind /{path}")], "{what} at {path}");
            }
        }
    }
}

#[test]
fn loops_and_mazes_end() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    symlink("..", world.at("etc/up")).unwrap();
    symlink(".", world.at("usr/lib/here")).unwrap();
    let mut deep = world.at("etc/maze");
    for _ in 0..100 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    assert_eq!(world.differences(), ["extra /etc/maze", "extra /etc/up", "extra /usr/lib/here"]);
}

#[test]
fn a_huge_file_is_not_read_and_a_huge_directory_not_listed() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    for path in ["usr/bin/a", "etc/conf", "var/sadm/install/contents"] {
        fs::OpenOptions::new().write(true).open(world.at(path)).unwrap().set_len(1 << 40).unwrap();
    }
    assert_eq!(world.differences(), ["edited /etc/conf", "changed /usr/bin/a", "changed /var/sadm/install/contents"]);

    let world = World::new();
    for number in 0..EXTRA_LIMIT + 5 {
        fs::write(world.at(&format!("usr/empty/{number}")), "").unwrap();
    }
    let found = world.findings(&[]).differences;
    assert_eq!(found.len(), EXTRA_LIMIT + 1);
    assert_eq!(
        (&found[0].path[..], &found[0].detail[..]),
        (&b"usr/empty"[..], "holds 5 more objects that belong to nothing")
    );
}

#[test]
fn strange_names_are_told_apart_and_made_harmless() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    for name in [&b"a\n"[..], b"\x1b[2J", b"\xff"] {
        let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name);
        fs::write(world.at("etc").join(name), "").unwrap();
    }
    assert_eq!(world.differences(), ["extra /etc/\\u{1b}[2J", "extra /etc/a\\n", "extra /etc/\\xff"]);
}

#[test]
fn what_the_image_lacks_is_not_expected() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    fs::remove_file(world.image.at("/usr/bin/sh")).unwrap();
    fs::remove_file(world.image.at("/usr/bin/bash")).unwrap();
    assert_eq!(world.differences(), ["extra /usr/bin/bash", "extra /usr/bin/sh"]);
    world.remove("usr/bin/sh");
    world.remove("usr/bin/bash");
    let findings = world.findings(&[]);
    assert_eq!((findings.differences.len(), findings.lacking), (0, 2));
}

/// The image's own file may be what is wrong.
#[test]
fn a_doubt_about_the_image_is_said() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    fs::write(world.image.at("/usr/bin/a"), "beta!?").unwrap();
    fs::write(world.at("usr/bin/a"), "gamma!").unwrap();
    let found = world.findings(&[]).differences;
    assert_eq!(found[0].detail, "has other content (and the image's own is not as packaged: size 6, packaged 5)");
}

/// A running zone has the shares mounted, and directories that zoneadmd(8) makes.
#[test]
fn what_is_mounted_is_not_compared() {
    if skip_without_root() {
        return;
    }
    let world = World::new();
    for path in ["dev", "proc", "system"] {
        fs::create_dir_all(world.at(path).join("something")).unwrap();
    }
    fs::create_dir_all(world.at("lib/svc")).unwrap();
    fs::set_permissions(world.at("lib"), Permissions::from_mode(0o555)).unwrap();
    assert_eq!(world.differences(), ["mode /lib", "extra /lib/svc"]);
    let mounted = Tree::open(&world.at("lib")).unwrap().handle().unwrap().stat_self().unwrap().identity;
    let findings = world.findings(&[mounted]);
    assert_eq!((findings.differences, findings.mounted), (Vec::new(), vec![b"lib".to_vec()]));
    fs::remove_dir_all(world.at("dev")).unwrap();
    symlink("/dev", world.at("dev")).unwrap();
    assert_eq!(world.differences()[0], "extra /dev");
}

#[test]
fn readers_are_the_same_when_all_bytes_are() {
    let long = vec![7u8; 200_000];
    assert!(same_files(&long[..], &long[..]).unwrap() && same_files(&b""[..], &b""[..]).unwrap());
    for other in [&long[1..], &b""[..], &[&long[..199_999], b"x"].concat()] {
        assert!(!same_files(&long[..], other).unwrap() && !same_files(other, &long[..]).unwrap());
    }
    assert!(!same_files(&long[..65_536], io::repeat(7)).unwrap());
}
