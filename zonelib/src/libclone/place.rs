//! Where a clone may be: in a directory of its own, for whatever is in it and belongs to nothing goes.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use contents::Kind;

use super::{Clone, CloneError, State, place_in};

/// What stands where a clone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    EmptyDirectory,
    Directory,
}

/// Looks. What is no directory is an error.
pub(super) fn look(at: &Path) -> Result<Found, CloneError> {
    let refuse = |problem: &str| Err(CloneError::Place { path: at.to_owned(), problem: problem.to_owned() });
    match std::fs::symlink_metadata(at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(CloneError::system(at)(error)),
        Ok(stat) if stat.is_symlink() => {
            refuse("is a symbolic link, and a clone is a directory of its own; remove the link")
        }
        Ok(stat) if !stat.is_dir() => refuse("is no directory; remove it"),
        Ok(_) => match std::fs::read_dir(at).map_err(CloneError::system(at))?.next() {
            None => Ok(Found::EmptyDirectory),
            Some(_) => Ok(Found::Directory),
        },
    }
}

/// Refuses a place that holds, or lies in, what is cloned or what packages deliver.
pub(super) fn check(clone: &Clone<'_>) -> Result<(), CloneError> {
    let refuse = |problem: String| Err(CloneError::Place { path: clone.at.clone(), problem });
    let directory = &clone.directory[0];
    let image = resolved(clone.image.tree.path());
    let original = resolved(&place_in(&image, Path::new(directory))?);
    let place = resolved(&clone.at);
    if place.starts_with(&original) || original.starts_with(&place) || same(&place, &original) {
        return refuse(format!("is no place for a clone of `{}`; give another", original.display()));
    }
    let Ok(inside) = place.strip_prefix(&image) else { return Ok(()) };
    let path = [b"/", inside.as_os_str().as_bytes()].concat();
    let delivered = |kind| !matches!(kind, Kind::Directory | Kind::Exclusive | Kind::Information);
    match clone.image.contents.below(&path).find(|entry| delivered(entry.kind())) {
        Some(entry) => {
            let entry = crate::populate::printable(entry.path_bytes());
            refuse(format!("is no place for a clone: packages deliver `{entry}`"))
        }
        None => Ok(()),
    }
}

/// Refuses to take away what somebody else has put there, but for the place that the recipe has for this
/// clone: there it is the clone of an older tool.
pub(super) fn check_owner(clone: &Clone<'_>, state: State, found: Found) -> Result<(), CloneError> {
    let usual = resolved(&place_in(clone.image.tree.path(), Path::new(clone.usual))?);
    if state != State::Absent || found != Found::Directory || resolved(&clone.at) == usual {
        return Ok(());
    }
    let problem = format!("holds something that is no clone of {}; empty it, or give another", clone.directory[0]);
    Err(CloneError::Place { path: clone.at.clone(), problem })
}

/// A path with every existing part resolved.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for existing in path.ancestors() {
        if let Ok(real) = existing.canonicalize() {
            return real.join(path.strip_prefix(existing).unwrap_or(Path::new("")));
        }
    }
    path
}

/// Whether two paths are one directory, by whatever mounts.
fn same(a: &Path, b: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|stat| (stat.dev(), stat.ino()));
    identity(a).is_some_and(|identity_of_a| Some(identity_of_a) == identity(b))
}
