//! A directory tree held by capability.
//!
//! Everything below an image root or a zone root is reached from here and from nowhere else. A zone's
//! root user may have planted anything in it, so a path is either walked without following a single
//! symbolic link ([`Tree::open_dir`], [`Tree::open_file`]), or resolved as if the tree were `/`
//! ([`Tree::resolve_dir`]); neither ever leaves the tree. On hot paths callers hold a [`Handle`] and
//! use leaf names below it.

mod content;
mod copy;
mod handle;
mod put;
mod remove;
mod time;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::OFlags;

pub use content::{Copied, CopyBuffer, Transfer};
pub use copy::{CopiedTree, CopyError, Skipped, copy_tree};
pub use handle::{FileKind, Handle, Special, Stat};
pub(crate) use handle::{set_attributes, set_owner_and_time};
pub(crate) use put::{SYSTEM_OWNER, WholeFile, missing_folders, put_file, put_file_as, remove_empty_folder};
pub use remove::{clear, remove_tree};
pub use time::Timestamp;

/// More symbolic links than this on one path are a loop, as in `MAXSYMLINKS` of illumos.
const LINK_LIMIT: usize = 20;

/// A directory tree that nothing leads out of.
#[derive(Debug)]
pub struct Tree {
    dir: Dir,
    path: PathBuf,
}

impl Tree {
    /// Holds the directory at `path`. The path itself is the administrator's word and is followed.
    ///
    /// # Errors
    /// The path is no directory, or cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { dir, path: path.to_owned() })
    }

    /// Holds the tree below an open directory.
    ///
    /// # Errors
    /// As `dup(2)`.
    pub fn from_handle(handle: &Handle) -> io::Result<Self> {
        let dir = Dir::from_std_file(File::from(handle.as_fd().try_clone_to_owned()?));
        Ok(Self { dir, path: PathBuf::new() })
    }

    /// Holds the tree of a directory below, following no symbolic link.
    ///
    /// # Errors
    /// As [`Tree::open_dir`].
    pub fn enter(&self, path: &[u8]) -> io::Result<Self> {
        let inner = Self::from_handle(&self.open_dir(path)?)?;
        Ok(Self { path: self.path.join(OsStr::from_bytes(path)), ..inner })
    }

    /// The tree as a capability, for libraries that take one.
    #[must_use]
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Where the tree was opened; for messages and for arguments of host commands.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A handle of the tree's own root.
    ///
    /// # Errors
    /// As `openat(2)`: the system is out of file descriptors, or the root may not be read.
    pub fn handle(&self) -> io::Result<Handle> {
        Handle::reopen(self.dir.as_fd())
    }

    /// Opens a directory below, following no symbolic link. `path` is relative, `""` is the root.
    ///
    /// # Errors
    /// As `openat(2)`; `ELOOP` or `ENOTDIR` where a component is a symbolic link.
    pub fn open_dir(&self, path: &[u8]) -> io::Result<Handle> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if path.is_empty() {
            return self.handle();
        }
        open_beneath(self.dir.as_fd(), path, flags).map(Handle::from_fd)
    }

    /// Opens a regular file below for reading, following no symbolic link and never waiting for the
    /// other end of a FIFO.
    ///
    /// # Errors
    /// As `openat(2)`; `InvalidInput` when it is no regular file.
    pub fn open_file(&self, path: &[u8]) -> io::Result<(File, Stat)> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(open_beneath(self.dir.as_fd(), path, flags)?);
        handle::require_regular(file)
    }

    /// Reads a regular file of at most `limit` bytes, following no symbolic link.
    ///
    /// # Errors
    /// As [`Tree::open_file`]; `FileTooLarge` over the limit.
    pub fn read(&self, path: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let (file, stat) = self.open_file(path)?;
        if stat.size > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("is larger than {limit} bytes")));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stat.size).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Opens a directory as a process would whose root is this tree: symbolic links are followed,
    /// absolute ones and `..` from the tree's root. For images, whose directories an administrator may
    /// have moved and linked.
    ///
    /// # Errors
    /// As `openat(2)`; `ELOOP` after twenty links.
    pub fn resolve_dir(&self, path: &[u8]) -> io::Result<Handle> {
        let mut walk = Walk::new(self.handle()?, path);
        match walk.run() {
            Ok(()) => Ok(walk.end()),
            Err((_, error)) => Err(error),
        }
    }

    /// The path on this host of something in the tree, whose directories are resolved as in
    /// [`Tree::resolve_dir`]; what does not exist yet is taken as it is written. It never leads out of
    /// the tree.
    ///
    /// # Errors
    /// As `openat(2)`; `InvalidInput` for a `..` behind something that does not exist.
    pub fn locate(&self, path: &[u8]) -> io::Result<PathBuf> {
        let mut walk = Walk::new(self.handle()?, path);
        let missing = match walk.run() {
            Ok(()) => Vec::new(),
            Err((component, error)) if error.kind() == io::ErrorKind::NotFound => {
                let mut rest = vec![component];
                rest.extend(walk.pending.iter().rev().cloned());
                rest
            }
            Err((_, error)) => return Err(error),
        };
        if missing.iter().any(|component| component == b"..") {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "has a `..` behind something that does not exist"));
        }
        let found = walk.stack.iter().filter_map(|(name, _)| name.as_ref()).chain(&missing);
        Ok(found.fold(self.path.clone(), |path, name| path.join(OsStr::from_bytes(name))))
    }
}

