//! A file in a zone as it was.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StateDir;
use super::undo::{UndoError, system};
use crate::config::ZoneName;
use crate::host;
use crate::populate::split;
use crate::root::{Timestamp, Tree, WholeFile, put_file, remove_empty_folder};
use crate::storage::{OpenRoot, ROOT, ZoneDatasets};

/// The root that a file is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RootOf {
    /// The global zone.
    Global,
    /// An installed zone.
    Zone {
        /// Its name.
        zone: ZoneName,
        /// Its zonepath.
        zonepath: PathBuf,
    },
}

/// A small file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedFile {
    /// A character a byte, for it may be any bytes.
    latin1: String,
    mode: u32,
    owner: (u32, u32),
    modified: Option<Timestamp>,
}

impl SavedFile {
    /// One that is there.
    #[must_use]
    pub(crate) fn new(file: &WholeFile<'_>) -> Self {
        let WholeFile { bytes, mode, owner, modified } = *file;
        Self { latin1: bytes.iter().map(|&byte| char::from(byte)).collect(), mode, owner, modified }
    }

    fn bytes(&self) -> Vec<u8> {
        self.latin1.chars().filter_map(|letter| u8::try_from(u32::from(letter)).ok()).collect()
    }
}

impl RootOf {
    /// What it is called in a sentence.
    #[must_use]
    pub fn called(&self) -> String {
        match self {
            Self::Global => "the global zone".to_owned(),
            Self::Zone { zone, .. } => format!("zone `{zone}`"),
        }
    }

    fn is_gone(&self) -> bool {
        matches!(self, Self::Zone { zonepath, .. } if !zonepath.exists())
    }

    /// Opens the root, wherever it is, and works in it. One that is not mounted is mounted for that.
    ///
    /// # Errors
    /// Those of `work`; or what keeps it from being opened or closed.
    pub fn within<R, E>(&self, state: &StateDir, work: impl FnOnce(&Tree) -> Result<R, E>) -> Result<R, E>
    where
        E: From<io::Error>,
    {
        match self {
            Self::Global => work(&Tree::open(&host::place("/"))?),
            Self::Zone { zonepath, .. } if has_plain_root(zonepath)? => {
                work(&Tree::open(zonepath)?.enter(ROOT.as_bytes())?)
            }
            Self::Zone { zone, zonepath } => {
                let root = OpenRoot::open(state, zone, zonepath, None, false).map_err(io::Error::other)?;
                let done = work(root.tree());
                let closed = root.close();
                let done = done?;
                closed.map_err(io::Error::other)?;
                Ok(done)
            }
        }
    }
}

/// Whether there is one root only, as zones of other brands have it: in no dataset of its own that would have to be mounted.
fn has_plain_root(zonepath: &Path) -> io::Result<bool> {
    let datasets = ZoneDatasets::find(zonepath, None).map_err(io::Error::other)?;
    Ok(datasets.is_none_or(|datasets| datasets.environments().is_empty()))
}

/// Whether a file is as it was.
fn is_as_before(tree: &Tree, path: &[u8], before: Option<&SavedFile>) -> io::Result<bool> {
    let (parent, name) = split(path);
    let found = match tree.open_dir(parent).and_then(|folder| folder.stat(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        found => found?,
    };
    let (Some(found), Some(before)) = (found, before) else { return Ok(found.is_none() && before.is_none()) };
    let same = (found.mode & 0o7777, (found.uid, found.gid)) == (before.mode & 0o7777, before.owner)
        && before.modified.is_none_or(|modified| modified == found.modified);
    let bytes = before.bytes();
    Ok(same && found.size == bytes.len() as u64 && tree.read(path, found.size)? == bytes)
}

/// Puts it back; one that belongs to a zone that is gone is gone with it.
pub(super) fn restore(root: &RootOf, state: &Path, path: &str, before: Option<&SavedFile>) -> Result<(), UndoError> {
    if root.is_gone() {
        return Ok(());
    }
    let bytes = before.map(SavedFile::bytes).unwrap_or_default();
    let put = |tree: &Tree| match before {
        // A root that cannot be written to any more was not changed either.
        _ if is_as_before(tree, path.as_bytes(), before).unwrap_or(false) => Ok(()),
        Some(SavedFile { mode, owner, modified, .. }) => {
            let file = WholeFile { bytes: &bytes, mode: *mode, owner: *owner, modified: *modified };
            put_file(tree, path.as_bytes(), Some(&file))
        }
        None => put_file(tree, path.as_bytes(), None),
    };
    root.within(&StateDir::new(state), put).map_err(system(Path::new(path)))
}

/// Removes a folder that was made, if nothing is in it.
pub(super) fn remove_folder(root: &RootOf, state: &Path, path: &str) -> Result<(), UndoError> {
    if root.is_gone() {
        return Ok(());
    }
    let remove = |tree: &Tree| remove_empty_folder(tree, path.as_bytes());
    root.within(&StateDir::new(state), remove).map_err(system(Path::new(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        let saved = SavedFile::new(&WholeFile { bytes: &bytes, mode: 0o644, owner: (0, 3), modified: None });
        let text = serde_json::to_string(&saved).unwrap();
        assert_eq!(serde_json::from_str::<SavedFile>(&text).unwrap().bytes(), bytes);
    }
}
