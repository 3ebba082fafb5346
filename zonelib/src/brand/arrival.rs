//! Where a zone root that is to be attached comes from, and whether it is one.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::config::{DETACHED, ZoneConfig};
use crate::host::DatasetName;
use crate::host::zfs::Datasets;
use crate::recipe::Recipe;
use crate::root::Tree;
use crate::storage::{self, ROOT, StorageError};

use super::HookError;

/// What every zone root has.
const ETC: &[u8] = b"etc";

/// Where the zone root comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It is in the zonepath already.
    Zonepath,
    /// An archive, tar or cpio, plain or by gzip.
    Archive(PathBuf),
    /// A directory: a zone root, or a zonepath.
    Directory(PathBuf),
    /// What is in a dataset, which has to be mounted.
    Dataset(DatasetName),
    /// A stream of `zfs send`.
    Stream(PathBuf),
}

/// The zone root that a directory is or holds. As in archives, what has an `etc` is a zone root: the home of the
/// zone's root user may be called `root` and hold one too, so that is no sign of a zonepath.
///
/// # Errors
/// [`HookError`]: it cannot be opened, or is the zonepath of another brand's zone.
pub(super) fn root_in(directory: &Path, recipe: &Recipe) -> Result<Tree, HookError> {
    let found = Tree::open(directory).map_err(HookError::system(directory))?;
    if found.open_dir(ETC).is_err()
        && let Ok(root) = found.enter(ROOT.as_bytes())
        && root.open_dir(ETC).is_ok()
    {
        check_detached(&found, recipe)?;
        return Ok(root);
    }
    Ok(found)
}

/// Refuses a zonepath that a zone of another brand was detached in.
///
/// # Errors
/// [`HookError`].
pub(super) fn check_detached(zonepath: &Tree, recipe: &Recipe) -> Result<(), HookError> {
    let path = zonepath.path();
    let handle = zonepath.handle().map_err(HookError::system(path))?;
    match ZoneConfig::read_detached(&handle, path)? {
        Some(detached) => check_brand(&detached, &path.join(DETACHED), recipe),
        None => Ok(()),
    }
}

/// Refuses the configuration of a zone of another brand.
///
/// # Errors
/// [`HookError::Refused`].
pub(super) fn check_brand(detached: &ZoneConfig, file: &Path, recipe: &Recipe) -> Result<(), HookError> {
    let brand = &recipe.name;
    match &detached.brand {
        Some(found) if found.to_string() != *brand => Err(HookError::Refused(format!(
            "{}: the zone was of brand `{found}` when it was detached, not `{brand}`; configure it with its own brand",
            file.display()
        ))),
        _ => Ok(()),
    }
}

/// A root is a zone's when packages are recorded in it.
///
/// # Errors
/// [`HookError::Refused`].
pub(super) fn check_root(root: &Tree, recipe: &Recipe) -> Result<(), HookError> {
    let contents = contents::database::CONTENTS.as_bytes();
    root.open_file(contents).map(drop).map_err(|source| {
        let path = root.path().join(contents::database::CONTENTS);
        HookError::Refused(format!(
            "{}: {source}: a root of brand `{}` has its package database there, so this is none",
            path.display(),
            recipe.name
        ))
    })
}

/// Where a dataset is mounted.
///
/// # Errors
/// [`HookError`]: nowhere, or there is none.
pub(super) fn place_of(dataset: &DatasetName) -> Result<PathBuf, HookError> {
    if let Some(place) = storage::mounts()?.place_of(dataset.as_str()) {
        return Ok(place.to_owned());
    }
    let problem = match Datasets::only(dataset.as_str()).map_err(StorageError::from)? {
        None => "there is no such dataset; a directory begins with `/`".to_owned(),
        Some(found) if found.mountpoint.as_deref() == Some("legacy") => {
            format!("is not mounted; mount it: `mount -F zfs {dataset} /mnt`")
        }
        Some(_) => format!("is not mounted; mount it: `zfs mount {dataset}`"),
    };
    Err(StorageError::Datasets { dataset: dataset.to_string(), problem }.into())
}

/// A file that somebody has named. Other objects could keep a reader waiting, or have no end.
///
/// # Errors
/// [`HookError`]: it is none, or cannot be opened.
pub(super) fn open_file(path: &Path) -> Result<File, HookError> {
    let found = std::fs::metadata(path).map_err(HookError::system(path))?;
    if found.is_file() {
        return File::open(path).map_err(HookError::system(path));
    }
    let kind = if found.is_dir() { "a directory" } else { "no regular file" };
    Err(HookError::Refused(format!("{}: is {kind}; give a file", path.display())))
}