/// A walk through directories that treats a tree as the root.
struct Walk {
    /// The directories from the root to here, with their names; the root has none.
    stack: Vec<(Option<Vec<u8>>, Handle)>,
    /// Components still to walk, the next one last.
    pending: Vec<Vec<u8>>,
    links: usize,
}

impl Walk {
    fn new(root: Handle, path: &[u8]) -> Self {
        Self { stack: vec![(None, root)], pending: components(path).rev().collect(), links: 0 }
    }

    /// Walks to the end, or to a component that cannot be entered.
    fn run(&mut self) -> Result<(), (Vec<u8>, io::Error)> {
        while let Some(component) = self.pending.pop() {
            if component == b".." {
                if self.stack.len() > 1 {
                    self.stack.pop();
                }
                continue;
            }
            let Some((_, here)) = self.stack.last() else { break };
            match here.open_dir(&component) {
                Ok(next) => self.stack.push((Some(component), next)),
                Err(error) => match here.read_link(&component) {
                    Ok(_) if self.links == LINK_LIMIT => return Err((component, rustix::io::Errno::LOOP.into())),
                    Ok(target) => {
                        self.links += 1;
                        if target.first() == Some(&b'/') {
                            self.stack.truncate(1);
                        }
                        self.pending.extend(components(&target).rev());
                    }
                    Err(_) => return Err((component, error)),
                },
            }
        }
        Ok(())
    }

    fn end(mut self) -> Handle {
        // The root is never popped.
        let (_, handle) = self.stack.swap_remove(self.stack.len() - 1);
        handle
    }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + '_ {
    path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec)
}

/// `openat(2)` for a path of several components, none of which may be a symbolic link.
fn open_beneath(root: impl AsFd, path: &[u8], flags: OFlags) -> io::Result<rustix::fd::OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Mode, ResolveFlags};
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve) {
            // Kernels before 5.6, and sandboxes that filter the call.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {}
            other => return Ok(other?),
        }
    }
    let walked: Vec<Vec<u8>> = components(path).collect();
    let Some((leaf, parents)) = walked.split_last() else {
        return Err(rustix::io::Errno::NOENT.into());
    };
    let mut here = Handle::reopen(root)?;
    for parent in parents {
        here = here.open_dir(parent)?;
    }
    here.open_raw(leaf, flags)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
