//! What stands in a source tree, asked by path.

use std::fs::File;
use std::io;

use crate::root::{Handle, Stat, Tree};

use super::action::split;
use super::apply::path_of;

/// Looks at the objects of a tree through directories that stay open from one question to the next:
/// a sorted list of paths asks about the same directory many times in a row.
pub struct Live<'t> {
    tree: &'t Tree,
    directory: Option<(Vec<u8>, Option<Handle>)>,
}

impl<'t> Live<'t> {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new(tree: &'t Tree) -> Self {
        Self { tree, directory: None }
    }

    /// The object itself, never what a symbolic link points to; `None` when there is none.
    ///
    /// # Errors
    /// As `fstatat(2)`, but for `ENOENT`.
    pub fn stat(&mut self, path: &[u8]) -> io::Result<Option<Stat>> {
        let (parent, name) = split(path);
        match self.open(parent)? {
            Some(handle) => handle.stat(name),
            None => Ok(None),
        }
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// As `readlinkat(2)`.
    pub fn read_link(&mut self, path: &[u8]) -> io::Result<Vec<u8>> {
        let (parent, name) = split(path);
        match self.open(parent)? {
            Some(handle) => handle.read_link(name),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn open(&mut self, parent: &[u8]) -> io::Result<Option<&Handle>> {
        if self.directory.as_ref().is_none_or(|(path, _)| path != parent) {
            let handle = open_dir(self.tree, parent)?;
            self.directory = Some((parent.to_vec(), handle));
        }
        Ok(self.directory.as_ref().and_then(|(_, handle)| handle.as_ref()))
    }
}

pub(super) const NOT_THERE: &str = "is not in the image";
pub(super) const NO_FILE: &str = "is no regular file in the image";

/// Why an object of the plan is missing whose source could not be opened.
pub(crate) fn why_absent(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::NotFound { NOT_THERE } else { NO_FILE }
}

/// Why a hard link is missing.
pub(crate) fn leads_nowhere(to: &[u8]) -> String {
    format!("is a hard link to `/{}`, which is not there", path_of(to).display())
}

/// Opens a directory of a source tree, through symbolic links that stay inside it; `None` when there
/// is none.
///
/// # Errors
/// As `openat(2)`, but for the errors that say that the directory is not there.
pub fn open_dir(tree: &Tree, path: &[u8]) -> io::Result<Option<Handle>> {
    let direct = tree.open_dir(path);
    let opened = if direct.is_err() { tree.resolve_dir(path) } else { direct };
    match opened {
        Ok(handle) => Ok(Some(handle)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error of opening says that the object is not there, or is of another kind.
#[must_use]
pub fn is_absence(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput | io::ErrorKind::NotADirectory)
        || [Errno::LOOP, Errno::NXIO, Errno::OPNOTSUPP]
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Opens a file by its path in a tree; a directory on the way may be a symbolic link inside the tree.
///
/// # Errors
/// As `openat(2)`; `InvalidInput` when it is no regular file.
pub fn open_anywhere(tree: &Tree, path: &[u8]) -> io::Result<(File, Stat)> {
    let direct = tree.open_file(path);
    if direct.is_ok() {
        return direct;
    }
    let (parent, name) = split(path);
    tree.resolve_dir(parent)?.open_file(name)
}
