//! A directory tree held by capability.
//!
//! Everything below an image root or a zone root is reached from here and from nowhere else. A zone's
//! root user may have planted anything in it, so a path is either walked without following a single
//! symbolic link ([`Tree::open_dir`], [`Tree::open_file`]), or resolved as if the tree were `/`
//! ([`Tree::resolve_dir`]); neither ever leaves the tree. On hot paths callers hold a [`Handle`] and
//! use leaf names below it.

mod content;
mod handle;
mod remove;
mod time;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags};

pub use content::{Copied, CopyBuffer, Transfer};
pub use handle::{FileKind, Handle, Special, Stat};
pub(crate) use handle::{set_attributes, set_owner_and_time};
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
        let mut pending: Vec<Vec<u8>> = components(path).rev().collect();
        let mut stack = vec![self.handle()?];
        let mut links = 0;
        while let Some(component) = pending.pop() {
            if component == b".." {
                if stack.len() > 1 {
                    stack.pop();
                }
                continue;
            }
            let Some(here) = stack.last() else { break };
            match here.open_dir(&component) {
                Ok(next) => stack.push(next),
                Err(error) => {
                    let Ok(target) = here.read_link(&component) else { return Err(error) };
                    links += 1;
                    if links > LINK_LIMIT {
                        return Err(rustix::io::Errno::LOOP.into());
                    }
                    if target.first() == Some(&b'/') {
                        stack.truncate(1);
                    }
                    pending.extend(components(&target).rev());
                }
            }
        }
        stack.pop().ok_or_else(|| rustix::io::Errno::NOENT.into())
    }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + '_ {
    path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec)
}

/// `openat(2)` for a path of several components, none of which may be a symbolic link.
fn open_beneath(root: impl AsFd, path: &[u8], flags: OFlags) -> io::Result<rustix::fd::OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::ResolveFlags;
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
