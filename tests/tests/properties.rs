//! What holds for any image: plans and zones depend on the image alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use common::{BRANDS, Zone};
use proptest::prelude::*;
use tests::run::{Scratch, archive, image, install, is_root, plan_json, run, skip_without_root};
use tests::sample::names;
use tests::tiny::{Tiny, measures};
use tests::tree::{Nodes, differences};

fn config(cases: u32) -> ProptestConfig {
    // Failures are small and printed; nothing is kept between runs.
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() }
}

#[test]
fn a_plan_is_the_same_every_time() {
    let image = image();
    for brand in BRANDS {
        let first = plan_json(brand, &image.path(), &[]);
        assert!(first.len() > 10_000);
        assert_eq!(first, plan_json(brand, &image.path(), &[]), "{brand}");
        assert_eq!(first, plan_json(brand, &image.path(), &["--jobs", "1"]), "{brand}");
    }
}

#[test]
fn any_number_of_threads_makes_the_same_zone() {
    if skip_without_root() {
        return;
    }
    let image = image();
    for brand in BRANDS {
        let make = |jobs| without_marks(Zone::make(brand, &image.path(), &["--jobs", jobs]).nodes);
        let expected = make("1");
        for jobs in ["1", "2", "8", "64"] {
            assert_eq!(differences(&expected, &make(jobs)), Vec::<String>::new(), "{brand}: {jobs} threads");
        }
    }
}

/// What scripts make has a time of its own.
fn without_marks(mut nodes: Nodes) -> Nodes {
    for path in [names::POSTINSTALL_MARK, "/var/sample"] {
        if let Some(node) = nodes.get_mut(path.trim_start_matches('/').as_bytes()) {
            node.modified = (0, 0);
        }
    }
    nodes
}

#[test]
fn an_archive_has_the_same_bytes_every_time() {
    let (image, scratch) = (image(), Scratch::new());
    for brand in BRANDS {
        let make = |name: &str, jobs| {
            let file = scratch.join(name);
            let _ = archive(brand, &image.path(), &file, &["--jobs", jobs]);
            fs::read(file).unwrap()
        };
        let expected = make("one", "1");
        assert!(expected.len() > 10_000);
        assert!(expected == make("three", "3"), "{brand}: threads");
        assert!(expected == make("again", "1"), "{brand}: a second time");
        // Replacing a file that is there.
        assert!(expected == make("again", "2"), "{brand}: over another");
    }
}

/// The image copied elsewhere gives the same archive: no place on this machine gets into it.
#[test]
fn an_archive_does_not_know_where_it_was_made() {
    let make = || {
        let scratch = Scratch::new();
        drawn(&scratch.join("image"), &[Thing::default(), Thing { kind: 'e', ..Thing::default() }]);
        let file = scratch.join("zone.tar.gz");
        let _ = archive("whole-root", &scratch.join("image"), &file, &[]);
        (scratch.path().to_owned(), fs::read(file).unwrap())
    };
    let (first, second) = (make(), make());
    assert_ne!(first.0, second.0);
    let nodes = |bytes: &[u8]| {
        let scratch = Scratch::new();
        fs::write(scratch.join("zone.tar.gz"), bytes).unwrap();
        let mut nodes = Zone::unpack(&scratch.join("zone.tar.gz")).nodes;
        // Directories that nobody dated are as young as they are.
        nodes.values_mut().filter(|node| node.kind == 'd').for_each(|node| node.modified = (0, 0));
        nodes
    };
    let (first, second) = (nodes(&first.1), nodes(&second.1));
    assert!(first.len() > 15);
    assert_eq!(differences(&first, &second), Vec::<String>::new());
}

/// Something packaged, and what became of it.
#[derive(Clone, Debug)]
struct Thing {
    /// `f`, `e`, `v`, `d`, `s` or `l`.
    kind: char,
    top: usize,
    folder: usize,
    name: usize,
    mode: u32,
    owner: usize,
    known: bool,
    size: usize,
    pristine: bool,
    drift: usize,
    packages: usize,
}

impl Default for Thing {
    fn default() -> Self {
        Self {
            kind: 'f',
            top: 0,
            folder: 0,
            name: 0,
            mode: 0o644,
            owner: 0,
            known: true,
            size: 9,
            pristine: true,
            drift: 0,
            packages: 0,
        }
    }
}

