//! Hooks that meet what they did not expect: what is to stay as it is, and how they have to speak.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests; each uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tests::lab::Snapshotted;
use tests::run::{self, Ran};
use tests::scenario::{Did, World};
use tests::tree::{self, Marks, Nodes};

/// What no hook may print.
const RUBBISH: [&str; 12] = [
    "panicked",
    "Os {",
    "Error {",
    "Error(",
    "kind:",
    "Some(",
    "None",
    "Err(",
    "src/",
    "thread '",
    "RUST_BACKTRACE",
    "\\n",
];

/// The host beside a zone: its `/etc`, a directory beside the zonepaths, and one beside the host.
#[derive(Debug)]
pub struct Outside {
    etc: Nodes,
    markers: [(PathBuf, Marks); 2],
}

impl Outside {
    /// Makes the directories, with the names of `paths` in them, and looks.
    pub fn plant(world: &World, paths: &[&str]) -> Self {
        let markers = [world.beside("marker"), world.lab.place("/zones/marker")];
        for marker in &markers {
            for path in paths.iter().chain(&["etc/passwd", "file", "directory/file"]) {
                let place = marker.join(path);
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                if !place.exists() {
                    fs::write(&place, format!("outside {path}\n")).unwrap();
                }
            }
        }
        Self { etc: etc(world), markers: markers.map(|marker| (marker.clone(), tree::marks(&marker))) }
    }

    /// Nothing of it has been touched.
    pub fn is_as_it_was(&self, world: &World) {
        for (marker, marks) in &self.markers {
            let touched = tree::touched(marks, &tree::marks(marker));
            assert!(touched.is_empty(), "{}: touched: {touched:?}", marker.display());
        }
        same_trees(&self.etc, &etc(world));
        assert_eq!(world.lab.violations(), Vec::<String>::new());
    }
}

/// The host's `/etc` without what zoneadm(8), zonecfg(8) and the kernel write.
fn etc(world: &World) -> Nodes {
    let mut nodes = read(&world.lab.place("/etc"));
    nodes.retain(|path, _| path != b"mnttab" && !path.starts_with(b"zones"));
    nodes
}

/// Datasets and mounts.
pub fn datasets(world: &World) -> Snapshotted {
    world.lab.snapshot_of_state(&[])
}

/// Datasets and mounts are as they were.
pub fn unchanged(world: &World, before: &Snapshotted) {
    let now = datasets(world);
    assert!(*before == now, "{}", before.difference(&now));
}

/// What stands in a zonepath, but for the times of directories: something may have come and gone.
pub fn zone_tree(world: &World, zone: &str) -> Nodes {
    let path = world.zonepath(zone);
    if path.exists() { read(&path) } else { Nodes::new() }
}

fn read(place: &Path) -> Nodes {
    let mut nodes = tree::read(place);
    nodes.values_mut().filter(|node| node.kind == 'd').for_each(|node| node.modified = (0, 0));
    nodes
}

/// Two trees are the same.
pub fn same_trees(one: &Nodes, other: &Nodes) {
    let paths = one.keys().chain(other.keys()).filter(|path| one.get(*path) != other.get(*path));
    let differ: Vec<_> = paths.map(|path| (tree::shown(path), one.get(path), other.get(path))).collect();
    assert!(differ.is_empty(), "{differ:#?}");
}

/// No journal is left.
pub fn no_journal(world: &World) {
    let left: Vec<_> = fs::read_dir(world.lab.place("/var/zonekit/journal"))
        .map(|entries| entries.map(|entry| entry.unwrap().file_name()).collect())
        .unwrap_or_default();
    assert!(left.is_empty(), "journals: {left:?}");
}

/// A hook said in one line why, with all these words.
pub fn said(text: &str, program: &str, words: &[&str]) {
    let start = format!("{program}: ");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(&start) && !line.ends_with(" ...")).collect();
    assert!(lines.len() == 1, "one line of `{program}` expected: {text:?}");
    let line = lines[0];
    for word in words {
        assert!(line.contains(word), "`{word}` expected: {line}");
    }
    clean(text);
    assert!(!line.trim_end().ends_with(':') && line.len() < 1000, "{line}");
}

/// There is nothing in it that is not for people.
pub fn clean(text: &str) {
    for rubbish in RUBBISH {
        assert!(!text.contains(rubbish), "`{rubbish}` in: {text}");
    }
}

/// zoneadm failed because this hook did, which said these words.
pub fn failed(did: &Did, program: &str, words: &[&str]) {
    assert!(did.code == 1, "{did:#?}");
    said(&did.err, program, words);
}

/// The program of a hook with the arguments that zoneadm(8) or zoneadmd(8) give it.
pub fn hook(world: &World, zone: &str, name: &str, more: &[&str]) -> Command {
    hook_at(world, zone, &world.zonepath(zone), name, more)
}

/// The same, for a zonepath elsewhere.
pub fn hook_at(world: &World, zone: &str, zonepath: &Path, name: &str, more: &[&str]) -> Command {
    let mut command = Command::new(world.lab.place("/usr/lib/brand/sparse-root").join(name));
    command.args(["-b", "sparse-root"]);
    match name {
        "prestate" | "poststate" | "query" | "verify-adm" => command.arg(zone).arg(zonepath),
        "verify-cfg" => &mut command,
        _ => command.args(["-z", zone, "-R"]).arg(zonepath),
    };
    command.args(more).env_clear().env("ZONEKIT_LAB", world.lab.root()).env("_ZONEADM_LOCK_HELD", "1");
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// Runs a hook.
pub fn ran(command: &mut Command) -> Ran {
    let ran = run::run(command);
    println!("{ran:?}");
    ran
}

/// A host with one installed zone.
pub fn installed() -> World {
    let world = World::new();
    world.configure("z1", "sparse-root");
    world.zoneadm("z1", &["install"]).well();
    world
}

/// A zone is configured in a directory that is in no dataset, and installed.
pub fn plain(world: &World, zone: &str) -> PathBuf {
    let path = plain_path(world, zone);
    let commands = format!("create -t TRIBsparse; set zonepath={}; verify; commit", path.display());
    world.run("zonecfg", &["-z", zone, &commands]).well();
    path
}

/// Where such a zone is.
pub fn plain_path(world: &World, zone: &str) -> PathBuf {
    let parent = world.lab.place("/export/zones");
    fs::create_dir_all(&parent).unwrap();
    parent.join(zone)
}
