//! Copies of the content of datasets: snapshots, clones, streams.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps};
use serde::{Deserialize, Serialize};

/// One object of a tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Below the top, which is empty.
    path: Vec<u8>,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    device: u64,
    /// The bytes of a file that follow.
    size: u64,
    /// Of a symbolic link.
    target: Vec<u8>,
    /// The path of the first of several hard links.
    first: Option<Vec<u8>>,
}

/// All that is in a tree, directories before what is in them, each with where it is. What stands below
/// the mount points in it comes from `under`, which tells where that is.
pub(crate) fn read(top: &Path, under: &dyn Fn(&Path) -> Option<PathBuf>) -> io::Result<Vec<(Entry, PathBuf)>> {
    let mut all = Vec::new();
    let mut links = HashMap::new();
    let mut waiting = vec![(top.to_owned(), PathBuf::new())];
    while let Some((place, path)) = waiting.pop() {
        let covered = if path.as_os_str().is_empty() { None } else { under(&place) };
        let shown = covered.unwrap_or_else(|| place.clone());
        let found = fs::symlink_metadata(&shown)?;
        let mut entry = entry(&found, &path);
        if found.is_symlink() {
            entry.target = fs::read_link(&shown)?.as_os_str().as_bytes().to_vec();
        } else if !found.is_dir() && found.nlink() > 1 {
            let identity = (found.dev(), found.ino());
            entry.first = links.get(&identity).cloned();
            links.entry(identity).or_insert_with(|| entry.path.clone());
        }
        if !found.is_file() || entry.first.is_some() {
            entry.size = 0;
        }
        if found.is_dir() {
            for name in fs::read_dir(&shown)? {
                let name = name?.file_name();
                waiting.push((shown.join(&name), path.join(&name)));
            }
        }
        all.push((entry, shown));
    }
    Ok(all)
}

fn entry(found: &Metadata, path: &Path) -> Entry {
    Entry {
        path: path.as_os_str().as_bytes().to_vec(),
        mode: found.mode(),
        owner: (found.uid(), found.gid()),
        modified: (found.mtime(), found.mtime_nsec()),
        device: found.rdev(),
        size: found.len(),
        target: Vec::new(),
        first: None,
    }
}

/// The bytes of files in a tree.
pub(crate) fn size(top: &Path) -> u64 {
    read(top, &|_| None).map_or(0, |all| all.iter().map(|(entry, _)| entry.size).sum())
}

/// Copies a tree with its modes, owners, times and links. The copy must not be there.
pub(crate) fn copy(top: &Path, to: &Path, under: &dyn Fn(&Path) -> Option<PathBuf>) -> io::Result<()> {
    let all = read(top, under)?;
    for (entry, place) in &all {
        make(entry, to, |file| io::copy(&mut fs::File::open(place)?, file).map(drop))?;
    }
    all.iter().rev().try_for_each(|(entry, _)| finish(entry, to))
}

/// Copies all that is in a tree, whatever is mounted in it.
pub(crate) fn copy_all(top: &Path, to: &Path) -> io::Result<()> {
    copy(top, to, &|_| None)
}

/// Writes a tree into a stream.
pub(crate) fn pack(top: &Path, stream: &mut Vec<u8>) -> io::Result<()> {
    for (entry, place) in read(top, &|_| None)? {
        serde_json::to_writer(&mut *stream, &entry)?;
        stream.push(b'\n');
        if entry.size > 0 {
            fs::File::open(place)?.take(entry.size).read_to_end(stream)?;
        }
    }
    stream.extend_from_slice(b"end\n");
    Ok(())
}

/// Makes a tree from a stream, and gives what follows in it.
pub(crate) fn unpack<'a>(mut stream: &'a [u8], to: &Path) -> io::Result<&'a [u8]> {
    let mut all = Vec::new();
    loop {
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let end = stream.iter().position(|&byte| byte == b'\n').ok_or_else(cut)?;
        let (line, rest) = (&stream[..end], &stream[end + 1..]);
        if line == b"end" {
            all.iter().rev().try_for_each(|entry| finish(entry, to))?;
            return Ok(rest);
        }
        let entry: Entry = serde_json::from_slice(line)?;
        let size = usize::try_from(entry.size).map_err(|_| cut())?;
        let content = rest.get(..size).ok_or_else(cut)?;
        make(&entry, to, |file| file.write_all(content))?;
        stream = &rest[size..];
        all.push(entry);
    }
}

fn make(entry: &Entry, top: &Path, fill: impl FnOnce(&mut fs::File) -> io::Result<()>) -> io::Result<()> {
    let place = place(entry, top);
    if let Some(first) = &entry.first {
        return fs::hard_link(top.join(OsStr::from_bytes(first)), place);
    }
    match FileType::from_raw_mode(entry.mode) {
        FileType::Directory => fs::create_dir(place),
        FileType::Symlink => symlink(OsStr::from_bytes(&entry.target), place),
        FileType::RegularFile => fill(&mut fs::File::create_new(place)?),
        kind => Ok(rustix::fs::mknodat(CWD, &place, kind, Mode::RUSR | Mode::WUSR, entry.device)?),
    }
}

fn place(entry: &Entry, top: &Path) -> PathBuf {
    if entry.path.is_empty() { top.to_owned() } else { top.join(OsStr::from_bytes(&entry.path)) }
}

/// Gives an object its owner, mode and times; last of all, for they stand in the way of filling it.
fn finish(entry: &Entry, top: &Path) -> io::Result<()> {
    let place = place(entry, top);
    if rustix::process::geteuid().is_root() {
        lchown(&place, Some(entry.owner.0), Some(entry.owner.1))?;
    }
    if FileType::from_raw_mode(entry.mode) != FileType::Symlink {
        fs::set_permissions(&place, Permissions::from_mode(entry.mode & 0o7777))?;
    }
    let time = Timespec { tv_sec: entry.modified.0, tv_nsec: entry.modified.1 };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(rustix::fs::utimensat(CWD, &place, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
