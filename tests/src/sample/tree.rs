//! Writing below the image root, so that two runs leave the same bytes, modes and times.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use contents::Kind;
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, makedev, mknodat, utimensat};

use super::accounts;
use super::content::Content;
use super::plan::path_of;

/// Mode, owner and time of something on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

impl Attributes {
    /// Attributes by name; the time is a whole second, as pkgadd sets it.
    pub(crate) fn new(mode: u32, owner: &str, group: &str, seconds: i64) -> io::Result<Self> {
        Ok(Self { mode, uid: accounts::uid(owner)?, gid: accounts::gid(group)?, seconds, nanoseconds: 0 })
    }

    /// root:root, as most of what packaging itself writes.
    pub(crate) fn root(mode: u32, seconds: i64) -> Self {
        Self { mode, uid: 0, gid: 0, seconds, nanoseconds: 0 }
    }
}

/// A root directory that is being filled. Directories get their attributes last, because filling them
/// changes their times and may need their write permission.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    /// Owners can be set.
    pub(crate) owned: bool,
    /// Devices can be made.
    pub(crate) devices: bool,
    directories: BTreeMap<Vec<u8>, Attributes>,
    /// Time of directories that nobody describes.
    time: i64,
}

impl Tree {
    /// Takes an empty directory, or makes one.
    pub(crate) fn new(at: &Path, time: i64) -> io::Result<Self> {
        fs::create_dir_all(at)?;
        if fs::read_dir(at)?.next().is_some() {
            let message = format!("`{}` is not empty: a sample image needs a directory of its own", at.display());
            return Err(io::Error::new(io::ErrorKind::DirectoryNotEmpty, message));
        }
        let privileged = rustix::process::geteuid().is_root();
        let directories = BTreeMap::from([(b"/".to_vec(), Attributes::root(0o755, time))]);
        Ok(Self { root: at.to_owned(), owned: privileged, devices: privileged, directories, time })
    }

    /// Where a path of the image is on this machine.
    pub(crate) fn on_disk(&self, path: &[u8]) -> PathBuf {
        self.root.join(path_of(path.strip_prefix(b"/").unwrap_or(path)))
    }

    /// Makes a directory, or describes one that was made on the way to something else.
    pub(crate) fn directory(&mut self, path: &[u8], attributes: Attributes) -> io::Result<()> {
        self.parents(path)?;
        if self.directories.insert(path.to_vec(), attributes).is_none() {
            fs::create_dir(self.on_disk(path))?;
        }
        Ok(())
    }

    /// Makes what is missing above a path. A symbolic link there is an error: nothing is ever written
    /// through one.
    fn parents(&mut self, path: &[u8]) -> io::Result<()> {
        let slashes: Vec<usize> = (1..path.len()).filter(|at| path[*at] == b'/').collect();
        for at in slashes {
            if !self.directories.contains_key(&path[..at]) {
                fs::create_dir(self.on_disk(&path[..at]))?;
                self.directories.insert(path[..at].to_vec(), Attributes::root(0o755, self.time));
            }
        }
        Ok(())
    }

    /// Makes a file.
    pub(crate) fn file(&mut self, path: &[u8], content: &Content, attributes: Attributes) -> io::Result<()> {
        self.parents(path)?;
        let place = self.on_disk(path);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place)?;
        content.write(&file)?;
        self.dress(&place, attributes)
    }

    /// Gives a file other content in place, so that its other names see it too. Mode and owner stay.
    pub(crate) fn rewrite(&self, path: &[u8], content: &Content) -> io::Result<()> {
        let place = self.on_disk(path);
        let before = fs::symlink_metadata(&place)?.permissions();
        fs::set_permissions(&place, Permissions::from_mode(0o600))?;
        content.write(&File::create(&place)?)?;
        fs::set_permissions(&place, before)
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&mut self, path: &[u8], target: &[u8], seconds: i64) -> io::Result<()> {
        self.parents(path)?;
        let place = self.on_disk(path);
        symlink(path_of(target), &place)?;
        if self.owned {
            lchown(&place, Some(0), Some(0))?;
        }
        self.set_time(&place, seconds, 0)
    }

    /// Gives a file another name.
    pub(crate) fn hard_link(&mut self, path: &[u8], of: &[u8]) -> io::Result<()> {
        self.parents(path)?;
        fs::hard_link(self.on_disk(of), self.on_disk(path))
    }

    /// Makes a pipe or a device; devices are left out where they cannot be made.
    pub(crate) fn node(
        &mut self,
        path: &[u8],
        kind: Kind,
        device: Option<(u32, u32)>,
        attributes: Attributes,
    ) -> io::Result<()> {
        self.parents(path)?;
        let (form, number) = match (kind, device) {
            (Kind::Pipe, _) => (FileType::Fifo, 0),
            (_, None) => return Ok(()),
            _ if !self.devices => return Ok(()),
            (Kind::Block, Some((major, minor))) => (FileType::BlockDevice, makedev(major, minor)),
            (_, Some((major, minor))) => (FileType::CharacterDevice, makedev(major, minor)),
        };
        let place = self.on_disk(path);
        match mknodat(CWD, &place, form, Mode::from_raw_mode(0o600), number) {
            // Root of a container may own files and yet make no devices.
            Err(rustix::io::Errno::PERM) if form != FileType::Fifo => self.devices = false,
            result => {
                result?;
                self.dress(&place, attributes)?;
            }
        }
        Ok(())
    }

    /// Removes whatever is at a path.
    pub(crate) fn remove(&mut self, path: &[u8]) -> io::Result<()> {
        let place = self.on_disk(path);
        if fs::symlink_metadata(&place)?.is_dir() {
            let gone: BTreeSet<Vec<u8>> = self.known_below(path);
            self.directories.retain(|directory, _| !gone.contains(directory));
            fs::remove_dir_all(place)
        } else {
            fs::remove_file(place)
        }
    }

    /// Moves a directory with all below it.
    pub(crate) fn rename(&mut self, from: &[u8], to: &[u8]) -> io::Result<()> {
        self.parents(to)?;
        fs::rename(self.on_disk(from), self.on_disk(to))?;
        for old in self.known_below(from) {
            if let Some(attributes) = self.directories.remove(&old) {
                self.directories.insert([to, &old[from.len()..]].concat(), attributes);
            }
        }
        Ok(())
    }

    fn known_below(&self, path: &[u8]) -> BTreeSet<Vec<u8>> {
        let below = |directory: &&Vec<u8>| contents::database::is_below(directory, path);
        self.directories.keys().filter(below).cloned().collect()
    }

    /// Sets owner, mode and time. The owner first: changing it clears set-id bits.
    pub(crate) fn dress(&self, place: &Path, attributes: Attributes) -> io::Result<()> {
        if self.owned {
            lchown(place, Some(attributes.uid), Some(attributes.gid))?;
        }
        fs::set_permissions(place, Permissions::from_mode(attributes.mode))?;
        self.set_time(place, attributes.seconds, attributes.nanoseconds)
    }

    /// Sets the time of the object itself, never of what a symbolic link points at.
    pub(crate) fn set_time(&self, place: &Path, seconds: i64, nanoseconds: u32) -> io::Result<()> {
        let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() };
        let times = Timestamps { last_access: time, last_modification: time };
        Ok(utimensat(CWD, place, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Sets the attributes of all directories, the deepest first.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.directories.iter().rev().try_for_each(|(path, attributes)| {
            let place = if path == b"/" { self.root.clone() } else { self.on_disk(path) };
            self.dress(&place, *attributes)
        })
    }
}