const TOPS: [&str; 6] = ["/etc", "/var", "/usr", "/lib", "/sbin", "/etcetera"];
const FOLDERS: [&str; 5] = ["", "/a", "/a/b", "/a.b", "/deep/er"];
const NAMES: [&str; 8] = ["f", "g", "b", "er", "x y", "ü", "-n", "$x"];
const OWNERS: [(&str, &str); 3] = [("root", "bin"), ("lp", "lp"), ("nobody-knows", "sys")];
const PACKAGES: [&str; 4] = ["SUNWcs", "SUNWcs *PKGa", "PKGa SUNWcs", "~PKGb\\:sed"];

fn thing() -> impl Strategy<Value = Thing> {
    let kind = prop::sample::select(vec!['f', 'f', 'e', 'e', 'v', 'd', 's', 'l']);
    let mode = prop::sample::select(vec![0o644, 0o600, 0o755, 0o4755, 0o2750, 0o440]);
    let size = prop::sample::select(vec![0usize, 1, 511, 512, 513, 70_000]);
    let place = (0..TOPS.len(), 0..FOLDERS.len(), 0..NAMES.len());
    let rest = (0..OWNERS.len(), prop::bool::weighted(0.9), prop::bool::weighted(0.8), 0..10usize, 0..PACKAGES.len());
    (kind, place, mode, size, rest).prop_map(|(kind, place, mode, size, rest)| {
        let ((top, folder, name), (owner, known, pristine, drift, packages)) = (place, rest);
        Thing { kind, top, folder, name, mode, owner, known, size, pristine, drift, packages }
    })
}

/// Makes an image of things. Places that are taken, and places below what is no directory, are left out.
fn drawn(root: &Path, things: &[Thing]) {
    let mut tiny = Tiny::new(root);
    tiny.put("/etc/zap/repositories/x.catalog", "x\n");
    let mut links: Vec<String> = Vec::new();
    for thing in things {
        let name = NAMES[thing.name].replace(' ', "_");
        let path = format!("{}{}/{name}", TOPS[thing.top], FOLDERS[thing.folder]);
        let place = tiny.at(&path);
        let above = place.ancestors().skip(1).take_while(|above| *above != root);
        let blocked = above.into_iter().any(|above| fs::symlink_metadata(above).is_ok_and(|found| !found.is_dir()));
        if blocked || fs::symlink_metadata(&place).is_ok() || links.contains(&path) {
            continue;
        }
        let (owner, group) = OWNERS[thing.owner];
        let attributes = if thing.known { format!("{:04o} {owner} {group}", thing.mode) } else { "? ? ?".to_owned() };
        let packages = PACKAGES[thing.packages];
        let text = "x".repeat(thing.size);
        match thing.kind {
            'd' => {
                tiny.directory(&path).line(format!("{path} d none {attributes} {packages}"));
            }
            's' => {
                tiny.link(&path, "../etc/f").line(format!("{path}=../etc/f s none {packages}"));
            }
            'l' => {
                links.push(path.clone());
                tiny.line(format!("{path}=/etc/passwd l none {packages}"));
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::hard_link(tiny.at("/etc/passwd"), &place).unwrap();
            }
            kind => {
                tiny.file(&path, &text).line(format!("{path} {kind} none {attributes} {} {packages}", measures(&text)));
                if kind != 'f' && thing.pristine {
                    let package = packages.rsplit(' ').next().unwrap().trim_matches(['*', '~', '\\']);
                    let package = package.split(['\\', ':']).next().unwrap();
                    tiny.put(&format!("/var/sadm/pkg/{package}/save/pspool/{package}/reloc{path}"), &text);
                }
            }
        }
        if thing.kind != 'l' {
            drift(&mut tiny, &path, thing);
        }
    }
    tiny.write();
}

