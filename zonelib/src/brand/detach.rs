//! The detach hook: makes a zone root something that can be carried to another host.
//!
//! The root's dataset becomes an ordinary one that is mounted by itself on `ZONEPATH/root`, and the zone's
//! configuration goes into the zonepath.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::{self, DETACHED, ZoneName};
use crate::host::{self, zfs};
use crate::journal::{Journal, Recovered, StateDir, Undo};
use crate::storage::{self, StorageError, ZoneDatasets};

use super::HookError;
use super::error::go_on;
use super::state::{mount_active, plain_root};

/// What is to be detached.
#[derive(Clone, Debug)]
pub struct Detach {
    /// The zone.
    pub zone: ZoneName,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// Where the journal is.
    pub state: StateDir,
}

/// What a detached root's dataset is to have, in the order in which it can be set: while a dataset belongs
/// to a zone, its mountpoint cannot be changed.
fn detached_properties(root: &Path) -> [(&'static str, String); 3] {
    [("zoned", "off".to_owned()), ("canmount", "on".to_owned()), ("mountpoint", root.to_string_lossy().into_owned())]
}

impl Detach {
    /// The zone's configuration, as zonecfg(8) keeps it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn manifest(&self) -> Result<String, HookError> {
        let path = config::file(&self.zone);
        fs::read_to_string(&path).map_err(HookError::system(&path))
    }

    /// Looks whether it could be done.
    ///
    /// # Errors
    /// [`HookError`]: there is no root, or not one alone.
    pub fn check(&self) -> Result<(), HookError> {
        match ZoneDatasets::find(&self.zonepath, None)? {
            Some(datasets) => Ok(datasets.active().map(drop)?),
            None => plain_root(&self.zonepath),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// [`HookError`]; the zone is as before.
    pub fn run(&self, recovered: impl FnOnce(&Recovered)) -> Result<(), HookError> {
        if !host::is_root() {
            return Err(HookError::NotRoot);
        }
        Ok(Journal::during(&self.state, &self.zone, ("detach", false), recovered, |journal| {
            let manifest = self.manifest()?;
            let datasets = ZoneDatasets::find(&self.zonepath, None)?;
            if datasets.is_none() {
                plain_root(&self.zonepath)?;
            }
            self.write_manifest(&manifest, journal)?;
            match datasets {
                Some(datasets) => self.release(&datasets, journal),
                None => Ok(()),
            }
        })?)
    }

    fn write_manifest(&self, manifest: &str, journal: &mut Journal) -> Result<(), HookError> {
        let path = self.zonepath.join(DETACHED);
        let new = self.zonepath.join(format!(".{DETACHED}.new"));
        journal.step(Undo::RemoveFile { path: new.clone() })?;
        if fs::symlink_metadata(&path).is_err() {
            journal.step(Undo::RemoveFile { path: path.clone() })?;
        }
        write_beside(&new, &path, manifest).map_err(HookError::system(&path))
    }

    fn release(&self, datasets: &ZoneDatasets, journal: &mut Journal) -> Result<(), HookError> {
        go_on()?;
        mount_active(datasets, journal)?;
        let name = datasets.active()?.name.clone();
        let wanted = detached_properties(&datasets.root());
        let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
        let before = zfs::own_values(&name, &names).map_err(StorageError::from)?;
        let differ: Vec<_> =
            wanted.iter().zip(before).filter(|((_, value), before)| before.as_deref() != Some(value)).collect();
        if differ.is_empty() {
            return Ok(());
        }
        // A root that is in use says so before anything of it is another.
        journal.step(Undo::Mount { dataset: name.clone(), path: datasets.root() })?;
        zfs::unmount(&datasets.root())?;
        for ((property, value), before) in differ {
            go_on()?;
            let undo = Undo::Property { dataset: name.clone(), property: (*property).to_owned(), value: before };
            journal.step(undo)?;
            zfs::set(&name, (property, value))?;
        }
        // The new mountpoint has mounted it, unless that was there before.
        if storage::mounts()?.place_of(&name).is_none() {
            zfs::mount_in_place(&name)?;
        }
        Ok(())
    }
}

/// Replaces a file as a whole.
fn write_beside(new: &Path, path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(new)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}
