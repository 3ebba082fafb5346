//! Where a zonepath may be.

use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::StorageError;

fn bad(path: &Path, problem: impl Into<String>) -> StorageError {
    StorageError::BadPath { path: path.to_owned(), problem: problem.into() }
}

/// Refuses a zonepath, and its root, that is the image or lies in a directory which zones mount.
///
/// # Errors
/// [`StorageError::BadPath`].
pub fn keep_out_of(zonepath: &Path, root: &Path, image: &Path, shared: &[PathBuf]) -> Result<(), StorageError> {
    let image = image.canonicalize().unwrap_or_else(|_| image.to_owned());
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|stat| (stat.dev(), stat.ino()));
    let same = |path: &Path| path == image || identity(path).is_some_and(|own| Some(own) == identity(&image));
    if same(zonepath) || same(root) || image.starts_with(root) {
        return Err(bad(zonepath, format!("is the image `{}` itself", image.display())));
    }
    let own = resolved(zonepath);
    for share in shared {
        let share = share.canonicalize().unwrap_or_else(|_| share.clone());
        if own.starts_with(&share) {
            return Err(bad(zonepath, format!("lies in `{}`, which zones share", share.display())));
        }
    }
    Ok(())
}

/// Refuses a zonepath and a clone that zones mount which lie in each other.
///
/// # Errors
/// [`StorageError::BadPath`].
pub fn keep_apart_from(zonepath: &Path, clone: &Path) -> Result<(), StorageError> {
    let (own, clone) = (resolved(zonepath), resolved(clone));
    if own.starts_with(&clone) {
        return Err(bad(zonepath, format!("lies in `{}`, which zones share", clone.display())));
    }
    if clone.starts_with(&own) {
        return Err(bad(zonepath, format!("holds `{}`, which zones are to share", clone.display())));
    }
    Ok(())
}

/// zoneadm(8) takes a zonepath only by its real name.
pub(super) fn check_resolved(zonepath: &Path, existing: &Path) -> Result<(), StorageError> {
    let resolved = existing.canonicalize().map_err(StorageError::system(existing))?;
    if resolved == existing {
        return Ok(());
    }
    let (existing, resolved) = (existing.display(), resolved.display());
    Err(bad(zonepath, format!("goes through a symbolic link; `{existing}` is `{resolved}`")))
}

/// A path with every existing part resolved.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
    existing.canonicalize().unwrap_or_else(|_| existing.to_owned()).join(rest)
}

/// Refuses what is not absolute and canonical.
pub(super) fn check_form(path: &Path) -> Result<(), StorageError> {
    let bad = |problem| Err(bad(path, problem));
    if !path.is_absolute() {
        return bad("is not an absolute path");
    }
    let plain = |component| matches!(component, Component::RootDir | Component::Normal(_));
    let dots = path.to_string_lossy().split('/').any(|part| part == "." || part == "..");
    if dots || !path.components().all(plain) {
        return bad("has a `.` or `..` component");
    }
    if path == Path::new("/") {
        return bad("is the root of the system");
    }
    Ok(())
}
