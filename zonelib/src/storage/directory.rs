//! A zone root in a plain directory.

use std::path::{Path, PathBuf};

use crate::journal::{Journal, Undo};
use crate::root::{Handle, Stat, Timestamp, Tree, set_attributes};

use super::place::{check_form, check_resolved};
use super::{CLOSED, ROOT, ROOT_MODE, Storage, StorageError, keep_out_of_environments};

/// `ZONEPATH/root`, or a directory that is to be a template.
#[derive(Debug, Default)]
pub struct Directory {
    zonepath: PathBuf,
    root: PathBuf,
    template: bool,
    outside_environments: bool,
    handle: Option<Handle>,
}

impl Directory {
    /// The root of a zone.
    ///
    /// # Errors
    /// [`StorageError::BadPath`]: not absolute, or not canonical.
    pub fn of_zone(zonepath: &Path) -> Result<Self, StorageError> {
        check_form(zonepath)?;
        Ok(Self { zonepath: zonepath.to_owned(), root: zonepath.join(ROOT), ..Self::default() })
    }

    /// A template: the path itself, which has to exist.
    ///
    /// # Errors
    /// As [`Directory::of_zone`].
    pub fn of_template(path: &Path) -> Result<Self, StorageError> {
        check_form(path)?;
        Ok(Self { zonepath: path.to_owned(), root: path.to_owned(), template: true, ..Self::default() })
    }

    /// The same, refused where its file system is that of a boot environment.
    #[must_use]
    pub(super) fn outside_environments(self) -> Self {
        Self { outside_environments: true, ..self }
    }

    fn bad(&self, problem: impl Into<String>) -> StorageError {
        StorageError::BadPath { path: self.zonepath.clone(), problem: problem.into() }
    }

    fn occupied(&self, problem: &str) -> StorageError {
        StorageError::Occupied { path: self.root.clone(), problem: problem.to_owned() }
    }

    fn check_empty(&self, handle: &Handle) -> Result<(), StorageError> {
        let stat = handle.stat_self().map_err(StorageError::system(&self.root))?;
        let names = handle.list().map_err(StorageError::system(&self.root))?;
        match (names.is_empty(), stat.mode == CLOSED && !self.template) {
            (true, _) => Ok(()),
            (false, true) => {
                Err(self.occupied("was left by an installation that did not finish; remove it and try again"))
            }
            (false, false) => Err(self.occupied("is not empty")),
        }
    }

    fn check_vacant(&self) -> Result<(), StorageError> {
        match std::fs::symlink_metadata(&self.zonepath) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if self.template {
                    return Err(self.bad("does not exist; a template is made in a directory that does"));
                }
                let parent = self.zonepath.parent().unwrap_or(Path::new("/"));
                if !parent.is_dir() {
                    return Err(self.bad("does not exist, and neither does its parent directory"));
                }
                return check_resolved(&self.zonepath, parent);
            }
            Err(error) => return Err(StorageError::system(&self.zonepath)(error)),
            Ok(stat) if stat.is_symlink() => return Err(self.occupied_zonepath("is a symbolic link")),
            Ok(stat) if !stat.is_dir() => return Err(self.occupied_zonepath("is not a directory")),
            Ok(_) => {}
        }
        check_resolved(&self.zonepath, &self.zonepath)?;
        match std::fs::symlink_metadata(&self.root) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StorageError::system(&self.root)(error)),
            Ok(stat) if stat.is_symlink() => Err(self.occupied("is a symbolic link")),
            Ok(stat) if !stat.is_dir() => Err(self.occupied("is not a directory")),
            Ok(_) => self.check_empty(&self.open_root()?),
        }
    }
}

impl Storage for Directory {
    fn check(&self) -> Result<(), StorageError> {
        // What stands there is the more important news.
        self.check_vacant()?;
        if self.outside_environments { keep_out_of_environments(&self.zonepath) } else { Ok(()) }
    }

    fn prepare(&mut self, journal: &mut Journal) -> Result<Handle, StorageError> {
        self.check()?;
        if !self.zonepath.exists() {
            journal.step(Undo::RemoveDirectory { path: self.zonepath.clone() })?;
            make_closed(&self.zonepath)?;
        }
        if !self.template {
            let zonepath = Tree::open(&self.zonepath).map_err(StorageError::system(&self.zonepath))?;
            let handle = zonepath.handle().map_err(StorageError::system(&self.zonepath))?;
            let exists = handle.stat(ROOT.as_bytes()).map_err(StorageError::system(&self.root))?.is_some();
            if !exists {
                journal.step(Undo::RemoveDirectory { path: self.root.clone() })?;
                handle.create_dir(ROOT.as_bytes()).map_err(StorageError::system(&self.root))?;
            }
        }
        let handle = self.open_root()?;
        if !handle.lock().map_err(StorageError::system(&self.root))? {
            return Err(self.occupied("is being filled by another process"));
        }
        // Again, through the handle: whatever came between the look and the lock.
        self.check_empty(&handle)?;
        let stat = handle.stat_self().map_err(StorageError::system(&self.root))?;
        journal.step(Undo::Empty { path: self.root.clone(), identity: stat.identity, mode: stat.mode })?;
        set_attributes(&handle, None, CLOSED, stat.modified).map_err(StorageError::system(&self.root))?;
        let copy = handle.open_self().map_err(StorageError::system(&self.root))?;
        self.handle = Some(handle);
        Ok(copy)
    }

    fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref()
    }

    fn root(&self) -> &Path {
        &self.root
    }
}

impl Directory {
    fn occupied_zonepath(&self, problem: &str) -> StorageError {
        StorageError::Occupied { path: self.zonepath.clone(), problem: problem.to_owned() }
    }

    fn open_root(&self) -> Result<Handle, StorageError> {
        let fail = StorageError::system(&self.root);
        let zonepath = Tree::open(&self.zonepath).map_err(StorageError::system(&self.zonepath))?;
        let inside: &[u8] = if self.template { b"" } else { ROOT.as_bytes() };
        zonepath.open_dir(inside).map_err(fail)
    }
}

/// Makes a directory for root alone.
pub(crate) fn make_closed(path: &Path) -> Result<(), StorageError> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let made = std::fs::DirBuilder::new().mode(CLOSED).create(path);
    // The mask may have taken some of it.
    let mode = std::fs::Permissions::from_mode(CLOSED);
    made.and_then(|()| std::fs::set_permissions(path, mode)).map_err(StorageError::system(path))
}

/// Gives a zone root that was filled what zoneadm(8) insists on.
pub(crate) fn declare_whole(root: &Path) -> Result<(), StorageError> {
    let handle = Tree::open(root).and_then(|tree| tree.handle()).map_err(StorageError::system(root))?;
    make_whole(&handle).map_err(StorageError::system(root))
}

/// Gives a zone root what zoneadm(8) insists on.
pub(super) fn make_whole(handle: &Handle) -> std::io::Result<()> {
    let owner = crate::host::is_root().then_some((0, 0));
    let modified = handle.stat_self().map_or(Timestamp::default(), |stat: Stat| stat.modified);
    set_attributes(handle, owner, ROOT_MODE, modified)
}
