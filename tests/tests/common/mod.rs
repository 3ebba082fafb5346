//! Zones as the tests look at them.

#![allow(dead_code, reason = "every test program uses its own part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use tests::run::{Image, Ran, Scratch, archive, image, install, is_root, run};
use tests::sample::{Options, names};
use tests::tiny::Tiny;
use tests::tree::{self, Node, Nodes, differences, digest, marks, touched};

/// The zone of a brand out of the shared sample image. It is made once.
pub fn sample_zone(brand: &str) -> &'static Zone {
    static MADE: [OnceLock<Zone>; 2] = [OnceLock::new(), OnceLock::new()];
    MADE[usize::from(brand == "whole-root")].get_or_init(|| Zone::make(brand, &image().path(), &[]))
}

/// A zone that was made: as root in a directory, else in an archive.
pub struct Zone {
    /// What is in it, the root itself left out.
    pub nodes: Nodes,
    /// The content of its files.
    pub files: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What the program said.
    pub ran: Ran,
    /// The clone of /lib, where one was made: with root only.
    pub clone: Nodes,
}

impl Zone {
    /// Makes one.
    pub fn make(brand: &str, image: &Path, more: &[&str]) -> Self {
        let scratch = Scratch::new();
        if !is_root() {
            let file = scratch.join("zone.tar.gz");
            let ran = archive(brand, image, &file, more);
            return Self { ran, ..Self::unpack(&file) };
        }
        let zonepath = scratch.zonepath("zone");
        let ran = run(install(brand, image, &zonepath).args(more));
        ran.succeeded();
        let root = if more.contains(&"-T") && brand == "whole-root" { zonepath.clone() } else { zonepath.join("root") };
        let beside: Vec<_> = fs::read_dir(&zonepath).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(root == zonepath || beside == ["root"], "beside the root: {beside:?}");
        let mut nodes = tree::read(&root);
        nodes.remove(&b""[..]);
        let read = |path: &[u8]| fs::read(root.join(std::ffi::OsStr::from_bytes(path))).unwrap();
        let files =
            nodes.iter().filter(|(_, node)| node.kind == 'f').map(|(path, _)| (path.clone(), read(path))).collect();
        let clone = scratch.join("zonelib/lib");
        let clone = if clone.is_dir() { tree::read(&clone) } else { Nodes::new() };
        Self { nodes, files, ran, clone }
    }

    /// Reads one out of an archive.
    pub fn unpack(file: &Path) -> Self {
        let mut nodes = Nodes::new();
        let mut files = BTreeMap::new();
        let mut links: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(File::open(file).unwrap()));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path_bytes().into_owned();
            if path == b"." {
                continue;
            }
            let target = entry.link_name_bytes().map(|name| name.into_owned()).unwrap_or_default();
            assert!(!nodes.contains_key(&path), "twice in the archive: {}", tree::shown(&path));
            let parent = path.rsplitn(2, |byte| *byte == b'/').nth(1).unwrap_or_default();
            assert!(parent.is_empty() || nodes.contains_key(parent), "before its directory: {}", tree::shown(&path));
            if entry.header().entry_type() == tar::EntryType::Link {
                let node = Node::clone(nodes.get(&target).expect("a link before what it leads to"));
                files.insert(path.clone(), files.get(&target).cloned().unwrap_or_default());
                nodes.insert(path.clone(), node);
                links.entry(target).or_default().push(path);
                continue;
            }
            let (mut node, content) = read_member(&mut entry, target);
            if let Some(content) = content {
                node.size = content.len() as u64;
                node.digest = digest(&mut content.as_slice());
                files.insert(path.clone(), content);
            }
            nodes.insert(path, node);
        }
        for (target, mut names) in links {
            names.push(target);
            names.sort();
            for name in &names {
                nodes.get_mut(name).unwrap().joined.clone_from(&names[0]);
            }
        }
        let nothing: std::process::ExitStatus = std::os::unix::process::ExitStatusExt::from_raw(0);
        let ran = Ran { status: nothing, out: String::new(), err: String::new() };
        Self { nodes, files, ran, clone: Nodes::new() }
    }

    /// An object by its absolute path.
    pub fn node(&self, path: impl AsRef<Path>) -> Option<&Node> {
        self.nodes.get(key(path.as_ref()))
    }

    /// An object that has to be there.
    pub fn the(&self, path: impl AsRef<Path>) -> &Node {
        let path = path.as_ref();
        self.node(path).unwrap_or_else(|| panic!("{} is not in the zone", path.display()))
    }

    /// Whether anything has this path.
    pub fn has(&self, path: impl AsRef<Path>) -> bool {
        self.node(path).is_some()
    }

    /// The content of a file that has to be there.
    pub fn content(&self, path: impl AsRef<Path>) -> &[u8] {
        let path = path.as_ref();
        assert_eq!(self.the(path).kind, 'f', "{}", path.display());
        &self.files[key(path)]
    }

    /// The same, as text.
    pub fn text(&self, path: impl AsRef<Path>) -> String {
        String::from_utf8_lossy(self.content(path)).into_owned()
    }

    /// The zone's own database.
    pub fn contents(&self) -> &[u8] {
        self.content("/var/sadm/install/contents")
    }

    /// Whether that has a line of a path.
    pub fn lists(&self, path: impl AsRef<Path>) -> bool {
        let path = path.as_ref().as_os_str().as_bytes();
        let is_it = |line: &[u8]| line.strip_prefix(path).is_some_and(|rest| matches!(rest.first(), Some(b' ' | b'=')));
        self.contents().split(|byte| *byte == b'\n').any(is_it)
    }
}

