//! What a tree looks like, on disk or in an archive, and in what two of them differ.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests, which end by panics")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// One object, without what two equal installations may differ in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// `f`, `d`, `l`, `p`, `c`, `b` or `?`.
    pub kind: char,
    /// Permission, set-id and sticky bits; 0777 for a symbolic link.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of a file; 0 for all else.
    pub size: u64,
    /// Modification time, seconds and nanoseconds.
    pub modified: (i64, i64),
    /// Where a symbolic link leads.
    pub target: Vec<u8>,
    /// Of a file with several names in the tree, the first one.
    pub joined: Vec<u8>,
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// Stands for the content of a file.
    pub digest: u64,
}

/// A tree by relative path; the root is the empty path.
pub type Nodes = BTreeMap<Vec<u8>, Node>;

/// Reads a tree from disk, following no link.
///
/// # Panics
/// It cannot be read.
#[must_use]
pub fn read(root: &Path) -> Nodes {
    let mut nodes = Nodes::new();
    walk(root, root, &mut |path, metadata, place| {
        nodes.insert(path, node(metadata, place));
    });
    join(&mut nodes, root);
    nodes
}

/// Everything in which touching an object shows: inode, size, mode, owner, and both times to the nanosecond.
pub type Marks = BTreeMap<Vec<u8>, [i128; 9]>;

/// Marks of a tree, to see whether anything in it was touched. No tree, no marks.
///
/// # Panics
/// It cannot be read.
#[must_use]
pub fn marks(root: &Path) -> Marks {
    let mut marks = Marks::new();
    if fs::symlink_metadata(root).is_err() {
        return marks;
    }
    walk(root, root, &mut |path, m, _| {
        let all = [
            i128::from(m.ino()),
            i128::from(m.size()),
            i128::from(m.mode()),
            i128::from(m.uid()),
            i128::from(m.gid()),
            i128::from(m.mtime()),
            i128::from(m.mtime_nsec()),
            i128::from(m.ctime()),
            i128::from(m.ctime_nsec()),
        ];
        marks.insert(path, all);
    });
    marks
}

/// The paths in which two sets of marks differ.
#[must_use]
pub fn touched(before: &Marks, after: &Marks) -> Vec<String> {
    let names = before.keys().chain(after.keys());
    let mut paths: Vec<String> =
        names.filter(|path| before.get(*path) != after.get(*path)).map(|path| shown(path)).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn walk(root: &Path, place: &Path, each: &mut dyn FnMut(Vec<u8>, &fs::Metadata, &Path)) {
    let metadata = fs::symlink_metadata(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let path = place.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
    each(path, &metadata, place);
    if metadata.is_dir() {
        for entry in fs::read_dir(place).unwrap_or_else(|error| panic!("{}: {error}", place.display())) {
            walk(root, &entry.unwrap().path(), each);
        }
    }
}

fn node(metadata: &fs::Metadata, place: &Path) -> Node {
    let kind = metadata.file_type();
    let letter = match () {
        () if kind.is_file() => 'f',
        () if kind.is_dir() => 'd',
        () if kind.is_symlink() => 'l',
        () if kind.is_fifo() => 'p',
        () if kind.is_char_device() => 'c',
        () if kind.is_block_device() => 'b',
        () => '?',
    };
    let device = matches!(letter, 'c' | 'b').then(|| metadata.rdev());
    Node {
        kind: letter,
        mode: if letter == 'l' { 0o777 } else { metadata.mode() & 0o7777 },
        uid: metadata.uid(),
        gid: metadata.gid(),
        size: if letter == 'f' { metadata.size() } else { 0 },
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        target: if letter == 'l' { fs::read_link(place).unwrap().as_os_str().as_bytes().to_vec() } else { Vec::new() },
        joined: Vec::new(),
        device: device.map_or((0, 0), |device| (rustix::fs::major(device), rustix::fs::minor(device))),
        digest: if letter == 'f' {
            digest(&mut fs::File::open(place).unwrap_or_else(|error| panic!("{}: {error}", place.display())))
        } else {
            0
        },
    }
}

/// Marks the names that are one file.
fn join(nodes: &mut Nodes, root: &Path) {
    let mut first: HashMap<(u64, u64), Vec<u8>> = HashMap::new();
    for (path, node) in nodes.iter_mut().filter(|(_, node)| node.kind == 'f') {
        let metadata = fs::symlink_metadata(root.join(std::ffi::OsStr::from_bytes(path))).unwrap();
        if metadata.nlink() > 1 {
            node.joined = first.entry((metadata.dev(), metadata.ino())).or_insert_with(|| path.clone()).clone();
        }
    }
}

/// Stands for all the bytes of a reader.
///
/// # Panics
/// It cannot be read.
pub fn digest(from: &mut impl Read) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// A name for people.
#[must_use]
pub fn shown(path: &[u8]) -> String {
    path.escape_ascii().to_string()
}

/// In what two trees differ, one line a difference.
#[must_use]
pub fn differences(expected: &Nodes, found: &Nodes) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, node) in expected {
        match found.get(path) {
            None => lines.push(format!("/{}: is not there", shown(path))),
            Some(other) if other != node => lines.push(format!("/{}: {node:?} has become {other:?}", shown(path))),
            Some(_) => {}
        }
    }
    let more = found.keys().filter(|path| !expected.contains_key(*path));
    lines.extend(more.map(|path| format!("/{}: should not be there", shown(path))));
    lines
}

/// A listing that can be kept in a file: path, kind, mode, owner, group, size, time, link, one object a line.
/// Without owners when `owners` is false.
#[must_use]
pub fn listing(nodes: &Nodes, owners: bool) -> String {
    let mut text = String::new();
    for (path, node) in nodes {
        let link = match node.kind {
            'l' => format!(" -> {}", shown(&node.target)),
            'c' | 'b' => format!(" {}:{}", node.device.0, node.device.1),
            _ if !node.joined.is_empty() && node.joined != *path => format!(" = /{}", shown(&node.joined)),
            _ => String::new(),
        };
        let owner = if owners { format!("{}:{}", node.uid, node.gid) } else { "-".to_owned() };
        let (seconds, nanoseconds) = node.modified;
        let _ = writeln!(
            text,
            "/{} {} {:04o} {owner} {} {seconds}.{nanoseconds:09}{link}",
            shown(path),
            node.kind,
            node.mode,
            node.size
        );
    }
    text
}
