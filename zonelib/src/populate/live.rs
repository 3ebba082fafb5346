//! What stands in a source tree, asked by path.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::root::{FileKind, Handle, Stat, Tree};

use super::action::{Origin, What, split};
use super::apply::{Trees, path_of};
use super::plan::{Missing, Plan};

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

/// The files of a plan that their source trees do not have, as applying it would find. This looks at
/// every file, so only a dry run asks for it.
///
/// # Errors
/// A directory of a source cannot be read, with the path.
pub fn absent(plan: &Plan<'_>, trees: Trees<'_>) -> Result<Vec<Missing>, (PathBuf, io::Error)> {
    let mut image = Live::new(trees.of(Origin::Image));
    let mut template = Live::new(trees.of(Origin::Template));
    let lost = |path: &[u8], reason: String| Missing { path: path.to_vec(), reason };
    // In the order of their paths, as the actions are.
    let mut gone: Vec<Missing> = Vec::new();
    for action in &plan.actions {
        let What::File { source, .. } = &action.what else { continue };
        let from = source.path.as_deref().unwrap_or(&action.path);
        let live = if source.origin == Origin::Image { &mut image } else { &mut template };
        match live.stat(from).map_err(|error| (path_of(from), error))? {
            Some(stat) if stat.kind == FileKind::Regular => {}
            Some(_) => gone.push(lost(&action.path, NO_FILE.to_owned())),
            None => gone.push(lost(&action.path, NOT_THERE.to_owned())),
        }
    }
    let mut unlinked = Vec::new();
    for action in &plan.actions {
        if let What::HardLink { to } = &action.what
            && gone.binary_search_by(|missing| missing.path.as_slice().cmp(to)).is_ok()
        {
            unlinked.push(lost(&action.path, leads_nowhere(to)));
        }
    }
    gone.extend(unlinked);
    Ok(gone)
}

const NOT_THERE: &str = "is not in the image";
const NO_FILE: &str = "is no regular file in the image";

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