fn key(path: &Path) -> &[u8] {
    let bytes = path.as_os_str().as_bytes();
    bytes.strip_prefix(b"/").unwrap_or(bytes)
}

fn read_member(entry: &mut tar::Entry<'_, impl Read>, target: Vec<u8>) -> (Node, Option<Vec<u8>>) {
    use tar::EntryType;
    let header = entry.header();
    let kind = match header.entry_type() {
        EntryType::Regular => 'f',
        EntryType::Directory => 'd',
        EntryType::Symlink => 'l',
        EntryType::Fifo => 'p',
        EntryType::Char => 'c',
        EntryType::Block => 'b',
        other => panic!("a member of type {other:?}"),
    };
    let device = match kind {
        'c' | 'b' => (header.device_major().unwrap().unwrap(), header.device_minor().unwrap().unwrap()),
        _ => (0, 0),
    };
    let mut node = Node {
        kind,
        mode: header.mode().unwrap(),
        uid: u32::try_from(header.uid().unwrap()).unwrap(),
        gid: u32::try_from(header.gid().unwrap()).unwrap(),
        size: 0,
        modified: (i64::try_from(header.mtime().unwrap()).unwrap(), 0),
        target: if kind == 'l' { target } else { Vec::new() },
        joined: Vec::new(),
        device,
        digest: 0,
    };
    for extension in entry.pax_extensions().unwrap().into_iter().flatten() {
        let extension = extension.unwrap();
        let value = || extension.value().unwrap();
        match extension.key().unwrap() {
            "mtime" => node.modified = time(value()),
            "uid" => node.uid = value().parse().unwrap(),
            "gid" => node.gid = value().parse().unwrap(),
            "path" | "linkpath" => {}
            other => panic!("a record of type {other}"),
        }
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content).unwrap();
    (node, (kind == 'f').then_some(content))
}

/// `seconds.fraction`, where both are negative for times before 1970.
fn time(text: &str) -> (i64, i64) {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let nanoseconds: i64 = format!("{fraction:0<9}")[..9].parse().unwrap();
    let whole: i64 = seconds.parse().unwrap();
    if text.starts_with('-') && nanoseconds > 0 {
        (whole - 1, 1_000_000_000 - nanoseconds)
    } else {
        (whole, nanoseconds)
    }
}

/// The brands.
pub const BRANDS: [&str; 2] = ["sparse-root", "whole-root"];

/// The arguments make no sense.
pub const USAGE: i32 = 253;
/// Nothing was installed, and nothing is left.
pub const NOTHING: i32 = 254;
/// Something stands in the zonepath.
pub const OCCUPIED: i32 = 255;

/// A tiny image in a directory of its own.
pub fn tiny() -> (Scratch, Tiny) {
    let scratch = Scratch::new();
    let tiny = Tiny::new(&scratch.join("image"));
    (scratch, tiny)
}

/// Runs a command that is refused, twice: to plan it and to do it. Nothing below the watched places changes.
pub fn refused(mut make: impl FnMut() -> Command, watched: &[&Path], code: i32, words: &[&str]) {
    for plan in [true, false] {
        let packs = make().get_args().any(|argument| argument == "--archive");
        if !plan && !packs && !is_root() && code != USAGE {
            // Refused for another reason before it comes to this.
            continue;
        }
        let before: Vec<_> = watched.iter().map(|place| marks(place)).collect();
        let mut command = make();
        if plan {
            command.arg("-n");
        }
        run(&mut command).refused(code, words);
        for (place, before) in watched.iter().zip(&before) {
            let touched = touched(before, &marks(place));
            assert!(touched.is_empty(), "{}: changed: {touched:?}", place.display());
        }
    }
}

/// An image that takes a while to copy.
pub fn big() -> Arc<Image> {
    static SHARED: Mutex<Weak<Image>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let image = Arc::new(Image::make(&Options { scale: 40, edge_cases: false }));
        *shared = Arc::downgrade(&image);
        image
    })
}

/// A zone that nothing disturbed. The mark of a postinstall script has a time of its own.
pub fn clean(brand: &str, image: &Path) -> Nodes {
    let scratch = Scratch::new();
    let zonepath = scratch.zonepath("zone");
    run(&mut install(brand, image, &zonepath)).succeeded();
    zone_nodes(&zonepath)
}

pub fn zone_nodes(zonepath: &Path) -> Nodes {
    let mut nodes = tree::read(&zonepath.join("root"));
    for path in ["/", names::POSTINSTALL_MARK, "/var/sample"] {
        if let Some(node) = nodes.get_mut(path.trim_start_matches('/').as_bytes()) {
            node.modified = (0, 0);
        }
    }
    nodes
}

pub fn assert_same(expected: &Nodes, found: &Nodes) {
    let differences = differences(expected, found);
    assert!(
        differences.is_empty(),
        "{} differences: {:#?}",
        differences.len(),
        &differences[..differences.len().min(10)]
    );
}

/// Whether anything is in a directory.
pub fn filled(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}
