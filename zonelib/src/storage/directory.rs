//! A zone root in a plain directory.

use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::root::{Handle, Stat, Timestamp, Tree, clear, set_attributes};

use super::{Storage, StorageError};

/// The mode of a finished zone root, which zoneadm(8) insists on.
const ROOT_MODE: u32 = 0o755;
/// The mode of a root that is being filled, and of a zonepath.
const CLOSED: u32 = 0o700;
/// The zone root's name in its zonepath.
const ROOT: &str = "root";

/// `ZONEPATH/root`, or a directory that is to be a template.
#[derive(Debug)]
pub struct Directory {
    zonepath: PathBuf,
    root: PathBuf,
    template: bool,
    handle: Option<Handle>,
}

impl Directory {
    /// The root of a zone.
    ///
    /// # Errors
    /// [`StorageError::BadPath`]: not absolute, or not canonical.
    pub fn of_zone(zonepath: &Path) -> Result<Self, StorageError> {
        check_form(zonepath)?;
        Ok(Self { zonepath: zonepath.to_owned(), root: zonepath.join(ROOT), template: false, handle: None })
    }

    /// A template: the path itself, which has to exist.
    ///
    /// # Errors
    /// As [`Directory::of_zone`].
    pub fn of_template(path: &Path) -> Result<Self, StorageError> {
        check_form(path)?;
        Ok(Self { zonepath: path.to_owned(), root: path.to_owned(), template: true, handle: None })
    }

    /// Refuses a place that lies in a directory which the zone is made from or mounts.
    ///
    /// # Errors
    /// [`StorageError::BadPath`].
    pub fn keep_out_of(&self, image: &Path, shared: &[PathBuf]) -> Result<(), StorageError> {
        let bad = |problem: String| Err(StorageError::BadPath { path: self.zonepath.clone(), problem });
        let image = image.canonicalize().unwrap_or_else(|_| image.to_owned());
        let identity = |path: &Path| std::fs::metadata(path).ok().map(|stat| (stat.dev(), stat.ino()));
        let same = |path: &Path| path == image || identity(path).is_some_and(|own| Some(own) == identity(&image));
        if same(&self.zonepath) || same(&self.root) || image.starts_with(&self.root) {
            return bad(format!("is the image `{}` itself", image.display()));
        }
        let own = resolved(&self.zonepath);
        for share in shared {
            let share = share.canonicalize().unwrap_or_else(|_| share.clone());
            if own.starts_with(&share) {
                return bad(format!("lies in `{}`, which zones share", share.display()));
            }
        }
        Ok(())
    }

    /// Refuses a zonepath and a clone that zones mount which lie in each other.
    ///
    /// # Errors
    /// [`StorageError::BadPath`].
    pub fn keep_apart_from(&self, clone: &Path) -> Result<(), StorageError> {
        let (own, clone) = (resolved(&self.zonepath), resolved(clone));
        if own.starts_with(&clone) {
            return Err(self.bad(format!("lies in `{}`, which zones share", clone.display())));
        }
        if clone.starts_with(&own) {
            return Err(self.bad(format!("holds `{}`, which zones are to share", clone.display())));
        }
        Ok(())
    }

    fn bad(&self, problem: impl Into<String>) -> StorageError {
        StorageError::BadPath { path: self.zonepath.clone(), problem: problem.into() }
    }

    fn occupied(&self, problem: &'static str) -> StorageError {
        StorageError::Occupied { path: self.root.clone(), problem }
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
}

/// A path with every existing part resolved.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
    existing.canonicalize().unwrap_or_else(|_| existing.to_owned()).join(rest)
}

fn check_form(path: &Path) -> Result<(), StorageError> {
    let bad = |problem: &str| Err(StorageError::BadPath { path: path.to_owned(), problem: problem.to_owned() });
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

impl Storage for Directory {
    fn check(&self) -> Result<(), StorageError> {
        match std::fs::symlink_metadata(&self.zonepath) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if self.template {
                    return Err(self.bad("does not exist; a template is made in a directory that does"));
                }
                let parent = self.zonepath.parent().unwrap_or(Path::new("/"));
                if !parent.is_dir() {
                    return Err(self.bad("does not exist, and neither does its parent directory"));
                }
                return self.check_resolved(parent);
            }
            Err(error) => return Err(StorageError::system(&self.zonepath)(error)),
            Ok(stat) if stat.is_symlink() => return Err(self.occupied_zonepath("is a symbolic link")),
            Ok(stat) if !stat.is_dir() => return Err(self.occupied_zonepath("is not a directory")),
            Ok(_) => {}
        }
        self.check_resolved(&self.zonepath)?;
        match std::fs::symlink_metadata(&self.root) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StorageError::system(&self.root)(error)),
            Ok(stat) if stat.is_symlink() => Err(self.occupied("is a symbolic link")),
            Ok(stat) if !stat.is_dir() => Err(self.occupied("is not a directory")),
            Ok(_) => self.check_empty(&self.open_root()?),
        }
    }

    fn prepare(&mut self) -> Result<Handle, StorageError> {
        self.check()?;
        if !self.zonepath.exists() {
            std::fs::create_dir(&self.zonepath).map_err(StorageError::system(&self.zonepath))?;
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(CLOSED);
            std::fs::set_permissions(&self.zonepath, mode).map_err(StorageError::system(&self.zonepath))?;
        }
        if !self.template {
            let zonepath = Tree::open(&self.zonepath).map_err(StorageError::system(&self.zonepath))?;
            let handle = zonepath.handle().map_err(StorageError::system(&self.zonepath))?;
            let exists = handle.stat(ROOT.as_bytes()).map_err(StorageError::system(&self.root))?.is_some();
            if !exists {
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
        set_attributes(&handle, None, CLOSED, stat.modified).map_err(StorageError::system(&self.root))?;
        let copy = handle.open_self().map_err(StorageError::system(&self.root))?;
        self.handle = Some(handle);
        Ok(copy)
    }

    fn commit(&mut self) -> Result<(), StorageError> {
        let Some(handle) = &self.handle else { return Ok(()) };
        let owner = crate::host::is_root().then_some((0, 0));
        let modified = handle.stat_self().map_or(Timestamp::default(), |stat: Stat| stat.modified);
        set_attributes(handle, owner, ROOT_MODE, modified).map_err(StorageError::system(&self.root))
    }

    fn abandon(&mut self) -> Result<(), StorageError> {
        let Some(handle) = &self.handle else { return Ok(()) };
        clear(handle).map_err(StorageError::system(&self.root))?;
        self.commit()
    }

    fn root(&self) -> &Path {
        &self.root
    }
}

impl Directory {
    fn occupied_zonepath(&self, problem: &'static str) -> StorageError {
        StorageError::Occupied { path: self.zonepath.clone(), problem }
    }

    /// zoneadm(8) takes a zonepath only by its real name.
    fn check_resolved(&self, existing: &Path) -> Result<(), StorageError> {
        let resolved = existing.canonicalize().map_err(StorageError::system(existing))?;
        if resolved == existing {
            return Ok(());
        }
        Err(self.bad(format!("goes through a symbolic link; `{}` is `{}`", existing.display(), resolved.display())))
    }

    fn open_root(&self) -> Result<Handle, StorageError> {
        let fail = StorageError::system(&self.root);
        let zonepath = Tree::open(&self.zonepath).map_err(StorageError::system(&self.zonepath))?;
        let inside: &[u8] = if self.template { b"" } else { ROOT.as_bytes() };
        zonepath.open_dir(inside).map_err(fail)
    }
}