/// Something that a running system does to a path.
fn drift(tiny: &mut Tiny, path: &str, thing: &Thing) {
    let place = tiny.at(path);
    let gone = |place: &Path| {
        if fs::symlink_metadata(place).unwrap().is_dir() { fs::remove_dir_all(place) } else { fs::remove_file(place) }
            .unwrap();
    };
    let plain = fs::symlink_metadata(&place).unwrap().is_file();
    match thing.drift {
        1 if plain => fs::write(&place, "edited live\n").unwrap(),
        2 if plain => fs::set_permissions(&place, Permissions::from_mode(0o666)).unwrap(),
        3 if plain && is_root() => chown(&place, Some(7), Some(7)).unwrap(),
        4 => gone(&place),
        5 => {
            gone(&place);
            symlink("/etc/passwd", &place).unwrap();
        }
        6 => {
            gone(&place);
            fs::create_dir(&place).unwrap();
        }
        7 => {
            gone(&place);
            fs::write(&place, "in its place\n").unwrap();
        }
        8 => {
            let stray = format!("{}.stray", path);
            tiny.put(&stray, "nobody's\n");
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(config(40))]

    /// A directory and an archive of the same image hold the same zone, whatever the image is.
    #[test]
    fn a_directory_and_an_archive_hold_the_same(things in prop::collection::vec(thing(), 1..25)) {
        let scratch = Scratch::new();
        let image = scratch.join("image");
        drawn(&image, &things);
        for brand in BRANDS {
            let file = scratch.join("zone.tar.gz");
            let packed = archive(brand, &image, &file, &["--json", "--verify"]);
            let expected = Zone::unpack(&file).nodes;
            let plan: serde_json::Value = serde_json::from_str(&plan_json(brand, &image, &[])).unwrap();
            let actions: std::collections::BTreeSet<String> =
                plan["actions"].as_array().unwrap().iter().map(|action| action["path"].to_string()).collect();
            let report: serde_json::Value = serde_json::from_str(&packed.out).unwrap();
            let counted = usize::try_from(report["objects"].as_u64().unwrap()).unwrap();
            prop_assert_eq!(expected.len(), counted, "objects counted and objects made");
            prop_assert_eq!(&plan["missing"], &report["missing"], "what a dry run says is missing");
            let missing = report["missing"].as_array().unwrap().iter().map(|one| one["path"].to_string());
            let missing = missing.filter(|path| actions.contains(path)).count();
            prop_assert_eq!(actions.len(), counted + missing, "planned, and neither made nor missing");
            if is_root() {
                let made = Zone::make(brand, &image, &["--json", "--verify"]);
                let differences = differences(&expected, &made.nodes);
                prop_assert!(differences.is_empty(), "{:#?}", differences);
                let said: serde_json::Value = serde_json::from_str(&made.ran.out).unwrap();
                for key in ["objects", "bytes", "not_as_packaged", "postinstall_not_run"] {
                    prop_assert_eq!(&said[key], &report[key], "{}", key);
                }
                let paths = |value: &serde_json::Value| -> Vec<String> {
                    value["missing"].as_array().unwrap().iter().map(|one| one["path"].to_string()).collect()
                };
                prop_assert_eq!(paths(&said), paths(&report));
            }
        }
    }

    /// The order of lines in the database does not matter to the zone, but for its own database.
    #[test]
    fn the_order_of_the_database_does_not_matter(things in prop::collection::vec(thing(), 4..20), turn in 1..9usize) {
        let scratch = Scratch::new();
        let (image, file) = (scratch.join("image"), scratch.join("zone.tar.gz"));
        drawn(&image, &things);
        let make = || {
            let _ = archive("whole-root", &image, &file, &[]);
            let mut zone = Zone::unpack(&file);
            zone.nodes.remove(&b"var/sadm/install/contents"[..]);
            zone.nodes
        };
        let expected = make();
        let database = image.join("var/sadm/install/contents");
        let text = fs::read_to_string(&database).unwrap();
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let by = turn % lines.len();
        lines.rotate_left(by);
        lines.reverse();
        fs::write(&database, lines.join("\n") + "\n").unwrap();
        tests::tiny::set_time(&database, tests::tiny::PACKAGED);
        let differences = differences(&expected, &make());
        prop_assert!(differences.is_empty(), "{:#?}", differences);
    }
}

/// Two roots out of one image.
#[test]
fn twice_is_the_same() {
    if skip_without_root() {
        return;
    }
    let image = image();
    for brand in BRANDS {
        let scratch = Scratch::new();
        let make = |name: &str| {
            let zonepath = scratch.zonepath(name);
            run(&mut install(brand, &image.path(), &zonepath)).succeeded();
            without_marks(tests::tree::read(&zonepath.join("root")))
        };
        let (mut first, mut second) = (make("z1"), make("z2"));
        for nodes in [&mut first, &mut second] {
            nodes.get_mut(&b""[..]).unwrap().modified = (0, 0);
        }
        assert_eq!(differences(&first, &second), Vec::<String>::new(), "{brand}");
    }
}
